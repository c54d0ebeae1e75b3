//! One thing done to all runs of a query, and what is told of it.

use std::sync::Arc;

use engine::batch::{BatchOptions, BatchReport, BatchVerb};
use engine::visibility::Request;
use engine::{Client, Engine, ResetOptions};
use kernel::primitives::workflow_execution::State as Status;
use kernel::{Cx, Failure, Payload, ResetTo};
use state::memory_store::MemoryStore;

async fn listen(cx: Cx, n: u64) -> Result<u64, Failure> {
    if n == 0 {
        return Err(Failure::permanent("Zero", "nothing to wait for"));
    }
    cx.signal("go").await
}

fn engine() -> Engine {
    Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("listen", listen)
        .start()
        .unwrap()
}

async fn start(client: &Client, n_open: u64, n_failed: u64) {
    for n in 0..n_open {
        let id = format!("open-{n}");
        client.start(&id, "listen", &1_u64).await.unwrap();
    }
    for n in 0..n_failed {
        let id = format!("failed-{n}");
        let run = client.start(&id, "listen", &0_u64).await.unwrap();
        client.wait(run).await.unwrap();
    }
}

fn query(text: &str) -> Request {
    Request {
        query: text.parse().unwrap(),
        search: None,
    }
}

async fn batch(client: &Client, text: &str, verb: &BatchVerb) -> BatchReport {
    let mut seen = 0;
    let options = BatchOptions::default();
    let tell = |report: &BatchReport| {
        seen += 1;
        assert_eq!(report.done + report.unchanged + report.failed, seen);
    };
    let report = client
        .batch(&query(text), verb, options, tell)
        .await
        .unwrap();
    assert_eq!(seen, report.total, "each run is told of");
    report
}

fn counts(report: &BatchReport) -> [u64; 3] {
    [report.done, report.unchanged, report.failed]
}

#[tokio::test]
async fn each_verb_is_done_once_and_asked_again_changes_nothing() {
    let engine = engine();
    let client = engine.client();
    start(&client, 3, 2).await;
    let reason = || "maintenance".to_owned();
    let all = "WorkflowType = 'listen'";
    let pause = BatchVerb::Pause { reason: reason() };
    assert_eq!(counts(&batch(&client, all, &pause).await), [3, 2, 0]);
    assert_eq!(counts(&batch(&client, all, &pause).await), [0, 5, 0]);
    assert_eq!(
        counts(&batch(&client, all, &BatchVerb::Unpause).await),
        [3, 2, 0]
    );
    assert_eq!(
        counts(&batch(&client, all, &BatchVerb::Unpause).await),
        [0, 5, 0]
    );
    let signal = BatchVerb::Signal {
        name: "go".to_owned(),
        input: Payload::json(&4_u64).unwrap(),
    };
    let one = "WorkflowId = 'open-0'";
    assert_eq!(counts(&batch(&client, one, &signal).await), [1, 0, 0]);
    let run = client.find("open-0").unwrap();
    assert_eq!(client.result::<u64>(run).await.unwrap(), 4);
    let terminate = BatchVerb::Terminate { reason: reason() };
    let open = "ExecutionStatus = 'Running'";
    assert_eq!(counts(&batch(&client, open, &terminate).await), [2, 0, 0]);
    assert_eq!(batch(&client, open, &terminate).await.total, 0);
    assert_eq!(
        counts(&batch(&client, all, &BatchVerb::Delete).await),
        [5, 0, 0]
    );
    assert_eq!(batch(&client, all, &BatchVerb::Delete).await.total, 0);
    engine.shutdown().await;
}

#[tokio::test]
async fn failed_runs_are_reset_once_however_often_it_is_asked() {
    let engine = engine();
    let client = engine.client();
    start(&client, 0, 3).await;
    let verb = BatchVerb::Reset {
        to: ResetTo::FirstWorkflowTask,
        options: ResetOptions::default(),
    };
    let old = "ExecutionStatus = 'Failed'";
    let chosen = client.batch_runs(&query(old)).unwrap();
    assert_eq!(counts(&batch(&client, old, &verb).await), [3, 0, 0]);
    for (run_id, workflow_id) in chosen {
        let newest = client.find(workflow_id.as_str()).unwrap();
        assert_ne!(newest, run_id);
        client.wait(newest).await.unwrap();
        let again = client.batch_step(run_id, &verb).await.unwrap();
        assert_eq!(again, engine::batch::BatchStep::Unchanged);
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_by_run_and_the_others_are_done() {
    let engine = engine();
    let client = engine.client();
    start(&client, 1, 2).await;
    let report = batch(&client, "WorkflowType = 'listen'", &BatchVerb::Delete).await;
    assert_eq!(counts(&report), [2, 0, 1]);
    let [failure] = &report.failures[..] else {
        panic!("{report:?}")
    };
    assert_eq!(failure.workflow_id.as_str(), "open-0");
    assert!(failure.why.contains("it is open"), "{}", failure.why);
    let verb = BatchVerb::Reset {
        to: ResetTo::FailedActivity,
        options: ResetOptions::default(),
    };
    let report = batch(&client, "WorkflowId = 'open-0'", &verb).await;
    assert!(
        report.failures[0].why.contains("none has failed"),
        "{report:?}"
    );
    let run = client.find("open-0").unwrap();
    let state = client.describe(run).await.unwrap().state;
    assert_eq!(state.status, Status::Running);
    engine.shutdown().await;
}
