//! What goes into the core and what comes out.

use kernel::temporal::Imported;
use kernel::{
    AfterReset, Attempts, Edits, EventId, Failure, HeartbeatDetails, Payload, Refusal, Rejection,
    ResetPlan, ResetTo, RunId, TaskToken, Timestamp, TokenRefusal, WorkflowId, WorkflowOptions,
};
use state::store::Row;

use super::live::Description;
use crate::schedule;

/// Names a reply; the driver keeps the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What a new run starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct StartSpec {
    /// The user's name for it.
    pub workflow_id: WorkflowId,
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Its input.
    pub input: Payload,
    /// How to run it, and what to do when its id is not free.
    pub options: StartOptions,
}

impl StartSpec {
    /// A run with the default options.
    pub fn new(workflow_id: &str, workflow_type: &str, input: Payload) -> Self {
        Self {
            workflow_id: WorkflowId::new(workflow_id),
            workflow_type: workflow_type.to_owned(),
            input,
            options: StartOptions::default(),
        }
    }
}

/// How a run is started; the names are Temporal's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartOptions {
    /// Timeouts and retries.
    pub workflow: WorkflowOptions,
    /// When a closed run has the id.
    pub id_reuse: IdReusePolicy,
    /// When an open run has the id.
    pub id_conflict: IdConflictPolicy,
}

/// Whether a workflow id may be used again once its last run has closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdReusePolicy {
    /// It may.
    #[default]
    AllowDuplicate,
    /// Only when the last run did not complete.
    AllowDuplicateFailedOnly,
    /// It may not.
    RejectDuplicate,
}

/// What a start does when an open run has the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdConflictPolicy {
    /// It is refused.
    #[default]
    Fail,
    /// It gives the open run.
    UseExisting,
    /// It terminates the open run and starts its own, in one commit.
    TerminateExisting,
}

/// One attempt of one activity, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskRef {
    /// The run.
    pub run_id: RunId,
    /// The `ActivityTaskScheduled` event.
    pub scheduled_event_id: EventId,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// How far an update has to be before its caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStage {
    /// The code took it on: it survives a crash.
    Accepted,
    /// It has its answer.
    Completed,
}

/// A reset, as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ResetRequest {
    /// The run, open or closed.
    pub run_id: RunId,
    /// Where its history is cut.
    pub to: ResetTo,
    /// What is to be other than it was.
    pub edits: Edits,
    /// Why, for the record.
    pub reason: String,
}

/// A fork, as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkRequest {
    /// The run, open or closed.
    pub run_id: RunId,
    /// Where its history is cut.
    pub to: ResetTo,
    /// What is to be other than it was.
    pub edits: Edits,
    /// The new run's workflow id.
    pub workflow_id: WorkflowId,
    /// Why, for the record.
    pub reason: String,
}

