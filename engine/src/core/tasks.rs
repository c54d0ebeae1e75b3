//! Activity tasks: handing attempts out, taking their ends in, breakers in between.

use kernel::primitives::activity;
use kernel::{EventId, Failure, FailureKind, Input, Millis, Payload, Retry, RunId, Timestamp};
use state::store::{Namespace, Row};

use super::Core;
use super::due::{Due, DueTimeout};
use super::live::Running;
use super::message::{ActivityTask, Effect, TaskRef};
use super::permits::Wait;
use crate::breaker;

/// Heartbeat details are put into the store at most this often for one attempt.
const HEARTBEAT_SAVE_INTERVAL: Millis = Millis(1_000);

/// A lost attempt is made again after this long: whatever lost it may be at work still.
const LOST_PAUSE: Millis = Millis(1_000);

/// What an attempt's end says about its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Answered,
    Failed,
    /// Nothing: it was told to stop, or it never got so far as to ask.
    Silent,
}

impl Core {
    /// Hands out attempts that are due, as many as there are free slots. Call after a commit:
    /// while anything is not durable yet, nothing is handed out.
    pub fn poll_tasks(&mut self, now: Timestamp) -> Vec<ActivityTask> {
        let mut out = Vec::new();
        if !self.group.is_empty() {
            return out;
        }
        while self.out.len() < self.options.slots {
            // Who has waited for a permit comes before those who have not.
            let waited = self.permits.next_waiting();
            let Some(task) = waited.or_else(|| self.ready.pop_front()) else {
                break;
            };
            if let Some(activity_task) = self.hand_out(task, now) {
                self.out.insert(task);
                out.push(activity_task);
            }
        }
        self.show();
        out
    }

