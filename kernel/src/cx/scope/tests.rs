//! Promises about scopes, and about what losing a race does.

use crate::combine::{Either, join_all, select};
use crate::command::Command;
use crate::cx::{Cx, Operation};
use crate::decide::Input;
use crate::failure::Failure;
use crate::ids::{Millis, WorkflowId};
use crate::machine::Definition;
use crate::options::ActivityOptions;
use crate::replay::replay;
use crate::testing::{RUN, TestRun, json};

fn work(cx: &Cx, name: &str) -> Operation<u64> {
    cx.activity_named(name, &1_u64, ActivityOptions::default())
}

fn begin<F, Fut>(body: F) -> (Definition, TestRun)
where
    F: Fn(Cx, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let definition = Definition::new("body", body);
    let run = TestRun::new(&definition, json(&1_u64));
    (definition, run)
}

fn signal(run: &mut TestRun, name: &str) -> Vec<String> {
    let (name, input) = (name.to_owned(), json(&1_u64));
    run.feed(Input::Signal { name, input }).unwrap();
    run.turn().iter().map(Command::describe).collect()
}

fn replays(definition: &Definition, run: &TestRun) {
    replay(definition, WorkflowId::new("test-run"), RUN, &run.history).unwrap();
}

#[test]
fn a_scope_is_canceled_alone_with_all_that_is_inside_it() {
    let (definition, mut run) = begin(|cx, _| async move {
        let outer = cx.scope();
        let inner = outer.scope();
        let all = [
            work(&cx, "Root"),
            work(&outer, "Outer"),
            work(&inner, "Inner"),
            work(&inner.shielded(), "Shielded"),
        ];
        let _: u64 = cx.signal("cancel").await?;
        outer.cancel_scope("enough");
        outer.cancel_scope("more than enough");
        assert!(inner.is_canceled() && !cx.is_canceled());
        assert_eq!(inner.canceled().await, "enough");
        let late = work(&inner, "Late").await.unwrap_err();
        assert_eq!(late.message, "asked to cancel: enough");
        let results = join_all(all).await;
        Ok(u64::try_from(results.iter().filter(|r| r.is_ok()).count()).unwrap())
    });
    run.turn();
    let names = signal(&mut run, "cancel");
    assert_eq!(names, ["ActivityTaskCancelRequested"; 2]);
    let canceled: Vec<_> = run.state.activities.values().map(|a| a.state).collect();
    use crate::primitives::activity::State::{CancelRequested, Scheduled};
    assert_eq!(
        canceled,
        [Scheduled, CancelRequested, CancelRequested, Scheduled]
    );
    run.complete(3, 1);
    run.complete(6, 1);
    run.turn();
    assert!(run.state.is_closed());
    assert_eq!(
        run.state.outcome,
        Some(crate::Outcome::Completed(json(&2_u64)))
    );
    replays(&definition, &run);
}

#[test]
fn a_run_that_is_canceled_reaches_every_scope_but_the_shielded() {
    let (definition, mut run) = begin(|cx, _| async move {
        let scope = cx.scope();
        let tidy = scope.shielded();
        let failure = work(&scope, "Work").await.unwrap_err();
        work(&tidy, "Tidy").await?;
        Err(failure)
    });
    run.turn();
    let reason = "enough".to_owned();
    run.feed(Input::CancelRequest { reason }).unwrap();
    let names: Vec<_> = run.turn().iter().map(Command::describe).collect();
    assert_eq!(
        names,
        ["ActivityTaskCancelRequested", "ActivityTaskScheduled(Tidy)"]
    );
    run.complete(7, 1);
    let names: Vec<_> = run.turn().iter().map(Command::describe).collect();
    assert_eq!(names, ["WorkflowExecutionCanceled"]);
    replays(&definition, &run);
}

#[test]
fn a_body_that_fails_with_a_canceled_scope_fails_and_is_not_canceled() {
    let (_, mut run) = begin(|cx, _| async move {
        let scope = cx.scope();
        scope.cancel_scope("no use");
        work(&scope, "Work").await
    });
    let names: Vec<_> = run.turn().iter().map(Command::describe).collect();
    assert_eq!(names, ["WorkflowExecutionFailed"]);
}

#[test]
fn losers_of_a_race_are_canceled_when_they_are_dropped() {
    let (definition, mut run) = begin(|cx, _| async move {
        let losers = join_all([work(&cx, "A"), work(&cx, "B")]);
        let first = match select(cx.signal::<u64>("won"), losers).await {
            Either::First(value) => value?,
            Either::Second(_) => 0,
        };
        let timer = cx.sleep(Millis(50));
        match select(cx.signal::<u64>("won"), timer).await {
            Either::First(value) => Ok(first + value?),
            Either::Second(fired) => fired.map(|()| 0),
        }
    });
    run.turn();
    assert_eq!(
        signal(&mut run, "won"),
        [
            "ActivityTaskCancelRequested",
            "ActivityTaskCancelRequested",
            "TimerStarted(50 ms)"
        ]
    );
    assert_eq!(
        signal(&mut run, "won"),
        ["TimerCanceled", "WorkflowExecutionCompleted"]
    );
    replays(&definition, &run);
}

#[test]
fn each_round_of_a_long_loop_may_have_a_scope_of_its_own() {
    let (_, mut run) = begin(|cx, _| async move {
        for _ in 0..50 {
            let scope = cx.scope().shielded().scope();
            let wait = scope.signal::<u64>("on");
            let _: u64 = wait.await?;
            scope.cancel_scope("done");
        }
        Ok(0)
    });
    run.turn();
    for _ in 0..50 {
        signal(&mut run, "on");
    }
    assert!(run.state.is_closed());
}
