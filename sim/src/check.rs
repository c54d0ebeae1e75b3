//! The invariants: what must hold in every world, whatever fate did.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use engine::core::{ActivityTask, TaskRef};
use kernel::primitives::workflow_execution;
use kernel::run_state::PendingActivity;
use kernel::{
    EventId, EventKind, HistoryEvent, Outcome, ParentClosePolicy, RunId, Taking, Timestamp,
    WorkflowId, replay,
};
use state::memory_store::MemoryStore;
use state::store::{RunInfo, Store};

use crate::ledger::{Ledger, Told};
use crate::lineage;
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

pub(crate) fn runs(store: &MemoryStore) -> Result<Vec<RunInfo>, String> {
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

pub(crate) fn history(store: &MemoryStore, run_id: RunId) -> Result<Vec<HistoryEvent>, String> {
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

/// While a run is paused, durably, no attempt of it begins.
pub(crate) fn is_not_paused(store: &MemoryStore, task: TaskRef) -> Result<(), String> {
    let state = store.load_run(task.run_id).map_err(|e| e.to_string())?;
    let Some(state) = state else { return Ok(()) };
    let activity = state.activities.get(&task.scheduled_event_id);
    if state.paused.is_some() || activity.is_some_and(|activity| activity.paused.is_some()) {
        return Err(format!("{task:?} begins while it or its run is paused"));
    }
    Ok(())
}

/// While an attempt is held elsewhere, durably, nobody makes it.
pub(crate) fn is_not_held(store: &MemoryStore, task: TaskRef) -> Result<(), String> {
    let state = store.load_run(task.run_id).map_err(|e| e.to_string())?;
    let pending = state.and_then(|mut state| state.activities.remove(&task.scheduled_event_id));
    match pending.and_then(|pending| pending.held) {
        Some(_) => Err(format!(
            "attempt {task:?} begins while it is held elsewhere"
        )),
        None => Ok(()),
    }
}

/// Attempts that are held elsewhere, durably, and have a permit of the semaphore.
pub(crate) fn held_and_guarded(store: &MemoryStore) -> Result<usize, String> {
    held_that(store, |pending| pending.options.semaphore.is_some())
}

/// Attempts that are held elsewhere, durably.
pub(crate) fn held(store: &MemoryStore) -> Result<usize, String> {
    held_that(store, |_| true)
}

fn held_that(store: &MemoryStore, is: impl Fn(&PendingActivity) -> bool) -> Result<usize, String> {
    let mut n = 0;
    for run_id in store.open_runs().map_err(|e| e.to_string())? {
        let state = store.load_run(run_id).map_err(|e| e.to_string())?;
        let activities = state.iter().flat_map(|state| state.activities.values());
        n += activities
            .filter(|pending| pending.held.is_some() && is(pending))
            .count();
    }
    Ok(n)
}

/// A result that was acknowledged to whoever gave it with a token is in the history.
pub(crate) fn results_are_there(histories: &Histories, ledger: &Ledger) -> Result<(), String> {
    for task in ledger.results() {
        let events = histories.get(&task.run_id).map(|(_, events)| events);
        let is_there = events.into_iter().flatten().any(|event| {
            matches!(event.kind, EventKind::ActivityTaskCompleted { .. })
                && witness(task.run_id, &event.kind) == Some(task)
        });
        if !is_there {
            return Err(format!(
                "the result of {task:?} was acknowledged and is gone"
            ));
        }
    }
    Ok(())
}

fn resolves(kind: &EventKind) -> Option<EventId> {
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id: id,
        ..
    }
    | EventKind::ActivityTaskFailed {
        scheduled_event_id: id,
        ..
    }
    | EventKind::ActivityTaskTimedOut {
        scheduled_event_id: id,
        ..
    }
    | EventKind::ActivityTaskCanceled {
        scheduled_event_id: id,
    } = kind
    {
        Some(*id)
    } else {
        None
    }
}

/// The attempt whose word a history takes for how an activity ended, if it takes anybody's.
fn witness(run_id: RunId, kind: &EventKind) -> Option<TaskRef> {
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id,
        attempt,
        ..
    }
    | EventKind::ActivityTaskFailed {
        scheduled_event_id,
        attempt,
        ..
    } = kind
    {
        Some(TaskRef {
            run_id,
            scheduled_event_id: *scheduled_event_id,
            attempt: *attempt,
        })
    } else {
        None
    }
}

