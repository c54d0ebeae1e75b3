//! The vault: the Store trait, keys, codec, sled store, memory store, blobs.
//!
//! Reading order: [`store`] (what the engine asks of a vault), `kv` and `kv_store` (that, written
//! once over sorted keys), `keys`, `values` and `codec` (how it lies on disk), [`sled_store`] and
//! [`memory_store`] (where it lies), [`index`] (finding runs), [`blob`] (big values), [`orphans`] (those that
//! nothing names any more), `payload_codec` and
//! `encryption` (what lies on the disk instead of values), [`owner`] (one process at a time),
//! [`conformance`] (the promises every store is held to).
//!
//! ```
//! use state::memory_store::MemoryStore;
//! use state::store::{Commit, Namespace, Row, Store};
//!
//! let store = MemoryStore::new();
//! let row =
//!     Row { namespace: Namespace::Cursor, key: b"a.jsonl".to_vec(), value: Some(b"120".to_vec()) };
//! store.commit(&Commit { rows: vec![row], ..Commit::default() })?;
//! store.crash();
//! assert_eq!(store.row(Namespace::Cursor, b"a.jsonl")?, Some(b"120".to_vec()));
//! # Ok::<(), state::store::Error>(())
//! ```

pub mod blob;
mod codec;
mod coding_file;
mod compression;
#[doc(hidden)]
pub mod conformance;
mod encryption;
mod files;
pub mod index;
mod journal;
mod keepsake;
mod key_ring;
mod keys;
mod kv;
mod kv_store;
mod layered;
mod loading;
pub mod memory_store;
pub mod orphans;
pub mod owner;
mod packed;
mod payload_codec;
mod shared;
pub mod sled_store;
pub mod store;
mod values;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod stories;

pub use blob::Digest;
pub use index::{Find, Newest, Place, Term};
pub use key_ring::{BadKey, KeyId, KeyRing};
pub use memory_store::MemoryStore;
pub use owner::Owner;
pub use payload_codec::{Coding, PayloadCodec};
pub use sled_store::SledStore;
pub use store::{
    BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, Row, RunInfo, RunTransition, Store,
};
