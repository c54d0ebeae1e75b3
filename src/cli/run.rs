//! `run`: submit a `TraceRun`, follow it, print the top failures.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use workflows::TraceRunInput;
use workflows::contracts::DiscoverInput;

use super::args::{Global, Llm, RunArgs};
use super::follow::{self, Followed};
use super::output;
use super::reading;
use crate::control::{Answer, Request};
use crate::face_error::{FaceError, Kind};
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::time_text;

pub(super) async fn run(global: &Global, args: RunArgs) -> Result<ExitCode, FaceError> {
    let role = Role::Worker {
        concurrency: concurrency(args.concurrency),
    };
    let prepared = prepare(global, &args)?;
    let (host, begun) = open_and_begin(&prepared, role, args.id.as_deref()).await?;
    let id = match begun {
        Begun::New(id) => id,
        Begun::Interrupted(id) => {
            output::note(global.quiet, &format!("going on with run {id}"));
            id
        }
    };
    let ids = vec![id];
    let followed = follow::follow(host, &prepared.state, role, ids, global).await?;
    finish(global, followed)
}

/// Reaches the state directory and begins there. An owner that ends while it is asked may have begun
/// the run or not; whoever owns the directory next is asked for it under the same id.
pub(super) async fn open_and_begin(
    prepared: &Prepared,
    role: Role,
    wanted: Option<&str>,
) -> Result<(Host, Begun), FaceError> {
    let mut wanted = wanted.map(str::to_owned);
    loop {
        let host = Host::open(&prepared.state, role, Missing::Create).await?;
        let works = host.remote_pid().is_none() && role != Role::Visitor;
        if let Some(settings) = prepared.input.reading.as_ref().filter(|_| works) {
            reading::reachable(settings)?;
        }
        let id = wanted.clone().unwrap_or_else(|| new_id("trace"));
        match begin(&host, prepared, &id, wanted.is_some()).await {
            Ok(begun) => return Ok((host, begun)),
            Err(error) if error.kind == Kind::Busy && host.remote_pid().is_some() => {
                wanted = Some(id);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What a run needs, checked before anything is opened.
pub(super) struct Prepared {
    pub(super) state: PathBuf,
    pub(super) input: TraceRunInput,
}

pub(super) fn prepare(global: &Global, args: &RunArgs) -> Result<Prepared, FaceError> {
    let reading = reading::settings(args)?;
    if args
        .id
        .as_deref()
        .is_some_and(|id| id.is_empty() || id.len() > 200)
    {
        return Err(FaceError::usage(
            "--id takes 1 to 200 bytes",
            "choose a short name",
        ));
    }
    if args.concurrency == Some(0) {
        return Err(FaceError::usage(
            "--concurrency 0 would never finish",
            "give 1 or more, or use `submit` to only record the run",
        ));
    }
    let format = if args.format == "auto" {
        String::new()
    } else {
        args.format.clone()
    };
    if !format.is_empty() && format.parse::<trace::mine::Format>().is_err() {
        return Err(FaceError::usage(
            format!("unknown --format {:?}", args.format),
            format!(
                "known are auto, {}",
                trace::mine::Format::ALL
                    .map(trace::mine::Format::name)
                    .join(", ")
            ),
        ));
    }
    let state = match &global.state {
        Some(dir) => dir.clone(),
        None => default_state_dir()?,
    };
    let paths = if args.paths.is_empty() {
        agents(global)?
    } else {
        args.paths.clone()
    };
    let paths = paths
        .iter()
        .map(|path| existing(path))
        .collect::<Result<Vec<_>, _>>()?;
    let out = report_dir(&args.out)?;
    Ok(Prepared {
        state,
        input: TraceRunInput {
            discover: DiscoverInput {
                paths,
                format,
                include: args.include.clone(),
                exclude: args.exclude.clone(),
                max_sessions: args.max_sessions.unwrap_or(0),
            },
            out,
            briefs: args.briefs,
            // Briefs are written by rules, whoever reads the sessions.
            model: Llm::None.name().to_owned(),
            reading,
            merge_near: args.merge_near,
        },
    })
}

/// The whole name of a report's directory, which need not be there.
pub(super) fn report_dir(out: &Path) -> Result<String, FaceError> {
    let whole = std::path::absolute(out).map_err(|error| {
        FaceError::usage(
            format!("--out {}: {error}", out.display()),
            "name a directory",
        )
    })?;
    if whole.exists() && !whole.is_dir() {
        return Err(FaceError::usage(
            format!("--out {} exists and is not a directory", whole.display()),
            "name a directory; it is made if it is not there",
        ));
    }
    utf8(&whole)
}

/// The whole name of a file or directory that is there.
pub(super) fn existing(path: &Path) -> Result<String, FaceError> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Err(error) = std::fs::metadata(&whole) {
        return Err(FaceError::usage(
            format!("could not read {}: {error}", path.display()),
            "give files or directories that hold session files",
        ));
    }
    utf8(&whole)
}

fn utf8(path: &Path) -> Result<String, FaceError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        FaceError::usage(
            format!("the path {} is not valid UTF-8", path.display()),
            "rename it, or name a directory above it",
        )
    })
}

