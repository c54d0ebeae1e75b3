//! Warnings before a limit: what a run has used a fifth of.
//!
//! Neighbours: the engine shows them with a run. Must not stop anything: the limits do that.

use crate::limits;
use crate::run_state::RunState;

/// What this run has used a fifth or more of, in plain words; empty for a run in good health.
///
/// ```
/// use kernel::{Payload, RunId, StartRequest, Timestamp, WorkflowId, start, warnings};
/// let (id, run) = (WorkflowId::new("a"), RunId([7; 16]));
/// let (mut state, _) = start(StartRequest::new(id, run, "a", Payload::null()), Timestamp(0))?;
/// assert!(warnings(&state).is_empty());
/// state.signals = 2_000;
/// assert_eq!(warnings(&state), ["it has 2000 signals, the limit is 10000"]);
/// # Ok::<(), kernel::Rejection>(())
/// ```
#[must_use]
pub fn warnings(state: &RunState) -> Vec<String> {
    let used = [
        ("events", state.last_event_id.0, limits::HISTORY_EVENTS_MAX),
        (
            "bytes of history",
            state.history_bytes,
            limits::HISTORY_BYTES_MAX,
        ),
        ("signals", state.signals, limits::SIGNALS_MAX),
        (
            "pending activities",
            count(state.activities.len()),
            count(limits::PENDING_ACTIVITIES_MAX),
        ),
        (
            "pending timers",
            count(state.timers.len()),
            count(limits::PENDING_TIMERS_MAX),
        ),
        (
            "pending children",
            count(state.children.len()),
            count(limits::PENDING_CHILDREN_MAX),
        ),
        (
            "updates",
            count(state.updates.len()),
            count(limits::UPDATES_MAX),
        ),
    ];
    let near = used
        .into_iter()
        .filter(|(_, n, limit)| *n >= limit / limits::WARN_DIVISOR);
    near.map(|(what, n, limit)| format!("it has {n} {what}, the limit is {limit}"))
        .collect()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Input, decide};
    use crate::ids::{EventId, Millis, Seq, Timestamp};
    use crate::machine::Definition;
    use crate::options::{ActivityOptions, ChildOptions};
    use crate::run_state::UpdateRecord;
    use crate::testing::{TestRun, json};
    use crate::{Command, Cx, WorkflowId, primitives};

    fn run() -> TestRun {
        let definition = Definition::new("wait", |cx: Cx, n: u64| async move {
            let _: u64 = cx.signal("go").await?;
            Ok(n)
        });
        TestRun::new(&definition, json(&1_u64))
    }

    fn check(change: impl Fn(&mut RunState, u64), limit: u64, expected: &str) {
        let mut run = run();
        let fifth = limit / limits::WARN_DIVISOR;
        change(&mut run.state, fifth - 1);
        assert_eq!(warnings(&run.state), Vec::<String>::new());
        change(&mut run.state, fifth);
        assert_eq!(warnings(&run.state), [format!("it has {fifth} {expected}")]);
    }

    /// A run with so many of what `command` begins; `None` when that is over a limit.
    fn with(n: u64, command: impl Fn(Seq) -> Command) -> Option<RunState> {
        let mut run = run();
        let seqs = (1..=n).map(|seq| Seq(u32::try_from(seq).unwrap()));
        let input = Input::WorkflowTaskCompleted {
            commands: seqs.map(command).collect(),
            successor: None,
        };
        let transition = decide(&run.state, input, Timestamp(1_000)).ok()?;
        run.state.apply(&transition).unwrap();
        Some(run.state)
    }

    fn check_pending(command: impl Fn(Seq) -> Command, limit: usize, what: &str) {
        let limit = count(limit);
        let fifth = limit / limits::WARN_DIVISOR;
        assert!(warnings(&with(fifth - 1, &command).unwrap()).is_empty());
        let warned = warnings(&with(fifth, &command).unwrap());
        assert_eq!(
            warned,
            [format!(
                "it has {fifth} pending {what}, the limit is {limit}"
            )]
        );
        assert!(with(limit, &command).is_some());
        assert!(
            with(limit + 1, &command).is_none(),
            "the limit itself holds"
        );
    }

    #[test]
    fn a_fifth_of_each_limit_is_worth_a_warning() {
        let events = limits::HISTORY_EVENTS_MAX;
        let text = "events, the limit is 51200";
        check(|state, n| state.last_event_id = EventId(n), events, text);
        let bytes = limits::HISTORY_BYTES_MAX;
        let text = "bytes of history, the limit is 52428800";
        check(|state, n| state.history_bytes = n, bytes, text);
        let text = "signals, the limit is 10000";
        check(|state, n| state.signals = n, limits::SIGNALS_MAX, text);
        let updates = |state: &mut RunState, n: u64| {
            let record = || UpdateRecord {
                accepted_event_id: EventId(3),
                completed_event_id: Some(EventId(4)),
                state: primitives::update::State::Completed,
            };
            state.updates = (0..n).map(|id| (id.to_string(), record())).collect();
        };
        let text = "updates, the limit is 2000";
        check(updates, count(limits::UPDATES_MAX), text);
    }

    #[test]
    fn what_is_pending_is_worth_a_warning_and_then_a_limit() {
        let activity = |seq| Command::ScheduleActivityTask {
            seq,
            activity_type: "Echo".to_owned(),
            input: json(&1_u64),
            options: ActivityOptions::default(),
        };
        check_pending(activity, limits::PENDING_ACTIVITIES_MAX, "activities");
        let timer = |seq| Command::StartTimer {
            seq,
            start_to_fire: Millis(1),
        };
        check_pending(timer, limits::PENDING_TIMERS_MAX, "timers");
        let child = |seq: Seq| Command::StartChildWorkflowExecution {
            seq,
            workflow_id: WorkflowId(format!("c{}", seq.0)),
            workflow_type: "wait".to_owned(),
            input: json(&1_u64),
            options: ChildOptions::default(),
        };
        check_pending(child, limits::PENDING_CHILDREN_MAX, "children");
    }
}
