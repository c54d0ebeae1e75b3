//! The store logic, written once over [`Kv`]: what one commit writes, and when a snapshot is due.
//!
//! Neighbours: `loading` reads runs back, `keys`, `values` and `codec` say how things lie.
//! Must not know where they lie.

mod blobs;
mod latest;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use kernel::{EventId, EventKind, HistoryEvent, RunId, RunState, Transition, WorkflowId};

use crate::blob::Digest;
use crate::codec::{self, RecordRef, Stored};
use crate::index::{self, Find, Place};
use crate::keys;
use crate::kv::{Batch, KeyRange, Kv, Order};
use crate::loading::{self, Part, Tail, bytes_of};
use crate::packed::{PACKED_BYTES_MAX, Packer};
use crate::shared;
use crate::store::{BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, RunInfo, Store};
use crate::values;

/// A snapshot is never due before the records since the last one have this many bytes.
const SNAPSHOT_BYTES_MIN: u64 = 4 * 1024;

/// A store over sorted keys.
pub(crate) struct KvStore<K> {
    kv: K,
    /// Readers beside one writer: below, a batch appears key by key, and before it is durable.
    gate: RwLock<()>,
    /// Of open runs only; those that are not in it are read when they are needed.
    tails: Mutex<BTreeMap<RunId, Tail>>,
    closed: AtomicBool,
    packer: Packer,
    recent: blobs::Recent,
}

impl<K: Kv> KvStore<K> {
    pub(crate) fn new(kv: K) -> Self {
        Self {
            kv,
            gate: RwLock::default(),
            tails: Mutex::default(),
            closed: AtomicBool::new(false),
            packer: Packer::new(),
            recent: blobs::Recent::default(),
        }
    }

    pub(crate) fn kv(&self) -> &K {
        &self.kv
    }

    /// Forgets everything that is not in the keys below, as a new process would.
    pub(crate) fn forget(&self) {
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.tails().clear();
        self.recent.forget();
        self.closed.store(false, Ordering::Release);
    }

    /// Refuses every further call. What is below is no longer known: only reading it anew tells.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn tails(&self) -> MutexGuard<'_, BTreeMap<RunId, Tail>> {
        // Each change of the map is one insert or removal, so a panic elsewhere leaves it whole.
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a reader in, unless an earlier failure closed the store.
    fn reading(&self) -> Result<RwLockReadGuard<'_, ()>, Error> {
        let guard = self.gate.read().map_err(|_| Error::Closed)?;
        self.check_open()?;
        Ok(guard)
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Turns a commit into one batch. Checks everything before anything is written.
    fn plan(&self, commit: &Commit<'_>) -> Result<Plan, Error> {
        let mut plan = Plan {
            batch: Batch::default(),
            tails: BTreeMap::new(),
        };
        let states: BTreeMap<RunId, &RunState> = commit
            .states
            .iter()
            .map(|state| (state.run_id, *state))
            .collect();
        let mut closing: BTreeMap<RunId, Closing> = BTreeMap::new();
        let (mut begun, mut relisted) = (BTreeSet::new(), BTreeSet::new());
        let mut latest: BTreeMap<&WorkflowId, RunId> = BTreeMap::new();
        for one in &commit.transitions {
            let mut tail = match plan.tails.get(&one.run_id) {
                Some(tail) => *tail,
                None => self.tail(one.run_id)?,
            };
            if one.number == 0 {
                begun.insert(one.run_id);
                if let Some(state) = states.get(&one.run_id) {
                    let before = latest.get(&state.workflow_id).copied();
                    let newest = if commit.imported.contains(&one.run_id) {
                        self.plan_imported(&mut plan.batch, state)?
                    } else {
                        self.plan_latest(&mut plan.batch, state, before)?
                    };
                    latest.insert(&state.workflow_id, newest);
                }
            }
            if one.transition.events.iter().any(changes_line) {
                relisted.insert(one.run_id);
            }
            check_transition(one.run_id, one.number, one.transition, &tail)?;
            let part = Part("the history", one.run_id);
            let record = RecordRef {
                after: tail.last_event_id,
                transition: one.transition,
            };
            let stored = codec::encode(&part, &record)?;
            tail.bytes_since = tail.bytes_since.saturating_add(bytes_of(&stored));
            let closes = states.get(&one.run_id).is_some_and(|s| s.is_closed());
            let plain = closes.then(|| stored.clone());
            let stored = shared::share(&self.kv, &mut plan.batch, one.run_id, stored)?;
            let base = keys::record(one.run_id, one.number);
            let chunks = values::put(&mut plan.batch, &base, &stored, 0)?;
            if let Some(plain) = plain {
                let closing = closing.entry(one.run_id).or_insert_with(|| Closing {
                    first: one.number,
                    records: Vec::new(),
                });
                closing.records.push((plain, chunks));
            }
            tail.next += 1;
            if let Some(last) = one.transition.events.last() {
                tail.last_event_id = last.id;
            }
            plan.tails.insert(one.run_id, tail);
        }
        let mut tails = std::mem::take(&mut plan.tails);
        for (run_id, tail) in &mut tails {
            let state = states.get(run_id).copied();
            let state = checked_state(*run_id, state, tail)?;
            let (begun, relisted) = (begun.contains(run_id), relisted.contains(run_id));
            self.plan_run(&mut plan.batch, state, tail, begun, relisted)?;
            if let Some(closing) = closing.get(run_id) {
                self.plan_packing(&mut plan.batch, *run_id, tail, closing)?;
            }
        }
        plan.tails = tails;
        self.plan_rows(&mut plan.batch, &commit.rows)?;
        Ok(plan)
    }

