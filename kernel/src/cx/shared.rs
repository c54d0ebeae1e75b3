//! What the machine and all handles of one body share.
//!
//! One mutex, held for moments only and never while user code runs. Must not be reachable from
//! outside the kernel.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::command::Command;
use crate::failure::Failure;
use crate::ids::{Seq, Timestamp};
use crate::machine::{News, Replaying, WorkflowInfo};
use crate::payload::Payload;

/// What an operation of the body is, so that it can be canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Activity,
    Timer,
    Child,
}

/// Whether a cancellation of the run reaches an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Cancellable,
    Shielded,
}

pub(crate) enum Slot {
    Waiting { kind: OperationKind, scope: Scope, waker: Option<Waker>, cancel_sent: CancelSent },
    Resolved(Result<Payload, Failure>),
}

/// Whether the cancel command of an operation was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelSent {
    Yes,
    No,
}

pub(crate) struct Inner {
    pub(crate) info: WorkflowInfo,
    pub(crate) now: Timestamp,
    pub(crate) commands: Vec<Command>,
    pub(crate) slots: BTreeMap<Seq, Slot>,
    pub(crate) signals: BTreeMap<String, VecDeque<Payload>>,
    pub(crate) signal_wakers: BTreeMap<String, Waker>,
    pub(crate) cancel: Option<String>,
    pub(crate) cancel_wakers: Vec<Waker>,
    pub(crate) replaying: Replaying,
    next_seq: u32,
    random: u64,
}

pub(crate) struct Shared(Mutex<Inner>);

impl Shared {
    pub(crate) fn new(info: WorkflowInfo) -> Self {
        let random = info.seed;
        Self(Mutex::new(Inner {
            info,
            now: Timestamp(0),
            commands: Vec::new(),
            slots: BTreeMap::new(),
            signals: BTreeMap::new(),
            signal_wakers: BTreeMap::new(),
            cancel: None,
            cancel_wakers: Vec::new(),
            replaying: Replaying::No,
            next_seq: 0,
            random,
        }))
    }

    /// A panic of user code cannot poison what it cannot hold, so the lock is always good.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin_turn(&self, news: Vec<News>, now: Timestamp) {
        let mut inner = self.lock();
        inner.now = now;
        // A cancellation is told last: what ended in the same turn is not canceled any more.
        let (cancels, others): (Vec<_>, Vec<_>) =
            news.into_iter().partition(|one| matches!(one, News::CancelRequested { .. }));
        for one in others.into_iter().chain(cancels) {
            inner.tell(one);
        }
    }

    pub(crate) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.lock().commands)
    }

    pub(crate) fn set_replaying(&self, replaying: Replaying) {
        self.lock().replaying = replaying;
    }

    /// The body returned.
    pub(crate) fn close(&self, result: Result<Payload, Failure>) {
        let mut inner = self.lock();
        let command = match result {
            Ok(result) => Command::CompleteWorkflowExecution { result },
            Err(failure) if failure.is_canceled() && inner.cancel.is_some() => {
                Command::CancelWorkflowExecution
            }
            Err(failure) => Command::FailWorkflowExecution { failure },
        };
        inner.commands.push(command);
    }
}

impl Inner {
    fn tell(&mut self, news: News) {
        match news {
            News::ActivityResolved { seq, result } | News::ChildResolved { seq, result } => {
                self.resolve(seq, result);
            }
            News::TimerFired { seq } => self.resolve(seq, Ok(Payload::null())),
            News::ChildStarted { .. } => {}
            News::Signal { name, input } => {
                if let Some(waker) = self.signal_wakers.remove(&name) {
                    waker.wake();
                }
                self.signals.entry(name).or_default().push_back(input);
            }
            News::CancelRequested { reason } => self.cancel_all(reason),
        }
    }

    /// Resolves a waiting operation. News of one that nobody waits for any more is dropped.
    fn resolve(&mut self, seq: Seq, result: Result<Payload, Failure>) {
        let Some(slot) = self.slots.get_mut(&seq) else { return };
        if let Slot::Waiting { waker, .. } = slot {
            let waker = waker.take();
            *slot = Slot::Resolved(result);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Activities and timers resolve at once as canceled; a child is waited for, so that its own
    /// tidying is not cut off.
    fn cancel_all(&mut self, reason: String) {
        self.cancel = Some(reason);
        for waker in self.cancel_wakers.drain(..) {
            waker.wake();
        }
        let waiting: Vec<Seq> = self
            .slots
            .iter()
            .filter(|(_, slot)| {
                matches!(slot, Slot::Waiting { scope: Scope::Cancellable, .. })
            })
            .map(|(seq, _)| *seq)
            .collect();
        for seq in waiting {
            self.cancel_operation(seq);
        }
    }

    /// Gives the cancel command of a waiting operation, once.
    pub(crate) fn cancel_operation(&mut self, seq: Seq) {
        let Some(Slot::Waiting { kind, cancel_sent, .. }) = self.slots.get_mut(&seq) else {
            return;
        };
        if *cancel_sent == CancelSent::Yes {
            return;
        }
        *cancel_sent = CancelSent::Yes;
        match kind {
            OperationKind::Activity => {
                self.commands.push(Command::RequestCancelActivityTask { seq });
                self.resolve(seq, Err(Failure::canceled("the activity was canceled")));
            }
            OperationKind::Timer => {
                self.commands.push(Command::CancelTimer { seq });
                self.resolve(seq, Err(Failure::canceled("the timer was canceled")));
            }
            OperationKind::Child => {
                self.commands.push(Command::RequestCancelChildWorkflowExecution { seq });
            }
        }
    }

    /// Begins an operation and gives its command, unless the run is canceled and the scope obeys.
    pub(crate) fn begin(
        &mut self,
        kind: OperationKind,
        scope: Scope,
        command: impl FnOnce(Seq) -> Result<Command, Failure>,
    ) -> Seq {
        self.next_seq += 1;
        let seq = Seq(self.next_seq);
        let slot = if scope == Scope::Cancellable && self.cancel.is_some() {
            Slot::Resolved(Err(Failure::canceled("the workflow was asked to cancel")))
        } else {
            match command(seq) {
                Ok(command) => {
                    self.commands.push(command);
                    Slot::Waiting { kind, scope, waker: None, cancel_sent: CancelSent::No }
                }
                Err(failure) => Slot::Resolved(Err(failure)),
            }
        };
        self.slots.insert(seq, slot);
        seq
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
