//! The run logs of scheduled jobs, as OpenClaw keeps them beside its sessions.
//!
//! Neighbours: `plan` names the directory. Rows fail in two planted ways and in one that is a trap:
//! a job that went well and could not tell anybody is not a failed job.

use serde_json::{Value, json};

use super::manifest::{About, Book, List, Mark};
use super::rng::Rng;
use super::time::{BEGIN_MS, DAY_MS};

/// The planted failures of jobs.
pub(crate) const PLANTED: [About; 3] = [
    About {
        list: List::Planted,
        id: "job-timed-out",
        class: "reliability_perf",
        tool: "cron",
        what: "a scheduled job runs into its time limit",
        marker: "job execution timed out",
    },
    About {
        list: List::Planted,
        id: "job-without-target",
        class: "process_tooling",
        tool: "cron",
        what: "a job went well and its result has nowhere to go",
        marker: "requires target",
    },
    About {
        list: List::Planted,
        id: "job-model-unknown",
        class: "capability_gap",
        tool: "cron",
        what: "a job names a model that the plan does not have",
        marker: "model not allowed",
    },
];

const JOBS: [(&str, u64); 7] = [
    ("b1f0c2aa-0001-4c1e-a001-5a3c9e000001", 40),
    ("b1f0c2aa-0002-4c1e-a002-5a3c9e000002", 33),
    ("b1f0c2aa-0003-4c1e-a003-5a3c9e000003", 28),
    ("b1f0c2aa-0004-4c1e-a004-5a3c9e000004", 51),
    ("b1f0c2aa-0005-4c1e-a005-5a3c9e000005", 22),
    ("b1f0c2aa-0006-4c1e-a006-5a3c9e000006", 36),
    ("b1f0c2aa-0007-4c1e-a007-5a3c9e000007", 30),
];

/// Which job fails how, by its place in the list.
fn failing(job: usize, run: u64) -> Option<&'static str> {
    match (job, run % 9) {
        (0 | 2 | 4 | 6, 4) => Some("job-timed-out"),
        (1 | 3, 2 | 6) => Some("job-without-target"),
        (3 | 5, 7) => Some("job-model-unknown"),
        _ => None,
    }
}

/// The names and texts of the run logs.
pub(crate) fn logs(dir: &str, seed: u64, book: &mut Book) -> Vec<(String, String)> {
    let logs = JOBS.iter().enumerate();
    logs.map(|(number, (id, runs))| {
        let file = format!("{dir}/{id}.jsonl");
        let mut rng = Rng::named(seed, &file);
        let mut text = String::new();
        for (run, line) in (0..*runs).zip(1_u64..) {
            let fails = failing(number, run);
            if let Some(id) = fails {
                book.note(&Mark::new(List::Planted, id), &file, line);
            }
            let at_ms = BEGIN_MS + run * DAY_MS + rng.range(0, 400_000);
            text.push_str(&row(id, at_ms, fails, &mut rng).to_string());
            text.push('\n');
        }
        (file, text)
    })
    .collect()
}

fn row(job: &str, at_ms: u64, fails: Option<&str>, rng: &mut Rng) -> Value {
    let took = rng.range(4_000, 160_000);
    let mut row = json!({
        "ts": at_ms + took, "jobId": job, "action": "finished", "status": "ok",
        "summary": format!("{} entries, {} of them new.", rng.range(100, 900), rng.range(1, 40)),
        "runAtMs": at_ms, "durationMs": took, "nextRunAtMs": at_ms + DAY_MS,
    });
    match fails {
        None => {}
        Some("job-timed-out") => {
            row["status"] = json!("error");
            row["error"] = json!("cron: job execution timed out");
            row["durationMs"] = json!(600_000);
            row.as_object_mut().map(|row| row.remove("summary"));
        }
        Some("job-without-target") => {
            row["status"] = json!("error");
            row["error"] = json!("Delivering to Telegram requires target <chatId>");
        }
        Some(_) => {
            row["status"] = json!("error");
            row["error"] = json!("model not allowed: anthropic/claude-opus-4-5");
            row.as_object_mut().map(|row| row.remove("summary"));
        }
    }
    row
}
