//! `prune` and `serve --keep`, as the binary has them.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Place, samples, stderr, stdout};

fn asked(place: &Place, words: &[&str]) -> Output {
    let mut command = place.command(words);
    command.stdin(Stdio::null()).output().unwrap()
}

/// One run that has ended, one that nobody works on.
fn filled() -> Place {
    let place = Place::new();
    let run = place
        .run(&samples(), &["--quiet", "--id", "night"])
        .output();
    assert!(run.unwrap().status.success());
    let mut submit = place.command(&["submit", "--id", "later", "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    place
}

fn left(place: &Place) -> Vec<String> {
    let rows = place.json(&["list", "--children"]);
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["workflow_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn runs_that_ended_go_after_a_yes_and_open_ones_stay() {
    let place = filled();
    let before = left(&place);
    assert!(before.len() > 2, "the run has children: {before:?}");
    let closed = before.len() - 1;

    let young = asked(&place, &["prune", "--keep", "30d", "--yes"]);
    assert!(young.status.success(), "{}", stderr(&young));
    assert!(
        stdout(&young).starts_with("0 runs ended"),
        "{}",
        stdout(&young)
    );

    let meant_otherwise = asked(&place, &["list", "--query", "Status = 'Completed'"]);
    assert!(meant_otherwise.status.success());
    let told = stderr(&meant_otherwise);
    assert!(
        told.contains("no run has a search attribute Status"),
        "{told}"
    );
    let others = asked(&place, &["list", "--query", "ExecutionStatus = 'Failed'"]);
    let told = stderr(&others);
    assert!(
        told.contains("no run") && !told.contains("attribute"),
        "{told}"
    );

    let counted = asked(&place, &["prune", "--keep", "0s", "--dry-run"]);
    let says = format!("{closed} runs ended long enough ago; nothing was deleted");
    assert_eq!(stdout(&counted).trim_end(), says);

    let nobody = asked(&place, &["prune", "--keep", "0s"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("--yes"), "{}", stderr(&nobody));
    assert_eq!(left(&place), before);

    let others = asked(&place, &["prune", "--keep", "failed=0s", "--yes"]);
    assert!(stdout(&others).starts_with("0 runs"), "{}", stdout(&others));
    let some = [
        "prune",
        "--keep",
        "0s",
        "--query",
        "WorkflowId = 'night'",
        "--yes",
    ];
    assert_eq!(stdout(&asked(&place, &some)), "deleted 1 run\n");
    let rest = place.json(&["prune", "--keep", "0s", "--yes"]);
    assert_eq!(rest["deleted"], closed - 1);
    assert_eq!(left(&place), ["later"]);

    let again = place
        .run(&samples(), &["--quiet", "--id", "night"])
        .output();
    assert!(again.unwrap().status.success(), "the id is free again");
}

#[test]
fn words_that_mean_nothing_are_refused() {
    let place = Place::new();
    for (word, says) in [("30", "30d"), ("running=1d", "completed, failed")] {
        for command in ["prune", "serve"] {
            let output = asked(&place, &[command, "--keep", word]);
            assert_eq!(output.status.code(), Some(2), "{command}");
            assert!(stderr(&output).contains(says), "{}", stderr(&output));
        }
    }
    assert!(!place.state().exists(), "nothing was made");
}

#[test]
fn a_server_forgets_what_ended_long_ago() {
    let place = filled();
    let mut serve = place.command(&["serve", "--keep", "completed=1s"]);
    let mut server = serve.stderr(Stdio::null()).spawn().unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    let is_gone = || {
        let listed = asked(&place, &["list", "--json"]);
        listed.status.success() && !stdout(&listed).contains("night")
    };
    while !is_gone() {
        assert!(Instant::now() < give_up, "it is there still");
        assert!(server.try_wait().unwrap().is_none(), "the server ended");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
