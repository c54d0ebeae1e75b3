//! A merge is asked for by name, done once however often it is tried, and shown by the next run.

use kernel::{Cx, Failure};
use state::memory_store::MemoryStore;
use trace::rollup::RollupDocument;
use workflows::contracts::{MergeFailures, MergeFailuresInput, MergeFailuresOutput};

use crate::Config;
use crate::testing::{Answer, blob, fails, roll_up, run, session, user, write};

/// Asks twice in one run, as an attempt does whose answer was lost on the way.
async fn ask_twice(
    store: &MemoryStore,
    id: &str,
    input: &MergeFailuresInput,
) -> Answer<(MergeFailuresOutput, MergeFailuresOutput)> {
    let with_one = |builder| {
        crate::register(builder, Config::default()).workflow(
            "Twice",
            |cx: Cx, input: MergeFailuresInput| async move {
                let first = cx.activity::<MergeFailures>(&input).await?;
                let second = cx.activity::<MergeFailures>(&input).await?;
                Ok::<_, Failure>((first, second))
            },
        )
    };
    run(store, with_one, id, "Twice", input).await
}

fn sessions() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, error) in [
        ("a", "the upstream closed the connection early"),
        ("b", "upstream went away"),
        ("c", "quota used up"),
    ] {
        let text = session(name, &[user("go on"), fails("exec", error)]);
        write(dir.path(), &format!("{name}.jsonl"), &text);
    }
    dir
}

async fn document(store: &MemoryStore, dir: &tempfile::TempDir) -> RollupDocument {
    let output = roll_up(store, dir.path()).await;
    serde_json::from_slice(&blob(store, &output.rollup)).unwrap()
}

fn id_of(document: &RollupDocument, words: &str) -> String {
    let found = document.rollups.iter().find(|r| r.summary.contains(words));
    found.unwrap().fingerprint_id.clone()
}

fn merge(from: &str, into: &str) -> MergeFailuresInput {
    MergeFailuresInput::Merge {
        from: from.to_owned(),
        into: into.to_owned(),
        because: "one proxy, says kim.lindqvist@example.org".to_owned(),
    }
}

#[tokio::test]
async fn what_was_merged_is_one_group_of_the_next_run_and_two_again_when_taken_back() {
    let store = MemoryStore::new();
    let dir = sessions();
    let plain = document(&store, &dir).await;
    let (early, away) = (id_of(&plain, "closed"), id_of(&plain, "went away"));
    let (done, _) = ask_twice(&store, "m", &merge(&early[..12], &away)).await;
    let (first, second) = done.unwrap();
    assert_eq!(first, second);
    assert_eq!((&first.fingerprint_id, &first.into), (&early, &away));
    assert_eq!(first.aliases, [early.as_str()]);

    let merged = document(&store, &dir).await;
    assert_eq!(merged.rollups.len(), plain.rollups.len() - 1);
    let group = merged
        .rollups
        .iter()
        .find(|r| r.fingerprint_id == away)
        .unwrap();
    assert_eq!((group.count_items, group.count_sessions), (2, 2));
    assert!(group.summary.contains("went away"), "{group:?}");
    assert_eq!(group.aliases[0].fingerprint_id, early);
    assert!(group.aliases[0].because.contains("[EMAIL_"), "{group:?}");
    assert_eq!(group.standing.as_ref().unwrap().sessions, 2);
    assert_eq!(merged.alias_history.len(), 1);
    assert!(merged.absent.is_empty(), "{:?}", merged.absent);

    let back = MergeFailuresInput::Unmerge {
        from: early.clone(),
        because: "two proxies".to_owned(),
    };
    let (done, _) = ask_twice(&store, "u", &back).await;
    done.unwrap();
    let mut again = document(&store, &dir).await;
    assert_eq!(again.alias_history.len(), 2);
    again.alias_history.clear();
    assert_eq!(again.rollups, plain.rollups);
}

#[tokio::test]
async fn a_name_that_nobody_knows_and_a_pair_that_cannot_be_are_told_and_change_nothing() {
    let store = MemoryStore::new();
    let dir = sessions();
    let (none, _) = ask_twice(&store, "e", &merge("fp1:00000000", "fp1:11111111")).await;
    let none = none.unwrap_err();
    assert!(
        none.message.contains("no run has found any failure yet"),
        "{none:?}"
    );
    let plain = document(&store, &dir).await;
    let away = id_of(&plain, "went away");
    let (unknown, _) = ask_twice(&store, "f", &merge("fp1:00000000", &away)).await;
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown.error_type, "UnknownFailure");
    assert!(unknown.message.contains(&away), "{unknown:?}");
    let (same, _) = ask_twice(&store, "g", &merge(&away, &away)).await;
    assert_eq!(same.unwrap_err().error_type, "NotMerged");
    assert_eq!(document(&store, &dir).await.rollups, plain.rollups);
}
