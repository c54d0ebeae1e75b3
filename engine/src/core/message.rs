//! What goes into the core and what comes out.

use kernel::{EventId, Failure, Payload, Rejection, RunId, Timestamp, WorkflowId};
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

/// Something for the core to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Start a run.
    Start(StartSpec),
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
    /// An attempt ended. Sent once for each task that was handed out; a repetition does no harm.
    AttemptEnded {
        /// Which.
        task: TaskRef,
        /// How. `None` when the process is shutting down and the attempt was given up: it will be
        /// tried again under the same number.
        result: Option<Result<Payload, Failure>>,
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

/// What the core answers, after everything before it is durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The run has started.
    Started(RunId),
    /// An open run has that id.
    AlreadyRunning(RunId),
    /// It is done and durable.
    Done,
    /// It changes nothing, and why.
    Rejected(Rejection),
    /// No open run has that id.
    NotOpen,
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
}
