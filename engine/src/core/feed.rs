//! The heart: one input into one run, folded at once, written with the group under way.
//!
//! Neighbours: `plan` says what a transition makes due, `turn` gives the code its turns, `commit`
//! makes the group durable.

use kernel::primitives::workflow_task;
use kernel::{Input, Rejection, RunId, Timestamp, Transition, decide};

use super::Core;
use super::children::Internal;
use super::group::Put;
use super::message::{Effect, Reply, TaskRef};

impl Core {
    /// Decides one input of one run, folds it, and plans what follows from it.
    pub(super) fn feed(
        &mut self,
        run_id: RunId,
        input: Input,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        // Replay hands the code everything before the end of a turn as seen.
        self.close_turn(run_id, now);
        let Some(live) = self.runs.get(&run_id) else {
            return Err(Rejection::Closed);
        };
        let transition = decide(&live.state, input, now)?;
        self.record(run_id, transition, now);
        Ok(())
    }

    /// Folds a decided transition, puts it into the group, and plans what follows.
    fn record(&mut self, run_id: RunId, transition: Transition, now: Timestamp) {
        if transition.is_empty() {
            return;
        }
        self.unplan(run_id, &transition);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let number = live.state.transitions;
        let news = live
            .state
            .apply(&transition)
            .expect("decide gives only transitions that fit the state it was given");
        if live.machine.is_some() {
            // A cold machine will find its news in the history.
            live.unseen.extend(news);
        }
        let closed = live.state.is_closed();
        let owed = live.state.workflow_task == workflow_task::State::Pending;
        let follow = transition.clone();
        if self.group.put(run_id, number, transition) == Put::Merged
            && let Some(live) = self.runs.get_mut(&run_id)
        {
            live.state.transitions = number;
        }
        self.plan(run_id, &follow, now);
        for event in &follow.events {
            self.tell_of_update(run_id, &event.kind);
        }
        if closed {
            self.close_run(run_id);
            if let Some(last) = follow.events.last() {
                self.begin_successor(run_id, &last.kind, now);
            }
        } else if owed {
            self.mark_dirty(run_id);
        }
    }

    /// Attempts of a closed run are told to stop; those who wait for the run are told.
    fn close_run(&mut self, run_id: RunId) {
        self.cool_machine(run_id);
        self.end_updates(run_id);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let running = std::mem::take(&mut live.running);
        for (scheduled_event_id, running) in running {
            let task = TaskRef {
                run_id,
                scheduled_event_id,
                attempt: running.attempt,
            };
            self.forget_dues(task, &running);
            if running.is_held {
                self.permits.release(task);
            } else {
                self.group.effects.push(Effect::CancelAttempt(task));
            }
        }
        self.internal.push_back(Internal::RunClosed(run_id));
        self.schedules.run_closed(run_id);
        for token in self.waiters.remove(&run_id).unwrap_or_default() {
            self.group
                .effects
                .push(Effect::Reply(token, Reply::Closed(run_id)));
        }
        self.group.effects.push(Effect::RunClosed(run_id));
    }

    pub(super) fn mark_dirty(&mut self, run_id: RunId) {
        if let Some(live) = self.runs.get_mut(&run_id)
            && !live.dirty
            && !live.state.is_closed()
        {
            live.dirty = true;
            self.dirty.push_back(run_id);
        }
    }
}
