//! Commands of a completed workflow task.

use super::*;

fn owed() -> Run {
    let mut run = run();
    run.ok(Input::Signal {
        name: "wake".to_owned(),
        input: Payload::null(),
    });
    run
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    fn check(commands: Vec<Command>, expected: &str) {
        let rejection = owed().refused(task(commands));
        let Rejection::BadCommand(text) = rejection else {
            panic!("not a bad command: {rejection:?}")
        };
        assert!(text.contains(expected), "{text}");
    }
    let cancel = |seq| Command::RequestCancelActivityTask { seq: Seq(seq) };
    let take_back = |seq| Command::CancelTimer { seq: Seq(seq) };
    let stop = |seq| Command::RequestCancelChildWorkflowExecution { seq: Seq(seq) };
    check(
        vec![cancel(9)],
        "operation 9 cannot be canceled: it is not pending",
    );
    check(vec![cancel(2)], "of another kind");
    check(vec![take_back(1)], "of another kind");
    check(vec![stop(1)], "of another kind");
    check(vec![cancel(1), cancel(1)], "while CancelRequested");
    check(vec![take_back(2), take_back(2)], "while Canceled");
    check(vec![stop(3), stop(3)], "while InitiatedCancelRequested");
    check(
        vec![schedule(7, options()), schedule(7, options())],
        "begun already",
    );
    check(
        vec![Command::CancelWorkflowExecution, cancel(1)],
        "follows the end",
    );
    let retry = RetryPolicy {
        backoff_coefficient: f64::NAN,
        ..RetryPolicy::default()
    };
    check(
        vec![schedule(7, ActivityOptions { retry, ..options() })],
        "must be 1 or more",
    );
}

#[test]
fn an_operation_can_be_canceled_in_the_task_that_begins_it() {
    let commands = vec![
        schedule(7, options()),
        Command::RequestCancelActivityTask { seq: Seq(7) },
        Command::StartTimer {
            seq: Seq(8),
            start_to_fire: Millis(1),
        },
        Command::CancelTimer { seq: Seq(8) },
    ];
    let (events, _) = owed().ok(task(commands));
    let names: Vec<_> = events.iter().map(EventKind::name).collect();
    assert_eq!(
        names,
        [
            "WorkflowTaskCompleted",
            "ActivityTaskScheduled",
            "ActivityTaskCancelRequested",
            "TimerStarted",
            "TimerCanceled"
        ]
    );
}

#[test]
fn what_a_run_may_hold_at_once_is_bounded_but_it_may_always_end() {
    fn check(commands: impl Iterator<Item = Command>, expected: &str) {
        let mut commands: Vec<_> = commands.collect();
        let text = owed().over_limit(task(commands.clone()));
        assert!(text.contains(expected), "{text}");
        let failure = busy();
        commands.push(Command::FailWorkflowExecution { failure });
        owed().ok(task(commands));
    }
    let timer = |seq| Command::StartTimer {
        seq: Seq(seq),
        start_to_fire: Millis(1),
    };
    check((10..2_010).map(timer), "2001 timers");
    check(
        (10..2_010).map(|seq| schedule(seq, options())),
        "2001 activities",
    );
    let swap = [Command::CancelTimer { seq: Seq(2) }];
    owed().ok(task(
        swap.into_iter().chain((10..2_010).map(timer)).collect(),
    ));

    let stage = |n: u32| Command::RecordMarker {
        marker: Marker::Stage {
            name: format!("stage {}", n % 65),
            total: None,
        },
    };
    owed().ok(task((0..64).chain(0..64).map(stage).collect()));
    let text = owed().over_limit(task((0..65).map(stage).collect()));
    assert_eq!(text, "a run has at most 64 stages");

    let big = json(&"x".repeat(limits::PAYLOAD_BYTES_MAX));
    let text = owed().over_limit(task(vec![Command::CompleteWorkflowExecution {
        result: big,
    }]));
    assert!(text.starts_with("the workflow's result"), "{text}");
    let mut full = owed();
    full.state.last_event_id = EventId(limits::HISTORY_EVENTS_MAX);
    assert!(
        full.over_limit(task(Vec::new()))
            .contains("the history would have 51201 events")
    );
}
