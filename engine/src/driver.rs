//! The rounds on the engine's thread: messages in, the core's steps, effects out.
//!
//! Neighbours: `seat` has it go on and runs the turns that it wants, `worker` runs the attempts that it spawns. It alone
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
use crate::core::{
    ActivityTask, Answered, Core, Effect, LocalTask, Message, Question, Reply, TaskRef, Token,
    Turn, Turned,
};
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

/// What a driver has come to.
pub(crate) enum Next {
    /// Workflow code is to be run.
    Work(Box<Work>),
    /// It has ended.
    Over,
}

/// Workflow code that is to be run; it may not come back.
pub(crate) enum Work {
    Turn(Turn),
    Question(Question),
}

/// What came of it.
pub(crate) enum Done {
    Turn(Turned),
    Question(Answered),
}

impl Work {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Turn(turn) => Done::Turn(turn.run()),
            Self::Question(question) => Done::Question(question.ask()),
        }
    }
}

/// Where a round stands.
#[derive(Default)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it, and a box would be made for each turn"
)]
enum Round {
    /// Between two.
    #[default]
    Over,
    /// The code that was to be run has ended.
    Done(Done),
    /// It has not come back; tells when it has.
    Late(Arc<AtomicBool>),
}

pub(crate) struct Driver {
    core: Core,
    messages: Receiver<Inbox>,
    round: Round,
    killed: Arc<AtomicBool>,
    client: Client,
    runtime: Handle,
    activities: Activities,
    replies: HashMap<Token, oneshot::Sender<Reply>>,
    sweep_at: usize,
    attempts: HashMap<TaskRef, watch::Sender<Stop>>,
    /// Attempts of local activities, by number.
    locals: HashMap<u64, watch::Sender<Stop>>,
    next_token: u64,
    stopping: Option<Instant>,
}

impl Driver {
    /// A driver whose workers run on the current tokio runtime.
    pub(crate) fn new(
        core: Core,
        messages: Receiver<Inbox>,
        client: Client,
        activities: Activities,
        killed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            core,
            messages,
            round: Round::Over,
            killed,
            client,
            runtime: Handle::current(),
            activities,
            replies: HashMap::new(),
            sweep_at: REPLIES_SWEEP_MIN,
            attempts: HashMap::new(),
            locals: HashMap::new(),
            next_token: 0,
            stopping: None,
        }
    }

    /// Goes on until workflow code is to be run, which is for the caller to do. At the end, whether
    /// it was told to stop or cannot go on, all clients are told.
    pub(crate) fn next(&mut self) -> Next {
        let next = catch_unwind(AssertUnwindSafe(|| self.go_on()));
        let why = match next {
            Ok(Ok(Some(work))) => return Next::Work(Box::new(work)),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(format!("could not {error}")),
            Err(panic) => Some(format!("its thread panicked: {}", panic_text(&*panic))),
        };
        if let Some(why) = why {
            tracing::error!(%why, "the engine stops");
            let _first = self.client.broken.set(why.clone());
            self.tell_all(&why);
        }
        self.stop_attempts();
        Next::Over
    }

    /// The code has ended.
    pub(crate) fn end(&mut self, done: Done) {
        self.round = Round::Done(done);
    }

    /// The code has not come back; `is_back` tells when it has.
    pub(crate) fn give_up(&mut self, is_back: Arc<AtomicBool>) {
        self.round = Round::Late(is_back);
    }

    fn go_on(&mut self) -> Result<Option<Work>, StoreError> {
        loop {
            let answer = match std::mem::take(&mut self.round) {
                Round::Over => {
                    if self.is_over() {
                        return Ok(None);
                    }
                    self.begin_step()?;
                    None
                }
                Round::Done(Done::Turn(turned)) => {
                    self.core.end_turn(turned);
                    None
                }
                Round::Done(Done::Question(answered)) => Some(self.core.end_question(answered)),
                Round::Late(is_back) => {
                    let answer = self.core.give_up_question(&is_back);
                    if answer.is_none() {
                        self.core.give_up_turn(is_back);
                    }
                    answer
                }
            };
            if let Some(answer) = answer {
                self.carry_out(answer);
            } else {
                if let Some(turn) = self.core.next_turn()? {
                    return Ok(Some(Work::Turn(turn)));
                }
                self.end_step()?;
            }
            // All that was said before is durable now, and nothing since has been taken in.
            if let Some(question) = self.core.next_question()? {
                return Ok(Some(Work::Question(question)));
            }
        }
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

    /// One round, up to the turns: gather messages and see what is due.
    fn begin_step(&mut self) -> Result<(), StoreError> {
        match self.messages.recv_timeout(self.patience()) {
            Ok(first) => {
                self.receive(first)?;
                for _ in 1..GROUP_MESSAGES_MAX {
                    let Ok(next) = self.messages.try_recv() else {
                        break;
                    };
                    self.receive(next)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.begin_stop(),
        }
        let now = clock::now();
        self.core.fire_due(now);
        self.core.begin_turns(now);
        Ok(())
    }

    /// And after them: commit, tell, hand out work.
    fn end_step(&mut self) -> Result<(), StoreError> {
        for effect in self.core.commit_group()? {
            self.carry_out(effect);
        }
        for number in self.core.take_local_stops() {
            if let Some(stop) = self.locals.remove(&number) {
                let _ended = stop.send(Stop::Canceled);
            }
        }
        if self.stopping.is_none() {
            for task in self.core.poll_local(clock::now()) {
                self.spawn_local(task)?;
            }
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
            // What its attempt says next comes after this, so it is not recorded: the attempt is made again.
            Inbox::StoreFailed(error) => Err(error),
            Inbox::Shutdown => {
                self.begin_stop();
                Ok(())
            }
            Inbox::Message(message, reply) => {
                if let Message::AttemptEnded { task, .. } | Message::AttemptHeld { task } =
                    &*message
                {
                    self.attempts.remove(task);
                }
                if let Message::LocalActivityEnded { number, .. } = &*message {
                    self.locals.remove(number);
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
            // What has ended is written now, so that it is not run again.
            self.core.close_turns(clock::now());
        }
    }

    fn stop_attempts(&mut self) {
        for stop in self.attempts.values().chain(self.locals.values()) {
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

    fn spawn_local(&mut self, task: LocalTask) -> Result<(), StoreError> {
        let number = task.number;
        let Some(activity) = self.activities.get(&task.activity_type) else {
            // The core hands out registered types only.
            let failure = Failure::internal(format!("no activity {}", task.activity_type));
            let result = Some(Err(failure));
            let ended = Message::LocalActivityEnded { number, result };
            return self.core.handle(ended, None, clock::now());
        };
        let (stop, stopped) = watch::channel(Stop::No);
        self.locals.insert(number, stop);
        let client = self.client.clone();
        let attempt = worker::run_local_attempt(client, Arc::clone(activity), task, stopped);
        self.runtime.spawn(attempt);
        Ok(())
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
