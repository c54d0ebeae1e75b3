//! Recovery: everything that waits is derived from the states of open runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use kernel::primitives::{activity, cancellation, child, workflow_execution, workflow_task};
use kernel::{EventId, ParentClosePolicy, RunId, RunState, Timestamp, WorkflowId};
use state::store::{Error as StoreError, Namespace, Store};
use state::{Find, Term};

use super::children::Internal;
use super::dormant::Dormant;
use super::due::Due;
use super::group::Group;
use super::live::{Description, LiveRun};
use super::message::Reply;
use super::permits::Permits;
use super::{Core, CoreOptions, Scope};
use crate::explain;

impl Core {
    /// A core over a store. With [`Scope::All`] it takes every open run up again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(
        store: Arc<dyn Store>,
        options: CoreOptions,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut breakers = BTreeMap::new();
        for (key, value) in store.rows(Namespace::Breaker)? {
            let name = String::from_utf8_lossy(&key).into_owned();
            let state = serde_json::from_slice(&value).map_err(|error| StoreError::Corrupt {
                what: format!("the circuit breaker {name}"),
                why: error.to_string(),
            })?;
            breakers.insert(name, state);
        }
        let all = options.scope == Scope::All;
        let permits = Permits::new(options.limits.clone());
        let mut core = Self {
            store,
            options,
            runs: HashMap::new(),
            by_id: HashMap::new(),
            machines: BTreeSet::new(),
            uses: 0,
            due: BTreeSet::new(),
            ready: VecDeque::new(),
            locals_ready: VecDeque::new(),
            locals_out: BTreeMap::new(),
            local_number: 0,
            local_stops: Vec::new(),
            out: HashSet::new(),
            permits,
            breakers,
            group: Group::default(),
            dirty: VecDeque::new(),
            parked: Vec::new(),
            internal: VecDeque::new(),
            waiters: HashMap::new(),
            dormant: Dormant::default(),
            now,
            turns_left: 0,
            turning: None,
            stuck: HashMap::new(),
            update_waiters: HashMap::new(),
            outcomes: Vec::new(),
            queries: VecDeque::new(),
            asking: None,
            stuck_queries: HashMap::new(),
            schedules: super::schedules::Schedules::default(),
            metrics: Arc::default(),
        };
        if all {
            core.adopt_all(now)?;
        }
        Ok(core)
    }

    pub(super) fn adopt_all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.now = now;
        for run_id in self.store.open_runs()? {
            if self.runs.contains_key(&run_id) || self.dormant.holds(run_id) {
                continue;
            }
            if let Some(state) = self.store.load_run(run_id)?
                && !self.sleeps_on(&state)
            {
                self.take_up(state, now)?;
            }
        }
        self.options.scope = Scope::All;
        Ok(())
    }

    /// Takes a run and its open children up again. A closed or unknown run is left alone.
    pub(super) fn adopt(&mut self, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
        if self.runs.contains_key(&run_id) {
            return Ok(());
        }
        match self.store.load_run(run_id)? {
            Some(state) => self.take_up(state, now),
            None => Ok(()),
        }
    }

    /// The same for a run whose state was just read.
    fn take_up(&mut self, state: RunState, now: Timestamp) -> Result<(), StoreError> {
        let mut todo = Vec::new();
        let mut next = Some(state);
        while let Some(state) = next {
            let run_id = state.run_id;
            if state.is_closed() {
                if state.successor.is_some() {
                    todo.extend(self.newer_of_chain(&state)?);
                } else if state.parent.is_some() {
                    self.internal.push_back(Internal::RunClosed(run_id));
                }
            } else {
                self.woken(run_id);
                todo.extend(state.children.values().filter_map(|c| c.run_id));
                self.by_id.insert(state.workflow_id.clone(), run_id);
                self.runs.insert(run_id, LiveRun::new(state));
                self.derive(run_id, now)?;
            }
            next = None;
            while let Some(run_id) = todo.pop() {
                if !self.runs.contains_key(&run_id) {
                    next = self.store.load_run(run_id)?;
                }
                if next.is_some() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Everything that waits for a run that was just loaded.
    pub(super) fn derive(&mut self, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(());
        };
        let state = &live.state;
        let activities: Vec<EventId> = state.activities.keys().copied().collect();
        let timers: Vec<_> = state
            .timers
            .iter()
            .map(|(id, t)| (t.fires_at, *id))
            .collect();
        for (id, pending) in &state.children {
            match pending.state {
                child::State::Initiated | child::State::InitiatedCancelRequested => {
                    self.internal.push_back(Internal::StartChild(run_id, *id));
                }
                child::State::StartedCancelRequested => {
                    self.internal.push_back(Internal::CancelChild(run_id, *id));
                }
                child::State::Started | child::State::StartFailed | child::State::Closed => {}
            }
        }
        let task = state.workflow_task;
        let asks = !state.updates_to_ask().is_empty();
        let retry_at = state
            .workflow_task_failure
            .as_ref()
            .map(|f| f.next_attempt_at);
        let parent = state.parent.clone();
        let (workflow_id, first_run_id) = (state.workflow_id.clone(), state.first_run_id());
        if let Some(at) = state.deadline() {
            self.due.insert((at, Due::WorkflowTimeout(run_id)));
        }
        // One that was asked to cancel is tidying up; only a termination has more to say to it.
        let asked = state.cancellation == cancellation::State::Requested
            && parent
                .as_ref()
                .is_some_and(|p| p.policy == ParentClosePolicy::RequestCancel);
        if asks {
            self.mark_dirty(run_id);
        }
        match task {
            workflow_task::State::Idle => {}
            workflow_task::State::Pending => self.mark_dirty(run_id),
            workflow_task::State::BackingOff => {
                self.due
                    .insert((retry_at.unwrap_or(now), Due::WorkflowTask(run_id)));
            }
        }
        for (at, id) in timers {
            self.due.insert((at, Due::Timer(run_id, id)));
        }
        for id in activities {
            self.plan_activity(run_id, id, now);
        }
        if let Some(parent) = parent.filter(|_| !asked)
            && parent.policy != ParentClosePolicy::Abandon
            && self.waiting_parent(&parent)?.is_none()
        {
            self.internal.push_back(Internal::Orphaned {
                workflow_id,
                first_run_id,
                policy: parent.policy,
            });
        }
        Ok(())
    }

    pub(super) fn is_open(&self, run_id: RunId) -> Result<bool, StoreError> {
        if let Some(live) = self.runs.get(&run_id) {
            return Ok(!live.state.is_closed());
        }
        Ok(self
            .store
            .load_run(run_id)?
            .is_some_and(|state| !state.is_closed()))
    }

    /// The open run of a workflow id, taken up if it was not.
    pub(super) fn open_run_of(
        &mut self,
        workflow_id: &WorkflowId,
        now: Timestamp,
    ) -> Result<Option<RunId>, StoreError> {
        if let Some(run_id) = self.by_id.get(workflow_id) {
            let closed = self
                .runs
                .get(run_id)
                .is_some_and(|live| live.state.is_closed());
            return Ok(if closed { None } else { Some(*run_id) });
        }
        if self.options.scope == Scope::All && self.dormant.len() == 0 {
            return Ok(None);
        }
        // Not the newest run of the id: that may be one that has closed, imported since.
        let running = Term::status(workflow_execution::State::Running);
        let of_id = Term::workflow_id(workflow_id.as_str());
        let mut find = Find {
            all_of: vec![vec![running], vec![of_id]],
            ..Find::default()
        };
        // Other ids may share the term.
        while let Some(place) = self.store.find(&find, 1)?.first().copied() {
            self.adopt(place.run_id, now)?;
            if let Some(run_id) = self.by_id.get(workflow_id) {
                return Ok(Some(*run_id));
            }
            find.after = Some(place);
        }
        Ok(None)
    }

    pub(super) fn describe(&mut self, run_id: RunId, now: Timestamp) -> Reply {
        let Some(live) = self.runs.get(&run_id) else {
            return Reply::NotOpen;
        };
        let running: Vec<_> = live
            .running
            .iter()
            .filter(|(_, r)| !r.is_held)
            .map(|(id, r)| (*id, r.attempt, r.started_at))
            .collect();
        let known = |activity_type: &str| self.options.activity_types.contains(activity_type);
        let mut waiting_on = explain::waiting_on(&live.state, &running, &known, now);
        let due = live.state.activities.iter().filter(|(id, pending)| {
            let waits = match pending.state {
                activity::State::Scheduled | activity::State::BackingOff => true,
                activity::State::CancelRequested
                | activity::State::Held
                | activity::State::HeldCancelRequested
                | activity::State::Completed
                | activity::State::Failed
                | activity::State::TimedOut
                | activity::State::Canceled => false,
            };
            waits && pending.next_attempt_at <= now && !live.running.contains_key(id)
        });
        if let Some(limited) = due.into_iter().find_map(|(_, a)| self.permits.explain(a)) {
            let is_any_held = live.state.activities.values().any(|a| a.held.is_some());
            waiting_on = if running.is_empty() && !is_any_held {
                limited
            } else {
                format!("{waiting_on}; {limited}")
            };
        }
        if let Some(local) = self
            .explain_locals(run_id)
            .filter(|_| live.state.paused.is_none())
        {
            waiting_on = local;
        }
        let description = Description {
            warnings: kernel::warnings(&live.state),
            state: live.state.clone(),
            running,
            waiting_on,
        };
        Reply::Description(Box::new(description))
    }
}
