//! What durability costs: commits per second and their times, against a bare file.
//!
//! `cargo run --release -p state --example append [DIRECTORY]`, on the disk that is to be judged.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use kernel::{
    EventKind, HistoryEvent, Payload, RunId, RunState, StartRequest, Timestamp, Transition,
    WorkflowId,
};
use state::{Commit, RunTransition, SledStore, Store};

/// Bytes of the value in each transition.
const VALUE_BYTES: usize = 256;
/// Groups in each measurement.
const GROUPS: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = match std::env::args_os().nth(1) {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    bare(dir.path(), 300, "bare append + sync_data of 300 bytes")?;
    bare(
        dir.path(),
        64 * 300,
        "bare append + sync_data of 64 * 300 bytes",
    )?;
    let store = SledStore::open(&dir.path().join("state"))?;
    grouped(
        &store,
        1,
        "store, groups of 1 transition of about 300 bytes",
    )?;
    grouped(
        &store,
        64,
        "store, groups of 64 such transitions, of 64 runs",
    )?;
    drop(store);
    reopened(&dir.path().join("state"))
}

/// What a process pays that starts on this store.
fn reopened(dir: &Path) -> Result<(), Box<dyn Error>> {
    let log_bytes = std::fs::metadata(dir.join("log/db"))?.len();
    for _ in 0..3 {
        let start = Instant::now();
        let store = SledStore::open(dir)?;
        let opened = start.elapsed();
        let runs = store.open_runs()?;
        for run_id in &runs {
            store.load_run(*run_id)?;
        }
        let loaded = start.elapsed() - opened;
        println!(
            "a log of {log_bytes} bytes: opened in {} ms, {} open runs loaded in {} ms",
            opened.as_millis(),
            runs.len(),
            loaded.as_millis(),
        );
    }
    Ok(())
}

fn bare(dir: &Path, bytes: usize, what: &str) -> Result<(), Box<dyn Error>> {
    let mut file = File::create(dir.join(format!("bare-{bytes}")))?;
    let buffer = vec![7_u8; bytes];
    let mut times = Vec::with_capacity(GROUPS);
    for _ in 0..GROUPS {
        let start = Instant::now();
        file.write_all(&buffer)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    print(what, 1, times);
    Ok(())
}

fn grouped(store: &SledStore, n_runs: usize, what: &str) -> Result<(), Box<dyn Error>> {
    let mut runs = Vec::new();
    for n in 0..n_runs {
        runs.push(start(store, n, n_runs)?);
    }
    let mut times = Vec::with_capacity(GROUPS);
    for _ in 0..GROUPS {
        let mut written = Vec::with_capacity(n_runs);
        for run in &mut runs {
            let kind = EventKind::WorkflowExecutionSignaled {
                name: "progress".into(),
                input: Payload::json(&"x".repeat(VALUE_BYTES))?,
            };
            let id = run.last_event_id.next();
            let events = vec![HistoryEvent {
                id,
                at: run.started_at,
                kind,
            }];
            let transition = Transition {
                events,
                notes: Vec::new(),
            };
            let number = run.transitions;
            run.apply(&transition)?;
            written.push((run.run_id, number, transition));
        }
        let transitions = written
            .iter()
            .map(|(run_id, number, transition)| RunTransition {
                run_id: *run_id,
                number: *number,
                transition,
            })
            .collect();
        let commit = Commit {
            transitions,
            states: runs.iter().collect(),
            rows: Vec::new(),
            imported: Vec::new(),
        };
        let start = Instant::now();
        store.commit(&commit)?;
        times.push(start.elapsed());
    }
    print(what, n_runs, times);
    Ok(())
}

fn start(store: &SledStore, n: usize, n_runs: usize) -> Result<RunState, Box<dyn Error>> {
    let mut run_id = [0_u8; 16];
    run_id[..8].copy_from_slice(&(n_runs * 1_000 + n).to_be_bytes());
    let request = StartRequest::new(
        WorkflowId::new(format!("bench-{n_runs}-{n}")),
        RunId(run_id),
        "Bench",
        Payload::null(),
    );
    let (state, transition) = kernel::start(request, Timestamp(0)).map_err(|e| format!("{e:?}"))?;
    let one = RunTransition {
        run_id: state.run_id,
        number: 0,
        transition: &transition,
    };
    store.commit(&Commit {
        transitions: vec![one],
        states: vec![&state],
        rows: Vec::new(),
        imported: Vec::new(),
    })?;
    Ok(state)
}

fn print(what: &str, transitions_per_group: usize, mut times: Vec<Duration>) {
    times.sort_unstable();
    let total: Duration = times.iter().sum();
    let at = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)].as_micros();
    let per_second =
        |n: usize| u128::try_from(n).unwrap_or(0) * 1_000_000 / total.as_micros().max(1);
    println!(
        "{what}: {} groups/s, {} transitions/s, p50 {} us, p99 {} us",
        per_second(times.len()),
        per_second(times.len() * transitions_per_group),
        at(500),
        at(990),
    );
}
