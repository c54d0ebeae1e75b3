//! How pleased or displeased a text of a developer sounds.
//!
//! A linear model: words of a lexicon, negation, emoticons and marks become features, a checked-in table holds what
//! each adds to either side. Neighbours: `detect::user` asks for turns that no phrase decides. Must not know who spoke.

mod lexicon;
mod words;

use std::collections::BTreeMap;
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

static WEIGHTS: LazyLock<BTreeMap<&'static str, Weight>> = LazyLock::new(|| {
    let rows = include_str!("sentiment/weights.tsv").lines();
    rows.filter_map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next()?;
        let negative = cells.next()?.parse().ok()?;
        let positive = cells.next()?.parse().ok()?;
        Some((name, Weight { negative, positive }))
    })
    .collect()
});

/// The mood of a text.
#[must_use]
pub fn of(text: &str) -> Mood {
    let weights = &*WEIGHTS;
    let mut sum = weights.get(BIAS).copied().unwrap_or_default();
    for feature in words::features(text) {
        if let Some(weight) = weights.get(feature.as_str()) {
            sum.negative += weight.negative;
            sum.positive += weight.positive;
        }
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
    words::features(text).into_iter().collect()
}
