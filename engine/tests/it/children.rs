//! Children: started, closed, canceled and left behind, with a crash at every commit.

use std::sync::Arc;

use engine::core::{Message, Workflows};
use kernel::primitives::workflow_execution::State as Status;
use kernel::{
    ChildOptions, Cx, Definition, Failure, Millis, ParentClosePolicy, WorkflowId, join_all,
};
use state::memory_store::MemoryStore;

use crate::rig::{Rig, of, slow_retry};

async fn child(cx: Cx, n: u64) -> Result<u64, Failure> {
    let work: u64 = cx.activity_named("work", &n, slow_retry()).await?;
    Ok(work + n)
}

/// Two children side by side; a third, whose failure is expected.
async fn parent(cx: Cx, _: ()) -> Result<u64, Failure> {
    let start = |n: u64| {
        let id = WorkflowId(format!("{}/{n}", cx.info().workflow_id));
        cx.child_named::<_, u64>("child", id, &n, ChildOptions::default())
    };
    let sum: u64 = join_all([start(10), start(20)])
        .await
        .into_iter()
        .sum::<Result<u64, Failure>>()?;
    let missing = cx
        .child_named::<_, u64>(
            "child",
            WorkflowId::new(""),
            &1_u64,
            ChildOptions::default(),
        )
        .await;
    Ok(sum + u64::from(missing.is_err()))
}

/// Starts a child and returns when it is told to, without waiting for it.
async fn leaver(cx: Cx, policy: ParentClosePolicy) -> Result<u64, Failure> {
    let options = ChildOptions {
        parent_close_policy: policy,
        ..ChildOptions::default()
    };
    let id = WorkflowId(format!("{}/left", cx.info().workflow_id));
    let child = cx.child_named::<_, u64>("sitter", id, &(), options);
    let leave = cx.signal::<u64>("leave");
    match kernel::select(child, leave).await {
        kernel::Either::First(child) => child,
        kernel::Either::Second(value) => value,
    }
}

/// Sits until it is asked to cancel, then tidies up for a second.
async fn sitter(cx: Cx, _: ()) -> Result<u64, Failure> {
    let sat = cx.sleep(Millis::seconds(1_000_000)).await;
    cx.shielded().sleep(Millis::seconds(1)).await?;
    sat.map(|()| 1)
}

fn workflows() -> Workflows {
    of([
        Definition::new("child", child),
        Definition::new("parent", parent),
        Definition::new("leaver", leaver),
        Definition::new("sitter", sitter),
    ])
}

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Die {
    Never,
    Before(u64),
    After(u64),
}

/// Drives a rig to its end by hand, with at most one crash; gives the number of commits.
fn drive(rig: &mut Rig, die: Die, mut is_over: impl FnMut(&Rig) -> bool, cancel_at: u64) -> u64 {
    let mut commits = 0;
    for round in 0..60 {
        if is_over(rig) {
            return commits;
        }
        if round >= cancel_at {
            // Repeated, as by a client that got no answer; the second is refused.
            let workflow_id = WorkflowId::new("p");
            let cancel = Message::Cancel {
                workflow_id,
                reason: "enough".to_owned(),
            };
            rig.core.handle(cancel, None, rig.now).unwrap();
        }
        rig.now = rig.now.after(Millis(700));
        rig.core.fire_due(rig.now);
        rig.core.run_workflow_tasks(rig.now).unwrap();
        commits += 1;
        if die == Die::Before(commits) {
            rig.restart();
            continue;
        }
        let _effects = rig.core.commit().unwrap();
        if die == Die::After(commits) {
            rig.restart();
            continue;
        }
        let now = rig.now;
        for task in rig.core.poll_tasks(now) {
            let result = Some(kernel::Payload::json(&1_u64).map_err(Failure::from));
            let ended = Message::AttemptEnded {
                task: task.task,
                result,
            };
            rig.core.handle(ended, None, now).unwrap();
        }
    }
    panic!("it does not end: {die:?}");
}

fn statuses(rig: &Rig, ids: &[&str]) -> Vec<Status> {
    ids.iter()
        .map(|id| rig.state(rig.run_of(id)).status)
        .collect()
}

fn closed(rig: &Rig) -> bool {
    rig.core.open_runs() == 0 && rig.core.is_settled()
}

