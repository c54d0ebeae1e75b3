//! Runs that wait for nothing soon leave the memory, but for the moment at which they are due.
//!
//! Neighbours: `commit` offers the runs of its group, `recover` takes a run up again when somebody
//! asks for it or its time has come. The store has all of it, so nothing is lost by forgetting.

use std::collections::{HashMap, VecDeque};

use kernel::primitives::workflow_task;
use kernel::{Millis, RunId, RunState, Timestamp};

use super::Core;
use super::due::Due;

/// A run that is due sooner than this stays.
const SOON: Millis = Millis(10_000);
/// A run with a longer history stays, because bringing it back would take long.
const EVENTS_MAX: u64 = 256;

/// The runs that left, and those that may be next.
#[derive(Debug, Default)]
pub(super) struct Dormant {
    /// When each is due; never, for one that waits to be told something.
    asleep: HashMap<RunId, Option<Timestamp>>,
    /// Runs that were idle after a commit, the longest idle first.
    drowsy: VecDeque<RunId>,
}

impl Dormant {
    pub(super) fn len(&self) -> usize {
        self.asleep.len()
    }

    pub(super) fn holds(&self, run_id: RunId) -> bool {
        self.asleep.contains_key(&run_id)
    }
}

impl Core {
    /// Notes that a run did something in the group that was just committed.
    pub(super) fn may_doze(&mut self, run_id: RunId) {
        if self.runs.get(&run_id).is_some_and(|live| !live.drowsy) && self.is_idle(run_id) {
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.drowsy = true;
            }
            self.dormant.drowsy.push_back(run_id);
        }
    }

    /// Lets the runs leave that were idle for longest, down to the number that may stay. Only
    /// after a commit: what is forgotten must be in the store.
    pub(super) fn doze(&mut self) {
        while self.dormant.drowsy.len() > self.options.idle_max {
            let Some(run_id) = self.dormant.drowsy.pop_front() else {
                return;
            };
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.drowsy = false;
            }
            if !self.group.holds(run_id) && self.is_idle(run_id) {
                self.fall_asleep(run_id);
            }
        }
    }

    fn is_idle(&self, run_id: RunId) -> bool {
        self.runs.get(&run_id).is_some_and(|live| {
            !live.dirty
                && live.asked.is_empty()
                && live.running.is_empty()
                && rests(&live.state)
                && wakes_at(&live.state).is_none_or(|at| at > self.now.after(SOON))
        })
    }

    fn fall_asleep(&mut self, run_id: RunId) {
        self.cool_machine(run_id);
        let Some(live) = self.runs.remove(&run_id) else {
            return;
        };
        if self.by_id.get(&live.state.workflow_id) == Some(&run_id) {
            self.by_id.remove(&live.state.workflow_id);
        }
        for (id, timer) in &live.state.timers {
            self.due.remove(&(timer.fires_at, Due::Timer(run_id, *id)));
        }
        if let Some(at) = live.state.deadline() {
            self.due.remove(&(at, Due::WorkflowTimeout(run_id)));
        }
        self.sleep(run_id, wakes_at(&live.state));
    }

    fn sleep(&mut self, run_id: RunId, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.due.insert((at, Due::Wake(run_id)));
        }
        self.dormant.asleep.insert(run_id, at);
    }

    /// Whether a run that is just being taken up can go on sleeping.
    pub(super) fn sleeps_on(&mut self, state: &RunState) -> bool {
        let at = wakes_at(state);
        let sleeps = rests(state) && at.is_none_or(|at| at > self.now.after(SOON));
        if sleeps {
            self.sleep(state.run_id, at);
        }
        sleeps
    }

    /// A run comes back into memory: its alarm is taken off.
    pub(super) fn woken(&mut self, run_id: RunId) {
        if let Some(Some(at)) = self.dormant.asleep.remove(&run_id) {
            self.due.remove(&(at, Due::Wake(run_id)));
        }
    }
}

/// Whether a run waits for timers and messages only.
fn rests(state: &RunState) -> bool {
    let has_no_task = match state.workflow_task {
        workflow_task::State::Idle => true,
        workflow_task::State::Pending | workflow_task::State::BackingOff => false,
    };
    has_no_task
        && !state.is_closed()
        && state.first_task_at.is_none()
        && state.updates_to_ask().is_empty()
        && state.parent.is_none()
        && state.activities.is_empty()
        && state.children.is_empty()
        && state.last_event_id.0 <= EVENTS_MAX
}

/// The first moment at which a resting run has something to do by itself.
fn wakes_at(state: &RunState) -> Option<Timestamp> {
    let timers = state.timers.values().map(|timer| timer.fires_at);
    timers.chain(state.deadline()).min()
}
