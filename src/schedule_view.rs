//! What `schedule` prints as JSON and renders as text: stable field names, a contract.

use engine::schedule::record::Cause;
use engine::schedule::{Description, DstRule, ScheduleSpec};
use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::time_text;

/// One schedule.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ScheduleView {
    pub(crate) schedule_id: String,
    /// `active`, `paused`, `used_up` (no actions remain), `ended` (no time remains) or `broken`.
    pub(crate) state: &'static str,
    /// Whether the process that was asked fires schedules.
    pub(crate) served: bool,
    pub(crate) spec: ScheduleSpec,
    pub(crate) when: String,
    pub(crate) overlap: &'static str,
    pub(crate) catchup_ms: u64,
    pub(crate) pause_on_failure: bool,
    pub(crate) note: String,
    pub(crate) remaining: Option<u64>,
    pub(crate) workflow_type: String,
    pub(crate) input: Value,
    pub(crate) next: Vec<String>,
    pub(crate) running: Vec<String>,
    /// Starts that wait for a run to close.
    pub(crate) waiting: usize,
    /// Triggers that were recorded and that nobody has carried out yet.
    pub(crate) asked: usize,
    pub(crate) backfills: usize,
    pub(crate) started: u64,
    pub(crate) missed: u64,
    pub(crate) skipped: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
    pub(crate) recent: Vec<RecentView>,
    pub(crate) last_failure: Option<FailureView>,
    pub(crate) problem: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// One action that was taken.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecentView {
    pub(crate) nominal: String,
    pub(crate) at: String,
    pub(crate) cause: &'static str,
    pub(crate) workflow_id: String,
    pub(crate) run_id: Option<String>,
    /// How it ended; nothing while it runs.
    pub(crate) outcome: Option<String>,
}

/// The last thing that went wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailureView {
    pub(crate) at: String,
    pub(crate) workflow_id: String,
    pub(crate) text: String,
}

impl ScheduleView {
    pub(crate) fn of(description: &Description, served: bool) -> Self {
        let schedule = &description.schedule;
        let text = |at: Timestamp| time_text::iso(at);
        let input = &schedule.action.input.data;
        let counts = schedule.counts;
        Self {
            schedule_id: schedule.id.to_string(),
            state: state(description),
            served,
            spec: schedule.spec.clone(),
            when: when(&schedule.spec),
            overlap: schedule.policies.overlap.name(),
            catchup_ms: schedule.policies.catchup_window.0,
            pause_on_failure: schedule.policies.pause_on_failure,
            note: schedule.note.clone(),
            remaining: schedule.remaining,
            workflow_type: schedule.action.workflow_type.clone(),
            input: serde_json::from_slice(input).unwrap_or(Value::Null),
            next: description.next.iter().map(|at| text(*at)).collect(),
            running: schedule
                .running
                .iter()
                .map(|run| run.workflow_id.to_string())
                .collect(),
            waiting: schedule.waiting.len(),
            asked: schedule.asked.len(),
            backfills: schedule.backfills.len(),
            started: counts.started,
            missed: counts.missed,
            skipped: counts.skipped,
            dropped: counts.dropped,
            refused: counts.refused,
            recent: schedule
                .recent
                .iter()
                .map(|recent| RecentView {
                    nominal: text(recent.nominal),
                    at: text(recent.at),
                    cause: match recent.cause {
                        Cause::Time => "time",
                        Cause::Trigger => "trigger",
                        Cause::Backfill => "backfill",
                    },
                    workflow_id: recent.workflow_id.to_string(),
                    run_id: recent.run_id.map(|id| id.to_string()),
                    outcome: recent.outcome.clone(),
                })
                .collect(),
            last_failure: schedule.last_failure.as_ref().map(|failure| FailureView {
                at: text(failure.at),
                workflow_id: failure.workflow_id.to_string(),
                text: failure.text.clone(),
            }),
            problem: description.problem.clone(),
            created_at: text(schedule.created_at),
            updated_at: text(schedule.updated_at),
        }
    }
}

fn state(description: &Description) -> &'static str {
    if description.problem.is_some() {
        "broken"
    } else if description.schedule.paused {
        "paused"
    } else if description.schedule.remaining == Some(0) {
        "used_up"
    } else if description.next.is_empty() {
        "ended"
    } else {
        "active"
    }
}

/// When it fires, in one line.
fn when(spec: &ScheduleSpec) -> String {
    let crons = spec.crons.iter().map(|text| format!("cron {text:?}"));
    let intervals = spec.intervals.iter().map(|interval| {
        let every = time_text::duration(interval.every);
        match interval.phase.0 {
            0 => format!("every {every}"),
            _ => format!("every {every} + {}", time_text::duration(interval.phase)),
        }
    });
    let calendars = spec.calendars.iter().map(|_| "a calendar".to_owned());
    let all: Vec<String> = crons.chain(intervals).chain(calendars).collect();
    let mut text = all.join(", ");
    if !spec.time_zone.is_empty() {
        text.push_str(" in ");
        text.push_str(&spec.time_zone);
    }
    if spec.dst == DstRule::Cron {
        text.push_str(", once a day when clocks change");
    }
    if !spec.exclude.is_empty() {
        text.push_str(", with exclusions");
    }
    if spec.jitter.0 > 0 {
        text.push_str(&format!(
            ", up to {} late",
            time_text::duration(spec.jitter)
        ));
    }
    text
}
