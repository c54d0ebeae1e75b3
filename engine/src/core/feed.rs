//! The heart: one input into one run, and turns of workflow code.

use kernel::primitives::workflow_task;
use kernel::{
    Command, EventId, EventKind, Failure, HistoryEvent, Input, Machine, News, Note, Rejection,
    RunId, Timestamp, Transition, WorkflowInfo, decide, replay,
};
use state::store::{Commit, Error as StoreError, RunTransition};

use super::Core;
use super::children::Internal;
use super::due::Due;
use super::group::Put;
use super::live::LiveRun;
use super::message::{Effect, Message, Reply, StartSpec, TaskRef, Token};

/// Events read from the store at a time.
const HISTORY_PAGE: usize = 4_096;

impl Core {
    /// Takes one message. Nothing of it is durable, and nothing is answered, before the next
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn handle(
        &mut self,
        message: Message,
        token: Option<Token>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let reply = match message {
            Message::Start(spec) => Some(self.start_run(spec, now)?),
            Message::Adopt(run_id) => {
                self.adopt(run_id, now)?;
                Some(Reply::Done)
            }
            Message::AdoptAll => {
                self.adopt_all(now)?;
                Some(Reply::Done)
            }
            Message::Signal {
                workflow_id,
                name,
                input,
            } => Some(self.to_open_run(&workflow_id, Input::Signal { name, input }, now)?),
            Message::Cancel {
                workflow_id,
                reason,
            } => Some(self.to_open_run(&workflow_id, Input::CancelRequest { reason }, now)?),
            Message::Terminate {
                workflow_id,
                reason,
            } => Some(self.to_open_run(&workflow_id, Input::Terminate { reason }, now)?),
            Message::AttemptEnded { task, result } => {
                self.attempt_ended(task, result, now);
                None
            }
            Message::Heartbeat { task, details } => {
                self.heartbeat(task, details, now);
                None
            }
            Message::PutRows(rows) => {
                self.group.rows.extend(rows);
                Some(Reply::Done)
            }
            Message::Describe(run_id) => Some(self.describe(run_id, now)),
            Message::Wait(run_id) => self.wait(run_id, token),
        };
        if let (Some(reply), Some(token)) = (reply, token) {
            self.group.effects.push(Effect::Reply(token, reply));
        }
        Ok(())
    }

    fn wait(&mut self, run_id: RunId, token: Option<Token>) -> Option<Reply> {
        if !self.runs.contains_key(&run_id) {
            return Some(Reply::Closed(run_id));
        }
        if let Some(token) = token {
            self.waiters.entry(run_id).or_default().push(token);
        }
        None
    }

    fn start_run(&mut self, spec: StartSpec, now: Timestamp) -> Result<Reply, StoreError> {
        if let Some(run_id) = self.open_run_of(&spec.workflow_id, now)? {
            return Ok(Reply::AlreadyRunning(run_id));
        }
        Ok(match self.begin_run(spec, None, now) {
            Ok(run_id) => Reply::Started(run_id),
            Err(rejection) => Reply::Rejected(rejection),
        })
    }

    /// Puts a new run into memory and its first transition into the group.
    pub(super) fn begin_run(
        &mut self,
        spec: StartSpec,
        parent: Option<kernel::ParentRef>,
        now: Timestamp,
    ) -> Result<RunId, Rejection> {
        let run_id = (self.options.run_ids)();
        let request = kernel::StartRequest {
            workflow_id: spec.workflow_id.clone(),
            run_id,
            workflow_type: spec.workflow_type,
            input: spec.input,
            parent,
        };
        let (state, transition) = kernel::start(request, now)?;
        let mut live = LiveRun::new(state);
        // A new run needs no replay: its machine starts from the event at hand.
        live.machine = self.new_machine(&live, transition.events.first());
        let warm = live.machine.is_some();
        self.group.put(run_id, 0, transition);
        self.by_id.insert(spec.workflow_id, run_id);
        self.runs.insert(run_id, live);
        if warm {
            self.machines_live += 1;
            self.touch_machine(run_id);
        }
        self.mark_dirty(run_id);
        Ok(run_id)
    }

