//! One file: read once, known afterwards, and harmless whatever became of it.

use std::path::Path;

use state::memory_store::MemoryStore;
use workflows::contracts::{Discover, MineSession as Contract};

use super::*;
use crate::testing::{Answer, below, blob, fails, run_activity, session, user, write};

const NAME: &str = "a.jsonl";

fn text() -> String {
    session(
        "s-1",
        &[user("build it"), fails("exec", "make: *** [all] Error 2")],
    )
}

async fn found(store: &MemoryStore, root: &Path) -> MineSessionInput {
    let found = run_activity::<Discover>(store, &below(root))
        .await
        .0
        .unwrap();
    MineSessionInput {
        manifest: found.manifest,
        index: 0,
    }
}

async fn run(store: &MemoryStore, input: &MineSessionInput) -> Answer<MineSessionOutput> {
    run_activity::<Contract>(store, input).await
}

fn result(store: &MemoryStore, output: &MineSessionOutput) -> MinedSession {
    serde_json::from_slice(&blob(store, &output.result)).unwrap()
}

#[tokio::test]
async fn a_compressed_file_gives_what_the_plain_one_gives_and_damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let path = write(dir.path(), NAME, &text());
    let plain = run(&store, &found(&store, dir.path()).await).await.0;
    let plain = result(&store, &plain.unwrap());

    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let mut zstd = ruzstd::encoding::compress_to_vec(text().as_bytes(), level);
    std::fs::remove_file(&path).unwrap();
    let path = dir.path().join("a.jsonl.zst");
    std::fs::write(&path, &zstd).unwrap();
    let input = found(&store, dir.path()).await;
    let packed = run(&store, &input).await.0;
    let packed = result(&store, &packed.unwrap());
    let seen = |session: &MinedSession| {
        let evidence = session.signals.iter().map(|signal| signal.evidence.clone());
        (session.events, session.bytes, evidence.collect::<Vec<_>>())
    };
    assert_eq!(seen(&packed), seen(&plain));

    zstd.truncate(zstd.len() - 9);
    std::fs::write(&path, &zstd).unwrap();
    let cut = run(&store, &input).await.0;
    let cut = result(&store, &cut.unwrap());
    assert!(cut.signals.is_empty());
    let why = &cut.skipped[0].reason;
    assert!(
        why.starts_with("not readable: damaged zstd file ("),
        "{why}"
    );
}

#[tokio::test]
async fn a_file_is_read_once_and_again_only_when_it_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), NAME, &text());
    let store = MemoryStore::new();
    let input = found(&store, dir.path()).await;
    let (first, meters) = run(&store, &input).await;
    let first = first.unwrap();
    assert_eq!(first.signals, 1);
    assert_eq!(
        (meters["sessions_read"], meters["bytes"]),
        (1, text().len() as u64)
    );

    let (second, meters) = run(&store, &input).await;
    assert_eq!(second.unwrap(), first);
    assert_eq!(
        meters.into_iter().collect::<Vec<_>>(),
        [("sessions_unchanged", 1)]
    );

    // The same bytes at another time: read again, with the same result.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(90);
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let (touched, meters) = run(&store, &input).await;
    assert_eq!(touched.unwrap(), first);
    assert_eq!(meters["sessions_read"], 1);

    std::fs::write(&path, text() + "{\"type\":\"mess").unwrap();
    let (grown, _) = run(&store, &input).await;
    let grown = result(&store, &grown.unwrap());
    assert_eq!(grown.signals.len(), 1);
    assert_eq!(grown.skipped[0].reason, "cut off (still being written?)");
}

fn lines(from: usize, to: usize) -> String {
    let text = session(
        "s-1",
        &[
            user("build it"),
            fails("exec", "make: *** [all] Error 2"),
            user("again please"),
            fails("exec", "make: *** [all] Error 2"),
            fails("read", "no such file: plan.md"),
        ],
    );
    text.split_inclusive('\n').take(to).skip(from).collect()
}

