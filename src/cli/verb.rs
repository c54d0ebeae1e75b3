//! `terminate`, `pause`, `unpause`, `signal`, `query`, `update`, `activity`: one thing done to one run.

use std::process::ExitCode;

use super::args::{ActivityCommand, Global, ReasonArgs, TalkArgs, UpdateArgs};
use super::{by_token, output};
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

pub(super) async fn activity(
    global: &Global,
    command: ActivityCommand,
) -> Result<ExitCode, FaceError> {
    match command {
        ActivityCommand::Retry { id, activity } => {
            run(global, id, Verb::RetryActivity { activity }, "retried").await
        }
        ActivityCommand::Complete {
            id,
            activity,
            token,
            result,
        } => {
            let result = json(&result, "--result")?;
            if let Some(token) = token {
                return by_token::complete(global, token, result).await;
            }
            let (id, activity) = named(id, activity)?;
            let verb = Verb::CompleteActivity { activity, result };
            run(global, id, verb, "given a result").await
        }
        ActivityCommand::Fail {
            id,
            activity,
            token,
            permanent,
            reason,
        } => {
            if let Some(token) = token {
                return by_token::fail(global, token, reason, permanent).await;
            }
            let (id, activity) = named(id, activity)?;
            let verb = Verb::FailActivity { activity, reason };
            run(global, id, verb, "given a failure").await
        }
        ActivityCommand::Heartbeat { token, details } => {
            let details = details.map(|text| json(&text, "--details")).transpose()?;
            by_token::heartbeat(global, token, details).await
        }
    }
}

fn named(id: Option<String>, activity: Option<u64>) -> Result<(String, u64), FaceError> {
    id.zip(activity).ok_or_else(|| {
        FaceError::usage(
            "which activity is not said",
            "give a run and the number that `openclaw-trace status ID` shows, or --token TOKEN",
        )
    })
}

async fn run(
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
fn json(text: &str, option: &str) -> Result<serde_json::Value, FaceError> {
    serde_json::from_str(text).map_err(|error| {
        FaceError::usage(
            format!("{option} is not JSON: {error}"),
            format!("text is written with quotes: {option} '\"ship it\"'"),
        )
    })
}