    /// Where the next transition of a run goes; for a run that is not there, the start.
    fn tail(&self, run_id: RunId) -> Result<Tail, Error> {
        if let Some(tail) = self.tails().get(&run_id) {
            return Ok(*tail);
        }
        let Some(loaded) = loading::load_run(&self.kv, run_id)? else {
            return Ok(Tail::default());
        };
        if loaded.state.is_closed() {
            return Err(Part("the commit", run_id).corrupt("the run is closed"));
        }
        Ok(loaded.tail)
    }

    /// The list's line, the marks and the snapshot of one run.
    fn plan_run(
        &self,
        batch: &mut Batch,
        state: &RunState,
        tail: &mut Tail,
        begun: bool,
        relisted: bool,
    ) -> Result<(), Error> {
        let run_id = state.run_id;
        let closed = state.is_closed();
        if relisted || begun || closed {
            self.plan_line(batch, state, begun)?;
        }
        let mark = codec::wrap(&[]);
        if closed {
            values::delete(batch, &keys::open_mark(run_id), u16::from(!begun));
            values::delete(batch, &keys::snapshot(run_id), tail.snapshot_chunks);
            return Ok(());
        }
        if begun {
            values::put(batch, &keys::open_mark(run_id), &mark, 0)?;
        }
        if tail.bytes_since > tail.snapshot_bytes.max(SNAPSHOT_BYTES_MIN) {
            let stored = codec::encode(&Part("the snapshot", run_id), state)?;
            let base = keys::snapshot(run_id);
            tail.snapshot_bytes = bytes_of(&stored);
            let stored = shared::share(&self.kv, batch, run_id, stored)?;
            tail.snapshot_chunks = values::put(batch, &base, &stored, tail.snapshot_chunks)?;
            tail.bytes_since = 0;
        }
        Ok(())
    }

    /// The records of a short run that closes become one value, under the key of the first.
    fn plan_packing(
        &self,
        batch: &mut Batch,
        run_id: RunId,
        tail: &Tail,
        closing: &Closing,
    ) -> Result<(), Error> {
        let is_short = tail.snapshot_chunks == 0
            && usize::try_from(tail.bytes_since).is_ok_and(|bytes| bytes <= PACKED_BYTES_MAX);
        if !is_short {
            return Ok(());
        }
        let earlier = KeyRange {
            to: keys::record(run_id, closing.first),
            ..keys::records(run_id, 0)
        };
        let earlier = values::scan(&self.kv, earlier, Order::Forward, usize::MAX)?;
        let mut bases = Vec::with_capacity(earlier.len());
        let mut records = Vec::with_capacity(earlier.len() + closing.records.len());
        for (base, stored) in earlier {
            let chunks = values::count_chunks(&self.kv, &base)?;
            bases.push((base, chunks));
            records.push(stored);
        }
        records.extend(closing.records.iter().map(|(stored, _)| stored.clone()));
        let Some(packed) = self.packer.pack(&records) else {
            return Ok(());
        };
        for (number, (_, chunks)) in (closing.first..).zip(&closing.records) {
            values::withdraw(batch, &keys::record(run_id, number), *chunks);
        }
        for (base, chunks) in bases.iter().skip(1) {
            values::delete(batch, base, *chunks);
        }
        let old_chunks = bases.first().map_or(0, |(_, chunks)| *chunks);
        values::put(batch, &keys::record(run_id, 0), &packed, old_chunks)?;
        Ok(())
    }

    /// The list's line of a run and its entries in the index.
    fn plan_line(&self, batch: &mut Batch, state: &RunState, begun: bool) -> Result<(), Error> {
        let run_id = state.run_id;
        let base = keys::run_info(run_id);
        let (old, old_chunks) = if begun {
            (None, 0)
        } else {
            let old = loading::run_info(&self.kv, run_id)?;
            (old, values::count_chunks(&self.kv, &base)?)
        };
        let info = RunInfo::of(state);
        index::plan(&self.kv, batch, old.as_ref(), Some(&info))?;
        let stored = codec::encode(&Part("the list's line", run_id), &info)?;
        values::put(batch, &base, &stored, old_chunks)?;
        Ok(())
    }

