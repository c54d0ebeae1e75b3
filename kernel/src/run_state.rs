//! The summary of one run: everything that the next decision needs, and nothing more.
//!
//! It is a fold over transitions. The same fold runs on a live commit, on recovery and on replay,
//! so a state rebuilt from the store is equal to the one that was lost.
//! Neighbours: `apply` folds single events and notes, `decide` reads it, the engine derives all
//! waiting work from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::{Chain, WorkflowOptions};
use crate::event::{ActivityPause, EventKind, HistoryEvent, ParentRef, Transition};
use crate::failure::Failure;
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::machine::{News, TurnStart};
use crate::options::{ActivityOptions, ChildOptions};
use crate::origin::ParentLink;
use crate::payload::Payload;
use crate::primitives::{
    activity, cancellation, child, pause, timer, update, workflow_execution, workflow_task,
};

/// A pending activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingActivity {
    /// Which operation of the body.
    pub seq: Seq,
    /// The registered name.
    pub activity_type: String,
    /// The input.
    pub input: Payload,
    /// How to run it.
    pub options: ActivityOptions,
    /// When it was scheduled.
    pub scheduled_at: Timestamp,
    /// Where it stands.
    pub state: activity::State,
    /// The attempt that is running or due next, from 1.
    pub attempt: u32,
    /// When that attempt is due.
    pub next_attempt_at: Timestamp,
    /// The failure of the attempt before.
    pub last_failure: Option<Failure>,
    /// The last heartbeat's details.
    pub heartbeat: Option<Payload>,
    /// Since when, by whom and why no further attempt begins, while that is so.
    pub paused: Option<ActivityPause>,
    /// How often its attempts were counted from 1 again. With the attempt it names one attempt of
    /// all that there ever were.
    pub resets: u32,
    /// While somebody elsewhere is to complete the attempt.
    pub held: Option<Held>,
}

/// An attempt whose function has returned, and which somebody elsewhere completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// When the attempt began: its start-to-close timeout counts from here.
    pub started_at: Timestamp,
    /// When its function returned.
    pub since: Timestamp,
}

impl PendingActivity {
    /// When all attempts together run out of time.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.options
            .schedule_to_close
            .map(|d| self.scheduled_at.after(d))
    }

    /// When the attempt that is held elsewhere runs out of time; `None` when none is.
    #[must_use]
    pub fn held_until(&self) -> Option<Timestamp> {
        let held = self.held?;
        let end = held.started_at.after(self.options.start_to_close);
        Some(self.deadline().map_or(end, |deadline| deadline.min(end)))
    }

    /// Whether it is paused, as the table has it.
    #[must_use]
    pub fn pause(&self) -> pause::State {
        match self.paused {
            None => pause::State::Active,
            Some(_) => pause::State::Paused,
        }
    }
}

/// A pending timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingTimer {
    /// Which operation of the body.
    pub seq: Seq,
    /// When it fires.
    pub fires_at: Timestamp,
    /// Where it stands.
    pub state: timer::State,
}

/// A pending child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingChild {
    /// Which operation of the body.
    pub seq: Seq,
    /// The child's id.
    pub workflow_id: WorkflowId,
    /// The child's type.
    pub workflow_type: String,
    /// The child's input, until it has started.
    pub input: Option<Payload>,
    /// How to run it.
    pub options: ChildOptions,
    /// Its run, once known.
    pub run_id: Option<RunId>,
    /// Where it stands.
    pub state: child::State,
}

/// An update that the code took on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// The `WorkflowExecutionUpdateAccepted` event.
    pub accepted_event_id: EventId,
    /// The `WorkflowExecutionUpdateCompleted` event, which has the answer.
    pub completed_event_id: Option<EventId>,
    /// Where it stands.
    pub state: update::State,
}

/// One stage of the workflow's graph, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Expected pieces of work; `None` while not known.
    pub total: Option<u64>,
    /// Pieces begun.
    pub scheduled: u64,
    /// Pieces that gave a result.
    pub done: u64,
    /// Pieces that failed for good.
    pub failed: u64,
}

