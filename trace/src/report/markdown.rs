//! The rollup as Markdown: `rollup.md`.
//!
//! Neighbours: `escape` makes traced text harmless. Must not be read back by any program.

use std::fmt::Write as _;

use super::escape::{cell_span, code_span, fit};
use super::view;
use crate::rollup::{Rollup, RollupDocument};
use crate::scrub::Scrubbed;

/// Longest summary in a cell, columns.
const SUMMARY_COLUMNS: usize = 120;
/// Most skipped places that are named one by one.
const SKIPPED_SHOWN_MAX: usize = 20;

/// The document for people: what was read, the `top` failures, failures by tool, praise, and what
/// was skipped.
#[must_use]
pub fn rollup_md(document: &RollupDocument, top: usize) -> Scrubbed {
    let mut out = String::from("# What went wrong\n\n");
    overview(&mut out, document);
    failures(&mut out, document, top);
    closer(&mut out, document);
    absent(&mut out, document);
    tools(&mut out, document);
    agents(&mut out, document);
    days(&mut out, document);
    risks(&mut out, document);
    delight(&mut out, document, top);
    reading(&mut out, document);
    skips(&mut out, document);
    Scrubbed::assembled(out)
}

fn overview(out: &mut String, document: &RollupDocument) {
    let counts = document.counts;
    let _ = writeln!(
        out,
        "{} read ({}, {}, {}); {} had something to tell: {}.\n",
        view::counted(counts.sessions, "session"),
        view::counted(counts.lines, "line"),
        view::counted(counts.events, "event"),
        view::size(counts.bytes),
        counts.sessions_with_signals,
        view::counted(counts.signals, "signal"),
    );
}

fn failures(out: &mut String, document: &RollupDocument, top: usize) {
    let problems = view::ranked(document);
    if problems.is_empty() {
        out.push_str("No failures found.\n\n");
        return;
    }
    out.push_str("## Top failures\n\n");
    out.push_str(
        "| Tier | Score | Items | Sessions | of 100 | State | Kind | Tool | What happened | First example |\n",
    );
    out.push_str("| ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- | --- |\n");
    for rollup in problems.iter().take(top) {
        let example = rollup.samples.first().map_or_else(String::new, |sample| {
            cell_span(&format!("{}:{}", sample.session_id, sample.line))
        });
        let _ = writeln!(
            out,
            "| {} | {:.2} | {} | {} | {} | {} | {}, {} | {} | {}{} | {} |",
            rollup.tier,
            rollup.score,
            rollup.count_items,
            rollup.count_sessions,
            rollup.per_100_sessions,
            view::state_word(rollup),
            view::kind_words(rollup.kind),
            view::class_words(rollup.class),
            cell_span(&rollup.tool),
            if rollup.symptom_of.is_some() {
                "↳ symptom of the above: "
            } else {
                ""
            },
            cell_span(&fit(&rollup.summary, SUMMARY_COLUMNS)),
            example,
        );
    }
    out.push('\n');
    if problems.len() > top {
        let _ = writeln!(out, "{} more in `rollup.json`.\n", problems.len() - top);
    }
}

/// How many failures are told one by one.
const CLOSER_MAX: usize = 5;

/// The first failures with their standing and what they follow on.
fn closer(out: &mut String, document: &RollupDocument) {
    let problems = view::ranked(document);
    let told: Vec<&&Rollup> = problems
        .iter()
        .filter(|rollup| rollup.standing.is_some() || rollup.symptom_of.is_some())
        .take(CLOSER_MAX)
        .collect();
    if told.is_empty() {
        return;
    }
    out.push_str("## The first of them\n\n");
    for rollup in told {
        let _ = writeln!(
            out,
            "- {} ({}): {} {}{}",
            code_span(&fit(&rollup.summary, SUMMARY_COLUMNS)),
            code_span(&rollup.fingerprint_id),
            rollup
                .standing
                .as_ref()
                .map_or_else(String::new, view::standing_words),
            if rollup.symptom_of.is_some() {
                "A symptom: it mostly comes right after the failure above it, so mend that first."
            } else {
                ""
            },
            merged(rollup),
        );
    }
    out.push_str("\n`openclaw-trace explain FINGERPRINT` tells how one came about.\n\n");
}

/// Traced text goes into a span, where it is no markup.
fn merged(rollup: &Rollup) -> String {
    let words = view::merged_words(rollup);
    if words.is_empty() {
        return words;
    }
    format!(" {}", code_span(&words))
}

fn absent(out: &mut String, document: &RollupDocument) {
    if document.absent.is_empty() {
        return;
    }
    out.push_str("## Known from earlier runs, not seen in this one\n\n");
    out.push_str("| State | Last seen | Quiet sessions | Tool | What happened |\n");
    out.push_str("| --- | --- | ---: | --- | --- |\n");
    for absent in document.absent.iter().take(ABSENT_SHOWN_MAX) {
        let standing = &absent.standing;
        let _ = writeln!(
            out,
            "| {} | {} | {} of {} | {} | {} |",
            standing.state.as_str(),
            view::minute(&standing.last_seen),
            standing.quiet_sessions,
            standing.quiet_sessions_needed,
            cell_span(&absent.tool),
            cell_span(&fit(&absent.summary, SUMMARY_COLUMNS)),
        );
    }
    out.push('\n');
}