/// Every result in a history was given by the very attempt that it names.
pub(crate) fn results_are_honest(histories: &Histories, ledger: &Ledger) -> Result<(), String> {
    for (run_id, (id, events)) in histories {
        for event in events {
            // What was kept was reported to the run that lived through it.
            let lived = lineage::lived_by(*run_id, events, event.id);
            if let Some(task) = witness(lived, &event.kind)
                && !ledger.has_reported(task)
            {
                return Err(format!(
                    "run {id} has a result of attempt {} of activity {} that this attempt never gave",
                    task.attempt, task.scheduled_event_id
                ));
            }
        }
    }
    Ok(())
}

/// No event bears a time that no clock has shown.
pub(crate) fn nothing_is_of_the_future(
    histories: &Histories,
    latest: Timestamp,
) -> Result<(), String> {
    for (id, events) in histories.values() {
        if let Some(event) = events.iter().find(|event| event.at > latest) {
            let (event, at, latest) = (event.id, event.at.0, latest.0);
            return Err(format!(
                "event {event} of {id} happened at {at}, but the clock has only shown {latest}"
            ));
        }
    }
    Ok(())
}

/// A signal that was acknowledged is there, and none is there twice.
pub(crate) fn signals_are_there_once(histories: &Histories, ledger: &Ledger) -> Result<(), String> {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, events) in histories.values() {
        // What a run began with was sent to another one.
        let copied = lineage::copied(events);
        for event in events.iter().filter(|event| event.id > copied) {
            if let EventKind::WorkflowExecutionSignaled { input, .. } = &event.kind {
                *seen
                    .entry(input.decode().map_err(|e| e.to_string())?)
                    .or_default() += 1;
            }
        }
    }
    if let Some((n, times)) = seen.iter().find(|(_, times)| **times > 1) {
        return Err(format!("signal {n} is there {times} times"));
    }
    match ledger.signals().find(|n| !seen.contains_key(n)) {
        Some(n) => Err(format!("signal {n} was acknowledged and is gone")),
        None => Ok(()),
    }
}

/// What was said of an update is so: one that was refused left nothing, one that was taken on or
/// answered is there, and none is there twice.
pub(crate) fn updates_are_as_told(histories: &Histories, ledger: &Ledger) -> Result<(), String> {
    let mut accepted: BTreeMap<&str, u32> = BTreeMap::new();
    let mut completed: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, events) in histories.values() {
        let mut seen = std::collections::BTreeSet::new();
        for event in events {
            if let EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } = &event.kind {
                *accepted.entry(update_id).or_default() += 1;
                if !seen.insert(update_id) {
                    return Err(format!("update {update_id} is in one run twice"));
                }
            } else if let EventKind::WorkflowExecutionUpdateCompleted { update_id, .. } =
                &event.kind
            {
                *completed.entry(update_id).or_default() += 1;
            }
        }
    }
    for (n, told) in ledger.updates() {
        let id = script::update_id(n);
        let accepted = accepted.get(id.as_str()).copied().unwrap_or_default();
        let completed = completed.get(id.as_str()).copied().unwrap_or_default();
        let good = match told {
            Told::Refused => accepted == 0,
            Told::Accepted => accepted > 0,
            Told::Completed => completed > 0,
        };
        if !good {
            return Err(format!(
                "update {id} was told to be {told:?} and is there {accepted} and {completed} times"
            ));
        }
    }
    Ok(())
}

