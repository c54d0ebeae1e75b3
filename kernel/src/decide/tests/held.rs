//! An attempt whose function has returned and which somebody elsewhere completes.

use super::*;
use crate::run_state::Held;
use crate::task_token::TokenRefusal;

fn held(attempt: u32, started_at: i64) -> Input {
    Input::ActivityHeld {
        scheduled_event_id: ACTIVITY,
        attempt,
        started_at: Timestamp(started_at),
    }
}

fn held_run() -> Run {
    let mut run = run();
    run.now = Timestamp(300);
    let expected = Note::ActivityHeld {
        scheduled_event_id: ACTIVITY,
        started_at: Timestamp(100),
        at: Timestamp(300),
    };
    assert_eq!(run.note(held(1, 100)), expected);
    run
}

fn stands(run: &Run) -> (activity::State, Option<Held>) {
    let pending = &run.state.activities[&ACTIVITY];
    (pending.state, pending.held)
}

#[test]
fn a_held_attempt_remembers_when_it_began_and_is_no_news() {
    let mut run = held_run();
    let kept = Held {
        started_at: Timestamp(100),
        since: Timestamp(300),
    };
    assert_eq!(stands(&run), (activity::State::Held, Some(kept)));
    assert_eq!(run.state.workflow_task, workflow_task::State::Idle);
    let twice = Rejection::AlreadyHeld(ACTIVITY);
    assert_eq!(run.refused(held(1, 100)), twice);
    assert_eq!(run.refused(deferred(1, 900)), twice);
    assert_eq!(run.refused(timeout(1, TimeoutType::ScheduleToStart)), twice);
    let retry = Input::ActivityRetryNow {
        scheduled_event_id: ACTIVITY,
    };
    assert_eq!(run.refused(retry), Rejection::NotBackingOff(ACTIVITY));
    run.note(heartbeat(1));
    assert_eq!(stands(&run), (activity::State::Held, Some(kept)));
    let event = run.event(result(1, Ok(json(&5))));
    assert_eq!(event.name(), "ActivityTaskCompleted");
    assert_eq!(run.refused(held(1, 100)), Rejection::NotPending(ACTIVITY));
}

#[test]
fn a_held_attempt_times_out_from_its_own_start_into_the_retry_policy() {
    let mut run = held_run();
    let limit = run.state.activities[&ACTIVITY].options.start_to_close;
    let ends = Timestamp(100).after(limit);
    run.now = Timestamp(ends.0 - 1);
    let early = timeout(1, TimeoutType::StartToClose);
    assert_eq!(run.refused(early), Rejection::NotDue(ends));
    // Long before all attempts together are out of time.
    let mut run = held_run();
    let failed = run.note(result(1, Err(busy())));
    assert!(
        matches!(failed, Note::ActivityAttemptFailed { .. }),
        "{failed:?}"
    );
    assert_eq!(stands(&run), (activity::State::BackingOff, None));
    let stale = Rejection::StaleAttempt {
        expected: 2,
        got: 1,
    };
    assert_eq!(run.refused(held(1, 100)), stale);
    run.now = Timestamp(2_000);
    run.note(held(2, 1_500));
    assert_eq!(stands(&run).0, activity::State::Held);
}

#[test]
fn a_canceled_activity_remembers_that_its_attempt_is_held() {
    for cancel_first in [true, false] {
        let mut run = if cancel_first { run() } else { held_run() };
        cancel_activity(&mut run);
        if cancel_first {
            run.note(held(1, 0));
        }
        let (state, kept) = stands(&run);
        assert_eq!(state, activity::State::HeldCancelRequested);
        assert!(kept.is_some());
        run.note(heartbeat(1));
        let mut obeyed = Run {
            state: run.state.clone(),
            now: run.now,
        };
        let event = obeyed.event(result(1, Err(Failure::canceled("told"))));
        assert_eq!(event.name(), "ActivityTaskCanceled");
        let EventKind::ActivityTaskFailed { retry_state, .. } = run.event(result(1, Err(busy())))
        else {
            panic!("a canceled activity is not tried again")
        };
        assert_eq!(retry_state, RetryState::CancelRequested);
    }
}

#[test]
fn each_stale_token_is_refused_for_its_own_reason() {
    let mut run = held_run();
    let token = run.state.task_token(ACTIVITY).unwrap();
    assert!(run.state.of_token(&token).is_ok());
    run.state.activities.get_mut(&ACTIVITY).unwrap().resets = 1;
    assert_eq!(
        run.state.of_token(&token).unwrap_err(),
        TokenRefusal::Reset(ACTIVITY)
    );
    let token = run.state.task_token(ACTIVITY).unwrap();
    run.note(result(1, Err(busy())));
    let old = TokenRefusal::OldAttempt { current: 2, got: 1 };
    assert_eq!(run.state.of_token(&token).unwrap_err(), old);
    let token = run.state.task_token(ACTIVITY).unwrap();
    run.event(result(2, Ok(json(&1))));
    assert_eq!(
        run.state.of_token(&token).unwrap_err(),
        TokenRefusal::ActivityEnded(ACTIVITY)
    );
    run.event(Input::Terminate {
        reason: "enough".to_owned(),
    });
    assert_eq!(
        run.state.of_token(&token).unwrap_err(),
        TokenRefusal::RunClosed(RUN, run.state.status)
    );
    assert_eq!(run.state.task_token(ACTIVITY), None);
}
