//! Splits a byte stream into records: lines, or the elements of lists in a JSON document.
//!
//! Neighbours: `mine` asks for the next record, `line` splits lines, `json_path` walks documents. Must not know what
//! a record holds. Memory is bounded by the longest accepted record; a longer one is passed over without being held.

use std::io::{self, Read};

use crate::json_path::{Step, Walker};
use crate::line::{Line, Lines};

/// How a file is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One record a line.
    Lines,
    /// Documents of JSON, one or several in a file. Each value at one of these paths is a record; `a[]` are the
    /// elements of the list at key `a`, a path without `[]` at its end gives `{"key":value}`. Strings and numbers
    /// at the top of a document are given as such objects too.
    Values(&'static [&'static str]),
}

/// Cuts a stream into records.
pub(crate) enum Records<'r> {
    Lines { lines: Lines<'r>, number: u64 },
    Values(Values<'r>),
}

impl<'r> Records<'r> {
    /// `lines_before` lines of the file were read earlier, when it is cut into lines.
    pub(crate) fn new(
        lines: Lines<'r>,
        framing: Framing,
        record_bytes_max: usize,
        lines_before: u64,
    ) -> Self {
        match framing {
            Framing::Lines => Self::Lines {
                lines,
                number: lines_before,
            },
            Framing::Values(paths) => {
                let bytes_read = lines.bytes_read;
                let (reader, chunk) = lines.into_rest();
                Self::Values(Values {
                    reader,
                    end: chunk.len(),
                    chunk,
                    at: 0,
                    walker: Walker::new(paths),
                    record: Vec::new(),
                    line: 1,
                    is_open: false,
                    overflow: 0,
                    record_bytes_max,
                    bytes_read,
                })
            }
        }
    }

    /// The next record and the line on which it starts, from 1; `None` at the end of the stream.
    ///
    /// # Errors
    /// When the reader fails.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        match self {
            Self::Lines { lines, number } => {
                *number += 1;
                let number = *number;
                Ok(lines.next_line()?.map(|line| (number, line)))
            }
            Self::Values(values) => values.next_record(),
        }
    }

    /// Bytes taken from the reader, and lines begun in them.
    pub(crate) fn read_so_far(&self) -> (u64, u64) {
        match self {
            Self::Lines { lines, number } => (lines.bytes_read, number.saturating_sub(1)),
            Self::Values(values) => (values.bytes_read, values.line),
        }
    }
}

pub(crate) struct Values<'r> {
    reader: &'r mut dyn Read,
    chunk: Vec<u8>,
    at: usize,
    end: usize,
    walker: Walker,
    record: Vec<u8>,
    line: u64,
    /// Whether a record was begun in an earlier chunk.
    is_open: bool,
    /// Bytes of the open record beyond the limit.
    overflow: u64,
    record_bytes_max: usize,
    bytes_read: u64,
}

