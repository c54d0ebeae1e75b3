//! What a schedule does at a time. Pure: the record changes, and what is to be carried out comes
//! back one thing at a time, because the next depends on how it went.
//!
//! Neighbours: `core::schedules` carries out and tells the record what came of it, all in one
//! commit. Must not know the store.

use kernel::{Millis, RunId, Timestamp, WorkflowId};

use super::record::{Action, Counts, Policies};
use super::record::{
    BACKFILL_TIMES_MAX, BACKFILLS_MAX, BUFFER_MAX, CATCHUP_MIN, Cause, Filling, INPUT_BYTES_MAX,
    LastFailure, Overlap, RECENT_MAX, RUNNING_MAX, Recent, Running, Schedule, ScheduleId, Waiting,
};
use super::request::{Backfill, Error, NewSchedule, Remaining, Update, at_least};
use super::spec::{Fire, Timetable};

/// Times that one call looks at, at most: a machine may have been off for years.
const TIMES_PER_STEP: usize = 10_000;
/// A clock that is put back by less repeats times that were dealt with, and they stay dealt with.
/// By more, it was wrong before, and the schedule must not stand still until it is there again.
const CLOCK_BACK_MAX: Millis = Millis(24 * 3_600_000);

/// Something to be carried out for a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Do {
    /// Start a run, and tell [`Schedule::started`] or [`Schedule::refused`].
    Start {
        /// For what.
        waiting: Waiting,
        /// Its workflow id.
        workflow_id: WorkflowId,
        /// Only if there never was a run of that id: the clock was put back over this time.
        unless_known: bool,
    },
    /// Ask these runs to cancel; those that are not open are [`Schedule::closed`].
    Cancel(Vec<Running>),
    /// Terminate these runs; those that are not open are [`Schedule::closed`].
    Terminate(Vec<Running>),
}

/// What a call of [`Schedule::step`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Carry this out and call again.
    Do(Do),
    /// Call again: there was more to look at than one call may.
    More,
    /// Nothing to do until then, or until something happens.
    Rest(Option<Timestamp>),
}

/// How a run of a schedule closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// The name of the state it closed in.
    pub(crate) outcome: String,
    /// Why, if it failed.
    pub(crate) failure: Option<String>,
}

impl Schedule {
    /// A new schedule, checked.
    pub(crate) fn create(new: NewSchedule, now: Timestamp) -> Result<(Self, Timetable), Error> {
        let id = ScheduleId::new(&new.id).ok_or_else(|| Error::Id(new.id.clone()))?;
        check_action(&new.action)?;
        check_policies(new.policies)?;
        let timetable = new.spec.compile()?;
        timetable.check_fires(&new.spec, now)?;
        let schedule = Self {
            id,
            spec: new.spec,
            action: new.action,
            policies: new.policies,
            paused: new.paused,
            note: new.note,
            remaining: new.remaining,
            created_at: now,
            updated_at: now,
            handled_until: now,
            rewound_from: None,
            last_trigger: Timestamp(i64::MIN),
            counts: Counts::default(),
            running: Vec::new(),
            waiting: std::collections::VecDeque::new(),
            asked: std::collections::VecDeque::new(),
            backfills: std::collections::VecDeque::new(),
            recent: std::collections::VecDeque::new(),
            last_failure: None,
        };
        Ok((schedule, timetable))
    }

    /// Changes it. Times that have passed and were not dealt with belong to the old timetable: the
    /// caller has them dealt with before.
    pub(crate) fn update(
        &mut self,
        change: Update,
        now: Timestamp,
    ) -> Result<Option<Timetable>, Error> {
        if let Some(action) = &change.action {
            check_action(action)?;
        }
        if let Some(policies) = change.policies {
            check_policies(policies)?;
        }
        let timetable = match &change.spec {
            Some(spec) => {
                let timetable = spec.compile()?;
                timetable.check_fires(spec, now)?;
                Some(timetable)
            }
            None => None,
        };
        if let Some(spec) = change.spec {
            self.spec = spec;
            self.handled_until = now;
            self.rewound_from = None;
        }
        self.action = change.action.unwrap_or_else(|| self.action.clone());
        self.policies = change.policies.unwrap_or(self.policies);
        self.note = change.note.unwrap_or_else(|| self.note.clone());
        match change.remaining {
            None => {}
            Some(Remaining::Unlimited) => self.remaining = None,
            Some(Remaining::Times(left)) => self.remaining = Some(left),
        }
        self.updated_at = now;
        Ok(timetable)
    }

