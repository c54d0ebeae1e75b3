//! The words and phrases of feeling, small lists in several languages.
//!
//! Precision first: a word that people also use in plain speech is not here. Neighbours: `user` decides how much a
//! hit weighs. All lower case.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::event::floor_char;

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
    phrases: Vec<&'static str>,
    /// Which of them any ending may follow.
    stems: Vec<bool>,
    /// `None` when no automaton could be built, which the tests rule out.
    automaton: Option<AhoCorasick>,
}

/// Where a phrase of a list stands in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    index: usize,
    pub(super) start: usize,
    pub(super) phrase: &'static str,
}

impl Phrases {
    pub(super) fn new(phrases: &'static [&'static str]) -> Self {
        Self::of(phrases.iter().copied())
    }

    /// The phrases of a list and, behind them, those of a section of the table.
    pub(super) fn with_table(phrases: &'static [&'static str], section: &str) -> Self {
        Self::of(phrases.iter().copied().chain(table(section)))
    }

    fn of(phrases: impl Iterator<Item = &'static str>) -> Self {
        let (mut bare, mut stems) = (Vec::new(), Vec::new());
        for phrase in phrases {
            let stem = phrase.strip_suffix('~');
            bare.push(stem.unwrap_or(phrase));
            stems.push(stem.is_some());
        }
        // A table of all bytes for each state would be faster by little and larger by much: there are dozens of lists.
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&bare);
        Self {
            phrases: bare,
            stems,
            automaton: automaton.ok(),
        }
    }

    /// How often phrases of the list stand in the text as words of their own.
    pub(super) fn count(&self, text: &str) -> usize {
        self.hits(text).count()
    }

    /// Whether any phrase of the list stands in the text as words of its own.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.hits(text).next().is_some()
    }

    /// The first phrase, in the order of the list, that stands in the text as words of its own.
    pub(super) fn first_in(&self, text: &str) -> Option<&'static str> {
        self.first_where(text, |_| true).map(|hit| hit.phrase)
    }

    /// The same among the places that may count.
    pub(super) fn first_where(&self, text: &str, counts: impl Fn(Hit) -> bool) -> Option<Hit> {
        self.hits(text)
            .filter(|hit| counts(*hit))
            .min_by_key(|hit| (hit.index, hit.start))
    }

    /// The longest phrase of the list that the text starts with.
    pub(super) fn start_of(&self, text: &str) -> Option<&'static str> {
        // No phrase reaches further; the letter behind it says whether a word ends there.
        let longest = self.phrases.iter().map(|phrase| phrase.len()).max();
        let text = &text[..floor_char(text, longest.unwrap_or(0) + 2 * char::MAX.len_utf8())];
        let at_start = self.hits(text).filter(|hit| hit.start == 0);
        at_start.last().map(|hit| hit.phrase)
    }

    /// What was found, by where it ends.
    fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Hit> + 't {
        let all = self
            .automaton
            .iter()
            .flat_map(move |automaton| automaton.find_overlapping_iter(text));
        all.filter_map(move |found| {
            let index = found.pattern().as_usize();
            let is_stem = self.stems.get(index).copied().unwrap_or(false);
            let phrase = text.get(found.start()..found.end())?;
            let is_bounded = if is_stem {
                is_bounded_before(text, found.start(), phrase)
            } else {
                is_bounded(text, found.start(), phrase)
            };
            is_bounded.then_some(Hit {
                index,
                start: found.start(),
                phrase: self.phrases.get(index).copied()?,
            })
        })
    }
}

/// What people say, by section and language: see the head of the file.
const TABLE: &str = include_str!("words/phrases.txt");

/// The phrases of a section of the table; none where there is no such section, which the tests rule out.
pub(super) fn table(section: &str) -> impl Iterator<Item = &'static str> {
    by_language(section).map(|(_language, phrase)| phrase)
}

/// The same, each with its language.
pub(super) fn by_language(section: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = TABLE.lines().skip_while(move |line| {
        let name = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        name != Some(section)
    });
    let inside = lines.skip(1).take_while(|line| !line.starts_with('['));
    inside
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(language, phrases)| phrases.split('|').map(move |phrase| (language, phrase)))
        .map(|(language, phrase)| (language, phrase.trim()))
        .filter(|(_, phrase)| !phrase.is_empty())
}

/// The names of the sections.
#[cfg(test)]
pub(super) fn sections() -> Vec<&'static str> {
    let name = |line: &'static str| line.strip_prefix('[')?.strip_suffix(']');
    TABLE.lines().filter_map(name).collect()
}

/// The same as a set, for whole words.
pub(super) fn word_set(section: &str) -> BTreeSet<&'static str> {
    table(section).collect()
}

/// Whether the text starts with the phrase, as words of its own.
pub(super) fn starts_with_phrase(text: &str, phrase: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(phrase) && is_bounded(text, 0, phrase)
}

/// Letters of scripts that write without spaces bound nothing.
fn is_bounded(text: &str, at: usize, phrase: &str) -> bool {
    let after = text[at + phrase.len()..].chars().next();
    let ends_as_word = phrase.chars().next_back().is_some_and(is_word);
    let runs_on_after = ends_as_word && after.is_some_and(is_word);
    is_bounded_before(text, at, phrase) && !runs_on_after
}

fn is_bounded_before(text: &str, at: usize, phrase: &str) -> bool {
    let before = text[..at].chars().next_back();
    let starts_as_word = phrase.chars().next().is_some_and(is_word);
    !(starts_as_word && before.is_some_and(is_word))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() && (c as u32) < 0x2e80
}
