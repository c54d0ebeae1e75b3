//! The killed engine: a process full of running workflows gets SIGKILL, over and over.
//!
//! `cargo run --release -p sim -- kill [--rounds 100] [--open 1000] [--seed 1] [--lies plain|compressed|encrypted|both]`
//!
//! Each round starts a process on the same state directory. It takes up what is open, keeps a
//! thousand workflows of ten activities under way on a store with sync on, and tells on its standard
//! output what it was promised: a start, an end with its result. Then it is killed. At the end one
//! process finishes everything, and the histories are held against all promises.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::{Client, ClientError, Engine};
use kernel::{ActivityOptions, Cx, EventKind, Failure, RunState, WorkflowId};
use state::{Owner, SledStore, Store};
use tokio::sync::Semaphore;

use crate::lies::Lies;
use crate::rng::Rng;

/// Activities of one workflow.
const STEPS: u64 = 10;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u64,
    pub(crate) open: u64,
    pub(crate) seed: u64,
    pub(crate) lies: Lies,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    rounds: u64,
    started: usize,
    ended: usize,
    runs: usize,
    events: u64,
    /// Milliseconds from the start of a process to its first activity, over all rounds that came so far.
    first_ms: Vec<u64>,
    pub(crate) broken: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = self.first_ms.clone();
        first.sort_unstable();
        let at = |part: usize| first.get(first.len() * part / 100).copied().unwrap_or(0);
        let (median, worst) = (at(50), first.last().copied().unwrap_or(0));
        writeln!(
            f,
            "{} kills; {} starts and {} ends were promised; {} workflows, {} events; first progress after \
             {median} ms (median), {worst} ms (worst of {})",
            self.rounds,
            self.started,
            self.ended,
            self.runs,
            self.events,
            first.len()
        )?;
        for why in self.broken.iter().take(10) {
            writeln!(f, "  WRONG: {why}")?;
        }
        Ok(())
    }
}

async fn steps(cx: Cx, number: u64) -> Result<u64, Failure> {
    let mut sum = number;
    for step in 0..STEPS {
        let options = ActivityOptions::default();
        sum = cx.activity_named("add", &(sum, step), options).await?;
    }
    Ok(sum)
}

/// What a workflow gives that was not disturbed.
fn expected(number: u64) -> u64 {
    (0..STEPS).fold(number, |sum, step| sum + step)
}

fn say(line: &str) {
    let _gone = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

/// The process that is killed. `next` is the first number that was never started.
pub(crate) fn work(
    dir: &Path,
    open: usize,
    next: u64,
    finish: bool,
    lies: Lies,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(run_engine(dir, open, next, finish, lies))
}

async fn run_engine(
    dir: &Path,
    open: usize,
    mut next: u64,
    finish: bool,
    lies: Lies,
) -> Result<(), String> {
    let began = Instant::now();
    let _owner = Owner::acquire(dir).map_err(|e| e.to_string())?;
    let store: Arc<dyn Store> =
        Arc::new(SledStore::open_with(dir, &lies.coding()?).map_err(|e| e.to_string())?);
    let left = store.open_runs().map_err(|e| e.to_string())?;
    let is_first = Arc::new(AtomicBool::new(true));
    let engine = Engine::builder(store)
        .workflow("steps", steps)
        .activity_fn("add", move |_cx, (sum, step): (u64, u64)| {
            if is_first.swap(false, Ordering::Relaxed) {
                say(&format!("first {}", began.elapsed().as_millis()));
            }
            async move { Ok(sum + step) }
        })
        .concurrency(256)
        .start()
        .map_err(|e| e.to_string())?;
    let client = engine.client();
    let slots = Arc::new(Semaphore::new(open.max(left.len())));
    let mut tasks = Vec::new();
    for run_id in left {
        let permit = Arc::clone(&slots)
            .acquire_owned()
            .await
            .map_err(|e| e.to_string())?;
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            let closed = client.wait(run_id).await;
            tell_end(closed);
            drop(permit);
        }));
    }
    if finish {
        for task in tasks {
            task.await.map_err(|e| e.to_string())?;
        }
        engine.shutdown().await;
        return Ok(());
    }
    loop {
        let permit = Arc::clone(&slots)
            .acquire_owned()
            .await
            .map_err(|e| e.to_string())?;
        let client = client.clone();
        let number = next;
        next += 1;
        tokio::spawn(async move {
            start_one(&client, number).await;
            drop(permit);
        });
    }
}

async fn start_one(client: &Client, number: u64) {
    say(&format!("try {number}"));
    let Ok(run_id) = client.start(&format!("k{number}"), "steps", &number).await else {
        return;
    };
    say(&format!("started {number}"));
    tell_end(client.wait(run_id).await);
}

