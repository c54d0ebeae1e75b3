//! The engine as its user sees it: set up, started, stopped.
//!
//! Neighbours: `driver` is what the engine's own thread does, `seat` is where it sits, `client` talks
//! to it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kernel::{ActivityContract, Cx, Definition, Failure, WorkflowContract};
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::store::{Error as StoreError, Store};

use crate::activity::{Activity, FnActivity, Meters, Typed};
use crate::client::{Client, Inbox};
use crate::clock;
use crate::core::{ActivityLimit, Core, CoreOptions, Scope, Workflows};
use crate::driver::{Activities, Driver};
use crate::metrics::Metrics;
use crate::seat::{Seat, TASK_TIMEOUT};
use crate::upgrade::{self, Finding, Tally};

/// Messages that may wait for the engine's thread.
const INBOX_MAX: usize = 65_536;
/// Runs with nothing to do soon that stay in memory: enough for those that are talked to.
const IDLE_MAX: usize = 128;

/// Whether schedules fire in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    /// They do.
    Yes,
    /// They do not; requests are recorded for the process in which they do.
    No,
}

/// Sets an engine up: workflows, activities, limits.
pub struct Builder {
    store: Arc<dyn Store>,
    workflows: Workflows,
    activities: Activities,
    concurrency: usize,
    machines_max: usize,
    scope: Scope,
    task_timeout: Duration,
    limits: BTreeMap<String, ActivityLimit>,
    schedules: Option<bool>,
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

    /// Limits how many attempts of one activity type this process makes at once and in a second.
    /// Attempts that wait are not counted, and are not late by themselves.
    #[must_use]
    pub fn limit(mut self, activity_type: &str, limit: ActivityLimit) -> Self {
        self.limits.insert(activity_type.to_owned(), limit);
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

    /// How long one turn of workflow code may take. Code that has not come to wait by then has its
    /// workflow task failed, which is tried again with growing waits. A turn is milliseconds; the
    /// default of 10 seconds is for code that does what it must not, such as waiting for a lock.
    #[must_use]
    pub fn task_timeout(mut self, timeout: Duration) -> Self {
        self.task_timeout = timeout;
        self
    }

    /// Whether schedules fire in this process; if it is not said, they do when it works on all
    /// runs. Where they do not, they can be made and changed all the same.
    #[must_use]
    pub fn schedules(mut self, fire: Firing) -> Self {
        self.schedules = Some(fire == Firing::Yes);
        self
    }

    /// Replays every open run of the store against the workflows that are registered so far, before
    /// anything is started; see [`upgrade::check`](crate::upgrade::check).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn check_open_runs(&self, found: impl FnMut(Finding)) -> Result<Tally, StoreError> {
        upgrade::check(self.store.as_ref(), &self.workflows, found)
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
        let metrics = Arc::new(Metrics::new(self.workflows.keys(), self.activities.keys()));
        let client = Client {
            inbox: inbox.clone(),
            store: Arc::clone(&self.store),
            meters: Arc::new(Meters::default()),
            broken: Arc::new(OnceLock::new()),
            metrics: Arc::clone(&metrics),
        };
        let options = CoreOptions {
            workflows: self.workflows,
            activity_types: self.activities.keys().cloned().collect::<BTreeSet<_>>(),
            slots: self.concurrency,
            limits: self.limits,
            machines_max: self.machines_max,
            idle_max: IDLE_MAX,
            run_ids: Box::new(clock::new_run_id),
            scope: self.scope,
        };
        let fire = self.schedules.unwrap_or(options.scope == Scope::All);
        let mut core = Core::open(self.store, options, clock::now())?;
        core.measure(metrics);
        if fire {
            core.enable_schedules(clock::now())?;
        }
        let killed = Arc::new(AtomicBool::new(false));
        let driver = Driver::new(
            core,
            messages,
            client.clone(),
            self.activities,
            Arc::clone(&killed),
        );
        let seat = Seat::open(driver, self.task_timeout).map_err(|source| StoreError::Io {
            doing: "start the engine's thread".into(),
            source,
        })?;
        Ok(Engine {
            client,
            inbox,
            killed,
            seat: Some(seat),
        })
    }
}

/// A running engine.
///
/// **Cancel**: dropping it stops it as a killed process would: attempts that are running are told
/// to stop and not waited for, what was not committed is gone. When the drop returns, nothing more
/// is written to the store, so that another engine may open it; it blocks for one commit at most, and
/// never for workflow code.
#[derive(Debug)]
pub struct Engine {
    client: Client,
    inbox: SyncSender<Inbox>,
    killed: Arc<AtomicBool>,
    /// `None` when it is being shut down.
    seat: Option<Arc<Seat>>,
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
            task_timeout: TASK_TIMEOUT,
            limits: BTreeMap::new(),
            schedules: None,
        }
    }

    /// A handle to it.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Why it has stopped by itself, if it has: the store failed, or a defect.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.client.broken.get().cloned()
    }

    /// Stops: no new attempts, running ones are told and waited for as long as a stopped attempt
    /// may take, everything that ended is recorded.
    pub async fn shutdown(mut self) {
        let _gone = self.inbox.send(Inbox::Shutdown);
        if let Some(seat) = self.seat.take() {
            let _ended = tokio::task::spawn_blocking(move || seat.wait()).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else {
            return;
        };
        self.killed.store(true, Ordering::Release);
        // A full inbox wakes the thread as well.
        let _full = self.inbox.try_send(Inbox::Wake);
        seat.close();
    }
}
