//! Restarts: timers, code that changed, what starting costs, runs that nobody works on.

use std::sync::Arc;

use engine::core::{Core, Message, Reply, Scope, StartSpec};
use kernel::primitives::{workflow_execution, workflow_task};
use kernel::{Cx, Definition, Failure, Millis, Payload, Timestamp, WorkflowId};
use state::memory_store::MemoryStore;
use state::sled_store::SledStore;
use state::store::{Namespace, Row};

use crate::rig::{Rig, T0, of, once, slow_retry, workflows};

#[test]
fn a_timer_fires_at_its_time_across_restarts_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SledStore::open(dir.path()).unwrap());
    let mut rig = Rig::over(store, workflows());
    let run = rig.start("a", "nap", &60_000_u64);
    rig.pass(Millis::seconds(30));
    rig.restart();
    rig.pass(Millis(29_999));
    assert_eq!(rig.state(run).status, workflow_execution::State::Running);
    assert_eq!(rig.core.next_due(), Some(T0.after(Millis::seconds(60))));
    rig.restart();
    rig.pass(Millis(1));
    assert_eq!(rig.value(run), 60_000);
    let fired = rig
        .names(run)
        .into_iter()
        .filter(|name| *name == "TimerFired")
        .count();
    assert_eq!(fired, 1);
}

#[test]
fn a_timer_that_ran_out_while_nobody_was_there_fires_at_the_restart() {
    let mut rig = Rig::new();
    let run = rig.start("a", "nap", &60_000_u64);
    rig.now = rig.now.after(Millis::seconds(3_600));
    rig.restart();
    assert_eq!(rig.value(run), 60_000);
}

#[test]
fn an_unknown_workflow_type_waits_for_a_binary_that_knows_it() {
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), of([]));
    let run = rig.start("a", "nap", &5_u64);
    let failure = rig.describe(run).state.workflow_task_failure.unwrap();
    assert_eq!(
        failure.failure.message,
        "no workflow of type \"nap\" is registered in this binary"
    );
    rig.pass(Millis::seconds(5));
    assert!(
        rig.describe(run)
            .state
            .workflow_task_failure
            .unwrap()
            .attempts
            > 1
    );
    rig.workflows = workflows();
    rig.restart();
    rig.pass(Millis::seconds(120));
    rig.pass(Millis::seconds(1));
    assert_eq!(rig.value(run), 5);
}

#[test]
fn code_that_changed_is_reported_by_event_and_the_run_goes_on_with_the_old_code() {
    async fn changed(cx: Cx, _: u64) -> Result<u64, Failure> {
        cx.activity_named("work", &1_u64, once()).await
    }
    let mut rig = Rig::new();
    let run = rig.start("a", "nap", &60_000_u64);
    rig.workflows = of([Definition::new("nap", changed)]);
    rig.restart();
    rig.pass(Millis::seconds(60));
    let state = rig.describe(run).state;
    assert_eq!(state.workflow_task, workflow_task::State::BackingOff);
    let message = state.workflow_task_failure.unwrap().failure.message;
    assert!(
        message.starts_with(
            "nondeterminism at event 3: the history has TimerStarted(60000 ms), the code did \
             ActivityTaskScheduled(work)"
        ),
        "{message}"
    );
    assert_eq!(rig.poll(), [], "nothing of the wrong code was carried out");
    rig.workflows = workflows();
    rig.restart();
    rig.pass(Millis::seconds(120));
    assert_eq!(rig.value(run), 60_000);
}

#[test]
fn a_panic_in_workflow_code_is_a_failed_workflow_task_not_the_end_of_the_engine() {
    async fn broken(_: Cx, _: u64) -> Result<u64, Failure> {
        panic!("an index out of bounds")
    }
    let mut rig = Rig::over(
        Arc::new(MemoryStore::new()),
        of([Definition::new("nap", broken)]),
    );
    let run = rig.start("a", "nap", &5_u64);
    let failure = rig
        .describe(run)
        .state
        .workflow_task_failure
        .unwrap()
        .failure;
    assert!(
        failure.message.contains("an index out of bounds"),
        "{failure}"
    );
    rig.workflows = workflows();
    rig.restart();
    rig.pass(Millis::seconds(2));
    rig.pass(Millis::seconds(2));
    assert_eq!(rig.value(run), 5);
}

