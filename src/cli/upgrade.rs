//! `doctor --upgrade`: which open runs the workflow code of this binary would break.
//!
//! Histories come from whoever owns the state directory and are replayed here, one at a time, so
//! an owner that goes on working with an older build of this version is asked about the new one.

use std::process::ExitCode;

use engine::core::Workflows;
use engine::upgrade::{Finding, Problem, Tally, check_history};
use kernel::{EventId, HistoryEvent, RunId, WorkflowId};

use super::args::Global;
use super::output;
use crate::control::{Answer, OpenRun, Request};
use crate::face_error::{FaceError, Kind};
use crate::host::{Host, Missing, Role, default_state_dir};

pub(super) async fn run(global: &Global) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = match Host::open(&state, Role::Visitor, Missing::Refuse).await {
        Ok(host) => host,
        Err(error) if error.kind == Kind::Busy => {
            return Err(FaceError::busy(
                error.message,
                "stop that process, run `openclaw-trace doctor --upgrade` with the new binary, \
                 which changes nothing, and start whichever binary it lets you",
            ));
        }
        Err(error) => return Err(error),
    };
    let mut report = Report::new(global.json);
    let tally = check(&host, &mut report).await;
    host.close().await;
    report.end(global, tally?)
}

async fn check(host: &Host, report: &mut Report) -> Result<Tally, FaceError> {
    let workflows: Workflows = workflows::definitions()
        .into_iter()
        .map(|definition| (definition.workflow_type().to_owned(), definition))
        .collect();
    let Answer::OpenRuns(open) = host.ask(Request::OpenRuns).await? else {
        return Err(FaceError::internal("the owner gave no open runs"));
    };
    let mut tally = Tally::default();
    for run_id in open {
        let (workflow_id, workflow_type, problem) = match read(host, run_id).await? {
            Read::Ended => continue,
            Read::Damaged(why) => {
                let problem = Some(Problem::Unreadable { why });
                (WorkflowId::new(""), String::new(), problem)
            }
            Read::Whole {
                workflow_id,
                workflow_type,
                events,
            } => {
                let problem = check_history(&workflows, &workflow_id, run_id, &events).err();
                (workflow_id, workflow_type, problem)
            }
        };
        tally.runs_checked += 1;
        if let Some(problem) = problem {
            tally.runs_broken += 1;
            report.found(&Finding {
                workflow_id,
                run_id,
                workflow_type,
                problem,
            })?;
        }
    }
    Ok(tally)
}

/// What was read of one run.
enum Read {
    Ended,
    Damaged(String),
    Whole {
        workflow_id: WorkflowId,
        workflow_type: String,
        events: Vec<HistoryEvent>,
    },
}

async fn read(host: &Host, run_id: RunId) -> Result<Read, FaceError> {
    let mut all: Vec<HistoryEvent> = Vec::new();
    loop {
        let after = all.last().map_or(EventId(0), |event| event.id);
        let answer = host.ask(Request::OpenRun { run_id, after }).await?;
        let Answer::OpenRun(run) = answer else {
            return Err(FaceError::internal("the owner gave no history"));
        };
        match run {
            OpenRun::Ended => return Ok(Read::Ended),
            OpenRun::Damaged { why } => return Ok(Read::Damaged(why)),
            OpenRun::Open {
                workflow_id,
                workflow_type,
                events,
            } if events.is_empty() => {
                return Ok(Read::Whole {
                    workflow_id,
                    workflow_type,
                    events: all,
                });
            }
            OpenRun::Open { events, .. } => all.extend(events),
        }
    }
}

/// Prints each finding as it comes, so that any number of them fits in memory.
struct Report {
    json: bool,
    n_found: u64,
}

impl Report {
    fn new(json: bool) -> Self {
        Self { json, n_found: 0 }
    }

    fn found(&mut self, finding: &Finding) -> Result<(), FaceError> {
        self.n_found += 1;
        if !self.json {
            output::text_out(&text_of(finding));
            return Ok(());
        }
        let text = serde_json::to_string(&json_of(finding))
            .map_err(|error| FaceError::internal(format!("could not write JSON: {error}")))?;
        let before = if self.n_found == 1 {
            "{\"would_break\": [\n"
        } else {
            ",\n"
        };
        output::part_out(&format!("{before}  {text}"));
        Ok(())
    }

    fn end(self, global: &Global, tally: Tally) -> Result<ExitCode, FaceError> {
        let (checked, broken) = (tally.runs_checked, tally.runs_broken);
        if self.json {
            let before = if self.n_found == 0 {
                "{\"would_break\": ["
            } else {
                "\n"
            };
            output::text_out(&format!(
                "{before}], \"runs_checked\": {checked}, \"runs_broken\": {broken}, \
                 \"version\": {:?}}}",
                env!("CARGO_PKG_VERSION")
            ));
        } else if broken == 0 {
            output::text_out(&format!(
                "{checked} open runs were replayed: this binary can go on with all of them"
            ));
        } else {
            output::text_out(&format!(
                "{checked} open runs were replayed: this binary would break {broken} of them"
            ));
            output::note(
                global.quiet,
                "nothing was changed; do not start this binary on this state directory yet",
            );
        }
        Ok(if broken == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }
}

fn text_of(finding: &Finding) -> String {
    let Finding {
        workflow_id,
        run_id,
        workflow_type,
        problem,
    } = finding;
    let advice = problem.advice();
    if let Problem::Nondeterminism {
        event_id,
        history,
        code,
    } = problem
    {
        format!(
            "{workflow_id}  {workflow_type}  run {run_id}\n      event {event_id}\n      history  \
             {history}\n      code     {code}\n      → {advice}"
        )
    } else {
        format!("{workflow_id}  {workflow_type}  run {run_id}\n      {problem}\n      → {advice}")
    }
}

fn json_of(finding: &Finding) -> serde_json::Value {
    let (problem, history, code) = match &finding.problem {
        Problem::UnknownType => ("unknown_type", None, None),
        Problem::Nondeterminism { history, code, .. } => {
            ("nondeterminism", Some(history.as_str()), Some(code.clone()))
        }
        Problem::Failed { failure, .. } => ("failed", None, Some(failure.clone())),
        Problem::Unreadable { .. } => ("unreadable", None, None),
    };
    serde_json::json!({
        "workflow_id": finding.workflow_id,
        "run_id": finding.run_id.to_string(),
        "workflow_type": finding.workflow_type,
        "problem": problem,
        "event_id": finding.problem.event_id().map(|id| id.0),
        "history": history,
        "code": code,
        "message": finding.problem.to_string(),
        "advice": finding.problem.advice(),
    })
}
