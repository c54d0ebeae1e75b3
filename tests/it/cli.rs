//! The contracts of the command line: what is printed, where, and with which exit code.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{Place, binary, files, samples, stderr, stdout};

#[test]
fn run_writes_all_contracted_files_and_prints_the_table() {
    let place = Place::new();
    let output = place.run(&samples(), &[]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("TIER"), "{text}");
    let written = files(&place.out());
    for name in [
        "signals.jsonl",
        "rollup.json",
        "rollup.md",
        "tickets.jsonl",
        "report.html",
    ] {
        assert!(
            written.get(name).is_some_and(|bytes| !bytes.is_empty()),
            "{name} is missing"
        );
    }
    let briefs = written
        .keys()
        .filter(|n| n.starts_with("briefs/") && n.ends_with("brief-v1.md"));
    assert_eq!(briefs.count(), 3);
    assert!(place.out().join("run.json").is_file());
    let state_left = written.keys().find(|name| name.contains("tmp"));
    assert_eq!(state_left, None, "a temporary file stayed behind");
}

#[test]
fn a_second_run_with_nothing_new_reads_no_session_and_says_so() {
    let place = Place::new();
    assert!(
        place
            .run(&samples(), &["--quiet"])
            .status()
            .unwrap()
            .success()
    );
    let first = files(&place.out());
    let output = place.run(&samples(), &[]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("nothing new"),
        "{}",
        stdout(&output)
    );
    assert_eq!(first, files(&place.out()));
}

#[test]
fn status_list_history_and_graph_tell_of_a_finished_run() {
    let place = Place::new();
    assert!(
        place
            .run(&samples(), &["--quiet", "--id", "one"])
            .status()
            .unwrap()
            .success()
    );
    let status = place.json(&["status", "one"]);
    assert_eq!(status["status"], "Completed");
    for field in [
        "workflow_id",
        "run_id",
        "workflow_type",
        "started_at",
        "closed_at",
        "stages",
        "pending",
        "waiting_on",
        "history_events",
        "history_bytes",
    ] {
        assert!(status.get(field).is_some(), "status has no {field}");
    }
    let stages = status["stages"].as_array().unwrap();
    let names: Vec<_> = stages.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["discover", "mine", "rollup", "tickets", "briefs", "report"]
    );
    assert!(stages.iter().all(|s| s["state"] == "done"), "{stages:?}");
    assert_eq!(place.json(&["list"]).as_array().unwrap().len(), 1);
    assert!(
        place
            .json(&["list", "--children"])
            .as_array()
            .unwrap()
            .len()
            > 1
    );
    let history = place.json(&["history", "one"]);
    assert_eq!(
        history["events"][0]["event_type"],
        "WorkflowExecutionStarted"
    );
    for format in ["text", "mermaid", "dot"] {
        let output = place
            .command(&["graph", "one", "--format", format])
            .output()
            .unwrap();
        assert!(
            output.status.success() && stdout(&output).contains("mine"),
            "{format}"
        );
    }
}

#[test]
fn wrong_use_and_missing_things_have_their_exit_codes_and_say_what_to_do() {
    let place = Place::new();
    let check = |words: &[&str], code: i32, says: &str| {
        let output = place.command(words).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{words:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(says),
            "{words:?}: {}",
            stderr(&output)
        );
    };
    check(&["runn"], 2, "run");
    check(&["run", "/no/such/path"], 2, "could not read /no/such/path");
    check(
        &["run", ".", "--llm", "claude-cli"],
        2,
        "not built into this version",
    );
    check(
        &["run", ".", "--llm", "openai", "--llm-cost", "1.00"],
        2,
        "needs the price of",
    );
    check(
        &["run", ".", "--llm", "anthropic", "--llm-at-once", "0"],
        2,
        "would never ask",
    );
    check(
        &["run", ".", "--format", "word"],
        2,
        "known are auto, neutral",
    );
    check(&["run", ".", "--concurrency", "0"], 2, "would never finish");
    check(&["status", "x"], 3, "there is no state directory");
    assert!(
        place
            .run(&samples(), &["--quiet", "--id", "one"])
            .status()
            .unwrap()
            .success()
    );
    check(&["status", "x"], 3, "no run \"x\"");
    check(&["cancel", "one"], 2, "already ended");
    check(&["resume", "one"], 2, "already ended");
    let again = place.run(&samples(), &["--id", "one"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(
        stderr(&again).contains("run one has already ended (Completed)"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn submit_records_and_resume_goes_on() {
    let place = Place::new();
    let mut submit = place.command(&["submit", "--id", "later", "--out"]);
    let output = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim(), "later");
    assert_eq!(place.json(&["status", "later"])["status"], "Running");
    assert!(!place.out().exists(), "nobody works on it yet");
    let output = place.command(&["resume"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(place.out().join("rollup.json").is_file());
    assert_eq!(place.json(&["status", "later"])["status"], "Completed");
}

#[test]
fn cancel_ends_a_run_that_nobody_works_on() {
    let place = Place::new();
    let mut submit = place.command(&["submit", "--id", "unwanted", "--out"]);
    assert!(
        submit
            .arg(place.out())
            .arg(samples())
            .output()
            .unwrap()
            .status
            .success()
    );
    let output = place.command(&["cancel", "unwanted"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(place.json(&["status", "unwanted"])["status"], "Canceled");
}

#[test]
fn another_process_asks_the_owner_while_it_works_and_takes_over_when_it_dies() {
    let place = Place::new();
    let mut owner = place
        .run(
            &samples(),
            &["--id", "shared", "--quiet", "--concurrency", "1"],
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let give_up = Instant::now() + Duration::from_secs(30);
    let seen = loop {
        let output = place
            .command(&["status", "shared", "--json"])
            .output()
            .unwrap();
        if output.status.success() {
            break serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
        }
        assert!(Instant::now() < give_up, "{}", stderr(&output));
    };
    assert_eq!(seen["workflow_id"], "shared");
    let follower = place
        .run(&samples(), &["--id", "shared"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    owner.kill().unwrap();
    owner.wait().unwrap();
    let output = follower.wait_with_output().unwrap();
    // The owner may have been faster than its killer; then the run had ended, which is code 2.
    assert!(
        matches!(output.status.code(), Some(0 | 2)),
        "{}",
        stderr(&output)
    );
    assert_eq!(place.json(&["status", "shared"])["status"], "Completed");
}

#[test]
fn without_a_path_the_agents_of_the_machine_are_found() {
    let place = Place::new();
    let home = place.dir.path().join("home");
    let sessions = home.join(".openclaw");
    copy(&samples().join("openclaw"), &sessions);
    let mut command = place.command(&["run", "--out"]);
    let output = command
        .arg(place.out())
        .env("HOME", &home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("found"), "{}", stderr(&output));
    let mut nothing = place.command(&["run"]);
    let output = nothing
        .env("HOME", place.dir.path().join("empty"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("no agent sessions found"),
        "{}",
        stderr(&output)
    );
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn doctor_and_help_end_well() {
    let place = Place::new();
    let output = place
        .command(&["doctor"])
        .env("HOME", place.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("state"), "{}", stdout(&output));
    for words in [&["--help"][..], &["run", "--help"], &["--version"]] {
        assert!(
            binary().args(words).output().unwrap().status.success(),
            "{words:?}"
        );
    }
}
