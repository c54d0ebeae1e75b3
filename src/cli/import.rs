//! `import`: take a run in that was exported elsewhere.

use std::process::ExitCode;

use super::args::{Global, ImportArgs};
use super::output;
use crate::control::{Answer, Request};
use crate::exports;
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global, args: ImportArgs) -> Result<ExitCode, FaceError> {
    // A file that cannot be read must not leave a state directory behind.
    exports::read(&args.file)?;
    let path = std::path::absolute(&args.file).map_err(|error| {
        FaceError::usage(
            format!("could not find {}: {error}", args.file.display()),
            "name the file with its whole path",
        )
    })?;
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Create).await?;
    let answer = host.ask(Request::Import { path }).await;
    host.close().await;
    let Answer::Imported(run) = answer? else {
        return Err(FaceError::internal("the owner did not say what it took in"));
    };
    if global.json {
        output::json(&run)?;
    } else {
        let next = if run.status == "Running" {
            format!(
                "; `openclaw-trace resume {}` goes on with it",
                run.workflow_id
            )
        } else {
            String::new()
        };
        output::text_out(&format!(
            "took in run {} ({}, {} events){next}",
            run.workflow_id, run.status, run.history_events
        ));
    }
    Ok(ExitCode::SUCCESS)
}