    /// Takes everything away by which a closed run is found, in one batch, and marks it: what is
    /// left of it is swept later.
    fn plan_delete(&self, run_id: RunId) -> Result<Option<Batch>, Error> {
        let Some(info) = loading::run_info(&self.kv, run_id)? else {
            return Ok(None);
        };
        if !info.status.is_closed() {
            return Err(Part("the deletion", run_id).corrupt("the run is open"));
        }
        let mut batch = Batch::default();
        index::plan(&self.kv, &mut batch, Some(&info), None)?;
        let base = keys::run_info(run_id);
        values::delete(&mut batch, &base, values::count_chunks(&self.kv, &base)?);
        self.plan_latest_without(&mut batch, &info)?;
        let mark = codec::wrap(&[]);
        values::put(&mut batch, &keys::deleted_mark(run_id), &mark, 0)?;
        Ok(Some(batch))
    }

    /// At most `limit` keys of runs that were deleted; the mark of a run goes with its last record.
    fn plan_sweep(&self, limit: usize) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let marks = values::scan(&self.kv, keys::deleted_marks(), Order::Forward, 1)?;
        let Some((base, _)) = marks.first() else {
            return Ok(batch);
        };
        let run_id = run_in(base)?;
        let limit = limit.max(1);
        let records = self
            .kv
            .scan(&keys::records(run_id, 0), Order::Forward, limit)?;
        let left = limit - records.len();
        for (key, _) in records {
            batch.delete(key);
        }
        let is_last = left > 0 && shared::forget(&self.kv, &mut batch, run_id, left)? < left;
        if is_last {
            values::delete(&mut batch, base, 1);
        }
        Ok(batch)
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.kv.apply(batch).inspect_err(|_| self.close())
    }

    fn keep(&self, tails: BTreeMap<RunId, Tail>, commit: &Commit<'_>) {
        let mut kept = self.tails();
        kept.extend(tails);
        for state in commit.states.iter().filter(|state| state.is_closed()) {
            kept.remove(&state.run_id);
        }
    }
}

/// What a commit adds to a run that it closes.
struct Closing {
    /// The number of the first of them.
    first: u64,
    /// Records as they are encoded, and how many chunks they were put into.
    records: Vec<(Stored, u16)>,
}

/// One commit, ready to be written.
struct Plan {
    batch: Batch,
    /// The tails of the runs in it, as they are afterwards.
    tails: BTreeMap<RunId, Tail>,
}

/// A wrong number is a bug of the writer; it shows here, before it becomes damage.
fn check_transition(
    run_id: RunId,
    number: u64,
    transition: &Transition,
    tail: &Tail,
) -> Result<(), Error> {
    let part = Part("the commit", run_id);
    if number != tail.next {
        return Err(part.corrupt(format!(
            "transition {number} comes, but {} is next",
            tail.next
        )));
    }
    let mut last = tail.last_event_id;
    for event in &transition.events {
        if event.id != last.next() {
            return Err(part.corrupt(format!(
                "event {} comes, but {} is next",
                event.id,
                last.next()
            )));
        }
        last = event.id;
    }
    if last == EventId(0) {
        return Err(part.corrupt("its first transition has no event"));
    }
    Ok(())
}

/// Whether the list shows what an open run has changed.
fn changes_line(event: &HistoryEvent) -> bool {
    matches!(
        event.kind,
        EventKind::UpsertWorkflowSearchAttributes { .. }
            | EventKind::WorkflowPropertiesModified { .. }
    )
}

fn checked_state<'a>(
    run_id: RunId,
    state: Option<&'a RunState>,
    tail: &Tail,
) -> Result<&'a RunState, Error> {
    let part = Part("the commit", run_id);
    let state = state.ok_or_else(|| part.corrupt("the state after it is missing"))?;
    if state.transitions != tail.next || state.last_event_id != tail.last_event_id {
        return Err(part.corrupt(format!(
            "the state is of transition {} and event {}, but it should be of {} and {}",
            state.transitions, state.last_event_id, tail.next, tail.last_event_id
        )));
    }
    Ok(state)
}

impl<K: Kv> Store for KvStore<K> {
    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error> {
        let _gate = self.gate.write().map_err(|_| Error::Closed)?;
        self.check_open()?;
        let plan = self.plan(commit)?;
        if plan.batch.is_empty() {
            return Ok(Receipt::default());
        }
        let receipt = Receipt {
            bytes: plan.batch.size_bytes(),
        };
        if let Err(error) = self.kv.apply(plan.batch) {
            self.close();
            return Err(error);
        }
        self.keep(plan.tails, commit);
        Ok(receipt)
    }

