//! Writes what the production rules say about labelled lines, for a scorer to compare.
//!
//! `cargo run --release -p trace --example labels -- --kind tool|user --inputs F --sessions DIR --out F`
//! Inputs are lines `{"id","file","line"}`, predictions are lines `{"id","label"[,"class"]}`.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure, its measuring stick is not"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde::Deserialize;
use trace::mine::{FileRef, Judgment, MineOptions, judge_lines};

#[derive(Deserialize)]
struct Input {
    id: String,
    file: String,
    line: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| -> Result<String, String> {
        let at = args.iter().position(|arg| arg == name);
        let value = at.and_then(|at| args.get(at + 1)).cloned();
        value.ok_or_else(|| format!("missing option {name}"))
    };
    let is_user = option("--kind")? == "user";
    let sessions = PathBuf::from(option("--sessions")?);
    let mut out = fs::File::create(option("--out")?)?;
    let mut judged: BTreeMap<String, BTreeMap<u64, Judgment>> = BTreeMap::new();
    for line in fs::read_to_string(option("--inputs")?)?.lines() {
        let input: Input = serde_json::from_str(line)?;
        if !judged.contains_key(&input.file) {
            let mut reader = fs::File::open(sessions.join(&input.file))?;
            let name = FileRef { name: &input.file };
            let lines = judge_lines(&name, &mut reader, &MineOptions::default())?;
            judged.insert(input.file.clone(), lines);
        }
        let judgment = judged[&input.file]
            .get(&input.line)
            .cloned()
            .unwrap_or_default();
        let (label, class) = if is_user {
            (judgment.user.unwrap_or("synthetic"), None)
        } else {
            (judgment.tool.unwrap_or("ok"), judgment.tool_class)
        };
        let prediction = match class {
            Some(class) => serde_json::json!({"id": input.id, "label": label, "class": class}),
            None => serde_json::json!({"id": input.id, "label": label}),
        };
        writeln!(out, "{prediction}")?;
    }
    Ok(())
}
