//! Help for tests: an engine over a store in memory, and session files written by hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{ClientError, Engine};
use kernel::{ActivityContract, Cx, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use state::memory_store::MemoryStore;
use state::store::Store as _;
use workflows::contracts::{
    BlobRef, CollectResults, Discover, DiscoverInput, MineSession, MineSessionInput, RollupInput,
    RollupOutput, RollupSignals,
};

use crate::Config;

/// What a run gave, and what it counted on the way.
pub(crate) type Answer<T> = (Result<T, Failure>, BTreeMap<&'static str, u64>);

/// Runs one workflow of the product, or one activity, to its end in an engine of its own.
pub(crate) async fn run<I: Serialize, O: DeserializeOwned>(
    store: &MemoryStore,
    builder: impl FnOnce(engine::Builder) -> engine::Builder,
    id: &str,
    workflow_type: &str,
    input: &I,
) -> Answer<O> {
    let engine = builder(Engine::builder(Arc::new(store.clone())).concurrency(4))
        .start()
        .unwrap();
    let client = engine.client();
    let run_id = client.start(id, workflow_type, input).await.unwrap();
    let result = match client.result(run_id).await {
        Ok(output) => Ok(output),
        Err(ClientError::Failed(failure)) => Err(failure),
        Err(other) => panic!("could not {other}"),
    };
    let meters = client.meters().of(run_id);
    engine.shutdown().await;
    (result, meters)
}

/// Runs one activity.
pub(crate) async fn run_activity<A: ActivityContract>(
    store: &MemoryStore,
    input: &A::Input,
) -> Answer<A::Output> {
    let with_one = |builder| {
        crate::register(builder, Config::default())
            .workflow("One", |cx: Cx, input: A::Input| async move {
                cx.activity::<A>(&input).await
            })
    };
    run(store, with_one, "one", "One", input).await
}

/// The innermost failure: what the activity itself said.
pub(crate) fn root(failure: &Failure) -> &Failure {
    failure.cause.as_deref().map_or(failure, root)
}

/// The bytes of a blob.
pub(crate) fn blob(store: &MemoryStore, blob: &BlobRef) -> Vec<u8> {
    store.blob(&blob.parse().unwrap()).unwrap().unwrap()
}

/// All files below a path.
pub(crate) fn below(path: &Path) -> DiscoverInput {
    DiscoverInput {
        paths: vec![path.to_str().unwrap().to_owned()],
        format: String::new(),
        include: Vec::new(),
        exclude: Vec::new(),
        max_sessions: 0,
    }
}

/// Discovers, mines and rolls up what lies below a path.
pub(crate) async fn roll_up(store: &MemoryStore, path: &Path) -> RollupOutput {
    let found = run_activity::<Discover>(store, &below(path))
        .await
        .0
        .unwrap();
    let mut results = Vec::new();
    for index in 0..found.sessions {
        let manifest = found.manifest.clone();
        let input = MineSessionInput { manifest, index };
        let mined = run_activity::<MineSession>(store, &input).await.0.unwrap();
        results.push(mined.result);
    }
    let list = run_activity::<CollectResults>(store, &results)
        .await
        .0
        .unwrap();
    let input = RollupInput {
        manifest: found.manifest,
        lists: vec![list],
        readings: None,
        merge_near: false,
    };
    run_activity::<RollupSignals>(store, &input)
        .await
        .0
        .unwrap()
}

/// Writes a file and the directories above it.
pub(crate) fn write(root: &Path, name: &str, text: &str) -> PathBuf {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

/// A session in OpenClaw's format: a header and these messages.
pub(crate) fn session(id: &str, messages: &[Value]) -> String {
    let header = json!({"type": "session", "version": 3, "id": id,
        "timestamp": "2026-03-01T10:00:00.000Z", "cwd": "/srv/agent"});
    let mut text = format!("{header}\n");
    for (second, message) in messages.iter().enumerate() {
        let line = json!({"type": "message", "id": format!("{second:08x}"),
            "timestamp": format!("2026-03-01T10:01:{:02}.000Z", second % 60), "message": message});
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// A person says something.
pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

/// The agent says something.
pub(crate) fn says(text: &str) -> Value {
    json!({"role": "assistant", "stopReason": "stop", "content": [{"type": "text", "text": text}]})
}

/// A tool fails.
pub(crate) fn fails(tool: &str, text: &str) -> Value {
    json!({"role": "toolResult", "toolCallId": "c1", "toolName": tool, "isError": true,
        "content": [{"type": "text", "text": text}]})
}

/// A model turn fails.
pub(crate) fn turn_fails(error: &str) -> Value {
    json!({"role": "assistant", "content": [], "provider": "acme", "model": "m-1",
        "stopReason": "error", "errorMessage": error})
}
