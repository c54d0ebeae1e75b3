//! What runs remember of each other: a failure is new, ongoing, resolved, and comes back.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{Place, files, json_lines, stderr, stdout};

/// A session of one day of March; each tool fails with its text.
pub(crate) fn session(dir: &Path, name: &str, day: u32, fails: &[(&str, &str)]) {
    let at = |second: usize| format!("2026-03-{day:02}T10:00:{second:02}.000Z");
    let header = json!({"type": "session", "version": 3, "id": name, "timestamp": at(0),
        "cwd": "/srv/agent"});
    let mut text = format!("{header}\n");
    let mut line = |second: usize, message: Value| {
        let line = json!({"type": "message", "id": format!("{second:08x}"),
            "timestamp": at(second), "message": message});
        text.push_str(&format!("{line}\n"));
    };
    let said = json!([{"type": "text", "text": "please sort the invoices"}]);
    line(1, json!({"role": "user", "content": said}));
    for (number, (tool, error)) in (2..).zip(fails) {
        let call = json!([{"type": "toolCall", "id": format!("c{number}"), "name": tool,
            "arguments": {"n": number}}]);
        line(
            number,
            json!({"role": "assistant", "content": call, "stopReason": "toolUse"}),
        );
        let content = json!([{"type": "text", "text": error}]);
        line(
            number,
            json!({"role": "toolResult", "toolCallId": format!("c{number}"),
            "toolName": tool, "isError": true, "content": content}),
        );
    }
    let done = json!([{"type": "text", "text": "The invoices are sorted."}]);
    line(
        59,
        json!({"role": "assistant", "content": done, "stopReason": "stop"}),
    );
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join(format!("{name}.jsonl")), text).unwrap();
}

pub(crate) const REFUSED: (&str, &str) = ("fetch", "connect ECONNREFUSED 127.0.0.1:9099");
pub(crate) const QUOTA: (&str, &str) =
    ("search", "quota exceeded for this month, upgrade the plan");

pub(crate) fn run(place: &Place, sessions: &Path) -> Value {
    let output = place.run(sessions, &["--quiet"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let rollup = std::fs::read(place.out().join("rollup.json")).unwrap();
    serde_json::from_slice(&rollup).unwrap()
}

/// The standing of a tool's failure, whether the run saw it or not.
fn standing<'a>(rollup: &'a Value, tool: &str) -> &'a Value {
    let seen = rollup["rollups"].as_array().unwrap().iter();
    let mut all = seen.chain(rollup["absent"].as_array().unwrap());
    let found = all.find(|entry| entry["tool"] == tool);
    &found.unwrap_or_else(|| panic!("{tool} is in {rollup}"))["standing"]
}

#[test]
fn a_failure_is_new_then_ongoing_then_resolved_then_regressed() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    for n in 0..5 {
        session(&dir, &format!("first-{n}"), 1, &[REFUSED, QUOTA]);
    }
    let first = run(&place, &dir);
    assert_eq!(standing(&first, "fetch")["state"], "new");

    session(&dir, "second", 2, &[REFUSED, QUOTA]);
    let second = run(&place, &dir);
    let ongoing = standing(&second, "fetch");
    assert_eq!(ongoing["state"], "ongoing");
    // Sessions that two runs read are counted once.
    assert_eq!(
        (&ongoing["items"], &ongoing["sessions_scanned"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(ongoing["per_100_sessions"], 100.0);

    // The cause of one is removed: newer sessions are without it, and the old ones are put away.
    let newer = place.dir.path().join("newer");
    for n in 0..20 {
        session(&newer, &format!("clean-{n}"), 3, &[QUOTA]);
    }
    let third = run(&place, &newer);
    assert_eq!(standing(&third, "fetch")["state"], "resolved");
    assert_eq!(standing(&third, "search")["state"], "ongoing");
    let words = std::fs::read_to_string(place.out().join("rollup.md")).unwrap();
    assert!(words.contains("resolved"), "{words}");

    session(&newer, "again", 4, &[REFUSED]);
    let fourth = run(&place, &newer);
    let back = standing(&fourth, "fetch");
    assert_eq!(
        (&back["state"], &back["regressions"]),
        (&json!("regressed"), &json!(1))
    );
    let tickets = json_lines(&place.out().join("tickets.jsonl"));
    let ticket = tickets.iter().find(|t| {
        t["fingerprint_id"].as_str().is_some_and(|id| {
            fourth["rollups"]
                .as_array()
                .unwrap()
                .iter()
                .any(|r| r["fingerprint_id"] == id && r["tool"] == "fetch")
        })
    });
    let ticket = ticket.expect("a ticket");
    assert_eq!(ticket["lifecycle"], "regressed");
    assert_eq!(back["ticket_id"], ticket["ticket_id"]);
}

#[test]
fn a_run_that_reads_nothing_new_changes_nothing() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    session(&dir, "a", 1, &[REFUSED]);
    run(&place, &dir);
    let first = files(&place.out());
    run(&place, &dir);
    assert_eq!(files(&place.out()), first);
}

/// Whenever a run is killed, what it counted is counted once.
#[test]
fn a_killed_run_counts_nothing_twice() {
    let calm = Place::new();
    let dir = calm.dir.path().join("sessions");
    for n in 0..30 {
        session(&dir, &format!("s-{n}"), 1, &[REFUSED, QUOTA]);
    }
    run(&calm, &dir);
    let place = Place::new();
    let ledger = place.dir.path().join("ledger");
    // Each round dies at the next execution of an activity after the sessions are mined.
    for wanted in 31..40 {
        let mut child = place
            .run(&dir, &["--quiet", "--id", "killed", "--concurrency", "2"])
            .env("OPENCLAW_TRACE_LEDGER", &ledger)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let noted = || std::fs::read_to_string(&ledger).map_or(0, |text| text.lines().count());
        while noted() < wanted && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = place
        .run(&dir, &["--quiet", "--id", "killed"])
        .output()
        .unwrap();
    assert!(
        matches!(last.status.code(), Some(0 | 2)),
        "{}",
        stderr(&last)
    );
    assert!(
        files(&calm.out()) == files(&place.out()),
        "the files differ after kills"
    );
}

#[test]
fn a_fingerprint_is_explained_and_an_unknown_one_gets_the_nearest() {
    let place = Place::new();
    let dir = place.dir.path().join("sessions");
    session(&dir, "a", 1, &[REFUSED, QUOTA]);
    let rollup = run(&place, &dir);
    let rollups = rollup["rollups"].as_array().unwrap();
    let fetch = rollups.iter().find(|r| r["tool"] == "fetch").unwrap();
    let id = fetch["fingerprint_id"].as_str().unwrap();
    let out = place.out();
    let explain = |words: &[&str]| {
        let mut command = place.command(&["explain"]);
        command.args(words).arg("--out").arg(&out).output().unwrap()
    };
    let told = explain(&[id]);
    let text = stdout(&told);
    assert!(told.status.success(), "{}", stderr(&told));
    for part in [
        "ECONNREFUSED",
        "the same digest",
        "Over all runs: new",
        "a.jsonl:",
        id,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let ticket = format!("OCT-{}", &id[4..12]);
    let told: Value = serde_json::from_slice(&explain(&[&ticket, "--json"]).stdout).unwrap();
    assert_eq!(
        (&told["fingerprint_id"], &told["repeats"]),
        (&json!(id), &json!(true))
    );
    let unknown = explain(&["fp1:0000"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(stderr(&unknown).contains(id), "{}", stderr(&unknown));
}
