//! A history of this engine as Temporal would have written it.
//!
//! One `WorkflowTaskCompleted` becomes Temporal's three workflow-task events, and the end of an
//! activity gets its `ActivityTaskStarted`; so event ids differ, and every reference is moved.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::time;
use super::values::{
    HEADER, attributes_key, close_policy, failure, named, no_payload, payload, payloads,
    replaced_by, retry_policy, retry_state, screaming, search_value,
};
use crate::chain::{Initiator, NextAttempt, WorkflowOptions};
use crate::event::{EventKind, HistoryEvent, ParentRef};
use crate::failure::TimeoutType;
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::marker::{LocalOutcome, Marker, PatchState};
use crate::options::{ActivityOptions, RetryState};
use crate::payload::Payload;

/// The whole history of a run as one document, `{"events": [...]}`: what Temporal's own tools read.
///
/// What Temporal has no field for (the seed of random numbers, stages, breakers, semaphores) lies in
/// the headers of events. The wait before the next attempt of a whole workflow is left out: Temporal
/// writes it into the run that follows.
///
/// ```
/// use kernel::{Payload, RunId, StartRequest, Timestamp, WorkflowId, start, temporal};
/// let (id, run) = (WorkflowId::new("nightly"), RunId([7; 16]));
/// let request = StartRequest::new(id.clone(), run, "report", Payload::null());
/// let (_, transition) = start(request, Timestamp(0))?;
/// let document = temporal::export(&id, run, &transition.events);
/// let first = &document["events"][0];
/// assert_eq!(first["eventType"], "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED");
/// let again = temporal::import(&document)?;
/// assert_eq!((again.workflow_id, again.events), (id, transition.events));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn export(workflow_id: &WorkflowId, run_id: RunId, events: &[HistoryEvent]) -> Value {
    let mut exporter = Exporter {
        workflow_id,
        run_id,
        out: Vec::with_capacity(events.len() * 2),
        ids: BTreeMap::new(),
        task: 0,
        started: BTreeMap::new(),
        timers: BTreeMap::new(),
        children: BTreeMap::new(),
        updates: BTreeMap::new(),
    };
    for event in events {
        exporter.event(event);
    }
    json!({ "events": exporter.out })
}

/// A child as its later events name it.
struct Child<'a> {
    workflow_id: &'a WorkflowId,
    workflow_type: &'a str,
    run_id: Option<RunId>,
    started: u64,
}

struct Exporter<'a> {
    workflow_id: &'a WorkflowId,
    run_id: RunId,
    out: Vec<Value>,
    /// What became of each event's id.
    ids: BTreeMap<EventId, u64>,
    /// The last `WorkflowTaskCompleted`.
    task: u64,
    /// `ActivityTaskStarted` by the `ActivityTaskScheduled` event.
    started: BTreeMap<EventId, u64>,
    timers: BTreeMap<EventId, Seq>,
    children: BTreeMap<EventId, Child<'a>>,
    updates: BTreeMap<&'a str, u64>,
}

impl<'a> Exporter<'a> {
    fn event(&mut self, event: &'a HistoryEvent) {
        if event.kind == EventKind::WorkflowTaskCompleted {
            let queue = json!({ "taskQueue": queue(), "startToCloseTimeout": "10s", "attempt": 1 });
            let scheduled = self.push(event.at, "WorkflowTaskScheduled", queue);
            let begun = json!({ "scheduledEventId": id(scheduled) });
            let started = self.push(event.at, "WorkflowTaskStarted", begun);
            let done = json!({ "scheduledEventId": id(scheduled), "startedEventId": id(started) });
            self.task = self.push(event.at, "WorkflowTaskCompleted", done);
            self.ids.insert(event.id, self.task);
            return;
        }
        if let Some((scheduled, attempt)) = attempt_of(&event.kind) {
            let begun = json!({ "scheduledEventId": self.id(scheduled), "attempt": attempt });
            let started = self.push(event.at, "ActivityTaskStarted", begun);
            self.started.insert(scheduled, started);
        }
        let mut attributes = self.attributes(&event.kind);
        if event.kind.is_command() {
            attributes["workflowTaskCompletedEventId"] = json!(id(self.task));
        }
        let new_id = self.push(event.at, event.kind.name(), attributes);
        self.ids.insert(event.id, new_id);
        self.remember(event, new_id);
    }

