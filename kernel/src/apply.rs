//! The fold of events and notes into a [`RunState`].
//!
//! Neighbours: called by `run_state` only. The tables in `primitives` decide what is legal; one
//! exhaustive match routes, so a new kind of event does not compile until it is folded.

use crate::event::{AfterReset, EventKind, HeartbeatDetails, HistoryEvent, Note};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, Millis, Seq, Timestamp};
use crate::machine::News;
use crate::marker::Marker;
use crate::payload::Payload;
use crate::primitives::{
    Illegal, activity, cancellation, child, pause, timer, update, workflow_execution, workflow_task,
};
use crate::run_state::{
    Held, Outcome, Paused, PendingActivity, PendingChild, PendingTimer, RunState, Stage,
    UpdateRecord, WorkflowTaskFailure,
};

use crate::visibility::change;

type Told = Result<Option<News>, ApplyError>;

impl RunState {
    /// Routes an event by its kind. One arm a kind: longer than a screen, but only a table.
    pub(crate) fn apply_kind(&mut self, event: &HistoryEvent) -> Told {
        use activity::Event as Activity;
        use child::Event as Child;
        use workflow_execution::Event as Run;
        self.status = self.status.on(Run::Progressed)?;
        match &event.kind {
            EventKind::WorkflowExecutionStarted { .. } => Err(ApplyError::SecondStart),
            EventKind::WorkflowTaskCompleted => {
                self.workflow_task = self.workflow_task.on(workflow_task::Event::Completed)?;
                self.workflow_task_failure = None;
                self.first_task_at = None;
                self.updates_asked(event.id);
                Ok(None)
            }
            EventKind::ActivityTaskScheduled {
                seq,
                activity_type,
                input,
                options,
            } => {
                let scheduled_at = self.begun_at(event.at);
                let pending = PendingActivity {
                    seq: *seq,
                    activity_type: activity_type.clone(),
                    input: input.clone(),
                    options: options.clone(),
                    scheduled_at,
                    state: activity::State::Scheduled,
                    attempt: 1,
                    next_attempt_at: scheduled_at,
                    last_failure: None,
                    heartbeat: None,
                    paused: None,
                    resets: 0,
                    held: None,
                };
                self.count_scheduled(&options.stage);
                self.activities.insert(event.id, pending);
                Ok(None)
            }
            EventKind::ActivityTaskCancelRequested {
                scheduled_event_id: id,
            } => {
                self.change_activity(*id, Activity::CancelRequested, |_| {})?;
                Ok(None)
            }
            EventKind::ActivityTaskCompleted {
                scheduled_event_id: id,
                result,
                ..
            } => self.end_activity(*id, Activity::Completed, Ok(result.clone())),
            EventKind::ActivityTaskFailed {
                scheduled_event_id: id,
                failure,
                ..
            } => self.end_activity(*id, Activity::Failed, Err(failure.clone())),
            EventKind::ActivityTaskTimedOut {
                scheduled_event_id: id,
                failure,
                ..
            } => self.end_activity(*id, Activity::TimedOut, Err(failure.clone())),
            EventKind::ActivityTaskCanceled {
                scheduled_event_id: id,
            } => {
                let failure = Failure::canceled("the activity was canceled");
                self.end_activity(*id, Activity::Canceled, Err(failure))
            }
            EventKind::TimerStarted { seq, start_to_fire } => {
                let fires_at = event.at.after(*start_to_fire);
                let pending = PendingTimer {
                    seq: *seq,
                    fires_at,
                    state: timer::State::Started,
                };
                self.timers.insert(event.id, pending);
                Ok(None)
            }
            EventKind::TimerFired {
                started_event_id: id,
            } => {
                let seq = self.end_timer(*id, timer::Event::Fired)?;
                self.tell(News::TimerFired { seq })
            }
            EventKind::TimerCanceled {
                started_event_id: id,
            } => {
                self.end_timer(*id, timer::Event::Canceled)?;
                Ok(None)
            }
            EventKind::StartChildWorkflowExecutionInitiated {
                seq,
                workflow_id,
                workflow_type,
                input,
                options,
            } => {
                let pending = PendingChild {
                    seq: *seq,
                    workflow_id: workflow_id.clone(),
                    workflow_type: workflow_type.clone(),
                    input: Some(input.clone()),
                    options: options.clone(),
                    run_id: None,
                    state: child::State::Initiated,
                };
                self.count_scheduled(&options.stage);
                self.children.insert(event.id, pending);
                Ok(None)
            }
            EventKind::StartChildWorkflowExecutionFailed {
                initiated_event_id: id,
                failure,
            } => self.end_child(*id, Child::StartFailed, Err(failure.clone())),
            EventKind::ChildWorkflowExecutionStarted {
                initiated_event_id: id,
                run_id,
            } => {
                let seq = self.change_child(*id, Child::Started, |pending| {
                    pending.run_id = Some(*run_id);
                    pending.input = None;
                })?;
                self.tell(News::ChildStarted {
                    seq,
                    run_id: *run_id,
                })
            }
            EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                initiated_event_id: id,
            } => {
                self.change_child(*id, Child::CancelRequested, |_| {})?;
                Ok(None)
            }
            EventKind::ChildWorkflowExecutionCompleted {
                initiated_event_id: id,
                result,
            } => self.end_child(*id, Child::Closed, Ok(result.clone())),
            EventKind::ChildWorkflowExecutionFailed {
                initiated_event_id: id,
                failure,
            } => self.end_child(*id, Child::Closed, Err(failure.clone())),
            EventKind::ChildWorkflowExecutionCanceled {
                initiated_event_id: id,
            } => {
                let failure = Failure::canceled("the child workflow was canceled");
                self.end_child(*id, Child::Closed, Err(failure))
            }
            EventKind::ChildWorkflowExecutionTerminated {
                initiated_event_id: id,
            } => {
                let failure = Failure::terminated("the child workflow was terminated");
                self.end_child(*id, Child::Closed, Err(failure))
            }
            EventKind::ChildWorkflowExecutionTimedOut {
                initiated_event_id: id,
            } => {
                let text = "the child workflow ran out of time";
                let failure = Failure::timeout(TimeoutType::StartToClose, text);
                self.end_child(*id, Child::Closed, Err(failure))
            }
            EventKind::MarkerRecorded { marker } => {
                self.apply_marker(marker);
                Ok(None)
            }
            EventKind::UpsertWorkflowSearchAttributes { attributes } => {
                change(&mut self.options.search_attributes, attributes);
                Ok(None)
            }
            EventKind::WorkflowPropertiesModified { memo } => {
                change(&mut self.options.memo, memo);
                Ok(None)
            }
            EventKind::WorkflowExecutionSignaled { name, input } => {
                self.signals = self.signals.saturating_add(1);
                self.tell(News::Signal {
                    name: name.clone(),
                    input: input.clone(),
                })
            }
            EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } => {
                if let Some(record) = self.updates.get(update_id) {
                    record.state.on(update::Event::Accepted)?;
                }
                let record = UpdateRecord {
                    accepted_event_id: event.id,
                    completed_event_id: None,
                    state: update::State::Accepted,
                };
                self.updates.insert(update_id.clone(), record);
                Ok(None)
            }
            EventKind::WorkflowExecutionUpdateCompleted { update_id, .. } => {
                let record = self
                    .updates
                    .get_mut(update_id)
                    .ok_or(ApplyError::NotPending("update", event.id))?;
                record.state = record.state.on(update::Event::Completed)?;
                record.completed_event_id = Some(event.id);
                Ok(None)
            }
            EventKind::WorkflowExecutionCancelRequested { reason } => {
                self.cancellation = self.cancellation.on(cancellation::Event::Requested)?;
                self.tell(News::CancelRequested {
                    reason: reason.clone(),
                })
            }
            EventKind::WorkflowExecutionCompleted { result } => {
                self.close(Run::Completed, event.at, Outcome::Completed(result.clone()))
            }
            EventKind::WorkflowExecutionFailed { failure, next, .. } => {
                self.successor = next.as_ref().map(|next| next.run_id);
                self.close(Run::Failed, event.at, Outcome::Failed(failure.clone()))
            }
            EventKind::WorkflowExecutionTimedOut { next, .. } => {
                self.successor = next.as_ref().map(|next| next.run_id);
                let outcome = Outcome::Failed(self.timed_out());
                self.close(Run::TimedOut, event.at, outcome)
            }
            EventKind::WorkflowExecutionContinuedAsNew { new_run_id, .. } => {
                self.successor = Some(*new_run_id);
                self.end(Run::ContinuedAsNew, event.at)?;
                Ok(None)
            }
            EventKind::WorkflowExecutionCanceled => {
                let failure = Failure::canceled("the workflow was canceled");
                self.close(Run::Canceled, event.at, Outcome::Failed(failure))
            }
            EventKind::WorkflowExecutionTerminated { reason, next } => {
                self.successor = *next;
                let failure = Failure::terminated(reason.clone());
                self.close(Run::Terminated, event.at, Outcome::Failed(failure))
            }
        }
    }

    pub(crate) fn apply_note(&mut self, note: &Note) -> Result<(), ApplyError> {
        use activity::Event as Activity;
        match note {
            Note::ActivityAttemptFailed {
                scheduled_event_id,
                failure,
                next_attempt_at,
            } => self.change_activity(*scheduled_event_id, Activity::AttemptFailed, |a| {
                a.attempt = a.attempt.saturating_add(1);
                a.last_failure = Some(failure.clone());
                a.next_attempt_at = *next_attempt_at;
                a.held = None;
            }),
            Note::ActivityHeld {
                scheduled_event_id,
                started_at,
                at,
            } => self.change_activity(*scheduled_event_id, Activity::Held, |a| {
                a.held = Some(Held {
                    started_at: *started_at,
                    since: *at,
                });
            }),
            Note::ActivityDeferred {
                scheduled_event_id,
                until,
            } => self.change_activity(*scheduled_event_id, Activity::Deferred, |a| {
                a.next_attempt_at = *until;
            }),
            Note::ActivityHeartbeat {
                scheduled_event_id,
                details,
            } => self.change_activity(*scheduled_event_id, Activity::Heartbeat, |a| {
                a.heartbeat = Some(details.clone());
            }),
            Note::WorkflowTaskFailed {
                failure,
                next_attempt_at,
            } => {
                self.workflow_task = self.workflow_task.on(workflow_task::Event::Failed)?;
                let attempts = self
                    .workflow_task_failure
                    .as_ref()
                    .map_or(0, |f| f.attempts);
                self.workflow_task_failure = Some(WorkflowTaskFailure {
                    failure: failure.clone(),
                    attempts: attempts.saturating_add(1),
                    next_attempt_at: *next_attempt_at,
                });
                Ok(())
            }
            Note::WorkflowExecutionPaused { at, reason } => {
                self.pause().on(pause::Event::Paused)?;
                self.paused = Some(Paused {
                    since: *at,
                    reason: reason.clone(),
                });
                Ok(())
            }
            Note::WorkflowExecutionUnpaused => {
                self.pause().on(pause::Event::Unpaused)?;
                self.paused = None;
                Ok(())
            }
            Note::ActivityReset {
                scheduled_event_id,
                at,
                heartbeat,
                after,
            } => self.change_activity(*scheduled_event_id, Activity::Reset, |a| {
                a.attempt = 1;
                a.resets = a.resets.saturating_add(1);
                a.held = None;
                match after {
                    AfterReset::GoesOn => a.paused = None,
                    AfterReset::StaysPaused => {}
                }
                a.next_attempt_at = *at;
                match heartbeat {
                    HeartbeatDetails::Keep => {}
                    HeartbeatDetails::Clear => a.heartbeat = None,
                }
            }),
            Note::LocalActivitiesRunning => {
                self.workflow_task = self.workflow_task.on(workflow_task::Event::News)?;
                Ok(())
            }
            Note::ActivityPaused {
                scheduled_event_id: id,
                pause: how,
            } => {
                let activity = self.pending_activity(*id)?;
                activity.pause().on(pause::Event::Paused)?;
                activity.paused = Some(how.clone());
                Ok(())
            }
            Note::ActivityUnpaused {
                scheduled_event_id: id,
            } => {
                let activity = self.pending_activity(*id)?;
                activity.pause().on(pause::Event::Unpaused)?;
                activity.paused = None;
                Ok(())
            }
        }
    }

    /// News for the code: it is owed a turn.
    fn tell(&mut self, news: News) -> Told {
        self.workflow_task = self.workflow_task.on(workflow_task::Event::News)?;
        Ok(Some(news))
    }

    /// What a closed run forgets: nothing waits for it any more.
    fn close(&mut self, how: workflow_execution::Event, at: Timestamp, outcome: Outcome) -> Told {
        self.end(how, at)?;
        self.outcome = Some(outcome);
        Ok(None)
    }

    fn end(&mut self, how: workflow_execution::Event, at: Timestamp) -> Result<(), Illegal> {
        self.status = self.status.on(how)?;
        self.closed_at = Some(at);
        self.activities.clear();
        self.timers.clear();
        self.children.clear();
        self.workflow_task = workflow_task::State::Idle;
        self.workflow_task_failure = None;
        self.first_task_at = None;
        Ok(())
    }

    /// What to tell of a run that is out of time.
    pub(crate) fn timed_out(&self) -> Failure {
        let (what, limit) = match (self.options.run_timeout, self.options.execution_timeout) {
            (Some(run), Some(_)) if self.chain.deadline != self.deadline() => ("run", run),
            (_, Some(execution)) => ("execution", execution),
            (Some(run), None) => ("run", run),
            (None, None) => ("run", Millis(0)),
        };
        let text = format!("the workflow's {what} timeout of {} ms ran out", limit.0);
        Failure::timeout(TimeoutType::StartToClose, text)
    }

    fn pending_activity(&mut self, id: EventId) -> Result<&mut PendingActivity, ApplyError> {
        let pending = self.activities.get_mut(&id);
        pending.ok_or(ApplyError::NotPending("activity", id))
    }

    /// Moves a pending activity through its table and changes it.
    fn change_activity(
        &mut self,
        id: EventId,
        event: activity::Event,
        change: impl FnOnce(&mut PendingActivity),
    ) -> Result<(), ApplyError> {
        let pending = self.pending_activity(id)?;
        pending.state = due(pending.state, event)?.on(event)?;
        change(pending);
        Ok(())
    }

    fn end_activity(
        &mut self,
        id: EventId,
        event: activity::Event,
        result: Result<Payload, Failure>,
    ) -> Told {
        let pending = self
            .activities
            .remove(&id)
            .ok_or(ApplyError::NotPending("activity", id))?;
        due(pending.state, event)?.on(event)?;
        self.count_ended(&pending.options.stage, &result);
        self.tell(News::ActivityResolved {
            seq: pending.seq,
            result,
        })
    }

    fn end_timer(&mut self, id: EventId, event: timer::Event) -> Result<Seq, ApplyError> {
        let pending = self
            .timers
            .remove(&id)
            .ok_or(ApplyError::NotPending("timer", id))?;
        pending.state.on(event)?;
        Ok(pending.seq)
    }

    /// Moves a pending child through its table and changes it.
    fn change_child(
        &mut self,
        id: EventId,
        event: child::Event,
        change: impl FnOnce(&mut PendingChild),
    ) -> Result<Seq, ApplyError> {
        let pending = self
            .children
            .get_mut(&id)
            .ok_or(ApplyError::NotPending("child", id))?;
        pending.state = pending.state.on(event)?;
        change(pending);
        Ok(pending.seq)
    }

    fn end_child(
        &mut self,
        id: EventId,
        event: child::Event,
        result: Result<Payload, Failure>,
    ) -> Told {
        let pending = self
            .children
            .remove(&id)
            .ok_or(ApplyError::NotPending("child", id))?;
        pending.state.on(event)?;
        self.count_ended(&pending.options.stage, &result);
        self.tell(News::ChildResolved {
            seq: pending.seq,
            result,
        })
    }

    fn apply_marker(&mut self, marker: &Marker) {
        let (name, total) = match marker {
            Marker::Stage { name, total } => (name, total),
            Marker::Patch { .. } | Marker::SideEffect { .. } | Marker::LocalActivity { .. } => {
                return;
            }
        };
        match self.stage_mut(name) {
            Some(stage) => stage.total = *total,
            None => self.stages.push(Stage {
                name: name.clone(),
                total: *total,
                scheduled: 0,
                done: 0,
                failed: 0,
            }),
        }
    }

    fn count_scheduled(&mut self, name: &str) {
        if let Some(stage) = self.stage_mut(name) {
            stage.scheduled += 1;
        }
    }

    fn count_ended(&mut self, stage: &str, result: &Result<Payload, Failure>) {
        if let Some(stage) = self.stage_mut(stage) {
            match result {
                Ok(_) => stage.done += 1,
                Err(_) => stage.failed += 1,
            }
        }
    }

    /// The stage of that name, if it was declared; an empty name is no stage.
    fn stage_mut(&mut self, name: &str) -> Option<&mut Stage> {
        if name.is_empty() {
            return None;
        }
        self.stages.iter_mut().find(|stage| stage.name == name)
    }
}

