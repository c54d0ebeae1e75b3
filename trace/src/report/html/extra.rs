//! Parts of the page beside the failures: trends as drawings, tables by agent and day, sessions to read first.
//!
//! Neighbours: the page calls these in order. Drawings are SVG in the page; every one has its numbers in words.

use std::fmt::Write as _;

use super::super::escape::{fit, html};
use super::super::view;
use super::{GROUPS_MAX, SUMMARY_COLUMNS};
use crate::rollup::{Rollup, RollupDocument};

/// Height of a bar that stands for the greatest value.
const SPARK_HEIGHT: u64 = 20;
const CHART_HEIGHT: u64 = 90;
const BAR_WIDTH: u64 = 4;
/// Days of a trend below which a drawing shows nothing.
const DAYS_MIN: usize = 2;

/// Bars of one pixel more than nothing for days without, so that days can be counted.
fn bars(values: &[u64], height: u64, class: &str) -> String {
    let greatest = values.iter().copied().max().unwrap_or(0).max(1);
    let mut out = String::new();
    for (index, value) in (0_u64..).zip(values) {
        let tall = (value.saturating_mul(height) / greatest).max(1);
        let class = if *value == 0 { "zero" } else { class };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{tall}\"/>",
            index * (BAR_WIDTH + 1),
            height - tall,
            BAR_WIDTH,
        );
    }
    out
}

fn width(values: &[u64]) -> u64 {
    (values.len() as u64).saturating_mul(BAR_WIDTH + 1)
}

/// Whether [`sparkline`] draws something.
pub(super) fn has_trend(rollup: &Rollup) -> bool {
    let trend = rollup.standing.as_ref().map(|standing| &standing.trend);
    trend.is_some_and(|days| days.len() >= DAYS_MIN)
}

/// The trend of one failure; empty when there are not days enough.
pub(super) fn sparkline(rollup: &Rollup) -> String {
    let Some(standing) = &rollup.standing else {
        return String::new();
    };
    if standing.trend.len() < DAYS_MIN {
        return String::new();
    }
    let values: Vec<u64> = standing.trend.iter().map(|day| day.items).collect();
    let (first, last) = (
        &standing.trend[0].day,
        &standing.trend[values.len() - 1].day,
    );
    let greatest = values.iter().copied().max().unwrap_or(0);
    format!(
        "<svg class=\"spark\" role=\"img\" aria-label=\"{} on days read from {} to {}, at most {greatest} a day\" \
         width=\"{}\" height=\"{SPARK_HEIGHT}\">{}</svg>",
        view::counted(values.iter().sum(), "time"),
        html(first),
        html(last),
        width(&values),
        bars(&values, SPARK_HEIGHT, "bad"),
    )
}

pub(super) fn absent(out: &mut String, document: &RollupDocument) {
    if document.absent.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"absent\">\n<h2>Known from earlier runs, not seen in this one</h2>\n<table class=\"stack\"><thead><tr>\
         <th scope=\"col\">What happened</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Last seen</th><th scope=\"col\" class=\"n\">Quiet sessions</th></tr></thead>\
         <tbody>\n",
    );
    for absent in document.absent.iter().take(GROUPS_MAX) {
        let standing = &absent.standing;
        let word = standing.state.as_str();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><span class=\"state {word}\">{word}</span></td><td data-l=\"last seen\">{}</td>\
             <td class=\"n\" data-l=\"quiet sessions\">{} of {}</td></tr>",
            html(&fit(&absent.summary, SUMMARY_COLUMNS)),
            html(&view::minute(&standing.last_seen)),
            standing.quiet_sessions,
            standing.quiet_sessions_needed,
        );
    }
    out.push_str("</tbody></table>\n</section>\n");
}

pub(super) fn agents(out: &mut String, document: &RollupDocument) {
    if document.overview.agents.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"agents\">\n<h2>By agent</h2>\n<table><thead><tr><th scope=\"col\">Agent</th>\
         <th scope=\"col\" class=\"n\">Sessions</th><th scope=\"col\" class=\"n\">With failures</th>\
         <th scope=\"col\" class=\"n\">Failures</th><th scope=\"col\" class=\"n\">Praise</th></tr></thead>\
         <tbody>\n",
    );
    for sum in &document.overview.agents {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            html(&sum.agent),
            view::grouped(sum.sessions),
            view::share(sum.sessions_with_failures, sum.sessions),
            view::grouped(sum.failures),
            view::grouped(sum.delights),
        );
    }
    out.push_str("</tbody></table>\n</section>\n");
}

/// Failures by day as bars, and the same numbers as a table for who wants them.
pub(super) fn days(out: &mut String, document: &RollupDocument) {
    let days = &document.overview.days;
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return;
    };
    let values: Vec<u64> = days.iter().map(|sum| sum.failures).collect();
    let greatest = values.iter().copied().max().unwrap_or(0);
    let _ = write!(
        out,
        "<section id=\"days\">\n<h2>By day</h2>\n<figure><svg class=\"chart\" role=\"img\" aria-label=\"Failures by day, \
         at most {greatest}\" viewBox=\"0 0 {} {CHART_HEIGHT}\" preserveAspectRatio=\"none\">{}</svg>\
         <figcaption>Failures and frustrations on the days with sessions or signals, {} to {} (UTC), at most \
         {greatest} a day.</figcaption></figure>\n\
         <details><summary>The numbers</summary><div class=\"inside\"><table><thead><tr>\
         <th scope=\"col\">Day</th><th scope=\"col\" class=\"n\">Sessions</th>\
         <th scope=\"col\" class=\"n\">Failures</th><th scope=\"col\" class=\"n\">Praise</th></tr></thead><tbody>\n",
        width(&values),
        bars(&values, CHART_HEIGHT, "bad"),
        html(&first.day),
        html(&last.day),
    );
    for sum in days.iter().rev() {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            html(&sum.day),
            view::grouped(sum.sessions),
            view::grouped(sum.failures),
            view::grouped(sum.delights),
        );
    }
    out.push_str("</tbody></table></div></details>\n</section>\n");
}

pub(super) fn risks(out: &mut String, document: &RollupDocument) {
    let overview = &document.overview;
    if overview.riskiest.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"risks\">\n<h2>Sessions to read first</h2>\n<p class=\"soft\">These most likely missed their aim. The scale \
         of the risk is arbitrary, its order counts.</p>\n<table class=\"stack\"><thead><tr><th scope=\"col\">Session</th>\
         <th scope=\"col\" class=\"n\">Risk</th><th scope=\"col\" class=\"n\">Failures</th>\
         <th scope=\"col\" class=\"n\">Failed calls</th></tr></thead><tbody>\n",
    );
    for session in &overview.riskiest {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\" data-l=\"risk\">{:.2}</td>\
             <td class=\"n\" data-l=\"failures\">{}</td><td class=\"n\" data-l=\"failed calls\">{}</td></tr>",
            html(&session.file),
            session.risk,
            session.failures,
            session.failed_calls,
        );
    }
    out.push_str("</tbody></table>\n");
    if overview.repeated_failed_calls > 0 {
        let _ = writeln!(
            out,
            "<p>{} failed again in a later session with the same arguments and the same error: nothing was learned \
             from the first time.</p>",
            view::counted(overview.repeated_failed_calls, "call"),
        );
    }
    out.push_str("</section>\n");
}
