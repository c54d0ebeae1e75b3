//! How a fingerprint came about, step by step, and what is nearly the same.
//!
//! Neighbours: reads a [`crate::rollup::RollupDocument`] and its signals, repeats the steps of [`crate::normalise`] and
//! [`crate::fingerprint`] on the scrubbed message. Must not know where the files lie.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::fingerprint::{Signature, fingerprint, kind_name};
use crate::naming::{self, Named};
use crate::normalise::{self, PLACEHOLDER, Step};
use crate::registry::Standing;
use crate::registry::aliases::AliasChange;
use crate::registry::near::{Wording, one_failure};
use crate::rollup::{Merged, Rollup, RollupDocument, SymptomOf};
use crate::scrub::Scrubbed;
use crate::signal::MinedSignal;
use crate::ticket;

/// Most places and near duplicates of one explanation.
pub const SHOWN_MAX: usize = 10;
/// Templates that share this part of their words, in percent, are nearly the same.
const NEAR_PERCENT: usize = 60;

/// Where a fingerprint was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Id of the session, scrubbed.
    pub session_id: Scrubbed,
    /// Its file, scrubbed.
    pub file: Scrubbed,
    /// First and last line.
    pub lines: (u64, u64),
    /// When, empty when unknown.
    pub at: String,
}

/// A failure that looks much the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Near {
    /// Its fingerprint.
    pub fingerprint_id: String,
    /// What happened.
    pub summary: Scrubbed,
    /// Words that both templates have, of all their words, in percent.
    pub words_shared_percent: usize,
    /// Why the two are not one.
    pub apart_because: String,
    /// Why `--merge-near` would make them one; empty when it would not.
    pub one_because: String,
}

/// How a fingerprint came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The fingerprint.
    pub fingerprint_id: String,
    /// The id that a ticket of it has.
    pub ticket_id: String,
    /// What happened.
    pub summary: Scrubbed,
    /// First part of the signature.
    pub kind: &'static str,
    /// Second part: the tool, empty when none.
    pub tool: String,
    /// Third part: the class of the error.
    pub error_class: String,
    /// The message as it was found, scrubbed; empty when the run kept none.
    pub message: Scrubbed,
    /// What the normaliser made of it.
    pub steps: Vec<Step>,
    /// Fourth part of the signature.
    pub template: String,
    /// The message as its program has it in the source, to search for; empty when the run kept no message.
    pub wording: String,
    /// All four.
    pub signature: Scrubbed,
    /// Whether the steps, done again on the scrubbed message, give the same fingerprint.
    pub repeats: bool,
    /// Why they do not, empty when they do.
    pub repeats_not_because: &'static str,
    /// Where it was seen, at most [`SHOWN_MAX`].
    pub places: Vec<Place>,
    /// How many places there are in all.
    pub places_count: u64,
    /// How it stands over all runs.
    pub standing: Option<Standing>,
    /// The failure that it follows on.
    pub symptom_of: Option<SymptomOf>,
    /// Fingerprints that were merged into it and were seen in this run.
    pub aliases: Vec<Merged>,
    /// What was merged into it and taken out again in all runs, oldest first.
    pub alias_history: Vec<AliasChange>,
    /// What is nearly the same, the nearest first.
    pub near: Vec<Near>,
}

/// The group of a name: its fingerprint, its ticket, the start of one of them, or the same of a fingerprint that was
/// merged into it.
///
/// # Errors
/// Unknown or ambiguous: the nearest ones, each with its summary.
pub fn find<'a>(
    document: &'a RollupDocument,
    name: &str,
) -> Result<&'a Rollup, Vec<(String, Scrubbed)>> {
    let heads = document.rollups.iter().map(|rollup| Named {
        fingerprint_id: &rollup.fingerprint_id,
        summary: &rollup.summary,
    });
    let aliases = document.rollups.iter().flat_map(|rollup| &rollup.aliases);
    let aliases = aliases.map(|alias| Named {
        fingerprint_id: &alias.fingerprint_id,
        summary: &alias.summary,
    });
    let id = naming::find(heads.chain(aliases), name)?;
    let found = document.rollups.iter().find(|rollup| {
        rollup.fingerprint_id == id || rollup.aliases.iter().any(|a| a.fingerprint_id == id)
    });
    found.ok_or_else(Vec::new)
}

