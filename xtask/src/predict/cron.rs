//! Next fire times of cron expressions, by the schedules that `serve` runs.
//!
//! The set is read with the rule of cron for days on which clocks change: its references are crons.

use engine::schedule::{DstRule, ScheduleSpec};
use kernel::Timestamp;
use serde_json::{Value, json};
use trace::event::{iso_to_ms, ms_to_iso};

use super::rows::{Rows, text};

/// Answers `F_cron`.
pub(super) fn next_times(rows: &Rows) -> Rows {
    rows.map(|row| {
        let mut answer = match times(row) {
            Ok(times) => json!({ "next": times }),
            Err(error) => json!({ "error": error }),
        };
        answer["id"] = row["id"].clone();
        answer
    })
}

fn times(row: &Value) -> Result<Vec<String>, String> {
    let start = iso_to_ms(text(row, "start_utc")).ok_or("the start is no time")?;
    let count = row["count"].as_u64().and_then(|n| usize::try_from(n).ok());
    let timetable = ScheduleSpec::cron(text(row, "expr"))
        .in_zone(text(row, "tz"))
        .with_dst(DstRule::Cron)
        .compile()
        .map_err(|error| error.to_string())?;
    let times = timetable.next_times(Timestamp(start), count.unwrap_or(1));
    if times.is_empty() {
        return Err("it never fires again".to_owned());
    }
    Ok(times
        .into_iter()
        .map(|at| ms_to_iso(at.0).replace(".000Z", "Z"))
        .collect())
}
