//! Attempts: retries, the four timeouts, heartbeats, late and repeated results.

use engine::core::{Effect, Message, TaskRef};
use kernel::primitives::workflow_execution;
use kernel::{
    ActivityOptions, FailureKind, Millis, Payload, RetryPolicy, TimeoutType, Timestamp, WorkflowId,
};

use crate::rig::{One, Rig, once, slow_retry};

fn quick_retry() -> ActivityOptions {
    ActivityOptions {
        retry: RetryPolicy {
            initial_interval: Millis(100),
            ..RetryPolicy::default()
        },
        ..slow_retry()
    }
}

#[test]
fn a_retry_due_in_ten_minutes_is_still_due_then_after_a_restart() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.flaky(first.task);
    rig.pass(Millis::seconds(200));
    rig.restart();
    assert_eq!(rig.poll(), [], "not before its time");
    rig.pass(Millis::seconds(399));
    assert_eq!(rig.poll(), [], "not one second before its time");
    rig.pass(Millis::seconds(1));
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    rig.end(second.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn an_attempt_that_takes_too_long_is_told_to_stop_and_made_again() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    assert_eq!(first.deadline, rig.now.after(Millis::seconds(60)));
    rig.pass(Millis::seconds(60));
    assert!(rig.effects.contains(&Effect::CancelAttempt(first.task)));
    let pending = rig
        .describe(run)
        .state
        .activities
        .into_values()
        .next()
        .unwrap();
    assert_eq!(pending.attempt, 2);
    let failure = pending.last_failure.unwrap();
    assert_eq!(
        failure.kind,
        FailureKind::Timeout(TimeoutType::StartToClose)
    );
    // What the first attempt says now comes too late.
    rig.end(first.task, Ok(1));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.pass(Millis::seconds(600));
    let second = rig.task();
    rig.end(second.task, Ok(2));
    assert_eq!(rig.value(run), 2);
}

#[test]
fn the_time_for_all_attempts_together_runs_out_across_a_restart() {
    let mut rig = Rig::new();
    let options = ActivityOptions {
        start_to_close: Millis::seconds(200),
        schedule_to_close: Some(Millis::seconds(700)),
        ..slow_retry()
    };
    let run = rig.start_one("a", "work", options);
    let first = rig.task();
    rig.flaky(first.task);
    rig.pass(Millis::seconds(600));
    let second = rig.task();
    rig.restart();
    let again = rig.task();
    assert_eq!(
        again.task, second.task,
        "the attempt that died with the process is made again"
    );
    rig.pass(Millis::seconds(99));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.pass(Millis::seconds(1));
    assert!(rig.names(run).contains(&"ActivityTaskTimedOut"));
    assert_eq!(
        rig.failure(run).kind,
        FailureKind::Timeout(TimeoutType::ScheduleToClose)
    );
}

#[test]
fn a_wait_for_a_worker_runs_out_and_begins_anew_with_a_restart() {
    let options = || ActivityOptions {
        schedule_to_start: Some(Millis::seconds(5)),
        ..slow_retry()
    };
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", options());
    rig.pass(Millis::seconds(5));
    assert_eq!(
        rig.failure(run).kind,
        FailureKind::Timeout(TimeoutType::ScheduleToStart)
    );

    // An attempt that was at work when the process died had found its worker.
    let run = rig.start_one("b", "work", options());
    let _at_work = rig.task();
    rig.pass(Millis::seconds(30));
    rig.restart();
    let again = rig.task();
    rig.end(again.task, Ok(3));
    assert_eq!(rig.value(run), 3);
}

#[test]
fn a_silent_attempt_times_out_and_the_next_one_reads_its_last_words() {
    let mut rig = Rig::new();
    let options = ActivityOptions {
        heartbeat: Some(Millis::seconds(10)),
        ..slow_retry()
    };
    rig.start_one("a", "work", options);
    let first = rig.task();
    assert_eq!(first.heartbeat, None);
    rig.pass(Millis::seconds(8));
    rig.beat(first.task, "page 1");
    rig.pass(Millis(500));
    // Too soon after the one before to be put into the store by itself.
    rig.beat(first.task, "page 2");
    rig.pass(Millis(9_999));
    assert!(rig.effects.is_empty() || !rig.effects.contains(&Effect::CancelAttempt(first.task)));
    rig.pass(Millis(1));
    assert!(rig.effects.contains(&Effect::CancelAttempt(first.task)));
    rig.restart();
    rig.pass(Millis::seconds(600));
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    assert_eq!(second.heartbeat, Some(Payload::json("page 2").unwrap()));
}

#[test]
fn details_of_an_attempt_that_died_with_the_process_are_read_by_its_repetition() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.pass(Millis::seconds(2));
    rig.beat(first.task, "page 9");
    rig.restart();
    let again = rig.task();
    assert_eq!(again.task.attempt, 1, "a restart uses up no attempt");
    assert_eq!(again.heartbeat, Some(Payload::json("page 9").unwrap()));
}

