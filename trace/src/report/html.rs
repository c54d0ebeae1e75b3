//! One page that holds everything: no script, no network, light and dark.
//!
//! Neighbours: `escape` is the only way for traced text into the page. Must not load anything: the
//! page says so to the browser as well.

mod extra;
mod reading;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::{fit, html};
use super::view;
use crate::llm::coverage::Coverage;
use crate::rollup::skips::Unit;
use crate::rollup::{Rollup, RollupDocument};
use crate::scrub::Scrubbed;
use crate::signal::{Kind, MinedSignal};

/// Most groups on the page; all of them are in `rollup.json`.
const GROUPS_MAX: usize = 200;
/// Failures that are shown at once; the others open together.
const UNFOLDED_MAX: usize = 40;
/// Most skipped places on the page.
const SKIPPED_MAX: usize = 100;
/// Most quotes of one group.
const QUOTES_MAX: usize = 6;
/// Most quotes of one signal.
const QUOTES_OF_SIGNAL_MAX: usize = 2;
/// Longest summary in a heading, columns.
const SUMMARY_COLUMNS: usize = 160;

const STYLE: &str = include_str!("page.css");

/// The report of a run as one self-contained page. It holds no time of its own: the same run gives
/// the same bytes. `coverage` tells what a model read.
#[must_use]
pub fn report_html(
    document: &RollupDocument,
    signals: &[MinedSignal],
    coverage: Option<&Coverage>,
) -> Scrubbed {
    let places = view::signals_of_samples(signals);
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>What went wrong</title>\n<style>\n",
    );
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n<main>\n<h1>What went wrong</h1>\n");
    numbers(&mut out, document);
    let mut sections = String::new();
    failures(&mut sections, document, &places);
    extra::absent(&mut sections, document);
    tools(&mut sections, document);
    extra::agents(&mut sections, document);
    extra::days(&mut sections, document);
    extra::risks(&mut sections, document);
    delight(&mut sections, document, &places);
    reading::section(&mut sections, document, coverage);
    contents(&mut out, &sections);
    out.push_str(&sections);
    out.push_str("</main>\n</body>\n</html>\n");
    Scrubbed::assembled(out)
}

type Places<'a> = BTreeMap<(&'a str, &'a str, u64), &'a MinedSignal>;

/// All sections that there can be: the id and what the list at the top calls it.
const SECTIONS: [(&str, &str); 8] = [
    ("failures", "Top failures"),
    ("absent", "Not seen this time"),
    ("tools", "By tool"),
    ("agents", "By agent"),
    ("days", "By day"),
    ("risks", "Sessions to read first"),
    ("liked", "What people liked"),
    ("reading", "What was read, what was not"),
];

/// Links to the sections that are there.
fn contents(out: &mut String, sections: &str) {
    out.push_str("<nav aria-label=\"Sections\">");
    for (id, name) in SECTIONS {
        if sections.contains(&format!("<section id=\"{id}\">")) {
            let _ = write!(out, "<a href=\"#{id}\">{name}</a> ");
        }
    }
    out.push_str("</nav>\n");
}

fn numbers(out: &mut String, document: &RollupDocument) {
    let counts = document.counts;
    let problems = document
        .rollups
        .iter()
        .filter(|rollup| view::is_problem(rollup));
    let not_read = |unit| {
        let of_unit = document.skips.iter().filter(|sum| sum.unit == unit);
        of_unit.map(|sum| sum.count).sum()
    };
    let urgent = problems.clone().filter(|rollup| rollup.tier == 1).count();
    let tiles = [
        (counts.sessions, "sessions read"),
        (counts.sessions_with_signals, "with signals"),
        (counts.signals, "signals"),
        (problems.count() as u64, "different failures"),
        (urgent as u64, "in tier 1"),
        (not_read(Unit::Files), "files not read"),
        (not_read(Unit::Lines), "lines not read"),
    ];
    out.push_str("<ul class=\"numbers\">\n");
    for (number, name) in tiles {
        let _ = writeln!(
            out,
            "<li><b>{}</b><span>{name}</span></li>",
            view::grouped(number)
        );
    }
    out.push_str("</ul>\n");
}

