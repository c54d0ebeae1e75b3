//! `activity complete|fail|heartbeat --token`: what somebody elsewhere says of an attempt.

use std::process::ExitCode;

use super::args::Global;
use super::output;
use crate::control::{Answer, Request, TokenVerb};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn complete(
    global: &Global,
    token: String,
    result: serde_json::Value,
) -> Result<ExitCode, FaceError> {
    let verb = TokenVerb::Complete { result };
    say(global, token, verb, "the attempt has its result").await
}

pub(super) async fn fail(
    global: &Global,
    token: String,
    message: String,
    permanent: bool,
) -> Result<ExitCode, FaceError> {
    let verb = TokenVerb::Fail { message, permanent };
    say(global, token, verb, "the attempt has failed").await
}

pub(super) async fn heartbeat(
    global: &Global,
    token: String,
    details: Option<serde_json::Value>,
) -> Result<ExitCode, FaceError> {
    say(global, token, TokenVerb::Heartbeat { details }, "heard").await
}

async fn say(
    global: &Global,
    token: String,
    verb: TokenVerb,
    done: &'static str,
) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let asked = host.ask(Request::ByToken { token, verb }).await;
    host.close().await;
    match asked? {
        Answer::Done if global.json => output::json(&serde_json::json!({ "done": done }))?,
        Answer::Done => output::text_out(done),
        Answer::TokenHeard { cancel_requested } if global.json => {
            output::json(&serde_json::json!({
                "done": done,
                "cancel_requested": cancel_requested,
            }))?;
        }
        Answer::TokenHeard {
            cancel_requested: true,
        } => output::text_out("heard: the activity was asked to cancel; stop the work"),
        Answer::TokenHeard {
            cancel_requested: false,
        } => output::text_out("heard: go on"),
        _other => return Err(FaceError::internal("another question was answered")),
    }
    Ok(ExitCode::SUCCESS)
}
