//! What is due when: timers, retries, timeouts. Derived from the runs' states, never stored.

use kernel::{EventId, Input, RunId, Seq, TimeoutType, Timestamp};

use super::Core;
use super::children::Internal;
use super::message::{Effect, TaskRef};
use super::tasks::Verdict;

/// Something that becomes due. The order has no meaning; it only has to be total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Timer(RunId, EventId),
    Attempt(TaskRef),
    Timeout(TaskRef, DueTimeout),
    WorkflowTask(RunId),
    /// The run, or the chain it belongs to, is out of time.
    WorkflowTimeout(RunId),
    /// A run that left the memory has something to do again.
    Wake(RunId),
    /// An attempt of a local activity is out of time, or the next is due.
    Local(RunId, Seq),
    /// A turn was open for long enough.
    Hold(RunId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DueTimeout {
    ScheduleToStart,
    StartToClose,
    ScheduleToClose,
    Heartbeat,
}

impl Core {
    /// Carries out everything that is due at `now`. Gives the number of things that were.
    pub fn fire_due(&mut self, now: Timestamp) -> usize {
        self.now = now;
        let mut fired = 0;
        while let Some((at, due)) = self.due.first().copied() {
            if at > now {
                break;
            }
            self.due.remove(&(at, due));
            self.fire(due, now);
            fired += 1;
        }
        fired + self.schedules.wake(now)
    }

    fn fire(&mut self, due: Due, now: Timestamp) {
        match due {
            Due::Timer(run_id, started_event_id) => {
                // A rejection means that the timer is gone.
                let _gone = self.feed(run_id, Input::TimerDue { started_event_id }, now);
            }
            Due::Attempt(task) => self.ready.push_back(task),
            Due::WorkflowTask(run_id) => self.mark_dirty(run_id),
            Due::Local(run_id, seq) => self.fire_local(run_id, seq, now),
            Due::Hold(run_id) => self.close_turn(run_id, now),
            Due::Wake(run_id) => self.internal.push_back(Internal::Wake(run_id)),
            Due::WorkflowTimeout(run_id) => {
                let retries = self
                    .runs
                    .get(&run_id)
                    .is_some_and(|live| live.state.options.retry.is_some());
                let successor = retries.then(|| (self.options.run_ids)());
                // A rejection means that it has closed.
                let _gone = self.feed(run_id, Input::WorkflowTimeout { successor }, now);
            }
            Due::Timeout(task, DueTimeout::Heartbeat) => self.fire_heartbeat(task, now),
            Due::Timeout(task, DueTimeout::StartToClose) => {
                self.fire_timeout(task, TimeoutType::StartToClose, now);
            }
            Due::Timeout(task, DueTimeout::ScheduleToStart) => {
                let running = self
                    .runs
                    .get(&task.run_id)
                    .is_some_and(|live| live.running.contains_key(&task.scheduled_event_id));
                if !running {
                    self.fire_timeout(task, TimeoutType::ScheduleToStart, now);
                }
            }
            Due::Timeout(task, DueTimeout::ScheduleToClose) => {
                let attempt = self
                    .runs
                    .get(&task.run_id)
                    .and_then(|live| live.state.activities.get(&task.scheduled_event_id))
                    .map_or(task.attempt, |pending| pending.attempt);
                let task = TaskRef { attempt, ..task };
                self.fire_timeout(task, TimeoutType::ScheduleToClose, now);
            }
        }
    }

    /// A heartbeat that came meanwhile moved the time.
    fn fire_heartbeat(&mut self, task: TaskRef, now: Timestamp) {
        let Some(live) = self.runs.get_mut(&task.run_id) else {
            return;
        };
        let timeout = live
            .state
            .activities
            .get(&task.scheduled_event_id)
            .and_then(|pending| pending.options.heartbeat);
        let (Some(timeout), Some(running)) =
            (timeout, live.running.get_mut(&task.scheduled_event_id))
        else {
            return;
        };
        if running.attempt != task.attempt {
            return;
        }
        let at = running.last_heartbeat.after(timeout);
        if at > now {
            running.heartbeat_at = Some(at);
            self.due
                .insert((at, Due::Timeout(task, DueTimeout::Heartbeat)));
        } else {
            self.fire_timeout(task, TimeoutType::Heartbeat, now);
        }
    }

    /// The worker's attempt is told to stop; its result, if it still comes, is stale.
    fn fire_timeout(&mut self, task: TaskRef, timeout: TimeoutType, now: Timestamp) {
        let running = self
            .runs
            .get_mut(&task.run_id)
            .and_then(|live| live.running.get_mut(&task.scheduled_event_id))
            .filter(|running| running.attempt == task.attempt);
        let is_held = running.as_ref().map(|running| running.is_held);
        if let Some(details) = running.and_then(|running| running.unsaved.take()) {
            // What the attempt reported last is for the next one to read.
            self.save_heartbeat(task, details, now);
        }
        let breaker = self.breaker_of(task);
        let input = Input::ActivityTimeout {
            scheduled_event_id: task.scheduled_event_id,
            attempt: task.attempt,
            timeout,
        };
        if self.feed(task.run_id, input, now).is_err() {
            return;
        }
        if is_held == Some(false) {
            // An activity that waited only says nothing about its dependency, and of one that is
            // held the dependency has answered.
            self.tell_breaker(&breaker, Verdict::Failed, now);
            self.group.effects.push(Effect::CancelAttempt(task));
        }
        if is_held.is_some() {
            self.forget_running(task);
        }
    }
}
