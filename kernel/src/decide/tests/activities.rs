//! Inputs that speak of an activity.

use super::*;
use crate::event::{AfterReset, Attempts, HeartbeatDetails};

#[test]
fn a_result_completes_its_activity_once() {
    let mut run = run();
    let event = run.event(result(1, Ok(json(&5))));
    assert_eq!(event.name(), "ActivityTaskCompleted");
    assert_eq!(
        run.refused(result(1, Ok(json(&5)))),
        Rejection::NotPending(ACTIVITY)
    );
    assert_eq!(run.state.workflow_task, workflow_task::State::Pending);
}

#[test]
fn a_failed_attempt_is_tried_again_and_the_stale_one_is_refused() {
    let mut run = run();
    run.now = Timestamp(100);
    let note = run.note(result(1, Err(busy())));
    let expected = Note::ActivityAttemptFailed {
        scheduled_event_id: ACTIVITY,
        failure: busy(),
        next_attempt_at: Timestamp(1_100),
    };
    assert_eq!(note, expected);
    assert_eq!(
        run.state.workflow_task,
        workflow_task::State::Idle,
        "retries are no news"
    );
    let stale = Rejection::StaleAttempt {
        expected: 2,
        got: 1,
    };
    for late in [
        result(1, Ok(json(&5))),
        result(1, Err(busy())),
        heartbeat(1),
        deferred(1, 9),
    ] {
        assert_eq!(run.refused(late), stale);
    }
    assert_eq!(run.refused(timeout(1, TimeoutType::StartToClose)), stale);
    run.now = Timestamp(1_200);
    run.note(result(2, Err(busy())));
    let EventKind::ActivityTaskFailed {
        attempt,
        retry_state,
        ..
    } = run.event(result(3, Err(busy())))
    else {
        panic!("the third attempt is the last")
    };
    assert_eq!(
        (attempt, retry_state),
        (3, RetryState::MaximumAttemptsReached)
    );
}

#[test]
fn no_attempt_is_planned_past_the_deadline_of_all() {
    let mut run = run();
    run.now = Timestamp(59_500);
    let event = run.event(result(1, Err(busy())));
    assert!(
        matches!(
            event,
            EventKind::ActivityTaskFailed {
                retry_state: RetryState::Timeout,
                ..
            }
        ),
        "{event:?}"
    );
}

#[test]
fn a_result_over_the_limit_is_a_permanent_failure() {
    let mut run = run();
    let big = json(&"x".repeat(limits::PAYLOAD_BYTES_MAX));
    let EventKind::ActivityTaskFailed { failure, .. } = run.event(result(1, Ok(big))) else {
        panic!("it should fail")
    };
    assert_eq!(failure.error_type, "PayloadTooLarge");
}

#[test]
fn a_long_failure_is_cut_for_the_record() {
    let mut run = run();
    let long = Failure::permanent("Long", "x".repeat(1_000_000));
    let EventKind::ActivityTaskFailed { failure, .. } = run.event(result(1, Err(long))) else {
        panic!("it should fail")
    };
    assert_eq!(failure.message.len(), limits::FAILURE_MESSAGE_BYTES_MAX);
}

#[test]
fn timeouts_of_an_attempt_are_retried_and_those_of_the_whole_are_not() {
    let mut run = run();
    run.note(timeout(1, TimeoutType::StartToClose));
    run.now = Timestamp(60_000);
    let event = run.event(timeout(2, TimeoutType::ScheduleToClose));
    let EventKind::ActivityTaskTimedOut {
        timeout: which,
        failure,
        retry_state,
        ..
    } = event
    else {
        panic!("it should time out")
    };
    assert_eq!(
        (which, retry_state),
        (TimeoutType::ScheduleToClose, RetryState::Timeout)
    );
    assert_eq!(
        failure.to_string(),
        "TimeoutFailure: schedule-to-close timeout of 60000 ms ran out in attempt 2 (caused by \
         TimeoutFailure: start-to-close timeout of 600000 ms ran out in attempt 1)"
    );
    assert_eq!(
        run.refused(timeout(2, TimeoutType::ScheduleToClose)),
        Rejection::NotPending(ACTIVITY)
    );
}

