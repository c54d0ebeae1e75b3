//! Lists and counts of runs: a plan carried out page by page.
//!
//! **Cost**: what the index says costs a walk over what it says; the rest is checked on the lines of
//! runs, at most [`EXAMINED_MAX`] a page. Histories are never read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use kernel::primitives::workflow_execution::State;
use kernel::{RunId, Timestamp};
use state::index::{Newest, Place};
use state::store::{Error as StoreError, RunInfo, Store};

use super::matches::{self, Value};
use super::plan::{Mark, Plan, PlanOrder};
use super::query::{Direction, Field, Query};

/// Most runs of one page.
pub const PAGE_MAX: usize = 1_000;
/// Most lines that are looked at for one page; a page that got so far may be short, and has a next.
pub const EXAMINED_MAX: usize = 100_000;
/// Most runs that are sorted for an order that the index does not have.
pub const SORTED_MAX: usize = 10_000;
/// Longest text that is searched for, bytes.
pub const SEARCH_BYTES_MAX: usize = 1_000;
/// Places read at a time.
const PLACES: usize = 4_096;

/// Which runs are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Which, and in which order.
    pub query: Query,
    /// Only runs with this text, in any case, in an id, the type, the memo or the failure.
    pub search: Option<String>,
}

/// Some of the runs that were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The runs, in order.
    pub runs: Vec<RunInfo>,
    /// Where the next page begins; none after the last one.
    pub next: Option<PageToken>,
}

/// Where a page begins: ask the same question again with it. It stays good while runs start and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageToken(Mark);

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Mark::At(walk, place) => write!(f, "{walk}.{}.{}", place.at.0, place.run_id),
            Mark::Sorted(n) => write!(f, "sorted.{n}"),
        }
    }
}

impl FromStr for PageToken {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('.').collect();
        let mark = match parts[..] {
            ["sorted", n] => n.parse().ok().map(Mark::Sorted),
            [walk, at, run_id] => mark(walk, at, run_id),
            _ => None,
        };
        mark.map(Self).ok_or(Error::Token)
    }
}

fn mark(walk: &str, at: &str, run_id: &str) -> Option<Mark> {
    let at = Timestamp(at.parse().ok()?);
    let run_id: RunId = run_id.parse().ok()?;
    Some(Mark::At(walk.parse().ok()?, Place { at, run_id }))
}

/// Why there is no list. The Display fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The page token is not one of this question.
    Token,
    /// Too many runs for an order that the index does not have.
    TooManyToSort(Field),
    /// The text to search for is empty or too long.
    Search,
    /// The store could not be read.
    Store(StoreError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str(
                "find that page: ask the same question again, with the page it names as the next",
            ),
            Self::TooManyToSort(field) => write!(
                f,
                "sort by {field}: more than {SORTED_MAX} runs are meant; narrow the query, or order by \
                 StartTime or CloseTime"
            ),
            Self::Search => {
                write!(f, "search: a text has 1 to {SEARCH_BYTES_MAX} bytes")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A request made ready.
struct Asked<'a> {
    request: &'a Request,
    search: Option<String>,
    now: Timestamp,
}

impl<'a> Asked<'a> {
    fn new(request: &'a Request, now: Timestamp) -> Result<Self, Error> {
        let is_bad = |text: &String| text.is_empty() || text.len() > SEARCH_BYTES_MAX;
        if request.search.as_ref().is_some_and(is_bad) {
            return Err(Error::Search);
        }
        let search = request.search.as_ref().map(|text| text.to_lowercase());
        Ok(Self {
            request,
            search,
            now,
        })
    }

    fn means(&self, info: &RunInfo) -> bool {
        let filter = &self.request.query.filter;
        filter
            .as_ref()
            .is_none_or(|filter| filter.matches(info, self.now))
            && self.search.as_ref().is_none_or(|text| has_text(info, text))
    }
}

/// Whether a run has a text, which is in lower case, where people would look for it.
fn has_text(info: &RunInfo, text: &str) -> bool {
    let has = |found: &str| found.to_lowercase().contains(text);
    has(info.workflow_id.as_str())
        || has(&info.workflow_type)
        || has(&info.run_id.to_string())
        || info.parent.as_ref().is_some_and(|id| has(id.as_str()))
        || info.failure.as_ref().is_some_and(|failure| has(failure))
        || info
            .memo
            .iter()
            .any(|(name, value)| has(name) || std::str::from_utf8(&value.data).is_ok_and(has))
}

/// One page of runs, at most `limit` of them and at most [`PAGE_MAX`].
///
/// # Errors
/// See [`Error`].
pub fn list(
    store: &dyn Store,
    request: &Request,
    page: Option<PageToken>,
    limit: usize,
    now: Timestamp,
) -> Result<Page, Error> {
    let asked = Asked::new(request, now)?;
    let plan = Plan::of(&request.query, now);
    let limit = limit.clamp(1, PAGE_MAX);
    match (plan.order(), page) {
        (PlanOrder::By(field, direction), None | Some(PageToken(Mark::Sorted(_)))) => {
            let from = match page {
                Some(PageToken(Mark::Sorted(n))) => n,
                Some(PageToken(Mark::At(..))) | None => 0,
            };
            sorted(store, &asked, &plan, (field, *direction), from, limit)
        }
        (PlanOrder::Start(_) | PlanOrder::Close(_), None) => {
            walked(store, &asked, &plan, (0, None), limit)
        }
        (PlanOrder::Start(_) | PlanOrder::Close(_), Some(PageToken(Mark::At(walk, place)))) => {
            walked(store, &asked, &plan, (walk, Some(place)), limit)
        }
        (PlanOrder::By(..) | PlanOrder::Start(_) | PlanOrder::Close(_), Some(_)) => {
            Err(Error::Token)
        }
    }
}

fn walked(
    store: &dyn Store,
    asked: &Asked<'_>,
    plan: &Plan,
    (first, mut after): (usize, Option<Place>),
    limit: usize,
) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut examined = 0;
    for (index, walk) in plan.walks().into_iter().enumerate().skip(first) {
        let mut find = walk.find;
        find.after = after.take();
        loop {
            // One more than the page holds tells whether there is another.
            let wanted = (limit + 1 - page.runs.len()).max(if walk.is_exact { 1 } else { 64 });
            let places = store.find(&find, wanted)?;
            for place in &places {
                let is_full = page.runs.len() == limit;
                if is_full || examined == EXAMINED_MAX {
                    let last = find.after.unwrap_or_else(|| beginning(plan));
                    page.next = Some(PageToken(Mark::At(index, last)));
                    return Ok(page);
                }
                examined += 1;
                find.after = Some(*place);
                // A run that was deleted meanwhile has left the index too.
                let info = store.run_info(place.run_id)?;
                page.runs.extend(info.filter(|info| asked.means(info)));
            }
            if places.len() < wanted {
                break;
            }
        }
    }
    Ok(page)
}

