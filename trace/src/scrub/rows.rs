//! Rows of tables whose heading says that a column holds passwords: `INSERT INTO`, comma-separated files.
//!
//! Neighbours: `commands` finds the statement, `context` the word in a heading. Must not judge more than the form of a
//! value: the column says what it is.

use std::ops::Range;

use super::check;
use super::placeholder::Label;
use super::scrubber::Finding;
use super::value::{is_reference, is_spoken_password, random_enough};
use crate::normalise::boundary;

/// How far a statement and a table are followed. Bounds the work per heading.
const TABLE_BYTES_MAX: usize = 4096;
const HEADING_BYTES_MAX: usize = 400;
const ROWS_MAX: usize = 64;
const VALUE_BYTES_MIN: usize = 4;

/// Names of columns with secrets.
const COLUMNS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pass",
    "passwort",
    "secret",
    "token",
    "api_key",
    "apikey",
    "password_hash",
    "encrypted_password",
    "user_password",
    "user_pass",
    "hashed_password",
    "pw",
    "pass_hash",
    "pwhash",
    "secret_key",
    "access_token",
    "refresh_token",
    "client_secret",
    "passphrase",
];

fn is_column(name: &str) -> bool {
    let name = name.trim().trim_matches(['"', '`', '\'', '[', ']', '\\']);
    COLUMNS
        .iter()
        .any(|column| name.eq_ignore_ascii_case(column))
}

/// The values in a statement; `at` is behind `insert into`.
pub(super) fn statement(text: &str, at: usize, findings: &mut Vec<Finding>) {
    let far = boundary(text, text.len().min(at + TABLE_BYTES_MAX));
    let rest = &text[at..far];
    let Some(open) = rest[..boundary(rest, rest.len().min(HEADING_BYTES_MAX))].find('(') else {
        return;
    };
    let Some(close) = rest[open..].find(')').map(|close| open + close) else {
        return;
    };
    let columns: Vec<bool> = rest[open + 1..close].split(',').map(is_column).collect();
    if !columns.contains(&true) {
        return;
    }
    let mut from = close + 1;
    for _ in 0..ROWS_MAX {
        let Some(row) = rest[from..].find('(').map(|row| from + row) else {
            return;
        };
        let is_values = rest[from..row]
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b.is_ascii_whitespace() || b == b',');
        if !is_values {
            return;
        }
        let mut end = row + 1;
        for is_secret in &columns {
            let Some(cell) = cell_at(rest, end) else {
                return;
            };
            if *is_secret && cell.is_quoted {
                push(text, at + cell.value.start..at + cell.value.end, findings);
            }
            end = cell.end;
            if rest.as_bytes().get(end) != Some(&b',') {
                break;
            }
            end += 1;
        }
        from = end;
        if rest.as_bytes().get(from) == Some(&b')') {
            from += 1;
        }
    }
}

/// One value of a row.
struct Cell {
    value: Range<usize>,
    /// Behind the value, at its comma or bracket.
    end: usize,
    is_quoted: bool,
}

fn cell_at(rest: &str, from: usize) -> Option<Cell> {
    let bytes = rest.as_bytes();
    let space = rest[from..].len() - rest[from..].trim_start().len();
    let start = from + space;
    let lead = usize::from(matches!(bytes.get(start), Some(b'N' | b'E' | b'\\')));
    let quote = bytes
        .get(start + lead)
        .filter(|b| matches!(b, b'\'' | b'"'));
    if let Some(quote) = quote {
        let open = start + lead + 1;
        let length = memchr::memchr(*quote, &bytes[open..])?;
        let behind = &rest[open + length + 1..];
        let end = open + length + 1 + behind.len() - behind.trim_start().len();
        return Some(Cell {
            value: open..open + length,
            end,
            is_quoted: true,
        });
    }
    let length = rest[start..].find([',', ')'])?;
    Some(Cell {
        value: start..start + length,
        end: start + length,
        is_quoted: false,
    })
}

fn push(text: &str, range: Range<usize>, findings: &mut Vec<Finding>) {
    let value = &text[range.clone()];
    if value.len() >= VALUE_BYTES_MIN
        && !is_reference(value)
        && !check::is_dummy(value)
        && value != "?"
    {
        findings.push(Finding::new(range, Label::Password));
    }
}

/// The values below a word that is one name in a heading of a comma-separated file; gives where they end.
pub(super) fn below(text: &str, word: Range<usize>, findings: &mut Vec<Finding>) -> Option<usize> {
    let bytes = text.as_bytes();
    let sign = match bytes.get(word.end)? {
        b'\n' | b'\r' => *bytes.get(word.start.checked_sub(1)?)?,
        sign => *sign,
    };
    if !matches!(sign, b',' | b';' | b'\t') {
        return None;
    }
    let low = boundary(text, word.start.saturating_sub(HEADING_BYTES_MAX));
    let start = text[low..word.start]
        .rfind('\n')
        .map_or(low, |line| low + line + 1);
    if start == low && low > 0 {
        return None;
    }
    let far = boundary(text, text.len().min(word.start + TABLE_BYTES_MAX));
    let mut lines = text[start..far].split_inclusive('\n');
    let heading = lines.next()?;
    let is_name = |name: &str| {
        let name = name.trim().trim_matches('"');
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_- .".contains(&b))
    };
    let names: Vec<&str> = heading.split(char::from(sign)).collect();
    if names.len() < 2 || !names.iter().all(|name| is_name(name)) {
        return None;
    }
    let column = text[start..word.start].matches(char::from(sign)).count();
    if !names.get(column).is_some_and(|name| is_column(name)) {
        return None;
    }
    let mut at = start + heading.len();
    let mut end = None;
    for line in lines.take(ROWS_MAX) {
        let cells: Vec<&str> = line.trim_end().split(char::from(sign)).collect();
        let from: usize = cells.iter().take(column).map(|cell| cell.len() + 1).sum();
        if cells.len() != names.len() {
            break;
        }
        let cell = cells[column];
        let value = cell.trim().trim_matches('"');
        if is_spoken_password(value) || random_enough(value) {
            let value_start = at + from + cell.find(value).unwrap_or(0);
            findings.push(Finding::new(
                value_start..value_start + value.len(),
                Label::Password,
            ));
            end = Some(value_start + value.len());
        }
        at += line.len();
    }
    end
}
