//! What is written reads back; what others write is read; what is broken is told.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{export, import};
use crate::chain::{Chain, Initiator, NextAttempt, WorkflowOptions};
use crate::event::{EventKind, HistoryEvent, ParentRef};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::marker::{LocalOutcome, Marker, PatchState};
use crate::options::{
    ActivityOptions, ChildOptions, ParentClosePolicy, RetryPolicy, RetryState, Semaphore,
};
use crate::origin::{Base, Origin, ParentLink, Taking, UpdateRequest};
use crate::payload::{Encoding, Payload};
use crate::replay;
use crate::testing::{Outside, RUN, TestRun, bodies, json as value};
use crate::visibility::SearchValue;

fn local(outcome: LocalOutcome) -> Marker {
    Marker::LocalActivity {
        seq: Seq(7),
        activity_type: "Price".to_owned(),
        attempt: 2,
        outcome,
    }
}

fn id() -> WorkflowId {
    WorkflowId::new("test-run")
}

fn history(kinds: Vec<EventKind>) -> Vec<HistoryEvent> {
    let number = |(id, kind)| HistoryEvent {
        id: EventId(id),
        at: Timestamp(1_700_000_000_000),
        kind,
    };
    (1..).zip(kinds).map(number).collect()
}

fn started(options: WorkflowOptions, chain: Chain, parent: Option<ParentRef>) -> EventKind {
    EventKind::WorkflowExecutionStarted {
        workflow_type: "nightly".to_owned(),
        input: value(&[1, 2]),
        parent,
        seed: u64::MAX,
        options,
        chain,
    }
}

/// One event of every kind, with every option set.
fn origin() -> Origin {
    Origin {
        taking: Taking::Reset,
        at: Timestamp(1_700_000_000_000),
        bases: vec![Base {
            workflow_id: WorkflowId::new("before"),
            run_id: RunId([2; 16]),
            first_run_id: RunId([1; 16]),
            kept: EventId(3),
        }],
        copied: EventId(4),
        parent: ParentLink::LeftBehind,
        updates: vec![UpdateRequest {
            update_id: "u1".to_owned(),
            name: "bump".to_owned(),
            input: value("a"),
        }],
        reason: "mended".to_owned(),
    }
}

