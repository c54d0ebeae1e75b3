//! Reads JSON without paying for what is not asked for: a value that nobody looks at costs the search for its end, and a
//! string stays escaped until somebody wants its words.
//!
//! Neighbours: every format, through serde. The grammar is that of RFC 8259, also in what is passed over, so that a damaged
//! line is told from a whole one. More lenient in one thing: an escape that means nothing, such as half of a
//! surrogate pair, is no error; whoever unescapes it gets U+FFFD.

mod access;
mod quote;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::limits::JSON_DEPTH_MAX;
use quote::Flaw;

/// Why a text is not the JSON that was asked for. Places are bytes from the start, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The text ends in the middle of a value.
    CutOff,
    /// Lists and objects nest deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// Here stands what cannot stand here.
    Unexpected { at: usize },
    /// The value is over, and here something follows.
    Trailing { at: usize },
    /// It is JSON, but not for the type.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("cut off in the middle of a value"),
            Self::TooDeep => write!(f, "nested deeper than {JSON_DEPTH_MAX} levels"),
            Self::Unexpected { at } => write!(f, "not valid JSON (column {})", at + 1),
            Self::Trailing { at } => write!(f, "something follows the value (column {})", at + 1),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }
}

/// Reads a whole text as one value of type `T`.
///
/// # Errors
/// When the text is no JSON, or none that `T` takes.
pub(crate) fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let value = T::deserialize(&mut parser)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(Error::Trailing { at: parser.at }),
    }
}

/// A value as it is written, not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawValue<'a>(&'a str);

impl<'a> RawValue<'a> {
    /// The JSON of the value, without space around it.
    pub(crate) fn get(self) -> &'a str {
        self.0
    }
}

/// By this name the parser of this room knows that the value is wanted as it is written. No other can give that.
const RAW: &str = "trace::json::RawValue";

impl<'de: 'a, 'a> Deserialize<'de> for RawValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsWritten;
        impl<'de> Visitor<'de> for AsWritten {
            type Value = RawValue<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value, as it is written")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(RawValue(text))
            }
        }
        deserializer.deserialize_newtype_struct(RAW, AsWritten)
    }
}

/// A place in a JSON text.
struct Parser<'de> {
    text: &'de str,
    at: usize,
    depth: usize,
}

/// The inside of a string, as it is written.
struct Inside<'de> {
    text: &'de str,
    is_escaped: bool,
}

impl<'de> Parser<'de> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space, which is passed over.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// The next byte that is no white space; there has to be one.
    fn next(&mut self) -> Result<u8, Error> {
        self.peek().ok_or(Error::CutOff)
    }

    fn unexpected<T>(&self) -> Result<T, Error> {
        Err(Error::Unexpected { at: self.at })
    }

    /// Passes over this sign, which has to come next.
    fn expect(&mut self, sign: u8) -> Result<(), Error> {
        if self.next()? != sign {
            return self.unexpected();
        }
        self.at += 1;
        Ok(())
    }

    /// Goes into the list or object that opens here.
    fn enter(&mut self) -> Result<(), Error> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Goes out of it behind its last sign.
    fn leave(&mut self, sign: u8) -> Result<(), Error> {
        self.expect(sign)?;
        self.depth -= 1;
        Ok(())
    }

    /// Whether another element follows, `is_first` none before. Passes over the comma.
    fn has_more(&mut self, close: u8, is_first: bool) -> Result<bool, Error> {
        let byte = self.next()?;
        if byte == close {
            return Ok(false);
        }
        if is_first {
            return Ok(true);
        }
        self.expect(b',')?;
        if self.next()? == close {
            return self.unexpected();
        }
        Ok(true)
    }

    /// Passes over the string that has to open here.
    fn string(&mut self) -> Result<Inside<'de>, Error> {
        self.expect(b'"')?;
        let from = self.at;
        match quote::end(self.text.as_bytes(), from) {
            Ok(end) => {
                self.at = end.at + 1;
                Ok(Inside {
                    text: &self.text[from..end.at],
                    is_escaped: end.is_escaped,
                })
            }
            Err(Flaw::NoEnd) => Err(Error::CutOff),
            Err(Flaw::Control(at)) => Err(Error::Unexpected { at }),
        }
    }

    /// Passes over the key of a member and its colon.
    fn key(&mut self) -> Result<Inside<'de>, Error> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Passes over one of the words of JSON, which has to stand here.
    fn word(&mut self, word: &str) -> Result<(), Error> {
        for (distance, want) in word.bytes().enumerate() {
            match self.text.as_bytes().get(self.at + distance) {
                Some(byte) if *byte == want => {}
                Some(_) => return self.unexpected(),
                None => return Err(Error::CutOff),
            }
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over the number that has to stand here.
    fn number(&mut self) -> Result<&'de str, Error> {
        let from = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.unexpected();
        }
        Ok(&self.text[from..self.at])
    }

    /// Passes over one digit or more.
    fn digits(&mut self) -> Result<(), Error> {
        match self.byte() {
            None => return Err(Error::CutOff),
            Some(byte) if !byte.is_ascii_digit() => return self.unexpected(),
            Some(_) => {}
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// Passes over a value. Its own stack is as deep as the limit allows.
    fn skip(&mut self) -> Result<(), Error> {
        match self.next()? {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                self.enter()?;
                let mut is_first = true;
                while self.has_more(b'}', is_first)? {
                    is_first = false;
                    self.key()?;
                    self.skip()?;
                }
                self.leave(b'}')
            }
            b'[' => {
                self.enter()?;
                let mut is_first = true;
                while self.has_more(b']', is_first)? {
                    is_first = false;
                    self.skip()?;
                }
                self.leave(b']')
            }
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.unexpected(),
        }
    }
}
