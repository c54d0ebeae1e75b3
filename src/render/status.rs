//! `status` and `list` as text.

use std::collections::BTreeMap;

use kernel::Millis;

use super::text::{plain, table};
use crate::time_text;
use crate::views::{RunRow, StatusView};

/// One run in full.
pub(crate) fn status(view: &StatusView) -> String {
    let mut out = Vec::new();
    let took = time_text::duration(Millis(view.elapsed_ms));
    out.push(format!("run        {}", plain(&view.workflow_id)));
    out.push(format!("run id     {}", view.run_id));
    out.push(format!("type       {}", view.workflow_type));
    out.push(format!("status     {} ({took})", view.status));
    out.push(format!("started    {}", view.started_at));
    if let Some(closed) = &view.closed_at {
        out.push(format!("closed     {closed}"));
    }
    out.push(format!(
        "history    {} events, {}",
        time_text::thousands(view.history_events),
        time_text::bytes(view.history_bytes)
    ));
    if !view.waiting_on.is_empty() {
        out.push(format!("waiting on {}", plain(&view.waiting_on)));
    }
    if let Some(failure) = &view.failure {
        out.push(format!("failure    {}", plain(failure)));
    }
    if !view.stages.is_empty() {
        let rows: Vec<_> = view
            .stages
            .iter()
            .map(|stage| {
                vec![
                    plain(&stage.name),
                    stage.state.clone(),
                    stage.done.to_string(),
                    stage
                        .total
                        .map_or_else(|| "-".to_owned(), |n| n.to_string()),
                    stage.failed.to_string(),
                ]
            })
            .collect();
        out.push(String::new());
        out.push(table(&["STAGE", "STATE", "DONE", "TOTAL", "FAILED"], &rows));
    }
    let shown: Vec<_> = view
        .pending
        .iter()
        .take(10)
        .map(|pending| {
            vec![
                pending.kind.clone(),
                plain(&pending.name),
                pending.event_id.to_string(),
                pending.state.clone(),
                pending.attempt.to_string(),
                plain(pending.last_failure.as_deref().unwrap_or("")),
            ]
        })
        .collect();
    if !shown.is_empty() {
        out.push(String::new());
        out.push(table(
            &[
                "PENDING",
                "NAME",
                "EVENT",
                "STATE",
                "ATTEMPT",
                "LAST FAILURE",
            ],
            &shown,
        ));
        if view.pending.len() > shown.len() {
            out.push(format!("... and {} more", view.pending.len() - shown.len()));
        }
    }
    if !view.children.is_empty() {
        let rows: Vec<_> = view
            .children
            .iter()
            .map(|c| {
                vec![
                    plain(&c.workflow_id),
                    c.workflow_type.clone(),
                    c.status.clone(),
                ]
            })
            .collect();
        out.push(String::new());
        out.push(table(&["CHILD", "TYPE", "STATUS"], &rows));
    }
    out.join("\n")
}

/// The table of runs, at most `width` columns wide as long as that leaves room for the ids.
pub(crate) fn runs(rows: &[RunRow], width: usize) -> String {
    let second = |at: &str| at.get(..19).unwrap_or(at).replace('T', " ");
    let mut cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                plain(&row.workflow_id),
                plain(&row.workflow_type),
                row.status.clone(),
                second(&row.started_at),
                row.closed_at
                    .as_deref()
                    .map_or_else(|| "-".to_owned(), second),
            ]
        })
        .collect();
    let mut head = vec!["RUN", "TYPE", "STATUS", "STARTED (UTC)", "CLOSED (UTC)"];
    let widest = |cells: &[Vec<String>], column: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(column));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    // 19 for each time, 2 between columns.
    let fixed = |cells: &[Vec<String>], columns: usize| {
        widest(cells, 1).max(4) + widest(cells, 2).max(6) + (columns - 3) * 19 + (columns - 1) * 2
    };
    if fixed(&cells, 5) + ID_CHARS_MIN > width {
        head.pop();
        for row in &mut cells {
            row.truncate(4);
        }
    }
    let room = width
        .saturating_sub(fixed(&cells, head.len()))
        .max(ID_CHARS_MIN);
    for row in &mut cells {
        row[0] = shortened(&row[0], room);
    }
    table(&head, &cells)
}

/// A shorter id says nothing; then the lines are longer than the terminal is wide.
const ID_CHARS_MIN: usize = 24;

/// The start and the end of a text: ids that people make differ at either.
fn shortened(text: &str, chars_max: usize) -> String {
    let n_chars = text.chars().count();
    if n_chars <= chars_max {
        return text.to_owned();
    }
    let kept = chars_max.saturating_sub(3);
    let start: String = text.chars().take(kept - kept / 2).collect();
    let end: String = text.chars().skip(n_chars - kept / 2).collect();
    format!("{start}...{end}")
}

/// How many runs there are, by status.
pub(crate) fn counts(counts: &BTreeMap<String, u64>) -> String {
    let mut rows: Vec<Vec<String>> = counts
        .iter()
        .map(|(status, n)| vec![status.clone(), time_text::thousands(*n)])
        .collect();
    rows.push(vec![
        "all".to_owned(),
        time_text::thousands(counts.values().sum()),
    ]);
    table(&["STATUS", "RUNS"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_runs_fits_80_and_120_columns() {
        let row = |id: &str| RunRow {
            workflow_id: id.to_owned(),
            run_id: String::new(),
            workflow_type: "TraceRun".to_owned(),
            status: "ContinuedAsNew".to_owned(),
            parent: None,
            started_at: "2026-01-31T06:00:00.000Z".to_owned(),
            closed_at: Some("2026-01-31T07:00:00.000Z".to_owned()),
        };
        let rows = [row("nightly"), row(&format!("{}-17", "long".repeat(40)))];
        for width in [80, 120] {
            let text = runs(&rows, width);
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            assert_eq!(text.contains("07:00:00"), width == 120);
            assert!(text.contains("...") && text.contains("-17 "));
        }
    }
}
