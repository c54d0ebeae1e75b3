//! Lines of real session files, as the miner judges them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};
use trace::mine::{FileRef, Judgment, MineOptions, judge_lines};

use super::rows::{Rows, text};
use super::run::Failed;

/// Outcomes of tool results.
pub(super) fn tool(rows: &Rows, sessions: &Path) -> Result<Rows, Failed> {
    judged(rows, sessions, |id, judgment| {
        let label = judgment.tool.unwrap_or("ok");
        match judgment.tool_class {
            Some(class) => json!({"id": id, "label": label, "class": class}),
            None => json!({"id": id, "label": label}),
        }
    })
}

/// What people say.
pub(super) fn user(rows: &Rows, sessions: &Path) -> Result<Rows, Failed> {
    judged(
        rows,
        sessions,
        |id, judgment| json!({"id": id, "label": judgment.user.unwrap_or("synthetic")}),
    )
}

fn judged(
    rows: &Rows,
    sessions: &Path,
    predict: impl Fn(&Value, &Judgment) -> Value,
) -> Result<Rows, Failed> {
    let mut files: BTreeMap<String, BTreeMap<u64, Judgment>> = BTreeMap::new();
    let mut predictions = Rows::default();
    for row in &rows.0 {
        let name = text(row, "file");
        if !files.contains_key(name) {
            let path = sessions.join(name);
            let in_words = |error| format!("{}: {error}", path.display());
            let mut file = File::open(&path).map_err(in_words)?;
            let lines = judge_lines(&FileRef { name }, &mut file, &MineOptions::default())
                .map_err(in_words)?;
            files.insert(name.to_owned(), lines);
        }
        let line = row["line"].as_u64().unwrap_or(0);
        let judgment = files[name].get(&line).cloned().unwrap_or_default();
        predictions.0.push(predict(&row["id"], &judgment));
    }
    Ok(predictions)
}
