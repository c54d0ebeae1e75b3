//! Resets and forks: a run is made of a part of another one's history, in the commit that closes it.
//!
//! The kernel decides what the new run is; this file closes the old one, looks after children, and lets
//! the new one begin. Neighbours: `handle` asks for it, `recover` derives what the new run waits for,
//! `children` asks here which run a child reports to. Must not know how people ask for a reset.

use kernel::reset::{Begun, NewRun};
use kernel::{
    EventId, EventKind, HistoryEvent, Input, ParentClosePolicy, ParentLink, ParentRef, Reapply,
    Refusal, RunId, RunState, Taking, Timestamp, WorkflowId,
};
use state::store::Error as StoreError;

use super::Core;
use super::live::LiveRun;
use super::message::{ForkRequest, Reply, ResetRequest};
use crate::reset::{Source, gather};

impl Core {
    /// Puts a new run in the place of one, which may have closed, and of those that followed on it.
    pub(super) fn reset(
        &mut self,
        request: ResetRequest,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let ResetRequest {
            run_id,
            to,
            edits,
            reason,
        } = request;
        let Some(first) = self.state_of(run_id)? else {
            return Ok(Reply::NotFound);
        };
        if let Some(open) = self.open_run_of(&first.workflow_id, now)? {
            // What its code has asked for in a turn that is open belongs to what is looked at here.
            self.close_turn(open, now);
        }
        let open = self.open_run_of(&first.workflow_id, now)?;
        let Some(source) = gather(run_id, open, |id| self.state_and_events(id))? else {
            return Ok(Reply::NotFound);
        };
        if let Some(open) = open
            && self.state_of(open)?.map(|state| state.first_run_id())
                != Some(source.state.first_run_id())
        {
            return Ok(Reply::Refused(Refusal::OpenElsewhere(open)));
        }
        let new = NewRun {
            taking: Taking::Reset,
            workflow_id: first.workflow_id.clone(),
            run_id: (self.options.run_ids)(),
            parent: self.parent_link(&source.state, open)?,
            reason: reason.clone(),
        };
        let begun = match source.make(to, &edits, new, now) {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Reply::Refused(refusal)),
        };
        self.terminate_forgotten(&source, begun.plan.event_id, now)?;
        if let Some(open) = open {
            let input = Input::Reset {
                reason: reason_of(&begun, &reason),
                next: begun.state.run_id,
            };
            if let Err(rejection) = self.feed(open, input, now) {
                return Ok(Reply::Rejected(rejection));
            }
        }
        self.begin_made(begun, now)
    }

    /// Makes a run of a part of another one's history, which stays as it is.
    pub(super) fn fork(
        &mut self,
        request: ForkRequest,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let ForkRequest {
            run_id,
            to,
            mut edits,
            workflow_id,
            reason,
        } = request;
        if let Some(open) = self.open_run_of(&workflow_id, now)? {
            return Ok(Reply::AlreadyRunning(open));
        }
        // What came after the point belongs to the other run alone.
        edits.reapply = Reapply::None;
        let Some(source) = gather(run_id, None, |id| self.state_and_events(id))? else {
            return Ok(Reply::NotFound);
        };
        let new = NewRun {
            taking: Taking::Fork,
            workflow_id,
            run_id: (self.options.run_ids)(),
            parent: ParentLink::LeftBehind,
            reason,
        };
        match source.make(to, &edits, new, now) {
            Ok(begun) => self.begin_made(begun, now),
            Err(refusal) => Ok(Reply::Refused(refusal)),
        }
    }

    /// Puts a run that was made into memory and its history into the group.
    fn begin_made(&mut self, begun: Begun, now: Timestamp) -> Result<Reply, StoreError> {
        let Begun {
            state,
            transition,
            plan,
        } = begun;
        let run_id = state.run_id;
        let children: Vec<RunId> = state.children.values().filter_map(|c| c.run_id).collect();
        let asks = !state.updates_to_ask().is_empty();
        self.by_id.insert(state.workflow_id.clone(), run_id);
        self.runs.insert(run_id, LiveRun::new(state));
        self.group.put(run_id, 0, transition);
        self.derive(run_id, now)?;
        for child in children {
            // One that has closed while its parent was closed was never told of.
            self.adopt(child, now)?;
        }
        if asks {
            self.mark_dirty(run_id);
        }
        Ok(Reply::Made {
            run_id,
            plan: Box::new(plan),
        })
    }

    /// Children that are forgotten must not be in the way when the code asks for them again.
    fn terminate_forgotten(
        &mut self,
        source: &Source,
        from: EventId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for event in source.events.iter().filter(|event| event.id >= from) {
            let Some(child) = forgotten_child(event) else {
                continue;
            };
            let Some(open) = self.open_run_of(child, now)? else {
                continue;
            };
            let is_ours = |parent: &ParentRef| {
                parent.initiated_event_id == event.id
                    && (parent.run_id == source.state.run_id
                        || source.state.took_over(parent.run_id, event.id))
            };
            let state = self.state_of(open)?;
            if state
                .and_then(|state| state.parent)
                .is_some_and(|p| is_ours(&p))
            {
                let reason = "its parent was reset to a point before it".to_owned();
                let _closed = self.feed(open, Input::Terminate { reason }, now);
            }
        }
        Ok(())
    }

    /// Whether the parent of a run will wait for the one that takes its place.
    fn parent_link(&self, base: &RunState, open: Option<RunId>) -> Result<ParentLink, StoreError> {
        let Some(parent) = &base.parent else {
            return Ok(ParentLink::LeftBehind);
        };
        // An open run of the chain may have been left behind by an earlier reset: then the parent is
        // open, maybe, but waits for none of them.
        let reports = match open {
            Some(open) => self
                .state_of(open)?
                .is_some_and(|state| state.parent.is_some()),
            None => false,
        };
        let waits = reports && self.waiting_parent(parent)?.is_some();
        Ok(if waits || parent.policy == ParentClosePolicy::Abandon {
            ParentLink::Kept
        } else {
            ParentLink::LeftBehind
        })
    }

    /// The run that a child reports to: the one that asked for it, or the one that took its place and
    /// waits for the child. `None` when nobody waits.
    pub(super) fn waiting_parent(&self, parent: &ParentRef) -> Result<Option<RunId>, StoreError> {
        if self.is_open(parent.run_id)? {
            return Ok(Some(parent.run_id));
        }
        let newest = match self.by_id.get(&parent.workflow_id) {
            Some(run_id) => Some(*run_id),
            None => self.store.latest_run(&parent.workflow_id)?,
        };
        let Some(run_id) = newest else {
            return Ok(None);
        };
        let initiated = parent.initiated_event_id;
        let waits = |state: &RunState| {
            !state.is_closed()
                && state.took_over(parent.run_id, initiated)
                && state.children.contains_key(&initiated)
        };
        let is_it = match self.runs.get(&run_id) {
            Some(live) => waits(&live.state),
            None => self.store.load_run(run_id)?.is_some_and(|s| waits(&s)),
        };
        Ok(is_it.then_some(run_id))
    }

    /// Whether the parent of an open child that was left behind has a successor that waits for it.
    pub(super) fn is_taken_over(&self, child: RunId) -> Result<bool, StoreError> {
        let parent = self
            .runs
            .get(&child)
            .and_then(|live| live.state.parent.as_ref());
        match parent {
            Some(parent) => Ok(self.waiting_parent(parent)?.is_some()),
            None => Ok(false),
        }
    }

    /// Runs whose children a run took over with an event.
    pub(super) fn taken_over(&self, parent: &ParentRef) -> Vec<RunId> {
        let live = self.runs.get(&parent.run_id);
        let origin = live.and_then(|live| live.state.chain.origin.as_ref());
        let bases = origin.map_or(&[][..], |origin| &origin.bases);
        let took = |base: &&kernel::Base| {
            live.is_some_and(|live| live.state.took_over(base.run_id, parent.initiated_event_id))
        };
        bases.iter().filter(took).map(|base| base.run_id).collect()
    }

    fn state_of(&self, run_id: RunId) -> Result<Option<RunState>, StoreError> {
        match self.runs.get(&run_id) {
            Some(live) => Ok(Some(live.state.clone())),
            None => self.store.load_run(run_id),
        }
    }

    /// A run as it stands, with what the group under way adds to its history.
    fn state_and_events(
        &self,
        run_id: RunId,
    ) -> Result<Option<(RunState, Vec<HistoryEvent>)>, StoreError> {
        let Some(state) = self.state_of(run_id)? else {
            return Ok(None);
        };
        let mut events = self.whole_history(&state)?;
        let last = events.last().map_or(EventId(0), |last| last.id);
        let entries = self.group.entries.iter().filter(|e| e.run_id == run_id);
        let more = entries.flat_map(|entry| &entry.transition.events);
        events.extend(more.filter(|event| event.id > last).cloned());
        Ok(Some((state, events)))
    }
}

/// The child that an event asked for, unless it goes on alone.
fn forgotten_child(event: &HistoryEvent) -> Option<&WorkflowId> {
    let EventKind::StartChildWorkflowExecutionInitiated {
        workflow_id,
        options,
        ..
    } = &event.kind
    else {
        return None;
    };
    match options.parent_close_policy {
        ParentClosePolicy::Abandon => None,
        ParentClosePolicy::Terminate | ParentClosePolicy::RequestCancel => Some(workflow_id),
    }
}

fn reason_of(begun: &Begun, reason: &str) -> String {
    let (event, next) = (begun.plan.event_id, begun.state.run_id);
    let mut text = format!("reset to event {event} as run {next}");
    if !reason.is_empty() {
        text.push_str(": ");
        text.push_str(reason);
    }
    let mut end = text.len().min(kernel::limits::REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
