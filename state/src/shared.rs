//! Large values in pieces that are kept once, however many values hold them.
//!
//! An agent that records its whole conversation at each step writes the same bytes over and over, with
//! a little more at the end. Borders of pieces are chosen by the bytes around them, so equal stretches
//! give equal pieces wherever they stand, and a piece is named by its digest. The list of pieces is
//! cut the same way until what is left is short: a value that grew by one piece costs that piece and
//! a few names. Neighbours: `kv_store` shares records and snapshots, `values` puts them together again
//! when it reads. Must not know what values mean.
//!
//! Each run marks the pieces that it holds, once by piece and once by run. A piece goes when the last
//! mark on it goes, which is when the last run that holds it is deleted.

use kernel::RunId;

use crate::blob::Digest;
use crate::codec::{self, FORMAT, FORMAT_SHARED, Stored};
use crate::keys;
use crate::kv::{Batch, Kv, Order};
use crate::store::Error;
use crate::values;

/// Values up to this length are stored as they are.
const SHARE_BYTES_MIN: usize = 64 * 1024;
/// The first bytes of a value, which a reader may want without the rest.
const PREFIX_BYTES: usize = 16;
const PIECE_BYTES_MIN: usize = 1024;
const PIECE_BYTES_MAX: usize = 16 * 1024;
/// A border stands where these bits of the rolling sum are zero: once in 4,096 places.
const BORDER_MASK: u64 = 0xfff << 40;
const DIGEST_BYTES: usize = 32;
/// A list of at most this many names is not cut again.
const NAMES_MAX: usize = 64;
/// A list is cut behind a name whose first byte ends in these bits: once in 32 names.
const NAME_MASK: u8 = 0x1f;
/// Prefix, length of the value, how often its list was cut.
const HEAD_BYTES: usize = PREFIX_BYTES + 8 + 1;
/// Lists of lists of 16 names and more: far above any value that can be written.
const DEPTH_MAX: u8 = 8;

