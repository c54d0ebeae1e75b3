//! `history`: the events of a run.

use std::process::ExitCode;

use super::args::{Global, IdArg};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render;

pub(super) async fn run(global: &Global, args: IdArg) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let answer = host.ask(Request::History { id: args.id }).await;
    host.close().await;
    let Answer::History(history) = answer? else {
        return Err(FaceError::internal("the owner gave no history"));
    };
    if global.json {
        output::json(&history)?;
    } else {
        output::text_out(&render::history_text(&history));
    }
    Ok(ExitCode::SUCCESS)
}
