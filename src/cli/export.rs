//! `export`: the whole history of a run as one JSON document.

use std::process::ExitCode;

use super::args::{ExportArgs, Global};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global, args: ExportArgs) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let answer = host.ask(Request::Export { id: args.id }).await;
    host.close().await;
    let Answer::History(document) = answer? else {
        return Err(FaceError::internal("the owner gave no history"));
    };
    output::json(&document)?;
    Ok(ExitCode::SUCCESS)
}
