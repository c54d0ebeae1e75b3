//! Local activities: attempts beside a turn that stays open until their ends are in.
//!
//! Neighbours: `turn` gives what the code began and takes the ends into its next turn, `feed` has a
//! turn that is open written before anything else of its run is decided. Nothing of them is stored
//! but the markers that the code's turns record: a process that is lost runs them again.

use kernel::{
    Command, Failure, Input, LocalActivityTask, LocalEnd, LocalOutcome, Millis, Payload, RunId,
    Seq, TimeoutType, Timestamp, WorkflowId, limits,
};

use super::Core;
use super::due::Due;

/// A turn that waits for local activities is written after this long all the same, as Temporal does
/// with a workflow task of ten seconds.
const HOLD_MAX: Millis = Millis(8_000);
/// Attempts at once in one process; others wait.
const RUNNING_MAX: usize = 1_000;
/// An attempt that was lost is made again after this long.
const LOST_PAUSE: Millis = Millis(1_000);

/// One attempt of a local activity to run.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalTask {
    /// Its number in this process: its end is told under it.
    pub number: u64,
    /// The run that asked for it.
    pub run_id: RunId,
    /// The run's workflow id.
    pub workflow_id: WorkflowId,
    /// Which operation of the code it is.
    pub seq: Seq,
    /// The operation of its first attempt: the same for all attempts.
    pub first_seq: Seq,
    /// The registered name of the activity.
    pub activity_type: String,
    /// Its input.
    pub input: Payload,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When this attempt is taken to be lost.
    pub deadline: Timestamp,
}

/// A local activity that the code of a run waits for.
pub(super) struct Local {
    task: LocalActivityTask,
    attempt: u32,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To be handed out.
    Ready,
    Running {
        number: u64,
        until: Timestamp,
    },
    Waiting {
        until: Timestamp,
    },
}

/// A turn whose commands are not decided yet.
pub(super) struct Held {
    pub(super) commands: Vec<Command>,
    /// When it began: the time that the code was told.
    pub(super) began: Timestamp,
    pub(super) is_owed: bool,
    /// Updates that it was told of.
    pub(super) updates: Vec<String>,
}

impl Core {
    /// Hands out attempts of local activities. They need no commit: what is lost is run again.
    pub fn poll_local(&mut self, now: Timestamp) -> Vec<LocalTask> {
        let mut out = Vec::new();
        while self.locals_out.len() < RUNNING_MAX {
            let Some((run_id, seq)) = self.locals_ready.pop_front() else {
                break;
            };
            out.extend(self.hand_out_local(run_id, seq, now));
        }
        out
    }