#[test]
fn a_timeout_that_is_not_due_or_not_set_is_refused() {
    let mut run = run();
    run.now = Timestamp(1_999);
    let early = run.refused(timeout(1, TimeoutType::ScheduleToStart));
    assert_eq!(early, Rejection::NotDue(Timestamp(2_000)));
    let early = run.refused(timeout(1, TimeoutType::ScheduleToClose));
    assert_eq!(early, Rejection::NotDue(Timestamp(60_000)));
    let unset = run.refused(timeout(1, TimeoutType::Heartbeat));
    assert_eq!(unset, Rejection::NotPending(ACTIVITY));
    run.now = Timestamp(2_000);
    let event = run.event(timeout(1, TimeoutType::ScheduleToStart));
    assert_eq!(event.name(), "ActivityTaskTimedOut");
}

#[test]
fn a_heartbeat_is_kept_for_the_next_attempt() {
    let mut run = run();
    run.note(heartbeat(1));
    run.note(result(1, Err(busy())));
    assert_eq!(run.state.activities[&ACTIVITY].heartbeat, Some(json(&1)));
    let big = json(&"x".repeat(limits::PAYLOAD_BYTES_MAX));
    let input = Input::ActivityHeartbeat {
        scheduled_event_id: ACTIVITY,
        attempt: 2,
        details: big,
    };
    assert!(run.over_limit(input).starts_with("the heartbeat's details"));
    let unknown = Input::ActivityHeartbeat {
        scheduled_event_id: TIMER,
        attempt: 1,
        details: json(&1),
    };
    assert_eq!(run.refused(unknown), Rejection::NotPending(TIMER));
}

#[test]
fn a_deferred_activity_keeps_its_attempt_and_takes_its_result() {
    let mut run = run();
    run.note(deferred(1, 5_000));
    let pending = &run.state.activities[&ACTIVITY];
    assert_eq!(
        (pending.state, pending.attempt),
        (activity::State::BackingOff, 1)
    );
    assert_eq!(pending.next_attempt_at, Timestamp(5_000));
    run.note(deferred(1, 9_000));
    run.now = Timestamp(9_000);
    assert_eq!(
        run.event(result(1, Ok(json(&5)))).name(),
        "ActivityTaskCompleted"
    );
}

#[test]
fn an_activity_that_was_asked_to_cancel_is_not_tried_again() {
    fn check(input: Input, expected: &str) {
        let mut run = run();
        cancel_activity(&mut run);
        run.now = Timestamp(60_000);
        assert_eq!(run.event(input).name(), expected);
    }
    check(
        result(1, Err(Failure::canceled("told to stop"))),
        "ActivityTaskCanceled",
    );
    check(result(1, Err(busy())), "ActivityTaskFailed");
    check(result(1, Ok(json(&5))), "ActivityTaskCompleted");
    check(
        timeout(1, TimeoutType::StartToClose),
        "ActivityTaskTimedOut",
    );
    check(
        timeout(1, TimeoutType::ScheduleToClose),
        "ActivityTaskTimedOut",
    );
    check(deferred(1, 70_000), "ActivityTaskCanceled");
}

#[test]
fn attempts_left_do_not_keep_a_canceled_activity_alive() {
    let mut run = run();
    cancel_activity(&mut run);
    let event = run.event(result(1, Err(busy())));
    let EventKind::ActivityTaskFailed { retry_state, .. } = event else {
        panic!("it should fail: {event:?}")
    };
    assert_eq!(retry_state, RetryState::CancelRequested);
}

#[test]
fn an_activity_that_waits_for_its_next_attempt_can_be_canceled() {
    let mut run = run();
    run.note(result(1, Err(busy())));
    cancel_activity(&mut run);
    let canceled = result(2, Err(Failure::canceled("no attempt was running")));
    assert_eq!(run.event(canceled).name(), "ActivityTaskCanceled");
}

