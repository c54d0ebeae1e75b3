//! One durable schedule: what it is to do, and how far it has come.
//!
//! Neighbours: `step` moves it on, `core::schedules` keeps it in the store, beside the runs that it
//! started and in the same commit. Must not know the store.

use std::collections::VecDeque;
use std::fmt;

use kernel::{Millis, Payload, RunId, Timestamp, WorkflowId};
use serde::{Deserialize, Serialize};

use super::spec::ScheduleSpec;

/// Starts that may wait in one schedule.
pub const BUFFER_MAX: usize = 1_000;
/// Runs of one schedule that may be open at once.
pub const RUNNING_MAX: usize = 1_000;
/// Actions that a description shows.
pub const RECENT_MAX: usize = 10;
/// Backfills that may be under way in one schedule.
pub const BACKFILLS_MAX: usize = 100;
/// Times that one backfill may have.
pub const BACKFILL_TIMES_MAX: usize = 100_000;
/// Longest id, bytes: workflow ids are made of it.
pub const ID_BYTES_MAX: usize = 200;
/// Largest input of an action, bytes: it is written with every step of the schedule.
pub const INPUT_BYTES_MAX: usize = 64 * 1024;
/// The shortest catch-up window.
pub const CATCHUP_MIN: Millis = Millis(10_000);
/// The catch-up window if none is given: a year, as Temporal's.
pub const CATCHUP_DEFAULT: Millis = Millis(365 * 86_400_000);

/// The format that this binary writes.
const FORMAT: u8 = 1;

/// The user's name of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduleId(String);

impl ScheduleId {
    /// A name of 1 to 200 bytes without control characters.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=ID_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a fire does: starts a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Its input.
    pub input: Payload,
}

/// What a fire does when a run of the schedule is still open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Nothing.
    #[default]
    Skip,
    /// Waits for it, if nothing waits already.
    BufferOne,
    /// Waits for it and for all that wait already.
    BufferAll,
    /// Asks it to cancel, and starts when it has closed.
    CancelOther,
    /// Terminates it and starts.
    TerminateOther,
    /// Starts beside it.
    AllowAll,
}

impl Overlap {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Skip,
        Self::BufferOne,
        Self::BufferAll,
        Self::CancelOther,
        Self::TerminateOther,
        Self::AllowAll,
    ];

    /// Its name, as it is written in records and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::BufferOne => "buffer_one",
            Self::BufferAll => "buffer_all",
            Self::CancelOther => "cancel_other",
            Self::TerminateOther => "terminate_other",
            Self::AllowAll => "allow_all",
        }
    }
}

/// How a schedule behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policies {
    /// When a run is still open.
    pub overlap: Overlap,
    /// A fire that is late by more than this, because the machine was off, is missed.
    pub catchup_window: Millis,
    /// Whether a run that fails pauses the schedule.
    pub pause_on_failure: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            overlap: Overlap::Skip,
            catchup_window: CATCHUP_DEFAULT,
            pause_on_failure: false,
        }
    }
}

/// What happened so far, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Runs that were started.
    pub started: u64,
    /// Fires that came too late to be made up.
    pub missed: u64,
    /// Fires that did nothing because a run was open, or the schedule was paused while they waited.
    pub skipped: u64,
    /// Fires that found no room to wait.
    pub dropped: u64,
    /// Starts that were refused.
    pub refused: u64,
}

/// An open run of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// The time it was started for.
    pub nominal: Timestamp,
    /// Whether it was asked to cancel for a later fire.
    #[serde(default)]
    pub cancel_asked: bool,
}

/// A start that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The time it is for.
    pub nominal: Timestamp,
    /// What it does when a run is open.
    pub overlap: Overlap,
    /// Where it comes from.
    pub cause: Cause,
}

/// Why a start happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its time came.
    Time,
    /// Somebody asked for one now.
    Trigger,
    /// Somebody asked for the times of a range.
    Backfill,
}

/// A backfill under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    /// Times up to this one are done.
    pub after: Timestamp,
    /// The last time of the range.
    pub to: Timestamp,
    /// What its starts do when a run is open.
    pub overlap: Overlap,
}

/// One action that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// The time it was for.
    pub nominal: Timestamp,
    /// When it was taken.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The workflow id that was started, or was to be.
    pub workflow_id: WorkflowId,
    /// The run, unless the start was refused.
    pub run_id: Option<RunId>,
    /// How the run closed, or why the start was refused; nothing while it is open.
    pub outcome: Option<String>,
}

/// The last thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// When.
    pub at: Timestamp,
    /// Of which workflow id.
    pub workflow_id: WorkflowId,
    /// What.
    pub text: String,
}

/// A durable schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub id: ScheduleId,
    /// When it fires.
    pub spec: ScheduleSpec,
    /// What a fire does.
    pub action: Action,
    /// How.
    pub policies: Policies,
    /// Whether its times do nothing. Triggers and backfills work all the same.
    pub paused: bool,
    /// Why it is paused, or anything else for the reader.
    pub note: String,
    /// Starts that its times may still make. Triggers and backfills do not count.
    pub remaining: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a user last changed it.
    pub updated_at: Timestamp,
    /// All of its times up to this one are dealt with, in one way or another.
    pub handled_until: Timestamp,
    /// Times up to this one may have been dealt with before the clock was put back.
    #[serde(default)]
    pub rewound_from: Option<Timestamp>,
    /// The time of the last trigger; the next one's is later.
    #[serde(default)]
    pub last_trigger: Timestamp,
    /// What happened so far.
    pub counts: Counts,
    /// Its open runs, oldest first.
    pub running: Vec<Running>,
    /// Starts that wait for an open run to close, in order.
    pub waiting: VecDeque<Waiting>,
    /// Triggers that were recorded and not looked at yet.
    pub asked: VecDeque<Waiting>,
    /// Backfills under way, in order.
    pub backfills: VecDeque<Filling>,
    /// The last actions, newest last.
    pub recent: VecDeque<Recent>,
    /// The last thing that went wrong.
    pub last_failure: Option<LastFailure>,
}

impl Schedule {
    /// Its bytes: the format and JSON, so that they can be read without this binary.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, self)
            .expect("a schedule has text keys only, and memory does not refuse to be written");
        bytes
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// Why they cannot be read, as a fragment.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        match bytes.split_first() {
            Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|e| e.to_string()),
            Some((newer, _)) => Err(format!(
                "it has format {newer}, this binary knows format {FORMAT}"
            )),
            None => Err("it is empty".to_owned()),
        }
    }

    /// The workflow id of its start for a time: the schedule's name and the time in UTC.
    #[must_use]
    pub fn workflow_id(&self, nominal: Timestamp) -> WorkflowId {
        WorkflowId::new(format!("{}-{}", self.id, iso(nominal)))
    }
}

/// ISO 8601 in UTC; a fraction only where there is one.
pub(super) fn iso(at: Timestamp) -> String {
    let day = super::civil::Date::of_day(at.0.div_euclid(86_400_000));
    let ms = at.0.rem_euclid(86_400_000);
    let fraction = match ms % 1_000 {
        0 => String::new(),
        ms => format!(".{ms:03}"),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        day.year,
        day.month,
        day.day,
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60
    )
}

#[cfg(test)]
mod tests;
