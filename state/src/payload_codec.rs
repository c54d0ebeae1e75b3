//! The hook between values and the disk: whatever is written goes through a [`PayloadCodec`], and
//! comes back through it.
//!
//! Neighbours: `kv_store` above sees plain values, the keys and blobs below hold coded ones;
//! `encryption` is the codec that is built in. Must not know what values mean.

use std::sync::Arc;

use crate::blob::Digest;
use crate::key_ring::KeyRing;
use crate::kv::{Batch, KeyRange, Kv, Order, Pair};
use crate::store::{BlobInfo, Error};

/// Turns bytes into what lies on the disk, and back. Every value goes through it: inputs, results,
/// signals, heartbeats, failures, snapshots, rows, blobs and the pieces of large values.
///
/// ```
/// use std::sync::Arc;
/// use state::{Coding, Error, PayloadCodec, SledStore, Store};
///
/// /// Not a secret, but no longer readable at a glance.
/// struct Turned;
/// impl PayloadCodec for Turned {
///     fn name(&self) -> &str { "turned" }
///     fn encode(&self, _place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
///         Ok(plain.iter().map(|byte| !byte).collect())
///     }
///     fn decode(&self, place: &[u8], coded: &[u8]) -> Result<Vec<u8>, Error> {
///         self.encode(place, coded)
///     }
/// }
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let store = SledStore::open_with(dir, &Coding::Codec(Arc::new(Turned)))?;
/// let digest = store.put_blob(b"a result")?;
/// assert_eq!(store.blob(&digest)?, Some(b"a result".to_vec()));
/// # Ok::<(), Error>(())
/// ```
pub trait PayloadCodec: Send + Sync {
    /// What the directory says of it, in one word: a directory is opened with the codec that it was
    /// made with, or not at all.
    fn name(&self) -> &str;

    /// What is written for `plain`. `place` is where it will lie: bound to it, bytes cannot be moved
    /// elsewhere unnoticed. The result may be a few bytes longer than `plain`, not more.
    ///
    /// # Errors
    /// When it cannot be done; the commit fails.
    fn encode(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error>;

    /// What was encoded for this place.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes are not what was written there.
    fn decode(&self, place: &[u8], coded: &[u8]) -> Result<Vec<u8>, Error>;

    /// The name under which bytes are kept once: blobs, pieces, and whatever is hidden.
    fn digest(&self, bytes: &[u8]) -> Digest {
        Digest::of(bytes)
    }

    /// Whether the names of rows, paths of session files among them, are to be kept as digests.
    fn hides_names(&self) -> bool {
        false
    }
}

/// How the values of a directory are to lie on the disk. Decided when it is made; later it is enough
/// to give the keys, if there are any, because the directory says what it does besides.
#[derive(Clone, Default)]
pub enum Coding {
    /// As they are.
    #[default]
    Plain,
    /// Compressed, where that saves something.
    Compressed,
    /// Encrypted with XChaCha20-Poly1305; see `docs/ENCRYPTION.md`.
    Encrypted(KeyRing),
    /// Compressed first, so that sizes tell a little of what is in them.
    CompressedEncrypted(KeyRing),
    /// As a codec of the caller's has it.
    Codec(Arc<dyn PayloadCodec>),
}

impl std::fmt::Debug for Coding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain => f.write_str("Plain"),
            Self::Compressed => f.write_str("Compressed"),
            Self::CompressedEncrypted(ring) => write!(f, "CompressedEncrypted({ring:?})"),
            Self::Encrypted(ring) => write!(f, "Encrypted({ring:?})"),
            Self::Codec(codec) => write!(f, "Codec({})", codec.name()),
        }
    }
}

/// Keys and blobs whose values are coded.
pub(crate) struct Coded<K> {
    below: K,
    codec: Option<Arc<dyn PayloadCodec>>,
}

impl<K> Coded<K> {
    pub(crate) fn new(below: K, codec: Option<Arc<dyn PayloadCodec>>) -> Self {
        Self { below, codec }
    }

    pub(crate) fn below(&self) -> &K {
        &self.below
    }

    fn decoded(&self, place: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error> {
        match &self.codec {
            Some(codec) => codec.decode(place, &value),
            None => Ok(value),
        }
    }
}

/// Where a blob lies, as a codec is told. No key begins so.
fn blob_place(digest: &Digest) -> Vec<u8> {
    [b"blob ", digest.0.as_slice()].concat()
}

impl<K: Kv> Kv for Coded<K> {
    fn apply(&self, batch: Batch) -> Result<(), Error> {
        let Some(codec) = &self.codec else {
            return self.below.apply(batch);
        };
        let mut coded = Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => {
                    let value = codec.encode(&key, &value)?;
                    coded.put(key, value);
                }
                None => coded.delete(key),
            }
        }
        self.below.apply(coded)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.below.get(key)?;
        value.map(|value| self.decoded(key, value)).transpose()
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Pair>, Error> {
        let mut pairs = self.below.scan(range, order, limit)?;
        for (key, value) in &mut pairs {
            *value = self.decoded(key, std::mem::take(value))?;
        }
        Ok(pairs)
    }

    fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        match &self.codec {
            Some(codec) => {
                let coded = codec.encode(&blob_place(digest), bytes)?;
                self.below.put_blob(digest, &coded)
            }
            None => self.below.put_blob(digest, bytes),
        }
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let bytes = self.below.blob(digest)?;
        let place = blob_place(digest);
        bytes.map(|bytes| self.decoded(&place, bytes)).transpose()
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.below.blobs(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.below.remove_blob(digest)
    }

    fn digest(&self, bytes: &[u8]) -> Digest {
        self.codec
            .as_ref()
            .map_or_else(|| Digest::of(bytes), |codec| codec.digest(bytes))
    }

    fn hides_names(&self) -> bool {
        self.codec.as_ref().is_some_and(|codec| codec.hides_names())
    }
}
