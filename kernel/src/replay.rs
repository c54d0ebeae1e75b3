//! `replay`: brings workflow code to where a history ends, checking each command on the way.
//!
//! Neighbours: recovery and the replay tests call it. The first mismatch names the event, what the
//! history has, what the code did, and what to do.

use std::collections::BTreeMap;
use std::fmt;

use crate::command::{Command, describe_event};
use crate::event::{EventKind, HistoryEvent};
use crate::failure::Failure;
use crate::ids::{EventId, RunId, Seq, WorkflowId};
use crate::machine::{Definition, Machine, News, Replaying, Validation, WorkflowInfo};
use crate::marker::Marker;
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
            Self::Nondeterminism {
                event_id,
                history,
                code,
            } => write!(
                f,
                "nondeterminism at event {event_id}: the history has {history}, the code did \
                 {code}; the workflow code no longer does what this run recorded. Put back the old \
                 order of commands, or let open runs finish on the old binary and give the new \
                 code a new workflow type"
            ),
            Self::Failed { event_id, failure } => {
                write!(
                    f,
                    "the workflow code failed in the workflow task of event {event_id}: {failure}"
                )
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
/// ```
/// use kernel::{
///     ActivityOptions, Cx, Definition, Failure, Payload, RunId, StartRequest, Timestamp,
///     WorkflowId, replay, start,
/// };
///
/// async fn greet(cx: Cx, name: String) -> Result<String, Failure> {
///     cx.activity_named("Greet", &name, ActivityOptions::default()).await
/// }
///
/// let (id, run) = (WorkflowId::new("greet-ada"), RunId([7; 16]));
/// let request = StartRequest::new(id, run, "greet", Payload::json("Ada")?);
/// let (state, transition) = start(request, Timestamp(0))?;
/// let greet = Definition::new("greet", greet);
/// let replayed = replay(&greet, state.workflow_id, state.run_id, &transition.events)?;
/// assert!(!replayed.machine.is_done());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the history is not valid, or the code does not do again what it did.
pub fn replay(
    definition: &Definition,
    workflow_id: WorkflowId,
    run_id: RunId,
    events: &[HistoryEvent],
) -> Result<Replayed, ReplayError> {
    replay_in_steps(definition, workflow_id, run_id, events, &mut |_| {})
}

/// One event on the way of a replay.
#[derive(Debug)]
pub struct Step<'a> {
    /// What the history has.
    pub event: &'a HistoryEvent,
    /// What the code did in the turn that this event ends, before it is compared with the events
    /// that follow; `None` for every other event.
    pub commands: Option<&'a [Command]>,
}

