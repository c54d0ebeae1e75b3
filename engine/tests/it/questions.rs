//! Queries and updates, asked of the core, with a crash in between, and of the whole engine.

use std::sync::{Arc, Mutex};

use engine::core::{Message, Reply, UpdateStage};
use engine::{ClientError, Engine};
use kernel::{Cx, Definition, Failure, Payload, WorkflowId};
use state::memory_store::MemoryStore;

use crate::rig::{Rig, of, once};

/// Adds what it is told to, each time with a piece of work.
async fn counter(cx: Cx, n: u64) -> Result<u64, Failure> {
    let sum = Arc::new(Mutex::new(n));
    let (seen, added, context) = (Arc::clone(&sum), Arc::clone(&sum), cx.clone());
    cx.query("sum", move |()| Ok(*seen.lock().unwrap()));
    let validator = |value: &u64| match value {
        0 => Err(Failure::permanent("Nothing", "nothing to add")),
        _ => Ok(()),
    };
    cx.update("add", validator, move |value: u64| {
        let (sum, cx) = (Arc::clone(&added), context.clone());
        async move {
            let one: u64 = cx.activity_named("work", &value, once()).await?;
            let mut sum = sum.lock().unwrap();
            *sum += one;
            Ok(*sum)
        }
    });
    let _stop: u64 = cx.signal("stop").await?;
    let sum = *sum.lock().unwrap();
    Ok(sum)
}

fn rig() -> Rig {
    let workflows = of([Definition::new("counter", counter)]);
    Rig::over(Arc::new(MemoryStore::new()), workflows)
}

fn update(id: &str, value: u64, stage: UpdateStage) -> Message {
    Message::Update {
        workflow_id: WorkflowId::new("a"),
        update_id: id.to_owned(),
        name: "add".to_owned(),
        input: Payload::json(&value).unwrap(),
        stage,
    }
}

fn stop(rig: &mut Rig) {
    rig.tell(Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "stop".to_owned(),
        input: Payload::json(&1_u64).unwrap(),
    });
}

fn sum(rig: &mut Rig, run_id: kernel::RunId) -> u64 {
    let message = Message::Query {
        run_id,
        name: "sum".to_owned(),
        input: Payload::null(),
    };
    let reply = rig.ask(message);
    let Reply::Answer(Ok(answer)) = reply else {
        panic!("{reply:?}")
    };
    answer.decode().unwrap()
}

fn done(value: u64) -> Reply {
    Reply::UpdateCompleted(Ok(Payload::json(&value).unwrap()))
}

#[test]
fn an_update_that_was_accepted_survives_a_crash_and_is_done_once() {
    let mut rig = rig();
    let run = rig.start("a", "counter", &10_u64);
    let accepted = rig.ask(update("u", 5, UpdateStage::Accepted));
    assert_eq!(accepted, Reply::UpdateAccepted);
    rig.restart();
    // Asked again it is the same request, and no second piece of work.
    assert_eq!(
        rig.ask(update("u", 5, UpdateStage::Accepted)),
        Reply::UpdateAccepted
    );
    let waiting = rig.send(update("u", 5, UpdateStage::Completed));
    let task = rig.task();
    assert_eq!(rig.answer(waiting), None);
    rig.end(task.task, Ok(5));
    assert_eq!(rig.answer(waiting), Some(done(15)));
    rig.restart();
    assert_eq!(rig.ask(update("u", 5, UpdateStage::Completed)), done(15));
    stop(&mut rig);
    assert_eq!(rig.value(run), 15);
    // A closed run remembers what it has answered, and takes nothing new.
    assert_eq!(rig.ask(update("u", 5, UpdateStage::Completed)), done(15));
    assert_eq!(
        rig.ask(update("new", 5, UpdateStage::Completed)),
        Reply::NotOpen
    );
}

#[test]
fn an_update_that_is_answered_in_the_same_group_is_answered_after_its_commit() {
    let mut rig = rig();
    rig.start("a", "counter", &10_u64);
    let waiting = rig.send(update("u", 5, UpdateStage::Completed));
    rig.settle();
    let task = rig.task();
    let result = Some(Ok(Payload::json(&5_u64).unwrap()));
    let ended = Message::AttemptEnded {
        task: task.task,
        result,
    };
    rig.core.handle(ended, None, rig.now).unwrap();
    rig.core.run_workflow_tasks(rig.now).unwrap();
    // Completed and not durable: whoever asks now waits for the commit as well.
    let late = rig.send(update("u", 5, UpdateStage::Completed));
    assert_eq!((rig.answer(waiting), rig.answer(late)), (None, None));
    rig.settle();
    assert_eq!(
        (rig.answer(waiting), rig.answer(late)),
        (Some(done(15)), Some(done(15)))
    );
}

