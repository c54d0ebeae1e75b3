//! The parser as serde wants it.

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Error, Inside, Parser, RAW};
use crate::event::unescape;

impl<'de> Deserializer<'de> for &mut Parser<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.next()? {
            b'"' => {
                let Inside { text, is_escaped } = self.string()?;
                if is_escaped {
                    visitor.visit_string(unescape(text).into_owned())
                } else {
                    visitor.visit_borrowed_str(text)
                }
            }
            b'{' => {
                self.enter()?;
                let is_first = true;
                let value = visitor.visit_map(Within {
                    parser: &mut *self,
                    is_first,
                })?;
                self.leave(b'}')?;
                Ok(value)
            }
            b'[' => {
                self.enter()?;
                let is_first = true;
                let value = visitor.visit_seq(Within {
                    parser: &mut *self,
                    is_first,
                })?;
                self.leave(b']')?;
                Ok(value)
            }
            b'-' | b'0'..=b'9' => {
                let number = self.number()?;
                if let Ok(whole) = number.parse() {
                    visitor.visit_u64(whole)
                } else if let Ok(whole) = number.parse() {
                    visitor.visit_i64(whole)
                } else {
                    // The grammar was looked at; what is too large becomes infinite.
                    visitor.visit_f64(number.parse().unwrap_or(f64::INFINITY))
                }
            }
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => self.unexpected(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.next()? == b'n' {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        self.next()?;
        let from = self.at;
        self.skip()?;
        visitor.visit_borrowed_str(&self.text[from..self.at])
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    // Nothing that is read here has variants with a meaning, so a type with any is refused by its own visitor.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// Inside a list or an object.
struct Within<'p, 'de> {
    parser: &'p mut Parser<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for Within<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if !self.parser.has_more(b']', self.is_first)? {
            return Ok(None);
        }
        self.is_first = false;
        seed.deserialize(&mut *self.parser).map(Some)
    }
}

impl<'de> MapAccess<'de> for Within<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if !self.parser.has_more(b'}', self.is_first)? {
            return Ok(None);
        }
        self.is_first = false;
        let Inside { text, is_escaped } = self.parser.key()?;
        if is_escaped {
            let text = unescape(text).into_owned();
            seed.deserialize(StringDeserializer::new(text)).map(Some)
        } else {
            seed.deserialize(BorrowedStrDeserializer::new(text))
                .map(Some)
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.parser)
    }
}
