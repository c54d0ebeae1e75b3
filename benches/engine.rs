//! Engine benchmark: durable steps over the sled store with sync on, beside the floor of the disk.
//!
//! `cargo bench --bench engine` prints one JSON line per workload and repetition count: medians
//! with minimum and maximum over the repetitions. `-- --runs 5 --only W1` narrows it, `--parked N` changes W5.
//! `--keep` leaves the directories and names them.
//! The floor appends the same number of bytes per step to a file and calls `sync_data`, one step
//! after another: what a durable step costs when nothing is shared between steps.

#![expect(clippy::print_stdout, reason = "the figures go to stdout")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop loudly"
)]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use engine::{Client, Engine};
use kernel::{ActivityOptions, Cx, Failure, LocalActivityOptions, Millis, join_all};
use state::sled_store::SledStore;
use state::store::Store;
use tempfile::TempDir;

/// Bytes that one sequential step writes: its record as the store encodes it, key included, as
/// measured by `state/examples/append.rs`.
const STEP_BYTES: usize = 160;

async fn sequential(cx: Cx, steps: u64) -> Result<u64, Failure> {
    let mut sum = 0;
    for step in 0..steps {
        sum += cx
            .activity_named::<_, u64>("add", &step, ActivityOptions::default())
            .await?;
    }
    Ok(sum)
}

/// The same steps as local activities: one commit, if they are quick.
async fn sequential_local(cx: Cx, steps: u64) -> Result<u64, Failure> {
    let mut sum = 0;
    for step in 0..steps {
        sum += cx
            .local_activity_named::<_, u64>("add", &step, LocalActivityOptions::default())
            .await?;
    }
    Ok(sum)
}

/// Gives the seconds of each step.
async fn stamped(cx: Cx, steps: u64) -> Result<Vec<f64>, Failure> {
    let mut stamps = Vec::new();
    for step in 0..steps {
        stamps.push(
            cx.activity_named::<_, f64>("stamp", &step, ActivityOptions::default())
                .await?,
        );
    }
    Ok(stamps.windows(2).map(|pair| pair[1] - pair[0]).collect())
}

async fn parallel(cx: Cx, width: u64) -> Result<u64, Failure> {
    let all =
        (0..width).map(|n| cx.activity_named::<_, u64>("add", &n, ActivityOptions::default()));
    join_all(all).await.into_iter().sum()
}

async fn asleep(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(ms)).await?;
    Ok(ms)
}

/// An agent that records its whole conversation at each turn.
async fn converse(cx: Cx, turns: u64) -> Result<u64, Failure> {
    let mut conversation: Vec<String> = Vec::new();
    for _ in 0..turns {
        conversation = cx
            .activity_named("reply", &conversation, ActivityOptions::default())
            .await?;
    }
    Ok(u64::try_from(conversation.len()).unwrap_or(0))
}

/// Words that look like prose: about 4,000 bytes, a thousand tokens.
fn prose(seed: u64) -> String {
    const WORDS: [&str; 16] = [
        "the",
        "file",
        "was",
        "read",
        "and",
        "test",
        "fails",
        "because",
        "of",
        "a",
        "missing",
        "parameter",
        "in",
        "function",
        "so",
        "retry",
    ];
    let mut state = seed;
    let mut text = String::new();
    while text.len() < 4_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text.push_str(WORDS[usize::try_from(state >> 60).unwrap_or(0)]);
        text.push(' ');
    }
    text
}

fn engine(store: Arc<dyn Store>) -> Engine {
    let started = Instant::now();
    Engine::builder(store)
        .workflow("converse", converse)
        .workflow("stamped", stamped)
        .activity_fn("stamp", move |_cx, _: u64| async move {
            Ok(started.elapsed().as_secs_f64())
        })
        .activity_fn("reply", |_cx, mut said: Vec<String>| async move {
            said.push(prose(u64::try_from(said.len()).unwrap_or(0)));
            Ok(said)
        })
        .workflow("sequential", sequential)
        .workflow("sequential_local", sequential_local)
        .workflow("parallel", parallel)
        .workflow("asleep", asleep)
        .activity_fn("add", |_cx, n: u64| async move { Ok(n + 1) })
        .concurrency(512)
        .start()
        .unwrap()
}

