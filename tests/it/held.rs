//! Attempts that are completed from elsewhere, as the binary has it.

use std::process::Output;
use std::sync::Arc;

use engine::{ActivityCx, Engine};
use kernel::{ActivityOptions, Cx, Failure, Millis, RetryPolicy, RunId};
use serde_json::json;
use state::sled_store::SledStore;
use state::store::Store;

use crate::common::{Place, stderr, stdout};

/// Asks a person, who may take an hour.
async fn approve(cx: Cx, (): ()) -> Result<bool, Failure> {
    let options = ActivityOptions {
        start_to_close: Millis::seconds(3_600),
        heartbeat: Some(Millis::seconds(1_800)),
        retry: RetryPolicy {
            initial_interval: Millis::seconds(600),
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    };
    cx.activity_named("ask a person", &(), options).await
}

async fn ask(cx: ActivityCx, (): ()) -> Result<bool, Failure> {
    cx.result_pending()
}

/// A state directory with a run that waits for somebody; its token as `status` shows it.
fn held(place: &Place) -> String {
    std::fs::create_dir_all(place.state()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(SledStore::open(&place.state()).unwrap());
        let engine = Engine::builder(store);
        let engine = engine.workflow("approve", approve);
        let engine = engine.activity_fn("ask a person", ask).start().unwrap();
        let client = engine.client();
        let run: RunId = client.start("ship", "approve", &()).await.unwrap();
        loop {
            let state = client.describe(run).await.unwrap().state;
            if state.activities.values().any(|a| a.held.is_some()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        engine.shutdown().await;
    });
    drop(runtime);
    let why = place.json(&["status", "ship"])["waiting_on"].clone();
    let why = why.as_str().unwrap();
    assert!(
        why.contains("somebody elsewhere to complete activity ask a person"),
        "{why}"
    );
    let token = why.split_once("--token ").map(|(_, rest)| rest);
    let token = token.and_then(|rest| rest.split_whitespace().next());
    token
        .unwrap_or_else(|| panic!("no command in {why}"))
        .to_owned()
}

fn asked(place: &Place, words: &[&str]) -> Output {
    place.command(words).output().unwrap()
}

fn says(place: &Place, words: &[&str], expected: &str) {
    let output = asked(place, words);
    assert_eq!(
        stdout(&output),
        format!("{expected}\n"),
        "{words:?}: {}",
        stderr(&output)
    );
}

fn refused(place: &Place, words: &[&str], code: i32, expected: &str) {
    let output = asked(place, words);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(
        said.contains(expected) && said.contains("hint:"),
        "{words:?}: {said}"
    );
}

#[test]
fn a_person_completes_what_status_says_the_run_waits_for() {
    let place = Place::new();
    let token = held(&place);
    let beat = ["activity", "heartbeat", "--token", &token];
    says(&place, &beat, "heard: go on");
    let told = place.json(&[&beat[..], &["--details", r#"{"asked":"ada"}"#]].concat());
    assert_eq!(told, json!({ "done": "heard", "cancel_requested": false }));
    let complete = [
        "activity", "complete", "--token", &token, "--result", "true",
    ];
    says(&place, &complete, "the attempt has its result");
    let history = stdout(&asked(&place, &["history", "ship"]));
    assert!(history.contains("ActivityTaskCompleted"), "{history}");
    refused(
        &place,
        &complete,
        2,
        "has ended, by a result, a timeout or a cancellation",
    );
    assert!(asked(&place, &["terminate", "ship"]).status.success());
    refused(
        &place,
        &beat,
        2,
        "has ended (Terminated) and takes no results",
    );
}

#[test]
fn a_failed_attempt_is_tried_again_and_its_token_is_refused_then() {
    let place = Place::new();
    let token = held(&place);
    let fail = [
        "activity",
        "fail",
        "--token",
        &token,
        "--message",
        "nobody there",
    ];
    says(&place, &fail, "the attempt has failed");
    refused(
        &place,
        &fail,
        2,
        "it is of attempt 1, and attempt 2 is the current one",
    );
    let status = place.json(&["status", "ship"]);
    assert_eq!(status["pending"][0]["attempt"], 2, "{status}");
}

#[test]
fn a_token_that_is_none_is_refused_with_the_way_on() {
    let place = Place::new();
    let token = held(&place);
    let complete = |token: &str, code, expected: &str| {
        refused(
            &place,
            &["activity", "complete", "--token", token],
            code,
            expected,
        );
    };
    complete("what?", 2, "it begins with at1-");
    complete(&token[..20], 2, "cut off or mistyped");
    complete(
        &token.replacen("at1-", "at9-", 1),
        2,
        "another version of the engine",
    );
    let elsewhere = Place::new();
    held(&elsewhere);
    let words = ["activity", "complete", "--token", &token];
    refused(
        &elsewhere,
        &words,
        3,
        "the token is of another state directory",
    );
    let neither = asked(&place, &["activity", "complete"]);
    assert_eq!(neither.status.code(), Some(2), "{}", stderr(&neither));
}
