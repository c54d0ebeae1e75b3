//! A history in Temporal's shape as a history of this engine.
//!
//! Events that this engine does not write (workflow tasks but for their end, starts of activities)
//! are left out, so ids differ, and every reference is moved. Whether the history makes sense as a
//! whole is not looked at here: replay, or the fold, finds that out.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::time;
use super::values::{
    HEADER, attributes_key, bare, number, read_close_policy, read_failure, read_limit,
    read_local_outcome, read_payload, read_payloads, read_replaced_by, read_retry_policy,
    read_retry_state, read_search_value, timeout_of,
};
use crate::chain::{Chain, Initiator, NextAttempt, WorkflowOptions};
use crate::event::{EventKind, HistoryEvent, ParentRef};
use crate::failure::Failure;
use crate::ids::{EventId, Millis, RunId, Seq, WorkflowId};
use crate::limits;
use crate::marker::{Marker, PatchState};
use crate::options::{ActivityOptions, ChildOptions, RetryState};
use crate::payload::Payload;
use crate::visibility::{Memo, SearchAttributes};

/// A history that was read, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The user's name for the run.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// All of its events, ids from 1 without gaps.
    pub events: Vec<HistoryEvent>,
    /// The id that each of them has in the document.
    pub document_ids: Vec<u64>,
}

impl Imported {
    /// The id in the document of an event of the history; for the event after the last one, the id
    /// that follows.
    #[must_use]
    pub fn document_id(&self, id: EventId) -> u64 {
        let index = usize::try_from(id.0.saturating_sub(1)).unwrap_or(usize::MAX);
        let after = self
            .document_ids
            .last()
            .map_or(1, |last| last.saturating_add(1));
        self.document_ids.get(index).copied().unwrap_or(after)
    }
}

/// Why a document is no history. The Display fits after "could not".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The event's id in the document, 0 for the document as a whole.
    pub event_id: u64,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event_id {
            0 => write!(f, "read the history: {}", self.why),
            id => write!(f, "read the history at event {id}: {}", self.why),
        }
    }
}

impl std::error::Error for ImportError {}

/// Reads a document that [`export`](super::export) or a tool of Temporal's wrote.
///
/// # Errors
/// When it is no such document, or has events that this engine knows no counterpart of.
pub fn import(document: &Value) -> Result<Imported, ImportError> {
    let whole = |why: &str| ImportError {
        event_id: 0,
        why: why.to_owned(),
    };
    // Some tools put the history into a field of a larger answer.
    let holder = document.get("history").unwrap_or(document);
    let list = holder.get("events").and_then(Value::as_array);
    let list = list.ok_or_else(|| whole("it has no list of \"events\""))?;
    let n_max = usize::try_from(4 * limits::HISTORY_EVENTS_MAX).unwrap_or(usize::MAX);
    if list.len() > n_max {
        return Err(whole("it has more events than a history may have"));
    }
    let first = list.first().ok_or_else(|| whole("it has no events"))?;
    let start = first.get("workflowExecutionStartedEventAttributes");
    let start = start.ok_or_else(|| whole("its first event is not WorkflowExecutionStarted"))?;
    let workflow_id = text(start, "workflowId").ok_or_else(|| {
        whole("it does not say whose it is: its first event's attributes need a \"workflowId\"")
    })?;
    let run_id =
        text(start, "originalExecutionRunId").or_else(|| text(start, "firstExecutionRunId"));
    let run_id = run_id.and_then(|id| id.parse().ok()).ok_or_else(|| {
        whole("it does not name its run: its first event's attributes need an \"originalExecutionRunId\"")
    })?;
    let mut importer = Importer::default();
    for (index, event) in list.iter().enumerate() {
        let expected = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        let told = |why| ImportError {
            event_id: expected,
            why,
        };
        if number(event.get("eventId")) != Some(expected) {
            return Err(told(format!("its \"eventId\" should be {expected}")));
        }
        importer.event(expected, run_id, event).map_err(told)?;
    }
    Ok(Imported {
        workflow_id: WorkflowId::new(workflow_id),
        run_id,
        events: importer.out,
        document_ids: importer.document_ids,
    })
}

