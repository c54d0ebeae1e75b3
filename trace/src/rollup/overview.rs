//! A run by agent, by day and by detector, and the sessions that are worth reading first.
//!
//! Neighbours: [`super::RollupDocument`] holds it, reports show it. Must not know fingerprints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::SharedFailures;
use crate::detect::LOOKS_AT;
use crate::event::EventCounts;
use crate::mine::MinedSession;
use crate::rank::rounded;
use crate::scrub::{self, Scrubbed};
use crate::signal::{Kind, MinedSignal};

/// Most sessions that are named for their risk.
pub const RISKS_MAX: usize = 10;
/// Most days, the latest.
pub const DAYS_MAX: usize = 60;

/// Sums of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// By format, most failures first.
    pub agents: Vec<AgentSum>,
    /// The latest days, oldest first, UTC.
    pub days: Vec<DaySum>,
    /// Sessions that most likely missed their aim, the likeliest first.
    pub riskiest: Vec<SessionRisk>,
    /// What each detector looked at and found, in the order of its signals.
    #[serde(default)]
    pub detectors: Vec<DetectorSum>,
    /// Calls that failed with the same arguments and the same error in an earlier session too.
    pub repeated_failed_calls: u64,
}

/// What one agent's sessions gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSum {
    /// The session format, which names the agent.
    pub agent: String,
    /// Files in which they are; a store holds many sessions.
    #[serde(default)]
    pub files: u64,
    /// Sessions read.
    pub sessions: u64,
    /// Sessions with a failure or a frustrated person.
    pub sessions_with_failures: u64,
    /// Events in them.
    pub events: u64,
    /// Lines in them.
    #[serde(default)]
    pub lines: u64,
    /// Bytes in them.
    #[serde(default)]
    pub bytes: u64,
    /// Failures and frustrations.
    pub failures: u64,
    /// Praise.
    pub delights: u64,
}

/// What one detector looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorSum {
    /// As in the tag `detector:`.
    pub detector: String,
    /// What it looks for, in plain words.
    pub looks_for: String,
    /// What `events` counts, in the plural.
    pub looks_at: String,
    /// Events that it looked at.
    pub events: u64,
    /// Signals that it gave.
    pub signals: u64,
    /// Sessions with one of them.
    pub sessions: u64,
}

/// What is known of a run apart from its sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Files of each format.
    pub files_by_format: BTreeMap<String, u64>,
    /// Events that a model was shown; `None` when none was asked.
    pub events_by_model: Option<u64>,
}

/// What one day gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySum {
    /// `2026-03-01`.
    pub day: String,
    /// Sessions that ended on it.
    pub sessions: u64,
    /// Failures and frustrations of the day.
    pub failures: u64,
    /// Praise of the day.
    pub delights: u64,
}

/// A session that likely missed its aim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRisk {
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// Its file, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Higher is likelier; the scale is arbitrary. Two decimals.
    pub risk: f64,
    /// Failures and frustrations in it.
    pub failures: u64,
    /// Calls in it that failed.
    pub failed_calls: u64,
}

fn is_failure(signal: &MinedSignal) -> bool {
    matches!(signal.kind, Kind::Error | Kind::UserFrustration)
}

fn is_praise(signal: &MinedSignal) -> bool {
    signal.kind == Kind::UserDelight
}

fn count(signals: &[MinedSignal], fits: fn(&MinedSignal) -> bool) -> u64 {
    signals.iter().filter(|signal| fits(signal)).count() as u64
}

impl Overview {
    /// Sums over sessions, each given once, sorted by file: the order decides which of two calls came again.
    #[must_use]
    pub fn of(sessions: &[MinedSession], beside: &Beside) -> Self {
        let mut agents: BTreeMap<&str, AgentSum> = BTreeMap::new();
        let mut days: BTreeMap<&str, DaySum> = BTreeMap::new();
        let mut calls = SharedFailures::default();
        let mut overview = Self::default();
        for session in sessions.iter().filter(|session| session.is_session) {
            let failures = count(&session.signals, is_failure);
            let agent = agents.entry(&session.format).or_default();
            agent.sessions += 1;
            agent.sessions_with_failures += u64::from(failures > 0);
            agent.events += session.events;
            agent.lines += session.lines;
            agent.bytes += session.bytes;
            agent.failures += failures;
            agent.delights += count(&session.signals, is_praise);
            days.entry(day(&session.last_at)).or_default().sessions += 1;
            for signal in &session.signals {
                let on_day = days.entry(day(&signal.at)).or_default();
                on_day.failures += u64::from(is_failure(signal));
                on_day.delights += u64::from(is_praise(signal));
            }
            overview.repeated_failed_calls +=
                calls.add(&session.session_id, &session.failed_calls) as u64;
            if failures > 0 && session.risk.is_finite() {
                overview.riskiest.push(SessionRisk {
                    session_id: session.session_id.clone(),
                    file: session.file.clone(),
                    risk: rounded(session.risk),
                    failures,
                    failed_calls: session.failed_calls.len() as u64,
                });
            }
        }
        overview.riskiest.sort_by(|a, b| {
            b.risk
                .total_cmp(&a.risk)
                .then_with(|| (&a.file, &a.session_id).cmp(&(&b.file, &b.session_id)))
        });
        overview.riskiest.truncate(RISKS_MAX);
        days.remove("");
        let beyond = days.len().saturating_sub(DAYS_MAX);
        let days = days.into_iter().skip(beyond);
        overview.days = days
            .map(|(day, sum)| DaySum {
                day: day.to_owned(),
                ..sum
            })
            .collect();
        overview.agents = agents
            .into_iter()
            .map(|(agent, sum)| AgentSum {
                agent: agent.to_owned(),
                files: beside.files_by_format.get(agent).copied().unwrap_or(0),
                ..sum
            })
            .collect();
        overview.agents.sort_by(|a, b| {
            b.failures
                .cmp(&a.failures)
                .then_with(|| a.agent.cmp(&b.agent))
        });
        overview.detectors = detectors(sessions, beside);
        overview
    }
}

