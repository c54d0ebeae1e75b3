//! Events of Copilot CLI: `{type, data, id, timestamp, parentId}`, one a line.
//!
//! Neighbours: `blocks` for turns. Hooks are nearly half of the lines and say nothing of the session. A call is
//! told by its start; the message that asked for it repeats it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{AssistantTurn, Body, ProviderError, Text, ToolCall, ToolResult, iso_to_ms};
use crate::json_path::Outline;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};

pub(super) const SPEC: Spec = Spec {
    name: "copilot",
    recognised: Recognised::ByPaths(recognises),
    framing: super::lines,
    reader: super::revived::<Copilot>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Copilot {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    data: Loose<Data<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow, rename = "sessionId")]
    session_id: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow, rename = "toolRequests")]
    tool_requests: Raw<'a>,
    #[serde(borrow, rename = "toolCallId")]
    tool_call_id: Raw<'a>,
    #[serde(borrow, rename = "toolName")]
    tool_name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
    #[serde(borrow)]
    success: Raw<'a>,
    #[serde(borrow)]
    result: Loose<Outcome<'a>>,
    #[serde(borrow)]
    error: Loose<Outcome<'a>>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    /// Of a user's message that was not simply typed: what put it there.
    #[serde(borrow)]
    source: Raw<'a>,
    #[serde(borrow, rename = "isAutopilotContinuation")]
    is_autopilot_continuation: Raw<'a>,
    #[serde(borrow, rename = "outputTokens")]
    output_tokens: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Outcome<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    let kind = outline.text("type");
    let is_event = ["session.", "assistant.", "user.", "tool.execution_"]
        .iter()
        .any(|start| kind.starts_with(start));
    is_event && outline.has("data") && outline.has("id") && outline.has("timestamp")
}

impl FormatReader for Copilot {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(record)?;
        let at_ms = iso_to_ms(raw::inside(line.timestamp));
        let data = line.data.0;
        match raw::inside(line.kind) {
            "session.start" if self.session_id.is_none() => {
                self.session_id = Some(raw::string(data.session_id).into_owned());
            }
            "user.message" => {
                let text = raw::string_head(data.content, USER_TEXT_BYTES_MAX);
                if is_injected(&data) {
                    blocks::nobody(at_ms, text, sink);
                } else {
                    blocks::person(at_ms, text, &harness::COPILOT, sink);
                }
            }
            "assistant.message" => {
                let asked = data.tool_requests.map_or("", |list| list.get());
                let calls_tools = asked.starts_with('[') && asked.contains('{');
                let text = raw::string_head(data.content, SPOKEN_BYTES_MAX);
                let is_unwritten = text.is_empty()
                    && !calls_tools
                    && raw::int(data.output_tokens).is_some_and(|tokens| tokens > 0);
                sink(
                    at_ms,
                    Body::Assistant(AssistantTurn {
                        text,
                        calls_tools,
                        // A turn that was paid for and holds nothing was shown to the person and not written down.
                        ends: !calls_tools && !is_unwritten,
                    }),
                );
            }
            "tool.execution_start" => {
                let (id, name) = (raw::string(data.tool_call_id), raw::string(data.tool_name));
                let args = data.arguments.map_or("", |value| value.get());
                self.calls.opened(&id, &name, args);
                sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
            }
            "tool.execution_complete" => self.result(at_ms, &data, sink),
            "session.error" => sink(
                at_ms,
                Body::ProviderError(ProviderError {
                    message: raw::string_head(data.message, MESSAGE_BYTES_MAX),
                    model: raw::string(data.model),
                    ..ProviderError::default()
                }),
            ),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

/// Whether a message in the user role comes from a skill, another agent or the harness. Other sources are ways in which
/// a person's message came.
fn is_injected(data: &Data<'_>) -> bool {
    let source = raw::inside(data.source);
    raw::boolean(data.is_autopilot_continuation) == Some(true)
        || matches!(source, "autopilot" | "jit-instruction" | "system")
        || source.starts_with("skill-")
        || source.starts_with("agent-")
}

impl Copilot {
    fn result(&mut self, at_ms: Option<i64>, data: &Data<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(data.tool_call_id);
        let call = self.calls.answered(&id);
        let text = blocks::whole(data.result.0.content.or(data.error.0.message));
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: Cow::Borrowed(&call.tool),
                command: Cow::Borrowed(&call.command),
                is_error: raw::boolean(data.success).map(|success| !success),
                exit_code: exit_code(text),
                error: raw::string_head(data.error.0.message, MESSAGE_BYTES_MAX),
                text,
                ..ToolResult::default()
            }),
        );
    }
}

/// The code in the last line of a command's output: `<shellId: 0 completed with exit code 1>`.
fn exit_code(text: Text<'_>) -> Option<i64> {
    let tail = if text.first.len() <= 96 {
        text.head(96)
    } else {
        text.tail(96)
    };
    let last = tail.trim_end().lines().next_back()?;
    let code = last.strip_prefix("<shellId: ")?.strip_suffix('>')?;
    let (_, code) = code.rsplit_once(" completed with exit code ")?;
    code.parse().ok()
}
