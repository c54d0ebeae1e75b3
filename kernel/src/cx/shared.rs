//! What the machine and all handles of one body share.
//!
//! One mutex, held for moments only and never while foreign code runs: values are encoded and
//! decoded outside, and wakers are woken and dropped after it is released. Must not be reachable
//! from outside the kernel.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::handlers::Handlers;
use super::local::{LocalActivityTask, Locals};
use super::log::Log;
use super::recall::Recall;
use super::scope::Scope;
use crate::command::Command;
use crate::decide::seed_of;
use crate::failure::{Failure, FailureKind};
use crate::ids::{EventId, Seq, Timestamp};
use crate::limits;
use crate::machine::{News, Replaying, TurnStart, WorkflowInfo};
use crate::origin::Base;
use crate::payload::Payload;

/// Operations begun and cancellations met in one turn, after which the body is taken to spin: a
/// loop that begins an operation anew whenever one fails never waits once the run is canceled.
const TURN_STEPS_MAX: u32 = 100_000;

/// Stands for an operation that a handler that can only look tried to begin.
const NO_OPERATION: Seq = Seq(u32::MAX);

/// The message of the failure that stands for the end of a body that continues as new. It never
/// enters a history, unless code goes on after it and returns it too late.
const CONTINUATION: &str = "the workflow continues as new";

/// What an operation of the body is, so that it can be canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Activity,
    LocalActivity,
    Timer,
    Child,
    /// A child that goes on alone when nobody waits for it any more.
    AbandonedChild,
}

/// Why an operation is canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    ScopeCanceled,
    Dropped,
}

/// Whether the cancel command of an operation was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CancelSent {
    Yes,
    No,
}

/// What an operation begins with.
pub(crate) enum Begin {
    Command(Command),
    Local(LocalActivityTask),
}

enum Slot {
    Waiting {
        kind: OperationKind,
        scope: Scope,
        waker: Option<Waker>,
        cancel_sent: CancelSent,
    },
    Resolved(Result<Payload, Failure>),
}

/// One future that waits for a signal or for the cancellation; it takes its number back when it
/// is dropped, so that a long loop leaves nothing behind.
pub(crate) type WaiterId = u64;

pub(crate) struct Inner {
    pub(crate) info: WorkflowInfo,
    /// Who the run itself is; `info` says who is living through the turn.
    own: Base,
    pub(crate) now: Timestamp,
    pub(crate) replaying: Replaying,
    commands: Vec<Command>,
    slots: BTreeMap<Seq, Slot>,
    signals: BTreeMap<String, VecDeque<Payload>>,
    signal_waiters: BTreeMap<String, BTreeMap<WaiterId, Waker>>,
    /// The type and the input of the run that the body wants to go on in.
    continuation: Option<(String, Payload)>,
    /// The scope of the whole run.
    root: Scope,
    cancel_waiters: BTreeMap<WaiterId, Waker>,
    next_waiter: WaiterId,
    next_seq: u32,
    random: u64,
    steps: u32,
    pub(super) recall: Recall,
    pub(super) locals: Locals,
    pub(super) handlers: Handlers,
    pub(super) log: Log,
    /// While the run is only read: the state of chance to go back to.
    pub(super) before_reading: Option<u64>,
    /// To be woken when the lock is released.
    woken: Vec<Waker>,
    /// To be dropped when the lock is released.
    stale: Vec<Waker>,
}

pub(crate) struct Shared(Mutex<Inner>);

impl Shared {
    pub(crate) fn new(mut info: WorkflowInfo) -> Self {
        let random = info.seed;
        let own = Base {
            workflow_id: info.workflow_id.clone(),
            run_id: info.run_id,
            first_run_id: info.first_run_id,
            kept: EventId(u64::MAX),
        };
        // The seed is that of the run that lived first.
        if let Some(first) = info.bases.first().cloned() {
            live_as(&mut info, &first);
        }
        Self(Mutex::new(Inner {
            info,
            own,
            now: Timestamp(0),
            replaying: Replaying::No,
            commands: Vec::new(),
            slots: BTreeMap::new(),
            signals: BTreeMap::new(),
            signal_waiters: BTreeMap::new(),
            continuation: None,
            root: Scope::root(),
            cancel_waiters: BTreeMap::new(),
            next_waiter: 0,
            next_seq: 0,
            random,
            steps: 0,
            recall: Recall::default(),
            locals: Locals::default(),
            handlers: Handlers::default(),
            log: Log::default(),
            before_reading: None,
            woken: Vec::new(),
            stale: Vec::new(),
        }))
    }

