//! Traced runs: which spans are flawed, in the words of the set's taxonomy.

use serde_json::{Value, json};
use trace::blame::flaws::{FlawKind, Span, SpanKind, flaws};

use super::rows::{Rows, plain, text};

/// The flaws of each trace.
pub(super) fn traces(rows: &Rows) -> Rows {
    rows.map(|row| {
        let empty = Vec::new();
        let spans = row["spans"].as_array().unwrap_or(&empty);
        let prompts: Vec<String> = spans.iter().map(prompt).collect();
        let spans: Vec<Span<'_>> = spans
            .iter()
            .zip(&prompts)
            .map(|(value, prompt)| span(value, prompt))
            .collect();
        let errors: Vec<Value> = flaws(&spans)
            .into_iter()
            .flat_map(|flaw| {
                categories(flaw.kind)
                    .iter()
                    .map(move |category| json!({"category": category, "location": flaw.span_id}))
            })
            .collect();
        json!({"trace_id": row["trace_id"], "errors": errors})
    })
}

/// The new messages of a model's prompt as one text; the arguments of anything else.
fn prompt(span: &Value) -> String {
    let messages = &span["new_input_messages"];
    plain(if messages.is_null() {
        &span["input"]
    } else {
        messages
    })
}

fn span<'a>(value: &'a Value, prompt: &'a str) -> Span<'a> {
    let failure = match text(value, "status_message") {
        "" => text(&value["exceptions"][0], "message"),
        message => message,
    };
    Span {
        id: text(value, "span_id"),
        parent: text(value, "parent"),
        kind: match text(value, "kind") {
            "LLM" => SpanKind::Model,
            "TOOL" => SpanKind::Tool,
            _ => SpanKind::Frame,
        },
        name: text(value, "name"),
        asked: prompt,
        said: text(value, "output"),
        failure,
    }
}

fn categories(kind: FlawKind) -> &'static [&'static str] {
    match kind {
        FlawKind::Disobeyed => &["Instruction Non-compliance", "Formatting Errors"],
        FlawKind::Malformed => &["Formatting Errors"],
        FlawKind::Unlearned => &["Context Handling Failures"],
        FlawKind::Unlooked => &["Goal Deviation", "Tool Selection Errors", "Language-only"],
        FlawKind::ToolBroke => &["Tool-related"],
        FlawKind::Denied => &["Authentication Errors"],
        FlawKind::TimedOut => &["Timeout Issues"],
        FlawKind::RateLimited => &["Rate Limiting"],
        FlawKind::NotFound => &["Resource Not Found"],
        FlawKind::Down => &["Service Errors"],
        FlawKind::Repeated => &["Resource Abuse"],
    }
}
