//! Splits a byte stream into lines over one reused buffer.
//!
//! Neighbours: `mine` asks for the next line. Must not know what a line holds. Memory is bounded by the
//! longest accepted line; a longer one is passed over without being held.

use std::io::{self, Read};

/// Stays in the second cache while the lines in it are looked at.
const BUFFER_BYTES: usize = 256 * 1024;

/// What the splitter found next.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its newline.
    Whole(&'a [u8]),
    /// The last bytes of the stream, which no newline ended.
    Unfinished(&'a [u8]),
    /// A line longer than the limit; the bytes were passed over.
    TooLong {
        /// Its length in bytes, newline not counted.
        bytes: u64,
    },
}

/// A line splitter over any reader.
pub struct Lines<'r> {
    reader: &'r mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    line_bytes_max: usize,
    /// Bytes taken from the reader so far.
    pub bytes_read: u64,
}

impl<'r> Lines<'r> {
    /// A splitter that accepts lines of at most `line_bytes_max` bytes.
    pub fn new(reader: &'r mut dyn Read, line_bytes_max: usize) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES.min(line_bytes_max.max(64))],
            start: 0,
            end: 0,
            ended: false,
            line_bytes_max,
            bytes_read: 0,
        }
    }

    /// The bytes read ahead and not yet given out, at least `want` of them unless the stream ends first.
    ///
    /// # Errors
    /// When the reader fails.
    pub fn peek(&mut self, want: usize) -> io::Result<&[u8]> {
        while self.end - self.start < want.min(self.buffer.len()) && !self.ended {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The reader, and the bytes read ahead and not yet given out.
    pub fn into_rest(mut self) -> (&'r mut dyn Read, Vec<u8>) {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.start);
        (self.reader, self.buffer)
    }

    /// The next line, or `None` at the end of the stream.
    ///
    /// # Errors
    /// When the reader fails.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let pending = &self.buffer[self.start + searched..self.end];
            if let Some(at) = memchr::memchr(b'\n', pending) {
                let (from, to) = (self.start, self.start + searched + at);
                self.start = to + 1;
                if to - from > self.line_bytes_max {
                    return Ok(Some(Line::TooLong {
                        bytes: (to - from) as u64,
                    }));
                }
                return Ok(Some(Line::Whole(&self.buffer[from..to])));
            }
            searched = self.end - self.start;
            if self.ended {
                if searched == 0 {
                    return Ok(None);
                }
                let (from, to) = (self.start, self.end);
                self.start = to;
                return Ok(Some(Line::Unfinished(&self.buffer[from..to])));
            }
            if searched > self.line_bytes_max {
                return self.pass_over().map(Some);
            }
            self.fill()?;
        }
    }

    /// Drops the rest of a line that is too long.
    fn pass_over(&mut self) -> io::Result<Line<'static>> {
        let mut bytes = (self.end - self.start) as u64;
        loop {
            self.start = 0;
            self.end = 0;
            self.fill()?;
            if self.end == 0 && self.ended {
                return Ok(Line::TooLong { bytes });
            }
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[..self.end]) {
                bytes += at as u64;
                self.start = at + 1;
                return Ok(Line::TooLong { bytes });
            }
            bytes += self.end as u64;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let grown = (self.buffer.len() * 2).min(self.line_bytes_max.saturating_add(2));
            self.buffer.resize(grown.max(self.buffer.len() + 1), 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(count) => {
                    self.end += count;
                    self.bytes_read += count as u64;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(input: &[u8], line_bytes_max: usize) -> Vec<String> {
        let mut reader = input;
        let mut lines = Lines::new(&mut reader, line_bytes_max);
        let mut out = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            out.push(match line {
                Line::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Line::Unfinished(bytes) => format!("{}~", String::from_utf8_lossy(bytes)),
                Line::TooLong { bytes } => format!("long {bytes}"),
            });
        }
        out
    }

    #[test]
    fn lines_come_in_order_and_the_cut_off_last_one_is_told_apart() {
        assert_eq!(split(b"a\n\nbc\nlast", 100), ["a", "", "bc", "last~"]);
        assert_eq!(split(b"", 100), Vec::<String>::new());
        assert_eq!(split(b"\n", 100), [""]);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_one_is_read() {
        let mut input = vec![b'x'; 1000];
        input.extend_from_slice(b"\nshort\n");
        input.extend_from_slice(&[b'y'; 500]);
        assert_eq!(split(&input, 100), ["long 1000", "short", "long 500"]);
    }

    #[test]
    fn a_line_longer_than_the_first_buffer_is_kept_whole() {
        let mut input = vec![b'x'; BUFFER_BYTES * 3];
        input.push(b'\n');
        assert_eq!(split(&input, BUFFER_BYTES * 4)[0].len(), BUFFER_BYTES * 3);
    }
}
