//! Inputs of `decide`, named as what arrived, and the reasons for refusing one.

use std::fmt;

use crate::command::Command;
use crate::event::{AfterReset, Attempts, HeartbeatDetails};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, RunId, Timestamp};
use crate::payload::Payload;

/// Something that arrived for one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An attempt ended.
    ActivityResult {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// What it gave.
        result: Result<Payload, Failure>,
    },
    /// A timeout of an activity ran out.
    ActivityTimeout {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// Which timeout.
        timeout: TimeoutType,
    },
    /// A running attempt reports progress.
    ActivityHeartbeat {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// For the next attempt to read.
        details: Payload,
    },
    /// The function of an attempt returned: somebody elsewhere completes it.
    ActivityHeld {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// When it began.
        started_at: Timestamp,
    },
    /// The breaker of the activity's dependency is open.
    ActivityDeferred {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// When to look again.
        until: Timestamp,
    },
    /// A timer's time has come.
    TimerDue {
        /// The `TimerStarted` event.
        started_event_id: EventId,
    },
    /// A child has a run.
    ChildStarted {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// Its run.
        run_id: RunId,
    },
    /// A child could not be started.
    ChildStartFailed {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// Why.
        failure: Failure,
    },
    /// A child closed.
    ChildClosed {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// How.
        outcome: ChildOutcome,
    },
    /// Somebody sends a signal.
    Signal {
        /// Its name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Somebody asks the run to cancel.
    CancelRequest {
        /// Why.
        reason: String,
    },
    /// Somebody stops the run.
    Terminate {
        /// Why.
        reason: String,
    },
    /// The run is reset: another one takes its place.
    Reset {
        /// Why.
        reason: String,
        /// The run that takes its place.
        next: RunId,
    },
    /// Somebody pauses the run.
    Pause {
        /// Why.
        reason: String,
    },
    /// Somebody lets the run go on.
    Unpause,
    /// Somebody wants the next attempt of an activity now.
    ActivityRetryNow {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
    },
    /// Somebody wants an activity's attempts counted from 1 again.
    ActivityReset {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// What becomes of the last heartbeat's details.
        heartbeat: HeartbeatDetails,
        /// Whether it stays paused, if it is.
        after: AfterReset,
    },
    /// Somebody wants no further attempt of an activity to begin.
    ActivityPause {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody lets a paused activity go on.
    ActivityUnpause {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Whether its attempts are counted from 1 again.
        attempts: Attempts,
    },
    /// The turn that is just decided left local activities running.
    LocalActivitiesRunning,
    /// The workflow code ran on all news.
    WorkflowTaskCompleted {
        /// What it asks for.
        commands: Vec<Command>,
        /// The id of the run that follows on this one, if the commands or the retry policy make
        /// one; needed only [then](super::needs_successor).
        successor: Option<RunId>,
    },
    /// The run, or the chain it belongs to, is out of time.
    WorkflowTimeout {
        /// The id of the run that tries again, needed with a retry policy.
        successor: Option<RunId>,
    },
    /// The workflow code could not run.
    WorkflowTaskFailed {
        /// Why.
        failure: Failure,
    },
}

/// How a child closed.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildOutcome {
    /// With a value.
    Completed(Payload),
    /// With a failure.
    Failed(Failure),
    /// It obeyed a cancellation.
    Canceled,
    /// It was stopped.
    Terminated,
    /// It ran out of time.
    TimedOut,
}

/// Why an input changes nothing. The state is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The run has ended.
    Closed,
    /// What the input speaks of is not waiting (any more): a duplicate or a late result.
    NotPending(EventId),
    /// The attempt is not the current one.
    StaleAttempt {
        /// The attempt that the run waits for.
        expected: u32,
        /// The attempt that the input speaks of.
        got: u32,
    },
    /// The timer fires later.
    NotDue(Timestamp),
    /// The run was asked to cancel before.
    AlreadyRequested,
    /// The run is paused already.
    AlreadyPaused,
    /// The run is not paused.
    NotPaused,
    /// The activity is not between two attempts.
    NotBackingOff(EventId),
    /// The attempt is held elsewhere already.
    AlreadyHeld(EventId),
    /// An attempt of the activity has not ended yet.
    AttemptRunning(EventId),
    /// The activity is paused already.
    ActivityAlreadyPaused(EventId),
    /// The activity is not paused.
    ActivityNotPaused(EventId),
    /// The workflow code is not owed a turn.
    NoWorkflowTask,
    /// A limit would be broken; the text says which.
    OverLimit(String),
    /// The workflow code asked for something impossible; the text says what.
    BadCommand(String),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the workflow execution has already closed"),
            Self::NotPending(id) => write!(f, "nothing of event {id} is pending"),
            Self::StaleAttempt { expected, got } => {
                write!(f, "attempt {got} is not the current attempt {expected}")
            }
            Self::NotDue(at) => write!(f, "not due before {} (unix milliseconds)", at.0),
            Self::AlreadyRequested => f.write_str("cancellation was already requested"),
            Self::AlreadyPaused => f.write_str("the run is paused already"),
            Self::NotPaused => f.write_str("the run is not paused"),
            Self::NotBackingOff(id) => {
                write!(f, "activity {id} does not wait for another attempt")
            }
            Self::AlreadyHeld(id) => write!(
                f,
                "somebody elsewhere is already to complete the attempt of activity {id}"
            ),
            Self::AttemptRunning(id) => write!(
                f,
                "an attempt of activity {id} is running still: wait for its end, or end it by hand"
            ),
            Self::ActivityAlreadyPaused(id) => write!(f, "activity {id} is paused already"),
            Self::ActivityNotPaused(id) => write!(f, "activity {id} is not paused"),
            Self::NoWorkflowTask => f.write_str("no workflow task is pending"),
            Self::OverLimit(what) | Self::BadCommand(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Rejection {}