    fn hand_out(&mut self, task: TaskRef, now: Timestamp) -> Option<ActivityTask> {
        let live = self.runs.get(&task.run_id)?;
        if live.state.paused.is_some() {
            // It is planned anew when the run goes on.
            return None;
        }
        let pending = live.state.activities.get(&task.scheduled_event_id)?;
        match pending.state {
            activity::State::Scheduled | activity::State::BackingOff => {}
            activity::State::CancelRequested
            | activity::State::Held
            | activity::State::HeldCancelRequested
            | activity::State::Completed
            | activity::State::Failed
            | activity::State::TimedOut
            | activity::State::Canceled => return None,
        }
        if pending.paused.is_some() {
            // It is planned anew when it goes on.
            return None;
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
        match self.permits.check(task, pending, now) {
            Ok(()) => {}
            Err(Wait::Permit) => return None,
            Err(Wait::Until(at)) => {
                self.due.insert((at, Due::Attempt(task)));
                return None;
            }
        }
        let name = pending.options.breaker.clone();
        if !name.is_empty() && !self.admit(&name, task, now) {
            return None;
        }
        let live = self.runs.get_mut(&task.run_id)?;
        let pending = live.state.activities.get(&task.scheduled_event_id)?;
        self.permits.take(task, pending, now);
        self.metrics
            .activity(&pending.activity_type)
            .schedule_to_start
            .observe_millis(now.since(pending.next_attempt_at));
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
            is_held: false,
        };
        let activity_task = ActivityTask {
            task,
            workflow_id: live.state.workflow_id.clone(),
            activity_type: pending.activity_type.clone(),
            input: pending.input.clone(),
            heartbeat: pending.heartbeat.clone(),
            deadline: start_to_close_at,
            resets: pending.resets,
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
        match self.breaker(name).admit(now) {
            Ok(()) => {
                self.change_breaker(name, breaker::Event::LetThrough, now);
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

    fn breaker(&self, name: &str) -> breaker::State {
        self.breakers
            .get(&*breaker::key_of(name))
            .copied()
            .unwrap_or_default()
    }

    fn change_breaker(&mut self, name: &str, event: breaker::Event, now: Timestamp) {
        let old = self.breaker(name);
        let new = old.on(event, now);
        if old == new {
            return;
        }
        let key = breaker::key_of(name).into_owned();
        let value = serde_json::to_vec(&new).expect("a breaker is numbers only");
        let row = Row {
            namespace: Namespace::Breaker,
            key: key.as_bytes().to_vec(),
            value: Some(value),
        };
        self.breakers.insert(key, new);
        self.group.rows.push(row);
    }

    /// The name of the dependency of an attempt that is the current one; empty when it has none.
    pub(super) fn breaker_of(&self, task: TaskRef) -> String {
        self.runs
            .get(&task.run_id)
            .and_then(|live| live.state.activities.get(&task.scheduled_event_id))
            .filter(|pending| pending.attempt == task.attempt)
            .map(|pending| pending.options.breaker.clone())
            .unwrap_or_default()
    }

    /// Tells a breaker how its dependency did.
    pub(super) fn tell_breaker(&mut self, name: &str, verdict: Verdict, now: Timestamp) {
        if name.is_empty() {
            return;
        }
        let event = match verdict {
            Verdict::Answered => breaker::Event::Succeeded,
            Verdict::Failed => breaker::Event::Failed,
            Verdict::Silent => breaker::Event::Released,
        };
        self.change_breaker(name, event, now);
    }

    /// What a result says about the dependency. Whoever was told to stop fails in all manner of
    /// ways, which are not the dependency's.
    fn verdict(&self, task: TaskRef, result: &Result<Payload, Failure>) -> Verdict {
        let Err(failure) = result else {
            return Verdict::Answered;
        };
        let told_to_stop = self
            .activity_state(task)
            .is_some_and(activity::State::is_cancel_requested);
        match failure.kind {
            FailureKind::Canceled | FailureKind::Terminated | FailureKind::Internal => {
                Verdict::Silent
            }
            FailureKind::Application | FailureKind::Timeout(_) => match failure.retry {
                Retry::Permanent => Verdict::Answered,
                Retry::Retryable if told_to_stop => Verdict::Silent,
                Retry::Retryable => Verdict::Failed,
            },
        }
    }

    fn activity_state(&self, task: TaskRef) -> Option<activity::State> {
        let live = self.runs.get(&task.run_id)?;
        live.state
            .activities
            .get(&task.scheduled_event_id)
            .map(|pending| pending.state)
    }

    /// Takes an attempt's end in. Only an attempt that a worker holds can end, and only once:
    /// whatever is late, repeated or made up changes nothing.
    pub(super) fn attempt_ended(
        &mut self,
        task: TaskRef,
        result: Option<Result<Payload, Failure>>,
        now: Timestamp,
    ) {
        let is_held = self.running(task).map(|running| running.is_held);
        if is_held == Some(true) {
            // Its worker has said before that the result comes from elsewhere.
            return;
        }
        self.out.remove(&task);
        self.permits.release(task);
        if is_held.is_none() {
            tracing::debug!(run_id = %task.run_id, event = task.scheduled_event_id.0,
                attempt = task.attempt, "late activity result dropped");
            return;
        }
        let unsaved = self.forget_running(task);
        let breaker = self.breaker_of(task);
        let Some(result) = result else {
            if let Some(details) = unsaved {
                self.save_heartbeat(task, details, now);
            }
            self.tell_breaker(&breaker, Verdict::Silent, now);
            match self.activity_state(task) {
                Some(activity::State::CancelRequested) => self.cancel_unless_running(task, now),
                Some(_) | None => {
                    self.due.insert((now.after(LOST_PAUSE), Due::Attempt(task)));
                }
            }
            return;
        };
        if let (Err(failure), Some(details)) = (&result, unsaved)
            && failure.retry == Retry::Retryable
        {
            self.save_heartbeat(task, details, now);
        }
        if result.is_ok() {
            self.time_activity(task, now);
        }
        let verdict = self.verdict(task, &result);
        self.tell_breaker(&breaker, verdict, now);
        let input = Input::ActivityResult {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            result,
        };
        if let Err(rejection) = self.feed(task.run_id, input, now) {
            tracing::debug!(run_id = %task.run_id, event = task.scheduled_event_id.0, %rejection,
                "activity result dropped");
        }
    }

    pub(super) fn time_activity(&self, task: TaskRef, now: Timestamp) {
        let pending = self
            .runs
            .get(&task.run_id)
            .and_then(|live| live.state.activities.get(&task.scheduled_event_id));
        if let Some(pending) = pending {
            let series = self.metrics.activity(&pending.activity_type);
            series
                .endtoend
                .observe_millis(now.since(pending.scheduled_at));
        }
    }

    /// Forgets an attempt that had begun; gives heartbeat details that are not stored yet. What a
    /// worker's attempt holds it gives back when it has really stopped, one that is held does so now.
    pub(super) fn forget_running(&mut self, task: TaskRef) -> Option<Payload> {
        let live = self.runs.get_mut(&task.run_id)?;
        let running = live.running.remove(&task.scheduled_event_id)?;
        self.forget_dues(task, &running);
        if running.is_held {
            self.permits.release(task);
        }
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
        // A clock that went backwards must not keep details from being saved.
        if now < running.saved_at || now.since(running.saved_at) >= HEARTBEAT_SAVE_INTERVAL {
            running.saved_at = now;
            running.unsaved = None;
            self.save_heartbeat(task, details, now);
        } else {
            running.unsaved = Some(details);
        }
    }

    pub(super) fn save_heartbeat(&mut self, task: TaskRef, details: Payload, now: Timestamp) {
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
        if let Some(running) = live.running.get(&scheduled_event_id) {
            // One that is held hears of it at its next heartbeat.
            if !running.is_held {
                self.group.effects.push(Effect::CancelAttempt(task));
            }
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
