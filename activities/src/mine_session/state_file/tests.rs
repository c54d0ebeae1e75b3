//! A state file is read again when it changed, and when what lies beside it did.

use state::memory_store::MemoryStore;
use workflows::contracts::{Discover, MineSession as Contract};

use super::*;
use crate::testing::{Answer, below, blob, run_activity, session, user, write};

const INDEX: &str = "{\n\"agent:main:main\":{\"sessionId\":\"s-1\",\"systemSent\":true},\n\
                     \"agent:main:chat\":{\"sessionId\":\"s-2\",\"totalTokens\":5}\n}\n";

/// What all files of a directory gave that is no session of OpenClaw, and how many were read.
async fn mined(store: &MemoryStore, root: &Path) -> (Vec<MinedSession>, u64) {
    let found = run_activity::<Discover>(store, &below(root)).await.0;
    let found = found.unwrap();
    let mut states = Vec::new();
    let mut n_read = 0;
    for index in 0..found.sessions {
        let manifest = found.manifest.clone();
        let input = MineSessionInput { manifest, index };
        let (output, meters): Answer<MineSessionOutput> =
            run_activity::<Contract>(store, &input).await;
        let result = blob(store, &output.unwrap().result);
        let result: MinedSession = serde_json::from_slice(&result).unwrap();
        if result.format == trace::state_file::FORMAT {
            let read = meters.iter().filter(|(name, _)| **name == "sessions_read");
            n_read += read.map(|(_, n)| n).sum::<u64>();
            states.push(result);
        }
    }
    (states, n_read)
}

#[tokio::test]
async fn an_index_is_read_again_when_a_transcript_beside_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let at = |name: &str| format!("agents/main/sessions/{name}");
    let text = session("s-1", &[user("hello")]);
    write(dir.path(), &at("s-1.jsonl"), &text);
    let second = write(dir.path(), &at("s-2.jsonl"), &text);
    write(dir.path(), &at("sessions.json"), INDEX);
    let (states, n_read) = mined(&store, dir.path()).await;
    assert_eq!((states.len(), states[0].signals.len(), n_read), (1, 0, 1));
    assert_eq!(mined(&store, dir.path()).await.1, 0);
    std::fs::remove_file(second).unwrap();
    let (states, n_read) = mined(&store, dir.path()).await;
    assert_eq!((states[0].signals.len(), n_read), (1, 1));
    assert_eq!(states[0].signals[0].source.line, 3);
    // Where a newer OpenClaw keeps its sessions in a store, files say nothing of what is lost.
    write(dir.path(), "agents/main/agent/openclaw-agent.sqlite", "");
    assert!(mined(&store, dir.path()).await.0[0].signals.is_empty());
}

#[tokio::test]
async fn a_torn_index_and_one_that_goes_while_it_is_looked_at_end_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let text = session("s-1", &[user("hello")]);
    write(dir.path(), "agents/main/sessions/s-1.jsonl", &text);
    let index = write(
        dir.path(),
        "agents/main/sessions/sessions.json",
        &INDEX[..60],
    );
    let (states, _) = mined(&store, dir.path()).await;
    let told: Vec<_> = states[0]
        .signals
        .iter()
        .map(|s| s.summary.to_string())
        .collect();
    assert_eq!(told, ["sessions.json damaged: it ends in the middle"]);
    let found = run_activity::<Discover>(&store, &below(dir.path())).await.0;
    std::fs::remove_file(index).unwrap();
    let input = MineSessionInput {
        manifest: found.unwrap().manifest,
        index: 1,
    };
    let (output, _): Answer<MineSessionOutput> = run_activity::<Contract>(&store, &input).await;
    let gone: MinedSession =
        serde_json::from_slice(&blob(&store, &output.unwrap().result)).unwrap();
    assert!(!gone.is_session && gone.skipped.len() == 1, "{gone:?}");
}
