//! Groups of several fingerprints that were taken for one failure.
//!
//! Neighbours: [`crate::registry::aliases`] says which stands for which, [`super::Builder`] groups what [`relabel`]
//! gave it. Must not know why two fingerprints are one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Rollup, RollupDocument};
use crate::registry::aliases::{Alias, AliasChange, Aliases, By};
use crate::scrub::{self, Scrubbed};
use crate::signal::MinedSignal;

/// A fingerprint that was merged into the one of its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Its own fingerprint.
    pub fingerprint_id: String,
    /// What happened, in its own words.
    #[serde(deserialize_with = "scrub::stored")]
    pub summary: Scrubbed,
    /// Its part of the signals.
    pub count_items: u64,
    /// When it was merged, ISO 8601 UTC.
    pub since: String,
    /// Who merged it.
    pub by: By,
    /// Why, one sentence, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub because: Scrubbed,
}

/// What a run has to know of aliases: those of its own failures, and their history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merges {
    /// Aliases by fingerprint.
    pub of: BTreeMap<String, Alias>,
    /// What was done to the failures of this run, oldest first.
    pub history: Vec<AliasChange>,
}

impl Merges {
    /// The part of all aliases that concerns a document whose groups are single fingerprints.
    #[must_use]
    pub fn concerning(aliases: &Aliases, plain: &RollupDocument) -> Self {
        let ids = plain.rollups.iter().map(|rollup| &rollup.fingerprint_id);
        let of = ids
            .clone()
            .filter_map(|id| Some((id.clone(), aliases.alias(id)?.clone())));
        let seen: std::collections::BTreeSet<&str> =
            ids.flat_map(|id| [id.as_str(), aliases.head(id)]).collect();
        let concerns = |change: &&AliasChange| {
            seen.contains(change.fingerprint_id.as_str()) || seen.contains(change.into.as_str())
        };
        Self {
            of: of.collect(),
            history: aliases.changes().iter().filter(concerns).cloned().collect(),
        }
    }

    /// Gives every signal of an alias the fingerprint of its head; its own is kept beside it.
    pub fn relabel(&self, signals: &mut [MinedSignal]) {
        for signal in signals {
            if let Some(alias) = self.of.get(&signal.fingerprint_id) {
                let own = std::mem::replace(&mut signal.fingerprint_id, alias.into.clone());
                signal.merged_from = own;
            }
        }
    }

    /// Names, in a document of relabelled signals, the fingerprints of each group. `plain` is the document of the same
    /// signals as they were.
    pub fn show(self, document: &mut RollupDocument, plain: &[Rollup]) {
        let mut by_head: BTreeMap<&str, Vec<Merged>> = BTreeMap::new();
        for own in plain {
            let Some(alias) = self.of.get(&own.fingerprint_id) else {
                continue;
            };
            by_head.entry(&alias.into).or_default().push(Merged {
                fingerprint_id: own.fingerprint_id.clone(),
                summary: own.summary.clone(),
                count_items: own.count_items,
                since: alias.since.clone(),
                by: alias.by,
                because: alias.because.clone(),
            });
        }
        for rollup in &mut document.rollups {
            let mut merged = by_head
                .remove(rollup.fingerprint_id.as_str())
                .unwrap_or_default();
            merged.sort_by(|a, b| a.fingerprint_id.cmp(&b.fingerprint_id));
            rollup.aliases = merged;
        }
        document.alias_history = self.history;
    }
}
