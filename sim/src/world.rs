//! One world: a core, a played disk, played workers, a played clock, and the hand of fate.

mod clients;
mod crashes;
mod elsewhere;
mod locals;
mod resets;
mod starts;
mod workers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::core::{
    ActivityLimit, ActivityTask, Core, CoreOptions, Effect, IdConflictPolicy, IdReusePolicy,
    LocalTask, Message, Scope, TaskRef, Token,
};
use kernel::{Failure, Payload, RunId, TaskToken, Timestamp, WorkflowId};
use state::memory_store::MemoryStore;
use state::store::{Namespace, Store};

use crate::check::{self, Histories};
use crate::ledger::Ledger;
use crate::lineage;
use crate::report::{Plant, Report};
use crate::rng::Rng;
use crate::script::{self, Act, Op, Outside};
use crate::twisted::{Twist, Twisted};
use elsewhere::Spoken;
use starts::Planned;

/// A run that a client wants, and what the client knows of it.
struct Wanted {
    id: String,
    script: Vec<Op>,
    cancel: bool,
    acknowledged: bool,
    cancel_sent: bool,
}

/// What a token stands for.
enum Asked {
    Start(usize),
    Cancel,
    Signal(u64),
    Describe(RunId),
    Update(u64),
    Query,
    Reset,
    Fork,
    Token(Spoken),
    SignalWithStart(usize, u64),
    StartAgain((IdConflictPolicy, IdReusePolicy)),
    Schedule,
}

struct World {
    rng: Rng,
    plant: Plant,
    store: MemoryStore,
    core: Core,
    /// Of a stale lease only: the engine before the last crash, which does not know of it.
    undead: Option<Core>,
    now: Timestamp,
    /// The latest time that the clock has shown.
    latest: Timestamp,
    run_ids: Arc<AtomicU64>,
    outside: Outside,
    wanted: Vec<Wanted>,
    tokens: BTreeMap<Token, Asked>,
    next_token: u64,
    /// With workers that will report.
    tasks: Vec<ActivityTask>,
    /// Attempts whose tokens clients have: they outlive a crash.
    elsewhere: BTreeMap<TaskToken, Act>,
    /// Attempts of local activities, beside the engine.
    locals: Vec<LocalTask>,
    /// Of a local activity that runs again only: those that have ended.
    ended_locals: Vec<LocalTask>,
    /// With workers that hang until they are told to stop.
    hanging: BTreeSet<TaskRef>,
    /// With workers that were told to stop and will say so.
    stopping: Vec<TaskRef>,
    /// Attempts that hold a permit of the semaphore.
    guarded: BTreeSet<TaskRef>,
    /// Attempts that began in this process and have not reported.
    out: BTreeSet<TaskRef>,
    /// How many there may be.
    limit: ActivityLimit,
    /// When the last ones began.
    begun: VecDeque<Timestamp>,
    again_left: u32,
    planned: Planned,
    ledger: Ledger,
    next_signal: u64,
    next_update: u64,
    last_update: Option<(u64, WorkflowId)>,
    /// The dependency is away until then.
    outage_until: Timestamp,
    machines_max: usize,
    /// What was durable at the last crash or check.
    durable: Histories,
    report: Report,
    /// Rounds in a row in which nothing could happen.
    quiet_rounds: u32,
}

/// Crashes of one world at most, so that it comes to an end.
const CRASHES_MAX: u64 = 10;
const STEPS_MAX: u32 = 4_000;

