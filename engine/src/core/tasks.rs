//! Activity tasks: handing attempts out, taking their ends in, breakers in between.

use kernel::primitives::activity;
use kernel::{EventId, Failure, Input, Millis, Payload, Retry, RunId, Timestamp};
use state::store::{Namespace, Row};

use super::Core;
use super::due::{Due, DueTimeout};
use super::live::Running;
use super::message::{ActivityTask, Effect, TaskRef};
use crate::breaker;

/// Heartbeat details are put into the store at most this often for one attempt.
const HEARTBEAT_SAVE_INTERVAL: Millis = Millis(1_000);

/// What an attempt's end says about its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Answered,
    Failed,
}

impl Core {
    /// Hands out attempts that are due, as many as there are free slots. Call after a commit:
    /// everything that is handed out is durable then.
    pub fn poll_tasks(&mut self, now: Timestamp) -> Vec<ActivityTask> {
        let mut out = Vec::new();
        while self.out.len() < self.options.slots {
            let Some(task) = self.ready.pop_front() else {
                break;
            };
            if let Some(activity_task) = self.hand_out(task, now) {
                self.out.insert(task);
                out.push(activity_task);
            }
        }
        out
    }

    fn hand_out(&mut self, task: TaskRef, now: Timestamp) -> Option<ActivityTask> {
        let live = self.runs.get(&task.run_id)?;
        let pending = live.state.activities.get(&task.scheduled_event_id)?;
        match pending.state {
            activity::State::Scheduled | activity::State::BackingOff => {}
            activity::State::CancelRequested
            | activity::State::Completed
            | activity::State::Failed
            | activity::State::TimedOut
            | activity::State::Canceled => return None,
        }
        let out_already = live
            .running
            .get(&task.scheduled_event_id)
            .is_some_and(|r| r.attempt == task.attempt);
        if pending.attempt != task.attempt || out_already {
            return None;
        }
        if pending.next_attempt_at > now {
            self.due
                .insert((pending.next_attempt_at, Due::Attempt(task)));
            return None;
        }
        if !self.options.activity_types.contains(&pending.activity_type) {
            // No worker here can run it; another binary may. It stays pending, and `describe`
            // says so.
            return None;
        }
        let name = pending.options.breaker.clone();
        if !name.is_empty() && !self.admit(&name, task, now) {
            return None;
        }
        let live = self.runs.get_mut(&task.run_id)?;
        let pending = live.state.activities.get(&task.scheduled_event_id)?;
        let start_to_close_at = now.after(pending.options.start_to_close);
        let heartbeat_at = pending.options.heartbeat.map(|timeout| now.after(timeout));
        let running = Running {
            attempt: task.attempt,
            started_at: now,
            last_heartbeat: now,
            start_to_close_at,
            heartbeat_at,
            unsaved: None,
            saved_at: now,
        };
        let activity_task = ActivityTask {
            task,
            workflow_id: live.state.workflow_id.clone(),
            activity_type: pending.activity_type.clone(),
            input: pending.input.clone(),
            heartbeat: pending.heartbeat.clone(),
            deadline: start_to_close_at,
        };
        live.running.insert(task.scheduled_event_id, running);
        self.due.insert((
            start_to_close_at,
            Due::Timeout(task, DueTimeout::StartToClose),
        ));
        if let Some(at) = heartbeat_at {
            self.due
                .insert((at, Due::Timeout(task, DueTimeout::Heartbeat)));
        }
        Some(activity_task)
    }

    /// Asks the breaker; an activity that it refuses waits durably, without using an attempt.
    fn admit(&mut self, name: &str, task: TaskRef, now: Timestamp) -> bool {
        let state = self.breakers.get(name).copied().unwrap_or_default();
        match state.admit(now) {
            Ok(()) => {
                self.set_breaker(name, state, state.on(breaker::Event::LetThrough, now));
                true
            }
            Err(until) => {
                let input = Input::ActivityDeferred {
                    scheduled_event_id: task.scheduled_event_id,
                    attempt: task.attempt,
                    until,
                };
                // Rejected when the activity is gone.
                let _gone = self.feed(task.run_id, input, now);
                false
            }
        }
    }

    fn set_breaker(&mut self, name: &str, old: breaker::State, new: breaker::State) {
        if old == new {
            return;
        }
        self.breakers.insert(name.to_owned(), new);
        let value = serde_json::to_vec(&new).expect("a breaker is numbers only");
        let row = Row {
            namespace: Namespace::Breaker,
            key: name.as_bytes().to_vec(),
            value: Some(value),
        };
        self.group.rows.push(row);
    }

