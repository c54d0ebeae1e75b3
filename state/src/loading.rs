//! Reading runs back: snapshots, records, and the fold that makes a state of them.
//!
//! Neighbours: `kv_store` calls this and keeps the [`Tail`] of each open run. Must not write.

use std::fmt;

use kernel::{Corrupt, EventId, HistoryEvent, RunId, RunState};

use crate::codec::{self, FORMAT_PACKED, Record, Stored};
use crate::keys;
use crate::kv::{Kv, Order};
use crate::packed;
use crate::store::{Error, RunInfo};
use crate::values;

/// Records read at a time.
const PAGE_RECORDS: usize = 64;

/// What the next commit of an open run must know of the commits before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The number of the next transition.
    pub(crate) next: u64,
    /// The last event.
    pub(crate) last_event_id: EventId,
    /// Bytes of the records since the last snapshot, or since the start.
    pub(crate) bytes_since: u64,
    /// Bytes of the last snapshot, 0 without one.
    pub(crate) snapshot_bytes: u64,
    /// Chunks of the last snapshot, 0 without one.
    pub(crate) snapshot_chunks: u16,
}

/// A run, and where its next commit goes on.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) state: RunState,
    pub(crate) tail: Tail,
}

/// Names a part of a run in errors.
pub(crate) struct Part(pub(crate) &'static str, pub(crate) RunId);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of run {}", self.0, self.1)
    }
}

impl Part {
    pub(crate) fn corrupt(&self, why: impl Into<String>) -> Error {
        Error::Corrupt {
            what: self.to_string(),
            why: why.into(),
        }
    }
}

/// The list's line of a run.
pub(crate) fn run_info(kv: &impl Kv, run_id: RunId) -> Result<Option<RunInfo>, Error> {
    match values::get(kv, &keys::run_info(run_id))? {
        None => Ok(None),
        Some(stored) => codec::decode(&Part("the list's line", run_id), &stored).map(Some),
    }
}

/// A run, open or closed: its last snapshot and the records after it, folded.
pub(crate) fn load_run(kv: &impl Kv, run_id: RunId) -> Result<Option<Loaded>, Error> {
    let Some(info) = run_info(kv, run_id)? else {
        return Ok(None);
    };
    let mut fold = Fold {
        run_id,
        info: &info,
        state: None,
        tail: Tail::default(),
    };
    if let Some(stored) = values::get(kv, &keys::snapshot(run_id))? {
        fold.snapshot(&stored, values::count_chunks(kv, &keys::snapshot(run_id))?)?;
    }
    loop {
        let page = records(kv, run_id, fold.tail.next, PAGE_RECORDS)?;
        if page.is_empty() {
            break;
        }
        for (number, stored) in page {
            fold.record(number, &stored)?;
        }
    }
    fold.finish().map(Some)
}

struct Fold<'a> {
    run_id: RunId,
    info: &'a RunInfo,
    state: Option<RunState>,
    tail: Tail,
}

impl Fold<'_> {
    fn snapshot(&mut self, stored: &Stored, chunks: u16) -> Result<(), Error> {
        let part = Part("the snapshot", self.run_id);
        let state: RunState = codec::decode(&part, stored)?;
        if state.run_id != self.run_id || state.workflow_id != self.info.workflow_id {
            return Err(part.corrupt("it is one of another run"));
        }
        self.tail = Tail {
            next: state.transitions,
            last_event_id: state.last_event_id,
            bytes_since: 0,
            snapshot_bytes: bytes_of(stored),
            snapshot_chunks: chunks,
        };
        self.state = Some(state);
        Ok(())
    }

    fn record(&mut self, number: Option<u64>, stored: &Stored) -> Result<(), Error> {
        let part = Part("the history", self.run_id);
        let record: Record = codec::decode(&part, stored)?;
        check_place(
            &part,
            number,
            &record,
            self.tail.next,
            self.tail.last_event_id,
        )?;
        let mut state = match self.state.take() {
            Some(state) => state,
            None => self.started(&record)?,
        };
        state
            .apply(&record.transition)
            .map_err(|error| not_valid(&part, &error))?;
        self.tail.next += 1;
        self.tail.last_event_id = state.last_event_id;
        self.tail.bytes_since = self.tail.bytes_since.saturating_add(bytes_of(stored));
        self.state = Some(state);
        Ok(())
    }

    fn started(&self, record: &Record) -> Result<RunState, Error> {
        let part = Part("the history", self.run_id);
        let first = record.transition.events.first();
        let first = first.ok_or_else(|| part.corrupt("its first record has no event"))?;
        RunState::started(self.info.workflow_id.clone(), self.run_id, first)
            .map_err(|error| not_valid(&part, &error))
    }

    fn finish(self) -> Result<Loaded, Error> {
        let part = Part("the history", self.run_id);
        let state = self
            .state
            .ok_or_else(|| part.corrupt("it has no records"))?;
        if state.status != self.info.status {
            return Err(part.corrupt(format!(
                "it leaves the run {:?}, but the list says {:?}",
                state.status, self.info.status
            )));
        }
        Ok(Loaded {
            state,
            tail: self.tail,
        })
    }
}

