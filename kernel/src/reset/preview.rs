//! What a reset keeps, runs again and leaves behind, for a person to read before it is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BaseRun, Edits, Reapply};
use crate::event::{EventKind, HistoryEvent};
use crate::ids::{EventId, Millis, RunId, Timestamp, WorkflowId};
use crate::options::ParentClosePolicy;
use crate::origin::Taking;
use crate::run_state::RunState;

/// What becomes of everything that a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetPlan {
    /// The run's workflow id.
    pub workflow_id: WorkflowId,
    /// The run that the history is taken from.
    pub run_id: RunId,
    /// The first event that is not kept.
    pub event_id: EventId,
    /// Its kind; none when all are kept.
    pub event: Option<String>,
    /// Events that are kept.
    pub events_kept: u64,
    /// Events that are not.
    pub events_dropped: u64,
    /// Every activity, in the order of the history.
    pub activities: Vec<ActivityPlan>,
    /// Timers that have not fired in the kept part, and those after it.
    pub timers: Vec<TimerPlan>,
    /// Every child, in the order of the history.
    pub children: Vec<ChildPlan>,
    /// Signals by name.
    pub signals: BTreeMap<String, SignalPlan>,
    /// Updates that the code is asked again, by the caller's name for them.
    pub updates_again: Vec<String>,
    /// Updates after the point that are left out.
    pub updates_dropped: u64,
    /// Whether somebody asked the run to cancel after the point: the new run does not know of it.
    pub cancel_request_dropped: bool,
}

/// What becomes of one activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPlan {
    /// Its `ActivityTaskScheduled` event.
    pub scheduled_event_id: EventId,
    /// Its registered name.
    pub activity_type: String,
    /// How it ended in the run.
    pub ended: Ended,
    /// What becomes of it.
    pub fate: ActivityFate,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It has not.
    Pending,
    /// With a result.
    Completed,
    /// With a failure.
    Failed,
    /// It ran out of time.
    TimedOut,
    /// It was canceled.
    Canceled,
    /// It was terminated.
    Terminated,
}

/// What becomes of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityFate {
    /// Its end is kept; it is not run again.
    Kept,
    /// It gets the result that is given; it is not run again.
    Edited,
    /// It is kept as waiting, and is run again from its first attempt at once.
    RunAgain,
    /// It is forgotten: it is run again when the code asks for it again.
    Forgotten,
}

/// What becomes of one timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerPlan {
    /// Its `TimerStarted` event.
    pub started_event_id: EventId,
    /// When it fires, as it was started.
    pub fires_at: Timestamp,
    /// What becomes of it.
    pub fate: TimerFate,
}

/// What becomes of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerFate {
    /// It waits still, for the same moment; if that has passed, it fires at once.
    Waits,
    /// It is forgotten: the code may start it again.
    Forgotten,
}

/// What becomes of one child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildPlan {
    /// Its `StartChildWorkflowExecutionInitiated` event.
    pub initiated_event_id: EventId,
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// How it ended, as far as the run was told.
    pub ended: Ended,
    /// What becomes of it.
    pub fate: ChildFate,
}

/// What becomes of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildFate {
    /// Its end is kept, or told again; it is not run again.
    Kept,
    /// The new run waits for it.
    TakenOver,
    /// It is terminated if it is open: the code may ask for it again.
    Terminated,
    /// It goes on without the new run.
    LeftAlone,
}

/// What becomes of the signals of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalPlan {
    /// They came before the point.
    pub kept: u64,
    /// They came after it and are applied again.
    pub again: u64,
    /// They came after it and are left out.
    pub dropped: u64,
    /// They are sent along.
    pub added: u64,
}

/// The activity that ends with an event, and how.
pub(super) fn ended(kind: &EventKind) -> Option<(EventId, Ended)> {
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id: id,
        ..
    } = kind
    {
        Some((*id, Ended::Completed))
    } else if let EventKind::ActivityTaskFailed {
        scheduled_event_id: id,
        ..
    } = kind
    {
        Some((*id, Ended::Failed))
    } else if let EventKind::ActivityTaskTimedOut {
        scheduled_event_id: id,
        ..
    } = kind
    {
        Some((*id, Ended::TimedOut))
    } else if let EventKind::ActivityTaskCanceled {
        scheduled_event_id: id,
    } = kind
    {
        Some((*id, Ended::Canceled))
    } else {
        None
    }
}

/// The child that an event tells of: that it has a run, or how it ended.
pub(super) fn child_of(kind: &EventKind) -> Option<EventId> {
    if let EventKind::ChildWorkflowExecutionStarted {
        initiated_event_id, ..
    } = kind
    {
        return Some(*initiated_event_id);
    }
    child_ended(kind).map(|(id, _)| id)
}

fn child_ended(kind: &EventKind) -> Option<(EventId, Ended)> {
    if let EventKind::ChildWorkflowExecutionCompleted {
        initiated_event_id: id,
        ..
    } = kind
    {
        Some((*id, Ended::Completed))
    } else if let EventKind::ChildWorkflowExecutionFailed {
        initiated_event_id: id,
        ..
    }
    | EventKind::StartChildWorkflowExecutionFailed {
        initiated_event_id: id,
        ..
    } = kind
    {
        Some((*id, Ended::Failed))
    } else if let EventKind::ChildWorkflowExecutionCanceled {
        initiated_event_id: id,
    } = kind
    {
        Some((*id, Ended::Canceled))
    } else if let EventKind::ChildWorkflowExecutionTerminated {
        initiated_event_id: id,
    } = kind
    {
        Some((*id, Ended::Terminated))
    } else if let EventKind::ChildWorkflowExecutionTimedOut {
        initiated_event_id: id,
    } = kind
    {
        Some((*id, Ended::TimedOut))
    } else {
        None
    }
}

