//! From a text to the words that carry feeling: code, quotes and addresses off, negation marked.
//!
//! Neighbours: [`super`] weighs them. Gives plain strings, so that a table a person can read may hold their weights.

use std::fmt::{self, Write};

use super::lexicon::{self, Shade};
use crate::event::floor_char;

/// How much of a text is read.
const TEXT_BYTES: usize = 6_000;
/// How much of the end of a piece of code is read for marks.
const CODE_TAIL_BYTES: usize = 3;
/// How many words a negation reaches.
const NEGATION_REACH: usize = 3;

/// Takes each feature of a text: words, pairs of words, and marks such as `{smile}`. One may come more than once.
struct Sink<'f> {
    take: &'f mut dyn FnMut(&str),
    /// Names are put together here, so that none needs memory of its own.
    name: String,
}

impl Sink<'_> {
    fn put(&mut self, name: &str) {
        (self.take)(name);
    }

    fn put_all(&mut self, name: fmt::Arguments<'_>) {
        self.name.clear();
        // Writing into memory does not fail.
        if self.name.write_fmt(name).is_ok() {
            (self.take)(&self.name);
        }
    }
}

/// Reads the features of a text.
pub(super) fn features(text: &str, take: &mut dyn FnMut(&str)) {
    let text = &text[..floor_char(text, TEXT_BYTES)];
    let spoken = spoken(text);
    let tokens = tokens(&spoken);
    let name = String::new();
    let features = &mut Sink { take, name };
    let mut balance = Balance::default();
    let mut negated = 0_usize;
    let mut previous: Option<&str> = None;
    for token in &tokens {
        match token {
            Token::Mark(mark) => {
                let ends_clause = matches!(*mark, "{.}" | "{!}" | "{?}" | "{,}");
                if ends_clause {
                    negated = 0;
                    previous = None;
                }
                if !matches!(*mark, "{.}" | "{,}") {
                    features.put(mark);
                }
            }
            Token::Word(word) => {
                let is_negated = negated > 0;
                negated = negated.saturating_sub(1);
                if is_negated {
                    features.put_all(format_args!("not_{word}"));
                } else {
                    features.put(word);
                }
                if let Some(before) = previous {
                    features.put_all(format_args!("{before} {word}"));
                }
                balance.add(lexicon::shade(word), is_negated);
                if is_negation(word) {
                    negated = NEGATION_REACH;
                }
                previous = Some(word);
            }
        }
    }
    balance.mark(features);
    shape(&tokens, &spoken, features);
}

/// What the lexicon knows of the words of one text.
#[derive(Debug, Default)]
struct Balance {
    counts: [u32; SHADES],
    negated: [u32; SHADES],
}

const SHADES: usize = 6;
const NAMES: [&str; SHADES] = [
    "delight",
    "pleasure",
    "approval",
    "trouble",
    "displeasure",
    "anger",
];

impl Balance {
    fn add(&mut self, shade: Option<Shade>, is_negated: bool) {
        let at = match shade {
            None => return,
            Some(Shade::Delighted) => 0,
            Some(Shade::Pleased) => 1,
            Some(Shade::Approving) => 2,
            Some(Shade::Troubled) => 3,
            Some(Shade::Displeased) => 4,
            Some(Shade::Angry) => 5,
        };
        let side = if is_negated {
            &mut self.negated
        } else {
            &mut self.counts
        };
        side[at] += 1;
    }

    fn mark(&self, features: &mut Sink<'_>) {
        for (at, name) in NAMES.into_iter().enumerate() {
            for least in [1, 2, 4] {
                if self.counts[at] >= least {
                    features.put_all(format_args!("{{{name}>={least}}}"));
                }
            }
            if self.negated[at] > 0 {
                features.put_all(format_args!("{{not {name}}}"));
            }
        }
        let weigh = |weights: [u32; SHADES]| -> u32 {
            self.counts
                .iter()
                .zip(weights)
                .map(|(n, weight)| n * weight)
                .sum()
        };
        let pleased = weigh([4, 2, 1, 0, 0, 0]);
        let displeased = weigh([0, 0, 0, 1, 3, 4]);
        if pleased > displeased {
            features.put("{more pleased}");
        }
        if displeased > pleased {
            features.put("{more displeased}");
        }
        if pleased == 0 && displeased == 0 {
            features.put("{no feeling}");
        }
    }
}

