//! The commit: one group becomes durable, then its effects may be carried out.
//!
//! Neighbours: the group is filled by `feed` and `handle`; the store alone makes it durable.

use state::store::{Commit, Error as StoreError, RunTransition};

use super::Core;
use super::message::Effect;

impl Core {
    /// Makes everything since the last commit durable and gives what has to be carried out now.
    ///
    /// **Durability**: before this returns, nobody was told anything of the group; after it, all
    /// of it survives.
    ///
    /// # Errors
    /// When the store fails. The core must then be dropped and opened anew: nobody was told
    /// anything, so nothing is lost that was promised.
    pub fn commit(&mut self) -> Result<Vec<Effect>, StoreError> {
        let runs = self.group.runs();
        if !runs.is_empty() || !self.group.rows.is_empty() {
            let transitions = self.group.entries.iter().map(|entry| RunTransition {
                run_id: entry.run_id,
                number: entry.number,
                transition: &entry.transition,
            });
            let states = runs
                .iter()
                .filter_map(|id| self.runs.get(id))
                .map(|live| &live.state);
            let commit = Commit {
                transitions: transitions.collect(),
                states: states.collect(),
                rows: std::mem::take(&mut self.group.rows),
            };
            self.store.commit(&commit)?;
        }
        let group = std::mem::take(&mut self.group);
        for run_id in runs {
            self.may_doze(run_id);
            if self
                .runs
                .get(&run_id)
                .is_some_and(|live| live.state.is_closed())
            {
                self.drop_run(run_id);
            }
        }
        for run_id in std::mem::take(&mut self.parked) {
            self.mark_dirty(run_id);
        }
        let mut effects = group.effects;
        effects.extend(self.answer_later()?);
        self.schedules.committed();
        self.cool_machines();
        self.doze();
        Ok(effects)
    }

    /// Forgets a closed run. Its id may belong to a newer run by now.
    fn drop_run(&mut self, run_id: kernel::RunId) {
        if let Some(live) = self.runs.remove(&run_id)
            && self.by_id.get(&live.state.workflow_id) == Some(&run_id)
        {
            self.by_id.remove(&live.state.workflow_id);
        }
    }
}
