//! History events: what happened to one run, in order, for ever.
//!
//! Kinds carry Temporal's names. Where Temporal writes several workflow-task events, one
//! [`EventKind::WorkflowTaskCompleted`] stands for them; the rest can be synthesised on export.
//! Neighbours: `decide` makes events, `run_state` folds them, `replay` checks code against them.

use serde::{Deserialize, Serialize};

use crate::chain::{Chain, NextAttempt, WorkflowOptions};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::marker::Marker;
use crate::options::{ActivityOptions, ChildOptions, ParentClosePolicy, RetryState};
use crate::payload::Payload;
use crate::visibility::{Changes, SearchValue, attributes_bytes, memo_bytes};

/// One event of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Its position, from 1, without gaps.
    pub id: EventId,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// The parent of a child workflow execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentRef {
    /// The parent's workflow id.
    pub workflow_id: WorkflowId,
    /// The parent's run.
    pub run_id: RunId,
    /// The parent's `StartChildWorkflowExecutionInitiated` event.
    pub initiated_event_id: EventId,
    /// What becomes of this run when the parent closes first.
    pub policy: ParentClosePolicy,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// Always event 1.
    WorkflowExecutionStarted {
        /// The registered name of the workflow.
        workflow_type: String,
        /// Its one input.
        input: Payload,
        /// Present in a child.
        parent: Option<ParentRef>,
        /// Seed of the run's deterministic random numbers.
        seed: u64,
        /// Timeouts and retries of the whole.
        #[serde(default)]
        options: WorkflowOptions,
        /// The runs before this one.
        #[serde(default)]
        chain: Chain,
    },
    /// The workflow code ran on everything before this event; its commands' events follow.
    WorkflowTaskCompleted,
    /// A command asked for an activity.
    ActivityTaskScheduled {
        /// Which operation of the body.
        seq: Seq,
        /// The registered name of the activity.
        activity_type: String,
        /// Its one input.
        input: Payload,
        /// How to run it.
        options: ActivityOptions,
    },
    /// A command asked to cancel a pending activity.
    ActivityTaskCancelRequested {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
    },
    /// The activity gave its result.
    ActivityTaskCompleted {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt succeeded, from 1.
        attempt: u32,
        /// What it gave.
        result: Payload,
    },
    /// The activity failed for the last time.
    ActivityTaskFailed {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt failed last, from 1.
        attempt: u32,
        /// How.
        failure: Failure,
        /// Why it is not tried again.
        retry_state: RetryState,
    },
    /// The activity ran out of time for the last time.
    ActivityTaskTimedOut {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Which attempt, from 1.
        attempt: u32,
        /// Which timeout.
        timeout: TimeoutType,
        /// What to tell people.
        failure: Failure,
        /// Why it is not tried again.
        retry_state: RetryState,
    },
    /// The activity obeyed a cancellation.
    ActivityTaskCanceled {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
    },
    /// A command asked for a durable timer.
    TimerStarted {
        /// Which operation of the body.
        seq: Seq,
        /// How long.
        start_to_fire: Millis,
    },
    /// The time came.
    TimerFired {
        /// The `TimerStarted` event.
        started_event_id: EventId,
    },
    /// A command took the timer back.
    TimerCanceled {
        /// The `TimerStarted` event.
        started_event_id: EventId,
    },
    /// A command asked for a child workflow execution.
    StartChildWorkflowExecutionInitiated {
        /// Which operation of the body.
        seq: Seq,
        /// The child's id.
        workflow_id: WorkflowId,
        /// The child's type.
        workflow_type: String,
        /// The child's input.
        input: Payload,
        /// How to run it.
        options: ChildOptions,
    },
    /// The child could not be started.
    StartChildWorkflowExecutionFailed {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// Why.
        failure: Failure,
    },
    /// The child has a run.
    ChildWorkflowExecutionStarted {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// The child's run.
        run_id: RunId,
    },
    /// A command asked to cancel a child.
    RequestCancelExternalWorkflowExecutionInitiated {
        /// The `StartChildWorkflowExecutionInitiated` event of the child.
        initiated_event_id: EventId,
    },
    /// The child gave its result.
    ChildWorkflowExecutionCompleted {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// What it gave.
        result: Payload,
    },
    /// The child failed.
    ChildWorkflowExecutionFailed {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
        /// How.
        failure: Failure,
    },
    /// The child obeyed a cancellation.
    ChildWorkflowExecutionCanceled {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
    },
    /// The child was terminated.
    ChildWorkflowExecutionTerminated {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
    },
    /// The child ran out of time.
    ChildWorkflowExecutionTimedOut {
        /// The `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
    },
    /// The workflow noted something.
    MarkerRecorded {
        /// What.
        marker: Marker,
    },
    /// The code changed what people find the run by.
    UpsertWorkflowSearchAttributes {
        /// By name.
        attributes: Changes<SearchValue>,
    },
    /// The code changed what people read of the run in lists.
    WorkflowPropertiesModified {
        /// By name.
        memo: Changes<Payload>,
    },
    /// Somebody sent a signal.
    WorkflowExecutionSignaled {
        /// Its name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// The code took on an update: somebody's request that wants an answer.
    WorkflowExecutionUpdateAccepted {
        /// What the caller named it; unique in the run.
        update_id: String,
        /// The name of the handler.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// The handler of an update ended.
    WorkflowExecutionUpdateCompleted {
        /// The `WorkflowExecutionUpdateAccepted` event's update.
        update_id: String,
        /// Its answer.
        result: Result<Payload, Failure>,
    },
    /// Somebody asked the run to cancel.
    WorkflowExecutionCancelRequested {
        /// Why.
        reason: String,
    },
    /// The body returned a value. Last event.
    WorkflowExecutionCompleted {
        /// The value.
        result: Payload,
    },
    /// The body returned a failure. Last event.
    WorkflowExecutionFailed {
        /// The failure.
        failure: Failure,
        /// Why it is not tried again; `None` without a retry policy, or when it is.
        #[serde(default)]
        retry_state: Option<RetryState>,
        /// The run that tries again.
        #[serde(default)]
        next: Option<NextAttempt>,
    },
    /// The run, or the chain it belongs to, ran out of time. Last event.
    WorkflowExecutionTimedOut {
        /// Why it is not tried again; `None` without a retry policy, or when it is.
        retry_state: Option<RetryState>,
        /// The run that tries again.
        next: Option<NextAttempt>,
    },
    /// The body asked to go on in a new run with a fresh history. Last event.
    WorkflowExecutionContinuedAsNew {
        /// The new run.
        new_run_id: RunId,
        /// Its type.
        workflow_type: String,
        /// Its input.
        input: Payload,
    },
    /// The body obeyed a cancellation. Last event.
    WorkflowExecutionCanceled,
    /// The run was stopped from outside, without asking the body. Last event.
    WorkflowExecutionTerminated {
        /// Why.
        reason: String,
        /// The run that took its place in a reset.
        #[serde(default)]
        next: Option<RunId>,
    },
}

impl EventKind {
    /// Temporal's name of the kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::WorkflowExecutionStarted { .. } => "WorkflowExecutionStarted",
            Self::WorkflowTaskCompleted => "WorkflowTaskCompleted",
            Self::ActivityTaskScheduled { .. } => "ActivityTaskScheduled",
            Self::ActivityTaskCancelRequested { .. } => "ActivityTaskCancelRequested",
            Self::ActivityTaskCompleted { .. } => "ActivityTaskCompleted",
            Self::ActivityTaskFailed { .. } => "ActivityTaskFailed",
            Self::ActivityTaskTimedOut { .. } => "ActivityTaskTimedOut",
            Self::ActivityTaskCanceled { .. } => "ActivityTaskCanceled",
            Self::TimerStarted { .. } => "TimerStarted",
            Self::TimerFired { .. } => "TimerFired",
            Self::TimerCanceled { .. } => "TimerCanceled",
            Self::StartChildWorkflowExecutionInitiated { .. } => {
                "StartChildWorkflowExecutionInitiated"
            }
            Self::StartChildWorkflowExecutionFailed { .. } => "StartChildWorkflowExecutionFailed",
            Self::ChildWorkflowExecutionStarted { .. } => "ChildWorkflowExecutionStarted",
            Self::RequestCancelExternalWorkflowExecutionInitiated { .. } => {
                "RequestCancelExternalWorkflowExecutionInitiated"
            }
            Self::ChildWorkflowExecutionCompleted { .. } => "ChildWorkflowExecutionCompleted",
            Self::ChildWorkflowExecutionFailed { .. } => "ChildWorkflowExecutionFailed",
            Self::ChildWorkflowExecutionCanceled { .. } => "ChildWorkflowExecutionCanceled",
            Self::ChildWorkflowExecutionTerminated { .. } => "ChildWorkflowExecutionTerminated",
            Self::ChildWorkflowExecutionTimedOut { .. } => "ChildWorkflowExecutionTimedOut",
            Self::MarkerRecorded { .. } => "MarkerRecorded",
            Self::UpsertWorkflowSearchAttributes { .. } => "UpsertWorkflowSearchAttributes",
            Self::WorkflowPropertiesModified { .. } => "WorkflowPropertiesModified",
            Self::WorkflowExecutionSignaled { .. } => "WorkflowExecutionSignaled",
            Self::WorkflowExecutionUpdateAccepted { .. } => "WorkflowExecutionUpdateAccepted",
            Self::WorkflowExecutionUpdateCompleted { .. } => "WorkflowExecutionUpdateCompleted",
            Self::WorkflowExecutionCancelRequested { .. } => "WorkflowExecutionCancelRequested",
            Self::WorkflowExecutionCompleted { .. } => "WorkflowExecutionCompleted",
            Self::WorkflowExecutionFailed { .. } => "WorkflowExecutionFailed",
            Self::WorkflowExecutionTimedOut { .. } => "WorkflowExecutionTimedOut",
            Self::WorkflowExecutionContinuedAsNew { .. } => "WorkflowExecutionContinuedAsNew",
            Self::WorkflowExecutionCanceled => "WorkflowExecutionCanceled",
            Self::WorkflowExecutionTerminated { .. } => "WorkflowExecutionTerminated",
        }
    }

    /// Whether this event records a command of the workflow code, so that replay must find the
    /// same command at the same place.
    #[must_use]
    pub fn is_command(&self) -> bool {
        match self {
            Self::ActivityTaskScheduled { .. }
            | Self::ActivityTaskCancelRequested { .. }
            | Self::TimerStarted { .. }
            | Self::TimerCanceled { .. }
            | Self::StartChildWorkflowExecutionInitiated { .. }
            | Self::RequestCancelExternalWorkflowExecutionInitiated { .. }
            | Self::MarkerRecorded { .. }
            | Self::UpsertWorkflowSearchAttributes { .. }
            | Self::WorkflowPropertiesModified { .. }
            | Self::WorkflowExecutionCompleted { .. }
            | Self::WorkflowExecutionFailed { .. }
            | Self::WorkflowExecutionContinuedAsNew { .. }
            | Self::WorkflowExecutionUpdateAccepted { .. }
            | Self::WorkflowExecutionUpdateCompleted { .. }
            | Self::WorkflowExecutionCanceled => true,
            Self::WorkflowExecutionStarted { .. }
            | Self::WorkflowTaskCompleted
            | Self::ActivityTaskCompleted { .. }
            | Self::ActivityTaskFailed { .. }
            | Self::ActivityTaskTimedOut { .. }
            | Self::ActivityTaskCanceled { .. }
            | Self::TimerFired { .. }
            | Self::StartChildWorkflowExecutionFailed { .. }
            | Self::ChildWorkflowExecutionStarted { .. }
            | Self::ChildWorkflowExecutionCompleted { .. }
            | Self::ChildWorkflowExecutionFailed { .. }
            | Self::ChildWorkflowExecutionCanceled { .. }
            | Self::ChildWorkflowExecutionTerminated { .. }
            | Self::ChildWorkflowExecutionTimedOut { .. }
            | Self::WorkflowExecutionTimedOut { .. }
            | Self::WorkflowExecutionSignaled { .. }
            | Self::WorkflowExecutionCancelRequested { .. }
            | Self::WorkflowExecutionTerminated { .. } => false,
        }
    }

    /// Bytes that count towards the history limit: the user's values and a fixed part.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        const FIXED: usize = 24;
        let own = match self {
            Self::WorkflowExecutionStarted {
                input,
                workflow_type,
                parent,
                options,
                ..
            } => {
                let parent = parent.as_ref().map_or(0, |p| p.workflow_id.0.len() + 32);
                input.counted_bytes() + workflow_type.len() + parent + options.size_bytes() + 16
            }
            Self::ActivityTaskScheduled {
                input,
                activity_type,
                options,
                ..
            } => input.counted_bytes() + activity_type.len() + options.text_bytes() + 40,
            Self::ActivityTaskCompleted { result, .. }
            | Self::ChildWorkflowExecutionCompleted { result, .. }
            | Self::WorkflowExecutionCompleted { result } => result.counted_bytes(),
            Self::ActivityTaskFailed { failure, .. }
            | Self::ActivityTaskTimedOut { failure, .. }
            | Self::StartChildWorkflowExecutionFailed { failure, .. }
            | Self::ChildWorkflowExecutionFailed { failure, .. }
            | Self::WorkflowExecutionFailed { failure, .. } => failure.size_bytes(),
            Self::WorkflowExecutionContinuedAsNew {
                workflow_type,
                input,
                ..
            } => input.counted_bytes() + workflow_type.len() + 16,
            Self::StartChildWorkflowExecutionInitiated {
                input,
                workflow_id,
                workflow_type,
                options,
                ..
            } => {
                let names = workflow_id.0.len() + workflow_type.len() + options.stage.len();
                input.counted_bytes() + names
            }
            Self::WorkflowExecutionSignaled { name, input } => name.len() + input.counted_bytes(),
            Self::WorkflowExecutionUpdateAccepted {
                update_id,
                name,
                input,
            } => update_id.len() + name.len() + input.counted_bytes(),
            Self::WorkflowExecutionUpdateCompleted { update_id, result } => {
                let result = match result {
                    Ok(value) => value.counted_bytes(),
                    Err(failure) => failure.size_bytes(),
                };
                update_id.len() + result
            }
            Self::WorkflowExecutionCancelRequested { reason }
            | Self::WorkflowExecutionTerminated { reason, .. } => reason.len(),
            Self::MarkerRecorded { marker } => marker.size_bytes(),
            Self::UpsertWorkflowSearchAttributes { attributes } => attributes_bytes(attributes),
            Self::WorkflowPropertiesModified { memo } => memo_bytes(memo),
            Self::WorkflowTaskCompleted
            | Self::ActivityTaskCancelRequested { .. }
            | Self::ActivityTaskCanceled { .. }
            | Self::TimerStarted { .. }
            | Self::TimerFired { .. }
            | Self::TimerCanceled { .. }
            | Self::ChildWorkflowExecutionStarted { .. }
            | Self::RequestCancelExternalWorkflowExecutionInitiated { .. }
            | Self::ChildWorkflowExecutionCanceled { .. }
            | Self::ChildWorkflowExecutionTerminated { .. }
            | Self::ChildWorkflowExecutionTimedOut { .. }
            | Self::WorkflowExecutionTimedOut { .. }
            | Self::WorkflowExecutionCanceled => 0,
        };
        u64::try_from(own + FIXED).unwrap_or(u64::MAX)
    }
}

