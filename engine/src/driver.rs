//! The loop on the engine's thread: messages in, the core's steps, effects out.
//!
//! Neighbours: `engine` starts and stops it, `worker` runs the attempts that it spawns. It alone
//! touches the core; must not decide anything.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use kernel::Failure;
use state::store::Error as StoreError;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::activity::{ErasedActivity, Stop};
use crate::client::{Client, Inbox};
use crate::clock;
use crate::core::{ActivityTask, Core, Effect, Message, Reply, TaskRef, Token};
use crate::worker::{self, panic_text};

/// Registered activities, by type.
pub(crate) type Activities = BTreeMap<String, Arc<dyn ErasedActivity>>;

/// Messages that go into one group at most.
const GROUP_MESSAGES_MAX: usize = 4_096;
/// The longest sleep of the loop: bounds how late a jump of the wall clock is noticed.
const SLEEP_MAX: Duration = Duration::from_millis(500);
/// After a shutdown was asked for, the loop ends at the latest after this.
const SHUTDOWN_MAX: Duration = Duration::from_secs(8);

/// Clients that wait are looked through for those who have gone when there are so many.
const REPLIES_SWEEP_MIN: usize = 1_024;

pub(crate) struct Driver {
    core: Core,
    killed: Arc<AtomicBool>,
    client: Client,
    runtime: Handle,
    activities: Activities,
    replies: HashMap<Token, oneshot::Sender<Reply>>,
    sweep_at: usize,
    attempts: HashMap<TaskRef, watch::Sender<Stop>>,
    next_token: u64,
    stopping: Option<Instant>,
}

impl Driver {
    /// A driver whose workers run on the current tokio runtime.
    pub(crate) fn new(
        core: Core,
        client: Client,
        activities: Activities,
        killed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            core,
            killed,
            client,
            runtime: Handle::current(),
            activities,
            replies: HashMap::new(),
            sweep_at: REPLIES_SWEEP_MIN,
            attempts: HashMap::new(),
            next_token: 0,
            stopping: None,
        }
    }

    /// Runs until it is told to stop or cannot go on; either way all clients are told.
    pub(crate) fn run_to_end(mut self, messages: &Receiver<Inbox>) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.run(messages)));
        let why = match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("could not {error}")),
            Err(panic) => Some(format!("its thread panicked: {}", panic_text(&*panic))),
        };
        if let Some(why) = why {
            tracing::error!(%why, "the engine stops");
            let _first = self.client.broken.set(why.clone());
            self.tell_all(&why);
        }
        self.stop_attempts();
    }

    fn run(&mut self, messages: &Receiver<Inbox>) -> Result<(), StoreError> {
        while !self.is_over() {
            self.step(messages)?;
        }
        Ok(())
    }

    fn tell_all(&mut self, why: &str) {
        #[expect(
            clippy::iter_over_hash_type,
            reason = "each is told the same, order is no matter"
        )]
        for (_, reply) in self.replies.drain() {
            let _left = reply.send(Reply::Broken(why.to_owned()));
        }
    }

    fn is_over(&self) -> bool {
        let stopped = self
            .stopping
            .is_some_and(|since| self.core.attempts_out() == 0 || since.elapsed() > SHUTDOWN_MAX);
        stopped || self.killed.load(Ordering::Acquire)
    }

    /// One round: gather messages, let the runs move, commit, tell.
    fn step(&mut self, messages: &Receiver<Inbox>) -> Result<(), StoreError> {
        match messages.recv_timeout(self.patience()) {
            Ok(first) => {
                self.receive(first)?;
                for _ in 1..GROUP_MESSAGES_MAX {
                    let Ok(next) = messages.try_recv() else { break };
                    self.receive(next)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.begin_stop(),
        }
        let now = clock::now();
        self.core.fire_due(now);
        self.core.run_workflow_tasks(now)?;
        for effect in self.core.commit()? {
            self.carry_out(effect);
        }
        if self.stopping.is_none() {
            for task in self.core.poll_tasks(clock::now()) {
                self.spawn(task)?;
            }
        }
        self.sweep();
        Ok(())
    }

    /// How long the loop may sleep.
    fn patience(&self) -> Duration {
        if !self.core.is_settled() {
            return Duration::ZERO;
        }
        let max = if self.stopping.is_some() {
            Duration::from_millis(20)
        } else {
            SLEEP_MAX
        };
        match self.core.next_due() {
            Some(at) => Duration::from_millis(at.since(clock::now()).0).min(max),
            None => max,
        }
    }

    /// Clients that gave up waiting leave nothing behind.
    fn sweep(&mut self) {
        if self.replies.len() < self.sweep_at {
            return;
        }
        self.replies.retain(|_, reply| !reply.is_closed());
        self.core
            .retain_waiters(|token| self.replies.contains_key(&token));
        self.sweep_at = (2 * self.replies.len()).max(REPLIES_SWEEP_MIN);
    }

    fn receive(&mut self, inbox: Inbox) -> Result<(), StoreError> {
        match inbox {
            Inbox::Wake => Ok(()),
            Inbox::Shutdown => {
                self.begin_stop();
                Ok(())
            }
            Inbox::Message(message, reply) => {
                if let Message::AttemptEnded { task, .. } = &*message {
                    self.attempts.remove(task);
                }
                let token = reply.map(|reply| {
                    self.next_token += 1;
                    let token = Token(self.next_token);
                    self.replies.insert(token, reply);
                    token
                });
                self.core.handle(*message, token, clock::now())
            }
        }
    }

    fn begin_stop(&mut self) {
        if self.stopping.is_none() {
            self.stopping = Some(Instant::now());
            self.stop_attempts();
        }
    }

    fn stop_attempts(&mut self) {
        #[expect(
            clippy::iter_over_hash_type,
            reason = "each is told the same, order is no matter"
        )]
        for stop in self.attempts.values() {
            let _ended = stop.send(Stop::Shutdown);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(token, reply) => {
                if let Some(sender) = self.replies.remove(&token) {
                    // Whoever asked may have gone.
                    let _gone = sender.send(reply);
                }
            }
            Effect::CancelAttempt(task) => {
                if let Some(stop) = self.attempts.get(&task) {
                    let _ended = stop.send(Stop::Canceled);
                }
            }
            Effect::RunClosed(run_id) => tracing::debug!(%run_id, "run closed"),
        }
    }

    fn spawn(&mut self, task: ActivityTask) -> Result<(), StoreError> {
        let Some(activity) = self.activities.get(&task.activity_type) else {
            // The core hands out registered types only; were it wrong, the slot must come back.
            let failure = Failure::internal(format!("no activity {}", task.activity_type));
            let ended = Message::AttemptEnded {
                task: task.task,
                result: Some(Err(failure)),
            };
            return self.core.handle(ended, None, clock::now());
        };
        let (stop, stopped) = watch::channel(Stop::No);
        self.attempts.insert(task.task, stop);
        let attempt = worker::run_attempt(self.client.clone(), Arc::clone(activity), task, stopped);
        self.runtime.spawn(attempt);
        Ok(())
    }
}
