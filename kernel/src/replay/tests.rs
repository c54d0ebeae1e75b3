//! What replay says of code that changed, and of histories that no engine wrote.

use super::*;
use crate::cx::Cx;
use crate::ids::Millis;
use crate::options::{ActivityOptions, ChildOptions};
use crate::testing::{Outside, RUN, TestRun, json};

type Names = &'static [&'static str];

/// Does one thing after the other: `timer`, `stage`, `child`, `drop` or the name of an activity.
fn steps(names: Names) -> Definition {
    Definition::new("steps", move |cx: Cx, n: u64| async move {
        for name in names {
            match *name {
                "timer" => cx.sleep(Millis(10)).await?,
                "stage" => cx.stage("middle", None),
                "child" => {
                    let id = WorkflowId::new("child");
                    let options = ChildOptions::default();
                    cx.child_named::<_, u64>("steps", id, &n, options)
                        .await
                        .map(drop)?;
                }
                "drop first" => {
                    let first = activity(&cx, "A", n);
                    let _second = activity(&cx, "A", n);
                    drop(first);
                    cx.sleep(Millis(10)).await?;
                }
                "drop second" => {
                    let _first = activity(&cx, "A", n);
                    drop(activity(&cx, "A", n));
                    cx.sleep(Millis(10)).await?;
                }
                name => activity(&cx, name, n).await.map(drop)?,
            }
        }
        Ok(n)
    })
}

fn activity(cx: &Cx, name: &str, n: u64) -> crate::cx::Operation<u64> {
    cx.activity_named(name, &n, ActivityOptions::default())
}

/// Without signals, so that event ids can be told in advance.
fn quiet_history(names: Names) -> Vec<HistoryEvent> {
    let mut run = TestRun::new(&steps(names), json(&5));
    run.run_in_order();
    run.history
}

fn replayed(names: Names, history: &[HistoryEvent]) -> Result<Replayed, ReplayError> {
    replay(&steps(names), WorkflowId::new("test-run"), RUN, history)
}

fn check(recorded: Names, code: Names, expected: &str) {
    let history = quiet_history(recorded);
    replayed(recorded, &history).unwrap();
    let text = replayed(code, &history).unwrap_err().to_string();
    let (found, advice) = text.split_once("; ").unwrap();
    assert_eq!(found, expected);
    assert!(
        advice.contains("Put back the old order of commands"),
        "{advice}"
    );
}

#[test]
fn the_first_difference_is_named_with_its_event_and_both_sides() {
    check(
        &["A", "B"],
        &["B", "A"],
        "nondeterminism at event 3: the history has ActivityTaskScheduled(A), the code did \
         ActivityTaskScheduled(B)",
    );
    check(
        &["A", "B", "C"],
        &["A", "timer", "C"],
        "nondeterminism at event 6: the history has ActivityTaskScheduled(B), the code did \
         TimerStarted(10 ms)",
    );
    check(
        &["A", "stage", "B"],
        &["A", "B", "stage"],
        "nondeterminism at event 6: the history has MarkerRecorded(stage middle), the code did \
         ActivityTaskScheduled(B)",
    );
    check(
        &["A", "child"],
        &["A", "B"],
        "nondeterminism at event 6: the history has \
         StartChildWorkflowExecutionInitiated(steps as child), the code did \
         ActivityTaskScheduled(B)",
    );
}

#[test]
fn code_that_does_more_or_less_than_it_did_is_found() {
    check(
        &["A", "B"],
        &["A"],
        "nondeterminism at event 6: the history has ActivityTaskScheduled(B), the code did \
         WorkflowExecutionCompleted",
    );
    check(
        &["A"],
        &["A", "B"],
        "nondeterminism at event 6: the history has WorkflowExecutionCompleted, the code did \
         ActivityTaskScheduled(B)",
    );
    check(
        &["A", "stage", "timer"],
        &["A", "stage"],
        "nondeterminism at event 7: the history has TimerStarted(10 ms), the code did \
         WorkflowExecutionCompleted",
    );
    let history = quiet_history(&["A"]);
    let text = replayed(&["stage", "A"], &history[..2])
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with(
            "nondeterminism at event 3: the history has no further command, the code did \
             MarkerRecorded(stage middle);"
        ),
        "{text}"
    );
}

