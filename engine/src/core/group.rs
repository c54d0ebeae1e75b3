//! The group under way: transitions, rows and effects that become durable together.

use std::collections::HashMap;

use kernel::{RunId, Transition};
use state::store::Row;

use super::message::Effect;

pub(super) struct GroupEntry {
    pub(super) run_id: RunId,
    pub(super) number: u64,
    pub(super) transition: Transition,
}

#[derive(Default)]
pub(super) struct Group {
    pub(super) entries: Vec<GroupEntry>,
    /// Where the last entry of each run stands.
    last: HashMap<RunId, usize>,
    pub(super) rows: Vec<Row>,
    /// Runs whose whole history came from elsewhere.
    pub(super) imported: Vec<RunId>,
    pub(super) effects: Vec<Effect>,
}

/// What became of a transition that was put into the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is a record of its own.
    Own,
    /// Its events went on to the run's last record.
    Merged,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rows.is_empty() && self.effects.is_empty()
    }

    pub(super) fn holds(&self, run_id: RunId) -> bool {
        self.last.contains_key(&run_id)
    }

    /// Adds a transition with the number that its run gives it.
    ///
    /// Events may be put on to the run's last record of this group, which saves a write. Notes may
    /// not move: a record is folded events first, so a note must not come before a later event.
    pub(super) fn put(&mut self, run_id: RunId, number: u64, transition: Transition) -> Put {
        if let Some(entry) = self
            .last
            .get(&run_id)
            .and_then(|at| self.entries.get_mut(*at))
            && entry.transition.notes.is_empty()
            && transition.notes.is_empty()
        {
            entry.transition.events.extend(transition.events);
            return Put::Merged;
        }
        self.last.insert(run_id, self.entries.len());
        self.entries.push(GroupEntry {
            run_id,
            number,
            transition,
        });
        Put::Own
    }

    /// Runs with a transition in this group, in order of their first one.
    pub(super) fn runs(&self) -> Vec<RunId> {
        let mut runs: Vec<RunId> = Vec::with_capacity(self.last.len());
        for (index, entry) in self.entries.iter().enumerate() {
            if self.last.get(&entry.run_id) == Some(&index) {
                runs.push(entry.run_id);
            }
        }
        runs
    }
}