/// The moment at which a wait ends is not recorded: what only a due attempt can do implies it.
fn due(state: activity::State, event: activity::Event) -> Result<activity::State, Illegal> {
    use activity::Event as E;
    match event {
        E::AttemptFailed | E::Held | E::Heartbeat | E::Completed | E::Failed | E::Canceled => {
            match state {
                activity::State::BackingOff => state.on(E::AttemptDue),
                activity::State::Scheduled
                | activity::State::Held
                | activity::State::HeldCancelRequested
                | activity::State::CancelRequested
                | activity::State::Completed
                | activity::State::Failed
                | activity::State::TimedOut
                | activity::State::Canceled => Ok(state),
            }
        }
        E::Deferred | E::AttemptDue | E::Reset | E::CancelRequested | E::TimedOut => Ok(state),
    }
}

/// Why an event or note does not fit.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// A table says so.
    Illegal(Illegal),
    /// It speaks of something that is not pending.
    NotPending(&'static str, EventId),
    /// A run starts once.
    SecondStart,
}

impl From<Illegal> for ApplyError {
    fn from(illegal: Illegal) -> Self {
        Self::Illegal(illegal)
    }
}

impl std::fmt::Display for ApplyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Illegal(illegal) => illegal.fmt(f),
            Self::NotPending(what, id) => write!(f, "no {what} of event {id} is pending"),
            Self::SecondStart => f.write_str("a second start"),
        }
    }
}
