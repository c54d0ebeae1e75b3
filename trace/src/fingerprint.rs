//! The stable identity of a failure, across sessions, days and machines.
//!
//! Neighbours: [`crate::normalise`] makes the message template, rollups group by the id.
//! Must not know who proposed the wording: nothing that a model wrote may enter a fingerprint.

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::normalise;
use crate::signal::Kind;

/// Hex digits of SHA-256 kept in an id: 128 bits.
const ID_HEX_DIGITS: usize = 32;

/// A fingerprint and the structural signature that it is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `fp1:` and 32 hex digits.
    pub id: String,
    /// `kind|tool|error_class|template`, not scrubbed. In the fields before the template a `|` is written `/`.
    pub signature: String,
}

/// The fingerprint of one failure: `fp1:` over kind, tool, error class and the message's template.
///
/// ```
/// use trace::{fingerprint::fingerprint, signal::Kind};
/// let monday = fingerprint(Kind::Error, "read", "not_found", "no such file: /home/kim/a.txt");
/// let friday = fingerprint(Kind::Error, "read", "not_found", "no such file: /srv/data/b.csv");
/// assert_eq!(monday, friday);
/// ```
#[must_use]
pub fn fingerprint(kind: Kind, tool: &str, error_class: &str, message: &str) -> Fingerprint {
    let signature = format!(
        "{}|{}|{}|{}",
        kind_name(kind),
        field(tool),
        field(error_class),
        normalise::template(message)
    );
    let digits = hash::short_hex(signature.as_bytes(), ID_HEX_DIGITS);
    Fingerprint {
        id: format!("fp1:{digits}"),
        signature,
    }
}

/// The parts of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// First: the kind, as in [`kind_name`].
    pub kind: &'a str,
    /// Second: the tool, empty when none.
    pub tool: &'a str,
    /// Third: the class of the error.
    pub error_class: &'a str,
    /// Fourth: the template of the message. It may hold `|`.
    pub template: &'a str,
}

impl<'a> Signature<'a> {
    /// The parts of [`Fingerprint::signature`], scrubbed or not; `None` when there are not four.
    #[must_use]
    pub fn parse(signature: &'a str) -> Option<Self> {
        let mut parts = signature.splitn(4, '|');
        let mut next = || parts.next();
        Some(Self {
            kind: next()?,
            tool: next()?,
            error_class: next()?,
            template: next()?,
        })
    }
}

/// The identity of what broke, whichever tool or wrapper reported it: `cause1:` over kind and [`normalise::cause`].
///
/// Coarser than [`fingerprint`]. Groups are made by fingerprint, because a wrapper is another place in the code that has to be
/// mended; the cause says which groups one repair may end.
///
/// ```
/// use trace::{fingerprint::cause_id, signal::Kind};
/// let bare = cause_id(Kind::Error, "TimeoutError: no answer in 30s");
/// let wrapped = cause_id(Kind::Error, "RunError: tool fetch failed: TimeoutError: no answer in 9s");
/// assert_eq!(bare, wrapped);
/// ```
#[must_use]
pub fn cause_id(kind: Kind, message: &str) -> String {
    let template = normalise::template(message);
    let signature = format!("{}|{}", kind_name(kind), normalise::cause(&template));
    format!(
        "cause1:{}",
        hash::short_hex(signature.as_bytes(), ID_HEX_DIGITS)
    )
}

/// The serialised name of a kind, as in `signals.jsonl`.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Error => "error",
        Kind::UserFrustration => "user_frustration",
        Kind::ImprovementSuggestion => "improvement_suggestion",
        Kind::ExperimentSuggestion => "experiment_suggestion",
        Kind::ProactiveOpportunity => "proactive_opportunity",
        Kind::UserDelight => "user_delight",
        Kind::Other => "other",
    }
}

/// A short field: case, surrounding space and the separator must not split or forge a signature.
fn field(text: &str) -> String {
    let mut clean = String::new();
    for c in text.trim().chars().take(FIELD_CHARS_MAX) {
        if c == '|' || c.is_control() {
            clean.push('/');
        } else {
            clean.extend(c.to_lowercase());
        }
    }
    clean
}

/// A tool name is short; a longer one is a model's invention and its tail says nothing.
const FIELD_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_elsewhere_has_the_same_id() {
        let here = fingerprint(
            Kind::Error,
            "exec",
            "timeout",
            "no answer from 10.0.0.7 in 30s",
        );
        let there = fingerprint(
            Kind::Error,
            "Exec",
            "timeout",
            "no answer from 10.9.0.1 in 45s",
        );
        assert_eq!(here, there);
        assert!(here.id.starts_with("fp1:"));
        assert_eq!(here.id.len(), 4 + ID_HEX_DIGITS);
    }

    #[test]
    fn another_tool_class_kind_or_cause_has_another_id() {
        let base = fingerprint(Kind::Error, "exec", "timeout", "the call took too long");
        for other in [
            fingerprint(Kind::Error, "read", "timeout", "the call took too long"),
            fingerprint(Kind::Error, "exec", "network", "the call took too long"),
            fingerprint(Kind::Other, "exec", "timeout", "the call took too long"),
            fingerprint(Kind::Error, "exec", "timeout", "the call was refused"),
        ] {
            assert_ne!(base.id, other.id);
        }
    }

    #[test]
    fn a_separator_in_a_tool_name_cannot_forge_another_signature() {
        let forged = fingerprint(Kind::Error, "exec|timeout", "", "x");
        let honest = fingerprint(Kind::Error, "exec", "timeout", "x");
        assert_ne!(forged.signature, honest.signature);
    }
}
