//! Plain words and small sums that all reports share.
//!
//! Neighbours: the writers of reports and tickets. Must not write any markup.

use std::collections::BTreeMap;

use super::escape::{fit, one_line};
use crate::llm::coverage::Coverage;
use crate::registry::Standing;
use crate::rollup::skips::{SkipSum, Unit};
use crate::rollup::{Rollup, RollupDocument};
use crate::signal::{Class, Kind, MinedSignal, Severity};

/// A kind as people say it.
pub(crate) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Error => "error",
        Kind::UserFrustration => "frustration",
        Kind::ImprovementSuggestion => "improvement",
        Kind::ExperimentSuggestion => "experiment",
        Kind::ProactiveOpportunity => "opportunity",
        Kind::UserDelight => "delight",
        Kind::Other => "other",
    }
}

/// A class as people say it.
pub(crate) fn class_words(class: Class) -> &'static str {
    match class {
        Class::ReliabilityPerf => "reliability",
        Class::Defect => "defect",
        Class::UxFriction => "experience",
        Class::CapabilityGap => "capability",
        Class::ProcessTooling => "tooling",
        Class::SafetyCompliance => "safety",
        Class::ProactiveOpportunity => "opportunity",
        Class::UserDelight => "delight",
    }
}

/// A severity as people say it.
pub(crate) fn severity_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Whether a rollup is a problem, and not praise or a note.
pub(crate) fn is_problem(rollup: &Rollup) -> bool {
    match rollup.kind {
        Kind::Error
        | Kind::UserFrustration
        | Kind::ImprovementSuggestion
        | Kind::ExperimentSuggestion
        | Kind::ProactiveOpportunity => true,
        Kind::UserDelight | Kind::Other => false,
    }
}

/// Problems in the order of the document, each symptom right after its cause. The two stand where the better placed of
/// them would: a failure that leaves people without an answer is worth what they went through.
pub(crate) fn ranked(document: &RollupDocument) -> Vec<&Rollup> {
    let problems: Vec<&Rollup> = document.rollups.iter().filter(|r| is_problem(r)).collect();
    let cause_of = |index: usize| {
        let cause = &problems[index].symptom_of.as_ref()?.fingerprint_id;
        problems
            .iter()
            .position(|other| other.fingerprint_id == *cause)
    };
    let leads: Vec<usize> = (0..problems.len())
        .map(|index| cause_of(index).unwrap_or(index))
        .collect();
    let mut first_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, lead) in leads.iter().enumerate() {
        first_of.entry(*lead).or_insert(index);
    }
    let mut places: Vec<usize> = (0..problems.len()).collect();
    places.sort_by_key(|index| {
        let lead = leads[*index];
        (first_of.get(&lead), lead, *index != lead, *index)
    });
    places.into_iter().map(|index| problems[index]).collect()
}

/// Why a symptom stands where it does; empty when it is none.
pub(crate) fn symptom_words(document: &RollupDocument, rollup: &Rollup) -> String {
    let Some(symptom) = &rollup.symptom_of else {
        return String::new();
    };
    let is_cause = |other: &&Rollup| other.fingerprint_id == symptom.fingerprint_id;
    let cause = document.rollups.iter().find(is_cause).map_or_else(
        || symptom.fingerprint_id.clone(),
        |cause| format!("\"{}\"", fit(&one_line(&cause.summary), CAUSE_COLUMNS)),
    );
    format!(
        "This is a symptom: in {} of {} it came right after another failure, most often after {cause} ({}), so it is \
         ranked beside that one. Mend the cause first.",
        symptom.caused_sessions,
        counted(symptom.of_sessions, "session"),
        symptom.sessions,
    )
}

const CAUSE_COLUMNS: usize = 90;

/// What else is counted in a group, and why; empty when nothing is.
pub(crate) fn merged_words(rollup: &Rollup) -> String {
    if rollup.aliases.is_empty() {
        return String::new();
    }
    let more = rollup.aliases.len().saturating_sub(MERGED_SHOWN_MAX);
    let shown = rollup.aliases.iter().take(MERGED_SHOWN_MAX).map(|alias| {
        format!(
            "\"{}\" ({}; {})",
            fit(&one_line(&alias.summary), CAUSE_COLUMNS),
            counted(alias.count_items, "time"),
            one_line(&alias.because),
        )
    });
    let shown: Vec<String> = shown.collect();
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("Counted with it: {}{rest}.", shown.join(", "))
}

/// Most merged failures told beside one group.
const MERGED_SHOWN_MAX: usize = 3;

