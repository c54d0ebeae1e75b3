//! Encryption at rest, as the binary has it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{Place, files, samples, stderr};

/// The error of a command that must be refused as wrong use.
fn refused(output: &Output) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("hint:"), "{said}");
    said
}

/// A session in which something stands that stands nowhere else, in a file of such a name.
fn session(dir: &Path) -> PathBuf {
    let path = dir.join("zanzibar-sessions");
    std::fs::create_dir_all(&path).unwrap();
    let text = [
        r#"{"type":"user","sessionId":"s1","uuid":"u1","timestamp":"2026-01-05T10:00:00Z","message":{"role":"user","content":"build the quetzalcoatl module"}}"#,
        r#"{"type":"assistant","sessionId":"s1","uuid":"u2","parentUuid":"u1","timestamp":"2026-01-05T10:00:05Z","message":{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"make quetzalcoatl"}}]}}"#,
        r#"{"type":"user","sessionId":"s1","uuid":"u3","parentUuid":"u2","timestamp":"2026-01-05T10:00:09Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"error: quetzalcoatl.c:7: undefined reference to `frobnicate'"}]}}"#,
    ];
    std::fs::write(path.join("s1.jsonl"), text.join("\n") + "\n").unwrap();
    path
}

fn state_holds(place: &Place, what: &str) -> bool {
    let has = |bytes: &Vec<u8>| bytes.windows(what.len()).any(|w| w == what.as_bytes());
    files(&place.state()).values().any(has)
}

#[test]
fn nothing_that_a_run_read_or_said_stands_in_an_encrypted_state_directory() {
    let (plain, hidden) = (Place::new(), Place::encrypted());
    for place in [&plain, &hidden] {
        let sessions = session(place.dir.path());
        let mut run = place.run(&sessions, &["--id", "xylophone", "--quiet"]);
        let output = run.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    // Quotes, paths, types of events and workflow ids.
    for what in ["quetzalcoatl", "zanzibar-sessions", "TraceRun", "xylophone"] {
        assert!(state_holds(&plain, what), "{what}: nothing to be hidden");
        assert!(!state_holds(&hidden, what), "{what} stands there");
    }
    let reports = |place: &Place| {
        let signals = std::fs::read_to_string(place.out().join("signals.jsonl")).unwrap();
        assert!(signals.contains("quetzalcoatl"));
        std::fs::read(place.out().join("tickets.jsonl")).unwrap()
    };
    assert!(reports(&plain) == reports(&hidden));
    let status = hidden.json(&["status", "xylophone"]);
    assert_eq!(status["status"], "Completed");
}

#[test]
fn a_compressed_directory_stays_compressed_and_gives_the_same_reports() {
    let (plain, packed) = (Place::new(), Place::new());
    for (place, words) in [
        (&plain, ["--quiet"].as_slice()),
        (&packed, &["--quiet", "--compress"]),
    ] {
        let run = place.run(&samples(), words).output().unwrap();
        assert!(run.status.success(), "{}", stderr(&run));
    }
    assert!(files(&plain.out()) == files(&packed.out()));
    let blobs = |place: &Place| {
        let blobs = files(&place.state().join("blobs"));
        blobs.values().map(Vec::len).sum::<usize>()
    };
    assert!(blobs(&packed) < blobs(&plain) / 2);
    assert_eq!(packed.json(&["list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_missing_and_a_wrong_key_are_refused_by_name_and_change_nothing() {
    let place = Place::encrypted();
    let submit = ["submit", "--id", "night", "--out"];
    let mut submit = place.command(&submit);
    let sessions = session(place.dir.path());
    let output = submit.arg(place.out()).arg(sessions).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let before = files(&place.state());

    let mut missing = place.command(&["status"]);
    let said = refused(&missing.env_remove("OPENCLAW_TRACE_KEY").output().unwrap());
    assert!(said.contains("encrypted with key "), "{said}");
    assert!(said.contains("OPENCLAW_TRACE_KEY") && said.contains("--key-file"));
    let id = said.split("with key ").nth(1).unwrap()[..8].to_owned();

    let mut wrong = place.command(&["resume"]);
    let wrong = wrong.env("OPENCLAW_TRACE_KEY", "77".repeat(32)).output();
    let said = refused(&wrong.unwrap());
    assert!(
        said.contains(&id) && said.contains("was not given"),
        "{said}"
    );
    let mut broken = place.command(&["status"]);
    let said = refused(
        &broken
            .env("OPENCLAW_TRACE_KEY", "hunter2")
            .output()
            .unwrap(),
    );
    assert!(!said.contains("hunter2"), "{said}");
    assert!(said.contains("64 hexadecimal digits"), "{said}");
    let mut after = files(&place.state());
    after.retain(|name, _| before.contains_key(name));
    // The lock names whoever tried last.
    after.insert("owner.lock".to_owned(), before["owner.lock"].clone());
    assert!(after == before, "something was changed");
}

#[test]
fn a_key_in_a_file_that_others_may_read_is_refused_and_one_that_is_not_works() {
    let place = Place::new();
    let file = place.dir.path().join("key");
    std::fs::write(&file, "5e".repeat(32)).unwrap();
    let list = || {
        let mut list = place.command(&["list", "--key-file"]);
        list.arg(&file).output().unwrap()
    };
    std::fs::create_dir_all(place.state()).unwrap();
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    let said = refused(&list());
    assert!(said.contains("644") && said.contains("chmod 600"), "{said}");
    mode(0o600);
    let output = list();
    assert!(output.status.success(), "{}", stderr(&output));
    let codec = std::fs::read_to_string(place.state().join("CODEC")).unwrap();
    assert!(codec.contains("xchacha20poly1305"), "{codec}");
}
