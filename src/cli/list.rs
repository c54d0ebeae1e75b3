//! `list`: all runs, newest first.

use std::process::ExitCode;

use super::args::{Global, ListArgs};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render;

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let limit = if args.children { args.limit } else { u64::MAX };
    let answer = host
        .ask(Request::List {
            limit,
            open_only: args.open,
        })
        .await;
    host.close().await;
    let Answer::List(mut rows) = answer? else {
        return Err(FaceError::internal("the owner gave no list"));
    };
    if !args.children {
        rows.retain(|row| row.parent.is_none());
    }
    rows.truncate(usize::try_from(args.limit).unwrap_or(usize::MAX));
    if global.json {
        output::json(&rows)?;
    } else if rows.is_empty() {
        output::note(global.quiet, "no runs yet: openclaw-trace run PATH");
    } else {
        output::text_out(&render::runs(&rows));
    }
    Ok(ExitCode::SUCCESS)
}
