//! What people do to a run by hand: end an activity, begin it again, let what was paused go on.
//!
//! Neighbours: `handle` calls it for messages, `plan` for a run that goes on, `tasks` knows attempts.

use kernel::primitives::activity;
use kernel::{EventId, Failure, Input, Payload, Rejection, RunId, Timestamp, WorkflowId};
use state::store::Error as StoreError;

use super::Core;
use super::due::Due;
use super::message::{Reply, TaskRef};

impl Core {
    /// Ends an activity with a given result. An attempt that is running is told to stop; what it
    /// still says is stale.
    pub(super) fn resolve_activity(
        &mut self,
        workflow_id: &WorkflowId,
        scheduled_event_id: EventId,
        result: Result<Payload, Failure>,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let Some(run_id) = self.open_run_of(workflow_id, now)? else {
            return Ok(Reply::NotOpen);
        };
        self.close_turn(run_id, now);
        let pending = self
            .runs
            .get(&run_id)
            .and_then(|live| live.state.activities.get(&scheduled_event_id));
        let Some(attempt) = pending.map(|pending| pending.attempt) else {
            return Ok(Reply::Rejected(Rejection::NotPending(scheduled_event_id)));
        };
        let task = TaskRef {
            run_id,
            scheduled_event_id,
            attempt,
        };
        let breaker = self.breaker_of(task);
        let input = Input::ActivityResult {
            scheduled_event_id,
            attempt,
            result,
        };
        if let Err(rejection) = self.feed(run_id, input, now) {
            return Ok(Reply::Rejected(rejection));
        }
        self.end_running(task, &breaker, now);
        Ok(Reply::Done)
    }

    /// Takes an input that counts an activity's attempts from 1 again. Refused while a worker holds an attempt, told to
    /// stop or not: its number would be given twice, and its late word be taken for the new one's.
    pub(super) fn begin_again(
        &mut self,
        workflow_id: &WorkflowId,
        scheduled_event_id: EventId,
        input: Input,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let Some(run_id) = self.open_run_of(workflow_id, now)? else {
            return Ok(Reply::NotOpen);
        };
        self.close_turn(run_id, now);
        let of_it =
            |task: &TaskRef| (task.run_id, task.scheduled_event_id) == (run_id, scheduled_event_id);
        if self.out.iter().any(of_it) {
            let rejection = Rejection::AttemptRunning(scheduled_event_id);
            return Ok(Reply::Rejected(rejection));
        }
        if let Some(live) = self.runs.get(&run_id)
            && let Some(running) = live.running.get(&scheduled_event_id)
        {
            // It is held elsewhere. What makes room for the next attempt must not happen for nothing.
            if let Err(rejection) = kernel::decide(&live.state, input.clone(), now) {
                return Ok(Reply::Rejected(rejection));
            }
            let attempt = running.attempt;
            let held = TaskRef {
                run_id,
                scheduled_event_id,
                attempt,
            };
            let breaker = self.breaker_of(held);
            self.end_running(held, &breaker, now);
        }
        Ok(match self.feed(run_id, input, now) {
            Ok(()) => Reply::Done,
            Err(rejection) => Reply::Rejected(rejection),
        })
    }

    /// A run that was paused goes on: attempts whose time came meanwhile are due.
    pub(super) fn plan_unpaused(&mut self, run_id: RunId, now: Timestamp) {
        let Some(live) = self.runs.get(&run_id) else {
            return;
        };
        let ids: Vec<EventId> = live.state.activities.keys().copied().collect();
        for id in ids {
            self.plan_attempt(run_id, id, now);
        }
        self.plan_locals(run_id);
        // Also for updates that were asked meanwhile.
        self.mark_dirty(run_id);
    }

    /// An activity that was held back goes on: its attempt is due when it was to be, or now.
    pub(super) fn plan_attempt(
        &mut self,
        run_id: RunId,
        scheduled_event_id: EventId,
        now: Timestamp,
    ) {
        let Some(live) = self.runs.get(&run_id) else {
            return;
        };
        let Some(pending) = live.state.activities.get(&scheduled_event_id) else {
            return;
        };
        let waits = match pending.state {
            activity::State::Scheduled | activity::State::BackingOff => true,
            activity::State::CancelRequested
            | activity::State::Held
            | activity::State::HeldCancelRequested
            | activity::State::Completed
            | activity::State::Failed
            | activity::State::TimedOut
            | activity::State::Canceled => false,
        };
        if !waits || live.running.contains_key(&scheduled_event_id) {
            return;
        }
        let task = TaskRef {
            run_id,
            scheduled_event_id,
            attempt: pending.attempt,
        };
        let at = pending.next_attempt_at;
        if at > now {
            self.due.insert((at, Due::Attempt(task)));
        } else {
            self.ready.push_back(task);
        }
    }
}
