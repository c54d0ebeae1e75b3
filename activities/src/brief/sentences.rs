//! Takes a brief apart: sections, sentences, what each cites, quotes and states.
//!
//! Neighbours: `critic` judges the parts, `mend` replaces sentences by their place. Reading is
//! linear in the text and total: any text has parts. Must not judge.

use std::ops::Range;

/// One sentence, list item or quoted block of a brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// The heading of level two above it, empty before the first.
    pub(super) section: String,
    /// Where it stands in the text.
    pub(super) range: Range<usize>,
    /// Line in the text, from 1.
    pub(super) line: usize,
    /// Its words, without list marks.
    pub(super) text: String,
    /// Ids in brackets outside quotes: `E1`, `R`.
    pub(super) cites: Vec<String>,
    /// Texts in code spans, or the text of the fenced block.
    pub(super) quotes: Vec<String>,
    /// Numbers in its own words.
    pub(super) numbers: Vec<String>,
    /// Whether it is a fenced block; it then cites what the sentence before it cites.
    pub(super) is_block: bool,
}

/// The sections and sentences of a text, in order.
pub(super) fn read(text: &str) -> (Vec<String>, Vec<Sentence>) {
    let mut reader = Reader::default();
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        reader.line(line, at..at + line.len(), index + 1);
        at += line.len();
    }
    reader.end_block(text.len());
    (reader.sections, reader.sentences)
}

#[derive(Default)]
struct Reader {
    sections: Vec<String>,
    sentences: Vec<Sentence>,
    /// The fence that is open: its length, where it began, and the text so far.
    block: Option<Block>,
}

struct Block {
    fence: usize,
    start: usize,
    line: usize,
    text: String,
}

impl Reader {
    fn line(&mut self, line: &str, range: Range<usize>, number: usize) {
        let bare = line.trim();
        let ticks = bare.bytes().take_while(|b| *b == b'`').count();
        if let Some(block) = &mut self.block {
            if ticks >= block.fence && ticks == bare.len() {
                self.end_block(range.end);
            } else {
                block.text.push_str(line);
            }
            return;
        }
        if ticks >= 3 && !bare[ticks..].contains('`') {
            self.block = Some(Block {
                fence: ticks,
                start: range.start,
                line: number,
                text: String::new(),
            });
            return;
        }
        if bare.starts_with('#') {
            if let Some(section) = bare.strip_prefix("## ") {
                self.sections.push(section.trim().to_owned());
            }
            return;
        }
        self.words(line, range.start, number);
    }

    fn end_block(&mut self, end: usize) {
        let Some(block) = self.block.take() else {
            return;
        };
        // A block belongs to the sentence right before it.
        let cites = self
            .sentences
            .last()
            .filter(|before| Some(&before.section) == self.sections.last())
            .map(|before| before.cites.clone())
            .unwrap_or_default();
        self.sentences.push(Sentence {
            section: self.sections.last().cloned().unwrap_or_default(),
            range: block.start..end,
            line: block.line,
            text: String::new(),
            cites,
            quotes: vec![block.text.trim_end_matches('\n').to_owned()],
            numbers: Vec::new(),
            is_block: true,
        });
    }

    /// Cuts a line of text into sentences. One sentence stands on one line.
    fn words(&mut self, line: &str, at: usize, number: usize) {
        let skip = line.len() - after_list_mark(line).len();
        let mut start = skip;
        let mut position = skip;
        let mut parts = Parts::default();
        while let Some(c) = line[position..].chars().next() {
            if c == '`' {
                position = parts.span(line, position);
                continue;
            }
            parts.plain.push(c);
            position += c.len_utf8();
            let is_end = matches!(c, '.' | '!' | '?')
                && line[position..]
                    .chars()
                    .next()
                    .is_none_or(char::is_whitespace);
            if is_end {
                self.push(
                    line,
                    start..position,
                    at,
                    number,
                    std::mem::take(&mut parts),
                );
                start = position;
            }
        }
        self.push(line, start..line.len(), at, number, parts);
    }

    fn push(&mut self, line: &str, range: Range<usize>, at: usize, number: usize, parts: Parts) {
        let raw = &line[range.clone()];
        let text = raw.trim();
        if text.is_empty() {
            return;
        }
        let start = range.start + (raw.len() - raw.trim_start().len());
        let (cites, rest) = citations(&parts.plain);
        self.sentences.push(Sentence {
            section: self.sections.last().cloned().unwrap_or_default(),
            range: at + start..at + start + text.len(),
            line: number,
            text: text.to_owned(),
            cites,
            quotes: parts.quotes,
            numbers: numbers(&rest),
            is_block: false,
        });
    }
}

