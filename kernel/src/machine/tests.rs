//! Single promises of the machine, each with a body made for it.

use super::*;
use crate::combine::{Either, join_all, select};
use crate::decide::Input;
use crate::ids::{EventId, Millis};
use crate::options::{ActivityOptions, ChildOptions, ParentClosePolicy};
use crate::run_state::Outcome;
use crate::testing::bodies::child;
use crate::testing::{TestRun, json};

fn echo(cx: &Cx, value: u64) -> crate::cx::Operation<u64> {
    cx.activity_named("Echo", &value, ActivityOptions::default())
}

fn begin<F, Fut>(body: F) -> TestRun
where
    F: Fn(Cx, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    TestRun::new(&Definition::new("body", body), json(&1))
}

fn names(commands: &[Command]) -> Vec<String> {
    commands.iter().map(Command::describe).collect()
}

fn cancel(run: &mut TestRun) {
    run.feed(Input::CancelRequest {
        reason: "enough".to_owned(),
    })
    .unwrap();
}

fn signal(run: &mut TestRun, value: u64) {
    run.feed(Input::Signal {
        name: "add".to_owned(),
        input: json(&value),
    })
    .unwrap();
}

fn completed(run: &TestRun) -> u64 {
    match &run.state.outcome {
        Some(Outcome::Completed(payload)) => payload.decode().unwrap(),
        other => panic!("the run did not complete: {other:?}"),
    }
}

fn failed(run: &TestRun) -> Failure {
    match &run.state.outcome {
        Some(Outcome::Failed(failure)) => failure.clone(),
        other => panic!("the run did not fail: {other:?}"),
    }
}

#[test]
fn a_machine_may_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Machine>();
    is_send::<Definition>();
}

#[test]
fn operations_begin_when_made_and_their_commands_keep_that_order() {
    let mut run = begin(|cx, n| async move {
        let slow = cx.sleep(Millis(50));
        let fast = echo(&cx, n);
        let sum = fast.await? + 1;
        slow.await?;
        Ok(sum)
    });
    assert_eq!(
        names(&run.turn()),
        ["TimerStarted(50 ms)", "ActivityTaskScheduled(Echo)"]
    );
    run.complete(4, 8);
    assert!(run.turn().is_empty());
    run.now = Timestamp(1_050);
    run.feed(Input::TimerDue {
        started_event_id: EventId(3),
    })
    .unwrap();
    assert_eq!(names(&run.turn()), ["WorkflowExecutionCompleted"]);
    assert_eq!(completed(&run), 9);
}

#[test]
fn a_body_that_ends_cancels_what_it_left_before_the_end() {
    let mut run = begin(|cx, n| async move {
        let _timer = cx.sleep(Millis(50));
        let id = WorkflowId::new("child");
        let _child = cx.child_named::<_, u64>("body", id, &n, ChildOptions::default());
        let _other = echo(&cx, 2);
        echo(&cx, n).await
    });
    run.turn();
    run.complete(6, 8);
    assert_eq!(
        names(&run.turn()),
        [
            "ActivityTaskCancelRequested",
            "RequestCancelExternalWorkflowExecutionInitiated",
            "TimerCanceled",
            "WorkflowExecutionCompleted",
        ]
    );
}

#[test]
fn an_abandoned_child_goes_on_alone_when_it_is_let_go() {
    let mut run = begin(|cx, n| async move {
        let options = child(ParentClosePolicy::Abandon);
        drop(cx.child_named::<_, u64>("body", WorkflowId::new("alone"), &n, options));
        Ok(n)
    });
    assert_eq!(
        names(&run.turn()),
        [
            "StartChildWorkflowExecutionInitiated(body as alone)",
            "WorkflowExecutionCompleted"
        ]
    );
}

#[test]
fn a_dropped_machine_gives_no_commands_and_does_not_hang() {
    let mut run = begin(|cx, n| async move {
        let _left = echo(&cx, n);
        echo(&cx, n).await
    });
    run.turn();
    drop(run.machine);
    assert!(!run.state.is_closed());
}

#[test]
fn cancellation_reaches_activities_and_timers_at_once_and_waits_for_children() {
    let mut run = begin(|cx, n| async move {
        let id = WorkflowId::new("child");
        let kept = cx.child_named::<_, u64>("body", id, &n, ChildOptions::default());
        let work = echo(&cx, n).await;
        let slept = cx.sleep(Millis(1)).await;
        assert!(work.is_err() && slept.is_err() && cx.is_canceled());
        kept.await
    });
    run.turn();
    cancel(&mut run);
    assert_eq!(
        names(&run.turn()),
        [
            "RequestCancelExternalWorkflowExecutionInitiated",
            "ActivityTaskCancelRequested"
        ]
    );
    let (initiated_event_id, run_id) = (EventId(3), RunId([8; 16]));
    run.feed(Input::ChildStarted {
        initiated_event_id,
        run_id,
    })
    .unwrap();
    run.turn();
    assert!(!run.state.is_closed());
    let outcome = crate::ChildOutcome::Canceled;
    run.feed(Input::ChildClosed {
        initiated_event_id,
        outcome,
    })
    .unwrap();
    assert_eq!(names(&run.turn()), ["WorkflowExecutionCanceled"]);
}