fn tell_end(closed: Result<RunState, ClientError>) {
    if let Ok(state) = closed {
        say(&format!("ended {}", state.workflow_id));
    }
}

/// What the processes were told, over all rounds.
#[derive(Debug, Default)]
struct Promises {
    tried: u64,
    started: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    first_ms: Vec<u64>,
}

impl Promises {
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (word, number) = (words.next(), words.next().unwrap_or(""));
        let Ok(number) = number.trim_start_matches('k').parse::<u64>() else {
            return;
        };
        match word {
            Some("first") => self.first_ms.push(number),
            Some("try") => self.tried = self.tried.max(number + 1),
            Some("started") => {
                self.started.insert(number);
            }
            Some("ended") => {
                self.ended.insert(number);
            }
            _ => {}
        }
    }
}

/// Kills and restarts; `program` is this program.
pub(crate) fn run(program: &Path, plan: Plan) -> Result<Outcome, String> {
    let text = |e: std::io::Error| e.to_string();
    let dir = std::env::temp_dir().join(format!("kill-{}-{}", std::process::id(), plan.seed));
    std::fs::create_dir_all(&dir).map_err(text)?;
    let mut rng = Rng::new(plan.seed);
    let mut promises = Promises::default();
    for _ in 0..plan.rounds {
        let mut child = spawn(program, &dir, plan, promises.tried, false)?;
        std::thread::scope(|scope| -> Result<(), String> {
            let out = child.stdout.take().ok_or("the process has no output")?;
            let heard = scope.spawn(move || {
                BufReader::new(out)
                    .lines()
                    .map_while(Result::ok)
                    .collect::<Vec<_>>()
            });
            std::thread::sleep(Duration::from_millis(60 + rng.below(500)));
            child.kill().map_err(text)?;
            child.wait().map_err(text)?;
            // A line that was cut off by the kill promises nothing.
            for line in heard.join().map_err(|_| "the reader panicked")? {
                promises.hear(&line);
            }
            Ok(())
        })?;
    }
    let finished = spawn(program, &dir, plan, promises.tried, true)?
        .wait_with_output()
        .map_err(text)?;
    if !finished.status.success() {
        return Err(format!("the last process failed: {finished:?}"));
    }
    String::from_utf8_lossy(&finished.stdout)
        .lines()
        .for_each(|line| promises.hear(line));
    let outcome = judge(&dir, plan, &promises);
    std::fs::remove_dir_all(&dir).map_err(text)?;
    outcome
}

fn spawn(program: &Path, dir: &Path, plan: Plan, next: u64, finish: bool) -> Result<Child, String> {
    Command::new(program)
        .arg("kill-work")
        .arg(dir)
        .args([plan.open.to_string(), next.to_string(), finish.to_string()])
        .arg(plan.lies.name())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("could not start the process: {e}"))
}

fn judge(dir: &Path, plan: Plan, promises: &Promises) -> Result<Outcome, String> {
    let text = |e: state::Error| e.to_string();
    let store = SledStore::open_with(dir, &plan.lies.coding()?).map_err(text)?;
    let mut outcome = Outcome {
        rounds: plan.rounds,
        started: promises.started.len(),
        ended: promises.ended.len(),
        first_ms: promises.first_ms.clone(),
        ..Outcome::default()
    };
    for number in 0..promises.tried {
        let id = WorkflowId::new(format!("k{number}"));
        let Some(run_id) = store.latest_run(&id).map_err(text)? else {
            if promises.started.contains(&number) {
                outcome.broken.push(format!("{id} was started and is gone"));
            }
            continue;
        };
        outcome.runs += 1;
        let events = store
            .load_history(run_id, kernel::EventId(0), usize::MAX)
            .map_err(text)?;
        outcome.events += events.last().map_or(0, |event| event.id.0);
        let mut completed: BTreeMap<u64, u64> = BTreeMap::new();
        let mut result = None;
        for event in &events {
            if let EventKind::ActivityTaskCompleted {
                scheduled_event_id, ..
            } = &event.kind
            {
                *completed.entry(scheduled_event_id.0).or_default() += 1;
            } else if let EventKind::WorkflowExecutionCompleted { result: value } = &event.kind {
                result = value.decode::<u64>().ok();
            }
        }
        if result != Some(expected(number)) {
            outcome
                .broken
                .push(format!("{id} gave {result:?}, not {}", expected(number)));
        }
        if completed.len() != 10 || completed.values().any(|times| *times != 1) {
            outcome.broken.push(format!(
                "{id} has other results than one for each of ten steps"
            ));
        }
    }
    if outcome.ended == 0 || outcome.first_ms.is_empty() {
        outcome
            .broken
            .push("no round came as far as an end: too short for this machine".to_owned());
    }
    Ok(outcome)
}
