//! The words of feeling, by what they feel like to a reader.
//!
//! Neighbours: `words` asks for the shade of a word. The table is a text file beside this one, for people to mend.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How a word colours a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shade {
    Delighted,
    Pleased,
    Approving,
    Troubled,
    Displeased,
    Angry,
}

static SHADES: LazyLock<BTreeMap<&'static str, Shade>> = LazyLock::new(|| {
    let mut shades = BTreeMap::new();
    for line in include_str!("lexicon.txt").lines() {
        let mut words = line.split_whitespace();
        let shade = match words.next() {
            Some("++") => Shade::Delighted,
            Some("+") => Shade::Pleased,
            Some("~+") => Shade::Approving,
            Some("~-") => Shade::Troubled,
            Some("-") => Shade::Displeased,
            Some("--") => Shade::Angry,
            Some(_) | None => continue,
        };
        for word in words {
            shades.entry(word).or_insert(shade);
        }
    }
    shades
});

/// The shade of a lower-case word.
pub(super) fn shade(word: &str) -> Option<Shade> {
    SHADES.get(word).copied()
}
