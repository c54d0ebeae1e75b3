//! Runs that follow on each other, and the policies about ids, wherever the process dies.

use std::sync::Arc;

use engine::core::{IdConflictPolicy, IdReusePolicy, Message, Reply, StartOptions, StartSpec};
use kernel::primitives::workflow_execution::State as Status;
use kernel::{
    ChildOptions, Cx, Definition, Failure, Millis, ParentClosePolicy, Payload, RetryPolicy,
    WorkflowId, WorkflowOptions,
};
use state::memory_store::MemoryStore;

use crate::children::{Die, closed, drive};
use crate::rig::{Rig, of, once};

/// Does a piece of work in each of `n` runs.
async fn rounds(cx: Cx, (left, sum): (u64, u64)) -> Result<u64, Failure> {
    let one: u64 = cx.activity_named("work", &1_u64, once()).await?;
    if left == 0 {
        return Ok(sum + one);
    }
    cx.continue_as_new(&(left - 1, sum + one))
}

async fn parent(cx: Cx, n: u64) -> Result<u64, Failure> {
    let id = WorkflowId::new("rounds");
    cx.child_named("rounds", id, &(n, 0_u64), ChildOptions::default())
        .await
}

/// Fails as long as attempts are below `n`.
async fn flaky(cx: Cx, n: u64) -> Result<u64, Failure> {
    let attempt = u64::from(cx.info().attempt);
    if attempt < n {
        return Err(Failure::retryable("Flaky", "not yet"));
    }
    Ok(attempt)
}

/// Goes on in new runs until it is asked to cancel.
async fn restless(cx: Cx, n: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(100)).await?;
    cx.continue_as_new(&(n + 1))
}

async fn keeper(cx: Cx, policy: ParentClosePolicy) -> Result<u64, Failure> {
    let options = ChildOptions {
        parent_close_policy: policy,
        ..ChildOptions::default()
    };
    let child = cx.child_named::<_, u64>("restless", WorkflowId::new("c"), &0_u64, options);
    let leave = cx.signal::<u64>("leave");
    match kernel::select(child, leave).await {
        kernel::Either::First(child) => child,
        kernel::Either::Second(value) => value,
    }
}

async fn sleeper(cx: Cx, _: ()) -> Result<u64, Failure> {
    cx.sleep(Millis::seconds(1_000)).await?;
    Ok(u64::from(cx.info().attempt))
}

fn rig() -> Rig {
    let workflows = of([
        Definition::new("rounds", rounds),
        Definition::new("parent", parent),
        Definition::new("flaky", flaky),
        Definition::new("restless", restless),
        Definition::new("keeper", keeper),
        Definition::new("sleeper", sleeper),
    ]);
    Rig::over(Arc::new(MemoryStore::new()), workflows)
}

fn wherever_it_dies(story: impl Fn(Die) -> u64) {
    let commits = story(Die::Never);
    assert!(commits > 0, "the story has something to lose");
    for n in 1..=commits {
        story(Die::Before(n));
        story(Die::After(n));
    }
}

#[test]
fn a_run_continues_as_new_without_a_gap_wherever_the_process_dies() {
    wherever_it_dies(|die| {
        let mut rig = rig();
        let first = rig.start("r", "rounds", &(3_u64, 0_u64));
        let commits = drive(&mut rig, die, closed, u64::MAX);
        let runs = rig.store.list_runs(None, 100).unwrap();
        assert_eq!(runs.len(), 4, "{die:?}");
        let mut at = first;
        for _ in 0..3 {
            let state = rig.state(at);
            assert_eq!(state.status, Status::ContinuedAsNew);
            let next = state.successor.unwrap();
            assert_eq!(rig.state(next).chain.continued_from, Some(at));
            assert_eq!(rig.state(next).first_run_id(), first);
            at = next;
        }
        assert_eq!(rig.value(at), 4, "{die:?}");
        commits
    });
}

#[test]
fn a_parent_sees_only_the_last_result_of_a_child_wherever_the_process_dies() {
    wherever_it_dies(|die| {
        let mut rig = rig();
        let run = rig.start("p", "parent", &2_u64);
        let commits = drive(&mut rig, die, closed, u64::MAX);
        assert_eq!(rig.value(run), 3, "{die:?}");
        let of_child = |name: &&&str| name.starts_with("ChildWorkflowExecution");
        let names = rig.names(run);
        assert_eq!(names.iter().filter(of_child).count(), 2, "{die:?}");
        commits
    });
}

