//! The core: all durable progress, in sync steps that do one thing and take the time as argument.
//!
//! It owns the live runs. A message changes runs in memory and gathers their transitions in a
//! group; [`Core::commit`] makes the group durable; only then do replies go out and activity
//! tasks become visible through [`Core::poll_tasks`]. Thin loops drive it in production, the
//! simulator drives the very same steps. Must not know tokio, threads or the system clock.

mod begin;
mod by_hand;
mod by_token;
mod children;
mod commit;
mod dormant;
mod due;
mod feed;
mod group;
mod handle;
mod import;
mod live;
mod local;
mod message;
mod permits;
mod plan;
mod queries;
mod questions;
mod recover;
mod reset;
mod schedules;
mod tasks;
mod turn;
mod turns;

pub use live::Description;
pub use local::LocalTask;
pub use message::{
    ActivityTask, Effect, ForkRequest, IdConflictPolicy, IdReusePolicy, Message, Reply,
    ResetRequest, StartOptions, StartSpec, TaskRef, Token, TokenWord, UpdateStage,
};

pub use permits::ActivityLimit;
pub use queries::{Answered, Question};
pub use turns::{Turn, Turned};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernel::{Definition, RunId, Seq, Timestamp, WorkflowId};
use state::store::Store;

use crate::breaker;
use crate::metrics::Metrics;
use dormant::Dormant;
use due::Due;
use group::Group;
use live::LiveRun;

/// Registered workflows, by type.
pub type Workflows = BTreeMap<String, Definition>;

/// Where new run ids come from: the system in production, a counter in the simulator.
pub type RunIds = Box<dyn FnMut() -> RunId + Send>;

/// How a core is set up.
pub struct CoreOptions {
    /// Workflow code by type.
    pub workflows: Workflows,
    /// Activity types that this process can run; others wait.
    pub activity_types: BTreeSet<String>,
    /// Attempts that may run at once.
    pub slots: usize,
    /// Limits by activity type.
    pub limits: BTreeMap<String, ActivityLimit>,
    /// Live machines kept between turns; others are replayed when needed.
    pub machines_max: usize,
    /// Runs with nothing to do soon that stay in memory; others are read again when needed.
    pub idle_max: usize,
    /// Makes run ids.
    pub run_ids: RunIds,
    /// Which runs this process works on.
    pub scope: Scope,
}

/// Which open runs a process works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// Only runs that were started or asked for through this process, and their children.
    Asked,
}

impl std::fmt::Debug for CoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreOptions")
            .field("workflows", &self.workflows.keys())
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

/// All durable progress of one process. See the module.
pub struct Core {
    store: Arc<dyn Store>,
    options: CoreOptions,
    runs: HashMap<RunId, LiveRun>,
    by_id: HashMap<WorkflowId, RunId>,
    /// Runs with a machine, by their last use, oldest first.
    machines: BTreeSet<(u64, RunId)>,
    uses: u64,
    due: BTreeSet<(Timestamp, Due)>,
    ready: VecDeque<TaskRef>,
    locals_ready: VecDeque<(RunId, Seq)>,
    /// Attempts of local activities that run, by number.
    locals_out: BTreeMap<u64, (RunId, Seq)>,
    local_number: u64,
    /// Attempts of local activities to be told to stop.
    local_stops: Vec<u64>,
    /// Attempts that workers hold.
    out: HashSet<TaskRef>,
    permits: permits::Permits,
    breakers: BTreeMap<String, breaker::State>,
    group: Group,
    /// Runs whose code may be owed a turn, in order of news.
    dirty: VecDeque<RunId>,
    /// Runs that are owed a turn which must wait for the commit of their history.
    parked: Vec<RunId>,
    internal: VecDeque<children::Internal>,
    waiters: HashMap<RunId, Vec<Token>>,
    dormant: Dormant,
    /// The time of the last step.
    now: Timestamp,
    /// Turns until the next commit.
    turns_left: usize,
    turning: Option<turn::Turning>,
    /// Runs whose code did not come back from a turn, and whether it has since.
    stuck: HashMap<RunId, Arc<AtomicBool>>,
    /// Who waits for which update of which run.
    update_waiters: HashMap<(RunId, String), Vec<questions::UpdateWaiter>>,
    /// To be told after the next commit.
    outcomes: Vec<questions::Outcome>,
    /// To be asked after a commit.
    queries: VecDeque<queries::Query>,
    /// Whose code is asked, and who wants to know.
    asking: Option<(RunId, Token)>,
    /// Runs whose code did not come back from a query, and whether it has since.
    stuck_queries: HashMap<RunId, Arc<AtomicBool>>,
    schedules: schedules::Schedules,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("runs", &self.runs.len())
            .field("ready", &self.ready.len())
            .field("out", &self.out.len())
            .finish_non_exhaustive()
    }
}

impl Core {
    /// Counts and measures into `metrics` from now on.
    pub(crate) fn measure(&mut self, metrics: Arc<Metrics>) {
        self.metrics = metrics;
        self.show();
    }

    /// What is so at the moment, for whoever looks.
    fn show(&self) {
        let metrics = &self.metrics;
        metrics.cache_size.set(self.machines.len());
        metrics.open_runs.set(self.open_runs());
        metrics.dormant_runs.set(self.dormant.len());
        metrics.tasks_ready.set(self.ready.len());
        metrics.slots_used.set(self.out.len());
        let free = self.options.slots.saturating_sub(self.out.len());
        metrics.slots_free.set(free);
    }

    /// Open runs that this core looks after.
    #[must_use]
    pub fn open_runs(&self) -> usize {
        self.by_id.len() + self.dormant.len()
    }

    /// Open runs that left the memory until they are due or somebody asks for them.
    #[must_use]
    pub fn dormant_runs(&self) -> usize {
        self.dormant.len()
    }

    /// Whether nothing is waiting to be committed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.group.is_empty()
            && self.dirty.is_empty()
            && self.parked.is_empty()
            && self.outcomes.is_empty()
            && self.queries.is_empty()
            && self.internal.is_empty()
            && self.schedules.is_settled()
    }

    /// Attempts that are out with workers.
    #[must_use]
    pub fn attempts_out(&self) -> usize {
        self.out.len()
    }

    /// When the next timer, retry, timeout or schedule is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.schedules.next_wake()).min()
    }
}