/// Length, shouting and letters drawn out.
fn shape(tokens: &[Token], spoken: &str, features: &mut Sink<'_>) {
    let words = tokens
        .iter()
        .filter(|token| matches!(token, Token::Word(_)))
        .count();
    for (most, name) in [
        (3, "{words<=3}"),
        (8, "{words<=8}"),
        (20, "{words<=20}"),
        (50, "{words<=50}"),
        (120, "{words<=120}"),
    ] {
        if words <= most {
            features.put(name);
        }
    }
    let shouted = spoken
        .split_whitespace()
        .filter(|word| word.len() >= 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '!'));
    if shouted.count() >= 2 {
        features.put("{shouted}");
    }
    if spoken.trim_end().ends_with('?') {
        features.put("{ends ?}");
    }
    if spoken.trim_end().ends_with('!') {
        features.put("{ends !}");
    }
}

/// The text without code blocks, quoted lines, inline code and addresses.
fn spoken(text: &str) -> String {
    let mut spoken = String::with_capacity(text.len());
    let mut in_code = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        if in_code || trimmed.starts_with('>') {
            continue;
        }
        let mut is_code = false;
        for (index, part) in line.split('`').enumerate() {
            is_code = index % 2 == 1;
            if !is_code {
                spoken.push_str(part);
            }
            spoken.push(' ');
        }
        // An open backtick hides nothing.
        if is_code && let Some((_, rest)) = line.rsplit_once('`') {
            spoken.push_str(rest);
        }
        spoken.push('\n');
    }
    spoken
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(&'static str),
}

const SMILES: &[&str] = &[
    ":)",
    ":-)",
    ":d",
    ":-d",
    ";)",
    ";-)",
    "=)",
    ":p",
    ":-p",
    "(:",
    "^^",
    "^_^",
    ":3",
    "xd",
    "<3",
    ";p",
    "=d",
    ":o)",
    "c:",
    ":]",
    "☺",
    "🙂",
    "😀",
    "😃",
    "😄",
    "😁",
    "😊",
    "😉",
    "🎉",
    "👍",
    "❤",
    "😍",
    "🙏",
    "🚀",
    "😂",
    "😅",
    "💯",
    "👏",
    "✨",
    "🙌",
    ":+1:",
    ":tada:",
    ":smile:",
    ":smiley:",
    ":heart:",
    ":rocket:",
    ":thumbsup:",
    ":wink:",
    ":grin:",
    ":grinning:",
    ":blush:",
    ":clap:",
    ":pray:",
    ":beers:",
    ":sparkles:",
    ":100:",
];
const FROWNS: &[&str] = &[
    ":(",
    ":-(",
    "=(",
    ":/",
    ":-/",
    ":\\",
    ":-\\",
    ":'(",
    "):",
    ":s",
    ":-s",
    ":|",
    ":-|",
    "-_-",
    "d:",
    ">:(",
    "😞",
    "😢",
    "😭",
    "😠",
    "😡",
    "🤦",
    "😕",
    "🙁",
    "☹",
    "👎",
    "😩",
    "😤",
    "💔",
    ":disappointed:",
    ":confused:",
    ":cry:",
    ":sob:",
    ":-1:",
    ":thumbsdown:",
    ":rage:",
    ":angry:",
    ":frowning:",
    ":facepalm:",
    ":worried:",
    ":unamused:",
];

fn tokens(spoken: &str) -> Vec<Token> {
    let lower = spoken.to_lowercase().replace('’', "'");
    let mut tokens = Vec::new();
    for piece in lower.split_whitespace() {
        if piece.contains("://") || piece.starts_with("www.") || piece.starts_with('@') {
            continue;
        }
        if let Some(mark) = emoticon(piece) {
            tokens.push(Token::Mark(mark));
            continue;
        }
        for c in piece.chars() {
            if let Some(mark) = picture(c) {
                tokens.push(Token::Mark(mark));
            }
        }
        words_of(piece, &mut tokens);
    }
    tokens
}

