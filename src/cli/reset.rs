//! `reset`: a new run in the place of one, with its history up to a point.

use std::process::ExitCode;

use kernel::{Reapply, ResetPlan, ResetTo, Taking};
use serde_json::json;

use super::args::Global;
use super::confirm::{Said, confirm};
use super::output;
use super::reset_args::ResetArgs;
use crate::control::{Answer, MadeRun, Making, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render;

pub(super) async fn run(global: &Global, args: ResetArgs) -> Result<ExitCode, FaceError> {
    let making = Making {
        taking: Taking::Reset,
        to: args.to,
        input: None,
        signals: args.edits.signal,
        results: args.edits.result,
        reapply: reapply(args.edits.no_reapply),
        workflow_id: None,
        reason: args.reason,
    };
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let done = if args.preview {
        show(global, &host, &args.id, &making).await
    } else if args.yes {
        make(global, &host, &args.id, making).await
    } else {
        ask(global, &host, &args.id, making).await
    };
    host.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

pub(super) fn reapply(no_reapply: bool) -> Reapply {
    if no_reapply {
        Reapply::None
    } else {
        Reapply::All
    }
}

/// The preview alone.
pub(super) async fn show(
    global: &Global,
    host: &Host,
    id: &str,
    making: &Making,
) -> Result<(), FaceError> {
    let plan = preview(host, id, making).await?;
    if global.json {
        return output::json(&json!({ "done": false, "plan": render::reset_json(&plan) }));
    }
    output::text_out(&render::reset_text(&plan, making.taking));
    if let Some(moved) = moved(making, &plan) {
        output::text_out(&moved);
    }
    Ok(())
}

async fn ask(global: &Global, host: &Host, id: &str, making: Making) -> Result<(), FaceError> {
    let plan = preview(host, id, &making).await?;
    // The answer is for stdout; what is asked about goes where the question goes.
    output::note(false, &render::reset_text(&plan, making.taking));
    if let Some(moved) = moved(&making, &plan) {
        output::note(false, &moved);
    }
    match confirm("Reset it?")? {
        Said::Yes => make(global, host, id, making).await,
        Said::No => {
            output::note(global.quiet, "nothing was changed");
            Ok(())
        }
    }
}

/// Why the point is not the event that was named, if it is another one.
fn moved(making: &Making, plan: &ResetPlan) -> Option<String> {
    let ResetTo::Event(named) = making.to else {
        return None;
    };
    let point = plan.event_id;
    (named != point).then(|| {
        format!(
            "\nEvent {named} was asked for by workflow task {point}: the whole task is done again."
        )
    })
}

async fn preview(host: &Host, id: &str, making: &Making) -> Result<ResetPlan, FaceError> {
    let request = Request::Preview {
        id: id.to_owned(),
        making: Box::new(making.clone()),
    };
    match host.ask(request).await? {
        Answer::Plan(plan) => Ok(*plan),
        _other => Err(FaceError::internal("another question was answered")),
    }
}

pub(super) async fn make(
    global: &Global,
    host: &Host,
    id: &str,
    making: Making,
) -> Result<(), FaceError> {
    let taking = making.taking;
    let request = Request::Make {
        id: id.to_owned(),
        making: Box::new(making),
    };
    let Answer::Made(made) = host.ask(request).await? else {
        return Err(FaceError::internal("another question was answered"));
    };
    let MadeRun {
        workflow_id,
        run_id,
        plan,
    } = *made;
    if global.json {
        return output::json(&json!({
            "done": true,
            "workflow_id": workflow_id,
            "run_id": run_id,
            "plan": render::reset_json(&plan),
        }));
    }
    let event = plan.event_id;
    let text = match taking {
        Taking::Reset => format!("run {workflow_id}: reset to event {event} as run {run_id}"),
        Taking::Fork => format!("run {workflow_id}: forked at event {event} as run {run_id}"),
    };
    output::text_out(&text);
    output::note(
        global.quiet,
        &format!("`openclaw-trace resume {workflow_id}` goes on with it, unless `serve` does"),
    );
    Ok(())
}
