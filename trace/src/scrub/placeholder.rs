//! The words that stand for what was taken out, such as `[EMAIL_1a2b3c]`.
//!
//! Neighbours: the scrubber writes them and must leave them alone when it sees them again.
//! Must not know how a value was found.

use std::ops::Range;

use crate::hash;

/// What kind of value was taken out; where findings overlap the first of them names the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    PrivateKey,
    Secret,
    Password,
    Email,
    Phone,
    Ip,
    Card,
    Iban,
    Ssn,
    Mac,
    User,
}

impl Label {
    const ALL: [Self; 11] = [
        Self::Secret,
        Self::PrivateKey,
        Self::Password,
        Self::Email,
        Self::Phone,
        Self::Ip,
        Self::Card,
        Self::Iban,
        Self::Ssn,
        Self::Mac,
        Self::User,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Secret => "SECRET",
            Self::PrivateKey => "PRIVATE_KEY",
            Self::Password => "PASSWORD",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Ip => "IP",
            Self::Card => "CARD",
            Self::Iban => "IBAN",
            Self::Ssn => "SSN",
            Self::Mac => "MAC",
            Self::User => "USER",
        }
    }
}

/// Hex digits of the value's hash. Few enough that a short value cannot be found by trying all
/// values without many false hits, enough that two values of one session rarely meet.
pub(super) const HASH_DIGITS: usize = 6;

/// The placeholder of a value; equal values give equal placeholders, everywhere.
pub(super) fn of(label: Label, value: &str) -> String {
    let digits = hash::short_hex(value.as_bytes(), HASH_DIGITS);
    format!("[{}_{digits}]", label.name())
}

/// How many bytes the placeholder that starts at `start` has, when there is one.
pub(super) fn length_at(text: &str, start: usize) -> Option<usize> {
    let rest = text.as_bytes().get(start..)?;
    let body = rest.strip_prefix(b"[")?;
    Label::ALL.iter().find_map(|label| {
        let digits = body
            .strip_prefix(label.name().as_bytes())?
            .strip_prefix(b"_")?;
        let hex = digits.get(..HASH_DIGITS)?;
        let is_hex = hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let closes = digits.get(HASH_DIGITS) == Some(&b']');
        (is_hex && closes).then_some(1 + label.name().len() + 1 + HASH_DIGITS + 1)
    })
}

/// Whether a placeholder ends right before `end`.
pub(super) fn ends_at(text: &str, end: usize) -> bool {
    let low = super::text::PLACEHOLDER_BYTES_MAX.min(end);
    let open = memchr::memrchr(b'[', &text.as_bytes()[end - low..end]).map(|at| end - low + at);
    open.is_some_and(|start| length_at(text, start) == Some(end - start))
}

/// All placeholders in the text, in order.
pub(super) fn find_all(text: &str) -> Vec<Range<usize>> {
    memchr::memchr_iter(b'[', text.as_bytes())
        .filter_map(|start| length_at(text, start).map(|len| start..start + len))
        .collect()
}