fn everything() -> Vec<HistoryEvent> {
    let options = WorkflowOptions {
        execution_timeout: Some(Millis(90_000)),
        run_timeout: Some(Millis(1)),
        retry: Some(RetryPolicy::once()),
        search_attributes: [("Team".to_owned(), SearchValue::Int(-3))].into(),
        memo: [("note".to_owned(), value("read me"))].into(),
    };
    let chain = Chain {
        first_run_id: Some(RunId([1; 16])),
        continued_from: Some(RunId([2; 16])),
        initiator: Some(Initiator::Retry),
        attempt: 3,
        deadline: Some(Timestamp(1_800_000_000_000)),
        first_task_delay: Some(Millis(250)),
        origin: Some(Box::new(origin())),
    };
    let parent = ParentRef {
        workflow_id: WorkflowId::new("above"),
        run_id: RunId([3; 16]),
        initiated_event_id: EventId(4),
        policy: ParentClosePolicy::Abandon,
    };
    let activity = |seq| EventKind::ActivityTaskScheduled {
        seq: Seq(seq),
        activity_type: "work".to_owned(),
        input: value(&seq),
        options: ActivityOptions {
            schedule_to_start: Some(Millis(5)),
            heartbeat: Some(Millis(7)),
            stage: "mine".to_owned(),
            breaker: "model".to_owned(),
            semaphore: Some(Semaphore {
                key: "gpu".to_owned(),
                permits: 2,
            }),
            ..ActivityOptions::default()
        },
    };
    let child = |seq| EventKind::StartChildWorkflowExecutionInitiated {
        seq: Seq(seq),
        workflow_id: WorkflowId::new(format!("child-{seq}")),
        workflow_type: "shard".to_owned(),
        input: value(&seq),
        options: ChildOptions {
            parent_close_policy: ParentClosePolicy::RequestCancel,
            stage: "mine".to_owned(),
            workflow: options.clone(),
        },
    };
    let event = EventId;
    let busy = Failure::retryable("Busy", "é").retry_after(Millis(1_500));
    let late = |timeout| Failure::timeout(timeout, "late").caused_by(busy.clone());
    let timed_out = |scheduled_event_id, attempt, timeout| EventKind::ActivityTaskTimedOut {
        scheduled_event_id,
        attempt,
        timeout,
        failure: late(timeout),
        retry_state: RetryState::Timeout,
    };
    let mut kinds = vec![
        started(options.clone(), chain, Some(parent)),
        EventKind::WorkflowTaskCompleted,
        activity(1),
        activity(2),
        activity(3),
        activity(4),
        activity(5), // 7
        EventKind::TimerStarted {
            seq: Seq(6),
            start_to_fire: Millis(1_234),
        },
        EventKind::TimerStarted {
            seq: Seq(7),
            start_to_fire: Millis(0),
        },
        child(8), // 10
        child(9),
        child(10),
        child(11),
        child(12),
        child(13), // 15
        EventKind::ActivityTaskCancelRequested {
            scheduled_event_id: event(7),
        },
        EventKind::TimerCanceled {
            started_event_id: event(9),
        },
        EventKind::ActivityTaskCompleted {
            scheduled_event_id: event(3),
            attempt: 4,
            result: Payload {
                encoding: Encoding::Named("binary/encrypted".to_owned()),
                data: vec![0, 255, 7],
            },
        },
        EventKind::ActivityTaskFailed {
            scheduled_event_id: event(4),
            attempt: 2,
            failure: busy.clone(),
            retry_state: RetryState::MaximumAttemptsReached,
        },
        timed_out(event(5), 1, TimeoutType::ScheduleToStart), // 20
        timed_out(event(6), 9, TimeoutType::Heartbeat),
        EventKind::ActivityTaskCanceled {
            scheduled_event_id: event(7),
        },
        EventKind::TimerFired {
            started_event_id: event(8),
        },
        EventKind::StartChildWorkflowExecutionFailed {
            initiated_event_id: event(10),
            failure: Failure::permanent("StartRejected", "no room"),
        },
    ];
    for initiated in 11..=15 {
        kinds.push(EventKind::ChildWorkflowExecutionStarted {
            initiated_event_id: event(initiated),
            run_id: RunId([9; 16]),
        });
    }
    kinds.extend([
        EventKind::RequestCancelExternalWorkflowExecutionInitiated {
            initiated_event_id: event(13),
        },
        EventKind::ChildWorkflowExecutionCompleted {
            initiated_event_id: event(11),
            result: value(&7),
        },
        EventKind::ChildWorkflowExecutionFailed {
            initiated_event_id: event(12),
            failure: Failure::internal("a hole"),
        },
        EventKind::ChildWorkflowExecutionCanceled {
            initiated_event_id: event(13),
        },
        EventKind::ChildWorkflowExecutionTerminated {
            initiated_event_id: event(14),
        },
        EventKind::ChildWorkflowExecutionTimedOut {
            initiated_event_id: event(15),
        },
        EventKind::WorkflowExecutionSignaled {
            name: "go".to_owned(),
            input: Payload::null(),
        },
        EventKind::WorkflowExecutionCancelRequested {
            reason: "enough".to_owned(),
        },
        EventKind::WorkflowTaskCompleted,
    ]);
    let markers = [
        Marker::Stage {
            name: "mine".to_owned(),
            total: None,
        },
        Marker::Patch {
            id: "faster".to_owned(),
            state: PatchState::Deprecated,
        },
        Marker::SideEffect { value: value(&4) },
        local(LocalOutcome::Completed(value(&5))),
        local(LocalOutcome::Failed(Failure::permanent("Broken", "no"))),
        local(LocalOutcome::BackOff {
            failure: Failure::retryable("Busy", "later"),
            delay: Millis(90_500),
        }),
    ];
    kinds.extend(markers.map(|marker| EventKind::MarkerRecorded { marker }));
    let words = ["a".to_owned(), "b".to_owned()].to_vec();
    let attributes = [
        ("Gone", None),
        ("When", Some(SearchValue::Datetime(Timestamp(5)))),
        ("Words", Some(SearchValue::KeywordList(words))),
        ("Share", Some(SearchValue::Double(0.5))),
        ("Ready", Some(SearchValue::Bool(true))),
        ("Text", Some(SearchValue::Text("two words".to_owned()))),
        ("Key", Some("one word".into())),
    ];
    kinds.extend([
        EventKind::UpsertWorkflowSearchAttributes {
            attributes: attributes.map(|(name, v)| (name.to_owned(), v)).into(),
        },
        EventKind::WorkflowPropertiesModified {
            memo: [("a".to_owned(), None), ("b".to_owned(), Some(value(&1)))].into(),
        },
    ]);
    for (update_id, result) in [("u", Ok(value(&3))), ("v", Err(busy))] {
        kinds.push(EventKind::WorkflowExecutionUpdateAccepted {
            update_id: update_id.to_owned(),
            name: "add".to_owned(),
            input: value(&2),
        });
        kinds.push(EventKind::WorkflowExecutionUpdateCompleted {
            update_id: update_id.to_owned(),
            result,
        });
    }
    history(kinds)
}

