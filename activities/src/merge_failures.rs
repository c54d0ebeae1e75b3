//! `MergeFailures`: a person says that two failures are one, or that one is two.
//!
//! Neighbours: the rules are [`trace::registry::aliases`], what is kept is in `registry`. The next run of any sessions shows
//! it; reports that are written already stay as they are.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::registry::Registry;
use trace::registry::aliases::{Candidate, Refused};
use trace::scrub::{Scrubbed, Scrubber};
use workflows::contracts::{self, MergeFailuresInput, MergeFailuresOutput};

use crate::errors::blocking;
use crate::registry::{self, Turn};

/// Longest reason, bytes.
const BECAUSE_BYTES_MAX: usize = 400;

/// Merges two failures, or takes one apart.
#[derive(Debug, Default)]
pub struct MergeFailures {
    turn: Turn,
}

impl MergeFailures {
    /// One that takes turns at the registry.
    #[must_use]
    pub fn new(turn: Turn) -> Self {
        Self { turn }
    }
}

#[async_trait]
impl Activity for MergeFailures {
    type Contract = contracts::MergeFailures;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: MergeFailuresInput,
    ) -> Result<MergeFailuresOutput, Failure> {
        let _turn = self.turn.lock().await;
        let (output, row) = blocking(cx, move |cx| change(cx, &input)).await?;
        if let Some((key, value)) = row {
            cx.set_cursor(key, value).await?;
        }
        Ok(output)
    }
}

/// What is asked for, done to the aliases; no row when an attempt before this one has done it.
fn change(
    cx: &ActivityCx,
    input: &MergeFailuresInput,
) -> Result<(MergeFailuresOutput, Option<registry::Row>), Failure> {
    let known = registry::registry(cx)?;
    let mut aliases = registry::aliases(cx)?;
    let occasion = registry::occasion(cx);
    let done = aliases
        .changes()
        .iter()
        .rev()
        .find(|change| change.run_id == occasion.run_id);
    if let Some(done) = done {
        let (id, into) = (done.fingerprint_id.clone(), done.into.clone());
        return Ok((tell(&known, &aliases.aliases_of(&into), &id, &into), None));
    }
    let (id, into) = match input {
        MergeFailuresInput::Merge {
            from,
            into,
            because,
        } => {
            let (from, into) = (find(&known, from)?, find(&known, into)?);
            aliases
                .merge(&from, &into, reason(because), &occasion)
                .map_err(|refused| failure(&refused))?;
            (from.fingerprint_id, into.fingerprint_id)
        }
        MergeFailuresInput::Unmerge { from, because } => {
            let id = find(&known, from)?.fingerprint_id;
            let into = aliases.head(&id).to_owned();
            aliases
                .unmerge(&id, reason(because), &occasion)
                .map_err(|refused| failure(&refused))?;
            (id, into)
        }
    };
    let output = tell(&known, &aliases.aliases_of(&into), &id, &into);
    Ok((output, Some(registry::aliases_row(cx, &aliases)?)))
}

fn tell(known: &Registry, aliases: &[&str], id: &str, into: &str) -> MergeFailuresOutput {
    MergeFailuresOutput {
        fingerprint_id: id.to_owned(),
        summary: known.summary(id).to_string(),
        into: into.to_owned(),
        into_summary: known.summary(into).to_string(),
        aliases: aliases.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// A person may paste anything as a reason.
fn reason(because: &str) -> Scrubbed {
    Scrubber::shared()
        .scrub(because)
        .truncated(BECAUSE_BYTES_MAX)
}

fn find(known: &Registry, name: &str) -> Result<Candidate, Failure> {
    known.find(name).map_err(|nearest| {
        let name = Scrubber::shared().scrub(name);
        let mut text = format!(
            "no single failure of all runs is called {:?}",
            name.as_str()
        );
        if nearest.is_empty() {
            text.push_str("; no run has found any failure yet");
        }
        for (id, summary) in nearest {
            text.push_str(&format!("\n    {id}  {}", summary.as_str()));
        }
        Failure::permanent("UnknownFailure", text)
    })
}

fn failure(refused: &Refused) -> Failure {
    Failure::permanent("NotMerged", refused.to_string())
}

#[cfg(test)]
mod tests;