    fn push(&mut self, at: Timestamp, name: &str, attributes: Value) -> u64 {
        let new_id = u64::try_from(self.out.len()).unwrap_or(u64::MAX - 1) + 1;
        let mut event = Map::new();
        event.insert("eventId".to_owned(), json!(id(new_id)));
        event.insert("eventTime".to_owned(), json!(time::write(at)));
        event.insert(
            "eventType".to_owned(),
            json!(screaming(name, "EVENT_TYPE_")),
        );
        event.insert(attributes_key(name), attributes);
        self.out.push(Value::Object(event));
        new_id
    }

    /// A reference to an event.
    fn id(&self, old: EventId) -> String {
        id(self.ids.get(&old).copied().unwrap_or(0))
    }

    /// What later events want to know of this one.
    fn remember(&mut self, event: &'a HistoryEvent, new_id: u64) {
        if let EventKind::TimerStarted { seq, .. } = &event.kind {
            self.timers.insert(event.id, *seq);
        } else if let EventKind::StartChildWorkflowExecutionInitiated {
            workflow_id,
            workflow_type,
            ..
        } = &event.kind
        {
            let child = Child {
                workflow_id,
                workflow_type,
                run_id: None,
                started: 0,
            };
            self.children.insert(event.id, child);
        } else if let EventKind::ChildWorkflowExecutionStarted {
            initiated_event_id,
            run_id,
        } = &event.kind
        {
            if let Some(child) = self.children.get_mut(initiated_event_id) {
                child.run_id = Some(*run_id);
                child.started = new_id;
            }
        } else if let EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } = &event.kind {
            self.updates.insert(update_id, new_id);
        }
    }

    /// One arm a kind: longer than a screen, but only a table.
    fn attributes(&self, kind: &EventKind) -> Value {
        match kind {
            EventKind::WorkflowExecutionStarted { .. } => self.start(kind),
            EventKind::WorkflowTaskCompleted => json!({}),
            EventKind::ActivityTaskScheduled {
                seq,
                activity_type,
                input,
                options,
            } => scheduled(kind, *seq, activity_type, input, options),
            EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
                json!({ "scheduledEventId": self.id(*scheduled_event_id) })
            }
            EventKind::ActivityTaskCompleted {
                scheduled_event_id,
                result,
                ..
            } => self.activity(*scheduled_event_id, json!({ "result": payloads(result) })),
            EventKind::ActivityTaskFailed {
                scheduled_event_id,
                failure: how,
                retry_state: why,
                ..
            }
            | EventKind::ActivityTaskTimedOut {
                scheduled_event_id,
                failure: how,
                retry_state: why,
                ..
            } => {
                let end = json!({ "failure": failure(how), "retryState": retry_state(*why) });
                self.activity(*scheduled_event_id, end)
            }
            EventKind::ActivityTaskCanceled { scheduled_event_id } => {
                self.activity(*scheduled_event_id, json!({}))
            }
            EventKind::TimerStarted { seq, start_to_fire } => json!({
                "timerId": seq.0.to_string(),
                "startToFireTimeout": time::write_duration(*start_to_fire),
            }),
            EventKind::TimerFired { started_event_id }
            | EventKind::TimerCanceled { started_event_id } => {
                let seq = self
                    .timers
                    .get(started_event_id)
                    .copied()
                    .unwrap_or_default();
                json!({
                    "timerId": seq.0.to_string(),
                    "startedEventId": self.id(*started_event_id),
                })
            }
            EventKind::StartChildWorkflowExecutionInitiated {
                workflow_id,
                workflow_type,
                input,
                options,
                ..
            } => {
                let mut value = json!({
                    "namespace": NAMESPACE,
                    "workflowId": workflow_id.as_str(),
                    "workflowType": { "name": workflow_type },
                    "taskQueue": queue(),
                    "input": payloads(input),
                    "parentClosePolicy": close_policy(options.parent_close_policy),
                    "header": header(kind),
                });
                limits(&mut value, &options.workflow);
                value
            }
            EventKind::StartChildWorkflowExecutionFailed {
                initiated_event_id,
                failure: how,
            } => {
                let mut value = self.child(*initiated_event_id, json!({}));
                if let Some(fields) = value.as_object_mut()
                    && let Some(child) = fields.remove("workflowExecution")
                {
                    fields.remove("startedEventId");
                    fields.insert("workflowId".to_owned(), child["workflowId"].clone());
                }
                value["cause"] =
                    json!("START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS");
                value["control"] = json!(failure(how).to_string());
                value
            }
            EventKind::ChildWorkflowExecutionStarted {
                initiated_event_id,
                run_id,
            } => {
                let mut value = self.child(*initiated_event_id, json!({}));
                value["workflowExecution"]["runId"] = json!(run_id.to_string());
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("startedEventId");
                }
                value
            }
            EventKind::RequestCancelExternalWorkflowExecutionInitiated { initiated_event_id } => {
                let child = self.child(*initiated_event_id, json!({}));
                json!({
                    "namespace": NAMESPACE,
                    "workflowExecution": child["workflowExecution"],
                    "childWorkflowOnly": true,
                })
            }
            EventKind::ChildWorkflowExecutionCompleted {
                initiated_event_id,
                result,
            } => self.child(*initiated_event_id, json!({ "result": payloads(result) })),
            EventKind::ChildWorkflowExecutionFailed {
                initiated_event_id,
                failure: how,
            } => self.child(*initiated_event_id, json!({ "failure": failure(how) })),
            EventKind::ChildWorkflowExecutionCanceled { initiated_event_id }
            | EventKind::ChildWorkflowExecutionTerminated { initiated_event_id }
            | EventKind::ChildWorkflowExecutionTimedOut { initiated_event_id } => {
                self.child(*initiated_event_id, json!({}))
            }
            EventKind::MarkerRecorded { marker: noted } => marker(noted),
            EventKind::UpsertWorkflowSearchAttributes { attributes } => {
                let one = |value: &Option<_>| value.as_ref().map_or_else(no_payload, search_value);
                json!({ "searchAttributes": { "indexedFields": named(attributes.iter(), one) } })
            }
            EventKind::WorkflowPropertiesModified { memo } => {
                let one = |value: &Option<_>| value.as_ref().map_or_else(no_payload, payload);
                json!({ "upsertedMemo": { "fields": named(memo.iter(), one) } })
            }
            EventKind::WorkflowExecutionSignaled { name, input } => {
                json!({ "signalName": name, "input": payloads(input) })
            }
            EventKind::WorkflowExecutionUpdateAccepted {
                update_id,
                name,
                input,
            } => json!({
                "protocolInstanceId": update_id,
                "acceptedRequestMessageId": format!("{update_id}/request"),
                "acceptedRequest": {
                    "meta": { "updateId": update_id },
                    "input": { "name": name, "args": payloads(input) },
                },
            }),
            EventKind::WorkflowExecutionUpdateCompleted { update_id, result } => {
                let accepted = self.updates.get(update_id.as_str()).copied().unwrap_or(0);
                let outcome = match result {
                    Ok(value) => json!({ "success": payloads(value) }),
                    Err(how) => json!({ "failure": failure(how) }),
                };
                json!({
                    "meta": { "updateId": update_id },
                    "acceptedEventId": id(accepted),
                    "outcome": outcome,
                })
            }
            EventKind::WorkflowExecutionCancelRequested { reason } => json!({ "cause": reason }),
            EventKind::WorkflowExecutionCompleted { result } => {
                json!({ "result": payloads(result) })
            }
            EventKind::WorkflowExecutionFailed {
                failure: how,
                retry_state: why,
                next,
            } => {
                let mut value = ended(*why, next.as_ref());
                value["failure"] = failure(how);
                value
            }
            EventKind::WorkflowExecutionTimedOut {
                retry_state: why,
                next,
            } => ended(*why, next.as_ref()),
            EventKind::WorkflowExecutionContinuedAsNew {
                new_run_id,
                workflow_type,
                input,
            } => json!({
                "newExecutionRunId": new_run_id.to_string(),
                "workflowType": { "name": workflow_type },
                "taskQueue": queue(),
                "input": payloads(input),
                "initiator": "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
            }),
            EventKind::WorkflowExecutionCanceled => json!({}),
            EventKind::WorkflowExecutionTerminated { reason, next } => {
                let mut value = json!({ "reason": reason });
                if let Some(next) = next {
                    value["details"] = replaced_by(*next);
                }
                value
            }
        }
    }

    fn start(&self, kind: &EventKind) -> Value {
        let EventKind::WorkflowExecutionStarted {
            workflow_type,
            input,
            parent,
            options,
            chain,
            ..
        } = kind
        else {
            return json!({});
        };
        let run_id = self.run_id.to_string();
        let first_run_id = chain.first_run_id.unwrap_or(self.run_id);
        let mut value = json!({
            "workflowId": self.workflow_id.as_str(),
            "workflowType": { "name": workflow_type },
            "taskQueue": queue(),
            "input": payloads(input),
            "originalExecutionRunId": run_id,
            "firstExecutionRunId": first_run_id.to_string(),
            "attempt": chain.attempt,
            "header": header(kind),
        });
        limits(&mut value, options);
        if let Some(before) = chain.continued_from {
            value["continuedExecutionRunId"] = json!(before.to_string());
            value["initiator"] = json!(match chain.initiator {
                Some(Initiator::Retry) => "CONTINUE_AS_NEW_INITIATOR_RETRY",
                Some(Initiator::ContinueAsNew) | None => "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
            });
        }
        if let Some(delay) = chain.first_task_delay {
            value["firstWorkflowTaskBackoff"] = json!(time::write_duration(delay));
        }
        if let Some(deadline) = chain.deadline {
            value["workflowExecutionExpirationTime"] = json!(time::write(deadline));
        }
        if let Some(parent) = parent {
            value["parentWorkflowNamespace"] = json!(NAMESPACE);
            value["parentWorkflowExecution"] = parent_execution(parent);
        }
        value
    }

    /// The attributes of an activity's end.
    fn activity(&self, scheduled_event_id: EventId, mut end: Value) -> Value {
        end["scheduledEventId"] = json!(self.id(scheduled_event_id));
        if let Some(started) = self.started.get(&scheduled_event_id) {
            end["startedEventId"] = json!(id(*started));
        }
        end
    }

    /// The attributes of something that a child did.
    fn child(&self, initiated_event_id: EventId, mut value: Value) -> Value {
        value["namespace"] = json!(NAMESPACE);
        value["initiatedEventId"] = json!(self.id(initiated_event_id));
        if let Some(child) = self.children.get(&initiated_event_id) {
            let mut execution = json!({ "workflowId": child.workflow_id.as_str() });
            if let Some(run_id) = child.run_id {
                execution["runId"] = json!(run_id.to_string());
            }
            value["workflowExecution"] = execution;
            value["workflowType"] = json!({ "name": child.workflow_type });
            value["startedEventId"] = json!(id(child.started));
        }
        value
    }
}

