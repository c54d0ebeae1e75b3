//! `merge`, `unmerge`: a person says which failures are one.

use std::process::ExitCode;

use trace::registry::aliases::{Aliases, By, Deed};
use workflows::contracts::{MergeFailuresInput, MergeFailuresOutput};

use super::args::{Global, MergeArgs, UnmergeArgs};
use super::follow::{self, Followed};
use super::output;
use super::run::{finish, new_id};
use crate::control::{Answer, Request};
use crate::face_error::{FaceError, Kind};
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render::plain;

pub(super) async fn merge(global: &Global, args: MergeArgs) -> Result<ExitCode, FaceError> {
    let MergeArgs {
        from,
        into,
        because,
        ..
    } = args;
    let (Some(from), Some(into)) = (from, into) else {
        return list(global).await;
    };
    let asked = MergeFailuresInput::Merge {
        from,
        into,
        because,
    };
    change(global, asked, "merge").await
}

pub(super) async fn unmerge(global: &Global, args: UnmergeArgs) -> Result<ExitCode, FaceError> {
    let UnmergeArgs { from, because } = args;
    change(
        global,
        MergeFailuresInput::Unmerge { from, because },
        "unmerge",
    )
    .await
}

/// Has it done by the owner of the state directory, and waits.
async fn change(
    global: &Global,
    asked: MergeFailuresInput,
    verb: &'static str,
) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let role = Role::Worker { concurrency: 1 };
    let host = Host::open(&state, role, Missing::Refuse).await?;
    let id = new_id(verb);
    let started = host
        .ask(Request::Merge {
            workflow_id: id.clone(),
            input: Box::new(asked),
        })
        .await;
    if let Err(error) = started {
        host.close().await;
        return Err(error);
    }
    // What follows is told here, in its own words.
    let silent = Global {
        quiet: true,
        json: false,
        ..global.clone()
    };
    let followed = follow::follow(host, &state, role, vec![id], &silent).await?;
    let Followed::Closed(closed) = followed else {
        return finish(global, followed);
    };
    let Some(status) = closed.into_iter().next() else {
        return Err(FaceError::internal("the run was not followed"));
    };
    let done = status
        .result
        .clone()
        .and_then(|value| serde_json::from_value::<MergeFailuresOutput>(value).ok());
    let Some(done) = done else {
        return Err(refused(&status.failure.unwrap_or(status.status)));
    };
    if global.json {
        output::json(&done)?;
    } else {
        output::text_out(&told(&done, verb));
    }
    Ok(ExitCode::SUCCESS)
}

/// A wrong name or pair is the person's to mend.
fn refused(why: &str) -> FaceError {
    if let Some(text) = why.strip_prefix("UnknownFailure: ") {
        let (first, nearest) = text.split_once('\n').unwrap_or((text, ""));
        let hint = if nearest.is_empty() {
            "`openclaw-trace run PATH` finds failures; its report names them".to_owned()
        } else {
            format!("the nearest ones are\n{nearest}")
        };
        return FaceError::not_found(first, hint);
    }
    if let Some(text) = why.strip_prefix("NotMerged: ") {
        return FaceError::usage(text, "`openclaw-trace merge --list` shows what is merged");
    }
    FaceError::new(
        Kind::Failed,
        why.to_owned(),
        "`openclaw-trace list` has the run",
    )
}

fn told(done: &MergeFailuresOutput, verb: &str) -> String {
    let line = |id: &str, summary: &str| format!("{id}  {}", plain(summary));
    let between = if verb == "merge" {
        "is counted from the next run on with"
    } else {
        "is counted by itself again from the next run on, no longer with"
    };
    format!(
        "{}\n  {between}\n{}",
        line(&done.fingerprint_id, &done.summary),
        line(&done.into, &done.into_summary)
    )
}

/// What is merged now, and what was done.
async fn list(global: &Global) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let answer = host.ask(Request::Aliases).await;
    host.close().await;
    let Answer::Aliases(aliases) = answer? else {
        return Err(FaceError::internal("the owner told no aliases"));
    };
    if global.json {
        output::json(&*aliases)?;
    } else {
        output::text_out(&table(&aliases));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(aliases: &Aliases) -> String {
    let mut out = Vec::new();
    if aliases.is_empty() {
        out.push("Nothing is merged.".to_owned());
    }
    for (id, alias) in aliases.iter() {
        out.push(format!("{id}\n  is counted with {}", alias.into));
        out.push(format!(
            "  since {}, {}: {}",
            alias.since,
            who(alias.by),
            plain(&alias.because)
        ));
    }
    if !aliases.changes().is_empty() {
        out.push("\nHistory".to_owned());
    }
    for change in aliases.changes() {
        let (deed, word) = match change.deed {
            Deed::Merged => ("merged", "into"),
            Deed::Unmerged => ("unmerged", "from"),
        };
        out.push(format!(
            "  {}  {} {deed} {word} {}, {}: {}",
            change.at,
            change.fingerprint_id,
            change.into,
            who(change.by),
            plain(&change.because)
        ));
    }
    out.join("\n")
}

fn who(by: By) -> &'static str {
    match by {
        By::Hand => "by hand",
        By::Near => "by rule",
    }
}
