//! What a file was up to some byte, so that one that only grew is read on, under whatever name.
//!
//! Neighbours: `mine_session` keeps a [`Growth`] with its cursor. A file is the same when the system gives it the same
//! number and its beginning and the stretch before the byte have the same digests: agents append to sessions and
//! rename them, and whoever rewrites one changes one of the three. Must not know what is in a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use serde::{Deserialize, Serialize};
use trace::hash::sha256_hex;
use workflows::contracts::BlobRef;

/// How much of the beginning and before the end is compared, bytes.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// Where a reading stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Growth {
    pub(super) prefix: Prefix,
    /// The [`trace::mine::Checkpoint`]. It holds scrubbed words, digests and ids of the session, so it stays in the local store.
    pub(super) checkpoint: BlobRef,
}

/// The first bytes of a file, by samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prefix {
    pub(super) bytes: u64,
    start: String,
    end: String,
}

impl Prefix {
    /// The first `bytes` of a file; its position is at them afterwards.
    pub(super) fn of(file: &mut File, bytes: u64) -> io::Result<Self> {
        let start = sample(file, 0, bytes.min(SAMPLE_BYTES))?;
        let end = sample(
            file,
            bytes.saturating_sub(SAMPLE_BYTES),
            bytes.min(SAMPLE_BYTES),
        )?;
        file.seek(SeekFrom::Start(bytes))?;
        Ok(Self { bytes, start, end })
    }
}

fn sample(file: &mut File, from: u64, length: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok(sha256_hex(&bytes))
}
