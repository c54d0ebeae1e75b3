//! Turns of workflow code, and the machines that are kept warm between them.
//!
//! Neighbours: `feed` marks the runs that are owed a turn. A machine that is not warm is replayed
//! from the store, so it may be thrown away at any time after a commit.

use kernel::primitives::workflow_task;
use kernel::{
    Command, Failure, Input, LogLevel, LogLine, Millis, News, Rejection, RunId, Timestamp,
    needs_successor, replay,
};
use state::store::Error as StoreError;

use super::Core;
use super::due::Due;
use super::questions::{AskedUpdate, no_such_workflow};

/// A run whose code has not come back is looked at again after this long.
const STUCK_PAUSE: Millis = Millis(1_000);
/// What the lines that workflow code logs can be filtered by.
const LOG_TARGET: &str = "workflow";
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
        self.now = now;
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
        if live.state.paused.is_some() {
            // Its code is given its turn when somebody lets it go on.
            return Ok(());
        }
        match live.state.workflow_task {
            workflow_task::State::Idle if live.asked.is_empty() => return Ok(()),
            workflow_task::State::Idle => {}
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
        if self.options.turns.is_stuck(run_id) {
            // The same code would do the same again. It is looked at again when it has come back.
            self.due
                .insert((now.after(STUCK_PAUSE), Due::WorkflowTask(run_id)));
            return Ok(());
        }
        if let Some(at) = live.state.first_task_at.filter(|at| *at > now) {
            self.due.insert((at, Due::WorkflowTask(run_id)));
            return Ok(());
        }
        let failed_attempts = live
            .state
            .workflow_task_failure
            .as_ref()
            .map(|f| f.attempts);
        let span = tracing::info_span!(
            "workflow_task",
            workflow_id = %live.state.workflow_id,
            %run_id,
            workflow_type = live.state.workflow_type,
            attempt = failed_attempts.unwrap_or(0) + 1,
        );
        let _in_span = span.enter();
        if live.machine.is_some() {
            self.metrics.cache_hits.add(1);
        } else {
            if self.group.holds(run_id) {
                // Part of the history is not in the store yet: the turn comes after the commit.
                self.parked.push(run_id);
                return Ok(());
            }
            self.metrics.cache_misses.add(1);
            if let Err(failure) = self.warm(run_id)? {
                let asked = self
                    .runs
                    .get_mut(&run_id)
                    .map(|live| std::mem::take(&mut live.asked));
                let asked = asked.unwrap_or_default();
                let refused = asked.iter().map(|asked| (asked.id(), failure.clone()));
                self.refuse_updates(run_id, refused.collect());
                self.fail_turn(run_id, failure, now);
                return Ok(());
            }
        }
        self.touch_machine(run_id);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(());
        };
        let mut news: Vec<News> = std::mem::take(&mut live.unseen);
        let asked = std::mem::take(&mut live.asked);
        let updates: Vec<String> = asked.iter().map(AskedUpdate::id).collect();
        news.extend(asked.into_iter().map(AskedUpdate::into_news));
        let is_owed = live.state.workflow_task != workflow_task::State::Idle;
        let Some(machine) = live.machine.take() else {
            return Ok(());
        };
        let turn = live.state.turn_start(now);
        let series = self.metrics.workflow(&live.state.workflow_type);
        let began = self.metrics.stopwatch();
        let advanced = self.options.turns.advance(run_id, machine, news, turn);
        began.stop(&series.task);
        let commands = match advanced {
            Some((mut machine, commands)) => {
                tell_log(&machine.take_log());
                let refused = machine.take_refused();
                self.refuse_updates(run_id, refused);
                if let Some(live) = self.runs.get_mut(&run_id) {
                    live.machine = Some(machine);
                }
                commands
            }
            None => Err(Failure::internal(
                "the workflow code did not return in time: it must wait for nothing but its context",
            )),
        };
        match commands {
            // All it did was to refuse updates: that is no history.
            Ok(commands) if commands.is_empty() && !is_owed => {}
            Ok(commands) => self.complete_turn(run_id, commands, now),
            Err(failure) => {
                let refused = updates.into_iter().map(|id| (id, failure.clone()));
                self.refuse_updates(run_id, refused.collect());
                self.fail_turn(run_id, failure, now);
            }
        }
        Ok(())
    }

    fn complete_turn(&mut self, run_id: RunId, commands: Vec<Command>, now: Timestamp) {
        let needs_successor = self
            .runs
            .get(&run_id)
            .is_some_and(|live| needs_successor(&live.state, &commands));
        let successor = needs_successor.then(|| (self.options.run_ids)());
        let completed = Input::WorkflowTaskCompleted {
            commands,
            successor,
        };
        match self.feed(run_id, completed, now) {
            Ok(()) => {}
            Err(Rejection::OverLimit(what)) => {
                // The code cannot take its commands back: the run ends, saying why.
                let failure = Failure::permanent("LimitExceeded", what);
                let commands = vec![Command::FailWorkflowExecution { failure }];
                // A permanent failure is not tried again, so no run follows.
                let failed = Input::WorkflowTaskCompleted {
                    commands,
                    successor: None,
                };
                let ended = self.feed(run_id, failed, now);
                debug_assert!(ended.is_ok(), "failing a run is within every limit");
            }
            Err(
                rejection @ (Rejection::Closed
                | Rejection::NotPending(_)
                | Rejection::StaleAttempt { .. }
                | Rejection::NotDue(_)
                | Rejection::AlreadyRequested
                | Rejection::AlreadyPaused
                | Rejection::NotPaused
                | Rejection::NotBackingOff(_)
                | Rejection::NoWorkflowTask
                | Rejection::BadCommand(_)),
            ) => self.fail_turn(run_id, Failure::internal(rejection.to_string()), now),
        }
    }

    /// The machine is thrown away; the next try replays the history.
    fn fail_turn(&mut self, run_id: RunId, failure: Failure, now: Timestamp) {
        tracing::error!(%run_id, %failure, "workflow task failed");
        if let Some(live) = self.runs.get(&run_id) {
            let series = self.metrics.workflow(&live.state.workflow_type);
            series.task_failed.add(1);
        }
        self.cool_machine(run_id);
        // Rejected only when the run has closed meanwhile.
        let _closed = self.feed(run_id, Input::WorkflowTaskFailed { failure }, now);
    }

    /// Replays a run's history into a machine; the failure says why that cannot be.
    pub(super) fn warm(&mut self, run_id: RunId) -> Result<Result<(), Failure>, StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(Ok(()));
        };
        let state = &live.state;
        let Some(definition) = self.options.workflows.get(&state.workflow_type) else {
            return Ok(Err(no_such_workflow(state)));
        };
        let events = self.whole_history(state)?;
        let began = self.metrics.stopwatch();
        let replayed = replay(definition, state.workflow_id.clone(), run_id, &events);
        began.stop(&self.metrics.workflow(&state.workflow_type).replay);
        let replayed = match replayed {
            Ok(replayed) => replayed,
            Err(error) => return Ok(Err(Failure::internal(error.to_string()))),
        };
        if let Some(live) = self.runs.get_mut(&run_id) {
            live.machine = Some(replayed.machine);
            live.unseen = replayed.unseen;
        }
        Ok(Ok(()))
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
            self.metrics.cache_evictions.add(1);
            self.cool_machine(coldest);
        }
    }
}

/// Passes on what workflow code logged, inside the span of its turn.
fn tell_log(lines: &[LogLine]) {
    for LogLine { level, text } in lines {
        match level {
            LogLevel::Debug => tracing::debug!(target: LOG_TARGET, "{text}"),
            LogLevel::Info => tracing::info!(target: LOG_TARGET, "{text}"),
            LogLevel::Warn => tracing::warn!(target: LOG_TARGET, "{text}"),
            LogLevel::Error => tracing::error!(target: LOG_TARGET, "{text}"),
        }
    }
}
