//! What the memory store does on demand.

use kernel::EventId;

use crate::MemoryStore;
use crate::conformance::{Run, commit, run_id};
use crate::store::{Commit, Error, Namespace, Row, Store};

fn row_commit(value: &[u8]) -> Commit<'static> {
    let row = Row {
        namespace: Namespace::Meta,
        key: b"k".to_vec(),
        value: Some(value.to_vec()),
    };
    Commit {
        rows: vec![row],
        ..Commit::default()
    }
}

fn value(store: &MemoryStore) -> Option<Vec<u8>> {
    store.row(Namespace::Meta, b"k").unwrap()
}

#[test]
fn a_crash_keeps_what_was_committed() {
    let store = MemoryStore::new();
    let (mut run, first) = Run::start("nightly", 1);
    commit(&store, &[&first], &[&run], vec![]);
    store.crash();
    let second = run.schedule(30);
    commit(&store, &[&second], &[&run], vec![]);
    store.crash();
    assert_eq!(
        store.load_run(run_id(1)).unwrap().as_ref(),
        Some(&run.state)
    );
    assert_eq!(
        store.load_history(run_id(1), EventId(0), 99).unwrap(),
        run.events
    );
}

#[test]
fn a_skipped_sync_loses_acknowledged_commits_at_a_crash() {
    let store = MemoryStore::new();
    store.commit(&row_commit(b"durable")).unwrap();
    store.set_skip_sync(true);
    store.commit(&row_commit(b"lost")).unwrap();
    let blob = store.put_blob(b"lost too").unwrap();
    assert_eq!(value(&store), Some(b"lost".to_vec()));
    store.crash();
    assert_eq!(value(&store), Some(b"durable".to_vec()));
    assert_eq!(store.blob(&blob).unwrap(), None);

    store.commit(&row_commit(b"in time")).unwrap();
    store.background_sync();
    store.commit(&row_commit(b"late")).unwrap();
    store.crash();
    assert_eq!(value(&store), Some(b"in time".to_vec()));

    store.commit(&row_commit(b"carried")).unwrap();
    store.set_skip_sync(false);
    store.put_blob(b"no commit").unwrap();
    let other = Row {
        namespace: Namespace::Meta,
        key: b"other".to_vec(),
        value: Some(b"1".to_vec()),
    };
    store
        .commit(&Commit {
            rows: vec![other],
            ..Commit::default()
        })
        .unwrap();
    store.crash();
    assert_eq!(
        value(&store),
        Some(b"carried".to_vec()),
        "a sync carries what was skipped before"
    );
}

#[test]
fn a_failed_commit_closes_the_store_until_it_is_opened_anew() {
    for (late, expected) in [(false, &b"old"[..]), (true, &b"new"[..])] {
        let store = MemoryStore::new();
        store.commit(&row_commit(b"old")).unwrap();
        if late {
            store.fail_nth_call_late(2);
        } else {
            store.fail_nth_call(2);
        }
        assert_eq!(value(&store), Some(b"old".to_vec()));
        assert!(matches!(
            store.commit(&row_commit(b"new")),
            Err(Error::Io { .. })
        ));
        assert!(matches!(store.open_runs(), Err(Error::Closed)));
        assert!(matches!(
            store.commit(&row_commit(b"more")),
            Err(Error::Closed)
        ));
        assert!(matches!(store.put_blob(b"x"), Err(Error::Closed)));
        store.crash();
        assert_eq!(value(&store), Some(expected.to_vec()));
        assert_eq!(store.calls(), 7);
    }
}

#[test]
fn a_failed_read_leaves_the_store_open() {
    let store = MemoryStore::new();
    store.fail_nth_call(1);
    assert!(matches!(store.open_runs(), Err(Error::Io { .. })));
    assert!(store.open_runs().unwrap().is_empty());
}
