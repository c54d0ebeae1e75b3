//! The promises of [`Store`], as one suite that every store is held to, and a random script that
//! two stores must answer alike.
//!
//! Neighbours: the tests of this crate, and of whoever writes another store. Must not know how any
//! store keeps its bytes. Failures are panics: this is test code that others can call.

mod run;
mod script;
mod visibility;

use kernel::{EventId, RunId, WorkflowId};

pub use run::{Run, Written, commit, run_id};
pub use script::{Random, compare};
pub use visibility::check_index;

use crate::store::{Commit, Error, Namespace, Row, RunInfo, Store};

/// A kind of store under test, one store of it at a time.
pub trait Subject {
    /// A new, empty store.
    fn fresh(&self) -> Box<dyn Store>;

    /// The store that was made last, after its process has ended and another has opened it.
    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store>;
}

/// Holds a kind of store to every promise. Panics at the first that is broken.
pub fn run(subject: &dyn Subject) {
    a_group_is_there_whole_or_not_at_all(subject);
    a_wrong_commit_is_refused_and_leaves_the_store_usable(subject);
    history_pages_give_every_event_once_and_in_order(subject);
    a_big_record_comes_back(subject);
    a_loaded_run_equals_the_fold_of_everything(subject);
    only_open_runs_are_listed_as_open(subject);
    the_newest_run_of_an_id_is_found(subject);
    lists_go_back_page_by_page(subject);
    rows_keep_their_order_and_their_last_value(subject);
    blobs_are_named_by_their_bytes(subject);
    visibility::run(subject);
}

/// Opens the store anew and gives it to a check, after the same check of the store as it is.
fn before_and_after(subject: &dyn Subject, store: Box<dyn Store>, check: impl Fn(&dyn Store)) {
    check(&*store);
    let store = subject.reopen(store);
    check(&*store);
}

fn row(key: &[u8], value: Option<&[u8]>) -> Row {
    Row {
        namespace: Namespace::Cursor,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    }
}

fn a_group_is_there_whole_or_not_at_all(subject: &dyn Subject) {
    let store = subject.fresh();
    let (mut nightly, first) = Run::start("nightly", 1);
    let (mut adhoc, second) = Run::start("adhoc", 2);
    let third = nightly.schedule(40);
    let states = [&nightly, &adhoc];
    commit(
        &*store,
        &[&first, &second, &third],
        &states,
        vec![row(b"a", Some(b"1"))],
    );

    let good = nightly.complete(10);
    let mut bad = adhoc.schedule(40);
    bad.number += 1;
    let wrong = Commit {
        transitions: vec![good.as_transition(), bad.as_transition()],
        states: vec![&nightly.state, &adhoc.state],
        rows: vec![row(b"a", Some(b"2"))],
        imported: Vec::new(),
    };
    assert!(matches!(store.commit(&wrong), Err(Error::Corrupt { .. })));
    before_and_after(subject, store, |store| {
        assert_eq!(
            store.open_runs().expect("open runs"),
            [run_id(1), run_id(2)]
        );
        let events = store
            .load_history(run_id(1), EventId(0), 100)
            .expect("history");
        assert_eq!(
            events.len(),
            3,
            "the start, the workflow task and the activity"
        );
        assert_eq!(
            store
                .load_history(run_id(2), EventId(0), 100)
                .expect("history")
                .len(),
            1
        );
        assert_eq!(
            store.row(Namespace::Cursor, b"a").expect("row"),
            Some(b"1".to_vec())
        );
    });
}

fn a_wrong_commit_is_refused_and_leaves_the_store_usable(subject: &dyn Subject) {
    let store = subject.fresh();
    let refused = |written: &Written, states: Vec<&kernel::RunState>| {
        let commit = Commit {
            transitions: vec![written.as_transition()],
            states,
            rows: vec![],
            imported: Vec::new(),
        };
        assert!(matches!(store.commit(&commit), Err(Error::Corrupt { .. })));
    };
    let (mut run, first) = Run::start("nightly", 1);
    let before = run.state.clone();
    let second = run.schedule(10);
    refused(&second, vec![&run.state]); // The run has not begun.
    refused(&first, vec![]); // The state is missing.
    refused(&first, vec![&run.state]); // The state is ahead.
    let one = Commit {
        transitions: vec![first.as_transition()],
        states: vec![&before],
        ..Commit::default()
    };
    let receipt = store.commit(&one).expect("a right commit");
    assert!(receipt.bytes > 0);
    refused(&first, vec![&before]); // Once more.
    let mut jumping = Written {
        transition: second.transition.clone(),
        ..second
    };
    jumping.transition.events.remove(0);
    refused(&jumping, vec![&run.state]); // An event is missing.
    commit(&*store, &[&second], &[&run], vec![]);
    let end = run.close();
    commit(&*store, &[&end], &[&run], vec![]);
    let mut late = Written {
        number: end.number + 1,
        ..end
    };
    late.transition.events[0].id = run.state.last_event_id.next();
    refused(&late, vec![&run.state]); // The run is closed.
    assert_eq!(store.commit(&Commit::default()).expect("nothing").bytes, 0);
    before_and_after(subject, store, |store| {
        assert_eq!(
            store.load_run(run_id(1)).expect("run").as_ref(),
            Some(&run.state)
        );
    });
}

