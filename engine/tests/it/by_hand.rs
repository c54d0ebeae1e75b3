//! What people do by hand: pausing, retrying at once, giving results.

use engine::core::{Effect, Message, Reply};
use kernel::primitives::workflow_execution;
use kernel::{EventId, Failure, Millis, Payload, Rejection, WorkflowId};

use crate::rig::{Rig, once, slow_retry};

fn id(text: &str) -> WorkflowId {
    WorkflowId::new(text)
}

fn pause(rig: &mut Rig) -> Reply {
    rig.ask(Message::Pause {
        workflow_id: id("a"),
        reason: "the provider is down".to_owned(),
    })
}

fn unpause(rig: &mut Rig) -> Reply {
    rig.ask(Message::Unpause {
        workflow_id: id("a"),
    })
}

#[test]
fn a_paused_run_begins_nothing_and_goes_on_where_it_was_across_a_restart() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.flaky(first.task);
    assert_eq!(pause(&mut rig), Reply::Done);
    assert_eq!(pause(&mut rig), Reply::Rejected(Rejection::AlreadyPaused));
    rig.pass(Millis::seconds(700));
    assert_eq!(rig.poll(), [], "no attempt begins");
    let why = rig.describe(run).waiting_on;
    assert!(
        why.contains("paused 700 s ago (the provider is down)") && why.contains("`unpause`"),
        "{why}"
    );
    rig.restart();
    assert_eq!(rig.poll(), [], "not after a restart either");
    assert_eq!(unpause(&mut rig), Reply::Done);
    assert_eq!(unpause(&mut rig), Reply::Rejected(Rejection::NotPaused));
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    rig.end(second.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn what_arrives_while_a_run_is_paused_waits_for_it() {
    let mut rig = Rig::new();
    let run = rig.start("a", "listen", &());
    assert_eq!(pause(&mut rig), Reply::Done);
    for number in [3_u64, 4] {
        let signal = Message::Signal {
            workflow_id: id("a"),
            name: "number".to_owned(),
            input: Payload::json(&number).unwrap(),
        };
        assert_eq!(rig.ask(signal), Reply::Done);
    }
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    rig.restart();
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    assert_eq!(unpause(&mut rig), Reply::Done);
    assert_eq!(rig.value(run), 7);
}

#[test]
fn a_running_attempt_of_a_paused_run_may_end() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", once());
    let task = rig.task();
    assert_eq!(pause(&mut rig), Reply::Done);
    rig.end(task.task, Ok(5));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    assert_eq!(unpause(&mut rig), Reply::Done);
    assert_eq!(rig.value(run), 5);
}

#[test]
fn a_retry_in_ten_minutes_is_made_at_once() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let now = |scheduled_event_id: EventId| Message::RetryActivityNow {
        workflow_id: id("a"),
        scheduled_event_id,
    };
    let scheduled = first.task.scheduled_event_id;
    let running = Reply::Rejected(Rejection::NotBackingOff(scheduled));
    assert_eq!(rig.ask(now(scheduled)), running);
    rig.flaky(first.task);
    let unknown = Reply::Rejected(Rejection::NotPending(EventId(99)));
    assert_eq!(rig.ask(now(EventId(99))), unknown);
    assert_eq!(rig.ask(now(scheduled)), Reply::Done);
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    rig.end(second.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn a_result_given_by_hand_ends_an_activity_whatever_its_attempt_says() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let task = rig.task();
    let resolve = Message::ResolveActivity {
        workflow_id: id("a"),
        scheduled_event_id: task.task.scheduled_event_id,
        result: Ok(Payload::json(&42_u64).unwrap()),
    };
    assert_eq!(rig.ask(resolve.clone()), Reply::Done);
    assert!(rig.effects.contains(&Effect::CancelAttempt(task.task)));
    rig.end(task.task, Ok(1));
    assert_eq!(rig.value(run), 42);
    assert_eq!(rig.ask(resolve), Reply::NotOpen);
}

#[test]
fn a_failure_given_by_hand_fails_the_activity_for_good() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let task = rig.task();
    rig.flaky(task.task);
    let resolve = Message::ResolveActivity {
        workflow_id: id("a"),
        scheduled_event_id: task.task.scheduled_event_id,
        result: Err(Failure::permanent("ByHand", "given up by the operator")),
    };
    assert_eq!(rig.ask(resolve), Reply::Done);
    assert_eq!(rig.state(run).status, workflow_execution::State::Failed);
}
