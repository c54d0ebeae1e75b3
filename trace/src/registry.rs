//! What is known of every fingerprint over all runs: when it was seen, how often for what was read, and how it stands.
//!
//! Neighbours: [`crate::rollup`] shows a [`Standing`] beside each group, [`lifecycle`] is the table of states, [`aliases`]
//! says which fingerprints are one failure, [`near`] when a rule may say so, and [`groups`] reads the counts through that.
//! Counts follow from sessions, never from runs: a session that was counted is known by its key, so reading it again,
//! in the same run after a crash or in another run, changes nothing. Must not know where the registry is kept.

pub mod aliases;
pub mod groups;
pub mod lifecycle;
pub mod near;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::llm::is_from_model;
use crate::mine::MinedSession;
use crate::scrub::{self, Scrubbed};
use crate::state_file;
use lifecycle::{Event, State};

/// Fewest sessions without a failure before it counts as resolved.
pub const QUIET_SESSIONS_MIN: u64 = 20;
/// Most sessions that are waited for, however rare the failure was.
pub const QUIET_SESSIONS_MAX: u64 = 5_000;
/// When nothing is seen in `3 / rate` sessions, a failure of that rate is gone with 95 % confidence (rule of three).
const RULE_OF_THREE: u64 = 3;
/// Most days of one trend, the latest.
pub const TREND_DAYS_MAX: usize = 30;
/// Days kept of one fingerprint.
const DAYS_MAX: usize = 400;
/// Hex digits that a session is known by.
const KEY_HEX_DIGITS: usize = 20;

/// What one session adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// The session's format, which stands for the agent.
    pub format: String,
    /// Latest time in the session, ISO 8601 UTC; empty when it says none.
    pub at: String,
    /// Events understood.
    pub events: u64,
    /// Signals by fingerprint.
    pub seen: BTreeMap<String, Sightings>,
}

/// The signals of one fingerprint in one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// Earliest time, empty when none is known.
    pub first_at: String,
    /// Latest time.
    pub last_at: String,
    /// Signals by day, UTC; the empty day holds those without a time.
    pub items_by_day: BTreeMap<String, u64>,
}

/// Sessions of a run by their keys, each once however many files hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(BTreeMap<String, SessionFacts>);

impl Batch {
    /// Adds a file. Copies and archives of one session are one session.
    pub fn add(&mut self, session: &MinedSession) {
        let mut facts = SessionFacts {
            format: session.format.clone(),
            at: session.last_at.clone(),
            events: session.events,
            seen: BTreeMap::new(),
        };
        // A model reads other sessions in each run: a failure that it did not look for would seem to have gone.
        let by_rules = session.signals.iter().filter(|s| !is_from_model(s));
        for signal in by_rules {
            let seen = facts
                .seen
                .entry(signal.own_fingerprint().to_owned())
                .or_default();
            seen.add(&signal.at);
        }
        match self.0.get_mut(&key(session)) {
            Some(known) => known.join(facts),
            None => {
                self.0.insert(key(session), facts);
            }
        }
    }
}

/// A session is the same when its agent, id and first moment are; one without times is told apart by its file.
fn key(session: &MinedSession) -> String {
    let place = if session.first_at.is_empty() {
        session.file.as_str()
    } else {
        &session.first_at
    };
    let whole = format!("{}\n{}\n{place}", session.format, session.session_id);
    hash::short_hex(whole.as_bytes(), KEY_HEX_DIGITS)
}

impl SessionFacts {
    /// Another file of the same session: its signals are other ones, its events are not.
    fn join(&mut self, other: Self) {
        self.events = self.events.max(other.events);
        raise(&mut self.at, &other.at);
        for (id, seen) in other.seen {
            let mine = self.seen.entry(id).or_default();
            lower(&mut mine.first_at, &seen.first_at);
            raise(&mut mine.last_at, &seen.last_at);
            for (day, n) in seen.items_by_day {
                *mine.items_by_day.entry(day).or_default() += n;
            }
        }
    }
}

impl Sightings {
    fn add(&mut self, at: &str) {
        lower(&mut self.first_at, at);
        raise(&mut self.last_at, at);
        *self.items_by_day.entry(day(at)).or_default() += 1;
    }
}

fn day(at: &str) -> String {
    at.get(..10).unwrap_or_default().to_owned()
}

/// The earlier of two times; an empty one is no time.
fn lower(mine: &mut String, other: &str) {
    if mine.is_empty() || (!other.is_empty() && other < mine.as_str()) {
        other.clone_into(mine);
    }
}

