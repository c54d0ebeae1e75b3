//! The critic: refuses every claim that its citations do not bear out.
//!
//! Neighbours: reads briefs through `sentences`, figures through `facts`. It is code, so that nobody
//! can talk it round, and it judges a model's brief and the rules' brief alike. What it cannot do is
//! judge whether a cited quote makes a claim *likely*: it checks that claims are cited, that quotes
//! and figures are real, and that guesses are marked as such.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::facts::Facts;
use super::markdown::{span, visible};
use super::sentences::{self, Sentence};
use super::snapshot::{Citation, Snapshot};
use super::write::SECTIONS;

/// Sections in which everything said is a claim about what happened.
const CLAIMING: [&str; 3] = ["Problem", "Evidence", "Root cause analysis"];
/// Starts of sentences that say themselves that nothing bears them out.
pub const MARKS: [&str; 2] = ["Hypothesis (not shown by the evidence):", "Unknown:"];
/// Most refusals written out in full.
const REFUSALS_MAX: usize = 200;

/// Why a claim does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// It cites nothing.
    Uncited,
    /// It cites what does not exist.
    NoSuchCitation,
    /// What it quotes is not in what it cites.
    NotQuoted,
    /// A number in it follows from nothing it cites.
    WrongNumber,
    /// A section is missing.
    MissingSection,
}

impl Ground {
    /// All grounds.
    pub const ALL: [Self; 5] = [
        Self::Uncited,
        Self::NoSuchCitation,
        Self::NotQuoted,
        Self::WrongNumber,
        Self::MissingSection,
    ];

    /// The name in reviews.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uncited => "uncited",
            Self::NoSuchCitation => "no such citation",
            Self::NotQuoted => "not a quote of what it cites",
            Self::WrongNumber => "number not borne out",
            Self::MissingSection => "missing section",
        }
    }
}

/// One claim that does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub ground: Ground,
    /// Line in the brief, from 1; 0 for what is missing.
    pub line: usize,
    /// What about it: the wrong number, the unknown id, the words that are no quote.
    pub detail: String,
    /// The sentence.
    pub claim: String,
}

/// What the critic says of a brief.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Sentences looked at.
    pub claims: u64,
    /// Those that do not stand, in order.
    pub refusals: Vec<Refusal>,
}

impl Review {
    /// The review as people read it. The place of each refusal comes first, so that the actor can
    /// read it back.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let verdict = if self.refusals.is_empty() {
            "accepted"
        } else {
            "refused"
        };
        let mut out = format!(
            "# Review\n\nVerdict: {verdict}. Claims read: {}. Claims refused: {}.\n",
            self.claims,
            self.refusals.len()
        );
        if !self.refusals.is_empty() {
            out.push_str("\n## Refused\n\n");
        }
        for refusal in self.refusals.iter().take(REFUSALS_MAX) {
            let _ = write!(out, "- line {}: {}", refusal.line, refusal.ground.name());
            if !refusal.detail.is_empty() {
                let _ = write!(out, " ({})", span(&refusal.detail));
            }
            if !refusal.claim.is_empty() {
                let _ = write!(out, ": {}", span(&refusal.claim));
            }
            out.push('\n');
        }
        out
    }
}

/// Judges a brief by what it may cite.
#[must_use]
pub fn review(brief: &str, snapshot: &Snapshot) -> Review {
    let (sections, sentences) = sentences::read(brief);
    let stated = Facts::of(snapshot).stated(snapshot);
    let mut review = Review::default();
    for section in SECTIONS {
        let has_text = sentences.iter().any(|sentence| sentence.section == section);
        if !sections.iter().any(|have| have == section) || !has_text {
            review.refusals.push(Refusal {
                ground: Ground::MissingSection,
                line: 0,
                detail: section.to_owned(),
                claim: String::new(),
            });
        }
    }
    for sentence in &sentences {
        review.claims += 1;
        if let Err((ground, detail)) = judge(sentence, snapshot, &stated) {
            review.refusals.push(Refusal {
                ground,
                line: sentence.line,
                detail,
                claim: sentence.text.clone(),
            });
        }
    }
    review
}

