//! The upgrade gate: old histories, new code under the same names.

use std::sync::Arc;

use engine::Engine;
use engine::upgrade::{Finding, Problem, Tally};
use kernel::{ActivityOptions, Cx, Definition, EventId, Failure, Millis};
use state::MemoryStore;
use state::store::{Namespace, Store};

use crate::rig::{Rig, of};

async fn works(cx: Cx, n: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(n)).await?;
    cx.activity_named("work", &n, ActivityOptions::default())
        .await
}

/// The order is turned round.
async fn works_first(cx: Cx, n: u64) -> Result<u64, Failure> {
    let done = cx
        .activity_named("work", &n, ActivityOptions::default())
        .await?;
    cx.sleep(Millis(n)).await?;
    Ok(done)
}

/// The same change behind a patch marker.
async fn works_first_patched(cx: Cx, n: u64) -> Result<u64, Failure> {
    if cx.patched("work before the nap") {
        works_first(cx, n).await
    } else {
        works(cx, n).await
    }
}

async fn panics(_cx: Cx, _: u64) -> Result<u64, Failure> {
    panic!("not today")
}

/// A store with one run in a long nap (dormant) and one that waits for its activity.
fn old_store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let old = of([Definition::new("works", works)]);
    let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let mut rig = Rig::over(shared, old);
    rig.machines_max = 0;
    rig.restart();
    rig.start("asleep", "works", &3_600_000_u64);
    rig.start("awake", "works", &0_u64);
    rig.pass(Millis(1));
    assert_eq!((rig.core.dormant_runs(), rig.core.open_runs()), (1, 2));
    store
}

fn check(store: &Arc<MemoryStore>, new: Definition) -> (Tally, Vec<Finding>) {
    let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    let mut found = Vec::new();
    let tally = Engine::builder(shared)
        .definitions([new])
        .check_open_runs(|finding| found.push(finding))
        .unwrap();
    (tally, found)
}

/// Everything that the store has of open runs.
fn contents(store: &MemoryStore) -> String {
    let mut text = String::new();
    for run_id in store.open_runs().unwrap() {
        let history = store.load_history(run_id, EventId(0), 1_000).unwrap();
        text += &format!("{:?} {history:?}\n", store.load_run(run_id).unwrap());
    }
    text + &format!("{:?}", store.rows(Namespace::Meta).unwrap())
}

#[test]
fn the_same_code_breaks_nothing_and_writes_nothing() {
    let store = old_store();
    let before = contents(&store);
    let (tally, found) = check(&store, Definition::new("works", works));
    assert_eq!(found, []);
    assert_eq!((tally.runs_checked, tally.runs_broken), (2, 0));
    assert_eq!(contents(&store), before);
}

#[test]
fn other_commands_are_named_with_event_and_both_sides_for_dormant_runs_too() {
    let (tally, found) = check(&old_store(), Definition::new("works", works_first));
    assert_eq!((tally.runs_checked, tally.runs_broken), (2, 2));
    let ids: Vec<_> = found.iter().map(|f| f.workflow_id.as_str()).collect();
    assert_eq!(ids, ["asleep", "awake"]);
    for finding in found {
        let Problem::Nondeterminism {
            event_id,
            history,
            code,
        } = &finding.problem
        else {
            panic!("{finding:?}")
        };
        assert_eq!(*event_id, EventId(3));
        assert!(history.contains("TimerStarted"), "{history}");
        assert!(code.contains("work"), "{code}");
        assert!(finding.problem.advice().contains("cx.patched"));
    }
}

#[test]
fn the_change_behind_a_patch_marker_passes() {
    let (tally, found) = check(&old_store(), Definition::new("works", works_first_patched));
    assert_eq!(found, []);
    assert_eq!(tally.runs_checked, 2);
}

#[test]
fn code_that_is_gone_or_fails_is_told_apart() {
    let (_, found) = check(&old_store(), Definition::new("other", works));
    assert!(found.iter().all(|f| f.problem == Problem::UnknownType));
    assert_eq!(found.len(), 2);
    let (_, found) = check(&old_store(), Definition::new("works", panics));
    let failures: Vec<_> = found.iter().map(|f| f.problem.to_string()).collect();
    assert_eq!(failures.len(), 2);
    assert!(failures[0].contains("at event 2") && failures[0].contains("not today"));
}