impl Values<'_> {
    fn next_record(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        self.record.clear();
        self.overflow = 0;
        let mut starts_on = self.line;
        let mut from = self.at;
        loop {
            if self.at == self.end {
                if self.is_open {
                    self.keep(from, self.end);
                }
                if !self.fill()? {
                    return Ok(self.at_the_end(starts_on));
                }
                from = 0;
            }
            let byte = self.chunk[self.at];
            let step = self.walker.step(byte);
            if byte == b'\n' {
                self.line += 1;
            }
            match step {
                Step::Inside => {
                    // Most bytes stand inside strings, where only a quote, a backslash or a line break matters.
                    if self.walker.is_in_string() {
                        let rest = &self.chunk[self.at + 1..self.end];
                        let skip = memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                        self.walker.skipped(&rest[..skip]);
                        self.at += skip;
                    }
                }
                Step::Opens => {
                    self.is_open = true;
                    from = self.at;
                    starts_on = self.line;
                    if let Some(key) = self.walker.wrapping_key() {
                        self.record.extend_from_slice(b"{\"");
                        self.record.extend_from_slice(key.as_bytes());
                        self.record.extend_from_slice(b"\":");
                    }
                }
                Step::ClosesBefore | Step::ClosesAfter => {
                    let to = self.at + usize::from(step == Step::ClosesAfter);
                    self.keep(from, to);
                    self.is_open = false;
                    self.at += 1;
                    if self.walker.take_wrapped() {
                        self.record.push(b'}');
                    }
                    return Ok(Some((starts_on, self.whole())));
                }
            }
            self.at += 1;
        }
    }

    fn whole(&self) -> Line<'_> {
        if self.overflow > 0 {
            let bytes = self.record.len() as u64 + self.overflow;
            return Line::TooLong { bytes };
        }
        Line::Whole(&self.record)
    }

    fn at_the_end(&mut self, starts_on: u64) -> Option<(u64, Line<'_>)> {
        if self.is_open {
            self.is_open = false;
            self.walker.reset();
            return Some((starts_on, Line::Unfinished(&self.record)));
        }
        if self.walker.is_inside() {
            // The document broke off between two records.
            self.walker.reset();
            return Some((self.line, Line::Unfinished(b"{")));
        }
        None
    }

    fn keep(&mut self, from: usize, to: usize) {
        let room = self.record_bytes_max.saturating_sub(self.record.len());
        let to = to.max(from);
        let kept = (to - from).min(room);
        self.record
            .extend_from_slice(&self.chunk[from..from + kept]);
        self.overflow += (to - from - kept) as u64;
    }

    /// Reads the next chunk over the last one; `false` at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        self.chunk.resize(self.chunk.len().max(64 * 1024), 0);
        self.at = 0;
        self.end = 0;
        loop {
            match self.reader.read(&mut self.chunk) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.end = count;
                    self.bytes_read += count as u64;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, as pipes do.
    struct Dripping<'b>(&'b [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn cut(input: &[u8], drip: usize, max: usize, paths: &'static [&'static str]) -> Vec<String> {
        let mut reader = Dripping(input, drip);
        let lines = Lines::new(&mut reader, max);
        let mut records = Records::new(lines, Framing::Values(paths), max, 0);
        let mut out = Vec::new();
        while let Some((number, line)) = records.next_record().unwrap() {
            out.push(match line {
                Line::Whole(bytes) => format!("{number} {}", String::from_utf8_lossy(bytes)),
                Line::Unfinished(bytes) => format!("{number} {}~", String::from_utf8_lossy(bytes)),
                Line::TooLong { bytes } => format!("{number} long {bytes}"),
            });
        }
        out
    }

    const PRETTY: &str = "{\n  \"id\": \"s\",\n  \"n\": 12,\n  \"items\": [\n    {\"a\": \"]}\\\"\"},\n    [1,\n2], 3\n  ],\n  \"skip\": {\"items\": [9]},\n  \"info\": {\"x\": [1]}\n}\n{\"items\":[{}]}";

    #[test]
    fn elements_come_with_the_line_on_which_they_start_however_the_bytes_arrive() {
        let want = [
            "2 {\"id\":\"s\"}",
            "3 {\"n\":12}",
            "5 {\"a\": \"]}\\\"\"}",
            "6 [1,\n2]",
            "7 3",
            "10 {\"info\":{\"x\": [1]}}",
            "12 {}",
        ];
        for drip in [1, 2, 3, 7, 1000] {
            assert_eq!(
                cut(PRETTY.as_bytes(), drip, 1000, &["items[]", "info"]),
                want
            );
        }
    }

    #[test]
    fn nested_lists_and_lists_at_the_top_are_reached() {
        let spans = br#"{"r":[{"s":[{"spans":[{"a":1},{"b":2}]}],"spans":[{"no":1}]}]}"#;
        assert_eq!(
            cut(spans, 5, 100, &["r[].s[].spans[]"]),
            ["1 {\"a\":1}", "1 {\"b\":2}"]
        );
        assert_eq!(
            cut(b"[{\"a\":1},\n{\"b\":2}]", 5, 100, &["[]"]),
            ["1 {\"a\":1}", "2 {\"b\":2}"]
        );
    }

    #[test]
    fn what_is_too_long_or_cut_off_is_told() {
        let long = format!("{{\"items\":[{{\"a\":\"{}\"}},{{}}]}}", "x".repeat(300));
        assert_eq!(
            cut(long.as_bytes(), 64, 100, &["items[]"]),
            ["1 long 308", "1 {}"]
        );
        assert_eq!(
            cut(b"{\"items\":[{\"a\":1},{\"b", 4, 99, &["items[]"])[1],
            "1 {\"b~"
        );
        assert_eq!(
            cut(b"{\"items\":[{\"a\":1}\n", 4, 99, &["items[]"])[1],
            "2 {~"
        );
        assert_eq!(cut(b"", 4, 99, &["items[]"]), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_bytes_end_and_the_size_of_the_pieces_makes_no_difference(
            input in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ \nab1".to_vec()), 0..200),
        ) {
            let whole = cut(&input, 1000, 64, &["a[]", "[]", "b"]);
            prop_assert_eq!(&cut(&input, 1, 64, &["a[]", "[]", "b"]), &whole);
            prop_assert!(whole.len() <= input.len() + 1);
        }
    }
}