/// The summary of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The user's name for it.
    pub workflow_id: WorkflowId,
    /// This run.
    pub run_id: RunId,
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Open, or how it closed.
    pub status: workflow_execution::State,
    /// Present in a child.
    pub parent: Option<ParentRef>,
    /// Timeouts and retries of the whole; search attributes and memo as they are now.
    pub options: WorkflowOptions,
    /// The runs before this one.
    pub chain: Chain,
    /// Its input, kept for the next attempt; only with a retry policy.
    pub retry_input: Option<Payload>,
    /// When the code may have its first turn, while that is still to come.
    pub first_task_at: Option<Timestamp>,
    /// The run that follows on this one, once closed.
    pub successor: Option<RunId>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// The last event.
    pub last_event_id: EventId,
    /// Bytes that count towards the history limit.
    pub history_bytes: u64,
    /// Number of transitions so far; the next one has this number.
    pub transitions: u64,
    /// Signals received.
    pub signals: u64,
    /// By `ActivityTaskScheduled` event.
    pub activities: BTreeMap<EventId, PendingActivity>,
    /// By `TimerStarted` event.
    pub timers: BTreeMap<EventId, PendingTimer>,
    /// By `StartChildWorkflowExecutionInitiated` event.
    pub children: BTreeMap<EventId, PendingChild>,
    /// Updates that the code took on, by the caller's name for them.
    pub updates: BTreeMap<String, UpdateRecord>,
    /// Whether it was asked to cancel.
    pub cancellation: cancellation::State,
    /// Since when and why it is paused, while it is.
    pub paused: Option<Paused>,
    /// Whether its code is owed a turn.
    pub workflow_task: workflow_task::State,
    /// How the code failed last, how often in a row, and when it is tried again.
    pub workflow_task_failure: Option<WorkflowTaskFailure>,
    /// The stages, as declared.
    pub stages: Vec<Stage>,
    /// The outcome, once closed; none when it continued as new, which has no outcome of its own.
    pub outcome: Option<Outcome>,
}

/// Somebody paused the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// When.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

/// The workflow code could not run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowTaskFailure {
    /// How.
    pub failure: Failure,
    /// Failures in a row.
    pub attempts: u32,
    /// When it is tried again.
    pub next_attempt_at: Timestamp,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a value.
    Completed(Payload),
    /// With a failure; also a cancellation or termination, by the failure's kind.
    Failed(Failure),
}

/// A history that cannot have been written by this engine: stop that run, keep the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// The event at which it shows.
    pub event_id: EventId,
    /// What is wrong.
    pub why: String,
}

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the history is not valid at event {}: {}",
            self.event_id, self.why
        )
    }
}

impl std::error::Error for Corrupt {}

impl RunState {
    /// Whether it is paused, as the table has it.
    #[must_use]
    pub fn pause(&self) -> pause::State {
        match self.paused {
            None => pause::State::Active,
            Some(_) => pause::State::Paused,
        }
    }

    /// The state after the first event, which must be `WorkflowExecutionStarted`.
    ///
    /// # Errors
    /// When the event is another one.
    pub fn started(
        workflow_id: WorkflowId,
        run_id: RunId,
        event: &HistoryEvent,
    ) -> Result<Self, Corrupt> {
        let EventKind::WorkflowExecutionStarted {
            workflow_type,
            input,
            parent,
            options,
            chain,
            ..
        } = &event.kind
        else {
            let why = format!("the first event is {}", event.kind.name());
            return Err(Corrupt {
                event_id: event.id,
                why,
            });
        };
        if event.id != EventId(1) {
            return Err(Corrupt {
                event_id: event.id,
                why: "it should be event 1".to_owned(),
            });
        }
        let origin = chain.origin.as_ref();
        let left_behind = origin.is_some_and(|origin| origin.parent == ParentLink::LeftBehind);
        Ok(Self {
            workflow_id,
            run_id,
            workflow_type: workflow_type.clone(),
            status: workflow_execution::State::Running,
            parent: parent.clone().filter(|_| !left_behind),
            options: options.clone(),
            chain: chain.clone(),
            retry_input: options.retry.is_some().then(|| input.clone()),
            first_task_at: chain.first_task_delay.map(|delay| event.at.after(delay)),
            successor: None,
            started_at: origin.map_or(event.at, |origin| origin.at),
            closed_at: None,
            last_event_id: event.id,
            history_bytes: event.kind.size_bytes(),
            transitions: 0,
            signals: 0,
            activities: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            updates: BTreeMap::new(),
            cancellation: cancellation::State::NotRequested,
            paused: None,
            workflow_task: workflow_task::State::Pending,
            workflow_task_failure: None,
            stages: Vec::new(),
            outcome: None,
        })
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.status.is_closed()
    }

