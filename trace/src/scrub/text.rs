//! The type of text that may leave the process.
//!
//! Neighbours: only the scrubber makes one from free text. Must not know any rule of scrubbing.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::normalise::boundary;

/// Text with secrets and personal data replaced by placeholders.
///
/// Only [`super::Scrubber::scrub`] makes one from free text; the other constructors take text of
/// the program itself or put scrubbed pieces together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scrubbed(String);

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
