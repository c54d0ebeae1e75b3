//! Fits the weights of the sentiment model: two sparse logistic regressions, judged on parts they have not seen.
//!
//! Plain proximal gradient steps, no randomness: the same gold gives the same table, byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use trace::sentiment;

const STEPS: usize = 400;
/// Weights below this are left out of the table.
const WEIGHT_MIN: f64 = 0.02;
/// A feature must stand in so many texts.
const TEXTS_MIN: usize = 3;
const FOLDS: usize = 5;

/// How strongly weights are pulled to zero.
#[derive(Clone, Copy, Debug)]
struct Pull {
    /// By a constant, which makes the table short.
    l1: f64,
    /// In proportion, which makes it cautious.
    l2: f64,
    /// Weight of a text of the rarer side.
    rare: f64,
    /// Factor of the pull on marks.
    marks: f64,
    /// Factor of the pull on pairs of words.
    pairs: f64,
}

struct Sample {
    source: String,
    label: String,
    features: Vec<String>,
}

/// A fitted side: bias and weights by feature.
#[derive(Clone, Debug, Default)]
struct Model {
    bias: f64,
    weights: BTreeMap<String, f64>,
}

impl Model {
    fn score(&self, sample: &Sample) -> f64 {
        let known = sample
            .features
            .iter()
            .filter_map(|name| self.weights.get(name));
        self.bias + known.sum::<f64>()
    }
}

/// Runs `cargo xtask fit`.
pub(crate) fn fit(root: &Path, words: &[String]) -> ExitCode {
    let samples = match samples(&root.join("../shared/data/groundtruth/D_sentiment")) {
        Ok(samples) => samples,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(2);
        }
    };
    let number = |name: &str, default: f64| {
        let at = words.iter().position(|word| word == name);
        at.and_then(|at| words.get(at + 1)?.parse().ok())
            .unwrap_or(default)
    };
    let pull = Pull {
        l1: number("--l1", 3.0),
        l2: number("--l2", 8.0),
        rare: number("--rare", 2.0),
        marks: number("--marks", 0.1),
        pairs: number("--pairs", 1.0),
    };
    println!("{} texts, {pull:?}", samples.len());
    cross_validate(&samples, pull);
    let all: Vec<&Sample> = samples.iter().collect();
    let table = table(&all, pull);
    println!("table: {} rows", table.lines().count());
    if words.iter().any(|word| word == "--write") {
        let path = root.join("trace/src/sentiment/weights.tsv");
        if let Err(error) = std::fs::write(&path, table) {
            eprintln!("error: {}: {error}", path.display());
            return ExitCode::from(1);
        }
    }
    ExitCode::SUCCESS
}

