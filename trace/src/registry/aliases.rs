//! Fingerprints that people, or a rule, took for one failure: which stands for which, since when and why.
//!
//! A fingerprint that was merged is an *alias*; the one that it was merged into is the *head*. A head is never an alias and
//! an alias never a head, so there are no chains: whoever looks one up takes one step. Nothing that was counted moves:
//! the registry keeps every fingerprint by itself, groups are made on reading, and taking a merge back is exact.
//!
//! Neighbours: [`super::groups`] reads the registry through these, [`super::near`] says which wordings are one failure.
//! Must not know counts, nor where this is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::near::{Wording, one_failure};
use crate::fingerprint::Signature;
use crate::scrub::{self, Scrubbed};

/// Most changes that are remembered, the latest. What is merged and what is kept apart is remembered for ever.
pub const CHANGES_MAX: usize = 10_000;
/// Most heads of one kind, tool and class that a fingerprint is held against.
const HEADS_MAX: usize = 2_000;

/// Who merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person, by name of both.
    Hand,
    /// The rule for near duplicates.
    Near,
}

/// A fingerprint that stands for another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The head.
    pub into: String,
    /// When, ISO 8601 UTC.
    pub since: String,
    /// Who.
    pub by: By,
    /// Why, one sentence, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub because: Scrubbed,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Two became one.
    Merged,
    /// One became two again.
    Unmerged,
}

/// One line of the alias history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasChange {
    /// When, ISO 8601 UTC.
    pub at: String,
    /// The run that did it.
    pub run_id: String,
    /// What was done.
    pub deed: Deed,
    /// The alias.
    pub fingerprint_id: String,
    /// Its head.
    pub into: String,
    /// Who.
    pub by: By,
    /// Why, one sentence, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub because: Scrubbed,
}

/// When and by which run something is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// When, ISO 8601 UTC.
    pub at: String,
    /// The run.
    pub run_id: String,
}

/// Why two fingerprints were not merged, or not taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A fingerprint and itself.
    Same,
    /// One is an error, the other one praise, or such.
    OtherKind {
        /// Kind of the first.
        from: String,
        /// Kind of the second.
        into: String,
    },
    /// The second is an alias itself.
    IntoAlias {
        /// Its head.
        head: String,
    },
    /// The first has aliases.
    FromHead {
        /// How many.
        aliases: usize,
    },
    /// The first is merged into another one.
    Elsewhere {
        /// Which.
        head: String,
    },
    /// There is nothing to take apart.
    NotMerged {
        /// How many aliases it has.
        aliases: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("both names mean the same fingerprint; name two"),
            Self::OtherKind { from, into } => write!(
                f,
                "one is of kind {from}, the other of kind {into}: only one kind can be one failure"
            ),
            Self::IntoAlias { head } => write!(
                f,
                "the second is merged into {head} itself; merge into that one"
            ),
            Self::FromHead { aliases } => write!(
                f,
                "{aliases} others are merged into the first; merge the second into the first, or unmerge them before"
            ),
            Self::Elsewhere { head } => write!(
                f,
                "the first is merged into {head} already; unmerge it before"
            ),
            Self::NotMerged { aliases: 0 } => f.write_str("it is not merged into anything"),
            Self::NotMerged { aliases } => write!(
                f,
                "it is not merged into anything; {aliases} others are merged into it: name one of those"
            ),
        }
    }
}

/// All aliases, with their history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aliases {
    of: BTreeMap<String, Alias>,
    /// Pairs that a person took apart, alias first: no rule joins them again.
    apart: BTreeSet<(String, String)>,
    changes: Vec<AliasChange>,
}

/// A fingerprint that may be merged by rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The fingerprint.
    pub fingerprint_id: String,
    /// Its signature.
    pub signature: Scrubbed,
}

impl Aliases {
    /// The head that a fingerprint stands for; itself when it is no alias.
    #[must_use]
    pub fn head<'a>(&'a self, fingerprint_id: &'a str) -> &'a str {
        let alias = self.of.get(fingerprint_id);
        alias.map_or(fingerprint_id, |alias| alias.into.as_str())
    }

    /// How a fingerprint became an alias; `None` when it is none.
    #[must_use]
    pub fn alias(&self, fingerprint_id: &str) -> Option<&Alias> {
        self.of.get(fingerprint_id)
    }

