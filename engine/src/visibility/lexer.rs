//! The words and signs of a query's text.
//!
//! Neighbours: `parser` reads them. Must not know which words mean something.

use super::error::QueryError;

/// One word or sign, and where it begins in the text, bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A bare word: a keyword, a name, `now`, or a duration such as `1h`.
    Word(String),
    /// A name between backticks.
    Name(String),
    /// A text between quotes.
    Text(String),
    /// A number as it is written, without a sign.
    Number(String),
    /// One of `= != < <= > >= ( ) , + -`.
    Sign(&'static str),
    /// The end of the text.
    End,
}

impl Kind {
    /// As an error names it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{}`", shortened(word)),
            Self::Name(name) => format!("the name `{}`", shortened(name)),
            Self::Text(text) => format!("the text '{}'", shortened(text)),
            Self::Number(number) => format!("the number {}", shortened(number)),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the query".to_owned(),
        }
    }
}

/// Text of an error that stays on one line.
fn shortened(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().count() > 40 {
        out.push_str("...");
    }
    out
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [(&str, &str); 13] = [
    ("!=", "!="),
    ("<>", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("==", "="),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("+", "+"),
    ("-", "-"),
];

/// Whether a text is one bare word.
pub(super) fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(begins_word) && chars.all(goes_on_word)
}

fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn goes_on_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

/// The tokens of a text; the last one is its end.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = query[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = &query[at..];
        let (kind, bytes) = match c {
            '\'' | '"' => {
                let (text, bytes) = quoted(query, at, c)?;
                (Kind::Text(text), bytes)
            }
            '`' => {
                let (name, bytes) = quoted(query, at, c)?;
                (Kind::Name(name), bytes)
            }
            _ if c.is_ascii_digit() => number(rest),
            _ if begins_word(c) => {
                let bytes = rest.find(|c| !goes_on_word(c)).unwrap_or(rest.len());
                (Kind::Word(rest[..bytes].to_owned()), bytes)
            }
            _ => {
                let sign = SIGNS.iter().find(|(written, _)| rest.starts_with(written));
                let Some((written, sign)) = sign else {
                    return Err(QueryError::at(
                        query,
                        at,
                        format!("`{}`", if c.is_control() { ' ' } else { c }),
                        "a name, a value or an operator".to_owned(),
                    ));
                };
                (Kind::Sign(sign), written.len())
            }
        };
        tokens.push(Token { kind, at });
        at += bytes;
    }
    tokens.push(Token {
        kind: Kind::End,
        at: query.len(),
    });
    Ok(tokens)
}

/// What stands between two quotes, and the bytes it takes with them. A quote inside is doubled.
fn quoted(query: &str, at: usize, quote: char) -> Result<(String, usize), QueryError> {
    let mut text = String::new();
    let mut chars = query[at + 1..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((text, offset + 2));
        }
    }
    Err(QueryError::at(
        query,
        query.len(),
        Kind::End.describe(),
        format!(
            "the {quote} that ends the text of column {}",
            query[..at].chars().count() + 1
        ),
    ))
}

/// A number, or a duration: a number that letters follow.
fn number(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let digits = |from: usize| {
        from + bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && is_digit(end + 1) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if is_digit(end + 1 + sign) {
            end = digits(end + 1 + sign);
        }
    }
    if rest[end..].starts_with(goes_on_word) {
        let whole = rest.find(|c| !goes_on_word(c)).unwrap_or(rest.len());
        return (Kind::Word(rest[..whole].to_owned()), whole);
    }
    (Kind::Number(rest[..end].to_owned()), end)
}
