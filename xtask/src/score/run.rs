//! Predicts, judges, prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::goals::{JUDGES, Judge};
use super::table::{Row, print};
use crate::predict::{Job, Predicted, SETS, predict};

/// Runs `cargo xtask score [SET..]`.
pub(crate) fn run(root: &Path, words: &[String]) -> ExitCode {
    if let Some(other) = words.iter().find(|word| !SETS.contains(&word.as_str())) {
        eprintln!("error: {other:?} is no set\nsets: {}", SETS.join(" "));
        return ExitCode::from(2);
    }
    let data = root.join("../shared/data");
    if !data.join("groundtruth").is_dir() {
        eprintln!("error: no labelled sets in {}", data.display());
        return ExitCode::from(2);
    }
    let out = std::env::temp_dir().join(format!("openclaw-trace-score-{}", std::process::id()));
    if let Err(error) = std::fs::create_dir_all(&out) {
        eprintln!("error: {}: {error}", out.display());
        return ExitCode::from(1);
    }
    let place = Place { data, out };
    let rows = score(&place, words);
    if let Err(error) = std::fs::remove_dir_all(&place.out) {
        eprintln!("warning: {}: {error}", place.out.display());
    }
    print(&rows);
    let is_whole = rows.iter().all(|row| row.failed.is_empty());
    if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

struct Place {
    data: PathBuf,
    out: PathBuf,
}

impl Place {
    fn dir(&self, set: &str) -> PathBuf {
        if set.starts_with("L_") {
            self.data.join("labels")
        } else {
            // The causes are a second answer to the same rows.
            let rows = set.strip_suffix("_root").unwrap_or(set);
            self.data.join("groundtruth").join(rows)
        }
    }

    fn inputs(&self, set: &str) -> PathBuf {
        let name = match set {
            "L_tool" => "tool.inputs.jsonl",
            "L_user" => "user.inputs.jsonl",
            "E_stats" => "pairs.inputs.jsonl",
            _ => "inputs.jsonl",
        };
        self.dir(set).join(name)
    }

    fn predictions(&self, set: &str) -> PathBuf {
        self.out.join(format!("{set}.jsonl"))
    }
}

fn score(place: &Place, wanted: &[String]) -> Vec<Row> {
    let anchors = anchors(&place.data.join("groundtruth/ANCHORS_dev.tsv"));
    let mut predicted: BTreeMap<&str, Result<Predicted, String>> = BTreeMap::new();
    let mut rows = Vec::new();
    let is_wanted = |set: &str| wanted.is_empty() || wanted.iter().any(|word| word == set);
    for judge in JUDGES.iter().filter(|judge| is_wanted(judge.set)) {
        let job = Job {
            set: judge.set.to_owned(),
            inputs: place.inputs(judge.set),
            sessions: Some(place.data.join("sessions")),
            out: place.predictions(judge.set),
        };
        let done = predicted.entry(judge.set).or_insert_with(|| predict(&job));
        let (metrics, failed) = match done {
            Ok(Predicted::Rows(_)) => match metrics(place, judge) {
                Ok(metrics) => (metrics, String::new()),
                Err(why) => (BTreeMap::new(), why),
            },
            Ok(Predicted::NotBuilt(what)) => (BTreeMap::new(), format!("not built: {what}")),
            Err(why) => (BTreeMap::new(), why.clone()),
        };
        for (metric, goal) in judge.metrics {
            rows.push(Row {
                set: judge.shown(),
                metric: (*metric).to_owned(),
                ours: metrics.get(*metric).copied(),
                anchor: best(&anchors, judge.anchor, metric),
                goal: *goal,
                failed: failed.clone(),
            });
        }
    }
    rows
}

/// The figures of the scorer's last line, `METRIC name=value name=value`.
fn metrics(place: &Place, judge: &Judge) -> Result<BTreeMap<String, f64>, String> {
    let scorer = place.data.join("groundtruth/scorers").join(judge.scorer);
    let mut command = Command::new("python3");
    command.arg(&scorer);
    if judge.gold.is_empty() {
        command.arg("--dir").arg(place.dir(judge.set));
    } else {
        command
            .arg("--gold")
            .arg(place.dir(judge.set).join(judge.gold));
    }
    if judge.scorer == "score_scrub.py" {
        command.arg("--inputs").arg(place.inputs(judge.set));
    }
    command.arg("--pred").arg(place.predictions(judge.set));
    command.args(judge.more);
    let output = command
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("METRIC "));
    let Some(last) = last.filter(|_| output.status.success()) else {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {why}", judge.scorer));
    };
    Ok(figures(last))
}

fn figures(text: &str) -> BTreeMap<String, f64> {
    let pairs = text.split_whitespace().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    pairs.collect()
}

/// A baseline: set, name, figures.
type Anchor = (String, String, BTreeMap<String, f64>);

fn anchors(path: &Path) -> Vec<Anchor> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [set, _, name, metrics, ..] = cells.as_slice() else {
            return None;
        };
        Some(((*set).to_owned(), (*name).to_owned(), figures(metrics)))
    });
    rows.collect()
}

/// The best baseline of a metric.
fn best(anchors: &[Anchor], set: &str, metric: &str) -> Option<(String, f64)> {
    let seen: BTreeSet<&str> = BTreeSet::from([set]);
    let known = anchors
        .iter()
        .filter(|(of, _, _)| seen.contains(of.as_str()))
        .filter_map(|(_, name, figures)| Some((name.clone(), *figures.get(metric)?)));
    known.max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_scorer_gives_figures_by_name() {
        let found = figures("a=0.5 b=nan c word d=x");
        assert_eq!(found.get("a"), Some(&0.5));
        assert!(found.contains_key("b"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_best_baseline_is_that_of_the_same_set_and_metric() {
        let row =
            |set: &str, name: &str, text: &str| (set.to_owned(), name.to_owned(), figures(text));
        let rows = [
            row("A", "low", "x=0.1"),
            row("A", "high", "x=0.3"),
            row("B", "other", "x=0.9"),
        ];
        assert_eq!(best(&rows, "A", "x"), Some(("high".to_owned(), 0.3)));
        assert_eq!(best(&rows, "A", "y"), None);
    }
}