pub(crate) fn run(seed: u64, plant: Plant) -> Result<Report, String> {
    let mut rng = Rng::new(seed);
    let store = MemoryStore::new();
    store.set_skip_sync(plant == Plant::SkipSync);
    store.set_tear_groups(plant == Plant::TornGroup);
    let run_ids = Arc::new(AtomicU64::new(1));
    let now = Timestamp(1_700_000_000_000);
    let machines_max = rng.index(4);
    let limit = starts::limit(&mut rng);
    let outside = Outside::default();
    let core = open(
        &store,
        plant,
        &run_ids,
        &outside,
        (machines_max, limit),
        now,
    )?;
    let n = 1 + rng.below(4);
    let wanted = (0..n)
        .map(|index| Wanted {
            id: format!("w{index}"),
            script: script::random(&mut rng, 0),
            cancel: rng.chance(20),
            acknowledged: false,
            cancel_sent: false,
        })
        .collect();
    let planned = if rng.chance(30) {
        Planned::Wanted
    } else {
        Planned::No
    };
    let mut world = World {
        rng,
        plant,
        store,
        core,
        undead: None,
        now,
        latest: now,
        run_ids,
        outside,
        wanted,
        tokens: BTreeMap::new(),
        next_token: 0,
        tasks: Vec::new(),
        elsewhere: BTreeMap::new(),
        locals: Vec::new(),
        ended_locals: Vec::new(),
        hanging: BTreeSet::new(),
        stopping: Vec::new(),
        guarded: BTreeSet::new(),
        out: BTreeSet::new(),
        limit,
        begun: VecDeque::new(),
        again_left: starts::AGAIN_MAX,
        planned,
        ledger: Ledger::default(),
        next_signal: 0,
        next_update: 0,
        last_update: None,
        outage_until: now,
        machines_max,
        durable: Histories::new(),
        report: Report::default(),
        quiet_rounds: 0,
    };
    for _ in 0..STEPS_MAX {
        if world.is_over() {
            return world.verdict();
        }
        world.step()?;
    }
    let what = world.open_runs_in_full();
    Err(format!(
        "not over after {STEPS_MAX} steps at {}: {what}",
        world.now.0
    ))
}

fn open(
    store: &MemoryStore,
    plant: Plant,
    run_ids: &Arc<AtomicU64>,
    outside: &Outside,
    (machines_max, limit): (usize, ActivityLimit),
    now: Timestamp,
) -> Result<Core, String> {
    let run_ids = Arc::clone(run_ids);
    let options = CoreOptions {
        workflows: BTreeMap::from([("script".to_owned(), script::definition(outside))]),
        activity_types: BTreeSet::from(["act".to_owned()]),
        slots: 5,
        machines_max,
        idle_max: machines_max,
        run_ids: Box::new(move || {
            let n = run_ids.fetch_add(1, Ordering::Relaxed);
            let mut id = [0_u8; 16];
            id[8..].copy_from_slice(&n.to_be_bytes());
            RunId(id)
        }),
        scope: Scope::All,
        limits: BTreeMap::from([("act".to_owned(), limit)]),
    };
    let twist = match plant {
        Plant::OutOfOrder => Some(Twist::OutOfOrder),
        Plant::BeyondPoint => Some(Twist::BeyondPoint),
        Plant::Nothing
        | Plant::SkipSync
        | Plant::EarlyAck
        | Plant::DoubleApply
        | Plant::TornGroup
        | Plant::StaleLease
        | Plant::TimerEarly
        | Plant::StaleToken
        | Plant::LocalAgain => None,
    };
    let store: Arc<dyn Store> = match twist {
        Some(twist) => Arc::new(Twisted(store.clone(), twist)),
        None => Arc::new(store.clone()),
    };
    let mut core = Core::open(store, options, now).map_err(|e| format!("open: could not {e}"))?;
    core.enable_schedules(now)
        .map_err(|e| format!("open: could not {e}"))?;
    Ok(core)
}

impl World {
    fn is_over(&self) -> bool {
        self.wanted.iter().all(|w| w.acknowledged)
            && self.core.open_runs() == 0
            && self.core.is_settled()
            && self.schedule_is_over()
    }

    /// A few messages, then one round of the engine's loop, with a crash in between perhaps.
    fn step(&mut self) -> Result<(), String> {
        for _ in 0..=self.rng.below(3) {
            self.something_happens()?;
        }
        self.workers_stop()?;
        self.move_the_clock()?;
        self.latest = self.latest.max(self.now);
        self.the_undead_writes()?;
        let told = if self.plant == Plant::TimerEarly {
            self.now.after(kernel::Millis(2_000))
        } else {
            self.now
        };
        self.core.fire_due(told);
        if self.crashes(3) {
            return self.crash();
        }
        let Some(effects) = self.turns_and_commit()? else {
            return self.crash();
        };
        if self.crashes(4) {
            return self.crash();
        }
        for effect in effects {
            self.carry_out(effect)?;
        }
        for task in self.core.poll_tasks(self.now) {
            self.hand_out(task)?;
        }
        self.begin_locals()?;
        if self.crashes(2) {
            return self.crash();
        }
        if self.rng.chance(10) {
            self.compare_memory_and_store()?;
        }
        Ok(())
    }

