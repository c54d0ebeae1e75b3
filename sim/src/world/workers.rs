//! What workers do: they end their attempts, beat, stop when they are told to, and vanish.
//!
//! Neighbours: the world hands attempts out, the ledger keeps what workers said.

use engine::core::Message;
use kernel::{Failure, Payload};

use super::World;
use crate::script::Act;

impl World {
    /// Workers that were told to stop say so, sooner or later.
    pub(super) fn workers_stop(&mut self) -> Result<(), String> {
        for task in std::mem::take(&mut self.stopping) {
            if self.rng.chance(70) {
                self.ledger.report(task);
                let result = Some(Err(Failure::canceled("told to stop")));
                self.tell(Message::AttemptEnded { task, result })?;
            } else {
                self.stopping.push(task);
            }
        }
        Ok(())
    }

    pub(super) fn beat(&mut self) -> Result<(), String> {
        if self.tasks.is_empty() {
            return Ok(());
        }
        let index = self.rng.index(self.tasks.len());
        let task = self.tasks[index].task;
        let details = Payload::json(&self.rng.below(100)).map_err(|e| e.to_string())?;
        if self.may_be_over(task) {
            self.ledger.forget_beat(task);
        } else {
            self.ledger.beat(task, details.clone());
        }
        let details = Some(details);
        self.tell(Message::Heartbeat { task, details })
    }

    pub(super) fn end_an_attempt(&mut self) -> Result<(), String> {
        if self.tasks.is_empty() {
            return Ok(());
        }
        let index = self.rng.index(self.tasks.len());
        let task = self.tasks.swap_remove(index);
        let act: Act = task.input.decode().map_err(|e| e.to_string())?;
        if self.rng.chance(3) {
            // The worker vanishes without a word.
            return self.tell(Message::AttemptEnded {
                task: task.task,
                result: None,
            });
        }
        if act.elsewhere && self.rng.chance(80) {
            return self.hold(task.task);
        }
        let result = if act.guarded && self.now < self.outage_until {
            Err(Failure::retryable("Down", "the dependency is away"))
        } else if act.permanent {
            Err(Failure::permanent("Broken", "it is meant to fail"))
        } else if task.task.attempt <= act.failures {
            Err(Failure::retryable("Flaky", "not yet"))
        } else {
            Payload::json(&act.value).map_err(Failure::from)
        };
        self.ledger.report(task.task);
        let ended = Message::AttemptEnded {
            task: task.task,
            result: Some(result),
        };
        if self.rng.chance(8) {
            self.report.repeated += 1;
            self.tell(ended.clone())?;
        }
        self.tell(ended)
    }
}
