//! The invariants: what must hold in every world, whatever fate did.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use engine::core::ActivityTask;
use kernel::primitives::workflow_execution;
use kernel::{EventId, EventKind, HistoryEvent, Outcome, RunId, Timestamp, WorkflowId, replay};
use state::memory_store::MemoryStore;
use state::store::{RunInfo, Store};

use crate::script;

pub(crate) type Histories = BTreeMap<RunId, (WorkflowId, Vec<HistoryEvent>)>;

/// Everything that is in the store.
pub(crate) fn histories(store: &MemoryStore) -> Result<Histories, String> {
    let mut all = Histories::new();
    for info in runs(store)? {
        let events = history(store, info.run_id)?;
        all.insert(info.run_id, (info.workflow_id, events));
    }
    Ok(all)
}

fn runs(store: &MemoryStore) -> Result<Vec<RunInfo>, String> {
    let mut runs = Vec::new();
    let mut before = None;
    loop {
        let page = store.list_runs(before, 100).map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return Ok(runs);
        };
        before = Some(last.run_id);
        runs.extend(page);
    }
}

fn history(store: &MemoryStore, run_id: RunId) -> Result<Vec<HistoryEvent>, String> {
    let mut events: Vec<HistoryEvent> = Vec::new();
    loop {
        let after = events.last().map_or(EventId(0), |e| e.id);
        let page = store
            .load_history(run_id, after, 64)
            .map_err(|e| e.to_string())?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

/// What was durable is the start of what is.
pub(crate) fn grew(before: &Histories, now: &Histories) -> Result<(), String> {
    for (run_id, (id, old)) in before {
        let Some((_, new)) = now.get(run_id) else {
            return Err(format!("run {id} was durable and is gone"));
        };
        if !new.starts_with(old) {
            return Err(format!(
                "the history of run {id} was durable and has changed"
            ));
        }
    }
    Ok(())
}

/// A task may only be handed out when it is durable and not resolved.
pub(crate) fn may_run(store: &MemoryStore, task: &ActivityTask) -> Result<(), String> {
    let id = task.task.scheduled_event_id;
    let events = history(store, task.task.run_id)?;
    if !events.iter().any(|e| e.id == id) {
        return Err(format!(
            "activity {id} of {} runs and is not durable",
            task.workflow_id
        ));
    }
    if events.iter().any(|e| resolves(&e.kind) == Some(id)) {
        return Err(format!(
            "activity {id} of {} runs although it has ended",
            task.workflow_id
        ));
    }
    Ok(())
}

fn resolves(kind: &EventKind) -> Option<EventId> {
    match kind {
        EventKind::ActivityTaskCompleted {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskFailed {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskTimedOut {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskCanceled { scheduled_event_id } => Some(*scheduled_event_id),
        _other => None,
    }
}

/// What must hold of every history at the end.
pub(crate) fn all(store: &MemoryStore, histories: &Histories) -> Result<(), String> {
    for (run_id, (id, events)) in histories {
        let state = store
            .load_run(*run_id)
            .map_err(|e| format!("run {id}: could not {e}"))?
            .ok_or_else(|| format!("run {id} has no state"))?;
        if !state.is_closed() {
            return Err(format!("run {id} is still open"));
        }
        timers_are_not_early(id, events)?;
        each_activity_resolves_once(id, events)?;
        replay(&script::definition(), id.clone(), *run_id, events)
            .map_err(|e| format!("run {id} does not replay: {e}"))?;
    }
    Ok(())
}

fn timers_are_not_early(id: &WorkflowId, events: &[HistoryEvent]) -> Result<(), String> {
    let mut due: BTreeMap<EventId, Timestamp> = BTreeMap::new();
    for event in events {
        match &event.kind {
            EventKind::TimerStarted { start_to_fire, .. } => {
                due.insert(event.id, event.at.after(*start_to_fire));
            }
            EventKind::TimerFired { started_event_id }
                if due.get(started_event_id).is_none_or(|at| event.at < *at) =>
            {
                return Err(format!("timer {started_event_id} of {id} fired early"));
            }
            _other => {}
        }
    }
    Ok(())
}

fn each_activity_resolves_once(id: &WorkflowId, events: &[HistoryEvent]) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for event in events {
        if let Some(activity) = resolves(&event.kind)
            && !seen.insert(activity)
        {
            return Err(format!("activity {activity} of {id} ended twice"));
        }
    }
    Ok(())
}

/// The result that the script must have, unless it was canceled in time.
pub(crate) fn outcome(
    store: &MemoryStore,
    id: &str,
    expected: u64,
    may_be_canceled: bool,
) -> Result<(), String> {
    let run_id = store
        .latest_run(&WorkflowId::new(id))
        .map_err(|e| e.to_string())?
        .ok_or_else(|| format!("run {id} was acknowledged and is gone"))?;
    let state = store
        .load_run(run_id)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| format!("run {id} has no state"))?;
    if may_be_canceled && state.status == workflow_execution::State::Canceled {
        return Ok(());
    }
    match &state.outcome {
        Some(Outcome::Completed(payload)) if payload.decode() == Ok(expected) => Ok(()),
        other => Err(format!(
            "run {id} should give {expected} and gave {other:?}"
        )),
    }
}

pub(crate) fn digest(histories: &Histories) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{histories:?}").hash(&mut hasher);
    hasher.finish()
}
