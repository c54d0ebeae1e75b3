//! `reset`: a new run that begins with a part of another one's history.
//!
//! Pure: a history, a point and edits give the first transition of the new run, and what will run
//! again because of it. Neighbours: `point` finds where the kept part ends, [`preview`] says what
//! becomes of everything, `origin` says who lived through what. The engine closes the other run, and
//! looks after children, in the same commit.

mod point;
pub mod preview;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decide::{Input, Rejection, check_imported, decide};
use crate::event::{EventKind, HistoryEvent, Transition};
use crate::ids::{EventId, RunId, Timestamp, WorkflowId};
use crate::limits;
use crate::origin::{Base, Origin, ParentLink, Taking, UpdateRequest};
use crate::payload::Payload;
use crate::run_state::{Corrupt, RunState};

pub use preview::ResetPlan;

/// Where the kept part of a history ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetTo {
    /// Before this event. One that a workflow task asked for goes with all of that task.
    Event(EventId),
    /// Before the first workflow task: only the start is kept, and what came before the code ran.
    FirstWorkflowTask,
    /// Before the last workflow task: the code decides once more on what it knew then.
    LastWorkflowTask,
    /// Before the last activity failed for good: it is run again.
    FailedActivity,
}

/// Whether signals and updates that came after the point are applied again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reapply {
    /// They are.
    #[default]
    All,
    /// They are left out.
    None,
}

/// What is to be other than it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edits {
    /// Another input; only where no workflow task is kept.
    pub input: Option<Payload>,
    /// Results of activities by their `ActivityTaskScheduled` event, which must be kept, while no
    /// kept workflow task has seen their end.
    pub results: BTreeMap<EventId, Payload>,
    /// Signals to send, by name, in this order, after those that are applied again.
    pub signals: Vec<(String, Payload)>,
    /// What becomes of signals and updates after the point.
    pub reapply: Reapply,
}

/// The run that a history is taken from.
#[derive(Clone, Copy, Debug)]
pub struct BaseRun<'a> {
    /// Its workflow id.
    pub workflow_id: &'a WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// Its whole history.
    pub events: &'a [HistoryEvent],
    /// What happened in the runs that followed on it, in order, without the events that they began
    /// with. Only signals and updates count.
    pub later: &'a [HistoryEvent],
}

/// The run that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What becomes of the other one.
    pub taking: Taking,
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// Its run id.
    pub run_id: RunId,
    /// Whether the parent of the other run waits for it.
    pub parent: ParentLink,
    /// Why, for the record.
    pub reason: String,
}

/// A run that was made of another one's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// Its state after the transition.
    pub state: RunState,
    /// Its first transition.
    pub transition: Transition,
    /// What becomes of everything that the other run did.
    pub plan: ResetPlan,
}