const NAMESPACE: &str = "default";

fn queue() -> Value {
    json!({ "name": "default", "kind": "TASK_QUEUE_KIND_NORMAL" })
}

/// An id as protobuf's JSON has it.
fn id(id: u64) -> String {
    id.to_string()
}

fn parent_execution(parent: &ParentRef) -> Value {
    json!({
        "workflowId": parent.workflow_id.as_str(),
        "runId": parent.run_id.to_string(),
    })
}

/// The attempt that an event ends, if it had begun.
fn attempt_of(kind: &EventKind) -> Option<(EventId, u32)> {
    if let EventKind::ActivityTaskTimedOut {
        attempt: 1,
        timeout: TimeoutType::ScheduleToStart,
        ..
    } = kind
    {
        return None;
    }
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id,
        attempt,
        ..
    }
    | EventKind::ActivityTaskFailed {
        scheduled_event_id,
        attempt,
        ..
    }
    | EventKind::ActivityTaskTimedOut {
        scheduled_event_id,
        attempt,
        ..
    } = kind
    {
        Some((*scheduled_event_id, *attempt))
    } else {
        None
    }
}

/// The event itself, without the input that stands in the open.
fn header(kind: &EventKind) -> Value {
    let mut kind = kind.clone();
    if let EventKind::WorkflowExecutionStarted { input, .. }
    | EventKind::ActivityTaskScheduled { input, .. }
    | EventKind::StartChildWorkflowExecutionInitiated { input, .. } = &mut kind
    {
        *input = Payload::null();
    }
    // An event has a JSON form always: its maps have text for keys.
    let kept = Payload::json(&kind).unwrap_or_else(|_| Payload::null());
    let mut fields = Map::new();
    fields.insert(HEADER.to_owned(), payload(&kept));
    json!({ "fields": fields })
}

