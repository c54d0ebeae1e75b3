//! `status` and `list` as text.

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

/// The table of runs.
pub(crate) fn runs(rows: &[RunRow]) -> String {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                plain(&row.workflow_id),
                row.workflow_type.clone(),
                row.status.clone(),
                row.started_at
                    .get(..19)
                    .unwrap_or(&row.started_at)
                    .replace('T', " "),
                row.closed_at.as_deref().map_or_else(
                    || "-".to_owned(),
                    |at| at.get(..19).unwrap_or(at).replace('T', " "),
                ),
            ]
        })
        .collect();
    table(
        &["RUN", "TYPE", "STATUS", "STARTED (UTC)", "CLOSED (UTC)"],
        &cells,
    )
}
