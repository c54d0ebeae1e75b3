//! `decide` for the commands of a completed workflow task: each becomes exactly one event.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{check_name, check_payload};
use super::input::Rejection;
use super::workflow_execution::{failed, given};
use crate::chain::WorkflowOptions;
use crate::command::Command;
use crate::event::{EventKind, HistoryEvent, Transition};
use crate::failure::Failure;
use crate::ids::{EventId, RunId, Seq, Timestamp};
use crate::limits;
use crate::marker::{LocalOutcome, Marker};
use crate::options::ActivityOptions;
use crate::payload::Payload;
use crate::primitives::{Illegal, activity, child, timer, update, workflow_task};
use crate::run_state::RunState;
use crate::visibility::{Memo, SearchAttributes, change, check_attributes, check_memo};

pub(super) fn decide(
    state: &RunState,
    commands: Vec<Command>,
    successor: Option<RunId>,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let is_update = |command: &Command| matches!(command, Command::AcceptUpdate { .. });
    if state.workflow_task == workflow_task::State::Idle
        && !commands.iter().any(is_update)
        && state.updates_to_ask().is_empty()
    {
        return Err(Rejection::NoWorkflowTask);
    }
    let mut work = Work {
        state,
        now,
        successor,
        events: Vec::with_capacity(commands.len() + 1),
        last: state.last_event_id,
        operations: BTreeMap::new(),
        loaded: Loaded::No,
        new_stages: BTreeSet::new(),
        updates: BTreeMap::new(),
        visible: Visible {
            before: &state.options,
            search_attributes: None,
            memo: None,
        },
        begun: Begun::default(),
    };
    work.push(EventKind::WorkflowTaskCompleted);
    let mut end = End::Open;
    for command in commands {
        if end == End::Closed {
            let text = format!("{} follows the end of the workflow", command.describe());
            return Err(Rejection::BadCommand(text));
        }
        end = work.command(command)?;
    }
    if end == End::Open {
        work.check_limits()?;
    }
    Ok(Transition {
        events: work.events,
        notes: Vec::new(),
    })
}

/// Whether the run is closed by the commands so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Closed,
}

/// An operation that a command may speak of.
#[derive(Clone, Copy)]
struct Pending {
    id: EventId,
    state: PendingState,
}

#[derive(Clone, Copy)]
enum PendingState {
    Activity(activity::State),
    Timer(timer::State),
    Child(child::State),
}

/// Whether the operations that `RunState` holds were indexed by their number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loaded {
    Yes,
    No,
}

/// What a cancel command takes back.
#[derive(Clone, Copy)]
enum Target {
    Activity,
    Timer,
    Child,
}

/// Whether an update has its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

/// Counts of this task.
#[derive(Default)]
struct Begun {
    activities: usize,
    timers: usize,
    timers_canceled: usize,
    children: usize,
}

struct Work<'a> {
    state: &'a RunState,
    now: Timestamp,
    successor: Option<RunId>,
    events: Vec<HistoryEvent>,
    last: EventId,
    /// Operations begun in this task; those of `state` too, once one of them is canceled.
    operations: BTreeMap<Seq, Pending>,
    loaded: Loaded,
    new_stages: BTreeSet<String>,
    /// Updates of this task, and whether they were answered in it.
    updates: BTreeMap<String, Answered>,
    visible: Visible<'a>,
    begun: Begun,
}

/// Search attributes and memo as this task leaves them; copied when the first of them changes.
struct Visible<'a> {
    before: &'a WorkflowOptions,
    search_attributes: Option<SearchAttributes>,
    memo: Option<Memo>,
}

impl Visible<'_> {
    fn search_attributes(&mut self) -> &mut SearchAttributes {
        let before = self.before;
        self.search_attributes
            .get_or_insert_with(|| before.search_attributes.clone())
    }

    fn memo(&mut self) -> &mut Memo {
        let before = self.before;
        self.memo.get_or_insert_with(|| before.memo.clone())
    }
}

