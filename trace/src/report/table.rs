//! The table of the top failures for a terminal.
//!
//! Neighbours: `escape` makes text fit and harmless. Must not print: the caller does.

use std::fmt::Write as _;

use super::escape::{fit, pad};
use super::view;
use crate::rollup::{Rollup, RollupDocument};
use crate::signal::Severity;

/// Whether the table is coloured by terminal escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text only.
    Plain,
    /// ANSI colours for tier and severity.
    Ansi,
}

/// Narrowest and widest table, columns.
const WIDTH_MIN: usize = 60;
const WIDTH_MAX: usize = 240;
/// From this width on the class stands beside the kind.
const CLASS_WIDTH_MIN: usize = 110;

/// How many columns the fields have that share what the width leaves.
#[derive(Clone, Copy, Debug)]
struct Layout {
    kind: usize,
    tool: usize,
    summary: usize,
}

impl Layout {
    fn of(width: usize) -> Self {
        let kind = if width >= CLASS_WIDTH_MIN { 23 } else { 11 };
        let tool = (width / 7).clamp(8, 20);
        let numbers = "TIER  SCORE  ITEMS  SESS  ".len();
        let summary = width.saturating_sub(numbers + kind + 1 + tool + 1);
        Self {
            kind,
            tool,
            summary,
        }
    }
}

/// The top failures, one a line, `width` columns wide: tier, score, items, sessions, kind and
/// class, tool, summary.
#[must_use]
pub fn table(document: &RollupDocument, width: usize, top: usize, colour: Colour) -> String {
    let width = width.clamp(WIDTH_MIN, WIDTH_MAX);
    let problems: Vec<&Rollup> = document
        .rollups
        .iter()
        .filter(|rollup| view::is_problem(rollup))
        .collect();
    let mut out = String::new();
    if problems.is_empty() {
        out.push_str("No failures found.\n");
    } else {
        let layout = Layout::of(width);
        let kind = if width >= CLASS_WIDTH_MIN {
            "KIND/CLASS"
        } else {
            "KIND"
        };
        let head = line(
            [
                "TIER",
                "SCORE",
                "ITEMS",
                "SESS",
                kind,
                "TOOL",
                "WHAT HAPPENED",
            ],
            layout,
        );
        push_styled(&mut out, &head, "1", colour);
        for rollup in problems.iter().take(top) {
            push_styled(&mut out, &row(rollup, layout), style(rollup), colour);
        }
        let hidden = problems.len().saturating_sub(top);
        if hidden > 0 {
            let _ = writeln!(
                out,
                "... and {} more",
                view::counted(hidden as u64, "group")
            );
        }
    }
    out
}

fn row(rollup: &Rollup, layout: Layout) -> String {
    let kind = format!(
        "{}/{}",
        view::kind_words(rollup.kind),
        view::class_words(rollup.class)
    );
    let kind = if layout.kind < kind.len() {
        view::kind_words(rollup.kind)
    } else {
        &kind
    };
    let tool = if rollup.tool.is_empty() {
        "-"
    } else {
        &rollup.tool
    };
    line(
        [
            &rollup.tier.to_string(),
            &format!("{:.2}", rollup.score),
            &rollup.count_items.to_string(),
            &rollup.count_sessions.to_string(),
            kind,
            tool,
            without_tool(rollup),
        ],
        layout,
    )
}

/// The summary without the tool that stands in the column beside it.
fn without_tool(rollup: &Rollup) -> &str {
    rollup
        .summary
        .strip_prefix(rollup.tool.as_str())
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(&rollup.summary)
}

fn line(cells: [&str; 7], layout: Layout) -> String {
    let [tier, score, items, sessions, kind, tool, summary] = cells;
    let right = |text: &str, columns: usize| format!("{:>columns$}", fit(text, columns));
    let text = format!(
        "{} {} {} {}  {} {} {}",
        pad(tier, 4),
        right(score, 6),
        right(items, 6),
        right(sessions, 5),
        pad(kind, layout.kind),
        pad(tool, layout.tool),
        fit(summary, layout.summary),
    );
    text.trim_end().to_owned()
}

fn style(rollup: &Rollup) -> &'static str {
    match (rollup.tier, rollup.max_severity) {
        (1, Severity::Critical) => "1;31",
        (1, _) => "31",
        (2, _) => "33",
        (_, _) => "2",
    }
}

fn push_styled(out: &mut String, line: &str, style: &str, colour: Colour) {
    let _ = match colour {
        Colour::Plain => writeln!(out, "{line}"),
        Colour::Ansi => writeln!(out, "\u{1b}[{style}m{line}\u{1b}[0m"),
    };
}
