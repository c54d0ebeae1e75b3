//! `status`: one run in full, or the table of runs.

use std::process::ExitCode;

use super::args::{Global, ListArgs, StatusArgs};
use super::{list, output};
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render;

pub(super) async fn run(global: &Global, args: StatusArgs) -> Result<ExitCode, FaceError> {
    if args.metrics {
        return metrics(global).await;
    }
    let Some(id) = args.id else {
        let args = ListArgs {
            limit: 20,
            ..ListArgs::default()
        };
        return list::run(global, &args).await;
    };
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let answer = host.ask(Request::Status { id }).await;
    host.close().await;
    let Answer::Status(status) = answer? else {
        return Err(FaceError::internal("the owner gave no status"));
    };
    if global.json {
        output::json(&status)?;
    } else {
        output::text_out(&render::status(&status));
    }
    Ok(ExitCode::SUCCESS)
}

async fn metrics(global: &Global) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    if host.remote_pid().is_none() {
        host.close().await;
        return Err(FaceError::busy(
            "nobody works on this state directory, so there is nothing to measure",
            "ask again while `openclaw-trace serve`, `run` or `resume` is at work there",
        ));
    }
    let answer = host.ask(Request::Metrics).await;
    host.close().await;
    let Answer::Metrics(snapshot) = answer? else {
        return Err(FaceError::internal("the owner gave no metrics"));
    };
    if global.json {
        output::json(&snapshot)?;
    } else {
        output::part_out(&snapshot.prometheus());
    }
    Ok(ExitCode::SUCCESS)
}
