//! Local activities: turns that stay open, retries, crashes before and after the marker.

use engine::core::{LocalTask, Message};
use kernel::primitives::workflow_execution;
use kernel::{
    ActivityOptions, Cx, Definition, Failure, LocalActivityOptions, Millis, Payload, RetryPolicy,
    RunId, WorkflowId, join_all,
};
use serde::{Deserialize, Serialize};

use crate::rig::{Rig, of};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plan {
    n: u64,
    schedule_to_close: Option<Millis>,
    attempts_max: u32,
}

fn plan(n: u64) -> Plan {
    Plan {
        n,
        schedule_to_close: None,
        attempts_max: 0,
    }
}

fn options(plan: &Plan) -> LocalActivityOptions {
    LocalActivityOptions {
        schedule_to_close: plan.schedule_to_close,
        retry: RetryPolicy {
            maximum_attempts: plan.attempts_max,
            backoff_coefficient: 4.0,
            ..RetryPolicy::default()
        },
        ..LocalActivityOptions::default()
    }
}

/// One after the other; the sum.
async fn chain(cx: Cx, plan: Plan) -> Result<u64, Failure> {
    let mut sum = 0;
    for n in 0..plan.n {
        sum += cx
            .local_activity_named::<_, u64>("work", &n, options(&plan))
            .await?;
    }
    Ok(sum)
}

/// Side by side, beside an activity of the usual kind; the sum.
async fn beside(cx: Cx, plan: Plan) -> Result<u64, Failure> {
    let locals = (0..plan.n).map(|n| cx.local_activity_named::<_, u64>("work", &n, options(&plan)));
    let usual = cx.activity_named::<_, u64>("mail", &1_u64, ActivityOptions::default());
    let locals = join_all(locals).await.into_iter().sum::<Result<u64, _>>()?;
    Ok(locals + usual.await?)
}

/// A local one, then a timer.
async fn then_sleep(cx: Cx, plan: Plan) -> Result<u64, Failure> {
    let n = cx
        .local_activity_named::<_, u64>("work", &1_u64, options(&plan))
        .await?;
    cx.sleep(Millis::seconds(60)).await?;
    Ok(n)
}

/// As `then_sleep` was before it was changed.
async fn then_sleep_changed(cx: Cx, _: Plan) -> Result<u64, Failure> {
    let options = ActivityOptions::default();
    cx.activity_named("work", &1_u64, options).await
}

fn rig() -> Rig {
    let all = [
        Definition::new("chain", chain),
        Definition::new("beside", beside),
        Definition::new("then_sleep", then_sleep),
    ];
    let mut rig = Rig::new();
    rig.workflows = of(all);
    rig.restart();
    rig
}

fn locals(rig: &mut Rig) -> Vec<LocalTask> {
    rig.core.poll_local(rig.now)
}

fn local(rig: &mut Rig) -> LocalTask {
    let mut all = locals(rig);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn end(rig: &mut Rig, task: &LocalTask, result: Result<u64, Failure>) {
    let result = result.and_then(|n| Ok(Payload::json(&n)?));
    rig.tell(Message::LocalActivityEnded {
        number: task.number,
        result: Some(result),
    });
    rig.settle();
}

fn busy() -> Failure {
    Failure::retryable("Busy", "later")
}

fn transitions(rig: &Rig, run: RunId) -> u64 {
    rig.store.load_run(run).unwrap().unwrap().transitions
}

#[test]
fn local_activities_one_after_the_other_are_one_commit() {
    let mut rig = rig();
    let run = rig.start("a", "chain", &plan(3));
    let started = transitions(&rig, run);
    for n in 0..3 {
        assert_eq!(transitions(&rig, run), started, "nothing is written");
        let task = local(&mut rig);
        end(&mut rig, &task, Ok(n + 1));
    }
    assert_eq!(rig.value(run), 6);
    assert_eq!(transitions(&rig, run), started + 1);
    assert_eq!(
        rig.names(run),
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskCompleted",
            "MarkerRecorded",
            "MarkerRecorded",
            "MarkerRecorded",
            "WorkflowExecutionCompleted"
        ]
    );
}

#[test]
fn a_crash_before_the_marker_runs_it_again_and_a_crash_after_it_does_not() {
    let mut rig = rig();
    let run = rig.start("a", "then_sleep", &plan(1));
    let first = local(&mut rig);
    rig.restart();
    let again = local(&mut rig);
    assert_eq!((again.first_seq, again.attempt), (first.first_seq, 1));
    end(&mut rig, &again, Ok(5));
    assert_eq!(rig.state(run).timers.len(), 1);
    rig.restart();
    rig.pass(Millis::seconds(61));
    assert_eq!(locals(&mut rig), []);
    assert_eq!(rig.value(run), 5);
}

