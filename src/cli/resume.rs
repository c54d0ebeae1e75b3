//! `resume`: go on with interrupted runs and follow them.

use std::process::ExitCode;

use super::args::{Global, ResumeArgs};
use super::{follow, output, run};
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global, args: ResumeArgs) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let role = Role::Worker {
        concurrency: run::concurrency(args.concurrency),
    };
    let host = Host::open(&state, role, Missing::Refuse).await?;
    let ids = match args.id {
        Some(id) => {
            if let Answer::Status(status) = host.ask(Request::Status { id: id.clone() }).await?
                && status.is_closed()
            {
                let text = format!("run {id} has already ended ({})", status.status);
                let hint = format!("openclaw-trace status {id}");
                return Err(FaceError::usage(text, hint));
            }
            host.ask(Request::Resume { id: id.clone() }).await?;
            vec![id]
        }
        None => match host.ask(Request::ResumeAll).await? {
            Answer::Resumed(ids) => ids,
            other => return Err(FaceError::internal(format!("unexpected answer {other:?}"))),
        },
    };
    if ids.is_empty() {
        output::note(global.quiet, "no run is open: there is nothing to resume");
        host.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    output::note(global.quiet, &format!("going on with {}", ids.join(", ")));
    let followed = follow::follow(host, &state, role, ids, global).await?;
    run::finish(global, followed)
}
