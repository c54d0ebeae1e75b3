//! What the engine counts, measures and logs, with threads and a real clock.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use engine::Engine;
use engine::metrics::{Snapshot, Value};
use kernel::{ActivityOptions, Cx, Failure, LogLevel, Millis, RetryPolicy};
use state::MemoryStore;

async fn order(cx: Cx, n: u64) -> Result<u64, Failure> {
    cx.log(LogLevel::Info, format_args!("packing {n}"));
    let options = ActivityOptions {
        retry: RetryPolicy {
            initial_interval: Millis(1),
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    };
    let packed: u64 = cx.activity_named("Pack", &n, options.clone()).await?;
    cx.log(LogLevel::Warn, format_args!("sending {packed}"));
    cx.activity_named("Send", &packed, options).await
}

async fn refused(_cx: Cx, _: u64) -> Result<u64, Failure> {
    Err(Failure::permanent("Refused", "not today"))
}

/// An engine whose first attempt to pack fails.
fn engine(machines_max: usize) -> Engine {
    let packed = AtomicU32::new(0);
    Engine::builder(Arc::new(MemoryStore::new()))
        .workflow("Order", order)
        .workflow("Refused", refused)
        .activity_fn("Pack", move |_cx, n: u64| {
            let first = packed.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                tracing::info!("folding the box");
                if first {
                    return Err(Failure::retryable("NoTape", "the tape is out"));
                }
                Ok(n)
            }
        })
        .activity_fn("Send", |_cx, n: u64| async move { Ok(n + 1) })
        .machines_max(machines_max)
        .start()
        .unwrap()
}

/// The counts of one metric by the value of its only label.
fn by_label(snapshot: &Snapshot, name: &str) -> BTreeMap<String, u64> {
    let samples = &snapshot.family(name).unwrap().samples;
    let of = |value: &Value| match value {
        Value::Number(n) => *n,
        Value::Histogram(histogram) => histogram.count(),
    };
    samples
        .iter()
        .map(|sample| (sample.labels[0].1.clone(), of(&sample.value)))
        .collect()
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect()
}

#[tokio::test]
async fn runs_turns_and_attempts_are_counted_by_their_types() {
    let engine = engine(100);
    let client = engine.client();
    let run = client.start("a", "Order", &7_u64).await.unwrap();
    assert_eq!(client.result::<u64>(run).await.unwrap(), 8);
    let run = client.start("b", "Refused", &7_u64).await.unwrap();
    assert!(client.result::<u64>(run).await.is_err());

    let seen = client.metrics();
    let workflows =
        |order, refused| counts(&[("Order", order), ("Refused", refused), ("_other", 0)]);
    for (name, order, refused) in [
        ("engine_workflow_started", 1, 1),
        ("temporal_workflow_completed", 1, 0),
        ("temporal_workflow_failed", 0, 1),
        ("temporal_workflow_endtoend_latency", 1, 1),
        ("temporal_workflow_task_execution_latency", 3, 1),
        ("temporal_workflow_task_replay_latency", 0, 0),
    ] {
        assert_eq!(by_label(&seen, name), workflows(order, refused), "{name}");
    }
    let activities = |pack, send| counts(&[("Pack", pack), ("Send", send), ("_other", 0)]);
    for (name, pack, send) in [
        ("temporal_activity_execution_latency", 2, 1),
        ("temporal_activity_execution_failed", 1, 0),
        ("temporal_activity_schedule_to_start_latency", 2, 1),
        ("temporal_activity_succeed_endtoend_latency", 1, 1),
    ] {
        assert_eq!(by_label(&seen, name), activities(pack, send), "{name}");
    }
    assert_eq!(seen.total("temporal_sticky_cache_hit"), 4);
    assert_eq!(seen.total("temporal_sticky_cache_miss"), 0);
    let commits = seen.total("engine_store_commit_latency");
    assert_eq!(seen.total("engine_store_group_size"), commits);
    assert!(commits >= 2, "{commits}");
    engine.shutdown().await;
}

/// Reads the text as the format's own rules have it.
fn check_exposition(text: &str) -> BTreeMap<String, f64> {
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    let mut values = BTreeMap::new();
    let mut last_bucket = 0.0;
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(kinds.insert(name, kind).is_none(), "{name} twice");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        assert!(name.chars().all(is_name), "{name}");
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .filter(|base| kinds.get(base) == Some(&"histogram"));
        assert!(
            kinds.contains_key(base.unwrap_or(name)),
            "{name} has no type"
        );
        if series.contains("le=\"0.000025\"") || series.contains("le=\"0.001\"") {
            last_bucket = 0.0;
        }
        if base.is_some() && name.ends_with("_latency_bucket") {
            assert!(value >= last_bucket, "{line}");
            last_bucket = value;
        }
        if base.is_some() && name.ends_with("_latency_count") {
            assert!(value == last_bucket, "{line}: not the last bucket");
        }
        assert!(
            values.insert(series.to_owned(), value).is_none(),
            "{series} twice"
        );
    }
    values
}

#[tokio::test]
async fn the_text_is_what_prometheus_reads() {
    let engine = engine(100);
    let client = engine.client();
    let run = client.start("a", "Order", &7_u64).await.unwrap();
    client.result::<u64>(run).await.unwrap();
    let values = check_exposition(&client.metrics().prometheus());
    let of = |series: &str| values.get(series).copied();
    let series = "temporal_workflow_completed{workflow_type=\"Order\"}";
    assert_eq!(of(series), Some(1.0));
    let series = "temporal_activity_execution_latency_bucket{activity_type=\"Pack\",le=\"+Inf\"}";
    assert_eq!(of(series), Some(2.0));
    let series = "temporal_worker_task_slots_available{worker_type=\"ActivityWorker\"}";
    assert!(of(series).is_some_and(|n| n >= 15.0));
    assert_eq!(of("engine_open_runs"), Some(0.0));
    engine.shutdown().await;
}

/// Everything that was logged in this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn lines_of_code_and_activities_carry_their_span_and_are_silent_on_replay() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    // Nothing is kept warm, so that every turn replays the ones before.
    let engine = engine(0);
    let client = engine.client();
    let run_id = client.start("logged", "Order", &7_u64).await.unwrap();
    client.result::<u64>(run_id).await.unwrap();
    let replays = client
        .metrics()
        .total("temporal_workflow_task_replay_latency");
    assert_eq!(replays, 2);
    engine.shutdown().await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of = |what: &str| {
        let found = text.lines().filter(|line| line.contains(what));
        found.filter(|l| l.contains("logged")).collect::<Vec<_>>()
    };
    let turn = format!("workflow_task{{workflow_id=logged run_id={run_id} workflow_type=\"Order\"");
    for (what, level) in [("packing 7", " INFO "), ("sending 7", " WARN ")] {
        let lines = of(what);
        assert_eq!(lines.len(), 1, "{text}");
        assert!(
            lines[0].contains(&turn) && lines[0].contains(level),
            "{}",
            lines[0]
        );
    }
    let folds = of("folding the box");
    assert_eq!(folds.len(), 2, "{text}");
    let attempt = "activity{workflow_id=logged run_id=";
    assert!(folds.iter().all(|line| line.contains(attempt)));
    assert!(folds[0].contains("activity_type=\"Pack\" activity_id=3 attempt=1}"));
    assert!(folds[1].contains("attempt=2}"), "{}", folds[1]);
}