/// What a store that never saw the directory makes of its file.
async fn read_whole(dir: &Path) -> MinedSession {
    let store = MemoryStore::new();
    let output = run(&store, &found(&store, dir).await).await.0;
    result(&store, &output.unwrap())
}

#[tokio::test]
async fn of_a_file_that_grew_only_the_new_bytes_are_read_even_after_it_was_renamed() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let path = write(dir.path(), NAME, &lines(0, 3));
    let input = found(&store, dir.path()).await;
    run(&store, &input).await.0.unwrap();

    let add = |path: &Path, text: &str| {
        let mut file = File::options().append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    add(&path, &lines(3, 5));
    let (grown, meters) = run(&store, &input).await;
    let of_new = lines(3, 5).len() as u64;
    assert_eq!((meters["sessions_continued"], meters["bytes"]), (1, of_new));
    assert_eq!(
        result(&store, &grown.unwrap()),
        read_whole(dir.path()).await
    );

    let renamed = dir.path().join("a.jsonl.reset.2026-03-01");
    std::fs::rename(&path, &renamed).unwrap();
    add(&renamed, &lines(5, 9));
    let input = found(&store, dir.path()).await;
    let (rotated, meters) = run(&store, &input).await;
    if cfg!(unix) {
        assert_eq!(meters["bytes"], lines(5, 9).len() as u64);
    }
    let rotated = result(&store, &rotated.unwrap());
    assert_eq!(rotated.file, "a.jsonl.reset.2026-03-01");
    assert_eq!(rotated, read_whole(dir.path()).await);

    // A new file under the old name is another file.
    write(dir.path(), NAME, &lines(0, 2));
    let input = found(&store, dir.path()).await;
    let (fresh, meters) = run(&store, &input).await;
    assert_eq!(meters["bytes"], lines(0, 2).len() as u64);
    assert_eq!(result(&store, &fresh.unwrap()).lines, 2);
}

#[tokio::test]
async fn a_file_that_was_rewritten_or_cut_is_read_from_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let path = write(dir.path(), NAME, &lines(0, 6));
    let input = found(&store, dir.path()).await;
    run(&store, &input).await.0.unwrap();
    for text in [
        lines(0, 6).replace("build", "brick"),
        lines(0, 2),
        lines(0, 3),
    ] {
        // In place: the file keeps its number.
        std::fs::write(&path, &text).unwrap();
        let (output, meters) = run(&store, &input).await;
        let is = result(&store, &output.unwrap());
        assert_eq!(is, read_whole(dir.path()).await);
        let is_longer = text == lines(0, 3);
        assert_eq!(meters.contains_key("sessions_continued"), is_longer);
    }
}

#[tokio::test]
async fn another_store_gives_the_same_result() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), NAME, &text());
    let (one, other) = (MemoryStore::new(), MemoryStore::new());
    let first = run(&one, &found(&one, dir.path()).await).await.0.unwrap();
    let second = run(&other, &found(&other, dir.path()).await)
        .await
        .0
        .unwrap();
    assert_eq!(first, second);
}

/// What is said of a file when this happens to it after it was found.
async fn skipped_after(change: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), NAME, &text());
    let store = MemoryStore::new();
    let input = found(&store, dir.path()).await;
    std::fs::remove_file(&path).unwrap();
    change(&path);
    let output = run(&store, &input).await.0.unwrap();
    let session = result(&store, &output);
    assert!(!session.is_session && session.signals.is_empty());
    assert_eq!((session.skipped.len(), session.skipped[0].line), (1, 0));
    assert_eq!(session.skipped[0].file, NAME);
    session.skipped[0].reason.to_string()
}

#[tokio::test]
async fn a_file_that_became_something_else_is_skipped_with_the_reason() {
    assert_eq!(skipped_after(|_| {}).await, "not there any more");
    let into_directory = |path: &Path| std::fs::create_dir(path).unwrap();
    assert_eq!(
        skipped_after(into_directory).await,
        "is a directory, not a file"
    );
}

