//! The whole engine with its threads, as a user meets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engine::{ActivityCx, ClientError, Engine};
use kernel::primitives::workflow_execution;
use kernel::{ActivityOptions, Cx, Failure, LocalActivityOptions, Millis, RetryPolicy};
use state::memory_store::MemoryStore;
use state::sled_store::SledStore;
use state::store::Store;

fn quick() -> ActivityOptions {
    ActivityOptions {
        retry: RetryPolicy {
            initial_interval: Millis(5),
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    }
}

/// Asks for a greeting and sleeps over it.
async fn greet(cx: Cx, name: String) -> Result<String, Failure> {
    let greeting: String = cx.activity_named("Greet", &name, quick()).await?;
    cx.sleep(Millis(5)).await?;
    Ok(format!("{greeting}!"))
}

async fn hello(_cx: ActivityCx, name: String) -> Result<String, Failure> {
    Ok(format!("Hello, {name}"))
}

#[tokio::test]
async fn a_workflow_of_fifteen_lines_runs_to_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SledStore::open(dir.path()).unwrap());
    let engine = Engine::builder(store)
        .workflow("greet", greet)
        .activity_fn("Greet", hello)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("greet-ada", "greet", "Ada").await.unwrap();
    assert_eq!(client.result::<String>(run).await.unwrap(), "Hello, Ada!");

    assert_eq!(client.find("greet-ada").unwrap(), run);
    assert_eq!(client.find(&run.to_string()).unwrap(), run);
    let history = client.history(run).unwrap();
    let names: Vec<_> = history.iter().map(|event| event.kind.name()).collect();
    assert_eq!(
        names,
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskCompleted",
            "ActivityTaskScheduled",
            "ActivityTaskCompleted",
            "WorkflowTaskCompleted",
            "TimerStarted",
            "TimerFired",
            "WorkflowTaskCompleted",
            "WorkflowExecutionCompleted",
        ]
    );
    let described = client.describe(run).await.unwrap();
    assert_eq!(described.state.status, workflow_execution::State::Completed);
    assert_eq!(described.waiting_on, "");
    let listed = client.store().list_runs(None, 10).unwrap();
    assert_eq!(listed.len(), 1);
    engine.shutdown().await;
    let after = client.start("late", "greet", "Bob").await;
    assert!(matches!(after, Err(ClientError::Stopped(_))), "{after:?}");
}

#[tokio::test]
async fn questions_about_runs_that_are_not_there_have_clear_answers() {
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .start()
        .unwrap();
    let client = engine.client();
    let nobody = kernel::RunId([3; 16]);
    assert!(matches!(
        client.wait(nobody).await,
        Err(ClientError::NotFound)
    ));
    assert!(matches!(
        client.describe(nobody).await,
        Err(ClientError::NotFound)
    ));
    assert!(matches!(client.find("nobody"), Err(ClientError::NotFound)));
    assert!(matches!(
        client.cancel("nobody", "x").await,
        Err(ClientError::NotOpen)
    ));
    assert!(matches!(
        client.signal("nobody", "s", &1).await,
        Err(ClientError::NotOpen)
    ));
    assert!(matches!(
        client.start("", "greet", "x").await,
        Err(ClientError::Rejected(_))
    ));
    engine.shutdown().await;
}

