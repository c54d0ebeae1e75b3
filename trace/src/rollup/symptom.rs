//! What a failure leaves behind is not a second failure: a run that was aborted, a person without an answer.
//!
//! A symptom keeps its own group and score. It names the failure that it followed on, so that reports show it beside
//! that one and not above it. Neighbours: [`super::Builder`] asks per session. Must not know messages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signal::{Class, Kind, MinedSignal};

/// How many lines before a symptom its cause may end: the turns of one request, not of the day before.
const LINES_BEFORE_MAX: u64 = 50;
/// A group is a symptom when some cause stands before it in at least half of its sessions.
const SHARE_MIN: u64 = 2;
/// The tags of signals that tell what was left behind.
const SYMPTOM_TAGS: [&str; 2] = ["error_class:no_answer", "error_class:aborted_run"];
/// The tag of a failed model turn, which alone leaves a person without an answer.
const MODEL_TURN_TAG: &str = "detector:provider_error";

/// The failure that a symptom follows on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymptomOf {
    /// The fingerprint of the most frequent cause.
    pub fingerprint_id: String,
    /// In how many sessions that one stood before the symptom.
    pub sessions: u64,
    /// In how many sessions any cause did.
    pub caused_sessions: u64,
    /// Sessions with the symptom.
    pub of_sessions: u64,
}

impl SymptomOf {
    /// The cause of most sessions, when at least half of all sessions have one.
    pub(super) fn most(causes: &BTreeMap<String, u64>, of_sessions: u64) -> Option<Self> {
        let (id, sessions) = causes
            .iter()
            .max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)))?;
        let caused_sessions = causes.values().sum::<u64>().min(of_sessions);
        (caused_sessions.saturating_mul(SHARE_MIN) >= of_sessions).then(|| Self {
            fingerprint_id: id.clone(),
            sessions: *sessions,
            caused_sessions,
            of_sessions,
        })
    }
}

fn has_tag(signal: &MinedSignal, tag: &str) -> bool {
    signal.tags.iter().any(|have| have == tag)
}

/// A failed model turn leaves anything behind; a service that does not answer can end a run. A file that was not
/// found may stand before the end of a run, but it is no reason for it.
fn may_cause(cause: &MinedSignal, symptom: &MinedSignal) -> bool {
    let is_service = cause.class == Class::ReliabilityPerf && !has_tag(symptom, SYMPTOM_TAGS[0]);
    cause.kind == Kind::Error
        && !is_symptom(cause)
        && (has_tag(cause, MODEL_TURN_TAG) || is_service)
}

fn is_symptom(signal: &MinedSignal) -> bool {
    signal.kind == Kind::Error && SYMPTOM_TAGS.iter().any(|tag| has_tag(signal, tag))
}

/// For each symptom among the signals of one session the failure that stands nearest before its end; by fingerprint,
/// each once.
pub(super) fn causes(signals: &[MinedSignal]) -> BTreeMap<&str, &str> {
    let mut causes = BTreeMap::new();
    for symptom in signals.iter().filter(|signal| is_symptom(signal)) {
        let lines = symptom.evidence.iter().map(|quote| quote.line);
        let end = lines.fold(symptom.span.end, u64::max);
        let stands_before = |other: &&MinedSignal| {
            may_cause(other, symptom)
                && other.span.start <= end
                && other.span.end.saturating_add(LINES_BEFORE_MAX) >= symptom.span.start
        };
        let nearest = signals
            .iter()
            .filter(stands_before)
            .max_by_key(|other| (other.span.end.min(end), &other.fingerprint_id));
        if let Some(cause) = nearest {
            causes
                .entry(symptom.fingerprint_id.as_str())
                .or_insert(cause.fingerprint_id.as_str());
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::tests::signal;

    fn symptom(line: u64) -> MinedSignal {
        let mut symptom = signal("a", line, "no_answer");
        symptom.tags = vec![SYMPTOM_TAGS[0].to_owned()];
        symptom
    }

    fn failed_turn(line: u64, cause: &str) -> MinedSignal {
        let mut failed = signal("a", line, cause);
        failed.tags.push(MODEL_TURN_TAG.to_owned());
        failed
    }

    #[test]
    fn the_nearest_failure_before_a_symptom_is_its_cause() {
        let signals = [
            failed_turn(3, "quota"),
            failed_turn(8, "timeout"),
            signal("a", 9, "no such file"),
            symptom(10),
            failed_turn(12, "later"),
        ];
        assert_eq!(
            causes(&signals),
            BTreeMap::from([("fp1:no_answer", "fp1:timeout")])
        );
    }

    #[test]
    fn what_happened_long_before_or_after_is_no_cause() {
        let signals = [failed_turn(3, "quota"), symptom(99), failed_turn(120, "x")];
        assert!(causes(&signals).is_empty());
        assert!(causes(&[symptom(1), symptom(2)]).is_empty());
    }

    #[test]
    fn half_of_the_sessions_make_a_symptom() {
        let causes = BTreeMap::from([("fp1:a".to_owned(), 2), ("fp1:b".to_owned(), 1)]);
        let most = SymptomOf::most(&causes, 4).unwrap();
        assert_eq!((most.fingerprint_id.as_str(), most.sessions), ("fp1:a", 2));
        assert_eq!(most.caused_sessions, 3);
        assert_eq!(SymptomOf::most(&causes, 7), None);
        assert_eq!(SymptomOf::most(&BTreeMap::new(), 0), None);
    }
}
