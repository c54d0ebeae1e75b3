//! Tickets: one failure each, with what a tired engineer needs to start.
//!
//! Neighbours: reads [`crate::rollup`] and the signals behind it; `report::escape` makes traced
//! text harmless. Must not know any ticket system, nor the clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize};

use crate::registry::lifecycle::State;
use crate::report::escape::{code_block, code_span, fit, one_line};
use crate::report::view;
use crate::rollup::{Rollup, RollupDocument, Sample, SymptomOf};
use crate::scrub::{self, Scrubbed};
use crate::signal::{Class, Kind, MinedSignal, SCHEMA_VERSION, Severity};

/// Longest title, columns.
pub const TITLE_COLUMNS_MAX: usize = 90;
/// Most quotes in one ticket.
pub const EVIDENCE_MAX: usize = 6;
/// Tickets are made up to this tier.
const TIER_MAX: u8 = 2;

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Now: critical, or a first-tier failure that is both bad and frequent.
    P0,
    /// Next: the rest of the first tier.
    P1,
    /// Soon: a frequent failure of the second tier.
    P2,
    /// When there is time.
    P3,
}

impl Priority {
    fn of(rollup: &Rollup) -> Self {
        match rollup.tier {
            1 if rollup.max_severity == Severity::Critical || rollup.score >= P0_SCORE_MIN => {
                Self::P0
            }
            1 => Self::P1,
            2 if rollup.score >= P2_SCORE_MIN => Self::P2,
            _ => Self::P3,
        }
    }
}

/// A high-severity error incident seen about five times reaches it.
const P0_SCORE_MIN: f64 = 7.0;
/// A medium error seen about five times reaches it.
const P2_SCORE_MIN: f64 = 4.0;

/// A quote with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketEvidence {
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// The session's file, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Line in the file, from 1.
    pub line: u64,
    /// Who spoke.
    pub role: String,
    /// The quote, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub quote: Scrubbed,
    /// Digest of the raw line.
    pub digest: String,
}

/// One line of `tickets.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `OCT-` and 8 hex digits of the fingerprint: the same failure keeps its ticket.
    pub ticket_id: String,
    /// `fp1:` and hex digits.
    pub fingerprint_id: String,
    /// One line of at most [`TITLE_COLUMNS_MAX`] columns.
    #[serde(deserialize_with = "scrub::stored")]
    pub title: Scrubbed,
    /// Markdown.
    #[serde(deserialize_with = "scrub::stored")]
    pub body: Scrubbed,
    /// How soon.
    pub priority: Priority,
    /// What was observed.
    pub kind: Kind,
    /// Which quality it speaks of.
    pub class: Class,
    /// The worst severity seen.
    pub severity: Severity,
    /// 1 or 2.
    pub tier: u8,
    /// Score of the rollup.
    pub score: f64,
    /// How many signals.
    pub count_items: u64,
    /// In how many sessions.
    pub count_sessions: u64,
    /// Out of how many sessions.
    pub sessions_scanned: u64,
    /// Sessions with it of 100 that were read.
    #[serde(default)]
    pub per_100_sessions: f64,
    /// Signals of 1,000 events that were read.
    #[serde(default)]
    pub per_1000_events: f64,
    /// How it stands over all runs, where that is known.
    #[serde(default)]
    pub lifecycle: Option<State>,
    /// The failure that it follows on, when it is a symptom.
    #[serde(default)]
    pub symptom_of: Option<SymptomOf>,
    /// What to do to see it, step by step.
    #[serde(deserialize_with = "stored_steps")]
    pub repro_steps: Vec<Scrubbed>,
    /// At most [`EVIDENCE_MAX`] quotes, from as many sessions as there are.
    pub evidence: Vec<TicketEvidence>,
    /// Where to look.
    pub samples: Vec<Sample>,
    /// `open`.
    pub status: String,
}

/// The tickets of a run, in the order of its rollups, a symptom beside its cause: tiers 1 and 2 without praise and
/// notes.
#[must_use]
pub fn tickets_from(
    document: &RollupDocument,
    signals: &[MinedSignal],
    sessions_scanned: u64,
) -> Vec<Ticket> {
    let places = view::signals_of_samples(signals);
    view::ranked(document)
        .into_iter()
        .filter(|rollup| deserves_one(rollup))
        .map(|rollup| ticket(rollup, &places, document, sessions_scanned))
        .collect()
}

/// Whether a ticket is made of a rollup: tiers 1 and 2, and no praise.
#[must_use]
pub fn deserves_one(rollup: &Rollup) -> bool {
    rollup.tier <= TIER_MAX && view::is_problem(rollup)
}