    fn new_machine(&self, live: &LiveRun, first: Option<&HistoryEvent>) -> Option<Machine> {
        let definition = self.options.workflows.get(&live.state.workflow_type)?;
        let EventKind::WorkflowExecutionStarted { input, seed, .. } = &first?.kind else {
            return None;
        };
        let info = WorkflowInfo {
            workflow_id: live.state.workflow_id.clone(),
            run_id: live.state.run_id,
            workflow_type: live.state.workflow_type.clone(),
            seed: *seed,
        };
        Some(Machine::new(definition, info, input.clone()))
    }

    fn to_open_run(
        &mut self,
        workflow_id: &kernel::WorkflowId,
        input: Input,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let Some(run_id) = self.open_run_of(workflow_id, now)? else {
            return Ok(Reply::NotOpen);
        };
        Ok(match self.feed(run_id, input, now) {
            Ok(()) => Reply::Done,
            Err(rejection) => Reply::Rejected(rejection),
        })
    }

    /// Decides one input of one run, folds it, and plans what follows from it.
    pub(super) fn feed(
        &mut self,
        run_id: RunId,
        input: Input,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let Some(live) = self.runs.get(&run_id) else {
            return Err(Rejection::Closed);
        };
        let transition = decide(&live.state, input, now)?;
        // A warm machine is told the news; a cold one will find them in its history.
        self.record(run_id, transition, now);
        Ok(())
    }

    /// Folds a decided transition, puts it into the group, and plans what follows.
    fn record(&mut self, run_id: RunId, transition: Transition, now: Timestamp) {
        if transition.is_empty() {
            return;
        }
        self.unplan(run_id, &transition);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let number = live.state.transitions;
        let news = live
            .state
            .apply(&transition)
            .expect("decide gives only transitions that fit the state it was given");
        live.unseen.extend(news);
        let closed = live.state.is_closed();
        let owed = live.state.workflow_task == workflow_task::State::Pending;
        let follow = transition.clone();
        if self.group.put(run_id, number, transition) == Put::Merged {
            if let Some(live) = self.runs.get_mut(&run_id) {
                live.state.transitions = number;
            }
        }
        self.plan(run_id, &follow, now);
        if closed {
            self.close_run(run_id);
        } else if owed {
            self.mark_dirty(run_id);
        }
    }

