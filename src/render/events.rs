//! A history as JSON and as text.

use kernel::{EventKind, HistoryEvent, Payload, RunState};
use serde_json::{Value, json};

use super::text::{plain, table};
use crate::time_text;
use crate::views::status_name;

/// One document: the run and its events, with payloads shown as the JSON that they hold.
pub(crate) fn history_json(state: &RunState, events: &[HistoryEvent]) -> Value {
    json!({
        "workflow_id": state.workflow_id.as_str(),
        "run_id": state.run_id.to_string(),
        "workflow_type": state.workflow_type,
        "status": status_name(state.status),
        "events": events.iter().map(event_json).collect::<Vec<_>>(),
    })
}

fn event_json(event: &HistoryEvent) -> Value {
    json!({
        "event_id": event.id.0,
        "event_time": time_text::iso(event.at),
        "event_type": event.kind.name(),
        "attributes": attributes(&event.kind),
    })
}

fn payload(payload: &Payload) -> Value {
    payload.decode().unwrap_or_else(
        |_| json!({ "encoding": payload.encoding.name(), "bytes": payload.data.len() }),
    )
}

fn attributes(kind: &EventKind) -> Value {
    match kind {
        EventKind::WorkflowExecutionStarted {
            workflow_type,
            input,
            parent,
            chain,
            ..
        } => {
            let mut value = json!({
                "workflow_type": workflow_type,
                "input": payload(input),
                "parent_workflow_id": parent.as_ref().map(|p| p.workflow_id.to_string()),
            });
            if let Some(origin) = &chain.origin
                && let Some(base) = origin.bases.last()
            {
                value["base_workflow_id"] = json!(base.workflow_id.to_string());
                value["base_run_id"] = json!(base.run_id.to_string());
                value["base_event_id"] = json!(base.kept.next().0);
                value["reason"] = json!(origin.reason);
            }
            value
        }
        EventKind::WorkflowTaskCompleted | EventKind::WorkflowExecutionCanceled => json!({}),
        EventKind::ActivityTaskScheduled {
            seq,
            activity_type,
            input,
            options,
        } => json!({
            "activity_id": seq.0.to_string(),
            "activity_type": activity_type,
            "stage": options.stage,
            "input": payload(input),
        }),
        EventKind::ActivityTaskCancelRequested { scheduled_event_id }
        | EventKind::ActivityTaskCanceled { scheduled_event_id } => {
            json!({ "scheduled_event_id": scheduled_event_id.0 })
        }
        EventKind::ActivityTaskCompleted {
            scheduled_event_id,
            attempt,
            result,
        } => json!({
            "scheduled_event_id": scheduled_event_id.0,
            "attempt": attempt,
            "result": payload(result),
        }),
        EventKind::ActivityTaskFailed {
            scheduled_event_id,
            attempt,
            failure,
            retry_state,
        } => {
            json!({
                "scheduled_event_id": scheduled_event_id.0,
                "attempt": attempt,
                "failure": failure.to_string(),
                "retry_state": format!("{retry_state:?}"),
            })
        }
        EventKind::ActivityTaskTimedOut {
            scheduled_event_id,
            attempt,
            timeout,
            failure,
            ..
        } => {
            json!({
                "scheduled_event_id": scheduled_event_id.0,
                "attempt": attempt,
                "timeout_type": timeout.name(),
                "failure": failure.to_string(),
            })
        }
        EventKind::TimerStarted { seq, start_to_fire } => {
            json!({ "timer_id": seq.0.to_string(), "start_to_fire_ms": start_to_fire.0 })
        }
        EventKind::TimerFired { started_event_id }
        | EventKind::TimerCanceled { started_event_id } => {
            json!({ "started_event_id": started_event_id.0 })
        }
        EventKind::StartChildWorkflowExecutionInitiated {
            workflow_id,
            workflow_type,
            input,
            options,
            ..
        } => json!({
            "workflow_id": workflow_id.as_str(),
            "workflow_type": workflow_type,
            "stage": options.stage,
            "input": payload(input),
        }),
        EventKind::StartChildWorkflowExecutionFailed {
            initiated_event_id,
            failure,
        }
        | EventKind::ChildWorkflowExecutionFailed {
            initiated_event_id,
            failure,
        } => json!({
            "initiated_event_id": initiated_event_id.0,
            "failure": failure.to_string(),
        }),
        EventKind::ChildWorkflowExecutionStarted {
            initiated_event_id,
            run_id,
        } => json!({
            "initiated_event_id": initiated_event_id.0,
            "run_id": run_id.to_string(),
        }),
        EventKind::RequestCancelExternalWorkflowExecutionInitiated { initiated_event_id }
        | EventKind::ChildWorkflowExecutionCanceled { initiated_event_id }
        | EventKind::ChildWorkflowExecutionTimedOut { initiated_event_id }
        | EventKind::ChildWorkflowExecutionTerminated { initiated_event_id } => {
            json!({ "initiated_event_id": initiated_event_id.0 })
        }
        EventKind::ChildWorkflowExecutionCompleted {
            initiated_event_id,
            result,
        } => json!({
            "initiated_event_id": initiated_event_id.0,
            "result": payload(result),
        }),
        EventKind::MarkerRecorded {
            marker: kernel::Marker::Stage { name, total },
        } => {
            json!({ "marker": "stage", "name": name, "total": total })
        }
        EventKind::MarkerRecorded {
            marker: kernel::Marker::Patch { id, .. },
        } => json!({ "marker": "patch", "id": id }),
        EventKind::MarkerRecorded {
            marker: kernel::Marker::SideEffect { value },
        } => json!({ "marker": "side_effect", "value": payload(value) }),
        EventKind::MarkerRecorded {
            marker:
                kernel::Marker::LocalActivity {
                    activity_type,
                    attempt,
                    outcome,
                    ..
                },
        } => {
            let mut shown = json!({ "marker": "local_activity", "activity_type": activity_type,
                "attempt": attempt });
            match outcome {
                kernel::LocalOutcome::Completed(value) => shown["result"] = payload(value),
                kernel::LocalOutcome::Failed(failure) => {
                    shown["failure"] = json!(failure.to_string());
                }
                kernel::LocalOutcome::BackOff { failure, delay } => {
                    shown["failure"] = json!(failure.to_string());
                    shown["backoff_ms"] = json!(delay.0);
                }
            }
            shown
        }
        EventKind::WorkflowExecutionSignaled { name, input } => {
            json!({ "name": name, "input": payload(input) })
        }
        EventKind::UpsertWorkflowSearchAttributes { attributes } => {
            json!({ "attributes": attributes })
        }
        EventKind::WorkflowPropertiesModified { memo } => {
            json!({ "memo": memo.keys().collect::<Vec<_>>() })
        }
        EventKind::WorkflowExecutionUpdateAccepted {
            update_id,
            name,
            input,
        } => json!({ "update_id": update_id, "name": name, "input": payload(input) }),
        EventKind::WorkflowExecutionUpdateCompleted { update_id, result } => json!({
            "update_id": update_id,
            "result": result.as_ref().ok().map(payload),
            "failure": result.as_ref().err().map(ToString::to_string),
        }),
        EventKind::WorkflowExecutionCancelRequested { reason } => json!({ "reason": reason }),
        EventKind::WorkflowExecutionTerminated { reason, next } => match next {
            Some(next) => json!({ "reason": reason, "next_run_id": next.to_string() }),
            None => json!({ "reason": reason }),
        },
        EventKind::WorkflowExecutionCompleted { result } => json!({ "result": payload(result) }),
        EventKind::WorkflowExecutionFailed { failure, next, .. } => json!({
            "failure": failure.to_string(),
            "new_run_id": next.as_ref().map(|next| next.run_id.to_string()),
        }),
        EventKind::WorkflowExecutionTimedOut { next, .. } => {
            json!({ "new_run_id": next.as_ref().map(|next| next.run_id.to_string()) })
        }
        EventKind::WorkflowExecutionContinuedAsNew {
            new_run_id, input, ..
        } => json!({ "new_run_id": new_run_id.to_string(), "input": payload(input) }),
    }
}

/// The same as text: one line an event.
pub(crate) fn history_text(history: &Value) -> String {
    let empty = Vec::new();
    let events = history
        .get("events")
        .and_then(Value::as_array)
        .unwrap_or(&empty);
    let text = |event: &Value, key: &str| match event.get(key) {
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            let attributes = event.get("attributes").map(brief).unwrap_or_default();
            vec![
                text(event, "event_id"),
                text(event, "event_time"),
                text(event, "event_type"),
                attributes,
            ]
        })
        .collect();
    table(&["EVENT", "TIME", "TYPE", "WHAT"], &rows)
}

/// The attributes on one line, cut to what a screen holds; `--json` has them whole.
fn brief(attributes: &Value) -> String {
    let Value::Object(map) = attributes else {
        return String::new();
    };
    let parts = map
        .iter()
        .filter(|(_, v)| !v.is_null() && *v != "")
        .map(|(key, value)| {
            let shown = match value {
                Value::String(text) => plain(text),
                other => plain(&other.to_string()),
            };
            format!("{key}={shown}")
        });
    let line = parts.collect::<Vec<_>>().join(" ");
    if line.chars().count() > 100 {
        let cut: String = line.chars().take(99).collect();
        format!("{cut}…")
    } else {
        line
    }
}