#[tokio::test]
async fn one_workflow_id_has_one_open_run() {
    async fn sit(cx: Cx, _: ()) -> Result<(), Failure> {
        cx.signal("go").await
    }
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("sit", sit)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "sit", &()).await.unwrap();
    let second = client.start("a", "sit", &()).await;
    assert!(
        matches!(second, Err(ClientError::AlreadyRunning(r)) if r == run),
        "{second:?}"
    );
    assert_eq!(
        client.describe(run).await.unwrap().waiting_on,
        "a signal: nothing else is pending"
    );
    client.signal("a", "go", &()).await.unwrap();
    client.result::<()>(run).await.unwrap();
    let again = client.start("a", "sit", &()).await.unwrap();
    assert_ne!(again, run);
    client.terminate("a", "enough").await.unwrap();
    let failed = client.result::<()>(again).await;
    assert!(matches!(failed, Err(ClientError::Failed(_))), "{failed:?}");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_panic_of_an_activity_is_a_failure_that_is_tried_again() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let panics_once = move |cx: ActivityCx, name: String| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(cx.attempt() > 1, "the first attempt goes wrong");
            Ok::<_, Failure>(format!("Hello at last, {name}"))
        }
    };
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("greet", greet)
        .activity_fn("Greet", panics_once)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "greet", "Ada").await.unwrap();
    assert_eq!(
        client.result::<String>(run).await.unwrap(),
        "Hello at last, Ada!"
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    engine.shutdown().await;
}

/// Panics when it is dropped, as a guard of a broken library might.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

#[tokio::test]
async fn a_panic_while_an_activity_is_dropped_loses_no_attempt() {
    let grenade = |cx: ActivityCx, name: String| async move {
        if cx.attempt() == 1 {
            // Lives until the future is dropped, which is when the attempt's time is over.
            let _held = Grenade;
            std::future::pending::<()>().await;
        }
        Ok::<_, Failure>(name)
    };
    async fn impatient(cx: Cx, name: String) -> Result<String, Failure> {
        let options = ActivityOptions {
            start_to_close: Millis(20),
            ..quick()
        };
        cx.activity_named("Greet", &name, options).await
    }
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("greet", impatient)
        .activity_fn("Greet", grenade)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "greet", "Ada").await.unwrap();
    assert_eq!(client.result::<String>(run).await.unwrap(), "Ada");
    drop(engine);
}

/// Runs until it is told to stop, and says that it has begun.
fn until_stopped(
    begun: &Arc<tokio::sync::Semaphore>,
) -> impl Fn(
    ActivityCx,
    String,
) -> std::pin::Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>
+ Send
+ Sync
+ 'static {
    let begun = Arc::clone(begun);
    move |cx, _name| {
        let begun = Arc::clone(&begun);
        Box::pin(async move {
            begun.add_permits(1);
            cx.canceled().await;
            Err(Failure::retryable("Interrupted", "was told to stop"))
        })
    }
}

#[tokio::test]
async fn a_graceful_shutdown_uses_up_no_attempt() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let begun = Arc::new(tokio::sync::Semaphore::new(0));
    let engine = Engine::builder(Arc::clone(&store))
        .workflow("greet", greet)
        .activity_fn("Greet", until_stopped(&begun))
        .start()
        .unwrap();
    let run = engine.client().start("a", "greet", "Ada").await.unwrap();
    let _begun = begun.acquire().await.unwrap();
    engine.shutdown().await;
    let pending = store
        .load_run(run)
        .unwrap()
        .unwrap()
        .activities
        .into_values()
        .next()
        .unwrap();
    assert_eq!((pending.attempt, pending.last_failure), (1, None));

    let engine = Engine::builder(store)
        .workflow("greet", greet)
        .activity_fn("Greet", hello)
        .start()
        .unwrap();
    assert_eq!(
        engine.client().result::<String>(run).await.unwrap(),
        "Hello, Ada!"
    );
    engine.shutdown().await;
}

#[tokio::test]
async fn an_engine_that_is_dropped_writes_nothing_more_and_another_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let store: Arc<dyn Store> = Arc::new(SledStore::open(dir.path()).unwrap());
        let begun = Arc::new(tokio::sync::Semaphore::new(0));
        let engine = Engine::builder(store)
            .workflow("greet", greet)
            .activity_fn("Greet", until_stopped(&begun))
            .start()
            .unwrap();
        if round == 0 {
            engine.client().start("a", "greet", "Ada").await.unwrap();
        }
        let _begun = begun.acquire().await.unwrap();
        drop(engine);
        // Attempts let go of the store when they notice.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let store: Arc<dyn Store> = Arc::new(SledStore::open(dir.path()).unwrap());
    let engine = Engine::builder(store)
        .workflow("greet", greet)
        .activity_fn("Greet", hello)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.find("a").unwrap();
    assert_eq!(client.result::<String>(run).await.unwrap(), "Hello, Ada!");
    engine.shutdown().await;
}

