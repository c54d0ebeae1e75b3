//! The part of a turn in which the person speaks, and how loud: without code, quotes and pasted lines.
//!
//! Neighbours: `said` judges the words. Must not know any phrase but the beginnings of log lines.

use std::ops::Range;

use super::super::words;
use crate::event::floor_char;

/// From this length on a text is a document; only its edges are looked at.
const DOCUMENT_BYTES: usize = 1200;
const EDGE_BYTES: usize = 350;
/// Longer spans between quotation marks are a slip of the marks.
const QUOTED_BYTES_MAX: usize = 300;

/// The parts of a text in which a person speaks: no code blocks, no quoted lines or words, of a document only the edges.
pub(super) fn voice(human: &str) -> String {
    let mut kept = String::new();
    let (mut in_code, mut in_reply) = (false, false);
    let has_reply = human.contains("[/Replying]");
    for line in human.lines() {
        let trimmed = line.trim_start();
        // What a message answers to was said by somebody else.
        in_reply |= has_reply && trimmed.starts_with("[Replying to ");
        if in_reply {
            in_reply = !trimmed.contains("[/Replying]");
        } else if trimmed.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !trimmed.starts_with('>') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    if kept.len() > DOCUMENT_BYTES {
        let head = &kept[..floor_char(&kept, EDGE_BYTES)];
        let tail = &kept[floor_char(&kept, kept.len() - EDGE_BYTES)..];
        kept = format!("{head}\n{tail}");
    }
    let mut own = String::with_capacity(kept.len());
    for line in kept.lines() {
        push_unquoted(line, &mut own);
        own.push('\n');
    }
    own
}

/// The line without what stands between quotation marks, when that is more than a word: somebody else said it.
fn push_unquoted(line: &str, kept: &mut String) {
    let mut rest = line;
    while let Some(open) = rest.find(['"', '“', '«', '「', '\'']) {
        let mark = rest[open..].chars().next().unwrap_or('"');
        let inside = &rest[open + mark.len_utf8()..];
        let close = match mark {
            '“' => '”',
            '«' => '»',
            '「' => '」',
            _ => mark,
        };
        let is_opened = mark != '\'' || !rest[..open].ends_with(char::is_alphanumeric);
        let window = &inside[..floor_char(inside, QUOTED_BYTES_MAX)];
        let quoted = window.match_indices(close).map(|(at, _)| at).find(|at| {
            let after = inside[at + close.len_utf8()..].chars().next();
            close != '\'' || after.is_none_or(|c| !c.is_alphanumeric())
        });
        match quoted.filter(|at| is_opened && inside[..*at].trim().contains(' ')) {
            Some(end) => {
                kept.push_str(&rest[..open]);
                rest = &inside[end + close.len_utf8()..];
            }
            None => {
                let seen = rest.len() - inside.len();
                kept.push_str(&rest[..seen]);
                rest = inside;
            }
        }
    }
    kept.push_str(rest);
}

const CLAUSE_MARKS: [char; 14] = [
    '.', '!', '?', '\n', ',', ';', ':', '。', '！', '？', '，', '、', '；', '…',
];

/// The clause around a place in a text.
pub(super) fn clause_of(text: &str, at: usize) -> Range<usize> {
    let before = text[..at].char_indices().rev();
    let start = before
        .filter(|(_, c)| CLAUSE_MARKS.contains(c))
        .map(|(place, c)| place + c.len_utf8())
        .next()
        .unwrap_or(0);
    let end = text[at..]
        .find(CLAUSE_MARKS)
        .map_or(text.len(), |end| at + end);
    start..end
}

/// Words between spaces and marks.
pub(super) fn words_in(text: &str) -> Vec<&str> {
    text.split(is_mark)
        .filter(|word| !word.is_empty())
        .collect()
}

/// The same, each with its place.
pub(super) fn words_at(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let pieces = text.split_inclusive(is_mark).filter_map(|piece| {
        let start = at;
        at += piece.len();
        let word = piece.trim_end_matches(is_mark);
        (!word.is_empty()).then_some((start, word))
    });
    pieces.collect()
}

fn is_mark(c: char) -> bool {
    c.is_whitespace()
        || CLAUSE_MARKS.contains(&c)
        || matches!(c, '"' | '(' | ')' | '¡' | '¿' | '~' | '*' | '-' | '—' | '–')
}

/// A line that people paste from logs.
pub(super) fn is_pasted(line: &str) -> bool {
    let line = line.trim();
    let starts = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    let is_logged = line.starts_with(|c: char| c.is_ascii_digit() || c == '[')
        && [
            " ERROR ", " FATAL ", "[ERROR]", "[error]", " ERR ", "CRITICAL",
        ]
        .iter()
        .any(|level| line.contains(level));
    starts(words::PASTED_STARTS) || is_logged
}

/// Three words or more, all in capitals.
pub(super) fn is_shouting(human: &str) -> bool {
    let letters = human.chars().filter(|c| c.is_alphabetic()).count();
    let upper = human.chars().filter(|c| c.is_uppercase()).count();
    let words = human
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    let is_code = human.contains(['_', '=', '{', '/', '<', '`', '$']) || human.contains("://");
    letters >= 12
        && upper * 10 >= letters * 9
        && words.count() >= 3
        && !is_code
        && human.len() < 400
}

/// `why??`, `hello??`: a short cry with doubled marks.
pub(super) fn is_short_doubled(human: &str) -> bool {
    let text = human.trim();
    let doubled = text.ends_with("??")
        || text.ends_with("?!")
        || text.ends_with("!?")
        || text.ends_with("？？");
    doubled && text.len() <= 40 && text.len() > 2 && text.split_whitespace().count() <= 4
}
