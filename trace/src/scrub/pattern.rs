//! Patterns that are compiled when a text first needs them: most sessions need few of many.
//!
//! Neighbours: the finders hold them. Must not know what they find.

use std::ops::Deref;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex::Regex;

/// A fixed pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    text: &'static str,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text,
            compiled: OnceLock::new(),
        }
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        let compile = || Regex::new(self.text).expect("the pattern is fixed and tested");
        self.compiled.get_or_init(compile)
    }
}

/// Pieces of which a text must hold one before a pattern is asked; prepared once, as most texts hold none.
#[derive(Debug)]
pub(super) struct Pieces(Vec<Finder<'static>>);

impl Pieces {
    pub(super) fn new(pieces: &[&'static str]) -> Self {
        Self(pieces.iter().copied().map(Finder::new).collect())
    }

    /// Whether the text holds one of them.
    pub(super) fn any_in(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.0.iter().any(|piece| piece.find(text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{commands::COMMANDS, layouts::LAYOUTS, structures::PATTERNS};
    use super::*;

    /// Those that stand in tables; the few of other finders are each needed by a test of what they find.
    #[test]
    fn every_pattern_of_a_table_compiles() {
        let commands = COMMANDS.iter().map(|(_, text)| *text);
        let structures = PATTERNS.iter().map(|(_, text)| *text);
        let layouts = LAYOUTS.iter().map(|layout| layout.pattern);
        for text in commands.chain(structures).chain(layouts) {
            assert!(Regex::new(text).is_ok(), "{text}");
        }
    }
}
