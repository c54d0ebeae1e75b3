//! The promises about finding and deleting runs.
//!
//! Neighbours: `super` runs them with the rest of the suite. Must not know how a store keeps its index.

use std::collections::BTreeSet;

use kernel::primitives::workflow_execution::State;
use kernel::{EventId, RunId};

use super::{Run, Subject, before_and_after, commit, run_id};
use crate::index::{Find, Newest, Term};
use crate::store::{Error, RunInfo, Store};

pub(super) fn run(subject: &dyn Subject) {
    an_index_says_what_the_lines_say(subject);
    what_an_open_run_changes_is_listed(subject);
    a_deleted_run_is_gone_whole_and_its_neighbours_stay(subject);
}

/// Holds the index against the lines of all runs. For tests of whoever writes to a store.
///
/// # Errors
/// The first difference, in words.
pub fn check_index(store: &dyn Store) -> Result<(), String> {
    let text = |error: Error| format!("could not {error}");
    let infos = store.list_runs(None, usize::MAX).map_err(text)?;
    let statuses = [
        State::Running,
        State::Completed,
        State::Failed,
        State::Canceled,
        State::Terminated,
        State::TimedOut,
        State::ContinuedAsNew,
    ];
    let under = |term: Term| -> Result<BTreeSet<RunId>, String> {
        let find = Find {
            all_of: vec![vec![term]],
            ..Find::default()
        };
        let places = store.find(&find, usize::MAX).map_err(text)?;
        Ok(places.iter().map(|place| place.run_id).collect())
    };
    let expect = |what: &str, term: Term, is_one: &dyn Fn(&RunInfo) -> bool| {
        let expected: BTreeSet<RunId> = infos
            .iter()
            .filter(|info| is_one(info))
            .map(|info| info.run_id)
            .collect();
        let found = under(term)?;
        if found == expected {
            return Ok(());
        }
        Err(format!(
            "under {what} there are {found:?}, but the lines say {expected:?}"
        ))
    };
    for status in statuses {
        let is_one = |info: &RunInfo| info.status == status;
        expect(&format!("{status:?}"), Term::status(status), &is_one)?;
        let is_one = |info: &RunInfo| info.status == status && info.closed_at.is_some();
        expect(
            &format!("closed as {status:?}"),
            Term::closed(status),
            &is_one,
        )?;
    }
    for info in &infos {
        let id = info.workflow_id.as_str();
        let same_id = |other: &RunInfo| other.workflow_id == info.workflow_id;
        expect(id, Term::workflow_id(id), &same_id)?;
        let same_type = |other: &RunInfo| other.workflow_type == info.workflow_type;
        expect(
            &info.workflow_type,
            Term::workflow_type(&info.workflow_type),
            &same_type,
        )?;
    }
    Ok(())
}

fn an_index_says_what_the_lines_say(subject: &dyn Subject) {
    let store = subject.fresh();
    for n in 1..=30 {
        let (mut run, first) = Run::start(&format!("job-{}", n % 4), n);
        commit(&*store, &[&first], &[&run], vec![]);
        if n % 3 != 0 {
            let end = run.close();
            commit(&*store, &[&end], &[&run], vec![]);
        }
    }
    before_and_after(subject, store, |store| {
        assert_eq!(check_index(store), Ok(()));
        let find = |newest| Find {
            all_of: vec![
                vec![Term::status(State::Terminated)],
                vec![Term::workflow_id("job-1")],
            ],
            newest,
            ..Find::default()
        };
        let ids = |newest| -> Vec<RunId> {
            let places = store.find(&find(newest), 3).expect("find");
            places.iter().map(|place| place.run_id).collect()
        };
        assert_eq!(ids(Newest::First), [29, 25, 17].map(run_id));
        assert_eq!(ids(Newest::Last), [1, 5, 13].map(run_id));
    });
}

fn what_an_open_run_changes_is_listed(subject: &dyn Subject) {
    let store = subject.fresh();
    let (mut run, first) = Run::start("nightly", 1);
    commit(&*store, &[&first], &[&run], vec![]);
    for customer in ["acme", "zenith"] {
        let upsert = run.upsert("Customer", customer);
        commit(&*store, &[&upsert], &[&run], vec![]);
    }
    before_and_after(subject, store, |store| {
        let info = store.run_info(run_id(1)).expect("line").expect("there");
        assert_eq!(info, RunInfo::of(&run.state));
        let places = |word| {
            let find = Find {
                all_of: vec![vec![Term::keyword("Customer", word)]],
                ..Find::default()
            };
            store.find(&find, 9).expect("find").len()
        };
        assert_eq!((places("acme"), places("zenith")), (0, 1));
        assert_eq!(store.run_info(run_id(9)).expect("line"), None);
    });
}

fn a_deleted_run_is_gone_whole_and_its_neighbours_stay(subject: &dyn Subject) {
    let mut store = subject.fresh();
    let mut runs = Vec::new();
    for n in 1..=3 {
        let (mut run, first) = Run::start("nightly", n);
        commit(&*store, &[&first], &[&run], vec![]);
        for _ in 0..40 {
            let written = run.signal(300);
            commit(&*store, &[&written], &[&run], vec![]);
        }
        if n != 3 {
            let end = run.close();
            commit(&*store, &[&end], &[&run], vec![]);
        }
        runs.push(run);
    }
    let refused = store.delete_run(run_id(3));
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "it is open");
    assert!(store.delete_run(run_id(2)).expect("delete"));
    assert!(
        !store.delete_run(run_id(2)).expect("delete"),
        "once is enough"
    );
    assert!(!store.delete_run(run_id(9)).expect("delete"), "never there");
    // A process that dies between two steps leaves the rest for the next one.
    assert!(store.sweep(16).expect("sweep"));
    store = subject.reopen(store);
    let mut steps = 1;
    while store.sweep(16).expect("sweep") {
        steps += 1;
        store = subject.reopen(store);
    }
    assert_eq!(steps, 3, "42 records, 16 at a time");
    before_and_after(subject, store, |store| {
        assert_eq!(check_index(store), Ok(()));
        assert_eq!(store.load_run(run_id(2)).expect("run"), None);
        assert!(
            store
                .load_history(run_id(2), EventId(0), 9)
                .expect("history")
                .is_empty()
        );
        for kept in [&runs[0], &runs[2]] {
            let state = store.load_run(kept.state.run_id).expect("run");
            assert_eq!(state.as_ref(), Some(&kept.state));
        }
        assert_eq!(store.list_runs(None, 9).expect("list").len(), 2);
        assert_eq!(
            store
                .latest_run(&runs[0].state.workflow_id)
                .expect("latest"),
            Some(run_id(3))
        );
    });
}
