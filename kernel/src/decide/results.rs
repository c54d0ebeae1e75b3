//! `decide` for everything that arrives from outside the workflow code.

use super::by_hand;
use super::check::{check_history, check_name, check_payload, check_reason};
use super::commands;
use super::input::{ChildOutcome, Input, Rejection};
use super::workflow_execution;
use crate::event::{EventKind, HistoryEvent, Note, Transition};
use crate::failure::{Failure, FailureKind, TimeoutType};
use crate::ids::{EventId, Millis, Timestamp};
use crate::limits;
use crate::options::RetryState;
use crate::payload::Payload;
use crate::primitives::{activity, cancellation, child, pause, workflow_task};
use crate::run_state::{PendingActivity, RunState};

/// The transition that `input` causes in `state` at `now`. It can always be folded into `state`.
///
/// The time of a completed workflow task must be the `now` that the machine was given, and
/// nothing may be decided between the machine's turn and its commands: replay hands the code
/// everything that stands before `WorkflowTaskCompleted` as seen.
///
/// ```
/// use kernel::{
///     Input, Payload, Rejection, RunId, StartRequest, Timestamp, WorkflowId, decide, start,
/// };
///
/// let (id, run) = (WorkflowId::new("nightly"), RunId([7; 16]));
/// let request = StartRequest::new(id, run, "report", Payload::null());
/// let (mut state, _transition) = start(request, Timestamp(0))?;
/// let stop = || Input::Terminate { reason: "the disk is full".to_owned() };
/// let transition = decide(&state, stop(), Timestamp(5))?;
/// state.apply(&transition)?;
/// assert!(state.is_closed());
/// assert_eq!(decide(&state, stop(), Timestamp(6)), Err(Rejection::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The reason why it changes nothing; the state is as it was.
pub fn decide(state: &RunState, input: Input, now: Timestamp) -> Result<Transition, Rejection> {
    if state.is_closed() {
        return Err(Rejection::Closed);
    }
    match input {
        Input::ActivityResult {
            scheduled_event_id,
            attempt,
            result,
        } => activity_result(state, scheduled_event_id, attempt, result, now),
        Input::ActivityTimeout {
            scheduled_event_id,
            attempt,
            timeout,
        } => activity_timeout(state, scheduled_event_id, attempt, timeout, now),
        Input::ActivityHeartbeat {
            scheduled_event_id,
            attempt,
            details,
        } => {
            current(state, scheduled_event_id, attempt)?;
            check_payload("the heartbeat's details", &details)?;
            Ok(one_note(Note::ActivityHeartbeat {
                scheduled_event_id,
                details,
            }))
        }
        Input::ActivityHeld {
            scheduled_event_id,
            attempt,
            started_at,
        } => {
            let pending = current(state, scheduled_event_id, attempt)?;
            not_held(pending, scheduled_event_id)?;
            Ok(one_note(Note::ActivityHeld {
                scheduled_event_id,
                started_at,
                at: now,
            }))
        }
        Input::ActivityDeferred {
            scheduled_event_id,
            attempt,
            until,
        } => {
            let pending = current(state, scheduled_event_id, attempt)?;
            not_held(pending, scheduled_event_id)?;
            if pending.state == activity::State::CancelRequested {
                return Ok(one_event(
                    state,
                    now,
                    EventKind::ActivityTaskCanceled { scheduled_event_id },
                ));
            }
            Ok(one_note(Note::ActivityDeferred {
                scheduled_event_id,
                until,
            }))
        }
        Input::TimerDue { started_event_id } => {
            let pending = state
                .timers
                .get(&started_event_id)
                .ok_or(Rejection::NotPending(started_event_id))?;
            if now < pending.fires_at {
                return Err(Rejection::NotDue(pending.fires_at));
            }
            Ok(one_event(
                state,
                now,
                EventKind::TimerFired { started_event_id },
            ))
        }
        Input::ChildStarted {
            initiated_event_id,
            run_id,
        } => {
            child_state(state, initiated_event_id, child::Event::Started)?;
            let kind = EventKind::ChildWorkflowExecutionStarted {
                initiated_event_id,
                run_id,
            };
            Ok(one_event(state, now, kind))
        }
        Input::ChildStartFailed {
            initiated_event_id,
            failure,
        } => {
            child_state(state, initiated_event_id, child::Event::StartFailed)?;
            let failure = failure.bounded();
            let kind = EventKind::StartChildWorkflowExecutionFailed {
                initiated_event_id,
                failure,
            };
            Ok(one_event(state, now, kind))
        }
        Input::ChildClosed {
            initiated_event_id,
            outcome,
        } => {
            child_state(state, initiated_event_id, child::Event::Closed)?;
            Ok(one_event(
                state,
                now,
                child_closed(initiated_event_id, outcome),
            ))
        }
        Input::Signal { name, input } => signal(state, name, input, now),
        Input::CancelRequest { reason } => match state.cancellation {
            cancellation::State::NotRequested => {
                check_reason(&reason)?;
                let kind = EventKind::WorkflowExecutionCancelRequested { reason };
                Ok(one_event(state, now, kind))
            }
            cancellation::State::Requested => Err(Rejection::AlreadyRequested),
        },
        Input::Terminate { reason } => {
            check_reason(&reason)?;
            Ok(one_event(
                state,
                now,
                EventKind::WorkflowExecutionTerminated { reason, next: None },
            ))
        }
        Input::Reset { reason, next } => {
            check_reason(&reason)?;
            let next = Some(next);
            let kind = EventKind::WorkflowExecutionTerminated { reason, next };
            Ok(one_event(state, now, kind))
        }
        Input::Pause { reason } => {
            check_reason(&reason)?;
            let paused = Note::WorkflowExecutionPaused { at: now, reason };
            let next = state.pause().on(pause::Event::Paused);
            next.map_err(|_| Rejection::AlreadyPaused)?;
            Ok(one_note(paused))
        }
        Input::Unpause => {
            let next = state.pause().on(pause::Event::Unpaused);
            next.map_err(|_| Rejection::NotPaused)?;
            Ok(one_note(Note::WorkflowExecutionUnpaused))
        }
        Input::ActivityRetryNow { scheduled_event_id } => {
            let pending = state.activities.get(&scheduled_event_id);
            let pending = pending.ok_or(Rejection::NotPending(scheduled_event_id))?;
            if pending.state != activity::State::BackingOff {
                return Err(Rejection::NotBackingOff(scheduled_event_id));
            }
            Ok(one_note(Note::ActivityDeferred {
                scheduled_event_id,
                until: now,
            }))
        }
        Input::ActivityReset {
            scheduled_event_id,
            heartbeat,
            after,
        } => by_hand::reset(state, scheduled_event_id, (heartbeat, after), now),
        Input::ActivityPause {
            scheduled_event_id,
            by,
            reason,
        } => by_hand::pause(state, scheduled_event_id, (by, reason), now),
        Input::ActivityUnpause {
            scheduled_event_id,
            attempts,
        } => by_hand::unpause(state, scheduled_event_id, attempts, now),
        Input::LocalActivitiesRunning => Ok(one_note(Note::LocalActivitiesRunning)),
        Input::WorkflowTaskCompleted {
            commands,
            successor,
        } => commands::decide(state, commands, successor, now),
        Input::WorkflowTimeout { successor } => Ok(one_event(
            state,
            now,
            workflow_execution::timed_out(state, successor, now)?,
        )),
        Input::WorkflowTaskFailed { failure } => workflow_task_failed(state, failure, now),
    }
}