fn raise(mine: &mut String, other: &str) {
    if other > mine.as_str() {
        other.clone_into(mine);
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Sessions.
    pub sessions: u64,
    /// Events in them.
    pub events: u64,
}

/// One fingerprint over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    state: State,
    first_seen: String,
    last_seen: String,
    items: u64,
    sessions: u64,
    formats: BTreeSet<String>,
    quiet_sessions: u64,
    regressions: u64,
    items_by_day: BTreeMap<String, u64>,
    label: Label,
}

/// What people call a fingerprint, for reports on runs in which it was not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What happened, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub summary: Scrubbed,
    /// The tool, empty when none.
    #[serde(deserialize_with = "scrub::stored")]
    pub tool: Scrubbed,
    /// 1 to 3.
    pub tier: u8,
    /// The ticket that was made of it, empty when none was.
    pub ticket_id: String,
    /// The signature behind the fingerprint, scrubbed; empty when it was last seen before signatures were kept.
    #[serde(default, deserialize_with = "scrub::stored")]
    pub signature: Scrubbed,
}

/// All fingerprints and sessions that were ever counted.
///
/// **Durability**: a value like any other; whoever keeps it writes it whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    sessions: BTreeMap<String, SessionFacts>,
    exposure: BTreeMap<String, BTreeMap<String, Exposure>>,
    entries: BTreeMap<String, Entry>,
}

/// How often a fingerprint was seen on one day, and in how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendDay {
    /// `2026-03-01`, UTC.
    pub day: String,
    /// Signals.
    pub items: u64,
    /// Sessions of its agents that ended on that day.
    pub sessions_scanned: u64,
}

/// How a fingerprint stands after a run, with its rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// New, ongoing, resolved or regressed.
    pub state: State,
    /// Why, in one sentence.
    pub because: String,
    /// Earliest sighting of all runs, empty when no sighting has a time.
    pub first_seen: String,
    /// Latest sighting of all runs.
    pub last_seen: String,
    /// Signals in all runs.
    pub items: u64,
    /// Sessions with it.
    pub sessions: u64,
    /// Sessions read of the agents that had it.
    pub sessions_scanned: u64,
    /// Their events.
    pub events_scanned: u64,
    /// Sessions with it of 100 read, two decimals.
    pub per_100_sessions: f64,
    /// Signals of 1,000 events read, three decimals.
    pub per_1000_events: f64,
    /// Sessions read since it was last seen.
    pub quiet_sessions: u64,
    /// As many are needed to call it resolved.
    pub quiet_sessions_needed: u64,
    /// How often it came back after it was resolved.
    pub regressions: u64,
    /// Its ticket, empty when none was made.
    pub ticket_id: String,
    /// The latest days on which its agents were read, oldest first.
    pub trend: Vec<TrendDay>,
}

/// A fingerprint that a run did not see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absent {
    /// The fingerprint.
    pub fingerprint_id: String,
    /// What happened, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub summary: Scrubbed,
    /// The tool, empty when none.
    #[serde(deserialize_with = "scrub::stored")]
    pub tool: Scrubbed,
    /// 1 to 3.
    pub tier: u8,
    /// How it stands.
    pub standing: Standing,
}

/// What one batch changes for one fingerprint.
#[derive(Default)]
struct Change {
    seen: Sightings,
    items: u64,
    sessions: u64,
    formats: BTreeSet<String>,
}