    /// A panic of user code cannot poison what it cannot hold, so the lock is always good.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something inside, then wakes and drops wakers with the lock released.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.lock();
        let answer = act(&mut inner);
        let woken = std::mem::take(&mut inner.woken);
        let stale = std::mem::take(&mut inner.stale);
        drop(inner);
        drop(stale);
        for waker in woken {
            waker.wake();
        }
        answer
    }
}

impl Inner {
    /// Tells all news of a turn. The cancellation comes last, wherever it stands among them: what
    /// has ended by now cannot be asked to cancel any more.
    pub(crate) fn begin_turn(&mut self, news: Vec<News>, turn: TurnStart) {
        self.now = turn.now;
        self.take_turn_as(turn.history_events);
        self.info.history_events = turn.history_events;
        self.info.history_bytes = turn.history_bytes;
        self.info.continue_as_new_suggested = turn.history_events
            >= limits::CONTINUE_AS_NEW_SUGGESTED_EVENTS
            || turn.history_bytes >= limits::CONTINUE_AS_NEW_SUGGESTED_BYTES;
        self.steps = 0;
        let mut canceled = None;
        for one in news {
            match one {
                News::ActivityResolved { seq, result } | News::ChildResolved { seq, result } => {
                    self.resolve(seq, result);
                }
                News::TimerFired { seq } => self.resolve(seq, Ok(Payload::null())),
                News::ChildStarted { .. } => {}
                News::Signal { name, input } => {
                    if let Some(waiters) = self.signal_waiters.remove(&name) {
                        self.woken.extend(waiters.into_values());
                    }
                    self.signals.entry(name).or_default().push_back(input);
                }
                News::CancelRequested { reason } => canceled = Some(reason),
                // The machine gives it to its handler.
                News::UpdateRequested { .. } => {}
            }
        }
        if let Some(reason) = canceled {
            let root = self.root.clone();
            self.cancel_scope(&root, reason);
        }
    }

    /// Kept turns are lived through as the run that had them first, with its ids and its chance.
    fn take_turn_as(&mut self, history_events: u64) {
        let bases = Arc::clone(&self.info.bases);
        let base = bases.iter().find(|base| history_events < base.kept.0);
        let who = base.unwrap_or(&self.own);
        if who.run_id != self.info.run_id {
            self.random = seed_of(who.run_id);
            live_as(&mut self.info, who);
        }
    }

    /// The body returned.
    pub(crate) fn close(&mut self, result: Result<Payload, Failure>) {
        let command = match result {
            Ok(result) => Command::CompleteWorkflowExecution { result },
            Err(failure) if self.is_continuation(&failure) => {
                let (workflow_type, input) = self.continuation.take().expect("checked above");
                Command::ContinueAsNewWorkflowExecution {
                    workflow_type,
                    input,
                }
            }
            Err(failure) if failure.is_canceled() && self.root.is_canceled() => {
                Command::CancelWorkflowExecution
            }
            Err(failure) => Command::FailWorkflowExecution { failure },
        };
        self.commands.push(command);
    }

    /// The body wants to go on in a new run: gives the failure that it has to return.
    pub(crate) fn continue_as_new(
        &mut self,
        workflow_type: Option<String>,
        input: Payload,
    ) -> Failure {
        let workflow_type = workflow_type.unwrap_or_else(|| self.info.workflow_type.clone());
        if !self.is_reading() {
            self.continuation = Some((workflow_type, input));
        }
        Failure::internal(CONTINUATION)
    }

    fn is_continuation(&self, failure: &Failure) -> bool {
        self.continuation.is_some()
            && failure.kind == FailureKind::Internal
            && failure.message == CONTINUATION
    }

    pub(crate) fn command(&mut self, command: Command) {
        if self.is_reading() {
            return;
        }
        self.commands.push(command);
    }

    pub(crate) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Whether this turn went on for longer than any sound body does. Everything that can be
    /// awaited then waits, so that the turn comes to its end.
    pub(crate) fn has_spun(&self) -> bool {
        self.steps > TURN_STEPS_MAX
    }

    pub(crate) fn root_scope(&self) -> Scope {
        self.root.clone()
    }

