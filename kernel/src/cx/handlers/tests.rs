//! Promises about queries and updates, live and on replay.

use std::sync::Mutex;

use crate::decide::{Input, Rejection, decide};
use crate::event::EventKind;
use crate::failure::Failure;
use crate::ids::{EventId, Millis, WorkflowId};
use crate::limits;
use crate::machine::{Definition, News, Validation};
use crate::options::ActivityOptions;
use crate::replay::{ReplayError, replay};
use crate::testing::{RUN, TestRun, json};
use crate::{Command, Cx, admit_update};

use super::*;

/// Counts what it is told to add; each addition takes an activity.
fn counter() -> Definition {
    Definition::new("counter", |cx: Cx, n: u64| async move {
        let sum = Arc::new(Mutex::new(n));
        let (seen, added, context) = (Arc::clone(&sum), Arc::clone(&sum), cx.clone());
        cx.query("sum", move |()| Ok(*seen.lock().unwrap()));
        let meddler = cx.clone();
        cx.query("meddle", move |()| {
            drop(meddler.sleep(Millis(1)));
            meddler.stage("meddled", None);
            let _random = (meddler.random(), meddler.patched("meddled"));
            let _signal: Option<u64> = meddler.try_signal("stop")?;
            meddler.continue_as_new::<_, u64>(&1_u64)
        });
        cx.query("panic", |()| -> Result<u64, Failure> { panic!("a hole") });
        cx.update(
            "add",
            |value: &u64| match value {
                0 => Err(Failure::permanent("Nothing", "nothing to add")),
                _ => Ok(()),
            },
            move |value: u64| {
                let (sum, cx) = (Arc::clone(&added), context.clone());
                async move {
                    let options = ActivityOptions::default();
                    let echoed: u64 = cx.activity_named("Echo", &value, options).await?;
                    let mut sum = sum.lock().unwrap();
                    *sum += echoed;
                    Ok(*sum)
                }
            },
        );
        let _stop: u64 = cx.signal("stop").await?;
        let sum = *sum.lock().unwrap();
        Ok(sum)
    })
}

fn asked(id: &str, name: &str, value: u64) -> News {
    News::UpdateRequested {
        update_id: id.to_owned(),
        name: name.to_owned(),
        input: json(&value),
        validation: Validation::Wanted,
    }
}

/// A turn with an update in it, as the engine makes it.
fn turn(run: &mut TestRun, update: News) -> (Vec<String>, Vec<(String, Failure)>) {
    let mut news = std::mem::take(&mut run.unseen);
    news.push(update);
    let commands = run
        .machine
        .advance(news, run.state.turn_start(run.now))
        .unwrap();
    let names = commands.iter().map(Command::describe).collect();
    if !commands.is_empty() {
        let successor = None;
        run.feed(Input::WorkflowTaskCompleted {
            commands,
            successor,
        })
        .unwrap();
    }
    (names, run.machine.take_refused())
}

fn begun() -> TestRun {
    let mut run = TestRun::new(&counter(), json(&10_u64));
    run.turn();
    run
}

#[test]
fn an_update_is_accepted_does_its_work_and_answers() {
    let mut run = begun();
    let (names, refused) = turn(&mut run, asked("u", "add", 5));
    assert_eq!(
        names,
        [
            "WorkflowExecutionUpdateAccepted(u)",
            "ActivityTaskScheduled(Echo)"
        ]
    );
    assert!(refused.is_empty());
    assert_eq!(run.state.updates_in_flight(), 1);
    run.complete(5, 5);
    run.turn();
    let EventKind::WorkflowExecutionUpdateCompleted { result, .. } =
        &run.history.last().unwrap().kind
    else {
        panic!("{:?}", run.history.last())
    };
    assert_eq!(result, &Ok(json(&15_u64)));
    assert_eq!(run.state.updates["u"].completed_event_id, Some(EventId(8)));
    assert_eq!(run.machine.query("sum", &json(&())).unwrap(), json(&15_u64));
}

#[test]
fn a_refused_update_leaves_no_history_and_changes_nothing() {
    let mut run = begun();
    let before = run.state.clone();
    for (name, value, why) in [
        ("add", 0, "nothing to add"),
        ("sub", 1, "no update \"sub\"; it has add"),
    ] {
        let (names, refused) = turn(&mut run, asked("u", name, value));
        assert!(names.is_empty());
        assert!(refused[0].1.message.contains(why), "{refused:?}");
    }
    assert_eq!(run.state, before);
    // The same name may be used again: nothing knows of the first request.
    assert!(turn(&mut run, asked("u", "add", 1)).1.is_empty());
}

