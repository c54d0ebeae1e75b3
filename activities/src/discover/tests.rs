//! Directories of every awkward kind, and what is said of each.

use super::*;
use crate::sqlite::OpenCode;
use crate::sqlite::tests::Owner;
use crate::testing::{below, session, user, write};

fn all(input: &DiscoverInput) -> Result<Manifest, Failure> {
    discover(input, &|| Ok(()))
}

fn names(manifest: &Manifest) -> Vec<&str> {
    manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect()
}

fn skips(manifest: &Manifest) -> Vec<(&str, &str)> {
    let skipped = manifest.skipped.iter();
    skipped
        .map(|s| (s.file.as_str(), s.reason.as_str()))
        .collect()
}

fn some_session() -> String {
    session("s-1", &[user("hello there")])
}

#[test]
fn sessions_are_told_by_content_and_sorted_and_the_rest_says_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let text = some_session();
    write(root, "agents/main/sessions/b.jsonl", &text);
    write(root, "agents/main/sessions/a.jsonl.reset.2026-03-01", &text);
    write(root, "agents/main/sessions/copy.txt", &text);
    write(root, "agents/main/sessions/b.jsonl.bak-12-99", &text);
    write(root, "agents/main/sessions/b.checkpoint.77.jsonl", &text);
    write(root, "agents/main/sessions/gone.checkpoint.78.jsonl", &text);
    write(root, "agents/main/sessions/b.jsonl.lock", "1");
    write(root, "agents/main/sessions/sessions.json", "{}");
    write(root, "agents/main/sessions/.hidden.jsonl", &text);
    write(root, "agents/main/sessions/b.trajectory.jsonl", &text);
    write(root, "empty.jsonl", "");
    write(root, "garbage.jsonl", "\u{0}\u{1}\u{2} no json\n");
    write(root, "notes.md", "# notes\n");
    let manifest = all(&below(root)).unwrap();
    assert_eq!(
        names(&manifest),
        [
            "agents/main/sessions/a.jsonl.reset.2026-03-01",
            "agents/main/sessions/b.jsonl",
            "agents/main/sessions/copy.txt",
            "agents/main/sessions/gone.checkpoint.78.jsonl",
            "agents/main/sessions/sessions.json",
        ]
    );
    assert_eq!(
        skips(&manifest),
        [
            (
                "agents/main/sessions/b.checkpoint.77.jsonl",
                "a checkpoint of a session that is read itself"
            ),
            (
                "agents/main/sessions/b.jsonl.bak-12-99",
                "a backup of a session that is read itself"
            ),
            ("empty.jsonl", "empty file"),
            ("garbage.jsonl", "not a session of a known format"),
        ]
    );
    assert_eq!(all(&below(root)).unwrap(), manifest);
}

#[test]
fn no_sessions_at_all_says_what_was_looked_for_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.jsonl", "");
    write(dir.path(), "b.md", "");
    let failure = all(&below(dir.path())).unwrap_err();
    assert_eq!(failure.error_type, "NoSessions");
    assert_eq!(failure.retry, kernel::Retry::Permanent);
    let expected = format!(
        "no sessions found below {}: looked for session files of {} \
         among 2 entries; 1 could not be taken, such as a.jsonl (empty file). Name a \
         directory that holds agent sessions, such as ~/.openclaw, ~/.claude/projects or \
         ~/.codex/sessions",
        dir.path().display(),
        Format::ALL.map(Format::name).join(", ")
    );
    assert_eq!(failure.message, expected);
    let nowhere = all(&below(&dir.path().join("nowhere"))).unwrap_err();
    assert!(
        nowhere.message.contains("(not there any more)"),
        "{}",
        nowhere.message
    );
}