/// `new`, `ongoing`, ...; empty when no registry was asked.
pub(crate) fn state_word(rollup: &Rollup) -> &'static str {
    let standing = rollup.standing.as_ref();
    standing.map_or("", |standing| standing.state.as_str())
}

/// A standing in one sentence or two, with rates over all runs.
pub(crate) fn standing_words(standing: &Standing) -> String {
    format!(
        "Over all runs: {} ({}). {} of 100 sessions and {} of 1,000 events, in {} read of the agents that had it.",
        standing.state.as_str(),
        standing.because,
        standing.per_100_sessions,
        standing.per_1000_events,
        counted(standing.sessions_scanned, "session"),
    )
}

/// `1 session`, `2 sessions`.
pub(crate) fn counted(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", grouped(n))
    }
}

/// `4.2 %`; empty when there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let Some(per_mille) =
        (u128::from(part) * 1000 + u128::from(whole) / 2).checked_div(u128::from(whole))
    else {
        return String::new();
    };
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// Bytes in the unit that a person would use.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return counted(bytes, "byte"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000.. => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// The first signal of each fingerprint and place that a rollup names as a sample.
pub(crate) fn signals_of_samples(
    signals: &[MinedSignal],
) -> BTreeMap<(&str, &str, u64), &MinedSignal> {
    let mut found: BTreeMap<(&str, &str, u64), &MinedSignal> = BTreeMap::new();
    for signal in signals {
        let place = (
            signal.fingerprint_id.as_str(),
            signal.session_id.as_str(),
            signal.source.line,
        );
        found
            .entry(place)
            .and_modify(|known| {
                if signal.signal_id < known.signal_id {
                    *known = signal;
                }
            })
            .or_insert(signal);
    }
    found
}

/// What one tool did in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolSum {
    pub(crate) items: u64,
    pub(crate) kinds_of_failure: u64,
    /// The best tier among them.
    pub(crate) tier: u8,
}

/// Failures by tool, most items first, then by name.
pub(crate) fn by_tool(rollups: &[Rollup]) -> Vec<(&str, ToolSum)> {
    let mut sums: BTreeMap<&str, ToolSum> = BTreeMap::new();
    for rollup in rollups.iter().filter(|rollup| is_problem(rollup)) {
        let sum = sums.entry(rollup.tool.as_str()).or_default();
        sum.items = sum.items.saturating_add(rollup.count_items);
        sum.kinds_of_failure += 1;
        sum.tier = if sum.tier == 0 {
            rollup.tier
        } else {
            sum.tier.min(rollup.tier)
        };
    }
    let mut sums: Vec<(&str, ToolSum)> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.items.cmp(&a.1.items).then_with(|| a.0.cmp(b.0)));
    sums
}

/// `3 files`, `12 lines in 2 files`.
pub(crate) fn skip_words(sum: &SkipSum) -> String {
    match sum.unit {
        Unit::Files => counted(sum.count, "file"),
        Unit::Lines => format!(
            "{} in {}",
            counted(sum.count, "line"),
            counted(sum.files, "file")
        ),
        Unit::Signals => format!(
            "{} in {}",
            counted(sum.count, "signal"),
            counted(sum.files, "file")
        ),
    }
}

/// Sums over the sessions that a model was asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelSums {
    pub(crate) asked: u64,
    pub(crate) cached: u64,
    pub(crate) confirmed: u64,
    pub(crate) signals: u64,
    pub(crate) thrown: u64,
}

pub(crate) fn model_sums(coverage: &Coverage) -> ModelSums {
    let mut sums = ModelSums::default();
    for llm in coverage.sessions.iter().filter_map(|s| s.llm.as_ref()) {
        sums.asked += llm.asked;
        sums.cached += llm.cached;
        sums.confirmed += llm.confirmed;
        sums.signals += llm.signals;
        sums.thrown += llm.thrown.total();
    }
    sums
}

/// Millionths of a currency as `1.25`, with six digits only when it is less than a cent.
pub(crate) fn money(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    if micros < 10_000 {
        format!("{whole}.{part:06}")
    } else {
        format!("{}.{:02}", grouped(whole), part / 10_000)
    }
}

/// `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `2026-03-01 10:22` of an ISO time, or all of it when it is something else.
pub(crate) fn minute(at: &str) -> String {
    match (at.get(..10), at.get(10..11), at.get(11..16)) {
        (Some(day), Some("T"), Some(time)) => format!("{day} {time}"),
        _ => at.to_owned(),
    }
}