/// Between finding and reading a file can lose its end, or all that it held.
#[tokio::test]
async fn a_file_that_shrank_is_read_as_far_as_it_goes() {
    let shrunk_to = async |bytes: u64| {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), NAME, &text());
        let store = MemoryStore::new();
        let input = found(&store, dir.path()).await;
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(bytes).unwrap();
        let output = run(&store, &input).await.0.unwrap();
        let session = result(&store, &output);
        let reasons = session.skipped.iter().map(|s| s.reason.clone());
        reasons.collect::<Vec<_>>()
    };
    let whole = u64::try_from(text().len()).unwrap();
    assert_eq!(
        shrunk_to(whole - 10).await,
        ["cut off (still being written?)"]
    );
    assert_eq!(shrunk_to(0).await, ["empty file"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_became_a_fifo_or_a_loop_is_skipped_with_the_reason() {
    let into_fifo = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    assert_eq!(skipped_after(into_fifo).await, "is a FIFO, not a file");
    let into_loop = |path: &Path| std::os::unix::fs::symlink(path, path).unwrap();
    assert_eq!(skipped_after(into_loop).await, "a loop of links");
}

#[tokio::test]
async fn an_index_beyond_the_manifest_is_a_permanent_failure() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), NAME, &text());
    let store = MemoryStore::new();
    let mut input = found(&store, dir.path()).await;
    input.index = 7;
    let failure = run(&store, &input).await.0.unwrap_err();
    let failure = crate::testing::root(&failure);
    assert_eq!(
        (failure.error_type.as_str(), failure.retry),
        ("BadIndex", Retry::Permanent)
    );
    assert_eq!(failure.message, "no file 7 among 1");
}

/// Hundreds of files are one session: found by what lies beside it, read once, read again when one of them changed.
#[tokio::test]
async fn a_session_in_many_files_is_one_and_is_read_again_when_one_of_them_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let root = dir.path();
    write(root, "session/p1/ses_1.json", r#"{"id":"ses_1"}"#);
    write(
        root,
        "message/ses_1/msg_1.json",
        r#"{"id":"msg_1","role":"assistant","time":{"created":1767225601000}}"#,
    );
    let tool = r#"{"type":"tool","callID":"c","tool":"bash","state":{"status":"error","input":{"command":"make"},"error":"make: timed out"}}"#;
    write(root, "part/msg_1/prt_1.json", tool);
    write(root, "part/msg_1/prt_2.json", "{\"type\"");
    let input = found(&store, root).await;
    let manifest: crate::manifest::Manifest =
        serde_json::from_slice(&blob(&store, &input.manifest)).unwrap();
    assert_eq!((manifest.files.len(), manifest.skipped.len()), (1, 0));
    assert_eq!(manifest.files[0].name, "session/p1/ses_1.json");

    let first = run(&store, &input).await.0.unwrap();
    let session = result(&store, &first);
    assert_eq!(session.session_id.as_str(), "ses_1");
    assert_eq!(session.signals.len(), 1);
    assert_eq!(session.signals[0].source.line, 2);
    let [torn] = session.skipped.as_slice() else {
        panic!("{:?}", session.skipped)
    };
    assert!(torn.file.contains("part/msg_1/prt_2.json"), "{torn:?}");
    assert_eq!(run(&store, &input).await.0.unwrap(), first);

    write(
        root,
        "part/msg_1/prt_2.json",
        r#"{"type":"text","text":"done"}"#,
    );
    let input = found(&store, root).await;
    let again = run(&store, &input).await.0.unwrap();
    assert!(result(&store, &again).skipped.is_empty());
    std::fs::remove_dir_all(root.join("message")).unwrap();
    let gone = run(&store, &input).await.0.unwrap();
    assert!(!result(&store, &gone).is_session);
}