type Read<T> = Result<T, String>;

#[derive(Default)]
struct Importer {
    out: Vec<HistoryEvent>,
    document_ids: Vec<u64>,
    /// What became of each event's id.
    ids: BTreeMap<u64, EventId>,
    /// The attempt of each `ActivityTaskStarted`, by the activity.
    attempts: BTreeMap<EventId, u32>,
    /// The last child of each id.
    children: BTreeMap<String, EventId>,
    /// The number of the last operation, for histories that do not say it.
    last_seq: u32,
}

impl Importer {
    fn event(&mut self, old_id: u64, run_id: RunId, event: &Value) -> Read<()> {
        let name = bare(event.get("eventType"), "EVENT_TYPE_");
        let nothing = Value::Null;
        let fields = event.get(attributes_key(&name)).unwrap_or(&nothing);
        let Some(kind) = self.kind(&name, run_id, fields)? else {
            return Ok(());
        };
        let at = text(event, "eventTime").and_then(time::read);
        let at = at.ok_or("its \"eventTime\" is no moment in RFC 3339")?;
        let id = self.out.last().map_or(EventId(1), |last| last.id.next());
        self.ids.insert(old_id, id);
        self.document_ids.push(old_id);
        if let EventKind::StartChildWorkflowExecutionInitiated { workflow_id, .. } = &kind {
            self.children.insert(workflow_id.0.clone(), id);
        }
        self.out.push(HistoryEvent { id, at, kind });
        Ok(())
    }

