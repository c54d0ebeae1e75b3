//! A store in memory, for tests and simulation: it can crash, fail on demand, and lie.
//!
//! Neighbours: the same logic as the sled store (`kv_store`), over a map. Must not touch files.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{EventId, HistoryEvent, RunId, RunState, WorkflowId};

use crate::blob::Digest;
use crate::index::{Find, Place};
use crate::kv::{Batch, KeyRange, Kv, Order, Pair};
use crate::kv_store::KvStore;
use crate::store::{BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, RunInfo, Store};

/// A handle on a store in memory. Clones are handles on the same store.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    store: KvStore<MemoryKv>,
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    calls: u64,
    fail_at: Option<(u64, When)>,
}

/// Whether a call that is made to fail does its work all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    After,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("faults", &*self.faults())
            .finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let store = KvStore::new(MemoryKv::default());
        Self {
            inner: Arc::new(Inner {
                store,
                faults: Mutex::default(),
            }),
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.inner
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What a killed machine leaves: everything durable, nothing else. All handles go on with
    /// that, as newly opened ones would.
    pub fn crash(&self) {
        let mut data = self.inner.store.kv().data();
        data.tear();
        data.roll_back();
        drop(data);
        self.inner.store.forget();
    }

    /// Plants a bug: while on, commits and blobs are acknowledged without being durable, until
    /// [`background_sync`](Self::background_sync) or the first commit after it is off again.
    pub fn set_skip_sync(&self, skip: bool) {
        self.inner.store.kv().data().skip_sync = skip;
    }

    /// Plants a bug: while on, a [`crash`](Self::crash) leaves only every second key of the last
    /// group, as a store would that does not write a group as a whole.
    pub fn set_tear_groups(&self, tear: bool) {
        self.inner.store.kv().data().tear_groups = tear;
    }

    /// What an operating system does some time later by itself: everything becomes durable.
    pub fn background_sync(&self) {
        self.inner.store.kv().data().undo.clear();
    }

    /// The n-th call of a [`Store`] method from now, counted from 1, fails without doing anything.
    /// A commit that fails closes the store until [`crash`](Self::crash).
    pub fn fail_nth_call(&self, n: u64) {
        self.fail(n, When::Before);
    }

    /// As [`fail_nth_call`](Self::fail_nth_call), but the call does its work before it fails: a
    /// caller cannot know which of the two happened.
    pub fn fail_nth_call_late(&self, n: u64) {
        self.fail(n, When::After);
    }

    fn fail(&self, n: u64, when: When) {
        let mut faults = self.faults();
        faults.fail_at = Some((faults.calls.saturating_add(n), when));
    }

    /// How many calls of [`Store`] methods there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.faults().calls
    }

    /// How many groups were committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.store.kv().data().groups
    }

    fn call<T>(
        &self,
        work: impl FnOnce(&KvStore<MemoryKv>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let failing = {
            let mut faults = self.faults();
            faults.calls += 1;
            let now = faults.calls;
            faults
                .fail_at
                .take_if(|(at, _)| *at == now)
                .map(|(_, when)| when)
        };
        match failing {
            None => work(&self.inner.store),
            Some(When::Before) => Err(planted()),
            Some(When::After) => work(&self.inner.store).and(Err(planted())),
        }
    }
}

impl MemoryStore {
    /// A write that fails leaves a store of which nobody knows what is in it.
    fn closing<T>(
        &self,
        work: impl FnOnce(&KvStore<MemoryKv>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = self.call(work);
        if let Err(Error::Io { .. }) = result {
            self.inner.store.close();
        }
        result
    }
}

fn planted() -> Error {
    let source = std::io::Error::other("a planted fault");
    Error::Io {
        doing: "reach the store".into(),
        source,
    }
}

impl Store for MemoryStore {
    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error> {
        self.closing(|store| store.commit(commit))
    }

