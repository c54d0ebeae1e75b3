//! The process dies, and another takes its place; now and then the dead one goes on.

use engine::core::Message;
use kernel::{Failure, WorkflowId};
use state::store::Store;

use super::{World, open};
use crate::check;
use crate::report::Plant;

impl World {
    /// The process dies. What was durable must still be there, and be the start of what is there.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        self.store.crash();
        self.forget_unsaved_beats()?;
        self.tasks.clear();
        self.locals.clear();
        self.hanging.clear();
        self.stopping.clear();
        self.guarded.clear();
        self.out.clear();
        self.begun.clear();
        self.tokens.clear();
        for wanted in &mut self.wanted {
            // A client that got no answer asks again.
            wanted.cancel_sent = false;
        }
        let histories = check::histories(&self.store)?;
        state::conformance::check_index(&self.store)?;
        check::grew(&self.durable, &histories)?;
        self.compare_with_the_outside(&histories)?;
        for wanted in self.wanted.iter().filter(|w| w.acknowledged) {
            let found = self.store.latest_run(&WorkflowId::new(wanted.id.clone()));
            if found.map_err(|e| e.to_string())?.is_none() {
                return Err(format!("run {} was acknowledged and is gone", wanted.id));
            }
        }
        self.durable = histories;
        let taken_for_dead = std::mem::replace(
            &mut self.core,
            open(
                &self.store,
                self.plant,
                &self.run_ids,
                &self.outside,
                (self.machines_max, self.limit),
                self.now,
            )?,
        );
        if self.plant == Plant::StaleLease {
            self.undead = Some(taken_for_dead);
        }
        Ok(())
    }

    /// The process that was taken for dead does a round of its own.
    pub(super) fn the_undead_writes(&mut self) -> Result<(), String> {
        let Some(core) = &mut self.undead else {
            return Ok(());
        };
        core.fire_due(self.now);
        let turns = core.run_workflow_tasks(self.now);
        let committed = turns.and_then(|()| core.commit());
        let _told_nobody = committed.map_err(|e| format!("could not {e}"))?;
        for task in core.poll_tasks(self.now) {
            let result = Some(Err(Failure::retryable("Undead", "of another life")));
            core.handle(
                Message::AttemptEnded {
                    task: task.task,
                    result,
                },
                None,
                self.now,
            )
            .map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}
