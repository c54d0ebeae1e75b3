//! The record of a run's reading: which session was read by what, what was not and why, what it cost.
//!
//! The serialised form is `coverage.json`. Neighbours: the rules and the model each say what they read; a report shows
//! the sums. Must not know how anything was read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::budget::{Account, Limits, Usage};
use super::check::Thrown;
use super::sample::Stratum;
use crate::fingerprint::kind_name;
use crate::mine::MinedSession;
use crate::rank::rounded;
use crate::report::escape::code_span;
use crate::scrub::{self, Scrubbed};
use crate::signal::{MinedSignal, SCHEMA_VERSION};

/// How much of a session was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All that can be shown of it.
    Read,
    /// Some of it.
    Partly,
    /// Nothing.
    NotRead,
}

/// Reasons in plain words, with how often each.
pub type Reasons = BTreeMap<String, u64>;

/// Why a session or a chunk was not read by a model.
pub mod reason {
    /// The draw left it out, for want of budget.
    pub const NOT_DRAWN: &str = "not drawn: the budget does not hold all sessions";
    /// The budget ended before it.
    pub const BUDGET: &str = "the budget was used up";
    /// There is nothing in it to show.
    pub const NOTHING: &str = "nothing in it to show";
    /// Events beyond what is shown of one session.
    pub const TOO_LONG: &str = "events beyond what is shown of one session";
    /// The middle of events that are longer than what is shown of one.
    pub const MIDDLE: &str = "the middle of a long event";
    /// What the scrubber made of a text left no words in it.
    pub const SCRUBBED: &str = "events of which the scrubber left nothing";
}

/// What a model gave for one session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionReading {
    /// The file, by its place in the manifest.
    pub index: u64,
    /// Events that could be shown.
    pub events: u64,
    /// Pieces that it was cut into.
    pub chunks: u64,
    /// Those that were asked about in this run and gave an answer that counts.
    pub asked: u64,
    /// Those whose answer was kept from another run.
    pub cached: u64,
    /// Chunks, and events, that were not read, by reason.
    pub not_read: Reasons,
    /// Tokens of all answers of this run.
    pub usage: Usage,
    /// Claims that did not count.
    pub thrown: Thrown,
    /// Findings that the rules had too.
    pub confirmed: u64,
    /// What was found beyond the rules.
    pub signals: Vec<MinedSignal>,
}

impl SessionReading {
    /// One of which nothing was read, and why.
    #[must_use]
    pub fn none(index: u64, why: &str) -> Self {
        Self {
            index,
            not_read: Reasons::from([(why.to_owned(), 1)]),
            ..Self::default()
        }
    }

    fn extent(&self) -> Extent {
        match self.asked + self.cached {
            0 => Extent::NotRead,
            read if read < self.chunks || self.not_read.contains_key(reason::TOO_LONG) => {
                Extent::Partly
            }
            _ => Extent::Read,
        }
    }
}

/// What the draw says of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Its stratum, by its place in the list.
    pub stratum: u64,
    /// How many sessions it stands for; 0 when it was not taken.
    pub weight: f64,
}

/// How a run's model was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// Provider and model.
    pub model: String,
    /// Version of the instructions.
    pub prompt_version: u32,
    /// What could be spent.
    pub limits: Limits,
    /// What the draw was made with.
    pub seed: u64,
    /// Sessions by risk and size.
    pub strata: Vec<Stratum>,
    /// What was spent.
    pub account: Account,
}

/// What the rules read of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByRules {
    /// How much.
    pub extent: Extent,
    /// Events.
    pub events: u64,
    /// Bytes.
    pub bytes: u64,
    /// Signals.
    pub signals: u64,
    /// Lines that were not read, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub not_read: Reasons,
}