fn samples(dir: &Path) -> Result<Vec<Sample>, String> {
    let rows = |name: &str| -> Result<Vec<Value>, String> {
        let path = dir.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
            .collect()
    };
    let gold: BTreeMap<String, String> = rows("gold.jsonl")?
        .into_iter()
        .map(|row| (text(&row, "id"), text(&row, "label")))
        .collect();
    let inputs = rows("inputs.jsonl")?.into_iter();
    Ok(inputs
        .filter_map(|row| {
            let label = gold.get(&text(&row, "id"))?.clone();
            let features = sentiment::features(&text(&row, "text"));
            Some(Sample {
                source: text(&row, "source"),
                label,
                features,
            })
        })
        .collect())
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// Prints how models do on what they have not seen: other folds, and the other source.
fn cross_validate(samples: &[Sample], pull: Pull) {
    let mut sources: Vec<&str> = samples
        .iter()
        .map(|sample| sample.source.as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let indexed: Vec<(usize, &Sample)> = samples.iter().enumerate().collect();
    let mut in_folds = Tally::default();
    for fold in 0..FOLDS {
        let (seen, unseen): (Vec<_>, Vec<_>) =
            indexed.iter().partition(|(index, _)| index % FOLDS != fold);
        in_folds.judge(&seen, &unseen, pull);
    }
    in_folds.print("other folds", &sources);
    let mut in_sources = Tally::default();
    for source in &sources {
        let (unseen, seen): (Vec<_>, Vec<_>) = indexed
            .iter()
            .partition(|(_, sample)| sample.source == *source);
        in_sources.judge(&seen, &unseen, pull);
    }
    in_sources.print("other source", &sources);
}

/// Hits by source and side: true, false, missed.
#[derive(Default)]
struct Tally(BTreeMap<(String, &'static str), [f64; 3]>);

impl Tally {
    fn judge(&mut self, seen: &[(usize, &Sample)], unseen: &[(usize, &Sample)], pull: Pull) {
        let seen: Vec<&Sample> = seen.iter().map(|(_, sample)| *sample).collect();
        let negative = train(&seen, "negative", pull);
        let positive = train(&seen, "positive", pull);
        for (_, sample) in unseen {
            let (bad, good) = (negative.score(sample), positive.score(sample));
            let said = if bad > 0.0 && bad >= good {
                "negative"
            } else if good > 0.0 {
                "positive"
            } else {
                "neutral"
            };
            for side in ["negative", "positive"] {
                let cell = self.0.entry((sample.source.clone(), side)).or_default();
                let (is, says) = (sample.label == side, said == side);
                cell[0] += f64::from(u8::from(is && says));
                cell[1] += f64::from(u8::from(!is && says));
                cell[2] += f64::from(u8::from(is && !says));
            }
        }
    }

    fn print(&self, what: &str, sources: &[&str]) {
        let mut means = [0.0; 2];
        for source in sources {
            for (index, side) in ["negative", "positive"].into_iter().enumerate() {
                let [hit, wrong, missed] = self
                    .0
                    .get(&((*source).to_owned(), side))
                    .copied()
                    .unwrap_or_default();
                let f1 = 2.0 * hit / (2.0 * hit + wrong + missed).max(1.0);
                means[index] += f1 / sources.len() as f64;
                println!(
                    "{what:13} {source:10} {side}: precision {:.3} recall {:.3} F1 {f1:.3}",
                    hit / (hit + wrong).max(1.0),
                    hit / (hit + missed).max(1.0),
                );
            }
        }
        println!(
            "{what:13} mean negative F1 {:.4}, positive F1 {:.4}",
            means[0], means[1]
        );
    }
}

/// Fits one side by accelerated proximal gradient steps.
fn train(samples: &[&Sample], side: &str, pull: Pull) -> Model {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in samples.iter().flat_map(|sample| &sample.features) {
        *counts.entry(name).or_default() += 1;
    }
    let names: Vec<&str> = counts
        .into_iter()
        .filter(|(_, count)| *count >= TEXTS_MIN)
        .map(|(name, _)| name)
        .collect();
    let index: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (*name, at))
        .collect();
    let rows: Vec<Row> = samples
        .iter()
        .map(|sample| Row {
            features: sample
                .features
                .iter()
                .filter_map(|name| index.get(name.as_str()).copied())
                .collect(),
            is: sample.label == side,
        })
        .collect();
    let mut pulls: Vec<f64> = names.iter().map(|name| freedom(name, pull)).collect();
    pulls.push(0.0);
    let (bias, weights) = descend(&rows, &pulls, pull);
    Model {
        bias,
        weights: names
            .iter()
            .zip(weights)
            .filter(|(_, weight)| weight.abs() >= WEIGHT_MIN)
            .map(|(name, weight)| ((*name).to_owned(), weight))
            .collect(),
    }
}

struct Row {
    features: Vec<usize>,
    is: bool,
}

/// What the lexicon and the shape say holds for other writers too; pairs of words are the habit of a place.
fn freedom(name: &str, pull: Pull) -> f64 {
    if name.starts_with('{') {
        pull.marks
    } else if name.contains(' ') {
        pull.pairs
    } else {
        1.0
    }
}

fn descend(rows: &[Row], pulls: &[f64], pull: Pull) -> (f64, Vec<f64>) {
    let size = pulls.len() - 1;
    let longest = rows
        .iter()
        .map(|row| row.features.len() + 1)
        .max()
        .unwrap_or(1);
    // A bound of the curvature by the longest row would crawl; the mean length holds in practice for sparse rows.
    let total: usize = rows.iter().map(|row| row.features.len() + 1).sum();
    let mean = total as f64 / rows.len().max(1) as f64;
    let curvature = 0.25 * pull.rare * rows.len() as f64 * mean.min(longest as f64) + pull.l2;
    let step = 1.0 / curvature;
    let mut weights = vec![0.0; size + 1];
    let mut ahead = weights.clone();
    let mut momentum = 1.0_f64;
    for _ in 0..STEPS {
        let mut slope = vec![0.0; size + 1];
        for row in rows {
            let sum: f64 = ahead[size] + row.features.iter().map(|at| ahead[*at]).sum::<f64>();
            let chance = 1.0 / (1.0 + (-sum).exp());
            let (target, weight) = if row.is { (1.0, pull.rare) } else { (0.0, 1.0) };
            let error = weight * (chance - target);
            for at in &row.features {
                slope[*at] += error;
            }
            slope[size] += error;
        }
        let mut next = vec![0.0; size + 1];
        for at in 0..=size {
            let free = pulls[at];
            let (l1, l2) = (pull.l1 * free, pull.l2 * free);
            let moved = ahead[at] - step * (slope[at] + l2 * ahead[at]);
            next[at] = moved.signum() * (moved.abs() - step * l1).max(0.0);
        }
        let faster = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
        for at in 0..=size {
            ahead[at] = next[at] + (momentum - 1.0) / faster * (next[at] - weights[at]);
        }
        momentum = faster;
        weights = next;
    }
    let bias = weights.pop().unwrap_or_default();
    (bias, weights)
}

/// The table of both sides.
fn table(samples: &[&Sample], pull: Pull) -> String {
    let negative = train(samples, "negative", pull);
    let positive = train(samples, "positive", pull);
    let mut rows: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    rows.insert("{bias}", (negative.bias, positive.bias));
    for (name, weight) in &negative.weights {
        rows.entry(name).or_default().0 = *weight;
    }
    for (name, weight) in &positive.weights {
        rows.entry(name).or_default().1 = *weight;
    }
    let mut text = String::new();
    for (name, (negative, positive)) in rows {
        let _infallible = writeln!(text, "{name}\t{negative:.2}\t{positive:.2}");
    }
    text
}