fn scheduled(
    kind: &EventKind,
    seq: Seq,
    activity_type: &str,
    input: &Payload,
    options: &ActivityOptions,
) -> Value {
    let limit = |limit: Option<Millis>| time::write_duration(limit.unwrap_or_default());
    json!({
        "activityId": seq.0.to_string(),
        "activityType": { "name": activity_type },
        "taskQueue": queue(),
        "input": payloads(input),
        "scheduleToCloseTimeout": limit(options.schedule_to_close),
        "scheduleToStartTimeout": limit(options.schedule_to_start),
        "startToCloseTimeout": time::write_duration(options.start_to_close),
        "heartbeatTimeout": limit(options.heartbeat),
        "retryPolicy": retry_policy(&options.retry),
        "header": header(kind),
    })
}

/// Timeouts, retries and what people find a workflow by.
fn limits(value: &mut Value, options: &WorkflowOptions) {
    let limit = |limit: Option<Millis>| time::write_duration(limit.unwrap_or_default());
    value["workflowExecutionTimeout"] = json!(limit(options.execution_timeout));
    value["workflowRunTimeout"] = json!(limit(options.run_timeout));
    value["workflowTaskTimeout"] = json!("10s");
    if let Some(policy) = &options.retry {
        value["retryPolicy"] = retry_policy(policy);
    }
    if !options.search_attributes.is_empty() {
        let fields = named(options.search_attributes.iter(), search_value);
        value["searchAttributes"] = json!({ "indexedFields": fields });
    }
    if !options.memo.is_empty() {
        value["memo"] = json!({ "fields": named(options.memo.iter(), payload) });
    }
}