#[test]
fn globs_formats_and_a_limit_narrow_the_choice() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "b.jsonl", "old/c.jsonl"] {
        write(dir.path(), name, &some_session());
    }
    let claude = r#"{"type":"user","sessionId":"s","uuid":"u","timestamp":"2026-03-01T10:00:00Z","message":{"role":"user","content":"hi"}}"#;
    write(dir.path(), "d.jsonl", &format!("{claude}\n"));
    let mut input = below(dir.path());
    input.exclude = vec!["old/**".to_owned()];
    assert_eq!(
        names(&all(&input).unwrap()),
        ["a.jsonl", "b.jsonl", "d.jsonl"]
    );
    input.max_sessions = 2;
    assert_eq!(names(&all(&input).unwrap()), ["a.jsonl", "b.jsonl"]);
    input.include = vec!["b*".to_owned()];
    assert_eq!(names(&all(&input).unwrap()), ["b.jsonl"]);

    let mut input = below(dir.path());
    input.format = "openclaw".to_owned();
    let manifest = all(&input).unwrap();
    assert_eq!(names(&manifest), ["a.jsonl", "b.jsonl", "old/c.jsonl"]);
    let why = "a session of claude, but openclaw was asked for";
    assert_eq!(skips(&manifest), [("d.jsonl", why)]);
    input.format = "clawd".to_owned();
    let failure = all(&input).unwrap_err();
    assert_eq!(failure.error_type, "UnknownFormat");
    assert!(
        failure
            .message
            .starts_with("no session format \"clawd\"; known: neutral")
    );
}

#[test]
fn compressed_sessions_are_told_by_what_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = |text: &str| ruzstd::encoding::compress_to_vec(text.as_bytes(), level);
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    put("a.jsonl.zst", &zstd(&some_session()));
    put("b.trajectory.jsonl.zst", &zstd(&some_session()));
    put("notes.txt.zst", &zstd("nothing of ours"));
    put("c.jsonl.zst", &zstd("nothing of ours"));
    put("d.jsonl.gz", b"\x1f\x8b\x08 and then it broke");
    let manifest = all(&below(dir.path())).unwrap();
    assert_eq!(names(&manifest), ["a.jsonl.zst"]);
    let skips = skips(&manifest);
    assert_eq!(skips[0], ("c.jsonl.zst", "not a session of a known format"));
    assert_eq!(skips[1].0, "d.jsonl.gz");
    assert!(
        skips[1].1.starts_with("not readable: damaged gzip file ("),
        "{}",
        skips[1].1
    );
    assert_eq!(skips.len(), 2);
}

#[test]
fn a_file_that_is_named_twice_or_lies_below_two_paths_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "x/a.jsonl", &some_session());
    let mut input = below(dir.path());
    input.paths.push(file.to_str().unwrap().to_owned());
    input
        .paths
        .push(dir.path().join("x").to_str().unwrap().to_owned());
    assert_eq!(names(&all(&input).unwrap()), ["x/a.jsonl"]);
}

#[test]
fn each_session_of_a_database_of_opencode_is_an_entry_and_its_files_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let owner = OpenCode::create(&root.join("opencode.db"));
    owner.some_session("ses_1");
    owner.some_session("ses_2");
    for (project, session) in [("renamed", "ses_1"), ("p", "ses_0")] {
        write(
            root,
            &format!("storage/session/{project}/{session}.json"),
            "{}",
        );
        write(root, &format!("storage/message/{session}/m.json"), "{}");
    }
    OpenCode::create(&root.join("opencode-dev.db")).some_session("ses_3");
    write(root, "notes.db", "SQLite format 3\0");
    let manifest = all(&below(root)).unwrap();
    assert_eq!(
        names(&manifest),
        [
            "opencode-dev.db/ses_3",
            "opencode.db/ses_1",
            "opencode.db/ses_2",
            "storage/session/p/ses_0.json",
        ]
    );
    assert!(manifest.files.iter().all(|file| file.format == "opencode"));
    let copy = "a copy of a session that is read from its store";
    assert_eq!(
        skips(&manifest),
        [("storage/session/renamed/ses_1.json", copy)]
    );
    let mut only = below(root);
    only.format = "codex".to_owned();
    assert!(all(&only).is_err());
}