/// Before every place, in an order.
fn beginning(plan: &Plan) -> Place {
    match plan.order() {
        PlanOrder::Start(Newest::Last) | PlanOrder::Close(Newest::Last) => Place {
            at: Timestamp(i64::MIN),
            run_id: RunId([0; 16]),
        },
        PlanOrder::Start(Newest::First) | PlanOrder::Close(Newest::First) | PlanOrder::By(..) => {
            Place {
                at: Timestamp(i64::MAX),
                run_id: RunId([0xff; 16]),
            }
        }
    }
}

fn sorted(
    store: &dyn Store,
    asked: &Asked<'_>,
    plan: &Plan,
    (field, direction): (&Field, Direction),
    from: usize,
    limit: usize,
) -> Result<Page, Error> {
    let mut runs = Vec::new();
    each(store, plan, |place, _| {
        let info = store.run_info(place.run_id)?;
        runs.extend(info.filter(|info| asked.means(info)));
        if runs.len() > SORTED_MAX {
            return Err(Error::TooManyToSort(field.clone()));
        }
        Ok(())
    })?;
    // Stable: runs of one value stay newest first. Those without one come last.
    runs.sort_by(|a, b| {
        let values = (matches::value(a, field), matches::value(b, field));
        match values {
            (None, None) => std::cmp::Ordering::Equal,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(_), None) => std::cmp::Ordering::Less,
            (Some(a), Some(b)) => match direction {
                Direction::Ascending => Value::order(&a, &b),
                Direction::Descending => Value::order(&b, &a),
            },
        }
    });
    let n_runs = runs.len();
    let end = from.saturating_add(limit);
    Ok(Page {
        runs: runs.into_iter().skip(from).take(limit).collect(),
        next: (end < n_runs).then_some(PageToken(Mark::Sorted(end))),
    })
}

/// Shows every place of every walk, and whether its run is surely meant.
fn each(
    store: &dyn Store,
    plan: &Plan,
    mut show: impl FnMut(Place, bool) -> Result<(), Error>,
) -> Result<(), Error> {
    for walk in plan.walks() {
        let mut find = walk.find;
        loop {
            let places = store.find(&find, PLACES)?;
            for place in &places {
                show(*place, walk.is_exact)?;
            }
            find.after = places.last().copied();
            if places.len() < PLACES {
                break;
            }
        }
    }
    Ok(())
}

/// How many runs are meant, by status; statuses without any are left out.
///
/// # Errors
/// See [`Error`].
pub fn count(
    store: &dyn Store,
    request: &Request,
    now: Timestamp,
) -> Result<BTreeMap<State, u64>, Error> {
    let asked = Asked::new(request, now)?;
    let plan = Plan::of(&request.query, now);
    let mut counts = BTreeMap::new();
    for status in plan.statuses() {
        let mut n = 0_u64;
        each(store, &plan.with_status(*status), |place, is_exact| {
            let is_meant = is_exact && asked.search.is_none()
                || store
                    .run_info(place.run_id)?
                    .is_some_and(|info| info.status == *status && asked.means(&info));
            n += u64::from(is_meant);
            Ok(())
        })?;
        if n > 0 {
            counts.insert(*status, n);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests;