/// How a run ended that may be tried again.
fn ended(why: Option<RetryState>, next: Option<&NextAttempt>) -> Value {
    let state = match (why, next) {
        (Some(why), _) => retry_state(why),
        (None, Some(_)) => "RETRY_STATE_IN_PROGRESS",
        (None, None) => "RETRY_STATE_RETRY_POLICY_NOT_SET",
    };
    let mut value = json!({ "retryState": state });
    if let Some(next) = next {
        value["newExecutionRunId"] = json!(next.run_id.to_string());
    }
    value
}

/// A marker under the name that other tools know it by, where there is one.
fn marker(marker: &Marker) -> Value {
    let detail =
        |value: &Value| payloads(&Payload::json(value).unwrap_or_else(|_| Payload::null()));
    match marker {
        Marker::Stage { name, total } => {
            let stage = detail(&json!({ "name": name, "total": total }));
            json!({ "markerName": "stage", "details": { "stage": stage } })
        }
        Marker::Patch { id, state } => {
            let deprecated = *state == PatchState::Deprecated;
            let patch = detail(&json!({ "id": id, "deprecated": deprecated }));
            json!({ "markerName": "core_patch", "details": { "patch-data": patch } })
        }
        Marker::SideEffect { value } => {
            json!({ "markerName": "SideEffect", "details": { "data": payloads(value) } })
        }
        Marker::LocalActivity {
            seq,
            activity_type,
            attempt,
            outcome,
        } => local_activity(*seq, activity_type, *attempt, outcome),
    }
}

/// As Temporal's core writes it: what it was in `data`, the value in `result`, a failure beside them.
fn local_activity(seq: Seq, activity_type: &str, attempt: u32, outcome: &LocalOutcome) -> Value {
    let mut data = json!({ "seq": seq.0, "attempt": attempt, "activity_id": seq.0.to_string(),
        "activity_type": activity_type });
    let (result, how) = match outcome {
        LocalOutcome::Completed(value) => (Some(value), None),
        LocalOutcome::Failed(failure) => (None, Some(failure)),
        LocalOutcome::BackOff { failure, delay } => {
            data["backoff"] = json!(time::write_duration(*delay));
            (None, Some(failure))
        }
    };
    let data = Payload::json(&data).unwrap_or_else(|_| Payload::null());
    let mut details = json!({ "data": payloads(&data) });
    if let Some(value) = result {
        details["result"] = payloads(value);
    }
    let mut marker = json!({ "markerName": "core_local_activity", "details": details });
    if let Some(how) = how {
        marker["failure"] = failure(how);
    }
    marker
}
