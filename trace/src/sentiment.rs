//! How pleased or displeased a text of a developer sounds.
//!
//! A linear model: words of a lexicon, negation, emoticons and marks become features, a checked-in table holds what
//! each adds to either side. Neighbours: `detect::user` asks for turns that no phrase decides. Must not know who spoke.

mod lexicon;
mod words;

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The side a text is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// Displeased, worried, angry, sad.
    Negative,
    /// Neither.
    Neutral,
    /// Pleased, thankful, in good mood.
    Positive,
}

impl Polarity {
    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

/// The mood of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mood {
    /// The side it is on.
    pub polarity: Polarity,
    /// How much speaks for displeasure: above 0 more than against.
    pub negative: f64,
    /// How much speaks for pleasure: above 0 more than against.
    pub positive: f64,
}

impl Mood {
    /// One figure for both: higher is more negative.
    #[must_use]
    pub fn negativity(&self) -> f64 {
        self.negative - self.positive / 2.0
    }
}

/// What a feature adds.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    negative: f64,
    positive: f64,
}

/// The weight of no feature at all.
const BIAS: &str = "{bias}";

/// What each feature adds, in the order of their names, and where the names with each first byte begin.
struct Weights {
    rows: Vec<(&'static str, Weight)>,
    starts: [usize; FIRST_BYTES + 1],
}

const FIRST_BYTES: usize = 256;

static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| {
    let lines = include_str!("sentiment/weights.tsv").lines();
    let rows = lines.filter_map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next()?;
        let negative = cells.next()?.parse().ok()?;
        let positive = cells.next()?.parse().ok()?;
        Some((name, Weight { negative, positive }))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|(name, _)| *name);
    let first = |name: &str| name.bytes().next().map_or(0, usize::from);
    let starts = std::array::from_fn(|byte| rows.partition_point(|(name, _)| first(name) < byte));
    Weights { rows, starts }
});

impl Weights {
    /// The row of a feature.
    fn row(&self, name: &str) -> Option<usize> {
        let first = usize::from(*name.as_bytes().first()?);
        let (low, high) = (self.starts[first], self.starts[first + 1]);
        let near = &self.rows[low..high];
        let at = near.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(low + at)
    }
}

/// The mood of a text.
#[must_use]
pub fn of(text: &str) -> Mood {
    let weights = &*WEIGHTS;
    let mut rows = BTreeSet::from_iter(weights.row(BIAS));
    words::features(text, &mut |feature| rows.extend(weights.row(feature)));
    let mut sum = Weight::default();
    for row in rows {
        let (_, weight) = weights.rows[row];
        sum.negative += weight.negative;
        sum.positive += weight.positive;
    }
    let polarity = if sum.negative > 0.0 && sum.negative >= sum.positive {
        Polarity::Negative
    } else if sum.positive > 0.0 {
        Polarity::Positive
    } else {
        Polarity::Neutral
    };
    Mood {
        polarity,
        negative: sum.negative,
        positive: sum.positive,
    }
}

/// The names of the features of a text, for fitting the table.
#[must_use]
pub fn features(text: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    words::features(text, &mut |feature| {
        names.insert(feature.to_owned());
    });
    names.into_iter().collect()
}
