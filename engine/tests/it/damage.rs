//! Stores that fail, lie or panic under a running engine: every client gets an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use engine::{ActivityCx, ClientError, Engine};
use kernel::{Cx, EventId, Failure, HistoryEvent, RunId, RunState, WorkflowId};
use state::blob::Digest;
use state::index::{Find, Place};
use state::memory_store::MemoryStore;
use state::store::{BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, RunInfo, Store};

use crate::rig::once;

async fn sit(cx: Cx, _: ()) -> Result<u64, Failure> {
    cx.signal("go").await
}

#[tokio::test]
async fn a_store_that_fails_stops_the_engine_and_loses_nothing_that_was_acknowledged() {
    let store = MemoryStore::new();
    let engine = Engine::builder(Arc::new(store.clone()))
        .workflow("sit", sit)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "sit", &()).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait(run).await }
    });
    tokio::task::yield_now().await;
    // The next call that reaches the store is the commit of the signal.
    store.fail_nth_call(1);
    let refused = client.signal("a", "go", &1_u64).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Stopped(why) if why.contains("planted")),
        "{refused}"
    );
    let left = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(&left, ClientError::Stopped(why) if why.contains("planted")),
        "{left}"
    );
    let later = client.start("b", "sit", &()).await.unwrap_err();
    assert!(
        matches!(&later, ClientError::Stopped(why) if why.contains("planted")),
        "{later}"
    );
    drop(engine);

    store.crash();
    let engine = Engine::builder(Arc::new(store))
        .workflow("sit", sit)
        .start()
        .unwrap();
    let client = engine.client();
    assert_eq!(client.find("a").unwrap(), run);
    client.signal("a", "go", &2_u64).await.unwrap();
    assert_eq!(client.result::<u64>(run).await.unwrap(), 2);
    engine.shutdown().await;
}

async fn keep(cx: Cx, _: ()) -> Result<String, Failure> {
    cx.activity_named("Keep", &(), once()).await
}

/// An engine whose activity, which is never tried again, keeps a large value. The store fails at that
/// moment, if it is told to.
fn keeping(store: &MemoryStore, fails: &Arc<AtomicBool>, attempts: &Arc<AtomicU32>) -> Engine {
    let (disk, fails, attempts) = (store.clone(), Arc::clone(fails), Arc::clone(attempts));
    let keep_bytes = move |cx: ActivityCx, (): ()| {
        let (disk, fails) = (disk.clone(), Arc::clone(&fails));
        attempts.store(cx.attempt(), Ordering::SeqCst);
        async move {
            if fails.load(Ordering::SeqCst) {
                disk.fail_nth_call(1);
            }
            Ok(cx.put_blob(&[7; 100_000])?.to_string())
        }
    };
    Engine::builder(Arc::new(store.clone()))
        .workflow("keep", keep)
        .activity_fn("Keep", keep_bytes)
        .start()
        .unwrap()
}

#[tokio::test]
async fn a_store_that_fails_under_an_attempt_stops_the_engine_and_costs_no_attempt() {
    let store = MemoryStore::new();
    let (fails, attempts) = (Arc::new(AtomicBool::new(true)), Arc::default());
    let engine = keeping(&store, &fails, &attempts);
    let client = engine.client();
    let run = client.start("a", "keep", &()).await.unwrap();
    let left = client.wait(run).await.unwrap_err();
    assert!(
        matches!(&left, ClientError::Stopped(why) if why.contains("planted")),
        "{left}"
    );
    assert!(engine.failure().is_some_and(|why| why.contains("planted")));
    engine.shutdown().await;

    store.crash();
    let state = store.load_run(run).unwrap().unwrap();
    assert!(!state.is_closed());
    let pending = state.activities.values().next().unwrap();
    assert_eq!(pending.last_failure, None, "nothing of it is recorded");
    fails.store(false, Ordering::SeqCst);
    let engine = keeping(&store, &fails, &attempts);
    let kept: String = engine.client().result(run).await.unwrap();
    assert_eq!(kept, Digest::of(&[7; 100_000]).to_string());
    assert_eq!(
        attempts.load(Ordering::SeqCst),
        1,
        "it was the first one again"
    );
    engine.shutdown().await;
}

/// Passes everything on, until it is told to panic.
struct Panics {
    store: MemoryStore,
    now: Arc<AtomicBool>,
}

impl Store for Panics {
    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error> {
        assert!(!self.now.load(Ordering::SeqCst), "a bug in the store");
        self.store.commit(commit)
    }

    fn open_runs(&self) -> Result<Vec<RunId>, Error> {
        self.store.open_runs()
    }

    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error> {
        self.store.load_run(run_id)
    }

    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error> {
        self.store.load_history(run_id, after, limit)
    }

    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error> {
        self.store.latest_run(workflow_id)
    }

    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error> {
        self.store.list_runs(before, limit)
    }

    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error> {
        self.store.run_info(run_id)
    }

    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
        self.store.find(find, limit)
    }

    fn delete_run(&self, run_id: RunId) -> Result<bool, Error> {
        self.store.delete_run(run_id)
    }

    fn sweep(&self, limit: usize) -> Result<bool, Error> {
        self.store.sweep(limit)
    }

    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.row(namespace, key)
    }

    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error> {
        self.store.rows(namespace)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.store.put_blob(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.store.blob(digest)
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.store.blobs(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.store.remove_blob(digest)
    }

    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error> {
        self.store.visit_values(after, limit, visitor)
    }
}

#[tokio::test]
async fn a_panic_in_the_engines_thread_leaves_no_client_waiting() {
    let now = Arc::new(AtomicBool::new(false));
    let store = Panics {
        store: MemoryStore::new(),
        now: Arc::clone(&now),
    };
    let engine = Engine::builder(Arc::new(store))
        .workflow("sit", sit)
        .start()
        .unwrap();
    let client = engine.client();
    let run = client.start("a", "sit", &()).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait(run).await }
    });
    tokio::task::yield_now().await;
    now.store(true, Ordering::SeqCst);
    let refused = client.signal("a", "go", &1_u64).await.unwrap_err();
    let left = waiting.await.unwrap().unwrap_err();
    let later = client.start("b", "sit", &()).await.unwrap_err();
    for error in [refused, left, later] {
        assert!(
            matches!(&error, ClientError::Stopped(why) if why.contains("a bug in the store")),
            "{error}"
        );
    }
    engine.shutdown().await;
}
