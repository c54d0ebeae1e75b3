//! `graph`: the stages and children of a run as text, Mermaid or DOT.

use std::process::ExitCode;

use super::args::{Global, GraphArgs, GraphFormat};
use super::output;
use crate::control::{Answer, Request};
use crate::face_error::FaceError;
use crate::host::{Host, Missing, Role, default_state_dir};
use crate::render::graph;

pub(super) async fn run(global: &Global, args: GraphArgs) -> Result<ExitCode, FaceError> {
    let state = global.state.clone().map_or_else(default_state_dir, Ok)?;
    let host = Host::open(&state, Role::Visitor, Missing::Refuse).await?;
    let mut children = Vec::new();
    let answer = host.ask(Request::Status { id: args.id }).await;
    if let Ok(Answer::Status(status)) = &answer {
        for child in &status.children {
            let request = Request::Status {
                id: child.workflow_id.clone(),
            };
            if let Ok(Answer::Status(child)) = host.ask(request).await {
                children.push(*child);
            }
        }
    }
    host.close().await;
    let Answer::Status(status) = answer? else {
        return Err(FaceError::internal("the owner gave no status"));
    };
    if global.json {
        output::json(&serde_json::json!({ "run": status, "children": children }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::text_out(&match args.format {
        GraphFormat::Text => graph::text(&status, &children),
        GraphFormat::Mermaid => graph::mermaid(&status, &children),
        GraphFormat::Dot => graph::dot(&status, &children),
    });
    Ok(ExitCode::SUCCESS)
}
