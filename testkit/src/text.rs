//! Histories for people: one line an event, with times since the start.

use std::any::Any;

use kernel::command::describe_event;
use kernel::{EventKind, HistoryEvent, Payload};

/// Characters of a payload that are shown at most.
const PAYLOAD_CHARS_MAX: usize = 120;

/// All events, one a line.
pub(crate) fn history(events: &[HistoryEvent]) -> String {
    lines(events).join("\n")
}

/// A line for each event.
pub(crate) fn lines(events: &[HistoryEvent]) -> Vec<String> {
    let start = events.first().map(|event| event.at);
    let line = |event: &HistoryEvent| {
        let since = start.map_or(0, |start| event.at.since(start).0);
        let (what, detail) = (describe_event(&event.kind), detail(&event.kind));
        format!("{:>6}  {:>13}  {what}{detail}", event.id.0, elapsed(since))
    };
    events.iter().map(line).collect()
}

/// Milliseconds as days, hours, minutes and seconds.
pub(crate) fn elapsed(ms: u64) -> String {
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    let (hours, rest) = (rest / 3_600_000, rest % 3_600_000);
    let (minutes, rest) = (rest / 60_000, rest % 60_000);
    let (seconds, ms) = (rest / 1_000, rest % 1_000);
    let time = format!("{hours:02}:{minutes:02}:{seconds:02}.{ms:03}");
    if days == 0 {
        format!("+{time}")
    } else {
        format!("+{days}d {time}")
    }
}

/// A payload as the JSON that it mostly is, cut at a length.
pub(crate) fn payload(payload: &Payload) -> String {
    let text = String::from_utf8_lossy(&payload.data);
    if text.chars().count() <= PAYLOAD_CHARS_MAX {
        return text.into_owned();
    }
    let cut: String = text.chars().take(PAYLOAD_CHARS_MAX).collect();
    format!("{cut}... ({} bytes)", payload.data.len())
}

/// What the name of an event leaves out and a reader of a failed test wants.
fn detail(kind: &EventKind) -> String {
    if let EventKind::WorkflowExecutionStarted {
        workflow_type,
        input,
        ..
    } = kind
    {
        return format!(" {workflow_type} {}", payload(input));
    }
    if let EventKind::ActivityTaskScheduled { input, .. } = kind {
        return format!(" {}", payload(input));
    }
    if let EventKind::WorkflowExecutionSignaled { name, input } = kind {
        return format!(" {name} {}", payload(input));
    }
    if let EventKind::WorkflowExecutionCompleted { result } = kind {
        return format!(" -> {}", payload(result));
    }
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id,
        attempt,
        result,
    } = kind
    {
        let result = payload(result);
        return format!(" of {scheduled_event_id}, attempt {attempt} -> {result}");
    }
    if let EventKind::ActivityTaskFailed {
        scheduled_event_id,
        attempt,
        failure,
        ..
    }
    | EventKind::ActivityTaskTimedOut {
        scheduled_event_id,
        attempt,
        failure,
        ..
    } = kind
    {
        return format!(" of {scheduled_event_id}, attempt {attempt}: {failure}");
    }
    if let EventKind::TimerFired { started_event_id } = kind {
        return format!(" of {started_event_id}");
    }
    if let EventKind::ChildWorkflowExecutionCompleted {
        initiated_event_id,
        result,
    } = kind
    {
        return format!(" of {initiated_event_id} -> {}", payload(result));
    }
    if let EventKind::WorkflowExecutionFailed { failure, .. } = kind {
        return format!(": {failure}");
    }
    String::new()
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "(no message)".to_owned())
}
