//! The environment: time, questions, errors that can be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::schedule::{Action, NewSchedule, ScheduleSpec};
use kernel::{
    ActivityOptions, Cx, Either, Failure, FailureKind, Millis, Payload, RetryPolicy, Timestamp,
    select,
};
use testkit::{Builder, Error, TestEnv, block_on};

use crate::shop::{order, shop};

const DAY: Millis = Millis(86_400_000);

#[test]
fn a_year_passes_between_two_events() {
    async fn nap(cx: Cx, (): ()) -> Result<Timestamp, Failure> {
        cx.sleep(Millis(365 * DAY.0)).await?;
        Ok(cx.now())
    }
    let env = TestEnv::builder().workflow("nap", nap).build();
    let before = env.now();
    let woke: Timestamp = block_on(env.execute("nap", &())).unwrap();
    assert_eq!(woke.since(before), Millis(365 * DAY.0));
    assert_eq!(env.now(), woke);
}

#[test]
fn a_test_reads_the_history_and_what_the_mocks_were_asked() {
    let env = shop().build();
    block_on(async {
        let run = env.start("order-1", "order", "tea").await?;
        let result: String = env.result(run).await?;
        assert_eq!(result, "mailed tea for 30");
        let names = env.history(run)?.event_names();
        assert_eq!(names.first(), Some(&"WorkflowExecutionStarted"));
        assert_eq!(names.iter().filter(|n| **n == "TimerFired").count(), 1);
        assert_eq!(names.last(), Some(&"WorkflowExecutionCompleted"));
        let inputs: Vec<String> = env
            .calls("mail")
            .iter()
            .map(|c| c.input().unwrap())
            .collect();
        assert_eq!(inputs, ["tea for 30"]);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn the_clock_stands_still_while_the_test_has_something_to_do() {
    let env = shop().build();
    block_on(async {
        let begin = env.now();
        let run = env.start("order-1", "order", "tea").await?;
        let paid: u64 = env.query("order-1", "paid", &()).await?;
        assert_eq!((paid, env.now()), (30, begin));
        env.sleep(DAY).await?;
        assert_eq!(env.now(), begin.after(DAY));
        assert_eq!(env.calls("mail").len(), 0);
        env.cancel("order-1", "not wanted").await?;
        let state = env.wait(run).await?;
        assert!(state.is_closed());
        assert_eq!(env.now(), begin.after(DAY));
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// Waits for approval, which is an update, for three days; a note is a signal.
async fn approval(cx: Cx, (): ()) -> Result<String, Failure> {
    let granted = Arc::new(AtomicU64::new(0));
    let (inside, context) = (Arc::clone(&granted), cx.clone());
    let positive = |n: &u64| match n {
        0 => Err(Failure::permanent("Refused", "nothing is no approval")),
        1.. => Ok(()),
    };
    cx.update("approve", positive, move |n: u64| {
        let (granted, cx) = (Arc::clone(&inside), context.clone());
        async move {
            cx.sleep(Millis(50)).await?;
            granted.store(n, Ordering::Relaxed);
            Ok(n + 1)
        }
    });
    match select(cx.signal::<String>("note"), cx.sleep(Millis(3 * DAY.0))).await {
        Either::First(note) => Ok(format!("{} {}", note?, granted.load(Ordering::Relaxed))),
        Either::Second(slept) => slept.map(|()| "too late".to_owned()),
    }
}

#[test]
fn signals_and_updates_arrive_before_time_passes() {
    let env = TestEnv::builder().workflow("approval", approval).build();
    block_on(async {
        let run = env.start("a", "approval", &()).await?;
        let refused: Result<u64, Error> = env.update("a", "u0", "approve", &0_u64).await;
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("nothing is no approval")
        );
        let answer: u64 = env.update("a", "u1", "approve", &4_u64).await?;
        assert_eq!(answer, 5);
        env.signal("a", "note", "fine").await?;
        assert_eq!(env.result::<String>(run).await?, "fine 4");
        let late = env.start("b", "approval", &()).await?;
        assert_eq!(env.result::<String>(late).await?, "too late");
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn a_schedule_fires_on_the_clock_of_the_test() {
    let env = shop().build();
    block_on(async {
        let action = Action {
            workflow_type: "order".to_owned(),
            input: Payload::json("tea").unwrap(),
        };
        let spec = ScheduleSpec::every(Millis(30 * DAY.0));
        env.create_schedule(NewSchedule::new("monthly", spec, action))
            .await?;
        env.sleep(Millis(365 * DAY.0)).await?;
        assert_eq!(env.calls("mail").len(), 12);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn a_panic_of_the_code_fails_the_test_and_shows_the_history() {
    async fn falls(cx: Cx, (): ()) -> Result<u64, Failure> {
        cx.sleep(Millis(5_000)).await?;
        panic!("the shelf is empty")
    }
    let env = TestEnv::builder().workflow("falls", falls).build();
    let error = block_on(env.execute::<_, u64>("falls", &())).unwrap_err();
    let text = error.to_string();
    for part in [
        "the code of falls failed",
        "the workflow code panicked: the shelf is empty",
        "TimerStarted(5000 ms)",
        "+00:00:05.000  TimerFired of 3",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(format!("{error:?}"), text);
}

#[test]
fn code_that_remembers_what_is_in_no_history_is_caught_by_any_test() {
    let turns = Arc::new(AtomicU64::new(0));
    let body = move |cx: Cx, (): ()| {
        let is_lucky = turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        async move {
            if is_lucky {
                cx.sleep(Millis(10)).await
            } else {
                cx.activity_named("work", &(), ActivityOptions::default())
                    .await
            }
        }
    };
    let env = TestEnv::builder()
        .workflow("lucky", body)
        .mock("work", |(): (), _| Ok(()))
        .build();
    let error = block_on(env.execute::<_, ()>("lucky", &())).unwrap_err();
    let text = error.to_string();
    for part in [
        "nondeterminism at event 3",
        "the history has TimerStarted(10 ms), the code did ActivityTaskScheduled(work)",
        "Put back the old order",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_workflow_that_fails_shows_its_failure_and_its_history() {
    async fn broke(cx: Cx, (): ()) -> Result<u64, Failure> {
        let once = ActivityOptions {
            retry: RetryPolicy::once(),
            ..ActivityOptions::default()
        };
        cx.activity_named("pay", &1_u64, once).await
    }
    let env = Builder::new()
        .workflow("broke", broke)
        .mock("pay", |_: u64, _| {
            Err::<u64, _>(Failure::retryable("Empty", "no money"))
        })
        .build();
    let error = block_on(env.execute::<_, u64>("broke", &())).unwrap_err();
    let Error::Failed {
        failure, history, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(failure.to_string().contains("no money"), "{failure}");
    assert!(
        history.contains("ActivityTaskFailed of 3, attempt 1"),
        "{history}"
    );
}

#[test]
fn a_wait_for_what_never_comes_says_who_waits_for_what() {
    let body = |cx: Cx, (): ()| async move { cx.signal::<u64>("go").await };
    let env = TestEnv::builder().workflow("listens", body).build();
    let error = block_on(env.execute::<_, u64>("listens", &())).unwrap_err();
    assert!(matches!(error, Error::Stuck { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("listens waits for"), "{text}");
    assert!(text.contains("WorkflowExecutionStarted listens"), "{text}");
}

#[test]
fn who_waited_in_vain_may_do_something_about_it() {
    let listens = |cx: Cx, (): ()| async move { cx.signal::<u64>("go").await };
    let env = TestEnv::builder().workflow("listens", listens).build();
    block_on(async {
        let run = env.start("l", "listens", &()).await?;
        assert!(matches!(
            env.result::<u64>(run).await,
            Err(Error::Stuck { .. })
        ));
        env.signal("l", "go", &3_u64).await?;
        assert_eq!(env.result::<u64>(run).await?, 3);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[tokio::test]
async fn a_test_may_run_on_another_executor() {
    let env = shop().build();
    let inside = env.clone();
    let test = tokio::spawn(async move { inside.execute::<_, String>("order", "tea").await });
    assert_eq!(test.await.unwrap().unwrap(), "mailed tea for 30");
}

#[test]
fn a_process_that_dies_by_hand_goes_on_with_what_was_durable() {
    let env = shop().build();
    block_on(async {
        let run = env.start("order-1", "order", "tea").await?;
        env.sleep(DAY).await?;
        env.crash()?;
        let result: String = env.result(run).await?;
        assert_eq!(result, "mailed tea for 30");
        assert_eq!(env.calls("charge").len(), 1);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn two_things_at_once_wait_for_each_other() {
    let env = TestEnv::builder().workflow("approval", approval).build();
    let both = async {
        let run = env.start("a", "approval", &()).await?;
        let mut result = std::pin::pin!(env.result::<String>(run));
        let mut later = std::pin::pin!(async {
            env.sleep(DAY).await?;
            env.signal("a", "note", "slow").await
        });
        let mut signaled = false;
        std::future::poll_fn(move |cx| {
            if let std::task::Poll::Ready(done) = result.as_mut().poll(cx) {
                return std::task::Poll::Ready(done);
            }
            if !signaled && later.as_mut().poll(cx).is_ready() {
                signaled = true;
            }
            std::task::Poll::Pending
        })
        .await
    };
    assert_eq!(block_on(both).unwrap(), "slow 0");
}

#[test]
fn a_run_that_was_never_started_is_not_found() {
    let env = TestEnv::builder().workflow("order", order).build();
    let error = block_on(env.query::<_, u64>("order-9", "paid", &())).unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    let error = block_on(env.signal("order-9", "go", &())).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[test]
fn a_run_that_was_terminated_is_a_failure_of_that_kind() {
    let env = shop().build();
    block_on(async {
        let run = env.start("order-1", "order", "tea").await?;
        env.terminate("order-1", "enough").await?;
        let error = env.result::<String>(run).await.unwrap_err();
        let Error::Failed { failure, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(failure.kind, FailureKind::Terminated);
        Ok::<_, Error>(())
    })
    .unwrap();
}
