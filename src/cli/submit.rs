//! `submit`: record a run and print its id, without following it.

use std::process::ExitCode;

use super::args::{Global, RunArgs};
use super::output;
use super::run::{Begun, open_and_begin, prepare};
use crate::face_error::FaceError;
use crate::host::Role;

pub(super) async fn run(global: &Global, args: RunArgs) -> Result<ExitCode, FaceError> {
    let prepared = prepare(global, &args)?;
    let (host, begun) = open_and_begin(&prepared, Role::Visitor, args.id.as_deref()).await?;
    let (id, is_new) = match begun {
        Begun::New(id) => (id, true),
        Begun::Interrupted(id) => (id, false),
    };
    if global.json {
        output::json(&serde_json::json!({ "workflow_id": id, "new": is_new }))?;
    } else {
        output::text_out(&id);
    }
    match host.remote_pid() {
        Some(pid) => output::note(global.quiet, &format!("process {pid} works on it")),
        None => output::note(
            global.quiet,
            &format!("recorded; nobody works on it yet: openclaw-trace resume {id}"),
        ),
    }
    host.close().await;
    Ok(ExitCode::SUCCESS)
}
