//! `export`, `import` and `replay`: a history on its way through a file.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{Place, binary, samples, stderr, stdout};

/// A place with a finished run `one`, and the document of its history.
fn exported() -> (Place, Value) {
    let place = Place::new();
    let run = place.run(&samples(), &["--quiet", "--id", "one"]).status();
    assert!(run.unwrap().success());
    let document = place.json(&["export", "one"]);
    (place, document)
}

/// The document in a file of the place.
fn file(place: &Place, name: &str, document: &Value) -> String {
    let path = place.dir.path().join(name);
    std::fs::write(&path, document.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// An owner that is killed when the test is over.
struct Owner(std::process::Child);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

fn check(output: &std::process::Output, code: i32, says: &str) {
    let text = stdout(output) + &stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(says), "{text}");
}

#[test]
fn an_exported_run_has_the_shape_of_other_tools_and_replays_offline() {
    let (place, document) = exported();
    let events = document["events"].as_array().unwrap();
    let types: Vec<_> = events
        .iter()
        .map(|e| e["eventType"].as_str().unwrap())
        .collect();
    assert_eq!(
        types[..4],
        [
            "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
            "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
            "EVENT_TYPE_WORKFLOW_TASK_STARTED",
            "EVENT_TYPE_WORKFLOW_TASK_COMPLETED"
        ]
    );
    assert_eq!(
        types.last(),
        Some(&"EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED")
    );
    let start = &events[0]["workflowExecutionStartedEventAttributes"];
    let encoding = &start["input"]["payloads"][0]["metadata"]["encoding"];
    assert_eq!(
        (encoding, &start["workflowId"]),
        (&json!("anNvbi9wbGFpbg=="), &json!("one"))
    );

    let path = file(&place, "one.json", &document);
    let output = binary().args(["replay", &path]).output().unwrap();
    check(
        &output,
        0,
        "OK: the code of this binary does what run one recorded",
    );
    let output = binary().args(["replay", &path, "--step"]).output().unwrap();
    check(&output, 0, "the code did ActivityTaskScheduled(discover)");
    let output = binary()
        .args(["replay", &path, "--step", "--json"])
        .output();
    let view: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let steps = view["steps"].as_array().unwrap();
    assert_eq!(json!(steps.len()), view["history_events"]);
    for step in steps {
        let id = usize::try_from(step["event_id"].as_u64().unwrap()).unwrap();
        let name = step["event"].as_str().unwrap().split('(').next().unwrap();
        let written = types[id - 1].replace("EVENT_TYPE_", "").replace('_', "");
        assert_eq!(written.to_lowercase(), name.to_lowercase(), "{step}");
    }
}

#[test]
fn code_that_does_something_else_is_told_with_the_event_of_the_file() {
    let (place, mut document) = exported();
    let events = document["events"].as_array_mut().unwrap();
    let scheduled = events
        .iter_mut()
        .find(|event| event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED")
        .unwrap();
    let id: u64 = scheduled["eventId"].as_str().unwrap().parse().unwrap();
    let fields = scheduled["activityTaskScheduledEventAttributes"]
        .as_object_mut()
        .unwrap();
    fields.remove("header");
    fields.insert("activityType".to_owned(), json!({ "name": "explore" }));
    let path = file(&place, "other.json", &document);
    let output = binary().args(["replay", &path]).output().unwrap();
    check(
        &output,
        1,
        &format!("nondeterminism at event {id}: the history has"),
    );
    assert_eq!(stdout(&output), "");
    let output = binary().args(["replay", &path, "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            &view["result"],
            &view["event_id"],
            &view["history"],
            &view["code"]
        ),
        (
            &json!("nondeterminism"),
            &json!(id),
            &json!("ActivityTaskScheduled(explore)"),
            &json!("ActivityTaskScheduled(discover)")
        )
    );
}

#[test]
fn a_run_moves_to_another_state_directory_once() {
    let (place, document) = exported();
    let path = file(&place, "one.json", &document);
    let other = Place::new();
    let run = other.json(&["import", &path]);
    assert_eq!(
        (&run["workflow_id"], &run["status"]),
        (&json!("one"), &json!("Completed"))
    );
    assert_eq!(
        other.json(&["history", "one"]),
        place.json(&["history", "one"])
    );
    assert_eq!(other.json(&["export", "one"]), document);
    let again = other.command(&["import", &path]).output().unwrap();
    check(&again, 2, "is in this state directory already");
}

#[test]
fn an_open_run_that_was_taken_in_by_a_serving_owner_goes_on_there() {
    let place = Place::new();
    let mut submit = place.command(&["submit", "--id", "later", "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    let path = file(&place, "later.json", &place.json(&["export", "later"]));

    let other = Place::new();
    let mut serve = other.command(&["serve"]);
    let mut owner = Owner(serve.stderr(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let notes = owner.0.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(notes), &mut line).unwrap();
    assert!(line.contains("serving"), "{line}");
    let run = other.json(&["import", &path]);
    assert_eq!(run["workflow_id"], "later");
    assert_eq!(
        other.json(&["export", "later"])["events"][0]["eventId"],
        "1"
    );
    let resumed = other.command(&["resume", "later"]).output().unwrap();
    // The owner may have ended it before anybody asked to follow.
    let text = stderr(&resumed);
    assert!(
        resumed.status.success() || text.contains("already ended"),
        "{text}"
    );
    assert_eq!(other.json(&["status", "later"])["status"], "Completed");
    assert!(place.out().join("rollup.json").is_file());
}

#[test]
fn files_and_ids_that_are_none_are_told_and_leave_nothing() {
    let place = Place::new();
    let broken = file(&place, "broken.json", &json!({ "events": [] }));
    let text = place.dir.path().join("text.json");
    std::fs::write(&text, "not JSON").unwrap();
    let text = text.to_str().unwrap();
    for verb in ["replay", "import"] {
        let run = |path: &str| place.command(&[verb, path]).output().unwrap();
        check(&run("/no/such/file"), 2, "could not read /no/such/file");
        check(&run(text), 2, "is not JSON");
        check(&run(&broken), 2, "it has no events");
        assert!(!place.state().exists(), "{verb} made a state directory");
    }
    check(
        &place.command(&["export", "x"]).output().unwrap(),
        3,
        "no state directory",
    );
    let (place, mut document) = exported();
    check(
        &place.command(&["export", "x"]).output().unwrap(),
        3,
        "no run \"x\"",
    );
    let start = &mut document["events"][0]["workflowExecutionStartedEventAttributes"];
    start.as_object_mut().unwrap().remove("header");
    start["workflowType"]["name"] = json!("Unknown");
    let path = file(&place, "unknown.json", &document);
    let output = binary().args(["replay", &path]).output().unwrap();
    check(&output, 2, "no workflow of the type \"Unknown\"");
}
