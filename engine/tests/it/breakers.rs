//! Circuit breakers: what opens one, what it does to those who wait, what it remembers.

use engine::breaker::{FAILURES_TO_OPEN, OPEN_FIRST};
use engine::core::Message;
use kernel::primitives::workflow_execution;
use kernel::{ActivityOptions, Failure, FailureKind, Millis, RunId, TimeoutType, WorkflowId};

use crate::rig::{Rig, slow_retry};

fn guarded() -> ActivityOptions {
    ActivityOptions {
        breaker: "post office".to_owned(),
        ..slow_retry()
    }
}

fn attempt_of(rig: &mut Rig, run: RunId) -> u32 {
    rig.describe(run)
        .state
        .activities
        .into_values()
        .next()
        .unwrap()
        .attempt
}

/// As many runs as it takes fail once each, all at the same time.
fn open_the_breaker(rig: &mut Rig) {
    for n in 0..FAILURES_TO_OPEN {
        rig.start_one(&format!("opener-{n}"), "mail", guarded());
        let task = rig.task();
        rig.flaky(task.task);
    }
}

#[test]
fn an_open_breaker_defers_without_using_attempts_and_survives_a_restart() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    let run = rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
    assert_eq!(attempt_of(&mut rig, run), 1);
    rig.restart();
    assert_eq!(rig.poll(), []);
    let newcomer = rig.start_one("b", "mail", guarded());
    assert_eq!(
        rig.poll(),
        [],
        "the breaker itself is remembered, not only who waits for it"
    );
    rig.pass(Millis(OPEN_FIRST.0 - 1));
    assert_eq!(rig.poll(), []);
    rig.pass(Millis(1));
    // Half open: one goes, the other waits.
    let probe = rig.task();
    rig.end(probe.task, Ok(1));
    rig.pass(OPEN_FIRST);
    let rest = rig.task();
    rig.end(rest.task, Ok(2));
    assert_eq!(rig.value(run) + rig.value(newcomer), 3);
    assert_eq!((probe.task.attempt, rest.task.attempt), (1, 1));
}

#[test]
fn a_failed_probe_opens_the_breaker_for_longer() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
    rig.pass(OPEN_FIRST);
    let probe = rig.task();
    rig.flaky(probe.task);
    rig.start_one("b", "mail", guarded());
    rig.pass(Millis(2 * OPEN_FIRST.0 - 1));
    assert_eq!(rig.poll(), []);
    rig.pass(Millis(1));
    assert_eq!(rig.task().workflow_id, WorkflowId::new("b"));
}

#[test]
fn a_probe_that_was_canceled_says_nothing_and_lets_the_next_one_go_at_once() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
    rig.pass(OPEN_FIRST);
    let probe = rig.task();
    rig.tell(Message::AttemptEnded {
        task: probe.task,
        result: None,
    });
    rig.start_one("b", "mail", guarded());
    assert_eq!(rig.task().workflow_id, WorkflowId::new("b"));
}

#[test]
fn a_probe_lost_in_a_crash_does_not_block_its_dependency_for_ever() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    let run = rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
    rig.pass(OPEN_FIRST);
    let probe = rig.task();
    rig.restart();
    rig.pass(OPEN_FIRST);
    let again = rig.task();
    assert_eq!(again.task, probe.task);
    rig.end(again.task, Ok(4));
    assert_eq!(rig.value(run), 4);
}

#[test]
fn cancellations_and_faults_of_our_own_do_not_count_against_a_dependency() {
    let mut rig = Rig::new();
    for n in 0..2 * FAILURES_TO_OPEN {
        rig.start_one(&format!("canceled-{n}"), "mail", guarded());
        let task = rig.task();
        let failure = if n % 2 == 0 {
            Failure::canceled("told to stop")
        } else {
            Failure::internal("the code has a hole")
        };
        rig.end(task.task, Err(failure));
    }
    rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll().len(), 1);
}

#[test]
fn a_cancellation_does_not_speak_for_a_dependency_either() {
    let mut rig = Rig::new();
    for n in 0..FAILURES_TO_OPEN {
        rig.start_one(&format!("failing-{n}"), "mail", guarded());
        let failing = rig.task();
        rig.start_one(&format!("canceled-{n}"), "mail", guarded());
        let canceled = rig.task();
        rig.end(canceled.task, Err(Failure::canceled("told to stop")));
        rig.flaky(failing.task);
    }
    rig.start_one("a", "mail", guarded());
    assert_eq!(
        rig.poll(),
        [],
        "failures in a row, whoever was canceled in between"
    );
}

#[test]
fn waiting_in_vain_says_nothing_about_a_dependency() {
    let mut rig = Rig::new();
    rig.slots = 0;
    rig.restart();
    for n in 0..FAILURES_TO_OPEN {
        let options = ActivityOptions {
            schedule_to_start: Some(Millis::seconds(1)),
            ..guarded()
        };
        rig.start_one(&format!("waiting-{n}"), "mail", options);
    }
    rig.pass(Millis::seconds(2));
    rig.slots = 10;
    rig.restart();
    rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll().len(), 1);
}

#[test]
fn attempts_that_time_out_count_against_their_dependency() {
    let mut rig = Rig::new();
    for n in 0..FAILURES_TO_OPEN {
        rig.start_one(&format!("slow-{n}"), "mail", guarded());
        let _slow = rig.task();
    }
    rig.pass(Millis::seconds(60));
    rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
}

#[test]
fn an_activity_that_waits_for_a_breaker_ends_with_its_own_deadline() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    let options = ActivityOptions {
        schedule_to_close: Some(Millis::seconds(10)),
        ..guarded()
    };
    let run = rig.start_one("a", "mail", options);
    assert_eq!(rig.poll(), []);
    rig.pass(Millis::seconds(9));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.pass(Millis::seconds(1));
    assert_eq!(
        rig.failure(run).kind,
        FailureKind::Timeout(TimeoutType::ScheduleToClose)
    );
}

#[test]
fn an_activity_that_waits_for_a_breaker_can_be_canceled() {
    let mut rig = Rig::new();
    open_the_breaker(&mut rig);
    let run = rig.start_one("a", "mail", guarded());
    assert_eq!(rig.poll(), []);
    let workflow_id = WorkflowId::new("a");
    rig.tell(Message::Cancel {
        workflow_id,
        reason: "enough".to_owned(),
    });
    assert_eq!(rig.state(run).status, workflow_execution::State::Canceled);
}

#[test]
fn a_very_long_name_of_a_dependency_does_not_stop_the_engine() {
    let mut rig = Rig::new();
    let name = "n".repeat(900);
    let long = || ActivityOptions {
        breaker: name.clone(),
        ..slow_retry()
    };
    for n in 0..FAILURES_TO_OPEN {
        rig.start_one(&format!("opener-{n}"), "mail", long());
        let task = rig.task();
        rig.flaky(task.task);
    }
    rig.restart();
    rig.start_one("a", "mail", long());
    assert_eq!(rig.poll(), [], "and it is remembered");
}