    /// Resolves a waiting operation. News of one that nobody waits for any more is dropped.
    pub(super) fn resolve(&mut self, seq: Seq, result: Result<Payload, Failure>) {
        let Some(slot) = self.slots.get_mut(&seq) else {
            return;
        };
        if let Slot::Waiting { waker, .. } = slot {
            self.woken.extend(waker.take());
            *slot = Slot::Resolved(result);
        }
    }

    /// Activities and timers of a scope resolve at once as canceled; a child is waited for, so that its own
    /// tidying is not cut off. A wait for a signal ends as well.
    pub(crate) fn cancel_scope(&mut self, scope: &Scope, reason: String) {
        if self.is_reading() {
            return;
        }
        scope.cancel(reason);
        self.woken
            .extend(std::mem::take(&mut self.cancel_waiters).into_values());
        for waiters in std::mem::take(&mut self.signal_waiters).into_values() {
            self.woken.extend(waiters.into_values());
        }
        let reached = |slot: &Slot| match slot {
            Slot::Waiting { scope, .. } => scope.is_canceled(),
            Slot::Resolved(_) => false,
        };
        let waiting: Vec<Seq> = self
            .slots
            .iter()
            .filter(|(_, slot)| reached(slot))
            .map(|(seq, _)| *seq)
            .collect();
        for seq in waiting {
            self.cancel_operation(seq, Why::ScopeCanceled);
        }
    }

    /// Gives the cancel command of a waiting operation, once.
    fn cancel_operation(&mut self, seq: Seq, why: Why) {
        let Some(Slot::Waiting {
            kind, cancel_sent, ..
        }) = self.slots.get_mut(&seq)
        else {
            return;
        };
        if *cancel_sent == CancelSent::Yes || (*kind, why) == ALONE {
            return;
        }
        *cancel_sent = CancelSent::Yes;
        match kind {
            OperationKind::Activity => {
                self.commands
                    .push(Command::RequestCancelActivityTask { seq });
                self.resolve(seq, Err(Failure::canceled("the activity was canceled")));
            }
            OperationKind::LocalActivity => {
                self.stop_local(seq);
                let failure = Failure::canceled("the local activity was canceled");
                self.resolve(seq, Err(failure));
            }
            OperationKind::Timer => {
                self.commands.push(Command::CancelTimer { seq });
                self.resolve(seq, Err(Failure::canceled("the timer was canceled")));
            }
            OperationKind::Child | OperationKind::AbandonedChild => {
                self.commands
                    .push(Command::RequestCancelChildWorkflowExecution { seq });
            }
        }
    }

    /// Begins an operation and gives its command, unless the run is canceled and the scope obeys.
    pub(crate) fn begin(
        &mut self,
        kind: OperationKind,
        scope: &Scope,
        begin: impl FnOnce(Seq) -> Result<Begin, Failure>,
    ) -> Seq {
        if self.is_reading() {
            let failure = Failure::permanent(
                "ReadOnly",
                "a query or a validator cannot do anything, only look",
            );
            self.slots
                .insert(NO_OPERATION, Slot::Resolved(Err(failure)));
            return NO_OPERATION;
        }
        self.steps = self.steps.saturating_add(1);
        self.next_seq += 1;
        let seq = Seq(self.next_seq);
        let slot = if scope.is_canceled() {
            Slot::Resolved(Err(canceled(scope)))
        } else {
            match begin(seq) {
                Ok(begin) => {
                    match begin {
                        Begin::Command(command) => self.commands.push(command),
                        Begin::Local(task) => self.begin_local(task),
                    }
                    Slot::Waiting {
                        kind,
                        scope: scope.clone(),
                        waker: None,
                        cancel_sent: CancelSent::No,
                    }
                }
                Err(failure) => Slot::Resolved(Err(failure)),
            }
        };
        self.slots.insert(seq, slot);
        seq
    }

    /// The result of an operation, given once.
    pub(crate) fn poll_operation(
        &mut self,
        seq: Seq,
        waker: &Waker,
    ) -> Poll<Result<Payload, Failure>> {
        if self.has_spun() {
            return Poll::Pending;
        }
        if let Some(Slot::Waiting { waker: old, .. }) = self.slots.get_mut(&seq) {
            if !old.as_ref().is_some_and(|old| old.will_wake(waker)) {
                self.stale.extend(old.replace(waker.clone()));
            }
            return Poll::Pending;
        }
        match self.slots.remove(&seq) {
            Some(Slot::Resolved(result)) => Poll::Ready(result),
            Some(Slot::Waiting { .. }) | None => {
                Poll::Ready(Err(Failure::internal("the operation was awaited twice")))
            }
        }
    }

