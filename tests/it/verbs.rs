//! What an operator does to a run by hand, as the binary has it.

use std::process::Output;

use crate::common::{Place, files, samples, stderr, stdout};

fn submit(place: &Place) {
    let mut submit = place.command(&["submit", "--id", "night", "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
}

fn asked(place: &Place, words: &[&str]) -> Output {
    place.command(words).output().unwrap()
}

fn refused(place: &Place, words: &[&str], code: i32, says: &str) {
    let output = asked(place, words);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(said.contains(says), "{words:?}: {said}");
    assert!(said.contains("hint:"), "{words:?}: {said}");
}

#[test]
fn a_paused_run_waits_and_goes_on_to_the_same_end() {
    let calm = Place::new();
    let run = calm.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(run.status.success());

    let place = Place::new();
    submit(&place);
    let paused = asked(
        &place,
        &["pause", "night", "--reason", "the quota is spent"],
    );
    assert_eq!(
        stdout(&paused),
        "run night: paused\n",
        "{}",
        stderr(&paused)
    );
    refused(&place, &["pause", "night"], 2, "is paused already");
    let status = place.json(&["status", "night"]);
    let why = status["waiting_on"].as_str().unwrap();
    assert!(why.contains("the quota is spent"), "{why}");
    assert_eq!(place.json(&["unpause", "night"])["done"], "unpaused");
    refused(&place, &["unpause", "night"], 2, "is not paused");
    let resumed = asked(&place, &["--quiet", "resume", "night"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert!(files(&calm.out()) == files(&place.out()));
}

#[test]
fn a_run_is_terminated_and_then_only_told_of() {
    let place = Place::new();
    submit(&place);
    let done = asked(
        &place,
        &["terminate", "night", "--reason", "wrong sessions"],
    );
    assert_eq!(
        stdout(&done),
        "run night: terminated\n",
        "{}",
        stderr(&done)
    );
    let status = place.json(&["status", "night"]);
    assert_eq!(status["status"], "Terminated");
    let history = stdout(&asked(&place, &["history", "night"]));
    assert!(history.contains("wrong sessions"), "{history}");
    for words in [
        &["terminate", "night"][..],
        &["pause", "night"],
        &["signal", "night", "go"],
    ] {
        refused(&place, words, 2, "has already ended (Terminated)");
    }
}

#[test]
fn a_paused_activity_is_told_of_and_goes_on_to_the_same_end() {
    let place = Place::new();
    submit(&place);
    let event = place.json(&["status", "night"])["pending"][0]["event_id"].to_string();
    let (pause, unpause) = (["activity", "pause"], ["activity", "unpause"]);
    let words = |verb: &[&'static str]| [verb, &["night", &*event.clone().leak()]].concat();
    let because = ["--by", "ada", "--reason", "the disk is full"];
    let paused = asked(&place, &[&words(&pause)[..], &because].concat());
    assert_eq!(
        stdout(&paused),
        "run night: activity paused\n",
        "{}",
        stderr(&paused)
    );
    refused(&place, &words(&pause), 2, "is paused already");
    let status = place.json(&["status", "night"]);
    assert_eq!(status["pending"][0]["state"], "paused");
    let why = status["waiting_on"].as_str().unwrap();
    let way_on = format!("`activity unpause night {event}`");
    for part in ["ada paused it", "(the disk is full)", &way_on] {
        assert!(why.contains(part), "{why}");
    }
    let reset = words(&["activity", "reset"]);
    let kept = place.json(&[&reset[..], &["--keep-paused", "--reset-heartbeat"]].concat());
    assert_eq!(kept["done"], "activity reset");
    assert_eq!(
        place.json(&["status", "night"])["pending"][0]["state"],
        "paused"
    );
    let unpaused = place.json(&[&words(&unpause)[..], &["--reset-attempts"]].concat());
    assert_eq!(unpaused["done"], "activity unpaused");
    refused(&place, &words(&unpause), 2, "is not paused");
    let resumed = asked(&place, &["--quiet", "resume", "night"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
}

#[test]
fn wrong_words_are_refused_with_the_way_on() {
    let place = Place::new();
    submit(&place);
    refused(&place, &["terminate", "nobody"], 3, "no run \"nobody\"");
    refused(
        &place,
        &["signal", "night", "go", "--input", "now"],
        2,
        "--input is not JSON",
    );
    refused(&place, &["query", "night", "mood"], 2, "mood");
    refused(&place, &["update", "night", "mood"], 2, "mood");
    refused(
        &place,
        &["activity", "retry", "night", "99"],
        3,
        "no activity 99 is pending",
    );
    let signaled = asked(
        &place,
        &["signal", "night", "go", "--input", "{\"by\":\"ada\"}"],
    );
    assert_eq!(
        stdout(&signaled),
        "run night: signaled\n",
        "{}",
        stderr(&signaled)
    );
    let events = stdout(&asked(&place, &["history", "night"]));
    assert!(events.contains("WorkflowExecutionSignaled"), "{events}");
}