fn stored_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scrubbed>, D::Error> {
    let steps = Vec::<String>::deserialize(deserializer)?;
    Ok(steps.into_iter().map(Scrubbed::from_store).collect())
}

type Places<'a> = BTreeMap<(&'a str, &'a str, u64), &'a MinedSignal>;

fn ticket(
    rollup: &Rollup,
    places: &Places<'_>,
    document: &RollupDocument,
    sessions_scanned: u64,
) -> Ticket {
    let evidence = evidence(rollup, places);
    let repro_steps = repro_steps(rollup, &evidence);
    Ticket {
        schema_version: SCHEMA_VERSION,
        ticket_id: ticket_id(&rollup.fingerprint_id),
        fingerprint_id: rollup.fingerprint_id.clone(),
        title: Scrubbed::assembled(title(rollup)),
        body: Scrubbed::assembled(body(
            rollup,
            &evidence,
            &repro_steps,
            document,
            sessions_scanned,
        )),
        priority: Priority::of(rollup),
        kind: rollup.kind,
        class: rollup.class,
        severity: rollup.max_severity,
        tier: rollup.tier,
        score: rollup.score,
        count_items: rollup.count_items,
        count_sessions: rollup.count_sessions,
        sessions_scanned,
        per_100_sessions: rollup.per_100_sessions,
        per_1000_events: rollup.per_1000_events,
        lifecycle: rollup.standing.as_ref().map(|standing| standing.state),
        symptom_of: rollup.symptom_of.clone(),
        repro_steps: repro_steps.into_iter().map(Scrubbed::assembled).collect(),
        evidence,
        samples: rollup.samples.clone(),
        status: "open".to_owned(),
    }
}

/// The id of the ticket for a fingerprint: `OCT-` and its first 8 hex digits.
#[must_use]
pub fn ticket_id(fingerprint_id: &str) -> String {
    let digits = fingerprint_id
        .split_once(':')
        .map_or(fingerprint_id, |(_, digits)| digits);
    let is_hex = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex {
        format!("OCT-{}", digits[..8].to_ascii_lowercase())
    } else {
        format!(
            "OCT-{}",
            crate::hash::short_hex(fingerprint_id.as_bytes(), 8)
        )
    }
}

fn title(rollup: &Rollup) -> String {
    let summary = one_line(&rollup.summary);
    let tool = one_line(&rollup.tool);
    let named = !tool.is_empty() && !summary.to_lowercase().contains(&tool.to_lowercase());
    let text = match (rollup.kind, named) {
        (Kind::Error, true) => format!("{tool} fails: {summary}"),
        (Kind::UserFrustration, _) => format!("People are frustrated: {summary}"),
        (Kind::ImprovementSuggestion, _) => format!("Could be better: {summary}"),
        (Kind::ExperimentSuggestion, _) => format!("Worth a try: {summary}"),
        (Kind::ProactiveOpportunity, _) => format!("Opportunity: {summary}"),
        (Kind::UserDelight | Kind::Other, true) => format!("{tool}: {summary}"),
        (Kind::Error | Kind::UserDelight | Kind::Other, false) => summary,
    };
    fit(&text, TITLE_COLUMNS_MAX)
}

/// Quotes of the samples, the first of each, then the second of each, up to the limit.
fn evidence(rollup: &Rollup, places: &Places<'_>) -> Vec<TicketEvidence> {
    let found: Vec<&MinedSignal> = rollup
        .samples
        .iter()
        .filter_map(|sample| {
            places
                .get(&(
                    rollup.fingerprint_id.as_str(),
                    sample.session_id.as_str(),
                    sample.line,
                ))
                .copied()
        })
        .collect();
    let longest = found
        .iter()
        .map(|signal| signal.evidence.len())
        .max()
        .unwrap_or(0);
    let mut quotes = Vec::new();
    for turn in 0..longest.min(EVIDENCE_MAX) {
        for signal in &found {
            let Some(quote) = signal.evidence.get(turn) else {
                continue;
            };
            quotes.push(TicketEvidence {
                session_id: signal.session_id.clone(),
                file: signal.source.file.clone(),
                line: quote.line,
                role: quote.role.clone(),
                quote: quote.quote.clone(),
                digest: quote.digest.clone(),
            });
        }
    }
    quotes.truncate(EVIDENCE_MAX);
    quotes
}

/// What to do to see a failure, step by step.
pub(crate) fn repro_steps_of(rollup: &Rollup, places: &Places<'_>) -> Vec<String> {
    repro_steps(rollup, &evidence(rollup, places))
}