/// The last events that a history can have.
fn ends() -> Vec<EventKind> {
    let next = NextAttempt {
        run_id: RunId([5; 16]),
        delay: Millis(0),
    };
    vec![
        EventKind::WorkflowExecutionCompleted { result: value(&1) },
        EventKind::WorkflowExecutionFailed {
            failure: Failure::canceled("stopped").caused_by(Failure::terminated("ended")),
            retry_state: Some(RetryState::NonRetryableFailure),
            next: None,
        },
        EventKind::WorkflowExecutionFailed {
            failure: Failure::permanent("Fatal", "over"),
            retry_state: None,
            next: Some(next.clone()),
        },
        EventKind::WorkflowExecutionTimedOut {
            retry_state: None,
            next: None,
        },
        EventKind::WorkflowExecutionContinuedAsNew {
            new_run_id: next.run_id,
            workflow_type: "nightly".to_owned(),
            input: Payload::null(),
        },
        EventKind::WorkflowExecutionCanceled,
        EventKind::WorkflowExecutionTerminated {
            reason: "enough".to_owned(),
            next: Some(RunId([5; 16])),
        },
    ]
}

fn check_round_trip(events: &[HistoryEvent]) {
    let document = export(&id(), RUN, events);
    let text = document.to_string();
    let read = import(&serde_json::from_str(&text).unwrap()).unwrap();
    let (ids, events_read) = (read.document_ids, read.events);
    assert_eq!((read.workflow_id, read.run_id), (id(), RUN));
    assert_eq!(events_read, events);
    for (event, id) in events.iter().zip(ids) {
        let written = &document["events"][usize::try_from(id - 1).unwrap()]["eventType"];
        let name = written
            .as_str()
            .unwrap()
            .replace("EVENT_TYPE_", "")
            .replace('_', "");
        assert_eq!(name.to_lowercase(), event.kind.name().to_lowercase());
    }
}

#[test]
fn every_kind_of_event_reads_back_what_is_written() {
    check_round_trip(&everything());
    for end in ends() {
        let start = started(WorkflowOptions::default(), Chain::default(), None);
        check_round_trip(&history(vec![start, EventKind::WorkflowTaskCompleted, end]));
    }
}