fn failures(out: &mut String, document: &RollupDocument, places: &Places<'_>) {
    out.push_str("<section id=\"failures\">\n<h2>Top failures</h2>\n");
    let problems = view::ranked(document);
    if problems.is_empty() {
        out.push_str("<p>No failures found.</p>\n");
    }
    if problems.iter().any(|rollup| extra::has_trend(rollup)) {
        out.push_str(
            "<p class=\"soft\">Tier 1 is the most urgent. Each bar is a day that was read: the taller, the more often. \
             Open a failure for its evidence and how to see it.</p>\n",
        );
    }
    let shown = &problems[..problems.len().min(GROUPS_MAX)];
    let (first, rest) = shown.split_at(shown.len().min(UNFOLDED_MAX));
    for rollup in first {
        failure(out, rollup, document, places);
    }
    if !rest.is_empty() {
        let _ = writeln!(
            out,
            "<details class=\"more\"><summary>{} more</summary>\n<div class=\"inside\">",
            view::counted(rest.len() as u64, "failure")
        );
        for rollup in rest {
            failure(out, rollup, document, places);
        }
        out.push_str("</div></details>\n");
    }
    let hidden = problems.len().saturating_sub(GROUPS_MAX);
    if hidden > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft\">{hidden} more in <code>rollup.json</code>.</p>"
        );
    }
    out.push_str("</section>\n");
}

fn failure(out: &mut String, rollup: &Rollup, document: &RollupDocument, places: &Places<'_>) {
    let tool = if rollup.tool.is_empty() {
        String::new()
    } else {
        format!(" · <code>{}</code>", html(&fit(&rollup.tool, 40)))
    };
    let state = match view::state_word(rollup) {
        "" => String::new(),
        word => format!("<span class=\"state {word}\">{word}</span>"),
    };
    let beside = if rollup.symptom_of.is_some() {
        " beside"
    } else {
        ""
    };
    let trend = extra::sparkline(rollup);
    let rate = format!("{} per 1,000 events", rollup.per_1000_events);
    let _ = writeln!(
        out,
        "<details class=\"t{0}{beside}\"><summary><span class=\"tier\">T{0}</span>{state}\
         <span class=\"what\">{1}</span>{trend}<span class=\"meta\">{2} in {3} ({rate}) · {4}, {5} · \
         score {6:.2}{tool}</span></summary>\n<div class=\"inside\">",
        rollup.tier.clamp(1, 3),
        html(&fit(&rollup.summary, SUMMARY_COLUMNS)),
        view::counted(rollup.count_items, "time"),
        view::counted(rollup.count_sessions, "session"),
        view::kind_words(rollup.kind),
        view::class_words(rollup.class),
        rollup.score,
    );
    let _ = write!(
        out,
        "<p class=\"soft\">Severity {}; tier {} because of {}.",
        view::severity_words(rollup.max_severity),
        rollup.tier,
        html(&rollup.tier_reasons.join(", ")),
    );
    if !rollup.first_seen.is_empty() {
        let _ = write!(
            out,
            " First seen {}, last seen {}.",
            html(&view::minute(&rollup.first_seen)),
            html(&view::minute(&rollup.last_seen))
        );
    }
    out.push_str("</p>\n");
    if let Some(standing) = &rollup.standing {
        let _ = writeln!(out, "<p>{}</p>", html(&view::standing_words(standing)));
    }
    let symptom = view::symptom_words(document, rollup);
    if !symptom.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", html(&symptom));
    }
    let merged = view::merged_words(rollup);
    if !merged.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", html(&merged));
    }
    quotes(out, rollup, places);
    reproduce(out, rollup, places);
    let _ = writeln!(
        out,
        "<p class=\"place\"><code>{}</code><br><code>{}</code></p>\n</div></details>",
        html(&rollup.fingerprint_id),
        html(&rollup.signature)
    );
}

