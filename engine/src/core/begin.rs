//! Beginning runs: asked for by a client, by a parent, or by the run before.
//!
//! Neighbours: `handle` and `children` ask for runs, `feed` asks for the run that follows on one
//! that closes. All of it goes into the group under way, so a run and what it follows on become
//! durable together.

use kernel::primitives::{cancellation, workflow_execution};
use kernel::{
    Chain, EventKind, HistoryEvent, Input, Machine, ParentRef, RunId, RunState, StartRequest,
    Timestamp, WorkflowId, WorkflowInfo, successor,
};
use state::store::Error as StoreError;

use super::Core;
use super::due::Due;
use super::live::LiveRun;
use super::message::{IdConflictPolicy, IdReusePolicy, Reply, StartSpec};

/// What a start finds under its workflow id.
enum Found {
    /// No run, or one that may be followed by another.
    Free,
    /// An open run.
    Open(RunId),
    /// A closed run, and the policy refuses another.
    Spent(RunId),
}

impl Core {
    pub(super) fn start_run(
        &mut self,
        spec: &StartSpec,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        match self.look_for(spec, now)? {
            Found::Spent(run_id) => return Ok(Reply::AlreadyRan(run_id)),
            Found::Open(run_id) => match spec.options.id_conflict {
                IdConflictPolicy::Fail | IdConflictPolicy::UseExisting => {
                    return Ok(Reply::AlreadyRunning(run_id));
                }
                IdConflictPolicy::TerminateExisting => {
                    // Whether the new one can start is known before the old one is stopped.
                    let request = request_of(spec, run_id);
                    if let Err(rejection) = kernel::start(request, now) {
                        return Ok(Reply::Rejected(rejection));
                    }
                    let reason = "another run with its workflow id was started".to_owned();
                    let _closed = self.feed(run_id, Input::Terminate { reason }, now);
                }
            },
            Found::Free => {}
        }
        Ok(match self.begin_run(spec, None, now) {
            Ok(run_id) => Reply::Started(run_id),
            Err(rejection) => Reply::Rejected(rejection),
        })
    }

    /// Signals the open run, or starts one whose first news the signal is.
    pub(super) fn signal_with_start(
        &mut self,
        mut spec: StartSpec,
        signal: Input,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        if spec.options.id_conflict == IdConflictPolicy::Fail {
            // A signal wants the open run; failing on it would make no sense.
            spec.options.id_conflict = IdConflictPolicy::UseExisting;
        }
        // A signal that no run could take must not leave a run behind.
        let request = request_of(&spec, RunId([0; 16]));
        let fits = kernel::start(request, now)
            .and_then(|(state, _)| kernel::decide(&state, signal.clone(), now));
        if let Err(rejection) = fits {
            return Ok(Reply::Rejected(rejection));
        }
        let reply = self.start_run(&spec, now)?;
        let (Reply::Started(run_id) | Reply::AlreadyRunning(run_id)) = reply else {
            return Ok(reply);
        };
        Ok(match self.feed(run_id, signal, now) {
            Ok(()) => reply,
            Err(rejection) => Reply::Rejected(rejection),
        })
    }

    fn look_for(&mut self, spec: &StartSpec, now: Timestamp) -> Result<Found, StoreError> {
        if let Some(run_id) = self.open_run_of(&spec.workflow_id, now)? {
            return Ok(Found::Open(run_id));
        }
        if spec.options.id_reuse == IdReusePolicy::AllowDuplicate {
            return Ok(Found::Free);
        }
        let Some((run_id, status)) = self.last_run_of(&spec.workflow_id)? else {
            return Ok(Found::Free);
        };
        let free = match spec.options.id_reuse {
            IdReusePolicy::AllowDuplicate => true,
            IdReusePolicy::AllowDuplicateFailedOnly => match status {
                workflow_execution::State::Failed
                | workflow_execution::State::Canceled
                | workflow_execution::State::Terminated
                | workflow_execution::State::TimedOut => true,
                workflow_execution::State::Running
                | workflow_execution::State::Completed
                | workflow_execution::State::ContinuedAsNew => false,
            },
            IdReusePolicy::RejectDuplicate => false,
        };
        Ok(if free {
            Found::Free
        } else {
            Found::Spent(run_id)
        })
    }

