//! A crash at every commit: what is survived, and what is caught.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kernel::{ActivityOptions, Cx, Failure, Millis, join_all};
use testkit::{Builder, Error, Moment, TestEnv, crash_at_every_commit};

use crate::shop::shop;

async fn one_order(env: TestEnv) -> Result<String, Error> {
    env.execute("order", "tea").await
}

#[test]
fn a_workflow_that_keeps_all_in_its_history_survives_every_crash() {
    let busy = || Err(Failure::retryable("Busy", "the bank is closed"));
    let setup = move || shop().mock_sequence("charge", [busy(), busy(), Ok(7_u64)]);
    let survived = crash_at_every_commit(setup, one_order).unwrap();
    assert!(survived.commits >= 6, "{survived:?}");
    assert_eq!(survived.crashes, 3 * survived.commits);
}

#[test]
fn signals_updates_children_and_chains_survive_every_crash() {
    async fn child(cx: Cx, n: u64) -> Result<u64, Failure> {
        cx.activity_named("double", &n, ActivityOptions::default())
            .await
    }
    async fn parent(cx: Cx, left: u64) -> Result<u64, Failure> {
        let context = cx.clone();
        let any = |_: &u64| Ok(());
        cx.update("add", any, move |n: u64| {
            let cx = context.clone();
            async move {
                cx.sleep(Millis(20)).await?;
                Ok(n)
            }
        });
        let n: u64 = cx.signal("number").await?;
        let id = |k: u64| kernel::WorkflowId::new(format!("child-{left}-{k}"));
        let all = join_all((0..3).map(|k| {
            let options = kernel::ChildOptions::default();
            cx.child_named::<_, u64>("child", id(k), &(n + k), options)
        }));
        let sum: u64 = all.await.into_iter().sum::<Result<u64, Failure>>()?;
        if left > 0 {
            return cx.continue_as_new(&(left - 1));
        }
        Ok(sum)
    }
    let setup = || {
        Builder::new()
            .workflow("child", child)
            .workflow("parent", parent)
            .mock("double", |n: u64, _| Ok(2 * n))
    };
    let survived = crash_at_every_commit(setup, |env| async move {
        let run = env.start("p", "parent", &1_u64).await?;
        let updated: u64 = env.update("p", "u", "add", &5_u64).await?;
        env.signal("p", "number", &10_u64).await?;
        env.sleep(Millis(1_000)).await?;
        env.signal("p", "number", &20_u64).await?;
        let sum: u64 = env.result(run).await?;
        Ok((updated, sum))
    });
    assert!(survived.unwrap().commits > 10);
}

/// Collects in one activity what another writes, in the memory of the process.
fn forgetful() -> Builder {
    let memory = Arc::new(Mutex::new(Vec::<u64>::new()));
    let shelf = Arc::clone(&memory);
    let body = |cx: Cx, (): ()| async move {
        for n in 1..=2_u64 {
            let () = cx
                .activity_named("collect", &n, ActivityOptions::default())
                .await?;
        }
        cx.activity_named::<_, Vec<u64>>("write", &(), ActivityOptions::default())
            .await
    };
    Builder::new()
        .workflow("forgetful", body)
        .mock("collect", move |n: u64, _| {
            let mut memory = memory.lock().unwrap();
            memory.retain(|known| *known != n);
            memory.push(n);
            Ok(())
        })
        .mock("write", move |(): (), _| Ok(shelf.lock().unwrap().clone()))
}

#[test]
fn an_effect_that_is_lost_with_the_process_is_caught_at_its_commit() {
    let caught = crash_at_every_commit(forgetful, |env| async move {
        env.execute::<_, Vec<u64>>("forgetful", &()).await
    });
    let divergence = caught.unwrap_err();
    let text = divergence.to_string();
    let (commit, commits, moment) = divergence.at.unwrap();
    // The first commit is the start; the second has the result of the first collection, and who
    // dies after it has made the second one, which is made again.
    assert_eq!((commit, moment), (2, Moment::BeforeAck), "{text}");
    assert!(commits > commit, "{text}");
    for part in [
        "a process that dies at commit 2 of",
        "the test gave [2] instead of [1, 2]",
        "lost:  forgetful ended as Completed with [1,2]",
        "new:   write with null gave [2]",
        "---- here the process died ----",
        "forgetful, without:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn code_that_depends_on_the_memory_of_its_process_is_caught() {
    // The second run of a process does what the first one does not.
    fn setup() -> Builder {
        let runs = Arc::new(AtomicU64::new(0));
        let body = move |cx: Cx, (): ()| {
            let is_first = runs.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if !is_first {
                    cx.sleep(Millis(1)).await?;
                }
                cx.activity_named::<_, u64>("a", &(), ActivityOptions::default())
                    .await
            }
        };
        // With machines kept, only a crash makes a replay.
        Builder::new()
            .machines_max(10)
            .workflow("moody", body)
            .mock("a", |(): (), _| Ok(1_u64))
    }
    async fn play(env: TestEnv) -> Result<u64, Error> {
        let first = env.start("first", "moody", &()).await?;
        let n: u64 = env.result(first).await?;
        let second = env.start("second", "moody", &()).await?;
        Ok(n + env.result::<u64>(second).await?)
    }
    assert_eq!(testkit::block_on(play(setup().build())).unwrap(), 2);
    let text = crash_at_every_commit(setup, play).unwrap_err().to_string();
    for part in [
        "the code of second failed",
        "nondeterminism at event 3",
        "the history has TimerStarted(1 ms), the code did ActivityTaskScheduled(a)",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_test_that_differs_from_itself_is_told_apart_from_a_crash() {
    let lives = Arc::new(AtomicU64::new(0));
    let setup = move || {
        let life = lives.fetch_add(1, Ordering::Relaxed);
        shop().mock("charge", move |_: String, _| Ok(life))
    };
    let divergence = crash_at_every_commit(setup, one_order).unwrap_err();
    assert_eq!(divergence.at, None);
    let text = divergence.to_string();
    assert!(text.starts_with("without any crash"), "{text}");
    assert!(text.contains("differs from itself"), "{text}");
}

#[test]
fn a_test_that_fails_without_any_crash_says_that_first() {
    let setup = || Builder::new().workflow("order", crate::shop::order);
    let divergence = crash_at_every_commit(setup, one_order).unwrap_err();
    assert_eq!(divergence.at, None);
    assert!(
        divergence
            .to_string()
            .contains("charge, which is not mocked"),
        "{divergence}"
    );
}

#[test]
fn an_assertion_that_fails_only_after_a_crash_names_the_commit() {
    let divergence = crash_at_every_commit(shop, |env| async move {
        let result = one_order(env.clone()).await?;
        assert_eq!(env.calls("charge").len(), 1, "charged twice");
        Ok(result)
    })
    .unwrap_err();
    let text = divergence.to_string();
    assert!(divergence.at.is_some(), "{text}");
    assert!(text.contains("charged twice"), "{text}");
}
