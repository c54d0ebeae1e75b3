//! Rows: small named values beside the runs.
//!
//! Neighbours: `kv_store` writes them in the batch of a commit. Must not know what they hold.

use std::collections::BTreeMap;

use super::{KvStore, bad_key};
use crate::codec;
use crate::keys;
use crate::kv::{Batch, Kv};
use crate::store::{Error, KeyValue, Namespace, Row};
use crate::values;

impl<K: Kv> KvStore<K> {
    /// Where a row lies: under its own key, or, where names are hidden, under a digest of it.
    pub(super) fn row_base(&self, namespace: Namespace, key: &[u8]) -> Vec<u8> {
        if self.kv.hides_names() {
            keys::row(namespace, &self.kv.digest(key).0)
        } else {
            keys::row(namespace, key)
        }
    }

    /// What lies there: where names are hidden, the length of the key and the key come first.
    pub(super) fn row_value(&self, key: &[u8], value: &[u8]) -> Vec<u8> {
        if !self.kv.hides_names() {
            return value.to_vec();
        }
        let len = u16::try_from(key.len()).expect("longer keys were refused");
        [&len.to_be_bytes(), key, value].concat()
    }

    /// The key and the value of a row that was found under `key`.
    pub(super) fn row_parts(&self, key: Vec<u8>, stored: Vec<u8>) -> Result<KeyValue, Error> {
        if !self.kv.hides_names() {
            return Ok((key, stored));
        }
        let parts = stored.split_first_chunk::<2>().and_then(|(len, rest)| {
            let len = usize::from(u16::from_be_bytes(*len));
            rest.split_at_checked(len)
        });
        let (key, value) = parts.ok_or_else(|| bad_key("a row"))?;
        Ok((key.to_vec(), value.to_vec()))
    }

    pub(super) fn plan_rows(&self, batch: &mut Batch, rows: &[Row]) -> Result<(), Error> {
        // Of two rows of one key the later holds; the earlier must leave no chunk behind.
        let last: BTreeMap<_, _> = rows
            .iter()
            .map(|row| ((row.namespace, &row.key), &row.value))
            .collect();
        for ((namespace, key), value) in last {
            if key.len() > keys::ROW_KEY_BYTES_MAX {
                return Err(Error::Corrupt {
                    what: "a row that is to be written".into(),
                    why: format!(
                        "its key has {} bytes, the limit is {}",
                        key.len(),
                        keys::ROW_KEY_BYTES_MAX
                    ),
                });
            }
            let base = self.row_base(namespace, key);
            let old = values::count_chunks(&self.kv, &base)?;
            match value {
                Some(value) => {
                    let value = self.row_value(key, value);
                    values::put(batch, &base, &codec::wrap(&value), old)?;
                }
                None => values::delete(batch, &base, old),
            }
        }
        Ok(())
    }
}
