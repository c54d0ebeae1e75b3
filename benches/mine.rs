//! Mining benchmark: bytes and events a second of one thread, beside `wc -l` and `rg -c error`.
//!
//! `cargo bench --bench mine [-- DIR] [--runs N] [--larger-than BYTES]` prints one JSON line per
//! program: medians with minimum and maximum. Without DIR it mines the samples of the repository.
//! Files are read from the disk's cache, as the other two programs do.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the figures go to the terminal"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop loudly"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use trace::mine::{FileRef, MineOptions, mine};

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|w| w != "--bench")
        .collect();
    let value = |name: &str| {
        words
            .iter()
            .position(|w| w == name)
            .and_then(|at| words.get(at + 1))
            .cloned()
    };
    let number =
        |name: &str, default: u64| value(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let runs = number("--runs", 7).max(1);
    let larger_than = number("--larger-than", 0);
    let dir = words.first().filter(|w| !w.starts_with("--")).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sessions"),
        PathBuf::from,
    );
    let files = session_files(&dir, larger_than);
    let bytes: u64 = files
        .iter()
        .map(|f| std::fs::metadata(f).unwrap().len())
        .sum();
    assert!(!files.is_empty(), "no session files in {}", dir.display());
    eprintln!("{} files, {bytes} bytes", files.len());

    let (mut events, mut signals) = (0, 0);
    let seconds = (0..=runs).map(|_| {
        let started = Instant::now();
        (events, signals) = mine_all(&files);
        started.elapsed().as_secs_f64()
    });
    // The first pass warms the disk's cache and is not counted.
    let seconds: Vec<f64> = seconds.skip(1).collect();
    print("mine", &seconds, bytes, Some((events, signals)));
    two_at_once(&files, bytes, runs);
    for (name, program, args) in [
        ("wc -l", "wc", &["-l"][..]),
        ("rg -c error", "rg", &["-c", "error"]),
    ] {
        let time = |_: u64| {
            let started = Instant::now();
            let done = Command::new(program)
                .args(args)
                .args(&files)
                .stdout(Stdio::null())
                .status();
            done.ok().map(|_| started.elapsed().as_secs_f64())
        };
        let seconds: Option<Vec<f64>> = (0..=runs).map(time).skip(1).collect();
        match seconds {
            Some(seconds) => print(name, &seconds, bytes, None),
            None => eprintln!("NOT MEASURED: {program} is not installed"),
        }
    }
}

/// All files that the miner takes for sessions, larger than so many bytes.
fn session_files(dir: &Path, larger_than: u64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).unwrap().flatten() {
            let path = entry.path();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                todo.push(path);
            } else if meta.is_file() && meta.len() > larger_than && mine_one(&path).2 {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The same files by two threads, each taking the next file when it is done with one, the largest
/// first so that both end together: how mining scales.
fn two_at_once(files: &[PathBuf], bytes: u64, runs: u64) {
    let mut files = files.to_vec();
    files.sort_by_key(|file| std::cmp::Reverse(std::fs::metadata(file).unwrap().len()));
    let seconds: Vec<f64> = (0..runs)
        .map(|_| {
            let next = AtomicUsize::new(0);
            let started = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                            mine_one(file);
                        }
                    });
                }
            });
            started.elapsed().as_secs_f64()
        })
        .collect();
    print("mine, two threads", &seconds, bytes, None);
}

/// The most memory this process ever had, in MiB; none where the system does not tell.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some((kib / 102.4).round() / 10.0)
}

fn mine_all(files: &[PathBuf]) -> (u64, u64) {
    files.iter().fold((0, 0), |(events, signals), file| {
        let (e, s, _) = mine_one(file);
        (events + e, signals + s)
    })
}

/// Events, signals, and whether it is a session.
fn mine_one(path: &Path) -> (u64, u64, bool) {
    let name = path.to_string_lossy();
    let mut file = File::open(path).unwrap();
    let mined = mine(&FileRef { name: &name }, &mut file, &MineOptions::default()).unwrap();
    (
        mined.events,
        u64::try_from(mined.signals.len()).unwrap(),
        mined.is_session,
    )
}

fn print(name: &str, seconds: &[f64], bytes: u64, counts: Option<(u64, u64)>) {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut line = serde_json::json!({
        "program": name,
        "runs": sorted.len(),
        "bytes": bytes,
        "seconds": { "min": sorted[0], "median": median, "max": sorted[sorted.len() - 1] },
        "megabytes_per_second": (bytes as f64 / median / 1e5).round() / 10.0,
    });
    if let Some((events, signals)) = counts {
        line["events_per_second"] = serde_json::json!((events as f64 / median).round());
        line["signals"] = serde_json::json!(signals);
        line["peak_memory_mib"] = serde_json::json!(peak_memory());
    }
    println!("{line}");
}