/// Replays as [`replay`] does and shows each event, in order, when the replay comes to it. The event
/// at which code and history part, and those after it, are not shown.
///
/// # Errors
/// As [`replay`].
pub fn replay_in_steps(
    definition: &Definition,
    workflow_id: WorkflowId,
    run_id: RunId,
    events: &[HistoryEvent],
    show: &mut dyn FnMut(Step<'_>),
) -> Result<Replayed, ReplayError> {
    let Some(first) = events.first() else {
        let why = "it has no events".to_owned();
        return Err(Corrupt {
            event_id: EventId(0),
            why,
        }
        .into());
    };
    let mut state = RunState::started(workflow_id, run_id, first)?;
    let EventKind::WorkflowExecutionStarted {
        workflow_type,
        input,
        seed,
        ..
    } = &first.kind
    else {
        return Err(Corrupt {
            event_id: first.id,
            why: "it has no start".into(),
        }
        .into());
    };
    if workflow_type != definition.workflow_type() {
        return Err(ReplayError::Nondeterminism {
            event_id: first.id,
            history: format!("WorkflowExecutionStarted({workflow_type})"),
            code: format!("WorkflowExecutionStarted({})", definition.workflow_type()),
        });
    }
    let info = WorkflowInfo::of(&state, *seed);
    let mut machine = Machine::new(definition, info, input.clone());
    machine.set_replaying(Replaying::Yes);
    let mut unseen = Vec::new();
    let mut rest = events.get(1..).unwrap_or_default();
    let plain = |event| Step {
        event,
        commands: None,
    };
    show(plain(first));
    while let Some((event, after)) = rest.split_first() {
        if event.kind.is_command() {
            let why = format!("{} does not follow a workflow task", event.kind.name());
            return Err(Corrupt {
                event_id: event.id,
                why,
            }
            .into());
        }
        let turn = state.turn_start(event.at);
        unseen.extend(state.apply_event(event)?);
        rest = after;
        if event.kind == EventKind::WorkflowTaskCompleted {
            let n_recorded = rest.iter().take_while(|e| e.kind.is_command()).count();
            let (recorded, after) = rest.split_at(n_recorded);
            machine.recall(recorded.iter().filter_map(marker_of));
            unseen.extend(recorded.iter().filter_map(accepted_update));
            let commands =
                machine
                    .advance(std::mem::take(&mut unseen), turn)
                    .map_err(|failure| ReplayError::Failed {
                        event_id: event.id,
                        failure,
                    })?;
            show(Step {
                event,
                commands: Some(&commands),
            });
            check_commands(&state, event.id, &commands, recorded)?;
            for event in recorded {
                show(plain(event));
                unseen.extend(state.apply_event(event)?);
            }
            rest = after;
        } else {
            show(plain(event));
        }
    }
    machine.set_replaying(Replaying::No);
    Ok(Replayed {
        machine,
        state,
        unseen,
    })
}

/// Sets the commands of one turn beside the events that the history has for it.
fn check_commands(
    state: &RunState,
    task: EventId,
    commands: &[Command],
    recorded: &[HistoryEvent],
) -> Result<(), ReplayError> {
    let mut turn = Turn {
        state,
        begun: BTreeMap::new(),
    };
    let mut commands = commands.iter().peekable();
    let mut last = task;
    let differ = |event_id, history: String, code: String| {
        Err(ReplayError::Nondeterminism {
            event_id,
            history,
            code,
        })
    };
    for event in recorded {
        last = event.id;
        let recorded = turn.recorded(event);
        if marker_of(event).is_some_and(Marker::may_be_left_out)
            && !commands
                .peek()
                .is_some_and(|command| matches(command, &event.kind, recorded))
        {
            continue;
        }
        match commands.next() {
            Some(command) if matches(command, &event.kind, recorded) => {}
            Some(command) => {
                let (history, code) = side_by_side(command, &event.kind, recorded);
                return differ(event.id, history, code);
            }
            None => return differ(event.id, describe_event(&event.kind), "nothing more".into()),
        }
    }
    match commands.next() {
        Some(command) => differ(last.next(), "no further command".into(), command.describe()),
        None => Ok(()),
    }
}

/// An update that this turn took on: the code is asked again, and not whether it wants to.
fn accepted_update(event: &HistoryEvent) -> Option<News> {
    if let EventKind::WorkflowExecutionUpdateAccepted {
        update_id,
        name,
        input,
    } = &event.kind
    {
        Some(News::UpdateRequested {
            update_id: update_id.clone(),
            name: name.clone(),
            input: input.clone(),
            validation: Validation::Passed,
        })
    } else {
        None
    }
}

fn marker_of(event: &HistoryEvent) -> Option<&Marker> {
    if let EventKind::MarkerRecorded { marker } = &event.kind {
        Some(marker)
    } else {
        None
    }
}

/// What a turn's events speak of: operations that were pending, or begun in the same turn.
struct Turn<'a> {
    state: &'a RunState,
    begun: BTreeMap<EventId, Seq>,
}

impl Turn<'_> {
    /// The operation that an event speaks of. `None` when it speaks of none, or of one that is
    /// not pending; the fold finds out that such a history is not valid.
    fn recorded(&mut self, event: &HistoryEvent) -> Option<Seq> {
        match &event.kind {
            EventKind::ActivityTaskScheduled { seq, .. }
            | EventKind::TimerStarted { seq, .. }
            | EventKind::StartChildWorkflowExecutionInitiated { seq, .. } => {
                self.begun.insert(event.id, *seq);
                Some(*seq)
            }
            EventKind::ActivityTaskCancelRequested {
                scheduled_event_id: id,
            } => self
                .begun(id)
                .or_else(|| self.state.activities.get(id).map(|a| a.seq)),
            EventKind::TimerCanceled {
                started_event_id: id,
            } => self
                .begun(id)
                .or_else(|| self.state.timers.get(id).map(|t| t.seq)),
            EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                initiated_event_id: id,
            } => self
                .begun(id)
                .or_else(|| self.state.children.get(id).map(|c| c.seq)),
            EventKind::WorkflowExecutionStarted { .. }
            | EventKind::WorkflowTaskCompleted
            | EventKind::ActivityTaskCompleted { .. }
            | EventKind::ActivityTaskFailed { .. }
            | EventKind::ActivityTaskTimedOut { .. }
            | EventKind::ActivityTaskCanceled { .. }
            | EventKind::TimerFired { .. }
            | EventKind::StartChildWorkflowExecutionFailed { .. }
            | EventKind::ChildWorkflowExecutionStarted { .. }
            | EventKind::ChildWorkflowExecutionCompleted { .. }
            | EventKind::ChildWorkflowExecutionFailed { .. }
            | EventKind::ChildWorkflowExecutionCanceled { .. }
            | EventKind::ChildWorkflowExecutionTerminated { .. }
            | EventKind::ChildWorkflowExecutionTimedOut { .. }
            | EventKind::WorkflowExecutionTimedOut { .. }
            | EventKind::WorkflowExecutionContinuedAsNew { .. }
            | EventKind::WorkflowExecutionUpdateAccepted { .. }
            | EventKind::WorkflowExecutionUpdateCompleted { .. }
            | EventKind::MarkerRecorded { .. }
            | EventKind::UpsertWorkflowSearchAttributes { .. }
            | EventKind::WorkflowPropertiesModified { .. }
            | EventKind::WorkflowExecutionSignaled { .. }
            | EventKind::WorkflowExecutionCancelRequested { .. }
            | EventKind::WorkflowExecutionCompleted { .. }
            | EventKind::WorkflowExecutionFailed { .. }
            | EventKind::WorkflowExecutionCanceled
            | EventKind::WorkflowExecutionTerminated { .. } => None,
        }
    }

    fn begun(&self, id: &EventId) -> Option<Seq> {
        self.begun.get(id).copied()
    }
}

