//! A session in a store gives what its file gave, and is read on when it grew.

use state::memory_store::MemoryStore;
use workflows::contracts::{Discover, MineSession as Contract};

use super::*;
use crate::sqlite::OpenCode;
use crate::sqlite::tests::Owner;
use crate::testing::{Answer, below, blob, fails, run_activity, session, user, write};

const STORE: &str = "agents/main/agent/openclaw-agent.sqlite";

fn text() -> String {
    let long = "make: *** [all] Error 2\n".to_owned() + &"and so on ".repeat(200);
    session(
        "s-1",
        &[
            user("build it"),
            fails("exec", &long),
            user("again please"),
            fails("exec", "make: *** [all] Error 2"),
            fails("read", "no such file: plan.md"),
        ],
    )
}

fn lines(from: usize, to: usize) -> String {
    let text = text();
    text.split_inclusive('\n').take(to).skip(from).collect()
}

async fn mined(store: &MemoryStore, root: &Path) -> (MinedSession, Vec<(&'static str, u64)>) {
    let found = run_activity::<Discover>(store, &below(root))
        .await
        .0
        .unwrap();
    let input = MineSessionInput {
        manifest: found.manifest,
        index: 0,
    };
    let (output, meters): Answer<MineSessionOutput> = run_activity::<Contract>(store, &input).await;
    let result = serde_json::from_slice(&blob(store, &output.unwrap().result)).unwrap();
    let meters = meters.into_iter().filter(|(name, _)| *name != "bytes");
    (result, meters.collect())
}

fn seen(session: &MinedSession) -> Vec<(String, u64, String)> {
    let signals = session.signals.iter();
    signals
        .map(|signal| {
            let evidence = serde_json::to_value(&signal.evidence).unwrap();
            let line = evidence["line"].as_u64().unwrap_or(0);
            (
                signal.fingerprint_id.to_string(),
                line,
                evidence["quote"].to_string(),
            )
        })
        .collect()
}

#[tokio::test]
async fn the_same_session_gives_the_same_signals_from_its_file_and_from_a_store() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "file/s-1.jsonl", &text());
    let (file, _) = mined(&MemoryStore::new(), &dir.path().join("file")).await;
    let owner = Owner::create(&dir.path().join("home").join(STORE));
    owner.append("s-1", &text());
    owner.compress("s-1", 2);
    let (stored, _) = mined(&MemoryStore::new(), &dir.path().join("home")).await;
    assert_eq!(seen(&stored), seen(&file));
    assert!(!stored.signals.is_empty());
    assert_eq!(
        (
            stored.session_id.as_str(),
            stored.lines,
            stored.events,
            stored.bytes
        ),
        (
            file.session_id.as_str(),
            file.lines,
            file.events,
            file.bytes
        )
    );
    assert_eq!(stored.file.as_str(), format!("{STORE}/s-1"));
}

#[tokio::test]
async fn only_new_rows_are_read_and_all_of_them_after_a_rewriting() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(STORE);
    let owner = Owner::create(&path);
    owner.append("s-1", &lines(0, 3));
    let store = MemoryStore::new();
    let (_, meters) = mined(&store, dir.path()).await;
    assert_eq!(meters, [("sessions_read", 1)]);
    let (first, meters) = mined(&store, dir.path()).await;
    assert_eq!(meters, [("sessions_unchanged", 1)]);

    owner.append("s-1", &lines(3, 9));
    let (grown, meters) = mined(&store, dir.path()).await;
    assert_eq!(meters, [("sessions_continued", 1), ("sessions_read", 1)]);
    assert!(grown.signals.len() > first.signals.len());
    let (whole, _) = mined(&MemoryStore::new(), dir.path()).await;
    assert_eq!(grown, whole);

    let rewrite = "DELETE FROM transcript_events WHERE seq = 1;
                   UPDATE transcript_rewrite_watermarks SET generation = 'g2'; VACUUM";
    owner.0.execute_batch(rewrite).unwrap();
    let (rewritten, meters) = mined(&store, dir.path()).await;
    assert_eq!(meters, [("sessions_read", 1)]);
    assert_eq!(rewritten, mined(&MemoryStore::new(), dir.path()).await.0);
    assert_eq!(rewritten.lines + 1, whole.lines);
}

#[tokio::test]
async fn a_session_that_left_its_store_is_skipped_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Owner::create(&dir.path().join(STORE));
    owner.append("s-1", &text());
    let store = MemoryStore::new();
    let found = run_activity::<Discover>(&store, &below(dir.path()))
        .await
        .0
        .unwrap();
    owner
        .0
        .execute_batch("DELETE FROM transcript_events")
        .unwrap();
    let input = MineSessionInput {
        manifest: found.manifest,
        index: 0,
    };
    let output = run_activity::<Contract>(&store, &input).await.0.unwrap();
    let session: MinedSession = serde_json::from_slice(&blob(&store, &output.result)).unwrap();
    assert_eq!(session.skipped[0].reason, "not in its store any more");
}

#[tokio::test]
async fn a_session_of_opencode_is_known_while_nothing_changed_and_read_whole_when_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let owner = OpenCode::create(&dir.path().join("opencode.db"));
    owner.some_session("ses_1");
    let store = MemoryStore::new();
    let (first, meters) = mined(&store, dir.path()).await;
    assert_eq!(meters, [("sessions_read", 1)]);
    assert_eq!(first.session_id.as_str(), "ses_1");
    // The rule that is missing, and a person who was told nothing of it.
    let found: Vec<_> = first.signals.iter().map(|s| s.summary.as_str()).collect();
    let told = [
        "a person was answered with an empty turn",
        "bash: make: *** No rule to make target 'tests'.",
    ];
    assert_eq!((first.events, found), (4, told.to_vec()));
    let (again, meters) = mined(&store, dir.path()).await;
    assert_eq!(
        (seen(&again), meters),
        (seen(&first), vec![("sessions_unchanged", 1)])
    );
    owner.message("ses_1", "ses_1-3", 3, r#"{"role":"user"}"#);
    owner.part(
        "ses_1",
        "ses_1-3",
        "ses_1-c",
        r#"{"type":"text","text":"and now?"}"#,
    );
    let (more, meters) = mined(&store, dir.path()).await;
    assert_eq!((more.events, meters), (5, vec![("sessions_read", 1)]));
}