#[test]
fn a_close_policy_finds_a_child_in_its_newest_run_wherever_the_process_dies() {
    for (policy, expected) in [
        (ParentClosePolicy::Terminate, Status::Terminated),
        (ParentClosePolicy::RequestCancel, Status::Canceled),
    ] {
        wherever_it_dies(|die| {
            let mut rig = rig();
            let run = rig.start("p", "keeper", &policy);
            rig.pass(Millis(250));
            let leave = Message::Signal {
                workflow_id: WorkflowId::new("p"),
                name: "leave".to_owned(),
                input: Payload::json(&5_u64).unwrap(),
            };
            // Durable before anybody is told; the rest of the story may die.
            rig.core.handle(leave, None, rig.now).unwrap();
            rig.core.commit().unwrap();
            let commits = drive(&mut rig, die, closed, u64::MAX);
            assert_eq!(rig.value(run), 5);
            let last = rig.state(rig.run_of("c"));
            assert_eq!(last.status, expected, "{die:?}");
            assert!(last.chain.continued_from.is_some());
            commits
        });
    }
}

#[test]
fn a_request_to_cancel_is_repeated_to_the_run_that_follows() {
    let definition = Definition::new("deaf", |cx: Cx, n: u64| async move {
        if n == 0 {
            let _: String = cx.canceled().await;
            return cx.continue_as_new(&1_u64);
        }
        cx.sleep(Millis(1)).await.map(|()| n)
    });
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), of([definition]));
    rig.start("d", "deaf", &0_u64);
    let reason = "enough".to_owned();
    rig.tell(Message::Cancel {
        workflow_id: WorkflowId::new("d"),
        reason,
    });
    assert_eq!(rig.state(rig.run_of("d")).status, Status::Canceled);
}

fn options(workflow: WorkflowOptions) -> StartOptions {
    StartOptions {
        workflow,
        ..StartOptions::default()
    }
}

fn start_with<I: serde::Serialize>(
    rig: &mut Rig,
    kind: &str,
    input: &I,
    options: StartOptions,
) -> Reply {
    let input = Payload::json(input).unwrap();
    rig.ask(Message::Start(StartSpec {
        options,
        ..StartSpec::new("a", kind, input)
    }))
}

fn retry(maximum_attempts: u32) -> Option<RetryPolicy> {
    Some(RetryPolicy {
        maximum_attempts,
        ..RetryPolicy::default()
    })
}

#[test]
fn a_failed_run_is_tried_again_after_its_wait_wherever_the_process_dies() {
    wherever_it_dies(|die| {
        let mut rig = rig();
        let spec = StartSpec {
            options: options(WorkflowOptions {
                retry: retry(0),
                ..WorkflowOptions::default()
            }),
            ..StartSpec::new("a", "flaky", Payload::json(&3_u64).unwrap())
        };
        rig.core
            .handle(Message::Start(spec), None, rig.now)
            .unwrap();
        rig.core.commit().unwrap();
        let began = rig.now;
        let commits = drive(&mut rig, die, closed, u64::MAX);
        let last = rig.run_of("a");
        assert_eq!((rig.value(last), rig.state(last).chain.attempt), (3, 3));
        assert!(
            rig.now.since(began) >= Millis(3_000),
            "it waits 1 s, then 2 s"
        );
        assert_eq!(rig.store.list_runs(None, 100).unwrap().len(), 3, "{die:?}");
        commits
    });
}

#[test]
fn a_run_that_is_to_be_tried_again_does_not_begin_before_its_time_whatever_happens() {
    let mut rig = rig();
    let workflow = WorkflowOptions {
        retry: retry(0),
        ..WorkflowOptions::default()
    };
    start_with(&mut rig, "flaky", &2_u64, options(workflow));
    let second = rig.run_of("a");
    rig.restart();
    rig.tell(Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "hello".to_owned(),
        input: Payload::null(),
    });
    assert!(rig.describe(second).waiting_on.contains("attempt 2"));
    rig.pass(Millis(999));
    assert_eq!(rig.state(second).status, Status::Running);
    rig.pass(Millis(1));
    assert_eq!(rig.value(second), 2);
}

#[test]
fn a_run_timeout_ends_a_run_and_its_retry_begins_the_next_after_a_restart_too() {
    let mut rig = rig();
    let workflow = WorkflowOptions {
        run_timeout: Some(Millis::seconds(10)),
        retry: retry(2),
        ..WorkflowOptions::default()
    };
    start_with(&mut rig, "sleeper", &(), options(workflow));
    let first = rig.run_of("a");
    rig.pass(Millis::seconds(9));
    assert_eq!(rig.state(first).status, Status::Running);
    rig.restart();
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.state(first).status, Status::TimedOut);
    let second = rig.state(first).successor.unwrap();
    rig.pass(Millis::seconds(10));
    assert_eq!(
        rig.state(second).status,
        Status::Running,
        "the wait does not count"
    );
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.state(second).status, Status::TimedOut);
    assert_eq!(rig.state(second).successor, None);
    assert_eq!(rig.core.next_due(), None, "nothing is left behind");
}