    /// The run that the chain began with: itself, if it follows on nothing.
    #[must_use]
    pub fn first_run_id(&self) -> RunId {
        self.chain.first_run_id.unwrap_or(self.run_id)
    }

    /// When the run, or the chain it belongs to, runs out of time.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        // The wait for another attempt is not the run's fault.
        let begins_at = self
            .chain
            .first_task_delay
            .map_or(self.started_at, |delay| self.started_at.after(delay));
        let run = self.options.run_timeout.map(|t| begins_at.after(t));
        run.into_iter().chain(self.chain.deadline).min()
    }

    /// Updates whose handlers are at work.
    #[must_use]
    pub fn updates_in_flight(&self) -> usize {
        let is_open = |record: &&UpdateRecord| record.state == update::State::Accepted;
        self.updates.values().filter(is_open).count()
    }

    /// What the code may know of a turn that begins now.
    #[must_use]
    pub fn turn_start(&self, now: Timestamp) -> TurnStart {
        TurnStart {
            now,
            history_events: self.last_event_id.0,
            history_bytes: self.history_bytes,
        }
    }

    /// Folds one transition and gives what the workflow code has to be told.
    ///
    /// # Errors
    /// When the transition cannot follow this state; the state must then be thrown away.
    pub fn apply(&mut self, transition: &Transition) -> Result<Vec<News>, Corrupt> {
        let mut news = Vec::new();
        for event in &transition.events {
            if event.id == EventId(1) && self.transitions == 0 {
                continue; // Folded by `started`.
            }
            news.extend(self.apply_event(event)?);
        }
        for note in &transition.notes {
            let event_id = self.last_event_id;
            self.apply_note(note).map_err(|error| Corrupt {
                event_id,
                why: error.to_string(),
            })?;
        }
        self.transitions += 1;
        Ok(news)
    }

    /// Folds one event; gives the news in it, if the workflow code has to be told.
    ///
    /// # Errors
    /// When the event cannot follow this state; the state must then be thrown away.
    pub fn apply_event(&mut self, event: &HistoryEvent) -> Result<Option<News>, Corrupt> {
        let corrupt = |why: String| Corrupt {
            event_id: event.id,
            why,
        };
        let expected = self.last_event_id.next();
        if event.id != expected {
            return Err(corrupt(format!("it should be event {expected}")));
        }
        self.last_event_id = event.id;
        self.history_bytes = self.history_bytes.saturating_add(event.kind.size_bytes());
        self.apply_kind(event)
            .map_err(|error| corrupt(error.to_string()))
    }

    /// The earliest time at which this run, left alone, has something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let activities = self.activities.values().map(|a| a.next_attempt_at);
        let timers = self.timers.values().map(|t| t.fires_at);
        let task = self.workflow_task_failure.iter().map(|f| f.next_attempt_at);
        let own = self.deadline().into_iter().chain(self.first_task_at);
        activities.chain(timers).chain(task).chain(own).min()
    }

    /// How long the run took, or has taken at `now`.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Millis {
        self.closed_at.unwrap_or(now).since(self.started_at)
    }
}
