//! Runs that leave the memory while they wait, and come back.

use std::sync::Arc;

use engine::core::{Message, Reply};
use kernel::primitives::workflow_execution;
use kernel::{Cx, Definition, Failure, Millis, Payload, WorkflowId};
use state::MemoryStore;

use crate::rig::{Rig, T0, of};

async fn nap(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(ms)).await?;
    Ok(ms)
}

/// Waits for a number, for an hour at most.
async fn listener(cx: Cx, _: ()) -> Result<u64, Failure> {
    let (told, hour) = (cx.signal::<u64>("number"), cx.sleep(Millis::seconds(3_600)));
    match kernel::select(told, hour).await {
        kernel::Either::First(number) => number,
        kernel::Either::Second(_) => Ok(0),
    }
}

/// Nothing idle may stay in memory.
fn rig() -> Rig {
    let workflows = of([
        Definition::new("nap", nap),
        Definition::new("listener", listener),
    ]);
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows);
    rig.machines_max = 0;
    rig.restart();
    rig
}

#[test]
fn a_run_that_sleeps_long_leaves_the_memory_and_wakes_in_time() {
    let mut rig = rig();
    let run = rig.start("a", "nap", &3_600_000_u64);
    assert_eq!((rig.core.dormant_runs(), rig.core.open_runs()), (1, 1));
    assert_eq!(rig.core.next_due(), Some(T0.after(Millis(3_600_000))));
    rig.pass(Millis(3_599_999));
    assert_eq!(rig.core.dormant_runs(), 1);
    rig.pass(Millis(1));
    assert_eq!(rig.value(run), 3_600_000);
    assert_eq!((rig.core.dormant_runs(), rig.core.open_runs()), (0, 0));
}

#[test]
fn after_a_restart_it_is_not_even_taken_up() {
    let mut rig = rig();
    let run = rig.start("a", "nap", &3_600_000_u64);
    rig.restart();
    assert_eq!(rig.core.dormant_runs(), 1);
    rig.pass(Millis(3_600_000));
    assert_eq!(rig.value(run), 3_600_000);
}

#[test]
fn one_that_is_due_soon_stays() {
    let mut rig = rig();
    rig.start("a", "nap", &9_000_u64);
    assert_eq!((rig.core.dormant_runs(), rig.core.open_runs()), (0, 1));
}

#[test]
fn whoever_asks_for_it_wakes_it() {
    let number = || Message::Signal {
        workflow_id: WorkflowId::new("a"),
        name: "number".to_owned(),
        input: Payload::json(&7_u64).unwrap(),
    };
    let mut rig = rig();
    let run = rig.start("a", "listener", &());
    assert_eq!(rig.core.dormant_runs(), 1);
    // Describing it wakes it; it may leave again when it does something.
    let waiting_on = rig.describe(run).waiting_on;
    assert!(waiting_on.contains("timer"), "{waiting_on}");
    assert_eq!(rig.core.dormant_runs(), 0);
    rig.restart();
    assert_eq!(rig.core.dormant_runs(), 1);
    assert!(matches!(rig.ask(number()), Reply::Done));
    assert_eq!(rig.value(run), 7);
    assert_eq!((rig.core.dormant_runs(), rig.core.open_runs()), (0, 0));
    assert_eq!(rig.core.next_due(), None, "its alarm is off");
    assert!(matches!(rig.ask(number()), Reply::NotOpen));
}

#[test]
fn its_id_is_taken_while_it_sleeps() {
    let mut rig = rig();
    let run = rig.start("a", "nap", &3_600_000_u64);
    let spec = engine::core::StartSpec::new("a", "nap", Payload::json(&1_u64).unwrap());
    let reply = rig.ask(Message::Start(spec));
    assert!(
        matches!(reply, Reply::AlreadyRunning(id) if id == run),
        "{reply:?}"
    );
    let terminate = Message::Terminate {
        workflow_id: WorkflowId::new("a"),
        reason: "enough".to_owned(),
    };
    assert!(matches!(rig.ask(terminate), Reply::Done));
    assert_eq!(rig.state(run).status, workflow_execution::State::Terminated);
    assert_eq!(rig.core.next_due(), None);
}
