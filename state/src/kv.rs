//! Sorted keys and values: all that the store logic asks of the place where bytes lie.
//!
//! Neighbours: `kv_store` is written over this; `sled_store` and `memory_store` provide it. Must
//! not know what keys and values mean.

use std::collections::BTreeMap;

use crate::blob::Digest;
use crate::store::{BlobInfo, Error};

/// Puts (`Some`) and deletes (`None`) that belong together; of two for one key the later holds.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Batch {
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value));
    }

    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// Forgets what was to become of a key.
    pub(crate) fn withdraw(&mut self, key: &[u8]) {
        self.writes.remove(key);
    }

    /// Whether a key is put.
    pub(crate) fn puts(&self, key: &[u8]) -> bool {
        self.writes.get(key).is_some_and(Option::is_some)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// What is put and deleted, by key.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Bytes of all keys and values.
    pub(crate) fn size_bytes(&self) -> u64 {
        let sizes = self
            .writes
            .iter()
            .map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len));
        sizes.fold(0, |sum, n| {
            sum.saturating_add(u64::try_from(n).unwrap_or(u64::MAX))
        })
    }
}

impl IntoIterator for Batch {
    type Item = (Vec<u8>, Option<Vec<u8>>);
    type IntoIter = std::collections::btree_map::IntoIter<Vec<u8>, Option<Vec<u8>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.writes.into_iter()
    }
}

/// Keys from `from` (with it) to `to` (without it).
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

impl KeyRange {
    pub(crate) fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}

/// In which direction a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Backward,
}

/// One key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// A place where sorted keys and content-addressed blobs lie.
pub(crate) trait Kv: Send + Sync {
    /// Does the whole batch or nothing. **Durability**: it survives a power cut on return.
    fn apply(&self, batch: Batch) -> Result<(), Error>;

    /// The value of one key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The first `limit` pairs of a range, seen in that order.
    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Pair>, Error>;

    /// Keeps bytes under their digest, which the caller worked out. Durable on return.
    fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error>;

    /// What was kept under a digest, unchecked.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error>;

    /// Blobs with digests above `after` (or all), by digest, at most `limit`.
    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error>;

    /// Takes a blob away; gives whether it was there.
    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error>;

    /// The name under which these bytes are kept here.
    fn digest(&self, bytes: &[u8]) -> Digest {
        Digest::of(bytes)
    }

    /// Whether keys may hold nothing that a user named.
    fn hides_names(&self) -> bool {
        false
    }
}
