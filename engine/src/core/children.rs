//! Messages between runs: children begin, children end, cancellations travel down.
//!
//! They are carried in memory, in the same group as what caused them. After a crash they are
//! derived again from the states of both sides, so every one of them may come twice.

use kernel::primitives::{cancellation, child, workflow_execution};
use kernel::{
    ChildOutcome, EventId, Failure, Input, Outcome, ParentClosePolicy, ParentRef, RunId, RunState,
    Timestamp, WorkflowId,
};
use state::store::Error as StoreError;

use super::Core;
use super::message::{StartOptions, StartSpec};

/// A message from one run to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Internal {
    /// The parent's event asks for a child.
    StartChild(RunId, EventId),
    /// The parent's child, by its initiated event, is to be asked to cancel if the parent wants so.
    CancelChild(RunId, EventId),
    /// A run that left the memory is to come back.
    Wake(RunId),
    /// A run closed: its parent is to be told.
    RunClosed(RunId),
    /// The parent of a child closed first.
    Orphaned {
        /// The child's id.
        workflow_id: WorkflowId,
        /// The run that the child began with; it may be in another one by now.
        first_run_id: RunId,
        /// What the parent wanted then.
        policy: ParentClosePolicy,
    },
}

impl Core {
    pub(super) fn carry(&mut self, internal: Internal, now: Timestamp) -> Result<(), StoreError> {
        match internal {
            Internal::StartChild(parent, initiated) => self.start_child(parent, initiated, now),
            Internal::CancelChild(parent, initiated) => self.cancel_child(parent, initiated, now),
            Internal::RunClosed(run_id) => self.run_closed(run_id, now),
            Internal::Wake(run_id) => self.adopt(run_id, now),
            Internal::Orphaned {
                workflow_id,
                first_run_id,
                policy,
            } => {
                if let Some(run_id) = self.open_run_in_chain(&workflow_id, first_run_id, now)?
                    && !self.is_taken_over(run_id)?
                {
                    self.apply_close_policy(run_id, policy, now);
                }
                Ok(())
            }
        }
    }

    fn start_child(
        &mut self,
        parent: RunId,
        initiated_event_id: EventId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(live) = self.runs.get(&parent) else {
            return Ok(());
        };
        let Some(pending) = live.state.children.get(&initiated_event_id) else {
            return Ok(());
        };
        if pending.run_id.is_some() {
            return Ok(());
        }
        let parent_ref = ParentRef {
            workflow_id: live.state.workflow_id.clone(),
            run_id: parent,
            initiated_event_id,
            policy: pending.options.parent_close_policy,
        };
        let spec = StartSpec {
            workflow_id: pending.workflow_id.clone(),
            workflow_type: pending.workflow_type.clone(),
            input: pending.input.clone().unwrap_or_else(kernel::Payload::null),
            options: StartOptions {
                workflow: pending.options.workflow.clone(),
                ..StartOptions::default()
            },
        };
        let input = match self.child_run(&spec, &parent_ref, now)? {
            Ok(run_id) => Input::ChildStarted {
                initiated_event_id,
                run_id,
            },
            Err(failure) => Input::ChildStartFailed {
                initiated_event_id,
                failure,
            },
        };
        // Rejected when the parent closed meanwhile; its close policy deals with the child.
        let _closed = self.feed(parent, input, now);
        Ok(())
    }

    /// The run of a child: the one that was begun before a crash, or a new one.
    fn child_run(
        &mut self,
        spec: &StartSpec,
        parent: &ParentRef,
        now: Timestamp,
    ) -> Result<Result<RunId, Failure>, StoreError> {
        let workflow_id = &spec.workflow_id;
        let taken_over = self.taken_over(parent);
        let is_ours = |state: &RunState| {
            state.parent.as_ref().is_some_and(|p| {
                p.initiated_event_id == parent.initiated_event_id
                    && (p.run_id == parent.run_id || taken_over.contains(&p.run_id))
            })
        };
        if let Some(run_id) = self.open_run_of(workflow_id, now)? {
            let ours = self
                .runs
                .get(&run_id)
                .filter(|live| is_ours(&live.state))
                .map(|live| live.state.first_run_id());
            let taken = || {
                let text = format!("a run with workflow id {workflow_id} is open already");
                Failure::permanent("WorkflowExecutionAlreadyStarted", text)
            };
            return Ok(ours.ok_or_else(taken));
        }
        if let Some(run_id) = self.store.latest_run(workflow_id)?
            && let Some(mut state) = self.store.load_run(run_id)?
            && is_ours(&state)
        {
            // It began and closed, and the parent was never told: tell it of both.
            while let Some(next) = state.successor {
                let Some(newer) = self.store.load_run(next)? else {
                    break;
                };
                state = newer;
            }
            self.internal.push_back(Internal::RunClosed(state.run_id));
            return Ok(Ok(state.first_run_id()));
        }
        Ok(self
            .begin_run(spec, Some(parent.clone()), now)
            .map_err(|rejection| Failure::permanent("StartRejected", rejection.to_string())))
    }