#[tokio::test]
async fn what_an_attempt_says_after_its_engine_was_dropped_is_not_written() {
    let store = MemoryStore::new();
    let (begun, go) = (
        Arc::new(tokio::sync::Semaphore::new(0)),
        Arc::new(tokio::sync::Semaphore::new(0)),
    );
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go));
    let deaf = move |_: ActivityCx, name: String| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.add_permits(1);
            let _permit = wait.acquire().await;
            Ok::<_, Failure>(name)
        }
    };
    let engine = Engine::builder(Arc::new(store.clone()))
        .workflow("greet", greet)
        .activity_fn("Greet", deaf)
        .start()
        .unwrap();
    let run = engine.client().start("a", "greet", "Ada").await.unwrap();
    let _begun = begun.acquire().await.unwrap();
    drop(engine);
    let before = store.calls();
    go.add_permits(1);
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(store.calls(), before);
    assert_eq!(store.load_run(run).unwrap().unwrap().activities.len(), 1);
}

#[tokio::test]
async fn an_engine_keeps_cursors_and_refuses_keys_that_are_too_long() {
    async fn note(cx: ActivityCx, key_bytes: usize) -> Result<String, Failure> {
        cx.set_cursor(vec![b'k'; key_bytes], b"page 4".to_vec())
            .await?;
        let kept = cx.cursor(&vec![b'k'; key_bytes])?.unwrap_or_default();
        cx.heartbeat(&"kept")?;
        Ok(String::from_utf8_lossy(&kept).into_owned())
    }
    async fn noting(cx: Cx, key_bytes: usize) -> Result<String, Failure> {
        cx.activity_named("Note", &key_bytes, quick()).await
    }
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("noting", noting)
        .activity_fn("Note", note)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "noting", &512_usize).await.unwrap();
    assert_eq!(client.result::<String>(run).await.unwrap(), "page 4");
    let run = client.start("b", "noting", &513_usize).await.unwrap();
    let Err(ClientError::Failed(failure)) = client.result::<String>(run).await else {
        panic!("it should fail");
    };
    assert!(failure.to_string().contains("513 bytes"), "{failure}");
    engine.shutdown().await;
}

/// Adds up what local activities give, each twice at first.
async fn add_up(cx: Cx, n: u64) -> Result<u64, Failure> {
    let options = || LocalActivityOptions::from(quick());
    let mut sum = 0;
    for one in 0..n {
        sum += cx
            .local_activity_named::<_, u64>("Flaky", &one, options())
            .await?;
    }
    Ok(sum)
}

#[tokio::test]
async fn local_activities_run_beside_the_engine_and_are_tried_again() {
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("add_up", add_up)
        .activity_fn("Flaky", move |cx: ActivityCx, n: u64| {
            let seen = Arc::clone(&seen);
            async move {
                seen.fetch_add(1, Ordering::Relaxed);
                let key = format!("sum/{}/local-{}", cx.run_id(), n + 1);
                assert_eq!(cx.idempotency_key(), key);
                if cx.attempt() == 1 {
                    return Err(Failure::retryable("Flaky", "not yet"));
                }
                Ok(n)
            }
        })
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("sum", "add_up", &5_u64).await.unwrap();
    assert_eq!(client.result::<u64>(run).await.unwrap(), 10);
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    let history = client.history(run).unwrap();
    let markers = history.iter().filter(|e| e.kind.name() == "MarkerRecorded");
    assert_eq!(markers.count(), 5);
    engine.shutdown().await;
}
