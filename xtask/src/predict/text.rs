//! Single texts: fingerprints, templates, scrubbing, sentiment.

use serde_json::{Value, json};
use trace::fingerprint::{cause_id, fingerprint};
use trace::normalise::wording;
use trace::scrub::Scrubber;
use trace::sentiment;
use trace::signal::Kind;

use super::rows::{Rows, text};

fn group(tool: &str, message: &str) -> String {
    fingerprint(Kind::Error, tool, "", message).id
}

/// Log lines. A log has no tool; its source stands in the tool's place. Lines are grouped by template and shown in the wording of
/// their program, which is what the gold templates are.
pub(super) fn logs(rows: &Rows) -> Rows {
    rows.map(|row| {
        json!({
            "id": row["id"],
            "group": group(text(row, "source"), text(row, "text")),
            "template": wording(text(row, "text")),
        })
    })
}

/// Errors of agents' tools: by the place that reported them, and beside it by what broke.
pub(super) fn errors(rows: &Rows) -> Rows {
    rows.map(|row| {
        json!({
            "id": row["id"],
            "group": group(text(row, "tool"), text(row, "text")),
            "root_group": cause_id(Kind::Error, text(row, "text")),
        })
    })
}

/// Errors of agents' tools by what broke alone.
pub(super) fn causes(rows: &Rows) -> Rows {
    rows.map(|row| json!({"id": row["id"], "group": cause_id(Kind::Error, text(row, "text"))}))
}

/// Messages of nobody in particular.
pub(super) fn messages(rows: &Rows) -> Rows {
    rows.map(|row| json!({"id": row["id"], "group": group("", text(row, "text"))}))
}

/// Texts with secrets or personal data.
pub(super) fn scrubbed(rows: &Rows) -> Rows {
    let scrubber = Scrubber::shared();
    rows.map(|row| json!({"id": row["id"], "text": scrubber.scrub(text(row, "text")).as_str()}))
}

/// What people write: pleased, displeased or neither.
pub(super) fn sentiments(rows: &Rows) -> Rows {
    rows.map(|row: &Value| {
        let mood = sentiment::of(text(row, "text"));
        json!({"id": row["id"], "label": mood.polarity.as_str(), "score": mood.negativity()})
    })
}
