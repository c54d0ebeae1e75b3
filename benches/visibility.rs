//! Visibility benchmark: lists and counts over a store full of closed runs.
//!
//! `cargo bench --bench visibility -- --closed 1000000` fills a store and prints one JSON line a question:
//! the median of several times in milliseconds, and the runs of the answer. The runs are written straight
//! through the store, 1,000 a group: 1 % have failed, there are 20 types, 1,000 customers (a Keyword)
//! and an amount (an Int); one starts every second. `--in DIR` keeps the store there, and asks the one
//! that is there.

#![expect(clippy::print_stdout, reason = "the figures go to stdout")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop loudly"
)]

use std::path::Path;
use std::time::Instant;

use engine::visibility::Request;
use engine::visibility::list::{count, list};
use kernel::{
    EventKind, Failure, HistoryEvent, Payload, RunId, RunState, SearchValue, StartRequest,
    Timestamp, Transition, WorkflowId,
};
use state::sled_store::SledStore;
use state::store::{Commit, RunTransition, Store};
use tempfile::TempDir;

const BEGINNING: i64 = 1_700_000_000_000;

fn run_id(n: u64) -> RunId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    RunId(bytes)
}

/// A run that has come to its end, in one transition.
fn closed(n: u64) -> (RunState, Transition) {
    let workflow_id = WorkflowId::new(format!("order-{n:09}"));
    let workflow_type = format!("Type{:02}", n % 20);
    let input = Payload::json(&n).unwrap();
    let mut request = StartRequest::new(workflow_id, run_id(n), workflow_type, input);
    let attributes = &mut request.options.search_attributes;
    let customer = format!("customer-{:03}", n * 7 % 1_000);
    attributes.insert("Customer".to_owned(), SearchValue::Keyword(customer));
    let amount = i64::try_from(n % 10_000).unwrap();
    attributes.insert("Amount".to_owned(), SearchValue::Int(amount));
    let at = Timestamp(BEGINNING + i64::try_from(n).unwrap() * 1_000);
    let (mut state, mut transition) = kernel::start(request, at).unwrap();
    let kind = if n.is_multiple_of(100) {
        EventKind::WorkflowExecutionFailed {
            failure: Failure::permanent("Declined", "the card was declined"),
            retry_state: None,
            next: None,
        }
    } else {
        EventKind::WorkflowExecutionCompleted {
            result: Payload::json(&n).unwrap(),
        }
    };
    for kind in [EventKind::WorkflowTaskCompleted, kind] {
        let event = HistoryEvent {
            id: state.last_event_id.next(),
            at: Timestamp(at.0 + 5_000),
            kind,
        };
        state.apply_event(&event).unwrap();
        transition.events.push(event);
    }
    (state, transition)
}

fn fill(store: &dyn Store, from: u64, to: u64) {
    for first in (from..to).step_by(1_000) {
        let runs: Vec<_> = (first..to.min(first + 1_000)).map(closed).collect();
        let transitions = runs.iter().map(|(state, transition)| RunTransition {
            run_id: state.run_id,
            number: 0,
            transition,
        });
        let commit = Commit {
            transitions: transitions.collect(),
            states: runs.iter().map(|(state, _)| state).collect(),
            rows: Vec::new(),
            imported: Vec::new(),
        };
        store.commit(&commit).unwrap();
    }
}

/// The median time of several askings, and the size of the answer.
fn measure(name: &str, times: usize, ask: impl Fn() -> u64) {
    let mut ms = Vec::new();
    let mut answer = 0;
    for _ in 0..times {
        let started = Instant::now();
        answer = ask();
        ms.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    ms.sort_by(f64::total_cmp);
    let median = ms[ms.len() / 2];
    let (min, max) = (ms[0], ms[ms.len() - 1]);
    let line = serde_json::json!({
        "question": name,
        "ms": { "min": min, "median": median, "max": max },
        "runs": answer,
    });
    println!("{line}");
}

fn disk_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    let sizes = entries.map(|entry| {
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            disk_bytes(&entry.path())
        } else {
            meta.len()
        }
    });
    sizes.sum()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name);
        at.and_then(|at| words.get(at + 1))
            .and_then(|n| n.parse().ok())
    };
    let n_closed: u64 = value("--closed").unwrap_or(100_000);
    let made;
    let dir = match words.iter().position(|word| word == "--in") {
        Some(at) => Path::new(&words[at + 1]),
        None => {
            made = TempDir::new().unwrap();
            made.path()
        }
    };
    let mut fill_seconds = None;
    if !dir.join("FORMAT").exists() {
        let started = Instant::now();
        let store = SledStore::open(dir).unwrap();
        fill(&store, 0, n_closed);
        fill_seconds = Some(started.elapsed().as_secs_f64());
    }
    let started = Instant::now();
    let store = SledStore::open(dir).unwrap();
    assert!(store.open_runs().unwrap().is_empty());
    let open_seconds = started.elapsed().as_secs_f64();
    let line = serde_json::json!({
        "closed": n_closed,
        "fill_seconds": fill_seconds,
        "open_seconds": open_seconds,
        "disk_bytes_per_run": disk_bytes(dir) / n_closed,
    });
    println!("{line}");
    ask_all(&store, n_closed);
}

fn ask_all(store: &dyn Store, n_closed: u64) {
    let last = BEGINNING + i64::try_from(n_closed).unwrap() * 1_000;
    let now = Timestamp(last);
    let request = |query: &str| Request {
        query: query.parse().unwrap(),
        search: None,
    };
    let page = |query: &str| {
        let page = list(store, &request(query), None, 50, now).unwrap();
        u64::try_from(page.runs.len()).unwrap()
    };
    let half = n_closed / 2;
    for (name, query) in [
        ("first page", String::new()),
        ("status = Failed", "ExecutionStatus = 'Failed'".to_owned()),
        ("type", "WorkflowType = 'Type07'".to_owned()),
        (
            "type and status",
            "WorkflowType = 'Type00' AND ExecutionStatus = 'Failed'".to_owned(),
        ),
        ("a keyword", "Customer = 'customer-123'".to_owned()),
        (
            "a keyword and status",
            "Customer = 'customer-100' AND ExecutionStatus = 'Failed'".to_owned(),
        ),
        (
            "one id, the oldest",
            "WorkflowId = 'order-000000000'".to_owned(),
        ),
        (
            "an hour in the middle, by start",
            format!(
                "StartTime BETWEEN now - {half}s AND now - {}s",
                half.saturating_sub(3_600)
            ),
        ),
        (
            "an hour in the middle, by close",
            format!(
                "CloseTime BETWEEN now - {half}s AND now - {}s",
                half.saturating_sub(3_600)
            ),
        ),
        ("ORDER BY CloseTime", "ORDER BY CloseTime DESC".to_owned()),
        ("a number, 0.01 %", "Amount = 5".to_owned()),
    ] {
        measure(name, 9, || page(&query));
    }
    let counted = |query: &str| count(store, &request(query), now).unwrap().values().sum();
    measure("count", 3, || counted(""));
    measure("count status = Failed", 3, || {
        counted("ExecutionStatus = 'Failed'")
    });
    measure("count a keyword", 3, || {
        counted("Customer = 'customer-123'")
    });
}