/// One workload's figures of one repetition.
struct Figures {
    seconds: f64,
    steps: u64,
    extra: Vec<(&'static str, f64)>,
}

async fn w1(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let client = engine.client();
    let (workflows, steps, in_flight) = (2_000_u64, 10_u64, 256_usize);
    let gate = Arc::new(tokio::sync::Semaphore::new(in_flight));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..workflows {
        let permit = Arc::clone(&gate).acquire_owned().await.unwrap();
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            run_one(&client, &format!("w1-{n}"), "sequential", steps).await;
            drop(permit);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    engine.shutdown().await;
    let disk = disk_bytes(dir) as f64 / workflows as f64;
    Figures {
        seconds,
        steps: workflows * steps,
        extra: vec![("disk_bytes_per_workflow", disk)],
    }
}

async fn w2(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let started = Instant::now();
    run_one(&engine.client(), "w2", "sequential", 500).await;
    let seconds = started.elapsed().as_secs_f64();
    engine.shutdown().await;
    Figures {
        seconds,
        steps: 500,
        extra: vec![("step_ms", seconds * 1_000.0 / 500.0)],
    }
}

async fn w7(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let started = Instant::now();
    run_one(&engine.client(), "w7", "sequential_local", 500).await;
    let seconds = started.elapsed().as_secs_f64();
    engine.shutdown().await;
    Figures {
        seconds,
        steps: 500,
        extra: vec![("step_ms", seconds * 1_000.0 / 500.0)],
    }
}

async fn w3(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let started = Instant::now();
    run_one(&engine.client(), "w3", "parallel", 1_000).await;
    let seconds = started.elapsed().as_secs_f64();
    engine.shutdown().await;
    Figures {
        seconds,
        steps: 1_000,
        extra: Vec::new(),
    }
}

/// `parked` workflows asleep for an hour. Memory is that of a process that opens the store afterwards,
/// less that of one that opens an empty store: the rest of a process is not the workflows' fault.
async fn w5(dir: &Path, parked: u64) -> Figures {
    let engine_one = engine(Arc::new(SledStore::open(dir).unwrap()));
    let client = engine_one.client();
    let gate = Arc::new(tokio::sync::Semaphore::new(256));
    let started = Instant::now();
    let mut starts = Vec::new();
    for index in 0..parked {
        let permit = Arc::clone(&gate).acquire_owned().await.unwrap();
        let client = client.clone();
        starts.push(tokio::spawn(async move {
            let id = format!("w5-{index}");
            client.start(&id, "asleep", &3_600_000_u64).await.unwrap();
            drop(permit);
        }));
    }
    for start in starts {
        start.await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    // A client keeps the store open.
    drop(client);
    engine_one.shutdown().await;
    let disk = disk_bytes(dir) as f64 / parked as f64;
    let empty = TempDir::new().unwrap();
    let (without, _) = reopened_elsewhere(empty.path());
    let (with, reopen) = reopened_elsewhere(dir);
    let extra = vec![
        (
            "memory_bytes_per_workflow",
            (with - without) / parked as f64,
        ),
        ("disk_bytes_per_workflow", disk),
        ("reopen_seconds", reopen),
    ];
    Figures {
        seconds,
        steps: parked,
        extra,
    }
}

/// Resident bytes, and the seconds that opening took, of a process of its own.
fn reopened_elsewhere(dir: &Path) -> (f64, f64) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .arg("--reopen")
        .arg(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// The process that is measured: it opens a store, works on all of its runs, and tells.
async fn reopen(dir: &Path) {
    let started = Instant::now();
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    // The first answer comes when every open run has been looked at.
    let _none = engine.client().describe(kernel::RunId([0; 16])).await;
    let seconds = started.elapsed().as_secs_f64();
    println!("{} {seconds}", resident_bytes());
    engine.shutdown().await;
}

/// What completed workflows of ten steps leave on the disk when the journal is moved to the log.
async fn w6(dir: &Path) -> Figures {
    let workflows = 20_000_u64;
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let client = engine.client();
    let gate = Arc::new(tokio::sync::Semaphore::new(256));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..workflows {
        let permit = Arc::clone(&gate).acquire_owned().await.unwrap();
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            run_one(&client, &format!("w6-{n}"), "sequential", 10).await;
            drop(permit);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    drop(client);
    engine.shutdown().await;
    SledStore::open(dir).unwrap().compact().unwrap();
    let disk = disk_bytes(dir) as f64 / workflows as f64;
    Figures {
        seconds,
        steps: workflows * 10,
        extra: vec![("disk_bytes_per_workflow", disk)],
    }
}

/// Steps where the history has 10,000 events, and right after them those of a new run in the same store: the disk is
/// then the same for both, however its syncs change as the files grow.
async fn linear(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let client = engine.client();
    let started = Instant::now();
    let run_id = client.start("linear", "stamped", &3_400_u64).await.unwrap();
    let steps: Vec<f64> = client.result(run_id).await.unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let events = client.describe(run_id).await.unwrap().state.last_event_id.0;
    let run_id = client.start("fresh", "stamped", &301_u64).await.unwrap();
    let fresh: Vec<f64> = client.result(run_id).await.unwrap();
    engine.shutdown().await;
    let middle = |steps: &[f64]| median(steps.to_vec()).1 * 1_000.0;
    let (early, late) = (middle(&fresh), middle(&steps[3_099..]));
    Figures {
        seconds,
        steps: 3_400,
        extra: vec![
            ("early_step_ms", early),
            ("late_step_ms", late),
            ("late_to_early", late / early),
            ("history_events", events as f64),
        ],
    }
}

/// 200 turns of a thousand tokens, the whole conversation in and out at each.
async fn conversation(dir: &Path) -> Figures {
    let engine = engine(Arc::new(SledStore::open(dir).unwrap()));
    let client = engine.client();
    let turns = 200_u64;
    let started = Instant::now();
    run_one(&client, "conversation", "converse", turns).await;
    let seconds = started.elapsed().as_secs_f64();
    drop(client);
    engine.shutdown().await;
    SledStore::open(dir).unwrap().compact().unwrap();
    let said: usize = (0..turns).map(|turn| prose(turn).len() + 3).sum();
    let recorded = (0..turns).map(|turn| said as f64 * (2.0 * turn as f64 + 1.0) / turns as f64);
    Figures {
        seconds,
        steps: turns,
        extra: vec![
            ("said_bytes", said as f64),
            ("recorded_bytes", recorded.sum()),
            ("disk_bytes", disk_bytes(dir) as f64),
        ],
    }
}

async fn run_one(client: &Client, id: &str, workflow_type: &str, input: u64) {
    let run_id = client.start(id, workflow_type, &input).await.unwrap();
    let _sum: u64 = client.result(run_id).await.unwrap();
}

fn floor(dir: &Path) -> Figures {
    let steps = 500_u64;
    let mut file = File::create(dir.join("floor")).unwrap();
    let bytes = [7_u8; STEP_BYTES];
    let started = Instant::now();
    for _ in 0..steps {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    Figures {
        seconds,
        steps,
        extra: vec![("step_ms", seconds * 1_000.0 / steps as f64)],
    }
}

fn disk_bytes(dir: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        bytes += if meta.is_dir() {
            disk_bytes(&entry.path())
        } else {
            meta.len()
        };
    }
    bytes
}

/// Resident memory by the kernel's own count; zero where there is no such file.
fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0.0);
    pages * 4_096.0
}

fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (
        values[0],
        values[values.len() / 2],
        values[values.len() - 1],
    )
}

fn print(name: &str, all: &[Figures]) {
    let (fastest, seconds, slowest) = median(all.iter().map(|f| f.seconds).collect());
    let steps = all[0].steps;
    let mut line = serde_json::json!({
        "workload": name,
        "runs": all.len(),
        "steps": steps,
        "seconds": { "min": fastest, "median": seconds, "max": slowest },
        "steps_per_second": (steps as f64 / seconds).round(),
    });
    for (index, (key, _)) in all[0].extra.iter().enumerate() {
        let (_, middle, _) = median(all.iter().map(|f| f.extra[index].1).collect());
        line[*key] = serde_json::json!(middle);
    }
    println!("{line}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        words
            .iter()
            .position(|w| w == name)
            .and_then(|at| words.get(at + 1))
            .cloned()
    };
    let runs: usize = value("--runs").and_then(|n| n.parse().ok()).unwrap_or(5);
    let only = value("--only");
    let parked: u64 = value("--parked")
        .and_then(|n| n.parse().ok())
        .unwrap_or(5_000);
    if let Some(dir) = value("--reopen") {
        return runtime().block_on(reopen(Path::new(&dir)));
    }
    let keep = words.iter().any(|word| word == "--keep");
    for name in [
        "floor",
        "W1",
        "W2",
        "W3",
        "W5",
        "W6",
        "W7",
        "linear",
        "conversation",
    ] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let mut all = Vec::new();
        for _ in 0..runs {
            let dir = TempDir::new().unwrap();
            all.push(runtime().block_on(async {
                match name {
                    "floor" => floor(dir.path()),
                    "W1" => w1(dir.path()).await,
                    "W2" => w2(dir.path()).await,
                    "W3" => w3(dir.path()).await,
                    "W6" => w6(dir.path()).await,
                    "W7" => w7(dir.path()).await,
                    "linear" => linear(dir.path()).await,
                    "conversation" => conversation(dir.path()).await,
                    _ => w5(dir.path(), parked).await,
                }
            }));
            if keep {
                println!("{name}: {}", dir.keep().display());
            }
        }
        print(name, &all);
    }
}
