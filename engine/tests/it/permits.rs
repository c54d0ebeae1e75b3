//! Limits on attempts at once and in a second: kept, fair, explained, and free of charge.

use engine::core::{ActivityLimit, Message, Reply};
use kernel::{ActivityOptions, Millis, Semaphore, WorkflowId};

use crate::rig::{One, Rig, once};

fn shared(permits: u32) -> ActivityOptions {
    ActivityOptions {
        semaphore: Some(Semaphore {
            key: "model-x".to_owned(),
            permits,
        }),
        ..once()
    }
}

#[test]
fn a_semaphore_is_shared_by_runs_and_types_and_given_back_in_order() {
    let mut rig = Rig::new();
    let runs: Vec<_> = (0..5)
        .map(|n| {
            let name = if n % 2 == 0 { "work" } else { "mail" };
            rig.start_one(&format!("r{n}"), name, shared(2))
        })
        .collect();
    let first = rig.poll();
    assert_eq!(first.len(), 2);
    let text = rig.describe(runs[4]).waiting_on;
    assert_eq!(text, "activity work waits for one of 2 permits of model-x");
    // What does not share it is not held up.
    rig.start_one("free", "work", once());
    assert_eq!(rig.task().workflow_id, WorkflowId::new("free"));
    rig.end(first[0].task, Ok(1));
    let third = rig.task();
    assert_eq!(third.workflow_id, WorkflowId::new("r2"));
    rig.end(first[1].task, Ok(1));
    rig.end(third.task, Ok(1));
    let rest: Vec<_> = rig
        .poll()
        .into_iter()
        .map(|t| (t.workflow_id.0, t.task.attempt))
        .collect();
    assert_eq!(rest, [("r3".to_owned(), 1), ("r4".to_owned(), 1)]);
}

#[test]
fn an_attempt_that_is_given_up_holds_its_permit_until_it_has_stopped() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", shared(1));
    let first = rig.task();
    rig.start_one("b", "work", shared(1));
    rig.pass(Millis::seconds(60));
    assert!(rig.state(run).is_closed(), "it timed out");
    assert_eq!(rig.poll(), []);
    rig.tell(Message::AttemptEnded {
        task: first.task,
        result: None,
    });
    assert_eq!(rig.task().workflow_id, WorkflowId::new("b"));
}

#[test]
fn those_who_went_away_while_they_waited_do_not_block_the_line() {
    let mut rig = Rig::new();
    for id in ["a", "b", "c"] {
        rig.start_one(id, "work", shared(1));
    }
    let first = rig.task();
    let reason = "enough".to_owned();
    let workflow_id = WorkflowId::new("b");
    let gone = rig.ask(Message::Terminate {
        workflow_id,
        reason,
    });
    assert_eq!(gone, Reply::Done);
    rig.end(first.task, Ok(1));
    assert_eq!(rig.task().workflow_id, WorkflowId::new("c"));
}

#[test]
fn a_restart_forgets_permits_and_keeps_the_limit() {
    let mut rig = Rig::new();
    for id in ["a", "b"] {
        rig.start_one(id, "work", shared(1));
    }
    let first = rig.task();
    rig.restart();
    let again = rig.task();
    assert_eq!(again.task, first.task);
    assert_eq!(rig.poll(), []);
}

#[test]
fn a_type_has_its_own_limits_at_once_and_in_a_second() {
    let mut rig = Rig::new();
    let limit = ActivityLimit {
        concurrency: Some(3),
        per_second: Some(4),
    };
    rig.limits.insert("work".to_owned(), limit);
    rig.restart();
    let all: Vec<One> = (0..12)
        .map(|_| One {
            name: "work".to_owned(),
            options: once(),
        })
        .collect();
    let run = rig.start("a", "many", &all);
    let (mut done, mut begun_at) = (0, Vec::new());
    let start = rig.now;
    while done < 12 {
        let tasks = rig.poll();
        assert!(rig.core.attempts_out() <= 3);
        for task in tasks {
            begun_at.push(rig.now.since(start).0);
            rig.end(task.task, Ok(1));
            done += 1;
        }
        if rig.core.attempts_out() == 0 && done < 12 {
            rig.pass(Millis(10));
        }
    }
    assert_eq!(rig.value(run), 12);
    let first: Vec<_> = begun_at.iter().filter(|at| **at <= 10).collect();
    assert_eq!(first.len(), 4, "what was saved up: {begun_at:?}");
    assert_eq!(
        begun_at.last(),
        Some(&2_000),
        "then one each quarter of a second"
    );
}

#[test]
fn the_wait_that_a_failure_asks_for_is_kept_across_a_restart() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", crate::rig::slow_retry());
    let first = rig.task();
    let failure = kernel::Failure::retryable("Busy", "429").retry_after(Millis(7_500));
    rig.end(first.task, Err(failure));
    rig.restart();
    rig.pass(Millis(7_499));
    assert_eq!(rig.poll(), []);
    rig.pass(Millis(1));
    assert_eq!(rig.task().task.attempt, 2);
}
