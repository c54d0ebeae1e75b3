//! Properties of whole runs: the fold, cut histories, random inputs, the written form.

use proptest::prelude::*;

use super::{NEXT_RUN, Outside, RUN, TestRun, bodies, json, whole_turn};
use crate::decide::{ChildOutcome, Input, decide};
use crate::event::{AfterReset, Attempts, EventKind, HeartbeatDetails, HistoryEvent, Transition};
use crate::failure::{Failure, TimeoutType};
use crate::ids::{EventId, Millis, RunId, Seq, Timestamp};
use crate::machine::Definition;
use crate::options::{ActivityOptions, ChildOptions, RetryPolicy};
use crate::replay::replay;
use crate::run_state::RunState;
use crate::{Command, LocalOutcome, Marker, WorkflowId};

fn finished(index: usize, seed: u64, outside: Outside) -> (Definition, TestRun) {
    let mut all = bodies::all();
    let (definition, input) = all.swap_remove(index % all.len());
    let mut run = TestRun::new(&definition, json(&input));
    run.run(seed, outside);
    (definition, run)
}

fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![Just(Outside::Quiet), Just(Outside::Cancels)]
}

fn fold(transitions: &[Transition]) -> RunState {
    let first = &transitions[0].events[0];
    let mut state = RunState::started(WorkflowId::new("test-run"), RUN, first).unwrap();
    for transition in transitions {
        state.apply(transition).unwrap();
    }
    state
}

