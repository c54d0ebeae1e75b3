//! A core with a played clock, and workflows to try it with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Description;
use engine::core::{
    ActivityLimit, ActivityTask, Core, CoreOptions, Effect, Message, Reply, Scope, StartSpec,
    TaskRef, Token, Workflows,
};
use kernel::{
    ActivityOptions, Cx, Definition, EventId, Failure, HistoryEvent, Millis, Payload, RetryPolicy,
    RunId, RunState, Timestamp, WorkflowId,
};
use serde::{Deserialize, Serialize};
use state::memory_store::MemoryStore;
use state::store::Store;

pub(crate) const T0: Timestamp = Timestamp(1_700_000_000_000);

/// One activity and how to run it, as the input of the workflow `one`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct One {
    pub(crate) name: String,
    pub(crate) options: ActivityOptions,
}

/// The options that most tests start from: ten minutes between attempts, no limit.
pub(crate) fn slow_retry() -> ActivityOptions {
    ActivityOptions {
        start_to_close: Millis::seconds(60),
        retry: RetryPolicy {
            initial_interval: Millis::seconds(600),
            backoff_coefficient: 1.0,
            maximum_interval: Millis::seconds(600),
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    }
}

pub(crate) fn once() -> ActivityOptions {
    ActivityOptions {
        retry: RetryPolicy::once(),
        ..slow_retry()
    }
}

async fn one(cx: Cx, one: One) -> Result<u64, Failure> {
    cx.activity_named(&one.name, &1_u64, one.options).await
}

/// Several of the same side by side; the sum.
async fn many(cx: Cx, all: Vec<One>) -> Result<u64, Failure> {
    let each = all
        .into_iter()
        .map(|o| cx.activity_named::<_, u64>(&o.name, &1_u64, o.options));
    kernel::join_all(each).await.into_iter().sum()
}

async fn nap(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(ms)).await?;
    Ok(ms)
}

/// Waits for a signal that says how much, and adds the next.
async fn listen(cx: Cx, _: ()) -> Result<u64, Failure> {
    let first: u64 = cx.signal("number").await?;
    let second: u64 = cx.signal("number").await?;
    Ok(first + second)
}

pub(crate) fn workflows() -> Workflows {
    of([
        Definition::new("one", one),
        Definition::new("many", many),
        Definition::new("nap", nap),
        Definition::new("listen", listen),
    ])
}

pub(crate) fn of(definitions: impl IntoIterator<Item = Definition>) -> Workflows {
    definitions
        .into_iter()
        .map(|d| (d.workflow_type().to_owned(), d))
        .collect()
}

