//! What every question gets, whether it came over the control socket or from this process.

mod by_token;
mod resets;
mod verbs;
pub(crate) mod visibility;

use std::collections::BTreeMap;
use std::path::Path;

use engine::{Client, ClientError};
use kernel::{EventId, RunId};
use state::store::Namespace;

use crate::control::{Answer, OpenRun, Request};
use crate::exports::{self, ImportedView};
use crate::face_error::{FaceError, Kind};
use crate::render;
use crate::views::{ChildView, RunRow, StatusView, status_name};

/// Rows read from the store at a time.
const PAGE: usize = 500;
/// Events of a history that are handed out at a time.
const EVENTS_PAGE: usize = 500;

pub(crate) async fn answer(client: &Client, request: Request) -> Answer {
    match try_answer(client, request).await {
        Ok(answer) => answer,
        Err(error) => Answer::Refused(error),
    }
}

async fn try_answer(client: &Client, request: Request) -> Result<Answer, FaceError> {
    Ok(match request {
        Request::Ping => Answer::Pong {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        },
        Request::Start { workflow_id, input } => {
            let run_id = client
                .start_typed::<workflows::TraceRun>(&workflow_id, &input)
                .await?;
            Answer::Started {
                workflow_id,
                run_id: run_id.to_string(),
            }
        }
        Request::Merge { workflow_id, input } => {
            let run_id = client
                .start_typed::<workflows::Merge>(&workflow_id, &input)
                .await?;
            Answer::Started {
                workflow_id,
                run_id: run_id.to_string(),
            }
        }
        Request::Aliases => Answer::Aliases(Box::new(aliases(client)?)),
        Request::Resume { id } => {
            let run_id = find(client, &id)?;
            client.adopt(run_id).await?;
            Answer::Done
        }
        Request::ResumeAll => {
            client.adopt_all().await?;
            let open = list(client, usize::MAX, OpenOnly::Yes)?;
            let roots = open.into_iter().filter(|row| row.parent.is_none());
            Answer::Resumed(roots.map(|row| row.workflow_id).collect())
        }
        Request::Status { id } => Answer::Status(Box::new(status(client, &id).await?)),
        Request::Metrics => Answer::Metrics(Box::new(client.metrics())),
        Request::List { limit, open_only } => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let open_only = if open_only {
                OpenOnly::Yes
            } else {
                OpenOnly::No
            };
            Answer::List(list(client, limit, open_only)?)
        }
        Request::Find { asked, page, limit } => {
            apart(client, move |client| {
                visibility::find(client, asked, page, limit)
            })
            .await?
        }
        Request::Count { asked } => {
            apart(client, move |client| visibility::count(client, asked)).await?
        }
        Request::Delete { id } => {
            let run_id = find(client, &id)?;
            apart(client, move |client| visibility::delete(client, run_id)).await?
        }
        Request::Prune {
            asked,
            page,
            dry_run,
        } => {
            apart(client, move |client| {
                visibility::prune(client, asked, page, dry_run)
            })
            .await?
        }
        Request::History { id } => {
            let run_id = find(client, &id)?;
            let state = client
                .store()
                .load_run(run_id)?
                .ok_or(ClientError::NotFound)?;
            let events = client.history(run_id)?;
            Answer::History(render::history_json(&state, &events))
        }
        Request::Export { id } => Answer::History(client.export(find(client, &id)?)?),
        Request::Import { path } => Answer::Imported(import(client, &path).await?),
        Request::OpenRuns => Answer::OpenRuns(client.store().open_runs()?),
        Request::OpenRun { run_id, after } => Answer::OpenRun(open_run(client, run_id, after)?),
        Request::Cancel { id, reason } => {
            let run_id = find(client, &id)?;
            let state = client
                .store()
                .load_run(run_id)?
                .ok_or(ClientError::NotFound)?;
            if state.is_closed() {
                return Err(FaceError::usage(
                    format!("run {id} has already ended ({})", status_name(state.status)),
                    "there is nothing to cancel",
                ));
            }
            match client.cancel(state.workflow_id.as_str(), &reason).await {
                Ok(()) | Err(ClientError::Rejected(kernel::Rejection::AlreadyRequested)) => {}
                Err(error) => return Err(error.into()),
            }
            Answer::Done
        }
        Request::Verb { id, verb } => verbs::answer(client, &id, verb).await?,
        Request::Preview { id, making } => {
            apart(client, move |client| resets::preview(client, &id, &making)).await?
        }
        Request::Make { id, making } => resets::make(client, &id, *making).await?,
        Request::Batch { run_id, word } => resets::step(client, &run_id, *word).await?,
        Request::ByToken { token, verb } => by_token::answer(client, &token, verb).await?,
        Request::Schedule { request } => {
            Answer::Schedule(Box::new(client.ask_schedules(*request).await?))
        }
        Request::Blob { digest } => {
            let digest = digest.parse().map_err(|_| {
                FaceError::usage("a blob digest is 64 hexadecimal digits", String::new())
            })?;
            let bytes = client.store().blob(&digest)?.ok_or(ClientError::NotFound)?;
            Answer::Blob(String::from_utf8_lossy(&bytes).into_owned())
        }
    })
}