#[test]
fn canceling_another_operation_of_the_same_name_is_found() {
    check(
        &["drop first"],
        &["drop second"],
        "nondeterminism at event 5: the history has ActivityTaskCancelRequested as operation 1, \
         the code did ActivityTaskCancelRequested as operation 2",
    );
}

#[test]
fn code_of_another_type_is_refused_at_the_first_event() {
    let history = quiet_history(&["A"]);
    let other = Definition::new("other", |_cx: Cx, n: u64| async move { Ok(n) });
    let error = replay(&other, WorkflowId::new("test-run"), RUN, &history).unwrap_err();
    assert_eq!(
        error,
        ReplayError::Nondeterminism {
            event_id: EventId(1),
            history: "WorkflowExecutionStarted(steps)".to_owned(),
            code: "WorkflowExecutionStarted(other)".to_owned(),
        }
    );
}

#[test]
fn code_that_panics_is_told_with_the_task_of_its_panic() {
    let history = quiet_history(&["A", "B"]);
    let broken = Definition::new("steps", |cx: Cx, n: u64| async move {
        activity(&cx, "A", n).await?;
        assert!(n > 5, "five is not enough");
        Ok(n)
    });
    let error = replay(&broken, WorkflowId::new("test-run"), RUN, &history).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the workflow code failed in the workflow task of event 5: InternalFailure: the workflow \
         code panicked: five is not enough"
    );
}

fn corrupt(history: &[HistoryEvent], expected: &str) {
    let error = replayed(&["A", "timer"], history).unwrap_err();
    assert!(matches!(error, ReplayError::Corrupt(_)), "{error}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_history_that_no_engine_wrote_is_corrupt() {
    let good = quiet_history(&["A", "timer"]);
    corrupt(&[], "the history is not valid at event 0: it has no events");
    corrupt(
        &good[1..],
        "the history is not valid at event 2: the first event is WorkflowTaskCompleted",
    );
    let mut late = good.clone();
    late[0].id = EventId(u64::MAX);
    corrupt(
        &late,
        "the history is not valid at event 18446744073709551615: it should be event 1",
    );
    let mut gap = good.clone();
    gap.remove(3);
    corrupt(
        &gap,
        "the history is not valid at event 5: it should be event 4",
    );
    let mut stray = good;
    stray[4].kind = EventKind::WorkflowExecutionCanceled;
    corrupt(
        &stray,
        "the history is not valid at event 5: WorkflowExecutionCanceled does not follow a workflow \
         task",
    );
}

#[test]
fn signals_that_the_code_does_not_read_do_not_matter() {
    let names: Names = &["A", "timer", "B"];
    let mut run = TestRun::new(&steps(names), json(&5));
    run.run(7, Outside::Quiet);
    let is_signal =
        |e: &HistoryEvent| matches!(e.kind, EventKind::WorkflowExecutionSignaled { .. });
    assert!(run.history.iter().any(is_signal));
    assert!(replayed(names, &run.history).unwrap().machine.is_done());
}

#[test]
fn a_replay_in_steps_shows_every_event_once_and_the_commands_of_each_turn() {
    let names: Names = &["A", "timer", "stage", "child", "drop first"];
    let history = quiet_history(names);
    let (mut shown, mut told) = (Vec::new(), 0);
    let id = WorkflowId::new("test-run");
    let replayed = replay_in_steps(&steps(names), id, RUN, &history, &mut |step| {
        let is_turn = step.event.kind == EventKind::WorkflowTaskCompleted;
        assert_eq!(step.commands.is_some(), is_turn, "{step:?}");
        told += step.commands.map_or(0, <[_]>::len);
        shown.push(step.event.clone());
    });
    assert!(replayed.is_ok());
    assert_eq!(shown, history);
    let recorded = history.iter().filter(|event| event.kind.is_command());
    assert_eq!(told, recorded.count());
}