/// What changes a run without entering its history: retries, as in Temporal, stay out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Note {
    /// An attempt failed and another will follow.
    ActivityAttemptFailed {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// The failure.
        failure: Failure,
        /// When the next attempt is due.
        next_attempt_at: Timestamp,
    },
    /// A dependency's circuit breaker is open: the activity waits without using an attempt.
    ActivityDeferred {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// Until when.
        until: Timestamp,
    },
    /// An attempt reported progress that the next attempt can read.
    ActivityHeartbeat {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// What it reported.
        details: Payload,
    },
    /// The workflow code could not run: a panic, an unknown type, nondeterminism.
    WorkflowTaskFailed {
        /// Why.
        failure: Failure,
        /// When it is tried again.
        next_attempt_at: Timestamp,
    },
    /// Somebody paused the run.
    WorkflowExecutionPaused {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Somebody let the run go on.
    WorkflowExecutionUnpaused,
    /// The function of an attempt returned: somebody elsewhere completes it, with its token.
    ActivityHeld {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// When the attempt began.
        started_at: Timestamp,
        /// When the function returned.
        at: Timestamp,
    },
    /// Somebody wants an activity's attempts counted from 1 again.
    ActivityReset {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// When; its next attempt is due then.
        at: Timestamp,
        /// What becomes of the last heartbeat's details.
        heartbeat: HeartbeatDetails,
        /// Whether it stays paused, if it was.
        after: AfterReset,
    },
    /// Somebody lets no further attempt of an activity begin.
    ActivityPaused {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
        /// When, by whom and why.
        pause: ActivityPause,
    },
    /// Somebody let a paused activity go on.
    ActivityUnpaused {
        /// The `ActivityTaskScheduled` event.
        scheduled_event_id: EventId,
    },
    /// The code waits for local activities, of which the history has nothing: it is owed another turn,
    /// which begins them again if the process is lost.
    LocalActivitiesRunning,
}

/// Somebody paused an activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPause {
    /// When.
    pub since: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What a reset does with a pause of the activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterReset {
    /// It is lifted.
    GoesOn,
    /// It stays.
    StaysPaused,
}

/// What letting a paused activity go on does with the count of its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attempts {
    /// It goes on.
    GoOn,
    /// It begins with 1 again; the next attempt is due at once.
    BeginAgain,
}

/// What a reset does with what the last attempt reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeartbeatDetails {
    /// The next attempt can read it.
    Keep,
    /// The next attempt begins from nothing.
    Clear,
}

/// One atomic change of one run: its events and notes together. The unit of commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// New events, ids following on.
    pub events: Vec<HistoryEvent>,
    /// New notes.
    pub notes: Vec<Note>,
}

impl Transition {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.notes.is_empty()
    }
}
