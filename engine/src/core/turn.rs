//! Turns of workflow code, and the machines that are kept warm between them.
//!
//! Neighbours: `feed` marks the runs that are owed a turn. A machine that is not warm is replayed
//! from the store, so it may be thrown away at any time after a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::primitives::workflow_task;
use kernel::{
    Command, Failure, Input, LogLevel, LogLine, Millis, News, Rejection, RunId, Timestamp,
    needs_successor,
};
use state::store::Error as StoreError;

use super::Core;
use super::due::Due;
use super::local::Held;
use super::questions::{AskedUpdate, asked_again};
use super::turns::{Code, GoesOn, Turn, Turned};

/// A run whose code has not come back is looked at again after this long.
const STUCK_PAUSE: Millis = Millis(1_000);
/// What the lines that workflow code logs can be filtered by.
const LOG_TARGET: &str = "workflow";
/// Turns between two commits at most, so that one run that never rests cannot hold up the others.
const TURNS_MAX: usize = 1_000;

/// The turn that is out.
pub(super) struct Turning {
    run_id: RunId,
    /// Updates that it was told of.
    updates: Vec<String>,
    /// Whether the history has a workflow task for it.
    is_owed: bool,
}

impl Core {
    /// Gives runs that are owed a turn their turns on this thread, and carries messages between
    /// runs, until nothing is left to do or it is time for a commit: call it again when the core is
    /// not [settled](Self::is_settled). For code that is known to come back.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_workflow_tasks(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.begin_turns(now);
        while let Some(turn) = self.next_turn()? {
            self.end_turn(turn.run());
        }
        Ok(())
    }

    /// The same in pieces, for a caller who can do without the code coming back: `begin_turns`;
    /// each [`next_turn`](Self::next_turn) is run, and told to [`end_turn`](Self::end_turn) or
    /// [`give_up_turn`](Self::give_up_turn) before the next.
    pub fn begin_turns(&mut self, now: Timestamp) {
        self.now = now;
        self.turns_left = TURNS_MAX;
        self.stuck
            .retain(|_, is_back| !is_back.load(Ordering::Acquire));
    }

    /// The next turn, if one is owed and it is not time for a commit.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next_turn(&mut self) -> Result<Option<Turn>, StoreError> {
        let now = self.now;
        loop {
            // Messages between runs first: they belong into the group of what caused them.
            if let Some(internal) = self.internal.pop_front() {
                self.carry(internal, now)?;
                continue;
            }
            if self.turns_left == 0 {
                self.carry_schedules(now)?;
                return Ok(None);
            }
            self.turns_left -= 1;
            let Some(run_id) = self.dirty.pop_front() else {
                // Schedules last: a run that was to close before a fire is not in its way.
                if self.carry_schedules(now)? {
                    continue;
                }
                return Ok(None);
            };
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.dirty = false;
            }
            if let Some(turn) = self.prepare_turn(run_id, now)? {
                return Ok(Some(turn));
            }
        }
    }

    /// One turn of one run's code, if it may have one now.
    fn prepare_turn(&mut self, run_id: RunId, now: Timestamp) -> Result<Option<Turn>, StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(None);
        };
        let has_news = !live.unseen.is_empty() || !live.asked.is_empty();
        let waits_only = live.machine.is_some() && !live.locals.is_empty();
        if waits_only && !has_news && live.local_ends.is_empty() {
            // It is owed its turn for local activities that run.
            return Ok(None);
        }
        if live.held.is_some() && has_news {
            self.close_turn(run_id, now);
        }
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(None);
        };
        if live.state.is_closed() {
            return Ok(None);
        }
        if live.state.paused.is_some() {
            // Its code is given its turn when somebody lets it go on.
            return Ok(None);
        }
        let asks_again = !live.state.updates_to_ask().is_empty();
        match live.state.workflow_task {
            workflow_task::State::Idle
                if live.asked.is_empty() && live.local_ends.is_empty() && !asks_again =>
            {
                return Ok(None);
            }
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
                    return Ok(None);
                }
            }
        }
        if self.is_stuck(run_id) {
            // The same code would do the same again. It is looked at again when it has come back.
            self.due
                .insert((now.after(STUCK_PAUSE), Due::WorkflowTask(run_id)));
            return Ok(None);
        }
        if let Some(at) = live.state.first_task_at.filter(|at| *at > now) {
            self.due.insert((at, Due::WorkflowTask(run_id)));
            return Ok(None);
        }
        let is_cold = live.machine.is_none();
        if is_cold && self.group.holds(run_id) {
            // Part of the history is not in the store yet: the turn comes after the commit.
            self.parked.push(run_id);
            return Ok(None);
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
        let is_owed = live.state.workflow_task != workflow_task::State::Idle || asks_again;
        let start = live.state.turn_start(now);
        let cold = if is_cold {
            self.metrics.cache_misses.add(1);
            let _in_span = span.enter();
            match self.history_to_replay(run_id)? {
                Some(Ok(cold)) => Some(cold),
                Some(Err(failure)) => {
                    self.refuse_asked(run_id, &failure);
                    self.fail_turn(run_id, failure, now);
                    return Ok(None);
                }
                None => return Ok(None),
            }
        } else {
            self.metrics.cache_hits.add(1);
            None
        };
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(None);
        };
        let Some(code) = cold.or_else(|| live.machine.take().map(Code::Warm)) else {
            return Ok(None);
        };
        let mut news: Vec<News> = std::mem::take(&mut live.unseen);
        if is_cold {
            // What it has not seen is in its history.
            news.clear();
        }
        let again = live.state.updates_to_ask().iter().cloned();
        news.extend(again.map(asked_again));
        let asked = std::mem::take(&mut live.asked);
        let ends = std::mem::take(&mut live.local_ends);
        let goes_on = if live.held.is_some() {
            GoesOn::Yes
        } else {
            GoesOn::No
        };
        self.turning = Some(Turning {
            run_id,
            updates: asked.iter().map(AskedUpdate::id).collect(),
            is_owed,
        });
        news.extend(asked.into_iter().map(AskedUpdate::into_news));
        Ok(Some(Turn {
            run_id,
            code,
            news,
            start,
            ends,
            goes_on,
            span,
        }))
    }

    /// Takes in what the code of the last [`next_turn`](Self::next_turn) did.
    pub fn end_turn(&mut self, turned: Turned) {
        let Some(turning) = self.turning.take() else {
            return;
        };
        let run_id = turned.run_id;
        debug_assert_eq!(turning.run_id, run_id, "turns end one by one");
        let span = turned.span;
        let _in_span = span.enter();
        if let Some(live) = self.runs.get(&run_id) {
            let series = self.metrics.workflow(&live.state.workflow_type);
            series.task.observe_duration(turned.took);
            if let Some(took) = turned.replay_took {
                series.replay.observe_duration(took);
            }
        }
        let mut unknown = None;
        if let Some(mut machine) = turned.machine {
            tell_log(&machine.take_log());
            let refused = machine.take_refused();
            self.refuse_updates(run_id, refused);
            let begun = machine.take_local_activities();
            let stopped = machine.take_stopped_local_activities();
            unknown = self.unknown_local(&begun).map(|name| {
                let text = format!("no activity {name} is registered here to be run locally");
                Failure::internal(text)
            });
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.machine = Some(machine);
            }
            self.take_locals(run_id, begun, stopped);
            self.touch_machine(run_id);
        }
        match turned.commands.and_then(|c| unknown.map_or(Ok(c), Err)) {
            Ok(commands) => {
                let turn = Held {
                    commands,
                    began: self.now,
                    is_owed: turning.is_owed,
                    updates: turning.updates,
                };
                self.hold_or_complete(run_id, turn);
            }
            Err(failure) => self.turn_failed(turning, failure),
        }
    }

    /// The code of the last [`next_turn`](Self::next_turn) has not come back. Its run gets no other
    /// turn before it has: then `is_back` must be set.
    pub fn give_up_turn(&mut self, is_back: Arc<AtomicBool>) {
        let Some(turning) = self.turning.take() else {
            return;
        };
        self.stuck.insert(turning.run_id, is_back);
        let failure = Failure::internal(
            "the workflow code did not return in time: it must wait for nothing but its context",
        );
        self.turn_failed(turning, failure);
    }

    fn turn_failed(&mut self, turning: Turning, failure: Failure) {
        let held = self.runs.get_mut(&turning.run_id);
        let held = held.and_then(|live| live.held.take());
        let earlier = held.into_iter().flat_map(|held| held.updates);
        let refused = earlier
            .chain(turning.updates)
            .map(|id| (id, failure.clone()));
        self.refuse_updates(turning.run_id, refused.collect());
        self.fail_turn(turning.run_id, failure, self.now);
    }

    /// The code of a run is lost between two turns, or inside one that waits for local activities:
    /// such a one has failed.
    pub(super) fn lose_machine(&mut self, run_id: RunId, failure: &Failure) {
        if self
            .runs
            .get(&run_id)
            .is_some_and(|live| live.held.is_some())
        {
            let turning = Turning {
                run_id,
                updates: Vec::new(),
                is_owed: true,
            };
            self.turn_failed(turning, failure.clone());
        } else {
            self.cool_machine(run_id);
        }
    }

    /// Whether the code of a run has not come back from a turn that was given up.
    pub(super) fn is_stuck(&self, run_id: RunId) -> bool {
        self.stuck
            .get(&run_id)
            .is_some_and(|is_back| !is_back.load(Ordering::Acquire))
    }

    fn refuse_asked(&mut self, run_id: RunId, failure: &Failure) {
        let asked = self
            .runs
            .get_mut(&run_id)
            .map(|live| std::mem::take(&mut live.asked));
        let asked = asked.unwrap_or_default();
        let refused = asked.iter().map(|asked| (asked.id(), failure.clone()));
        self.refuse_updates(run_id, refused.collect());
    }

    pub(super) fn complete_turn(&mut self, run_id: RunId, commands: Vec<Command>, now: Timestamp) {
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
                | Rejection::AlreadyHeld(_)
                | Rejection::AttemptRunning(_)
                | Rejection::ActivityAlreadyPaused(_)
                | Rejection::ActivityNotPaused(_)
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

    /// As [`code_of`](Self::code_of), of a run in memory; `None` when it is not.
    pub(super) fn history_to_replay(
        &self,
        run_id: RunId,
    ) -> Result<Option<Result<Code, Failure>>, StoreError> {
        let live = self.runs.get(&run_id);
        live.map(|live| self.code_of(&live.state)).transpose()
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
        if !live.locals.is_empty() {
            // Thrown away, it would have to run them again.
            return;
        }
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
        self.forget_locals(run_id);
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