/// Turns a large value of a run into a list of pieces; puts those that are not there yet into the
/// batch, and the run's marks on them. A value that is not large comes back as it is.
pub(crate) fn share(
    kv: &impl Kv,
    batch: &mut Batch,
    run_id: RunId,
    stored: Stored,
) -> Result<Stored, Error> {
    if stored.bytes.len() <= SHARE_BYTES_MIN {
        return Ok(stored);
    }
    let mut names = Vec::new();
    for piece in Pieces(&stored.bytes) {
        names.extend_from_slice(&keep(kv, batch, run_id, piece)?.0);
    }
    let mut depth = 0_u8;
    while names.len() > NAMES_MAX * DIGEST_BYTES {
        let mut above = Vec::new();
        for list in Lists(&names) {
            above.extend_from_slice(&keep(kv, batch, run_id, list)?.0);
        }
        names = above;
        depth += 1;
    }
    let mut bytes = Vec::with_capacity(HEAD_BYTES + names.len());
    bytes.extend_from_slice(&stored.bytes[..PREFIX_BYTES]);
    let len = u64::try_from(stored.bytes.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.push(depth);
    bytes.extend_from_slice(&names);
    Ok(Stored {
        format: FORMAT_SHARED,
        bytes,
    })
}

/// Keeps a piece for a run, unless the run has it already.
fn keep(kv: &impl Kv, batch: &mut Batch, run_id: RunId, piece: &[u8]) -> Result<Digest, Error> {
    let digest = kv.digest(piece);
    let mark = keys::piece_mark(&digest, run_id);
    let first_chunk = |base: &[u8]| values::chunk_key(base, 0);
    let has = |batch: &Batch, base: &[u8]| -> Result<bool, Error> {
        let key = first_chunk(base);
        Ok(batch.puts(&key) || kv.get(&key)?.is_some())
    };
    if has(batch, &mark)? {
        return Ok(digest);
    }
    values::put(batch, &mark, &codec::wrap(&[]), 0)?;
    let by_run = keys::piece_of_run(run_id, &digest);
    values::put(batch, &by_run, &codec::wrap(&[]), 0)?;
    let base = keys::piece(&digest);
    if !has(batch, &base)? {
        values::put(batch, &base, &codec::wrap(piece), 0)?;
    }
    Ok(digest)
}

/// Takes away at most `limit` marks of a run, and the pieces that nobody else holds. Returns how many
/// marks those were.
pub(crate) fn forget(
    kv: &impl Kv,
    batch: &mut Batch,
    run_id: RunId,
    limit: usize,
) -> Result<usize, Error> {
    let marks = values::scan(kv, keys::pieces_of_run(run_id), Order::Forward, limit)?;
    for (by_run, _) in &marks {
        let digest = keys::digest_in_piece_of_run(by_run)
            .ok_or_else(|| corrupt("the key of a mark is cut off"))?;
        values::delete(batch, by_run, 1);
        values::delete(batch, &keys::piece_mark(&digest, run_id), 1);
        // The run's own mark is still there; so a second one is somebody else's.
        let holders = kv.scan(&keys::piece_marks(&digest), Order::Forward, 2)?;
        if holders.len() < 2 {
            let base = keys::piece(&digest);
            values::delete(batch, &base, values::count_chunks(kv, &base)?);
        }
    }
    Ok(marks.len())
}

/// Puts a value together again. One that is not shared comes back as it is.
///
/// # Errors
/// [`Error::Corrupt`] for a piece that is missing or is not what its name says.
pub(crate) fn whole(kv: &impl Kv, stored: Stored) -> Result<Stored, Error> {
    if stored.format != FORMAT_SHARED {
        return Ok(stored);
    }
    let (head, names) = stored
        .bytes
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or_else(|| corrupt("its head is cut off"))?;
    let (len, depth) = head[PREFIX_BYTES..].split_at(8);
    let len = u64::from_be_bytes(len.try_into().unwrap_or_default());
    let len = usize::try_from(len).map_err(|_| corrupt("its length is out of reach"))?;
    let depth = depth[0];
    if depth > DEPTH_MAX {
        return Err(corrupt("its list is deeper than any"));
    }
    let mut names = names.to_vec();
    for _ in 0..depth {
        names = joined(kv, &names, len)?;
    }
    let bytes = joined(kv, &names, len)?;
    if bytes.len() != len {
        return Err(corrupt("its pieces have another length together"));
    }
    Ok(Stored {
        format: FORMAT,
        bytes,
    })
}

fn joined(kv: &impl Kv, names: &[u8], len: usize) -> Result<Vec<u8>, Error> {
    let (names, rest) = names.as_chunks::<DIGEST_BYTES>();
    if !rest.is_empty() {
        return Err(corrupt("its list is cut off"));
    }
    let mut bytes = Vec::new();
    for name in names {
        let digest = Digest(*name);
        let piece = values::get_plain(kv, &keys::piece(&digest))?;
        let piece = piece.ok_or_else(|| corrupt(&format!("piece {digest} is missing")))?;
        let piece = codec::unwrap(&"a piece", piece)?;
        if kv.digest(&piece) != digest {
            return Err(corrupt(&format!("piece {digest} does not match its name")));
        }
        bytes.extend_from_slice(&piece);
        if bytes.len() > len {
            return Err(corrupt("its pieces are longer than it"));
        }
    }
    Ok(bytes)
}

fn corrupt(why: &str) -> Error {
    Error::Corrupt {
        what: "a large value".into(),
        why: why.into(),
    }
}

/// Cuts bytes where their own content says.
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (piece, rest) = self.0.split_at(border(self.0));
        self.0 = rest;
        Some(piece)
    }
}

/// Where the first piece of some bytes ends. The sum forgets a byte after 64 others.
fn border(bytes: &[u8]) -> usize {
    let end = bytes.len().min(PIECE_BYTES_MAX);
    if end <= PIECE_BYTES_MIN {
        return end;
    }
    let mut sum = 0_u64;
    // The bytes before the first possible border that it depends on.
    for (at, byte) in bytes[..end].iter().enumerate().skip(PIECE_BYTES_MIN - 64) {
        sum = (sum << 1).wrapping_add(GEAR[usize::from(*byte)]);
        if at + 1 >= PIECE_BYTES_MIN && sum & BORDER_MASK == 0 {
            return at + 1;
        }
    }
    end
}

/// Cuts a list of names where their own bytes say.
struct Lists<'a>(&'a [u8]);

impl<'a> Iterator for Lists<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (names, _) = self.0.as_chunks::<DIGEST_BYTES>();
        // At least two, so that a list gets shorter each time it is cut.
        let border = names.iter().take(4 * NAMES_MAX).skip(1);
        let n = border
            .clone()
            .position(|name| name[0] & NAME_MASK == 0)
            .map_or(border.len() + 1, |at| at + 2);
        let (list, rest) = self.0.split_at(n * DIGEST_BYTES);
        self.0 = rest;
        Some(list)
    }
}

/// One number for each byte, of which nothing is known but that they look random. With other
/// numbers, old values are read all the same; only new ones share less with them.
const GEAR: [u64; 256] = {
    let mut gear = [0_u64; 256];
    let mut at = 0;
    let mut state = 0x6f63_7472_6163_6531_u64;
    while at < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        gear[at] = z ^ (z >> 31);
        at += 1;
    }
    gear
};

#[cfg(test)]
mod tests;
