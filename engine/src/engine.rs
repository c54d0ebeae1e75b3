//! The engine: a core on a thread of its own, workers on tokio, and the loop between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kernel::{ActivityContract, Cx, Definition, Failure, WorkflowContract};
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::store::{Error as StoreError, Store};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::activity::{Activity, ErasedActivity, FnActivity, Meters, Stop, Typed};
use crate::client::{Client, Inbox};
use crate::clock;
use crate::core::{Core, CoreOptions, Effect, Message, Reply, Scope, TaskRef, Token, Workflows};
use crate::worker;

/// Messages that may wait for the engine's thread.
const INBOX_MAX: usize = 65_536;
/// Messages that go into one group at most.
const GROUP_MESSAGES_MAX: usize = 4_096;
/// The longest sleep of the loop: bounds how late a jump of the wall clock is noticed.
const SLEEP_MAX: Duration = Duration::from_millis(500);

type Activities = BTreeMap<String, Arc<dyn ErasedActivity>>;

/// Sets an engine up: workflows, activities, limits.
pub struct Builder {
    store: Arc<dyn Store>,
    workflows: Workflows,
    activities: Activities,
    concurrency: usize,
    machines_max: usize,
    scope: Scope,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("workflows", &self.workflows.keys())
            .field("activities", &self.activities.keys())
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Registers a workflow: an async function of [`Cx`] and one input.
    #[must_use]
    pub fn workflow<I, O, F, Fut>(mut self, workflow_type: &str, body: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        F: Fn(Cx, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        self.workflows.insert(
            workflow_type.to_owned(),
            Definition::new(workflow_type, body),
        );
        self
    }

    /// Registers a workflow under the name of its contract.
    #[must_use]
    pub fn workflow_typed<W, F, Fut>(self, body: F) -> Self
    where
        W: WorkflowContract,
        F: Fn(Cx, W::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<W::Output, Failure>> + Send + 'static,
    {
        self.workflow(W::TYPE, body)
    }

    /// Registers ready-made definitions.
    #[must_use]
    pub fn definitions(mut self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        for definition in definitions {
            self.workflows
                .insert(definition.workflow_type().to_owned(), definition);
        }
        self
    }

    /// Registers an activity under the name of its contract.
    #[must_use]
    pub fn activity<A: Activity>(mut self, activity: A) -> Self {
        let name = <A::Contract as ActivityContract>::TYPE.to_owned();
        self.activities.insert(name, Arc::new(Typed(activity)));
        self
    }

    /// Registers an async function as an activity.
    #[must_use]
    pub fn activity_fn<I, O, F, Fut>(mut self, activity_type: &str, body: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(crate::ActivityCx, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        self.activities
            .insert(activity_type.to_owned(), Arc::new(FnActivity::new(body)));
        self
    }

    /// Attempts that run at once, at most. Zero runs none: a client that only records.
    #[must_use]
    pub fn concurrency(mut self, attempts: usize) -> Self {
        self.concurrency = attempts;
        self
    }

    /// Live machines kept between turns.
    #[must_use]
    pub fn machines_max(mut self, machines: usize) -> Self {
        self.machines_max = machines;
        self
    }

    /// Which open runs the engine works on.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Starts the engine on the current tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be read, or the thread cannot be made.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn start(self) -> Result<Engine, StoreError> {
        let (inbox, messages) = sync_channel(INBOX_MAX);
        let client = Client {
            inbox: inbox.clone(),
            store: Arc::clone(&self.store),
            meters: Arc::new(Meters::default()),
            broken: Arc::new(OnceLock::new()),
        };
        let options = CoreOptions {
            workflows: self.workflows,
            activity_types: self.activities.keys().cloned().collect::<BTreeSet<_>>(),
            slots: self.concurrency,
            machines_max: self.machines_max,
            run_ids: Box::new(clock::new_run_id),
            scope: self.scope,
        };
        let core = Core::open(self.store, options, clock::now())?;
        let driver = Driver {
            core,
            client: client.clone(),
            runtime: Handle::current(),
            activities: self.activities,
            replies: HashMap::new(),
            attempts: HashMap::new(),
            next_token: 0,
            stopping: None,
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || driver.run(&messages))
            .map_err(|source| StoreError::Io {
                doing: "start the engine's thread".into(),
                source,
            })?;
        Ok(Engine {
            client,
            inbox,
            thread: Some(thread),
        })
    }
}

/// A running engine. Dropping it stops it without waiting for attempts.
#[derive(Debug)]
pub struct Engine {
    client: Client,
    inbox: SyncSender<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Sets an engine up over a store.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>) -> Builder {
        Builder {
            store,
            workflows: Workflows::new(),
            activities: Activities::new(),
            concurrency: 16,
            machines_max: 10_000,
            scope: Scope::All,
        }
    }

    /// A handle to it.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Stops: no new attempts, running ones are told and waited for as long as a stopped attempt
    /// may take, everything that ended is recorded.
    pub async fn shutdown(mut self) {
        let _gone = self.inbox.send(Inbox::Shutdown);
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself; a panic in it was reported by the panic hook.
            let _ended = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _gone = self.inbox.try_send(Inbox::Shutdown);
    }
}

/// After a shutdown was asked for, the loop ends at the latest after this.
const SHUTDOWN_MAX: Duration = Duration::from_secs(8);

struct Driver {
    core: Core,
    client: Client,
    runtime: Handle,
    activities: Activities,
    replies: HashMap<Token, oneshot::Sender<Reply>>,
    attempts: HashMap<TaskRef, watch::Sender<Stop>>,
    next_token: u64,
    stopping: Option<Instant>,
}

impl Driver {
    fn run(mut self, messages: &Receiver<Inbox>) {
        while !self.is_over() {
            if let Err(error) = self.step(messages) {
                let why = format!("could not {error}");
                tracing::error!(%why, "the engine stops: its store failed");
                let _first = self.client.broken.set(why.clone());
                for (_, reply) in self.replies.drain() {
                    let _left = reply.send(Reply::Broken(why.clone()));
                }
                self.stop_attempts();
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stopping
            .is_some_and(|since| self.core.attempts_out() == 0 || since.elapsed() > SHUTDOWN_MAX)
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
                self.spawn(task);
            }
        }
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

    fn receive(&mut self, inbox: Inbox) -> Result<(), StoreError> {
        match inbox {
            Inbox::Shutdown => {
                self.begin_stop();
                Ok(())
            }
            Inbox::Message(message, reply) => {
                if let Message::AttemptEnded { task, .. } = &message {
                    self.attempts.remove(task);
                }
                let token = reply.map(|reply| {
                    self.next_token += 1;
                    let token = Token(self.next_token);
                    self.replies.insert(token, reply);
                    token
                });
                self.core.handle(message, token, clock::now())
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

    fn spawn(&mut self, task: crate::core::ActivityTask) {
        let Some(activity) = self.activities.get(&task.activity_type) else {
            // The core hands out registered types only; were it wrong, the slot must come back.
            let failure = Failure::internal(format!("no activity {}", task.activity_type));
            let result = Some(Err(failure));
            self.client.post(Message::AttemptEnded {
                task: task.task,
                result,
            });
            return;
        };
        let (stop, stopped) = watch::channel(Stop::No);
        self.attempts.insert(task.task, stop);
        let attempt = worker::run_attempt(self.client.clone(), Arc::clone(activity), task, stopped);
        self.runtime.spawn(attempt);
    }
}