    fn open_runs(&self) -> Result<Vec<RunId>, Error> {
        let _gate = self.reading()?;
        let marks = values::scan(&self.kv, keys::open_marks(), Order::Forward, usize::MAX)?;
        marks.iter().map(|(base, _)| run_in(base)).collect()
    }

    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error> {
        let _gate = self.reading()?;
        let Some(loaded) = loading::load_run(&self.kv, run_id)? else {
            return Ok(None);
        };
        if !loaded.state.is_closed() {
            self.tails().entry(run_id).or_insert(loaded.tail);
        }
        Ok(Some(loaded.state))
    }

    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error> {
        let _gate = self.reading()?;
        // The records of a run that was deleted lie there until they are swept, some of them gone.
        if loading::run_info(&self.kv, run_id)?.is_none() {
            return Ok(Vec::new());
        }
        loading::load_history(&self.kv, run_id, after, limit)
    }

    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error> {
        let _gate = self.reading()?;
        self.find_latest(workflow_id, None)
    }

    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error> {
        let _gate = self.reading()?;
        let lines = values::scan(&self.kv, keys::run_infos(before), Order::Backward, limit)?;
        let mut infos = Vec::with_capacity(lines.len());
        for (base, stored) in lines {
            infos.push(codec::decode(
                &Part("the list's line", run_in(&base)?),
                &stored,
            )?);
        }
        Ok(infos)
    }

    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error> {
        let _gate = self.reading()?;
        loading::run_info(&self.kv, run_id)
    }

    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
        let _gate = self.reading()?;
        index::find(&self.kv, find, limit)
    }

    fn delete_run(&self, run_id: RunId) -> Result<bool, Error> {
        let _gate = self.gate.write().map_err(|_| Error::Closed)?;
        self.check_open()?;
        let Some(batch) = self.plan_delete(run_id)? else {
            return Ok(false);
        };
        self.write(batch)?;
        Ok(true)
    }

    fn sweep(&self, limit: usize) -> Result<bool, Error> {
        let _gate = self.gate.write().map_err(|_| Error::Closed)?;
        self.check_open()?;
        let batch = self.plan_sweep(limit)?;
        let is_work = !batch.is_empty();
        if is_work {
            self.write(batch)?;
        }
        Ok(is_work)
    }

    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let _gate = self.reading()?;
        match values::get(&self.kv, &self.row_base(namespace, key))? {
            None => Ok(None),
            Some(stored) => {
                let value = codec::unwrap(&"a row", stored)?;
                let (found, value) = self.row_parts(key.to_vec(), value)?;
                if found == key {
                    Ok(Some(value))
                } else {
                    Err(bad_key("a row"))
                }
            }
        }
    }

    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error> {
        let _gate = self.reading()?;
        let rows = values::scan(&self.kv, keys::rows(namespace), Order::Forward, usize::MAX)?;
        let mut pairs = Vec::with_capacity(rows.len());
        for (base, stored) in rows {
            let key = keys::row_key(&base).ok_or_else(|| bad_key("a row"))?;
            pairs.push(self.row_parts(key, codec::unwrap(&"a row", stored)?)?);
        }
        if self.kv.hides_names() {
            // They lie in the order of their digests.
            pairs.sort();
        }
        Ok(pairs)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        // Not behind the gate: blobs are whole or not there, and a big one must not hold up a
        // commit.
        self.check_open()?;
        let digest = self.kv.digest(bytes);
        self.recent.add(&digest);
        self.kv.put_blob(&digest, bytes)?;
        Ok(digest)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.check_open()?;
        let Some(bytes) = self.kv.blob(digest)? else {
            return Ok(None);
        };
        if self.kv.digest(&bytes) != *digest {
            return Err(Error::Corrupt {
                what: format!("blob {digest}"),
                why: "its bytes do not match its digest".into(),
            });
        }
        Ok(Some(bytes))
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.check_open()?;
        self.kv.blobs(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.check_open()?;
        self.recent
            .unless_in(digest, || self.kv.remove_blob(digest))
    }

    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error> {
        let _gate = self.reading()?;
        blobs::visit_values(&self.kv, after, limit, visitor)
    }
}

fn run_in(base: &[u8]) -> Result<RunId, Error> {
    keys::last_run_id(base).ok_or_else(|| bad_key("a mark of a run"))
}

fn bad_key(what: &str) -> Error {
    Error::Corrupt {
        what: what.into(),
        why: "its key is not of any known form".into(),
    }
}

#[cfg(test)]
mod tests;
