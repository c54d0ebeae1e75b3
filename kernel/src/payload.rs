//! User values: bytes and the name of their encoding.
//!
//! Neighbours: events and commands carry payloads without looking inside. Must not know what the
//! values mean.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits;

/// How the bytes of a [`Payload`] are to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// `json/plain`: UTF-8 JSON, the default, readable by people and tools.
    JsonPlain,
    /// Any other encoding by its name, such as `binary/encrypted`.
    Named(String),
}

impl Encoding {
    /// The name as it stands in exported histories.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::JsonPlain => "json/plain",
            Self::Named(name) => name,
        }
    }
}

/// An opaque user value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The encoding of `data`.
    pub encoding: Encoding,
    /// The bytes.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match std::str::from_utf8(&self.data) {
            Ok(text) if text.len() <= 200 => write!(f, "Payload({}: {text})", self.encoding.name()),
            Ok(_) | Err(_) => {
                write!(
                    f,
                    "Payload({}: {} bytes)",
                    self.encoding.name(),
                    self.data.len()
                )
            }
        }
    }
}

impl Payload {
    /// JSON `null`, the value of nothing.
    #[must_use]
    pub fn null() -> Self {
        Self {
            encoding: Encoding::JsonPlain,
            data: b"null".to_vec(),
        }
    }

    /// Bytes that count towards the history limit.
    pub(crate) fn counted_bytes(&self) -> usize {
        self.data.len().min(limits::PAYLOAD_BYTES_COUNTED_MAX)
    }

    /// Encodes a value as `json/plain`.
    ///
    /// # Errors
    /// When the value has no JSON form (a map with keys that are not text, say).
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let data = serde_json::to_vec(value).map_err(|e| PayloadError::Encode(e.to_string()))?;
        Ok(Self {
            encoding: Encoding::JsonPlain,
            data,
        })
    }

    /// Decodes a `json/plain` payload.
    ///
    /// # Errors
    /// When the encoding is another one, or the JSON does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match &self.encoding {
            Encoding::JsonPlain => {
                serde_json::from_slice(&self.data).map_err(|e| PayloadError::Decode(e.to_string()))
            }
            Encoding::Named(name) => Err(PayloadError::UnknownEncoding(name.clone())),
        }
    }
}

/// A payload could not be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// The value cannot be written in this encoding.
    Encode(String),
    /// The bytes are not such a value.
    Decode(String),
    /// No codec of that name is known.
    UnknownEncoding(String),
}

impl std::fmt::Display for PayloadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encode(why) => write!(f, "encode the payload: {why}"),
            Self::Decode(why) => write!(f, "decode the payload: {why}"),
            Self::UnknownEncoding(name) => write!(f, "decode the payload: unknown encoding {name}"),
        }
    }
}

impl std::error::Error for PayloadError {}