/// Why a run cannot be reset or forked like that. The Display fits after "could not".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The point is the start itself: nothing would be kept.
    NothingKept,
    /// The history ends before the point.
    NoSuchEvent {
        /// The last event that there is.
        last: EventId,
    },
    /// The whole history would be kept, and it has ended.
    AllKept {
        /// The event that ends it.
        last: EventId,
    },
    /// The code has not run yet.
    NoWorkflowTask,
    /// No activity has failed for good.
    NoFailedActivity,
    /// The input is to be changed, and a kept workflow task has seen it.
    InputSeen {
        /// The workflow task.
        task: EventId,
    },
    /// A result is to be changed of an activity that is not kept.
    NotKept {
        /// What was named.
        activity: EventId,
    },
    /// A result is to be changed that a kept workflow task has seen.
    ResultSeen {
        /// The `ActivityTaskScheduled` event.
        activity: EventId,
        /// The workflow task: the latest point for such a change.
        task: EventId,
    },
    /// A fork would wait for a child that belongs to the other run.
    WaitsForChild {
        /// The child.
        workflow_id: WorkflowId,
        /// Its `StartChildWorkflowExecutionInitiated` event.
        initiated_event_id: EventId,
    },
    /// An open run has the workflow id, and it did not follow on this one.
    OpenElsewhere(RunId),
    /// The run was made of others too often.
    TooOften,
    /// What is asked for would break a limit.
    Rejected(Rejection),
    /// The history is not valid.
    Corrupt(Corrupt),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingKept => f.write_str(
                "go back to event 1: nothing would be kept; the earliest point is event 2",
            ),
            Self::NoSuchEvent { last } => {
                write!(f, "go back to that event: the last one is {last}")
            }
            Self::AllKept { last } => write!(
                f,
                "keep the whole history: it ends with event {last}; go back to that event or an \
                 earlier one"
            ),
            Self::NoWorkflowTask => f.write_str("go back to a workflow task: there was none yet"),
            Self::NoFailedActivity => {
                f.write_str("go back to the activity that failed: none has failed for good")
            }
            Self::InputSeen { task } => write!(
                f,
                "change the input: the kept workflow task {task} has seen it; the input can be \
                 changed at the first workflow task only"
            ),
            Self::NotKept { activity } => write!(
                f,
                "change the result of activity {activity}: no activity was scheduled by that event \
                 before the point"
            ),
            Self::ResultSeen { activity, task } => write!(
                f,
                "change the result of activity {activity}: the kept workflow task {task} has seen \
                 it; go back to event {task}"
            ),
            Self::WaitsForChild {
                workflow_id,
                initiated_event_id,
            } => write!(
                f,
                "fork there: the run waits for its child {workflow_id}, which cannot report to two; \
                 take a point before event {initiated_event_id}, or wait until the child has ended"
            ),
            Self::OpenElsewhere(run_id) => write!(
                f,
                "reset it: run {run_id} of that workflow id is open and did not follow on this one; \
                 terminate that run first, or fork this one"
            ),
            Self::TooOften => write!(
                f,
                "take it as a base: it was made of {} runs one after another; take an earlier one",
                limits::ORIGIN_BASES_MAX
            ),
            Self::Rejected(why) => write!(f, "do it: {why}"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Corrupt> for Refusal {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// The first transition of a run that begins with the history of `base` before the point.
///
/// Kept events stay as they are, but for the edits and for where the start says that it comes from.
/// They are followed, at `now`, by the results that are given for activities that wait, by what
/// children of the kept part did later, by signals after the point, and by those that are sent along.
///
/// ```
/// use kernel::reset::{BaseRun, NewRun};
/// use kernel::{
///     Edits, ParentLink, Payload, ResetTo, RunId, StartRequest, Taking, Timestamp, WorkflowId,
///     reset, start,
/// };
///
/// let (id, run) = (WorkflowId::new("nightly"), RunId([7; 16]));
/// let request = StartRequest::new(id.clone(), run, "report", Payload::null());
/// let (_, transition) = start(request, Timestamp(0))?;
/// let base = BaseRun { workflow_id: &id, run_id: run, events: &transition.events, later: &[] };
/// let new = NewRun {
///     taking: Taking::Reset,
///     workflow_id: id.clone(),
///     run_id: RunId([8; 16]),
///     parent: ParentLink::Kept,
///     reason: "the code was mended".to_owned(),
/// };
/// let to = ResetTo::Event(kernel::EventId(2));
/// let begun = reset(&base, to, &Edits::default(), new, Timestamp(9))?;
/// assert_eq!(begun.plan.event_id, kernel::EventId(2));
/// assert_eq!(begun.state.started_at, Timestamp(9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`Refusal`].
pub fn reset(
    base: &BaseRun<'_>,
    to: ResetTo,
    edits: &Edits,
    new: NewRun,
    now: Timestamp,
) -> Result<Begun, Refusal> {
    let n_kept = point::kept_events(base.events, to)?;
    let (kept, dropped) = base.events.split_at(n_kept);
    let mut events = kept.to_vec();
    if let Some(input) = &edits.input {
        change_input(&mut events, input)?;
    }
    let given = change_results(&mut events, &edits.results)?;
    let (workflow_id, run_id, taking) = (new.workflow_id.clone(), new.run_id, new.taking);
    let updates = match edits.reapply {
        Reapply::All => updates_again(base, kept, dropped),
        Reapply::None => Vec::new(),
    };
    come_from(&mut events, base, new, updates, now)?;
    let mut run = Growing {
        state: fold(&workflow_id, run_id, &events)?,
        events,
        now,
    };
    for (scheduled_event_id, result) in given {
        run.give_result(scheduled_event_id, result)?;
    }
    for event in dropped {
        if let Some(initiated) = preview::child_of(&event.kind)
            && run.state.children.contains_key(&initiated)
        {
            run.push(event.kind.clone())?;
        }
    }
    if edits.reapply == Reapply::All {
        for event in dropped.iter().chain(base.later) {
            if let EventKind::WorkflowExecutionSignaled { name, input } = &event.kind {
                run.signal(name, input)?;
            }
        }
    }
    for (name, input) in &edits.signals {
        run.signal(name, input)?;
    }
    if taking == Taking::Fork
        && let Some((id, child)) = run.state.children.first_key_value()
    {
        return Err(Refusal::WaitsForChild {
            workflow_id: child.workflow_id.clone(),
            initiated_event_id: *id,
        });
    }
    let mut events = run.events;
    set_copied(&mut events);
    check_imported(&workflow_id, &events)?;
    let mut state = fold(&workflow_id, run_id, &events)?;
    state.transitions = 1;
    let plan = preview::plan(base, n_kept, edits, &state);
    let transition = Transition {
        events,
        notes: Vec::new(),
    };
    Ok(Begun {
        state,
        transition,
        plan,
    })
}

/// A new run's history while it is made.
struct Growing {
    state: RunState,
    events: Vec<HistoryEvent>,
    now: Timestamp,
}

impl Growing {
    fn push(&mut self, kind: EventKind) -> Result<(), Refusal> {
        let event = HistoryEvent {
            id: self.state.last_event_id.next(),
            at: self.now,
            kind,
        };
        self.state.apply_event(&event)?;
        self.events.push(event);
        Ok(())
    }

    fn feed(&mut self, input: Input) -> Result<(), Refusal> {
        for event in decide(&self.state, input, self.now)?.events {
            self.push(event.kind)?;
        }
        Ok(())
    }

    fn signal(&mut self, name: &str, input: &Payload) -> Result<(), Refusal> {
        self.feed(Input::Signal {
            name: name.to_owned(),
            input: input.clone(),
        })
    }

    fn give_result(&mut self, scheduled_event_id: EventId, result: Payload) -> Result<(), Refusal> {
        self.feed(Input::ActivityResult {
            scheduled_event_id,
            attempt: 1,
            result: Ok(result),
        })
    }
}

fn fold(
    workflow_id: &WorkflowId,
    run_id: RunId,
    events: &[HistoryEvent],
) -> Result<RunState, Refusal> {
    let (first, rest) = events.split_first().ok_or(Refusal::NothingKept)?;
    let mut state = RunState::started(workflow_id.clone(), run_id, first)?;
    for event in rest {
        state.apply_event(event)?;
    }
    Ok(state)
}

/// The input of a run whose code has not seen it.
fn change_input(events: &mut [HistoryEvent], changed: &Payload) -> Result<(), Refusal> {
    if let Some(task) = point::tasks(events).next() {
        return Err(Refusal::InputSeen { task: task.id });
    }
    check_size("the input", changed)?;
    if let Some(HistoryEvent {
        kind: EventKind::WorkflowExecutionStarted { input, .. },
        ..
    }) = events.first_mut()
    {
        *input = changed.clone();
    }
    Ok(())
}

fn check_size(what: &str, payload: &Payload) -> Result<(), Refusal> {
    let (bytes, limit) = (payload.data.len(), limits::PAYLOAD_BYTES_MAX);
    if bytes > limit {
        let text = format!("{what} has {bytes} bytes, the limit is {limit}");
        return Err(Rejection::OverLimit(text).into());
    }
    Ok(())
}

/// Puts results in the place of ends that no kept turn has seen; gives those of activities that have
/// not ended.
fn change_results(
    events: &mut [HistoryEvent],
    results: &BTreeMap<EventId, Payload>,
) -> Result<Vec<(EventId, Payload)>, Refusal> {
    let mut given = Vec::new();
    for (activity, result) in results {
        check_size("the result", result)?;
        let activity = *activity;
        let is_it = |event: &HistoryEvent| {
            let is_activity = matches!(event.kind, EventKind::ActivityTaskScheduled { .. });
            event.id == activity && is_activity
        };
        if !events.iter().any(is_it) {
            return Err(Refusal::NotKept { activity });
        }
        let ends = |event: &HistoryEvent| preview::ended(&event.kind).map(|(id, _)| id);
        let Some(at) = events
            .iter()
            .position(|event| ends(event) == Some(activity))
        else {
            given.push((activity, result.clone()));
            continue;
        };
        let (before, after) = events.split_at_mut(at + 1);
        if let Some(task) = point::tasks(after).next() {
            let task = task.id;
            return Err(Refusal::ResultSeen { activity, task });
        }
        if let Some(end) = before.last_mut() {
            end.kind = EventKind::ActivityTaskCompleted {
                scheduled_event_id: activity,
                attempt: 1,
                result: result.clone(),
            };
        }
    }
    Ok(given)
}

/// Updates that the code is to be asked again: those that it took on after the point, and those that
/// it was to be asked again and never was.
fn updates_again(
    base: &BaseRun<'_>,
    kept: &[HistoryEvent],
    dropped: &[HistoryEvent],
) -> Vec<UpdateRequest> {
    // An id is unique in one run only: a run that followed may have taken on the same request.
    let taken_on = |event: &HistoryEvent| {
        if let EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } = &event.kind {
            Some(update_id.clone())
        } else {
            None
        }
    };
    let mut seen: BTreeSet<String> = kept.iter().filter_map(taken_on).collect();
    let mut again = Vec::new();
    let accepted = dropped.iter().chain(base.later).filter_map(|event| {
        let EventKind::WorkflowExecutionUpdateAccepted {
            update_id,
            name,
            input,
        } = &event.kind
        else {
            return None;
        };
        Some(UpdateRequest {
            update_id: update_id.clone(),
            name: name.clone(),
            input: input.clone(),
        })
    });
    let origin = point::origin(base.events);
    let waiting = origin.filter(|origin| {
        let mut tasks = point::tasks(base.events);
        !tasks.any(|task| task.id > origin.kept())
    });
    let waiting = waiting.into_iter().flat_map(|o| o.updates.iter().cloned());
    for update in waiting.chain(accepted) {
        if seen.insert(update.update_id.clone()) {
            again.push(update);
        }
    }
    again
}

/// Lets the start say where the run comes from.
fn come_from(
    events: &mut [HistoryEvent],
    base: &BaseRun<'_>,
    new: NewRun,
    updates: Vec<UpdateRequest>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let kept = events.last().map_or(EventId(0), |last| last.id);
    let Some(HistoryEvent {
        kind:
            EventKind::WorkflowExecutionStarted {
                chain,
                options,
                seed: _,
                ..
            },
        ..
    }) = events.first_mut()
    else {
        return Err(Refusal::NothingKept);
    };
    let first_run_id = chain.first_run_id.unwrap_or(base.run_id);
    let before = chain.origin.take();
    let left_behind = before
        .as_ref()
        .is_some_and(|origin| origin.parent == ParentLink::LeftBehind);
    let mut bases = before.map_or_else(Vec::new, |origin| origin.bases);
    if bases.len() >= limits::ORIGIN_BASES_MAX {
        return Err(Refusal::TooOften);
    }
    for base in &mut bases {
        base.kept = base.kept.min(kept);
    }
    bases.push(Base {
        workflow_id: base.workflow_id.clone(),
        run_id: base.run_id,
        first_run_id,
        kept,
    });
    chain.first_run_id = match new.taking {
        Taking::Reset => Some(first_run_id),
        Taking::Fork => None,
    };
    chain.first_task_delay = None;
    chain.deadline = options.execution_timeout.map(|limit| now.after(limit));
    let parent = match new.taking {
        Taking::Reset if !left_behind => new.parent,
        Taking::Reset | Taking::Fork => ParentLink::LeftBehind,
    };
    chain.origin = Some(Box::new(Origin {
        taking: new.taking,
        at: now,
        bases,
        copied: kept,
        parent,
        updates,
        reason: new.reason,
    }));
    Ok(())
}

fn set_copied(events: &mut [HistoryEvent]) {
    let last = events.last().map_or(EventId(0), |last| last.id);
    if let Some(HistoryEvent {
        kind: EventKind::WorkflowExecutionStarted { chain, .. },
        ..
    }) = events.first_mut()
        && let Some(origin) = &mut chain.origin
    {
        origin.copied = last;
    }
}

#[cfg(test)]
mod tests;