type Verdict = Result<(), (Ground, String)>;

fn judge(sentence: &Sentence, snapshot: &Snapshot, stated: &BTreeSet<String>) -> Verdict {
    let is_claim = CLAIMING.contains(&sentence.section.as_str());
    // Before the first section stands the key to citations, which has to name them.
    if sentence.section.is_empty() {
        return Ok(());
    }
    let mut cited: Vec<&Citation> = Vec::new();
    for id in &sentence.cites {
        match snapshot.citation(id) {
            Some(citation) => cited.push(citation),
            None if id == "R" => {}
            None => return Err((Ground::NoSuchCitation, id.clone())),
        }
    }
    let cites_rollup = sentence.cites.iter().any(|id| id == "R");
    if sentence.cites.is_empty() {
        let is_marked = MARKS.iter().any(|mark| sentence.text.starts_with(mark));
        return match (is_claim, is_marked) {
            (true, false) => Err((Ground::Uncited, String::new())),
            (true, true) => without_figures(sentence),
            (false, _) => Ok(()),
        };
    }
    for quote in sentence.quotes.iter().filter(|_| is_claim) {
        let in_rollup = cites_rollup && rollup_holds(snapshot, quote);
        if !in_rollup && !cited.iter().any(|citation| holds(citation, quote)) {
            return Err((Ground::NotQuoted, quote.clone()));
        }
    }
    for number in &sentence.numbers {
        let in_rollup = cites_rollup && stated.contains(number);
        if !in_rollup && !cited.iter().any(|citation| has_number(citation, number)) {
            return Err((Ground::WrongNumber, number.clone()));
        }
    }
    Ok(())
}

/// A guess may not look like a measurement.
fn without_figures(sentence: &Sentence) -> Verdict {
    match sentence.numbers.first().or(sentence.quotes.first()) {
        Some(figure) => Err((Ground::Uncited, figure.clone())),
        None => Ok(()),
    }
}

/// Whether the words stand in the quote, or are its place, speaker or digest. Both sides are
/// compared as they are shown.
fn holds(citation: &Citation, words: &str) -> bool {
    let place = citation.place();
    let whole = [
        place.as_str(),
        &citation.role,
        &citation.digest,
        &citation.session_id,
    ];
    let shown = visible(words);
    let is_part = |text: &str| {
        let text = visible(text);
        text.contains(&shown) || text.trim_end_matches('\n') == shown
    };
    !shown.trim().is_empty()
        && (is_part(&citation.quote) || whole.iter().any(|text| visible(text) == shown))
}

fn rollup_holds(snapshot: &Snapshot, words: &str) -> bool {
    let rollup = &snapshot.rollup;
    let shown = visible(words);
    let texts = [
        rollup.summary.as_str(),
        &rollup.tool,
        &rollup.signature,
        &rollup.fingerprint_id,
        &rollup.first_seen,
        &rollup.last_seen,
    ];
    !shown.trim().is_empty() && texts.iter().any(|text| visible(text).contains(&shown))
}

/// Whether the number is the citation's line, or stands as a whole number in its quote.
fn has_number(citation: &Citation, number: &str) -> bool {
    if citation.line.to_string() == number {
        return true;
    }
    let digit_at = |text: &str, from_end: bool| {
        let mut chars = text.chars();
        let next = if from_end {
            chars.next_back()
        } else {
            chars.next()
        };
        next.is_some_and(char::is_numeric)
    };
    citation.quote.match_indices(number).any(|(at, found)| {
        let (before, after) = (&citation.quote[..at], &citation.quote[at + found.len()..]);
        !digit_at(before, true) && !digit_at(after, false)
    })
}
