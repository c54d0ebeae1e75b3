//! Every input of `decide`: good, told twice, stale, not legal.

mod activities;
mod commands;
mod held;

use super::*;
use crate::command::Command;
use crate::event::{EventKind, Note};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
use crate::limits;
use crate::marker::Marker;
use crate::options::{ActivityOptions, ChildOptions, RetryPolicy, RetryState};
use crate::payload::Payload;
use crate::primitives::{activity, workflow_task};
use crate::run_state::RunState;
use crate::testing::json;

const ACTIVITY: EventId = EventId(3);
const TIMER: EventId = EventId(4);
const CHILD: EventId = EventId(5);
const RUN: RunId = RunId([1; 16]);

fn request(workflow_id: &str, input: Payload) -> StartRequest {
    StartRequest::new(WorkflowId::new(workflow_id), RUN, "report", input)
}

fn schedule(seq: u32, options: ActivityOptions) -> Command {
    let activity_type = "Fetch".to_owned();
    Command::ScheduleActivityTask {
        seq: Seq(seq),
        activity_type,
        input: json(&1),
        options,
    }
}

fn options() -> ActivityOptions {
    ActivityOptions {
        retry: RetryPolicy {
            maximum_attempts: 3,
            ..RetryPolicy::default()
        },
        schedule_to_start: Some(Millis(2_000)),
        schedule_to_close: Some(Millis(60_000)),
        ..ActivityOptions::default()
    }
}

/// A run at time 0 with an activity (event 3), a timer (4) and a child (5), all just begun.
fn run() -> Run {
    let (state, _) = start(request("nightly", json(&1)), Timestamp(0)).unwrap();
    let mut run = Run {
        state,
        now: Timestamp(0),
    };
    let child = Command::StartChildWorkflowExecution {
        seq: Seq(3),
        workflow_id: WorkflowId::new("nightly/child"),
        workflow_type: "part".to_owned(),
        input: json(&1),
        options: ChildOptions::default(),
    };
    let timer = Command::StartTimer {
        seq: Seq(2),
        start_to_fire: Millis(500),
    };
    run.ok(task(vec![schedule(1, options()), timer, child]));
    run
}

fn task(commands: Vec<Command>) -> Input {
    Input::WorkflowTaskCompleted {
        commands,
        successor: None,
    }
}

struct Run {
    state: RunState,
    now: Timestamp,
}

impl Run {
    /// Takes an input that must be legal; gives the kinds of its events and its notes.
    fn ok(&mut self, input: Input) -> (Vec<EventKind>, Vec<Note>) {
        let transition = decide(&self.state, input, self.now).unwrap();
        self.state.apply(&transition).unwrap();
        (
            transition.events.into_iter().map(|e| e.kind).collect(),
            transition.notes,
        )
    }

    fn event(&mut self, input: Input) -> EventKind {
        let (mut events, notes) = self.ok(input);
        assert!(
            events.len() == 1 && notes.is_empty(),
            "{events:?} {notes:?}"
        );
        events.remove(0)
    }

    fn note(&mut self, input: Input) -> Note {
        let (events, mut notes) = self.ok(input);
        assert!(
            events.is_empty() && notes.len() == 1,
            "{events:?} {notes:?}"
        );
        notes.remove(0)
    }

    fn refused(&self, input: Input) -> Rejection {
        decide(&self.state, input, self.now).unwrap_err()
    }

    fn over_limit(&self, input: Input) -> String {
        let rejection = self.refused(input);
        let Rejection::OverLimit(text) = rejection else {
            panic!("not over a limit: {rejection:?}")
        };
        text
    }
}

fn result(attempt: u32, result: Result<Payload, Failure>) -> Input {
    Input::ActivityResult {
        scheduled_event_id: ACTIVITY,
        attempt,
        result,
    }
}

fn timeout(attempt: u32, timeout: TimeoutType) -> Input {
    Input::ActivityTimeout {
        scheduled_event_id: ACTIVITY,
        attempt,
        timeout,
    }
}

fn deferred(attempt: u32, until: i64) -> Input {
    let until = Timestamp(until);
    Input::ActivityDeferred {
        scheduled_event_id: ACTIVITY,
        attempt,
        until,
    }
}

fn heartbeat(attempt: u32) -> Input {
    Input::ActivityHeartbeat {
        scheduled_event_id: ACTIVITY,
        attempt,
        details: json(&attempt),
    }
}

fn busy() -> Failure {
    Failure::retryable("Busy", "the service is busy")
}

fn cancel_activity(run: &mut Run) {
    run.ok(Input::Signal {
        name: "wake".to_owned(),
        input: Payload::null(),
    });
    run.ok(task(vec![Command::RequestCancelActivityTask {
        seq: Seq(1),
    }]));
}

