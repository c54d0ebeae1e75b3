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

fn all_tables() -> String {
    let mut out = String::new();
    {
        use super::workflow_execution::{Event as E, State as S};
        out += &table(
            "workflow execution",
            &[S::Running, S::Completed, S::Failed, S::Canceled, S::Terminated],
            &[E::Progressed, E::Completed, E::Failed, E::Canceled, E::Terminated],
            S::on,
        );
    }
    {
        use super::workflow_task::{Event as E, State as S};
        out += &table(
            "workflow task",
            &[S::Idle, S::Pending, S::BackingOff],
            &[E::News, E::Completed, E::Failed],
            S::on,
        );
    }
    {
        use super::activity::{Event as E, State as S};
        out += &table(
            "activity",
            &[
                S::Scheduled,
                S::BackingOff,
                S::CancelRequested,
                S::Completed,
                S::Failed,
                S::TimedOut,
                S::Canceled,
            ],
            &[
                E::AttemptFailed,
                E::Deferred,
                E::AttemptDue,
                E::Heartbeat,
                E::CancelRequested,
                E::Completed,
                E::Failed,
                E::TimedOut,
                E::Canceled,
            ],
            S::on,
        );
    }
    {
        use super::timer::{Event as E, State as S};
        out += &table(
            "timer",
            &[S::Started, S::Fired, S::Canceled],
            &[E::Fired, E::Canceled],
            S::on,
        );
    }
    {
        use super::child::{Event as E, State as S};
        out += &table(
            "child workflow execution",
            &[
                S::Initiated,
                S::InitiatedCancelRequested,
                S::Started,
                S::StartedCancelRequested,
                S::StartFailed,
                S::Closed,
            ],
            &[E::Started, E::StartFailed, E::CancelRequested, E::Closed],
            S::on,
        );
    }
    {
        use super::cancellation::{Event as E, State as S};
        out += &table("cancellation", &[S::NotRequested, S::Requested], &[E::Requested], S::on);
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