    /// What the core does with the store, which may fail. `None` means that it did, as it was
    /// made to: the process gives up.
    fn turns_and_commit(&mut self) -> Result<Option<Vec<Effect>>, String> {
        let faulty = self.crashes(2);
        if faulty {
            let n = 1 + self.rng.below(4);
            if self.rng.chance(50) {
                self.store.fail_nth_call(n);
            } else {
                self.store.fail_nth_call_late(n);
            }
        }
        let turns = self.core.run_workflow_tasks(self.now);
        let committed = turns.and_then(|()| self.core.commit());
        // A fault that has not come by now must not hit the checks.
        self.store.fail_nth_call(u64::MAX);
        match committed {
            Ok(effects) => {
                self.report.commits += 1;
                Ok(Some(effects))
            }
            Err(_) if faulty => {
                self.report.faults += 1;
                Ok(None)
            }
            Err(error) => Err(format!("could not {error}")),
        }
    }

    fn hand_out(&mut self, task: ActivityTask) -> Result<(), String> {
        check::may_run(&self.store, &task)?;
        check::is_not_paused(&self.store, task.task)?;
        check::is_not_held(&self.store, task.task)?;
        self.ledger.hand_out(&task)?;
        let act: Act = task.input.decode().map_err(|e| e.to_string())?;
        self.out.insert(task.task);
        self.count_the_limited()?;
        if act.guarded {
            self.guarded.insert(task.task);
            self.count_the_guarded()?;
        }
        if act.elsewhere {
            self.elsewhere.insert(task.token(), act);
        }
        self.report.attempts += 1;
        if self.plant == Plant::DoubleApply && task.task.attempt > 1 && self.rng.chance(50) {
            let act: Act = task.input.decode().map_err(|e| e.to_string())?;
            let result = Some(Payload::json(&act.value).map_err(Failure::from));
            self.tell(Message::AttemptEnded {
                task: task.task,
                result,
            })?;
        }
        if self.rng.chance(4) {
            self.report.lost += 1;
            self.hanging.insert(task.task);
        } else {
            self.tasks.push(task);
        }
        Ok(())
    }

    fn crashes(&mut self, percent: u64) -> bool {
        self.report.crashes < CRASHES_MAX && self.rng.chance(percent)
    }

    fn ask(&mut self, message: Message, asked: Asked) -> Result<(), String> {
        self.next_token += 1;
        let token = Token(self.next_token);
        self.tokens.insert(token, asked);
        self.core
            .handle(message, Some(token), self.now)
            .map_err(|e| e.to_string())
    }

    fn tell(&mut self, message: Message) -> Result<(), String> {
        if let Message::AttemptEnded { task, .. } | Message::AttemptHeld { task } = &message {
            self.guarded.remove(task);
            self.out.remove(task);
        }
        self.core
            .handle(message, None, self.now)
            .map_err(|e| e.to_string())
    }

    fn something_happens(&mut self) -> Result<(), String> {
        match self.rng.below(39) {
            0..=4 => self.submit(),
            5 | 6 => self.cancel(),
            7..=9 => self.beat(),
            10 => self.signal_somebody(),
            24 => self.update_somebody(),
            25 => self.query_somebody(),
            27 => self.pause_or_unpause_somebody(),
            28 => self.retry_somebody_now(),
            29 => self.reset_somebody(),
            30 => self.fork_somebody(),
            31..=33 => self.end_a_local(),
            34 | 35 => self.hold_or_reset_somebody(),
            36 => self.start_again(),
            37 | 38 => self.make_schedule(),
            12..=15 => self.somebody_elsewhere_speaks(),
            11 => {
                self.begin_an_outage();
                Ok(())
            }
            _ => self.end_an_attempt(),
        }
    }