fn reset(heartbeat: HeartbeatDetails) -> Input {
    Input::ActivityReset {
        scheduled_event_id: ACTIVITY,
        heartbeat,
        after: AfterReset::GoesOn,
    }
}

#[test]
fn a_reset_activity_counts_its_attempts_from_one_again() {
    let mut run = run();
    run.note(heartbeat(1));
    run.note(result(1, Err(busy())));
    run.now = Timestamp(300);
    run.note(reset(HeartbeatDetails::Keep));
    let pending = &run.state.activities[&ACTIVITY];
    assert_eq!(
        (pending.state, pending.attempt),
        (activity::State::Scheduled, 1)
    );
    assert_eq!(pending.next_attempt_at, Timestamp(300));
    assert_eq!(pending.heartbeat, Some(json(&1)));
    run.note(reset(HeartbeatDetails::Clear));
    let pending = &run.state.activities[&ACTIVITY];
    assert_eq!((&pending.heartbeat, pending.resets), (&None, 2));
}

fn pause() -> Input {
    Input::ActivityPause {
        scheduled_event_id: ACTIVITY,
        by: "ada".to_owned(),
        reason: "the quota is spent".to_owned(),
    }
}

fn unpause(attempts: Attempts) -> Input {
    Input::ActivityUnpause {
        scheduled_event_id: ACTIVITY,
        attempts,
    }
}

#[test]
fn a_paused_activity_knows_by_whom_since_when_and_why() {
    let mut run = run();
    let refused = run.refused(unpause(Attempts::GoOn));
    assert_eq!(refused, Rejection::ActivityNotPaused(ACTIVITY));
    run.now = Timestamp(300);
    run.note(pause());
    let paused = run.state.activities[&ACTIVITY].paused.clone().unwrap();
    assert_eq!(paused.since, Timestamp(300));
    assert_eq!(
        (&*paused.by, &*paused.reason),
        ("ada", "the quota is spent")
    );
    let refused = run.refused(pause());
    assert_eq!(refused, Rejection::ActivityAlreadyPaused(ACTIVITY));
    // An attempt that runs goes on: it may fail, too.
    run.note(result(1, Err(busy())));
    run.note(unpause(Attempts::GoOn));
    let pending = &run.state.activities[&ACTIVITY];
    assert_eq!((pending.attempt, &pending.paused), (2, &None));
}

#[test]
fn a_reset_lifts_a_pause_or_keeps_it() {
    let mut run = run();
    run.note(pause());
    run.note(Input::ActivityReset {
        scheduled_event_id: ACTIVITY,
        heartbeat: HeartbeatDetails::Keep,
        after: AfterReset::StaysPaused,
    });
    assert!(run.state.activities[&ACTIVITY].paused.is_some());
    run.note(reset(HeartbeatDetails::Keep));
    assert!(run.state.activities[&ACTIVITY].paused.is_none());
}

#[test]
fn an_activity_goes_on_from_attempt_one_if_that_is_wanted() {
    let mut run = run();
    run.note(result(1, Err(busy())));
    run.note(pause());
    let transition = decide(&run.state, unpause(Attempts::BeginAgain), run.now).unwrap();
    assert_eq!((transition.events.len(), transition.notes.len()), (0, 2));
    run.state.apply(&transition).unwrap();
    let pending = &run.state.activities[&ACTIVITY];
    assert_eq!((pending.attempt, pending.resets), (1, 1));
    assert_eq!(pending.paused, None);
}

#[test]
fn an_activity_that_is_gone_or_canceled_is_not_reset() {
    let mut run = run();
    let unknown = Input::ActivityReset {
        scheduled_event_id: TIMER,
        heartbeat: HeartbeatDetails::Keep,
        after: AfterReset::GoesOn,
    };
    assert_eq!(run.refused(unknown), Rejection::NotPending(TIMER));
    cancel_activity(&mut run);
    let refused = run.refused(reset(HeartbeatDetails::Keep));
    assert_eq!(refused, Rejection::AlreadyRequested);
    assert_eq!(run.refused(pause()), Rejection::AlreadyRequested);
}
