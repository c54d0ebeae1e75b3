//! Records histories for the replay tests, when asked to: `RECORD_HISTORIES=1 cargo test record::`.
//!
//! Old files are never replaced: a new recording gets the next number.

use std::path::Path;
use std::sync::Arc;

use engine::Engine;
use kernel::{EventKind, HistoryEvent, Payload, RunId, WorkflowContract};
use state::{SledStore, Store};
use trace::llm::budget::Limits;
use workflows::contracts::{DiscoverInput, DiscoverOutput, MergeFailuresInput};
use workflows::reading::{PlanReadingOutput, ReadSessionInput};
use workflows::{
    BriefLoop, Merge, MineShard, MineShardInput, ReadShard, ReadShardInput, ReadingSettings,
    TraceRun, TraceRunInput, TraceRunOutput,
};

use crate::bad_input::session;

#[test]
fn histories_are_recorded() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/histories");
    if std::env::var_os("RECORD_HISTORIES").is_none() {
        let recorded = std::fs::read_dir(target).unwrap().count();
        assert!(recorded >= 3, "only {recorded} histories are recorded");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(record(&target));
}

async fn record(target: &Path) {
    let dir = tempfile::TempDir::new().unwrap();
    let sessions = dir.path().join("sessions");
    std::fs::create_dir(&sessions).unwrap();
    for n in 0..8 {
        let name = format!("session-{n}.jsonl");
        std::fs::write(sessions.join(name), session(&format!("s{n}"))).unwrap();
    }
    let other = session("s8").replace("could not compile `app`", "linker `cc` not found");
    std::fs::write(sessions.join("session-8.jsonl"), other).unwrap();
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&dir.path().join("state")).unwrap());
    let builder = Engine::builder(Arc::clone(&store)).definitions(workflows::definitions());
    let engine = activities::register(builder, activities::Config::default())
        .start()
        .unwrap();
    let client = engine.client();
    let input = TraceRunInput {
        discover: DiscoverInput {
            paths: vec![sessions.to_str().unwrap().to_owned()],
            format: String::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            max_sessions: 0,
        },
        out: dir.path().join("out").to_str().unwrap().to_owned(),
        briefs: 1,
        model: "none".to_owned(),
        // A budget of nothing: the stage is there, and no model is asked.
        reading: Some(ReadingSettings {
            model: "anthropic:none-is-asked".to_owned(),
            limits: Limits {
                tokens: 0,
                cost_micros: None,
                price: None,
            },
            seed: 0,
            at_once: 1,
        }),
        merge_near: false,
    };
    let root = client
        .start_typed::<TraceRun>("recorded", &input)
        .await
        .unwrap();
    client.wait(root).await.unwrap();
    let events = client.history(root).unwrap();
    let found: DiscoverOutput = events
        .iter()
        .find_map(|event| match &event.kind {
            EventKind::ActivityTaskCompleted { result, .. } => result.decode().ok(),
            _ => None,
        })
        .unwrap();
    let planned: PlanReadingOutput = events
        .iter()
        .find_map(|event| match &event.kind {
            EventKind::ActivityTaskCompleted { result, .. } => result.decode().ok(),
            _ => None,
        })
        .unwrap();
    let child = events
        .iter()
        .find_map(|event| match &event.kind {
            EventKind::ChildWorkflowExecutionStarted { run_id, .. } => Some(*run_id),
            _ => None,
        })
        .unwrap();
    let read_shard = ReadShardInput {
        common: ReadSessionInput {
            manifest: found.manifest.clone(),
            plan: planned.plan,
            position: 0,
            settings: input.reading.clone().unwrap(),
            account: root.to_string(),
        },
        first: 0,
        end: 0,
    };
    let read_shard = client
        .start_typed::<ReadShard>("recorded-reading", &read_shard)
        .await
        .unwrap();
    client.wait(read_shard).await.unwrap();
    let shard = MineShardInput {
        manifest: found.manifest,
        first: 2,
        end: 7,
    };
    let shard = client
        .start_typed::<MineShard>("recorded-shard", &shard)
        .await
        .unwrap();
    client.wait(shard).await.unwrap();
    let merged = merge(&client, root).await;
    for (run_id, workflow_type) in [
        (root, TraceRun::TYPE),
        (merged, Merge::TYPE),
        (child, BriefLoop::TYPE),
        (shard, MineShard::TYPE),
        (read_shard, ReadShard::TYPE),
    ] {
        let place = dir.path().to_str().unwrap();
        write(
            target,
            store.as_ref(),
            run_id,
            workflow_type,
            &client.history(run_id).unwrap(),
            place,
        );
    }
    engine.shutdown().await;
}

/// Merges the first two failures of a run, of which there are two.
async fn merge(client: &engine::Client, root: RunId) -> RunId {
    let output: TraceRunOutput = client.result(root).await.unwrap();
    let rollup = client.store().blob(&output.rollup.parse().unwrap());
    let rollup: serde_json::Value = serde_json::from_slice(&rollup.unwrap().unwrap()).unwrap();
    let id = |n: usize| rollup["rollups"][n]["fingerprint_id"].as_str().unwrap();
    let input = MergeFailuresInput::Merge {
        from: id(0).to_owned(),
        into: id(1).to_owned(),
        because: "one repair".to_owned(),
    };
    let started = client.start_typed::<Merge>("recorded-merge", &input).await;
    let run_id = started.unwrap();
    client.wait(run_id).await.unwrap();
    run_id
}

fn write(
    target: &Path,
    store: &dyn Store,
    run_id: RunId,
    workflow_type: &str,
    events: &[HistoryEvent],
    place: &str,
) {
    let events: Vec<_> = events
        .iter()
        .cloned()
        .map(|event| without(event, place))
        .collect();
    let recorded = serde_json::json!({
        "workflow_id": store.load_run(run_id).unwrap().unwrap().workflow_id,
        "run_id": run_id,
        "workflow_type": workflow_type,
        "events": events,
    });
    let number = (1..).find(|n| !target.join(format!("{workflow_type}-{n:03}.json")).exists());
    let path = target.join(format!("{workflow_type}-{:03}.json", number.unwrap()));
    std::fs::write(path, format!("{recorded}\n")).unwrap();
}

/// The event without the directory in which it was recorded.
fn without(mut event: HistoryEvent, place: &str) -> HistoryEvent {
    let clean = |payload: &mut Payload| {
        let text = String::from_utf8(payload.data.clone())
            .unwrap()
            .replace(place, "/recorded");
        payload.data = text.into_bytes();
    };
    match &mut event.kind {
        EventKind::WorkflowExecutionStarted { input, .. }
        | EventKind::ActivityTaskScheduled { input, .. }
        | EventKind::StartChildWorkflowExecutionInitiated { input, .. } => clean(input),
        _ => {}
    }
    event
}
