//! Resets and forks of runs with children, and of children.

use engine::core::{Message, Reply};
use kernel::primitives::workflow_execution::State as Status;
use kernel::reset::preview::ChildFate;
use kernel::{Edits, EventKind, ParentClosePolicy, Refusal, ResetTo, RunId, WorkflowId};

use crate::resets::{end_next, fork, made, reset, rig, to};
use crate::rig::Rig;

fn with_first_child(policy: ParentClosePolicy) -> (Rig, RunId) {
    let mut rig = rig();
    let run = rig.start("p", "parent", &policy);
    (rig, run)
}

#[test]
fn a_child_that_was_waited_for_reports_to_the_new_run() {
    for policy in [
        ParentClosePolicy::Terminate,
        ParentClosePolicy::RequestCancel,
        ParentClosePolicy::Abandon,
    ] {
        for crash in [false, true] {
            let (mut rig, old) = with_first_child(policy);
            let task = rig.task();
            let child = task.task.run_id;
            // Event 3 asks for the child, 4 says that it has a run: both are kept, or only the first.
            for point in [to(5), to(4)] {
                let newest = rig.run_of("p");
                let last = rig.state(newest).last_event_id;
                let point = if point == to(5) && last.0 < 4 {
                    to(4)
                } else {
                    point
                };
                let (_, plan) = reset(&mut rig, newest, point);
                assert_eq!(plan.children[0].fate, ChildFate::TakenOver, "{policy:?}");
                if crash {
                    rig.restart();
                }
            }
            let new = rig.run_of("p");
            assert_ne!(new, old);
            assert_eq!(rig.run_of("p/first"), child, "it is the same child");
            assert_eq!(rig.state(child).status, Status::Running, "{policy:?}");
            let task = if crash { rig.task() } else { task };
            rig.end(task.task, Ok(1));
            end_next(&mut rig, 10);
            end_next(&mut rig, 100);
            assert_eq!(rig.value(new), 111, "{policy:?}");
        }
    }
}

#[test]
fn a_child_that_ended_while_its_parent_was_closed_is_told_of() {
    let (mut rig, old) = with_first_child(ParentClosePolicy::Abandon);
    let task = rig.task();
    rig.tell(Message::Terminate {
        workflow_id: WorkflowId::new("p"),
        reason: "a mistake".to_owned(),
    });
    rig.end(task.task, Ok(1));
    let last = rig.state(old).last_event_id;
    let (new, _) = reset(&mut rig, old, ResetTo::Event(last));
    end_next(&mut rig, 10);
    end_next(&mut rig, 100);
    assert_eq!(rig.value(new), 111);
}

#[test]
fn a_child_after_the_point_is_stopped_and_asked_for_again() {
    for policy in [
        ParentClosePolicy::Terminate,
        ParentClosePolicy::RequestCancel,
    ] {
        let (mut rig, old) = with_first_child(policy);
        end_next(&mut rig, 1);
        end_next(&mut rig, 10);
        let lost = rig.task().task.run_id;
        assert_eq!(rig.run_of("p/second"), lost);
        let asked = rig.history(old).into_iter().rev().find(|event| {
            matches!(
                event.kind,
                EventKind::StartChildWorkflowExecutionInitiated { .. }
            )
        });
        let (new, plan) = reset(&mut rig, old, ResetTo::Event(asked.unwrap().id));
        assert_eq!(plan.children[0].fate, ChildFate::Kept);
        assert_eq!(plan.children[1].fate, ChildFate::Terminated);
        assert_eq!(rig.state(lost).status, Status::Terminated, "{policy:?}");
        let again = rig.task();
        assert_ne!(again.task.run_id, lost);
        rig.end(again.task, Ok(200));
        assert_eq!(rig.value(new), 211, "{policy:?}");
    }
}

#[test]
fn a_parent_hears_of_the_run_that_took_the_place_of_its_child() {
    let (mut rig, run) = with_first_child(ParentClosePolicy::Terminate);
    let task = rig.task();
    let (child, _) = reset(&mut rig, task.task.run_id, ResetTo::FirstWorkflowTask);
    rig.restart();
    assert_eq!(rig.state(run).status, Status::Running);
    let again = rig.task();
    assert_eq!(again.task.run_id, child);
    rig.end(again.task, Ok(5));
    end_next(&mut rig, 10);
    end_next(&mut rig, 100);
    assert_eq!(rig.value(run), 115);
    // It has its result: a reset of the child now is nobody's child.
    let (alone, _) = reset(&mut rig, child, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.state(alone).parent, None);
    end_next(&mut rig, 9);
    assert_eq!(rig.value(alone), 9);
}

#[test]
fn a_fork_cannot_wait_for_somebody_elses_child() {
    let (mut rig, run) = with_first_child(ParentClosePolicy::Terminate);
    let reply = fork(&mut rig, run, to(5), Edits::default());
    assert!(
        matches!(reply, Reply::Refused(Refusal::WaitsForChild { .. })),
        "{reply:?}"
    );
    end_next(&mut rig, 1);
    let (new, _) = made(fork(&mut rig, run, to(5), Edits::default()));
    let ours: Vec<_> = rig.poll();
    assert_eq!(ours.len(), 2, "the mail of both");
    for task in ours {
        rig.end(task.task, Ok(10));
    }
    let seconds = rig.poll();
    let of: Vec<&str> = seconds.iter().map(|t| t.workflow_id.as_str()).collect();
    assert!(
        of.contains(&"b/second") && of.contains(&"p/second"),
        "{of:?}"
    );
    for task in seconds {
        rig.end(task.task, Ok(100));
    }
    assert_eq!((rig.value(run), rig.value(new)), (111, 111));
}

#[test]
fn a_run_that_was_left_behind_stays_so_when_an_older_one_of_its_chain_is_reset() {
    let (mut rig, parent) = with_first_child(ParentClosePolicy::Terminate);
    let task = rig.task();
    let child = task.task.run_id;
    rig.end(task.task, Ok(1));
    let (alone, _) = reset(&mut rig, child, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.state(alone).parent, None, "the parent has its result");
    let (again, _) = reset(&mut rig, child, ResetTo::FirstWorkflowTask);
    assert_eq!(rig.state(again).parent, None);
    rig.tell(Message::Terminate {
        workflow_id: WorkflowId::new("p"),
        reason: "enough".to_owned(),
    });
    assert_eq!(rig.state(parent).status, Status::Terminated);
    assert_eq!(rig.state(again).status, Status::Running);
}
