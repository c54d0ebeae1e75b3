//! `serve`: own the state directory, work on all runs, fire schedules, until told to stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use engine::schedule::{self, Body};
use engine::visibility::retention::Retention;

use super::args::{Global, ServeArgs};
use super::follow::told_to_stop;
use super::keep::retention;
use super::{output, prune, run};
use crate::control::{Answer, Request, socket_path};
use crate::face_error::{FaceError, Kind};
use crate::host::{Host, Missing, Role, default_state_dir};

/// How often to look whether the engine still works.
const PAUSE: Duration = Duration::from_millis(500);
/// How often runs that ended long ago are looked for, at most and at least.
const PRUNE_PAUSE: Duration = Duration::from_secs(60);
const PRUNE_PAUSE_MIN: Duration = Duration::from_secs(1);
/// How often metrics are written.
const METRICS_PAUSE: Duration = Duration::from_secs(15);

pub(super) async fn run(global: &Global, args: ServeArgs) -> Result<ExitCode, FaceError> {
    if args.concurrency == Some(0) {
        return Err(FaceError::usage(
            "--concurrency 0 would never finish anything",
            "give 1 or more",
        ));
    }
    let mut keeper = Keeper::new(retention(&args.keep)?);
    // Signals that come while the directory is opened are not lost.
    let mut stop = std::pin::pin!(told_to_stop());
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let role = Role::Server {
        concurrency: run::concurrency(args.concurrency),
    };
    let host = tokio::select! {
        biased;
        () = &mut stop => return Ok(ExitCode::SUCCESS),
        host = Host::open(&state, role, Missing::Create) => host?,
    };
    if let Some(pid) = host.remote_pid() {
        return Err(FaceError::busy(
            format!("process {pid} owns the state directory {}", state.display()),
            "wait until it ends, or stop it; its runs go on under `serve`",
        ));
    }
    let mut metrics = args.metrics_file.map(MetricsFile::new);
    let mut told = match &mut metrics {
        Some(file) => file.write(&host).await,
        None => Ok(()),
    };
    if told.is_ok() {
        told = tell(global, &state, &host).await;
    }
    let ended = match told {
        Ok(()) => loop {
            if let Some(why) = host.failure() {
                break Err(FaceError::new(
                    Kind::Failed,
                    format!("the engine stopped: {why}"),
                    "nothing that was acknowledged is lost; start `serve` again",
                ));
            }
            if let Some(file) = &mut metrics {
                file.write_in_time(&host).await;
            }
            tokio::select! {
                () = async {
                    keeper.prune_in_time(&host).await;
                    tokio::time::sleep(PAUSE).await;
                } => {}
                () = &mut stop => break Ok(ExitCode::SUCCESS),
            }
        },
        Err(error) => Err(error),
    };
    output::note(
        global.quiet,
        "stopping; running steps are given a moment to end",
    );
    host.close().await;
    ended
}

/// Says what is served, once it is.
async fn tell(global: &Global, state: &std::path::Path, host: &Host) -> Result<(), FaceError> {
    let list = Request::List {
        limit: u64::MAX,
        open_only: true,
    };
    let open_runs = match host.ask(list).await? {
        Answer::List(rows) => rows.len(),
        other => return Err(FaceError::internal(format!("unexpected answer {other:?}"))),
    };
    let request = Box::new(schedule::Request::List);
    let schedules = match host.ask(Request::Schedule { request }).await? {
        Answer::Schedule(answer) => match answer.body {
            Body::All(all) => all.len(),
            Body::One(_) | Body::Refused(_) => 0,
        },
        other => return Err(FaceError::internal(format!("unexpected answer {other:?}"))),
    };
    if global.json {
        return output::json(&serde_json::json!({
            "state": state,
            "socket": socket_path(state),
            "pid": std::process::id(),
            "open_runs": open_runs,
            "schedules": schedules,
        }));
    }
    let text = format!(
        "serving {} (process {}): {open_runs} open runs, {schedules} schedules; Ctrl-C stops",
        state.display(),
        std::process::id()
    );
    output::note(global.quiet, &text);
    Ok(())
}

/// Forgets runs that ended long ago.
struct Keeper {
    retention: Retention,
    pruned_at: Option<Instant>,
}

impl Keeper {
    fn new(retention: Retention) -> Self {
        Self {
            retention,
            pruned_at: None,
        }
    }

    /// A run that cannot be deleted is no reason to stop serving. Dropped in the middle it leaves
    /// whole runs.
    async fn prune_in_time(&mut self, host: &Host) {
        let Some(shortest) = self.retention.shortest() else {
            return;
        };
        let pause = Duration::from_millis(shortest.0).clamp(PRUNE_PAUSE_MIN, PRUNE_PAUSE);
        if self.pruned_at.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        self.pruned_at = Some(Instant::now());
        for query in self.retention.queries(None, engine::clock::now()) {
            match prune::pages(host, &query, false).await {
                Ok(pruned) if pruned.deleted == 0 => {}
                Ok(pruned) => tracing::info!("forgot {} runs that ended long ago", pruned.deleted),
                Err(error) => tracing::warn!("could not forget old runs: {}", error.message),
            }
        }
    }
}

/// The file from which something else collects metrics.
struct MetricsFile {
    path: PathBuf,
    written_at: Instant,
}

impl MetricsFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            written_at: Instant::now(),
        }
    }

    /// A file that cannot be written later on is no reason to stop serving.
    async fn write_in_time(&mut self, host: &Host) {
        if self.written_at.elapsed() >= METRICS_PAUSE
            && let Err(error) = self.write(host).await
        {
            tracing::warn!("{}", error.message);
        }
    }

    /// Whoever reads it sees one whole document or the one before.
    async fn write(&mut self, host: &Host) -> Result<(), FaceError> {
        self.written_at = Instant::now();
        let Answer::Metrics(snapshot) = host.ask(Request::Metrics).await? else {
            return Err(FaceError::internal("the engine gave no metrics"));
        };
        // The node exporter looks at `*.prom` only, so it does not see this one.
        let mut temporary = self.path.clone().into_os_string();
        temporary.push(".tmp");
        std::fs::write(&temporary, snapshot.prometheus())
            .and_then(|()| std::fs::rename(&temporary, &self.path))
            .map_err(|error| {
                FaceError::usage(
                    format!(
                        "could not write metrics to {}: {error}",
                        self.path.display()
                    ),
                    "name a file in a directory that can be written",
                )
            })
    }
}
