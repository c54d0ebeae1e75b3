//! Two failures become one and two again, by hand and by rule, whenever the process is killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Place, files, json_lines, stderr, stdout};
use crate::registry::{QUOTA, REFUSED, run, session};

/// The same failure as the next one, in other words of the same length of message.
const LOST: (&str, &str) = ("fetch", "The connection to the proxy 10.0.0.7 was lost");
const LOST_TOO: (&str, &str) = ("fetch", "connection to proxy 10.0.0.9 lost.");

fn id_of(rollup: &Value, words: &str) -> String {
    let rollups = rollup["rollups"].as_array().unwrap();
    let found = rollups
        .iter()
        .find(|r| r["summary"].as_str().unwrap().contains(words));
    let found = found.unwrap_or_else(|| panic!("{words} is not in {rollup}"));
    found["fingerprint_id"].as_str().unwrap().to_owned()
}

fn sessions(place: &Place) -> std::path::PathBuf {
    let dir = place.dir.path().join("sessions");
    session(&dir, "a", 1, &[REFUSED, QUOTA]);
    session(&dir, "b", 2, &[LOST, QUOTA]);
    session(&dir, "c", 3, &[LOST_TOO]);
    dir
}

#[test]
fn a_merge_by_hand_shows_in_every_file_and_is_taken_back_exactly() {
    let place = Place::new();
    let dir = sessions(&place);
    let plain = run(&place, &dir);
    let before = files(&place.out());
    let (from, into) = (id_of(&plain, "ECONNREFUSED"), id_of(&plain, "quota"));
    let refused = place
        .command(&["merge", &from, "fp1:00000000"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&into), "{}", stderr(&refused));

    let ticket = format!("OCT-{}", &from[4..12]);
    let done = place
        .command(&[
            "merge",
            &ticket,
            &into,
            "--because",
            "one bill was not paid",
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(
        stdout(&done).contains("from the next run on"),
        "{}",
        stdout(&done)
    );
    // The report that is written stays as it is; the next run shows it.
    assert_eq!(files(&place.out()), before);
    let merged = run(&place, &dir);
    let group = &merged["rollups"].as_array().unwrap().iter();
    let group = group
        .clone()
        .find(|r| r["fingerprint_id"] == into.as_str())
        .unwrap();
    assert_eq!(group["count_items"], 3);
    assert_eq!(group["aliases"][0]["fingerprint_id"], from.as_str());
    let signals = json_lines(&place.out().join("signals.jsonl"));
    let moved: Vec<&Value> = signals
        .iter()
        .filter(|s| s["merged_from"] == from.as_str())
        .collect();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0]["fingerprint_id"], into.as_str());
    let tickets = json_lines(&place.out().join("tickets.jsonl"));
    assert!(tickets.iter().all(|t| t["ticket_id"] != ticket.as_str()));
    for name in ["rollup.md", "report.html"] {
        let text = std::fs::read_to_string(place.out().join(name)).unwrap();
        assert!(text.contains("one bill was not paid"), "{name}");
    }
    // Whoever asks for the old name gets the group.
    let told = place
        .command(&["explain", &from, "--out"])
        .arg(place.out())
        .output()
        .unwrap();
    let told = stdout(&told);
    for part in [
        "Counted with it",
        "by hand: one bill was not paid",
        &into,
        "2 wordings together",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }

    let back = place.command(&["unmerge", &from]).output().unwrap();
    assert!(back.status.success(), "{}", stderr(&back));
    let mut again = run(&place, &dir);
    let history = again
        .as_object_mut()
        .unwrap()
        .remove("alias_history")
        .unwrap();
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert_eq!(again, plain);
    let twice = place.command(&["unmerge", &from]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2), "{}", stderr(&twice));
}