/// A child that is to end with its parent ends with it: there is no moment in between.
pub(crate) fn orphans_follow_their_policy(histories: &Histories) -> Result<(), String> {
    let is_closed = |run_id: &RunId| {
        let last = histories.get(run_id).and_then(|(_, events)| events.last());
        last.is_some_and(|event| closes(&event.kind))
    };
    for (run_id, (id, events)) in histories {
        let first = events.first().map(|event| &event.kind);
        if let Some(EventKind::WorkflowExecutionStarted {
            parent: Some(parent),
            ..
        }) = first
            && parent.policy == ParentClosePolicy::Terminate
            && !lineage::is_left_behind(events)
            && !lineage::is_taken_over(histories, parent)
            && is_closed(&parent.run_id)
            && !is_closed(run_id)
        {
            return Err(format!("run {id} is open although its parent is closed"));
        }
    }
    Ok(())
}

/// Runs that follow on each other do so without a gap: the promise of a run that closes is kept in
/// the same moment, and no run follows on one that did not promise it.
pub(crate) fn chains_are_whole(histories: &Histories) -> Result<(), String> {
    let mut promised: BTreeMap<RunId, RunId> = BTreeMap::new();
    for (run_id, (_, events)) in histories {
        let next = match events.last().map(|event| &event.kind) {
            Some(EventKind::WorkflowExecutionContinuedAsNew { new_run_id, .. }) => *new_run_id,
            Some(
                EventKind::WorkflowExecutionFailed {
                    next: Some(next), ..
                }
                | EventKind::WorkflowExecutionTimedOut {
                    next: Some(next), ..
                },
            ) => next.run_id,
            Some(EventKind::WorkflowExecutionTerminated {
                next: Some(next), ..
            }) => *next,
            Some(_) | None => continue,
        };
        promised.insert(next, *run_id);
    }
    for (run_id, (id, events)) in histories {
        let first = events.first().map(|event| &event.kind);
        let Some(EventKind::WorkflowExecutionStarted { chain, .. }) = first else {
            return Err(format!("run {id} has no start"));
        };
        let promise = promised.remove(run_id);
        if let Some(origin) = &chain.origin {
            // A run that had closed before it was reset promises nothing.
            if promise.is_some() && origin.taking == Taking::Fork {
                return Err(format!("run {run_id} of {id} is a fork and takes a place"));
            }
            continue;
        }
        if chain.continued_from != promise {
            return Err(format!(
                "run {run_id} of {id} follows on a run that did not say so"
            ));
        }
    }
    match promised.first_key_value() {
        Some((next, run)) => Err(format!("run {run} promised run {next}, which is not there")),
        None => Ok(()),
    }
}

pub(crate) fn closes(kind: &EventKind) -> bool {
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
        replay(
            &script::definition(&script::Outside::default()),
            id.clone(),
            *run_id,
            events,
        )
        .map_err(|e| format!("run {id} does not replay: {e}"))?;
    }
    Ok(())
}

fn timers_are_not_early(id: &WorkflowId, events: &[HistoryEvent]) -> Result<(), String> {
    let mut due: BTreeMap<EventId, Timestamp> = BTreeMap::new();
    for event in events {
        if let EventKind::TimerStarted { start_to_fire, .. } = &event.kind {
            due.insert(event.id, event.at.after(*start_to_fire));
        } else if let EventKind::TimerFired { started_event_id } = &event.kind
            && due.get(started_event_id).is_none_or(|at| event.at < *at)
        {
            return Err(format!("timer {started_event_id} of {id} fired early"));
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

/// Runs that were out of time.
pub(crate) fn timed_out(histories: &Histories) -> u64 {
    let last = histories.values().filter_map(|(_, events)| events.last());
    let late =
        last.filter(|event| matches!(event.kind, EventKind::WorkflowExecutionTimedOut { .. }));
    u64::try_from(late.count()).unwrap_or(0)
}

pub(crate) fn digest(histories: &Histories) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{histories:?}").hash(&mut hasher);
    hasher.finish()
}
