//! State files of OpenClaw, and a session file as a crash leaves it: what is broken between sessions.
//!
//! Neighbours: `plan` gives the transcripts that are there. Job and entry that are well stand beside those that are not.

use std::collections::BTreeMap;

use serde_json::json;

use super::manifest::{About, Book, List, Mark};
use super::plan::pretty;
use super::time::{BEGIN_MS, DAY_MS};

/// The planted damage.
pub(crate) const PLANTED: [About; 3] = [
    About {
        list: List::Planted,
        id: "lost-session",
        class: "defect",
        tool: "state",
        what: "the index names a session whose transcript is gone",
        marker: "sessionId",
    },
    About {
        list: List::Planted,
        id: "torn-line",
        class: "defect",
        tool: "state",
        what: "a session went on behind half a line",
        marker: "\"type\":\"message\"",
    },
    About {
        list: List::Planted,
        id: "job-without-log",
        class: "defect",
        tool: "cron",
        what: "a job has failed for weeks and nobody logged its runs",
        marker: "consecutiveErrors",
    },
];

/// Adds the files to those that are there.
pub(crate) fn add(files: &mut BTreeMap<String, Vec<u8>>, book: &mut Book) {
    for (agent, lost) in [("main", 9), ("ops", 8)] {
        let sessions = format!("openclaw/agents/{agent}/sessions");
        index(files, book, &sessions, lost);
        let torn = format!(
            "{{\"type\":\"message\",\"id\":\"ab00000{lost}\",\"parentId\":\"ab000001\",\"message\":{{\"ro"
        );
        let file = format!("{sessions}/d000000{lost}-torn.jsonl");
        let text = torn_session(lost, &torn);
        put(files, book, (&file, text.into_bytes()), "torn-line", &torn);
        book.sessions += 1;
    }
    let state = |status: &str, in_a_row: u64| json!({"lastStatus": status, "consecutiveErrors": in_a_row, "lastRunAtMs": BEGIN_MS + 20 * DAY_MS});
    let jobs = json!({"version": 1, "jobs": [
        {"id": "b1f0c2aa-0101-4c1e-a101-5a3c9e000101", "name": "backup", "enabled": true, "state": state("error", 21)},
        {"id": "b1f0c2aa-0102-4c1e-a102-5a3c9e000102", "name": "digest", "enabled": true, "state": state("ok", 0)},
    ]});
    let states = json!({"version": 1, "jobs": {
        "b1f0c2aa-0103-4c1e-a103-5a3c9e000103": {"state": state("error", 21)},
    }});
    for (file, content) in [("jobs.json", jobs), ("jobs-state.json", states)] {
        let file = format!("openclaw/cron/{file}");
        let failing = "\"consecutiveErrors\": 21";
        put(
            files,
            book,
            (&file, pretty(&content)),
            "job-without-log",
            failing,
        );
    }
}

fn index(files: &mut BTreeMap<String, Vec<u8>>, book: &mut Book, sessions: &str, lost: u64) {
    let ends = |file: &&String| file.starts_with(sessions) && file.ends_with(".jsonl");
    let there = files.keys().find(ends).expect("each agent has sessions");
    let there = there[sessions.len() + 1..].trim_end_matches(".jsonl");
    let lost = format!("e0000000-0000-4000-a000-00000000000{lost}");
    let index = json!({
        "agent:main:main": {"sessionId": there, "updatedAt": BEGIN_MS, "systemSent": true},
        "agent:main:chat": {"sessionId": lost, "updatedAt": BEGIN_MS, "totalTokens": 48_211},
        "agent:main:new": {"sessionId": "e0000000-0000-4000-a000-000000000010"},
    });
    let file = format!("{sessions}/sessions.json");
    put(files, book, (&file, pretty(&index)), "lost-session", &lost);
}

/// Keeps a file, and notes the line with `marker`.
fn put(
    files: &mut BTreeMap<String, Vec<u8>>,
    book: &mut Book,
    (file, content): (&str, Vec<u8>),
    id: &'static str,
    marker: &str,
) {
    let text = String::from_utf8_lossy(&content);
    let mut lines = (1..).zip(text.lines());
    let line = lines.find(|(_, line)| line.contains(marker));
    let line = line
        .map(|(number, _)| number)
        .expect("the marker was written");
    book.note(&Mark::new(List::Planted, id), file, line);
    files.insert(file.to_owned(), content);
}

fn torn_session(number: u64, torn: &str) -> String {
    let said = |id: &str, parent: &str, role: &str, text: &str| {
        json!({
            "type": "message", "id": id, "parentId": parent, "timestamp": "2026-01-21T10:00:05.000Z",
            "message": {"role": role, "content": [{"type": "text", "text": text}], "stopReason": "stop"},
        })
    };
    let head = json!({
        "type": "session", "version": 3, "id": format!("d0000000-0000-4000-a000-00000000001{number}"),
        "timestamp": "2026-01-21T10:00:00.000Z", "cwd": "/srv",
    });
    let asks = said("ab000001", "", "user", "is the backup there?");
    let answers = said(
        "ab000003",
        "ab000001",
        "assistant",
        "Yes, the one of this morning.",
    );
    format!("{head}\n{asks}\n{torn}\n{answers}\n")
}
