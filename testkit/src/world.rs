//! One process and the world around it: the engine's core, a store in memory, a clock that jumps, the
//! mocked activities, and the hand that kills the process.
//!
//! Neighbours: `env` puts questions in and `wait` takes answers out; `crash` says when the process
//! dies. A round is the body of the engine's own loop. Must not know tests, threads or real time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use engine::core::{
    ActivityTask, Core, CoreOptions, Effect, LocalTask, Message, Reply, Scope, TaskRef, Token,
};
use kernel::{EventId, Failure, HistoryEvent, RunId, RunState, Timestamp};
use state::memory_store::MemoryStore;
use state::store::{Error as StoreError, Store};

use crate::builder::Builder;
use crate::crash::Moment;
use crate::error::Error;
use crate::mock::{Mock, Outside, Said};
use crate::text;
use crate::wait::Awaited;

/// What is run anew when a process starts: it makes workflows and mocks with empty memories.
pub(crate) type Setup = Box<dyn Fn() -> Builder + Send>;

/// Attempts at once: as many as any test wants.
const SLOTS: usize = 10_000;
/// Rounds at one time of the clock: more is a workflow that never rests.
const ROUNDS_MAX: u32 = 100_000;
/// Jumps of the clock between two answers: more is a wait for what does not come.
const JUMPS_MAX: u32 = 200_000;

/// When the process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrashAt {
    /// In which round of the loop, from 1.
    pub(crate) round: u64,
    /// Where in it.
    pub(crate) moment: Moment,
}

/// Something that the test asked and that was not answered yet.
struct Asked {
    message: Message,
    is_sent: bool,
}

pub(crate) struct World {
    setup: Setup,
    mocks: BTreeMap<String, Mock>,
    pub(crate) store: MemoryStore,
    core: Core,
    pub(crate) now: Timestamp,
    run_ids: Arc<AtomicU64>,
    next_token: u64,
    asked: BTreeMap<Token, Asked>,
    answers: BTreeMap<Token, Reply>,
    pub(crate) outside: Outside,
    /// Attempts of silent mocks that the process waits for.
    hanging: BTreeSet<TaskRef>,
    sleepers: BTreeSet<Timestamp>,
    /// Grows whenever anything happens.
    steps: u64,
    rounds: u64,
    jumps: u32,
    /// The rounds that made something durable.
    pub(crate) commits: Vec<u64>,
    crash_at: Option<CrashAt>,
    /// The last durable event of each run when the process died last.
    pub(crate) died_at: BTreeMap<RunId, EventId>,
    fault: Option<Error>,
}

impl World {
    pub(crate) fn new(setup: Setup, crash_at: Option<CrashAt>) -> Self {
        let builder = setup();
        let (store, run_ids) = (MemoryStore::new(), Arc::new(AtomicU64::new(1)));
        let (now, mocks) = (builder.start, builder.mocks.clone());
        Self {
            core: open(&store, builder, &run_ids, now),
            setup,
            mocks,
            store,
            now,
            run_ids,
            next_token: 0,
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
            outside: Outside::default(),
            hanging: BTreeSet::new(),
            sleepers: BTreeSet::new(),
            steps: 0,
            rounds: 0,
            jumps: 0,
            commits: Vec::new(),
            crash_at,
            died_at: BTreeMap::new(),
            fault: None,
        }
    }

