//! Following runs until they end, the process is told to stop, or the owner goes away.

use std::path::Path;
use std::time::Duration;

use super::args::Global;
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::{FaceError, Kind};
use crate::host::{Host, Missing, Role};
use crate::progress::Progress;
use crate::render;
use crate::views::StatusView;

/// How often a run is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// How following ended.
pub(super) enum Followed {
    /// All runs have closed.
    Closed(Vec<StatusView>),
    /// The process was told to stop; these are still open.
    Interrupted(Vec<String>),
}

/// Follows runs and prints what comes of them. When the owner was another process and ends, this
/// one takes the directory over and goes on with its runs.
pub(super) async fn follow(
    mut host: Host,
    state: &Path,
    role: Role,
    ids: Vec<String>,
    global: &Global,
) -> Result<Followed, FaceError> {
    if let Some(pid) = host.remote_pid() {
        output::note(
            global.quiet,
            &format!("process {pid} owns the state directory and works on it"),
        );
    }
    let mut progress = Progress::new(global.quiet || global.json);
    let mut open = ids;
    let mut closed: Vec<StatusView> = Vec::new();
    let mut stop = std::pin::pin!(told_to_stop());
    while let Some(id) = open.first().cloned() {
        match host.ask(Request::Status { id: id.clone() }).await {
            Ok(Answer::Status(status)) => {
                progress.show(&status);
                if status.is_closed() {
                    progress.finish(&status);
                    print_result(&host, &status, global).await?;
                    closed.push(*status);
                    open.remove(0);
                    continue;
                }
            }
            Ok(other) => return Err(FaceError::internal(format!("unexpected answer {other:?}"))),
            Err(error) if error.kind == Kind::Busy && host.remote_pid().is_some() => {
                host = take_over(state, role, &open).await?;
            }
            Err(error) => {
                host.close().await;
                return Err(error);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = &mut stop => {
                progress.clear();
                if host.remote_pid().is_none() {
                    output::note(global.quiet, "stopping; running steps are given a moment to end");
                }
                host.close().await;
                return Ok(Followed::Interrupted(open));
            }
        }
    }
    host.close().await;
    Ok(Followed::Closed(closed))
}

/// The owner went away: somebody has to go on, and this process wants the results.
async fn take_over(state: &Path, role: Role, open: &[String]) -> Result<Host, FaceError> {
    let host = Host::open(state, role, Missing::Refuse).await?;
    for id in open {
        host.ask(Request::Resume { id: id.clone() }).await?;
    }
    Ok(host)
}

/// Ctrl-C or a polite kill.
pub(super) async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn print_result(host: &Host, status: &StatusView, global: &Global) -> Result<(), FaceError> {
    let output: Option<workflows::TraceRunOutput> = status
        .result
        .clone()
        .and_then(|value| serde_json::from_value(value).ok());
    let Some(result) = output.filter(|_| status.workflow_type == "TraceRun") else {
        return if global.json {
            output::json(status)
        } else {
            Ok(())
        };
    };
    let out = out_dir(host, &status.workflow_id).await?;
    if let Some(out) = &out {
        write_run_json(out, status)?;
    }
    if global.json {
        return output::json(status);
    }
    let Answer::Blob(rollup) = host
        .ask(Request::Blob {
            digest: result.rollup.clone(),
        })
        .await?
    else {
        return Err(FaceError::internal("the owner gave no rollup"));
    };
    let out = out.unwrap_or_default();
    output::text_out(&render::run_summary(status, &result, &rollup, &out)?);
    Ok(())
}

/// `run.json` holds what differs from run to run over the same files: times, and how much of the
/// corpus was read anew.
fn write_run_json(out: &Path, status: &StatusView) -> Result<(), FaceError> {
    let document = serde_json::json!({
        "schema_version": 1,
        "workflow_id": status.workflow_id,
        "run_id": status.run_id,
        "status": status.status,
        "started_at": status.started_at,
        "closed_at": status.closed_at,
        "elapsed_ms": status.elapsed_ms,
        "history_events": status.history_events,
        "meters": status.meters,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| FaceError::internal(format!("could not write JSON: {error}")))?;
    text.push('\n');
    let temporary = out.join(".run.json.tmp");
    let written = std::fs::write(&temporary, text)
        .and_then(|()| std::fs::rename(&temporary, out.join("run.json")));
    written.map_err(|error| {
        FaceError::new(
            Kind::Failed,
            format!(
                "could not write {}: {error}",
                out.join("run.json").display()
            ),
            "check the directory given with --out",
        )
    })
}

/// The report's directory, from the run's own input.
async fn out_dir(host: &Host, id: &str) -> Result<Option<std::path::PathBuf>, FaceError> {
    let Answer::History(history) = host.ask(Request::History { id: id.to_owned() }).await? else {
        return Ok(None);
    };
    let out = history
        .pointer("/events/0/attributes/input/out")
        .and_then(|v| v.as_str());
    Ok(out.map(std::path::PathBuf::from).filter(|dir| dir.is_dir()))
}
