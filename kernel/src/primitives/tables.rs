//! Golden tables: every (state, event) pair of every primitive and its outcome.
//!
//! Set `UPDATE_GOLDEN=1` to write the file anew, then read the difference before committing it.

use std::fmt::{Debug, Write};

use super::Illegal;

fn table<S: Debug + Copy, E: Debug + Copy>(
    name: &str,
    states: &[S],
    events: &[E],
    on: impl Fn(S, E) -> Result<S, Illegal>,
) -> String {
    let mut out = format!("{name}\n");
    for state in states {
        for event in events {
            let outcome = match on(*state, *event) {
                Ok(next) => format!("{next:?}"),
                Err(_) => "illegal".to_owned(),
            };
            let _ = writeln!(
                out,
                "  {:<26}{:<18}-> {outcome}",
                format!("{state:?}"),
                format!("{event:?}")
            );
        }
    }
    out
}

/// The variants of an enum as an array; does not compile when one is left out.
macro_rules! all {
    ($kind:ty: $($variant:ident),+ $(,)?) => {{
        fn complete(one: $kind) {
            match one {
                $(<$kind>::$variant)|+ => {}
            }
        }
        let all = [$(<$kind>::$variant),+];
        all.iter().for_each(|one| complete(*one));
        all
    }};
}

fn all_tables() -> String {
    let mut out = String::new();
    {
        use super::workflow_execution::{Event, State};
        let states = all!(
            State: Running, Completed, Failed, Canceled, Terminated, TimedOut, ContinuedAsNew
        );
        let events = all!(
            Event: Progressed, Completed, Failed, Canceled, Terminated, TimedOut, ContinuedAsNew
        );
        out += &table("workflow execution", &states, &events, State::on);
    }
    {
        use super::workflow_task::{Event, State};
        let states = all!(State: Idle, Pending, BackingOff);
        let events = all!(Event: News, Completed, Failed);
        out += &table("workflow task", &states, &events, State::on);
    }
    {
        use super::activity::{Event, State};
        let states = all!(
            State: Scheduled, BackingOff, CancelRequested, Held, HeldCancelRequested, Completed, Failed,
            TimedOut, Canceled
        );
        let events = all!(
            Event: AttemptFailed, Held, Deferred, AttemptDue, Reset, Heartbeat, CancelRequested,
            Completed, Failed, TimedOut, Canceled
        );
        out += &table("activity", &states, &events, State::on);
    }
    {
        use super::timer::{Event, State};
        let states = all!(State: Started, Fired, Canceled);
        let events = all!(Event: Fired, Canceled);
        out += &table("timer", &states, &events, State::on);
    }
    {
        use super::child::{Event, State};
        let states = all!(
            State: Initiated, InitiatedCancelRequested, Started, StartedCancelRequested,
            StartFailed, Closed
        );
        let events = all!(Event: Started, StartFailed, CancelRequested, Closed);
        out += &table("child workflow execution", &states, &events, State::on);
    }
    {
        use super::update::{Event, State};
        let states = all!(State: Accepted, Completed);
        let events = all!(Event: Accepted, Completed);
        out += &table("update", &states, &events, State::on);
    }
    {
        use super::cancellation::{Event, State};
        let states = all!(State: NotRequested, Requested);
        let events = all!(Event: Requested);
        out += &table("cancellation", &states, &events, State::on);
    }
    {
        use super::pause::{Event, State};
        let states = all!(State: Active, Paused);
        let events = all!(Event: Paused, Unpaused);
        out += &table("pause", &states, &events, State::on);
    }
    out
}

#[test]
fn every_state_and_event_pair_has_the_recorded_outcome() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tables.txt");
    let now = all_tables();
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &now).unwrap();
    }
    let recorded = include_str!("../../tests/golden/tables.txt");
    assert!(
        now == recorded,
        "a transition table changed; if that is meant, run `UPDATE_GOLDEN=1 cargo test -p kernel` \
         twice and read the difference:\n{now}"
    );
}
