//! Bad input: counted with file, line and reason, and the run goes on.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::common::{Place, stderr};

/// A session of the Claude Code format that has one failed command.
pub(crate) fn session(id: &str) -> String {
    let call = format!(
        r#"{{"type":"assistant","uuid":"a1","parentUuid":null,"sessionId":"{id}","timestamp":"2026-03-04T10:00:01.000Z","cwd":"/srv/app","version":"2.1.77","isSidechain":false,"message":{{"id":"m1","role":"assistant","model":"claude","content":[{{"type":"tool_use","id":"t1","name":"Bash","input":{{"command":"cargo build"}}}}]}}}}"#
    );
    let result = format!(
        r#"{{"type":"user","uuid":"u1","parentUuid":"a1","sessionId":"{id}","timestamp":"2026-03-04T10:00:09.000Z","cwd":"/srv/app","version":"2.1.77","isSidechain":false,"message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"Exit code 101\nerror: could not compile `app` due to 2 previous errors"}}]}}}}"#
    );
    format!("{call}\n{result}\n")
}

/// Runs over a directory and gives its rollup.
fn rollup(place: &Place, dir: &Path) -> Value {
    let output = place.run(dir, &["--quiet"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&std::fs::read(place.out().join("rollup.json")).unwrap()).unwrap()
}

/// The reasons given for a file, with their lines.
fn skipped(rollup: &Value, file: &str) -> Vec<(u64, String)> {
    let all = rollup["skipped"].as_array().unwrap();
    all.iter()
        .filter(|s| s["file"].as_str().unwrap().ends_with(file))
        .map(|s| {
            (
                s["line"].as_u64().unwrap(),
                s["reason"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[track_caller]
fn says(rollup: &Value, file: &str, line: u64, reason: &str) {
    let found = skipped(rollup, file);
    let hit = found.iter().any(|(l, r)| *l == line && r.contains(reason));
    assert!(
        hit,
        "{file} should be skipped at line {line} for {reason:?}: {found:?}"
    );
}

#[test]
fn damaged_lines_are_skipped_with_their_reason_and_the_rest_is_read() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir(&dir).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();
    let whole = session("s1");
    write("whole.jsonl", whole.as_bytes());
    write(
        "not-json.jsonl",
        format!("{}this is not JSON\n", session("s2")).as_bytes(),
    );
    let cut = session("s3");
    write("cut.jsonl", &cut.as_bytes()[..cut.len() - 40]);
    let mut invalid = session("s4").into_bytes();
    invalid.extend_from_slice(b"{\"type\":\"user\",\"message\":{\"content\":\"\xff\xfe\"}}\n");
    write("invalid-utf8.jsonl", &invalid);
    let mut nul = session("s5").into_bytes();
    nul.extend_from_slice(b"\0\0\0\0\n");
    write("nul.jsonl", &nul);
    let deep = format!(
        "{}{}{}\n",
        "{\"type\":\"user\",\"x\":".to_owned(),
        "[".repeat(1_000),
        "]".repeat(1_000)
    );
    write("deep.jsonl", format!("{}{deep}", session("s6")).as_bytes());
    write("empty.jsonl", b"");
    write("notes.jsonl", b"{\"hello\":\"world\"}\n");
    let rollup = rollup(&place, &dir);
    says(&rollup, "not-json.jsonl", 3, "not a JSON object");
    says(&rollup, "cut.jsonl", 2, "cut off");
    says(&rollup, "invalid-utf8.jsonl", 3, "UTF-8");
    says(&rollup, "nul.jsonl", 3, "NUL");
    says(&rollup, "deep.jsonl", 3, "nest");
    says(&rollup, "empty.jsonl", 0, "empty");
    says(&rollup, "notes.jsonl", 0, "known format");
    assert_eq!(skipped(&rollup, "whole.jsonl"), []);
    // s3 lost its result to the cut; the other five have it.
    assert_eq!(rollup["rollups"][0]["count_items"], 5, "{rollup:#}");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_skipped_and_the_rest_is_read() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir(&dir).unwrap();
    let mut bytes = session("s1").into_bytes();
    let start = bytes.len();
    bytes.extend_from_slice(b"{\"type\":\"attachment\",\"sessionId\":\"s1\",\"data\":\"");
    bytes.resize(start + 100 * 1024 * 1024, b'x');
    bytes.extend_from_slice(b"\"}\n");
    bytes.extend_from_slice(session("s1").replace("app", "lib").as_bytes());
    std::fs::write(dir.join("long.jsonl"), &bytes).unwrap();
    let rollup = rollup(&place, &dir);
    says(&rollup, "long.jsonl", 3, "longer than");
    assert_eq!(rollup["counts"]["lines"], 5, "{rollup:#}");
}

#[test]
fn things_that_are_no_files_are_skipped_with_their_reason() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir_all(dir.join("directory.jsonl")).unwrap();
    std::fs::write(dir.join("good.jsonl"), session("s1")).unwrap();
    symlink(&dir, dir.join("loop")).unwrap();
    symlink(dir.join("a.jsonl"), dir.join("b.jsonl")).unwrap();
    symlink(dir.join("b.jsonl"), dir.join("a.jsonl")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(dir.join("pipe.jsonl"))
        .status()
        .unwrap();
    assert!(fifo.success());
    let rollup = rollup(&place, &dir);
    says(&rollup, "pipe.jsonl", 0, "FIFO");
    says(&rollup, "a.jsonl", 0, "link");
    assert_eq!(rollup["counts"]["sessions"], 1);
    assert_eq!(rollup["rollups"][0]["count_items"], 1);
}

#[test]
fn a_file_that_may_not_be_read_is_skipped_with_its_reason() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("good.jsonl"), session("s1")).unwrap();
    let secret = dir.join("secret.jsonl");
    std::fs::write(&secret, session("s2")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&secret).is_ok() {
        eprintln!("NOT TESTED: this user may read everything (root)");
        return;
    }
    let rollup = rollup(&place, &dir);
    says(&rollup, "secret.jsonl", 0, "permission");
}

#[test]
fn a_directory_without_sessions_is_wrong_use_and_says_what_was_looked_for() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("notes.md"), "nothing here").unwrap();
    let output = place.run(&dir, &["--quiet"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("session"), "{}", stderr(&output));
}

#[test]
fn a_damaged_store_names_the_damage_and_is_not_overwritten() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("good.jsonl"), session("s1")).unwrap();
    assert!(place.run(&dir, &["--quiet"]).status().unwrap().success());
    std::fs::write(place.state().join("FORMAT"), "999\n").unwrap();
    let output = place.run(&dir, &["--quiet"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("not changed"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        std::fs::read_to_string(place.state().join("FORMAT")).unwrap(),
        "999\n"
    );
}
