//! Schedules through the library's front.

use std::sync::Arc;

use engine::schedule::{Action, Backfill, Error, NewSchedule, Overlap, ScheduleSpec, Update};
use engine::{ClientError, Engine, Firing};
use kernel::{Cx, Failure, Payload, Timestamp};
use state::memory_store::MemoryStore;
use state::store::Store;

async fn greet(_cx: Cx, name: String) -> Result<String, Failure> {
    Ok(format!("hello {name}"))
}

fn new(id: &str) -> NewSchedule {
    let action = Action {
        workflow_type: "greet".to_owned(),
        input: Payload::json("world").unwrap(),
    };
    NewSchedule::new(id, ScheduleSpec::cron("@yearly"), action)
}

#[tokio::test]
async fn a_client_makes_changes_triggers_and_deletes_a_schedule() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = Engine::builder(Arc::clone(&store))
        .workflow("greet", greet)
        .start()
        .unwrap();
    let client = engine.client();
    let made = client.create_schedule(new("yearly")).await.unwrap();
    assert_eq!((made.next.len(), made.schedule.paused), (10, false));
    let twice = client.create_schedule(new("yearly")).await.unwrap_err();
    assert!(
        matches!(twice, ClientError::Schedule(Error::Exists(_))),
        "{twice}"
    );

    let asked = client
        .trigger_schedule("yearly", None)
        .await
        .unwrap()
        .schedule;
    let workflow_id = asked.workflow_id(asked.asked[0].nominal);
    // The answer comes with the commit that starts the run.
    let run = client.find(workflow_id.as_str()).unwrap();
    let result: String = client.result(run).await.unwrap();
    assert_eq!(result, "hello world");

    client.pause_schedule("yearly", "for now").await.unwrap();
    let paused = client.describe_schedule("yearly").await.unwrap();
    assert_eq!(
        (paused.schedule.note.as_str(), paused.next.len()),
        ("for now", 0)
    );
    client.unpause_schedule("yearly", "").await.unwrap();
    // 2020, 2021 and 2022 began on their first day.
    let range = Backfill {
        from: Timestamp(1_577_836_800_000),
        to: Timestamp(1_640_995_200_000),
        overlap: Some(Overlap::AllowAll),
    };
    client.backfill_schedule("yearly", range).await.unwrap();
    let run = client.find("yearly-2021-01-01T00:00:00Z").unwrap();
    client.wait(run).await.unwrap();
    let spec = ScheduleSpec::cron("@monthly");
    let changed = client.reschedule("yearly", spec.clone()).await.unwrap();
    assert_eq!(changed.schedule.spec, spec);
    let nothing = client.update_schedule("other", Update::default()).await;
    assert!(matches!(
        nothing,
        Err(ClientError::Schedule(Error::NotFound(_)))
    ));
    let all = client.list_schedules().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].schedule.counts.started, 1 + 3);
    client.delete_schedule("yearly").await.unwrap();
    assert!(client.list_schedules().await.unwrap().is_empty());
    engine.shutdown().await;
}

#[tokio::test]
async fn an_engine_that_fires_nothing_leaves_it_to_the_next() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let start = |firing| {
        Engine::builder(Arc::clone(&store))
            .workflow("greet", greet)
            .schedules(firing)
            .start()
            .unwrap()
    };
    let quiet = start(Firing::No);
    let client = quiet.client();
    client.create_schedule(new("yearly")).await.unwrap();
    let asked = client
        .trigger_schedule("yearly", None)
        .await
        .unwrap()
        .schedule;
    let workflow_id = asked.workflow_id(asked.asked[0].nominal);
    assert!(matches!(
        client.find(workflow_id.as_str()),
        Err(ClientError::NotFound)
    ));
    quiet.shutdown().await;
    let firing = start(Firing::Yes);
    let client = firing.client();
    // Whatever is answered comes after the commit of what was due when it began.
    client.list_schedules().await.unwrap();
    let run = client.find(workflow_id.as_str()).unwrap();
    let result: String = client.result(run).await.unwrap();
    assert_eq!(result, "hello world");
    firing.shutdown().await;
}