    /// Numbers of attempts, since this was last asked, whose end nobody wants any more.
    pub fn take_local_stops(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.local_stops)
    }

    fn hand_out_local(&mut self, run_id: RunId, seq: Seq, now: Timestamp) -> Option<LocalTask> {
        let live = self.runs.get_mut(&run_id)?;
        if live.state.paused.is_some() {
            // It is planned anew when the run goes on.
            return None;
        }
        let local = live.locals.get_mut(&seq)?;
        if local.stage != Stage::Ready {
            return None;
        }
        self.local_number += 1;
        let number = self.local_number;
        let attempt_ends = now.after(local.task.options.start_to_close);
        let until = local
            .deadline()
            .map_or(attempt_ends, |at| at.min(attempt_ends));
        local.stage = Stage::Running { number, until };
        self.locals_out.insert(number, (run_id, seq));
        self.due.insert((until, Due::Local(run_id, seq)));
        Some(LocalTask {
            number,
            run_id,
            workflow_id: live.state.workflow_id.clone(),
            seq,
            first_seq: local.task.first_seq,
            activity_type: local.task.activity_type.clone(),
            input: local.task.input.clone(),
            attempt: local.attempt,
            deadline: until,
        })
    }

    /// Takes in what the code of a run began and what it does not wait for any more.
    pub(super) fn take_locals(
        &mut self,
        run_id: RunId,
        begun: Vec<LocalActivityTask>,
        stopped: Vec<Seq>,
    ) {
        for seq in stopped {
            self.forget_local(run_id, seq);
        }
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        for task in begun {
            let seq = task.seq;
            let attempt = task.attempt;
            let stage = Stage::Ready;
            let local = Local {
                task,
                attempt,
                stage,
            };
            live.locals.insert(seq, local);
            self.locals_ready.push_back((run_id, seq));
        }
    }

    /// A local activity whose type is not registered here, of those that a turn began.
    pub(super) fn unknown_local<'a>(&self, begun: &'a [LocalActivityTask]) -> Option<&'a str> {
        let mut types = begun.iter().map(|task| &*task.activity_type);
        types.find(|name| !self.options.activity_types.contains(*name))
    }

    /// Takes the end of an attempt in; `None` when it was lost. What is late changes nothing.
    pub(super) fn local_ended(
        &mut self,
        number: u64,
        result: Option<Result<Payload, Failure>>,
        now: Timestamp,
    ) {
        let Some((run_id, seq)) = self.locals_out.remove(&number) else {
            return;
        };
        match result {
            None => self.wait_local(run_id, seq, now.after(LOST_PAUSE)),
            Some(Ok(value)) if value.data.len() <= limits::PAYLOAD_BYTES_MAX => {
                self.end_local(run_id, seq, LocalOutcome::Completed(value));
            }
            Some(Ok(value)) => {
                let text = format!(
                    "the local activity's result has {} bytes, the limit is {}",
                    value.data.len(),
                    limits::PAYLOAD_BYTES_MAX
                );
                let failure = Failure::permanent("PayloadTooLarge", text);
                self.end_local(run_id, seq, LocalOutcome::Failed(failure));
            }
            Some(Err(failure)) => self.local_failed(run_id, seq, failure.bounded(), now),
        }
    }

    /// Another attempt soon, another after a durable wait, or the end.
    fn local_failed(&mut self, run_id: RunId, seq: Seq, failure: Failure, now: Timestamp) {
        let live = self.runs.get_mut(&run_id);
        let Some(local) = live.and_then(|live| live.locals.get_mut(&seq)) else {
            return;
        };
        let options = &local.task.options;
        let delay = options.retry.next_delay(local.attempt, &failure).ok();
        let in_time = |delay: &Millis| local.deadline().is_none_or(|at| now.after(*delay) < at);
        match delay.filter(in_time) {
            None => self.end_local(run_id, seq, LocalOutcome::Failed(failure)),
            Some(delay) if delay > options.local_retry_threshold => {
                self.end_local(run_id, seq, LocalOutcome::BackOff { failure, delay });
            }
            Some(delay) => {
                local.attempt = local.attempt.saturating_add(1);
                self.wait_local(run_id, seq, now.after(delay));
            }
        }
    }

    fn wait_local(&mut self, run_id: RunId, seq: Seq, until: Timestamp) {
        let live = self.runs.get_mut(&run_id);
        let Some(local) = live.and_then(|live| live.locals.get_mut(&seq)) else {
            return;
        };
        if let Stage::Running { until, .. } = local.stage {
            self.due.remove(&(until, Due::Local(run_id, seq)));
        }
        local.stage = Stage::Waiting { until };
        self.due.insert((until, Due::Local(run_id, seq)));
    }

    /// The code is told in its next turn, which may be the one that is open.
    fn end_local(&mut self, run_id: RunId, seq: Seq, outcome: LocalOutcome) {
        let Some(local) = self.forget_local(run_id, seq) else {
            return;
        };
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        live.local_ends.push(LocalEnd {
            seq,
            attempt: local.attempt,
            outcome,
        });
        self.mark_dirty(run_id);
    }

    /// An attempt ran out of time, or the wait for the next is over.
    pub(super) fn fire_local(&mut self, run_id: RunId, seq: Seq, now: Timestamp) {
        let live = self.runs.get_mut(&run_id);
        let Some(local) = live.and_then(|live| live.locals.get_mut(&seq)) else {
            return;
        };
        match local.stage {
            Stage::Waiting { until } if until <= now => {
                local.stage = Stage::Ready;
                self.locals_ready.push_back((run_id, seq));
            }
            Stage::Running { number, until } if until <= now => {
                let (timeout, limit) = match local.deadline() {
                    Some(at) if at <= now => {
                        let limit = local.task.options.schedule_to_close;
                        (TimeoutType::ScheduleToClose, limit.unwrap_or_default())
                    }
                    Some(_) | None => {
                        (TimeoutType::StartToClose, local.task.options.start_to_close)
                    }
                };
                let text = format!(
                    "{} timeout of {} ms ran out in attempt {}",
                    timeout.name(),
                    limit.0,
                    local.attempt
                );
                self.locals_out.remove(&number);
                self.local_stops.push(number);
                self.local_failed(run_id, seq, Failure::timeout(timeout, text), now);
            }
            Stage::Ready | Stage::Waiting { .. } | Stage::Running { .. } => {}
        }
    }

    /// Takes a local activity back: its attempt, if one is running, is told to stop.
    fn forget_local(&mut self, run_id: RunId, seq: Seq) -> Option<Local> {
        let local = self.runs.get_mut(&run_id)?.locals.remove(&seq)?;
        match local.stage {
            Stage::Ready => {}
            Stage::Waiting { until } => {
                self.due.remove(&(until, Due::Local(run_id, seq)));
            }
            Stage::Running { number, until } => {
                self.due.remove(&(until, Due::Local(run_id, seq)));
                if self.locals_out.remove(&number).is_some() {
                    self.local_stops.push(number);
                }
            }
        }
        Some(local)
    }

    /// The machine is thrown away, and with it what its open turn did.
    pub(super) fn forget_locals(&mut self, run_id: RunId) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        live.local_ends.clear();
        live.held = None;
        let seqs: Vec<Seq> = live.locals.keys().copied().collect();
        for seq in seqs {
            self.forget_local(run_id, seq);
        }
    }

    /// A run that was paused goes on: what it has ready is handed out.
    pub(super) fn plan_locals(&mut self, run_id: RunId) {
        if let Some(live) = self.runs.get(&run_id) {
            let all = live.locals.keys().map(|seq| (run_id, *seq));
            self.locals_ready.extend(all);
        }
    }

    /// A turn has gone as far as it can: it stays open while local activities run, so that what
    /// they give is written with it.
    pub(super) fn hold_or_complete(&mut self, run_id: RunId, turn: Held) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let is_new = live.held.is_none();
        let mut held = match live.held.take() {
            None => turn,
            Some(mut held) => {
                held.commands.extend(turn.commands);
                held
            }
        };
        let is_done = live.machine.as_ref().is_none_or(kernel::Machine::is_done);
        if is_done || (live.locals.is_empty() && live.local_ends.is_empty()) {
            // All it did was to refuse updates: that is no history.
            if !held.commands.is_empty() || held.is_owed {
                let commands = std::mem::take(&mut held.commands);
                self.complete_turn(run_id, commands, held.began);
            }
            return;
        }
        if is_new {
            let at = held.began.after(HOLD_MAX);
            self.due.insert((at, Due::Hold(run_id)));
        }
        live.held = Some(held);
    }

    /// Writes the turn that is open, if one is. The local activities go on, and the run is owed a
    /// turn for their ends.
    pub(super) fn close_turn(&mut self, run_id: RunId, now: Timestamp) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let Some(held) = live.held.take() else { return };
        self.complete_turn(run_id, held.commands, held.began);
        let waits = self
            .runs
            .get(&run_id)
            .is_some_and(|live| !live.locals.is_empty() || !live.local_ends.is_empty());
        if waits {
            // Rejected only when the run has closed.
            let _closed = self.feed(run_id, Input::LocalActivitiesRunning, now);
        }
    }

    /// Writes all turns that are open: nothing that has ended is run again after a stop.
    pub(crate) fn close_turns(&mut self, now: Timestamp) {
        let held = self.runs.iter().filter(|(_, live)| live.held.is_some());
        let mut held: Vec<RunId> = held.map(|(run_id, _)| *run_id).collect();
        held.sort_unstable();
        for run_id in held {
            self.close_turn(run_id, now);
        }
    }

    /// What a run waits for in memory only, in plain words.
    pub(super) fn explain_locals(&self, run_id: RunId) -> Option<String> {
        let live = self.runs.get(&run_id)?;
        let mut all = live.locals.values();
        let first = all.next()?;
        let others = match all.count() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let (name, attempt) = (&first.task.activity_type, first.attempt);
        Some(format!(
            "local activity {name} in attempt {attempt}{others}"
        ))
    }
}

impl Local {
    fn deadline(&self) -> Option<Timestamp> {
        let limit = self.task.options.schedule_to_close?;
        Some(self.task.scheduled_at.after(limit))
    }
}
