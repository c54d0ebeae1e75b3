//! Turns of workflow code, and the machines that are kept warm between them.
//!
//! Neighbours: `feed` marks the runs that are owed a turn. A machine that is not warm is replayed
//! from the store, so it may be thrown away at any time after a commit.

use kernel::primitives::workflow_task;
use kernel::{Command, EventId, Failure, Input, News, Rejection, RunId, Timestamp, replay};
use state::store::Error as StoreError;

use super::Core;
use super::due::Due;

/// Events read from the store at a time.
const HISTORY_PAGE: usize = 4_096;
/// Turns between two commits at most, so that one run that never rests cannot hold up the others.
const TURNS_MAX: usize = 1_000;

impl Core {
    /// Gives runs that are owed a turn their turns, and carries messages between runs, until
    /// nothing is left to do or it is time for a commit: call it again when the core is not
    /// [settled](Self::is_settled).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_workflow_tasks(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut turns = 0;
        loop {
            // Messages between runs first: they belong into the group of what caused them.
            if let Some(internal) = self.internal.pop_front() {
                self.carry(internal, now)?;
                continue;
            }
            if turns == TURNS_MAX {
                self.carry_schedules(now)?;
                return Ok(());
            }
            turns += 1;
            let Some(run_id) = self.dirty.pop_front() else {
                // Schedules last: a run that was to close before a fire is not in its way.
                if self.carry_schedules(now)? {
                    continue;
                }
                return Ok(());
            };
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.dirty = false;
            }
            self.turn(run_id, now)?;
        }
    }

    /// One turn of one run's code.
    fn turn(&mut self, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(());
        };
        match live.state.workflow_task {
            workflow_task::State::Idle => return Ok(()),
            workflow_task::State::Pending => {}
            workflow_task::State::BackingOff => {
                let next = live
                    .state
                    .workflow_task_failure
                    .as_ref()
                    .map(|f| f.next_attempt_at);
                if let Some(at) = next.filter(|at| *at > now) {
                    self.due.insert((at, Due::WorkflowTask(run_id)));
                    return Ok(());
                }
            }
        }
        if live.machine.is_none() {
            if self.group.holds(run_id) {
                // Part of the history is not in the store yet: the turn comes after the commit.
                self.parked.push(run_id);
                return Ok(());
            }
            if let Err(failure) = self.warm(run_id)? {
                self.fail_turn(run_id, failure, now);
                return Ok(());
            }
        }
        self.touch_machine(run_id);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(());
        };
        let news: Vec<News> = std::mem::take(&mut live.unseen);
        let Some(machine) = live.machine.as_mut() else {
            return Ok(());
        };
        match machine.advance(news, now) {
            Ok(commands) => self.complete_turn(run_id, commands, now),
            Err(failure) => self.fail_turn(run_id, failure, now),
        }
        Ok(())
    }

    fn complete_turn(&mut self, run_id: RunId, commands: Vec<Command>, now: Timestamp) {
        match self.feed(run_id, Input::WorkflowTaskCompleted { commands }, now) {
            Ok(()) => {}
            Err(Rejection::OverLimit(what)) => {
                // The code cannot take its commands back: the run ends, saying why.
                let failure = Failure::permanent("LimitExceeded", what);
                let commands = vec![Command::FailWorkflowExecution { failure }];
                let ended = self.feed(run_id, Input::WorkflowTaskCompleted { commands }, now);
                debug_assert!(ended.is_ok(), "failing a run is within every limit");
            }
            Err(
                rejection @ (Rejection::Closed
                | Rejection::NotPending(_)
                | Rejection::StaleAttempt { .. }
                | Rejection::NotDue(_)
                | Rejection::AlreadyRequested
                | Rejection::NoWorkflowTask
                | Rejection::BadCommand(_)),
            ) => self.fail_turn(run_id, Failure::internal(rejection.to_string()), now),
        }
    }

    /// The machine is thrown away; the next try replays the history.
    fn fail_turn(&mut self, run_id: RunId, failure: Failure, now: Timestamp) {
        tracing::error!(%run_id, %failure, "workflow task failed");
        self.cool_machine(run_id);
        // Rejected only when the run has closed meanwhile.
        let _closed = self.feed(run_id, Input::WorkflowTaskFailed { failure }, now);
    }

    /// Replays a run's history into a machine; the failure says why that cannot be.
    fn warm(&mut self, run_id: RunId) -> Result<Result<(), Failure>, StoreError> {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(Ok(()));
        };
        let Some(definition) = self.options.workflows.get(&live.state.workflow_type) else {
            return Ok(Err(Failure::internal(format!(
                "no workflow of type {:?} is registered in this binary",
                live.state.workflow_type
            ))));
        };
        let mut events = Vec::new();
        let mut after = EventId(0);
        while after < live.state.last_event_id {
            let page = self.store.load_history(run_id, after, HISTORY_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            events.extend(page);
        }
        match replay(definition, live.state.workflow_id.clone(), run_id, &events) {
            Ok(replayed) => {
                live.machine = Some(replayed.machine);
                live.unseen = replayed.unseen;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(Failure::internal(error.to_string()))),
        }
    }

    /// Marks a run's machine, if it has one, as just used.
    pub(super) fn touch_machine(&mut self, run_id: RunId) {
        let Some(live) = self
            .runs
            .get_mut(&run_id)
            .filter(|live| live.machine.is_some())
        else {
            return;
        };
        self.machines.remove(&(live.last_use, run_id));
        self.uses += 1;
        live.last_use = self.uses;
        self.machines.insert((live.last_use, run_id));
    }

    /// Throws a machine away. Its news is in the history, or will be with the group.
    pub(super) fn cool_machine(&mut self, run_id: RunId) {
        if let Some(live) = self.runs.get_mut(&run_id) {
            live.machine = None;
            live.unseen.clear();
            self.machines.remove(&(live.last_use, run_id));
        }
    }

    /// Throws the machines away that were not used for longest. Only after a commit: a run whose
    /// history is not all in the store could not be replayed.
    pub(super) fn cool_machines(&mut self) {
        while self.machines.len() > self.options.machines_max {
            let Some((_, coldest)) = self.machines.first().copied() else {
                return;
            };
            self.cool_machine(coldest);
        }
    }
}