#[test]
fn a_start_needs_an_id_a_type_and_an_input_within_the_limits() {
    let at = Timestamp(0);
    let long = "x".repeat(limits::WORKFLOW_ID_BYTES_MAX + 1);
    assert!(start(request("", json(&1)), at).is_err());
    assert!(start(request(&long, json(&1)), at).is_err());
    let big = json(&"x".repeat(limits::PAYLOAD_BYTES_MAX));
    assert!(start(request("nightly", big), at).is_err());
    let nameless = StartRequest {
        workflow_type: String::new(),
        ..request("nightly", json(&1))
    };
    assert!(start(nameless, at).is_err());
    let (state, transition) = start(request("nightly", json(&1)), at).unwrap();
    assert_eq!((state.transitions, transition.events.len()), (1, 1));
}

#[test]
fn a_timer_fires_once_and_not_before_its_time() {
    let mut run = run();
    let due = || Input::TimerDue {
        started_event_id: TIMER,
    };
    run.now = Timestamp(499);
    assert_eq!(run.refused(due()), Rejection::NotDue(Timestamp(500)));
    run.now = Timestamp(500);
    assert_eq!(run.event(due()).name(), "TimerFired");
    assert_eq!(run.refused(due()), Rejection::NotPending(TIMER));
    let other = Input::TimerDue {
        started_event_id: ACTIVITY,
    };
    assert_eq!(run.refused(other), Rejection::NotPending(ACTIVITY));
}

#[test]
fn a_child_starts_once_then_closes_once() {
    let mut run = run();
    let started = || Input::ChildStarted {
        initiated_event_id: CHILD,
        run_id: RunId([2; 16]),
    };
    let closed = |outcome| Input::ChildClosed {
        initiated_event_id: CHILD,
        outcome,
    };
    let early = run.refused(closed(ChildOutcome::Canceled));
    assert_eq!(early, Rejection::NotPending(CHILD));
    assert!(run.state.children[&CHILD].input.is_some());
    assert_eq!(run.event(started()).name(), "ChildWorkflowExecutionStarted");
    assert_eq!(
        run.state.children[&CHILD].input, None,
        "a started child has its own copy"
    );
    assert_eq!(run.refused(started()), Rejection::NotPending(CHILD));
    let failed = Input::ChildStartFailed {
        initiated_event_id: CHILD,
        failure: busy(),
    };
    assert_eq!(run.refused(failed), Rejection::NotPending(CHILD));
    let event = run.event(closed(ChildOutcome::Completed(json(&1))));
    assert_eq!(event.name(), "ChildWorkflowExecutionCompleted");
    let again = run.refused(closed(ChildOutcome::Completed(json(&1))));
    assert_eq!(again, Rejection::NotPending(CHILD));
}

#[test]
fn every_outcome_of_a_child_has_its_event() {
    fn check(outcome: ChildOutcome, expected: &str) {
        let mut run = run();
        let (initiated_event_id, run_id) = (CHILD, RunId([2; 16]));
        run.event(Input::ChildStarted {
            initiated_event_id,
            run_id,
        });
        let event = run.event(Input::ChildClosed {
            initiated_event_id,
            outcome,
        });
        assert_eq!(event.name(), expected);
    }
    check(ChildOutcome::Failed(busy()), "ChildWorkflowExecutionFailed");
    check(ChildOutcome::Canceled, "ChildWorkflowExecutionCanceled");
    check(ChildOutcome::Terminated, "ChildWorkflowExecutionTerminated");
    let mut run = run();
    let event = run.event(Input::ChildStartFailed {
        initiated_event_id: CHILD,
        failure: busy(),
    });
    assert_eq!(event.name(), "StartChildWorkflowExecutionFailed");
}

#[test]
fn a_child_can_be_canceled_before_it_has_started() {
    let mut run = run();
    run.ok(Input::Signal {
        name: "wake".to_owned(),
        input: Payload::null(),
    });
    run.ok(task(vec![Command::RequestCancelChildWorkflowExecution {
        seq: Seq(3),
    }]));
    let (initiated_event_id, run_id) = (CHILD, RunId([2; 16]));
    run.event(Input::ChildStarted {
        initiated_event_id,
        run_id,
    });
    let outcome = ChildOutcome::Canceled;
    let event = run.event(Input::ChildClosed {
        initiated_event_id,
        outcome,
    });
    assert_eq!(event.name(), "ChildWorkflowExecutionCanceled");
}

#[test]
fn signals_are_bounded_in_size_number_and_the_length_of_the_history() {
    let mut run = run();
    let signal = |name: &str, input: Payload| Input::Signal {
        name: name.to_owned(),
        input,
    };
    let event = run.event(signal("add", json(&1)));
    assert_eq!(event.name(), "WorkflowExecutionSignaled");
    assert!(
        run.over_limit(signal("", json(&1)))
            .contains("the name of a signal")
    );
    let big = json(&"x".repeat(limits::PAYLOAD_BYTES_MAX));
    assert!(
        run.over_limit(signal("add", big))
            .contains("the signal's input")
    );
    run.state.history_bytes = limits::HISTORY_BYTES_MAX;
    assert!(run.over_limit(signal("add", json(&1))).contains("bytes"));
    run.state.history_bytes = 0;
    run.state.signals = limits::SIGNALS_MAX;
    assert!(run.over_limit(signal("add", json(&1))).contains("signals"));
}