#[test]
fn details_are_saved_although_the_clock_went_backwards() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.now = Timestamp(rig.now.0 - 3_600_000);
    rig.beat(first.task, "page 3");
    rig.restart();
    // The retry time is the old clock's; it comes when the clock gets there.
    rig.pass(Millis::seconds(3_600));
    assert_eq!(rig.task().heartbeat, Some(Payload::json("page 3").unwrap()));
}

#[test]
fn late_repeated_and_invented_results_change_nothing() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", quick_retry());
    let first = rig.task();
    rig.flaky(first.task);
    let before = rig.describe(run).state;
    // Said twice; said of an attempt that nobody was given; said of another run's attempt.
    rig.flaky(first.task);
    rig.flaky(TaskRef {
        attempt: 2,
        ..first.task
    });
    rig.end(
        TaskRef {
            attempt: 2,
            ..first.task
        },
        Ok(66),
    );
    rig.end(
        TaskRef {
            run_id: kernel::RunId([9; 16]),
            ..first.task
        },
        Ok(66),
    );
    assert_eq!(rig.describe(run).state, before);
    rig.pass(Millis(100));
    let second = rig.task();
    rig.end(first.task, Ok(66));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.end(second.task, Ok(5));
    rig.end(second.task, Ok(66));
    assert_eq!(rig.value(run), 5);
    assert_eq!(rig.core.attempts_out(), 0);
}

#[test]
fn an_attempt_that_was_lost_without_a_word_is_made_again_soon_under_its_number() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.tell(Message::AttemptEnded {
        task: first.task,
        result: None,
    });
    assert_eq!(rig.core.attempts_out(), 0);
    assert_eq!(
        rig.poll(),
        [],
        "not at once: whatever loses attempts would lose them in a loop"
    );
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.task().task, first.task);
}

#[test]
fn a_lost_attempt_whose_run_is_canceled_does_not_hold_it_up() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.tell(Message::AttemptEnded {
        task: first.task,
        result: None,
    });
    let workflow_id = WorkflowId::new("a");
    rig.tell(Message::Cancel {
        workflow_id,
        reason: "enough".to_owned(),
    });
    assert_eq!(rig.state(run).status, workflow_execution::State::Canceled);
}

#[test]
fn each_attempt_is_handed_out_once_however_often_its_time_comes() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", quick_retry());
    let first = rig.task();
    rig.flaky(first.task);
    rig.pass(Millis(100));
    // The clock goes back before anybody takes the attempt, and comes forward again, twice.
    for _ in 0..2 {
        rig.now = Timestamp(rig.now.0 - 100);
        assert_eq!(rig.poll(), []);
        rig.pass(Millis(100));
    }
    assert_eq!(rig.poll().len(), 1);
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.core.attempts_out(), 1);
}

#[test]
fn no_more_attempts_are_out_than_there_are_slots_and_none_waits_for_ever() {
    let mut rig = Rig::new();
    rig.slots = 3;
    rig.restart();
    let all: Vec<One> = (0..10)
        .map(|_| One {
            name: "work".to_owned(),
            options: once(),
        })
        .collect();
    let run = rig.start("a", "many", &all);
    let mut done = 0;
    while done < 10 {
        let tasks = rig.poll();
        assert!(!tasks.is_empty() && rig.core.attempts_out() <= 3);
        for task in tasks {
            rig.end(task.task, Ok(1));
            done += 1;
        }
    }
    assert_eq!(rig.value(run), 10);
}

#[test]
fn nothing_is_handed_out_before_it_is_durable() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", once());
    let task = rig.task();
    rig.core
        .handle(
            Message::Signal {
                workflow_id: WorkflowId::new("a"),
                name: "hello".to_owned(),
                input: Payload::null(),
            },
            None,
            rig.now,
        )
        .unwrap();
    assert_eq!(rig.core.poll_tasks(rig.now), []);
    rig.end(task.task, Ok(4));
    assert_eq!(rig.value(run), 4);
}

#[test]
fn cancellation_reaches_a_running_attempt_and_the_run_ends_canceled() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let task = rig.task();
    let workflow_id = WorkflowId::new("a");
    rig.tell(Message::Cancel {
        workflow_id,
        reason: "enough".to_owned(),
    });
    assert!(rig.effects.contains(&Effect::CancelAttempt(task.task)));
    assert_eq!(rig.state(run).status, workflow_execution::State::Canceled);
    assert_eq!(
        rig.core.attempts_out(),
        1,
        "the slot is taken until the attempt has stopped"
    );
    rig.end(task.task, Err(kernel::Failure::canceled("told to stop")));
    assert_eq!(rig.core.attempts_out(), 0);
}
