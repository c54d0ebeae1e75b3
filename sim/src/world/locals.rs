//! Local activities: attempts beside the engine that end, fail, are lost, or are told to stop.
//!
//! Neighbours: the world lets them. What a history has recorded must never be run again.

use engine::core::{LocalTask, Message};
use kernel::{EventKind, Failure, Marker, Payload};
use state::store::Store;

use super::World;
use crate::report::Plant;
use crate::script::Act;

impl World {
    pub(super) fn begin_locals(&mut self) -> Result<(), String> {
        for number in self.core.take_local_stops() {
            self.locals.retain(|task| task.number != number);
        }
        let mut tasks = self.core.poll_local(self.now);
        if self.plant == Plant::LocalAgain {
            tasks.append(&mut self.ended_locals);
        }
        for task in tasks {
            self.is_not_recorded(&task)?;
            self.report.locals += 1;
            self.locals.push(task);
        }
        Ok(())
    }

    fn is_not_recorded(&self, task: &LocalTask) -> Result<(), String> {
        let history = self
            .store
            .load_history(task.run_id, kernel::EventId(0), usize::MAX);
        for event in history.map_err(|e| e.to_string())? {
            if let EventKind::MarkerRecorded {
                marker: Marker::LocalActivity { seq, .. },
            } = event.kind
                && seq == task.seq
            {
                return Err(format!("{task:?} is recorded and run again"));
            }
        }
        Ok(())
    }

    pub(super) fn end_a_local(&mut self) -> Result<(), String> {
        if self.locals.is_empty() {
            return Ok(());
        }
        let index = self.rng.index(self.locals.len());
        let task = self.locals.swap_remove(index);
        let act: Act = task.input.decode().map_err(|e| e.to_string())?;
        let result = if self.rng.chance(3) {
            None
        } else if task.attempt <= act.failures {
            Some(Err(Failure::retryable("Flaky", "not yet")))
        } else {
            Some(Payload::json(&act.value).map_err(Failure::from))
        };
        let number = task.number;
        if self.plant == Plant::LocalAgain {
            self.ended_locals.push(task);
        }
        let ended = Message::LocalActivityEnded { number, result };
        if self.rng.chance(8) {
            self.report.repeated += 1;
            self.tell(ended.clone())?;
        }
        self.tell(ended)
    }
}
