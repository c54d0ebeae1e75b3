//! Values of any length as chunks of bounded length, in key order.
//!
//! A value at `base` lies at `base + chunk`, chunks counted from 0 in two bytes, and each chunk is
//! the format byte, the number of chunks that follow it (two bytes), and its part of the bytes.
//! Neighbours: `kv_store` and `loading` above, `kv` below. Must not know what values mean.

use crate::codec::Stored;
use crate::kv::{Batch, KeyRange, Kv, Order, Pair};
use crate::shared;
use crate::store::Error;

/// Most bytes of a value in one chunk.
///
/// The log engine moves any tree leaf over 128 KiB out to a file that it does not sync. Its leaves
/// split at 17 entries, so entries of this size and the longest keys stay well below that.
pub(crate) const CHUNK_BYTES_MAX: usize = 4 * 1024;

/// Most chunks of one value.
const CHUNKS_MAX: usize = 65_535;

/// Most pairs read from below at a time.
const PAGE: usize = 256;

const HEAD_BYTES: usize = 3;

/// Lays a value down; chunks of the one before that it does not cover are deleted. Gives the
/// number of chunks.
pub(crate) fn put(
    batch: &mut Batch,
    base: &[u8],
    value: &Stored,
    old_chunks: u16,
) -> Result<u16, Error> {
    let parts = value.bytes.len().div_ceil(CHUNK_BYTES_MAX).max(1);
    let chunks = u16::try_from(parts).map_err(|_| Error::Corrupt {
        what: "a value that is to be written".into(),
        why: format!(
            "it has {} bytes, the limit is {}",
            value.bytes.len(),
            CHUNKS_MAX * CHUNK_BYTES_MAX
        ),
    })?;
    for chunk in 0..chunks {
        let start = usize::from(chunk) * CHUNK_BYTES_MAX;
        let end = value.bytes.len().min(start + CHUNK_BYTES_MAX);
        let part = &value.bytes[start..end];
        let mut bytes = Vec::with_capacity(HEAD_BYTES + part.len());
        bytes.push(value.format);
        bytes.extend_from_slice(&(chunks - 1 - chunk).to_be_bytes());
        bytes.extend_from_slice(part);
        batch.put(chunk_key(base, chunk), bytes);
    }
    for chunk in chunks..old_chunks {
        batch.delete(chunk_key(base, chunk));
    }
    Ok(chunks)
}

/// Takes a value away.
pub(crate) fn delete(batch: &mut Batch, base: &[u8], chunks: u16) {
    for chunk in 0..chunks {
        batch.delete(chunk_key(base, chunk));
    }
}

/// As if a value had not been [`put`] into this batch.
pub(crate) fn withdraw(batch: &mut Batch, base: &[u8], chunks: u16) {
    for chunk in 0..chunks {
        batch.withdraw(&chunk_key(base, chunk));
    }
}

/// How many chunks a value has; 0 when there is none.
pub(crate) fn count_chunks(kv: &impl Kv, base: &[u8]) -> Result<u16, Error> {
    match first_chunk(kv, base)? {
        Some((following, _)) => Ok(following.saturating_add(1)),
        None => Ok(0),
    }
}

/// A value, put together from its pieces if it is shared.
pub(crate) fn get(kv: &impl Kv, base: &[u8]) -> Result<Option<Stored>, Error> {
    let stored = get_plain(kv, base)?;
    stored.map(|stored| shared::whole(kv, stored)).transpose()
}

/// A value as it lies.
pub(crate) fn get_plain(kv: &impl Kv, base: &[u8]) -> Result<Option<Stored>, Error> {
    match first_chunk(kv, base)? {
        None => Ok(None),
        Some((0, stored)) => Ok(Some(stored)),
        Some((_, _)) => {
            let range = KeyRange {
                from: base.to_vec(),
                to: chunk_key(base, u16::MAX),
            };
            Ok(scan_plain(kv, range, Order::Forward, 1)?
                .pop()
                .map(|(_, stored)| stored))
        }
    }
}

/// The number of chunks that follow the first, and the first.
pub(crate) fn first_chunk(kv: &impl Kv, base: &[u8]) -> Result<Option<(u16, Stored)>, Error> {
    let Some(bytes) = kv.get(&chunk_key(base, 0))? else {
        return Ok(None);
    };
    split_head(&bytes)
        .map(Some)
        .ok_or_else(|| corrupt(base, "its head is cut off"))
}

