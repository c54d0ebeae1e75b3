//! The invariants of resets and forks: what a run began with is what another one lived through.
//!
//! Neighbours: `check` has the other invariants, the world calls both.

use std::collections::BTreeMap;

use kernel::{EventId, EventKind, HistoryEvent, Origin, ParentLink, ParentRef, RunId, Taking};

use crate::check::{Histories, closes};

fn origin(events: &[HistoryEvent]) -> Option<&Origin> {
    let Some(EventKind::WorkflowExecutionStarted { chain, .. }) = events.first().map(|e| &e.kind)
    else {
        return None;
    };
    chain.origin.as_deref()
}

/// The last event that a run began with; 0 for a run that was just started.
pub(crate) fn copied(events: &[HistoryEvent]) -> EventId {
    origin(events).map_or(EventId(0), |origin| origin.copied)
}

/// The run that lived through an event of a run.
pub(crate) fn lived_by(run_id: RunId, events: &[HistoryEvent], event: EventId) -> RunId {
    let base = origin(events).and_then(|origin| origin.lived(event));
    base.map_or(run_id, |base| base.run_id)
}

/// Whether the parent of a run had heard of an end before the run was made.
pub(crate) fn is_left_behind(events: &[HistoryEvent]) -> bool {
    origin(events).is_some_and(|origin| origin.parent == ParentLink::LeftBehind)
}

fn is_open(events: &[HistoryEvent]) -> bool {
    events.last().is_some_and(|event| !closes(&event.kind))
}

/// Whether an open run took over the child that a parent asked for.
pub(crate) fn is_taken_over(histories: &Histories, parent: &ParentRef) -> bool {
    histories.values().any(|(_, events)| {
        let took = |origin: &Origin| {
            origin.taking == Taking::Reset
                && origin.bases.iter().any(|base| {
                    base.run_id == parent.run_id && parent.initiated_event_id <= base.kept
                })
        };
        is_open(events) && origin(events).is_some_and(took)
    })
}

/// A workflow id never has two open runs.
pub(crate) fn one_run_is_open_for_each_id(histories: &Histories) -> Result<(), String> {
    let mut open = BTreeMap::new();
    for (run_id, (id, events)) in histories {
        if is_open(events)
            && let Some(other) = open.insert(id, run_id)
        {
            return Err(format!(
                "runs {other} and {run_id} of {id} are open at once"
            ));
        }
    }
    Ok(())
}

/// The kept part of a run is what its base has there, but for where the start says it comes from.
pub(crate) fn kept_parts_are_as_they_were(histories: &Histories) -> Result<(), String> {
    for (run_id, (id, events)) in histories {
        let Some(base) = origin(events).and_then(|origin| origin.bases.last()) else {
            continue;
        };
        let Some((_, theirs)) = histories.get(&base.run_id) else {
            return Err(format!(
                "run {run_id} of {id} was made of a run that is gone"
            ));
        };
        let kept = |events: &[HistoryEvent]| -> Vec<HistoryEvent> {
            let kept = events.iter().skip(1).filter(|e| e.id <= base.kept);
            kept.cloned().collect()
        };
        if kept(events) != kept(theirs) {
            return Err(format!(
                "run {run_id} of {id} began with other events than it kept"
            ));
        }
    }
    Ok(())
}

fn signals(events: &[HistoryEvent], wanted: impl Fn(EventId) -> bool) -> Vec<u64> {
    let value = |event: &HistoryEvent| {
        if let EventKind::WorkflowExecutionSignaled { input, .. } = &event.kind {
            input.decode().ok()
        } else {
            None
        }
    };
    let wanted = events.iter().filter(|event| wanted(event.id));
    wanted.filter_map(value).collect()
}

fn next_of(events: &[HistoryEvent]) -> Option<RunId> {
    let kind = &events.last()?.kind;
    if let EventKind::WorkflowExecutionContinuedAsNew { new_run_id, .. } = kind {
        Some(*new_run_id)
    } else if let EventKind::WorkflowExecutionTerminated { next, .. } = kind {
        *next
    } else if let EventKind::WorkflowExecutionFailed { next, .. }
    | EventKind::WorkflowExecutionTimedOut { next, .. } = kind
    {
        next.as_ref().map(|next| next.run_id)
    } else {
        None
    }
}

/// Whatever its base was sent, and the runs that followed on that one until the reset, the new run was
/// sent too: in that order, each once.
pub(crate) fn signals_are_taken_along(histories: &Histories) -> Result<(), String> {
    for (run_id, (id, events)) in histories {
        let Some(origin) = origin(events).filter(|o| o.taking == Taking::Reset) else {
            continue;
        };
        let mut wanted = Vec::new();
        let mut at = origin.bases.last().map(|base| base.run_id);
        let mut is_base = true;
        while let Some(run) = at.filter(|run| run != run_id) {
            let Some((_, theirs)) = histories.get(&run) else {
                break;
            };
            let own_from = copied(theirs);
            wanted.extend(signals(theirs, |event| is_base || event > own_from));
            is_base = false;
            at = next_of(theirs);
        }
        let has = signals(events, |event| event <= origin.copied);
        // A closed base does not name the open run of its chain, whose signals come last.
        if !has.starts_with(&wanted) {
            return Err(format!(
                "run {run_id} of {id} began with the signals {has:?}, its base had {wanted:?}"
            ));
        }
        let mut once = has.clone();
        once.sort_unstable();
        once.dedup();
        if once.len() != has.len() {
            return Err(format!("run {run_id} of {id} has a signal twice: {has:?}"));
        }
    }
    Ok(())
}