impl Work<'_> {
    fn push(&mut self, kind: EventKind) -> EventId {
        self.last = self.last.next();
        self.events.push(HistoryEvent {
            id: self.last,
            at: self.now,
            kind,
        });
        self.last
    }

    fn begin(&mut self, seq: Seq, state: PendingState, kind: EventKind) -> Result<(), Rejection> {
        let id = self.push(kind);
        match self.operations.insert(seq, Pending { id, state }) {
            None => Ok(()),
            Some(_) => Err(Rejection::BadCommand(format!(
                "operation {} was begun already",
                seq.0
            ))),
        }
    }

    /// Turns one command into its event.
    fn command(&mut self, command: Command) -> Result<End, Rejection> {
        match command {
            Command::ScheduleActivityTask {
                seq,
                activity_type,
                input,
                options,
            } => {
                check_payload("the activity's input", &input)?;
                check_activity(&activity_type, &options)?;
                self.begun.activities += 1;
                let state = PendingState::Activity(activity::State::Scheduled);
                let kind = EventKind::ActivityTaskScheduled {
                    seq,
                    activity_type,
                    input,
                    options,
                };
                self.begin(seq, state, kind)?;
            }
            Command::RequestCancelActivityTask { seq } => {
                let scheduled_event_id = self.cancel(seq, Target::Activity)?;
                self.push(EventKind::ActivityTaskCancelRequested { scheduled_event_id });
            }
            Command::StartTimer { seq, start_to_fire } => {
                self.begun.timers += 1;
                let state = PendingState::Timer(timer::State::Started);
                self.begin(seq, state, EventKind::TimerStarted { seq, start_to_fire })?;
            }
            Command::CancelTimer { seq } => {
                let started_event_id = self.cancel(seq, Target::Timer)?;
                self.begun.timers_canceled += 1;
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
                check_stage(&options.stage)?;
                self.begun.children += 1;
                let state = PendingState::Child(child::State::Initiated);
                let kind = EventKind::StartChildWorkflowExecutionInitiated {
                    seq,
                    workflow_id,
                    workflow_type,
                    input,
                    options,
                };
                self.begin(seq, state, kind)?;
            }
            Command::RequestCancelChildWorkflowExecution { seq } => {
                let initiated_event_id = self.cancel(seq, Target::Child)?;
                self.push(EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    initiated_event_id,
                });
            }
            Command::RecordMarker { marker } => self.marker(marker)?,
            Command::UpsertWorkflowSearchAttributes { attributes } => {
                let now = self.visible.search_attributes();
                check_attributes(now, &attributes)?;
                change(now, &attributes);
                self.push(EventKind::UpsertWorkflowSearchAttributes { attributes });
            }
            Command::ModifyWorkflowProperties { memo } => {
                let now = self.visible.memo();
                check_memo(now, &memo)?;
                change(now, &memo);
                self.push(EventKind::WorkflowPropertiesModified { memo });
            }
            Command::AcceptUpdate {
                update_id,
                name,
                input,
            } => {
                self.accept_update(&update_id)?;
                self.push(EventKind::WorkflowExecutionUpdateAccepted {
                    update_id,
                    name,
                    input,
                });
            }
            Command::CompleteUpdate { update_id, result } => {
                let result = self.complete_update(&update_id, result)?;
                self.push(EventKind::WorkflowExecutionUpdateCompleted { update_id, result });
            }
            Command::CompleteWorkflowExecution { result } => {
                check_payload("the workflow's result", &result)?;
                self.push(EventKind::WorkflowExecutionCompleted { result });
                return Ok(End::Closed);
            }
            Command::FailWorkflowExecution { failure } => {
                let kind = failed(self.state, failure, self.successor, self.now)?;
                self.push(kind);
                return Ok(End::Closed);
            }
            Command::CancelWorkflowExecution => {
                self.push(EventKind::WorkflowExecutionCanceled);
                return Ok(End::Closed);
            }
            Command::ContinueAsNewWorkflowExecution {
                workflow_type,
                input,
            } => {
                check_payload("the new run's input", &input)?;
                check_name("a workflow type", &workflow_type)?;
                let new_run_id = given(self.successor)?;
                self.push(EventKind::WorkflowExecutionContinuedAsNew {
                    new_run_id,
                    workflow_type,
                    input,
                });
                return Ok(End::Closed);
            }
        }
        Ok(End::Open)
    }

    fn accept_update(&mut self, update_id: &str) -> Result<(), Rejection> {
        let known = self.state.updates.contains_key(update_id);
        if known
            || self
                .updates
                .insert(update_id.to_owned(), Answered::No)
                .is_some()
        {
            let text = format!("update {update_id} was taken on already");
            return Err(Rejection::BadCommand(text));
        }
        Ok(())
    }

    fn complete_update(
        &mut self,
        update_id: &str,
        result: Result<Payload, Failure>,
    ) -> Result<Result<Payload, Failure>, Rejection> {
        let pending = match self.updates.insert(update_id.to_owned(), Answered::Yes) {
            Some(answered) => answered == Answered::No,
            None => self
                .state
                .updates
                .get(update_id)
                .is_some_and(|record| record.state == update::State::Accepted),
        };
        if !pending {
            let text = format!("update {update_id} is not at work");
            return Err(Rejection::BadCommand(text));
        }
        Ok(match result {
            Ok(value) => match check_payload("the update's result", &value) {
                Ok(()) => Ok(value),
                Err(rejection) => {
                    let text = rejection.to_string();
                    Err(Failure::permanent("PayloadTooLarge", text))
                }
            },
            Err(failure) => Err(failure.bounded()),
        })
    }

    fn marker(&mut self, marker: Marker) -> Result<(), Rejection> {
        match &marker {
            Marker::Stage { name, .. } => self.stage(name)?,
            Marker::Patch { id, .. } => check_name("a patch", id)?,
            Marker::SideEffect { value } => check_payload("the side effect's value", value)?,
            Marker::LocalActivity {
                activity_type,
                outcome,
                ..
            } => {
                check_name("an activity", activity_type)?;
                if let LocalOutcome::Completed(value) = outcome {
                    check_payload("the local activity's result", value)?;
                }
            }
        }
        self.push(EventKind::MarkerRecorded { marker });
        Ok(())
    }

    fn stage(&mut self, name: &str) -> Result<(), Rejection> {
        check_name("a stage", name)?;
        if !self.state.stages.iter().any(|s| s.name == *name) {
            self.new_stages.insert(name.to_owned());
            if self.state.stages.len() + self.new_stages.len() > limits::STAGES_MAX {
                let limit = limits::STAGES_MAX;
                return Err(Rejection::OverLimit(format!(
                    "a run has at most {limit} stages"
                )));
            }
        }
        Ok(())
    }

    /// Moves an operation through its table, so that what the fold would refuse is refused here.
    fn cancel(&mut self, seq: Seq, target: Target) -> Result<EventId, Rejection> {
        self.load();
        let bad = |why: &str| {
            Err(Rejection::BadCommand(format!(
                "operation {} cannot be canceled: {why}",
                seq.0
            )))
        };
        let Some(pending) = self.operations.get_mut(&seq) else {
            return bad("it is not pending");
        };
        let canceled: Result<PendingState, Illegal> = match (target, pending.state) {
            (Target::Activity, PendingState::Activity(state)) => state
                .on(activity::Event::CancelRequested)
                .map(PendingState::Activity),
            (Target::Timer, PendingState::Timer(state)) => {
                state.on(timer::Event::Canceled).map(PendingState::Timer)
            }
            (Target::Child, PendingState::Child(state)) => state
                .on(child::Event::CancelRequested)
                .map(PendingState::Child),
            (Target::Activity, PendingState::Timer(_) | PendingState::Child(_))
            | (Target::Timer, PendingState::Activity(_) | PendingState::Child(_))
            | (Target::Child, PendingState::Activity(_) | PendingState::Timer(_)) => {
                return bad("it is of another kind");
            }
        };
        match canceled {
            Ok(state) => {
                pending.state = state;
                Ok(pending.id)
            }
            Err(illegal) => bad(&illegal.to_string()),
        }
    }

    /// Indexes what `state` holds, once; most tasks cancel nothing and never pay for it.
    fn load(&mut self) {
        if self.loaded == Loaded::Yes {
            return;
        }
        self.loaded = Loaded::Yes;
        let state = self.state;
        let activities = state
            .activities
            .iter()
            .map(|(id, a)| (a.seq, *id, PendingState::Activity(a.state)));
        let timers = state
            .timers
            .iter()
            .map(|(id, t)| (t.seq, *id, PendingState::Timer(t.state)));
        let children = state
            .children
            .iter()
            .map(|(id, c)| (c.seq, *id, PendingState::Child(c.state)));
        for (seq, id, state) in activities.chain(timers).chain(children) {
            self.operations.entry(seq).or_insert(Pending { id, state });
        }
    }

    /// The limits on what a run may hold at once; a run that closes may end over them.
    fn check_limits(&self) -> Result<(), Rejection> {
        let (state, begun) = (self.state, &self.begun);
        let timers = (state.timers.len() + begun.timers).saturating_sub(begun.timers_canceled);
        let pending = [
            (
                "activities",
                state.activities.len() + begun.activities,
                limits::PENDING_ACTIVITIES_MAX,
            ),
            ("timers", timers, limits::PENDING_TIMERS_MAX),
            (
                "children",
                state.children.len() + begun.children,
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
        let bytes: u64 = self.events.iter().map(|e| e.kind.size_bytes()).sum();
        super::check::check_history(self.last, state.history_bytes.saturating_add(bytes))
    }
}

fn check_activity(activity_type: &str, options: &ActivityOptions) -> Result<(), Rejection> {
    check_name("an activity type", activity_type)?;
    check_stage(&options.stage)?;
    if !options.breaker.is_empty() {
        check_name("a circuit breaker", &options.breaker)?;
    }
    if let Some(semaphore) = &options.semaphore {
        check_name("a semaphore", &semaphore.key)?;
    }
    if !options.retry.is_valid() {
        return Err(Rejection::BadCommand(format!(
            "the backoff coefficient of {activity_type} is {}, it must be 1 or more",
            options.retry.backoff_coefficient
        )));
    }
    Ok(())
}

/// A child's id and type are checked when it starts: its parent can handle that failure.
fn check_stage(stage: &str) -> Result<(), Rejection> {
    if stage.is_empty() {
        Ok(())
    } else {
        check_name("a stage", stage)
    }
}