    /// The event's counterpart; `Ok(None)` for events that this engine leaves out. One arm a kind:
    /// longer than a screen, but only a table.
    fn kind(&mut self, name: &str, run_id: RunId, fields: &Value) -> Read<Option<EventKind>> {
        let input = || read_payloads(fields.get("input"));
        Ok(Some(match name {
            "WorkflowTaskScheduled"
            | "WorkflowTaskStarted"
            | "WorkflowTaskFailed"
            | "WorkflowTaskTimedOut"
            | "ExternalWorkflowExecutionCancelRequested" => return Ok(None),
            "ActivityTaskStarted" => {
                let attempt = number(fields.get("attempt")).and_then(|n| u32::try_from(n).ok());
                let scheduled = self.named(fields, "scheduledEventId")?;
                self.attempts.insert(scheduled, attempt.unwrap_or(1).max(1));
                return Ok(None);
            }
            "WorkflowExecutionStarted" => match kept(fields, name, input()?)? {
                Some(kind) => kind,
                None => start(run_id, fields)?,
            },
            "WorkflowTaskCompleted" => EventKind::WorkflowTaskCompleted,
            "ActivityTaskScheduled" => match kept(fields, name, input()?)? {
                Some(kind) => kind,
                None => self.scheduled(fields)?,
            },
            "ActivityTaskCancelRequested" => EventKind::ActivityTaskCancelRequested {
                scheduled_event_id: self.named(fields, "scheduledEventId")?,
            },
            "ActivityTaskCompleted" => {
                let scheduled_event_id = self.named(fields, "scheduledEventId")?;
                EventKind::ActivityTaskCompleted {
                    scheduled_event_id,
                    attempt: self.attempt(scheduled_event_id),
                    result: read_payloads(fields.get("result"))?,
                }
            }
            "ActivityTaskFailed" | "ActivityTaskTimedOut" => self.activity_failed(fields)?,
            "ActivityTaskCanceled" => EventKind::ActivityTaskCanceled {
                scheduled_event_id: self.named(fields, "scheduledEventId")?,
            },
            "TimerStarted" => EventKind::TimerStarted {
                seq: self.seq(text(fields, "timerId")),
                start_to_fire: read_limit(fields.get("startToFireTimeout"))?.unwrap_or_default(),
            },
            "TimerFired" => EventKind::TimerFired {
                started_event_id: self.named(fields, "startedEventId")?,
            },
            "TimerCanceled" => EventKind::TimerCanceled {
                started_event_id: self.named(fields, "startedEventId")?,
            },
            "StartChildWorkflowExecutionInitiated" => match kept(fields, name, input()?)? {
                Some(kind) => kind,
                None => EventKind::StartChildWorkflowExecutionInitiated {
                    seq: self.seq(None),
                    workflow_id: WorkflowId::new(wanted(fields, "workflowId")?),
                    workflow_type: type_name(fields, "workflowType")?,
                    input: input()?,
                    options: ChildOptions {
                        parent_close_policy: read_close_policy(fields.get("parentClosePolicy")),
                        stage: String::new(),
                        workflow: options(fields)?,
                    },
                },
            },
            "StartChildWorkflowExecutionFailed" => EventKind::StartChildWorkflowExecutionFailed {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
                failure: not_started(fields),
            },
            "ChildWorkflowExecutionStarted" => EventKind::ChildWorkflowExecutionStarted {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
                run_id: read_run_id(execution(fields, "runId"))?,
            },
            "RequestCancelExternalWorkflowExecutionInitiated" => {
                let child = execution(fields, "workflowId").unwrap_or_default();
                let initiated = self.children.get(child).copied();
                EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    initiated_event_id: initiated.ok_or_else(|| {
                        format!(
                            "{child:?} is no child of this run; this engine cancels children only"
                        )
                    })?,
                }
            }
            "ChildWorkflowExecutionCompleted" => EventKind::ChildWorkflowExecutionCompleted {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
                result: read_payloads(fields.get("result"))?,
            },
            "ChildWorkflowExecutionFailed" => EventKind::ChildWorkflowExecutionFailed {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
                failure: read_failure(fields.get("failure"))?,
            },
            "ChildWorkflowExecutionCanceled" => EventKind::ChildWorkflowExecutionCanceled {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
            },
            "ChildWorkflowExecutionTerminated" => EventKind::ChildWorkflowExecutionTerminated {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
            },
            "ChildWorkflowExecutionTimedOut" => EventKind::ChildWorkflowExecutionTimedOut {
                initiated_event_id: self.named(fields, "initiatedEventId")?,
            },
            "MarkerRecorded" => EventKind::MarkerRecorded {
                marker: marker(fields)?,
            },
            "UpsertWorkflowSearchAttributes" => {
                let all = object(fields, "searchAttributes", "indexedFields");
                EventKind::UpsertWorkflowSearchAttributes {
                    attributes: all
                        .map(|(name, value)| Ok((name.clone(), read_search_value(value)?)))
                        .collect::<Read<_>>()?,
                }
            }
            "WorkflowPropertiesModified" => {
                let all = object(fields, "upsertedMemo", "fields");
                EventKind::WorkflowPropertiesModified {
                    memo: all
                        .map(|(name, value)| Ok((name.clone(), read_payload(value)?)))
                        .collect::<Read<_>>()?,
                }
            }
            "WorkflowExecutionSignaled" => EventKind::WorkflowExecutionSignaled {
                name: wanted(fields, "signalName")?.to_owned(),
                input: input()?,
            },
            "WorkflowExecutionUpdateAccepted" => {
                let request = fields.get("acceptedRequest");
                let asked = request.and_then(|request| request.get("input"));
                let asked = asked.ok_or("it does not hold the request of the update")?;
                EventKind::WorkflowExecutionUpdateAccepted {
                    update_id: wanted(fields, "protocolInstanceId")?.to_owned(),
                    name: wanted(asked, "name")?.to_owned(),
                    input: read_payloads(asked.get("args"))?,
                }
            }
            "WorkflowExecutionUpdateCompleted" => {
                let meta = fields.get("meta").unwrap_or(&Value::Null);
                let outcome = fields.get("outcome").unwrap_or(&Value::Null);
                EventKind::WorkflowExecutionUpdateCompleted {
                    update_id: wanted(meta, "updateId")?.to_owned(),
                    result: match outcome.get("failure") {
                        Some(failure) => Err(read_failure(Some(failure))?),
                        None => Ok(read_payloads(outcome.get("success"))?),
                    },
                }
            }
            "WorkflowExecutionCancelRequested" => EventKind::WorkflowExecutionCancelRequested {
                reason: text(fields, "cause").unwrap_or_default().to_owned(),
            },
            "WorkflowExecutionCompleted" => EventKind::WorkflowExecutionCompleted {
                result: read_payloads(fields.get("result"))?,
            },
            "WorkflowExecutionFailed" => EventKind::WorkflowExecutionFailed {
                failure: read_failure(fields.get("failure"))?,
                retry_state: read_retry_state(fields.get("retryState")),
                next: next_attempt(fields)?,
            },
            "WorkflowExecutionTimedOut" => EventKind::WorkflowExecutionTimedOut {
                retry_state: read_retry_state(fields.get("retryState")),
                next: next_attempt(fields)?,
            },
            "WorkflowExecutionContinuedAsNew" => EventKind::WorkflowExecutionContinuedAsNew {
                new_run_id: read_run_id(text(fields, "newExecutionRunId"))?,
                workflow_type: type_name(fields, "workflowType")?,
                input: input()?,
            },
            "WorkflowExecutionCanceled" => EventKind::WorkflowExecutionCanceled,
            "WorkflowExecutionTerminated" => EventKind::WorkflowExecutionTerminated {
                reason: text(fields, "reason").unwrap_or_default().to_owned(),
                next: read_replaced_by(fields.get("details")),
            },
            other => return Err(format!("this engine has no event of the type {other:?}")),
        }))
    }

    /// The event that a field names.
    fn named(&self, fields: &Value, field: &str) -> Read<EventId> {
        let old = number(fields.get(field)).ok_or_else(|| format!("it has no {field:?}"))?;
        let new = self.ids.get(&old).copied();
        new.ok_or_else(|| format!("its {field:?} names event {old}, which does not come before it"))
    }

    fn attempt(&self, scheduled_event_id: EventId) -> u32 {
        self.attempts.get(&scheduled_event_id).copied().unwrap_or(1)
    }

    /// Which operation of the body it is: as the id says, or the next one.
    fn seq(&mut self, id: Option<&str>) -> Seq {
        let next = self.last_seq.saturating_add(1);
        let seq = id.and_then(|id| id.parse().ok()).unwrap_or(next);
        self.last_seq = seq;
        Seq(seq)
    }

    /// An activity that another engine asked for.
    fn scheduled(&mut self, fields: &Value) -> Read<EventKind> {
        let default = ActivityOptions::default();
        let schedule_to_close = read_limit(fields.get("scheduleToCloseTimeout"))?;
        let start_to_close = read_limit(fields.get("startToCloseTimeout"))?;
        Ok(EventKind::ActivityTaskScheduled {
            seq: self.seq(text(fields, "activityId")),
            activity_type: type_name(fields, "activityType")?,
            input: read_payloads(fields.get("input"))?,
            options: ActivityOptions {
                schedule_to_start: read_limit(fields.get("scheduleToStartTimeout"))?,
                start_to_close: start_to_close
                    .or(schedule_to_close)
                    .unwrap_or(default.start_to_close),
                schedule_to_close,
                heartbeat: read_limit(fields.get("heartbeatTimeout"))?,
                retry: match fields.get("retryPolicy") {
                    Some(policy) => read_retry_policy(policy)?,
                    None => default.retry,
                },
                stage: String::new(),
                breaker: String::new(),
                semaphore: None,
            },
        })
    }

    fn activity_failed(&self, fields: &Value) -> Read<EventKind> {
        let scheduled_event_id = self.named(fields, "scheduledEventId")?;
        let attempt = self.attempt(scheduled_event_id);
        let failure = read_failure(fields.get("failure"))?;
        let retry_state = read_retry_state(fields.get("retryState"));
        let retry_state = retry_state.unwrap_or(RetryState::NonRetryableFailure);
        Ok(match timeout_of(&failure) {
            Some(timeout) => EventKind::ActivityTaskTimedOut {
                scheduled_event_id,
                attempt,
                timeout,
                failure,
                retry_state,
            },
            None => EventKind::ActivityTaskFailed {
                scheduled_event_id,
                attempt,
                failure,
                retry_state,
            },
        })
    }
}

