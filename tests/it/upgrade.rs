//! `doctor --upgrade`, as the binary has it.

use std::path::Path;
use std::sync::Arc;

use engine::Engine;
use kernel::{Cx, Failure, Millis};
use serde_json::{Value, json};
use state::SledStore;

use crate::common::{Place, samples, stderr, stdout};

/// Leaves an open run of another program's workflow in a state directory.
fn leave_a_run(state: &Path, workflow_type: &str, id: &str) {
    async fn nap(cx: Cx, _: Value) -> Result<(), Failure> {
        cx.sleep(Millis::seconds(3_600)).await
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        std::fs::create_dir_all(state).unwrap();
        let store = Arc::new(SledStore::open(state).unwrap());
        let engine = Engine::builder(store)
            .workflow(workflow_type, nap)
            .start()
            .unwrap();
        let client = engine.client();
        let run_id = client
            .start(id, workflow_type, &json!({"paths": []}))
            .await
            .unwrap();
        // The answer to a question about its code comes after its first turn.
        let asked = client.query::<(), ()>(id, "nothing", &()).await;
        assert!(asked.is_err(), "there is no such query");
        assert_eq!(client.history(run_id).unwrap().len(), 3);
        engine.shutdown().await;
    });
}

fn submit(place: &Place) {
    let mut submit = place.command(&["submit", "--id", "night", "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
}

#[test]
fn open_runs_of_this_binary_pass_the_gate_unchanged() {
    let place = Place::new();
    submit(&place);
    let before = place.json(&["history", "night"]);
    let gate = place.command(&["doctor", "--upgrade"]).output().unwrap();
    assert!(gate.status.success(), "{}", stderr(&gate));
    assert_eq!(
        stdout(&gate),
        "1 open runs were replayed: this binary can go on with all of them\n"
    );
    let report = place.json(&["doctor", "--upgrade"]);
    assert_eq!(report["runs_checked"], 1);
    assert_eq!(report["would_break"], json!([]));
    assert_eq!(place.json(&["history", "night"]), before);
}

#[test]
fn runs_that_this_binary_would_break_are_listed_and_the_code_is_one() {
    let place = Place::new();
    leave_a_run(&place.state(), "Elsewhere", "foreign");
    leave_a_run(&place.state(), "TraceRun", "changed");
    submit(&place);
    let mut gate = place.command(&["doctor", "--upgrade", "--json"]);
    let output = gate.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["runs_checked"], 3);
    assert_eq!(report["runs_broken"], 2);
    let found = report["would_break"].as_array().unwrap();
    let of = |id: &str| found.iter().find(|f| f["workflow_id"] == id).unwrap();
    assert_eq!(of("foreign")["problem"], "unknown_type");
    assert_eq!(of("foreign")["workflow_type"], "Elsewhere");
    let changed = of("changed");
    assert_eq!(changed["problem"], "nondeterminism");
    assert_eq!(changed["event_id"], 3);
    assert!(
        changed["history"]
            .as_str()
            .unwrap()
            .contains("TimerStarted")
    );
    assert!(changed["run_id"].as_str().unwrap().len() == 36);
    assert!(changed["advice"].as_str().unwrap().contains("cx.patched"));

    let text = place.command(&["doctor", "--upgrade"]).output().unwrap();
    assert_eq!(text.status.code(), Some(1));
    let said = stdout(&text);
    assert!(said.contains("would break 2 of them"), "{said}");
    assert!(said.contains("changed  TraceRun  run "), "{said}");
}
