//! Retention: closed runs go when they have been closed for as long as their status allows.
//!
//! Nothing happens by itself: whoever embeds the engine calls [`prune`] now and then. Which runs must
//! stay is decided by [`delete`], run by run.

use std::collections::BTreeMap;

use kernel::primitives::workflow_execution::State;
use kernel::{Millis, Timestamp};
use state::store::Store;

use super::delete::{self, Error as DeleteError};
use super::list::{self, Error, PageToken, Request};
use super::query::{
    Direction, Field, Filter, Literal, Operator, OrderBy, Query, STATUSES, status_name,
};

/// Runs that are looked at in one step of [`prune`].
const PAGE: usize = 200;

/// How long closed runs are kept, by status. A status that is not named is kept for ever.
///
/// ```
/// use engine::visibility::retention::Retention;
/// use kernel::Millis;
/// use kernel::primitives::workflow_execution::State;
///
/// let day = 86_400_000;
/// let retention = Retention::all(Millis(30 * day)).with(State::Failed, Millis(90 * day));
/// assert_eq!(retention.of(State::Failed), Some(Millis(90 * day)));
/// assert_eq!(retention.of(State::Running), None, "open runs are never touched");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention(BTreeMap<&'static str, (State, Millis)>);

impl Retention {
    /// The same age for all closed runs.
    #[must_use]
    pub fn all(keep: Millis) -> Self {
        STATUSES
            .into_iter()
            .fold(Self::default(), |all, status| all.with(status, keep))
    }

    /// Another age for a status. One for [`State::Running`] means nothing.
    #[must_use]
    pub fn with(mut self, status: State, keep: Millis) -> Self {
        if status.is_closed() {
            self.0.insert(status_name(status), (status, keep));
        }
        self
    }

    /// How long runs of a status are kept; `None` is for ever.
    #[must_use]
    pub fn of(&self, status: State) -> Option<Millis> {
        self.0.get(status_name(status)).map(|(_, keep)| *keep)
    }

    /// The shortest time for which anything is kept; `None` when everything is kept for ever.
    #[must_use]
    pub fn shortest(&self) -> Option<Millis> {
        self.0.values().map(|(_, keep)| *keep).min()
    }

    /// One query for each status: the runs whose time is over, those that closed first in front.
    /// `only` narrows them.
    #[must_use]
    pub fn queries(&self, only: Option<&Filter>, now: Timestamp) -> Vec<Query> {
        let query = |(status, keep): &(State, Millis)| {
            let name = Literal::Text(status_name(*status).to_owned());
            let age = i64::try_from(keep.0).unwrap_or(i64::MAX);
            let until = Literal::Time(Timestamp(now.0.saturating_sub(age)));
            let mut all = vec![
                Filter::Compare(Field::ExecutionStatus, Operator::Equal, name),
                Filter::Compare(Field::CloseTime, Operator::Less, until),
            ];
            all.extend(only.cloned());
            Query {
                filter: Some(Filter::And(all)),
                order: Some(OrderBy {
                    field: Field::CloseTime,
                    direction: Direction::Ascending,
                }),
            }
        };
        self.0.values().map(query).collect()
    }
}

/// What became of runs that were to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that were deleted, or would be.
    pub deleted: u64,
    /// Runs that must stay for now, by the reason.
    pub kept: BTreeMap<String, u64>,
    /// Where to go on; none when that was all.
    pub next: Option<PageToken>,
}

impl Pruned {
    /// Adds what a later step did.
    pub fn add(&mut self, step: Self) {
        self.deleted += step.deleted;
        for (why, n) in step.kept {
            *self.kept.entry(why).or_default() += n;
        }
        self.next = step.next;
    }
}

/// Whether runs are deleted or only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are deleted.
    Delete,
    /// They are counted: how many are old enough, whether or not something needs them still.
    DryRun,
}

/// Deletes the runs of one page of a query, at most `limit`.
///
/// **Durability**: each run goes as a whole; after a kill some are gone and the others are not.
///
/// # Errors
/// Those of the query and of the store. Runs that must stay are no error.
pub fn prune_page(
    store: &dyn Store,
    request: &Request,
    page: Option<PageToken>,
    (limit, mode): (usize, Mode),
    now: Timestamp,
) -> Result<Pruned, Error> {
    let page = list::list(store, request, page, limit, now)?;
    let mut pruned = Pruned {
        next: page.next,
        ..Pruned::default()
    };
    for info in page.runs {
        if mode == Mode::DryRun {
            pruned.deleted += 1;
            continue;
        }
        match delete::delete(store, info.run_id) {
            Ok(()) => pruned.deleted += 1,
            // Somebody else was faster.
            Err(DeleteError::NotFound) => {}
            Err(DeleteError::Store(error)) => return Err(Error::Store(error)),
            Err(
                why @ (DeleteError::Open
                | DeleteError::OpenParent(_)
                | DeleteError::OpenChild(_)
                | DeleteError::Schedule(_)
                | DeleteError::BadSchedule(_)),
            ) => *pruned.kept.entry(why.kind().to_owned()).or_default() += 1,
        }
    }
    Ok(pruned)
}