    /// Tells the breaker of a task's dependency how the dependency did.
    pub(super) fn note_breaker_of(&mut self, task: TaskRef, verdict: Verdict, now: Timestamp) {
        let name = self
            .runs
            .get(&task.run_id)
            .and_then(|live| live.state.activities.get(&task.scheduled_event_id))
            .filter(|pending| pending.attempt == task.attempt)
            .map(|pending| pending.options.breaker.clone())
            .unwrap_or_default();
        if name.is_empty() {
            return;
        }
        let old = self.breakers.get(&name).copied().unwrap_or_default();
        let event = match verdict {
            Verdict::Answered => breaker::Event::Succeeded,
            Verdict::Failed => breaker::Event::Failed,
        };
        let new = old.on(event, now);
        self.set_breaker(&name, old, new);
    }

    pub(super) fn attempt_ended(
        &mut self,
        task: TaskRef,
        result: Option<Result<Payload, Failure>>,
        now: Timestamp,
    ) {
        self.out.remove(&task);
        let is_current = self
            .runs
            .get(&task.run_id)
            .and_then(|live| live.running.get(&task.scheduled_event_id))
            .is_some_and(|running| running.attempt == task.attempt);
        let unsaved = if is_current {
            self.forget_running(task)
        } else {
            None
        };
        let Some(result) = result else { return };
        if let Err(failure) = &result {
            if let (Some(details), Retry::Retryable) = (unsaved, failure.retry) {
                self.save_heartbeat(task, details, now);
            }
        }
        let verdict = match &result {
            Ok(_) => Verdict::Answered,
            Err(failure) if failure.retry == Retry::Permanent => Verdict::Answered,
            Err(_) => Verdict::Failed,
        };
        self.note_breaker_of(task, verdict, now);
        let input = Input::ActivityResult {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            result,
        };
        // A late or repeated result changes nothing.
        if let Err(rejection) = self.feed(task.run_id, input, now) {
            tracing::debug!(run_id = %task.run_id, event = task.scheduled_event_id.0, %rejection,
                "activity result dropped");
        }
    }

    /// Forgets that a worker holds an attempt; gives heartbeat details that are not stored yet.
    pub(super) fn forget_running(&mut self, task: TaskRef) -> Option<Payload> {
        let live = self.runs.get_mut(&task.run_id)?;
        let running = live.running.remove(&task.scheduled_event_id)?;
        self.forget_dues(task, &running);
        running.unsaved
    }

    pub(super) fn forget_dues(&mut self, task: TaskRef, running: &Running) {
        let start_to_close = Due::Timeout(task, DueTimeout::StartToClose);
        self.due
            .remove(&(running.start_to_close_at, start_to_close));
        if let Some(at) = running.heartbeat_at {
            self.due
                .remove(&(at, Due::Timeout(task, DueTimeout::Heartbeat)));
        }
    }

    pub(super) fn heartbeat(&mut self, task: TaskRef, details: Option<Payload>, now: Timestamp) {
        let Some(running) = self
            .runs
            .get_mut(&task.run_id)
            .and_then(|live| live.running.get_mut(&task.scheduled_event_id))
            .filter(|running| running.attempt == task.attempt)
        else {
            return;
        };
        running.last_heartbeat = now;
        let Some(details) = details else { return };
        if now.since(running.saved_at) >= HEARTBEAT_SAVE_INTERVAL {
            running.saved_at = now;
            running.unsaved = None;
            self.save_heartbeat(task, details, now);
        } else {
            running.unsaved = Some(details);
        }
    }

    fn save_heartbeat(&mut self, task: TaskRef, details: Payload, now: Timestamp) {
        let input = Input::ActivityHeartbeat {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            details,
        };
        // Rejected when the attempt is no longer the current one.
        let _stale = self.feed(task.run_id, input, now);
    }

    /// A cancellation reaches a running attempt as a request; one that is not running ends here.
    pub(super) fn plan_cancel(
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
        let task = TaskRef {
            run_id,
            scheduled_event_id,
            attempt: pending.attempt,
        };
        if live.running.contains_key(&scheduled_event_id) {
            self.group.effects.push(Effect::CancelAttempt(task));
        } else {
            self.cancel_unless_running(task, now);
        }
    }

    pub(super) fn cancel_unless_running(&mut self, task: TaskRef, now: Timestamp) {
        let running = self
            .runs
            .get(&task.run_id)
            .is_some_and(|live| live.running.contains_key(&task.scheduled_event_id));
        if running {
            return;
        }
        let input = Input::ActivityResult {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            result: Err(Failure::canceled("canceled before an attempt was running")),
        };
        let _gone = self.feed(task.run_id, input, now);
    }
}