/// Explains one group of a document. `signals` are those of the whole run.
#[must_use]
pub fn explain(document: &RollupDocument, signals: &[MinedSignal], rollup: &Rollup) -> Explanation {
    let own: Vec<&MinedSignal> = signals
        .iter()
        .filter(|signal| signal.fingerprint_id == rollup.fingerprint_id)
        .collect();
    // The words of the group are those of its head, as long as the run saw the head itself.
    let its_words = |signal: &&&MinedSignal| signal.signature == rollup.signature;
    let first = own
        .iter()
        .filter(its_words)
        .find(|signal| !signal.message.is_empty());
    let message = first.map_or_else(Scrubbed::default, |signal| signal.message.clone());
    let made_of = own
        .iter()
        .find(its_words)
        .map(|signal| signal.own_fingerprint());
    let made_of = made_of.unwrap_or(&rollup.fingerprint_id);
    let parts = parts(&rollup.signature);
    let again = fingerprint(rollup.kind, parts.tool, parts.error_class, &message);
    let repeats = again.id == made_of;
    let repeats_not_because = match (repeats, message.is_empty()) {
        (true, _) => "",
        (false, true) => {
            "the words of the message are no part of this fingerprint, or were not kept"
        }
        (false, false) => {
            "the message is cut or scrubbed here, and the fingerprint was made before that"
        }
    };
    Explanation {
        fingerprint_id: rollup.fingerprint_id.clone(),
        ticket_id: ticket::ticket_id(&rollup.fingerprint_id),
        summary: rollup.summary.clone(),
        kind: kind_name(rollup.kind),
        tool: parts.tool.to_owned(),
        error_class: parts.error_class.to_owned(),
        steps: if message.is_empty() {
            Vec::new()
        } else {
            normalise::steps(&message)
        },
        wording: normalise::wording(&message),
        message,
        template: parts.template.to_owned(),
        signature: rollup.signature.clone(),
        repeats,
        repeats_not_because,
        places: own.iter().take(SHOWN_MAX).map(|s| place(s)).collect(),
        places_count: own.len() as u64,
        standing: rollup.standing.clone(),
        symptom_of: rollup.symptom_of.clone(),
        aliases: rollup.aliases.clone(),
        alias_history: alias_history(document, rollup),
        near: near(document, rollup),
    }
}

/// What was done to the group and to everything that is or was merged into it.
fn alias_history(document: &RollupDocument, rollup: &Rollup) -> Vec<AliasChange> {
    let about = |change: &&AliasChange| {
        change.into == rollup.fingerprint_id || change.fingerprint_id == rollup.fingerprint_id
    };
    document
        .alias_history
        .iter()
        .filter(about)
        .cloned()
        .collect()
}

fn place(signal: &MinedSignal) -> Place {
    Place {
        session_id: signal.session_id.clone(),
        file: signal.source.file.clone(),
        lines: (signal.span.start, signal.span.end),
        at: signal.at.clone(),
    }
}

fn parts(signature: &str) -> Signature<'_> {
    Signature::parse(signature).unwrap_or(Signature {
        kind: "",
        tool: "",
        error_class: "",
        template: "",
    })
}

fn words(template: &str) -> BTreeSet<&str> {
    template
        .split_whitespace()
        .filter(|word| *word != PLACEHOLDER)
        .collect()
}

/// Groups of the same kind whose templates share most of their words. They are told and not merged: one word can be the
/// whole difference between two causes. Some of them a rule would merge, if it were asked to.
fn near(document: &RollupDocument, rollup: &Rollup) -> Vec<Near> {
    let own = parts(&rollup.signature);
    let own_words = words(own.template);
    let others = document
        .rollups
        .iter()
        .filter(|other| other.kind == rollup.kind && other.fingerprint_id != rollup.fingerprint_id);
    let mut near: Vec<Near> = others
        .filter_map(|other| {
            let parts = parts(&other.signature);
            let words = words(parts.template);
            let shared = own_words.intersection(&words).count();
            let all = own_words.union(&words).count();
            let percent = (shared * 100).checked_div(all)?;
            let same_cause = has_words(own.template) && is_same_cause(own, parts);
            (percent >= NEAR_PERCENT || same_cause).then(|| Near {
                fingerprint_id: other.fingerprint_id.clone(),
                summary: other.summary.clone(),
                words_shared_percent: percent,
                apart_because: apart(own, parts, &own_words, &words),
                one_because: one_because(own, parts),
            })
        })
        .collect();
    near.sort_by(|a, b| {
        b.words_shared_percent
            .cmp(&a.words_shared_percent)
            .then_with(|| a.fingerprint_id.cmp(&b.fingerprint_id))
    });
    near.truncate(SHOWN_MAX);
    near
}

/// Whether two templates report one failure through different wrappers.
fn is_same_cause(a: Signature<'_>, b: Signature<'_>) -> bool {
    a.template != b.template && normalise::cause(a.template) == normalise::cause(b.template)
}

/// The rule of near duplicates; it joins errors of one tool and class only.
fn one_because(a: Signature<'_>, b: Signature<'_>) -> String {
    let is_one_place = a.kind == "error" && a.tool == b.tool && a.error_class == b.error_class;
    is_one_place
        .then(|| one_failure(&Wording::of(a.template), &Wording::of(b.template)))
        .flatten()
        .unwrap_or_default()
}

/// A cause of one word names nothing.
fn has_words(template: &str) -> bool {
    words(normalise::cause(template)).len() > 1
}

