//! Resets and forks at every point of recorded histories, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::command::Command;
use crate::cx::Cx;
use crate::failure::Failure;
use crate::ids::Millis;
use crate::machine::Definition;
use crate::options::ActivityOptions;
use crate::reset::preview::{ActivityFate, ChildFate, ChildPlan, Ended};
use crate::testing::{Outside, RESET_RUN, RUN, TestRun, bodies, json};
use crate::{replay, replay_in_steps};

const ID: &str = "test-run";
const LATER: Timestamp = Timestamp(9_000_000);

fn id() -> WorkflowId {
    WorkflowId::new(ID)
}

fn new_run() -> NewRun {
    NewRun {
        taking: Taking::Reset,
        workflow_id: id(),
        run_id: RESET_RUN,
        parent: ParentLink::Kept,
        reason: "mended".to_owned(),
    }
}

fn fork() -> NewRun {
    NewRun {
        taking: Taking::Fork,
        workflow_id: WorkflowId::new("the-fork"),
        ..new_run()
    }
}

fn made(
    events: &[HistoryEvent],
    to: ResetTo,
    edits: &Edits,
    new: NewRun,
) -> Result<Begun, Refusal> {
    let workflow_id = id();
    let base = BaseRun {
        workflow_id: &workflow_id,
        run_id: RUN,
        events,
        later: &[],
    };
    reset(&base, to, edits, new, LATER)
}

fn to(event: u64) -> ResetTo {
    ResetTo::Event(EventId(event))
}

/// The new run, with its code brought to where its history ends.
fn going_on(definition: &Definition, begun: Begun) -> TestRun {
    let Begun {
        state, transition, ..
    } = begun;
    let replayed = replay(
        definition,
        state.workflow_id.clone(),
        state.run_id,
        &transition.events,
    )
    .unwrap();
    let mut folded = replayed.state;
    folded.transitions = 1;
    assert_eq!(folded, state, "the fold of the new history is the state");
    TestRun {
        state,
        machine: replayed.machine,
        unseen: replayed.unseen,
        history: transition.events.clone(),
        transitions: vec![transition],
        now: LATER,
    }
}

fn without_start(events: &[HistoryEvent]) -> &[HistoryEvent] {
    &events[1..]
}

fn finished(index: usize, seed: u64, outside: Outside) -> (Definition, Vec<HistoryEvent>) {
    let mut all = bodies::all();
    let (definition, input) = all.swap_remove(index % all.len());
    let mut run = TestRun::new(&definition, json(&input));
    run.run(seed, outside);
    (definition, run.history)
}

