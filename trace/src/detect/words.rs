//! The words and phrases of feeling, small lists in several languages.
//!
//! Precision first: a word that people also use in plain speech is not here. Neighbours: `user` decides how much a
//! hit weighs. All lower case.

use std::collections::BTreeSet;
use std::iter;

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
///
/// A phrase begins where a word begins, so a text is left at most positions after a look at one letter, and at most of
/// the others after a look at one slot. There are dozens of lists: each takes little memory and no time to be made.
#[derive(Debug)]
pub(super) struct Phrases {
    /// Those that begin alike beside each other.
    phrases: Vec<Phrase>,
    /// The ways in which they begin, each near the slot that it is worth; half of the slots are empty.
    slots: Vec<Option<Alike>>,
    /// Which of the first bytes tell phrases apart: at most three, and no more than the shortest has.
    key_mask: u32,
}

const KEY_BYTES_MAX: usize = 3;

/// The phrases that begin in one way.
#[derive(Clone, Copy, Debug)]
struct Alike {
    key: u32,
    from: u16,
    to: u16,
}

#[derive(Debug)]
struct Phrase {
    text: &'static str,
    /// Its place in the list.
    index: usize,
    /// Any ending may follow.
    is_stem: bool,
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
        let mut phrases: Vec<Phrase> = phrases
            .enumerate()
            .map(|(index, phrase)| {
                let stem = phrase.strip_suffix('~');
                Phrase {
                    text: stem.unwrap_or(phrase),
                    index,
                    is_stem: stem.is_some(),
                }
            })
            .filter(|phrase| !phrase.text.is_empty())
            .collect();
        let shortest = phrases.iter().map(|phrase| phrase.text.len()).min();
        let key_bytes = shortest.unwrap_or(KEY_BYTES_MAX).min(KEY_BYTES_MAX);
        let key_mask = (1 << (8 * key_bytes)) - 1;
        let key = |phrase: &Phrase| key_of(phrase.text.as_bytes()) & key_mask;
        phrases.sort_by_key(|phrase| (key(phrase), phrase.text, phrase.index));
        let mut list = Self {
            slots: vec![None; (2 * phrases.len()).next_power_of_two()],
            phrases,
            key_mask,
        };
        let mut from = 0;
        for same in list.phrases.chunk_by(|a, b| key(a) == key(b)) {
            let to = from + same.len();
            let place = |at| u16::try_from(at).expect("the lists are small and fixed");
            let alike = Alike {
                key: key(&same[0]),
                from: place(from),
                to: place(to),
            };
            let mut slot = slot_of(alike.key, list.slots.len());
            while list.slots[slot].is_some() {
                slot = (slot + 1) % list.slots.len();
            }
            list.slots[slot] = Some(alike);
            from = to;
        }
        list
    }

    /// How often phrases of the list stand in the text as words of their own.
    pub(super) fn count<'t>(&self, text: impl Places<'t>) -> usize {
        self.hits(text).count()
    }

    /// Whether any phrase of the list stands in the text as words of its own.
    pub(super) fn is_in<'t>(&self, text: impl Places<'t>) -> bool {
        self.hits(text).next().is_some()
    }

    /// The first phrase, in the order of the list, that stands in the text as words of its own.
    pub(super) fn first_in<'t>(&self, text: impl Places<'t>) -> Option<&'static str> {
        self.first_where(text, |_| true).map(|hit| hit.phrase)
    }

    /// The same among the places that may count.
    pub(super) fn first_where<'t>(
        &self,
        text: impl Places<'t>,
        counts: impl Fn(Hit) -> bool,
    ) -> Option<Hit> {
        self.hits(text)
            .filter(|hit| counts(*hit))
            .min_by_key(|hit| (hit.index, hit.start))
    }

    /// The longest phrase of the list that the text starts with.
    pub(super) fn start_of(&self, text: &str) -> Option<&'static str> {
        let at_start = self.at(text, 0, key_of(text.as_bytes()));
        at_start
            .map(|hit| hit.phrase)
            .max_by_key(|phrase| phrase.len())
    }

    /// What was found, by where it begins.
    fn hits<'t>(&self, text: impl Places<'t>) -> impl Iterator<Item = Hit> {
        let whole = text.text();
        text.starts()
            .flat_map(move |(start, key)| self.at(whole, start, key))
    }

    /// What begins at a place where no word goes on, by the key of the text from there.
    #[inline]
    fn at(&self, text: &str, start: usize, key: u32) -> impl Iterator<Item = Hit> {
        let rest = &text.as_bytes()[start..];
        self.alike(key).iter().filter_map(move |phrase| {
            let found = rest.get(..phrase.text.len())?;
            let fits = found.eq_ignore_ascii_case(phrase.text.as_bytes())
                && (phrase.is_stem || ends_there(text, start, phrase.text));
            fits.then_some(Hit {
                index: phrase.index,
                start,
                phrase: phrase.text,
            })
        })
    }

    /// The phrases that begin as a text does that has this key.
    #[inline]
    fn alike(&self, key: u32) -> &[Phrase] {
        let key = key & self.key_mask;
        let mut slot = slot_of(key, self.slots.len());
        while let Some(alike) = self.slots[slot] {
            if alike.key == key {
                return &self.phrases[usize::from(alike.from)..usize::from(alike.to)];
            }
            slot = (slot + 1) % self.slots.len();
        }
        &[]
    }
}

