//! Reading JSON without paying for what is not needed: fields stay raw until asked for.
//!
//! Neighbours: every format. Field types are lenient: a number where a string should be is an empty string,
//! not a lost line.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::event::{Text, unescape};
use crate::json::{self, RawValue};

/// A field whose value is not read yet; null and absent are the same.
pub(crate) type Raw<'a> = Option<RawValue<'a>>;

/// The inside of a string, still escaped; empty when the value is no string.
pub(crate) fn inside<'a>(field: Raw<'a>) -> &'a str {
    let Some(value) = field else { return "" };
    let text = value.get().strip_prefix('"');
    text.and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default()
}

/// The string; empty when the value is no string.
pub(crate) fn string(field: Raw<'_>) -> Cow<'_, str> {
    unescape(inside(field))
}

/// The string, as far as about `bytes_max` bytes.
pub(crate) fn string_head(field: Raw<'_>, bytes_max: usize) -> Cow<'_, str> {
    Text {
        first: inside(field),
        last: "",
    }
    .head(bytes_max)
}

pub(crate) fn int(field: Raw<'_>) -> Option<i64> {
    let text = field?.get();
    text.parse().ok().or_else(|| {
        // JavaScript writes whole numbers as floats now and then.
        let whole = text.split('.').next()?;
        if whole.len() == text.len() {
            None
        } else {
            whole.parse().ok()
        }
    })
}

pub(crate) fn boolean(field: Raw<'_>) -> Option<bool> {
    field?.get().parse().ok()
}

/// An object of type `T`, or its default when the value is something else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loose<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Any<T> {
            type Value = Loose<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Loose)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Loose::default())
            }
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// A message's content: a string, or a list of items of type `T`.
#[derive(Clone, Debug, Default)]
pub(crate) enum Content<'a, T> {
    /// Nothing, or something unknown.
    #[default]
    None,
    /// One string.
    Text(Cow<'a, str>),
    /// A list.
    Items(Vec<T>),
}

impl<'de: 'a, 'a, T: Deserialize<'de> + Default> Deserialize<'de> for Content<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<'a, T>(PhantomData<(&'a (), T)>);
        impl<'de: 'a, 'a, T: Deserialize<'de> + Default> Visitor<'de> for Any<'a, T> {
            type Value = Content<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content::None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Loose(item)) = seq.next_element::<Loose<T>>()? {
                    items.push(item);
                }
                Ok(Content::Items(items))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Owned(text)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Content::None)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Content::None)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Content::None)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Content::None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Content::None)
            }
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// A content item that may hold text; the smallest thing a tool result's list is made of.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TextItem<'a> {
    #[serde(borrow, default)]
    pub(crate) text: Raw<'a>,
}

/// The text of a raw content field: a string, or a list whose items hold text.
pub(crate) fn content_text<'a>(field: Raw<'a>) -> Text<'a> {
    let Some(value) = field else {
        return Text::default();
    };
    if value.get().starts_with('"') {
        return Text {
            first: inside(field),
            last: "",
        };
    }
    if !value.get().starts_with('[') {
        return Text::default();
    }
    match json::from_str::<Vec<Loose<TextItem<'a>>>>(value.get()) {
        Ok(items) => first_and_last(items.iter().map(|Loose(item)| inside(item.text))),
        Err(_) => Text::default(),
    }
}

/// The first and the last text that is not empty.
pub(crate) fn first_and_last<'a>(texts: impl Iterator<Item = &'a str>) -> Text<'a> {
    let mut text = Text::default();
    for part in texts.filter(|part| !part.is_empty()) {
        if text.first.is_empty() {
            text.first = part;
        } else {
            text.last = part;
        }
    }
    text
}

/// What the first lines of a file are recognised by.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Probe<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) id: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) message: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) payload: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) cwd: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) uuid: Raw<'a>,
    #[serde(borrow, default, rename = "leafUuid")]
    pub(crate) leaf_uuid: Raw<'a>,
    #[serde(borrow, default, rename = "messageId")]
    pub(crate) message_id: Raw<'a>,
    #[serde(borrow, default, rename = "sessionId")]
    pub(crate) session_id: Raw<'a>,
    #[serde(borrow, default, rename = "jobId")]
    pub(crate) job_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) status: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) action: Raw<'a>,
    #[serde(borrow, default, rename = "traceSchema")]
    pub(crate) trace_schema: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) role: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) content: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) instructions: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) git: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) call_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) data: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) timestamp: Raw<'a>,
}

impl<'a> Probe<'a> {
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if !line.starts_with('{') {
            return None;
        }
        json::from_str(line).ok()
    }

    pub(crate) fn kind(&self) -> &'a str {
        inside(self.kind)
    }
}

/// Parses one line, telling in plain words why it cannot be read.
pub(crate) fn parse_line<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    if !line.trim_start().starts_with(['{', '\0']) {
        return Err("not a JSON object".to_owned());
    }
    json::from_str(line).map_err(|error| reason(line, &error))
}

fn reason(line: &str, error: &json::Error) -> String {
    if line.contains('\0') {
        return "NUL bytes".to_owned();
    }
    match error {
        json::Error::CutOff => "cut off in the middle of the line".to_owned(),
        json::Error::Trailing { at } => json::Error::Unexpected { at: *at }.to_string(),
        json::Error::TooDeep | json::Error::Unexpected { .. } => error.to_string(),
        json::Error::Other(_) => "not valid JSON for this format".to_owned(),
    }
}
