//! The type of text that may leave the process.
//!
//! Neighbours: only the scrubber makes one from free text. Must not know any rule of scrubbing.
//! `Scrubbed<String>` is a text, `Scrubbed<Vec<u8>>` the bytes of a file. The doors are few and have names:
//! [`super::Scrubber::scrub`] for free text, [`Scrubbed::from_static`] for the program's own words, [`stored`] and
//! [`Scrubbed::from_store`] for what an earlier step scrubbed and the store kept, and, inside this crate only,
//! `assembled` for pages that are put together from documents of scrubbed parts.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::normalise::boundary;

/// Text with secrets and personal data replaced by placeholders.
///
/// Only [`super::Scrubber::scrub`] makes one from free text; the other constructors take text of
/// the program itself or put scrubbed pieces together. What leaves the process asks for this type, so a text that was
/// not scrubbed does not compile:
///
/// ```compile_fail
/// fn write_file(content: &trace::scrub::Scrubbed) {}
/// let from_a_session = String::from("mail kim.lee@acme.org");
/// write_file(&from_a_session);
/// ```
///
/// Nor can one be made by hand, from its parts or by reading JSON:
///
/// ```compile_fail
/// let forged = trace::scrub::Scrubbed(String::from("mail kim.lee@acme.org"));
/// ```
///
/// ```compile_fail
/// let forged: trace::scrub::Scrubbed = String::from("mail kim.lee@acme.org").into();
/// ```
///
/// ```compile_fail
/// let forged: trace::scrub::Scrubbed = serde_json::from_str("\"mail kim.lee@acme.org\"").unwrap();
/// ```
///
/// The way that compiles:
///
/// ```
/// fn write_file(content: &trace::scrub::Scrubbed) -> usize { content.len() }
/// let from_a_session = String::from("mail kim.lee@acme.org");
/// write_file(&trace::scrub::Scrubber::shared().scrub(&from_a_session));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scrubbed<T = String>(T);

impl<T> Scrubbed<T> {
    /// Something put together from scrubbed parts and the program's own words only. Inside this crate, for the
    /// writers of pages and tickets.
    pub(crate) fn assembled(value: T) -> Self {
        Self(value)
    }

    /// What an earlier step scrubbed and the store kept. The store is the process's own: nothing is put into it that
    /// is to leave and was not scrubbed.
    pub fn from_store(value: T) -> Self {
        Self(value)
    }

    /// What is inside.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Scrubbed<Vec<u8>> {
    /// The bytes of a text.
    #[must_use]
    pub fn bytes(text: Scrubbed) -> Self {
        Self(text.0.into_bytes())
    }
}

impl Scrubbed {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The program's own words.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The pieces, one after another.
    #[must_use]
    pub fn concat(pieces: &[Self]) -> Self {
        Self::join("", pieces)
    }

    /// The pieces with `separator` between them.
    #[must_use]
    pub fn join(separator: &'static str, pieces: &[Self]) -> Self {
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            text.push_str(&piece.0);
        }
        Self(text)
    }

    /// At most `bytes_max` bytes of it, cut between characters and never inside a placeholder.
    #[must_use]
    pub fn truncated(&self, bytes_max: usize) -> Self {
        if self.0.len() <= bytes_max {
            return self.clone();
        }
        let mut end = boundary(&self.0, bytes_max);
        let window = self.0[..end]
            .rfind('[')
            .filter(|open| end - open <= PLACEHOLDER_BYTES_MAX);
        if let Some(open) = window
            && super::placeholder::length_at(&self.0, open).is_some_and(|len| open + len > end)
        {
            end = open;
        }
        Self(self.0[..end].to_owned())
    }

    /// Whether the scrubber left no word of it.
    pub(crate) fn is_only_placeholders(&self) -> bool {
        let mut from = 0;
        for range in super::placeholder::find_all(&self.0) {
            if self.0[from..range.start].contains(char::is_alphanumeric) {
                return false;
            }
            from = range.end;
        }
        from > 0 && !self.0[from..].contains(char::is_alphanumeric)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// No placeholder is longer.
pub(super) const PLACEHOLDER_BYTES_MAX: usize = 40;

/// The door for stored text, for `#[serde(deserialize_with = "scrub::stored")]`: it trusts the store, where only
/// scrubbed text is kept under these fields.
///
/// # Errors
/// When the value is no string.
pub fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scrubbed, D::Error> {
    String::deserialize(deserializer).map(Scrubbed::from_store)
}

/// For `#[serde(serialize_with = "scrub::kept")]`: text that is needed as it is while it is in memory, and is written
/// scrubbed.
pub(crate) fn kept<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&super::Scrubber::shared().scrub(text))
}

impl Deref for Scrubbed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
impl From<&str> for Scrubbed {
    fn from(text: &str) -> Self {
        super::Scrubber::shared().scrub(text)
    }
}

impl PartialEq<str> for Scrubbed {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Scrubbed {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Scrubbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Scrubbed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
