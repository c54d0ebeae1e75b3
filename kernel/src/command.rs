//! Commands: what workflow code asks for, named in the imperative.
//!
//! Neighbours: the machine gives commands, `decide` turns each into exactly one event. Must not
//! know how anything is carried out.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::failure::Failure;
use crate::ids::{Millis, Seq, WorkflowId};
use crate::marker::Marker;
use crate::options::{ActivityOptions, ChildOptions};
use crate::payload::Payload;
use crate::visibility::{Changes, SearchValue};

/// One request of the workflow code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Run an activity.
    ScheduleActivityTask {
        /// Which operation of the body.
        seq: Seq,
        /// The registered name.
        activity_type: String,
        /// The input.
        input: Payload,
        /// How.
        options: ActivityOptions,
    },
    /// Cancel an activity.
    RequestCancelActivityTask {
        /// The operation to cancel.
        seq: Seq,
    },
    /// Start a timer.
    StartTimer {
        /// Which operation of the body.
        seq: Seq,
        /// How long.
        start_to_fire: Millis,
    },
    /// Take a timer back.
    CancelTimer {
        /// The operation to cancel.
        seq: Seq,
    },
    /// Start a child.
    StartChildWorkflowExecution {
        /// Which operation of the body.
        seq: Seq,
        /// The child's id.
        workflow_id: WorkflowId,
        /// The child's type.
        workflow_type: String,
        /// The child's input.
        input: Payload,
        /// How.
        options: ChildOptions,
    },
    /// Cancel a child.
    RequestCancelChildWorkflowExecution {
        /// The operation to cancel.
        seq: Seq,
    },
    /// Note something.
    RecordMarker {
        /// What.
        marker: Marker,
    },
    /// Change what people find the run by.
    UpsertWorkflowSearchAttributes {
        /// By name.
        attributes: Changes<SearchValue>,
    },
    /// Change what people read of the run in lists.
    ModifyWorkflowProperties {
        /// The memo's fields by name.
        memo: Changes<Payload>,
    },
    /// Take an update on.
    AcceptUpdate {
        /// What the caller named it.
        update_id: String,
        /// The name of the handler.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Answer an update.
    CompleteUpdate {
        /// Which.
        update_id: String,
        /// The answer.
        result: Result<Payload, Failure>,
    },
    /// The body returned a value.
    CompleteWorkflowExecution {
        /// The value.
        result: Payload,
    },
    /// The body returned a failure.
    FailWorkflowExecution {
        /// The failure.
        failure: Failure,
    },
    /// The body obeyed a cancellation.
    CancelWorkflowExecution,
    /// The body asks to go on in a new run.
    ContinueAsNewWorkflowExecution {
        /// The new run's type.
        workflow_type: String,
        /// The new run's input.
        input: Payload,
    },
}

