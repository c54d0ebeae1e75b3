//! Nothing private that a session holds lies in the state directory: not in results, checkpoints, registry or histories.

use std::path::Path;

use serde_json::json;

use crate::common::{Place, stderr, stdout};
use crate::registry::session;

/// Made up. Each stands in the sessions, in a place of its own.
const PLANTED: [&str; 7] = [
    "kim.lindqvist@example.org",
    "sk-ant-api03-Zk3vQ9xT7mB2nR8wL5pY1cD6fH4jK0sAaBbCcDdEeFf1122334455",
    "tr0ub4dor-and-3",
    "kimlindqvist",
    "+1 415 555 2671",
    "4111 1111 1111 1111",
    "ghp_Zk3vQ9xT7mB2nR8wL5pY1cD6fH4jK0sAaBbC",
];

fn failing_text() -> String {
    format!(
        "HTTP 401 for {}: api_key={} password={} in /home/{}/.netrc, call {} about card {} or use {}",
        PLANTED[0], PLANTED[1], PLANTED[2], PLANTED[3], PLANTED[4], PLANTED[5], PLANTED[6]
    )
}

/// What a person says, what the agent asks for, and what a tool answers: each with everything private.
fn write_sessions(dir: &Path, whole: bool) {
    let text = failing_text();
    session(dir, "a", 1, &[("fetch", &text), ("exec", &text)]);
    session(dir, "b", 2, &[("fetch", &text)]);
    let line = |n: u32, message: serde_json::Value| {
        let line = json!({"type": "message", "id": format!("{n:08x}"),
            "timestamp": format!("2026-03-03T10:00:{n:02}.000Z"), "message": message});
        format!("{line}\n")
    };
    let said = format!("no, that is wrong, you did not do what I asked! {text}");
    let mut lines = json!({"type": "session", "version": 3, "id": "c",
        "timestamp": "2026-03-03T10:00:00.000Z", "cwd": format!("/home/{}/work", PLANTED[3])})
    .to_string();
    lines.push('\n');
    lines.push_str(&line(
        1,
        json!({"role": "user", "content": [{"type": "text", "text": text}]}),
    ));
    let call = json!([{"type": "toolCall", "id": "c1", "name": "exec",
        "arguments": {"command": format!("curl -H 'Authorization: Bearer {}' {text}", PLANTED[1])}}]);
    lines.push_str(&line(
        2,
        json!({"role": "assistant", "content": call, "stopReason": "toolUse"}),
    ));
    // An open call: what is known of it waits in a checkpoint for the rest of the file.
    if whole {
        let answer = json!([{"type": "text", "text": format!("fatal: {text}")}]);
        lines.push_str(&line(
            3,
            json!({"role": "toolResult", "toolCallId": "c1", "toolName": "exec",
            "isError": true, "content": answer}),
        ));
        lines.push_str(&line(
            4,
            json!({"role": "user", "content": [{"type": "text", "text": said}]}),
        ));
    }
    std::fs::write(dir.join("c.jsonl"), lines).unwrap();
}

/// The files below a directory that hold one of the words, with the word.
fn leaks(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                let holds = |word: &&&str| text.contains(**word);
                let words = PLANTED.iter().filter(holds);
                found.extend(words.map(|word| format!("{word} in {}", path.display())));
            }
        }
    }
    found
}

#[test]
fn nothing_private_lies_in_the_state_directory_or_in_a_report() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    for whole in [false, true] {
        write_sessions(&dir, whole);
        let output = place.run(&dir, &["--quiet"]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(
            leaks(&place.state()),
            [""; 0],
            "the session is whole: {whole}"
        );
        assert_eq!(leaks(&place.out()), [""; 0]);
    }
    // The plants were read: else there would be nothing to find.
    let rollup = std::fs::read_to_string(place.out().join("rollup.json")).unwrap();
    assert!(
        rollup.contains("[EMAIL_") && rollup.contains("[SECRET_"),
        "{rollup}"
    );
    assert!(
        leaks(&dir).len() >= PLANTED.len(),
        "the search finds what is there"
    );
    // Histories of closed runs are packed, where a search of bytes is blind.
    let runs = place.json(&["list", "--children", "--limit", "1000"]);
    let runs = runs.as_array().unwrap();
    assert!(runs.len() >= 2, "{runs:?}");
    for run in runs {
        let id = run["workflow_id"].as_str().unwrap();
        let output = place.command(&["history", id, "--json"]).output().unwrap();
        let text = stdout(&output);
        assert!(output.status.success(), "{}", stderr(&output));
        for word in PLANTED {
            assert!(!text.contains(word), "{word} in the history of {id}");
        }
    }
}
