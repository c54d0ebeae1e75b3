//! Workflow code that does not come back: in its turn, in its replay, and when the engine is dropped.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{ActivityCx, Builder, ClientError, Engine};
use kernel::{ActivityOptions, Cx, Failure};
use state::memory_store::MemoryStore;
use state::store::Store;

const TIMEOUT: Duration = Duration::from_millis(50);

async fn greet(cx: Cx, name: String) -> Result<String, Failure> {
    cx.activity_named("Greet", &name, ActivityOptions::default())
        .await
}

async fn hello(_cx: ActivityCx, name: String) -> Result<String, Failure> {
    Ok(format!("Hello, {name}!"))
}

fn builder(store: &Arc<dyn Store>) -> Builder {
    Engine::builder(Arc::clone(store))
        .workflow("greet", greet)
        .activity_fn("Greet", hello)
        .task_timeout(TIMEOUT)
}

/// A gate that holds up whoever goes through it until it is opened for him.
fn gate() -> (Sender<()>, Arc<Mutex<Receiver<()>>>) {
    let (open, gate) = channel();
    (open, Arc::new(Mutex::new(gate)))
}

#[tokio::test]
async fn code_that_does_not_return_is_tried_again_and_holds_nobody_up() {
    let (open_gate, gate) = gate();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = builder(&store)
        .workflow("blocked", move |_cx: Cx, n: u64| {
            let gate = Arc::clone(&gate);
            async move {
                // What workflow code must never do.
                gate.lock().unwrap().recv().unwrap();
                Ok(n)
            }
        })
        .start()
        .unwrap();
    let client = engine.client();
    let blocked = client.start("blocked", "blocked", &7_u64).await.unwrap();
    let greeted = client.start("greet-ada", "greet", "Ada").await.unwrap();
    let greeting: String = client.result(greeted).await.unwrap();
    assert_eq!(greeting, "Hello, Ada!");
    let waiting_on = client.describe(blocked).await.unwrap().waiting_on;
    assert!(
        waiting_on.contains("did not return in time"),
        "{waiting_on}"
    );
    // Once for the turn that was given up, once for the one that is tried again.
    open_gate.send(()).unwrap();
    open_gate.send(()).unwrap();
    assert_eq!(client.result::<u64>(blocked).await.unwrap(), 7);
}

#[tokio::test]
async fn code_that_hangs_when_it_is_replayed_holds_nobody_up() {
    let (open_gate, gate) = gate();
    let calls = Arc::new(AtomicU32::new(0));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = builder(&store)
        // Every turn but the first is on a machine that was replayed.
        .machines_max(0)
        .workflow("twice", move |cx: Cx, name: String| {
            let gate = Arc::clone(&gate);
            let call = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                if call == 1 {
                    gate.lock().unwrap().recv().unwrap();
                }
                greet(cx, name).await
            }
        })
        .start()
        .unwrap();
    let client = engine.client();
    let twice = client.start("twice", "twice", "Bob").await.unwrap();
    let waiting_on = loop {
        let greeted = client.start("greet", "greet", "Ada").await.unwrap();
        client.result::<String>(greeted).await.unwrap();
        let waiting_on = client.describe(twice).await.unwrap().waiting_on;
        if waiting_on.contains("did not return") {
            break waiting_on;
        }
    };
    assert!(waiting_on.contains("in time"), "{waiting_on}");
    open_gate.send(()).unwrap();
    assert_eq!(client.result::<String>(twice).await.unwrap(), "Hello, Bob!");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_dropped_while_code_hangs_and_the_next_one_goes_on() {
    let (entered, has_entered) = channel();
    let (open_gate, closed) = gate();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = builder(&store)
        .task_timeout(Duration::from_secs(3_600))
        .workflow("blocked", move |_cx: Cx, n: u64| {
            let (gate, entered) = (Arc::clone(&closed), entered.clone());
            async move {
                entered.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
                Ok(n)
            }
        })
        .start()
        .unwrap();
    let client = engine.client();
    let start = tokio::spawn(async move { client.start("b", "blocked", &7_u64).await });
    has_entered.recv().unwrap();
    drop(engine);
    // The start was to be recorded together with the first turn.
    let error = start.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Stopped(_)), "{error}");
    let engine = builder(&store)
        .workflow("blocked", |_cx: Cx, n: u64| async move { Ok(n) })
        .start()
        .unwrap();
    let run = engine.client().start("b", "blocked", &7_u64).await.unwrap();
    assert_eq!(engine.client().result::<u64>(run).await.unwrap(), 7);
    // The thread of the first engine is in its code until now.
    drop(open_gate);
}

/// Signals say how much is to be added; a query waits at the gate before it says the sum.
fn counting(gate: Arc<Mutex<Receiver<()>>>) -> impl Fn(Cx, u64) -> Counted + Send + Sync {
    move |cx: Cx, until: u64| {
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            let sum = Arc::new(Mutex::new(0_u64));
            let seen = Arc::clone(&sum);
            cx.query("sum", move |()| {
                gate.lock().unwrap().recv().unwrap();
                Ok(*seen.lock().unwrap())
            });
            loop {
                let n: u64 = cx.signal("add").await?;
                let mut sum = sum.lock().unwrap();
                *sum += n;
                if *sum >= until {
                    return Ok(*sum);
                }
            }
        })
    }
}

type Counted = std::pin::Pin<Box<dyn Future<Output = Result<u64, Failure>> + Send>>;

#[tokio::test]
async fn a_query_that_hangs_gets_a_failure_and_its_run_goes_on() {
    for machines_max in [0, 100] {
        let (open_gate, gate) = gate();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let engine = builder(&store)
            .machines_max(machines_max)
            .workflow("count", counting(gate))
            .start()
            .unwrap();
        let client = engine.client();
        let run = client.start("count", "count", &10_u64).await.unwrap();
        client.signal("count", "add", &4_u64).await.unwrap();
        let ask = || client.query::<(), u64>("count", "sum", &());
        let text = |error: ClientError| error.to_string();
        let late = ask().await.map_err(text).unwrap_err();
        assert!(late.contains("did not return in time"), "{late}");
        // Others are served, and so is the run itself, but for its queries.
        let greeted = client.start("greet", "greet", "Ada").await.unwrap();
        client.result::<String>(greeted).await.unwrap();
        let refused = ask().await.map_err(text).unwrap_err();
        assert!(refused.contains("has not come back"), "{refused}");
        client.signal("count", "add", &1_u64).await.unwrap();
        // One for the handler that hangs, one for the query that is asked once it has come back.
        open_gate.send(()).unwrap();
        open_gate.send(()).unwrap();
        let sum = loop {
            match ask().await.map_err(text) {
                Ok(sum) => break sum,
                Err(again) => assert!(again.contains("has not come back"), "{again}"),
            }
        };
        assert_eq!(sum, 5);
        client.signal("count", "add", &5_u64).await.unwrap();
        assert_eq!(client.result::<u64>(run).await.unwrap(), 10);
        // A closed run is asked in the same way.
        assert!(ask().await.map_err(text).unwrap_err().contains("in time"));
        open_gate.send(()).unwrap();
    }
}