#[test]
fn a_refused_update_leaves_no_trace() {
    let mut rig = rig();
    let run = rig.start("a", "counter", &10_u64);
    for cold in [false, true] {
        if cold {
            rig.restart();
        }
        let before = rig.history(run);
        let reply = rig.ask(update("u", 0, UpdateStage::Accepted));
        assert!(
            matches!(&reply, Reply::UpdateRejected(f) if f.message == "nothing to add"),
            "{reply:?}"
        );
        assert_eq!(rig.history(run), before);
    }
    assert!(matches!(
        rig.ask(update("", 1, UpdateStage::Accepted)),
        Reply::Rejected(_)
    ));
}

#[test]
fn an_update_whose_run_closes_first_is_told_so() {
    let mut rig = rig();
    rig.start("a", "counter", &10_u64);
    let waiting = rig.send(update("u", 5, UpdateStage::Completed));
    rig.settle();
    stop(&mut rig);
    assert_eq!(rig.answer(waiting), Some(Reply::NotOpen));
}

#[test]
fn an_update_of_code_that_fails_is_refused_and_not_left_waiting() {
    let broken = Definition::new("counter", |cx: Cx, n: u64| async move {
        cx.update(
            "add",
            |_: &u64| Ok(()),
            |_: u64| async { panic!("a hole") as Result<u64, Failure> },
        );
        let _stop: u64 = cx.signal("stop").await?;
        Ok(n)
    });
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), of([broken]));
    let run = rig.start("a", "counter", &10_u64);
    let reply = rig.ask(update("u", 5, UpdateStage::Completed));
    assert!(
        matches!(&reply, Reply::UpdateRejected(f) if f.message.contains("a hole")),
        "{reply:?}"
    );
    assert_eq!(rig.names(run).len(), 2, "nothing of it is in the history");
    stop(&mut rig);
    assert_eq!(rig.value(run), 10);
}

#[test]
fn a_query_sees_all_that_was_acknowledged_of_runs_open_cold_and_closed() {
    let mut rig = rig();
    rig.machines_max = 0;
    rig.restart();
    let run = rig.start("a", "counter", &10_u64);
    assert_eq!(sum(&mut rig, run), 10);
    rig.ask(update("u", 5, UpdateStage::Accepted));
    let task = rig.task();
    rig.end(task.task, Ok(5));
    let events = rig.history(run);
    assert_eq!(sum(&mut rig, run), 15);
    assert_eq!(rig.history(run), events, "a query is no history");
    rig.restart();
    assert_eq!(sum(&mut rig, run), 15);
    stop(&mut rig);
    assert_eq!(sum(&mut rig, run), 15);
    let unknown = Message::Query {
        run_id: kernel::RunId([0x77; 16]),
        name: "sum".to_owned(),
        input: Payload::null(),
    };
    assert_eq!(rig.ask(unknown), Reply::NotOpen);
}

#[tokio::test]
async fn a_client_asks_and_updates() {
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("counter", counter)
        .activity_fn("work", |_cx, n: u64| async move { Ok(n) })
        .start()
        .unwrap();
    let client = engine.client();
    client.start("a", "counter", &1_u64).await.unwrap();
    let sum: u64 = client.update("a", "add", &4_u64).await.unwrap();
    assert_eq!(sum, 5);
    client.start_update("a", "u", "add", &2_u64).await.unwrap();
    let sum: u64 = client
        .update_with_id("a", "u", "add", &2_u64)
        .await
        .unwrap();
    assert_eq!(
        (sum, client.query::<_, u64>("a", "sum", &()).await.unwrap()),
        (7, 7)
    );
    let refused = client
        .update::<_, u64>("a", "add", &0_u64)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ClientError::UpdateRejected(_)),
        "{refused}"
    );
    let unknown = client.query::<_, u64>("a", "none", &()).await.unwrap_err();
    assert!(matches!(unknown, ClientError::QueryFailed(_)), "{unknown}");
    assert!(client.query::<_, u64>("b", "sum", &()).await.is_err());
}