    /// The newest run of an id, which may have closed in the group under way.
    fn last_run_of(
        &self,
        workflow_id: &WorkflowId,
    ) -> Result<Option<(RunId, workflow_execution::State)>, StoreError> {
        if let Some(live) = self.by_id.get(workflow_id).and_then(|id| self.runs.get(id)) {
            return Ok(Some((live.state.run_id, live.state.status)));
        }
        let Some(run_id) = self.store.latest_run(workflow_id)? else {
            return Ok(None);
        };
        let state = self.store.load_run(run_id)?;
        Ok(state.map(|state| (run_id, state.status)))
    }

    /// Puts a new run into memory and its first transition into the group.
    pub(super) fn begin_run(
        &mut self,
        spec: &StartSpec,
        parent: Option<ParentRef>,
        now: Timestamp,
    ) -> Result<RunId, kernel::Rejection> {
        let run_id = (self.options.run_ids)();
        let request = StartRequest {
            parent,
            ..request_of(spec, run_id)
        };
        self.begin(request, now)?;
        Ok(run_id)
    }

    fn begin(&mut self, request: StartRequest, now: Timestamp) -> Result<(), kernel::Rejection> {
        let run_id = request.run_id;
        let (state, transition) = kernel::start(request, now)?;
        if let Some(at) = state.deadline() {
            self.due.insert((at, Due::WorkflowTimeout(run_id)));
        }
        let workflow_id = state.workflow_id.clone();
        let mut live = LiveRun::new(state);
        // A new run needs no replay: its machine starts from the event at hand.
        live.machine = self.new_machine(&live.state, transition.events.first());
        self.group.put(run_id, 0, transition);
        self.by_id.insert(workflow_id, run_id);
        self.runs.insert(run_id, live);
        self.touch_machine(run_id);
        self.mark_dirty(run_id);
        Ok(())
    }

    fn new_machine(&self, state: &RunState, first: Option<&HistoryEvent>) -> Option<Machine> {
        let definition = self.options.workflows.get(&state.workflow_type)?;
        let EventKind::WorkflowExecutionStarted { input, seed, .. } = &first?.kind else {
            return None;
        };
        let info = WorkflowInfo::of(state, *seed);
        Some(Machine::new(definition, info, input.clone()))
    }

    /// Begins the run that a closing event promises, in the same group.
    pub(super) fn begin_successor(&mut self, run_id: RunId, closing: &EventKind, now: Timestamp) {
        let Some(live) = self.runs.get(&run_id) else {
            return;
        };
        let Some(request) = successor(&live.state, closing) else {
            return;
        };
        let asked_to_cancel = live.state.cancellation == cancellation::State::Requested;
        let next = request.run_id;
        self.begin(request, now)
            .expect("decide checked everything that a start checks");
        if asked_to_cancel {
            let reason = "the run before it was asked to cancel".to_owned();
            let _asked = self.feed(next, Input::CancelRequest { reason }, now);
        }
    }

    /// A newer run of the same chain as a closed one that has a successor. It may have one too.
    pub(super) fn newer_of_chain(&self, state: &RunState) -> Result<Option<RunId>, StoreError> {
        // Mostly the newest run of the id is the end of the chain, however long that is.
        if let Some(latest) = self.store.latest_run(&state.workflow_id)?
            && latest != state.run_id
            && let Some(newest) = self.store.load_run(latest)?
            && newest.first_run_id() == state.first_run_id()
            && newest.successor.is_none()
        {
            return Ok(Some(latest));
        }
        Ok(state.successor)
    }
}

fn request_of(spec: &StartSpec, run_id: RunId) -> StartRequest {
    StartRequest {
        workflow_id: spec.workflow_id.clone(),
        run_id,
        workflow_type: spec.workflow_type.clone(),
        input: spec.input.clone(),
        parent: None,
        options: spec.options.workflow.clone(),
        chain: Chain::default(),
    }
}