    /// Before the fold: takes back what waited for things that this transition ends.
    fn unplan(&mut self, run_id: RunId, transition: &Transition) {
        let Some(live) = self.runs.get(&run_id) else {
            return;
        };
        let mut ended: Vec<EventId> = Vec::new();
        let mut timers: Vec<(Timestamp, EventId)> = Vec::new();
        let mut orphans: Vec<Internal> = Vec::new();
        for event in &transition.events {
            match &event.kind {
                EventKind::ActivityTaskCompleted {
                    scheduled_event_id, ..
                }
                | EventKind::ActivityTaskFailed {
                    scheduled_event_id, ..
                }
                | EventKind::ActivityTaskTimedOut {
                    scheduled_event_id, ..
                }
                | EventKind::ActivityTaskCanceled { scheduled_event_id } => {
                    ended.push(*scheduled_event_id);
                }
                EventKind::TimerCanceled { started_event_id } => {
                    if let Some(timer) = live.state.timers.get(started_event_id) {
                        timers.push((timer.fires_at, *started_event_id));
                    }
                }
                EventKind::WorkflowExecutionCompleted { .. }
                | EventKind::WorkflowExecutionFailed { .. }
                | EventKind::WorkflowExecutionCanceled
                | EventKind::WorkflowExecutionTerminated { .. } => {
                    ended.extend(live.state.activities.keys());
                    timers.extend(live.state.timers.iter().map(|(id, t)| (t.fires_at, *id)));
                    orphans.extend(live.state.children.values().filter_map(|c| {
                        c.run_id
                            .map(|id| Internal::Orphaned(id, c.options.parent_close_policy))
                    }));
                }
                EventKind::WorkflowExecutionStarted { .. }
                | EventKind::WorkflowTaskCompleted
                | EventKind::ActivityTaskScheduled { .. }
                | EventKind::ActivityTaskCancelRequested { .. }
                | EventKind::TimerStarted { .. }
                | EventKind::TimerFired { .. }
                | EventKind::StartChildWorkflowExecutionInitiated { .. }
                | EventKind::StartChildWorkflowExecutionFailed { .. }
                | EventKind::ChildWorkflowExecutionStarted { .. }
                | EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. }
                | EventKind::ChildWorkflowExecutionCompleted { .. }
                | EventKind::ChildWorkflowExecutionFailed { .. }
                | EventKind::ChildWorkflowExecutionCanceled { .. }
                | EventKind::ChildWorkflowExecutionTerminated { .. }
                | EventKind::MarkerRecorded { .. }
                | EventKind::WorkflowExecutionSignaled { .. }
                | EventKind::WorkflowExecutionCancelRequested { .. } => {}
            }
        }
        for note in &transition.notes {
            match note {
                Note::ActivityAttemptFailed {
                    scheduled_event_id, ..
                }
                | Note::ActivityDeferred {
                    scheduled_event_id, ..
                } => {
                    ended.push(*scheduled_event_id);
                }
                Note::ActivityHeartbeat { .. } | Note::WorkflowTaskFailed { .. } => {}
            }
        }
        self.internal.extend(orphans);
        for (at, id) in timers {
            self.due.remove(&(at, Due::Timer(run_id, id)));
        }
        for id in ended {
            let pending = self
                .runs
                .get(&run_id)
                .and_then(|l| l.state.activities.get(&id))
                .cloned();
            if let Some(pending) = pending {
                self.unplan_activity(run_id, id, &pending);
            }
        }
    }

    /// After the fold: enters what the transition makes due, and tells other runs.
    fn plan(&mut self, run_id: RunId, transition: &Transition, now: Timestamp) {
        for event in &transition.events {
            match &event.kind {
                EventKind::ActivityTaskScheduled { .. } => {
                    self.plan_activity(run_id, event.id, now)
                }
                EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
                    self.plan_cancel(run_id, *scheduled_event_id, now);
                }
                EventKind::TimerStarted { start_to_fire, .. } => {
                    let at = event.at.after(*start_to_fire);
                    self.due.insert((at, Due::Timer(run_id, event.id)));
                }
                EventKind::StartChildWorkflowExecutionInitiated { .. } => {
                    self.internal
                        .push_back(Internal::StartChild(run_id, event.id));
                }
                EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    initiated_event_id,
                } => self
                    .internal
                    .push_back(Internal::CancelChild(run_id, *initiated_event_id)),
                EventKind::ChildWorkflowExecutionStarted {
                    initiated_event_id, ..
                } => {
                    self.internal
                        .push_back(Internal::CancelChild(run_id, *initiated_event_id));
                }
                EventKind::WorkflowExecutionStarted { .. }
                | EventKind::WorkflowTaskCompleted
                | EventKind::ActivityTaskCompleted { .. }
                | EventKind::ActivityTaskFailed { .. }
                | EventKind::ActivityTaskTimedOut { .. }
                | EventKind::ActivityTaskCanceled { .. }
                | EventKind::TimerFired { .. }
                | EventKind::TimerCanceled { .. }
                | EventKind::StartChildWorkflowExecutionFailed { .. }
                | EventKind::ChildWorkflowExecutionCompleted { .. }
                | EventKind::ChildWorkflowExecutionFailed { .. }
                | EventKind::ChildWorkflowExecutionCanceled { .. }
                | EventKind::ChildWorkflowExecutionTerminated { .. }
                | EventKind::MarkerRecorded { .. }
                | EventKind::WorkflowExecutionSignaled { .. }
                | EventKind::WorkflowExecutionCancelRequested { .. }
                | EventKind::WorkflowExecutionCompleted { .. }
                | EventKind::WorkflowExecutionFailed { .. }
                | EventKind::WorkflowExecutionCanceled
                | EventKind::WorkflowExecutionTerminated { .. } => {}
            }
        }
        for note in &transition.notes {
            match note {
                Note::ActivityAttemptFailed {
                    scheduled_event_id, ..
                }
                | Note::ActivityDeferred {
                    scheduled_event_id, ..
                } => {
                    self.plan_activity(run_id, *scheduled_event_id, now);
                }
                Note::WorkflowTaskFailed {
                    next_attempt_at, ..
                } => {
                    self.due
                        .insert((*next_attempt_at, Due::WorkflowTask(run_id)));
                }
                Note::ActivityHeartbeat { .. } => {}
            }
        }
    }

    /// Attempts of a closed run are told to stop; those who wait for the run are told.
    fn close_run(&mut self, run_id: RunId) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let running = std::mem::take(&mut live.running);
        if live.machine.take().is_some() {
            self.machines_live -= 1;
        }
        for (scheduled_event_id, running) in running {
            let task = TaskRef {
                run_id,
                scheduled_event_id,
                attempt: running.attempt,
            };
            self.forget_dues(task, &running);
            self.group.effects.push(Effect::CancelAttempt(task));
        }
        self.internal.push_back(Internal::RunClosed(run_id));
        for token in self.waiters.remove(&run_id).unwrap_or_default() {
            self.group
                .effects
                .push(Effect::Reply(token, Reply::Closed(run_id)));
        }
        self.group.effects.push(Effect::RunClosed(run_id));
    }

    pub(super) fn mark_dirty(&mut self, run_id: RunId) {
        if let Some(live) = self.runs.get_mut(&run_id) {
            if !live.dirty && !live.state.is_closed() {
                live.dirty = true;
                self.dirty.push_back(run_id);
            }
        }
    }

    /// Gives every run that is owed a turn its turn, and carries messages between runs, until
    /// nothing is left to do.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_workflow_tasks(&mut self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            if let Some(internal) = self.internal.pop_front() {
                self.carry(internal, now)?;
            } else if let Some(run_id) = self.dirty.pop_front() {
                if let Some(live) = self.runs.get_mut(&run_id) {
                    live.dirty = false;
                }
                self.turn(run_id, now)?;
            } else {
                return Ok(());
            }
        }
    }

    /// One turn of one run's code.
    fn turn(&mut self, run_id: RunId, now: Timestamp) -> Result<(), StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(());
        };
        match live.state.workflow_task {
            workflow_task::State::Idle => return Ok(()),
            workflow_task::State::Pending => {}
            workflow_task::State::BackingOff => {
                let next = live
                    .state
                    .workflow_task_failure
                    .as_ref()
                    .map(|f| f.next_attempt_at);
                if next.is_some_and(|at| at > now) {
                    return Ok(());
                }
            }
        }
        if live.machine.is_none() {
            if self.group.holds(run_id) {
                // Part of the history is not in the store yet: take the turn after the commit.
                self.due.insert((now, Due::WorkflowTask(run_id)));
                return Ok(());
            }
            if let Err(failure) = self.warm(run_id)? {
                self.fail_turn(run_id, failure, now);
                return Ok(());
            }
        }
        self.touch_machine(run_id);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(());
        };
        let news: Vec<News> = std::mem::take(&mut live.unseen);
        let Some(machine) = live.machine.as_mut() else {
            return Ok(());
        };
        match machine.advance(news, now) {
            Ok(commands) => self.complete_turn(run_id, commands, now),
            Err(failure) => self.fail_turn(run_id, failure, now),
        }
        Ok(())
    }

    fn complete_turn(&mut self, run_id: RunId, commands: Vec<Command>, now: Timestamp) {
        match self.feed(run_id, Input::WorkflowTaskCompleted { commands }, now) {
            Ok(()) => {}
            Err(Rejection::OverLimit(what)) => {
                // The code cannot take its commands back: the run ends, saying why.
                let failure = Failure::permanent("LimitExceeded", what);
                let commands = vec![Command::FailWorkflowExecution { failure }];
                let ended = self.feed(run_id, Input::WorkflowTaskCompleted { commands }, now);
                debug_assert!(ended.is_ok(), "failing a run is within every limit");
            }
            Err(rejection) => self.fail_turn(run_id, Failure::internal(rejection.to_string()), now),
        }
    }

    /// The machine is thrown away; the next try replays the history.
    fn fail_turn(&mut self, run_id: RunId, failure: Failure, now: Timestamp) {
        tracing::error!(%run_id, %failure, "workflow task failed");
        if let Some(live) = self.runs.get_mut(&run_id) {
            if live.machine.take().is_some() {
                self.machines_live -= 1;
            }
            live.unseen.clear();
        }
        // Rejected only when the run has closed meanwhile.
        let _closed = self.feed(run_id, Input::WorkflowTaskFailed { failure }, now);
    }

    /// Replays a run's history into a machine; the failure says why that cannot be.
    fn warm(&mut self, run_id: RunId) -> Result<Result<(), Failure>, StoreError> {
        let Some(live) = self.runs.get(&run_id) else {
            return Ok(Ok(()));
        };
        let Some(definition) = self.options.workflows.get(&live.state.workflow_type) else {
            return Ok(Err(Failure::internal(format!(
                "no workflow of type {:?} is registered in this binary",
                live.state.workflow_type
            ))));
        };
        let mut events = Vec::new();
        let mut after = EventId(0);
        while after < live.state.last_event_id {
            let page = self.store.load_history(run_id, after, HISTORY_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            events.extend(page);
        }
        match replay(definition, live.state.workflow_id.clone(), run_id, &events) {
            Ok(replayed) => {
                if let Some(live) = self.runs.get_mut(&run_id) {
                    live.machine = Some(replayed.machine);
                    live.unseen = replayed.unseen;
                    self.machines_live += 1;
                }
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(Failure::internal(error.to_string()))),
        }
    }

    /// Marks a machine as just used, and throws the coldest away when there are too many.
    fn touch_machine(&mut self, run_id: RunId) {
        self.uses += 1;
        let uses = self.uses;
        if let Some(live) = self.runs.get_mut(&run_id) {
            live.last_use = uses;
        }
        self.machines.push_back((run_id, uses));
        while self.machines_live > self.options.machines_max
            || self.machines.len() > 2 * self.options.machines_max + 64
        {
            let Some((coldest, used)) = self.machines.pop_front() else {
                break;
            };
            let Some(live) = self.runs.get_mut(&coldest) else {
                continue;
            };
            if live.last_use != used || coldest == run_id {
                continue;
            }
            if live.unseen.is_empty() && !self.group.holds(coldest) && live.machine.is_some() {
                live.machine = None;
                self.machines_live -= 1;
            } else {
                self.machines.push_back((coldest, used));
                break;
            }
        }
    }

    /// Makes everything since the last commit durable and gives what has to be carried out now.
    ///
    /// **Durability**: before this returns, nobody was told anything of the group; after it, all
    /// of it survives.
    ///
    /// # Errors
    /// When the store fails. The core must then be dropped and opened anew: nobody was told
    /// anything, so nothing is lost that was promised.
    pub fn commit(&mut self) -> Result<Vec<Effect>, StoreError> {
        let runs = self.group.runs();
        if !runs.is_empty() || !self.group.rows.is_empty() {
            let transitions = self.group.entries.iter().map(|entry| RunTransition {
                run_id: entry.run_id,
                number: entry.number,
                transition: &entry.transition,
            });
            let commit = Commit {
                transitions: transitions.collect(),
                states: runs
                    .iter()
                    .filter_map(|id| self.runs.get(id))
                    .map(|l| &l.state)
                    .collect(),
                rows: std::mem::take(&mut self.group.rows),
            };
            self.store.commit(&commit)?;
        }
        let group = std::mem::take(&mut self.group);
        for run_id in runs {
            let closed = self
                .runs
                .get(&run_id)
                .is_some_and(|live| live.state.is_closed());
            if closed {
                self.drop_run(run_id);
            }
        }
        Ok(group.effects)
    }

    fn drop_run(&mut self, run_id: RunId) {
        if let Some(live) = self.runs.remove(&run_id) {
            if self.by_id.get(&live.state.workflow_id) == Some(&run_id) {
                self.by_id.remove(&live.state.workflow_id);
            }
        }
    }
}