/// Both sides in words. Where the words are the same, it is another operation of the same name.
fn side_by_side(command: &Command, event: &EventKind, recorded: Option<Seq>) -> (String, String) {
    let (history, code) = (describe_event(event), command.describe());
    match (recorded, command.seq()) {
        (Some(there), Some(here)) if history == code => (
            format!("{history} as operation {}", there.0),
            format!("{code} as operation {}", here.0),
        ),
        (Some(_) | None, Some(_) | None) => (history, code),
    }
}

/// Whether a command is the one that an event records. Inputs and options may change between
/// versions of the code; what is called, and in which order, may not.
fn matches(command: &Command, event: &EventKind, recorded: Option<Seq>) -> bool {
    if let (Some(there), Some(here)) = (recorded, command.seq())
        && there != here
    {
        return false;
    }
    match command {
        Command::ScheduleActivityTask { activity_type, .. } => matches!(event,
            EventKind::ActivityTaskScheduled { activity_type: t, .. } if t == activity_type),
        Command::RequestCancelActivityTask { .. } => {
            matches!(event, EventKind::ActivityTaskCancelRequested { .. })
        }
        Command::StartTimer { .. } => matches!(event, EventKind::TimerStarted { .. }),
        Command::CancelTimer { .. } => matches!(event, EventKind::TimerCanceled { .. }),
        Command::StartChildWorkflowExecution {
            workflow_id,
            workflow_type,
            ..
        } => {
            matches!(event,
                EventKind::StartChildWorkflowExecutionInitiated {
                    workflow_id: i, workflow_type: t, ..
                } if i == workflow_id && t == workflow_type)
        }
        Command::RequestCancelChildWorkflowExecution { .. } => {
            matches!(
                event,
                EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. }
            )
        }
        Command::RecordMarker { marker } => matches!(event,
            EventKind::MarkerRecorded { marker: recorded } if marker.repeats(recorded)),
        Command::CompleteWorkflowExecution { .. } => {
            matches!(event, EventKind::WorkflowExecutionCompleted { .. })
        }
        Command::FailWorkflowExecution { .. } => {
            matches!(event, EventKind::WorkflowExecutionFailed { .. })
        }
        Command::UpsertWorkflowSearchAttributes { .. } => {
            matches!(event, EventKind::UpsertWorkflowSearchAttributes { .. })
        }
        Command::ModifyWorkflowProperties { .. } => {
            matches!(event, EventKind::WorkflowPropertiesModified { .. })
        }
        Command::AcceptUpdate { update_id, .. } => matches!(event,
            EventKind::WorkflowExecutionUpdateAccepted { update_id: i, .. } if i == update_id),
        Command::CompleteUpdate { update_id, .. } => matches!(event,
            EventKind::WorkflowExecutionUpdateCompleted { update_id: i, .. } if i == update_id),
        Command::CancelWorkflowExecution => {
            matches!(event, EventKind::WorkflowExecutionCanceled)
        }
        Command::ContinueAsNewWorkflowExecution { workflow_type, .. } => matches!(event,
            EventKind::WorkflowExecutionContinuedAsNew { workflow_type: t, .. }
                if t == workflow_type),
    }
}

#[cfg(test)]
mod tests;
