//! What is said over the control socket: one JSON document a line, question and answer in turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use workflows::TraceRunInput;
use workflows::contracts::MergeFailuresInput;

use crate::face_error::FaceError;
use crate::views::{RunRow, StatusView};

/// A question. Those who ask and those who answer are of one version: the owner's version is in
/// its `Pong`, and a different one is refused by the asker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Who are you?
    Ping,
    /// Start a `TraceRun`.
    Start {
        workflow_id: String,
        input: Box<TraceRunInput>,
    },
    /// Merge two failures, or take one apart.
    Merge {
        workflow_id: String,
        input: Box<MergeFailuresInput>,
    },
    /// Which failures are merged?
    Aliases,
    /// Work on a run that is open.
    Resume { id: String },
    /// Work on all open runs.
    ResumeAll,
    /// How does it stand?
    Status { id: String },
    /// What has the engine counted and measured?
    Metrics,
    /// Which runs are there, newest first?
    List { limit: u64, open_only: bool },
    /// Which runs does a query mean?
    Find {
        asked: Asked,
        page: Option<String>,
        limit: u64,
    },
    /// How many does it mean?
    Count { asked: Asked },
    /// Forget a run that has ended.
    Delete { id: String },
    /// Forget some of the runs that have ended and that a query means, or only count them.
    Prune {
        asked: Asked,
        page: Option<String>,
        dry_run: bool,
    },
    /// Which events?
    History { id: String },
    /// The whole history, in the shape of Temporal's tools.
    Export { id: String },
    /// Take in the run in this file, which the owner reads.
    Import { path: std::path::PathBuf },
    /// Which runs have not ended, oldest first?
    OpenRuns,
    /// How does an open run stand, and which events has it after this one, as they were recorded?
    OpenRun {
        run_id: kernel::RunId,
        after: kernel::EventId,
    },
    /// Stop, please.
    Cancel { id: String, reason: String },
    /// Something done to a run by hand.
    Verb { id: String, verb: Verb },
    /// What would a reset or a fork keep and run again?
    Preview { id: String, making: Box<Making> },
    /// Reset or fork a run.
    Make { id: String, making: Box<Making> },
    /// One run of a batch.
    Batch {
        run_id: String,
        word: Box<BatchWord>,
    },
    /// What somebody elsewhere says of an attempt, with its task token.
    ByToken { token: String, verb: TokenVerb },
    /// Something about schedules.
    Schedule {
        request: Box<engine::schedule::Request>,
    },
    /// The bytes of a blob that is text.
    Blob { digest: String },
}

/// What is done to a run by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Verb {
    Terminate {
        reason: String,
    },
    Pause {
        reason: String,
    },
    Unpause,
    Signal {
        name: String,
        input: serde_json::Value,
    },
    Query {
        name: String,
        input: serde_json::Value,
    },
    Update {
        name: String,
        update_id: Option<String>,
        input: serde_json::Value,
    },
    RetryActivity {
        activity: u64,
    },
    PauseActivity {
        activity: u64,
        by: String,
        reason: String,
    },
    UnpauseActivity {
        activity: u64,
        reset_attempts: bool,
    },
    ResetActivity {
        activity: u64,
        keep_paused: bool,
        reset_heartbeat: bool,
    },
    CompleteActivity {
        activity: u64,
        result: serde_json::Value,
    },
    FailActivity {
        activity: u64,
        reason: String,
    },
}

/// A reset or a fork, as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Making {
    pub(crate) taking: kernel::Taking,
    pub(crate) to: kernel::ResetTo,
    pub(crate) input: Option<serde_json::Value>,
    pub(crate) signals: Vec<(String, serde_json::Value)>,
    pub(crate) results: Vec<(u64, serde_json::Value)>,
    pub(crate) reapply: kernel::Reapply,
    /// Of a fork.
    pub(crate) workflow_id: Option<String>,
    pub(crate) reason: String,
}

/// What is done to each run of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub(crate) enum BatchWord {
    Terminate {
        reason: String,
    },
    Cancel {
        reason: String,
    },
    Signal {
        name: String,
        input: serde_json::Value,
    },
    Reset {
        to: kernel::ResetTo,
        reapply: kernel::Reapply,
        reason: String,
    },
    Delete,
    Pause {
        reason: String,
    },
    Unpause,
}

/// What became of one run of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub(crate) enum Batched {
    Done,
    Unchanged,
    Failed { why: String },
}

/// A run that was reset or forked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MadeRun {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) plan: kernel::ResetPlan,
}

/// What is said of an attempt with its task token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub(crate) enum TokenVerb {
    Complete { result: serde_json::Value },
    Fail { message: String, permanent: bool },
    Heartbeat { details: Option<serde_json::Value> },
}

/// Runs that are asked for, as they are written on the command line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) query: String,
    pub(crate) search: Option<String>,
}

/// A run that was open a moment ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "run", rename_all = "snake_case")]
pub(crate) enum OpenRun {
    /// It has ended.
    Ended,
    /// Some of its history; no events at the end of it.
    Open {
        workflow_id: kernel::WorkflowId,
        workflow_type: String,
        events: Vec<kernel::HistoryEvent>,
    },
    /// The store cannot read it.
    Damaged { why: String },
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub(crate) enum Answer {
    Pong {
        version: String,
        pid: u32,
    },
    Started {
        workflow_id: String,
        run_id: String,
    },
    Aliases(Box<trace::registry::aliases::Aliases>),
    Done,
    /// Workflow ids that are open now.
    Resumed(Vec<String>),
    Status(Box<StatusView>),
    Metrics(Box<engine::metrics::Snapshot>),
    List(Vec<RunRow>),
    Found {
        rows: Vec<RunRow>,
        next: Option<String>,
    },
    /// By status.
    Counts(BTreeMap<String, u64>),
    Deleted {
        run_id: String,
    },
    Pruned {
        deleted: u64,
        /// How many stay, by the reason.
        kept: BTreeMap<String, u64>,
        next: Option<String>,
    },
    History(serde_json::Value),
    OpenRuns(Vec<kernel::RunId>),
    OpenRun(OpenRun),
    /// A heartbeat with a task token.
    TokenHeard {
        cancel_requested: bool,
    },
    /// What workflow code said.
    Said(serde_json::Value),
    Plan(Box<kernel::ResetPlan>),
    Made(Box<MadeRun>),
    Batched(Batched),
    Imported(crate::exports::ImportedView),
    Schedule(Box<engine::schedule::Answer>),
    Blob(String),
    Refused(FaceError),
}