fn one_event(state: &RunState, at: Timestamp, kind: EventKind) -> Transition {
    let event = HistoryEvent {
        id: state.last_event_id.next(),
        at,
        kind,
    };
    Transition {
        events: vec![event],
        notes: Vec::new(),
    }
}

fn one_note(note: Note) -> Transition {
    Transition {
        events: Vec::new(),
        notes: vec![note],
    }
}

fn current(state: &RunState, id: EventId, attempt: u32) -> Result<&PendingActivity, Rejection> {
    let pending = state.activities.get(&id).ok_or(Rejection::NotPending(id))?;
    if pending.attempt != attempt {
        return Err(Rejection::StaleAttempt {
            expected: pending.attempt,
            got: attempt,
        });
    }
    Ok(pending)
}

fn not_held(pending: &PendingActivity, id: EventId) -> Result<(), Rejection> {
    if pending.state.is_held() {
        return Err(Rejection::AlreadyHeld(id));
    }
    Ok(())
}

fn child_state(state: &RunState, id: EventId, event: child::Event) -> Result<(), Rejection> {
    let pending = state.children.get(&id).ok_or(Rejection::NotPending(id))?;
    pending
        .state
        .on(event)
        .map_err(|_| Rejection::NotPending(id))?;
    Ok(())
}