fn aliases(client: &Client) -> Result<trace::registry::aliases::Aliases, FaceError> {
    let store = client.store();
    let told = |error: state::store::Error| error.to_string();
    activities::registry::stored_aliases(
        |key| store.row(Namespace::Cursor, key).map_err(told),
        |digest| {
            let digest = digest.parse().map_err(|_| "no digest".to_owned())?;
            store.blob(&digest).map_err(told)
        },
    )
    .map_err(|why| {
        FaceError::new(
            Kind::Failed,
            why,
            "`openclaw-trace doctor` looks at the store",
        )
    })
}

async fn import(client: &Client, path: &Path) -> Result<ImportedView, FaceError> {
    let imported = exports::read(path)?;
    let id = imported.workflow_id.clone();
    let run_id = client.import(imported).await.map_err(|error| match error {
        ClientError::AlreadyRan(run_id) => FaceError::usage(
            format!("run {run_id} of {id} is in this state directory already"),
            "a run is taken in once; `openclaw-trace status` shows it",
        ),
        ClientError::AlreadyRunning(run_id) => FaceError::usage(
            format!("run {run_id} of {id} is open here, and an id has one open run"),
            "`openclaw-trace cancel` ends that one",
        ),
        ClientError::Rejected(why) => FaceError::usage(
            format!("could not take in {id}: {why}"),
            "nothing was written; `openclaw-trace replay FILE` looks at the history",
        ),
        other => other.into(),
    })?;
    let state = client.store().load_run(run_id)?;
    let state = state.ok_or(ClientError::NotFound)?;
    Ok(ImportedView {
        workflow_id: state.workflow_id.to_string(),
        run_id: run_id.to_string(),
        workflow_type: state.workflow_type.clone(),
        status: status_name(state.status).to_owned(),
        history_events: state.last_event_id.0,
    })
}

fn open_run(client: &Client, run_id: RunId, after: EventId) -> Result<OpenRun, FaceError> {
    let store = client.store();
    let read = store
        .load_run(run_id)
        .and_then(|state| Ok((state, store.load_history(run_id, after, EVENTS_PAGE)?)));
    Ok(match read {
        Ok((Some(state), events)) if !state.is_closed() => OpenRun::Open {
            workflow_id: state.workflow_id,
            workflow_type: state.workflow_type,
            events,
        },
        Ok(_) => OpenRun::Ended,
        Err(error @ state::store::Error::Corrupt { .. }) => OpenRun::Damaged {
            why: format!("could not {error}"),
        },
        Err(error) => return Err(error.into()),
    })
}

fn find(client: &Client, id: &str) -> Result<RunId, FaceError> {
    client.find(id).map_err(|error| match error {
        ClientError::NotFound => FaceError::not_found(
            format!("no run {id:?} in this state directory"),
            "`openclaw-trace list` shows all runs; --state names another directory",
        ),
        other => other.into(),
    })
}

async fn status(client: &Client, id: &str) -> Result<StatusView, FaceError> {
    let run_id = find(client, id)?;
    let description = client.describe(run_id).await?;
    let meters: BTreeMap<String, u64> = client
        .meters()
        .of(run_id)
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
    let mut children = Vec::new();
    for event in child_ids(client, run_id)? {
        let (workflow_id, workflow_type) = event;
        let status = match client.store().latest_run(&workflow_id)? {
            Some(child) => match client.store().load_run(child)? {
                Some(state) => status_name(state.status).to_owned(),
                None => "Unknown".to_owned(),
            },
            None => "Starting".to_owned(),
        };
        children.push(ChildView {
            workflow_id: workflow_id.to_string(),
            workflow_type,
            status,
        });
    }
    Ok(StatusView::of(&description, meters, children))
}

/// Children in the order in which they were asked for. Only a run that has any reads its history.
fn child_ids(
    client: &Client,
    run_id: RunId,
) -> Result<Vec<(kernel::WorkflowId, String)>, FaceError> {
    let has_stage_of_children = client
        .store()
        .load_run(run_id)?
        .is_some_and(|s| !s.children.is_empty() || s.is_closed());
    if !has_stage_of_children {
        return Ok(Vec::new());
    }
    let mut children = Vec::new();
    for event in client.history(run_id)? {
        if let kernel::EventKind::StartChildWorkflowExecutionInitiated {
            workflow_id,
            workflow_type,
            ..
        } = event.kind
        {
            children.push((workflow_id, workflow_type));
        }
    }
    Ok(children)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenOnly {
    Yes,
    No,
}

fn list(client: &Client, limit: usize, open_only: OpenOnly) -> Result<Vec<RunRow>, FaceError> {
    let mut rows = Vec::new();
    if open_only == OpenOnly::Yes {
        // Closed runs cost nothing here, however many there are.
        for run_id in client.store().open_runs()?.into_iter().rev().take(limit) {
            rows.extend(client.store().run_info(run_id)?.as_ref().map(RunRow::of));
        }
        return Ok(rows);
    }
    let mut before = None;
    loop {
        let page = client.store().list_runs(before, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        before = Some(last.run_id);
        for info in &page {
            rows.push(RunRow::of(info));
            if rows.len() >= limit {
                return Ok(rows);
            }
        }
    }
}

/// Reads much, so not on a thread that drives runs.
async fn apart(
    client: &Client,
    work: impl FnOnce(&Client) -> Result<Answer, FaceError> + Send + 'static,
) -> Result<Answer, FaceError> {
    let client = client.clone();
    match tokio::task::spawn_blocking(move || work(&client)).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_stopping) => Err(state::store::Error::Closed.into()),
        },
    }
}