    /// Asks a started child to cancel if its parent has asked for that.
    fn cancel_child(
        &mut self,
        parent: RunId,
        initiated_event_id: EventId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let child = self.runs.get(&parent).and_then(|live| {
            let child = live.state.children.get(&initiated_event_id)?;
            Some((child.state, child.run_id?, child.workflow_id.clone()))
        });
        let Some((child::State::StartedCancelRequested, first_run_id, workflow_id)) = child else {
            return Ok(());
        };
        let Some(run_id) = self.open_run_in_chain(&workflow_id, first_run_id, now)? else {
            return Ok(());
        };
        let reason = "the parent workflow asked for it".to_owned();
        // Rejected when it was asked before, or has closed.
        let _repeated = self.feed(run_id, Input::CancelRequest { reason }, now);
        Ok(())
    }

    /// The open run of the chain that began with a run, if the chain has not ended.
    fn open_run_in_chain(
        &mut self,
        workflow_id: &WorkflowId,
        first_run_id: RunId,
        now: Timestamp,
    ) -> Result<Option<RunId>, StoreError> {
        let open = self.open_run_of(workflow_id, now)?;
        Ok(open.filter(|run_id| {
            self.runs
                .get(run_id)
                .is_some_and(|live| live.state.first_run_id() == first_run_id)
        }))
    }

    /// Tells a closed run's parent.
    fn run_closed(&mut self, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
        let loaded;
        let state = match self.runs.get(&run_id) {
            Some(live) => &live.state,
            None => match self.store.load_run(run_id)? {
                Some(state) => {
                    loaded = state;
                    &loaded
                }
                None => return Ok(()),
            },
        };
        if state.successor.is_some() {
            // The child goes on in another run.
            return Ok(());
        }
        let parent = state.parent.clone();
        let first_run_id = state.first_run_id();
        let outcome = child_outcome(state);
        if let (Some(parent), Some(outcome)) = (parent, outcome) {
            let initiated_event_id = parent.initiated_event_id;
            let started = Input::ChildStarted {
                initiated_event_id,
                run_id: first_run_id,
            };
            let closed = Input::ChildClosed {
                initiated_event_id,
                outcome,
            };
            // The parent may know of the start already, or have closed itself.
            if let Some(run_id) = self.waiting_parent(&parent)? {
                let _known = self.feed(run_id, started, now);
                let _closed = self.feed(run_id, closed, now);
            }
        }
        Ok(())
    }

    fn apply_close_policy(&mut self, run_id: RunId, policy: ParentClosePolicy, now: Timestamp) {
        let reason = "the parent workflow closed".to_owned();
        let input = match policy {
            ParentClosePolicy::Abandon => return,
            ParentClosePolicy::RequestCancel => {
                let asked = self
                    .runs
                    .get(&run_id)
                    .is_some_and(|live| live.state.cancellation == cancellation::State::Requested);
                if asked {
                    return;
                }
                Input::CancelRequest { reason }
            }
            ParentClosePolicy::Terminate => Input::Terminate { reason },
        };
        let _closed = self.feed(run_id, input, now);
    }
}

/// How a closed run looks to its parent; `None` while it is open.
fn child_outcome(state: &RunState) -> Option<ChildOutcome> {
    match state.status {
        workflow_execution::State::Running => None,
        workflow_execution::State::Canceled => Some(ChildOutcome::Canceled),
        workflow_execution::State::Terminated => Some(ChildOutcome::Terminated),
        workflow_execution::State::TimedOut => Some(ChildOutcome::TimedOut),
        workflow_execution::State::ContinuedAsNew => None,
        workflow_execution::State::Completed | workflow_execution::State::Failed => {
            Some(match &state.outcome {
                Some(Outcome::Completed(result)) => ChildOutcome::Completed(result.clone()),
                Some(Outcome::Failed(failure)) => ChildOutcome::Failed(failure.clone()),
                None => ChildOutcome::Failed(Failure::internal("the child left no outcome")),
            })
        }
    }
}