#[test]
fn a_cancellation_is_asked_for_once() {
    let mut run = run();
    let request = |reason: &str| Input::CancelRequest {
        reason: reason.to_owned(),
    };
    run.over_limit(request(&"x".repeat(limits::REASON_BYTES_MAX + 1)));
    assert_eq!(
        run.event(request("enough")).name(),
        "WorkflowExecutionCancelRequested"
    );
    assert_eq!(run.refused(request("enough")), Rejection::AlreadyRequested);
}

#[test]
fn nothing_happens_to_a_closed_run() {
    let mut run = run();
    let stop = || Input::Terminate {
        reason: "enough".to_owned(),
    };
    assert_eq!(run.event(stop()).name(), "WorkflowExecutionTerminated");
    let inputs = [
        stop(),
        result(1, Ok(json(&5))),
        timeout(1, TimeoutType::StartToClose),
        heartbeat(1),
        deferred(1, 5),
        Input::TimerDue {
            started_event_id: TIMER,
        },
        Input::ChildStarted {
            initiated_event_id: CHILD,
            run_id: RUN,
        },
        Input::ChildStartFailed {
            initiated_event_id: CHILD,
            failure: busy(),
        },
        Input::ChildClosed {
            initiated_event_id: CHILD,
            outcome: ChildOutcome::Canceled,
        },
        Input::Signal {
            name: "add".to_owned(),
            input: json(&1),
        },
        Input::CancelRequest {
            reason: "enough".to_owned(),
        },
        task(Vec::new()),
        Input::WorkflowTaskFailed { failure: busy() },
    ];
    for input in inputs {
        assert_eq!(run.refused(input), Rejection::Closed);
    }
    assert!(run.state.activities.is_empty() && run.state.timers.is_empty());
    assert_eq!(run.state.closed_at, Some(run.now));
}

#[test]
fn a_workflow_task_completes_only_when_one_is_owed() {
    let mut run = run();
    assert_eq!(run.refused(task(Vec::new())), Rejection::NoWorkflowTask);
    let failed = || Input::WorkflowTaskFailed {
        failure: Failure::internal("a panic"),
    };
    assert_eq!(run.refused(failed()), Rejection::NoWorkflowTask);
    run.now = Timestamp(500);
    run.event(Input::TimerDue {
        started_event_id: TIMER,
    });
    run.ok(task(Vec::new()));
    assert_eq!(run.refused(task(Vec::new())), Rejection::NoWorkflowTask);
}

#[test]
fn a_failing_workflow_task_waits_longer_each_time_and_is_counted_once() {
    let (state, _) = start(request("nightly", json(&1)), Timestamp(0)).unwrap();
    let mut run = Run {
        state,
        now: Timestamp(0),
    };
    let failed = || Input::WorkflowTaskFailed {
        failure: Failure::internal("a panic"),
    };
    for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        let Note::WorkflowTaskFailed {
            next_attempt_at, ..
        } = run.note(failed())
        else {
            panic!("the task failed")
        };
        assert_eq!(next_attempt_at.since(run.now), Millis(wait));
        assert_eq!(run.refused(failed()), Rejection::NotDue(next_attempt_at));
        run.now = next_attempt_at;
    }
    assert_eq!(
        run.state.workflow_task_failure.as_ref().unwrap().attempts,
        8
    );
    run.ok(task(Vec::new()));
    assert_eq!(run.state.workflow_task_failure, None);
}

#[test]
fn stages_count_what_was_begun_what_gave_a_result_and_what_failed() {
    let (state, _) = start(request("nightly", json(&1)), Timestamp(0)).unwrap();
    let mut run = Run {
        state,
        now: Timestamp(0),
    };
    let of_stage = || ActivityOptions {
        stage: "fetch".to_owned(),
        ..options()
    };
    let stage = Command::RecordMarker {
        marker: Marker::Stage {
            name: "fetch".to_owned(),
            total: Some(4),
        },
    };
    let commands = vec![stage, schedule(1, of_stage()), schedule(2, of_stage())];
    run.ok(task(commands));
    let end = |event, result| Input::ActivityResult {
        scheduled_event_id: EventId(event),
        attempt: 1,
        result,
    };
    run.event(end(4, Ok(json(&5))));
    run.event(end(5, Err(Failure::permanent("Broken", "it never works"))));
    let stage = &run.state.stages[0];
    assert_eq!(
        (stage.total, stage.scheduled, stage.done, stage.failed),
        (Some(4), 2, 1, 1)
    );
}
