//! The fold of events that belong to one pending thing: activity, timer, child.
//!
//! Neighbours: called by `run_state` only. The tables in `primitives` decide what is legal.

use crate::event::{EventKind, HistoryEvent};
use crate::failure::Failure;
use crate::ids::EventId;
use crate::machine::News;
use crate::primitives::{activity, child, timer};
use crate::run_state::{ApplyError, PendingActivity, PendingChild, PendingTimer, RunState};

impl RunState {
    pub(crate) fn apply_activity(
        &mut self,
        event: &HistoryEvent,
    ) -> Result<Option<News>, ApplyError> {
        use activity::Event as E;
        match &event.kind {
            EventKind::ActivityTaskScheduled { seq, activity_type, input, options } => {
                if let Some(stage) = self.stage_mut(&options.stage) {
                    stage.scheduled += 1;
                }
                let pending = PendingActivity {
                    seq: *seq,
                    activity_type: activity_type.clone(),
                    input: input.clone(),
                    options: options.clone(),
                    scheduled_at: event.at,
                    state: activity::State::Scheduled,
                    attempt: 1,
                    next_attempt_at: event.at,
                    last_failure: None,
                    heartbeat: None,
                };
                self.activities.insert(event.id, pending);
                Ok(None)
            }
            EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
                self.change_activity(*scheduled_event_id, E::CancelRequested, |_| {})?;
                Ok(None)
            }
            EventKind::ActivityTaskCompleted { scheduled_event_id, result, .. } => {
                self.end_activity(*scheduled_event_id, E::Completed, Ok(result.clone()))
            }
            EventKind::ActivityTaskFailed { scheduled_event_id, failure, .. } => {
                self.end_activity(*scheduled_event_id, E::Failed, Err(failure.clone()))
            }
            EventKind::ActivityTaskTimedOut { scheduled_event_id, failure, .. } => {
                self.end_activity(*scheduled_event_id, E::TimedOut, Err(failure.clone()))
            }
            EventKind::ActivityTaskCanceled { scheduled_event_id } => {
                let failure = Failure::canceled("the activity was canceled");
                self.end_activity(*scheduled_event_id, E::Canceled, Err(failure))
            }
            _other => Ok(None),
        }
    }

    /// Moves a pending activity through its table and changes it.
    pub(crate) fn change_activity(
        &mut self,
        id: EventId,
        event: activity::Event,
        change: impl FnOnce(&mut PendingActivity),
    ) -> Result<(), ApplyError> {
        let pending =
            self.activities.get_mut(&id).ok_or(ApplyError::NotPending("activity", id))?;
        pending.state = due(pending.state, event)?.on(event)?;
        change(pending);
        Ok(())
    }

    fn end_activity(
        &mut self,
        id: EventId,
        event: activity::Event,
        result: Result<crate::Payload, Failure>,
    ) -> Result<Option<News>, ApplyError> {
        let pending = self.activities.remove(&id).ok_or(ApplyError::NotPending("activity", id))?;
        due(pending.state, event)?.on(event)?;
        if let Some(stage) = self.stage_mut(&pending.options.stage) {
            match &result {
                Ok(_) => stage.done += 1,
                Err(_) => stage.failed += 1,
            }
        }
        Ok(Some(News::ActivityResolved { seq: pending.seq, result }))
    }

    pub(crate) fn apply_timer(&mut self, event: &HistoryEvent) -> Result<Option<News>, ApplyError> {
        match &event.kind {
            EventKind::TimerStarted { seq, start_to_fire } => {
                let fires_at = event.at.after(*start_to_fire);
                let pending =
                    PendingTimer { seq: *seq, fires_at, state: timer::State::Started };
                self.timers.insert(event.id, pending);
                Ok(None)
            }
            EventKind::TimerFired { started_event_id } => {
                let seq = self.end_timer(*started_event_id, timer::Event::Fired)?;
                Ok(Some(News::TimerFired { seq }))
            }
            EventKind::TimerCanceled { started_event_id } => {
                self.end_timer(*started_event_id, timer::Event::Canceled)?;
                Ok(None)
            }
            _other => Ok(None),
        }
    }

    fn end_timer(
        &mut self,
        id: EventId,
        event: timer::Event,
    ) -> Result<crate::ids::Seq, ApplyError> {
        let pending = self.timers.remove(&id).ok_or(ApplyError::NotPending("timer", id))?;
        pending.state.on(event)?;
        Ok(pending.seq)
    }

    pub(crate) fn apply_child(&mut self, event: &HistoryEvent) -> Result<Option<News>, ApplyError> {
        match &event.kind {
            EventKind::StartChildWorkflowExecutionInitiated {
                seq,
                workflow_id,
                workflow_type,
                input,
                options,
            } => {
                if let Some(stage) = self.stage_mut(&options.stage) {
                    stage.scheduled += 1;
                }
                let pending = PendingChild {
                    seq: *seq,
                    workflow_id: workflow_id.clone(),
                    workflow_type: workflow_type.clone(),
                    input: Some(input.clone()),
                    options: options.clone(),
                    run_id: None,
                    state: child::State::Initiated,
                };
                self.children.insert(event.id, pending);
                Ok(None)
            }
            EventKind::ChildWorkflowExecutionStarted { initiated_event_id, run_id } => {
                let pending = self.child_mut(*initiated_event_id)?;
                pending.state = pending.state.on(child::Event::Started)?;
                pending.run_id = Some(*run_id);
                pending.input = None;
                Ok(Some(News::ChildStarted { seq: pending.seq, run_id: *run_id }))
            }
            EventKind::RequestCancelExternalWorkflowExecutionInitiated { initiated_event_id } => {
                let pending = self.child_mut(*initiated_event_id)?;
                pending.state = pending.state.on(child::Event::CancelRequested)?;
                Ok(None)
            }
            EventKind::StartChildWorkflowExecutionFailed { initiated_event_id, failure } => {
                self.end_child(*initiated_event_id, child::Event::StartFailed, Err(failure.clone()))
            }
            EventKind::ChildWorkflowExecutionCompleted { initiated_event_id, result } => {
                self.end_child(*initiated_event_id, child::Event::Closed, Ok(result.clone()))
            }
            EventKind::ChildWorkflowExecutionFailed { initiated_event_id, failure } => {
                self.end_child(*initiated_event_id, child::Event::Closed, Err(failure.clone()))
            }
            EventKind::ChildWorkflowExecutionCanceled { initiated_event_id } => {
                let failure = Failure::canceled("the child workflow was canceled");
                self.end_child(*initiated_event_id, child::Event::Closed, Err(failure))
            }
            EventKind::ChildWorkflowExecutionTerminated { initiated_event_id } => {
                let failure = Failure::terminated("the child workflow was terminated");
                self.end_child(*initiated_event_id, child::Event::Closed, Err(failure))
            }
            _other => Ok(None),
        }
    }

    fn child_mut(&mut self, id: EventId) -> Result<&mut PendingChild, ApplyError> {
        self.children.get_mut(&id).ok_or(ApplyError::NotPending("child", id))
    }

    fn end_child(
        &mut self,
        id: EventId,
        event: child::Event,
        result: Result<crate::Payload, Failure>,
    ) -> Result<Option<News>, ApplyError> {
        let pending = self.children.remove(&id).ok_or(ApplyError::NotPending("child", id))?;
        pending.state.on(event)?;
        if let Some(stage) = self.stage_mut(&pending.options.stage) {
            match &result {
                Ok(_) => stage.done += 1,
                Err(_) => stage.failed += 1,
            }
        }
        Ok(Some(News::ChildResolved { seq: pending.seq, result }))
    }
}

/// The moment at which a wait ends is not recorded: what only a due attempt can do implies it.
fn due(
    state: activity::State,
    event: activity::Event,
) -> Result<activity::State, crate::primitives::Illegal> {
    use activity::Event as E;
    match event {
        E::AttemptFailed | E::Heartbeat | E::Completed | E::Failed | E::Canceled => {
            if state == activity::State::BackingOff { state.on(E::AttemptDue) } else { Ok(state) }
        }
        E::Deferred | E::AttemptDue | E::CancelRequested | E::TimedOut => Ok(state),
    }
}