/// What this engine kept of its own event, with the input that stands in the open; `Ok(None)` when
/// another engine wrote it.
fn kept(fields: &Value, name: &str, open: Payload) -> Read<Option<EventKind>> {
    let header = fields.get("header").and_then(|header| header.get("fields"));
    let Some(value) = header.and_then(|fields| fields.get(HEADER)) else {
        return Ok(None);
    };
    let payload = read_payload(value)?.unwrap_or_else(Payload::null);
    let kind: Option<EventKind> = payload.decode().ok();
    let mut kind = kind
        .filter(|kind| kind.name() == name)
        .ok_or_else(|| format!("its header {HEADER:?} is of another version or was changed"))?;
    if let EventKind::WorkflowExecutionStarted { input, .. }
    | EventKind::ActivityTaskScheduled { input, .. }
    | EventKind::StartChildWorkflowExecutionInitiated { input, .. } = &mut kind
    {
        *input = open;
    }
    Ok(Some(kind))
}

/// The start of a run of another engine.
fn start(run_id: RunId, fields: &Value) -> Read<EventKind> {
    let first_run_id = read_run_id(text(fields, "firstExecutionRunId")).ok();
    let continued_from = read_run_id(text(fields, "continuedExecutionRunId")).ok();
    let parent = fields
        .get("parentWorkflowExecution")
        .filter(|parent| !parent.is_null());
    let initiator = match bare(fields.get("initiator"), "CONTINUE_AS_NEW_INITIATOR_").as_str() {
        "Retry" => Initiator::Retry,
        _ => Initiator::ContinueAsNew,
    };
    Ok(EventKind::WorkflowExecutionStarted {
        workflow_type: type_name(fields, "workflowType")?,
        input: read_payloads(fields.get("input"))?,
        parent: match parent {
            Some(parent) => Some(ParentRef {
                workflow_id: WorkflowId::new(wanted(parent, "workflowId")?),
                run_id: read_run_id(text(parent, "runId"))?,
                initiated_event_id: EventId(
                    number(fields.get("parentInitiatedEventId")).unwrap_or(0),
                ),
                policy: read_close_policy(None),
            }),
            None => None,
        },
        seed: crate::decide::seed_of(run_id),
        options: options(fields)?,
        chain: Chain {
            first_run_id: first_run_id.filter(|first| *first != run_id),
            continued_from,
            initiator: continued_from.map(|_| initiator),
            attempt: number(fields.get("attempt"))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
            deadline: text(fields, "workflowExecutionExpirationTime").and_then(time::read),
            first_task_delay: read_limit(fields.get("firstWorkflowTaskBackoff"))?,
            origin: None,
        },
    })
}