pub(crate) struct Rig {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) core: Core,
    pub(crate) now: Timestamp,
    pub(crate) effects: Vec<Effect>,
    pub(crate) workflows: Workflows,
    pub(crate) machines_max: usize,
    pub(crate) slots: usize,
    pub(crate) scope: Scope,
    pub(crate) limits: BTreeMap<String, ActivityLimit>,
    run_ids: Arc<AtomicU64>,
    next_token: u64,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), workflows())
    }

    pub(crate) fn over(store: Arc<dyn Store>, workflows: Workflows) -> Self {
        let run_ids = Arc::new(AtomicU64::new(1));
        let options = options(
            workflows.clone(),
            &run_ids,
            100,
            100,
            Scope::All,
            &BTreeMap::new(),
        );
        let core = Core::open(Arc::clone(&store), options, T0).unwrap();
        Self {
            store,
            core,
            now: T0,
            effects: Vec::new(),
            workflows,
            machines_max: 100,
            slots: 100,
            scope: Scope::All,
            limits: BTreeMap::new(),
            run_ids,
            next_token: 0,
        }
    }

    /// The process dies and another takes its place.
    pub(crate) fn restart(&mut self) {
        let options = options(
            self.workflows.clone(),
            &self.run_ids,
            self.machines_max,
            self.slots,
            self.scope.clone(),
            &self.limits,
        );
        self.effects.clear();
        self.core = Core::open(Arc::clone(&self.store), options, self.now).unwrap();
        self.settle();
    }

    pub(crate) fn pass(&mut self, time: Millis) {
        self.now = self.now.after(time);
        self.settle();
    }

    /// Rounds of the engine's loop until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            self.core.fire_due(self.now);
            self.core.run_workflow_tasks(self.now).unwrap();
            self.effects.extend(self.core.commit().unwrap());
            let is_due = self.core.next_due().is_some_and(|at| at <= self.now);
            if self.core.is_settled() && !is_due {
                return;
            }
        }
    }

    pub(crate) fn tell(&mut self, message: Message) {
        self.core.handle(message, None, self.now).unwrap();
        self.settle();
    }

    pub(crate) fn send(&mut self, message: Message) -> Token {
        self.next_token += 1;
        let token = Token(self.next_token);
        self.core.handle(message, Some(token), self.now).unwrap();
        token
    }

    /// The answer to a token, if it has been given.
    pub(crate) fn answer(&self, token: Token) -> Option<Reply> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Reply(t, reply) if *t == token => Some(reply.clone()),
            Effect::Reply(..) | Effect::CancelAttempt(_) | Effect::RunClosed(_) => None,
        })
    }

    pub(crate) fn ask(&mut self, message: Message) -> Reply {
        let token = self.send(message);
        self.settle();
        self.answer(token).expect("the core answers")
    }

    pub(crate) fn start<I: Serialize>(&mut self, id: &str, kind: &str, input: &I) -> RunId {
        let spec = StartSpec::new(id, kind, Payload::json(input).unwrap());
        let reply = self.ask(Message::Start(spec));
        let Reply::Started(run_id) = reply else {
            panic!("not started: {reply:?}")
        };
        run_id
    }

    pub(crate) fn start_one(&mut self, id: &str, name: &str, options: ActivityOptions) -> RunId {
        self.start(
            id,
            "one",
            &One {
                name: name.to_owned(),
                options,
            },
        )
    }

    /// What is handed out now.
    pub(crate) fn poll(&mut self) -> Vec<ActivityTask> {
        let tasks = self.core.poll_tasks(self.now);
        self.settle();
        tasks
    }

    /// The one task that must be handed out now.
    pub(crate) fn task(&mut self) -> ActivityTask {
        let mut tasks = self.poll();
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        tasks.remove(0)
    }

    pub(crate) fn end(&mut self, task: TaskRef, result: Result<u64, Failure>) {
        let result = Some(result.map(|value| Payload::json(&value).unwrap()));
        self.tell(Message::AttemptEnded { task, result });
    }

    pub(crate) fn flaky(&mut self, task: TaskRef) {
        self.end(task, Err(Failure::retryable("Flaky", "the line is busy")));
    }

    pub(crate) fn beat(&mut self, task: TaskRef, details: &str) {
        let details = Some(Payload::json(details).unwrap());
        self.tell(Message::Heartbeat { task, details });
    }

    pub(crate) fn describe(&mut self, run_id: RunId) -> Description {
        let reply = self.ask(Message::Describe(run_id));
        let Reply::Description(description) = reply else {
            panic!("not open: {reply:?}")
        };
        *description
    }

    /// What the store has.
    pub(crate) fn state(&self, run_id: RunId) -> RunState {
        self.store
            .load_run(run_id)
            .unwrap()
            .expect("the run is there")
    }

    pub(crate) fn run_of(&self, id: &str) -> RunId {
        self.store
            .latest_run(&WorkflowId::new(id))
            .unwrap()
            .expect("the run is there")
    }

    pub(crate) fn history(&self, run_id: RunId) -> Vec<HistoryEvent> {
        let mut events: Vec<HistoryEvent> = Vec::new();
        loop {
            let after = events.last().map_or(EventId(0), |e| e.id);
            let page = self.store.load_history(run_id, after, 100).unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    pub(crate) fn names(&self, run_id: RunId) -> Vec<&'static str> {
        self.history(run_id).iter().map(|e| e.kind.name()).collect()
    }

    /// The value that a run completed with.
    pub(crate) fn value(&self, run_id: RunId) -> u64 {
        match self.state(run_id).outcome {
            Some(kernel::Outcome::Completed(payload)) => payload.decode().unwrap(),
            other => panic!("no value: {other:?}"),
        }
    }

    /// The failure that a run closed with.
    pub(crate) fn failure(&self, run_id: RunId) -> Failure {
        match self.state(run_id).outcome {
            Some(kernel::Outcome::Failed(failure)) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }
}

fn options(
    workflows: BTreeMap<String, Definition>,
    run_ids: &Arc<AtomicU64>,
    machines_max: usize,
    slots: usize,
    scope: Scope,
    limits: &BTreeMap<String, ActivityLimit>,
) -> CoreOptions {
    let run_ids = Arc::clone(run_ids);
    CoreOptions {
        workflows,
        activity_types: BTreeSet::from(["work".to_owned(), "mail".to_owned()]),
        slots,
        machines_max,
        idle_max: machines_max,
        run_ids: Box::new(move || {
            let n = run_ids.fetch_add(1, Ordering::Relaxed);
            let mut id = [0_u8; 16];
            id[8..].copy_from_slice(&n.to_be_bytes());
            RunId(id)
        }),
        scope,
        limits: limits.clone(),
    }
}
