//! What a finished run prints: what was read, the top failures, where the files are.

use kernel::Millis;
use trace::report::{Colour, table};
use trace::rollup::RollupDocument;
use workflows::TraceRunOutput;

use crate::face_error::FaceError;
use crate::time_text;
use crate::views::StatusView;

/// Failures shown on the screen; all are in the files.
const TOP: usize = 15;

pub(crate) fn run_summary(
    status: &StatusView,
    result: &TraceRunOutput,
    rollup: &str,
) -> Result<String, FaceError> {
    let document: RollupDocument = serde_json::from_str(rollup)
        .map_err(|error| FaceError::internal(format!("could not read the rollup: {error}")))?;
    let mut out = Vec::new();
    let took = time_text::duration(Millis(status.elapsed_ms));
    out.push(format!(
        "{} sessions, {} events, {} in {took}",
        time_text::thousands(document.counts.sessions),
        time_text::thousands(document.counts.events),
        time_text::bytes(document.counts.bytes),
    ));
    let meter = |name: &str| status.meters.get(name).copied().unwrap_or(0);
    let (read, unchanged) = (meter("sessions_read"), meter("sessions_unchanged"));
    if unchanged > 0 && read == 0 {
        out.push(format!(
            "nothing new: all {} session files are unchanged since they were last read, none was \
             read again",
            time_text::thousands(unchanged)
        ));
    } else if unchanged > 0 {
        out.push(format!(
            "{} session files read, {} unchanged and not read again",
            time_text::thousands(read),
            time_text::thousands(unchanged)
        ));
    }
    out.push(format!(
        "{} signals in {} groups, {} tickets, {} briefs; {} of {} sessions have signals",
        time_text::thousands(result.signals),
        time_text::thousands(result.rollups),
        time_text::thousands(result.tickets),
        result.briefs,
        time_text::thousands(document.counts.sessions_with_signals),
        time_text::thousands(document.counts.sessions),
    ));
    if !document.skipped.is_empty() {
        out.push(format!(
            "{} places could not be read; rollup.md says which and why",
            time_text::thousands(document.skipped.len() as u64)
        ));
    }
    out.push(String::new());
    out.push(
        table(&document, terminal_width(), TOP, Colour::Plain)
            .trim_end()
            .to_owned(),
    );
    out.push(String::new());
    out.push(format!("run     {}", status.workflow_id));
    for file in ["report.html", "rollup.md", "tickets.jsonl"] {
        if result.files.iter().any(|f| f == file) {
            out.push(format!("{:<7} {}", label(file), file));
        }
    }
    Ok(out.join("\n"))
}

fn label(file: &str) -> &'static str {
    match file {
        "report.html" => "page",
        "rollup.md" => "rollup",
        _ => "tickets",
    }
}

fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|v| v.parse().ok());
    columns.filter(|n| (60..=250).contains(n)).unwrap_or(120)
}
