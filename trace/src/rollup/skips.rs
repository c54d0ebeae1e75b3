//! What was not read, by reason: so many files, so many lines in so many files.
//!
//! Neighbours: [`super::Builder`] adds to it, reports show it. The order of additions never shows in the result.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Skipped;
use crate::scrub::{self, Scrubbed};

/// Most reasons in one document; more are one entry.
pub const REASONS_MAX: usize = 200;

/// What a reason kept from being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Whole files.
    Files,
    /// Lines of files that were read.
    Lines,
    /// Findings beyond the limit of one session.
    Signals,
}

/// One reason with what it kept from being read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipSum {
    /// In plain words, scrubbed. Reasons that differ in figures only are one, with `N` for the figures.
    #[serde(deserialize_with = "scrub::stored")]
    pub reason: Scrubbed,
    /// What `count` counts.
    pub unit: Unit,
    /// How many.
    pub count: u64,
    /// In how many files.
    pub files: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Sum {
    /// The least of the reasons as they were given, and whether there are others.
    reason: Scrubbed,
    varies: bool,
    count: u64,
    files: BTreeSet<Scrubbed>,
}

/// Sums in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SkipSums(BTreeMap<(Unit, String), Sum>);

impl SkipSums {
    pub(super) fn add(&mut self, skipped: &Skipped) {
        let unit = if skipped.line == 0 {
            Unit::Files
        } else {
            Unit::Lines
        };
        let mut files = BTreeSet::new();
        files.insert(skipped.file.clone());
        let sum = Sum {
            reason: skipped.reason.clone(),
            varies: false,
            count: 1,
            files,
        };
        self.put((unit, without_figures(&skipped.reason)), sum);
    }

    /// Adds what was counted and not kept one by one.
    pub(super) fn add_beyond(&mut self, file: &Scrubbed, unit: Unit, count: u64) {
        let reason = match unit {
            Unit::Files => "beyond what is kept one by one",
            Unit::Lines => "beyond what is kept of one file",
            Unit::Signals => "beyond what is kept of one session",
        };
        let mut files = BTreeSet::new();
        if !file.is_empty() {
            files.insert(file.clone());
        }
        let sum = Sum {
            reason: Scrubbed::from_static(reason),
            varies: false,
            count,
            files,
        };
        self.put((unit, reason.to_owned()), sum);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (key, sum) in other.0 {
            self.put(key, sum);
        }
    }

    fn put(&mut self, key: (Unit, String), more: Sum) {
        let Some(sum) = self.0.get_mut(&key) else {
            self.0.insert(key, more);
            return;
        };
        sum.varies |= more.varies || sum.reason != more.reason;
        if more.reason < sum.reason {
            sum.reason = more.reason;
        }
        sum.count = sum.count.saturating_add(more.count);
        sum.files.extend(more.files);
    }

    /// Files first, then lines, then signals; most first, then by reason.
    pub(super) fn finish(self) -> Vec<SkipSum> {
        let mut sums: Vec<SkipSum> = Vec::new();
        for ((unit, shape), sum) in self.0 {
            sums.push(SkipSum {
                reason: if sum.varies {
                    // Made of a scrubbed text by taking figures away.
                    Scrubbed::assembled(shape)
                } else {
                    sum.reason
                },
                unit,
                count: sum.count,
                files: match unit {
                    Unit::Files => sum.count,
                    Unit::Lines | Unit::Signals => sum.files.len() as u64,
                },
            });
        }
        sums.sort_by(|a, b| {
            (a.unit, b.count)
                .cmp(&(b.unit, a.count))
                .then_with(|| a.reason.cmp(&b.reason))
        });
        if sums.len() > REASONS_MAX {
            let rest = sums.split_off(REASONS_MAX);
            sums.extend(rest_of(&rest));
        }
        sums
    }
}

fn rest_of(rest: &[SkipSum]) -> impl Iterator<Item = SkipSum> {
    let of = |unit: Unit| {
        let of_unit = || rest.iter().filter(move |sum| sum.unit == unit);
        SkipSum {
            reason: Scrubbed::from_static("other reasons"),
            unit,
            count: of_unit().map(|sum| sum.count).sum(),
            files: of_unit().map(|sum| sum.files).max().unwrap_or(0),
        }
    };
    [Unit::Files, Unit::Lines, Unit::Signals]
        .map(of)
        .into_iter()
        .filter(|sum| sum.count > 0)
}

/// The reason with `N` for each row of digits, so that a thousand damaged lines are one entry.
fn without_figures(reason: &str) -> String {
    let mut shape = String::with_capacity(reason.len());
    let mut in_figure = false;
    for c in reason.chars() {
        if !c.is_ascii_digit() {
            shape.push(c);
        } else if !in_figure {
            shape.push('N');
        }
        in_figure = c.is_ascii_digit();
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(skipped: &[(&str, u64, &str)]) -> SkipSums {
        let mut sums = SkipSums::default();
        for (file, line, reason) in skipped {
            sums.add(&Skipped::new(file, *line, *reason));
        }
        sums
    }

    fn rows(sums: SkipSums) -> Vec<(String, Unit, u64, u64)> {
        let finished = sums.finish();
        let rows = finished.iter();
        rows.map(|s| (s.reason.to_string(), s.unit, s.count, s.files))
            .collect()
    }

    #[test]
    fn figures_do_not_split_a_reason() {
        let mut all = sums(&[
            ("a", 3, "not JSON: column 4"),
            ("a", 4, "not JSON: column 81"),
            ("b", 9, "not JSON: column 4"),
            ("c", 0, "empty file"),
            ("d", 7, "longer than 16 bytes"),
        ]);
        all.add_beyond(&"a".into(), Unit::Lines, 40);
        let expected = [
            ("empty file", Unit::Files, 1, 1),
            ("beyond what is kept of one file", Unit::Lines, 40, 1),
            ("not JSON: column N", Unit::Lines, 3, 2),
            ("longer than 16 bytes", Unit::Lines, 1, 1),
        ];
        let expected = expected.map(|(r, u, c, f)| (r.to_owned(), u, c, f));
        assert_eq!(rows(all), expected);
    }

    #[test]
    fn the_order_of_additions_does_not_show() {
        let parts = [
            sums(&[("a", 1, "x 1"), ("b", 0, "y")]),
            sums(&[("a", 2, "x 22")]),
            sums(&[("b", 2, "x 3")]),
        ];
        let mut forth = SkipSums::default();
        parts.iter().cloned().for_each(|part| forth.merge(part));
        let mut back = SkipSums::default();
        parts.into_iter().rev().for_each(|part| back.merge(part));
        assert_eq!(rows(forth), rows(back));
    }

    #[test]
    fn reasons_without_end_become_one() {
        let mut all = SkipSums::default();
        for n in 0..REASONS_MAX + 5 {
            let name: String = format!("{n}")
                .chars()
                .map(|c| {
                    if c == '0' {
                        'o'
                    } else {
                        (c as u8 + 48) as char
                    }
                })
                .collect();
            all.add(&Skipped::new("a", 1, name));
        }
        let sums = all.finish();
        assert_eq!(sums.len(), REASONS_MAX + 1);
        assert_eq!(sums[REASONS_MAX].count, 5);
    }
}