fn apart(
    a: Signature<'_>,
    b: Signature<'_>,
    in_a: &BTreeSet<&str>,
    in_b: &BTreeSet<&str>,
) -> String {
    let mut reasons = Vec::new();
    if is_same_cause(a, b) {
        reasons.push("the same cause, reported by another wrapper".to_owned());
    }
    let named = |name: &str| if name.is_empty() { "none" } else { name }.to_owned();
    if a.tool != b.tool {
        reasons.push(format!("another tool: {}", named(b.tool)));
    }
    if a.error_class != b.error_class {
        reasons.push(format!("another class: {}", named(b.error_class)));
    }
    let only = |from: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        let words: Vec<&str> = from.difference(other).copied().take(5).collect();
        words.join(" ")
    };
    let (here, there) = (only(in_a, in_b), only(in_b, in_a));
    if !here.is_empty() || !there.is_empty() {
        reasons.push(format!("other words: here \"{here}\", there \"{there}\""));
    } else if a.template != b.template {
        reasons.push("the same words in another order".to_owned());
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::tests::signal;
    use crate::rollup::{Builder, SessionCounts};
    use crate::signal::Kind;

    fn failing(session: &str, tool: &str, message: &str) -> MinedSignal {
        let print = fingerprint(Kind::Error, tool, "network", message);
        let mut signal = signal(session, 3, "x");
        signal.fingerprint_id = print.id;
        signal.signature = print.signature.as_str().into();
        signal.message = message.into();
        signal.tool = tool.into();
        signal
    }

    fn document(signals: &[MinedSignal]) -> RollupDocument {
        let mut builder = Builder::new();
        for signal in signals {
            builder.add_session(SessionCounts::default(), std::slice::from_ref(signal));
        }
        builder.finish()
    }

    #[test]
    fn every_step_is_shown_and_the_last_gives_the_template() {
        let signals = [failing(
            "a",
            "fetch",
            "connect ECONNREFUSED 10.0.0.7:9099 after 30s",
        )];
        let document = document(&signals);
        let told = explain(&document, &signals, &document.rollups[0]);
        assert!(told.repeats, "{told:?}");
        assert_eq!((told.kind, told.tool.as_str()), ("error", "fetch"));
        assert_eq!(told.steps.last().unwrap().text, told.template);
        assert_eq!(told.template, "connect ECONNREFUSED <*> after <*>");
        assert_eq!(told.places[0].lines, (3, 3));
        assert!(told.near.is_empty());
    }

    #[test]
    fn what_is_nearly_the_same_is_told_with_the_difference() {
        let signals = [
            failing(
                "a",
                "fetch",
                "the upstream server closed the connection early",
            ),
            failing(
                "b",
                "fetch",
                "the upstream server closed the connection late",
            ),
            failing(
                "c",
                "search",
                "the upstream server closed the connection early",
            ),
            failing("d", "fetch", "quota exceeded"),
        ];
        let document = document(&signals);
        let first = find(&document, &signals[0].fingerprint_id).unwrap();
        let near = explain(&document, &signals, first).near;
        let reasons: Vec<&str> = near.iter().map(|n| n.apart_because.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "another tool: search",
                "other words: here \"early\", there \"late\""
            ]
        );
    }

    #[test]
    fn one_cause_in_two_wrappers_is_told_however_few_words_they_share() {
        let signals = [
            failing("a", "fetch", "TlsError: certificate has expired"),
            failing(
                "b",
                "agent",
                "StepError: the step that was asked for by the plan could not be done because of: TlsError: certificate has expired",
            ),
            failing("c", "agent", "TlsError: handshake was cut"),
        ];
        let document = document(&signals);
        let first = find(&document, &signals[0].fingerprint_id).unwrap();
        let near = explain(&document, &signals, first).near;
        assert_eq!(near.len(), 1, "{near:?}");
        assert_eq!(near[0].fingerprint_id, signals[1].fingerprint_id);
        assert!(
            near[0]
                .apart_because
                .starts_with("the same cause, reported by another wrapper; another tool: agent")
        );
    }

    #[test]
    fn a_ticket_or_the_start_of_an_id_finds_it_and_an_unknown_one_gets_the_nearest() {
        let signals = [
            failing("a", "fetch", "timeout"),
            failing("b", "fetch", "quota exceeded"),
        ];
        let document = document(&signals);
        let id = &signals[1].fingerprint_id;
        for name in [id.as_str(), &id[..12], &ticket::ticket_id(id)] {
            assert_eq!(&find(&document, name).unwrap().fingerprint_id, id);
        }
        let mut wrong = id.clone();
        wrong.replace_range(8..9, if &id[8..9] == "0" { "1" } else { "0" });
        let nearest = find(&document, &wrong).unwrap_err();
        assert_eq!(&nearest[0].0, id);
        assert_eq!(find(&document, "").unwrap_err().len(), 2);
    }
}
