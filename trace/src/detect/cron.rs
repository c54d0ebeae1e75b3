//! Scheduled jobs: the run itself, its delivery and the model behind it fail in different ways.
//!
//! The run log's `error` mixes the three, so it is split here. A result that could not be delivered is a defect of the
//! delivery; the job did its work. The label `Cron (error)` in a session is put on good results too whenever the
//! delivery failed, so by itself it is no evidence. Neighbours: `provider_error` names model causes.
//!
//! **Incident rule**: ten runs of one job failed in a row.

use serde::{Deserialize, Serialize};

use super::provider_error::{self, Cause};
use super::recorder::{Cx, Finding, Quote};
use crate::event::{CronRun, Notice, NoticeKind};
use crate::outcome::{cut_at_word, has_any, http_code, innermost_message};
use crate::signal::{Class, Kind, Severity};

const DETECTOR: &str = "cron";
const INCIDENT_ROW: u32 = 10;
const STUBBORN_ROW: u32 = 4;
const SENTENCE_BYTES_MAX: usize = 300;

/// The row of failed runs of the job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cron {
    failed_in_a_row: u32,
}

const DELIVERY: &[&str] = &[
    "requires target",
    "channel is required",
    "no active whatsapp",
    "no active listener",
    "listener",
    "delivering to",
    "delivery",
    "deliver ",
    "chat not found",
    "announce",
    "recipient",
    "no delivery target",
    "unknown channel",
    "unsupported channel",
    "target <",
    "channel not",
    "unknown target",
    "outbound",
    "bot was blocked",
    "message failed",
    "token missing for account",
];
const TIMEOUT: &[&str] = &["timed out", "timeout", "deadline"];

impl Cron {
    /// Looks at one finished run.
    pub(super) fn on_run(&mut self, run: &CronRun<'_>, cx: &mut Cx<'_>) {
        let error = run.error.trim();
        let delivery_error = run.delivery_error.trim();
        if run.status != "error" && delivery_error.is_empty() {
            if run.status == "ok" {
                self.failed_in_a_row = 0;
            }
            return;
        }
        let text: &str = if run.status == "error" && !error.is_empty() {
            error
        } else {
            delivery_error
        };
        if text.is_empty() {
            return;
        }
        if run.status != "error" || is_delivery(text) {
            self.failed_in_a_row = 0;
            report(Part::Delivery, text, &[], Severity::Medium, cx);
            return;
        }
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        let (severity, tags) = of_row(self.failed_in_a_row);
        report(part_of(text), text, tags, severity, cx);
    }
}

/// How bad it is that so many runs of one job failed in a row.
fn of_row(failed_in_a_row: u32) -> (Severity, &'static [&'static str]) {
    let severity = if failed_in_a_row >= STUBBORN_ROW {
        Severity::High
    } else {
        Severity::Medium
    };
    let tags: &[&str] = if failed_in_a_row >= INCIDENT_ROW {
        &["incident"]
    } else {
        &[]
    };
    (severity, tags)
}

/// Looks at a job whose runs nobody logged: all that is known is its last error and how many runs failed in a row. `line`
/// is where that stands.
pub(crate) fn on_failing_job(
    error: Option<&str>,
    line: &str,
    failed_in_a_row: u32,
    cx: &mut Cx<'_>,
) {
    let (severity, tags) = of_row(failed_in_a_row);
    match error.map(str::trim).filter(|error| !error.is_empty()) {
        Some(error) if is_delivery(error) => {
            report(Part::Delivery, error, &[], Severity::Medium, cx);
        }
        Some(error) => report(part_of(error), error, tags, severity, cx),
        None => {
            let sentence = "no reason was kept";
            report_quoting(Part::Execution, sentence, (line, line), tags, severity, cx);
        }
    }
}

/// Looks at a job's result that was posted into a session under an error label.
pub(super) fn on_notice(notice: &Notice, cx: &mut Cx<'_>) {
    if notice.kind != NoticeKind::CronError {
        return;
    }
    let body = notice
        .text
        .strip_prefix("Cron (error)")
        .unwrap_or("")
        .trim_start_matches(':')
        .trim();
    // Reports are long and say what was found; errors are one short line that says what went wrong.
    if body.lines().count() > 3 || body.len() > 400 || !reads_as_error(body) {
        return;
    }
    let part = if is_delivery(body) {
        Part::Delivery
    } else {
        part_of(body)
    };
    report(part, body, &["posted"], Severity::Medium, cx);
}

#[derive(Clone, Copy)]
enum Part {
    Delivery,
    Timeout,
    Provider(Cause),
    Execution,
}

fn is_delivery(text: &str) -> bool {
    has_any(&text.to_lowercase(), DELIVERY)
}

fn part_of(text: &str) -> Part {
    let lower = text.to_lowercase();
    if has_any(&lower, TIMEOUT) && !lower.contains("llm") {
        return Part::Timeout;
    }
    let cause = provider_error::cause(text);
    if cause.name == "other" {
        Part::Execution
    } else {
        Part::Provider(cause)
    }
}

fn reads_as_error(body: &str) -> bool {
    let lower = body.to_lowercase();
    http_code(&lower).is_some()
        || lower.starts_with("error")
        || has_any(&lower, DELIVERY)
        || has_any(&lower, TIMEOUT)
        || has_any(
            &lower,
            &[
                "does not support",
                "not allowed",
                "failed:",
                "fetch failed",
                "failovererror",
            ],
        )
}

fn report(part: Part, text: &str, tags: &[&str], severity: Severity, cx: &mut Cx<'_>) {
    let sentence = cut_at_word(innermost_message(text), SENTENCE_BYTES_MAX);
    report_quoting(part, sentence, (text, sentence), tags, severity, cx);
}

/// Tells of a failure whose words are not those that prove it: `(text, quote)` is the evidence.
fn report_quoting(
    part: Part,
    sentence: &str,
    (text, quote): (&str, &str),
    tags: &[&str],
    severity: Severity,
    cx: &mut Cx<'_>,
) {
    let (error_class, class, what) = match part {
        Part::Delivery => ("delivery", Class::ProcessTooling, "result not delivered"),
        Part::Timeout => ("timeout", Class::ReliabilityPerf, "run timed out"),
        Part::Provider(cause) => (cause.name, cause.class, "model failed in the run"),
        Part::Execution => ("execution", Class::Defect, "run failed"),
    };
    let mut all: Vec<&str> = vec!["cron"];
    all.extend_from_slice(tags);
    let summary = format!("scheduled job, {what}: {sentence}");
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class,
        tool: "cron",
        error_class,
        message: sentence,
        summary: &summary,
        severity,
        confidence: 0.9,
        tags: &all,
        quote: Some(Quote {
            role: "system",
            text,
            quote,
        }),
        earlier: &[],
        keeps_repeats: false,
    });
}
