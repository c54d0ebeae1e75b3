//! `cancel`: ask a run to stop, and wait a moment for it to do so.

use std::process::ExitCode;
use std::time::Duration;

use super::args::{CancelArgs, Global};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

/// How often, and how many times, to look whether it has stopped.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(global: &Global, args: CancelArgs) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    // As a visitor this process runs no attempt; code that tidies up only with timers and children
    // still comes to its end.
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let id = args.id.clone();
    let asked = host
        .ask(Request::Cancel {
            id,
            reason: args.reason,
        })
        .await;
    let mut status = None;
    if asked.is_ok() {
        for _ in 0..LOOKS {
            let Answer::Status(now) = host
                .ask(Request::Status {
                    id: args.id.clone(),
                })
                .await?
            else {
                break;
            };
            let closed = now.is_closed();
            status = Some(now);
            if closed {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    host.close().await;
    asked?;
    let Some(status) = status else {
        return Err(FaceError::internal("the run gave no status"));
    };
    if global.json {
        output::json(&status)?;
    } else if status.is_closed() {
        output::text_out(&format!("run {} has ended as {}", args.id, status.status));
    } else {
        output::text_out(&format!(
            "run {} was asked to cancel and is finishing: {}",
            args.id, status.waiting_on
        ));
    }
    Ok(ExitCode::SUCCESS)
}
