//! What really happened outside the engine: who was handed out, who said what, who was answered.
//!
//! Neighbours: `world` writes it, `check` compares histories with it. It survives crashes, as the
//! outside does.

use std::collections::{BTreeMap, BTreeSet};

use engine::core::{ActivityTask, TaskRef};
use kernel::{EventId, Payload, RunId};

/// What a caller was told of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Refused,
    Accepted,
    Completed,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Attempts that said how they ended.
    reported: BTreeSet<TaskRef>,
    /// The last details that each attempt gave, since it was handed out last.
    beats: BTreeMap<TaskRef, Option<Payload>>,
    /// Results given with a token that were acknowledged, by activity.
    results: BTreeSet<(RunId, EventId, u32)>,
    /// Signals that were acknowledged.
    signals: BTreeSet<u64>,
    /// Updates, and the last that was said of them.
    updates: BTreeMap<u64, Told>,
    /// Updates that were asked more than once.
    repeated: BTreeSet<u64>,
}

impl Ledger {
    pub(crate) fn report(&mut self, task: TaskRef) {
        self.reported.insert(task);
    }

    pub(crate) fn has_reported(&self, task: TaskRef) -> bool {
        self.reported.contains(&task)
    }

    pub(crate) fn beat(&mut self, task: TaskRef, details: Payload) {
        self.beats.insert(task, Some(details));
    }

    /// What the next attempt reads is not known any more.
    pub(crate) fn forget_beat(&mut self, task: TaskRef) {
        self.beats.insert(task, None);
    }

    /// A result that was given with a token was taken. An activity takes one.
    pub(crate) fn acknowledge_result(&mut self, task: TaskRef) -> Result<(), String> {
        let (run_id, activity) = (task.run_id, task.scheduled_event_id);
        let before = self
            .results
            .range((run_id, activity, 0)..=(run_id, activity, u32::MAX));
        if before.count() > 0 {
            return Err(format!(
                "activity {activity} of run {run_id} took two results"
            ));
        }
        self.results.insert((run_id, activity, task.attempt));
        Ok(())
    }

    pub(crate) fn results(&self) -> impl Iterator<Item = TaskRef> {
        let task = |(run_id, scheduled_event_id, attempt): &(RunId, EventId, u32)| TaskRef {
            run_id: *run_id,
            scheduled_event_id: *scheduled_event_id,
            attempt: *attempt,
        };
        self.results.iter().map(task)
    }

    /// An attempt is handed out: what the attempt before said last must be in its hands. One that
    /// is handed out again may read its own words instead.
    pub(crate) fn hand_out(&mut self, task: &ActivityTask) -> Result<(), String> {
        let again = self.beats.insert(task.task, None).is_some();
        let before = TaskRef {
            attempt: task.task.attempt - 1,
            ..task.task
        };
        if !again
            && let Some(Some(details)) = self.beats.get(&before)
            && task.heartbeat.as_ref() != Some(details)
        {
            return Err(format!(
                "attempt {:?} should read {details:?} and reads {:?}",
                task.task, task.heartbeat
            ));
        }
        Ok(())
    }

    pub(crate) fn ask_update_again(&mut self, n: u64) {
        self.repeated.insert(n);
        if self.updates.get(&n) == Some(&Told::Refused) {
            self.updates.remove(&n);
        }
    }

    pub(crate) fn tell_of_update(&mut self, n: u64, told: Told) {
        // One that was asked again may have been refused by one run and taken on by the next.
        let told = match told {
            Told::Refused if self.repeated.contains(&n) => return,
            Told::Refused | Told::Accepted | Told::Completed => told,
        };
        let known = self.updates.entry(n).or_insert(told);
        *known = told.max(*known);
    }

    pub(crate) fn updates(&self) -> impl Iterator<Item = (u64, Told)> {
        self.updates.iter().map(|(n, told)| (*n, *told))
    }

    pub(crate) fn acknowledge_signal(&mut self, n: u64) {
        self.signals.insert(n);
    }

    pub(crate) fn signals(&self) -> impl Iterator<Item = u64> {
        self.signals.iter().copied()
    }
}