#[test]
fn references_name_events_of_the_document_and_of_the_right_type() {
    let document = export(&id(), RUN, &everything());
    let events = document["events"].as_array().unwrap();
    let kind_of = |reference: &Value| {
        let id: usize = reference.as_str().unwrap().parse().unwrap();
        assert_eq!(events[id - 1]["eventId"], *reference);
        events[id - 1]["eventType"].as_str().unwrap()
    };
    let mut seen = 0;
    for event in events {
        let kind = event["eventType"].as_str().unwrap();
        let (_, fields) = event
            .as_object()
            .unwrap()
            .iter()
            .find(|(key, _)| key.ends_with("EventAttributes"))
            .unwrap();
        for (key, reference) in fields.as_object().unwrap() {
            let expected: &[&str] = match key.as_str() {
                "workflowTaskCompletedEventId" => &["EVENT_TYPE_WORKFLOW_TASK_COMPLETED"],
                "scheduledEventId" if kind.contains("WORKFLOW_TASK") => {
                    &["EVENT_TYPE_WORKFLOW_TASK_SCHEDULED"]
                }
                "scheduledEventId" => &["EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"],
                "initiatedEventId" => &["EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED"],
                "acceptedEventId" => &["EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED"],
                "startedEventId" => &[
                    "EVENT_TYPE_WORKFLOW_TASK_STARTED",
                    "EVENT_TYPE_ACTIVITY_TASK_STARTED",
                    "EVENT_TYPE_TIMER_STARTED",
                    "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED",
                ],
                _ => continue,
            };
            assert!(expected.contains(&kind_of(reference)), "{key} of {event}");
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} references were looked at");
}

/// Takes away all that this engine keeps for itself.
fn without_headers(mut document: Value) -> Value {
    for event in document["events"].as_array_mut().unwrap() {
        for (_, fields) in event.as_object_mut().unwrap() {
            if let Some(fields) = fields.as_object_mut() {
                fields.remove("header");
            }
        }
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_history_that_was_lived_reads_back_and_replays_also_without_headers(
        index in 0_usize..64,
        seed: u64,
    ) {
        let all = bodies::all();
        let (definition, n) = &all[index % all.len()];
        let mut run = TestRun::new(definition, value(n));
        run.run(seed, Outside::Cancels);
        let document = export(&id(), RUN, &run.history);
        let imported = import(&document).unwrap();
        prop_assert_eq!(&imported.events, &run.history);
        let foreign = import(&without_headers(document)).unwrap();
        prop_assert_eq!(foreign.events.len(), run.history.len());
        let replayed = replay(definition, foreign.workflow_id, RUN, &foreign.events);
        prop_assert!(replayed.is_ok(), "{}", replayed.unwrap_err());
    }

    /// Any leaf of the document may be replaced by anything.
    #[test]
    fn a_broken_document_is_told_and_never_panics(at in 0_usize..2_000, with in 0_usize..8) {
        let mut document = export(&id(), RUN, &everything());
        let spoils = [
            Value::Null, json!(-1), json!("x"), json!([]), json!({}), json!(1e300),
            json!("99999999999999999999s"), json!("é"),
        ];
        let mut left = at;
        spoil(&mut document, &mut left, &spoils[with]);
        if let Err(error) = import(&document) {
            prop_assert!(!error.why.is_empty());
        }
    }
}

/// Replaces the n-th value below this one.
fn spoil(value: &mut Value, left: &mut usize, with: &Value) {
    if *left == 0 {
        *value = with.clone();
        *left = usize::MAX;
        return;
    }
    *left -= 1;
    if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(|value| spoil(value, left, with));
    } else if let Some(fields) = value.as_object_mut() {
        fields
            .values_mut()
            .for_each(|value| spoil(value, left, with));
    }
}

#[test]
fn a_document_of_another_writer_is_read() {
    let payload = |data: &str| {
        json!({ "payloads": [
        { "metadata": { "encoding": "anNvbi9wbGFpbg==" }, "data": data }
    ] })
    };
    let event = |id: &str, kind: &str, key: &str, fields: Value| {
        json!({
            "eventId": id, "eventTime": "2026-01-01T00:00:00.000000001Z", "eventType": kind,
            "taskId": "1048576", key: fields,
        })
    };
    let run_id = RUN.to_string();
    let document = json!({ "events": [
        event("1", "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
            "workflowExecutionStartedEventAttributes", json!({
                "workflowType": { "name": "greet" }, "workflowId": "greet-ada",
                "input": payload("IkFkYSI="), "originalExecutionRunId": run_id,
                "firstExecutionRunId": run_id, "attempt": 1,
                "workflowExecutionTimeout": "0s", "workflowRunTimeout": "60s",
            })),
        event("2", "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
            "workflowTaskScheduledEventAttributes", json!({})),
        event("3", "EVENT_TYPE_WORKFLOW_TASK_STARTED",
            "workflowTaskStartedEventAttributes", json!({})),
        event("4", "EVENT_TYPE_WORKFLOW_TASK_COMPLETED",
            "workflowTaskCompletedEventAttributes", json!({})),
        event("5", "ActivityTaskScheduled", "activityTaskScheduledEventAttributes", json!({
            "activityId": "1", "activityType": { "name": "Greet" },
            "input": payload("IkFkYSI="), "startToCloseTimeout": "10s",
        })),
        event("6", "EVENT_TYPE_ACTIVITY_TASK_STARTED", "activityTaskStartedEventAttributes",
            json!({ "scheduledEventId": "5", "attempt": 2 })),
        event("7", "EVENT_TYPE_ACTIVITY_TASK_FAILED", "activityTaskFailedEventAttributes",
            json!({
                "scheduledEventId": "5", "startedEventId": "6",
                "retryState": "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED",
                "failure": {
                    "message": "gone", "source": "GoSDK",
                    "applicationFailureInfo": { "type": "Lost" },
                },
            })),
    ] });
    let read = import(&document).unwrap();
    assert_eq!(read.workflow_id.as_str(), "greet-ada");
    let names: Vec<_> = read.events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(
        names,
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskCompleted",
            "ActivityTaskScheduled",
            "ActivityTaskFailed"
        ]
    );
    assert_eq!(
        read.events[3].kind,
        EventKind::ActivityTaskFailed {
            scheduled_event_id: EventId(3),
            attempt: 2,
            failure: Failure::retryable("Lost", "gone"),
            retry_state: RetryState::MaximumAttemptsReached,
        }
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_event() {
    let whole = export(&id(), RUN, &everything());
    let check = |change: &dyn Fn(&mut Value), says: &str| {
        let mut document = whole.clone();
        change(&mut document);
        let error = import(&document).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    let start = "workflowExecutionStartedEventAttributes";
    check(&|d| *d = json!([1]), "no list of \"events\"");
    check(&|d| d["events"] = json!([]), "no events");
    check(
        &|d| d["events"][0][start]["workflowId"] = Value::Null,
        "need a \"workflowId\"",
    );
    check(
        &|d| d["events"][2]["eventId"] = json!("9"),
        "at event 3: its \"eventId\" should be 3",
    );
    check(&|d| d["events"][4]["eventTime"] = json!("noon"), "RFC 3339");
    check(
        &|d| d["events"][2]["eventType"] = json!("EVENT_TYPE_NEXUS_OPERATION_STARTED"),
        "no event of the type \"NexusOperationStarted\"",
    );
    check(
        &|d| d["events"][0][start]["input"] = json!({ "payloads": [{}, {}] }),
        "2 values",
    );
    check(
        &|d| d["events"][0][start]["input"]["payloads"][0]["data"] = json!("*"),
        "base64",
    );
}