fn options(fields: &Value) -> Read<WorkflowOptions> {
    let mut search_attributes = SearchAttributes::new();
    for (name, value) in object(fields, "searchAttributes", "indexedFields") {
        search_attributes.extend(read_search_value(value)?.map(|value| (name.clone(), value)));
    }
    let mut memo = Memo::new();
    for (name, value) in object(fields, "memo", "fields") {
        memo.extend(read_payload(value)?.map(|value| (name.clone(), value)));
    }
    Ok(WorkflowOptions {
        execution_timeout: read_limit(fields.get("workflowExecutionTimeout"))?,
        run_timeout: read_limit(fields.get("workflowRunTimeout"))?,
        retry: fields
            .get("retryPolicy")
            .map(read_retry_policy)
            .transpose()?,
        search_attributes,
        memo,
    })
}

/// Why a child was not started: as this engine kept it, or in the words of the cause.
fn not_started(fields: &Value) -> Failure {
    let kept = text(fields, "control").and_then(|kept| serde_json::from_str::<Value>(kept).ok());
    if let Some(failure) = kept.and_then(|kept| read_failure(Some(&kept)).ok()) {
        return failure;
    }
    let prefix = "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_";
    let error_type = match bare(fields.get("cause"), prefix).as_str() {
        "WorkflowAlreadyExists" => "WorkflowExecutionAlreadyStarted",
        _ => "StartRejected",
    };
    let child = text(fields, "workflowId").unwrap_or_default();
    Failure::permanent(
        error_type,
        format!("the child workflow {child} could not be started"),
    )
}

