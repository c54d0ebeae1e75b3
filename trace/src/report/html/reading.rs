//! What the page says of its own ground: what was read, by which rule and model, and what was not and why.
//!
//! Neighbours: the page calls this last. A number without what it counts helps nobody, so each has its unit.

use std::fmt::Write as _;

use super::super::escape::html;
use super::super::view;
use super::SKIPPED_MAX;
use crate::llm::coverage::{Coverage, ModelCoverage};
use crate::rollup::RollupDocument;

/// The head of a table; names that begin with `#` are of numbers.
fn table(out: &mut String, class: &str, columns: &[&str]) {
    let _ = write!(
        out,
        "<div class=\"wide\"><table class=\"{class}\"><thead><tr>"
    );
    for column in columns {
        let _ = match column.strip_prefix('#') {
            Some(number) => write!(out, "<th scope=\"col\" class=\"n\">{number}</th>"),
            None => write!(out, "<th scope=\"col\">{column}</th>"),
        };
    }
    out.push_str("</tr></thead><tbody>\n");
}

const TABLE_END: &str = "</tbody></table></div>\n";

pub(super) fn section(out: &mut String, document: &RollupDocument, coverage: Option<&Coverage>) {
    let counts = document.counts;
    let _ = writeln!(
        out,
        "<section id=\"reading\">\n<h2>What was read, and what was not</h2>\n<p>{} with {} on {}, {}.</p>",
        view::counted(counts.sessions, "session"),
        view::counted(counts.events, "event"),
        view::counted(counts.lines, "line"),
        view::size(counts.bytes)
    );
    formats(out, document);
    rules(out, document);
    if let Some(llm) = coverage.and_then(|coverage| coverage.llm.as_ref()) {
        model(out, llm, coverage);
    }
    skips(out, document);
    out.push_str("</section>\n");
}

fn formats(out: &mut String, document: &RollupDocument) {
    let mut sums: Vec<_> = document.overview.agents.iter().collect();
    if sums.is_empty() {
        return;
    }
    sums.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.agent.cmp(&b.agent)));
    out.push_str("<h3>By format</h3>\n");
    table(
        out,
        "dense",
        &[
            "Format",
            "#Files",
            "#Sessions",
            "#Events",
            "#Lines",
            "#Size",
        ],
    );
    for sum in sums {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            html(&sum.agent),
            view::grouped(sum.files),
            view::grouped(sum.sessions),
            view::grouped(sum.events),
            view::grouped(sum.lines),
            view::size(sum.bytes),
        );
    }
    out.push_str(TABLE_END);
}

fn rules(out: &mut String, document: &RollupDocument) {
    let sums = &document.overview.detectors;
    if sums.is_empty() {
        return;
    }
    out.push_str(
        "<h3>By detector</h3>\n<p class=\"soft\">A failure that repeats in one session is one signal.</p>\n",
    );
    table(
        out,
        "stack",
        &["Detector", "#Signals", "#Sessions", "Looked at"],
    );
    for sum in sums {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code><div class=\"soft\">{}</div></th><td class=\"n\" data-l=\"signals\">{}</td>\
             <td class=\"n\" data-l=\"sessions\">{}</td><td data-l=\"of\">{} <span class=\"soft\">{}</span></td></tr>",
            html(&sum.detector),
            html(&sum.looks_for),
            view::grouped(sum.signals),
            view::grouped(sum.sessions),
            view::grouped(sum.events),
            html(&sum.looks_at),
        );
    }
    out.push_str(TABLE_END);
}

fn skips(out: &mut String, document: &RollupDocument) {
    if document.skips.is_empty() {
        out.push_str("<h3>What was not read</h3>\n<p class=\"soft\">Nothing was skipped.</p>\n");
        return;
    }
    out.push_str("<h3>What was not read</h3>\n");
    table(out, "", &["Reason", "What"]);
    for sum in &document.skips {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            html(&sum.reason),
            view::skip_words(sum)
        );
    }
    out.push_str(TABLE_END);
    let _ = write!(
        out,
        "<details><summary>{}</summary>\n<div class=\"inside\">\n",
        match document.skipped.len() {
            n if n > SKIPPED_MAX => format!("The first {SKIPPED_MAX} places"),
            _ => "Every place".to_owned(),
        }
    );
    for skip in document.skipped.iter().take(SKIPPED_MAX) {
        let place = match (skip.file.is_empty(), skip.line) {
            (true, _) => String::new(),
            (false, 0) => format!("{}: ", html(&skip.file)),
            (false, line) => format!("{}, line {line}: ", html(&skip.file)),
        };
        let _ = writeln!(out, "<p class=\"place\">{place}{}</p>", html(&skip.reason));
    }
    let hidden = document.skipped.len().saturating_sub(SKIPPED_MAX);
    if hidden > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft\">{} more in <code>rollup.json</code>.</p>",
            view::grouped(hidden as u64)
        );
    }
    out.push_str("</div></details>\n");
}

fn model(out: &mut String, llm: &ModelCoverage, coverage: Option<&Coverage>) {
    let sums = coverage.map(view::model_sums).unwrap_or_default();
    let account = &llm.asking.account;
    let _ = writeln!(
        out,
        "<h3>By the model <code>{}</code></h3>",
        html(&llm.asking.model)
    );
    table(out, "", &["What", "#How much"]);
    let mut row = |name: &str, value: String| {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"n\">{value}</td></tr>"
        );
    };
    row("Sessions read in full", view::grouped(llm.sessions_read));
    row("Sessions read in part", view::grouped(llm.sessions_partly));
    row("Sessions not read", view::grouped(llm.sessions_not_read));
    row(
        "Pieces of sessions asked about, and answered from earlier runs",
        format!(
            "{}, {}",
            view::grouped(sums.asked),
            view::grouped(sums.cached)
        ),
    );
    row(
        "Tokens counted, of those allowed",
        format!(
            "{} of {}",
            view::grouped(account.counted().tokens()),
            view::grouped(llm.asking.limits.tokens)
        ),
    );
    row(
        "Cost, in the currency of the price",
        llm.cost_micros
            .map_or_else(|| "no price is known".to_owned(), view::money),
    );
    row(
        "Signals beyond those of the rules",
        view::grouped(sums.signals),
    );
    row(
        "Findings that the rules had too",
        view::grouped(sums.confirmed),
    );
    row(
        "Claims thrown away, because their evidence is not there",
        view::grouped(sums.thrown),
    );
    out.push_str(TABLE_END);
    if !llm.not_read.is_empty() {
        table(out, "", &["The model did not read", "#Times"]);
        for (reason, n) in &llm.not_read {
            let _ = writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>",
                html(reason),
                view::grouped(*n)
            );
        }
        out.push_str(TABLE_END);
    }
    if llm.estimates.is_empty() {
        return;
    }
    table(
        out,
        "",
        &[
            "Beyond the rules",
            "#Sessions seen",
            "#Estimated for all sessions",
        ],
    );
    for estimate in &llm.estimates {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{:.1}</td></tr>",
            html(&estimate.kind.replace('_', " ")),
            view::grouped(estimate.sessions_seen),
            estimate.sessions_estimated,
        );
    }
    out.push_str(TABLE_END);
    if !llm.is_unbiased {
        out.push_str(
            "<p class=\"soft\">The estimates lean to one side: part of the sample was not read.</p>\n",
        );
    }
}