/// What to do to see it, as the ticket says it.
fn reproduce(out: &mut String, rollup: &Rollup, places: &Places<'_>) {
    let steps = crate::ticket::repro_steps_of(rollup, places);
    out.push_str("<h3>How to see it</h3>\n<ol>\n");
    for step in steps {
        let _ = writeln!(out, "<li>{}</li>", html(&step));
    }
    out.push_str("</ol>\n");
}

/// The quotes of the samples; equal words are shown once, with all their places.
fn quotes(out: &mut String, rollup: &Rollup, places: &Places<'_>) {
    let mut shown: Vec<(&str, Vec<String>)> = Vec::new();
    for sample in &rollup.samples {
        let place = (
            rollup.fingerprint_id.as_str(),
            sample.session_id.as_str(),
            sample.line,
        );
        let Some(signal) = places.get(&place) else {
            continue;
        };
        for quote in signal.evidence.iter().take(QUOTES_OF_SIGNAL_MAX) {
            let at = format!(
                "{} · line {} · {}",
                html(&signal.source.file),
                quote.line,
                html(&quote.role)
            );
            match shown.iter_mut().find(|(words, _)| quote.quote == *words) {
                Some((_, at_all)) => at_all.push(at),
                None => shown.push((&quote.quote, vec![at])),
            }
        }
    }
    for (words, at_all) in shown.iter().take(QUOTES_MAX) {
        let _ = writeln!(
            out,
            "<blockquote><pre>{}</pre>\n<div class=\"place\">{}</div></blockquote>",
            html(words),
            at_all.join("<br>")
        );
    }
    if shown.is_empty() {
        for sample in &rollup.samples {
            let session = html(&sample.session_id);
            let _ = writeln!(
                out,
                "<p class=\"place\">{session}, line {}</p>",
                sample.line
            );
        }
    }
}

fn tools(out: &mut String, document: &RollupDocument) {
    let sums = view::by_tool(&document.rollups);
    if sums.is_empty() {
        return;
    }
    out.push_str(
        "<section id=\"tools\">\n<h2>By tool</h2>\n<table><thead><tr><th scope=\"col\">Tool</th>\
         <th scope=\"col\" class=\"n\">Times</th><th scope=\"col\" class=\"n\">Different failures</th>\
         <th scope=\"col\" class=\"n\">Worst tier</th></tr></thead><tbody>\n",
    );
    for (tool, sum) in sums.iter().take(GROUPS_MAX) {
        let name = if tool.is_empty() {
            "<span class=\"soft\">no tool</span>".to_owned()
        } else {
            format!("<code>{}</code>", html(&fit(tool, 60)))
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            view::grouped(sum.items),
            view::grouped(sum.kinds_of_failure),
            sum.tier
        );
    }
    out.push_str("</tbody></table>\n</section>\n");
}

fn delight(out: &mut String, document: &RollupDocument, places: &Places<'_>) {
    let praise: Vec<&Rollup> = document
        .rollups
        .iter()
        .filter(|rollup| rollup.kind == Kind::UserDelight)
        .collect();
    if praise.is_empty() {
        return;
    }
    out.push_str("<section id=\"liked\">\n<h2>What people liked</h2>\n<ul class=\"plain\">\n");
    for rollup in praise.iter().take(GROUPS_MAX) {
        let quote = rollup.samples.first().and_then(|sample| {
            places.get(&(
                rollup.fingerprint_id.as_str(),
                sample.session_id.as_str(),
                sample.line,
            ))
        });
        let words = quote
            .and_then(|signal| signal.evidence.first())
            .map_or(rollup.summary.as_str(), |evidence| evidence.quote.as_str());
        let _ = writeln!(
            out,
            "<li>{} <span class=\"soft\">{}</span></li>",
            html(&fit(words, SUMMARY_COLUMNS)),
            view::counted(rollup.count_items, "time")
        );
    }
    out.push_str("</ul>\n</section>\n");
}
