//! What people do by hand: pausing, retrying at once, giving results.

use engine::core::{Effect, Message, Reply};
use kernel::primitives::workflow_execution;
use kernel::{
    AfterReset, Attempts, EventId, Failure, HeartbeatDetails, Millis, Payload, Rejection,
    WorkflowId,
};

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

fn reset(rig: &mut Rig, scheduled_event_id: EventId, heartbeat: HeartbeatDetails) -> Reply {
    rig.ask(Message::ResetActivity {
        workflow_id: id("a"),
        scheduled_event_id,
        heartbeat,
        after: AfterReset::GoesOn,
    })
}

#[test]
fn a_reset_activity_begins_with_attempt_one_at_once_and_across_a_restart() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    rig.beat(first.task, "half");
    rig.flaky(first.task);
    assert_eq!(
        reset(&mut rig, scheduled, HeartbeatDetails::Keep),
        Reply::Done
    );
    rig.restart();
    let again = rig.task();
    assert_eq!(again.task.attempt, 1);
    assert_eq!(again.heartbeat, Some(Payload::json("half").unwrap()));
    rig.flaky(again.task);
    assert_eq!(
        reset(&mut rig, scheduled, HeartbeatDetails::Clear),
        Reply::Done
    );
    let third = rig.task();
    assert_eq!((third.task.attempt, third.heartbeat), (1, None));
    rig.end(third.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn an_attempt_that_has_not_ended_keeps_its_activity_from_being_reset() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    let running = Reply::Rejected(Rejection::AttemptRunning(scheduled));
    assert_eq!(reset(&mut rig, scheduled, HeartbeatDetails::Keep), running);
    rig.pass(Millis::seconds(61));
    assert!(rig.effects.contains(&Effect::CancelAttempt(first.task)));
    assert_eq!(reset(&mut rig, scheduled, HeartbeatDetails::Keep), running);
    rig.end(first.task, Ok(1));
    assert_eq!(
        reset(&mut rig, scheduled, HeartbeatDetails::Keep),
        Reply::Done
    );
    assert_eq!(rig.task().task.attempt, 1);
}

#[test]
fn a_reset_keeps_a_paused_run_paused() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.flaky(first.task);
    assert_eq!(pause(&mut rig), Reply::Done);
    let scheduled = first.task.scheduled_event_id;
    assert_eq!(
        reset(&mut rig, scheduled, HeartbeatDetails::Keep),
        Reply::Done
    );
    assert_eq!(rig.poll(), [], "no attempt begins");
    assert_eq!(unpause(&mut rig), Reply::Done);
    assert_eq!(rig.task().task.attempt, 1);
}

fn pause_activity(rig: &mut Rig, scheduled_event_id: EventId) -> Reply {
    rig.ask(Message::PauseActivity {
        workflow_id: id("a"),
        scheduled_event_id,
        by: "ada".to_owned(),
        reason: "the quota is spent".to_owned(),
    })
}

fn unpause_activity(rig: &mut Rig, scheduled_event_id: EventId, attempts: Attempts) -> Reply {
    rig.ask(Message::UnpauseActivity {
        workflow_id: id("a"),
        scheduled_event_id,
        attempts,
    })
}

#[test]
fn an_attempt_that_runs_when_its_activity_is_paused_gives_its_result() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    assert_eq!(pause_activity(&mut rig, scheduled), Reply::Done);
    rig.end(first.task, Ok(7));
    assert_eq!(rig.value(run), 7);
}

#[test]
fn no_attempt_of_a_paused_activity_begins_until_it_goes_on() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    assert_eq!(pause_activity(&mut rig, scheduled), Reply::Done);
    let again = Reply::Rejected(Rejection::ActivityAlreadyPaused(scheduled));
    assert_eq!(pause_activity(&mut rig, scheduled), again);
    rig.flaky(first.task);
    rig.pass(Millis::seconds(3_600));
    assert_eq!(rig.poll(), [], "no attempt begins");
    rig.restart();
    assert_eq!(rig.poll(), [], "nor after a restart");
    assert_eq!(
        rig.describe(run).waiting_on,
        "somebody to let activity work go on: ada paused it 3600 s ago (the quota is spent). \
         `activity unpause a 5` does"
            .replace('5', &scheduled.to_string())
    );
    assert_eq!(
        unpause_activity(&mut rig, scheduled, Attempts::GoOn),
        Reply::Done
    );
    let second = rig.task();
    assert_eq!(second.task.attempt, 2);
    rig.end(second.task, Ok(1));
    assert_eq!(rig.value(run), 1);
}

#[test]
fn a_paused_activity_goes_on_when_it_is_due_and_not_before() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    rig.flaky(first.task);
    assert_eq!(pause_activity(&mut rig, scheduled), Reply::Done);
    assert_eq!(
        unpause_activity(&mut rig, scheduled, Attempts::GoOn),
        Reply::Done
    );
    assert_eq!(rig.poll(), [], "its back-off is not over");
    rig.pass(Millis::seconds(3_600));
    assert_eq!(rig.task().task.attempt, 2);
}

#[test]
fn a_paused_activity_goes_on_from_attempt_one_but_not_beside_a_running_one() {
    let mut rig = Rig::new();
    rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    let scheduled = first.task.scheduled_event_id;
    let again = Attempts::BeginAgain;
    assert_eq!(pause_activity(&mut rig, scheduled), Reply::Done);
    let running = Reply::Rejected(Rejection::AttemptRunning(scheduled));
    assert_eq!(unpause_activity(&mut rig, scheduled, again), running);
    rig.flaky(first.task);
    assert_eq!(unpause_activity(&mut rig, scheduled, again), Reply::Done);
    let next = rig.task();
    assert_eq!(next.task.attempt, 1);
    assert_eq!(rig.poll(), [], "one attempt, not two");
}

#[test]
fn a_paused_activity_that_is_canceled_ends() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let first = rig.task();
    rig.flaky(first.task);
    let scheduled = first.task.scheduled_event_id;
    assert_eq!(pause_activity(&mut rig, scheduled), Reply::Done);
    let cancel = Message::Cancel {
        workflow_id: id("a"),
        reason: "enough".to_owned(),
    };
    assert_eq!(rig.ask(cancel), Reply::Done);
    assert_eq!(rig.state(run).status, workflow_execution::State::Canceled);
}
