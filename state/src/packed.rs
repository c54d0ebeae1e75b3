//! The history of a short run that has closed, in one value.
//!
//! Most runs are short, and once closed they are read seldom and never written. Each record under a key
//! of its own costs more for the key than for what it says, and records of one run say nearly the
//! same. So the commit that closes a run puts them together and compresses them, under the key of the
//! first. Neighbours: `kv_store` packs, `loading` unpacks. Must not know what records mean.

mod dictionary;

use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::codec::{FORMAT, FORMAT_PACKED, Stored};
use crate::loading::Part;
use crate::store::Error;
use dictionary::DICTIONARY;

/// Longer histories stay as they are: they have snapshots, and are found in by event.
pub(crate) const PACKED_BYTES_MAX: usize = 16 * 1024;
/// Length of the records before they were compressed.
const HEAD_BYTES: usize = 4;
const LEN_BYTES: usize = 4;
/// Room for what deflate adds to bytes that it cannot shorten, and for ending on a whole byte.
const FLUSH_BYTES: usize = 64;

/// Compresses, with memory that is kept for the next time.
pub(crate) struct Packer(Mutex<Memory>);

struct Memory {
    compress: Compress,
    /// What the dictionary becomes, which nobody needs.
    dropped: Vec<u8>,
}

impl Memory {
    /// Forgets what was packed before and knows the dictionary.
    fn prime(&mut self) -> bool {
        self.compress.reset();
        self.dropped.clear();
        self.dropped.reserve(DICTIONARY.len() + FLUSH_BYTES);
        let (compress, dropped) = (&mut self.compress, &mut self.dropped);
        let primed = compress.compress_vec(DICTIONARY, dropped, FlushCompress::Sync);
        primed.is_ok() && is_all(compress.total_in(), DICTIONARY.len())
    }
}

fn is_all(done: u64, len: usize) -> bool {
    usize::try_from(done) == Ok(len)
}

impl Packer {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Memory {
            compress: Compress::new(Compression::default(), false),
            dropped: Vec::new(),
        }))
    }

    /// All records of a run in one value; `None` when they are better left as they are.
    pub(crate) fn pack(&self, records: &[Stored]) -> Option<Stored> {
        if records.len() < 2 || records.iter().any(|record| record.format != FORMAT) {
            return None;
        }
        let mut plain = Vec::new();
        for record in records {
            let len = u32::try_from(record.bytes.len()).ok()?;
            plain.extend_from_slice(&len.to_be_bytes());
            plain.extend_from_slice(&record.bytes);
        }
        if plain.len() > PACKED_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + plain.len());
        bytes.extend_from_slice(&u32::try_from(plain.len()).ok()?.to_be_bytes());
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.prime() {
            return None;
        }
        // What does not fit into the room of the plain bytes is not worth it.
        let compress = &mut memory.compress;
        let status = compress.compress_vec(&plain, &mut bytes, FlushCompress::Finish);
        matches!(status, Ok(Status::StreamEnd)).then_some(Stored {
            format: FORMAT_PACKED,
            bytes,
        })
    }
}

/// The records of a run in order.
///
/// # Errors
/// [`Error::Corrupt`] for bytes that no packer wrote.
pub(crate) fn unpack(part: &Part, stored: &Stored) -> Result<Vec<Stored>, Error> {
    let (head, packed) = stored
        .bytes
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or_else(|| part.corrupt("its head is cut off"))?;
    let len = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
    if len > PACKED_BYTES_MAX {
        return Err(part.corrupt(format!("it claims {len} bytes, more than are ever packed")));
    }
    let mut decompress = primed().ok_or_else(|| part.corrupt("the dictionary does not unpack"))?;
    let before = decompress.total_in();
    let mut plain = Vec::with_capacity(len);
    let status = decompress.decompress_vec(packed, &mut plain, FlushDecompress::Finish);
    let is_whole = matches!(status, Ok(Status::StreamEnd))
        && plain.len() == len
        && is_all(decompress.total_in() - before, packed.len());
    if !is_whole {
        return Err(part.corrupt("its packed records are damaged"));
    }
    let mut records = Vec::new();
    let mut rest = plain.as_slice();
    while !rest.is_empty() {
        let record = rest
            .split_first_chunk::<LEN_BYTES>()
            .and_then(|(len, bytes)| {
                bytes.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
            });
        let (bytes, after) = record.ok_or_else(|| part.corrupt("a packed record is cut off"))?;
        records.push(Stored {
            format: FORMAT,
            bytes: bytes.to_vec(),
        });
        rest = after;
    }
    Ok(records)
}

/// A decompressor that knows the dictionary: it reads it as deflate has bytes that are not compressed,
/// so that what follows may refer to it.
fn primed() -> Option<Decompress> {
    let len = u16::try_from(DICTIONARY.len()).ok()?;
    let [low, high] = len.to_le_bytes();
    let mut stored = vec![0, low, high, !low, !high];
    stored.extend_from_slice(DICTIONARY);
    let mut decompress = Decompress::new(false);
    let mut known = Vec::with_capacity(DICTIONARY.len());
    let read = decompress.decompress_vec(&stored, &mut known, FlushDecompress::None);
    (read.is_ok() && known == DICTIONARY).then_some(decompress)
}

#[cfg(test)]
mod tests {
    use kernel::RunId;

    use super::*;
    use crate::codec::wrap;

    const PART: Part = Part("the history", RunId([1; 16]));

    fn records() -> Vec<Stored> {
        let text = |n: usize| format!("step {n} of the same kind as the one before").repeat(n % 4);
        (0..20).map(|n| wrap(text(n).as_bytes())).collect()
    }

    #[test]
    fn records_come_back_and_take_less_room() {
        let (packer, records) = (Packer::new(), records());
        for _ in 0..2 {
            let packed = packer.pack(&records).unwrap();
            assert_eq!(unpack(&PART, &packed).unwrap(), records);
            let plain: usize = records.iter().map(|record| record.bytes.len()).sum();
            assert!(packed.bytes.len() < plain / 3, "{}", packed.bytes.len());
        }
    }

    #[test]
    fn what_is_long_alone_random_or_of_another_format_stays() {
        let packer = Packer::new();
        assert!(packer.pack(&[wrap(b"alone")]).is_none());
        let half = wrap(&vec![b'x'; PACKED_BYTES_MAX / 2]);
        assert!(packer.pack(&[half.clone(), half]).is_none());
        let random: Vec<u8> = (0..64_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        assert!(packer.pack(&[wrap(&random), wrap(&[])]).is_none());
        let mut other = wrap(b"other");
        other.format = FORMAT_PACKED;
        assert!(packer.pack(&[other, wrap(b"plain")]).is_none());
    }

    #[test]
    fn damage_is_named_and_never_read_as_something_else() {
        let records = records();
        let packed = Packer::new().pack(&records).unwrap();
        for cut in 0..packed.bytes.len() {
            let bytes = packed.bytes[..cut].to_vec();
            let damaged = Stored { bytes, ..packed };
            assert!(unpack(&PART, &damaged).is_err(), "cut to {cut}");
        }
        let mut longer = packed.clone();
        longer.bytes.push(0);
        assert!(unpack(&PART, &longer).is_err());
        let mut huge = packed;
        huge.bytes[0] = 0xff;
        let error = unpack(&PART, &huge).unwrap_err().to_string();
        assert!(error.contains("more than are ever packed"), "{error}");
    }
}