/// What becomes of everything; `state` is that of the new run.
pub(super) fn plan(
    base: &BaseRun<'_>,
    n_kept: usize,
    edits: &Edits,
    state: &RunState,
) -> ResetPlan {
    let (kept, dropped) = base.events.split_at(n_kept);
    let next = kept.last().map_or(EventId(1), |last| last.id.next());
    let later = || dropped.iter().chain(base.later);
    let again = state.updates_to_ask();
    let n_updates = later()
        .filter(|e| matches!(e.kind, EventKind::WorkflowExecutionUpdateAccepted { .. }))
        .count();
    let updates_dropped = match edits.reapply {
        Reapply::All => 0,
        Reapply::None => count(n_updates),
    };
    ResetPlan {
        workflow_id: base.workflow_id.clone(),
        run_id: base.run_id,
        event_id: next,
        event: dropped.first().map(|event| event.kind.name().to_owned()),
        events_kept: count(kept.len()),
        events_dropped: count(dropped.len()),
        activities: activities(base.events, next, edits, state),
        timers: timers(base.events, next, state),
        children: children(base.events, next, state),
        signals: signals(kept, later(), edits),
        updates_again: again.iter().map(|u| u.update_id.clone()).collect(),
        updates_dropped,
        cancel_request_dropped: later()
            .any(|e| matches!(e.kind, EventKind::WorkflowExecutionCancelRequested { .. })),
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn activities(
    events: &[HistoryEvent],
    next: EventId,
    edits: &Edits,
    state: &RunState,
) -> Vec<ActivityPlan> {
    let ends: BTreeMap<EventId, Ended> = events.iter().filter_map(|e| ended(&e.kind)).collect();
    let plan = |event: &HistoryEvent| {
        let EventKind::ActivityTaskScheduled { activity_type, .. } = &event.kind else {
            return None;
        };
        let fate = if event.id >= next {
            ActivityFate::Forgotten
        } else if edits.results.contains_key(&event.id) {
            ActivityFate::Edited
        } else if state.activities.contains_key(&event.id) {
            ActivityFate::RunAgain
        } else {
            ActivityFate::Kept
        };
        Some(ActivityPlan {
            scheduled_event_id: event.id,
            activity_type: activity_type.clone(),
            ended: ends.get(&event.id).copied().unwrap_or(Ended::Pending),
            fate,
        })
    };
    events.iter().filter_map(plan).collect()
}

fn timers(events: &[HistoryEvent], next: EventId, state: &RunState) -> Vec<TimerPlan> {
    let plan = |event: &HistoryEvent| {
        let EventKind::TimerStarted { start_to_fire, .. } = &event.kind else {
            return None;
        };
        let fate = if event.id >= next {
            TimerFate::Forgotten
        } else if state.timers.contains_key(&event.id) {
            TimerFate::Waits
        } else {
            return None;
        };
        let start_to_fire: Millis = *start_to_fire;
        Some(TimerPlan {
            started_event_id: event.id,
            fires_at: event.at.after(start_to_fire),
            fate,
        })
    };
    events.iter().filter_map(plan).collect()
}

fn children(events: &[HistoryEvent], next: EventId, state: &RunState) -> Vec<ChildPlan> {
    let ends: BTreeMap<EventId, Ended> =
        events.iter().filter_map(|e| child_ended(&e.kind)).collect();
    // A fork has nothing to say to children of the other run.
    let origin = state.chain.origin.as_ref();
    let is_fork = origin.is_some_and(|origin| origin.taking == Taking::Fork);
    let plan = |event: &HistoryEvent| {
        let EventKind::StartChildWorkflowExecutionInitiated {
            workflow_id,
            options,
            ..
        } = &event.kind
        else {
            return None;
        };
        let fate = if event.id >= next {
            match options.parent_close_policy {
                ParentClosePolicy::Abandon => ChildFate::LeftAlone,
                ParentClosePolicy::Terminate | ParentClosePolicy::RequestCancel if is_fork => {
                    ChildFate::LeftAlone
                }
                ParentClosePolicy::Terminate | ParentClosePolicy::RequestCancel => {
                    ChildFate::Terminated
                }
            }
        } else if state.children.contains_key(&event.id) {
            ChildFate::TakenOver
        } else {
            ChildFate::Kept
        };
        Some(ChildPlan {
            initiated_event_id: event.id,
            workflow_id: workflow_id.clone(),
            ended: ends.get(&event.id).copied().unwrap_or(Ended::Pending),
            fate,
        })
    };
    events.iter().filter_map(plan).collect()
}

fn signals<'a>(
    kept: &[HistoryEvent],
    later: impl Iterator<Item = &'a HistoryEvent>,
    edits: &Edits,
) -> BTreeMap<String, SignalPlan> {
    let name_of = |kind: &EventKind| {
        if let EventKind::WorkflowExecutionSignaled { name, .. } = kind {
            Some(name.clone())
        } else {
            None
        }
    };
    let mut all: BTreeMap<String, SignalPlan> = BTreeMap::new();
    for name in kept.iter().filter_map(|e| name_of(&e.kind)) {
        all.entry(name).or_default().kept += 1;
    }
    for name in later.filter_map(|e| name_of(&e.kind)) {
        let plan = all.entry(name).or_default();
        match edits.reapply {
            Reapply::All => plan.again += 1,
            Reapply::None => plan.dropped += 1,
        }
    }
    for (name, _) in &edits.signals {
        all.entry(name.clone()).or_default().added += 1;
    }
    all
}