#[test]
fn starting_costs_nothing_for_closed_runs() {
    let cost = |n_closed: u64, n_open: u64| {
        let store = MemoryStore::new();
        let mut rig = Rig::over(Arc::new(store.clone()), workflows());
        for n in 0..n_closed {
            let run = rig.start(&format!("closed-{n}"), "nap", &0_u64);
            assert_eq!(rig.value(run), 0);
        }
        for n in 0..n_open {
            rig.start(&format!("open-{n}"), "nap", &60_000_u64);
        }
        let before = store.calls();
        rig.restart();
        store.calls() - before
    };
    assert_eq!(cost(0, 3), cost(200, 3));
    assert_eq!(
        cost(0, 3),
        2 + 3,
        "the breakers, the list of open runs, and each of them once"
    );
}

#[test]
fn a_cold_run_whose_history_is_under_way_has_its_turn_right_after_the_commit() {
    let mut rig = Rig::new();
    rig.machines_max = 1;
    rig.restart();
    let cold = rig.start("a", "listen", &());
    let _warm = rig.start("b", "listen", &());
    let signal = |n: u64| Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&n).unwrap(),
    };
    for n in [1, 10] {
        rig.send(signal(n));
        rig.core.fire_due(rig.now);
        rig.core.run_workflow_tasks(rig.now).unwrap();
        rig.core.commit().unwrap();
        // The clock must have no say in it.
        rig.now = Timestamp(rig.now.0 - 3_600_000);
    }
    rig.settle();
    assert_eq!(rig.value(cold), 11);
}

#[test]
fn one_run_that_never_rests_does_not_hold_up_a_commit_for_ever() {
    async fn busy(cx: Cx, n: u64) -> Result<u64, Failure> {
        for _ in 0..n {
            let options = kernel::ChildOptions::default();
            let id = WorkflowId::new("busy/child");
            let _: u64 = cx.child_named("nothing", id, &1_u64, options).await?;
        }
        Ok(n)
    }
    async fn nothing(_: Cx, n: u64) -> Result<u64, Failure> {
        Ok(n)
    }
    let workflows = of([
        Definition::new("busy", busy),
        Definition::new("nothing", nothing),
    ]);
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows);
    let spec = StartSpec::new("busy", "busy", Payload::json(&1_500_u64).unwrap());
    rig.core
        .handle(Message::Start(spec), None, rig.now)
        .unwrap();
    rig.core.run_workflow_tasks(rig.now).unwrap();
    assert!(!rig.core.is_settled());
    rig.core.commit().unwrap();
    let events = rig.state(rig.run_of("busy")).last_event_id.0;
    assert!(
        events > 100 && events < 5_000,
        "a part of it is durable: {events} events"
    );
    rig.settle();
    assert_eq!(rig.value(rig.run_of("busy")), 1_500);
}

#[test]
fn a_wait_for_a_run_that_nobody_works_on_takes_it_up() {
    let mut rig = Rig::new();
    let run = rig.start("a", "nap", &5_000_u64);
    rig.scope = Scope::Asked;
    rig.restart();
    assert_eq!(rig.core.open_runs(), 0);
    let token = rig.send(Message::Wait(run));
    rig.settle();
    assert_eq!(rig.answer(token), None, "it is open");
    rig.pass(Millis::seconds(5));
    assert_eq!(rig.answer(token), Some(Reply::Closed(run)));
    let unknown = kernel::RunId([9; 16]);
    assert_eq!(rig.ask(Message::Wait(unknown)), Reply::NotOpen);
    assert_eq!(rig.ask(Message::Wait(run)), Reply::Closed(run));
}

#[test]
fn a_wait_that_comes_in_the_group_in_which_the_run_closes_is_answered() {
    let mut rig = Rig::new();
    let run = rig.start("a", "listen", &());
    let workflow_id = WorkflowId::new("a");
    rig.send(Message::Terminate {
        workflow_id,
        reason: "enough".to_owned(),
    });
    let token = rig.send(Message::Wait(run));
    rig.settle();
    assert_eq!(rig.answer(token), Some(Reply::Closed(run)));
}

#[test]
fn those_who_gave_up_waiting_are_forgotten() {
    let mut rig = Rig::new();
    let run = rig.start("a", "nap", &5_000_u64);
    let (gone, there) = (rig.send(Message::Wait(run)), rig.send(Message::Wait(run)));
    rig.core.retain_waiters(|token| token != gone);
    rig.pass(Millis::seconds(5));
    assert_eq!(rig.answer(gone), None);
    assert_eq!(rig.answer(there), Some(Reply::Closed(run)));
}

#[test]
fn a_run_that_is_adopted_again_is_left_as_it_is() {
    let mut rig = Rig::new();
    let run = rig.start_one("a", "work", slow_retry());
    let task = rig.task();
    let before = rig.describe(run);
    assert_eq!(rig.ask(Message::Adopt(run)), Reply::Done);
    assert_eq!(rig.ask(Message::AdoptAll), Reply::Done);
    assert_eq!(rig.describe(run), before);
    assert_eq!(rig.poll(), [], "its attempt is not handed out again");
    rig.end(task.task, Ok(8));
    assert_eq!(rig.value(run), 8);
}