/// Deletes every run whose time is over.
///
/// # Errors
/// Those of the store.
pub fn prune(store: &dyn Store, retention: &Retention, now: Timestamp) -> Result<Pruned, Error> {
    let mut all = Pruned::default();
    for query in retention.queries(None, now) {
        let request = Request {
            query,
            search: None,
        };
        let mut page = None;
        loop {
            all.add(prune_page(
                store,
                &request,
                page,
                (PAGE, Mode::Delete),
                now,
            )?);
            page = all.next.take();
            if page.is_none() {
                break;
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::RunId;
    use state::conformance::{Run, check_index, commit, run_id};
    use state::memory_store::MemoryStore;

    const NOW: Timestamp = Timestamp(4_000_000_000_000);

    /// Runs 1 to 600, every third of them open; they close at the time at which they started.
    fn filled() -> (MemoryStore, Vec<RunId>) {
        let store = MemoryStore::new();
        let mut closed = Vec::new();
        for n in 1..=600 {
            let (mut run, first) = Run::start("nightly", n);
            let mut written = vec![first];
            if n % 3 != 0 {
                written.push(run.close());
                closed.push(run_id(n));
            }
            commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
        }
        (store, closed)
    }

    fn left(store: &MemoryStore) -> usize {
        store.list_runs(None, usize::MAX).unwrap().len()
    }

    #[test]
    fn closed_runs_go_when_their_time_is_over_and_open_ones_never() {
        let (store, closed) = filled();
        let info = |n: usize| store.run_info(closed[n]).unwrap().unwrap();
        // Keeps those that closed when this one did, or later.
        let since = |n: usize| Millis(u64::try_from(NOW.0 - info(n).closed_at.unwrap().0).unwrap());
        let status = info(0).status;
        let other = STATUSES.into_iter().filter(|s| *s != status);
        let others = other.fold(Retention::default(), |all, s| all.with(s, Millis(0)));
        assert_eq!(prune(&store, &others, NOW).unwrap(), Pruned::default());
        let first = Retention::all(since(0));
        assert_eq!(prune(&store, &first, NOW).unwrap(), Pruned::default());
        let half = Retention::default().with(status, since(200));
        assert_eq!(half.shortest(), Some(since(200)));
        let rest = Retention::all(Millis(0));
        for (retention, goes, stays) in [(half, 200, 400), (rest, 200, 200)] {
            let pruned = prune(&store, &retention, NOW).unwrap();
            assert_eq!((pruned.deleted, pruned.kept), (goes, BTreeMap::new()));
            assert_eq!(left(&store), stays);
        }
        assert_eq!(store.open_runs().unwrap().len(), 200);
        check_index(&store).unwrap();
    }

    #[test]
    fn a_death_in_between_leaves_whole_runs_and_the_next_time_ends_it() {
        let (store, _) = filled();
        store.fail_nth_call(500);
        assert!(prune(&store, &Retention::all(Millis(0)), NOW).is_err());
        store.crash();
        check_index(&store).unwrap();
        let there = left(&store);
        assert!((201..600).contains(&there), "{there}");
        let pruned = prune(&store, &Retention::all(Millis(0)), NOW).unwrap();
        assert_eq!(pruned.deleted, u64::try_from(there - 200).unwrap());
        assert!(!store.sweep(1).unwrap(), "nothing is left behind");
    }

    #[test]
    fn a_dry_run_counts_and_keeps() {
        let (store, closed) = filled();
        let queries = Retention::all(Millis(0)).queries(None, NOW);
        let mut counted = 0;
        for query in queries {
            let request = Request {
                query,
                search: None,
            };
            let step = prune_page(&store, &request, None, (1_000, Mode::DryRun), NOW).unwrap();
            counted += step.deleted;
        }
        assert_eq!(counted, u64::try_from(closed.len()).unwrap());
        assert_eq!(left(&store), 600);
    }
}
