//! Trajectories of SWE-agent: one document, a list of steps with an action and what came of it.
//!
//! Neighbours: `blocks` for turns. The history says the same as the steps and is only read where there are no
//! steps, as in demonstrations. Nobody types anything: the task is a sheet.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, ToolCall, ToolResult};
use crate::json_path::Outline;
use crate::limits::USER_TEXT_BYTES_MAX;
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "swe-agent",
    recognised: Recognised::ByPaths(recognises),
    framing: |_| Framing::Values(&["trajectory[]", "history[]", "info"]),
    reader: super::revived::<SweAgent>,
};

const SPOKEN_BYTES_MAX: usize = 1024;
const COMMAND_BYTES_MAX: usize = 400;

#[derive(Debug, Default, Serialize, Deserialize)]
struct SweAgent {
    steps: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    action: Raw<'a>,
    #[serde(borrow)]
    observation: Raw<'a>,
    #[serde(borrow)]
    thought: Raw<'a>,
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    info: Option<Loose<Info<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Info<'a> {
    #[serde(borrow)]
    exit_status: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    (outline.has("trajectory[].action") && outline.has("trajectory[].observation"))
        || (outline.has("history[].agent") && outline.has("history[].role"))
}

impl FormatReader for SweAgent {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let record: Record<'_> = raw::parse_line(record)?;
        if let Some(Loose(info)) = &record.info {
            run_ended(info, sink);
        } else if record.observation.is_some() {
            self.step(&record, sink);
        } else if self.steps == 0 && record.role.is_some() {
            said(&record, sink);
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        None
    }
}

impl SweAgent {
    fn step(&mut self, record: &Record<'_>, sink: &mut Sink<'_>) {
        self.steps += 1;
        let id = format!("step-{}", self.steps);
        let action = record.action.map_or("\"\"", |value| value.get());
        let args = format!("{{\"command\":{action}}}");
        let thought = raw::string_head(record.thought, SPOKEN_BYTES_MAX);
        sink(
            None,
            Body::ToolCall(ToolCall {
                id: Cow::Borrowed(&id),
                name: Cow::Borrowed("bash"),
                args: &args,
            }),
        );
        sink(None, blocks::assistant(thought, true));
        sink(
            None,
            Body::ToolResult(ToolResult {
                id: Cow::Borrowed(&id),
                tool: Cow::Borrowed("bash"),
                command: raw::string_head(record.action, COMMAND_BYTES_MAX),
                text: blocks::whole(record.observation),
                ..ToolResult::default()
            }),
        );
    }
}

fn said(record: &Record<'_>, sink: &mut Sink<'_>) {
    let text = raw::content_text(record.content);
    match raw::inside(record.role) {
        "user" => blocks::nobody(None, text.head(USER_TEXT_BYTES_MAX), sink),
        "assistant" => {
            let calls_tools = record.action.is_some();
            sink(
                None,
                blocks::assistant(text.head(SPOKEN_BYTES_MAX), calls_tools),
            );
        }
        _ => {}
    }
}

/// A run that ended otherwise than by handing something in was ended by its limits or its model.
fn run_ended(info: &Info<'_>, sink: &mut Sink<'_>) {
    let status = raw::string(info.exit_status);
    if status.starts_with("exit_") {
        sink(
            None,
            Body::ProviderError(ProviderError {
                message: status,
                ..ProviderError::default()
            }),
        );
    }
}