    /// Its times do nothing from now on; those that wait for a run to close do not start any more.
    pub(crate) fn pause(&mut self, note: String) {
        self.paused = true;
        self.note = note;
        let before = self.waiting.len() + self.asked.len();
        self.waiting.retain(|waiting| waiting.cause != Cause::Time);
        self.asked.retain(|waiting| waiting.cause != Cause::Time);
        let given_up = before - self.waiting.len() - self.asked.len();
        self.counts.skipped += u64::try_from(given_up).unwrap_or(0);
    }

    /// Its times do something again; those that passed meanwhile do not come back.
    pub(crate) fn unpause(&mut self, note: String, now: Timestamp) {
        if self.paused {
            self.paused = false;
            self.handled_until = self.handled_until.max(now);
        }
        self.note = note;
    }

    /// Records that a run is wanted now.
    pub(crate) fn trigger(
        &mut self,
        overlap: Option<Overlap>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.asked.len() >= BUFFER_MAX {
            return Err(Error::Limit(format!("{BUFFER_MAX} triggers wait already")));
        }
        let mut at = now.max(Timestamp(self.last_trigger.0.saturating_add(1)));
        if at.0 % 1_000 == 0 {
            // Whole seconds belong to times of the timetable: a trigger never takes their names.
            at = at.after(Millis(1));
        }
        self.last_trigger = at;
        self.asked.push_back(Waiting {
            nominal: at,
            overlap: overlap.unwrap_or(self.policies.overlap),
            cause: Cause::Trigger,
        });
        Ok(())
    }

    /// Records that the times of a range are wanted.
    pub(crate) fn backfill(
        &mut self,
        timetable: &Timetable,
        range: Backfill,
        now: Timestamp,
    ) -> Result<(), Error> {
        if range.from > range.to || range.to > now {
            return Err(Error::Limit(
                "a backfill goes from a time to a later one that is not after now".to_owned(),
            ));
        }
        if self.backfills.len() >= BACKFILLS_MAX {
            return Err(Error::Limit(format!(
                "{BACKFILLS_MAX} backfills are under way already"
            )));
        }
        let before = Timestamp(range.from.0.saturating_sub(1));
        let first = timetable.next_after(before);
        let times = std::iter::successors(first, |last| timetable.next_after(*last));
        let beyond = times
            .take_while(|at| *at <= range.to)
            .nth(BACKFILL_TIMES_MAX);
        if beyond.is_some() {
            return Err(Error::Limit(format!(
                "the range has more than {BACKFILL_TIMES_MAX} times; take a shorter one"
            )));
        }
        self.backfills.push_back(Filling {
            after: before,
            to: range.to,
            overlap: range.overlap.unwrap_or(self.policies.overlap),
        });
        Ok(())
    }

    /// The next thing to be carried out at `now`.
    pub(crate) fn step(&mut self, timetable: &Timetable, now: Timestamp) -> Step {
        for _ in 0..TIMES_PER_STEP {
            if self.running.is_empty()
                && let Some(waiting) = self.waiting.pop_front()
            {
                if let Some(start) = self.start(waiting) {
                    return Step::Do(start);
                }
                continue;
            }
            if let Some(asked) = self.asked.pop_front() {
                if let Some(todo) = self.arrive(asked) {
                    return Step::Do(todo);
                }
                continue;
            }
            match self.next_due(timetable, now) {
                Due::Fire(fire) => {
                    let todo = self.arrive_in_time(fire, now);
                    if let Some(todo) = todo {
                        return Step::Do(todo);
                    }
                    continue;
                }
                Due::At(at) => {
                    if let Some(waiting) = self.next_of_backfill(timetable) {
                        if let Some(todo) = self.arrive(waiting) {
                            return Step::Do(todo);
                        }
                        continue;
                    }
                    return Step::Rest(at);
                }
            }
        }
        Step::More
    }

