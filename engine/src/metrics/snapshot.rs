//! What a reader of metrics gets: values, with their names, units and labels.

use serde::{Deserialize, Serialize};

/// All metrics at one moment, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// By name.
    pub families: Vec<Family>,
}

/// One metric with all its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Its name, with the prefix `temporal_` where Temporal's SDKs have the same metric.
    pub name: String,
    /// What it says.
    pub help: String,
    /// How to read it.
    pub kind: Kind,
    /// `seconds`, `bytes`, or empty for a number of things.
    pub unit: String,
    /// One for each combination of labels.
    pub samples: Vec<Sample>,
}

/// How a metric is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It only grows, from the start of the process.
    Counter,
    /// What is so at the moment.
    Gauge,
    /// How often something was how large.
    Histogram,
}

/// One value with its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Names and values, in a fixed order.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: Value,
}

/// The value of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Of a counter or a gauge.
    Number(u64),
    /// Of a histogram.
    Histogram(HistogramValue),
}

/// How often something was how large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistogramValue {
    /// Upper bounds, in the family's unit, each inclusive.
    pub bounds: Vec<f64>,
    /// How many there were up to each bound and above the one before; one more than there are
    /// bounds, for everything above the last.
    pub counts: Vec<u64>,
    /// All of them together, in the family's unit.
    pub sum: f64,
}

impl HistogramValue {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Snapshot {
    /// One metric by its name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// How often a counter counted, or a histogram observed, over all labels; 0 for no such metric.
    #[must_use]
    pub fn total(&self, name: &str) -> u64 {
        let samples = self.family(name).map(|family| family.samples.as_slice());
        let of = |sample: &Sample| match &sample.value {
            Value::Number(n) => *n,
            Value::Histogram(histogram) => histogram.count(),
        };
        samples.unwrap_or_default().iter().map(of).sum()
    }

    /// The same in the text exposition format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn prometheus(&self) -> String {
        super::prometheus::text(self)
    }
}
