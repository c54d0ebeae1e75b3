//! Rows as the lines of a file.
//!
//! Neighbours: `sqlite` gives the rows. Must not know where they come from. Holds one row at a time.

use std::io::{self, BufRead as _, BufReader, Read};

use serde::Deserialize;

use super::Problem;
use crate::limits::ROW_BYTES_MAX;

/// Gives rows as lines, each ended by a line break.
pub(super) struct Lines<N> {
    next: N,
    line: Vec<u8>,
    at: usize,
}

impl<N: FnMut() -> io::Result<Option<Vec<u8>>>> Lines<N> {
    pub(super) fn new(next: N) -> Self {
        Self {
            next,
            line: Vec::new(),
            at: 0,
        }
    }
}

impl<N: FnMut() -> io::Result<Option<Vec<u8>>>> Read for Lines<N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            let Some(mut line) = (self.next)()? else {
                return Ok(0);
            };
            // Inside a value, a line break is white space of JSON.
            for byte in &mut line {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            line.push(b'\n');
            (self.line, self.at) = (line, 0);
        }
        let n = buffer.len().min(self.line.len() - self.at);
        buffer[..n].copy_from_slice(&self.line[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[derive(Deserialize)]
struct ColdLine {
    kind: String,
    row: Option<ColdRow>,
}

#[derive(Deserialize)]
struct ColdRow {
    event_json: Option<String>,
}

/// The lines of a transcript out of the records of one that was put away.
pub(super) fn cold<'r>(records: impl Read + 'r) -> impl Read + 'r {
    let mut records = BufReader::new(records);
    Lines::new(move || {
        loop {
            let mut record = Vec::new();
            let limit = u64::from(ROW_BYTES_MAX);
            records
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut record)?;
            if record.is_empty() {
                return Ok(None);
            }
            let Ok(line) = serde_json::from_slice::<ColdLine>(&record) else {
                return Ok(Some(b"a record that is too long or damaged".to_vec()));
            };
            if line.kind == "event"
                && let Some(event) = line.row.and_then(|row| row.event_json)
            {
                return Ok(Some(event.into_bytes()));
            }
        }
    })
}

/// A problem that came up while rows were read.
pub(super) fn trouble(problem: &Problem) -> io::Error {
    let why = match problem {
        Problem::Foreign => "no store of sessions",
        Problem::Unusable(why) => why,
    };
    io::Error::other(why.to_owned())
}
