//! A run in memory: its state, its machine if one is warm, its attempts that are out.

use std::collections::BTreeMap;

use super::local::{Held, Local};
use super::questions::AskedUpdate;
use kernel::{EventId, LocalEnd, Machine, News, Payload, RunState, Seq, Timestamp};

/// An attempt that has begun and not ended: a worker is at it, or it is held elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) attempt: u32,
    pub(super) started_at: Timestamp,
    pub(super) last_heartbeat: Timestamp,
    pub(super) start_to_close_at: Timestamp,
    pub(super) heartbeat_at: Option<Timestamp>,
    /// The last heartbeat's details, while they are not in the store.
    pub(super) unsaved: Option<Payload>,
    /// When details were last put into the store.
    pub(super) saved_at: Timestamp,
    /// Its function has returned; somebody elsewhere completes it.
    pub(super) is_held: bool,
}

pub(super) struct LiveRun {
    pub(super) state: RunState,
    pub(super) machine: Option<Machine>,
    /// News that the machine has not seen. Meaningless without a machine: replay finds them.
    pub(super) unseen: Vec<News>,
    /// Updates that the code has not been asked.
    pub(super) asked: Vec<AskedUpdate>,
    /// By `ActivityTaskScheduled` event.
    pub(super) running: BTreeMap<EventId, Running>,
    /// Local activities that the code waits for.
    pub(super) locals: BTreeMap<Seq, Local>,
    /// Those that ended and that the code was not told of.
    pub(super) local_ends: Vec<LocalEnd>,
    /// The turn that is open while they run.
    pub(super) held: Option<Held>,
    /// Whether it stands in the list of runs whose code may be owed a turn.
    pub(super) dirty: bool,
    /// Whether it stands in the list of idle runs.
    pub(super) drowsy: bool,
    /// Where its machine stands among all, by use.
    pub(super) last_use: u64,
}

impl LiveRun {
    pub(super) fn new(state: RunState) -> Self {
        Self {
            state,
            machine: None,
            unseen: Vec::new(),
            asked: Vec::new(),
            running: BTreeMap::new(),
            locals: BTreeMap::new(),
            local_ends: Vec::new(),
            held: None,
            dirty: false,
            drowsy: false,
            last_use: 0,
        }
    }
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its summary.
    pub state: RunState,
    /// Attempts that workers are at: `ActivityTaskScheduled` event, attempt, since when.
    pub running: Vec<(EventId, u32, Timestamp)>,
    /// What it waits for, in plain words; empty when it has closed.
    pub waiting_on: String,
    /// Limits that it has used a fifth of, in plain words.
    pub warnings: Vec<String>,
}
