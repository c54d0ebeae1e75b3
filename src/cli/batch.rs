//! `batch`: one thing done to every run of a query.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use engine::batch::{BatchOptions, FAILURES_MAX};
use serde::Serialize;

use super::args::Global;
use super::confirm::{Said, confirm};
use super::output;
use super::reset::reapply;
use super::reset_args::{BatchArgs, BatchCommand};
use crate::control::{Answer, Asked, BatchWord, Batched, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::{render, time_text};

/// Runs read from the list at a time.
const PAGE: u64 = 1_000;

#[derive(Debug, Default, Serialize)]
struct Tally {
    total: u64,
    done: u64,
    unchanged: u64,
    failed: u64,
    failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Failure {
    workflow_id: String,
    run_id: String,
    why: String,
}

pub(super) async fn run(global: &Global, command: BatchCommand) -> Result<ExitCode, FaceError> {
    let (name, word, args) = words(command);
    let asked = Asked {
        query: args.query.clone(),
        search: None,
    };
    // A mistake in the query is told before anything is opened.
    crate::answers::visibility::request(asked.clone())?;
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let done = batch(global, &host, name, word, &args, asked).await;
    host.close().await;
    done
}

fn words(command: BatchCommand) -> (&'static str, BatchWord, BatchArgs) {
    match command {
        BatchCommand::Terminate(args) => {
            let reason = args.reason.clone();
            ("terminate", BatchWord::Terminate { reason }, args)
        }
        BatchCommand::Cancel(args) => {
            let reason = args.reason.clone();
            ("cancel", BatchWord::Cancel { reason }, args)
        }
        BatchCommand::Signal { name, input, batch } => {
            ("signal", BatchWord::Signal { name, input }, batch)
        }
        BatchCommand::Reset {
            to,
            no_reapply,
            batch,
        } => {
            let word = BatchWord::Reset {
                to,
                reapply: reapply(no_reapply),
                reason: batch.reason.clone(),
            };
            ("reset", word, batch)
        }
        BatchCommand::Delete(args) => ("delete", BatchWord::Delete, args),
        BatchCommand::Pause(args) => {
            let reason = args.reason.clone();
            ("pause", BatchWord::Pause { reason }, args)
        }
        BatchCommand::Unpause(args) => ("unpause", BatchWord::Unpause, args),
    }
}

async fn batch(
    global: &Global,
    host: &Host,
    name: &str,
    word: BatchWord,
    args: &BatchArgs,
    asked: Asked,
) -> Result<ExitCode, FaceError> {
    let count = Request::Count {
        asked: asked.clone(),
    };
    let Answer::Counts(counts) = host.ask(count).await? else {
        return Err(FaceError::internal("the owner gave no counts"));
    };
    let n: u64 = counts.values().sum();
    if n > 0 && !args.yes {
        output::note(false, &render::counts(&counts));
        let question = format!("{name} {} runs?", time_text::thousands(n));
        if confirm(&question)? == Said::No {
            output::note(global.quiet, "nothing was changed");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let runs = chosen(host, asked).await?;
    let mut tally = Tally {
        total: runs.len() as u64,
        ..Tally::default()
    };
    let pause = BatchOptions { rate: args.rate }.pause();
    let progress = Progress::new(global);
    for (workflow_id, run_id) in runs {
        let request = Request::Batch {
            run_id: run_id.clone(),
            word: Box::new(word.clone()),
        };
        let asked = host.ask(request).await;
        let batched = asked.map_err(|error| stopped(error, &tally))?;
        match batched {
            Answer::Batched(Batched::Done) => tally.done += 1,
            Answer::Batched(Batched::Unchanged) => tally.unchanged += 1,
            Answer::Batched(Batched::Failed { why }) => {
                tally.failed += 1;
                if tally.failures.len() < FAILURES_MAX {
                    tally.failures.push(Failure {
                        workflow_id,
                        run_id,
                        why,
                    });
                }
            }
            _other => return Err(FaceError::internal("another question was answered")),
        }
        progress.show(name, &tally);
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
    }
    progress.end();
    tell(global, name, &tally)?;
    Ok(ExitCode::from(u8::from(tally.failed > 0)))
}

/// The runs that are meant, oldest first. All are chosen before anything is done: what is done
/// changes what the query means.
async fn chosen(host: &Host, asked: Asked) -> Result<Vec<(String, String)>, FaceError> {
    let (mut runs, mut page) = (Vec::new(), None);
    loop {
        let request = Request::Find {
            asked: asked.clone(),
            page,
            limit: PAGE,
        };
        let Answer::Found { rows, next } = host.ask(request).await? else {
            return Err(FaceError::internal("the owner gave no list"));
        };
        runs.extend(rows.into_iter().map(|row| (row.workflow_id, row.run_id)));
        page = next;
        if page.is_none() {
            runs.sort_by(|a, b| a.1.cmp(&b.1));
            return Ok(runs);
        }
    }
}

fn stopped(error: FaceError, tally: &Tally) -> FaceError {
    let (done, total) = (tally.done + tally.unchanged + tally.failed, tally.total);
    FaceError {
        message: format!("stopped after {done} of {total} runs: {}", error.message),
        ..error
    }
}

fn tell(global: &Global, name: &str, tally: &Tally) -> Result<(), FaceError> {
    if global.json {
        return output::json(tally);
    }
    let n = time_text::thousands;
    output::text_out(&format!(
        "{name}: {} of {} runs done, {} had nothing to do, {} failed",
        n(tally.done),
        n(tally.total),
        n(tally.unchanged),
        n(tally.failed)
    ));
    for failure in &tally.failures {
        let (id, why) = (
            render::plain(&failure.workflow_id),
            render::plain(&failure.why),
        );
        output::text_out(&format!("  {id} ({}): could not {why}", failure.run_id));
    }
    let told = tally.failures.len() as u64;
    if tally.failed > told {
        output::text_out(&format!("  and {} more", n(tally.failed - told)));
    }
    Ok(())
}

/// A line that counts, for a person at a terminal.
struct Progress {
    is_shown: bool,
}

impl Progress {
    fn new(global: &Global) -> Self {
        Self {
            is_shown: !global.quiet && std::io::stderr().is_terminal(),
        }
    }

    fn show(&self, name: &str, tally: &Tally) {
        if self.is_shown {
            let n = tally.done + tally.unchanged + tally.failed;
            let _closed = write!(
                std::io::stderr(),
                "\r{name}: {n} of {}, {} failed",
                tally.total,
                tally.failed
            );
        }
    }

    fn end(&self) {
        if self.is_shown {
            let _closed = writeln!(std::io::stderr());
        }
    }
}
