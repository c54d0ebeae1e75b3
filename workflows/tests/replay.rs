//! Every recorded history still replays against today's code.
//!
//! The files in `histories/` are runs of the real program, recorded by the test
//! `record::histories_are_recorded` of the root package. They are kept for ever: a run that was open
//! when a new binary came must be able to go on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this test reads recorded files"
)]

use std::path::{Path, PathBuf};

use kernel::{
    Cx, Definition, Failure, HistoryEvent, ReplayError, RunId, WorkflowContract, WorkflowId, replay,
};
use serde::{Deserialize, Serialize};
use workflows::contracts::{Discover, stage};
use workflows::{TraceRun, TraceRunInput, TraceRunOutput};

#[derive(Serialize, Deserialize)]
struct Recorded {
    workflow_id: WorkflowId,
    run_id: RunId,
    workflow_type: String,
    events: Vec<HistoryEvent>,
}

fn histories() -> Vec<(PathBuf, Recorded)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let recorded = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path, recorded)
        })
        .collect()
}

fn run(definition: &Definition, recorded: &Recorded) -> Result<(), ReplayError> {
    replay(
        definition,
        recorded.workflow_id.clone(),
        recorded.run_id,
        &recorded.events,
    )
    .map(|_| ())
}

#[test]
fn every_recorded_history_replays() {
    let definitions = workflows::definitions();
    let mut types = std::collections::BTreeSet::new();
    for (path, recorded) in histories() {
        let definition = definitions
            .iter()
            .find(|d| d.workflow_type() == recorded.workflow_type)
            .unwrap_or_else(|| panic!("{}: no such workflow today", path.display()));
        if let Err(error) = run(definition, &recorded) {
            panic!("{}: {error}", path.display());
        }
        types.insert(recorded.workflow_type);
    }
    let all: Vec<_> = definitions
        .iter()
        .map(|d| d.workflow_type().to_owned())
        .collect();
    assert!(
        all.iter().all(|t| types.contains(t)),
        "recorded are {types:?} only, of {all:?}"
    );
}

#[test]
fn every_recorded_history_replays_from_the_shape_of_other_tools() {
    let definitions = workflows::definitions();
    for (path, recorded) in histories() {
        let document =
            kernel::temporal::export(&recorded.workflow_id, recorded.run_id, &recorded.events);
        let read = kernel::temporal::import(&document)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(read.workflow_id, recorded.workflow_id);
        assert_eq!(read.run_id, recorded.run_id);
        assert_eq!(read.events, recorded.events, "{}", path.display());
        let definition = definitions
            .iter()
            .find(|d| d.workflow_type() == recorded.workflow_type)
            .unwrap();
        let again = replay(definition, read.workflow_id, read.run_id, &read.events);
        assert!(again.is_ok(), "{}", path.display());
    }
}

/// A body that asks for the same things in another order.
async fn reordered(cx: Cx, input: TraceRunInput) -> Result<TraceRunOutput, Failure> {
    cx.stage(stage::DISCOVER, Some(1));
    cx.stage(stage::ROLLUP, Some(1));
    cx.stage(stage::MINE, None);
    let _found = cx.activity::<Discover>(&input.discover).await?;
    Err(Failure::permanent("Unreachable", "the replay stops before"))
}

#[test]
fn another_order_of_commands_is_refused_with_the_event_and_the_way_out() {
    let (_, recorded) = histories()
        .into_iter()
        .find(|(_, recorded)| recorded.workflow_type == TraceRun::TYPE)
        .unwrap();
    let error = run(&Definition::new(TraceRun::TYPE, reordered), &recorded).unwrap_err();
    let ReplayError::Nondeterminism { event_id, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(event_id.0, 4);
    let text = error.to_string();
    for part in [
        "event 4",
        "the history has MarkerRecorded(stage mine)",
        "the code did MarkerRecorded(stage rollup)",
        "Put back the old order of commands",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