    /// Puts a message into the next round. Until it is answered, a process that dies gets it again.
    pub(crate) fn ask(&mut self, message: Message) -> Token {
        self.next_token += 1;
        let token = Token(self.next_token);
        let is_sent = false;
        self.asked.insert(token, Asked { message, is_sent });
        token
    }

    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        self.sleepers.insert(at);
    }

    pub(crate) fn forget(&mut self, awaited: Awaited) {
        if let Awaited::Reply(token) = awaited {
            self.asked.remove(&token);
            self.answers.remove(&token);
        }
    }

    /// Lets the world go on for somebody who waits. `seen` is how far it was when he asked before:
    /// if nothing has happened since, nobody else in the test had anything to do either, and the
    /// clock jumps.
    pub(crate) fn poll(
        &mut self,
        awaited: Awaited,
        seen: &mut Option<u64>,
    ) -> Poll<Result<Reply, Error>> {
        if let Some(reply) = self.take(awaited) {
            return Poll::Ready(Ok(reply));
        }
        if let Some(fault) = &self.fault {
            return Poll::Ready(Err(fault.clone()));
        }
        let went = match *seen {
            Some(steps) if steps == self.steps => self.jump(),
            Some(_) | None => self.settle(),
        };
        if let Err(fault) = went {
            // Who has waited in vain may do something about it; the rest is for good.
            if !matches!(fault, Error::Stuck { .. } | Error::Endless { .. }) {
                self.fault = Some(fault.clone());
            }
            return Poll::Ready(Err(fault));
        }
        if let Some(reply) = self.take(awaited) {
            return Poll::Ready(Ok(reply));
        }
        *seen = Some(self.steps);
        Poll::Pending
    }

    fn take(&mut self, awaited: Awaited) -> Option<Reply> {
        let reply = match awaited {
            Awaited::Reply(token) => self.answers.remove(&token),
            Awaited::Time(at) => (at <= self.now).then_some(Reply::Done),
        }?;
        self.jumps = 0;
        Some(reply)
    }

    /// To the next thing that is due.
    fn jump(&mut self) -> Result<(), Error> {
        self.check()?;
        let due = self.core.next_due();
        let next = due.into_iter().chain(self.sleepers.first().copied()).min();
        let Some(next) = next else {
            let open = self.open_runs()?;
            return Err(Error::Stuck { open });
        };
        self.jumps += 1;
        if self.jumps > JUMPS_MAX {
            return Err(Error::Endless {
                what: format!("{JUMPS_MAX} jumps of the clock"),
                open: self.open_runs()?,
            });
        }
        self.now = self.now.max(next);
        let now = self.now;
        self.sleepers.retain(|at| *at > now);
        self.steps += 1;
        self.settle()
    }

    /// Rounds until nothing moves at this time of the clock.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        for _ in 0..ROUNDS_MAX {
            let is_quiet = self.round()?;
            let is_due = self.core.next_due().is_some_and(|at| at <= self.now);
            if is_quiet && self.core.is_settled() && !is_due {
                return Ok(());
            }
        }
        Err(Error::Endless {
            what: format!("{ROUNDS_MAX} rounds at one time of the clock"),
            open: self.open_runs()?,
        })
    }

    /// One round of the engine's loop. Gives whether nothing happened in it.
    fn round(&mut self) -> Result<bool, Error> {
        self.rounds += 1;
        let before = self.steps;
        for (token, asked) in &mut self.asked {
            if !asked.is_sent {
                asked.is_sent = true;
                self.steps += 1;
                let message = asked.message.clone();
                self.core.handle(message, Some(*token), self.now)?;
            }
        }
        self.core.fire_due(self.now);
        self.core.run_workflow_tasks(self.now)?;
        if self.dies(Moment::BeforeCommit) {
            self.crash()?;
            return Ok(false);
        }
        let commits = self.store.commits();
        let effects = self.core.commit()?;
        if self.store.commits() > commits {
            self.commits.push(self.rounds);
            self.steps += 1;
        }
        let untold = self.dies(Moment::BeforeAck);
        for effect in effects {
            self.carry_out(effect)?;
        }
        if untold {
            self.crash()?;
            return Ok(false);
        }
        for task in self.core.poll_tasks(self.now) {
            self.run(&task)?;
        }
        for task in self.core.poll_local(self.now) {
            self.run_local(task)?;
        }
        if self.dies(Moment::AfterAttempts) {
            self.crash()?;
        }
        Ok(self.steps == before)
    }

    /// Whether this is the moment. It comes once.
    fn dies(&mut self, moment: Moment) -> bool {
        let round = self.rounds;
        let now = CrashAt { round, moment };
        self.crash_at.take_if(|at| *at == now).is_some()
    }

    /// Whether the process was to die and the moment never came.
    pub(crate) fn was_spared(&self) -> bool {
        self.crash_at.is_some()
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Error> {
        self.steps += 1;
        match effect {
            Effect::Reply(token, reply) => {
                // A process that dies before it answers leaves what it would have answered in the
                // store, where whoever asked finds it: so the answer is given all the same.
                if self.asked.remove(&token).is_some() {
                    self.answers.insert(token, reply);
                }
            }
            Effect::CancelAttempt(task) => {
                if self.hanging.remove(&task) {
                    let result = Some(Err(Failure::canceled("told to stop")));
                    let ended = Message::AttemptEnded { task, result };
                    self.core.handle(ended, None, self.now)?;
                }
            }
            Effect::RunClosed(_) => {}
        }
        Ok(())
    }

    /// One attempt of a local activity. One that hangs is left to its timeout.
    fn run_local(&mut self, task: LocalTask) -> Result<(), Error> {
        self.steps += 1;
        let mock = self.mocks.get(&task.activity_type);
        let mock = mock.expect("a turn that begins an unregistered one fails");
        let attempt = ActivityTask {
            task: TaskRef {
                run_id: task.run_id,
                // No event stands for it, and none has such a number.
                scheduled_event_id: EventId(u64::MAX - u64::from(task.first_seq.0)),
                attempt: task.attempt,
            },
            resets: 0,
            workflow_id: task.workflow_id,
            activity_type: task.activity_type,
            input: task.input,
            heartbeat: None,
            deadline: task.deadline,
        };
        let said = self
            .outside
            .ask(mock, &attempt, None)
            .map_err(|why| Error::Mock {
                activity_type: attempt.activity_type.clone(),
                why,
            })?;
        match said {
            Said::Answer(result) => {
                let ended = Message::LocalActivityEnded {
                    number: task.number,
                    result: Some(result),
                };
                Ok(self.core.handle(ended, None, self.now)?)
            }
            Said::Nothing | Said::Later => Ok(()),
        }
    }

    /// One attempt, from the mock's side.
    fn run(&mut self, task: &ActivityTask) -> Result<(), Error> {
        self.steps += 1;
        let mock = self.mocks.get(&task.activity_type);
        let mock = mock.expect("the core hands out registered activities only");
        let token = Some(task.token());
        let said = self.outside.ask(mock, task, token);
        let said = said.map_err(|why| Error::Mock {
            activity_type: task.activity_type.clone(),
            why,
        })?;
        let task = task.task;
        let message = match said {
            Said::Answer(result) => Message::AttemptEnded {
                task,
                result: Some(result),
            },
            Said::Later => Message::AttemptHeld { task },
            Said::Nothing => {
                self.hanging.insert(task);
                return Ok(());
            }
        };
        Ok(self.core.handle(message, None, self.now)?)
    }

    /// The process dies, with all that it remembers; another opens the store.
    pub(crate) fn crash(&mut self) -> Result<(), Error> {
        self.steps += 1;
        self.store.crash();
        let runs = self.runs()?;
        self.died_at = runs.iter().map(|r| (r.run_id, r.last_event_id)).collect();
        // A run that was lost before it was durable is made again under the same id, so that its
        // random numbers are the same.
        let last = runs.iter().map(|run| number_of(run.run_id)).max();
        self.run_ids
            .store(last.unwrap_or(0).saturating_add(1), Ordering::Relaxed);
        for asked in self.asked.values_mut() {
            asked.is_sent = false;
        }
        self.hanging.clear();
        let builder = (self.setup)();
        self.mocks = builder.mocks.clone();
        self.core = open(&self.store, builder, &self.run_ids, self.now);
        Ok(())
    }

    /// Code that failed, and activities that nobody mocks.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for run_id in self.store.open_runs()? {
            let Some(run) = self.store.load_run(run_id)? else {
                continue;
            };
            if let Some(failed) = run.workflow_task_failure {
                return Err(Error::CodeFailed {
                    workflow_id: run.workflow_id,
                    failure: Box::new(failed.failure),
                    history: text::history(&self.history(run_id)?),
                });
            }
            let mut pending = run.activities.into_values().map(|a| a.activity_type);
            if let Some(activity_type) = pending.find(|name| !self.mocks.contains_key(name)) {
                return Err(Error::Unmocked {
                    activity_type,
                    workflow_id: run.workflow_id,
                    mocked: self.mocks.keys().cloned().collect(),
                });
            }
        }
        Ok(())
    }

    /// All runs, in the order of their starts.
    pub(crate) fn runs(&self) -> Result<Vec<RunState>, StoreError> {
        let (mut runs, mut before) = (Vec::new(), None);
        loop {
            let page = self.store.list_runs(before, 1_000)?;
            let Some(last) = page.last() else { break };
            before = Some(last.run_id);
            for info in page {
                runs.extend(self.store.load_run(info.run_id)?);
            }
        }
        runs.reverse();
        Ok(runs)
    }

    pub(crate) fn history(&self, run_id: RunId) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut events: Vec<HistoryEvent> = Vec::new();
        loop {
            let after = events.last().map_or(EventId(0), |event| event.id);
            let page = self.store.load_history(run_id, after, 4_096)?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// What each open run waits for, with its history.
    fn open_runs(&self) -> Result<String, Error> {
        let mut all = Vec::new();
        for run_id in self.store.open_runs()? {
            let Some(run) = self.store.load_run(run_id)? else {
                continue;
            };
            let known = |name: &str| self.mocks.contains_key(name);
            let waits = engine::explain::waiting_on(&run, &[], &known, self.now);
            let history = text::history(&self.history(run_id)?);
            all.push(format!("{} waits for {waits}\n{history}", run.workflow_id));
        }
        Ok(if all.is_empty() {
            "no run is open".to_owned()
        } else {
            all.join("\n")
        })
    }
}

fn open(store: &MemoryStore, builder: Builder, run_ids: &Arc<AtomicU64>, now: Timestamp) -> Core {
    let run_ids = Arc::clone(run_ids);
    let options = CoreOptions {
        activity_types: builder.mocks.into_keys().collect(),
        workflows: builder.workflows,
        slots: SLOTS,
        limits: BTreeMap::new(),
        machines_max: builder.machines_max,
        idle_max: usize::MAX,
        run_ids: Box::new(move || run_id_of(run_ids.fetch_add(1, Ordering::Relaxed))),
        scope: Scope::All,
    };
    let core = Core::open(Arc::new(store.clone()), options, now).and_then(|mut core| {
        core.enable_schedules(now)?;
        Ok(core)
    });
    core.expect("a store in memory that was told of no fault can be read")
}

/// Run ids are counted, so that every run of a test has the same.
fn run_id_of(number: u64) -> RunId {
    let mut id = [0_u8; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    RunId(id)
}

fn number_of(run_id: RunId) -> u64 {
    let mut number = [0_u8; 8];
    number.copy_from_slice(&run_id.0[8..]);
    u64::from_be_bytes(number)
}
