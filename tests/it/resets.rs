//! `reset`, `fork` and `batch`, as the binary has them.

use std::process::{Output, Stdio};

use crate::common::{Place, files, samples, stderr, stdout};

fn asked(place: &Place, words: &[&str]) -> Output {
    let mut command = place.command(words);
    command.stdin(Stdio::null()).output().unwrap()
}

fn done(place: &Place, words: &[&str]) -> String {
    let output = asked(place, words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    stdout(&output)
}

fn refused(place: &Place, words: &[&str], code: i32, says: &str) {
    let output = asked(place, words);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(said.contains(says), "{words:?}: {said}");
}

fn finished() -> Place {
    let place = Place::new();
    let run = place
        .run(&samples(), &["--quiet", "--id", "night"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    place
}

fn submit(place: &Place, id: &str) {
    let mut submit = place.command(&["submit", "--id", id, "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
}

/// The scheduling event of the only activity of a type, and the event that ended it.
fn activity(place: &Place, name: &str) -> (u64, u64) {
    let history = place.json(&["history", "night"]);
    let events = history["events"].as_array().unwrap();
    let text = |event: &serde_json::Value| event.to_string();
    let quoted = format!("\"activity_type\":\"{name}\"");
    let scheduled = events.iter().find(|e| text(e).contains(&quoted)).unwrap();
    let id = scheduled["event_id"].as_u64().unwrap();
    let ended = format!("\"scheduled_event_id\":{id}");
    let ended = events.iter().find(|e| text(e).contains(&ended)).unwrap();
    (id, ended["event_id"].as_u64().unwrap())
}

#[test]
fn a_preview_tells_and_changes_nothing_and_a_reset_runs_to_the_same_end() {
    let place = finished();
    let before = files(&place.out());
    let (rollup, ended) = activity(&place, "rollup_signals");
    let point = ended.to_string();
    let words = ["reset", "night", "--to", &point];
    let shown = done(&place, &[&words[..], &["--preview"]].concat());
    let line = shown
        .lines()
        .find(|line| line.contains("rollup_signals"))
        .unwrap();
    assert!(line.contains(&format!("event {rollup}")), "{line}");
    assert!(
        line.contains("completed  at once, from its first attempt"),
        "{line}"
    );
    assert!(shown.contains("KEPT RESULTS, not run again\n"), "{shown}");
    assert!(shown.contains("discover 1, mine_session "), "{shown}");
    refused(&place, &words, 2, "add --yes");
    let rows = place.json(&["list"]);
    assert_eq!(rows.as_array().unwrap().len(), 1, "nothing was done");

    let made = place.json(&[&words[..], &["--yes", "--reason", "a new rule"]].concat());
    assert_eq!(
        (&made["done"], &made["workflow_id"]),
        (&true.into(), &"night".into())
    );
    let status = place.json(&["status", "night"]);
    assert_eq!(
        (&status["status"], &status["run_id"]),
        (&"Running".into(), &made["run_id"])
    );
    let old = made["plan"]["run_id"].as_str().unwrap();
    assert_eq!(place.json(&["status", old])["status"], "Completed");
    let first = place.json(&["history", "night"])["events"][0].to_string();
    assert!(
        first.contains(old) && first.contains("a new rule"),
        "{first}"
    );
    done(&place, &["--quiet", "resume", "night"]);
    assert!(before == files(&place.out()), "the report is the same");
}

#[test]
fn an_open_run_that_is_reset_names_the_run_in_its_place() {
    let place = Place::new();
    submit(&place, "night");
    let old = place.json(&["status", "night"])["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = done(
        &place,
        &[
            "reset",
            "night",
            "--to",
            "first-task",
            "--yes",
            "--signal",
            "go=1",
        ],
    );
    assert!(
        said.starts_with("run night: reset to event 2 as run "),
        "{said}"
    );
    let new = place.json(&["status", "night"])["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(new, old);
    let history = done(&place, &["history", &old]);
    assert!(history.contains("reset to event 2 as run"), "{history}");
    assert!(history.contains(&new), "{history}");
    let own = done(&place, &["history", "night"]);
    assert!(own.contains("WorkflowExecutionSignaled"), "{own}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_way_on() {
    let place = finished();
    let reset = |point: &'static str| vec!["reset", "night", "--yes", "--to", point];
    refused(&place, &reset("1"), 2, "the earliest point is event 2");
    refused(&place, &reset("99999"), 2, "the last one is");
    refused(
        &place,
        &reset("failed-activity"),
        2,
        "none has failed for good",
    );
    refused(
        &place,
        &reset("tomorrow"),
        2,
        "first-task, last-task or failed-activity",
    );
    refused(
        &place,
        &["reset", "nobody", "--to", "2", "--yes"],
        3,
        "no run \"nobody\"",
    );
    refused(
        &place,
        &["reset", "night", "--to", "2", "--result", "9"],
        2,
        "ACTIVITY=JSON",
    );
    let (discover, _) = activity(&place, "discover");
    let result = format!("{discover}={{}}");
    let words = [
        "reset",
        "night",
        "--yes",
        "--to",
        "last-task",
        "--result",
        &result,
    ];
    refused(&place, &words, 2, "has seen it; go back to event");
    let words = ["fork", "night", "--at", "last-task", "--input", "{}"];
    refused(
        &place,
        &words,
        2,
        "can be changed at the first workflow task only",
    );
    assert_eq!(place.json(&["list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_fork_leaves_the_run_as_it_was() {
    let place = finished();
    let before = place.json(&["history", "night"]);
    let (_, ended) = activity(&place, "rollup_signals");
    let point = ended.to_string();
    let words = ["fork", "night", "--at", &point, "--id", "what-if"];
    let made = place.json(&words);
    assert_eq!(made["workflow_id"], "what-if");
    done(&place, &["--quiet", "resume", "what-if"]);
    assert_eq!(place.json(&["status", "what-if"])["status"], "Completed");
    assert_eq!(place.json(&["history", "night"]), before);
    let exported = place.dir.path().join("what-if.json");
    std::fs::write(&exported, done(&place, &["export", "what-if"])).unwrap();
    let file = exported.to_str().unwrap();
    done(&place, &["replay", file]);
}

#[test]
fn a_batch_counts_asks_does_and_tells_of_failures() {
    let place = Place::new();
    for id in ["a", "b", "c"] {
        submit(&place, id);
    }
    let open = ["--query", "ExecutionStatus = 'Running'"];
    let batch =
        |verb: &[&str], more: &[&str]| asked(&place, &[&["batch"], verb, &open[..], more].concat());
    let unasked = batch(&["terminate"], &[]);
    assert_eq!(unasked.status.code(), Some(2));
    assert!(
        stderr(&unasked).contains("add --yes"),
        "{}",
        stderr(&unasked)
    );
    assert!(
        stderr(&unasked).contains("Running  3"),
        "{}",
        stderr(&unasked)
    );
    let paused = batch(
        &["pause"],
        &["--yes", "--rate", "1000/s", "--reason", "quota"],
    );
    assert_eq!(
        stdout(&paused),
        "pause: 3 of 3 runs done, 0 had nothing to do, 0 failed\n"
    );
    let again = batch(&["pause"], &["--yes"]);
    assert_eq!(
        stdout(&again),
        "pause: 0 of 3 runs done, 3 had nothing to do, 0 failed\n"
    );
    let unpaused = batch(&["unpause"], &["--yes"]);
    assert!(unpaused.status.success(), "{}", stderr(&unpaused));
    let signaled = batch(&["signal", "go"], &["--yes"]);
    assert!(signaled.status.success(), "{}", stderr(&signaled));
    let deleted = batch(&["delete"], &["--yes"]);
    assert_eq!(
        deleted.status.code(),
        Some(1),
        "open runs cannot be deleted"
    );
    let said = stdout(&deleted);
    assert!(
        said.contains("0 of 3 runs done") && said.contains("  a ("),
        "{said}"
    );
    assert!(
        said.contains("could not delete the run: it is open"),
        "{said}"
    );
    let reset = batch(&["reset", "--to", "first-task"], &["--yes", "--json"]);
    let tally: serde_json::Value = serde_json::from_slice(&reset.stdout).unwrap();
    assert_eq!((&tally["done"], &tally["failed"]), (&3.into(), &0.into()));
    let ended = batch(&["terminate"], &["--yes", "--reason", "enough"]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let nothing = batch(&["terminate"], &[]);
    assert_eq!(
        stdout(&nothing),
        "terminate: 0 of 0 runs done, 0 had nothing to do, 0 failed\n"
    );
    let words = [
        "batch",
        "delete",
        "--yes",
        "--query",
        "WorkflowType = 'TraceRun'",
    ];
    let gone = done(&place, &words);
    assert!(gone.starts_with("delete: 6 of 6 runs done"), "{gone}");
    refused(
        &place,
        &["batch", "delete", "--yes", "--query", "Colour = "],
        2,
        "could not",
    );
}
