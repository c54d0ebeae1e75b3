//! The index of runs: under which terms a run is found, and reading the terms together.
//!
//! A term stands for one value of one field. Each run has an entry under each of its terms, all of
//! them in order of the run's start, so that runs that have several terms are found by walking their
//! entries side by side; only the entries under [`Term::closed`] are in order of the close.
//! Neighbours: `kv_store` writes entries in the batch that changes the run. Must not know queries.
//! What is worth an entry is decided in `docs/adr/0011-index-runs-by-terms.md`.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use kernel::primitives::workflow_execution::State;
use kernel::{RunId, SearchValue, Timestamp};

use crate::blob::Digest;
use crate::codec;
use crate::keys;
use crate::kv::{Batch, KeyRange, Kv, Order};
use crate::store::{Error, RunInfo};
use crate::values;

/// Entries read at a time: few first, because most lists are short.
const FIRST_PAGE: usize = 32;
const PAGE: usize = 512;

/// Stands for one value of one field: the first 8 bytes of a SHA-256. Two values may share a term;
/// whoever must be sure looks at the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub [u8; 8]);

impl Term {
    fn of(kind: u8, field: &str, value: &str) -> Self {
        let mut bytes = vec![kind];
        // With its length, so that no field and value run into another pair.
        bytes.extend_from_slice(&field.len().to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
        let mut term = [0; 8];
        term.copy_from_slice(&Digest::of(&bytes).0[..8]);
        Self(term)
    }

    /// The term in keys: where names are hidden, nobody can tell it from the value.
    fn as_it_lies(self, kv: &impl Kv) -> Self {
        if !kv.hides_names() {
            return self;
        }
        let mut term = [0; 8];
        term.copy_from_slice(&kv.digest(&self.0).0[..8]);
        Self(term)
    }

    /// Runs of a status.
    #[must_use]
    pub fn status(status: State) -> Self {
        Self([status_byte(status), 0, 0, 0, 0, 0, 0, b's'])
    }

    /// Closed runs of a status, in order of their close.
    #[must_use]
    pub fn closed(status: State) -> Self {
        Self([status_byte(status), 0, 0, 0, 0, 0, 0, b'c'])
    }

    /// Runs of a workflow id.
    #[must_use]
    pub fn workflow_id(id: &str) -> Self {
        Self::of(1, "", id)
    }

    /// Runs of a type.
    #[must_use]
    pub fn workflow_type(name: &str) -> Self {
        Self::of(2, "", name)
    }

    /// Runs whose parent has this workflow id.
    #[must_use]
    pub fn parent(workflow_id: &str) -> Self {
        Self::of(3, "", workflow_id)
    }

    /// Runs with this word in a search attribute of type Keyword or `KeywordList`.
    #[must_use]
    pub fn keyword(name: &str, word: &str) -> Self {
        Self::of(4, name, word)
    }

    /// Runs with a search attribute of that name of any other type.
    #[must_use]
    pub fn other(name: &str) -> Self {
        Self::of(5, name, "")
    }
}

/// Stored for ever.
fn status_byte(status: State) -> u8 {
    match status {
        State::Running => 1,
        State::Completed => 2,
        State::Failed => 3,
        State::Canceled => 4,
        State::Terminated => 5,
        State::TimedOut => 6,
        State::ContinuedAsNew => 7,
    }
}

/// Where a run stands under a term: its start (its close under [`Term::closed`]), then its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The time.
    pub at: Timestamp,
    /// The run.
    pub run_id: RunId,
}

/// In which order places are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newest {
    /// Newest first.
    #[default]
    First,
    /// Newest last.
    Last,
}

/// Which places: those that stand under at least one term of every set, and between two times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Find {
    /// Sets of terms; without any set there is no place.
    pub all_of: Vec<Vec<Term>>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Not after this time.
    pub to: Option<Timestamp>,
    /// In which order.
    pub newest: Newest,
    /// Only what comes after this place in that order.
    pub after: Option<Place>,
}

/// The entries of a run as its line says it is.
fn entries(kv: &impl Kv, info: &RunInfo) -> BTreeSet<Vec<u8>> {
    let started = Place {
        at: info.started_at,
        run_id: info.run_id,
    };
    let mut terms = vec![
        Term::status(info.status),
        Term::workflow_id(info.workflow_id.as_str()),
        Term::workflow_type(&info.workflow_type),
    ];
    terms.extend(info.parent.iter().map(|id| Term::parent(id.as_str())));
    for (name, value) in &info.search_attributes {
        match value {
            SearchValue::Keyword(word) => terms.push(Term::keyword(name, word)),
            SearchValue::KeywordList(words) => {
                terms.extend(words.iter().map(|word| Term::keyword(name, word)));
            }
            SearchValue::Int(_)
            | SearchValue::Double(_)
            | SearchValue::Bool(_)
            | SearchValue::Datetime(_)
            | SearchValue::Text(_) => terms.push(Term::other(name)),
        }
    }
    let entry = |term: Term, place: Place| keys::entry(term.as_it_lies(kv), place);
    let mut entries: BTreeSet<_> = terms.iter().map(|t| entry(*t, started)).collect();
    if let Some(at) = info.closed_at {
        let run_id = info.run_id;
        entries.insert(entry(Term::closed(info.status), Place { at, run_id }));
    }
    entries
}