#[test]
fn near_duplicates_are_merged_when_asked_with_the_reason_and_stay_apart_once_taken_apart() {
    let place = Place::new();
    let dir = sessions(&place);
    let plain = run(&place, &dir);
    assert_eq!(plain["rollups"].as_array().unwrap().len(), 4);
    let near = |words: &[&str]| {
        let output = place
            .run(&dir, &["--quiet", "--merge-near"])
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let text = std::fs::read(place.out().join("rollup.json")).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()
    };
    let merged = near(&[]);
    assert_eq!(merged["rollups"].as_array().unwrap().len(), 3);
    let first = id_of(&plain, "10.0.0.7");
    let second = id_of(&plain, "10.0.0.9");
    // The one that was seen first is the head.
    let change = &merged["alias_history"][0];
    assert_eq!(
        (&change["into"], &change["fingerprint_id"]),
        (&json!(first), &json!(second))
    );
    assert_eq!(change["by"], "near");
    let because = change["because"].as_str().unwrap();
    assert!(because.starts_with("the same 4 words"), "{because}");
    // Without the word the next run keeps what is merged, and merges no more.
    assert_eq!(run(&place, &dir)["rollups"].as_array().unwrap().len(), 3);
    let back = place.command(&["unmerge", &second]).output().unwrap();
    assert!(back.status.success(), "{}", stderr(&back));
    assert_eq!(near(&[])["rollups"].as_array().unwrap().len(), 4);
    let listed = place.json(&["merge", "--list"]);
    assert_eq!(listed["of"], json!({}));
    assert_eq!(listed["changes"].as_array().unwrap().len(), 2);
}

/// Times are those of the run, and two runs differ in them.
fn without_times(place: &Place) -> String {
    let text = std::fs::read_to_string(place.out().join("rollup.json")).unwrap();
    let mut rollup: Value = serde_json::from_str(&text).unwrap();
    let cut = |row: &mut Value| {
        for name in ["at", "run_id", "since"] {
            row.as_object_mut().unwrap().remove(name);
        }
    };
    rollup["alias_history"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(cut);
    for group in rollup["rollups"].as_array_mut().unwrap() {
        if let Some(aliases) = group.get_mut("aliases") {
            aliases.as_array_mut().unwrap().iter_mut().for_each(cut);
        }
    }
    rollup.to_string()
}

#[test]
fn a_killed_run_merges_by_rule_what_a_calm_one_does_and_once() {
    let calm = Place::new();
    let dir = sessions(&calm);
    let calmly = calm
        .run(&dir, &["--quiet", "--merge-near"])
        .output()
        .unwrap();
    assert!(calmly.status.success(), "{}", stderr(&calmly));
    let place = Place::new();
    let ledger = place.dir.path().join("ledger");
    let words = [
        "--quiet",
        "--merge-near",
        "--id",
        "killed",
        "--concurrency",
        "2",
    ];
    for wanted in 3..14 {
        let mut child = place
            .run(&dir, &words)
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
    let last = place.run(&dir, &words).output().unwrap();
    assert!(
        matches!(last.status.code(), Some(0 | 2)),
        "{}",
        stderr(&last)
    );
    assert_eq!(without_times(&place), without_times(&calm));
    let listed = place.json(&["merge", "--list"]);
    assert_eq!(listed["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_merge_that_is_killed_is_done_or_not_and_never_twice() {
    let place = Place::new();
    let dir = sessions(&place);
    let plain = run(&place, &dir);
    let (from, into) = (id_of(&plain, "ECONNREFUSED"), id_of(&plain, "quota"));
    let mut done = 0;
    for round in 0..12_u64 {
        let mut child = place
            .command(&["merge", &from, &into, "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round * 6));
        child.kill().unwrap();
        child.wait().unwrap();
        resume(&place);
        let listed = place.json(&["merge", "--list"]);
        let changes = listed["changes"].as_array().unwrap().len();
        let is_merged = listed["of"].as_object().unwrap().len();
        // Every round that was recorded added one line, and its taking back one more.
        assert_eq!(changes, done + is_merged, "{listed}");
        if is_merged == 1 {
            let back = place
                .command(&["unmerge", &from, "--quiet"])
                .output()
                .unwrap();
            assert!(back.status.success(), "{}", stderr(&back));
            done += 2;
        }
    }
}

fn resume(place: &Place) {
    let output = place.command(&["resume", "--quiet"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn bad_words_say_what_to_do() {
    let place = Place::new();
    let nothing = place.command(&["merge", "--list"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(3), "{}", stderr(&nothing));
    let one = place.command(&["merge", "fp1:00000000"]).output().unwrap();
    assert_eq!(one.status.code(), Some(2), "{}", stderr(&one));
    assert!(
        Path::new(&place.state()).read_dir().is_err(),
        "nothing is made"
    );
}