    /// Nobody waits for an operation any more.
    pub(crate) fn drop_operation(&mut self, seq: Seq) {
        if let Some(Slot::Waiting { waker, .. }) = self.slots.get_mut(&seq) {
            self.stale.extend(waker.take());
        }
        self.cancel_operation(seq, Why::Dropped);
        self.slots.remove(&seq);
    }

    /// The next signal of a name, if one is there; the cancellation, if it ends the wait.
    pub(crate) fn poll_signal(
        &mut self,
        name: &str,
        scope: &Scope,
        waiter: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Poll<Result<Payload, Failure>> {
        if self.has_spun() {
            return Poll::Pending;
        }
        if let Some(payload) = self.take_signal(name) {
            return Poll::Ready(Ok(payload));
        }
        if scope.is_canceled() {
            self.steps = self.steps.saturating_add(1);
            return Poll::Ready(Err(canceled(scope)));
        }
        let id = self.waiter_id(waiter);
        let waiters = match self.signal_waiters.get_mut(name) {
            Some(waiters) => waiters,
            None => self.signal_waiters.entry(name.to_owned()).or_default(),
        };
        self.stale.extend(waiters.insert(id, waker.clone()));
        Poll::Pending
    }

    /// The next signal of a name, if one has arrived.
    pub(crate) fn take_signal(&mut self, name: &str) -> Option<Payload> {
        if self.is_reading() {
            return None;
        }
        let queue = self.signals.get_mut(name)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.signals.remove(name);
        }
        next
    }

    pub(crate) fn drop_signal_waiter(&mut self, name: &str, id: WaiterId) {
        let Some(waiters) = self.signal_waiters.get_mut(name) else {
            return;
        };
        self.stale.extend(waiters.remove(&id));
        if waiters.is_empty() {
            self.signal_waiters.remove(name);
        }
    }

    pub(crate) fn poll_canceled(
        &mut self,
        scope: &Scope,
        waiter: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Poll<String> {
        match scope.reason() {
            Some(_) if self.has_spun() => Poll::Pending,
            Some(reason) => {
                self.steps = self.steps.saturating_add(1);
                Poll::Ready(reason.to_owned())
            }
            None => {
                let id = self.waiter_id(waiter);
                self.stale
                    .extend(self.cancel_waiters.insert(id, waker.clone()));
                Poll::Pending
            }
        }
    }

    pub(crate) fn drop_cancel_waiter(&mut self, id: WaiterId) {
        self.stale.extend(self.cancel_waiters.remove(&id));
    }

    /// Operations whose end or result somebody may still ask for.
    #[cfg(test)]
    pub(crate) fn slots_count(&self) -> usize {
        self.slots.len()
    }

    /// Futures that wait for a signal or the cancellation.
    #[cfg(test)]
    pub(crate) fn waiters_count(&self) -> usize {
        let signals: usize = self.signal_waiters.values().map(BTreeMap::len).sum();
        signals + self.cancel_waiters.len()
    }

    fn waiter_id(&mut self, waiter: &mut Option<WaiterId>) -> WaiterId {
        *waiter.get_or_insert_with(|| {
            self.next_waiter += 1;
            self.next_waiter
        })
    }

    pub(crate) fn random_state(&self) -> u64 {
        self.random
    }

    pub(crate) fn set_random_state(&mut self, random: u64) {
        self.random = random;
    }

    /// Lets all handlers go; they may hold this very context, so it would never be let go else.
    pub(crate) fn take_handlers(&mut self) -> Handlers {
        std::mem::take(&mut self.handlers)
    }

    /// The next number of the run's own sequence (SplitMix64, Steele et al. 2014).
    pub(crate) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn live_as(info: &mut WorkflowInfo, who: &Base) {
    info.workflow_id = who.workflow_id.clone();
    info.run_id = who.run_id;
    info.first_run_id = who.first_run_id;
}

/// What an operation of a canceled scope gives.
fn canceled(scope: &Scope) -> Failure {
    Failure::canceled(scope.reason().map_or_else(
        || "the scope was canceled".to_owned(),
        |reason| format!("asked to cancel: {reason}"),
    ))
}

/// The one case in which an operation that is let go is not asked to cancel.
const ALONE: (OperationKind, Why) = (OperationKind::AbandonedChild, Why::Dropped);
