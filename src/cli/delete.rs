//! `delete`: forget a run that has ended.

use std::process::ExitCode;

use super::args::{Global, IdArg};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global, args: IdArg) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let id = args.id.clone();
    let answer = host.ask(Request::Delete { id }).await;
    host.close().await;
    let Answer::Deleted { run_id } = answer? else {
        return Err(FaceError::internal("the owner did not say what it deleted"));
    };
    if global.json {
        output::json(&serde_json::json!({ "deleted": run_id }))?;
    } else {
        output::text_out(&format!("deleted run {} ({run_id})", args.id));
    }
    Ok(ExitCode::SUCCESS)
}
