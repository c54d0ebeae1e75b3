//! All metrics of one engine. Series are made when it starts, one for each registered type, so that
//! finding one is a look into a map that nobody writes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::primitives::workflow_execution::State as Status;
use kernel::{Failure, Payload, RunState};

use super::instruments::{
    BYTES, COUNTS, Counter, FAST_MICROS, Gauge, Histogram, SLOW_MICROS, Stopwatch,
};
use super::snapshot::{Family, Kind, Sample, Snapshot, Value};

/// The label of everything whose type is not registered here.
const OTHER: &str = "_other";

/// Microseconds in a second.
const MICROS: f64 = 1_000_000.0;

/// What is counted for one workflow type.
#[derive(Debug)]
pub(crate) struct WorkflowSeries {
    pub(crate) started: Counter,
    completed: Counter,
    failed: Counter,
    canceled: Counter,
    continued_as_new: Counter,
    timed_out: Counter,
    terminated: Counter,
    endtoend: Histogram,
    pub(crate) task: Histogram,
    pub(crate) replay: Histogram,
    pub(crate) task_failed: Counter,
}

impl Default for WorkflowSeries {
    fn default() -> Self {
        Self {
            started: Counter::default(),
            completed: Counter::default(),
            failed: Counter::default(),
            canceled: Counter::default(),
            continued_as_new: Counter::default(),
            timed_out: Counter::default(),
            terminated: Counter::default(),
            endtoend: Histogram::new(SLOW_MICROS),
            task: Histogram::new(FAST_MICROS),
            replay: Histogram::new(FAST_MICROS),
            task_failed: Counter::default(),
        }
    }
}

impl WorkflowSeries {
    /// A run has closed, and that is durable.
    pub(crate) fn closed(&self, state: &RunState) {
        let counter = match state.status {
            Status::Running => return,
            Status::Completed => &self.completed,
            Status::Failed => &self.failed,
            Status::Canceled => &self.canceled,
            Status::Terminated => &self.terminated,
            Status::TimedOut => &self.timed_out,
            Status::ContinuedAsNew => &self.continued_as_new,
        };
        counter.add(1);
        if let Some(closed_at) = state.closed_at {
            self.endtoend
                .observe_millis(closed_at.since(state.started_at));
        }
    }
}

/// What is counted for one activity type.
#[derive(Debug)]
pub(crate) struct ActivitySeries {
    pub(crate) schedule_to_start: Histogram,
    execution: Histogram,
    failed: Counter,
    canceled: Counter,
    pub(crate) endtoend: Histogram,
}

impl Default for ActivitySeries {
    fn default() -> Self {
        Self {
            schedule_to_start: Histogram::new(SLOW_MICROS),
            execution: Histogram::new(SLOW_MICROS),
            failed: Counter::default(),
            canceled: Counter::default(),
            endtoend: Histogram::new(SLOW_MICROS),
        }
    }
}

impl ActivitySeries {
    /// An attempt has ended. One without a result was cut off, which says nothing of it.
    pub(crate) fn attempted(&self, took: Stopwatch, result: Option<&Result<Payload, Failure>>) {
        let Some(result) = result else { return };
        took.stop(&self.execution);
        match result {
            Ok(_) => {}
            Err(failure) if failure.is_canceled() => self.canceled.add(1),
            Err(_) => self.failed.add(1),
        }
    }
}

/// What an engine counts and measures. Read it with [`snapshot`](Self::snapshot).
#[derive(Debug)]
pub struct Metrics {
    timed: bool,
    workflows: BTreeMap<String, WorkflowSeries>,
    activities: BTreeMap<String, Arc<ActivitySeries>>,
    other_workflow: WorkflowSeries,
    other_activity: Arc<ActivitySeries>,
    pub(crate) cache_size: Gauge,
    pub(crate) cache_hits: Counter,
    pub(crate) cache_misses: Counter,
    pub(crate) cache_evictions: Counter,
    pub(crate) slots_used: Gauge,
    pub(crate) slots_free: Gauge,
    pub(crate) open_runs: Gauge,
    pub(crate) dormant_runs: Gauge,
    pub(crate) tasks_ready: Gauge,
    pub(crate) commit: Histogram,
    pub(crate) commit_failed: Counter,
    pub(crate) group_transitions: Histogram,
    pub(crate) group_bytes: Histogram,
}