    /// Mostly a little, sometimes to the next thing that is due, now and then a jump either way.
    fn move_the_clock(&mut self) -> Result<(), String> {
        let idle = self.tasks.is_empty()
            && self.locals.is_empty()
            && self.stopping.is_empty()
            && self.core.is_settled();
        // Whoever has a token is mostly heard before the next thing is due.
        let idle = idle && (self.elsewhere.is_empty() || self.rng.chance(20));
        if !idle || self.core.next_due().is_some() {
            self.quiet_rounds = 0;
        }
        match self.rng.below(100) {
            0 => {
                self.report.jumps += 1;
                let back = i64::try_from(self.rng.below(60_000)).unwrap_or(0);
                self.now = Timestamp(self.now.0 - back);
            }
            1 => {
                self.report.jumps += 1;
                let forth = i64::try_from(self.rng.below(3_600_000)).unwrap_or(0);
                self.now = Timestamp(self.now.0 + forth);
            }
            2..=40 => {
                self.now = Timestamp(self.now.0 + i64::try_from(self.rng.below(500)).unwrap_or(0));
            }
            _ if idle => {
                if let Some(at) = self.core.next_due() {
                    self.now = self.now.max(at);
                } else if self.hanging.is_empty() && self.wanted.iter().all(|w| w.acknowledged) {
                    return self.nothing_is_due();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whoever is open now must be waiting for a signal, and moves when it gets one.
    fn nothing_is_due(&mut self) -> Result<(), String> {
        let open = self.store.open_runs().map_err(|e| e.to_string())?;
        self.quiet_rounds += 1;
        if !open.is_empty() && self.quiet_rounds > 60 {
            let (n, what) = (open.len(), self.open_runs_in_full());
            return Err(format!("stuck: {n} runs are open, nothing is due: {what}"));
        }
        for run_id in open {
            self.signal(run_id)?;
            self.unpause(run_id)?;
            self.unpause_activities(run_id)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Reply(token, reply) => self.answered(token, reply),
            Effect::CancelAttempt(task) => {
                let known = self.tasks.iter().position(|t| t.task == task);
                if let Some(index) = known {
                    self.tasks.swap_remove(index);
                }
                if self.hanging.remove(&task) || known.is_some() {
                    self.stopping.push(task);
                }
                Ok(())
            }
            Effect::RunClosed(_) => Ok(()),
        }
    }

    fn open_runs_in_full(&self) -> String {
        let ids = self.store.open_runs().unwrap_or_default();
        let states = ids
            .iter()
            .map(|id| format!("{:?}", self.store.load_run(*id)));
        states.collect::<Vec<_>>().join("\n")
    }

    fn compare_memory_and_store(&mut self) -> Result<(), String> {
        self.look_at_the_breaker()?;
        if !self.core.is_settled() {
            return Ok(());
        }
        let open = self.store.open_runs().map_err(|e| e.to_string())?;
        if open.is_empty() {
            return Ok(());
        }
        let run_id = open[self.rng.index(open.len())];
        self.ask(Message::Describe(run_id), Asked::Describe(run_id))?;
        let effects = self.core.commit().map_err(|e| e.to_string())?;
        for effect in effects {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn look_at_the_breaker(&mut self) -> Result<(), String> {
        let row = self
            .store
            .row(Namespace::Breaker, b"dependency")
            .map_err(|e| e.to_string())?;
        if row.is_some_and(|row| row.starts_with(b"{\"Open\"")) {
            self.report.openings += 1;
        }
        Ok(())
    }

    /// What must hold at any moment, of what is durable then.
    fn compare_with_the_outside(&self, histories: &Histories) -> Result<(), String> {
        check::nothing_is_of_the_future(histories, self.latest)?;
        check::results_are_honest(histories, &self.ledger)?;
        check::results_are_there(histories, &self.ledger)?;
        check::signals_are_there_once(histories, &self.ledger)?;
        check::updates_are_as_told(histories, &self.ledger)?;
        check::chains_are_whole(histories)?;
        lineage::one_run_is_open_for_each_id(histories)?;
        lineage::kept_parts_are_as_they_were(histories)?;
        lineage::signals_are_taken_along(histories)?;
        starts::timeouts_are_not_early(histories)?;
        self.schedule_and_runs_agree(histories)?;
        check::orphans_follow_their_policy(histories)
    }

    fn verdict(mut self) -> Result<Report, String> {
        self.store.crash();
        let histories = check::histories(&self.store)?;
        state::conformance::check_index(&self.store)?;
        check::grew(&self.durable, &histories)?;
        self.compare_with_the_outside(&histories)?;
        check::all(&self.store, &histories)?;
        for wanted in &self.wanted {
            let expected = script::expected(&wanted.script);
            check::outcome(&self.store, &wanted.id, expected, wanted.cancel)?;
        }
        self.report.runs = u64::try_from(histories.len()).unwrap_or(0);
        self.report.events = histories
            .values()
            .map(|(_, events)| u64::try_from(events.len()).unwrap_or(0))
            .sum();
        self.report.timed_out = check::timed_out(&histories);
        self.report.scheduled = self.scheduled()?;
        self.report.digest = check::digest(&histories);
        Ok(self.report)
    }
}
