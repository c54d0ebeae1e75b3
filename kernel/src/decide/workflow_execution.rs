//! `decide` for the end of a run: completed, failed, out of time, or followed by another run.
//!
//! Neighbours: `commands` and `results` call it, `chain` has the rules. Must not know who waits.

use super::check::{check_history, check_name, check_payload};
use super::input::Rejection;
use crate::chain::{NextAttempt, next_attempt};
use crate::command::Command;
use crate::event::EventKind;
use crate::failure::Failure;
use crate::ids::{RunId, Timestamp};
use crate::limits;
use crate::payload::Payload;
use crate::run_state::RunState;

/// Whether these commands may be followed by a new run, so that `decide` needs an id for it.
///
/// ```
/// use kernel::{Command, Payload, RunId, StartRequest, Timestamp, WorkflowId, needs_successor, start};
/// let (id, run) = (WorkflowId::new("poll"), RunId([7; 16]));
/// let (state, _) = start(StartRequest::new(id, run, "poll", Payload::null()), Timestamp(0))?;
/// let (workflow_type, input) = ("poll".to_owned(), Payload::null());
/// let again = Command::ContinueAsNewWorkflowExecution { workflow_type, input };
/// assert!(needs_successor(&state, &[again]));
/// # Ok::<(), kernel::Rejection>(())
/// ```
#[must_use]
pub fn needs_successor(state: &RunState, commands: &[Command]) -> bool {
    match commands.last() {
        Some(Command::ContinueAsNewWorkflowExecution { .. }) => true,
        Some(Command::FailWorkflowExecution { .. }) => state.options.retry.is_some(),
        Some(
            Command::ScheduleActivityTask { .. }
            | Command::RequestCancelActivityTask { .. }
            | Command::StartTimer { .. }
            | Command::CancelTimer { .. }
            | Command::StartChildWorkflowExecution { .. }
            | Command::RequestCancelChildWorkflowExecution { .. }
            | Command::RecordMarker { .. }
            | Command::UpsertWorkflowSearchAttributes { .. }
            | Command::ModifyWorkflowProperties { .. }
            | Command::AcceptUpdate { .. }
            | Command::CompleteUpdate { .. }
            | Command::CompleteWorkflowExecution { .. }
            | Command::CancelWorkflowExecution,
        )
        | None => false,
    }
}

/// Whether the run takes an update that it does not know yet; the code is asked after that.
///
/// # Errors
/// When the id, the name or the value is over a limit, or the run has too many updates.
pub fn admit_update(
    state: &RunState,
    update_id: &str,
    name: &str,
    input: &Payload,
) -> Result<(), Rejection> {
    check_name("an update", name)?;
    check_name("an update's id", update_id)?;
    check_payload("the update's input", input)?;
    let counts = [
        (state.updates.len(), limits::UPDATES_MAX, "taken on"),
        (
            state.updates_in_flight(),
            limits::UPDATES_IN_FLIGHT_MAX,
            "at work at once",
        ),
    ];
    for (n, limit, what) in counts {
        if n >= limit {
            return Err(Rejection::OverLimit(format!(
                "the run has its limit of {limit} updates {what}"
            )));
        }
    }
    let bytes = state
        .history_bytes
        .saturating_add(u64::try_from(input.data.len()).unwrap_or(u64::MAX));
    check_history(state.last_event_id.next(), bytes)
}

/// The id that was given for the run that follows.
pub(super) fn given(successor: Option<RunId>) -> Result<RunId, Rejection> {
    let missing = || Rejection::BadCommand("a run follows, and no id was given for it".to_owned());
    successor.ok_or_else(missing)
}

/// The end of a run that failed, by itself.
pub(super) fn failed(
    state: &RunState,
    failure: Failure,
    successor: Option<RunId>,
    now: Timestamp,
) -> Result<EventKind, Rejection> {
    let failure = failure.bounded();
    let (retry_state, next) = match next_attempt(state, &failure, now) {
        None => (None, None),
        Some(Err(why)) => (Some(why), None),
        Some(Ok(delay)) => {
            let run_id = given(successor)?;
            (None, Some(NextAttempt { run_id, delay }))
        }
    };
    Ok(EventKind::WorkflowExecutionFailed {
        failure,
        retry_state,
        next,
    })
}

/// The end of a run that is out of time.
pub(super) fn timed_out(
    state: &RunState,
    successor: Option<RunId>,
    now: Timestamp,
) -> Result<EventKind, Rejection> {
    let Some(deadline) = state.deadline() else {
        return Err(Rejection::NotPending(state.last_event_id));
    };
    if now < deadline {
        return Err(Rejection::NotDue(deadline));
    }
    let (retry_state, next) = match next_attempt(state, &state.timed_out(), now) {
        None => (None, None),
        Some(Err(why)) => (Some(why), None),
        Some(Ok(delay)) => {
            let run_id = given(successor)?;
            (None, Some(NextAttempt { run_id, delay }))
        }
    };
    Ok(EventKind::WorkflowExecutionTimedOut { retry_state, next })
}