impl Registry {
    /// Counts the sessions of a batch that are new or have grown, and moves every fingerprint of which that tells
    /// something. A batch that was applied before changes nothing. `labels` name the fingerprints of the batch.
    pub fn apply(&mut self, batch: Batch, labels: &BTreeMap<String, Label>) {
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        let mut fresh: Vec<String> = Vec::new();
        for (key, facts) in batch.0 {
            if self.count(&key, &facts, &mut changes) {
                fresh.push(key);
            }
        }
        for (id, label) in labels {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.label = label.clone();
            }
        }
        if fresh.is_empty() {
            return;
        }
        let ids: BTreeSet<String> = self.entries.keys().chain(changes.keys()).cloned().collect();
        for id in ids {
            let change = changes.remove(&id).unwrap_or_default();
            self.move_on(&id, change, &fresh, labels.get(&id));
        }
    }

    /// Takes a session in; whether it told anything new. Counts of a session only grow.
    fn count(
        &mut self,
        key: &str,
        facts: &SessionFacts,
        changes: &mut BTreeMap<String, Change>,
    ) -> bool {
        let is_new = !self.sessions.contains_key(key);
        let known = self.sessions.entry(key.to_owned()).or_default();
        let more_events = facts.events.saturating_sub(known.events);
        let mut is_fresh = is_new || more_events > 0;
        let exposure = self.exposure.entry(facts.format.clone()).or_default();
        let exposure = exposure.entry(day(&facts.at)).or_default();
        exposure.sessions += u64::from(is_new);
        exposure.events = exposure.events.saturating_add(more_events);
        known.format.clone_from(&facts.format);
        known.events += more_events;
        raise(&mut known.at, &facts.at);
        for (id, seen) in &facts.seen {
            let first_here = !known.seen.contains_key(id);
            let mine = known.seen.entry(id.clone()).or_default();
            let mut change = Change::default();
            for (day, n) in &seen.items_by_day {
                let counted = mine.items_by_day.entry(day.clone()).or_default();
                let more = n.saturating_sub(*counted);
                if more > 0 {
                    *counted += more;
                    change.items += more;
                    *change.seen.items_by_day.entry(day.clone()).or_default() += more;
                }
            }
            if change.items == 0 {
                continue;
            }
            is_fresh = true;
            lower(&mut mine.first_at, &seen.first_at);
            raise(&mut mine.last_at, &seen.last_at);
            let all = changes.entry(id.clone()).or_default();
            all.items += change.items;
            all.sessions += u64::from(first_here);
            all.formats.insert(facts.format.clone());
            lower(&mut all.seen.first_at, &seen.first_at);
            raise(&mut all.seen.last_at, &seen.last_at);
            for (day, n) in change.seen.items_by_day {
                *all.seen.items_by_day.entry(day).or_default() += n;
            }
        }
        is_fresh
    }

    fn move_on(&mut self, id: &str, change: Change, fresh: &[String], label: Option<&Label>) {
        let before = self.entries.get(id);
        let last_seen = before.map_or("", |entry| entry.last_seen.as_str());
        // A sighting without a time can only be told by its arrival, which is now.
        let is_later = change.items > 0
            && (change.seen.last_at.is_empty() || change.seen.last_at.as_str() > last_seen);
        let mut latest = last_seen.to_owned();
        raise(&mut latest, &change.seen.last_at);
        let mut formats = before.map_or_else(BTreeSet::new, |entry| entry.formats.clone());
        formats.extend(change.formats);
        let of_its_agents = || {
            let sessions = fresh.iter().filter_map(|key| self.sessions.get(key));
            sessions.filter(|session| formats.contains(&session.format))
        };
        // That one state file is well says nothing of another one.
        let without = |session: &&SessionFacts| {
            session.format != state_file::FORMAT
                && !session.seen.contains_key(id)
                && (session.at.is_empty() || session.at > latest)
        };
        let quiet = u64::try_from(of_its_agents().filter(without).count()).unwrap_or(u64::MAX);
        let nothing_to_tell = change.items == 0 && of_its_agents().next().is_none();
        if nothing_to_tell {
            return;
        }
        let state = before.map(|entry| entry.state);
        let mut entry = before.cloned().unwrap_or_else(Entry::unseen);
        if let Some(label) = label {
            entry.label = label.clone();
        }
        entry.formats = formats;
        entry.items = entry.items.saturating_add(change.items);
        entry.sessions = entry.sessions.saturating_add(change.sessions);
        lower(&mut entry.first_seen, &change.seen.first_at);
        entry.last_seen = latest;
        for (day, n) in change.seen.items_by_day {
            *entry.items_by_day.entry(day).or_default() += n;
        }
        while entry.items_by_day.len() > DAYS_MAX {
            entry.items_by_day.pop_first();
        }
        entry.quiet_sessions = if is_later {
            quiet
        } else {
            entry.quiet_sessions.saturating_add(quiet)
        };
        let sighting = match (change.items > 0, is_later) {
            (true, true) => Some(Event::Seen),
            (true, false) => Some(Event::SeenEarlier),
            (false, _) => None,
        };
        let is_long = entry.quiet_sessions >= self.quiet_needed(&entry);
        let absence = match (is_long, quiet > 0 && sighting.is_none()) {
            (true, _) => Some(Event::QuietLong),
            (false, true) => Some(Event::Quiet),
            (false, false) => None,
        };
        let mut next = state;
        for event in sighting.into_iter().chain(absence) {
            let after = lifecycle::step(next, event);
            entry.regressions +=
                u64::from(after == Some(State::Regressed) && next != Some(State::Regressed));
            next = after;
        }
        if let Some(next) = next {
            entry.state = next;
            self.entries.insert(id.to_owned(), entry);
        }
    }

    fn scanned(&self, entry: &Entry) -> Exposure {
        let mut all = Exposure::default();
        for by_day in entry.formats.iter().filter_map(|f| self.exposure.get(f)) {
            for exposure in by_day.values() {
                all.sessions = all.sessions.saturating_add(exposure.sessions);
                all.events = all.events.saturating_add(exposure.events);
            }
        }
        all
    }

    /// Sessions without it that call it resolved: three times the sessions in which one sighting was to be expected.
    fn quiet_needed(&self, entry: &Entry) -> u64 {
        let until_last = self
            .scanned(entry)
            .sessions
            .saturating_sub(entry.quiet_sessions);
        RULE_OF_THREE
            .saturating_mul(until_last)
            .div_ceil(entry.sessions.max(1))
            .clamp(QUIET_SESSIONS_MIN, QUIET_SESSIONS_MAX)
    }

    /// How a fingerprint stands; `None` when it was never seen.
    #[must_use]
    pub fn standing(&self, fingerprint_id: &str) -> Option<Standing> {
        self.entries
            .get(fingerprint_id)
            .map(|entry| self.standing_of(entry))
    }

    fn standing_of(&self, entry: &Entry) -> Standing {
        let scanned = self.scanned(entry);
        let quiet_sessions_needed = self.quiet_needed(entry);
        Standing {
            state: entry.state,
            because: because(entry, quiet_sessions_needed),
            first_seen: entry.first_seen.clone(),
            last_seen: entry.last_seen.clone(),
            items: entry.items,
            sessions: entry.sessions,
            sessions_scanned: scanned.sessions,
            events_scanned: scanned.events,
            per_100_sessions: rate(entry.sessions, scanned.sessions, 100, 2),
            per_1000_events: rate(entry.items, scanned.events, 1_000, 3),
            quiet_sessions: entry.quiet_sessions,
            quiet_sessions_needed,
            regressions: entry.regressions,
            ticket_id: entry.label.ticket_id.clone(),
            trend: self.trend(entry),
        }
    }

    fn trend(&self, entry: &Entry) -> Vec<TrendDay> {
        let mut days: BTreeMap<&str, TrendDay> = BTreeMap::new();
        for by_day in entry.formats.iter().filter_map(|f| self.exposure.get(f)) {
            for (day, exposure) in by_day {
                let entry = days.entry(day).or_insert_with(|| TrendDay::of(day));
                entry.sessions_scanned += exposure.sessions;
            }
        }
        for (day, items) in &entry.items_by_day {
            days.entry(day).or_insert_with(|| TrendDay::of(day)).items += items;
        }
        days.remove("");
        let beyond = days.len().saturating_sub(TREND_DAYS_MAX);
        days.into_values().skip(beyond).collect()
    }
}

