//! The [`Store`] trait: what the engine needs of a vault, and the errors a vault may give.
//!
//! Neighbours: the engine is the only writer. Must not know about clocks, threads or tokio.

use std::fmt;

use kernel::run_state::RunState;
use kernel::{
    EventId, Failure, HistoryEvent, Memo, Outcome, RunId, SearchAttributes, Timestamp, Transition,
    WorkflowId,
};
use serde::{Deserialize, Serialize};

use crate::blob::Digest;
use crate::index::{Find, Place};

/// One group: every change in it becomes durable, or none.
#[derive(Debug, Default)]
pub struct Commit<'a> {
    /// Changes of runs. Several of one run stand in order, numbers following on.
    pub transitions: Vec<RunTransition<'a>>,
    /// The state of each run in `transitions` after its last transition in this group, in any order.
    pub states: Vec<&'a RunState>,
    /// Rows beside the runs: breakers, cursors, schedules.
    pub rows: Vec<Row>,
    /// Those of the runs whose whole history came from elsewhere.
    pub imported: Vec<RunId>,
}

/// One transition of one run.
#[derive(Debug)]
pub struct RunTransition<'a> {
    /// The run.
    pub run_id: RunId,
    /// Its position among the run's transitions, from 0.
    pub number: u64,
    /// What changed.
    pub transition: &'a Transition,
}

/// A kind of row beside the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Namespace {
    /// Circuit breakers, by dependency.
    Breaker,
    /// What was read of each session file, by path.
    Cursor,
    /// The engine's own notes.
    Meta,
    /// Schedules, by id.
    Schedule,
}

/// One row to write, or to delete when it has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its kind.
    pub namespace: Namespace,
    /// Its key, at most 512 bytes.
    pub key: Vec<u8>,
    /// Its value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// A blob, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub digest: Digest,
    /// Bytes that it takes where it lies, coded if values are.
    pub bytes: u64,
    /// When it was written, where that is known.
    pub written_at: Option<Timestamp>,
}

/// The key and the value of a row.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// What a list shows of one run, without reading its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The user's name for it.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Open, or how it closed.
    pub status: kernel::primitives::workflow_execution::State,
    /// The parent's workflow id, in a child.
    pub parent: Option<WorkflowId>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// Events, once closed (0 while open: ask for the run itself).
    pub history_events: u64,
    /// Bytes that count towards the history limit, once closed (0 while open).
    pub history_bytes: u64,
    /// What people find it by, as it is now.
    pub search_attributes: SearchAttributes,
    /// What people read of it, as it is now.
    pub memo: Memo,
    /// How it failed, shortened; none in a run that did not.
    pub failure: Option<String>,
}

/// Most bytes of [`RunInfo::failure`].
pub const SHOWN_FAILURE_BYTES_MAX: usize = 512;

impl RunInfo {
    /// What a list shows of a run in this state.
    #[must_use]
    pub fn of(state: &RunState) -> Self {
        Self {
            workflow_id: state.workflow_id.clone(),
            run_id: state.run_id,
            workflow_type: state.workflow_type.clone(),
            status: state.status,
            parent: state.parent.as_ref().map(|p| p.workflow_id.clone()),
            started_at: state.started_at,
            closed_at: state.closed_at,
            history_events: if state.is_closed() {
                state.last_event_id.0
            } else {
                0
            },
            history_bytes: if state.is_closed() {
                state.history_bytes
            } else {
                0
            },
            search_attributes: state.options.search_attributes.clone(),
            memo: state.options.memo.clone(),
            failure: match &state.outcome {
                Some(Outcome::Failed(failure)) => Some(shown(failure)),
                Some(Outcome::Completed(_)) | None => None,
            },
        }
    }
}

