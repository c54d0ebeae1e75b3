//! `decide` for the commands of a completed workflow task: each becomes exactly one event.

use std::collections::BTreeMap;

use super::input::Rejection;
use crate::command::Command;
use crate::event::{EventKind, HistoryEvent, Marker, Transition};
use crate::ids::{EventId, Seq, Timestamp};
use crate::limits;
use crate::payload::Payload;
use crate::primitives::workflow_task;
use crate::run_state::RunState;

/// Refuses a payload over the limit.
pub(super) fn check_payload(what: &str, payload: &Payload) -> Result<(), Rejection> {
    let bytes = payload.data.len();
    if bytes > limits::PAYLOAD_BYTES_MAX {
        return Err(Rejection::OverLimit(format!(
            "{what} has {bytes} bytes, the limit is {} (pass big values by reference)",
            limits::PAYLOAD_BYTES_MAX
        )));
    }
    Ok(())
}

pub(super) fn decide(
    state: &RunState,
    commands: Vec<Command>,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    if state.workflow_task == workflow_task::State::Idle {
        return Err(Rejection::NoWorkflowTask);
    }
    let mut work = Work {
        state,
        now,
        events: Vec::with_capacity(commands.len() + 1),
        last: state.last_event_id,
        begun: BTreeMap::new(),
    };
    work.push(EventKind::WorkflowTaskCompleted);
    let mut closed = false;
    for command in commands {
        if closed {
            let text = format!("{} follows the end of the workflow", command.describe());
            return Err(Rejection::BadCommand(text));
        }
        closed = work.command(command)?;
    }
    work.check_limits(closed)?;
    Ok(Transition { events: work.events, notes: Vec::new() })
}

struct Work<'a> {
    state: &'a RunState,
    now: Timestamp,
    events: Vec<HistoryEvent>,
    last: EventId,
    /// Operations begun by earlier commands of the same task, which `state` does not hold yet.
    begun: BTreeMap<Seq, EventId>,
}

impl Work<'_> {
    fn push(&mut self, kind: EventKind) -> EventId {
        self.last = self.last.next();
        self.events.push(HistoryEvent { id: self.last, at: self.now, kind });
        self.last
    }

    fn begin(&mut self, seq: Seq, kind: EventKind) {
        let id = self.push(kind);
        self.begun.insert(seq, id);
    }

    /// Turns one command into its event; says whether it closes the run.
    fn command(&mut self, command: Command) -> Result<bool, Rejection> {
        match command {
            Command::ScheduleActivityTask { seq, activity_type, input, options } => {
                check_payload("the activity's input", &input)?;
                self.begin(
                    seq,
                    EventKind::ActivityTaskScheduled { seq, activity_type, input, options },
                );
            }
            Command::RequestCancelActivityTask { seq } => {
                let pending = self.state.activities.iter().find(|(_, a)| a.seq == seq);
                let scheduled_event_id = self.find(seq, pending.map(|(id, _)| *id))?;
                self.push(EventKind::ActivityTaskCancelRequested { scheduled_event_id });
            }
            Command::StartTimer { seq, start_to_fire } => {
                self.begin(seq, EventKind::TimerStarted { seq, start_to_fire });
            }
            Command::CancelTimer { seq } => {
                let pending = self.state.timers.iter().find(|(_, t)| t.seq == seq);
                let started_event_id = self.find(seq, pending.map(|(id, _)| *id))?;
                self.push(EventKind::TimerCanceled { started_event_id });
            }
            Command::StartChildWorkflowExecution {
                seq,
                workflow_id,
                workflow_type,
                input,
                options,
            } => {
                check_payload("the child's input", &input)?;
                let kind = EventKind::StartChildWorkflowExecutionInitiated {
                    seq,
                    workflow_id,
                    workflow_type,
                    input,
                    options,
                };
                self.begin(seq, kind);
            }
            Command::RequestCancelChildWorkflowExecution { seq } => {
                let pending = self.state.children.iter().find(|(_, c)| c.seq == seq);
                let initiated_event_id = self.find(seq, pending.map(|(id, _)| *id))?;
                self.push(EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    initiated_event_id,
                });
            }
            Command::RecordMarker { marker } => self.marker(marker)?,
            Command::CompleteWorkflowExecution { result } => {
                check_payload("the workflow's result", &result)?;
                self.push(EventKind::WorkflowExecutionCompleted { result });
                return Ok(true);
            }
            Command::FailWorkflowExecution { failure } => {
                self.push(EventKind::WorkflowExecutionFailed { failure });
                return Ok(true);
            }
            Command::CancelWorkflowExecution => {
                self.push(EventKind::WorkflowExecutionCanceled);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn marker(&mut self, marker: Marker) -> Result<(), Rejection> {
        let Marker::Stage { name, .. } = &marker;
        let known = self.state.stages.iter().any(|s| s.name == *name);
        if !known && self.state.stages.len() >= limits::STAGES_MAX {
            let limit = limits::STAGES_MAX;
            return Err(Rejection::OverLimit(format!("a run has at most {limit} stages")));
        }
        self.push(EventKind::MarkerRecorded { marker });
        Ok(())
    }

    fn find(&self, seq: Seq, pending: Option<EventId>) -> Result<EventId, Rejection> {
        pending.or_else(|| self.begun.get(&seq).copied()).ok_or_else(|| {
            Rejection::BadCommand(format!("operation {} is not pending, it cannot be canceled", seq.0))
        })
    }

    /// The limits on what a run may hold at once; a run that closes may end over them.
    fn check_limits(&self, closed: bool) -> Result<(), Rejection> {
        if closed {
            return Ok(());
        }
        let count = |wanted: fn(&EventKind) -> bool| {
            self.events.iter().filter(|e| wanted(&e.kind)).count()
        };
        let pending = [
            (
                "activities",
                self.state.activities.len()
                    + count(|k| matches!(k, EventKind::ActivityTaskScheduled { .. })),
                limits::PENDING_ACTIVITIES_MAX,
            ),
            (
                "timers",
                self.state.timers.len() + count(|k| matches!(k, EventKind::TimerStarted { .. })),
                limits::PENDING_TIMERS_MAX,
            ),
            (
                "children",
                self.state.children.len()
                    + count(|k| {
                        matches!(k, EventKind::StartChildWorkflowExecutionInitiated { .. })
                    }),
                limits::PENDING_CHILDREN_MAX,
            ),
        ];
        for (what, n, limit) in pending {
            if n > limit {
                return Err(Rejection::OverLimit(format!(
                    "{n} {what} would be pending at once, the limit is {limit}"
                )));
            }
        }
        if self.last.0 > limits::HISTORY_EVENTS_MAX {
            return Err(Rejection::OverLimit(format!(
                "the history would have {} events, the limit is {}",
                self.last.0,
                limits::HISTORY_EVENTS_MAX
            )));
        }
        let bytes: u64 =
            self.state.history_bytes + self.events.iter().map(|e| e.kind.size_bytes()).sum::<u64>();
        if bytes > limits::HISTORY_BYTES_MAX {
            return Err(Rejection::OverLimit(format!(
                "the history would have {bytes} bytes, the limit is {}",
                limits::HISTORY_BYTES_MAX
            )));
        }
        Ok(())
    }
}