impl Default for Metrics {
    /// Of an engine that nobody watches: nothing is timed.
    fn default() -> Self {
        Self {
            timed: false,
            workflows: BTreeMap::new(),
            activities: BTreeMap::new(),
            other_workflow: WorkflowSeries::default(),
            other_activity: Arc::default(),
            cache_size: Gauge::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            cache_evictions: Counter::default(),
            slots_used: Gauge::default(),
            slots_free: Gauge::default(),
            open_runs: Gauge::default(),
            dormant_runs: Gauge::default(),
            tasks_ready: Gauge::default(),
            commit: Histogram::new(FAST_MICROS),
            commit_failed: Counter::default(),
            group_transitions: Histogram::new(COUNTS),
            group_bytes: Histogram::new(BYTES),
        }
    }
}

impl Metrics {
    /// Of an engine with these workflow and activity types.
    pub(crate) fn new<'a>(
        workflow_types: impl Iterator<Item = &'a String>,
        activity_types: impl Iterator<Item = &'a String>,
    ) -> Self {
        Self {
            timed: true,
            workflows: workflow_types
                .map(|name| (name.clone(), WorkflowSeries::default()))
                .collect(),
            activities: activity_types
                .map(|name| (name.clone(), Arc::default()))
                .collect(),
            ..Self::default()
        }
    }

    pub(crate) fn workflow(&self, workflow_type: &str) -> &WorkflowSeries {
        self.workflows
            .get(workflow_type)
            .unwrap_or(&self.other_workflow)
    }

    pub(crate) fn activity(&self, activity_type: &str) -> &Arc<ActivitySeries> {
        self.activities
            .get(activity_type)
            .unwrap_or(&self.other_activity)
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        if self.timed {
            Stopwatch::start()
        } else {
            Stopwatch::off()
        }
    }

    /// All of it, at this moment. Each value is exact; two of them may be a moment apart.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut families = self.workflow_families();
        families.extend(self.activity_families());
        families.extend(self.own_families());
        Snapshot { families }
    }

    fn workflow_families(&self) -> Vec<Family> {
        let counter = |name: &str, help: &str, of: fn(&WorkflowSeries) -> &Counter| {
            let value = |series: &WorkflowSeries| Value::Number(of(series).get());
            family(name, help, Kind::Counter, "", self.by_workflow(value))
        };
        let latency = |name: &str, help: &str, of: fn(&WorkflowSeries) -> &Histogram| {
            let value = |series: &WorkflowSeries| Value::Histogram(of(series).read(MICROS));
            family(
                name,
                help,
                Kind::Histogram,
                "seconds",
                self.by_workflow(value),
            )
        };
        vec![
            counter("engine_workflow_started", "Runs that began.", |s| {
                &s.started
            }),
            counter("temporal_workflow_completed", "Runs that completed.", |s| {
                &s.completed
            }),
            counter("temporal_workflow_failed", "Runs that failed.", |s| {
                &s.failed
            }),
            counter(
                "temporal_workflow_canceled",
                "Runs that ended as they were asked to cancel.",
                |s| &s.canceled,
            ),
            counter(
                "temporal_workflow_continue_as_new",
                "Runs that went on in a new one.",
                |s| &s.continued_as_new,
            ),
            counter(
                "engine_workflow_timed_out",
                "Runs that were out of time.",
                |s| &s.timed_out,
            ),
            counter(
                "engine_workflow_terminated",
                "Runs that were terminated.",
                |s| &s.terminated,
            ),
            latency(
                "temporal_workflow_endtoend_latency",
                "From the start of a run to its end.",
                |s| &s.endtoend,
            ),
            latency(
                "temporal_workflow_task_execution_latency",
                "One turn of workflow code.",
                |s| &s.task,
            ),
            latency(
                "temporal_workflow_task_replay_latency",
                "Bringing workflow code back to where its history ends.",
                |s| &s.replay,
            ),
            counter(
                "temporal_workflow_task_execution_failed",
                "Turns that failed and are tried again.",
                |s| &s.task_failed,
            ),
        ]
    }

    fn activity_families(&self) -> Vec<Family> {
        let counter = |name: &str, help: &str, of: fn(&ActivitySeries) -> &Counter| {
            let value = |series: &ActivitySeries| Value::Number(of(series).get());
            family(name, help, Kind::Counter, "", self.by_activity(value))
        };
        let latency = |name: &str, help: &str, of: fn(&ActivitySeries) -> &Histogram| {
            let value = |series: &ActivitySeries| Value::Histogram(of(series).read(MICROS));
            family(
                name,
                help,
                Kind::Histogram,
                "seconds",
                self.by_activity(value),
            )
        };
        vec![
            latency(
                "temporal_activity_schedule_to_start_latency",
                "From when an attempt was due to when a worker had it.",
                |s| &s.schedule_to_start,
            ),
            latency(
                "temporal_activity_execution_latency",
                "One attempt, however it ended.",
                |s| &s.execution,
            ),
            counter(
                "temporal_activity_execution_failed",
                "Attempts that failed.",
                |s| &s.failed,
            ),
            counter(
                "temporal_activity_execution_cancelled",
                "Attempts that stopped as they were told.",
                |s| &s.canceled,
            ),
            latency(
                "temporal_activity_succeed_endtoend_latency",
                "From when an activity was scheduled to its result, all attempts and waits.",
                |s| &s.endtoend,
            ),
        ]
    }

    fn own_families(&self) -> Vec<Family> {
        let number = |name: &str, help: &str, kind: Kind, labels: &[(&str, &str)], n: u64| {
            let samples = vec![sample(labels, Value::Number(n))];
            family(name, help, kind, "", samples)
        };
        let histogram =
            |name: &str, help: &str, unit: &str, histogram: &Histogram, per_unit: f64| {
                let value = Value::Histogram(histogram.read(per_unit));
                family(name, help, Kind::Histogram, unit, vec![sample(&[], value)])
            };
        let (counter, gauge) = (Kind::Counter, Kind::Gauge);
        let worker = &[("worker_type", "ActivityWorker")];
        vec![
            number(
                "temporal_sticky_cache_size",
                "Runs whose code is kept warm.",
                gauge,
                &[],
                self.cache_size.get(),
            ),
            number(
                "temporal_sticky_cache_hit",
                "Turns whose code was warm.",
                counter,
                &[],
                self.cache_hits.get(),
            ),
            number(
                "temporal_sticky_cache_miss",
                "Turns whose code had to be replayed first.",
                counter,
                &[],
                self.cache_misses.get(),
            ),
            number(
                "temporal_sticky_cache_total_forced_eviction",
                "Runs whose code was thrown out to make room.",
                counter,
                &[],
                self.cache_evictions.get(),
            ),
            number(
                "temporal_worker_task_slots_used",
                "Attempts that are running.",
                gauge,
                worker,
                self.slots_used.get(),
            ),
            number(
                "temporal_worker_task_slots_available",
                "Attempts that could run besides.",
                gauge,
                worker,
                self.slots_free.get(),
            ),
            number(
                "engine_activity_tasks_ready",
                "Attempts that are due and wait for a slot.",
                gauge,
                &[],
                self.tasks_ready.get(),
            ),
            number(
                "engine_open_runs",
                "Open runs that this process looks after.",
                gauge,
                &[],
                self.open_runs.get(),
            ),
            number(
                "engine_dormant_runs",
                "Open runs that are not in memory.",
                gauge,
                &[],
                self.dormant_runs.get(),
            ),
            histogram(
                "engine_store_commit_latency",
                "Making one group durable.",
                "seconds",
                &self.commit,
                MICROS,
            ),
            number(
                "engine_store_commit_failed",
                "Groups that the store refused; the engine stops at the first.",
                counter,
                &[],
                self.commit_failed.get(),
            ),
            histogram(
                "engine_store_group_size",
                "Transitions in one group.",
                "",
                &self.group_transitions,
                1.0,
            ),
            histogram(
                "engine_store_group_bytes",
                "Bytes of keys and values in one group.",
                "bytes",
                &self.group_bytes,
                1.0,
            ),
        ]
    }

    fn by_workflow(&self, value: impl Fn(&WorkflowSeries) -> Value) -> Vec<Sample> {
        let all = self.workflows.iter().map(|(name, s)| (name.as_str(), s));
        all.chain([(OTHER, &self.other_workflow)])
            .map(|(name, series)| sample(&[("workflow_type", name)], value(series)))
            .collect()
    }

    fn by_activity(&self, value: impl Fn(&ActivitySeries) -> Value) -> Vec<Sample> {
        let all = self.activities.iter().map(|(name, s)| (name.as_str(), s));
        all.chain([(OTHER, &self.other_activity)])
            .map(|(name, series)| sample(&[("activity_type", name)], value(series)))
            .collect()
    }
}

fn family(name: &str, help: &str, kind: Kind, unit: &str, samples: Vec<Sample>) -> Family {
    Family {
        name: name.to_owned(),
        help: help.to_owned(),
        kind,
        unit: unit.to_owned(),
        samples,
    }
}

fn sample(labels: &[(&str, &str)], value: Value) -> Sample {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sample {
        labels: labels.iter().map(owned).collect(),
        value,
    }
}
