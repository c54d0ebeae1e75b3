//! The words and phrases of feeling, small lists in several languages.
//!
//! Precision first: a word that people also use in plain speech is not here. Neighbours: `user` decides how much a
//! hit weighs. All lower case.

use aho_corasick::AhoCorasick;

mod acts;
mod calm;
mod claims;
mod facts;
mod hedges;
mod objections;
mod pleased;
mod resigned;
mod states;
mod unable;
mod upset;

pub(super) use acts::*;
pub(super) use calm::*;
pub(super) use claims::*;
pub(super) use facts::*;
pub(super) use hedges::*;
pub(super) use objections::*;
pub(super) use pleased::*;
pub(super) use resigned::*;
pub(super) use states::*;
pub(super) use unable::*;
pub(super) use upset::*;

/// A list of phrases that is looked for in one pass, however long it is.
#[derive(Debug)]
pub(super) struct Phrases {
    phrases: &'static [&'static str],
    /// `None` when no automaton could be built, which the tests rule out.
    automaton: Option<AhoCorasick>,
}

impl Phrases {
    pub(super) fn new(phrases: &'static [&'static str]) -> Self {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(phrases);
        Self {
            phrases,
            automaton: automaton.ok(),
        }
    }

    /// How often phrases of the list stand in the text as words of their own.
    pub(super) fn count(&self, text: &str) -> usize {
        self.found(text).count()
    }

    /// Whether any phrase of the list stands in the text as words of its own.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.found(text).next().is_some()
    }

    /// The first phrase, in the order of the list, that stands in the text as words of its own.
    pub(super) fn first_in(&self, text: &str) -> Option<&'static str> {
        self.found(text)
            .min()
            .and_then(|index| self.phrases.get(index).copied())
    }

    /// The places in the list of what was found.
    fn found<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let all = self
            .automaton
            .iter()
            .flat_map(move |automaton| automaton.find_overlapping_iter(text));
        all.filter(move |hit| {
            text.get(hit.start()..hit.end())
                .is_some_and(|phrase| is_bounded(text, hit.start(), phrase))
        })
        .map(|hit| hit.pattern().as_usize())
    }
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