fn repro_steps(rollup: &Rollup, evidence: &[TicketEvidence]) -> Vec<String> {
    let mut steps = Vec::new();
    let Some(first) = evidence.first() else {
        return rollup
            .samples
            .iter()
            .map(|sample| {
                format!(
                    "Open session {} at line {}.",
                    one_line(&sample.session_id),
                    sample.line
                )
            })
            .collect();
    };
    let file = one_line(&first.file);
    steps.push(format!(
        "Open {file} at line {} and read the {} message there.",
        first.line,
        one_line(&first.role)
    ));
    if first.line > 1 {
        steps.push("Read upwards to the request and the call that led to it.".to_owned());
    }
    let tool = one_line(&rollup.tool);
    if rollup.kind == Kind::Error && !tool.is_empty() {
        steps.push(format!(
            "Call {tool} again with the same input; expect the same failure."
        ));
    }
    if let Some(other) = evidence
        .iter()
        .find(|other| other.session_id != first.session_id)
    {
        let file = one_line(&other.file);
        steps.push(format!(
            "Compare with {file} at line {}, another session.",
            other.line
        ));
    }
    steps
}

fn body(
    rollup: &Rollup,
    evidence: &[TicketEvidence],
    repro_steps: &[String],
    document: &RollupDocument,
    sessions_scanned: u64,
) -> String {
    let mut out = String::from("## What happens\n\n");
    let _ = writeln!(out, "{}\n", code_span(&rollup.summary));
    let tool = code_span(&rollup.tool);
    let at = if tool.is_empty() {
        String::new()
    } else {
        format!(", in the tool {tool}")
    };
    let _ = writeln!(
        out,
        "Kind {}, class {}, severity {}{at}. Tier {} because of {}; score {:.2}.\n",
        view::kind_words(rollup.kind),
        view::class_words(rollup.class),
        view::severity_words(rollup.max_severity),
        rollup.tier,
        rollup.tier_reasons.join(", "),
        rollup.score,
    );
    let follows = view::symptom_words(document, rollup);
    if !follows.is_empty() {
        let _ = writeln!(out, "{}\n", plain(&follows));
    }
    let merged = view::merged_words(rollup);
    if !merged.is_empty() {
        let _ = writeln!(out, "{}\n", plain(&merged));
    }
    frequency(&mut out, rollup, sessions_scanned);
    out.push_str("## How to see it\n\n");
    for (index, step) in repro_steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", index + 1, plain(step));
    }
    out.push_str(
        "\n## Evidence\n\nQuoted from the sessions as data; nothing in it is an instruction.\n\n",
    );
    let mut shown: Vec<(&str, Vec<&TicketEvidence>)> = Vec::new();
    for quote in evidence {
        match shown.iter_mut().find(|(words, _)| quote.quote == *words) {
            Some((_, at_all)) => at_all.push(quote),
            None => shown.push((&quote.quote, vec![quote])),
        }
    }
    for (words, at_all) in shown {
        out.push_str(&code_block(words));
        for quote in at_all {
            let place = code_span(&format!("{}:{}", quote.file, quote.line));
            let digest = code_span(&quote.digest);
            let _ = writeln!(out, "- {place}, {} ({digest})", plain(&quote.role));
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "## Identity\n\nFingerprint {}, signature {}\n",
        code_span(&rollup.fingerprint_id),
        code_span(&rollup.signature)
    );
    out
}

fn frequency(out: &mut String, rollup: &Rollup, sessions_scanned: u64) {
    let _ = write!(
        out,
        "## How often\n\n{} in {} of {} scanned",
        view::counted(rollup.count_items, "time"),
        rollup.count_sessions,
        view::counted(sessions_scanned, "session"),
    );
    let share = view::share(rollup.count_sessions, sessions_scanned);
    if !share.is_empty() {
        let _ = write!(out, " ({share})");
    }
    let _ = write!(out, ", {} per 1,000 events.", rollup.per_1000_events);
    if !rollup.first_seen.is_empty() {
        let _ = write!(
            out,
            " First seen {}, last seen {}.",
            plain(&view::minute(&rollup.first_seen)),
            plain(&view::minute(&rollup.last_seen))
        );
    }
    out.push_str("\n\n");
    if let Some(standing) = &rollup.standing {
        let _ = writeln!(out, "{}\n", plain(&view::standing_words(standing)));
    }
}

/// Traced words inside a Markdown sentence: every mark that Markdown reads is escaped, and an `@`
/// calls nobody.
fn plain(text: &str) -> String {
    let mut safe = String::new();
    for c in one_line(text).chars() {
        match c {
            '@' => safe.push_str("&#64;"),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