fn history_pages_give_every_event_once_and_in_order(subject: &dyn Subject) {
    let store = subject.fresh();
    let (mut run, first) = Run::start("nightly", 1);
    let (neighbour, other) = Run::start("other", 2);
    commit(&*store, &[&first, &other], &[&run, &neighbour], vec![]);
    for round in 0..20 {
        let mut written = vec![run.schedule(20), run.signal(5)];
        // Records without events lie between those with some.
        written.extend((0..round % 4).map(|_| run.heartbeat(8)));
        written.push(run.complete(9));
        commit(
            &*store,
            &written.iter().collect::<Vec<_>>(),
            &[&run],
            vec![],
        );
    }
    commit(&*store, &[&run.fail_task()], &[&run], vec![]);
    before_and_after(subject, store, |store| {
        let all = store
            .load_history(run_id(1), EventId(0), usize::MAX)
            .expect("history");
        assert_eq!(all, run.events);
        for limit in [0, 1, 2, 7, 50] {
            let mut paged = Vec::new();
            loop {
                let after = paged
                    .last()
                    .map_or(EventId(0), |e: &kernel::HistoryEvent| e.id);
                let page = store.load_history(run_id(1), after, limit).expect("page");
                assert!(
                    page.len() <= limit.max(1) + 2,
                    "records have at most two events here"
                );
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, run.events, "pages of {limit}");
        }
        for after in 0..=all.len() {
            let after_id = EventId(u64::try_from(after).expect("small"));
            let page = store.load_history(run_id(1), after_id, 3).expect("page");
            assert_eq!(page.first(), all.get(after), "after event {after}");
        }
        assert!(
            store
                .load_history(run_id(1), EventId(9_999), 3)
                .expect("page")
                .is_empty()
        );
        assert!(
            store
                .load_history(run_id(9), EventId(0), 3)
                .expect("page")
                .is_empty()
        );
    });
}

fn a_big_record_comes_back(subject: &dyn Subject) {
    let store = subject.fresh();
    let (mut run, first) = Run::start("nightly", 1);
    let mut written = vec![first];
    for bytes in [4_000, 4_096, 4_200, 70_000, 2_000_000, 10] {
        written.push(run.schedule(bytes));
    }
    commit(
        &*store,
        &written.iter().collect::<Vec<_>>(),
        &[&run],
        vec![],
    );
    let more = run.schedule(300_000);
    commit(&*store, &[&more], &[&run], vec![]);
    before_and_after(subject, store, |store| {
        let events = store
            .load_history(run_id(1), EventId(0), usize::MAX)
            .expect("history");
        assert_eq!(events, run.events);
        assert_eq!(
            store.load_run(run_id(1)).expect("run").as_ref(),
            Some(&run.state)
        );
    });
}

fn a_loaded_run_equals_the_fold_of_everything(subject: &dyn Subject) {
    let mut store = subject.fresh();
    let (mut run, first) = Run::start("nightly", 1);
    commit(&*store, &[&first], &[&run], vec![]);
    for round in 0..240 {
        let mut written = vec![run.schedule(round * 7)];
        if round % 3 != 0 {
            written.push(run.heartbeat(30));
            written.push(run.complete(12));
        }
        // The state grows large and small again, and with it the snapshots.
        if round == 150 {
            while !run.state.activities.is_empty() {
                written.push(run.complete(3));
            }
        }
        commit(
            &*store,
            &written.iter().collect::<Vec<_>>(),
            &[&run],
            vec![],
        );
        if round % 9 == 0 {
            assert_eq!(
                store.load_run(run_id(1)).expect("run").as_ref(),
                Some(&run.state)
            );
        }
        if round % 50 == 0 {
            store = subject.reopen(store);
        }
    }
    let end = run.close();
    commit(&*store, &[&end], &[&run], vec![]);
    before_and_after(subject, store, |store| {
        assert_eq!(
            store.load_run(run_id(1)).expect("run").as_ref(),
            Some(&run.state)
        );
        let events = store
            .load_history(run_id(1), EventId(0), usize::MAX)
            .expect("history");
        assert_eq!(events, run.events);
        assert_eq!(store.load_run(run_id(2)).expect("run"), None);
    });
}

fn only_open_runs_are_listed_as_open(subject: &dyn Subject) {
    let store = subject.fresh();
    let mut open = Vec::new();
    for n in (1..=40).rev() {
        let (mut run, first) = Run::start(&format!("job-{n}"), n);
        if n % 4 == 0 {
            commit(&*store, &[&first], &[&run], vec![]);
            let end = run.close();
            commit(&*store, &[&end], &[&run], vec![]);
        } else if n % 4 == 1 {
            let end = run.close();
            commit(&*store, &[&first, &end], &[&run], vec![]);
        } else {
            commit(&*store, &[&first], &[&run], vec![]);
            open.insert(0, run_id(n));
        }
    }
    before_and_after(subject, store, |store| {
        assert_eq!(store.open_runs().expect("open runs"), open);
    });
}