#[test]
fn a_process_works_only_on_what_it_was_asked_for() {
    let mut rig = Rig::new();
    let (one, other) = (rig.start("a", "nap", &5_u64), rig.start("b", "nap", &5_u64));
    rig.scope = Scope::Asked;
    rig.restart();
    rig.pass(Millis::seconds(1));
    assert!(!rig.state(one).is_closed() && !rig.state(other).is_closed());
    rig.tell(Message::Adopt(one));
    assert!(rig.state(one).is_closed() && !rig.state(other).is_closed());
    rig.tell(Message::AdoptAll);
    assert!(rig.state(other).is_closed());
}

#[test]
fn an_open_run_is_found_by_its_id_after_the_clock_was_set_back() {
    let mut rig = Rig::new();
    let late = rig.start("a", "nap", &0_u64);
    assert!(rig.state(late).is_closed());
    rig.now = Timestamp(rig.now.0 - 3_600_000);
    let open = rig.start("a", "nap", &5_u64);
    rig.scope = Scope::Asked;
    rig.restart();
    let again = StartSpec::new("a", "nap", Payload::json(&5_u64).unwrap());
    let reply = rig.ask(Message::Start(again));
    assert_eq!(reply, Reply::AlreadyRunning(open));
}

#[test]
fn a_row_whose_key_the_store_would_refuse_does_not_take_its_group_along() {
    let mut rig = Rig::new();
    let row = |bytes: usize| Row {
        namespace: Namespace::Cursor,
        key: vec![b'k'; bytes],
        value: Some(vec![1]),
    };
    let long = rig.send(Message::PutRows(vec![row(10), row(513)]));
    let fits = rig.send(Message::PutRows(vec![row(512)]));
    let run = rig.start("a", "nap", &0_u64);
    assert!(matches!(rig.answer(long), Some(Reply::Rejected(_))));
    assert_eq!(rig.answer(fits), Some(Reply::Done));
    assert_eq!(rig.value(run), 0);
    assert_eq!(rig.store.rows(Namespace::Cursor).unwrap().len(), 1);
}

#[test]
fn a_signal_that_was_answered_is_there_after_a_crash_and_one_that_was_not_may_be_sent_again() {
    let mut rig = Rig::new();
    let run = rig.start("a", "listen", &());
    let signal = |n: u64| Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&n).unwrap(),
    };
    assert_eq!(rig.ask(signal(1)), Reply::Done);
    rig.send(signal(100));
    // Dies before the commit.
    rig.restart();
    assert_eq!(rig.state(run).signals, 1);
    assert_eq!(rig.ask(signal(2)), Reply::Done);
    assert_eq!(rig.value(run), 3);
    assert_eq!(rig.ask(signal(3)), Reply::NotOpen);
}

#[test]
fn a_store_that_fails_answers_nobody_and_a_new_core_goes_on_from_what_was_durable() {
    let store = MemoryStore::new();
    let mut rig = Rig::over(Arc::new(store.clone()), workflows());
    let run = rig.start("a", "listen", &());
    let signal = Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&1_u64).unwrap(),
    };
    rig.send(signal.clone());
    store.fail_nth_call(1);
    rig.core.run_workflow_tasks(rig.now).unwrap();
    assert!(rig.core.commit().is_err());
    assert!(rig.core.commit().is_err(), "and it stays broken");
    store.crash();
    rig.restart();
    assert_eq!(rig.state(run).signals, 0);
    assert_eq!(rig.ask(signal), Reply::Done);
    assert_eq!(rig.state(run).signals, 1);
}

#[test]
fn a_store_that_cannot_be_read_is_an_error_and_no_panic() {
    for n in 1..=5 {
        let store = MemoryStore::new();
        let mut rig = Rig::over(Arc::new(store.clone()), workflows());
        rig.start("a", "nap", &60_000_u64);
        rig.start("b", "nap", &60_000_u64);
        store.fail_nth_call(n);
        let options = engine::core::CoreOptions {
            workflows: workflows(),
            activity_types: std::collections::BTreeSet::new(),
            slots: 1,
            machines_max: 1,
            idle_max: 1,
            run_ids: Box::new(|| kernel::RunId([7; 16])),
            limits: std::collections::BTreeMap::new(),
            scope: Scope::All,
        };
        let opened = Core::open(Arc::new(store.clone()), options, T0);
        assert_eq!(opened.is_err(), n <= 4, "call {n}");
    }
}