/// Something for the core to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Start a run.
    Start(StartSpec),
    /// Send a signal to the open run of an id, or to one that is started for it, in one commit.
    SignalWithStart {
        /// The run to start when none is open.
        spec: StartSpec,
        /// The signal's name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Put a new run in the place of a run.
    Reset(Box<ResetRequest>),
    /// Make a run of a part of another one's history.
    Fork(Box<ForkRequest>),
    /// Take in a run that was recorded elsewhere.
    Import(Box<Imported>),
    /// Work on a run that is already there (and its children), although the scope is `Asked`.
    Adopt(RunId),
    /// Work on every open run from now on.
    AdoptAll,
    /// Send a signal to the open run of an id.
    Signal {
        /// To whom.
        workflow_id: WorkflowId,
        /// Its name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Ask a run, open or closed, a question that changes nothing.
    Query {
        /// Which.
        run_id: RunId,
        /// The name of the query.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Ask the open run of an id for something, and for an answer.
    Update {
        /// Which.
        workflow_id: WorkflowId,
        /// The caller's name for this request; asked again, it is the same request.
        update_id: String,
        /// The name of the update.
        name: String,
        /// Its value.
        input: Payload,
        /// When to answer.
        stage: UpdateStage,
    },
    /// Ask the open run of an id to cancel.
    Cancel {
        /// Which.
        workflow_id: WorkflowId,
        /// Why.
        reason: String,
    },
    /// Stop the open run of an id without asking it.
    Terminate {
        /// Which.
        workflow_id: WorkflowId,
        /// Why.
        reason: String,
    },
    /// Let the open run of an id begin nothing new.
    Pause {
        /// Which.
        workflow_id: WorkflowId,
        /// Why.
        reason: String,
    },
    /// Let a paused run go on.
    Unpause {
        /// Which.
        workflow_id: WorkflowId,
    },
    /// Make the next attempt of an activity now instead of later.
    RetryActivityNow {
        /// The run's workflow id.
        workflow_id: WorkflowId,
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
    },
    /// Count an activity's attempts from 1 again, and make the next one now.
    ResetActivity {
        /// The run's workflow id.
        workflow_id: WorkflowId,
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// What becomes of the last heartbeat's details.
        heartbeat: HeartbeatDetails,
        /// Whether it stays paused, if it is.
        after: AfterReset,
    },
    /// An attempt of a local activity ended; `None` when it was lost.
    LocalActivityEnded {
        /// Its number.
        number: u64,
        /// How.
        result: Option<Result<Payload, Failure>>,
    },
    /// Let no further attempt of an activity begin until it is unpaused.
    PauseActivity {
        /// The run's workflow id.
        workflow_id: WorkflowId,
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Who wants it.
        by: String,
        /// Why.
        reason: String,
    },
    /// Let a paused activity go on.
    UnpauseActivity {
        /// The run's workflow id.
        workflow_id: WorkflowId,
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Whether its attempts are counted from 1 again.
        attempts: Attempts,
    },
    /// End an activity with a result that somebody gives by hand, whatever its attempts do.
    ResolveActivity {
        /// The run's workflow id.
        workflow_id: WorkflowId,
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// The result.
        result: Result<Payload, Failure>,
    },
    /// An attempt ended. Sent once for each task that was handed out; a repetition does no harm.
    AttemptEnded {
        /// Which.
        task: TaskRef,
        /// How. `None` when the process is shutting down and the attempt was given up: it will be
        /// tried again under the same number.
        result: Option<Result<Payload, Failure>>,
    },
    /// The function of an attempt returned: somebody elsewhere completes it, with its token. Sent in
    /// place of [`AttemptEnded`](Self::AttemptEnded); a repetition does no harm.
    AttemptHeld {
        /// Which.
        task: TaskRef,
    },
    /// Somebody who has the token of an attempt says something of it.
    ByToken {
        /// Which.
        token: TaskToken,
        /// What.
        word: TokenWord,
    },
    /// A running attempt is alive.
    Heartbeat {
        /// Which.
        task: TaskRef,
        /// For the next attempt to read.
        details: Option<Payload>,
    },
    /// Write rows beside the runs.
    PutRows(Vec<Row>),
    /// Say how an open run stands.
    Describe(RunId),
    /// Say when a run has closed.
    Wait(RunId),
    /// Ask something of schedules.
    Schedule(schedule::Request),
}

/// What the bearer of a token says of its attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenWord {
    /// It gave this result.
    Complete(Payload),
    /// It failed, or obeyed a cancellation; the failure says which, and whether trying again can help.
    Fail(Failure),
    /// It is alive, perhaps with details for the next attempt to read.
    Heartbeat(Option<Payload>),
}

/// What the core answers, after everything before it is durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The run has started.
    Started(RunId),
    /// An open run has that id.
    AlreadyRunning(RunId),
    /// A closed run has that id, and the reuse policy refuses another.
    AlreadyRan(RunId),
    /// It is done and durable.
    Done,
    /// It changes nothing, and why.
    Rejected(Rejection),
    /// No open run has that id.
    NotOpen,
    /// A run was made of a part of another one's history.
    Made {
        /// The new run.
        run_id: RunId,
        /// What became of everything.
        plan: Box<ResetPlan>,
    },
    /// A run cannot be made like that, and why.
    Refused(Refusal),
    /// The store has no such run.
    NotFound,
    /// The word of a token's bearer changes nothing, and why.
    TokenRefused(TokenRefusal),
    /// A heartbeat with a token was heard.
    TokenHeard {
        /// Whether the activity was asked to cancel.
        is_cancel_requested: bool,
    },
    /// What a query gave.
    Answer(Result<Payload, Failure>),
    /// The code took the update on.
    UpdateAccepted,
    /// The code refused the update; nothing of it is in the history.
    UpdateRejected(Failure),
    /// What the update gave.
    UpdateCompleted(Result<Payload, Failure>),
    /// How a run stands.
    Description(Box<Description>),
    /// The run has closed; the store has its outcome.
    Closed(RunId),
    /// What was asked of schedules.
    Schedule(Box<schedule::Answer>),
    /// The store failed; the core must be opened anew.
    Broken(String),
}

/// What the driver must carry out after a commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Give an answer.
    Reply(Token, Reply),
    /// Tell a running attempt to stop.
    CancelAttempt(TaskRef),
    /// A run closed.
    RunClosed(RunId),
}

/// One attempt to run, with all that it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTask {
    /// Its name.
    pub task: TaskRef,
    /// The run's workflow id.
    pub workflow_id: WorkflowId,
    /// The registered name of the activity.
    pub activity_type: String,
    /// Its input.
    pub input: Payload,
    /// What the attempt before reported last.
    pub heartbeat: Option<Payload>,
    /// When this attempt is taken to be lost.
    pub deadline: Timestamp,
    /// How often the activity had been reset before.
    pub resets: u32,
}

impl ActivityTask {
    /// What completes this attempt from elsewhere.
    #[must_use]
    pub fn token(&self) -> TaskToken {
        TaskToken {
            run_id: self.task.run_id,
            scheduled_event_id: self.task.scheduled_event_id,
            attempt: self.task.attempt,
            resets: self.resets,
        }
    }
}
