//! Counters, gauges and histograms over atomics: a write is an addition or two, never a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::snapshot::HistogramValue;

/// Upper bounds of buckets for what the machine does, microseconds: 25 µs to 10 s.
pub(super) const FAST_MICROS: &[u64] = &[
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

/// Upper bounds of buckets for what people and other services do, microseconds: 1 ms to a day.
pub(super) const SLOW_MICROS: &[u64] = &[
    1_000,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
];

/// Upper bounds of buckets for numbers of things.
pub(super) const COUNTS: &[u64] = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/// Upper bounds of buckets for bytes: 256 B to 16 MiB.
pub(super) const BYTES: &[u64] = &[
    256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
];

/// Only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is so at the moment.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, n: usize) {
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        self.0.store(n, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something was how large. The number of all observations is the sum of the buckets, so
/// that a reader never sees the two differ.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: the last is for everything above.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub(crate) fn observe(&self, value: u64) {
        let index = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
            self.sum.fetch_add(value, Ordering::Relaxed);
        }
    }

    /// Observes a duration in a histogram of microseconds.
    pub(crate) fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Observes a duration in a histogram of microseconds.
    pub(crate) fn observe_millis(&self, duration: kernel::Millis) {
        self.observe(duration.0.saturating_mul(1_000));
    }

    /// `per_unit`: how many of what was observed are one of what a reader wants to see.
    pub(super) fn read(&self, per_unit: f64) -> HistogramValue {
        let counts = self.buckets.iter().map(|b| b.load(Ordering::Relaxed));
        HistogramValue {
            bounds: self
                .bounds
                .iter()
                .map(|bound| *bound as f64 / per_unit)
                .collect(),
            counts: counts.collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / per_unit,
        }
    }
}

/// Measures how long something takes, when somebody wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Some(Instant::now()))
    }

    pub(super) fn off() -> Self {
        Self(None)
    }

    pub(crate) fn stop(self, histogram: &Histogram) {
        if let Some(began) = self.0 {
            histogram.observe_duration(began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_in_its_bucket_and_one_above_all_in_the_last() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, u64::MAX / 4] {
            histogram.observe(value);
        }
        let read = histogram.read(1.0);
        assert_eq!(read.counts, [2, 2, 2]);
        assert_eq!(read.bounds, [10.0, 20.0]);
        assert_eq!(read.count(), 6);
    }

    #[test]
    fn all_bounds_go_up() {
        for bounds in [FAST_MICROS, SLOW_MICROS, COUNTS, BYTES] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }

    #[test]
    fn a_stopwatch_that_is_off_observes_nothing() {
        let histogram = Histogram::new(FAST_MICROS);
        Stopwatch::off().stop(&histogram);
        assert_eq!(histogram.read(1.0).count(), 0);
        Stopwatch::start().stop(&histogram);
        assert_eq!(histogram.read(1.0).count(), 1);
    }
}
