//! The checks of sizes that all of `decide` shares.

use super::input::Rejection;
use crate::event::HistoryEvent;
use crate::ids::{EventId, WorkflowId};
use crate::limits;
use crate::payload::Payload;

/// Refuses a payload over the limit.
pub(super) fn check_payload(what: &str, payload: &Payload) -> Result<(), Rejection> {
    let bytes = payload.data.len();
    if bytes > limits::PAYLOAD_BYTES_MAX {
        return Err(Rejection::OverLimit(format!(
            "{what} has {bytes} bytes, the limit is {} (pass big values by reference)",
            limits::PAYLOAD_BYTES_MAX
        )));
    }
    Ok(())
}

/// Refuses a name that is empty or too long.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Rejection> {
    check_length(&format!("the name of {what}"), name, limits::NAME_BYTES_MAX)
}

/// Refuses a workflow id that is empty or too long.
pub(super) fn check_workflow_id(id: &str) -> Result<(), Rejection> {
    check_length("a workflow id", id, limits::WORKFLOW_ID_BYTES_MAX)
}

fn check_length(what: &str, text: &str, bytes_max: usize) -> Result<(), Rejection> {
    let bytes = text.len();
    if bytes == 0 || bytes > bytes_max {
        return Err(Rejection::OverLimit(format!(
            "{what} has 1 to {bytes_max} bytes, this one has {bytes}"
        )));
    }
    Ok(())
}

/// Refuses a reason that is too long.
pub(super) fn check_reason(reason: &str) -> Result<(), Rejection> {
    let (bytes, bytes_max) = (reason.len(), limits::REASON_BYTES_MAX);
    if bytes > bytes_max {
        return Err(Rejection::OverLimit(format!(
            "the reason has {bytes} bytes, the limit is {bytes_max}"
        )));
    }
    Ok(())
}

/// Refuses a history from elsewhere that no run of this engine could have.
///
/// # Errors
/// When the workflow id, the number of events or their bytes are over a limit.
pub fn check_imported(workflow_id: &WorkflowId, events: &[HistoryEvent]) -> Result<(), Rejection> {
    check_workflow_id(workflow_id.as_str())?;
    let bytes = events.iter().map(|event| event.kind.size_bytes());
    let bytes = bytes.fold(0_u64, u64::saturating_add);
    let last = events.last().map_or(EventId(0), |last| last.id);
    check_history(last, bytes)
}

/// Refuses a history that would be too long.
pub(super) fn check_history(last: EventId, bytes: u64) -> Result<(), Rejection> {
    if last.0 > limits::HISTORY_EVENTS_MAX {
        return Err(Rejection::OverLimit(format!(
            "the history would have {last} events, the limit is {}",
            limits::HISTORY_EVENTS_MAX
        )));
    }
    if bytes > limits::HISTORY_BYTES_MAX {
        return Err(Rejection::OverLimit(format!(
            "the history would have {bytes} bytes, the limit is {}",
            limits::HISTORY_BYTES_MAX
        )));
    }
    Ok(())
}