/// What the model read of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByModel {
    /// How much.
    pub extent: Extent,
    /// The stratum it was drawn from.
    pub stratum: String,
    /// How many sessions it stands for; 0 when it was not drawn.
    pub weight: f64,
    /// Events that could be shown.
    pub events: u64,
    /// Pieces.
    pub chunks: u64,
    /// Pieces asked about.
    pub asked: u64,
    /// Pieces whose answer was kept from another run.
    pub cached: u64,
    /// What was not read, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub not_read: Reasons,
    /// Tokens of the answers.
    pub usage: Usage,
    /// Their cost in millionths of the currency; `None` when the price is not known.
    pub cost_micros: Option<u64>,
    /// Claims that did not count.
    pub thrown: Thrown,
    /// Findings that the rules had too.
    pub confirmed: u64,
    /// Signals beyond those of the rules.
    pub signals: u64,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionCoverage {
    /// Its file, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Its id, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// The rules.
    pub rules: ByRules,
    /// The model; `None` when none was asked for.
    pub llm: Option<ByModel>,
}

/// How many sessions show something, seen and estimated for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What kind of signal.
    pub kind: String,
    /// Sessions with one that the rules had not found.
    pub sessions_seen: u64,
    /// The same for all sessions, by weights.
    pub sessions_estimated: f64,
}

/// The model's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCoverage {
    /// How it was asked.
    pub asking: Asking,
    /// Cost of all answers, and of those that were lost at their bound; `None` when the price is not known.
    pub cost_micros: Option<u64>,
    /// Sessions of which all was read.
    pub sessions_read: u64,
    /// Sessions of which some was read.
    pub sessions_partly: u64,
    /// Sessions of which nothing was read.
    pub sessions_not_read: u64,
    /// Whether the estimates are without bias: every stratum had its share, and all that was drawn was read.
    pub is_unbiased: bool,
    /// What was not read, by reason, over all sessions.
    pub not_read: Reasons,
    /// By kind.
    pub estimates: Vec<Estimate>,
}

/// The content of `coverage.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The model's part; `None` when none was asked for.
    pub llm: Option<ModelCoverage>,
    /// Sorted by file and id.
    pub sessions: Vec<SessionCoverage>,
}

impl Coverage {
    /// The record of a run.
    ///
    /// **Shapes**: `mined` holds what the rules gave, in the order of the manifest; `drawn` is empty or beside it, and
    /// `readings` are in any order.
    #[must_use]
    pub fn of(
        mined: &[MinedSession],
        asking: Option<Asking>,
        drawn: &[Drawn],
        readings: &[SessionReading],
    ) -> Self {
        let by_index: BTreeMap<u64, &SessionReading> = readings
            .iter()
            .map(|reading| (reading.index, reading))
            .collect();
        let not_drawn = |index| SessionReading::none(index, reason::NOT_DRAWN);
        let mut sums = Sums::default();
        let mut sessions = Vec::with_capacity(mined.len());
        for (index, session) in (0_u64..).zip(mined) {
            let place = usize::try_from(index)
                .ok()
                .and_then(|i| drawn.get(i))
                .copied();
            let llm = asking
                .as_ref()
                .filter(|_| session.is_session)
                .map(|asking| {
                    let reading = by_index
                        .get(&index)
                        .map_or_else(|| not_drawn(index), |r| (*r).clone());
                    let by_model = by_model(asking, place.unwrap_or_default(), &reading);
                    sums.add(&by_model, &reading);
                    by_model
                });
            sessions.push(SessionCoverage {
                file: session.file.clone(),
                session_id: session.session_id.clone(),
                rules: by_rules(session),
                llm,
            });
        }
        sessions.sort_by(|a, b| (&a.file, &a.session_id).cmp(&(&b.file, &b.session_id)));
        Self {
            schema_version: SCHEMA_VERSION,
            llm: asking.map(|asking| sums.finish(asking)),
            sessions,
        }
    }
}

