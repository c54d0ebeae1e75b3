//! The manifest: which files a run reads, and which it does not and why.
//!
//! Neighbours: `discover` writes it, `mine_session` and `rollup_signals` read it. It holds absolute
//! paths, so it stays in the local store: only names and reasons go into reports.

use std::sync::{Arc, Mutex, PoisonError};

use engine::ActivityCx;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use trace::rollup::Skipped;
use workflows::contracts::BlobRef;

use crate::blobs;
use crate::sqlite::Part;

/// One session file, or one session in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFile {
    /// What reports show: the path relative to its root, scrubbed.
    pub name: String,
    /// The absolute path.
    pub path: String,
    /// Name of the format.
    pub format: String,
    /// Bytes when it was found.
    pub bytes: u64,
    /// Which part of a store it is; `None` for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Whether it lies in many files, of which `path` names the first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_pieces: bool,
}

/// All files of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Sessions, sorted by name.
    pub files: Vec<SessionFile>,
    /// What was not taken, sorted.
    pub skipped: Vec<Skipped>,
    /// What was not taken beyond the limit, counted only.
    pub skipped_more: u64,
}

/// The manifest that was read last. A run asks for the same one once for each of its files, and a
/// manifest grows with the number of files: without this, the work would grow with its square.
#[derive(Clone, Debug, Default)]
pub struct Cache(Arc<Mutex<Option<Kept>>>);

type Kept = (BlobRef, Arc<Manifest>);

impl Cache {
    /// The manifest of a digest. Blocks on the disk the first time.
    ///
    /// # Errors
    /// As [`blobs::json`].
    pub fn manifest(&self, cx: &ActivityCx, blob: &BlobRef) -> Result<Arc<Manifest>, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, manifest)) = &*kept
            && of == blob
        {
            return Ok(Arc::clone(manifest));
        }
        let manifest: Arc<Manifest> = Arc::new(blobs::json(cx, blob)?);
        *kept = Some((blob.clone(), Arc::clone(&manifest)));
        Ok(manifest)
    }
}