/// Makes the entries of a run those of its new line; without one it has none any more.
pub(crate) fn plan(
    kv: &impl Kv,
    batch: &mut Batch,
    old: Option<&RunInfo>,
    new: Option<&RunInfo>,
) -> Result<(), Error> {
    let (old, new) = (
        old.map(|info| entries(kv, info)),
        new.map(|info| entries(kv, info)),
    );
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    for gone in old.difference(&new) {
        values::delete(batch, gone, 1);
    }
    let mark = codec::wrap(&[]);
    for come in new.difference(&old) {
        values::put(batch, come, &mark, 0)?;
    }
    Ok(())
}

/// The first `limit` places.
pub(crate) fn find(kv: &impl Kv, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    let mut sets: Vec<Union> = find
        .all_of
        .iter()
        .map(|terms| {
            let terms: Vec<Term> = terms.iter().map(|term| term.as_it_lies(kv)).collect();
            Union::of(&terms, find)
        })
        .collect();
    let Some((first, others)) = sets.split_first_mut() else {
        return Ok(places);
    };
    'next: while places.len() < limit {
        let Some(candidate) = first.head(kv)? else {
            break;
        };
        for other in &mut *others {
            other.seek(candidate);
            match other.head(kv)? {
                None => break 'next,
                Some(place) if place != candidate => {
                    first.seek(place);
                    continue 'next;
                }
                Some(_) => {}
            }
        }
        places.push(candidate);
        first.pass(candidate);
    }
    Ok(places)
}

/// Places under any of several terms, in order.
struct Union {
    cursors: Vec<Cursor>,
}

impl Union {
    fn of(terms: &[Term], find: &Find) -> Self {
        let terms: BTreeSet<Term> = terms.iter().copied().collect();
        Self {
            cursors: terms
                .into_iter()
                .map(|term| Cursor::of(term, find))
                .collect(),
        }
    }

    fn head(&mut self, kv: &impl Kv) -> Result<Option<Place>, Error> {
        let mut head: Option<Place> = None;
        for cursor in &mut self.cursors {
            let Some(place) = cursor.head(kv)? else {
                continue;
            };
            if head.is_none_or(|head| cursor.order(place, head) == Ordering::Less) {
                head = Some(place);
            }
        }
        Ok(head)
    }

    /// Drops what comes before a place.
    fn seek(&mut self, place: Place) {
        self.cursors
            .iter_mut()
            .for_each(|cursor| cursor.seek(place));
    }

    /// Drops a place and what comes before it.
    fn pass(&mut self, place: Place) {
        for cursor in &mut self.cursors {
            cursor.seek(place);
            if cursor.ahead.front() == Some(&place) {
                cursor.ahead.pop_front();
            }
        }
    }
}

/// Places under one term, read page by page.
struct Cursor {
    newest: Newest,
    /// What is still to be read.
    range: KeyRange,
    term: Term,
    ahead: VecDeque<Place>,
    page: usize,
}

impl Cursor {
    fn of(term: Term, find: &Find) -> Self {
        let mut range = keys::entries(term, find.from, find.to);
        if let Some(after) = find.after {
            cut(&mut range, find.newest, keys::entry(term, after), Cut::Past);
        }
        Self {
            newest: find.newest,
            range,
            term,
            ahead: VecDeque::new(),
            page: FIRST_PAGE,
        }
    }

    /// Less: `a` comes first.
    fn order(&self, a: Place, b: Place) -> Ordering {
        match self.newest {
            Newest::First => b.cmp(&a),
            Newest::Last => a.cmp(&b),
        }
    }

    fn head(&mut self, kv: &impl Kv) -> Result<Option<Place>, Error> {
        if self.ahead.is_empty() && !self.range.is_empty() {
            self.read(kv)?;
        }
        Ok(self.ahead.front().copied())
    }

    fn read(&mut self, kv: &impl Kv) -> Result<(), Error> {
        let order = match self.newest {
            Newest::First => Order::Backward,
            Newest::Last => Order::Forward,
        };
        let pairs = kv.scan(&self.range, order, self.page)?;
        if pairs.len() < self.page {
            self.range.to.clone_from(&self.range.from);
        } else if let Some((last, _)) = pairs.last() {
            cut(&mut self.range, self.newest, last.clone(), Cut::Past);
        }
        for (key, _) in pairs {
            let place = keys::entry_place(&key).ok_or_else(|| Error::Corrupt {
                what: "the index of runs".into(),
                why: "a key is not of any known form".into(),
            })?;
            self.ahead.push_back(place);
        }
        self.page = PAGE;
        Ok(())
    }

    fn seek(&mut self, place: Place) {
        let newest = self.newest;
        let is_before = |head: &Place| match newest {
            Newest::First => *head > place,
            Newest::Last => *head < place,
        };
        while self.ahead.front().is_some_and(is_before) {
            self.ahead.pop_front();
        }
        if self.ahead.is_empty() {
            // A jump: what follows is likely to be another jump.
            self.page = FIRST_PAGE;
            cut(
                &mut self.range,
                newest,
                keys::entry(self.term, place),
                Cut::At,
            );
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    At,
    Past,
}

/// Takes out of a range what comes before a key, and with `Past` the key too. Never widens it.
fn cut(range: &mut KeyRange, newest: Newest, mut key: Vec<u8>, side: Cut) {
    // Above the key with its chunk.
    let above = [0, 0, 0];
    match newest {
        Newest::First => {
            if side == Cut::At {
                key.extend_from_slice(&above);
            }
            if key < range.to {
                range.to = key;
            }
        }
        Newest::Last => {
            if side == Cut::Past {
                key.extend_from_slice(&above);
            }
            if key > range.from {
                range.from = key;
            }
        }
    }
}

#[cfg(test)]
mod tests;
