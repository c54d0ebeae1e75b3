//! What can be observed of a test from outside, as lines that are set side by side.
//!
//! Neighbours: `crash` compares a life with a crash with one without. Order is not observed, and
//! neither is how often one attempt was repeated: both may change when a process dies.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{EventId, EventKind, Outcome, RunId, RunState};
use state::store::Error as StoreError;

use crate::text;
use crate::world::World;

/// Lines by run, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observed(BTreeMap<String, Vec<String>>);

/// A line that only one of two has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) run: String,
    /// What a life without a crash has and the other has not.
    pub(crate) missing: Vec<String>,
    /// The other way round.
    pub(crate) added: Vec<String>,
}

impl Observed {
    pub(crate) fn of(world: &World) -> Result<Self, StoreError> {
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let labels = labels(&world.runs()?);
        for (run, label) in &labels {
            let of_run = lines.entry(label.clone()).or_default();
            of_run.push(outcome(run));
            of_run.extend(recorded(world, run.run_id)?);
        }
        let by_id: BTreeMap<RunId, &String> = labels
            .iter()
            .map(|(run, label)| (run.run_id, label))
            .collect();
        let mut seen = BTreeSet::new();
        for call in &world.outside.calls {
            if !seen.insert(call.task) {
                continue;
            }
            let label = by_id.get(&call.run_id).map_or("(no run)", |l| l.as_str());
            let (name, input) = (&call.activity_type, text::payload(&call.payload));
            let line = format!("attempt {} of {name} with {input} was made", call.attempt);
            lines.entry(label.to_owned()).or_default().push(line);
        }
        for of_run in lines.values_mut() {
            of_run.sort();
        }
        Ok(Self(lines))
    }

    /// Where `other` differs from this, run by run.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let lines = |of: &Self, name: &String| of.0.get(name).cloned().unwrap_or_default();
        names
            .into_iter()
            .map(|run| Difference {
                run: run.clone(),
                missing: without(&lines(self, run), &lines(other, run)),
                added: without(&lines(other, run), &lines(self, run)),
            })
            .filter(|d| !d.missing.is_empty() || !d.added.is_empty())
            .collect()
    }
}

/// Names for runs that do not depend on their ids: a crash may change those.
pub(crate) fn labels(runs: &[RunState]) -> Vec<(RunState, String)> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let labelled = runs.iter().map(|run| {
        let count = counts.entry(run.workflow_id.to_string()).or_default();
        *count += 1;
        let label = match *count {
            1 => run.workflow_id.to_string(),
            n => format!("{}, run {n}", run.workflow_id),
        };
        (run.clone(), label)
    });
    labelled.collect()
}

fn outcome(run: &RunState) -> String {
    let outcome = match &run.outcome {
        Some(Outcome::Completed(value)) => format!(" with {}", text::payload(value)),
        Some(Outcome::Failed(failure)) => format!(" with the failure {failure}"),
        None => String::new(),
    };
    format!("{} ended as {:?}{outcome}", run.workflow_type, run.status)
}

/// The results that its activities have in a history.
fn recorded(world: &World, run_id: RunId) -> Result<Vec<String>, StoreError> {
    let mut asked: BTreeMap<EventId, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for event in world.history(run_id)? {
        if let EventKind::ActivityTaskScheduled {
            activity_type,
            input,
            ..
        } = &event.kind
        {
            let what = format!("{activity_type} with {}", text::payload(input));
            asked.insert(event.id, what);
        } else if let Some((scheduled, gave)) = result(&event.kind) {
            let what = asked.get(&scheduled).map_or("an activity", String::as_str);
            lines.push(format!("{what} gave {gave}"));
        }
    }
    Ok(lines)
}

fn result(kind: &EventKind) -> Option<(EventId, String)> {
    if let EventKind::ActivityTaskCompleted {
        scheduled_event_id,
        result,
        ..
    } = kind
    {
        return Some((*scheduled_event_id, text::payload(result)));
    }
    if let EventKind::ActivityTaskFailed {
        scheduled_event_id,
        failure,
        ..
    }
    | EventKind::ActivityTaskTimedOut {
        scheduled_event_id,
        failure,
        ..
    } = kind
    {
        return Some((*scheduled_event_id, format!("the failure {failure}")));
    }
    None
}

/// What of `these` is not in `those`, each as often as it is there.
fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut left = those.to_vec();
    let mut rest = Vec::new();
    for line in these {
        match left.iter().position(|other| other == line) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => rest.push(line.clone()),
        }
    }
    rest
}