fn by_rules(session: &MinedSession) -> ByRules {
    let mut not_read = Reasons::new();
    for skipped in &session.skipped {
        *not_read.entry(kind_of(&skipped.reason)).or_default() += 1;
    }
    if session.skipped_more > 0 {
        not_read.insert("more lines".to_owned(), session.skipped_more);
    }
    ByRules {
        extent: match (session.is_session, not_read.is_empty()) {
            (false, _) => Extent::NotRead,
            (true, true) => Extent::Read,
            (true, false) => Extent::Partly,
        },
        events: session.events,
        bytes: session.bytes,
        signals: session.signals.len() as u64,
        not_read,
    }
}

/// A reason without its figures, so that a thousand damaged lines are one entry.
fn kind_of(reason: &str) -> String {
    let end = reason.find(|c: char| c.is_ascii_digit() || c == '(' || c == ':');
    let kind = reason[..end.unwrap_or(reason.len())].trim();
    if kind.is_empty() {
        reason.to_owned()
    } else {
        kind.to_owned()
    }
}

fn by_model(asking: &Asking, drawn: Drawn, reading: &SessionReading) -> ByModel {
    let stratum = usize::try_from(drawn.stratum).ok();
    let stratum = stratum.and_then(|at| asking.strata.get(at));
    ByModel {
        extent: reading.extent(),
        stratum: stratum.map(|s| s.name.clone()).unwrap_or_default(),
        weight: rounded(drawn.weight),
        events: reading.events,
        chunks: reading.chunks,
        asked: reading.asked,
        cached: reading.cached,
        not_read: reading.not_read.clone(),
        usage: reading.usage,
        cost_micros: asking
            .limits
            .price
            .map(|price| price.cost_micros(reading.usage)),
        thrown: reading.thrown,
        confirmed: reading.confirmed,
        signals: reading.signals.len() as u64,
    }
}

#[derive(Default)]
struct Sums {
    read: u64,
    partly: u64,
    not_read: u64,
    is_broken_off: bool,
    reasons: Reasons,
    by_kind: BTreeMap<&'static str, (u64, f64)>,
}

impl Sums {
    fn add(&mut self, session: &ByModel, reading: &SessionReading) {
        match session.extent {
            Extent::Read => self.read += 1,
            Extent::Partly => self.partly += 1,
            Extent::NotRead => self.not_read += 1,
        }
        let is_empty = session.not_read.contains_key(reason::NOTHING);
        self.is_broken_off |= session.weight > 0.0 && session.extent != Extent::Read && !is_empty;
        for (reason, n) in &session.not_read {
            *self.reasons.entry(reason.clone()).or_default() += n;
        }
        let mut kinds: Vec<_> = reading.signals.iter().map(|s| kind_name(s.kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let (seen, estimated) = self.by_kind.entry(kind).or_default();
            *seen += 1;
            *estimated += session.weight;
        }
    }

    fn finish(self, asking: Asking) -> ModelCoverage {
        let estimates = self
            .by_kind
            .into_iter()
            .map(|(kind, (seen, estimated))| Estimate {
                kind: kind.to_owned(),
                sessions_seen: seen,
                sessions_estimated: rounded(estimated),
            });
        ModelCoverage {
            cost_micros: asking
                .limits
                .price
                .map(|price| price.cost_micros(asking.account.counted())),
            sessions_read: self.read,
            sessions_partly: self.partly,
            sessions_not_read: self.not_read,
            is_unbiased: !self.is_broken_off && asking.strata.iter().all(|s| s.taken > 0),
            not_read: self.reasons,
            estimates: estimates.collect(),
            asking,
        }
    }
}

/// The sums for people, as a section of `rollup.md`; `None` when no model was asked.
#[must_use]
pub fn markdown(coverage: &Coverage) -> Option<Scrubbed> {
    let llm = coverage.llm.as_ref()?;
    let account = &llm.asking.account;
    let money = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let mut out = format!(
        "\n## Read by {}\n\n{} sessions in full, {} in part, {} not at all. {} tokens of {} used in {} answers{}.\n\n",
        code_span(&llm.asking.model),
        llm.sessions_read,
        llm.sessions_partly,
        llm.sessions_not_read,
        account.counted().tokens(),
        llm.asking.limits.tokens,
        account.answered,
        llm.cost_micros
            .map(|m| format!(", cost {}", money(m)))
            .unwrap_or_default(),
    );
    for (reason, n) in &llm.not_read {
        out.push_str(&format!("- {n} × {reason}\n"));
    }
    for estimate in &llm.estimates {
        out.push_str(&format!(
            "- {}: beyond the rules in {} sessions, {} estimated for all{}\n",
            estimate.kind,
            estimate.sessions_seen,
            estimate.sessions_estimated,
            if llm.is_unbiased {
                ""
            } else {
                " (not without bias: part of the sample was not read)"
            },
        ));
    }
    Some(Scrubbed::assembled(out))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Candidate, draw};
    use super::*;

