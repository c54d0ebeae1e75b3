//! Event lists of OpenHands: a list of actions and observations, or batches of runs with such a list in each line.
//!
//! Neighbours: `blocks` for turns. In a batch the first message is a benchmark's task, typed by nobody.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, ToolCall, ToolResult, iso_to_ms};
use crate::json;
use crate::json_path::Outline;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "openhands",
    recognised: Recognised::ByPaths(recognises),
    framing: |_| Framing::Values(&["[]", "history[]"]),
    reader: super::revived::<OpenHands>,
};

const SPOKEN_BYTES_MAX: usize = 1024;
const COMMAND_BYTES_MAX: usize = 400;

#[derive(Debug, Default, Serialize, Deserialize)]
struct OpenHands {
    session_id: Option<String>,
    calls: Calls,
    is_batch: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    instance_id: Raw<'a>,
    #[serde(borrow)]
    instruction: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    source: Raw<'a>,
    #[serde(borrow)]
    action: Raw<'a>,
    #[serde(borrow)]
    observation: Raw<'a>,
    #[serde(borrow)]
    cause: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    thought: Raw<'a>,
    #[serde(borrow)]
    command: Raw<'a>,
    #[serde(borrow)]
    exit_code: Raw<'a>,
    #[serde(borrow)]
    args: Raw<'a>,
    #[serde(borrow)]
    extras: Loose<Extras<'a>>,
    #[serde(borrow)]
    tool_call_metadata: Loose<CallMetadata<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Args<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    thought: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Extras<'a> {
    #[serde(borrow)]
    exit_code: Raw<'a>,
    #[serde(borrow)]
    agent_state: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    metadata: Loose<Metadata<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    exit_code: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct CallMetadata<'a> {
    #[serde(borrow)]
    function_name: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    let is_list = |list: &str| {
        let has = |key: &str| outline.has(&format!("{list}.{key}"));
        (has("action") || has("observation"))
            && (has("source") || has("args") || has("extras") || has("is_confirmed"))
    };
    is_list("[]") || is_list("history[]") || (outline.has("history") && outline.has("test_result"))
}

impl FormatReader for OpenHands {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let record: Record<'_> = raw::parse_line(record)?;
        if record.instance_id.is_some() || record.instruction.is_some() {
            self.is_batch = true;
            if self.session_id.is_none() && record.instance_id.is_some() {
                self.session_id = Some(raw::string(record.instance_id).into_owned());
            }
            return Ok(());
        }
        let at_ms = iso_to_ms(raw::inside(record.timestamp));
        if !raw::inside(record.observation).is_empty() {
            self.observation(at_ms, &record, sink);
        } else if !raw::inside(record.action).is_empty() {
            self.action(at_ms, &record, sink);
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl OpenHands {
    fn action(&mut self, at_ms: Option<i64>, record: &Record<'_>, sink: &mut Sink<'_>) {
        let args = record.args.map_or("", |value| value.get());
        let told: Args<'_> = json::from_str(args).unwrap_or_default();
        let action = raw::inside(record.action);
        match (raw::inside(record.source), action) {
            ("user", "message") => {
                let text = told.content.or(record.content).or(record.message);
                let text = raw::string_head(text, USER_TEXT_BYTES_MAX);
                if self.is_batch {
                    blocks::nobody(at_ms, text, sink);
                } else {
                    blocks::person(at_ms, text, &harness::ANY, sink);
                }
            }
            (_, "message" | "finish") => {
                let mut texts = [told.content, told.thought, record.content, record.message]
                    .into_iter()
                    .filter(|text| !raw::inside(*text).is_empty());
                let text = raw::string_head(texts.next().flatten(), SPOKEN_BYTES_MAX);
                sink(at_ms, blocks::assistant(text, false));
            }
            (_, "system" | "recall" | "change_agent_state" | "null" | "think") => {}
            _ => {
                let id = number(record.id);
                let name = tool_name(record, action);
                let own = record
                    .command
                    .map(|command| format!("{{\"command\":{}}}", command.get()));
                let args = own.as_deref().unwrap_or(args);
                self.calls.opened(&id, &name, args);
                let text = raw::string_head(told.thought.or(record.thought), SPOKEN_BYTES_MAX);
                let call = ToolCall {
                    id: Cow::Owned(id),
                    name,
                    args,
                };
                sink(at_ms, Body::ToolCall(call));
                sink(at_ms, blocks::assistant(text, true));
            }
        }
    }

    fn observation(&mut self, at_ms: Option<i64>, record: &Record<'_>, sink: &mut Sink<'_>) {
        let extras = &record.extras.0;
        let kind = raw::inside(record.observation);
        match kind {
            "agent_state_changed" if raw::inside(extras.agent_state) == "error" => sink(
                at_ms,
                Body::ProviderError(ProviderError {
                    message: raw::string_head(extras.reason, MESSAGE_BYTES_MAX),
                    ..ProviderError::default()
                }),
            ),
            "agent_state_changed" | "null" | "recall" | "think" | "" => {}
            _ => {
                let id = number(record.cause);
                let call = self.calls.answered(&id);
                let tool = tool_name(record, kind);
                let command = if call.command.is_empty() {
                    raw::string_head(record.command, COMMAND_BYTES_MAX)
                } else {
                    Cow::Owned(call.command)
                };
                let exit_code = extras.metadata.0.exit_code.or(extras.exit_code);
                let code = raw::int(exit_code.or(record.exit_code));
                // No program ends with -1: the shell was asked before the command was done.
                let still_runs = code == Some(-1);
                sink(
                    at_ms,
                    Body::ToolResult(ToolResult {
                        id: Cow::Owned(id),
                        tool: if call.tool.is_empty() {
                            tool
                        } else {
                            Cow::Owned(call.tool)
                        },
                        command,
                        is_error: Some(kind == "error"),
                        exit_code: code.filter(|_| !still_runs),
                        status: Cow::Borrowed(if still_runs { "running" } else { "" }),
                        text: blocks::whole(record.content),
                        ..ToolResult::default()
                    }),
                );
            }
        }
    }
}

/// The function that was called, where it is told; `run` is the shell.
fn tool_name<'a>(record: &Record<'a>, kind: &'a str) -> Cow<'a, str> {
    let name = raw::inside(record.tool_call_metadata.0.function_name);
    match name {
        "" if kind == "run" => Cow::Borrowed("bash"),
        "execute_bash" => Cow::Borrowed("bash"),
        "" => Cow::Borrowed(kind),
        name => crate::event::unescape(name),
    }
}

/// An id that is a number.
fn number(field: Raw<'_>) -> String {
    field.map_or("", |value| value.get()).to_owned()
}
