//! `explain`: how a fingerprint came about, from the files of a report.

use std::path::Path;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use trace::explain;
use trace::rollup::RollupDocument;
use trace::signal::MinedSignal;

use super::args::{ExplainArgs, Global};
use super::output;
use crate::face_error::{FaceError, Kind};
use crate::render;

pub(super) fn run(global: &Global, args: &ExplainArgs) -> Result<ExitCode, FaceError> {
    let rollup = read(&args.out, "rollup.json")?;
    let document: RollupDocument = parse(&args.out, "rollup.json", &rollup)?;
    let lines = read(&args.out, "signals.jsonl")?;
    let signals = lines
        .lines()
        .map(|line| parse(&args.out, "signals.jsonl", line))
        .collect::<Result<Vec<MinedSignal>, _>>()?;
    let rollup = explain::find(&document, &args.id).map_err(|nearest| {
        let mut hint = String::from("this report has");
        for (id, summary) in nearest {
            hint.push_str(&format!("\n    {id}  {}", render::plain(&summary)));
        }
        if document.rollups.is_empty() {
            hint = "this report has no failures at all".to_owned();
        }
        FaceError::not_found(
            format!(
                "no single fingerprint or ticket of {} is called {:?}",
                args.out.display(),
                args.id
            ),
            hint,
        )
    })?;
    let told = explain::explain(&document, &signals, rollup);
    if global.json {
        output::json(&told)?;
    } else {
        output::text_out(&render::explanation(&told));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(out: &Path, name: &str) -> Result<String, FaceError> {
    let path = out.join(name);
    std::fs::read_to_string(&path).map_err(|error| {
        FaceError::not_found(
            format!("could not read {}: {error}", path.display()),
            "name the directory of a report with --out; `openclaw-trace run PATH` writes one",
        )
    })
}

fn parse<T: DeserializeOwned>(out: &Path, name: &str, text: &str) -> Result<T, FaceError> {
    serde_json::from_str(text).map_err(|error| {
        let path = out.join(name);
        FaceError::new(
            Kind::Usage,
            format!("could not understand {}: {error}", path.display()),
            "it was written by another version, or changed since: run again",
        )
    })
}