fn not_valid(part: &Part, error: &Corrupt) -> Error {
    part.corrupt(format!("at event {}: {}", error.event_id, error.why))
}

/// A record that is missing, or one too many, shows here.
fn check_place(
    part: &Part,
    found: Option<u64>,
    record: &Record,
    number: u64,
    after: EventId,
) -> Result<(), Error> {
    if found != Some(number) {
        return Err(part.corrupt(format!("record {number} is missing")));
    }
    if record.after != after {
        return Err(part.corrupt(format!(
            "record {number} follows event {}, but the event before it is {after}",
            record.after
        )));
    }
    Ok(())
}

/// Events above `after`, whole records, until there are `limit` or no more.
pub(crate) fn load_history(
    kv: &impl Kv,
    run_id: RunId,
    after: EventId,
    limit: usize,
) -> Result<Vec<HistoryEvent>, Error> {
    let mut events: Vec<HistoryEvent> = Vec::new();
    let Some(mut number) = record_with(kv, run_id, after)? else {
        return Ok(events);
    };
    let part = Part("the history", run_id);
    let mut last: Option<EventId> = None;
    while events.len() < limit.max(1) {
        let n_records = (limit.max(1) - events.len()).min(PAGE_RECORDS);
        let page = records(kv, run_id, number, n_records)?;
        if page.is_empty() {
            break;
        }
        for (found, stored) in page {
            let record: Record = codec::decode(&part, &stored)?;
            check_place(&part, found, &record, number, last.unwrap_or(record.after))?;
            number += 1;
            last = Some(
                record
                    .transition
                    .events
                    .last()
                    .map_or(record.after, |e| e.id),
            );
            events.extend(
                record
                    .transition
                    .events
                    .into_iter()
                    .filter(|e| e.id > after),
            );
            if events.len() >= limit.max(1) {
                break;
            }
        }
    }
    Ok(events)
}

/// A record and its number, which is `None` when its key has none.
type Numbered = (Option<u64>, Stored);

/// The records of a run from a number on: at most `limit`, but all that are packed.
fn records(kv: &impl Kv, run_id: RunId, from: u64, limit: usize) -> Result<Vec<Numbered>, Error> {
    let range = keys::records(run_id, from);
    let page = values::scan(kv, range, Order::Forward, limit)?;
    let is_packed = |(_, stored): &(_, Stored)| stored.format == FORMAT_PACKED;
    if page.len() != 1 || !page.iter().all(is_packed) {
        let numbered = page
            .into_iter()
            .map(|(base, stored)| (keys::record_number(&base), stored));
        return Ok(numbered.collect());
    }
    let mut all = Vec::new();
    for (_, packed) in page {
        let records = packed::unpack(&Part("the history", run_id), &packed)?;
        all.extend((0..).map(Some).zip(records));
    }
    Ok(all)
}

/// The number of the record that holds the first event above `after`, or of the last record: the
/// last one that follows an event not above `after`. Looks at O(log n) records.
fn record_with(kv: &impl Kv, run_id: RunId, after: EventId) -> Result<Option<u64>, Error> {
    let part = Part("the history", run_id);
    let newest = kv.scan(&keys::records(run_id, 0), Order::Backward, 1)?;
    let Some((key, _)) = newest.first() else {
        return Ok(None);
    };
    let base = key
        .split_last_chunk::<2>()
        .map_or(&[][..], |(base, _)| base);
    let newest = keys::record_number(base).ok_or_else(|| part.corrupt("a key is cut off"))?;
    let (mut low, mut high) = (0, newest);
    while low < high {
        // Upwards, so that `low` moves when two are left.
        let middle = low + (high - low).div_ceil(2);
        let first = values::first_chunk(kv, &keys::record(run_id, middle))?;
        let (_, first) =
            first.ok_or_else(|| part.corrupt(format!("record {middle} is missing")))?;
        if codec::record_after(&part, &first)? <= after {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(Some(low))
}

pub(crate) fn bytes_of(stored: &Stored) -> u64 {
    u64::try_from(stored.bytes.len()).unwrap_or(u64::MAX)
}