#[test]
fn each_session_and_job_of_a_store_is_an_entry_and_a_file_that_was_left_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let agent = Owner::create(&root.join("agents/main/agent/openclaw-agent.sqlite"));
    agent.append("s-1", &some_session());
    agent.append("s-2", &some_session());
    write(root, "agents/main/sessions/s-1.jsonl", &some_session());
    write(root, "agents/main/sessions/s-0.jsonl", &some_session());
    let shared = Owner::create(&root.join("state/openclaw.sqlite"));
    shared.run("t", "job", 1, r#"{"kind":"cron-run","status":"ok"}"#);
    let other = Owner::create(&root.join("state/openclaw-other.sqlite"));
    let empty = "DROP TABLE transcript_events; DROP TABLE session_transcript_archives;
        DROP TABLE session_transcript_cold_archives; DROP TABLE task_runs";
    other.0.execute_batch(empty).unwrap();
    write(root, "agents/side/agent/openclaw-agent.sqlite", "sealed");
    write(root, "agents/new/agent/openclaw-agent.sqlite", "");
    let manifest = all(&below(root)).unwrap();
    assert_eq!(
        names(&manifest),
        [
            "agents/main/agent/openclaw-agent.sqlite/s-1",
            "agents/main/agent/openclaw-agent.sqlite/s-2",
            "agents/main/sessions/s-0.jsonl",
            "state/openclaw.sqlite/cron:job",
        ]
    );
    assert_eq!(
        skips(&manifest),
        [
            (
                "agents/main/sessions/s-1.jsonl",
                "a copy of a session that is read from its store"
            ),
            ("agents/new/agent/openclaw-agent.sqlite", "empty file"),
            (
                "agents/side/agent/openclaw-agent.sqlite",
                "not an SQLite database: encrypted, or damaged"
            ),
        ]
    );
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn links_are_followed_to_files_once_and_to_directories_never() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let file = write(root, "real/a.jsonl", &some_session());
        symlink(&file, root.join("b.jsonl")).unwrap();
        symlink(root, root.join("real/up")).unwrap();
        symlink(root.join("loop.jsonl"), root.join("loop.jsonl")).unwrap();
        symlink(root.join("nowhere"), root.join("dangling.jsonl")).unwrap();
        let manifest = all(&below(root)).unwrap();
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(
            skips(&manifest),
            [
                ("dangling.jsonl", "a link that leads nowhere"),
                ("loop.jsonl", "a loop of links"),
                (
                    "real/up",
                    "a link to a directory is not followed; name it to read it"
                ),
            ]
        );
        assert_eq!(all(&below(&root.join("real/up"))).unwrap().files.len(), 1);
    }

    #[test]
    fn what_is_no_file_is_skipped_and_never_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(root, "a.jsonl", &some_session());
        write(root, "d.jsonl/inside.jsonl", &some_session());
        let made = Command::new("mkfifo").arg(root.join("f.jsonl")).status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(root.join("s.jsonl")).unwrap();
        let manifest = all(&below(root)).unwrap();
        assert_eq!(names(&manifest), ["a.jsonl", "d.jsonl/inside.jsonl"]);
        assert_eq!(
            skips(&manifest),
            [
                ("d.jsonl", "is a directory, not a file"),
                ("f.jsonl", "is a FIFO, not a file"),
                ("s.jsonl", "is a socket, not a file"),
            ]
        );
    }

    #[test]
    fn what_may_not_be_read_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(root, "a.jsonl", &some_session());
        let closed = write(root, "closed/b.jsonl", &some_session());
        let directory = closed.parent().unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(directory, mode(0o000)).unwrap();
        let is_all_powerful = std::fs::read_dir(directory).is_ok();
        let manifest = all(&below(root)).unwrap();
        std::fs::set_permissions(directory, mode(0o755)).unwrap();
        if is_all_powerful {
            println!("NOT CHECKED: this user may read everything, so nothing is unreadable");
            assert_eq!(names(&manifest), ["a.jsonl", "closed/b.jsonl"]);
        } else {
            assert_eq!(names(&manifest), ["a.jsonl"]);
            assert_eq!(
                skips(&manifest),
                [("closed", "not readable: permission denied")]
            );
        }
    }
}
