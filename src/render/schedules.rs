//! `schedule list` and `schedule describe` as text.

use kernel::Millis;

use super::text::{plain, table};
use crate::schedule_view::ScheduleView;
use crate::time_text;

/// The table of schedules.
pub(crate) fn schedules(views: &[ScheduleView]) -> String {
    let rows: Vec<_> = views
        .iter()
        .map(|view| {
            let last = view.recent.last();
            vec![
                plain(&view.schedule_id),
                view.state.to_owned(),
                view.next.first().cloned().unwrap_or_else(|| "-".to_owned()),
                last.map_or_else(|| "-".to_owned(), |recent| recent.at.clone()),
                last.map_or("-", |recent| recent.outcome.as_deref().unwrap_or("Running"))
                    .to_owned(),
                plain(&view.when),
            ]
        })
        .collect();
    table(
        &["SCHEDULE", "STATE", "NEXT", "LAST", "OUTCOME", "WHEN"],
        &rows,
    )
}

/// One schedule in full.
pub(crate) fn schedule(view: &ScheduleView) -> String {
    let mut out = vec![
        format!("schedule   {}", plain(&view.schedule_id)),
        format!("state      {}", view.state),
        format!("when       {}", plain(&view.when)),
        format!("starts     {}", plain(&view.workflow_type)),
        format!(
            "policies   overlap {}, catch-up {}{}",
            view.overlap,
            time_text::duration(Millis(view.catchup_ms)),
            if view.pause_on_failure {
                ", pauses on failure"
            } else {
                ""
            }
        ),
        format!(
            "so far     {} started, {} missed, {} skipped, {} dropped, {} refused",
            view.started, view.missed, view.skipped, view.dropped, view.refused
        ),
    ];
    let mut line = |name: &str, text: String| out.push(format!("{name:<10} {}", plain(&text)));
    if !view.note.is_empty() {
        line("note", view.note.clone());
    }
    if let Some(problem) = &view.problem {
        line("problem", problem.clone());
    }
    if let Some(left) = view.remaining {
        line("remaining", left.to_string());
    }
    if !view.running.is_empty() {
        line("running", view.running.join(", "));
    }
    if view.waiting + view.asked + view.backfills > 0 {
        let text = format!(
            "{} starts, {} triggers, {} backfills",
            view.waiting, view.asked, view.backfills
        );
        line("waiting", text);
    }
    if let Some(failure) = &view.last_failure {
        let text = format!("{} {}: {}", failure.at, failure.workflow_id, failure.text);
        line("failure", text);
    }
    for (index, next) in view.next.iter().enumerate() {
        line(if index == 0 { "next" } else { "" }, next.clone());
    }
    if !view.recent.is_empty() {
        let rows: Vec<_> = view
            .recent
            .iter()
            .map(|recent| {
                vec![
                    recent.at.clone(),
                    recent.cause.to_owned(),
                    recent
                        .outcome
                        .as_deref()
                        .map_or("Running".to_owned(), plain),
                    plain(&recent.workflow_id),
                ]
            })
            .collect();
        out.push(String::new());
        out.push(table(&["STARTED", "CAUSE", "OUTCOME", "RUN"], &rows));
    }
    out.join("\n")
}
