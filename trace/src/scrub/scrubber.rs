//! One pass over a text: find what must go, settle overlaps, write placeholders.
//!
//! Neighbours: the finders (`prefixes`, `context`, `structures`, `commands`, `manifest`, `sections`, `homes`,
//! `pii`) report spans of the original text and decide nothing else. Must not know any format of a secret.

use std::ops::Range;
use std::sync::OnceLock;

use super::account::Accounts;
use super::commands::Commands;
use super::context::Context;
use super::homes::Homes;
use super::logins;
use super::manifest::Manifests;
use super::pii::Pii;
use super::placeholder::{self, Label};
use super::prefixes::Prefixes;
use super::sections::Sections;
use super::structures::Structures;
use super::text::Scrubbed;

/// A part of the text that must not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) range: Range<usize>,
    pub(super) label: Label,
}

impl Finding {
    pub(super) fn new(range: Range<usize>, label: Label) -> Self {
        Self { range, label }
    }
}

/// Replaces secrets, then personal data, by stable placeholders such as `[EMAIL_1a2b3c]`.
///
/// Building one compiles its patterns; share [`Scrubber::shared`].
#[derive(Debug)]
pub struct Scrubber {
    prefixes: Prefixes,
    context: Context,
    structures: Structures,
    pii: Pii,
    homes: Homes,
    accounts: Accounts,
    commands: Commands,
    manifests: Manifests,
    sections: Sections,
}

/// A replacement can bring two pieces together that were apart, so a changed text is looked at
/// again. In practice the second look finds nothing; the limit is for hostile text.
const PASSES_MAX: usize = 12;

impl Scrubber {
    /// The one scrubber of the process.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Scrubber> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    fn new() -> Self {
        Self {
            prefixes: Prefixes::new(),
            context: Context::new(),
            structures: Structures::new(),
            pii: Pii::new(),
            homes: Homes::new(),
            accounts: Accounts::new(),
            commands: Commands::new(),
            manifests: Manifests::new(),
            sections: Sections::new(),
        }
    }

    /// The text without secrets and personal data. Scrubbing again changes nothing.
    ///
    /// ```
    /// use trace::scrub::Scrubber;
    /// let clean = Scrubber::shared().scrub("mail kim.lee@acme.org at 10:30");
    /// assert!(clean.as_str().starts_with("mail [EMAIL_"));
    /// assert!(clean.as_str().ends_with("] at 10:30"));
    /// ```
    #[must_use]
    pub fn scrub(&self, text: &str) -> Scrubbed {
        let mut current = None;
        for _ in 0..PASSES_MAX {
            let seen = current.as_deref().unwrap_or(text);
            let Some(changed) = self.pass(seen) else {
                break;
            };
            current = Some(changed);
        }
        Scrubbed::new(current.unwrap_or_else(|| text.to_owned()))
    }

    /// The text after one pass, or `None` when nothing was found.
    fn pass(&self, text: &str) -> Option<String> {
        let mut findings = Vec::new();
        self.structures.find(text, &mut findings);
        self.prefixes.find(text, &mut findings);
        self.context.find(text, &mut findings);
        self.pii.find(text, &mut findings);
        self.homes.find(text, &mut findings);
        self.accounts.find(text, &mut findings);
        logins::find(text, &mut findings);
        self.commands.find(text, &mut findings);
        self.manifests.find(text, &mut findings);
        self.sections.find(text, &mut findings);
        if findings.is_empty() {
            return None;
        }
        let kept = placeholder::find_all(text);
        let settled = join_overlaps(outside(findings, &kept));
        if settled.is_empty() {
            return None;
        }
        Some(replace(text, &settled))
    }
}

/// The findings cut around the placeholders that are already there.
fn outside(findings: Vec<Finding>, kept: &[Range<usize>]) -> Vec<Finding> {
    if kept.is_empty() {
        return findings;
    }
    let mut cut = Vec::with_capacity(findings.len());
    for finding in findings {
        let mut start = finding.range.start;
        let first = kept.partition_point(|range| range.end <= start);
        for range in kept[first..]
            .iter()
            .take_while(|range| range.start < finding.range.end)
        {
            // A scrap of a few bytes beside a placeholder is punctuation of the value, not a value.
            if range.start >= start + SCRAP_BYTES_MIN {
                cut.push(Finding::new(start..range.start, finding.label));
            }
            start = start.max(range.end);
        }
        let whole = start == finding.range.start;
        if start < finding.range.end && (whole || finding.range.end - start >= SCRAP_BYTES_MIN) {
            cut.push(Finding::new(start..finding.range.end, finding.label));
        }
    }
    cut
}

const SCRAP_BYTES_MIN: usize = 8;

/// The findings in order, overlapping ones joined under the label that matters most.
fn join_overlaps(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        (a.range.start, b.range.end, a.label).cmp(&(b.range.start, a.range.end, b.label))
    });
    let mut joined: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match joined.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
                last.label = last.label.min(finding.label);
            }
            _ => joined.push(finding),
        }
    }
    joined
}

fn replace(text: &str, settled: &[Finding]) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    let mut from = 0;
    for finding in settled {
        scrubbed.push_str(&text[from..finding.range.start]);
        scrubbed.push_str(&placeholder::of(
            finding.label,
            &text[finding.range.clone()],
        ));
        from = finding.range.end;
    }
    scrubbed.push_str(&text[from..]);
    scrubbed
}
