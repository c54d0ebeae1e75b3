//! What operators do: they reset and fork runs, open and closed, at any event.
//!
//! Neighbours: the world lets them, `lineage` looks at what came of it.

use engine::core::{ForkRequest, Message, ResetRequest};
use kernel::reset::preview::ChildFate;
use kernel::reset::{BaseRun, NewRun};
use kernel::{
    Edits, EventId, EventKind, HistoryEvent, ParentLink, ResetTo, RunId, Taking, WorkflowId, reset,
};
use state::store::{RunInfo, Store};

use super::{Asked, World};
use crate::check;

/// Resets, and forks, of one world at most, so that it comes to an end.
const MADE_MAX: u64 = 4;

impl World {
    pub(super) fn reset_somebody(&mut self) -> Result<(), String> {
        if self.report.resets >= MADE_MAX {
            return Ok(());
        }
        let Some(info) = self.anybody()? else {
            return Ok(());
        };
        let run_id = info.run_id;
        let to = self.somewhere(run_id)?;
        if !self.has_living_children(&info, to)? {
            return Ok(());
        }
        let request = ResetRequest {
            run_id,
            to,
            edits: Edits::default(),
            reason: "the storm says so".to_owned(),
        };
        self.ask(Message::Reset(Box::new(request)), Asked::Reset)
    }

    pub(super) fn fork_somebody(&mut self) -> Result<(), String> {
        if self.report.forks >= MADE_MAX {
            return Ok(());
        }
        let Some(info) = self.anybody()? else {
            return Ok(());
        };
        let to = self.somewhere(info.run_id)?;
        let n = self.rng.below(3);
        let request = ForkRequest {
            run_id: info.run_id,
            to,
            edits: Edits::default(),
            workflow_id: WorkflowId(format!("fork-{n}")),
            reason: String::new(),
        };
        self.ask(Message::Fork(Box::new(request)), Asked::Fork)
    }

    /// Any run, open or closed.
    fn anybody(&mut self) -> Result<Option<RunInfo>, String> {
        let mut runs = check::runs(&self.store)?;
        if runs.is_empty() {
            return Ok(None);
        }
        let index = self.rng.index(runs.len());
        Ok(Some(runs.swap_remove(index)))
    }

    /// Mostly an event, sometimes one of the words for one; it need not make sense.
    fn somewhere(&mut self, run_id: RunId) -> Result<ResetTo, String> {
        let n_events = check::history(&self.store, run_id)?.len();
        Ok(match self.rng.below(10) {
            0 => ResetTo::FirstWorkflowTask,
            1 => ResetTo::LastWorkflowTask,
            2 => ResetTo::FailedActivity,
            _ => {
                let event = 1 + self.rng.index(n_events + 1);
                ResetTo::Event(EventId(u64::try_from(event).unwrap_or(1)))
            }
        })
    }

    /// A child that died with its closed parent, or was asked to stop after the point, cannot give the
    /// script its sum any more: such a reset is allowed, and ends in another result than the script has.
    fn has_living_children(&self, info: &RunInfo, to: ResetTo) -> Result<bool, String> {
        let events = check::history(&self.store, info.run_id)?;
        let base = BaseRun {
            workflow_id: &info.workflow_id,
            run_id: info.run_id,
            events: &events,
            later: &[],
        };
        let new = NewRun {
            taking: Taking::Reset,
            workflow_id: info.workflow_id.clone(),
            run_id: RunId([0; 16]),
            parent: ParentLink::LeftBehind,
            reason: String::new(),
        };
        let Ok(begun) = reset(&base, to, &Edits::default(), new, self.now) else {
            // It will be refused.
            return Ok(true);
        };
        let point = begun.plan.event_id;
        let has = |wanted: ChildFate| begun.plan.children.iter().any(|c| c.fate == wanted);
        let (waits, ended) = (has(ChildFate::TakenOver), has(ChildFate::Kept));
        let is_stopped = |event: &HistoryEvent| {
            let kind = &event.kind;
            event.id >= point
                && matches!(kind,
                    EventKind::RequestCancelExternalWorkflowExecutionInitiated { initiated_event_id }
                        if *initiated_event_id < point)
        };
        let open = self.store.open_runs().map_err(|e| e.to_string())?;
        let is_open = open.contains(&info.run_id);
        // What the store does not have yet must not matter.
        let is_known = !(waits || ended) || self.core.is_settled();
        Ok(is_known && !events.iter().any(is_stopped) && (!waits || is_open))
    }
}
