//! The actor's next version: what the critic refused is marked as a guess, or goes.
//!
//! Neighbours: reads the review as `critic` writes it, and the brief through `sentences`. Works on
//! any brief, whoever wrote it. Must not add a claim.

use std::collections::BTreeMap;

use super::critic::{Ground, MARKS};
use super::sentences;
use super::snapshot::Snapshot;
use super::write;

/// What to do about a refused sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cure {
    /// It says from now on that it is a guess.
    Mark,
    /// It goes.
    Drop,
}

/// The brief without what the review refuses. A brief that misses a section is written anew.
#[must_use]
pub fn mend(brief: &str, review: &str, snapshot: &Snapshot) -> String {
    let Some(cures) = cures(review) else {
        return write::write(snapshot);
    };
    let (_, sentences) = sentences::read(brief);
    let mut out = String::with_capacity(brief.len());
    let mut from = 0;
    for sentence in &sentences {
        let cure = cures.get(&sentence.line).and_then(|on_line| {
            on_line
                .iter()
                .find(|(claim, _)| is_claim(claim, &sentence.text))
        });
        let Some((_, cure)) = cure else { continue };
        let has_figures = !sentence.numbers.is_empty() || !sentence.quotes.is_empty();
        out.push_str(&brief[from..sentence.range.start]);
        match cure {
            Cure::Mark if !has_figures => {
                out.push_str(MARKS[0]);
                out.push(' ');
                out.push_str(&sentence.text);
            }
            Cure::Mark | Cure::Drop => {}
        }
        from = sentence.range.end;
    }
    out.push_str(&brief[from..]);
    without_empty_items(&out)
}

/// A review shows claims on one line and without invisible characters.
fn is_claim(shown: &str, text: &str) -> bool {
    shown == super::markdown::visible(text)
}

/// Refused claims by the line of the brief, or `None` when a whole section is missing.
fn cures(review: &str) -> Option<BTreeMap<usize, Vec<(String, Cure)>>> {
    let mut cures: BTreeMap<usize, Vec<(String, Cure)>> = BTreeMap::new();
    let (_, sentences) = sentences::read(review);
    for line in review.lines() {
        let Some((number, rest)) = line
            .strip_prefix("- line ")
            .and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        let (Ok(number), Some(ground)) = (
            number.parse::<usize>(),
            Ground::ALL
                .into_iter()
                .find(|ground| rest.starts_with(ground.name())),
        ) else {
            continue;
        };
        let cure = match ground {
            Ground::MissingSection => return None,
            Ground::Uncited => Cure::Mark,
            Ground::NoSuchCitation | Ground::NotQuoted | Ground::WrongNumber => Cure::Drop,
        };
        // The claim is the last span of the line; a block has none and is known by its line.
        let claim = sentences
            .iter()
            .filter(|sentence| review[..sentence.range.start].ends_with("- "))
            .find(|sentence| sentence.text == line[2..])
            .and_then(|sentence| {
                let has_detail = rest[ground.name().len()..].starts_with(" (");
                sentence.quotes.get(usize::from(has_detail))
            });
        let claim = claim.cloned().unwrap_or_default();
        cures.entry(number).or_default().push((claim, cure));
    }
    Some(cures)
}

/// A list mark of which the sentence was dropped goes too.
fn without_empty_items(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !matches!(line.trim(), "-" | ">"))
        .collect()
}