fn activity_result(
    state: &RunState,
    scheduled_event_id: EventId,
    attempt: u32,
    result: Result<Payload, Failure>,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let pending = current(state, scheduled_event_id, attempt)?;
    let failure = match result {
        Ok(result) => match check_payload("the activity's result", &result) {
            Ok(()) => {
                let kind = EventKind::ActivityTaskCompleted {
                    scheduled_event_id,
                    attempt,
                    result,
                };
                return Ok(one_event(state, now, kind));
            }
            Err(rejection) => Failure::permanent("PayloadTooLarge", rejection.to_string()),
        },
        Err(failure) => failure,
    };
    Ok(attempt_failed(
        state,
        scheduled_event_id,
        pending,
        failure,
        now,
    ))
}

fn activity_timeout(
    state: &RunState,
    scheduled_event_id: EventId,
    attempt: u32,
    timeout: TimeoutType,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let pending = current(state, scheduled_event_id, attempt)?;
    if timeout == TimeoutType::ScheduleToStart {
        not_held(pending, scheduled_event_id)?;
    }
    let limit = match timeout {
        TimeoutType::ScheduleToStart => pending.options.schedule_to_start,
        TimeoutType::StartToClose => Some(pending.options.start_to_close),
        TimeoutType::ScheduleToClose => pending.options.schedule_to_close,
        TimeoutType::Heartbeat => pending.options.heartbeat,
    };
    let limit = limit.ok_or(Rejection::NotPending(scheduled_event_id))?;
    // The start of an attempt is not recorded, so the engine alone knows when the other two end.
    let due_at = match timeout {
        TimeoutType::ScheduleToStart => Some(pending.next_attempt_at.after(limit)),
        TimeoutType::ScheduleToClose => Some(pending.scheduled_at.after(limit)),
        // Of one that is held elsewhere it is: that must survive a restart.
        TimeoutType::StartToClose => pending.held.map(|held| held.started_at.after(limit)),
        TimeoutType::Heartbeat => None,
    };
    if let Some(due_at) = due_at
        && now < due_at
    {
        return Err(Rejection::NotDue(due_at));
    }
    let message = format!(
        "{} timeout of {} ms ran out in attempt {attempt}",
        timeout.name(),
        limit.0
    );
    let mut failure = Failure::timeout(timeout, message);
    if let Some(last) = &pending.last_failure {
        failure = failure.caused_by(Failure {
            cause: None,
            ..last.clone()
        });
    }
    Ok(attempt_failed(
        state,
        scheduled_event_id,
        pending,
        failure,
        now,
    ))
}

