//! The commit: one group becomes durable, then its effects may be carried out.
//!
//! Neighbours: the group is filled by `feed` and `handle`; the store alone makes it durable.

use state::store::{Commit, Error as StoreError, RunTransition};

use super::Core;
use super::group::Group;
use super::message::Effect;

impl Core {
    /// Makes everything since the last commit durable and gives what has to be carried out now, with
    /// the answers to queries. For code that is known to come back.
    ///
    /// # Errors
    /// Those of [`commit_group`](Self::commit_group).
    pub fn commit(&mut self) -> Result<Vec<Effect>, StoreError> {
        let mut effects = self.commit_group()?;
        while let Some(question) = self.next_question()? {
            effects.push(self.end_question(question.ask()));
        }
        Ok(effects)
    }

    /// Makes everything since the last commit durable and gives what has to be carried out now.
    /// Queries are for the caller: [`next_question`](Self::next_question).
    ///
    /// **Durability**: before this returns, nobody was told anything of the group; after it, all
    /// of it survives.
    ///
    /// # Errors
    /// When the store fails. The core must then be dropped and opened anew: nobody was told
    /// anything, so nothing is lost that was promised.
    pub fn commit_group(&mut self) -> Result<Vec<Effect>, StoreError> {
        let runs = self.group.runs();
        if !runs.is_empty() || !self.group.rows.is_empty() {
            let n_transitions = u64::try_from(self.group.entries.len()).unwrap_or(u64::MAX);
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
                imported: std::mem::take(&mut self.group.imported),
            };
            self.metrics.group_transitions.observe(n_transitions);
            let began = self.metrics.stopwatch();
            let committed = self.store.commit(&commit);
            began.stop(&self.metrics.commit);
            match committed {
                Ok(receipt) => self.metrics.group_bytes.observe(receipt.bytes),
                Err(error) => {
                    self.metrics.commit_failed.add(1);
                    return Err(error);
                }
            }
        }
        let group = std::mem::take(&mut self.group);
        self.count_begun(&group);
        for run_id in runs {
            self.may_doze(run_id);
            if let Some(live) = self.runs.get(&run_id)
                && live.state.is_closed()
            {
                let series = self.metrics.workflow(&live.state.workflow_type);
                series.closed(&live.state);
                self.drop_run(run_id);
            }
        }
        for run_id in std::mem::take(&mut self.parked) {
            self.mark_dirty(run_id);
        }
        let mut effects = group.effects;
        effects.extend(self.tell_outcomes()?);
        self.schedules.committed();
        self.cool_machines();
        self.doze();
        self.show();
        Ok(effects)
    }

    fn count_begun(&self, group: &Group) {
        for entry in group.entries.iter().filter(|entry| entry.number == 0) {
            if let Some(live) = self.runs.get(&entry.run_id) {
                let series = self.metrics.workflow(&live.state.workflow_type);
                series.started.add(1);
            }
        }
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
