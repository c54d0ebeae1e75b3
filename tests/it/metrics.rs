//! Metrics, as the binary shows them.

use crate::common::{Place, samples, stderr, stdout};
use crate::schedule::Served;

#[test]
fn metrics_of_a_server_are_shown_and_written_and_those_of_nobody_are_an_error() {
    let place = Place::new();
    let mut submit = place.command(&["submit", "--id", "night", "--out"]);
    let submitted = submit.arg(place.out()).arg(samples()).output().unwrap();
    assert!(submitted.status.success(), "{}", stderr(&submitted));
    let nobody = place.command(&["status", "--metrics"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(4));
    assert!(stderr(&nobody).contains("openclaw-trace serve"));

    let file = place.dir.path().join("engine.prom");
    let words = ["--metrics-file", file.to_str().unwrap()];
    let served = Served::start_with(&place, &words);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("# TYPE temporal_workflow_completed counter\n"));

    let followed = place.command(&["--quiet", "resume", "night"]).output();
    assert!(followed.unwrap().status.success());
    let shown = place.command(&["status", "--metrics"]).output().unwrap();
    assert!(shown.status.success(), "{}", stderr(&shown));
    let text = stdout(&shown);
    let completed = "temporal_workflow_completed{workflow_type=\"TraceRun\"} 1\n";
    assert!(text.contains(completed), "{text}");
    let json = place.json(&["status", "--metrics"]);
    let families = json["families"].as_array().unwrap();
    let commits = families
        .iter()
        .find(|f| f["name"] == "engine_store_commit_latency")
        .unwrap();
    assert_eq!(commits["kind"], "histogram");
    assert_eq!(commits["unit"], "seconds");
    assert_eq!(served.stop("-TERM"), Some(0));
}

#[test]
fn a_metrics_file_that_cannot_be_written_is_said_at_once() {
    let place = Place::new();
    let file = place.dir.path().join("missing/engine.prom");
    let mut serve = place.command(&["serve", "--metrics-file"]);
    let output = serve.arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("could not write metrics"));
}