    fn mined(file: &str) -> MinedSession {
        MinedSession {
            file: file.into(),
            session_id: file.into(),
            is_session: true,
            events: 4,
            ..MinedSession::default()
        }
    }

    fn asking(strata: Vec<Stratum>) -> Asking {
        Asking {
            model: "anthropic:m".to_owned(),
            prompt_version: 1,
            limits: Limits {
                tokens: 100,
                cost_micros: None,
                price: None,
            },
            seed: 0,
            strata,
            account: Account::default(),
        }
    }

    #[test]
    fn every_session_says_who_read_it_and_why_not() {
        let all = [mined("b"), mined("a"), mined("c"), MinedSession::default()];
        let candidate = |name: &str| Candidate {
            name: name.to_owned(),
            tokens: 10,
            risk: 0.0,
        };
        let drawn = draw(&["b", "a", "c"].map(candidate), 20, 3);
        assert_eq!(drawn.taken.len(), 2);
        let places: Vec<Drawn> = (0..3)
            .map(|i| Drawn {
                stratum: 0,
                weight: if drawn.taken.contains(&i) {
                    drawn.strata[0].weight
                } else {
                    0.0
                },
            })
            .collect();
        let index = |at: usize| u64::try_from(drawn.taken[at]).unwrap();
        let full = SessionReading {
            index: index(0),
            chunks: 2,
            asked: 1,
            cached: 1,
            ..SessionReading::default()
        };
        let part = SessionReading {
            index: index(1),
            chunks: 2,
            asked: 1,
            not_read: Reasons::from([(reason::BUDGET.to_owned(), 1)]),
            ..SessionReading::default()
        };
        let coverage = Coverage::of(
            &all,
            Some(asking(drawn.strata.clone())),
            &places,
            &[part, full],
        );
        let llm = coverage.llm.as_ref().unwrap();
        assert_eq!(
            (
                llm.sessions_read,
                llm.sessions_partly,
                llm.sessions_not_read
            ),
            (1, 1, 1)
        );
        assert!(!llm.is_unbiased, "a part of the sample was not read");
        assert_eq!(llm.not_read[reason::NOT_DRAWN], 1);
        let files: Vec<_> = coverage.sessions.iter().map(|s| s.file.as_str()).collect();
        assert_eq!(files, ["", "a", "b", "c"]);
        assert_eq!(coverage.sessions[0].rules.extent, Extent::NotRead);
        let text = markdown(&coverage).unwrap();
        assert!(
            text.contains("1 sessions in full, 1 in part, 1 not at all"),
            "{text}"
        );
    }

    #[test]
    fn without_a_model_the_rules_are_all() {
        let coverage = Coverage::of(&[mined("a")], None, &[], &[]);
        assert_eq!(
            (coverage.llm.is_none(), coverage.sessions[0].llm.is_none()),
            (true, true)
        );
        assert_eq!(coverage.sessions[0].rules.extent, Extent::Read);
        assert_eq!(markdown(&coverage), None);
    }
}
