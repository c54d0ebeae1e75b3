//! Groups signals by fingerprint and ranks the groups: the content of `rollup.json`.
//!
//! Neighbours: [`crate::rank`] gives score and tier, [`crate::registry`] what other runs saw, [`overview`] sums by
//! agent, day and detector, [`skips`] what was not read, `symptom` who came after whom, `merged` which fingerprints are one group; [`crate::ticket`] and
//! [`crate::report`] read the document. Must not know files or how a signal was found. The order in which sessions arrive
//! never shows in the result.

mod merged;
pub mod overview;
pub mod skips;
mod symptom;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::rank;
use crate::registry::aliases::AliasChange;
use crate::registry::{Absent, Standing, rate};
use crate::scrub::{self, Scrubbed, Scrubber};
use crate::signal::{Class, Kind, MinedSignal, SCHEMA_VERSION, Severity};
pub use merged::{Merged, Merges};
use overview::Overview;
use skips::{SkipSum, SkipSums, Unit};
pub use symptom::SymptomOf;

/// Most samples of one rollup.
pub const SAMPLES_MAX: usize = 5;
/// Most tags of one rollup, the first in alphabetical order.
pub const TAGS_MAX: usize = 64;
/// Most failures of earlier runs in one document.
pub const ABSENT_MAX: usize = 100;

/// The tag that marks a signal as an incident.
const INCIDENT_TAG: &str = "incident";
/// Tags with this start count within one session and say nothing about the group.
const REPEATS_TAG: &str = "repeats:";

/// Something that could not be read, with its place and the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// The file, relative to the path given by the user, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// The line, from 1; 0 when it is about the whole file.
    pub line: u64,
    /// Why, in plain words, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub reason: Scrubbed,
}

impl Skipped {
    /// One of a file, a line and a reason in plain words; both texts are scrubbed.
    #[must_use]
    pub fn new(file: &str, line: u64, reason: impl Into<String>) -> Self {
        Self {
            file: Scrubber::shared().scrub(file),
            line,
            reason: Scrubber::shared().scrub(&reason.into()),
        }
    }
}

/// What was read of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    /// Lines of the file, skipped ones too.
    pub lines: u64,
    /// Events understood.
    pub events: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// What was read in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sessions read.
    pub sessions: u64,
    /// Sessions with at least one signal.
    pub sessions_with_signals: u64,
    /// Events understood.
    pub events: u64,
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Signals found.
    pub signals: u64,
}

/// Where to look for an example.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sample {
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// Line in the session's file, from 1.
    pub line: u64,
}

/// All signals of one fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollup {
    /// `fp1:` and hex digits.
    pub fingerprint_id: String,
    /// The signature behind the fingerprint, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub signature: Scrubbed,
    /// What happened, in the words of the first sample.
    #[serde(deserialize_with = "scrub::stored")]
    pub summary: Scrubbed,
    /// What was observed.
    pub kind: Kind,
    /// Which quality it speaks of, as the first sample says.
    pub class: Class,
    /// The tool involved, empty when none.
    #[serde(deserialize_with = "scrub::stored")]
    pub tool: Scrubbed,
    /// 1 to 3.
    pub tier: u8,
    /// Why this tier.
    pub tier_reasons: Vec<String>,
    /// See [`rank::score`]; two decimals, see [`rank::rounded`].
    pub score: f64,
    /// The worst severity among the signals.
    pub max_severity: Severity,
    /// How many signals. A signal that stands for repeats in one session counts once.
    pub count_items: u64,
    /// In how many different sessions.
    pub count_sessions: u64,
    /// The earliest time among the signals, ISO 8601 UTC; empty when none has one.
    pub first_seen: String,
    /// The latest time among the signals, ISO 8601 UTC; empty when none has one.
    pub last_seen: String,
    /// All tags of the signals but `repeats:`, sorted, at most [`TAGS_MAX`].
    pub tags: Vec<String>,
    /// At most [`SAMPLES_MAX`], from as many sessions as there are, sorted.
    pub samples: Vec<Sample>,
    /// Sessions with it of 100 that this run read, two decimals.
    #[serde(default)]
    pub per_100_sessions: f64,
    /// Signals of 1,000 events that this run read, three decimals.
    #[serde(default)]
    pub per_1000_events: f64,
    /// How it stands over all runs; `None` until the registry was asked.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// The failure that it mostly follows on, when it is what a failure leaves behind.
    #[serde(default)]
    pub symptom_of: Option<SymptomOf>,
    /// Fingerprints that were merged into this one and were seen in this run, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Merged>,
}