fn scheduled(events: &[HistoryEvent]) -> Vec<EventId> {
    let is_scheduled =
        |e: &&HistoryEvent| matches!(e.kind, EventKind::ActivityTaskScheduled { .. });
    events.iter().filter(is_scheduled).map(|e| e.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every event of every history: what is kept stands as it was and replays, what ended in it
    /// does not wait, and the new run comes to an end.
    #[test]
    fn at_every_point_the_kept_part_replays_and_nothing_of_it_runs_again(
        index in 0_usize..64, seed: u64, cancels: bool, reapply: bool,
    ) {
        let outside = if cancels { Outside::Cancels } else { Outside::Quiet };
        let (definition, base) = finished(index, seed, outside);
        let edits = Edits {
            reapply: if reapply { Reapply::All } else { Reapply::None },
            ..Edits::default()
        };
        for event in 2..=base.len() as u64 {
            let begun = made(&base, to(event), &edits, new_run()).unwrap();
            let n_kept = usize::try_from(begun.plan.events_kept).unwrap();
            prop_assert!(n_kept < usize::try_from(event).unwrap());
            let events = &begun.transition.events;
            prop_assert_eq!(without_start(&events[..n_kept]), without_start(&base[..n_kept]));
            for activity in &begun.plan.activities {
                let waits = begun.state.activities.contains_key(&activity.scheduled_event_id);
                let is_kept = activity.scheduled_event_id < begun.plan.event_id;
                match activity.fate {
                    ActivityFate::Kept => prop_assert!(is_kept && !waits),
                    ActivityFate::RunAgain => prop_assert!(is_kept && waits),
                    ActivityFate::Forgotten => prop_assert!(!is_kept && !waits),
                    ActivityFate::Edited => prop_assert!(false, "nothing was edited"),
                }
            }
            prop_assert_eq!(begun.plan.activities.len(), scheduled(&base).len());
            let copied = events.len();
            let mut run = going_on(&definition, begun);
            run.run(seed, Outside::Quiet);
            prop_assert!(run.state.is_closed());
            for event in &run.history[copied..] {
                if let Some((activity, _)) = preview::ended(&event.kind) {
                    let kept_end = base[..n_kept].iter().filter_map(|e| preview::ended(&e.kind));
                    prop_assert!(!kept_end.into_iter().any(|(id, _)| id == activity));
                }
            }
        }
    }

    /// A reset of what a reset made keeps the lives of both apart.
    #[test]
    fn a_run_that_was_reset_is_reset_again_at_every_point(index in 0_usize..64, seed: u64) {
        let (definition, base) = finished(index, seed, Outside::Quiet);
        let middle = base.len() as u64 / 2 + 1;
        let begun = made(&base, to(middle.max(2)), &Edits::default(), new_run()).unwrap();
        let mut second = going_on(&definition, begun);
        second.run(seed.wrapping_add(1), Outside::Quiet);
        let workflow_id = id();
        for event in 2..=second.history.len() as u64 {
            let base = BaseRun {
                workflow_id: &workflow_id, run_id: RESET_RUN, events: &second.history, later: &[],
            };
            let third = NewRun { run_id: RunId([12; 16]), ..new_run() };
            let begun = reset(&base, to(event), &Edits::default(), third, LATER).unwrap();
            let mut run = going_on(&definition, begun);
            run.run(seed, Outside::Quiet);
            prop_assert!(run.state.is_closed());
        }
    }

    #[test]
    fn a_fork_replays_under_another_workflow_id(index in 0_usize..64, seed: u64) {
        let (definition, base) = finished(index, seed, Outside::Quiet);
        for event in 2..=base.len() as u64 {
            let edits = Edits { reapply: Reapply::None, ..Edits::default() };
            match made(&base, to(event), &edits, fork()) {
                Ok(begun) => {
                    prop_assert_eq!(begun.state.workflow_id.as_str(), "the-fork");
                    going_on(&definition, begun).run(seed, Outside::Quiet);
                }
                Err(refusal) => {
                    let waits = matches!(refusal, Refusal::WaitsForChild { .. });
                    prop_assert!(waits, "{}", refusal);
                }
            }
        }
    }
}

/// Tells what it is and what chance gave it, in each of three steps.
async fn telling(cx: Cx, _: u64) -> Result<u64, Failure> {
    for _ in 0..3 {
        let info = cx.info();
        let seen = (
            info.workflow_id.to_string(),
            info.run_id.to_string(),
            cx.uuid().to_string(),
            cx.now().0,
        );
        let _: u64 = cx
            .activity_named("Count", &seen, ActivityOptions::default())
            .await?;
    }
    Ok(0)
}

type Seen = (String, String, String, i64);

fn seen_by_replay(definition: &Definition, begun: &Begun) -> Vec<Seen> {
    let mut all = Vec::new();
    let state = &begun.state;
    let events = &begun.transition.events;
    let mut replayed = replay_in_steps(
        definition,
        state.workflow_id.clone(),
        state.run_id,
        events,
        &mut |step| {
            for command in step.commands.unwrap_or_default() {
                if let Command::ScheduleActivityTask { input, .. } = command {
                    all.push(input.decode::<Seen>().unwrap());
                }
            }
        },
    )
    .unwrap();
    let turn = replayed.state.turn_start(LATER);
    for command in replayed.machine.advance(replayed.unseen, turn).unwrap() {
        if let Command::ScheduleActivityTask { input, .. } = command {
            all.push(input.decode::<Seen>().unwrap());
        }
    }
    all
}

#[test]
fn kept_turns_see_what_they_saw_and_later_ones_are_the_new_runs_own() {
    let definition = Definition::new("telling", telling);
    let mut run = TestRun::new(&definition, json(&0));
    let mut inputs = Vec::new();
    for value in 0..3 {
        let commands = run.turn();
        assert_eq!(commands.len(), 1);
        let event = scheduled(&run.history)[value];
        let EventKind::ActivityTaskScheduled { input, .. } =
            &run.history[usize::try_from(event.0).unwrap() - 1].kind
        else {
            panic!("event {event} is another one")
        };
        inputs.push(input.decode::<Seen>().unwrap());
        run.now = run.now.after(Millis(500));
        run.complete(event.0, 1);
    }
    // Events 1 start, 2 task, 3 scheduled, 4 completed, 5 task, 6 scheduled, 7 completed, 8 task.
    for new in [new_run(), fork()] {
        let (own_id, own_run) = (new.workflow_id.to_string(), new.run_id.to_string());
        let begun = made(&run.history, to(8), &Edits::default(), new).unwrap();
        let seen = seen_by_replay(&definition, &begun);
        assert_eq!(seen[..2], inputs[..2], "kept turns are as they were");
        let third = &seen[2];
        assert_eq!((&third.0, &third.1), (&own_id, &own_run));
        assert_ne!(
            third.2, inputs[2].2,
            "chance after the point is another one"
        );
        assert_eq!(
            seen,
            seen_by_replay(&definition, &begun),
            "and always the same"
        );
    }
}

fn two_steps() -> TestRun {
    let mut run = TestRun::new(&bodies::one("sequence"), json(&3));
    run.turn();
    run.complete(4, 10);
    run.turn();
    run.complete(7, 20);
    run.turn();
    run
}

#[test]
fn the_words_for_points_name_events() {
    let run = two_steps();
    let names: Vec<&str> = run.history.iter().map(|e| e.kind.name()).collect();
    assert_eq!(names[5], "WorkflowTaskCompleted", "{names:?}");
    assert_eq!(names[6], "ActivityTaskScheduled", "{names:?}");
    let point = |to| made(&run.history, to, &Edits::default(), new_run()).map(|b| b.plan.event_id);
    assert_eq!(point(ResetTo::FirstWorkflowTask), Ok(EventId(2)));
    assert_eq!(point(ResetTo::LastWorkflowTask), Ok(EventId(9)));
    assert_eq!(point(to(7)), Ok(EventId(6)), "a command goes with its task");
    assert_eq!(point(to(8)), Ok(EventId(8)));
    assert_eq!(point(to(11)), Ok(EventId(11)), "an open run may keep all");
    assert_eq!(point(to(1)), Err(Refusal::NothingKept));
    assert_eq!(point(to(0)), Err(Refusal::NothingKept));
    assert_eq!(
        point(to(12)),
        Err(Refusal::NoSuchEvent { last: EventId(10) })
    );
    assert_eq!(
        point(ResetTo::FailedActivity),
        Err(Refusal::NoFailedActivity)
    );
    let start = &run.history[..1];
    let first = made(
        start,
        ResetTo::FirstWorkflowTask,
        &Edits::default(),
        new_run(),
    );
    assert_eq!(first.unwrap_err(), Refusal::NoWorkflowTask);
}

#[test]
fn a_failed_activity_is_run_again_and_its_limits_of_time_begin_anew() {
    let mut run = TestRun::new(&bodies::one("broken"), json(&0));
    run.run_in_order();
    let last = run.state.last_event_id;
    let begun = made(
        &run.history,
        ResetTo::FailedActivity,
        &Edits::default(),
        new_run(),
    )
    .unwrap();
    let [activity] = &begun.plan.activities[..] else {
        panic!("{:?}", begun.plan)
    };
    assert_eq!(
        (activity.ended, activity.fate),
        (Ended::Failed, ActivityFate::RunAgain)
    );
    let pending = begun.state.activities.values().next().unwrap();
    assert_eq!((pending.attempt, pending.scheduled_at), (1, LATER));
    let all = made(&run.history, to(last.0 + 1), &Edits::default(), new_run());
    assert_eq!(all.unwrap_err(), Refusal::AllKept { last });
}

#[test]
fn a_result_is_changed_only_where_no_kept_task_has_seen_it() {
    let run = two_steps();
    let edit = |activity: u64| Edits {
        results: BTreeMap::from([(EventId(activity), json(&99_u64))]),
        ..Edits::default()
    };
    let value_of = |begun: Begun| {
        let mut run = going_on(&bodies::one("sequence"), begun);
        run.run_in_order();
        let Some(crate::Outcome::Completed(value)) = run.state.outcome else {
            panic!("{:?}", run.state.outcome)
        };
        value.decode::<u64>().unwrap()
    };
    // 10, then 99 in the place of 20, then 2 from the last step.
    let begun = made(&run.history, to(9), &edit(7), new_run()).unwrap();
    assert_eq!(begun.plan.activities[1].fate, ActivityFate::Edited);
    assert_eq!(value_of(begun), 10 + 99 + 2);
    // Its end is not kept: the result is given at once.
    let begun = made(&run.history, to(8), &edit(7), new_run()).unwrap();
    assert_eq!(value_of(begun), 10 + 99 + 2);
    let refused = |event, activity| made(&run.history, to(event), &edit(activity), new_run());
    let seen = Refusal::ResultSeen {
        activity: EventId(4),
        task: EventId(6),
    };
    assert_eq!(refused(9, 4).unwrap_err(), seen);
    for (event, activity) in [(6, 7), (9, 2), (9, 77)] {
        let activity = EventId(activity);
        let error = refused(event, activity.0).unwrap_err();
        assert_eq!(error, Refusal::NotKept { activity });
    }
}

#[test]
fn the_input_is_changed_only_where_no_task_is_kept() {
    let run = two_steps();
    let edits = Edits {
        input: Some(json(&1)),
        ..Edits::default()
    };
    let begun = made(&run.history, ResetTo::FirstWorkflowTask, &edits, fork()).unwrap();
    let mut other = going_on(&bodies::one("sequence"), begun);
    other.run_in_order();
    assert_eq!(scheduled(&other.history).len(), 1, "it counts to one now");
    let error = made(&run.history, to(6), &edits, fork()).unwrap_err();
    assert_eq!(error, Refusal::InputSeen { task: EventId(2) });
}

#[test]
fn signals_after_the_point_come_again_once_and_in_order_before_those_sent_along() {
    let mut run = TestRun::new(&bodies::one("adder"), json(&1));
    run.turn();
    for value in [5_u64, 6] {
        let (name, input) = ("add".to_owned(), json(&value));
        run.feed(Input::Signal { name, input }).unwrap();
        run.turn();
    }
    let sent = |reapply| {
        let edits = Edits {
            signals: vec![("stop".to_owned(), json(&100_u64))],
            reapply,
            ..Edits::default()
        };
        let begun = made(&run.history, ResetTo::FirstWorkflowTask, &edits, new_run()).unwrap();
        let value = |event: &HistoryEvent| {
            if let EventKind::WorkflowExecutionSignaled { input, .. } = &event.kind {
                input.decode::<u64>().ok()
            } else {
                None
            }
        };
        let values = begun.transition.events.iter().filter_map(value);
        (values.collect::<Vec<_>>(), begun.plan.signals)
    };
    let (values, plan) = sent(Reapply::All);
    assert_eq!(values, [5, 6, 100]);
    assert_eq!((plan["add"].again, plan["stop"].added), (2, 1));
    let (values, plan) = sent(Reapply::None);
    assert_eq!(values, [100]);
    assert_eq!(plan["add"].dropped, 2);
}

#[test]
fn the_end_of_a_kept_child_is_told_again_and_a_later_child_is_forgotten() {
    let mut run = TestRun::new(&bodies::one("parent"), json(&2));
    run.run_in_order();
    let told = run
        .history
        .iter()
        .position(|e| preview::child_of(&e.kind).is_some())
        .unwrap();
    let begun = made(
        &run.history,
        to(told as u64 + 1),
        &Edits::default(),
        new_run(),
    )
    .unwrap();
    assert!(begun.state.children.is_empty(), "both ends are known");
    assert!(
        begun
            .plan
            .children
            .iter()
            .all(|c| c.fate == ChildFate::Kept)
    );
    let begun = made(&run.history, to(2), &Edits::default(), new_run()).unwrap();
    assert!(
        begun
            .plan
            .children
            .iter()
            .all(|c| c.fate != ChildFate::Kept)
    );
    let begun = made(&run.history, to(2), &Edits::default(), fork()).unwrap();
    let is_left = |child: &ChildPlan| child.fate == ChildFate::LeftAlone;
    assert!(
        begun.plan.children.iter().all(is_left),
        "they are not the fork's"
    );
    let open = &run.history[..told];
    let error = made(open, to(told as u64 + 1), &Edits::default(), fork()).unwrap_err();
    assert!(matches!(error, Refusal::WaitsForChild { .. }), "{error}");
}

#[test]
fn an_update_that_is_kept_is_not_asked_again_when_a_later_run_took_it_on_too() {
    let accepted = |id: u64, update_id: &str| HistoryEvent {
        id: EventId(id),
        at: Timestamp(1_500),
        kind: EventKind::WorkflowExecutionUpdateAccepted {
            update_id: update_id.to_owned(),
            name: "bump".to_owned(),
            input: json(&id),
        },
    };
    let mut run = TestRun::new(&bodies::one("adder"), json(&1));
    run.turn();
    let last = run.state.last_event_id.0;
    let mut events = run.history;
    // As one more turn would have recorded them.
    let task = HistoryEvent {
        id: EventId(last + 1),
        at: Timestamp(1_500),
        kind: EventKind::WorkflowTaskCompleted,
    };
    events.extend([task, accepted(last + 2, "u1")]);
    let later = [accepted(7, "u1"), accepted(8, "u2"), accepted(9, "u2")];
    let workflow_id = id();
    let base = BaseRun {
        workflow_id: &workflow_id,
        run_id: RUN,
        events: &events,
        later: &later,
    };
    let asked = |point: u64| {
        let begun = reset(&base, to(point), &Edits::default(), new_run(), LATER).unwrap();
        begun.plan.updates_again
    };
    assert_eq!(asked(last + 3), ["u2"], "u1 is kept");
    assert_eq!(asked(2), ["u1", "u2"], "each once");
}
