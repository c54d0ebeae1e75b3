//! One session file in the making: its lines, its clock, and the book of what was marked.
//!
//! Neighbours: the writers of the three formats, which know what a line looks like.

use serde_json::Value;

use super::manifest::{Book, Mark};
use super::rng::Rng;
use super::time::MINUTE_MS;

/// Lines so far.
pub(crate) struct File<'a> {
    pub(crate) rng: Rng,
    pub(crate) at_ms: u64,
    name: &'a str,
    book: &'a mut Book,
    lines: Vec<String>,
}

impl<'a> File<'a> {
    pub(crate) fn new(name: &'a str, at_ms: u64, seed: u64, book: &'a mut Book) -> Self {
        Self {
            rng: Rng::named(seed, name),
            at_ms,
            name,
            book,
            lines: Vec::new(),
        }
    }

    /// Lets some time pass, in milliseconds.
    pub(crate) fn pass(&mut self, least: u64, most: u64) {
        self.at_ms += self.rng.range(least, most);
    }

    pub(crate) fn pause(&mut self, minutes: u64) {
        self.at_ms += minutes * MINUTE_MS;
    }

    /// Adds a line and notes what is marked on it.
    pub(crate) fn push(&mut self, line: &Value, marks: &[Mark]) {
        self.lines.push(line.to_string());
        let number = u64::try_from(self.lines.len()).expect("a short file");
        for mark in marks {
            self.book.note(mark, self.name, number);
        }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Puts the fields of one object into another.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    if let Value::Object(more) = more {
        for (key, value) in more {
            into[key.as_str()] = value.clone();
        }
    }
}