impl Command {
    /// The operation of the body that it speaks of.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::ScheduleActivityTask { seq, .. }
            | Self::RequestCancelActivityTask { seq }
            | Self::StartTimer { seq, .. }
            | Self::CancelTimer { seq }
            | Self::StartChildWorkflowExecution { seq, .. }
            | Self::RequestCancelChildWorkflowExecution { seq } => Some(*seq),
            Self::RecordMarker { .. }
            | Self::UpsertWorkflowSearchAttributes { .. }
            | Self::ModifyWorkflowProperties { .. }
            | Self::AcceptUpdate { .. }
            | Self::CompleteUpdate { .. }
            | Self::CompleteWorkflowExecution { .. }
            | Self::FailWorkflowExecution { .. }
            | Self::ContinueAsNewWorkflowExecution { .. }
            | Self::CancelWorkflowExecution => None,
        }
    }

    /// The name of the event that this command becomes, and what identifies it, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::ScheduleActivityTask { activity_type, .. } => {
                format!("ActivityTaskScheduled({activity_type})")
            }
            Self::RequestCancelActivityTask { .. } => "ActivityTaskCancelRequested".into(),
            Self::StartTimer { start_to_fire, .. } => {
                format!("TimerStarted({} ms)", start_to_fire.0)
            }
            Self::CancelTimer { .. } => "TimerCanceled".into(),
            Self::StartChildWorkflowExecution {
                workflow_type,
                workflow_id,
                ..
            } => {
                format!("StartChildWorkflowExecutionInitiated({workflow_type} as {workflow_id})")
            }
            Self::RequestCancelChildWorkflowExecution { .. } => {
                "RequestCancelExternalWorkflowExecutionInitiated".into()
            }
            Self::RecordMarker { marker } => marker.describe(),
            Self::UpsertWorkflowSearchAttributes { .. } => "UpsertWorkflowSearchAttributes".into(),
            Self::ModifyWorkflowProperties { .. } => "WorkflowPropertiesModified".into(),
            Self::AcceptUpdate { update_id, .. } => {
                format!("WorkflowExecutionUpdateAccepted({update_id})")
            }
            Self::CompleteUpdate { update_id, .. } => {
                format!("WorkflowExecutionUpdateCompleted({update_id})")
            }
            Self::CompleteWorkflowExecution { .. } => "WorkflowExecutionCompleted".into(),
            Self::FailWorkflowExecution { .. } => "WorkflowExecutionFailed".into(),
            Self::CancelWorkflowExecution => "WorkflowExecutionCanceled".into(),
            Self::ContinueAsNewWorkflowExecution { workflow_type, .. } => {
                format!("WorkflowExecutionContinuedAsNew({workflow_type})")
            }
        }
    }
}

/// The same text as [`Command::describe`] for a recorded event, so that the two can be set side
/// by side in a message.
#[must_use]
pub fn describe_event(kind: &EventKind) -> String {
    match kind {
        EventKind::ActivityTaskScheduled { activity_type, .. } => {
            format!("ActivityTaskScheduled({activity_type})")
        }
        EventKind::TimerStarted { start_to_fire, .. } => {
            format!("TimerStarted({} ms)", start_to_fire.0)
        }
        EventKind::StartChildWorkflowExecutionInitiated {
            workflow_type,
            workflow_id,
            ..
        } => {
            format!("StartChildWorkflowExecutionInitiated({workflow_type} as {workflow_id})")
        }
        EventKind::MarkerRecorded { marker } => marker.describe(),
        EventKind::WorkflowExecutionUpdateAccepted { update_id, .. }
        | EventKind::WorkflowExecutionUpdateCompleted { update_id, .. } => {
            format!("{}({update_id})", kind.name())
        }
        EventKind::WorkflowExecutionContinuedAsNew { workflow_type, .. } => {
            format!("WorkflowExecutionContinuedAsNew({workflow_type})")
        }
        EventKind::WorkflowExecutionStarted { .. }
        | EventKind::WorkflowTaskCompleted
        | EventKind::ActivityTaskCancelRequested { .. }
        | EventKind::ActivityTaskCompleted { .. }
        | EventKind::ActivityTaskFailed { .. }
        | EventKind::ActivityTaskTimedOut { .. }
        | EventKind::ActivityTaskCanceled { .. }
        | EventKind::UpsertWorkflowSearchAttributes { .. }
        | EventKind::WorkflowPropertiesModified { .. }
        | EventKind::TimerFired { .. }
        | EventKind::TimerCanceled { .. }
        | EventKind::StartChildWorkflowExecutionFailed { .. }
        | EventKind::ChildWorkflowExecutionStarted { .. }
        | EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. }
        | EventKind::ChildWorkflowExecutionCompleted { .. }
        | EventKind::ChildWorkflowExecutionFailed { .. }
        | EventKind::ChildWorkflowExecutionCanceled { .. }
        | EventKind::ChildWorkflowExecutionTerminated { .. }
        | EventKind::ChildWorkflowExecutionTimedOut { .. }
        | EventKind::WorkflowExecutionTimedOut { .. }
        | EventKind::WorkflowExecutionSignaled { .. }
        | EventKind::WorkflowExecutionCancelRequested { .. }
        | EventKind::WorkflowExecutionCompleted { .. }
        | EventKind::WorkflowExecutionFailed { .. }
        | EventKind::WorkflowExecutionCanceled
        | EventKind::WorkflowExecutionTerminated { .. } => kind.name().to_owned(),
    }
}
