//! Limits on attempts at once: by activity type, by rate, by a semaphore that activities share.
//!
//! All of it lives in memory: a process that starts holds no permits but those of attempts that
//! are held elsewhere. Whoever waits uses no attempt. A permit is given back when the attempt has
//! really stopped, not when it is given up; one that is held elsewhere, which nobody here can see
//! stop, gives it back when it is given up.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use kernel::Timestamp;
use kernel::run_state::PendingActivity;

use super::message::TaskRef;

/// How many attempts of one activity type this process makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivityLimit {
    /// At once, at most.
    pub concurrency: Option<usize>,
    /// In a second, at most; what was not used of one second is there for the next.
    pub per_second: Option<u32>,
}

/// What permits are counted for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Type(String),
    Semaphore(String),
}

/// What an attempt needs before it may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A permit: it is told when one is free.
    Permit,
    /// Time.
    Until(Timestamp),
}

/// Who holds permits, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Permits {
    limits: BTreeMap<String, ActivityLimit>,
    held: HashMap<Key, usize>,
    holders: HashMap<TaskRef, Vec<Key>>,
    waiting: HashMap<Key, VecDeque<TaskRef>>,
    /// Keys of which a permit may be free, with somebody waiting.
    freed: BTreeSet<Key>,
    /// Who was called out of a line last: if it was too early, its place is the first.
    called: Option<TaskRef>,
    /// The moment from which the next attempt of a type may begin, in microseconds.
    next_us: HashMap<String, i64>,
}

const SECOND_US: i64 = 1_000_000;

impl Permits {
    pub(super) fn new(limits: BTreeMap<String, ActivityLimit>) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The keys of an activity, and how many permits there are of each.
    fn keys(&self, pending: &PendingActivity) -> Vec<(Key, usize)> {
        let of_type = self.limits.get(&pending.activity_type);
        let of_type = of_type.and_then(|limit| limit.concurrency);
        let of_type = of_type.map(|n| (Key::Type(pending.activity_type.clone()), n));
        let semaphore = pending.options.semaphore.as_ref().map(|semaphore| {
            let permits = usize::try_from(semaphore.permits).unwrap_or(usize::MAX);
            (Key::Semaphore(semaphore.key.clone()), permits)
        });
        of_type.into_iter().chain(semaphore).collect()
    }

    fn full(&self, pending: &PendingActivity) -> Option<(Key, usize)> {
        let keys = self.keys(pending).into_iter();
        // A limit of nothing would be a wait for ever: one permit there always is.
        keys.map(|(key, n)| (key, n.max(1)))
            .find(|(key, n)| self.held.get(key).copied().unwrap_or_default() >= *n)
    }

    /// Whether an attempt may begin now. One that needs a permit is put in line for it.
    pub(super) fn check(
        &mut self,
        task: TaskRef,
        pending: &PendingActivity,
        now: Timestamp,
    ) -> Result<(), Wait> {
        if let Some((key, _)) = self.full(pending) {
            self.freed.remove(&key);
            let line = self.waiting.entry(key).or_default();
            if self.called == Some(task) {
                line.push_front(task);
            } else {
                line.push_back(task);
            }
            return Err(Wait::Permit);
        }
        self.check_rate(&pending.activity_type, now)
    }

    fn interval_us(&self, activity_type: &str) -> Option<i64> {
        let rate = self.limits.get(activity_type)?.per_second?;
        Some(SECOND_US / i64::from(rate.max(1)))
    }

    fn check_rate(&mut self, activity_type: &str, now: Timestamp) -> Result<(), Wait> {
        let Some(interval) = self.interval_us(activity_type) else {
            return Ok(());
        };
        let now_us = now.0.saturating_mul(1_000);
        let next = self.next_us.entry(activity_type.to_owned()).or_insert(0);
        if *next > now_us.saturating_add(SECOND_US) {
            // The clock went back: what was used up then says nothing of now.
            *next = now_us;
        }
        if *next <= now_us {
            return Ok(());
        }
        let at = next.saturating_add(999).div_euclid(1_000);
        debug_assert!(at > now.0 && interval > 0, "the wait has an end");
        Err(Wait::Until(Timestamp(at)))
    }

    /// Takes everything that a checked attempt needs.
    pub(super) fn take(&mut self, task: TaskRef, pending: &PendingActivity, now: Timestamp) {
        let keys: Vec<Key> = self.keys(pending).into_iter().map(|(key, _)| key).collect();
        self.hold(task, keys);
        if let Some(interval) = self.interval_us(&pending.activity_type)
            && let Some(next) = self.next_us.get_mut(&pending.activity_type)
        {
            let now_us = now.0.saturating_mul(1_000);
            let saved = now_us.saturating_sub(SECOND_US - interval);
            *next = (*next).max(saved).saturating_add(interval);
        }
    }

    /// Takes what an attempt held before a restart. There is room for it: it had been let in.
    pub(super) fn take_again(&mut self, task: TaskRef, pending: &PendingActivity) {
        let keys: Vec<Key> = self.keys(pending).into_iter().map(|(key, _)| key).collect();
        self.hold(task, keys);
    }

    fn hold(&mut self, task: TaskRef, keys: Vec<Key>) {
        for key in &keys {
            *self.held.entry(key.clone()).or_default() += 1;
        }
        if !keys.is_empty() {
            self.holders.insert(task, keys);
        }
    }

    /// An attempt has stopped: gives back what it held.
    pub(super) fn release(&mut self, task: TaskRef) {
        for key in self.holders.remove(&task).unwrap_or_default() {
            if let Some(held) = self.held.get_mut(&key) {
                *held = held.saturating_sub(1);
                if *held == 0 {
                    self.held.remove(&key);
                }
            }
            if self.waiting.contains_key(&key) {
                self.freed.insert(key);
            }
        }
    }

    /// The next in line for a permit that may be free.
    pub(super) fn next_waiting(&mut self) -> Option<TaskRef> {
        while let Some(key) = self.freed.first().cloned() {
            if let Some(task) = self.waiting.get_mut(&key).and_then(VecDeque::pop_front) {
                self.called = Some(task);
                return Some(task);
            }
            self.waiting.remove(&key);
            self.freed.remove(&key);
        }
        None
    }

    /// What an activity waits for, in plain words, if it waits for a permit.
    pub(super) fn explain(&self, pending: &PendingActivity) -> Option<String> {
        let (key, n) = self.full(pending)?;
        let name = match &key {
            Key::Type(name) | Key::Semaphore(name) => name,
        };
        let activity_type = &pending.activity_type;
        Some(match n {
            1 => format!("activity {activity_type} waits for the permit of {name}"),
            n => format!("activity {activity_type} waits for one of {n} permits of {name}"),
        })
    }
}