fn detectors(sessions: &[MinedSession], beside: &Beside) -> Vec<DetectorSum> {
    let mut seen = EventCounts::default();
    // Signals and sessions by name.
    let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for session in sessions.iter().filter(|session| session.is_session) {
        seen.add(session.event_counts);
        let mut here: BTreeMap<&str, u64> = BTreeMap::new();
        for signal in &session.signals {
            if let Some(name) = signal.tags.iter().find_map(|t| t.strip_prefix("detector:")) {
                *here.entry(name).or_default() += 1;
            }
        }
        for (name, signals) in here {
            let sum = found.entry(name).or_default();
            *sum = (sum.0 + signals, sum.1 + 1);
        }
    }
    let sum = |detector: &str, looks_for: &str, looks_at: &str, events: u64| {
        let (signals, sessions) = found.get(detector).copied().unwrap_or_default();
        DetectorSum {
            detector: detector.to_owned(),
            looks_for: looks_for.to_owned(),
            looks_at: looks_at.to_owned(),
            events,
            signals,
            sessions,
        }
    };
    let by_rules = LOOKS_AT
        .iter()
        .map(|at| sum(at.detector, at.looks_for, at.looks_at, (at.events)(&seen)));
    let by_model = beside.events_by_model.map(|events| {
        sum(
            "llm",
            "what a model saw and rules did not",
            "events shown to it",
            events,
        )
    });
    let mut sums: Vec<DetectorSum> = by_rules.chain(by_model).collect();
    sums.sort_by(|a, b| {
        (b.signals, b.events)
            .cmp(&(a.signals, a.events))
            .then_with(|| a.detector.cmp(&b.detector))
    });
    sums
}

fn day(at: &str) -> &str {
    at.get(..10).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::tests::signal;

    fn session(name: &str, format: &str, risk: f64, causes: &[&str]) -> MinedSession {
        MinedSession {
            session_id: name.into(),
            format: format.to_owned(),
            file: format!("{name}.jsonl").as_str().into(),
            events: 10,
            last_at: "2026-03-02T10:00:00Z".to_owned(),
            is_session: true,
            risk,
            failed_calls: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            signals: causes.iter().map(|cause| signal(name, 1, cause)).collect(),
            ..MinedSession::default()
        }
    }

    #[test]
    fn agents_days_and_risks_are_summed() {
        let sessions = [
            session("a", "openclaw", 1.234, &["timeout"]),
            session("b", "openclaw", 3.0, &["timeout", "quota"]),
            session("c", "codex", 9.0, &[]),
        ];
        let overview = Overview::of(&sessions, &Beside::default());
        let agents: Vec<_> = overview
            .agents
            .iter()
            .map(|a| {
                (
                    a.agent.as_str(),
                    a.sessions,
                    a.sessions_with_failures,
                    a.failures,
                )
            })
            .collect();
        assert_eq!(agents, [("openclaw", 2, 2, 3), ("codex", 1, 0, 0)]);
        let [day] = overview.days.as_slice() else {
            panic!("one day: {:?}", overview.days)
        };
        assert_eq!(
            (day.day.as_str(), day.sessions, day.failures),
            ("2026-03-02", 3, 3)
        );
        let risks: Vec<_> = overview
            .riskiest
            .iter()
            .map(|r| (r.session_id.as_str(), r.risk))
            .collect();
        assert_eq!(risks, [("b", 3.0), ("a", 1.23)]);
        assert_eq!(overview.repeated_failed_calls, 1);
    }
}
