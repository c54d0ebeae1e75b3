//! Attempts that somebody elsewhere completes: their function has returned, their token is out.
//!
//! Such an attempt uses no slot, because no worker is at it. It goes on holding its permits (those of
//! its type and of its semaphore): they bound the work that is under way, and it is. Its timeouts go
//! on counting. Neighbours: `worker` says that a function returned so, `handle` brings the words of
//! those who have the token, `plan` takes such attempts up again after a restart.

use kernel::{EventId, Failure, Input, Payload, Retry, RunId, TaskToken, Timestamp, TokenRefusal};
use state::store::Error as StoreError;

use super::Core;
use super::due::{Due, DueTimeout};
use super::live::Running;
use super::message::{Effect, Reply, TaskRef, TokenWord};
use super::tasks::Verdict;

impl From<&TaskToken> for TaskRef {
    fn from(token: &TaskToken) -> Self {
        Self {
            run_id: token.run_id,
            scheduled_event_id: token.scheduled_event_id,
            attempt: token.attempt,
        }
    }
}

impl Core {
    /// The function of an attempt returned without a result, which comes from elsewhere. Whoever has
    /// the token may have been faster: then this changes nothing.
    pub(super) fn attempt_held(&mut self, task: TaskRef, now: Timestamp) {
        let Some(running) = self.running(task) else {
            self.out.remove(&task);
            self.permits.release(task);
            return;
        };
        if running.is_held {
            return;
        }
        let started_at = running.started_at;
        self.out.remove(&task);
        if let Some(details) = self.take_unsaved(task) {
            // No worker makes this attempt again after a crash, so nobody would say them again.
            self.save_heartbeat(task, details, now);
        }
        // The function got through to whoever does the work; how they fare is not known here.
        let breaker = self.breaker_of(task);
        self.tell_breaker(&breaker, Verdict::Answered, now);
        let input = Input::ActivityHeld {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            started_at,
        };
        if let Err(rejection) = self.feed(task.run_id, input, now) {
            tracing::debug!(run_id = %task.run_id, event = task.scheduled_event_id.0, %rejection,
                "a pending attempt dropped");
            self.forget_running(task);
            self.permits.release(task);
        }
    }

    /// Of an attempt that is held, after the fold or after a restart: its timeouts count from its
    /// start. Only the wait for a heartbeat begins anew after a restart, because nobody could be
    /// heard before it.
    pub(super) fn plan_held(&mut self, run_id: RunId, scheduled_event_id: EventId, now: Timestamp) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let Some(pending) = live.state.activities.get(&scheduled_event_id) else {
            return;
        };
        let Some(held) = pending.held else { return };
        let task = TaskRef {
            run_id,
            scheduled_event_id,
            attempt: pending.attempt,
        };
        if let Some(running) = live.running.get_mut(&scheduled_event_id) {
            running.is_held = true;
            return;
        }
        self.permits.take_again(task, pending);
        let start_to_close_at = held.started_at.after(pending.options.start_to_close);
        let heartbeat_at = pending.options.heartbeat.map(|timeout| now.after(timeout));
        let running = Running {
            attempt: task.attempt,
            started_at: held.started_at,
            last_heartbeat: now,
            start_to_close_at,
            heartbeat_at,
            unsaved: None,
            saved_at: now,
            is_held: true,
        };
        live.running.insert(scheduled_event_id, running);
        let due = Due::Timeout(task, DueTimeout::StartToClose);
        self.due.insert((start_to_close_at, due));
        if let Some(at) = heartbeat_at {
            self.due
                .insert((at, Due::Timeout(task, DueTimeout::Heartbeat)));
        }
    }

    /// What somebody who has a token says of its attempt.
    pub(super) fn by_token(
        &mut self,
        token: &TaskToken,
        word: TokenWord,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        if let Err(refusal) = self.check_token(token, now)? {
            return Ok(Reply::TokenRefused(refusal));
        }
        let task = TaskRef::from(token);
        Ok(match word {
            TokenWord::Heartbeat(details) => self.beat_by_token(task, details, now),
            TokenWord::Complete(result) => self.end_by_token(task, Ok(result), now),
            TokenWord::Fail(failure) => self.end_by_token(task, Err(failure), now),
        })
    }

    /// Takes the token's run up, if it is open and nobody works on it yet.
    fn check_token(
        &mut self,
        token: &TaskToken,
        now: Timestamp,
    ) -> Result<Result<(), TokenRefusal>, StoreError> {
        let run_id = token.run_id;
        if !self.runs.contains_key(&run_id) {
            match self.store.load_run(run_id)? {
                Some(state) if state.is_closed() => return Ok(state.of_token(token).map(drop)),
                Some(_) => self.adopt(run_id, now)?,
                None => return Ok(Err(TokenRefusal::UnknownRun(run_id))),
            }
        }
        // A turn that is open may have given the activity up.
        self.close_turn(run_id, now);
        Ok(match self.runs.get(&run_id) {
            Some(live) => live.state.of_token(token).map(drop),
            None => Err(TokenRefusal::UnknownRun(run_id)),
        })
    }

    fn beat_by_token(&mut self, task: TaskRef, details: Option<Payload>, now: Timestamp) -> Reply {
        if self.running(task).is_some() {
            self.heartbeat(task, details, now);
        } else if let Some(details) = details {
            // A crash came between the token and the end of the function.
            self.save_heartbeat(task, details, now);
        }
        let live = self.runs.get(&task.run_id);
        let state = live.map(|live| &live.state);
        let pending = state.and_then(|state| state.activities.get(&task.scheduled_event_id));
        let of_activity = pending.is_some_and(|pending| pending.state.is_cancel_requested());
        Reply::TokenHeard {
            is_cancel_requested: of_activity,
        }
    }

    /// A worker that is at the attempt still is told to stop; what it says is stale.
    fn end_by_token(
        &mut self,
        task: TaskRef,
        result: Result<Payload, Failure>,
        now: Timestamp,
    ) -> Reply {
        if let Err(failure) = &result
            && failure.retry == Retry::Retryable
            && let Some(details) = self.take_unsaved(task)
        {
            self.save_heartbeat(task, details, now);
        }
        if result.is_ok() {
            self.time_activity(task, now);
        }
        let breaker = self.breaker_of(task);
        let input = Input::ActivityResult {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            result,
        };
        match self.feed(task.run_id, input, now) {
            Ok(()) => {
                self.end_running(task, &breaker, now);
                Reply::Done
            }
            Err(rejection) => Reply::Rejected(rejection),
        }
    }

    /// Somebody else has ended an attempt: if a worker is at it, it is told to stop; if it is held,
    /// its permits are free.
    pub(super) fn end_running(&mut self, task: TaskRef, breaker: &str, now: Timestamp) {
        let Some(is_held) = self.running(task).map(|running| running.is_held) else {
            return;
        };
        self.forget_running(task);
        if !is_held {
            self.tell_breaker(breaker, Verdict::Silent, now);
            self.group.effects.push(Effect::CancelAttempt(task));
        }
    }

    pub(super) fn running(&self, task: TaskRef) -> Option<&Running> {
        let live = self.runs.get(&task.run_id)?;
        let running = live.running.get(&task.scheduled_event_id)?;
        (running.attempt == task.attempt).then_some(running)
    }

    fn take_unsaved(&mut self, task: TaskRef) -> Option<Payload> {
        let live = self.runs.get_mut(&task.run_id)?;
        let running = live.running.get_mut(&task.scheduled_event_id)?;
        running.unsaved.take()
    }
}