fn the_newest_run_of_an_id_is_found(subject: &dyn Subject) {
    let store = subject.fresh();
    for n in [3, 9, 5] {
        let (mut run, first) = Run::start("nightly", n);
        let end = run.close();
        commit(&*store, &[&first, &end], &[&run], vec![]);
    }
    let (run, first) = Run::start("nightly2", 12);
    commit(&*store, &[&first], &[&run], vec![]);
    before_and_after(subject, store, |store| {
        let latest = |id: &str| store.latest_run(&WorkflowId::new(id)).expect("latest run");
        assert_eq!(latest("nightly"), Some(run_id(5)), "it began last");
        assert_eq!(latest("nightly2"), Some(run_id(12)));
        assert_eq!(latest("night"), None);
    });
}

fn lists_go_back_page_by_page(subject: &dyn Subject) {
    let store = subject.fresh();
    let mut infos = Vec::new();
    for n in 1..=25 {
        // Ids near the limit make lines that do not fit one chunk together with their parent's.
        let (mut run, first) = Run::start(&format!("job-{n}-{}", "x".repeat(900)), n);
        commit(&*store, &[&first], &[&run], vec![]);
        if n % 2 == 0 {
            let end = run.close();
            commit(&*store, &[&end], &[&run], vec![]);
        }
        infos.insert(0, RunInfo::of(&run.state));
    }
    before_and_after(subject, store, |store| {
        for limit in [1, 4, 25, 100] {
            let mut listed: Vec<RunInfo> = Vec::new();
            loop {
                let before: Option<RunId> = listed.last().map(|info| info.run_id);
                let page = store.list_runs(before, limit).expect("list");
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, infos, "pages of {limit}");
        }
        assert!(store.list_runs(None, 0).expect("list").is_empty());
    });
}

fn rows_keep_their_order_and_their_last_value(subject: &dyn Subject) {
    let store = subject.fresh();
    let big = vec![7; 100_000];
    let put = |rows: Vec<Row>| commit(&*store, &[], &[], rows);
    put(vec![
        row(b"b", Some(b"1")),
        row(b"a\0c", Some(b"2")),
        row(b"", Some(b"")),
        row(b"a", None),
    ]);
    put(vec![
        row(b"big", Some(&big)),
        row(b"a", Some(&big)),
        row(b"gone", Some(&big)),
    ]);
    put(vec![
        row(b"a", Some(&big)),
        row(b"a", Some(b"small")),
        row(b"gone", None),
    ]);
    let meta = Row {
        namespace: Namespace::Meta,
        key: b"a".to_vec(),
        value: Some(b"m".to_vec()),
    };
    put(vec![meta]);
    put(vec![row(&[0; 512], Some(b"longest"))]);
    let too_long = Commit {
        rows: vec![row(&[1; 513], Some(b"x"))],
        ..Commit::default()
    };
    assert!(matches!(
        store.commit(&too_long),
        Err(Error::Corrupt { .. })
    ));
    before_and_after(subject, store, |store| {
        let expected = vec![
            (vec![], vec![]),
            (vec![0; 512], b"longest".to_vec()),
            (b"a".to_vec(), b"small".to_vec()),
            (b"a\0c".to_vec(), b"2".to_vec()),
            (b"b".to_vec(), b"1".to_vec()),
            (b"big".to_vec(), big.clone()),
        ];
        assert_eq!(store.rows(Namespace::Cursor).expect("rows"), expected);
        for (key, value) in expected {
            assert_eq!(
                store.row(Namespace::Cursor, &key).expect("row"),
                Some(value)
            );
        }
        assert_eq!(store.row(Namespace::Cursor, b"gone").expect("row"), None);
        let meta = vec![(b"a".to_vec(), b"m".to_vec())];
        assert_eq!(store.rows(Namespace::Meta).expect("rows"), meta);
        for empty in [Namespace::Breaker, Namespace::Schedule] {
            assert!(store.rows(empty).expect("rows").is_empty());
        }
    });
}

fn blobs_are_named_by_their_bytes(subject: &dyn Subject) {
    let store = subject.fresh();
    let text = b"assertion failed: left == right".repeat(5_000);
    let digest = store.put_blob(&text).expect("blob");
    assert_ne!(store.put_blob(b"passed").expect("another"), digest);
    assert_eq!(store.put_blob(&text).expect("again"), digest);
    let empty = store.put_blob(b"").expect("empty");
    before_and_after(subject, store, |store| {
        assert_eq!(store.blob(&digest).expect("blob").as_ref(), Some(&text));
        assert_eq!(store.blob(&empty).expect("blob"), Some(vec![]));
        assert_eq!(store.blob(&crate::Digest([3; 32])).expect("blob"), None);
    });
}
