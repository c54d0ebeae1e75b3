//! What a finished run prints: what was read, the top failures, where the files are.

use std::path::Path;

use kernel::Millis;
use trace::report::table;
use trace::rollup::RollupDocument;
use workflows::TraceRunOutput;

use crate::face_error::FaceError;
use crate::terminal;
use crate::time_text;
use crate::views::StatusView;

/// Failures shown on the screen; all are in the files.
const TOP: usize = 15;

pub(crate) fn run_summary(
    status: &StatusView,
    result: &TraceRunOutput,
    rollup: &str,
    out_dir: &Path,
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
            "{} files or lines were skipped; rollup.md says which and why",
            time_text::thousands(document.skipped.len() as u64)
        ));
    }
    out.push(String::new());
    out.push(
        table(&document, terminal::width(), TOP, terminal::colour())
            .trim_end()
            .to_owned(),
    );
    out.push(String::new());
    let shown = [
        ("report.html", "to read in a browser"),
        ("rollup.md", "every group"),
        ("tickets.jsonl", "a ticket for each group worth one"),
        ("briefs", "research on the top tickets"),
    ];
    for (file, what) in shown {
        let is_there = result
            .files
            .iter()
            .any(|name| name.split('/').next() == Some(file));
        if is_there {
            let path = short(&out_dir.join(file));
            out.push(format!("{path:<30} {what}"));
        }
    }
    out.push(format!("run {}", status.workflow_id));
    Ok(out.join("\n"))
}

/// The path as a person at this directory would write it.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let shown = inside.unwrap_or_else(|| path.to_owned());
    super::plain(&shown.display().to_string())
}