    fn open_runs(&self) -> Result<Vec<RunId>, Error> {
        self.call(Store::open_runs)
    }

    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error> {
        self.call(|store| store.load_run(run_id))
    }

    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error> {
        self.call(|store| store.load_history(run_id, after, limit))
    }

    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error> {
        self.call(|store| store.latest_run(workflow_id))
    }

    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error> {
        self.call(|store| store.list_runs(before, limit))
    }

    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error> {
        self.call(|store| store.run_info(run_id))
    }

    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
        self.call(|store| store.find(find, limit))
    }

    fn delete_run(&self, run_id: RunId) -> Result<bool, Error> {
        self.closing(|store| store.delete_run(run_id))
    }

    fn sweep(&self, limit: usize) -> Result<bool, Error> {
        self.closing(|store| store.sweep(limit))
    }

    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(|store| store.row(namespace, key))
    }

    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error> {
        self.call(|store| store.rows(namespace))
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.call(|store| store.put_blob(bytes))
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.call(|store| store.blob(digest))
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.call(|store| store.blobs(after, limit))
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.call(|store| store.remove_blob(digest))
    }

    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error> {
        self.call(|store| store.visit_values(after, limit, visitor))
    }
}

/// Sorted keys in a map.
#[derive(Debug, Default)]
pub(crate) struct MemoryKv {
    data: Mutex<Data>,
}

#[derive(Debug, Default)]
struct Data {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    skip_sync: bool,
    tear_groups: bool,
    /// Groups written so far, those too that a crash took back.
    groups: u64,
    /// How to take back every second key of the last group, while groups are to be torn.
    torn: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// How to get back to what is durable, last change last.
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    Pair(Vec<u8>, Option<Vec<u8>>),
    Blob(Digest),
}

impl Data {
    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let old = match value {
            Some(value) => self.pairs.insert(key.clone(), value),
            None => self.pairs.remove(&key),
        };
        if self.tear_groups {
            self.torn.push((key.clone(), old.clone()));
        }
        if self.skip_sync {
            self.undo.push(Undo::Pair(key, old));
        }
    }

    fn tear(&mut self) {
        for (key, old) in std::mem::take(&mut self.torn).into_iter().step_by(2) {
            match old {
                Some(old) => self.pairs.insert(key, old),
                None => self.pairs.remove(&key),
            };
        }
    }

    fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Pair(key, Some(old)) => {
                    self.pairs.insert(key, old);
                }
                Undo::Pair(key, None) => {
                    self.pairs.remove(&key);
                }
                Undo::Blob(digest) => {
                    self.blobs.remove(&digest);
                }
            }
        }
    }

    /// A sync makes everything durable, also what was skipped before.
    fn sync(&mut self) {
        if !self.skip_sync {
            self.undo.clear();
        }
    }
}

impl MemoryKv {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kv for MemoryKv {
    fn apply(&self, batch: Batch) -> Result<(), Error> {
        let mut data = self.data();
        data.torn.clear();
        data.groups += 1;
        for (key, value) in batch {
            data.set(key, value);
        }
        data.sync();
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.data().pairs.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Pair>, Error> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let data = self.data();
        let bounds = (Bound::Included(&range.from), Bound::Excluded(&range.to));
        let pairs = data
            .pairs
            .range::<Vec<u8>, _>(bounds)
            .map(|(k, v)| (k.clone(), v.clone()));
        Ok(match order {
            Order::Forward => pairs.take(limit).collect(),
            Order::Backward => pairs.rev().take(limit).collect(),
        })
    }

    fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        let mut data = self.data();
        let old = data.blobs.insert(*digest, bytes.to_vec());
        if data.skip_sync && old.is_none() {
            data.undo.push(Undo::Blob(*digest));
        }
        Ok(())
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.data().blobs.get(digest).cloned())
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let data = self.data();
        let blobs = data.blobs.range((from, Bound::Unbounded)).take(limit);
        let info = |(digest, bytes): (&Digest, &Vec<u8>)| BlobInfo {
            digest: *digest,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            written_at: None,
        };
        Ok(blobs.map(info).collect())
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.data().blobs.remove(digest).is_some())
    }
}