/// A sentence in the making: its own words, and what it quotes.
#[derive(Default)]
struct Parts {
    plain: String,
    quotes: Vec<String>,
}

impl Parts {
    /// Takes a code span that starts here and gives where it ends. A row of backticks without its
    /// like later on the line is no span.
    fn span(&mut self, line: &str, start: usize) -> usize {
        let ticks = line[start..].bytes().take_while(|b| *b == b'`').count();
        let open = start + ticks;
        let mut position = open;
        while let Some(found) = line[position..].find('`') {
            let close = position + found;
            let run = line[close..].bytes().take_while(|b| *b == b'`').count();
            if run == ticks {
                let text = &line[open..close];
                let inner = text.strip_prefix(' ').and_then(|t| t.strip_suffix(' '));
                let inner = inner.filter(|inner| !inner.trim().is_empty());
                self.quotes.push(inner.unwrap_or(text).to_owned());
                self.plain.push(' ');
                return close + run;
            }
            position = close + run;
        }
        self.plain.push_str(&line[start..]);
        line.len()
    }
}

fn after_list_mark(line: &str) -> &str {
    let bare = line.trim_start();
    if let Some(rest) = bare.strip_prefix("- ").or_else(|| bare.strip_prefix("> ")) {
        return rest;
    }
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    match bare[digits..].strip_prefix(". ") {
        Some(rest) if digits > 0 => rest,
        Some(_) | None => bare,
    }
}

/// The ids in brackets, and the words without them.
fn citations(plain: &str) -> (Vec<String>, String) {
    let mut ids = Vec::new();
    let mut rest = String::new();
    let mut text = plain;
    while let Some((before, after)) = text.split_once('[') {
        rest.push_str(before);
        match after.split_once(']') {
            Some((id, later)) if is_id(id) => {
                ids.push(id.to_owned());
                text = later;
            }
            Some(_) | None => {
                rest.push('[');
                text = after;
            }
        }
    }
    rest.push_str(text);
    (ids, rest)
}

/// `R`, or `E` and digits.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix('E').unwrap_or("");
    text == "R" || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Numbers that stand for themselves: `P1` and `v2` are names.
fn numbers(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut number = String::new();
    let mut before = ' ';
    for c in text.chars().chain([' ']) {
        let joins = matches!(c, '.' | ',') && !number.is_empty();
        if (c.is_numeric() && (!number.is_empty() || !before.is_alphanumeric())) || joins {
            number.push(c);
        } else if !number.is_empty() {
            numbers.push(number.trim_end_matches(['.', ',']).to_owned());
            number.clear();
        }
        before = c;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_knows_its_words_citations_quotes_and_numbers() {
        let text = "# Brief 7\n\n## Problem\n\nIt failed 3 times, 7.5 % [R]. The tool said \
                    `exit 1. [E9]` [E1][E2].\n- P1 work, v2 [E1]\n";
        let (sections, sentences) = read(text);
        assert_eq!(sections, ["Problem"]);
        let shown: Vec<_> = sentences
            .iter()
            .map(|s| {
                (
                    s.line,
                    s.cites.join(","),
                    s.quotes.join(","),
                    s.numbers.join(" "),
                )
            })
            .collect();
        let row = |line, cites: &str, quotes: &str, numbers: &str| {
            (
                line,
                cites.to_owned(),
                quotes.to_owned(),
                numbers.to_owned(),
            )
        };
        assert_eq!(
            shown,
            [
                row(5, "R", "", "3 7.5"),
                row(5, "E1,E2", "exit 1. [E9]", ""),
                row(6, "E1", "", ""),
            ]
        );
        assert!(sentences.iter().all(|s| text[s.range.clone()] == s.text));
    }

    #[test]
    fn a_block_ends_only_at_its_own_fence_and_cites_what_stands_before_it() {
        let text = "## Evidence\n\n- [E1] here\n\n````text\n```\n## Plan\n[E7] 99\n````\n";
        let (sections, sentences) = read(text);
        assert_eq!(sections, ["Evidence"]);
        let block = sentences.last().unwrap();
        assert!(block.is_block && block.cites == ["E1"]);
        assert_eq!(block.quotes, ["```\n## Plan\n[E7] 99"]);
    }

    #[test]
    fn any_text_has_parts() {
        for text in [
            "",
            "```",
            "`",
            "``a`",
            "[",
            "[E",
            "## ",
            "1. ",
            "…",
            "a`b\n```x`\n",
            "- \n",
        ] {
            let _parts = read(text);
        }
        let ticks = "`".repeat(20_000) + "x";
        let _parts = read(&ticks);
    }
}
