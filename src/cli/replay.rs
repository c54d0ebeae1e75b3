//! `replay`: run the workflow code of this binary against an exported history, offline.

use std::process::ExitCode;

use kernel::command::describe_event;
use kernel::temporal::Imported;
use kernel::{Definition, EventKind, ReplayError, Replayed, replay_in_steps};
use serde_json::{Value, json};

use super::args::{Global, ReplayArgs};
use super::output;
use crate::exports;
use crate::face_error::{FaceError, Kind};
use crate::render::plain;

pub(super) fn run(global: &Global, args: &ReplayArgs) -> Result<ExitCode, FaceError> {
    let imported = exports::read(&args.file)?;
    let definition = definition(&imported)?;
    let mut steps = Vec::new();
    let replayed = replay_in_steps(
        &definition,
        imported.workflow_id.clone(),
        imported.run_id,
        &imported.events,
        &mut |step| {
            if args.step {
                let commands = step.commands.unwrap_or_default();
                let commands: Vec<_> = commands.iter().map(|command| command.describe()).collect();
                let id = imported.document_id(step.event.id);
                steps.push((id, describe_event(&step.event.kind), commands));
            }
        },
    );
    let result = replayed.map_err(|error| moved(error, &imported));
    if global.json {
        let mut view = view(&imported, &result);
        if args.step {
            view["steps"] = steps.iter().map(step_json).collect();
        }
        output::json(&view)?;
        return Ok(if result.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    for (id, event, commands) in &steps {
        output::text_out(&format!("{id:>6}  {}", plain(event)));
        for command in commands {
            output::text_out(&format!("        the code did {}", plain(command)));
        }
    }
    let replayed = result.map_err(|error| differs(&error))?;
    output::text_out(&format!(
        "OK: the code of this binary does what run {} recorded in {} events{}",
        plain(imported.workflow_id.as_str()),
        imported.events.len(),
        if replayed.state.is_closed() {
            ""
        } else {
            " (the run is open)"
        }
    ));
    Ok(ExitCode::SUCCESS)
}

/// The code of this binary for the history's workflow type.
fn definition(imported: &Imported) -> Result<Definition, FaceError> {
    let recorded = match imported.events.first().map(|event| &event.kind) {
        Some(EventKind::WorkflowExecutionStarted { workflow_type, .. }) => workflow_type.as_str(),
        Some(_) | None => "",
    };
    let all = workflows::definitions();
    let names: Vec<_> = all.iter().map(|d| d.workflow_type().to_owned()).collect();
    let found = all.into_iter().find(|d| d.workflow_type() == recorded);
    found.ok_or_else(|| {
        FaceError::usage(
            format!("this binary has no workflow of the type {recorded:?}"),
            format!(
                "it has {}; replay with the binary that has it",
                names.join(", ")
            ),
        )
    })
}

/// The error with the ids that the events have in the file.
fn moved(error: ReplayError, imported: &Imported) -> ReplayError {
    match error {
        ReplayError::Corrupt(mut corrupt) => {
            corrupt.event_id.0 = imported.document_id(corrupt.event_id);
            ReplayError::Corrupt(corrupt)
        }
        ReplayError::Nondeterminism {
            mut event_id,
            history,
            code,
        } => {
            event_id.0 = imported.document_id(event_id);
            ReplayError::Nondeterminism {
                event_id,
                history,
                code,
            }
        }
        ReplayError::Failed {
            mut event_id,
            failure,
        } => {
            event_id.0 = imported.document_id(event_id);
            ReplayError::Failed { event_id, failure }
        }
    }
}

fn differs(error: &ReplayError) -> FaceError {
    let hint = match error {
        ReplayError::Corrupt(_) => "the file was cut or changed by hand; export it again",
        ReplayError::Nondeterminism { .. } => {
            "`cx.patched` lets open runs keep the old order; --step shows the way to this event"
        }
        ReplayError::Failed { .. } => "--step shows the way to this event",
    };
    FaceError::new(Kind::Failed, error.to_string(), hint)
}

fn view(imported: &Imported, result: &Result<Replayed, ReplayError>) -> Value {
    let mut view = json!({
        "workflow_id": imported.workflow_id.as_str(),
        "run_id": imported.run_id.to_string(),
        "history_events": imported.events.len(),
        "result": "ok",
    });
    match result {
        Ok(_) => {}
        Err(ReplayError::Corrupt(corrupt)) => {
            view["result"] = json!("corrupt");
            view["event_id"] = json!(corrupt.event_id.0);
            view["why"] = json!(corrupt.why);
        }
        Err(ReplayError::Nondeterminism {
            event_id,
            history,
            code,
        }) => {
            view["result"] = json!("nondeterminism");
            view["event_id"] = json!(event_id.0);
            view["history"] = json!(history);
            view["code"] = json!(code);
        }
        Err(ReplayError::Failed { event_id, failure }) => {
            view["result"] = json!("failed");
            view["event_id"] = json!(event_id.0);
            view["why"] = json!(failure.to_string());
        }
    }
    view
}

fn step_json((id, event, commands): &(u64, String, Vec<String>)) -> Value {
    json!({ "event_id": id, "event": event, "commands": commands })
}
