//! Runs that were recorded elsewhere: taken in whole, gone on with, refused where that cannot be.

use std::sync::Arc;

use engine::core::{Message, Reply};
use engine::{ClientError, Engine};
use kernel::temporal::{Imported, export, import};
use kernel::{
    ChildOptions, Cx, Definition, EventKind, Failure, Millis, Payload, RunId, WorkflowId,
};
use state::memory_store::MemoryStore;

use crate::rig::{Rig, of, once};

/// Work, a wait, work, a signal.
async fn errand(cx: Cx, n: u64) -> Result<u64, Failure> {
    let first: u64 = cx.activity_named("work", &n, once()).await?;
    cx.sleep(Millis(5_000)).await?;
    let second: u64 = cx.activity_named("mail", &first, once()).await?;
    let third: u64 = cx.signal("number").await?;
    Ok(first + second + third)
}

async fn parent(cx: Cx, n: u64) -> Result<u64, Failure> {
    let id = WorkflowId::new("the-child");
    cx.child_named("errand", id, &n, ChildOptions::default())
        .await
}

fn rig() -> Rig {
    let workflows = of([
        Definition::new("errand", errand),
        Definition::new("parent", parent),
    ]);
    Rig::over(Arc::new(MemoryStore::new()), workflows)
}

fn read(rig: &Rig, run_id: RunId) -> Imported {
    let id = rig.state(run_id).workflow_id;
    import(&export(&id, run_id, &rig.history(run_id))).unwrap()
}

fn take_in(rig: &mut Rig, imported: Imported) -> Reply {
    rig.ask(Message::Import(Box::new(imported)))
}

/// Ends everything that waits, in order; 1 for each piece of work.
fn finish(rig: &mut Rig) {
    for _ in 0..4 {
        for task in rig.poll() {
            rig.end(task.task, Ok(1));
        }
        rig.pass(Millis(5_000));
    }
    rig.tell(Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&40_u64).unwrap(),
    });
}

/// A run that is stopped after so many events of its history.
fn cut(whole: &Imported, events: usize) -> Imported {
    Imported {
        events: whole.events.iter().take(events).cloned().collect(),
        ..whole.clone()
    }
}

#[test]
fn a_run_goes_on_from_wherever_its_history_was_cut_also_after_a_crash() {
    let mut there = rig();
    let run = there.start("a", "errand", &3_u64);
    finish(&mut there);
    assert_eq!(there.value(run), 42);
    let whole = read(&there, run);
    let is_turn = |kind: &EventKind| kind.is_command() || *kind == EventKind::WorkflowTaskCompleted;
    let mut tried = 0;
    for n in 1..=whole.events.len() {
        // A turn and its commands are recorded in one piece.
        if whole.events.get(n).is_some_and(|next| is_turn(&next.kind)) && n > 1 {
            continue;
        }
        tried += 1;
        for crash in [false, true] {
            let mut here = rig();
            let reply = take_in(&mut here, cut(&whole, n));
            assert_eq!(reply, Reply::Started(run), "cut after event {n}");
            if crash {
                here.restart();
            }
            finish(&mut here);
            assert_eq!(here.value(run), 42, "cut after event {n}, crash: {crash}");
            assert_eq!(here.names(run), there.names(run), "cut after event {n}");
        }
    }
    assert!(tried > 4, "only {tried} cuts were tried");
}

#[test]
fn what_is_taken_in_is_durable_when_it_is_answered_and_not_before() {
    let mut there = rig();
    let run = there.start("a", "errand", &3_u64);
    let open = read(&there, run);
    let mut here = rig();
    let token = here.send(Message::Import(Box::new(open.clone())));
    here.core.run_workflow_tasks(here.now).unwrap();
    assert_eq!(here.answer(token), None);
    assert!(here.store.load_run(run).unwrap().is_none());
    // The process dies before the commit: nothing of it is left, and it can be asked again.
    here.restart();
    assert!(here.store.load_run(run).unwrap().is_none());
    assert_eq!(take_in(&mut here, open), Reply::Started(run));
    assert_eq!(here.history(run), there.history(run));
}

#[test]
fn a_run_is_taken_in_once_and_not_beside_an_open_one() {
    let mut there = rig();
    let run = there.start("a", "errand", &3_u64);
    let open = read(&there, run);
    finish(&mut there);
    let closed = read(&there, run);

    let mut here = rig();
    assert_eq!(take_in(&mut here, closed.clone()), Reply::Started(run));
    assert_eq!(take_in(&mut here, closed), Reply::AlreadyRan(run));
    assert_eq!(take_in(&mut here, open.clone()), Reply::AlreadyRan(run));
    assert_eq!(here.value(run), 42);
    assert_eq!(here.core.open_runs(), 0);

    let mut busy = rig();
    let _other = busy.start("b", "errand", &1_u64);
    let mine = busy.start("a", "errand", &1_u64);
    let open = Imported {
        run_id: RunId([7; 16]),
        ..open
    };
    assert_eq!(take_in(&mut busy, open), Reply::AlreadyRunning(mine));
    assert_eq!(busy.run_of("a"), mine);
}

#[test]
fn histories_that_are_not_valid_or_not_alone_are_refused_and_leave_nothing() {
    let mut there = rig();
    let run = there.start("a", "errand", &3_u64);
    finish(&mut there);
    let whole = read(&there, run);
    let above = there.start("above", "parent", &3_u64);
    let child = there.run_of("the-child");

    let mut here = rig();
    let mut check = |imported: Imported, says: &str| {
        let run_id = imported.run_id;
        let reply = take_in(&mut here, imported);
        let Reply::Rejected(why) = &reply else {
            panic!("{reply:?}")
        };
        assert!(why.to_string().contains(says), "{why}");
        assert!(here.store.load_run(run_id).unwrap().is_none());
        assert_eq!(here.core.open_runs(), 0);
    };
    let mut gap = whole.clone();
    gap.events.remove(3);
    check(gap, "it should be event 4");
    let mut twice = whole.clone();
    let mut again = twice.events[0].clone();
    again.id = twice.events[twice.events.len() - 1].id.next();
    twice.events.push(again);
    check(twice, "not valid");
    let nameless = Imported {
        workflow_id: WorkflowId::new(""),
        ..whole
    };
    check(nameless, "a workflow id has 1 to");
    check(read(&there, above), "waits for its child the-child");
    check(read(&there, child), "the child of above");
}

#[tokio::test]
async fn a_client_takes_a_run_from_one_engine_to_another() {
    let engine = || {
        Engine::builder(Arc::new(MemoryStore::new()))
            .workflow("errand", |cx: Cx, n: u64| async move {
                let one: u64 = cx.activity_named("work", &n, once()).await?;
                let two: u64 = cx.signal("number").await?;
                Ok(one + two)
            })
            .activity_fn("work", |_cx, n: u64| async move { Ok(n) })
            .start()
            .unwrap()
    };
    let (elsewhere, here) = (engine(), engine());
    let there = elsewhere.client();
    let run = there.start("a", "errand", &2_u64).await.unwrap();
    let read = import(&there.export(run).unwrap()).unwrap();
    let client = here.client();
    assert_eq!(client.import(read.clone()).await.unwrap(), run);
    client.signal("a", "number", &40_u64).await.unwrap();
    assert_eq!(client.result::<u64>(run).await.unwrap(), 42);
    let again = client.import(read).await.unwrap_err();
    assert!(
        matches!(again, ClientError::AlreadyRan(id) if id == run),
        "{again}"
    );
    assert!(matches!(
        client.export(RunId([0x77; 16])),
        Err(ClientError::NotFound)
    ));
}
