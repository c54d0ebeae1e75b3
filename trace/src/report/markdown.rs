//! The rollup as Markdown: `rollup.md`.
//!
//! Neighbours: `escape` makes traced text harmless. Must not be read back by any program.

use std::fmt::Write as _;

use super::escape::{cell_span, code_span, fit};
use super::view;
use crate::rollup::{Rollup, RollupDocument};

/// Longest summary in a cell, columns.
const SUMMARY_COLUMNS: usize = 120;
/// Most skipped places that are named one by one.
const SKIPPED_SHOWN_MAX: usize = 20;

/// The document for people: what was read, the `top` failures, failures by tool, praise, and what
/// was skipped.
#[must_use]
pub fn rollup_md(document: &RollupDocument, top: usize) -> String {
    let mut out = String::from("# What went wrong\n\n");
    overview(&mut out, document);
    failures(&mut out, document, top);
    tools(&mut out, document);
    delight(&mut out, document, top);
    skips(&mut out, document);
    out
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
    let problems: Vec<&Rollup> = document
        .rollups
        .iter()
        .filter(|rollup| view::is_problem(rollup))
        .collect();
    if problems.is_empty() {
        out.push_str("No failures found.\n\n");
        return;
    }
    out.push_str("## Top failures\n\n");
    out.push_str(
        "| Tier | Score | Items | Sessions | Kind | Tool | What happened | First example |\n",
    );
    out.push_str("| ---: | ---: | ---: | ---: | --- | --- | --- | --- |\n");
    for rollup in problems.iter().take(top) {
        let example = rollup.samples.first().map_or_else(String::new, |sample| {
            cell_span(&format!("{}:{}", sample.session_id, sample.line))
        });
        let _ = writeln!(
            out,
            "| {} | {:.2} | {} | {} | {}, {} | {} | {} | {} |",
            rollup.tier,
            rollup.score,
            rollup.count_items,
            rollup.count_sessions,
            view::kind_words(rollup.kind),
            view::class_words(rollup.class),
            cell_span(&rollup.tool),
            cell_span(&fit(&rollup.summary, SUMMARY_COLUMNS)),
            example,
        );
    }
    out.push('\n');
    if problems.len() > top {
        let _ = writeln!(out, "{} more in `rollup.json`.\n", problems.len() - top);
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

fn skips(out: &mut String, document: &RollupDocument) {
    if document.skipped.is_empty() {
        return;
    }
    out.push_str("## What was skipped\n\n");
    for (reason, n) in view::skip_reasons(&document.skipped) {
        let _ = writeln!(
            out,
            "- {}: {}",
            code_span(reason),
            view::counted(n, "place")
        );
    }
    out.push('\n');
    for skip in document.skipped.iter().take(SKIPPED_SHOWN_MAX) {
        let place = if skip.line == 0 {
            skip.file.clone()
        } else {
            format!("{}:{}", skip.file, skip.line)
        };
        let _ = writeln!(out, "  - {} {}", code_span(&place), code_span(&skip.reason));
    }
    let hidden = document.skipped.len().saturating_sub(SKIPPED_SHOWN_MAX);
    if hidden > 0 {
        let _ = writeln!(out, "  - and {hidden} more in `rollup.json`");
    }
}