/// The first `limit` values of a range of bases, in that order, with their bases; put together from
/// their pieces where they are shared.
pub(crate) fn scan(
    kv: &impl Kv,
    range: KeyRange,
    order: Order,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Stored)>, Error> {
    let plain = scan_plain(kv, range, order, limit)?;
    let whole = |(base, stored)| Ok((base, shared::whole(kv, stored)?));
    plain.into_iter().map(whole).collect()
}

/// As [`scan`], but shared values as they lie.
pub(crate) fn scan_plain(
    kv: &impl Kv,
    mut range: KeyRange,
    order: Order,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Stored)>, Error> {
    let mut values = Vec::new();
    let mut pieces: Vec<Pair> = Vec::new();
    while values.len() < limit && !range.is_empty() {
        // Inside a value of many chunks, whole pages are read; what is too much is dropped.
        let wanted = if pieces.is_empty() {
            (limit - values.len()).min(PAGE)
        } else {
            PAGE
        };
        let page = kv.scan(&range, order, wanted)?;
        let Some((last, _)) = page.last() else { break };
        match order {
            Order::Forward => {
                range.from.clone_from(last);
                range.from.push(0);
            }
            Order::Backward => range.to.clone_from(last),
        }
        for pair in page {
            let complete = ends_value(&pair, order)?;
            pieces.push(pair);
            if complete {
                values.push(join(std::mem::take(&mut pieces), order)?);
                if values.len() == limit {
                    return Ok(values);
                }
            }
        }
    }
    match pieces.first() {
        Some((key, _)) => Err(corrupt(key, "its other chunks are missing")),
        None => Ok(values),
    }
}

/// Whether a chunk is the last one of its value that a scan in this order meets.
fn ends_value((key, bytes): &Pair, order: Order) -> Result<bool, Error> {
    match order {
        Order::Forward => match bytes.get(1..HEAD_BYTES) {
            Some(following) => Ok(following == [0, 0]),
            None => Err(corrupt(key, "its head is cut off")),
        },
        Order::Backward => Ok(key.ends_with(&[0, 0])),
    }
}

fn join(mut pieces: Vec<Pair>, order: Order) -> Result<(Vec<u8>, Stored), Error> {
    if order == Order::Backward {
        pieces.reverse();
    }
    let n_pieces = pieces.len();
    let mut whole: Option<(Vec<u8>, Stored)> = None;
    for (index, (key, bytes)) in pieces.into_iter().enumerate() {
        let (base, chunk) = key
            .split_last_chunk::<2>()
            .ok_or_else(|| corrupt(&key, "short key"))?;
        let (following, part) = split_head(&bytes).ok_or_else(|| corrupt(&key, "cut off"))?;
        let in_place = usize::from(u16::from_be_bytes(*chunk)) == index
            && usize::from(following) == n_pieces - 1 - index;
        if !in_place {
            return Err(corrupt(&key, "a chunk is missing"));
        }
        match &mut whole {
            None => whole = Some((base.to_vec(), part)),
            Some((first, stored)) if first == base && stored.format == part.format => {
                stored.bytes.extend_from_slice(&part.bytes);
            }
            Some(_) => return Err(corrupt(&key, "a chunk belongs to another value")),
        }
    }
    whole.ok_or_else(|| corrupt(&[], "it has no chunks"))
}

fn split_head(bytes: &[u8]) -> Option<(u16, Stored)> {
    let (head, part) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let stored = Stored {
        format: head[0],
        bytes: part.to_vec(),
    };
    Some((u16::from_be_bytes([head[1], head[2]]), stored))
}

pub(crate) fn chunk_key(base: &[u8], chunk: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(base.len() + 2);
    key.extend_from_slice(base);
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

fn corrupt(key: &[u8], why: &str) -> Error {
    let what = match key.first() {
        Some(b'h') => "a history record",
        Some(b's') => "the snapshot of a run",
        Some(b'o') => "the mark of an open run",
        Some(b'r') => "a line of the list of runs",
        Some(b'w') => "the newest run of a workflow id",
        Some(b'k') => "a row",
        Some(b'c') => "a piece of a large value",
        Some(_) | None => "a value",
    };
    Error::Corrupt {
        what: what.into(),
        why: why.into(),
    }
}