/// Another attempt if the policy allows, the end of the activity if not.
fn attempt_failed(
    state: &RunState,
    scheduled_event_id: EventId,
    pending: &PendingActivity,
    failure: Failure,
    now: Timestamp,
) -> Transition {
    let attempt = pending.attempt;
    let failure = failure.bounded();
    let next = if pending.state.is_cancel_requested() {
        if failure.is_canceled() {
            return one_event(
                state,
                now,
                EventKind::ActivityTaskCanceled { scheduled_event_id },
            );
        }
        Err(RetryState::CancelRequested)
    } else {
        next_attempt_at(pending, &failure, now)
    };
    let retry_state = match next {
        Ok(next_attempt_at) => {
            return one_note(Note::ActivityAttemptFailed {
                scheduled_event_id,
                failure,
                next_attempt_at,
            });
        }
        Err(retry_state) => retry_state,
    };
    let kind = match failure.kind {
        FailureKind::Timeout(timeout) => EventKind::ActivityTaskTimedOut {
            scheduled_event_id,
            attempt,
            timeout,
            failure,
            retry_state,
        },
        FailureKind::Application
        | FailureKind::Canceled
        | FailureKind::Terminated
        | FailureKind::Internal => EventKind::ActivityTaskFailed {
            scheduled_event_id,
            attempt,
            failure,
            retry_state,
        },
    };
    one_event(state, now, kind)
}

fn next_attempt_at(
    pending: &PendingActivity,
    failure: &Failure,
    now: Timestamp,
) -> Result<Timestamp, RetryState> {
    let delay = pending.options.retry.next_delay(pending.attempt, failure)?;
    let at = now.after(delay);
    match pending.deadline() {
        Some(deadline) if at >= deadline => Err(RetryState::Timeout),
        Some(_) | None => Ok(at),
    }
}

fn child_closed(initiated_event_id: EventId, outcome: ChildOutcome) -> EventKind {
    match outcome {
        ChildOutcome::Completed(result) => EventKind::ChildWorkflowExecutionCompleted {
            initiated_event_id,
            result,
        },
        ChildOutcome::Failed(failure) => {
            let failure = failure.bounded();
            EventKind::ChildWorkflowExecutionFailed {
                initiated_event_id,
                failure,
            }
        }
        ChildOutcome::Canceled => EventKind::ChildWorkflowExecutionCanceled { initiated_event_id },
        ChildOutcome::Terminated => {
            EventKind::ChildWorkflowExecutionTerminated { initiated_event_id }
        }
        ChildOutcome::TimedOut => EventKind::ChildWorkflowExecutionTimedOut { initiated_event_id },
    }
}

fn signal(
    state: &RunState,
    name: String,
    input: Payload,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    check_name("a signal", &name)?;
    check_payload("the signal's input", &input)?;
    if state.signals >= limits::SIGNALS_MAX {
        return Err(Rejection::OverLimit(format!(
            "the run has received its limit of {} signals",
            limits::SIGNALS_MAX
        )));
    }
    let kind = EventKind::WorkflowExecutionSignaled { name, input };
    let bytes = state.history_bytes.saturating_add(kind.size_bytes());
    check_history(state.last_event_id.next(), bytes)?;
    Ok(one_event(state, now, kind))
}

/// Waits 1 s, 2 s, 4 s ... up to a minute: the code may be repaired by a new binary.
fn workflow_task_failed(
    state: &RunState,
    failure: Failure,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let before = state.workflow_task_failure.as_ref();
    match state.workflow_task {
        workflow_task::State::Idle => return Err(Rejection::NoWorkflowTask),
        workflow_task::State::Pending => {}
        workflow_task::State::BackingOff => {
            // Before the next try is due, it is the same failure told twice.
            if let Some(before) = before
                && now < before.next_attempt_at
            {
                return Err(Rejection::NotDue(before.next_attempt_at));
            }
        }
    }
    let failure = failure.bounded();
    let attempts = before.map_or(0, |f| f.attempts);
    let wait = Millis(1_000_u64.saturating_mul(1 << attempts.min(6)).min(60_000));
    Ok(one_note(Note::WorkflowTaskFailed {
        failure,
        next_attempt_at: now.after(wait),
    }))
}
