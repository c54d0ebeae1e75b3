//! What a transition makes due, and what it takes back.
//!
//! Neighbours: `feed` calls this before and after the fold of each transition, `recover` for each
//! activity of a run that was loaded. Nothing in here is stored: all of it is derived from states.

use kernel::primitives::activity;
use kernel::run_state::PendingActivity;
use kernel::{EventId, EventKind, HistoryEvent, Note, RunId, Timestamp, Transition};

use super::Core;
use super::children::Internal;
use super::due::{Due, DueTimeout};
use super::message::TaskRef;

/// What an event means for things that wait.
enum Meaning {
    ActivityBegan,
    ActivityCancelAsked(EventId),
    ActivityEnded(EventId),
    TimerBegan(Timestamp),
    TimerTakenBack(EventId),
    ChildAsked,
    /// The child may be told to cancel from now on, if it is to.
    ChildReachable(EventId),
    RunEnded,
    Nothing,
}

fn meaning(event: &HistoryEvent) -> Meaning {
    match &event.kind {
        EventKind::ActivityTaskScheduled { .. } => Meaning::ActivityBegan,
        EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
            Meaning::ActivityCancelAsked(*scheduled_event_id)
        }
        EventKind::ActivityTaskCompleted {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskFailed {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskTimedOut {
            scheduled_event_id, ..
        }
        | EventKind::ActivityTaskCanceled { scheduled_event_id } => {
            Meaning::ActivityEnded(*scheduled_event_id)
        }
        EventKind::TimerStarted { start_to_fire, .. } => {
            Meaning::TimerBegan(event.at.after(*start_to_fire))
        }
        EventKind::TimerCanceled { started_event_id } => Meaning::TimerTakenBack(*started_event_id),
        EventKind::StartChildWorkflowExecutionInitiated { .. } => Meaning::ChildAsked,
        EventKind::RequestCancelExternalWorkflowExecutionInitiated { initiated_event_id }
        | EventKind::ChildWorkflowExecutionStarted {
            initiated_event_id, ..
        } => Meaning::ChildReachable(*initiated_event_id),
        EventKind::WorkflowExecutionCompleted { .. }
        | EventKind::WorkflowExecutionFailed { .. }
        | EventKind::WorkflowExecutionTimedOut { .. }
        | EventKind::WorkflowExecutionContinuedAsNew { .. }
        | EventKind::WorkflowExecutionCanceled
        | EventKind::WorkflowExecutionTerminated { .. } => Meaning::RunEnded,
        EventKind::WorkflowExecutionStarted { .. }
        | EventKind::WorkflowTaskCompleted
        | EventKind::TimerFired { .. }
        | EventKind::StartChildWorkflowExecutionFailed { .. }
        | EventKind::ChildWorkflowExecutionCompleted { .. }
        | EventKind::ChildWorkflowExecutionFailed { .. }
        | EventKind::ChildWorkflowExecutionCanceled { .. }
        | EventKind::ChildWorkflowExecutionTerminated { .. }
        | EventKind::ChildWorkflowExecutionTimedOut { .. }
        | EventKind::MarkerRecorded { .. }
        | EventKind::WorkflowExecutionSignaled { .. }
        | EventKind::UpsertWorkflowSearchAttributes { .. }
        | EventKind::WorkflowPropertiesModified { .. }
        | EventKind::WorkflowExecutionUpdateAccepted { .. }
        | EventKind::WorkflowExecutionUpdateCompleted { .. }
        | EventKind::WorkflowExecutionCancelRequested { .. } => Meaning::Nothing,
    }
}

/// The activity whose next attempt a note moves.
fn moved_activity(note: &Note) -> Option<EventId> {
    match note {
        Note::ActivityAttemptFailed {
            scheduled_event_id, ..
        }
        | Note::ActivityDeferred {
            scheduled_event_id, ..
        }
        | Note::ActivityReset {
            scheduled_event_id, ..
        } => Some(*scheduled_event_id),
        Note::ActivityHeld { .. }
        | Note::ActivityHeartbeat { .. }
        | Note::ActivityPaused { .. }
        | Note::LocalActivitiesRunning
        | Note::ActivityUnpaused { .. }
        | Note::WorkflowTaskFailed { .. }
        | Note::WorkflowExecutionPaused { .. }
        | Note::WorkflowExecutionUnpaused => None,
    }
}

impl Core {
    /// Before the fold: takes back what waited for things that this transition ends.
    pub(super) fn unplan(&mut self, run_id: RunId, transition: &Transition) {
        let Some(live) = self.runs.get(&run_id) else {
            return;
        };
        let state = &live.state;
        let mut ended: Vec<EventId> = transition.notes.iter().filter_map(moved_activity).collect();
        let mut timers: Vec<(Timestamp, EventId)> = Vec::new();
        for event in &transition.events {
            match meaning(event) {
                Meaning::ActivityEnded(id) => ended.push(id),
                Meaning::TimerTakenBack(id) => {
                    timers.extend(state.timers.get(&id).map(|timer| (timer.fires_at, id)));
                }
                Meaning::RunEnded => {
                    ended.extend(state.activities.keys());
                    timers.extend(state.timers.iter().map(|(id, t)| (t.fires_at, *id)));
                    let started = state.children.values().filter_map(|c| {
                        Some(Internal::Orphaned {
                            workflow_id: c.workflow_id.clone(),
                            first_run_id: c.run_id?,
                            policy: c.options.parent_close_policy,
                        })
                    });
                    self.internal.extend(started);
                    if let Some(at) = state.deadline() {
                        self.due.remove(&(at, Due::WorkflowTimeout(run_id)));
                    }
                }
                Meaning::ActivityBegan
                | Meaning::ActivityCancelAsked(_)
                | Meaning::TimerBegan(_)
                | Meaning::ChildAsked
                | Meaning::ChildReachable(_)
                | Meaning::Nothing => {}
            }
        }
        for (at, id) in timers {
            self.due.remove(&(at, Due::Timer(run_id, id)));
        }
        for id in ended {
            if let Some(pending) = state.activities.get(&id) {
                for due in dues_of(run_id, id, pending, pending.next_attempt_at) {
                    self.due.remove(&due);
                }
            }
        }
    }

    /// After the fold: enters what the transition makes due, and tells other runs.
    pub(super) fn plan(&mut self, run_id: RunId, transition: &Transition, now: Timestamp) {
        for event in &transition.events {
            match meaning(event) {
                Meaning::ActivityBegan => self.plan_activity(run_id, event.id, now),
                Meaning::ActivityCancelAsked(id) => self.plan_cancel(run_id, id, now),
                Meaning::TimerBegan(at) => {
                    self.due.insert((at, Due::Timer(run_id, event.id)));
                }
                Meaning::ChildAsked => {
                    self.internal
                        .push_back(Internal::StartChild(run_id, event.id));
                }
                Meaning::ChildReachable(id) => {
                    self.internal.push_back(Internal::CancelChild(run_id, id));
                }
                Meaning::ActivityEnded(_)
                | Meaning::TimerTakenBack(_)
                | Meaning::RunEnded
                | Meaning::Nothing => {}
            }
        }
        for note in &transition.notes {
            if let Some(id) = moved_activity(note) {
                self.plan_activity(run_id, id, now);
            }
            if let Note::ActivityHeld {
                scheduled_event_id, ..
            } = note
            {
                self.plan_held(run_id, *scheduled_event_id, now);
            }
            if let Note::ActivityUnpaused { scheduled_event_id } = note {
                self.plan_attempt(run_id, *scheduled_event_id, now);
            }
            if *note == Note::WorkflowExecutionUnpaused {
                self.plan_unpaused(run_id, now);
            }
            if let Note::WorkflowTaskFailed {
                next_attempt_at, ..
            } = note
            {
                self.due
                    .insert((*next_attempt_at, Due::WorkflowTask(run_id)));
            }
        }
    }

    /// Enters a pending activity's next attempt and its deadlines.
    pub(super) fn plan_activity(
        &mut self,
        run_id: RunId,
        scheduled_event_id: EventId,
        now: Timestamp,
    ) {
        let Some(pending) = self
            .runs
            .get(&run_id)
            .and_then(|live| live.state.activities.get(&scheduled_event_id))
        else {
            return;
        };
        let task = TaskRef {
            run_id,
            scheduled_event_id,
            attempt: pending.attempt,
        };
        // The start of an attempt is not recorded, so nobody knows how much of a wait for a worker
        // was one before a restart: that wait begins anew.
        let waits_from = pending.next_attempt_at.max(now);
        let state = pending.state;
        let [deadline, to_start, attempt] =
            dues_of(run_id, scheduled_event_id, pending, waits_from);
        if pending.deadline().is_some() {
            self.due.insert(deadline);
        }
        if pending.options.schedule_to_start.is_some() && !state.is_held() {
            self.due.insert(to_start);
        }
        match state {
            activity::State::Scheduled | activity::State::BackingOff => {
                if attempt.0 > now {
                    self.due.insert(attempt);
                } else {
                    self.ready.push_back(task);
                }
            }
            activity::State::CancelRequested => self.cancel_unless_running(task, now),
            activity::State::Held | activity::State::HeldCancelRequested => {
                self.plan_held(run_id, scheduled_event_id, now);
            }
            activity::State::Completed
            | activity::State::Failed
            | activity::State::TimedOut
            | activity::State::Canceled => {}
        }
    }
}

/// What an activity may have among the things that are due: its overall deadline, the end of its
/// wait for a worker, its next attempt. For options that are not set, the time means nothing.
///
/// The overall deadline is one for all attempts, so its key must not change with them.
fn dues_of(
    run_id: RunId,
    scheduled_event_id: EventId,
    pending: &PendingActivity,
    waits_from: Timestamp,
) -> [(Timestamp, Due); 3] {
    let task = TaskRef {
        run_id,
        scheduled_event_id,
        attempt: pending.attempt,
    };
    let all_attempts = TaskRef { attempt: 0, ..task };
    let deadline = pending.deadline().unwrap_or_default();
    let to_start = waits_from.after(pending.options.schedule_to_start.unwrap_or_default());
    [
        (
            deadline,
            Due::Timeout(all_attempts, DueTimeout::ScheduleToClose),
        ),
        (to_start, Due::Timeout(task, DueTimeout::ScheduleToStart)),
        (pending.next_attempt_at, Due::Attempt(task)),
    ]
}
