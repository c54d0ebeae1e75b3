//! `fork`: a new run beside one, with its history up to a point.

use std::process::ExitCode;

use kernel::{Reapply, Taking};

use super::args::Global;
use super::reset;
use super::reset_args::ForkArgs;
use crate::control::Making;
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global, args: ForkArgs) -> Result<ExitCode, FaceError> {
    let making = Making {
        taking: Taking::Fork,
        to: args.at,
        input: args.input,
        signals: Vec::new(),
        results: args.result,
        reapply: Reapply::None,
        workflow_id: args.new_id,
        reason: args.reason,
    };
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    // Nothing that is there changes, so nobody is asked.
    let done = if args.preview {
        reset::show(global, &host, &args.of, &making).await
    } else {
        reset::make(global, &host, &args.of, making).await
    };
    host.close().await;
    done.map(|()| ExitCode::SUCCESS)
}
