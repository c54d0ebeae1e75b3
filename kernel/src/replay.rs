//! `replay`: brings workflow code to where a history ends, checking each command on the way.
//!
//! Neighbours: recovery and the replay tests call it. The first mismatch names the event, what the
//! history has, what the code did, and what to do.

use std::fmt;

use crate::command::{Command, describe_event};
use crate::event::{EventKind, HistoryEvent, Marker};
use crate::failure::Failure;
use crate::ids::{EventId, RunId, WorkflowId};
use crate::machine::{Definition, Machine, News, Replaying, WorkflowInfo};
use crate::run_state::{Corrupt, RunState};

/// Workflow code that has seen a whole history.
#[derive(Debug)]
pub struct Replayed {
    /// The code, stopped where the history's last workflow task left it.
    pub machine: Machine,
    /// The fold of the history's events (without notes, which are not in a history).
    pub state: RunState,
    /// What happened after the last workflow task: the code has not seen it.
    pub unseen: Vec<News>,
}

/// Why a history cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// No engine wrote this history.
    Corrupt(Corrupt),
    /// The code does something else than it did.
    Nondeterminism {
        /// The first event that differs.
        event_id: EventId,
        /// What the history has there.
        history: String,
        /// What the code did.
        code: String,
    },
    /// The code failed outright.
    Failed {
        /// The workflow task at which it failed.
        event_id: EventId,
        /// How.
        failure: Failure,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::Nondeterminism { event_id, history, code } => write!(
                f,
                "nondeterminism at event {event_id}: the history has {history}, the code did \
                 {code}; the workflow code no longer does what this run recorded. Put back the old \
                 order of commands, or let open runs finish on the old binary and give the new \
                 code a new workflow type"
            ),
            Self::Failed { event_id, failure } => {
                write!(f, "the workflow code failed in the workflow task of event {event_id}: {failure}")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<Corrupt> for ReplayError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// Runs `definition` through `events`, which must be a history from its first event.
///
/// # Errors
/// When the history is not valid, or the code does not do again what it did.
pub fn replay(
    definition: &Definition,
    workflow_id: WorkflowId,
    run_id: RunId,
    events: &[HistoryEvent],
) -> Result<Replayed, ReplayError> {
    let Some(first) = events.first() else {
        let why = "it has no events".to_owned();
        return Err(Corrupt { event_id: EventId(0), why }.into());
    };
    let mut state = RunState::started(workflow_id.clone(), run_id, first)?;
    let EventKind::WorkflowExecutionStarted { workflow_type, input, seed, .. } = &first.kind else {
        return Err(Corrupt { event_id: first.id, why: "it has no start".into() }.into());
    };
    let info =
        WorkflowInfo { workflow_id, run_id, workflow_type: workflow_type.clone(), seed: *seed };
    let mut machine = Machine::new(definition, info, input.clone());
    machine.set_replaying(Replaying::Yes);
    let mut unseen = Vec::new();
    let mut index = 1;
    while let Some(event) = events.get(index) {
        unseen.extend(state.apply_event(event)?);
        index += 1;
        if event.kind == EventKind::WorkflowTaskCompleted {
            let commands = machine
                .advance(std::mem::take(&mut unseen), event.at)
                .map_err(|failure| ReplayError::Failed { event_id: event.id, failure })?;
            check_commands(&state, event.id, &commands, &events[index..])?;
        }
    }
    machine.set_replaying(Replaying::No);
    Ok(Replayed { machine, state, unseen })
}

/// Sets the commands of one turn beside the events that the history has for it.
fn check_commands(
    state: &RunState,
    task: EventId,
    commands: &[Command],
    rest: &[HistoryEvent],
) -> Result<(), ReplayError> {
    let recorded = rest.iter().take_while(|e| e.kind.is_command());
    let mut commands = commands.iter();
    let mut last = task;
    let differ = |event_id, history: String, code: String| {
        Err(ReplayError::Nondeterminism { event_id, history, code })
    };
    for event in recorded {
        last = event.id;
        match commands.next() {
            Some(command) if matches(state, command, &event.kind) => {}
            Some(command) => {
                return differ(event.id, describe_event(&event.kind), command.describe());
            }
            None => return differ(event.id, describe_event(&event.kind), "nothing more".into()),
        }
    }
    match commands.next() {
        Some(command) => differ(last.next(), "no further command".into(), command.describe()),
        None => Ok(()),
    }
}

/// Whether a command is the one that an event records. Inputs and options may change between
/// versions of the code; what is called, and in which order, may not.
fn matches(state: &RunState, command: &Command, event: &EventKind) -> bool {
    match command {
        Command::ScheduleActivityTask { seq, activity_type, .. } => matches!(event,
            EventKind::ActivityTaskScheduled { seq: s, activity_type: t, .. }
                if s == seq && t == activity_type),
        Command::RequestCancelActivityTask { .. } => {
            matches!(event, EventKind::ActivityTaskCancelRequested { .. })
        }
        Command::StartTimer { seq, .. } => {
            matches!(event, EventKind::TimerStarted { seq: s, .. } if s == seq)
        }
        Command::CancelTimer { seq } => matches!(event,
            EventKind::TimerCanceled { started_event_id }
                if state.timers.get(started_event_id).is_none_or(|t| t.seq == *seq)),
        Command::StartChildWorkflowExecution { seq, workflow_id, workflow_type, .. } => {
            matches!(event,
                EventKind::StartChildWorkflowExecutionInitiated {
                    seq: s, workflow_id: i, workflow_type: t, ..
                } if s == seq && i == workflow_id && t == workflow_type)
        }
        Command::RequestCancelChildWorkflowExecution { .. } => {
            matches!(event, EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. })
        }
        Command::RecordMarker { marker: Marker::Stage { name, .. } } => matches!(event,
            EventKind::MarkerRecorded { marker: Marker::Stage { name: n, .. } } if n == name),
        Command::CompleteWorkflowExecution { .. } => {
            matches!(event, EventKind::WorkflowExecutionCompleted { .. })
        }
        Command::FailWorkflowExecution { .. } => {
            matches!(event, EventKind::WorkflowExecutionFailed { .. })
        }
        Command::CancelWorkflowExecution => {
            matches!(event, EventKind::WorkflowExecutionCanceled)
        }
    }
}
