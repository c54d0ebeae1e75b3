//! Why is it not moving? The sentences, by what a run waits for.

use engine::core::Message;
use kernel::{ActivityOptions, ChildOptions, Cx, Definition, Failure, Millis, RunId, WorkflowId};

use crate::rig::{One, Rig, of, once, slow_retry};

async fn parent(cx: Cx, n: u64) -> Result<u64, Failure> {
    let start = |n: u64| {
        let id = WorkflowId(format!("shard-{n}"));
        cx.child_named::<_, u64>("nap", id, &60_000_u64, ChildOptions::default())
    };
    kernel::join_all((0..n).map(start)).await.into_iter().sum()
}

fn waits_for(rig: &mut Rig, run: RunId, expected: &str) {
    assert_eq!(rig.describe(run).waiting_on, expected);
}

fn named(name: &str) -> One {
    One {
        name: name.to_owned(),
        options: slow_retry(),
    }
}

#[test]
fn an_open_run_says_in_plain_words_what_it_waits_for() {
    let mut rig = Rig::new();
    rig.workflows
        .extend(of([Definition::new("parent", parent)]));
    rig.restart();

    let run = rig.start("signal", "listen", &());
    waits_for(&mut rig, run, "a signal: nothing else is pending");

    let run = rig.start("timer", "nap", &90_500_u64);
    waits_for(&mut rig, run, "a timer that fires in 90 s");
    rig.pass(Millis(81_000));
    waits_for(&mut rig, run, "a timer that fires in 9.5 s");

    let run = rig.start("child", "parent", &1_u64);
    waits_for(&mut rig, run, "1 child workflow running: shard-0");
    let run = rig.start("children", "parent", &7_u64);
    // The first id is taken by the child above.
    waits_for(
        &mut rig,
        run,
        "6 child workflows running: shard-1, shard-2, shard-3, shard-4, shard-5, …",
    );

    let all: Vec<One> = ["work", "mail", "work"].map(named).into();
    let run = rig.start("activities", "many", &all);
    waits_for(
        &mut rig,
        run,
        "3 activities waiting for a worker: mail, 2 × work",
    );
    let tasks = rig.poll();
    waits_for(&mut rig, run, "3 activities running: mail, 2 × work");
    for task in &tasks {
        rig.flaky(task.task);
    }
    rig.pass(Millis::seconds(12));
    waits_for(
        &mut rig,
        run,
        "activity work is due again in 588 s as attempt 2 (the line is busy)",
    );

    let run = rig.start_one("unknown", "sing", slow_retry());
    waits_for(
        &mut rig,
        run,
        "activity sing has no worker here: this binary does not register it",
    );
}

#[test]
fn a_run_that_waits_for_a_breaker_says_which() {
    let mut rig = Rig::new();
    let guarded = || ActivityOptions {
        breaker: "post office".to_owned(),
        ..slow_retry()
    };
    for n in 0..engine::breaker::FAILURES_TO_OPEN {
        rig.start_one(&format!("opener-{n}"), "mail", guarded());
        let task = rig.task();
        rig.flaky(task.task);
    }
    let run = rig.start_one("a", "mail", guarded());
    rig.poll();
    waits_for(
        &mut rig,
        run,
        "activity mail is due again in 30 s as attempt 1 (the circuit breaker of post office is \
         open)",
    );
}

#[test]
fn a_run_whose_code_fails_says_how_and_what_to_do() {
    let mut rig = Rig::new();
    let run = rig.start("a", "missing", &());
    let said = |how_often: &str, wait: &str| {
        format!(
            "the workflow code failed {how_often} (no workflow of type \"missing\" is registered in \
             this binary); it is tried again in {wait}. A binary with repaired code goes on from \
             here; `terminate` gives the run up"
        )
    };
    waits_for(&mut rig, run, &said("once", "1.0 s"));
    rig.pass(Millis::seconds(1));
    waits_for(&mut rig, run, &said("2 times in a row", "2.0 s"));
}

#[test]
fn a_closed_run_waits_for_nothing() {
    let mut rig = Rig::new();
    let run = rig.start("a", "listen", &());
    let workflow_id = WorkflowId::new("a");
    rig.tell(Message::Terminate {
        workflow_id,
        reason: "enough".to_owned(),
    });
    let state = rig.state(run);
    let known = |_: &str| true;
    assert_eq!(
        engine::explain::waiting_on(&state, &[], &known, rig.now),
        ""
    );
}

#[test]
fn a_run_that_comes_near_a_limit_is_described_with_a_warning() {
    let mut rig = Rig::new();
    let many: Vec<One> = (0..400)
        .map(|_| One {
            name: "work".to_owned(),
            options: once(),
        })
        .collect();
    let run = rig.start("a", "many", &many);
    let warnings = rig.describe(run).warnings;
    assert_eq!(
        warnings,
        ["it has 400 pending activities, the limit is 2000"]
    );
    let calm = rig.start("b", "listen", &());
    assert!(rig.describe(calm).warnings.is_empty());
}
