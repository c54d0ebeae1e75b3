//! Patterns that are compiled when a text first needs them: most sessions need few of many.
//!
//! Neighbours: the finders hold them. Must not know what they find.

use std::ops::Deref;
use std::sync::OnceLock;

use regex::Regex;

/// A fixed pattern. The tests compile every one.
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