#[test]
fn an_execution_timeout_ends_a_chain_that_would_go_on_for_ever() {
    let mut rig = rig();
    let workflow = WorkflowOptions {
        execution_timeout: Some(Millis(1_050)),
        ..WorkflowOptions::default()
    };
    start_with(&mut rig, "restless", &0_u64, options(workflow));
    for _ in 0..30 {
        rig.pass(Millis(50));
    }
    let last = rig.state(rig.run_of("a"));
    assert_eq!(last.status, Status::TimedOut);
    assert_eq!(rig.store.list_runs(None, 100).unwrap().len(), 11);
    assert_eq!(rig.core.open_runs(), 0);
}

fn policies(id_reuse: IdReusePolicy, id_conflict: IdConflictPolicy) -> StartOptions {
    StartOptions {
        id_reuse,
        id_conflict,
        ..StartOptions::default()
    }
}

#[test]
fn the_reuse_policy_decides_about_the_id_of_a_closed_run() {
    use IdReusePolicy::{AllowDuplicate, AllowDuplicateFailedOnly, RejectDuplicate};
    let fail = IdConflictPolicy::Fail;
    for (terminated, policy, free) in [
        (false, AllowDuplicate, true),
        (false, AllowDuplicateFailedOnly, false),
        (false, RejectDuplicate, false),
        (true, AllowDuplicate, true),
        (true, AllowDuplicateFailedOnly, true),
        (true, RejectDuplicate, false),
    ] {
        let mut rig = rig();
        let kind = if terminated { "sleeper" } else { "flaky" };
        let first = if terminated {
            rig.start("a", kind, &())
        } else {
            rig.start("a", kind, &0_u64)
        };
        if terminated {
            rig.tell(Message::Terminate {
                workflow_id: WorkflowId::new("a"),
                reason: "enough".to_owned(),
            });
        }
        assert!(rig.state(first).is_closed());
        let reply = start_with(&mut rig, "flaky", &0_u64, policies(policy, fail));
        if free {
            assert!(matches!(reply, Reply::Started(_)), "{policy:?}: {reply:?}");
        } else {
            assert_eq!(reply, Reply::AlreadyRan(first), "{policy:?}");
        }
    }
}

#[test]
fn the_conflict_policy_decides_about_the_id_of_an_open_run() {
    let mut rig = rig();
    let reuse = IdReusePolicy::AllowDuplicate;
    let first = rig.start("a", "sleeper", &());
    for policy in [IdConflictPolicy::Fail, IdConflictPolicy::UseExisting] {
        let reply = start_with(&mut rig, "sleeper", &(), policies(reuse, policy));
        assert_eq!(reply, Reply::AlreadyRunning(first));
    }
    let terminate = policies(reuse, IdConflictPolicy::TerminateExisting);
    // A start that cannot succeed leaves the open run alone.
    let reply = start_with(&mut rig, "", &(), terminate.clone());
    assert!(matches!(reply, Reply::Rejected(_)));
    assert_eq!(rig.state(first).status, Status::Running);
    let reply = start_with(&mut rig, "sleeper", &(), terminate);
    let Reply::Started(second) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(rig.state(first).status, Status::Terminated);
    rig.restart();
    assert_eq!(rig.describe(second).state.status, Status::Running);
    assert_eq!(rig.core.open_runs(), 1);
}

#[test]
fn a_signal_with_start_starts_once_and_signals_each_time() {
    let listen = Definition::new("listen", |cx: Cx, (): ()| async move {
        let first: u64 = cx.signal("n").await?;
        let second: u64 = cx.signal("n").await?;
        Ok(first + second)
    });
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), of([listen]));
    let send = |rig: &mut Rig, name: &str, n: u64| {
        rig.ask(Message::SignalWithStart {
            spec: StartSpec::new("a", "listen", Payload::null()),
            name: name.to_owned(),
            input: Payload::json(&n).unwrap(),
        })
    };
    assert!(matches!(send(&mut rig, "", 1), Reply::Rejected(_)));
    assert_eq!(
        rig.core.open_runs(),
        0,
        "a signal that no run takes starts none"
    );
    let reply = send(&mut rig, "n", 3);
    let Reply::Started(run) = reply else {
        panic!("{reply:?}")
    };
    rig.restart();
    assert_eq!(send(&mut rig, "n", 4), Reply::AlreadyRunning(run));
    assert_eq!(rig.value(run), 7);
}