    /// Whether nothing is merged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// All aliases, by fingerprint.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Alias)> {
        self.of.iter().map(|(id, alias)| (id.as_str(), alias))
    }

    /// The aliases of a head, sorted.
    #[must_use]
    pub fn aliases_of(&self, head: &str) -> Vec<&str> {
        let of_it = self.iter().filter(|(_, alias)| alias.into == head);
        of_it.map(|(id, _)| id).collect()
    }

    /// What was done, oldest first, at most [`CHANGES_MAX`].
    #[must_use]
    pub fn changes(&self) -> &[AliasChange] {
        &self.changes
    }

    /// Makes one fingerprint stand for another, by hand. Merging what is merged that way already changes nothing.
    ///
    /// # Errors
    /// [`Refused`], and nothing is changed.
    pub fn merge(
        &mut self,
        from: &Candidate,
        into: &Candidate,
        because: Scrubbed,
        occasion: &Occasion,
    ) -> Result<(), Refused> {
        let (id, head) = (&from.fingerprint_id, &into.fingerprint_id);
        if id == head {
            return Err(Refused::Same);
        }
        let kinds = (kind(&from.signature), kind(&into.signature));
        if kinds.0 != kinds.1 && !kinds.0.is_empty() && !kinds.1.is_empty() {
            return Err(Refused::OtherKind {
                from: kinds.0.to_owned(),
                into: kinds.1.to_owned(),
            });
        }
        if let Some(alias) = self.of.get(head) {
            let head = alias.into.clone();
            return Err(Refused::IntoAlias { head });
        }
        match self.of.get(id) {
            Some(alias) if alias.into == *head => return Ok(()),
            Some(alias) => {
                let head = alias.into.clone();
                return Err(Refused::Elsewhere { head });
            }
            None => {}
        }
        let aliases = self.aliases_of(id).len();
        if aliases > 0 {
            return Err(Refused::FromHead { aliases });
        }
        self.apart.remove(&(id.clone(), head.clone()));
        self.apart.remove(&(head.clone(), id.clone()));
        self.put(id, head, By::Hand, because, occasion);
        Ok(())
    }

    /// Takes a fingerprint out of its head. The rule for near duplicates does not join the two again.
    ///
    /// # Errors
    /// [`Refused::NotMerged`].
    pub fn unmerge(
        &mut self,
        fingerprint_id: &str,
        because: Scrubbed,
        occasion: &Occasion,
    ) -> Result<(), Refused> {
        let Some(alias) = self.of.remove(fingerprint_id) else {
            let aliases = self.aliases_of(fingerprint_id).len();
            return Err(Refused::NotMerged { aliases });
        };
        self.apart
            .insert((fingerprint_id.to_owned(), alias.into.clone()));
        self.note(AliasChange {
            at: occasion.at.clone(),
            run_id: occasion.run_id.clone(),
            deed: Deed::Unmerged,
            fingerprint_id: fingerprint_id.to_owned(),
            into: alias.into,
            by: By::Hand,
            because,
        });
        Ok(())
    }

    /// Merges every candidate into the first one before it that tells the same failure in other words; `candidates`
    /// are in the order of their age. Each alias is near its own head: that two are near a third joins neither to the
    /// other. Gives the number merged.
    pub fn merge_near(&mut self, candidates: &[Candidate], occasion: &Occasion) -> usize {
        let mut heads: BTreeMap<Place<'_>, Vec<(&Candidate, Wording)>> = BTreeMap::new();
        let has_aliases: BTreeSet<String> =
            self.of.values().map(|alias| alias.into.clone()).collect();
        // Known heads come first: what was one failure yesterday is the same one today.
        let (known, others): (Vec<_>, Vec<_>) = candidates
            .iter()
            .filter(|candidate| !self.of.contains_key(&candidate.fingerprint_id))
            .partition(|candidate| has_aliases.contains(&candidate.fingerprint_id));
        let mut merged = 0;
        for candidate in known.into_iter().chain(others) {
            let Some(signature) = Signature::parse(&candidate.signature) else {
                continue;
            };
            if signature.kind != "error" {
                continue;
            }
            let place: Place<'_> = (signature.kind, signature.tool, signature.error_class);
            let heads = heads.entry(place).or_default();
            let wording = Wording::of(signature.template);
            let id = &candidate.fingerprint_id;
            let found = (!has_aliases.contains(id))
                .then(|| {
                    heads.iter().find_map(|(head, words)| {
                        let because = one_failure(words, &wording)?;
                        (!self.is_apart(id, &head.fingerprint_id)).then_some((*head, because))
                    })
                })
                .flatten();
            match found {
                Some((head, because)) => {
                    let because = Scrubbed::assembled(because);
                    self.put(id, &head.fingerprint_id, By::Near, because, occasion);
                    merged += 1;
                }
                None if heads.len() < HEADS_MAX => heads.push((candidate, wording)),
                None => {}
            }
        }
        merged
    }

    fn is_apart(&self, a: &str, b: &str) -> bool {
        let has = |a: &str, b: &str| self.apart.contains(&(a.to_owned(), b.to_owned()));
        has(a, b) || has(b, a)
    }

    fn put(&mut self, id: &str, head: &str, by: By, because: Scrubbed, occasion: &Occasion) {
        let alias = Alias {
            into: head.to_owned(),
            since: occasion.at.clone(),
            by,
            because: because.clone(),
        };
        self.of.insert(id.to_owned(), alias);
        self.note(AliasChange {
            at: occasion.at.clone(),
            run_id: occasion.run_id.clone(),
            deed: Deed::Merged,
            fingerprint_id: id.to_owned(),
            into: head.to_owned(),
            by,
            because,
        });
    }

    fn note(&mut self, change: AliasChange) {
        self.changes.push(change);
        let beyond = self.changes.len().saturating_sub(CHANGES_MAX);
        self.changes.drain(..beyond);
    }
}

/// Kind, tool and class: only what failed in one place can be one failure.
type Place<'a> = (&'a str, &'a str, &'a str);

fn kind(signature: &str) -> &str {
    Signature::parse(signature).map_or("", |signature| signature.kind)
}

#[cfg(test)]
mod tests;