impl TrendDay {
    fn of(day: &str) -> Self {
        Self {
            day: day.to_owned(),
            items: 0,
            sessions_scanned: 0,
        }
    }
}

impl Entry {
    fn unseen() -> Self {
        Self {
            state: State::New,
            first_seen: String::new(),
            last_seen: String::new(),
            items: 0,
            sessions: 0,
            formats: BTreeSet::new(),
            quiet_sessions: 0,
            regressions: 0,
            items_by_day: BTreeMap::new(),
            label: Label::default(),
        }
    }
}

fn because(entry: &Entry, needed: u64) -> String {
    let quiet = entry.quiet_sessions;
    match entry.state {
        State::New => "seen for the first time in what was read last".to_owned(),
        State::Ongoing => format!(
            "known from before; {quiet} of {needed} sessions without it that would call it resolved"
        ),
        State::Resolved => {
            format!("not seen in the last {quiet} sessions of its agents; {needed} were enough")
        }
        State::Regressed => "was resolved and came back".to_owned(),
    }
}

/// `part * of / whole`, rounded to some decimals; 0 when there is no whole.
pub(crate) fn rate(part: u64, whole: u64, of: u32, decimals: u32) -> f64 {
    let scale = 10_u128.pow(decimals);
    let scaled = (u128::from(part) * u128::from(of) * scale + u128::from(whole) / 2)
        .checked_div(u128::from(whole))
        .unwrap_or(0);
    let whole_part = u32::try_from(scaled / scale).unwrap_or(u32::MAX);
    let rest = u32::try_from(scaled % scale).unwrap_or(0);
    f64::from(whole_part) + f64::from(rest) / f64::from(10_u32.pow(decimals))
}

#[cfg(test)]
mod tests;
