//! Where the kept part of a history ends: always before a workflow task or before news, never
//! between a task and what it asked for.

use super::{Refusal, ResetTo};
use crate::event::{EventKind, HistoryEvent};
use crate::ids::EventId;
use crate::origin::Origin;

/// How many events are kept: at least the start, never the end.
pub(super) fn kept_events(events: &[HistoryEvent], to: ResetTo) -> Result<usize, Refusal> {
    let last = events.last().map_or(EventId(0), |last| last.id);
    let before = |id: EventId| events.iter().take_while(|event| event.id < id).count();
    let wanted = match to {
        ResetTo::Event(id) if id <= EventId(1) => return Err(Refusal::NothingKept),
        ResetTo::Event(id) if id > last.next() => return Err(Refusal::NoSuchEvent { last }),
        ResetTo::Event(id) => before(id),
        ResetTo::FirstWorkflowTask => {
            before(tasks(events).next().ok_or(Refusal::NoWorkflowTask)?.id)
        }
        ResetTo::LastWorkflowTask => {
            before(tasks(events).last().ok_or(Refusal::NoWorkflowTask)?.id)
        }
        ResetTo::FailedActivity => {
            let failed = events.iter().rev().find(|event| has_failed(&event.kind));
            before(failed.ok_or(Refusal::NoFailedActivity)?.id)
        }
    };
    let is_end = |event: &HistoryEvent| is_closing(&event.kind);
    if wanted == events.len() && events.last().is_some_and(is_end) {
        return Err(Refusal::AllKept { last });
    }
    // What a task asked for goes with the task.
    let mut n_kept = wanted;
    while n_kept > 0 && events.get(n_kept).is_some_and(|e| e.kind.is_command()) {
        n_kept -= 1;
    }
    if n_kept == 0 {
        return Err(Refusal::NothingKept);
    }
    Ok(n_kept)
}

/// The workflow tasks of a history.
pub(super) fn tasks(events: &[HistoryEvent]) -> impl Iterator<Item = &HistoryEvent> {
    let is_task = |event: &&HistoryEvent| event.kind == EventKind::WorkflowTaskCompleted;
    events.iter().filter(is_task)
}

/// Where the run of a history comes from, if it was made of another one's.
pub(super) fn origin(events: &[HistoryEvent]) -> Option<&Origin> {
    let EventKind::WorkflowExecutionStarted { chain, .. } = &events.first()?.kind else {
        return None;
    };
    chain.origin.as_deref()
}

fn has_failed(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ActivityTaskFailed { .. } | EventKind::ActivityTaskTimedOut { .. }
    )
}

/// Whether a run ends with it.
pub(super) fn is_closing(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::WorkflowExecutionCompleted { .. }
            | EventKind::WorkflowExecutionFailed { .. }
            | EventKind::WorkflowExecutionTimedOut { .. }
            | EventKind::WorkflowExecutionContinuedAsNew { .. }
            | EventKind::WorkflowExecutionCanceled
            | EventKind::WorkflowExecutionTerminated { .. }
    )
}
