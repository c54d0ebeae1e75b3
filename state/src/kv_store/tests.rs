//! What lies in the keys below: the promises of `docs/FORMAT.md` that no answer of a store shows.

use super::*;
use crate::conformance::{Run, Written, commit, run_id};
use crate::kv::KeyRange;
use crate::memory_store::MemoryKv;

/// How many keys there are of each kind, and the bytes of the snapshots.
fn kinds(store: &KvStore<MemoryKv>) -> (BTreeMap<char, usize>, usize) {
    let all = KeyRange {
        from: vec![0],
        to: vec![0xff],
    };
    let pairs = store.kv().scan(&all, Order::Forward, usize::MAX).unwrap();
    let mut counts = BTreeMap::new();
    let mut snapshot_bytes = 0;
    for (key, value) in pairs {
        *counts.entry(char::from(key[0])).or_insert(0) += 1;
        if key[0] == b's' {
            snapshot_bytes += value.len();
        }
    }
    (counts, snapshot_bytes)
}

#[test]
fn a_closed_run_keeps_its_records_and_its_lines_only() {
    let store = KvStore::new(MemoryKv::default());
    let (mut run, first) = Run::start("nightly", 1);
    commit(&store, &[&first], &[&run], vec![]);
    for _ in 0..30 {
        let written = run.schedule(1_000);
        commit(&store, &[&written], &[&run], vec![]);
    }
    assert!(kinds(&store).0[&'s'] > 1, "the snapshot has several chunks");
    let end = run.close();
    commit(&store, &[&end], &[&run], vec![]);
    assert_eq!(kinds(&store).0, [('h', 32), ('r', 1), ('x', 4)].into());
    assert!(
        store.tails().is_empty(),
        "nothing is kept in memory of a closed run"
    );
}

#[test]
fn a_short_run_that_closes_becomes_one_value_that_reads_the_same() {
    // With everything in one commit, with a commit for each, and with both.
    for in_last in 1..=12 {
        let store = KvStore::new(MemoryKv::default());
        let (mut run, first) = Run::start("nightly", 1);
        let mut written = vec![first];
        for n in 0..11 {
            let next = if n == 10 { run.close() } else { run.signal(9) };
            written.push(next);
        }
        let (apart, together) = written.split_at(written.len() - in_last);
        let mut replayed: Option<Run> = None;
        for one in apart {
            let run = match replayed.take() {
                None => Run::start("nightly", 1).0,
                Some(mut run) => {
                    run.signal(9);
                    run
                }
            };
            commit(&store, &[one], &[&run], vec![]);
            replayed = Some(run);
        }
        let before = kinds(&store).0.get(&'h').copied().unwrap_or(0);
        assert_eq!(before, apart.len(), "open, each record lies alone");
        commit(
            &store,
            &together.iter().collect::<Vec<_>>(),
            &[&run],
            vec![],
        );
        assert_eq!(kinds(&store).0[&'h'], 1, "{in_last} in the last commit");
        let events: Vec<_> = written
            .iter()
            .flat_map(|one| one.transition.events.clone())
            .collect();
        for after in 0..=events.len() {
            let id = EventId(u64::try_from(after).unwrap());
            for limit in [1, 3, 99] {
                let page = store.load_history(run_id(1), id, limit).unwrap();
                let enough = page.len() >= limit.min(events.len() - after);
                assert!(
                    enough && events[after..].starts_with(&page),
                    "{after} {limit}"
                );
            }
        }
        assert_eq!(
            store.load_run(run_id(1)).unwrap().as_ref(),
            Some(&run.state)
        );
    }
}

#[test]
fn a_snapshot_that_shrinks_leaves_no_chunk_behind() {
    let store = KvStore::new(MemoryKv::default());
    let (mut run, first) = Run::start("nightly", 1);
    let mut written = vec![first, run.schedule(60_000)];
    commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
    assert!(kinds(&store).1 > 60_000);
    written = vec![run.complete(0)];
    written.extend((0..70).map(|_| run.signal(1_000)));
    // A new process knows the old chunks only from what is stored.
    store.forget();
    commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
    let (counts, snapshot_bytes) = kinds(&store);
    assert_eq!(counts[&'s'], 1);
    assert!(snapshot_bytes < 1_000);
    assert_eq!(
        store.load_run(run_id(1)).unwrap().as_ref(),
        Some(&run.state)
    );
}

#[test]
fn snapshots_cost_no_more_than_the_records() {
    let store = KvStore::new(MemoryKv::default());
    let (mut run, first) = Run::start("nightly", 1);
    commit(&store, &[&first], &[&run], vec![]);
    let (mut all_bytes, mut record_bytes) = (0, 0);
    for _ in 0..1_500 {
        let written: Written = run.schedule(200);
        let record = RecordRef {
            after: EventId(0),
            transition: &written.transition,
        };
        record_bytes += bytes_of(&codec::encode(&"x", &record).unwrap());
        let one = Commit {
            transitions: vec![written.as_transition()],
            states: vec![&run.state],
            rows: vec![],
            imported: Vec::new(),
        };
        all_bytes += store.commit(&one).unwrap().bytes;
    }
    // The state holds every one of the activities, so it is as large as the records in the end.
    assert!(
        all_bytes > record_bytes && all_bytes < record_bytes * 3,
        "{all_bytes}"
    );
}

#[test]
fn a_missing_or_swapped_record_is_named() {
    let store = KvStore::new(MemoryKv::default());
    let (mut run, first) = Run::start("nightly", 1);
    let written = [first, run.signal(9), run.signal(9), run.signal(9)];
    commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
    let record = |number: u64| [keys::record(run_id(1), number), vec![0, 0]].concat();

    let mut batch = Batch::default();
    batch.put(record(2), store.kv().get(&record(1)).unwrap().unwrap());
    store.kv().apply(batch).unwrap();
    let error = store.load_run(run_id(1)).unwrap_err().to_string();
    assert!(error.contains("record 2"), "{error}");

    let mut batch = Batch::default();
    batch.delete(record(2));
    store.kv().apply(batch).unwrap();
    let error = store.load_run(run_id(1)).unwrap_err().to_string();
    assert!(error.contains("record 2 is missing"), "{error}");
    assert!(store.load_history(run_id(1), EventId(0), 99).is_err());

    let mut batch = Batch::default();
    batch.delete(record(2));
    batch.delete(record(3));
    store.kv().apply(batch).unwrap();
    assert!(
        store.load_run(run_id(1)).is_ok(),
        "a run that is open may end anywhere"
    );
}
