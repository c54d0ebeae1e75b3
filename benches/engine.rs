//! Engine benchmark: durable steps over the sled store with sync on, beside the floor of the disk.
//!
//! `cargo bench --bench engine` prints one JSON line per workload and repetition count: medians
//! with minimum and maximum over the repetitions. `-- --runs 5 --only W1` narrows it, `--parked N` changes W5.
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
use kernel::{ActivityOptions, Cx, Failure, Millis, join_all};
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

async fn parallel(cx: Cx, width: u64) -> Result<u64, Failure> {
    let all =
        (0..width).map(|n| cx.activity_named::<_, u64>("add", &n, ActivityOptions::default()));
    join_all(all).await.into_iter().sum()
}

async fn asleep(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.sleep(Millis(ms)).await?;
    Ok(ms)
}

fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::builder(store)
        .workflow("sequential", sequential)
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
    for name in ["floor", "W1", "W2", "W3", "W5"] {
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
                    _ => w5(dir.path(), parked).await,
                }
            }));
        }
        print(name, &all);
    }
}