#[test]
fn what_ended_before_the_turn_is_not_asked_to_cancel_although_the_request_came_first() {
    let mut run = begin(|cx, n| async move { echo(&cx, n).await });
    run.turn();
    cancel(&mut run);
    run.complete(3, 5);
    assert_eq!(names(&run.turn()), ["WorkflowExecutionCompleted"]);
    assert_eq!(completed(&run), 5);
}

#[test]
fn a_shielded_scope_tidies_up_after_the_cancellation() {
    let mut run = begin(|cx, n| async move {
        let failure = echo(&cx, n).await.unwrap_err();
        let shielded = cx.shielded();
        let (_, signaled) = (
            echo(&shielded, 2).await?,
            shielded.signal::<u64>("add").await?,
        );
        assert_eq!(signaled, 4);
        Err(failure)
    });
    run.turn();
    cancel(&mut run);
    let commands = names(&run.turn());
    assert_eq!(
        commands,
        ["ActivityTaskCancelRequested", "ActivityTaskScheduled(Echo)"]
    );
    run.complete(7, 2);
    assert!(run.turn().is_empty());
    signal(&mut run, 4);
    assert_eq!(names(&run.turn()), ["WorkflowExecutionCanceled"]);
}

#[test]
fn a_late_result_of_a_canceled_activity_changes_nothing() {
    let mut run = begin(|cx, n| async move {
        drop(echo(&cx, n));
        echo(&cx, 2).await
    });
    run.turn();
    run.complete(3, 77);
    assert!(run.turn().is_empty());
    run.complete(5, 3);
    run.turn();
    assert_eq!(completed(&run), 3);
}

#[test]
fn signals_are_given_in_order_once_and_not_lost_with_a_dropped_wait() {
    let mut run = begin(|cx, _| async move {
        let waited = select(cx.signal::<u64>("add"), echo(&cx, 1)).await;
        assert_eq!(waited, Either::Second(Ok(6)));
        let mut all = 0;
        for _ in 0..3 {
            all = all * 10 + cx.signal::<u64>("add").await?;
        }
        Ok(all)
    });
    run.turn();
    run.complete(3, 6);
    run.turn();
    signal(&mut run, 1);
    signal(&mut run, 2);
    run.turn();
    signal(&mut run, 3);
    run.turn();
    assert_eq!(completed(&run), 123);
}

#[test]
fn two_waits_for_one_signal_name_get_one_signal_each() {
    let mut run = begin(|cx, _| async move {
        let both = join_all([cx.signal::<u64>("add"), cx.signal("add")]).await;
        Ok(both[0].clone()? * 10 + both[1].clone()?)
    });
    run.turn();
    signal(&mut run, 4);
    run.turn();
    signal(&mut run, 2);
    run.turn();
    assert_eq!(completed(&run), 42);
}

#[test]
fn a_cancellation_ends_the_wait_for_a_signal_after_those_that_have_come() {
    let mut run = begin(|cx, _| async move {
        let mut sum = 0;
        loop {
            match cx.signal::<u64>("add").await {
                Ok(value) => sum += value,
                Err(failure) if failure.is_canceled() => return Ok(sum),
                Err(failure) => return Err(failure),
            }
        }
    });
    run.turn();
    signal(&mut run, 4);
    cancel(&mut run);
    signal(&mut run, 5);
    run.turn();
    assert_eq!(completed(&run), 9);
}

#[test]
fn a_signal_that_does_not_decode_is_a_failure_and_is_used_up() {
    let mut run = begin(|cx, _| async move {
        assert!(cx.signal::<u64>("add").await.is_err());
        cx.signal::<u64>("add").await
    });
    run.turn();
    run.feed(Input::Signal {
        name: "add".to_owned(),
        input: json("seven"),
    })
    .unwrap();
    signal(&mut run, 7);
    run.turn();
    assert_eq!(completed(&run), 7);
}

#[test]
fn an_input_that_does_not_decode_fails_the_run_for_good() {
    let definition = Definition::new("body", |_cx: Cx, n: u64| async move { Ok(n) });
    let mut run = TestRun::new(&definition, json("no number"));
    assert_eq!(names(&run.turn()), ["WorkflowExecutionFailed"]);
    let failure = failed(&run);
    assert_eq!(failure.error_type, "BadInput");
    assert!(
        failure
            .message
            .starts_with("could not decode the payload: invalid type"),
        "{failure}"
    );
}

