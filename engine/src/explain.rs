//! Why is it not moving? One plain sentence about what an open run waits for.

use kernel::primitives::activity;
use kernel::{EventId, RunState, Timestamp};

/// What the run waits for at `now`, and what to do if it waits for somebody. Empty when closed.
#[must_use]
pub fn waiting_on(
    state: &RunState,
    running: &[(EventId, u32, Timestamp)],
    known: &dyn Fn(&str) -> bool,
    now: Timestamp,
) -> String {
    if state.is_closed() {
        return String::new();
    }
    if let Some(why) = paused(state, now) {
        return why;
    }
    if let Some(failure) = &state.workflow_task_failure {
        return format!(
            "the workflow code failed {} ({}); it is tried again in {}. A binary \
             with repaired code goes on from here; `terminate` gives the run up",
            match failure.attempts {
                1 => "once".to_owned(),
                n => format!("{n} times in a row"),
            },
            failure.failure.message,
            seconds(failure.next_attempt_at, now),
        );
    }
    if let Some(at) = state.first_task_at {
        let (wait, attempt) = (seconds(at, now), state.chain.attempt);
        return format!(
            "the run before failed; attempt {attempt} of the workflow begins in {wait}"
        );
    }
    if !running.is_empty() {
        let names = running
            .iter()
            .filter_map(|(id, _, _)| state.activities.get(id))
            .map(|a| a.activity_type.as_str());
        return format!(
            "{} running: {}",
            count(running.len(), "activity"),
            tally(names)
        );
    }
    if let Some(why) = paused_activity(state, now) {
        return why;
    }
    if let Some(unknown) = state
        .activities
        .values()
        .find(|a| a.held.is_none() && !known(&a.activity_type))
    {
        return format!(
            "activity {} has no worker here: this binary does not register it",
            unknown.activity_type
        );
    }
    if let Some(why) = held(state, now) {
        return why;
    }
    let next = state
        .activities
        .values()
        .filter(|a| a.state == activity::State::BackingOff)
        .min_by_key(|a| a.next_attempt_at);
    if let Some(next) = next {
        let why = next.last_failure.as_ref().map_or_else(
            || format!("the circuit breaker of {} is open", next.options.breaker),
            |failure| failure.message.clone(),
        );
        return format!(
            "activity {} is due again in {} as attempt {} ({why})",
            next.activity_type,
            seconds(next.next_attempt_at, now),
            next.attempt,
        );
    }
    if !state.activities.is_empty() {
        let names = state.activities.values().map(|a| a.activity_type.as_str());
        let n = count(state.activities.len(), "activity");
        return format!("{n} waiting for a worker: {}", tally(names));
    }
    if !state.children.is_empty() {
        let names = state.children.values().map(|c| c.workflow_id.as_str());
        let n = count(state.children.len(), "child workflow");
        return format!("{n} running: {}", tally(names));
    }
    if let Some(timer) = state.timers.values().min_by_key(|t| t.fires_at) {
        return format!("a timer that fires in {}", seconds(timer.fires_at, now));
    }
    "a signal: nothing else is pending".to_owned()
}

/// Of a paused run: since when and why, and what lets it go on.
pub(crate) fn paused(state: &RunState, now: Timestamp) -> Option<String> {
    let paused = state.paused.as_ref()?;
    let since = now.since(paused.since).0 / 1_000;
    Some(format!(
        "somebody to let it go on: it was paused {since} s ago ({}). `unpause` does",
        paused.reason
    ))
}

/// Of the attempt that is held elsewhere and runs out of time first: since when, until when, and what
/// somebody who knows the result can do.
pub(crate) fn held(state: &RunState, now: Timestamp) -> Option<String> {
    let held = state.activities.iter();
    let held = held.filter_map(|(id, pending)| Some((*id, pending, pending.held_until()?)));
    let (id, pending, until) = held.min_by_key(|(_, _, until)| *until)?;
    let (since, token) = (pending.held?.since, state.task_token(id)?);
    let which = if pending.deadline() == Some(until) {
        "schedule-to-close"
    } else {
        "start-to-close"
    };
    let heartbeat = pending.options.heartbeat.map_or_else(String::new, |every| {
        format!(", or until {} ms pass without a heartbeat", every.0)
    });
    let canceling = if pending.state.is_cancel_requested() {
        "; it was asked to cancel, and hears so at its next heartbeat"
    } else {
        ""
    };
    Some(format!(
        "somebody elsewhere to complete activity {} (event {id}, attempt {}): handed over {} ago, its \
         {which} timeout ends the attempt in {}{heartbeat}{canceling}. `activity complete --token \
         {token} --result JSON` does it by hand",
        pending.activity_type,
        pending.attempt,
        seconds(now, since),
        seconds(until, now),
    ))
}

/// Of a run with a paused activity: since when, by whom and why, and what lets it go on.
pub(crate) fn paused_activity(state: &RunState, now: Timestamp) -> Option<String> {
    let mut all = state
        .activities
        .iter()
        .filter_map(|(id, pending)| Some((id, pending, pending.paused.as_ref()?)));
    let (id, pending, pause) = all.next()?;
    let others = match all.count() {
        0 => String::new(),
        n => format!("; {} paused as well", count(n, "activity")),
    };
    let since = now.since(pause.since).0 / 1_000;
    let reason = if pause.reason.is_empty() {
        String::new()
    } else {
        format!(" ({})", pause.reason)
    };
    Some(format!(
        "somebody to let activity {} go on: {} paused it {since} s ago{reason}. `activity unpause {} {id}` does{others}",
        pending.activity_type, pause.by, state.workflow_id,
    ))
}

fn seconds(at: Timestamp, now: Timestamp) -> String {
    let millis = at.since(now).0;
    if millis < 10_000 {
        format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
    } else {
        format!("{} s", millis / 1_000)
    }
}

fn count(n: usize, what: &str) -> String {
    match (n, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{n} {stem}ies"),
        (_, None) => format!("{n} {what}s"),
    }
}

/// Names with how often each occurs, at most five.
fn tally<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut parts: Vec<String> = counts
        .iter()
        .take(5)
        .map(|(name, n)| {
            if *n == 1 {
                (*name).to_owned()
            } else {
                format!("{n} × {name}")
            }
        })
        .collect();
    if counts.len() > 5 {
        parts.push("…".to_owned());
    }
    parts.join(", ")
}
