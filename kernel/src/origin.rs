//! Runs that begin with a part of another run's history: by a reset, or as a fork.
//!
//! What the code saw while it lived through the kept part must not change: the kept turns see the
//! ids of the run that lived through them, later turns see the run's own. So nothing that is made
//! after the point (ids of children, random numbers) meets what the other run made of it.
//! Neighbours: `reset` makes origins, `run_state` and the machine read them.

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, RunId, Timestamp, WorkflowId};
use crate::payload::Payload;
use crate::run_state::RunState;

/// What becomes of the run that a history is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Taking {
    /// The new run takes its place: children that it waited for are the new run's.
    Reset,
    /// It goes on untouched.
    Fork,
}

/// Whether the parent that the first event names still waits for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParentLink {
    /// It does.
    Kept,
    /// It was told of an end already, or waits for another run.
    LeftBehind,
}

/// Where a run that began with another one's history comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Whether it took the other run's place.
    pub taking: Taking,
    /// When it began. Waits and limits of time count from here, not from the kept events.
    pub at: Timestamp,
    /// Who lived through the kept events, oldest first; the last is the run it was made of.
    pub bases: Vec<Base>,
    /// The last event that it began with: kept, edited or applied again.
    pub copied: EventId,
    /// Whether it is a child still.
    pub parent: ParentLink,
    /// Updates that the other run took on after the point, and that the code is to be asked again.
    pub updates: Vec<UpdateRequest>,
    /// Why, for the record.
    pub reason: String,
}

/// A run that lived through kept events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// The run that its chain began with.
    pub first_run_id: RunId,
    /// The last of its events that is kept.
    pub kept: EventId,
}

/// An update that the code is to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRequest {
    /// What the caller named it; unique in the run.
    pub update_id: String,
    /// The name of the handler.
    pub name: String,
    /// Its value.
    pub input: Payload,
}

impl Origin {
    /// The last event that was kept as it was.
    #[must_use]
    pub fn kept(&self) -> EventId {
        self.bases.last().map_or(EventId(0), |base| base.kept)
    }

    /// Which run lived through an event; `None` for the events of the run itself.
    #[must_use]
    pub fn lived(&self, event: EventId) -> Option<&Base> {
        self.bases.iter().find(|base| event <= base.kept)
    }
}

impl RunState {
    /// Updates that the code is to be asked again.
    #[must_use]
    pub fn updates_to_ask(&self) -> &[UpdateRequest] {
        let origin = self.chain.origin.as_ref();
        origin.map_or(&[], |origin| &origin.updates)
    }

    /// Whether a child that another run asked for, in this event, is this run's now.
    #[must_use]
    pub fn took_over(&self, run_id: RunId, initiated_event_id: EventId) -> bool {
        self.chain.origin.as_ref().is_some_and(|origin| {
            origin.taking == Taking::Reset
                && origin
                    .bases
                    .iter()
                    .any(|base| base.run_id == run_id && initiated_event_id <= base.kept)
        })
    }

    /// When something that an event began is taken to have begun: kept events may be old.
    pub(crate) fn begun_at(&self, at: Timestamp) -> Timestamp {
        let origin = self.chain.origin.as_ref();
        origin.map_or(at, |origin| at.max(origin.at))
    }

    /// The code had a turn of its own: it was asked.
    pub(crate) fn updates_asked(&mut self, task: EventId) {
        if let Some(origin) = &mut self.chain.origin
            && task > origin.kept()
        {
            origin.updates.clear();
        }
    }
}
