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

/// What a text must hold before a pattern is asked: of each group one piece. Prepared once, as most texts do not.
#[derive(Debug)]
pub(super) struct Gate(Vec<Vec<Finder<'static>>>);

impl Gate {
    pub(super) fn new(groups: &[&[&'static str]]) -> Self {
        let finders = |group: &&[&'static str]| group.iter().copied().map(Finder::new).collect();
        Self(groups.iter().map(finders).collect())
    }

    pub(super) fn opens(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let held = |group: &Vec<Finder<'_>>| group.iter().any(|piece| piece.find(text).is_some());
        self.0.iter().all(held)
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

    #[test]
    fn a_gate_opens_for_a_piece_of_each_group() {
        let gate = Gate::new(&[&["kind"], &["Secret", "secret"]]);
        assert!(gate.opens("kind: Secret"));
        assert!(gate.opens("a secret of its kind"));
        assert!(!gate.opens("kind: Pod"));
        assert!(!gate.opens("Secret"));
    }
}