/// Without a path: the agents of this machine, and a word about what was found.
fn agents(global: &Global) -> Result<Vec<PathBuf>, FaceError> {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let temporary = activities::agents::temporary_directories();
    let found = activities::agents::agents_of_this_machine(&home, &temporary);
    if found.is_empty() {
        return Err(FaceError::usage(
            format!("no agent sessions found below {}", home.display()),
            "looked for ~/.openclaw, ~/.clawdbot, ~/.moltbot, ~/.claude/projects, \
             ~/.codex/sessions, ~/.pi/agent/sessions, ~/.copilot/session-state, ~/.gemini/tmp, \
             ~/.factory/sessions, ~/.cursor/projects, ~/.kiro/sessions/cli and ~/.local/share/opencode; name a directory: openclaw-trace run PATH",
        ));
    }
    for agent in &found {
        let line = format!(
            "found {:<12} {:>6} files  {}",
            agent.name,
            time_text::thousands(agent.files),
            agent.path.display()
        );
        output::note(global.quiet, &line);
    }
    Ok(found.into_iter().map(|agent| agent.path).collect())
}

pub(super) fn concurrency(wanted: Option<usize>) -> usize {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    wanted.unwrap_or(2 * processors)
}

pub(super) enum Begun {
    New(String),
    Interrupted(String),
}

/// Starts the run, or takes an interrupted one of that id up again.
async fn begin(
    host: &Host,
    prepared: &Prepared,
    id: &str,
    may_be_there: bool,
) -> Result<Begun, FaceError> {
    if may_be_there {
        match host.ask(Request::Status { id: id.to_owned() }).await {
            Ok(Answer::Status(status)) if status.is_closed() => {
                return Err(FaceError::usage(
                    format!("run {id} has already ended ({})", status.status),
                    "choose another --id; a new run reads only what is new",
                ));
            }
            Ok(_) => {
                host.ask(Request::Resume { id: id.to_owned() }).await?;
                return Ok(Begun::Interrupted(id.to_owned()));
            }
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let workflow_id = id.to_owned();
    let input = Box::new(prepared.input.clone());
    match host.ask(Request::Start { workflow_id, input }).await? {
        Answer::Started { workflow_id, .. } => Ok(Begun::New(workflow_id)),
        other => Err(FaceError::internal(format!("unexpected answer {other:?}"))),
    }
}

/// `trace-20261122-230529-4f1a`: readable, sortable, and two in one second differ.
pub(super) fn new_id(what: &str) -> String {
    let now = engine::clock::now();
    let text: String = time_text::iso(now)
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .take(15)
        .map(|c| if c == 'T' { '-' } else { c })
        .collect();
    let run = engine::clock::new_run_id().to_string();
    format!("{what}-{text}-{}", &run[run.len() - 4..])
}

/// The exit code of what was followed; one that failed says why.
pub(super) fn finish(global: &Global, followed: Followed) -> Result<ExitCode, FaceError> {
    match followed {
        Followed::Closed(all) => {
            let failed = all.iter().find(|status| status.status != "Completed");
            match failed {
                None => Ok(ExitCode::SUCCESS),
                Some(status) => {
                    let why = status.failure.clone().unwrap_or_default();
                    Err(failure_of(&status.workflow_id, &status.status, &why))
                }
            }
        }
        Followed::Interrupted(ids) => {
            output::note(
                global.quiet,
                &format!(
                    "interrupted; nothing that was finished is lost\n  go on with: openclaw-trace \
                     resume {}",
                    ids.join(" ")
                ),
            );
            Ok(ExitCode::from(130))
        }
    }
}

/// A directory without sessions is the user's to mend, anything else is the run's failure.
fn failure_of(id: &str, status: &str, why: &str) -> FaceError {
    if let Some(text) = why.strip_prefix("NoSessions: ") {
        return FaceError::usage(text, "");
    }
    let message = format!("run {id} ended as {status}: {why}");
    FaceError::new(
        Kind::Failed,
        message,
        format!("openclaw-trace history {id}"),
    )
}