#[test]
fn a_result_that_does_not_decode_is_a_failure_in_the_body() {
    let mut run = begin(|cx, n| async move {
        let failure = echo(&cx, n).await.unwrap_err();
        assert_eq!(failure.kind, crate::FailureKind::Internal);
        Ok(0)
    });
    run.turn();
    let (scheduled_event_id, attempt) = (EventId(3), 1);
    let result = Ok(json("text"));
    run.feed(Input::ActivityResult {
        scheduled_event_id,
        attempt,
        result,
    })
    .unwrap();
    run.turn();
    assert_eq!(completed(&run), 0);
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_panic_of_the_body_is_a_failure_of_the_turn_wherever_it_happens() {
    fn check(expected: &str, definition: &Definition) {
        let mut run = TestRun::new(definition, json(&1));
        let failure = run
            .machine
            .advance(Vec::new(), run.state.turn_start(Timestamp(0)))
            .unwrap_err();
        assert_eq!(
            failure.message,
            format!("the workflow code panicked: {expected}")
        );
    }
    async fn late(_cx: Cx, n: u64) -> Result<u64, Failure> {
        assert!(n > 1, "too small: {n}");
        Ok(n)
    }
    check("too small: 1", &Definition::new("body", late));
    check(
        "at once",
        &Definition::new("body", |_cx: Cx, n: u64| {
            assert!(n > 1, "at once");
            async move { Ok(n) }
        }),
    );
    check(
        "dropped",
        &Definition::new("body", |_cx: Cx, n: u64| async move {
            let _bomb = Bomb;
            Ok(n)
        }),
    );
}

#[test]
fn a_body_that_panics_when_dropped_does_not_take_its_machine_along() {
    let mut run = begin(|cx, n| async move {
        let _bomb = Bomb;
        echo(&cx, n).await
    });
    run.turn();
    drop(run.machine);
}

#[test]
fn a_loop_that_never_waits_once_canceled_fails_the_turn_instead_of_hanging() {
    let mut run = begin(|cx, n| async move {
        loop {
            if let Ok(value) = echo(&cx, n).await {
                return Ok(value);
            }
        }
    });
    run.turn();
    cancel(&mut run);
    let news = std::mem::take(&mut run.unseen);
    let failure = run
        .machine
        .advance(news, run.state.turn_start(run.now))
        .unwrap_err();
    assert!(failure.message.contains("without waiting"), "{failure}");
}

#[test]
fn a_body_that_wakes_itself_for_ever_fails_the_turn() {
    let mut run = begin(|_cx, _| {
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        })
    });
    let failure = run
        .machine
        .advance(Vec::new(), run.state.turn_start(Timestamp(0)))
        .unwrap_err();
    assert!(failure.message.contains("woke itself"), "{failure}");
}

#[test]
fn time_and_chance_belong_to_the_run() {
    let mut run = begin(|cx, _| async move {
        assert_eq!(cx.now(), Timestamp(1_000));
        let chance = cx.random();
        assert_ne!(chance, cx.random());
        cx.sleep(Millis(5)).await?;
        assert_eq!(cx.now(), Timestamp(1_005));
        Ok(chance)
    });
    run.turn();
    run.now = Timestamp(1_005);
    run.feed(Input::TimerDue {
        started_event_id: EventId(3),
    })
    .unwrap();
    run.turn();
    // The test run's id gives the seed 0, and this is that sequence's published first number.
    assert_eq!(completed(&run), 16_294_208_416_658_607_535);
}

#[test]
fn a_long_loop_leaves_nothing_behind() {
    let mut run = begin(|cx, _| async move {
        loop {
            match select(
                cx.canceled(),
                select(cx.signal::<u64>("stop"), cx.signal("add")),
            )
            .await
            {
                Either::First(_) | Either::Second(Either::First(_)) => return Ok(0),
                Either::Second(Either::Second(added)) => {
                    let _: u64 = added?;
                }
            }
        }
    });
    run.turn();
    for value in 0..50 {
        signal(&mut run, value);
        run.turn();
    }
    assert_eq!(run.machine.shared.with(|inner| inner.waiters_count()), 3);
}

#[test]
fn operations_that_were_let_go_leave_nothing_behind() {
    let mut run = begin(|cx, n| async move {
        for index in 0..20 {
            let id = WorkflowId(format!("child/{index}"));
            drop(cx.child_named::<_, u64>("body", id, &n, ChildOptions::default()));
            drop(echo(&cx, n));
            drop(cx.sleep(Millis(1)));
        }
        echo(&cx, n).await
    });
    run.turn();
    assert_eq!(run.machine.shared.with(|inner| inner.slots_count()), 1);
}
