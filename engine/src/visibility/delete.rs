//! Deleting closed runs, unless something open still needs them.
//!
//! It does not go through the engine's thread: what is looked at here (that a run and those that
//! need it have closed) never becomes untrue again, and the deletion is a group of its own.

use std::fmt;

use kernel::primitives::workflow_execution::State;
use kernel::{RunId, WorkflowId};
use state::index::{Find, Term};
use state::store::{Error as StoreError, Namespace, RunInfo, Store};

use crate::schedule::{Schedule, ScheduleId};

/// Records that one group takes away: small, so that commits of runs pass in between.
const RECORDS_A_STEP: usize = 500;

/// Why a run was not deleted. The Display fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no such run.
    NotFound,
    /// It is open.
    Open,
    /// Its parent is open, and may still look at it.
    OpenParent(WorkflowId),
    /// A child of its is open, and reports to it.
    OpenChild(WorkflowId),
    /// A schedule has not seen its end yet.
    Schedule(ScheduleId),
    /// The record of a schedule cannot be read, so nobody knows what it needs.
    BadSchedule(String),
    /// The store could not do it.
    Store(StoreError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("find that run"),
            Self::Open => f.write_str("delete the run: it is open"),
            Self::OpenParent(id) => write!(f, "delete the run: its parent {id} is open"),
            Self::OpenChild(id) => write!(f, "delete the run: its child {id} is open"),
            Self::Schedule(id) => {
                write!(f, "delete the run: schedule {id} has not seen its end yet")
            }
            Self::BadSchedule(why) => write!(f, "read a schedule: {why}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The reason without the names, to count by.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound => "there is no such run",
            Self::Open => "it is open",
            Self::OpenParent(_) => "its parent is open",
            Self::OpenChild(_) => "a child of it is open",
            Self::Schedule(_) => "a schedule has not seen its end yet",
            Self::BadSchedule(_) => "a schedule cannot be read",
            Self::Store(_) => "the store failed",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Deletes a closed run: its line, its entries in the index, its history. Also takes away what a
/// process that was killed left of earlier ones.
///
/// **Durability**: once its line is gone, which is one group, it is gone for everybody; a kill after
/// that leaves records that the next deletion takes away. Blobs stay: other runs may name them;
/// [`state::orphans`] finds those that nobody names.
///
/// # Errors
/// See [`Error`]. After anything but [`Error::Store`] the run is as it was.
pub fn delete(store: &dyn Store, run_id: RunId) -> Result<(), Error> {
    let info = store.run_info(run_id)?.ok_or(Error::NotFound)?;
    check(store, &info)?;
    store.delete_run(run_id)?;
    while store.sweep(RECORDS_A_STEP)? {}
    Ok(())
}

fn check(store: &dyn Store, info: &RunInfo) -> Result<(), Error> {
    if !info.status.is_closed() {
        return Err(Error::Open);
    }
    if let Some(parent) = &info.parent
        && open_under(store, Term::workflow_id(parent.as_str()))?.is_some()
    {
        return Err(Error::OpenParent(parent.clone()));
    }
    if let Some(child) = open_under(store, Term::parent(info.workflow_id.as_str()))? {
        return Err(Error::OpenChild(child));
    }
    for (_, bytes) in store.rows(Namespace::Schedule)? {
        let schedule = Schedule::decode(&bytes).map_err(Error::BadSchedule)?;
        if schedule
            .running
            .iter()
            .any(|running| running.run_id == info.run_id)
        {
            return Err(Error::Schedule(schedule.id));
        }
    }
    Ok(())
}

/// The workflow id of an open run under a term.
fn open_under(store: &dyn Store, term: Term) -> Result<Option<WorkflowId>, StoreError> {
    let find = Find {
        all_of: vec![vec![Term::status(State::Running)], vec![term]],
        ..Find::default()
    };
    let Some(place) = store.find(&find, 1)?.pop() else {
        return Ok(None);
    };
    Ok(store.run_info(place.run_id)?.map(|info| info.workflow_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use state::conformance::{Run, check_index, commit, run_id};
    use state::memory_store::MemoryStore;

    fn filled() -> MemoryStore {
        let store = MemoryStore::new();
        for n in 1..=3 {
            let (mut run, first) = Run::start("nightly", n);
            let mut written = vec![first];
            written.extend((0..1_200).map(|_| run.signal(3)));
            if n != 3 {
                written.push(run.close());
            }
            commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
        }
        store
    }

    #[test]
    fn a_death_at_any_call_leaves_the_run_whole_or_gone_and_the_next_try_ends_it() {
        let store = filled();
        let before = store.calls();
        delete(&store, run_id(1)).unwrap();
        let calls = store.calls() - before;
        assert!(calls > 6, "the history takes several steps");
        for n in 1..=calls {
            for late in [false, true] {
                let store = filled();
                if late {
                    store.fail_nth_call_late(n);
                } else {
                    store.fail_nth_call(n);
                }
                assert!(delete(&store, run_id(1)).is_err(), "call {n}");
                store.crash();
                check_index(&store).unwrap();
                let there = store.run_info(run_id(1)).unwrap().is_some();
                assert_eq!(store.load_run(run_id(1)).unwrap().is_some(), there);
                match delete(&store, run_id(1)) {
                    Ok(()) => assert!(there),
                    Err(Error::NotFound) => assert!(!there),
                    Err(error) => panic!("{error}"),
                }
                delete(&store, run_id(2)).unwrap();
                assert!(!store.sweep(1).unwrap(), "nothing is left behind");
                check_index(&store).unwrap();
            }
        }
    }

    #[test]
    fn an_open_run_is_refused_and_stays() {
        let store = filled();
        assert!(matches!(delete(&store, run_id(3)), Err(Error::Open)));
        assert!(matches!(delete(&store, run_id(9)), Err(Error::NotFound)));
        assert!(store.load_run(run_id(3)).unwrap().is_some());
    }
}
