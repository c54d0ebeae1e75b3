//! Writes the predictions of the production normaliser, fingerprint and scrubber for a labelled set.
//!
//! `score_text SET --inputs FILE --out FILE`, where SET is one of `B_loghub`, `B_agent_errors`,
//! `B_sentry_norm`, `C_secrets`, `C_pii`. Inputs and predictions are one JSON object a line.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a tool beside the pure crate, which reads files and talks to a person"
)]

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use trace::fingerprint::fingerprint;
use trace::normalise::template;
use trace::scrub::Scrubber;
use trace::signal::Kind;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [set, "--inputs", inputs, "--out", out] = words.as_slice() else {
        eprintln!("usage: score_text SET --inputs FILE --out FILE");
        return ExitCode::from(2);
    };
    match predict(set, inputs, out) {
        Ok(rows) => {
            eprintln!("{set}: {rows} predictions");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{set}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn predict(set: &str, inputs: &str, out: &str) -> Result<usize, String> {
    let text = std::fs::read_to_string(inputs).map_err(|error| format!("{inputs}: {error}"))?;
    let mut predictions = String::new();
    let mut rows = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let Some(prediction) = predict_row(set, &row) else {
            return Err("the set is not one of this tool's".to_owned());
        };
        writeln!(predictions, "{prediction}").map_err(|error| error.to_string())?;
        rows += 1;
    }
    std::fs::write(out, predictions).map_err(|error| format!("{out}: {error}"))?;
    Ok(rows)
}

fn predict_row(set: &str, row: &Value) -> Option<Value> {
    let field = |name: &str| row[name].as_str().unwrap_or_default();
    let text = field("text");
    let group = |tool: &str| fingerprint(Kind::Error, tool, "", text).id;
    match set {
        // A log has no tool; its source stands in the tool's place.
        "B_loghub" => Some(json!({
            "id": row["id"],
            "group": group(field("source")),
            "template": template(text),
        })),
        "B_agent_errors" => Some(json!({"id": row["id"], "group": group(field("tool"))})),
        "B_sentry_norm" => Some(json!({"id": row["id"], "group": group("")})),
        "C_secrets" | "C_pii" => {
            Some(json!({"id": row["id"], "text": Scrubber::shared().scrub(text).as_str()}))
        }
        _ => None,
    }
}
