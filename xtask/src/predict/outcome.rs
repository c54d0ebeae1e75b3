//! Tool results and whole sessions: what failed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trace::chain::SharedFailures;

use super::events;
use super::rows::{Rows, text};

/// Single results of commands, told by their text alone.
pub(super) fn tool_results(rows: &Rows) -> Rows {
    rows.map(|row| {
        let event = json!({
            "role": "tool",
            "i": 1,
            "tool": row["tool"],
            "command": row["command"],
            "output": row["output"],
        });
        let judged = events::judge(&json!({"events": [event]}));
        let judgment = judged.lines.get(&1).cloned().unwrap_or_default();
        let label = match (judgment.tool, judgment.tool_class) {
            (Some("failure" | "soft_failure"), Some("timeout")) => "timeout",
            (Some("failure" | "soft_failure"), Some("bad_format")) => "format_error",
            (Some("failure" | "soft_failure"), _) => "error",
            _ => "ok",
        };
        json!({"id": row["id"], "label": label})
    })
}

/// Sessions: which tool results failed, and how likely the whole failed.
pub(super) fn sessions(rows: &Rows) -> Rows {
    rows.map(|row| {
        let judged = events::judge(row);
        let failed: Vec<u64> = judged
            .lines
            .iter()
            .filter(|(_, judgment)| matches!(judgment.tool, Some("failure" | "soft_failure")))
            .map(|(line, _)| *line)
            .collect();
        json!({
            "session_id": row["session_id"],
            "fail_score": judged.risk,
            "tool_error_events": failed,
        })
    })
}

/// Short chains of events: which signs they show. Rows of one `test_group` are sessions after each other.
pub(super) fn chains(rows: &Rows) -> Rows {
    let mut order: Vec<&Value> = rows.0.iter().collect();
    order.sort_by_key(|row| row["order_in_group"].as_u64().unwrap_or(0));
    let mut seen: BTreeMap<&str, SharedFailures> = BTreeMap::new();
    let mut predictions = Rows::default();
    for row in order {
        let judged = events::judge(row);
        let mut signs: Vec<&str> = judged.signs.iter().map(|sign| sign.name).collect();
        signs.sort_unstable();
        signs.dedup();
        let group = text(row, "test_group");
        if !group.is_empty() {
            let name = row["session"].as_str().unwrap_or(text(row, "session_id"));
            let shared = seen.entry(group).or_default();
            if shared.add(name, &judged.failed_calls) > 0 {
                signs.push("repeat_fail_across_sessions");
            }
        }
        predictions
            .0
            .push(json!({"session_id": row["session_id"], "signals": signs}));
    }
    predictions
}