#[test]
fn what_happens_meanwhile_closes_the_turn_and_is_told_in_the_next() {
    let mut rig = rig();
    let run = rig.start("a", "beside", &plan(2));
    let both = locals(&mut rig);
    assert_eq!(both.len(), 2);
    assert_eq!(rig.poll(), [], "the turn is open");
    rig.tell(Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "nothing".to_owned(),
        input: Payload::null(),
    });
    rig.settle();
    let usual = rig.task();
    rig.end(usual.task, Ok(100));
    end(&mut rig, &both[1], Ok(10));
    end(&mut rig, &both[0], Ok(1));
    assert_eq!(rig.value(run), 111);
    rig.restart();
    assert_eq!(locals(&mut rig), []);
}

#[test]
fn a_turn_is_not_open_for_longer_than_eight_seconds_and_its_end_survives() {
    let mut rig = rig();
    let run = rig.start("a", "beside", &plan(1));
    let task = local(&mut rig);
    rig.pass(Millis::seconds(9));
    let usual = rig.task();
    assert_eq!(locals(&mut rig), [], "it is not begun twice");
    rig.restart();
    let again = local(&mut rig);
    assert_eq!(again.first_seq, task.first_seq);
    end(&mut rig, &again, Ok(1));
    let usual_again = rig.task();
    assert_eq!(usual_again.task, usual.task);
    rig.end(usual_again.task, Ok(2));
    assert_eq!(rig.value(run), 3);
}

#[test]
fn short_waits_are_kept_in_memory_and_long_ones_are_timers() {
    let mut rig = rig();
    let run = rig.start("a", "chain", &plan(1));
    // 1 s, then 4 s, in memory; then 16 s.
    for attempt in 1..=2 {
        let task = local(&mut rig);
        assert_eq!(task.attempt, attempt);
        end(&mut rig, &task, Err(busy()));
        rig.pass(Millis::seconds(4));
    }
    assert_eq!(rig.state(run).timers.len(), 0);
    let third = local(&mut rig);
    end(&mut rig, &third, Err(busy()));
    assert_eq!(rig.state(run).timers.len(), 1);
    rig.restart();
    rig.pass(Millis::seconds(16));
    let fourth = local(&mut rig);
    assert_eq!((fourth.attempt, fourth.first_seq), (4, third.first_seq));
    end(&mut rig, &fourth, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn its_last_failure_is_told_with_its_attempt() {
    let mut rig = rig();
    let once = Plan {
        attempts_max: 1,
        ..plan(1)
    };
    let run = rig.start("a", "chain", &once);
    let task = local(&mut rig);
    end(&mut rig, &task, Err(busy()));
    assert_eq!(rig.failure(run).error_type, "Busy");
    let broken = rig.start("b", "chain", &plan(1));
    let task = local(&mut rig);
    end(&mut rig, &task, Err(Failure::permanent("Broken", "no")));
    assert_eq!(rig.failure(broken).error_type, "Broken");
}

#[test]
fn an_attempt_that_is_out_of_time_is_told_to_stop_and_made_again() {
    let mut rig = rig();
    let short = Plan {
        schedule_to_close: Some(Millis::seconds(15)),
        ..plan(1)
    };
    let run = rig.start("a", "chain", &short);
    let first = local(&mut rig);
    rig.pass(Millis::seconds(11));
    assert_eq!(rig.core.take_local_stops(), [first.number]);
    rig.pass(Millis::seconds(1));
    let second = local(&mut rig);
    assert_eq!(second.attempt, 2);
    rig.pass(Millis::seconds(4));
    let failure = rig.failure(run);
    assert!(failure.message.contains("schedule-to-close"), "{failure}");
}

#[test]
fn a_run_that_is_canceled_stops_its_local_activity() {
    let mut rig = rig();
    let run = rig.start("a", "chain", &plan(1));
    let task = local(&mut rig);
    rig.tell(Message::Cancel {
        workflow_id: WorkflowId::new("a"),
        reason: "enough".to_owned(),
    });
    rig.settle();
    assert_eq!(rig.core.take_local_stops(), [task.number]);
    assert_eq!(rig.state(run).status, workflow_execution::State::Canceled);
}

#[test]
fn code_that_calls_another_kind_of_activity_is_told_so() {
    let mut rig = rig();
    let run = rig.start("a", "then_sleep", &plan(1));
    let task = local(&mut rig);
    end(&mut rig, &task, Ok(5));
    rig.workflows = of([Definition::new("then_sleep", then_sleep_changed)]);
    rig.restart();
    rig.pass(Millis::seconds(61));
    let why = rig.describe(run).waiting_on;
    assert!(why.contains("MarkerRecorded(local activity work)"), "{why}");
    assert!(why.contains("ActivityTaskScheduled(work)"), "{why}");
}

#[test]
fn a_run_says_which_local_activity_it_waits_for() {
    let mut rig = rig();
    let run = rig.start("a", "chain", &plan(1));
    assert_eq!(
        rig.describe(run).waiting_on,
        "local activity work in attempt 1"
    );
}
