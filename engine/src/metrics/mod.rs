//! What the engine counts and measures about itself. Names, units and labels: `docs/OBSERVABILITY.md`.
//!
//! Reading order: [`Metrics`] (all of it, by type), `instruments` (atomics), [`Snapshot`] (what a
//! reader gets), `prometheus` (that as text). Measuring never changes what the engine does: nothing
//! here is read back by it.

mod instruments;
mod prometheus;
mod registry;
mod snapshot;

pub(crate) use instruments::Stopwatch;
pub(crate) use registry::ActivitySeries;

pub use registry::Metrics;
pub use snapshot::{Family, HistogramValue, Kind, Sample, Snapshot, Value};