#[test]
fn a_history_with_updates_replays_wherever_it_is_cut() {
    let mut run = begun();
    turn(&mut run, asked("u", "add", 5));
    turn(&mut run, asked("v", "add", 7));
    run.complete(5, 5);
    run.turn();
    let input = json(&1_u64);
    let name = "stop".to_owned();
    run.feed(Input::Signal { name, input }).unwrap();
    run.turn();
    assert!(run.state.is_closed());
    let is_task = |i: &usize| run.history[*i].kind == EventKind::WorkflowTaskCompleted;
    let cuts = (1..run.history.len())
        .filter(is_task)
        .chain([run.history.len()]);
    for cut in cuts {
        let id = WorkflowId::new("test-run");
        let mut replayed = replay(&counter(), id, RUN, &run.history[..cut]).unwrap();
        if cut == run.history.len() {
            assert_eq!(
                replayed.machine.query("sum", &json(&())).unwrap(),
                json(&15_u64)
            );
        }
    }
    let deaf = Definition::new("counter", |cx: Cx, n: u64| async move {
        let _stop: u64 = cx.signal("stop").await?;
        Ok(n)
    });
    let error = replay(&deaf, WorkflowId::new("test-run"), RUN, &run.history).unwrap_err();
    assert!(
        matches!(&error, ReplayError::Nondeterminism { history, .. }
            if history == "WorkflowExecutionUpdateAccepted(u)"),
        "{error}"
    );
}

#[test]
fn a_query_can_do_nothing_whatever_it_tries() {
    let mut run = begun();
    let mut twin = begun();
    let input = json(&1_u64);
    assert!(run.machine.query("meddle", &json(&())).is_err());
    let failure = run.machine.query("panic", &json(&())).unwrap_err();
    assert!(failure.message.contains("a hole"));
    let failure = run.machine.query("none", &json(&())).unwrap_err();
    assert!(
        failure.message.ends_with("it has meddle, panic, sum"),
        "{failure}"
    );
    for run in [&mut run, &mut twin] {
        let (name, input) = ("stop".to_owned(), input.clone());
        run.feed(Input::Signal { name, input }).unwrap();
        run.turn();
    }
    assert_eq!(run.history, twin.history);
    assert!(run.state.is_closed());
}

#[test]
fn a_machine_that_is_dropped_lets_its_handlers_go() {
    let held = Arc::new(());
    let seen = Arc::clone(&held);
    let definition = Definition::new("holder", move |cx: Cx, n: u64| {
        let seen = Arc::clone(&seen);
        async move {
            let context = cx.clone();
            let kept = Arc::clone(&seen);
            cx.query("info", move |()| {
                let _kept = &kept;
                Ok(context.info().run_id.to_string())
            });
            cx.sleep(Millis(n)).await.map(|()| n)
        }
    });
    let mut run = TestRun::new(&definition, json(&10_u64));
    run.turn();
    assert_eq!(Arc::strong_count(&held), 4);
    drop(run);
    drop(definition);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn updates_are_bounded_and_an_update_is_taken_on_once() {
    let mut run = begun();
    let input = json(&1_u64);
    let admit = |run: &TestRun, id: &str| admit_update(&run.state, id, "add", &input);
    for n in 0..limits::UPDATES_IN_FLIGHT_MAX {
        let id = format!("u{n}");
        admit(&run, &id).unwrap();
        turn(&mut run, asked(&id, "add", 1));
    }
    assert!(matches!(admit(&run, "more"), Err(Rejection::OverLimit(_))));
    assert!(matches!(admit(&run, ""), Err(Rejection::OverLimit(_))));
    let commands = vec![Command::AcceptUpdate {
        update_id: "u0".to_owned(),
        name: "add".to_owned(),
        input: input.clone(),
    }];
    let again = Input::WorkflowTaskCompleted {
        commands,
        successor: None,
    };
    assert!(matches!(
        decide(&run.state, again, run.now),
        Err(Rejection::BadCommand(_))
    ));
    let commands = vec![Command::CompleteUpdate {
        update_id: "unknown".to_owned(),
        result: Ok(input.clone()),
    }];
    let unknown = Input::WorkflowTaskCompleted {
        commands,
        successor: None,
    };
    assert_eq!(
        decide(&run.state, unknown, run.now),
        Err(Rejection::NoWorkflowTask)
    );
}