/// A text in which phrases are looked for: where one may begin, with the key of what stands there.
pub(super) trait Places<'t>: Copy {
    fn text(self) -> &'t str;
    fn starts(self) -> impl Iterator<Item = (usize, u32)> + 't;
}

impl<'t> Places<'t> for &'t str {
    fn text(self) -> &'t str {
        self
    }

    fn starts(self) -> impl Iterator<Item = (usize, u32)> + 't {
        let key = move |start: usize| (start, key_of(&self.as_bytes()[start..]));
        word_starts(self).map(key)
    }
}

/// A text in which many lists are looked for: its places are found once.
#[derive(Debug)]
pub(super) struct Marked<'t> {
    pub(super) text: &'t str,
    starts: Vec<(usize, u32)>,
}

impl<'t> Marked<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            starts: text.starts().collect(),
        }
    }
}

impl<'t> Places<'t> for &'t Marked<'_> {
    fn text(self) -> &'t str {
        self.text
    }

    fn starts(self) -> impl Iterator<Item = (usize, u32)> + 't {
        self.starts.iter().copied()
    }
}

/// The first three bytes of a text as a number that is the same for small and large letters.
fn key_of(text: &[u8]) -> u32 {
    let first = match *text {
        [a, b, c, ..] => [a, b, c, 0],
        [a, b] => [a, b, 0, 0],
        [a] => [a, 0, 0, 0],
        [] => [0; 4],
    };
    const SMALL: u32 = 0x0020_2020;
    u32::from_le_bytes(first) | SMALL
}

/// Where a way to begin is looked for first, among so many slots, a power of two.
fn slot_of(key: u32, slots: usize) -> usize {
    (key.wrapping_mul(0x9e37_79b1) >> 16) as usize % slots
}

/// Every place of a text but those within a word.
fn word_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    let (mut at, mut is_within) = (0, false);
    iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            let start = at;
            let was_within = is_within;
            if byte.is_ascii() {
                is_within = byte.is_ascii_alphanumeric();
                at += 1;
            } else {
                let c = text[at..].chars().next()?;
                is_within = is_word(c);
                at += c.len_utf8();
            }
            if !(was_within && is_within) {
                return Some(start);
            }
        }
        None
    })
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
    text.starts_with(phrase) && ends_there(text, 0, phrase)
}

/// Whether no word goes on behind a phrase that stands at `at`.
fn ends_there(text: &str, at: usize, phrase: &str) -> bool {
    let after = text[at + phrase.len()..].chars().next();
    let ends_as_word = phrase.chars().next_back().is_some_and(is_word);
    !(ends_as_word && after.is_some_and(is_word))
}

/// Letters of scripts that write without spaces bound nothing.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && (c as u32) < 0x2e80
}
