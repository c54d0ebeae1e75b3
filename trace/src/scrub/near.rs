//! What stands beside a place in a text, for a bounded length: a look without a bound makes work that grows with the square.
//!
//! Neighbours: the finders judge what they get. Must not know what they look for.

use crate::normalise::boundary;

/// At most `bytes` before `at`.
pub(super) fn before(text: &str, at: usize, bytes: usize) -> &str {
    &text[boundary(text, at.saturating_sub(bytes))..at]
}

/// At most `bytes` from `at` on.
pub(super) fn behind(text: &str, at: usize, bytes: usize) -> &str {
    &text[at..boundary(text, text.len().min(at + bytes))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_cut() {
        let text = "aé1ü2";
        assert_eq!(before(text, 4, 2), "é1");
        assert_eq!(before(text, 1, 9), "a");
        assert_eq!(behind(text, 3, 2), "1");
        assert_eq!(behind(text, 3, 9), "1ü2");
    }
}