#[test]
fn children_start_and_end_once_wherever_the_process_dies() {
    let story = |die: Die| {
        let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows());
        let run = rig.start("p", "parent", &());
        let commits = drive(&mut rig, die, closed, u64::MAX);
        assert_eq!(rig.value(run), 33, "{die:?}");
        assert_eq!(
            statuses(&rig, &["p", "p/10", "p/20"]),
            [Status::Completed; 3],
            "{die:?}"
        );
        let runs = rig.store.list_runs(None, 100).unwrap();
        assert_eq!(runs.len(), 3, "a child was started twice: {die:?}");
        commits
    };
    let commits = story(Die::Never);
    assert!(commits > 1, "the story has something to lose");
    for n in 1..=commits {
        story(Die::Before(n));
        story(Die::After(n));
    }
}

#[test]
fn a_cancellation_reaches_children_wherever_the_process_dies() {
    let story = |die: Die| {
        let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows());
        rig.start("p", "leaver", &ParentClosePolicy::RequestCancel);
        let commits = drive(&mut rig, die, closed, 1);
        assert_eq!(
            statuses(&rig, &["p", "p/left"]),
            [Status::Canceled; 2],
            "{die:?}"
        );
        commits
    };
    let commits = story(Die::Never);
    for n in 1..=commits {
        story(Die::Before(n));
        story(Die::After(n));
    }
}

#[test]
fn what_becomes_of_children_is_the_policys_choice_wherever_the_process_dies() {
    for (policy, expected) in [
        (ParentClosePolicy::Terminate, Status::Terminated),
        (ParentClosePolicy::RequestCancel, Status::Canceled),
        (ParentClosePolicy::Abandon, Status::Running),
    ] {
        let story = |die: Die| {
            let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows());
            let run = rig.start("p", "leaver", &policy);
            let leave = Message::Terminate {
                workflow_id: WorkflowId::new("p"),
                reason: "no longer needed".to_owned(),
            };
            rig.core.handle(leave, None, rig.now).unwrap();
            let child_is = |rig: &Rig| statuses(rig, &["p/left"])[0];
            let commits = drive(
                &mut rig,
                die,
                |rig| {
                    rig.core.is_settled() && rig.state(run).is_closed() && child_is(rig) == expected
                },
                if die == Die::Never { u64::MAX } else { 3 },
            );
            // Nothing more comes of it.
            rig.pass(Millis::seconds(60));
            rig.restart();
            rig.pass(Millis::seconds(60));
            assert_eq!(child_is(&rig), expected, "{policy:?} {die:?}");
            commits
        };
        let commits = story(Die::Never);
        for n in 2..=commits {
            story(Die::After(n));
        }
    }
}

#[test]
fn an_abandoned_child_goes_on_and_asks_for_its_parent_no_more() {
    let store = MemoryStore::new();
    let mut rig = Rig::over(Arc::new(store.clone()), workflows());
    rig.start("p", "leaver", &ParentClosePolicy::Abandon);
    let signal = Message::Signal {
        workflow_id: WorkflowId::new("p"),
        name: "leave".to_owned(),
        input: kernel::Payload::json(&5_u64).unwrap(),
    };
    rig.tell(signal);
    assert_eq!(rig.value(rig.run_of("p")), 5);
    assert_eq!(statuses(&rig, &["p/left"]), [Status::Running]);
    let before = store.calls();
    rig.restart();
    // The breakers, the open runs, and the child: its closed parent is not read.
    assert_eq!(store.calls() - before, 3);
    rig.pass(Millis::seconds(1_000_000));
    rig.pass(Millis::seconds(1));
    assert_eq!(statuses(&rig, &["p/left"]), [Status::Completed]);
}

#[test]
fn a_child_whose_id_is_taken_is_a_failure_that_the_parent_can_handle() {
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows());
    rig.start("p/10", "sitter", &());
    let run = rig.start("p", "parent", &());
    let _other = rig.poll();
    rig.settle();
    let names = rig.names(run);
    assert!(
        names.contains(&"StartChildWorkflowExecutionFailed"),
        "{names:?}"
    );
    assert_eq!(
        statuses(&rig, &["p/10"]),
        [Status::Running],
        "the other run is left alone"
    );
}