    /// All times that are due are recorded as starts that wait, without starting any: for a process
    /// in which schedules do not fire, before it changes the timetable.
    pub(crate) fn settle_due(&mut self, timetable: &Timetable, now: Timestamp) {
        for _ in 0..TIMES_PER_STEP {
            let Due::Fire(fire) = self.next_due(timetable, now) else {
                return;
            };
            self.handled_until = fire.nominal;
            if now.since(fire.at) > self.policies.catchup_window {
                self.counts.missed += 1;
            } else if self.asked.len() < BUFFER_MAX {
                self.asked.push_back(Waiting {
                    nominal: fire.nominal,
                    overlap: self.policies.overlap,
                    cause: Cause::Time,
                });
            } else {
                self.counts.dropped += 1;
            }
        }
    }

    /// The next ten times, jitter aside.
    pub(crate) fn next_times(&self, timetable: &Timetable, now: Timestamp) -> Vec<Timestamp> {
        if self.paused || self.remaining == Some(0) {
            return Vec::new();
        }
        let left = self.remaining.and_then(|left| usize::try_from(left).ok());
        timetable.next_times(self.handled_until.max(now), left.unwrap_or(10).min(10))
    }

    /// A run was started.
    pub(crate) fn started(
        &mut self,
        waiting: Waiting,
        workflow_id: WorkflowId,
        run_id: RunId,
        now: Timestamp,
    ) {
        self.counts.started += 1;
        self.running.push(Running {
            workflow_id: workflow_id.clone(),
            run_id,
            nominal: waiting.nominal,
            cancel_asked: false,
        });
        self.note_recent(Recent {
            nominal: waiting.nominal,
            at: now,
            cause: waiting.cause,
            workflow_id,
            run_id: Some(run_id),
            outcome: None,
        });
    }

    /// A start was refused.
    pub(crate) fn refused(
        &mut self,
        waiting: Waiting,
        workflow_id: WorkflowId,
        why: String,
        now: Timestamp,
    ) {
        self.counts.refused += 1;
        self.last_failure = Some(LastFailure {
            at: now,
            workflow_id: workflow_id.clone(),
            text: why.clone(),
        });
        self.note_recent(Recent {
            nominal: waiting.nominal,
            at: now,
            cause: waiting.cause,
            workflow_id,
            run_id: None,
            outcome: Some(why),
        });
    }

    /// A start was not made: the time was dealt with before the clock was put back.
    pub(crate) fn known(&mut self) {
        self.counts.skipped += 1;
        self.remaining = self.remaining.map(|left| left.saturating_add(1));
    }

    /// A run goes on in another one.
    pub(crate) fn followed(&mut self, run_id: RunId, next: RunId) {
        let running = self.running.iter_mut().map(|r| &mut r.run_id);
        for known in running.filter(|known| **known == run_id) {
            *known = next;
        }
        let recent = self.recent.iter_mut().filter_map(|r| r.run_id.as_mut());
        for known in recent.filter(|known| **known == run_id) {
            *known = next;
        }
    }

    /// A run closed. Gives whether it was one of this schedule's.
    pub(crate) fn closed(&mut self, run_id: RunId, closed: Closed, now: Timestamp) -> bool {
        let Some(at) = self.running.iter().position(|r| r.run_id == run_id) else {
            return false;
        };
        let running = self.running.remove(at);
        let recent = self.recent.iter_mut();
        if let Some(recent) = recent.rev().find(|r| r.run_id == Some(run_id)) {
            recent.outcome = Some(closed.outcome);
        }
        if let Some(text) = closed.failure {
            if self.policies.pause_on_failure && !self.paused {
                self.pause(format!("run {} failed: {text}", running.workflow_id));
            }
            self.last_failure = Some(LastFailure {
                at: now,
                workflow_id: running.workflow_id,
                text,
            });
        }
        true
    }

    fn note_recent(&mut self, recent: Recent) {
        while self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(recent);
    }

    fn next_due(&mut self, timetable: &Timetable, now: Timestamp) -> Due {
        if self.paused || self.remaining == Some(0) {
            return Due::At(None);
        }
        if self.handled_until.since(now) > CLOCK_BACK_MAX {
            self.rewound_from = self.rewound_from.max(Some(self.handled_until));
            self.handled_until = now;
        }
        match timetable.next_fire(self.id.as_str(), self.handled_until) {
            Some(fire) if fire.at <= now => Due::Fire(fire),
            Some(fire) => Due::At(Some(fire.at)),
            None => Due::At(None),
        }
    }