const ABSENT_SHOWN_MAX: usize = 20;

fn agents(out: &mut String, document: &RollupDocument) {
    if document.overview.agents.is_empty() {
        return;
    }
    out.push_str("## By agent\n\n| Agent | Sessions | With failures | Failures | Praise |\n");
    out.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for sum in &document.overview.agents {
        let _ = writeln!(
            out,
            "| {} | {} | {} ({}) | {} | {} |",
            cell_span(&sum.agent),
            sum.sessions,
            sum.sessions_with_failures,
            view::share(sum.sessions_with_failures, sum.sessions),
            sum.failures,
            sum.delights,
        );
    }
    out.push('\n');
}

/// Days in a table; the page draws all of them.
const DAYS_SHOWN_MAX: usize = 14;

fn days(out: &mut String, document: &RollupDocument) {
    let days = &document.overview.days;
    if days.is_empty() {
        return;
    }
    out.push_str("## By day (UTC)\n\n| Day | Sessions | Failures | Praise |\n");
    out.push_str("| --- | ---: | ---: | ---: |\n");
    for sum in days.iter().skip(days.len().saturating_sub(DAYS_SHOWN_MAX)) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell_span(&sum.day),
            sum.sessions,
            sum.failures,
            sum.delights
        );
    }
    out.push('\n');
}

fn risks(out: &mut String, document: &RollupDocument) {
    let overview = &document.overview;
    if overview.riskiest.is_empty() {
        return;
    }
    out.push_str("## Sessions to read first\n\n");
    out.push_str("These most likely missed their aim. The scale of the risk is arbitrary, its order counts.\n\n");
    out.push_str("| Risk | Failures | Failed calls | Session |\n| ---: | ---: | ---: | --- |\n");
    for session in &overview.riskiest {
        let _ = writeln!(
            out,
            "| {:.2} | {} | {} | {} |",
            session.risk,
            session.failures,
            session.failed_calls,
            cell_span(&session.file)
        );
    }
    out.push('\n');
    if overview.repeated_failed_calls > 0 {
        let _ = writeln!(
            out,
            "{} failed again in a later session with the same arguments and the same error: nothing was learned from \
             the first time.\n",
            view::counted(overview.repeated_failed_calls, "call"),
        );
    }
}

fn tools(out: &mut String, document: &RollupDocument) {
    let sums = view::by_tool(&document.rollups);
    if sums.is_empty() {
        return;
    }
    out.push_str("## By tool\n\n| Tool | Items | Different failures |\n| --- | ---: | ---: |\n");
    for (tool, sum) in sums {
        let name = if tool.is_empty() {
            "no tool".to_owned()
        } else {
            cell_span(tool)
        };
        let _ = writeln!(out, "| {name} | {} | {} |", sum.items, sum.kinds_of_failure);
    }
    out.push('\n');
}

fn delight(out: &mut String, document: &RollupDocument, top: usize) {
    let praise: Vec<&Rollup> = document
        .rollups
        .iter()
        .filter(|rollup| rollup.kind == crate::signal::Kind::UserDelight)
        .collect();
    if praise.is_empty() {
        return;
    }
    out.push_str("## What people liked\n\n");
    for rollup in praise.iter().take(top) {
        let summary = code_span(&fit(&rollup.summary, SUMMARY_COLUMNS));
        let _ = writeln!(
            out,
            "- {summary} ({})",
            view::counted(rollup.count_items, "time")
        );
    }
    out.push('\n');
}

/// What was read by format and by which detector, in one line each.
fn reading(out: &mut String, document: &RollupDocument) {
    let overview = &document.overview;
    if overview.agents.is_empty() {
        return;
    }
    out.push_str("## What was read\n\n| Format | Files | Sessions | Events | Lines | Size |\n");
    out.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for sum in &overview.agents {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            cell_span(&sum.agent),
            sum.files,
            sum.sessions,
            sum.events,
            sum.lines,
            view::size(sum.bytes),
        );
    }
    out.push('\n');
    for sum in &overview.detectors {
        let _ = writeln!(
            out,
            "- {}: {} in {}, of {} {}",
            code_span(&sum.detector),
            view::counted(sum.signals, "signal"),
            view::counted(sum.sessions, "session"),
            view::grouped(sum.events),
            sum.looks_at,
        );
    }
    out.push('\n');
}

fn skips(out: &mut String, document: &RollupDocument) {
    if document.skips.is_empty() {
        return;
    }
    out.push_str("## What was skipped\n\n");
    for sum in &document.skips {
        let _ = writeln!(
            out,
            "- {}: {}",
            code_span(&sum.reason),
            view::skip_words(sum)
        );
    }
    out.push('\n');
    for skip in document.skipped.iter().take(SKIPPED_SHOWN_MAX) {
        let place = match (skip.file.is_empty(), skip.line) {
            (true, _) => "this run".to_owned(),
            (false, 0) => skip.file.to_string(),
            (false, line) => format!("{}:{line}", skip.file),
        };
        let _ = writeln!(out, "  - {} {}", code_span(&place), code_span(&skip.reason));
    }
    let hidden = document.skipped.len().saturating_sub(SKIPPED_SHOWN_MAX);
    if hidden > 0 {
        let _ = writeln!(out, "  - and {hidden} more in `rollup.json`");
    }
}
