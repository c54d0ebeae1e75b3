//! What [`orphans`](crate::orphans) asks of a store: every value there is, and which blobs are recent.
//!
//! Neighbours: `kv_store` answers its trait with these. Must not know what names a blob.

use std::sync::{Mutex, PoisonError};

use crate::blob::Digest;
use crate::codec::{self, FORMAT_PACKED};
use crate::keys;
use crate::kv::{Kv, Order};
use crate::loading::Part;
use crate::store::Error;
use crate::{packed, shared, values};

/// Leading bits of a digest that tell recent blobs apart.
const RECENT_BITS: u32 = 20;

/// The blobs that were put since the store was opened, and a few others: one bit for all digests that begin
/// alike, so that it never takes more than 1 MiB.
#[derive(Default)]
pub(super) struct Recent(Mutex<Vec<bool>>);

impl Recent {
    fn place(digest: &Digest) -> usize {
        let [a, b, c, d, ..] = digest.0;
        usize::try_from(u32::from_be_bytes([a, b, c, d]) >> (32 - RECENT_BITS)).unwrap_or_default()
    }

    /// Call this before the blob is written: from then on it cannot be removed.
    pub(super) fn add(&self, digest: &Digest) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.resize(1 << RECENT_BITS, false);
        recent[Self::place(digest)] = true;
    }

    /// Does the work, which gives whether it did anything, unless the blob is recent. Nobody can add it
    /// meanwhile: whoever wants to finds it whole or gone afterwards.
    pub(super) fn unless_in(
        &self,
        digest: &Digest,
        work: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match recent.get(Self::place(digest)) {
            Some(true) => Ok(false),
            Some(false) | None => work(),
        }
    }

    pub(super) fn forget(&self) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.clear();
    }
}

/// See [`Store::visit_values`](crate::Store::visit_values). Takes the keys as they come, not kind by kind:
/// a kind that is added later is shown too.
pub(super) fn visit_values(
    kv: &impl Kv,
    after: &[u8],
    limit: usize,
    visitor: &mut dyn FnMut(&[u8]),
) -> Result<Option<Vec<u8>>, Error> {
    let (mut last, mut left) = (None, limit.max(1));
    for range in keys::everything(after) {
        for (base, stored) in values::scan_plain(kv, range, Order::Forward, left)? {
            left -= 1;
            show(kv, &base, stored, visitor)?;
            last = Some(base);
        }
        if left == 0 {
            break;
        }
    }
    Ok(last.map(|base| keys::behind(&base)))
}

fn show(
    kv: &impl Kv,
    base: &[u8],
    stored: codec::Stored,
    visitor: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    if keys::is_piece(base) {
        // Shown where it is part of a value. One of a snapshot that was replaced is part of none.
        return Ok(());
    }
    if let Some(key) = keys::row_key(base) {
        visitor(&key);
    }
    if stored.format == FORMAT_PACKED {
        let run_id = keys::run_of_record(base).ok_or_else(|| super::bad_key("a history record"))?;
        for record in packed::unpack(&Part("the history", run_id), &stored)? {
            visitor(&record.bytes);
        }
        return Ok(());
    }
    let whole = shared::whole(kv, stored)?;
    visitor(&codec::unwrap(&"a value", whole)?);
    Ok(())
}