    /// One of its times came.
    fn arrive_in_time(&mut self, fire: Fire, now: Timestamp) -> Option<Do> {
        self.handled_until = fire.nominal;
        if now.since(fire.at) > self.policies.catchup_window {
            self.counts.missed += 1;
            return None;
        }
        self.arrive(Waiting {
            nominal: fire.nominal,
            overlap: self.policies.overlap,
            cause: Cause::Time,
        })
    }

    /// A start is wanted: it happens, waits, or is given up.
    fn arrive(&mut self, waiting: Waiting) -> Option<Do> {
        let is_free = self.running.is_empty() && self.waiting.is_empty();
        if is_free || waiting.overlap == Overlap::AllowAll {
            return self.start(waiting);
        }
        match waiting.overlap {
            Overlap::AllowAll => self.start(waiting),
            Overlap::Skip => {
                self.counts.skipped += 1;
                None
            }
            Overlap::BufferOne if self.waiting.is_empty() => {
                self.waiting.push_back(waiting);
                None
            }
            Overlap::BufferOne => {
                self.counts.skipped += 1;
                None
            }
            Overlap::BufferAll if self.waiting.len() < BUFFER_MAX => {
                self.waiting.push_back(waiting);
                None
            }
            Overlap::BufferAll => {
                self.counts.dropped += 1;
                None
            }
            Overlap::CancelOther | Overlap::TerminateOther => self.replace(waiting),
        }
    }

    /// The newest start takes the place of those that wait, and of the runs that are open.
    fn replace(&mut self, waiting: Waiting) -> Option<Do> {
        let given_up = u64::try_from(self.waiting.len()).unwrap_or(0);
        self.counts.skipped += given_up;
        self.waiting.clear();
        self.waiting.push_back(waiting);
        if waiting.overlap == Overlap::TerminateOther {
            return Some(Do::Terminate(self.running.clone()));
        }
        let todo: Vec<Running> = self
            .running
            .iter_mut()
            .filter(|running| !running.cancel_asked)
            .map(|running| {
                running.cancel_asked = true;
                running.clone()
            })
            .collect();
        (!todo.is_empty()).then_some(Do::Cancel(todo))
    }

    fn start(&mut self, waiting: Waiting) -> Option<Do> {
        if self.running.len() >= RUNNING_MAX {
            self.counts.dropped += 1;
            return None;
        }
        if waiting.cause == Cause::Time {
            if self.paused || self.remaining == Some(0) {
                self.counts.skipped += 1;
                return None;
            }
            self.remaining = self.remaining.map(|left| left.saturating_sub(1));
        }
        let was_passed = self
            .rewound_from
            .is_some_and(|from| waiting.nominal <= from);
        Some(Do::Start {
            workflow_id: self.workflow_id(waiting.nominal),
            unless_known: was_passed && waiting.cause == Cause::Time,
            waiting,
        })
    }

    /// The next start of the backfill under way, while there is room for it to wait.
    fn next_of_backfill(&mut self, timetable: &Timetable) -> Option<Waiting> {
        loop {
            let filling = *self.backfills.front()?;
            let is_full = match filling.overlap {
                Overlap::BufferAll => self.waiting.len() >= BUFFER_MAX,
                Overlap::AllowAll => self.running.len() >= RUNNING_MAX,
                Overlap::Skip
                | Overlap::BufferOne
                | Overlap::CancelOther
                | Overlap::TerminateOther => false,
            };
            if is_full {
                return None;
            }
            let next = timetable
                .next_after(filling.after)
                .filter(|next| *next <= filling.to);
            let Some(nominal) = next else {
                self.backfills.pop_front();
                continue;
            };
            if let Some(first) = self.backfills.front_mut() {
                first.after = nominal;
            }
            return Some(Waiting {
                nominal,
                overlap: filling.overlap,
                cause: Cause::Backfill,
            });
        }
    }
}

/// What the timetable has next.
enum Due {
    /// This one is due.
    Fire(Fire),
    /// None before.
    At(Option<Timestamp>),
}

fn check_action(action: &Action) -> Result<(), Error> {
    let bytes = action.input.data.len();
    if bytes > INPUT_BYTES_MAX {
        return Err(Error::Limit(format!(
            "the input has {bytes} bytes, allowed are {INPUT_BYTES_MAX}"
        )));
    }
    Ok(())
}

fn check_policies(policies: Policies) -> Result<(), Error> {
    at_least("the catch-up window", policies.catchup_window, CATCHUP_MIN)
}
