//! The words and phrases of feeling, small lists in several languages.
//!
//! Precision first: a word that people also use in plain speech is not here. Neighbours: `user` decides how much a
//! hit weighs. All lower case.

mod calm;
mod claims;
mod pleased;
mod upset;

pub(super) use calm::*;
pub(super) use claims::*;
pub(super) use pleased::*;
pub(super) use upset::*;

/// Whether the phrase stands in the text as words of its own.
pub(super) fn has_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase)
        .any(|(at, _)| is_bounded(text, at, phrase))
}

pub(super) fn starts_with_phrase(text: &str, phrase: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(phrase) && is_bounded(text, 0, phrase)
}

/// Letters of scripts that write without spaces bound nothing.
fn is_bounded(text: &str, at: usize, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() && (c as u32) < 0x2e80;
    let before = text[..at].chars().next_back();
    let after = text[at + phrase.len()..].chars().next();
    let starts_as_word = phrase.chars().next().is_some_and(is_word);
    let ends_as_word = phrase.chars().next_back().is_some_and(is_word);
    let runs_on_before = starts_as_word && before.is_some_and(is_word);
    let runs_on_after = ends_as_word && after.is_some_and(is_word);
    !(runs_on_before || runs_on_after)
}
