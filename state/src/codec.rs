//! The bytes of stored values. The only file that names bincode.
//!
//! Neighbours: `kv_store` and `loading` encode and decode here; `values` lays the bytes down. Must
//! not know keys. How a format may change is in `docs/FORMAT.md`.

use std::fmt::Display;

use bincode::Options;
use kernel::{EventId, Transition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::Error;

/// The format that this binary writes, for every kind of value.
pub(crate) const FORMAT: u8 = 1;

/// A value of [`FORMAT`] of which only the names of its pieces are stored here; see `shared`.
pub(crate) const FORMAT_SHARED: u8 = 0x40 | FORMAT;

/// All records of a closed run in one value; see `packed`.
pub(crate) const FORMAT_PACKED: u8 = 0x20 | FORMAT;

/// A value as it is stored: the format byte and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) format: u8,
    pub(crate) bytes: Vec<u8>,
}

/// One history record, as it is read.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Record {
    /// The last event before it; 0 before the first.
    pub(crate) after: EventId,
    /// What changed.
    pub(crate) transition: Transition,
}

/// One history record, as it is written: the same bytes as [`Record`].
#[derive(Debug, Serialize)]
pub(crate) struct RecordRef<'a> {
    pub(crate) after: EventId,
    pub(crate) transition: &'a Transition,
}

/// Variable-length integers, little-endian, no byte left over. The limit is the input itself: a
/// length in damaged bytes cannot ask for more memory than that.
fn options(input: &[u8]) -> impl Options {
    let limit = u64::try_from(input.len()).unwrap_or(u64::MAX);
    bincode::DefaultOptions::new().with_limit(limit)
}

/// A plain value in today's format.
pub(crate) fn encode<T: Serialize>(what: &dyn Display, value: &T) -> Result<Stored, Error> {
    let bytes = bincode::DefaultOptions::new()
        .serialize(value)
        .map_err(|error| Error::Corrupt {
            what: what.to_string(),
            why: error.to_string(),
        })?;
    Ok(Stored {
        format: FORMAT,
        bytes,
    })
}

/// Bytes that somebody else encoded, in today's format.
pub(crate) fn wrap(bytes: &[u8]) -> Stored {
    Stored {
        format: FORMAT,
        bytes: bytes.to_vec(),
    }
}

/// The value that was encoded.
pub(crate) fn decode<T: DeserializeOwned>(what: &dyn Display, stored: &Stored) -> Result<T, Error> {
    check_format(what, stored.format)?;
    options(&stored.bytes)
        .deserialize(&stored.bytes)
        .map_err(|error| Error::Corrupt {
            what: what.to_string(),
            why: error.to_string(),
        })
}

/// The bytes that were wrapped.
pub(crate) fn unwrap(what: &dyn Display, stored: Stored) -> Result<Vec<u8>, Error> {
    check_format(what, stored.format)?;
    Ok(stored.bytes)
}

/// [`Record::after`], from the first bytes of a record. One that is shared begins with them too.
pub(crate) fn record_after(what: &dyn Display, first: &Stored) -> Result<EventId, Error> {
    if first.format != FORMAT_SHARED {
        check_format(what, first.format)?;
    }
    options(&first.bytes)
        .allow_trailing_bytes()
        .deserialize(&first.bytes)
        .map_err(|error| Error::Corrupt {
            what: what.to_string(),
            why: error.to_string(),
        })
}

fn check_format(what: &dyn Display, format: u8) -> Result<(), Error> {
    if format == FORMAT {
        return Ok(());
    }
    let why = if format > FORMAT {
        format!(
            "it has format {format}, which a newer version wrote; this one knows up to {FORMAT}"
        )
    } else {
        format!("it has format {format}, which no version wrote")
    };
    Err(Error::Corrupt {
        what: what.to_string(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let newer = Stored {
            format: FORMAT + 1,
            bytes: vec![5],
        };
        let error = decode::<u64>(&"the run", &newer).unwrap_err().to_string();
        assert!(
            error.contains("the run") && error.contains("newer version"),
            "{error}"
        );
    }

    #[test]
    fn bytes_left_over_cut_short_or_lying_about_a_length_are_refused() {
        let stored = encode(&"x", &"a failing test".to_owned()).unwrap();
        assert_eq!(decode::<String>(&"x", &stored).unwrap(), "a failing test");
        let mut longer = stored.clone();
        longer.bytes.push(0);
        assert!(decode::<String>(&"x", &longer).is_err());
        let mut shorter = stored;
        shorter.bytes.pop();
        assert!(decode::<String>(&"x", &shorter).is_err());
        // A string that says it has 2^63 bytes.
        let lying = Stored {
            format: FORMAT,
            bytes: vec![253, 0, 0, 0, 0, 0, 0, 0, 128],
        };
        assert!(decode::<String>(&"x", &lying).is_err());
        assert!(decode::<Vec<u64>>(&"x", &lying).is_err());
    }

    #[test]
    fn the_event_before_a_record_reads_from_its_first_bytes() {
        let transition = Transition::default();
        let record = RecordRef {
            after: EventId(70_000),
            transition: &transition,
        };
        let mut stored = encode(&"x", &record).unwrap();
        stored.bytes.extend_from_slice(b"rest");
        assert_eq!(record_after(&"x", &stored).unwrap(), EventId(70_000));
    }
}