/// The content of `rollup.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollupDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was read.
    pub counts: Counts,
    /// What was not read, sorted by file and line.
    pub skipped: Vec<Skipped>,
    /// The same by reason, with what was counted only.
    #[serde(default)]
    pub skips: Vec<SkipSum>,
    /// Sorted by tier, then score down, then fingerprint id.
    pub rollups: Vec<Rollup>,
    /// Sums by agent and day, and the sessions to read first.
    #[serde(default)]
    pub overview: Overview,
    /// Failures of earlier runs that this one did not see, at most [`ABSENT_MAX`].
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// What was merged and taken apart among these failures, in all runs, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alias_history: Vec<AliasChange>,
}

/// Gathers sessions, in any order, and gives the document. Each session is added once; builders of
/// parts of a run can be merged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Builder {
    counts: Counts,
    skipped: Vec<Skipped>,
    skips: SkipSums,
    groups: BTreeMap<String, Group>,
}

impl Builder {
    /// One with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a session and its signals.
    pub fn add_session(&mut self, counts: SessionCounts, signals: &[MinedSignal]) {
        self.add_counts(Counts {
            sessions: 1,
            sessions_with_signals: u64::from(!signals.is_empty()),
            events: counts.events,
            lines: counts.lines,
            bytes: counts.bytes,
            signals: signals.len() as u64,
        });
        let causes = symptom::causes(signals);
        for signal in signals {
            match self.groups.get_mut(&signal.fingerprint_id) {
                Some(group) => group.merge(Group::of(signal)),
                None => {
                    self.groups
                        .insert(signal.fingerprint_id.clone(), Group::of(signal));
                }
            }
        }
        // Two that were merged are not the cause of each other.
        for (symptom, cause) in causes.into_iter().filter(|(a, b)| a != b) {
            if let Some(group) = self.groups.get_mut(symptom) {
                *group.causes.entry(cause.to_owned()).or_default() += 1;
            }
        }
    }

    /// Adds something that could not be read.
    pub fn add_skipped(&mut self, skipped: Skipped) {
        self.skips.add(&skipped);
        self.skipped.push(skipped);
    }

    /// Adds `count` things that are not kept one by one; `file` is empty when they are files.
    pub fn add_beyond(&mut self, file: &str, unit: Unit, count: u64) {
        if count == 0 {
            return;
        }
        let what = match unit {
            Unit::Files => "files",
            Unit::Lines => "lines",
            Unit::Signals => "signals",
        };
        let reason = format!("{count} more {what} beyond the limit");
        let skipped = Skipped::new(file, 0, reason);
        self.skips.add_beyond(&skipped.file, unit, count);
        self.skipped.push(skipped);
    }

    /// Adds all that another builder gathered from other sessions.
    pub fn merge(&mut self, other: Self) {
        self.add_counts(other.counts);
        self.skipped.extend(other.skipped);
        self.skips.merge(other.skips);
        for (id, group) in other.groups {
            match self.groups.get_mut(&id) {
                Some(mine) => mine.merge(group),
                None => {
                    self.groups.insert(id, group);
                }
            }
        }
    }

    /// The document. Any order of additions gives the same one, byte for byte.
    #[must_use]
    pub fn finish(self) -> RollupDocument {
        let mut skipped = self.skipped;
        skipped.sort();
        let counts = self.counts;
        let mut rollups: Vec<Rollup> = self
            .groups
            .into_iter()
            .map(|(id, group)| group.finish(id, counts))
            .collect();
        rollups.sort_by(|a, b| {
            a.tier
                .cmp(&b.tier)
                .then_with(|| b.score.total_cmp(&a.score))
                .then_with(|| a.fingerprint_id.cmp(&b.fingerprint_id))
        });
        RollupDocument {
            schema_version: SCHEMA_VERSION,
            counts,
            skipped,
            skips: self.skips.finish(),
            rollups,
            overview: Overview::default(),
            absent: Vec::new(),
            alias_history: Vec::new(),
        }
    }

    fn add_counts(&mut self, more: Counts) {
        let add = |total: &mut u64, more: u64| *total = total.saturating_add(more);
        add(&mut self.counts.sessions, more.sessions);
        add(
            &mut self.counts.sessions_with_signals,
            more.sessions_with_signals,
        );
        add(&mut self.counts.events, more.events);
        add(&mut self.counts.lines, more.lines);
        add(&mut self.counts.bytes, more.bytes);
        add(&mut self.counts.signals, more.signals);
    }
}

/// Puts signals in the order of `signals.jsonl`: by session file, line and signal id.
pub fn sort_signals(signals: &mut [MinedSignal]) {
    signals.sort_by(|a, b| {
        (&a.source.file, a.source.line, &a.signal_id).cmp(&(
            &b.source.file,
            b.source.line,
            &b.signal_id,
        ))
    });
}

/// The words of a group come from its lead: the signal with the smallest place, one that was not merged into the group
/// before all others.
#[derive(Clone, Debug, PartialEq)]
struct Lead {
    is_merged: bool,
    session_id: Scrubbed,
    line: u64,
    signal_id: String,
    signature: Scrubbed,
    summary: Scrubbed,
    class: Class,
    tool: Scrubbed,
}