fn next_attempt(fields: &Value) -> Read<Option<NextAttempt>> {
    match text(fields, "newExecutionRunId") {
        None | Some("") => Ok(None),
        run_id @ Some(_) => Ok(Some(NextAttempt {
            run_id: read_run_id(run_id)?,
            delay: Millis(0),
        })),
    }
}

fn marker(fields: &Value) -> Read<Marker> {
    let name = wanted(fields, "markerName")?;
    let detail = |key: &str| {
        let value = fields.get("details").and_then(|details| details.get(key));
        read_payloads(value)
    };
    let json = |key: &str| -> Read<Value> {
        let value = detail(key)?.decode();
        value.map_err(|_| format!("the marker {name:?} holds no JSON"))
    };
    Ok(match name {
        "stage" => {
            let stage = json("stage")?;
            Marker::Stage {
                name: wanted(&stage, "name")?.to_owned(),
                total: stage.get("total").and_then(Value::as_u64),
            }
        }
        "core_patch" => {
            let patch = json("patch-data")?;
            let deprecated = patch.get("deprecated").and_then(Value::as_bool) == Some(true);
            Marker::Patch {
                id: wanted(&patch, "id")?.to_owned(),
                state: if deprecated {
                    PatchState::Deprecated
                } else {
                    PatchState::Active
                },
            }
        }
        "SideEffect" => Marker::SideEffect {
            value: detail("data")?,
        },
        "core_local_activity" => {
            let data = json("data")?;
            let number = |key: &str| {
                let number = data.get(key).and_then(Value::as_u64);
                let number = number.and_then(|n| u32::try_from(n).ok());
                number.ok_or_else(|| format!("the marker {name:?} has no {key:?}"))
            };
            let outcome = read_local_outcome(&data, fields)?;
            Marker::LocalActivity {
                seq: Seq(number("seq")?),
                activity_type: wanted(&data, "activity_type")?.to_owned(),
                attempt: number("attempt")?,
                outcome,
            }
        }
        other => return Err(format!("this engine has no marker {other:?}")),
    })
}

fn text<'a>(fields: &'a Value, field: &str) -> Option<&'a str> {
    fields.get(field).and_then(Value::as_str)
}

fn wanted<'a>(fields: &'a Value, field: &str) -> Read<&'a str> {
    text(fields, field).ok_or_else(|| format!("it has no {field:?}"))
}

fn type_name(fields: &Value, field: &str) -> Read<String> {
    let name = fields.get(field).and_then(|kind| text(kind, "name"));
    name.map(ToOwned::to_owned)
        .ok_or_else(|| format!("it has no {field:?}"))
}

fn execution<'a>(fields: &'a Value, field: &str) -> Option<&'a str> {
    fields
        .get("workflowExecution")
        .and_then(|execution| text(execution, field))
}

fn read_run_id(text: Option<&str>) -> Read<RunId> {
    let text = text.unwrap_or_default();
    text.parse()
        .map_err(|error| format!("{text:?} is no run id: {error}"))
}

fn object<'a>(
    fields: &'a Value,
    field: &str,
    inner: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let all = fields.get(field).and_then(|value| value.get(inner));
    all.and_then(Value::as_object).into_iter().flatten()
}