/// Replays a history up to `cut`, then drives the machine with the news that the rest of the
/// history brings; gives the events that come of it.
fn go_on(definition: &Definition, history: &[HistoryEvent], cut: usize) -> Vec<HistoryEvent> {
    let id = WorkflowId::new("test-run");
    let mut at = replay(definition, id, RUN, &history[..cut]).unwrap();
    let mut made = history[..cut].to_vec();
    for event in &history[cut..] {
        if event.kind == EventKind::WorkflowTaskCompleted {
            let news = std::mem::take(&mut at.unseen);
            let turn = at.state.turn_start(event.at);
            let commands = whole_turn(&mut at.machine, news, turn);
            let input = Input::WorkflowTaskCompleted {
                commands,
                successor: Some(NEXT_RUN),
            };
            let transition = decide(&at.state, input, event.at).unwrap();
            at.state.apply(&transition).unwrap();
            made.extend(transition.events);
        } else if !event.kind.is_command() {
            at.unseen.extend(at.state.apply_event(event).unwrap());
            made.push(event.clone());
        }
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_of_all_transitions_is_the_state_that_was_lived(
        index in 0_usize..64, seed: u64, outside in outside(),
    ) {
        let (_, run) = finished(index, seed, outside);
        let written = serde_json::to_string(&run.transitions).unwrap();
        let read: Vec<Transition> = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&read, &run.transitions);
        prop_assert_eq!(&fold(&read), &run.state);
        for cut in 1..read.len() {
            let text = serde_json::to_string(&fold(&read[..cut])).unwrap();
            let mut state: RunState = serde_json::from_str(&text).unwrap();
            for transition in &read[cut..] {
                state.apply(transition).unwrap();
            }
            prop_assert_eq!(&state, &run.state);
        }
    }

    #[test]
    fn a_history_cut_at_any_workflow_task_goes_on_the_same_way(
        index in 0_usize..64, seed: u64, outside in outside(),
    ) {
        let (definition, run) = finished(index, seed, outside);
        let is_task = |e: &HistoryEvent| e.kind == EventKind::WorkflowTaskCompleted;
        let tasks = (1..run.history.len()).filter(|i| is_task(&run.history[*i]));
        for cut in tasks.chain([run.history.len()]) {
            prop_assert_eq!(&go_on(&definition, &run.history, cut), &run.history);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_history(index in 0_usize..64, seed: u64) {
        let (_, once) = finished(index, seed, Outside::Cancels);
        let (_, again) = finished(index, seed, Outside::Cancels);
        prop_assert_eq!(once.history, again.history);
    }

    #[test]
    fn replay_of_a_finished_history_gives_the_state_and_no_news(index in 0_usize..64, seed: u64) {
        let (definition, run) = finished(index, seed, Outside::Quiet);
        let id = WorkflowId::new("test-run");
        let mut replayed = replay(&definition, id, RUN, &run.history).unwrap();
        prop_assert!(replayed.machine.is_done());
        prop_assert!(replayed.unseen.is_empty());
        replayed.state.transitions = run.state.transitions;
        prop_assert_eq!(replayed.state, run.state);
    }

    #[test]
    fn no_input_panics_and_every_decided_transition_folds(
        inputs in proptest::collection::vec(any_input(), 1..60),
    ) {
        let mut run = TestRun::new(&bodies::one("sequence"), json(&3));
        let mut transitions = run.transitions.clone();
        for input in inputs {
            run.now = run.now.after(Millis(700));
            if let Ok(transition) = decide(&run.state, input, run.now) {
                run.state.apply(&transition).unwrap();
                transitions.push(transition);
            }
        }
        prop_assert_eq!(fold(&transitions), run.state);
    }

    #[test]
    fn a_broken_history_never_panics_and_a_wrong_id_is_always_found(
        index in 0_usize..64, seed: u64, place: prop::sample::Index, id in any_id(),
    ) {
        let (definition, run) = finished(index, seed, Outside::Cancels);
        let mut history = run.history;
        let at = place.index(history.len());
        let replayed = |history: &[HistoryEvent]| {
            replay(&definition, WorkflowId::new("test-run"), RUN, history)
        };
        let right = std::mem::replace(&mut history[at].id, id);
        prop_assert_eq!(replayed(&history).is_ok(), id == right);
        history[at].id = right;
        // Another event's kind may or may not make sense here; it must only not panic.
        history[at].kind = history[place.index(at + 1)].kind.clone();
        let _either = replayed(&history);
    }
}

fn any_id() -> impl Strategy<Value = EventId> {
    prop_oneof![20 => (0_u64..40).prop_map(EventId), 1 => Just(EventId(u64::MAX))]
}

fn any_seq() -> impl Strategy<Value = Seq> {
    (0_u32..12).prop_map(Seq)
}

fn any_result() -> impl Strategy<Value = Result<crate::Payload, Failure>> {
    prop_oneof![
        Just(Ok(json(&1))),
        Just(Err(Failure::retryable("Busy", "busy"))),
        Just(Err(Failure::permanent("Broken", "broken"))),
        Just(Err(Failure::canceled("stopped"))),
        Just(Err(Failure::timeout(TimeoutType::StartToClose, "slow"))),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    let activity = (any_seq(), 0_u32..3).prop_map(|(seq, maximum_attempts)| {
        let retry = RetryPolicy {
            maximum_attempts,
            ..RetryPolicy::default()
        };
        let schedule_to_close = Some(Millis(4_000));
        let heartbeat = Some(Millis(10));
        let options = ActivityOptions {
            retry,
            schedule_to_close,
            heartbeat,
            stage: "one".to_owned(),
            ..ActivityOptions::default()
        };
        Command::ScheduleActivityTask {
            seq,
            activity_type: "Echo".to_owned(),
            input: json(&seq),
            options,
        }
    });
    let child = any_seq().prop_map(|seq| Command::StartChildWorkflowExecution {
        seq,
        workflow_id: WorkflowId::new("child"),
        workflow_type: "sequence".to_owned(),
        input: json(&1),
        options: ChildOptions::default(),
    });
    prop_oneof![
        6 => activity,
        3 => any_seq().prop_map(|seq| Command::StartTimer { seq, start_to_fire: Millis(900) }),
        3 => child,
        4 => any_seq().prop_map(|seq| Command::RequestCancelActivityTask { seq }),
        2 => any_seq().prop_map(|seq| Command::CancelTimer { seq }),
        2 => any_seq().prop_map(|seq| Command::RequestCancelChildWorkflowExecution { seq }),
        1 => Just(Command::RecordMarker {
            marker: Marker::Stage { name: "one".to_owned(), total: Some(3) },
        }),
        1 => any_seq().prop_map(|seq| Command::RecordMarker {
            marker: Marker::LocalActivity {
                seq,
                activity_type: "Echo".to_owned(),
                attempt: 1,
                outcome: LocalOutcome::Completed(json(&1)),
            },
        }),
        2 => (0_u64..4).prop_map(|n| Command::AcceptUpdate {
            update_id: n.to_string(), name: "add".to_owned(), input: json(&n),
        }),
        2 => (0_u64..4).prop_map(|n| Command::CompleteUpdate {
            update_id: n.to_string(), result: Ok(json(&n)),
        }),
    ]
}

fn any_timeout() -> impl Strategy<Value = TimeoutType> {
    prop_oneof![
        Just(TimeoutType::ScheduleToStart),
        Just(TimeoutType::StartToClose),
        Just(TimeoutType::ScheduleToClose),
        Just(TimeoutType::Heartbeat),
    ]
}

fn any_outcome() -> impl Strategy<Value = ChildOutcome> {
    prop_oneof![
        Just(ChildOutcome::Completed(json(&7))),
        Just(ChildOutcome::Failed(Failure::permanent("Broken", "broken"))),
        Just(ChildOutcome::Canceled),
        Just(ChildOutcome::Terminated),
        Just(ChildOutcome::TimedOut),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    let attempt = 1_u32..4;
    prop_oneof![
        8 => proptest::collection::vec(any_command(), 0..4)
            .prop_map(|commands| Input::WorkflowTaskCompleted {
                commands, successor: Some(NEXT_RUN),
            }),
        6 => (any_id(), attempt.clone(), any_result()).prop_map(
            |(scheduled_event_id, attempt, result)| Input::ActivityResult {
                scheduled_event_id, attempt, result,
            }),
        3 => (any_id(), attempt.clone(), any_timeout()).prop_map(
            |(scheduled_event_id, attempt, timeout)| Input::ActivityTimeout {
                scheduled_event_id, attempt, timeout,
            }),
        2 => (any_id(), attempt.clone()).prop_map(|(scheduled_event_id, attempt)| {
            Input::ActivityHeartbeat { scheduled_event_id, attempt, details: json(&attempt) }
        }),
        2 => (any_id(), attempt.clone(), 0_i64..5_000).prop_map(
            |(scheduled_event_id, attempt, at)| Input::ActivityHeld {
                scheduled_event_id, attempt, started_at: Timestamp(at),
            }),
        2 => (any_id(), attempt, 0_i64..5_000).prop_map(|(scheduled_event_id, attempt, until)| {
            Input::ActivityDeferred { scheduled_event_id, attempt, until: Timestamp(until) }
        }),
        3 => any_id().prop_map(|started_event_id| Input::TimerDue { started_event_id }),
        3 => any_id().prop_map(|initiated_event_id| {
            Input::ChildStarted { initiated_event_id, run_id: RunId([8; 16]) }
        }),
        1 => any_id().prop_map(|initiated_event_id| Input::ChildStartFailed {
            initiated_event_id,
            failure: Failure::permanent("Taken", "the id is taken"),
        }),
        3 => (any_id(), any_outcome()).prop_map(|(initiated_event_id, outcome)| {
            Input::ChildClosed { initiated_event_id, outcome }
        }),
        2 => Just(Input::Signal { name: "add".to_owned(), input: json(&1) }),
        1 => Just(Input::CancelRequest { reason: "enough".to_owned() }),
        1 => Just(Input::WorkflowTimeout { successor: Some(NEXT_RUN) }),
        2 => Just(Input::WorkflowTaskFailed { failure: Failure::internal("a panic") }),
        1 => Just(Input::LocalActivitiesRunning),
        4 => by_hand(),
    ]
}

/// What somebody does to a run or an activity by hand.
fn by_hand() -> impl Strategy<Value = Input> {
    let who = || "a person".to_owned();
    prop_oneof![
        Just(Input::Pause { reason: who() }),
        Just(Input::Unpause),
        any_id().prop_map(|scheduled_event_id| Input::ActivityRetryNow { scheduled_event_id }),
        any_id().prop_map(move |scheduled_event_id| {
            Input::ActivityPause {
                scheduled_event_id,
                by: who(),
                reason: who(),
            }
        }),
        (any_id(), any::<bool>()).prop_map(|(scheduled_event_id, again)| {
            let attempts = if again {
                Attempts::BeginAgain
            } else {
                Attempts::GoOn
            };
            Input::ActivityUnpause {
                scheduled_event_id,
                attempts,
            }
        }),
        (any_id(), any::<bool>()).prop_map(|(scheduled_event_id, lifted)| {
            let (heartbeat, after) = if lifted {
                (HeartbeatDetails::Clear, AfterReset::GoesOn)
            } else {
                (HeartbeatDetails::Keep, AfterReset::StaysPaused)
            };
            Input::ActivityReset {
                scheduled_event_id,
                heartbeat,
                after,
            }
        }),
    ]
}
