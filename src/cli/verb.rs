//! `terminate`, `pause`, `unpause`, `signal`, `query`, `update`: one thing done to one run.

use std::process::ExitCode;

use super::args::{Global, ReasonArgs, TalkArgs, UpdateArgs};
use super::output;
use crate::control::{Answer, Request, Verb};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn terminate(global: &Global, args: ReasonArgs) -> Result<ExitCode, FaceError> {
    let reason = args.reason;
    run(global, args.id, Verb::Terminate { reason }, "terminated").await
}

pub(super) async fn pause(global: &Global, args: ReasonArgs) -> Result<ExitCode, FaceError> {
    let reason = args.reason;
    run(global, args.id, Verb::Pause { reason }, "paused").await
}

pub(super) async fn unpause(global: &Global, id: String) -> Result<ExitCode, FaceError> {
    run(global, id, Verb::Unpause, "unpaused").await
}

pub(super) async fn signal(global: &Global, args: TalkArgs) -> Result<ExitCode, FaceError> {
    let (name, input) = (args.name, json(&args.input, "--input")?);
    run(global, args.id, Verb::Signal { name, input }, "signaled").await
}

pub(super) async fn query(global: &Global, args: TalkArgs) -> Result<ExitCode, FaceError> {
    let (name, input) = (args.name, json(&args.input, "--input")?);
    run(global, args.id, Verb::Query { name, input }, "asked").await
}

pub(super) async fn update(global: &Global, args: UpdateArgs) -> Result<ExitCode, FaceError> {
    let TalkArgs { id, name, input } = args.talk;
    let verb = Verb::Update {
        name,
        update_id: args.update_id,
        input: json(&input, "--input")?,
    };
    run(global, id, verb, "updated").await
}

/// Asks for one thing to be done to one run, and says that it was.
pub(super) async fn run(
    global: &Global,
    id: String,
    verb: Verb,
    done: &'static str,
) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let asked = host
        .ask(Request::Verb {
            id: id.clone(),
            verb,
        })
        .await;
    host.close().await;
    match asked? {
        Answer::Done if global.json => {
            output::json(&serde_json::json!({ "id": id, "done": done }))?;
        }
        Answer::Done => output::text_out(&format!("run {id}: {done}")),
        Answer::Said(value) if global.json => {
            output::json(&serde_json::json!({ "id": id, "done": done, "said": value }))?;
        }
        Answer::Said(value) => output::json(&value)?,
        _other => return Err(FaceError::internal("another question was answered")),
    }
    Ok(ExitCode::SUCCESS)
}

/// What was typed as JSON; a word that is none is refused, because a missing quote is a common slip.
pub(super) fn json(text: &str, option: &str) -> Result<serde_json::Value, FaceError> {
    serde_json::from_str(text).map_err(|error| {
        FaceError::usage(
            format!("{option} is not JSON: {error}"),
            format!("text is written with quotes: {option} '\"ship it\"'"),
        )
    })
}