fn emoticon(piece: &str) -> Option<&'static str> {
    let bare = piece.trim_end_matches(['.', ',', '!']);
    // Only one face is made of letters alone.
    if bare != "xd" && bare.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let is = |list: &[&str]| list.contains(&piece) || list.contains(&bare);
    let ends = |list: &[&str]| {
        list.iter()
            .filter(|face| face.len() >= 2 && face.starts_with([':', ';', '=']))
            .any(|face| bare.len() > face.len() + 2 && bare.ends_with(face) && !bare.contains('/'))
    };
    if is(SMILES) {
        Some("{smile}")
    } else if is(FROWNS) {
        Some("{frown}")
    } else if ends(&[":)", ";)", ":-)", ":d", ";-)"]) {
        Some("{smile}")
    } else if ends(&[":(", ":-("]) {
        Some("{frown}")
    } else {
        None
    }
}

fn picture(c: char) -> Option<&'static str> {
    if c.is_ascii() {
        return None;
    }
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    if SMILES.contains(&text) {
        Some("{smile}")
    } else if FROWNS.contains(&text) {
        Some("{frown}")
    } else {
        None
    }
}

/// Splits a piece between white space into words and the marks that end clauses.
fn words_of(piece: &str, tokens: &mut Vec<Token>) {
    let is_word = |c: char| c.is_alphabetic() || c == '\'';
    let mut rest = piece;
    // Names with dots, digits or underscores inside are code, not speech.
    let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
    let is_code = core
        .chars()
        .any(|c| matches!(c, '_' | '=' | '<' | '{' | '(' | '#' | '\\'))
        || core.contains("::")
        || core.char_indices().any(|(at, c)| {
            c == '.'
                && core[at + 1..].starts_with(char::is_alphanumeric)
                && core.len() > 3
                && !core.contains("..")
        });
    if is_code {
        tokens.push(Token::Word("{code}".to_owned()));
        let tail = floor_char(piece, piece.len().saturating_sub(CODE_TAIL_BYTES));
        rest = piece[tail..].trim_start_matches(|c: char| c.is_alphanumeric());
    }
    while let Some(c) = rest.chars().next() {
        if is_word(c) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let word = rest[..end].trim_matches('\'');
            if !word.is_empty() && word.len() <= 40 {
                push_word(word, tokens);
            }
            rest = &rest[end..];
            continue;
        }
        let mark = match c {
            '.' | ';' | ':' => Some("{.}"),
            '!' => Some("{!}"),
            '?' => Some("{?}"),
            ',' => Some("{,}"),
            _ => None,
        };
        if let Some(mark) = mark {
            let repeated = rest.chars().take_while(|next| *next == c).count();
            tokens.push(Token::Mark(mark));
            if repeated >= 2 {
                match c {
                    '!' => tokens.push(Token::Mark("{!!}")),
                    '?' => tokens.push(Token::Mark("{??}")),
                    '.' => tokens.push(Token::Mark("{...}")),
                    _ => {}
                }
            }
            rest = &rest[c.len_utf8() * repeated..];
            continue;
        }
        if c == '…' {
            tokens.push(Token::Mark("{...}"));
        }
        rest = &rest[c.len_utf8()..];
    }
}

/// Drawn-out letters are cut to two: `sooo` is `soo`.
fn push_word(word: &str, tokens: &mut Vec<Token>) {
    let mut out = String::with_capacity(word.len());
    let mut run = 0;
    let mut last = '\0';
    for c in word.chars() {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run <= 2 {
            out.push(c);
        }
    }
    tokens.push(Token::Word(out));
}

fn is_negation(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "no"
            | "never"
            | "cannot"
            | "cant"
            | "dont"
            | "doesnt"
            | "isnt"
            | "wont"
            | "without"
            | "hardly"
            | "neither"
            | "nor"
            | "nothing"
            | "didnt"
    ) || word.ends_with("n't")
}