fn shown(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut end = text.len().min(SHOWN_FAILURE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What a commit cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Bytes of keys and values handed to the store.
    pub bytes: u64,
}

/// The vault. Sync; every call may block on the disk.
pub trait Store: Send + Sync {
    /// Makes one group durable.
    ///
    /// **Durability**: when this returns, the group survives a killed process and a power cut; when
    /// it fails, none of it or all of it may survive, and the store must be opened anew.
    ///
    /// # Errors
    /// When the disk refuses; see [`Error`].
    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error>;

    /// All open runs, oldest first. Costs O(open runs), whatever the number of closed ones.
    ///
    /// # Errors
    /// See [`Error`].
    fn open_runs(&self) -> Result<Vec<RunId>, Error>;

    /// The state of a run, open or closed, rebuilt from its last snapshot and the records after it.
    ///
    /// # Errors
    /// See [`Error`].
    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error>;

    /// Events with ids above `after`, in order, at least one record's worth and at most about
    /// `limit` (records are not split); empty at the end.
    ///
    /// # Errors
    /// See [`Error`].
    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error>;

    /// The newest run of a workflow id: the one that began last here, whatever the clock said.
    /// One that was imported is the newest only if it started after the others.
    ///
    /// # Errors
    /// See [`Error`].
    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error>;

    /// Runs older than `before` (or the newest), newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`Error`].
    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error>;

    /// The list's line of one run.
    ///
    /// # Errors
    /// See [`Error`].
    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error>;

    /// The first `limit` places of the index; the run of each is there, and as its terms say, when
    /// this returns.
    ///
    /// # Errors
    /// See [`Error`].
    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error>;

    /// Deletes a closed run; gives whether it was there. Nothing finds it any more afterwards; its
    /// records are taken away by [`sweep`](Self::sweep), in any process, any time later.
    ///
    /// **Durability**: as [`commit`](Self::commit); all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an open run, which stays as it is.
    fn delete_run(&self, run_id: RunId) -> Result<bool, Error>;

    /// Takes away at most about `limit` records of runs that were deleted; gives whether there was
    /// anything to do. A kill between two calls leaves the rest for the next one.
    ///
    /// # Errors
    /// See [`Error`].
    fn sweep(&self, limit: usize) -> Result<bool, Error>;

    /// One row.
    ///
    /// # Errors
    /// See [`Error`].
    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// All rows of one kind, by key.
    ///
    /// # Errors
    /// See [`Error`].
    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error>;

    /// Keeps bytes under their digest. Durable on return; keeping the same bytes again is free.
    ///
    /// # Errors
    /// See [`Error`].
    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error>;

    /// The bytes of a digest, checked against it.
    ///
    /// # Errors
    /// See [`Error`]; bytes that do not match their digest are `Corrupt`.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error>;

    /// Blobs with digests above `after` (or all), by digest, at most `limit`.
    ///
    /// # Errors
    /// See [`Error`].
    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error>;

    /// Takes a blob away, and gives whether it did. One that was [put](Self::put_blob) since this store was
    /// opened stays, also if it was there before. [`orphans`](crate::orphans) knows which may go.
    ///
    /// **Durability**: none; after a power cut the blob may be there again.
    ///
    /// # Errors
    /// See [`Error`].
    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error>;

    /// Shows every value there is beside the blobs, whatever its kind: about `limit` of them from behind
    /// `after` (empty at the start), as they were before they were packed, cut or coded, and the keys of rows.
    /// Gives where to go on; nothing at the end.
    ///
    /// # Errors
    /// See [`Error`]; a value that cannot be read whole is `Corrupt`.
    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error>;
}

/// Why the vault could not do it. The Display is a fragment that fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The disk refused; nothing of the failed commit was acknowledged.
    Io {
        /// What was tried, such as `write the log`.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes on disk are damaged, or of a version this binary does not know.
    Corrupt {
        /// What is damaged.
        what: String,
        /// How it shows.
        why: String,
    },
    /// Another process owns the directory.
    Owned {
        /// That process, if it said so.
        pid: Option<u32>,
    },
    /// The directory and the key or codec that was given do not go together; nothing was changed.
    Locked {
        /// How it shows. It may name keys by their ids, nothing else of them.
        why: String,
    },
    /// An earlier failure closed this store; open it anew.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Corrupt { what, why } => write!(
                f,
                "read {what}: {why}. The files were not changed; move the state directory aside \
                 to start anew, or put back a copy of it"
            ),
            Self::Owned { pid: Some(pid) } => {
                write!(f, "open the state directory: process {pid} owns it")
            }
            Self::Owned { pid: None } => {
                f.write_str("open the state directory: another process owns it")
            }
            Self::Locked { why } => write!(f, "open the state directory: {why}"),
            Self::Closed => f.write_str("use the store: an earlier write failed; start again"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Corrupt { .. } | Self::Owned { .. } | Self::Locked { .. } | Self::Closed => None,
        }
    }
}