impl Lead {
    fn place(&self) -> (bool, &str, u64, &str) {
        (self.is_merged, &self.session_id, self.line, &self.signal_id)
    }
}

/// What is gathered for one fingerprint. Every part is a sum, a set, a least or a greatest, so the
/// order of additions cannot show.
#[derive(Clone, Debug, PartialEq)]
struct Group {
    lead: Lead,
    kind: Kind,
    severity: Severity,
    items: u64,
    sessions: BTreeSet<Scrubbed>,
    first_seen: String,
    last_seen: String,
    tags: BTreeSet<String>,
    /// The first sessions in order of id, with their first lines.
    samples: BTreeMap<Scrubbed, BTreeSet<u64>>,
    /// Other groups that it followed on, with the number of sessions.
    causes: BTreeMap<String, u64>,
}

impl Group {
    fn of(signal: &MinedSignal) -> Self {
        Self {
            lead: Lead {
                is_merged: !signal.merged_from.is_empty(),
                session_id: signal.session_id.clone(),
                line: signal.source.line,
                signal_id: signal.signal_id.clone(),
                signature: signal.signature.clone(),
                summary: signal.summary.clone(),
                class: signal.class,
                tool: signal.tool.clone(),
            },
            kind: signal.kind,
            severity: signal.severity,
            items: 1,
            sessions: BTreeSet::from([signal.session_id.clone()]),
            first_seen: signal.at.clone(),
            last_seen: signal.at.clone(),
            tags: signal
                .tags
                .iter()
                .filter(|tag| !tag.starts_with(REPEATS_TAG))
                .cloned()
                .collect(),
            samples: BTreeMap::from([(
                signal.session_id.clone(),
                BTreeSet::from([signal.source.line]),
            )]),
            causes: BTreeMap::new(),
        }
    }

    fn merge(&mut self, other: Self) {
        if other.lead.place() < self.lead.place() {
            self.lead = other.lead;
        }
        self.kind = self.kind.min(other.kind);
        self.severity = self.severity.max(other.severity);
        self.items = self.items.saturating_add(other.items);
        self.sessions.extend(other.sessions);
        let earlier = self.first_seen.is_empty()
            || (!other.first_seen.is_empty() && other.first_seen < self.first_seen);
        if earlier {
            self.first_seen = other.first_seen;
        }
        if other.last_seen > self.last_seen {
            self.last_seen = other.last_seen;
        }
        self.tags.extend(other.tags);
        for (session, lines) in other.samples {
            let mine = self.samples.entry(session).or_default();
            mine.extend(lines);
            while mine.len() > SAMPLES_MAX {
                mine.pop_last();
            }
        }
        while self.samples.len() > SAMPLES_MAX {
            self.samples.pop_last();
        }
        for (cause, sessions) in other.causes {
            *self.causes.entry(cause).or_default() += sessions;
        }
    }

    fn finish(self, fingerprint_id: String, counts: Counts) -> Rollup {
        let incident = self.tags.contains(INCIDENT_TAG);
        let errors = self.kind == Kind::Error;
        let frustration = self.kind == Kind::UserFrustration;
        let (tier, tier_reasons) = rank::tier(self.severity, incident, errors, frustration);
        let score = rank::score(self.items, self.severity, incident, errors, frustration);
        let n_sessions = self.sessions.len() as u64;
        Rollup {
            fingerprint_id,
            signature: self.lead.signature,
            summary: self.lead.summary,
            kind: self.kind,
            class: self.lead.class,
            tool: self.lead.tool,
            tier,
            tier_reasons,
            score: rank::rounded(score),
            max_severity: self.severity,
            count_items: self.items,
            count_sessions: n_sessions,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            tags: self.tags.into_iter().take(TAGS_MAX).collect(),
            samples: spread(&self.samples),
            per_100_sessions: rate(n_sessions, counts.sessions, 100, 2),
            per_1000_events: rate(self.items, counts.events, 1_000, 3),
            standing: None,
            symptom_of: SymptomOf::most(&self.causes, n_sessions),
            aliases: Vec::new(),
        }
    }
}

/// Samples from as many sessions as there are: the first line of each, then the second, and so on.
fn spread(lines_by_session: &BTreeMap<Scrubbed, BTreeSet<u64>>) -> Vec<Sample> {
    let mut samples: Vec<(usize, Sample)> = lines_by_session
        .iter()
        .flat_map(|(session_id, lines)| {
            lines.iter().enumerate().map(|(turn, line)| {
                (
                    turn,
                    Sample {
                        session_id: session_id.clone(),
                        line: *line,
                    },
                )
            })
        })
        .collect();
    samples.sort();
    samples.truncate(SAMPLES_MAX);
    let mut samples: Vec<Sample> = samples.into_iter().map(|(_, sample)| sample).collect();
    samples.sort();
    samples
}

#[cfg(test)]
pub(crate) mod tests;
