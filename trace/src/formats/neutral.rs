//! The neutral format: one event a line, for agents that have no reader of their own.
//!
//! Neighbours: `docs/FORMATS.md` describes it in full; its example is read by a test here. What it can say is what
//! [`crate::event`] can hold.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::raw::{self, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{AssistantTurn, Body, ProviderError, ToolCall, ToolResult, UserTurn, iso_to_ms};
use crate::json_path::Outline;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};

pub(super) const SPEC: Spec = Spec {
    name: "neutral",
    recognised: Recognised::ByPaths(recognises),
    framing: super::lines,
    reader: super::revived::<Neutral>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Neutral {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    agent_events: Raw<'a>,
    #[serde(borrow)]
    session: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    at: Raw<'a>,
    #[serde(borrow)]
    text: Raw<'a>,
    #[serde(borrow)]
    by_person: Raw<'a>,
    #[serde(borrow)]
    calls_tools: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    tool: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
    #[serde(borrow)]
    is_error: Raw<'a>,
    #[serde(borrow)]
    exit_code: Raw<'a>,
    #[serde(borrow)]
    http_status: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    provider: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    outline.has("agent_events") && outline.has("session")
}

impl FormatReader for Neutral {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(record)?;
        if line.agent_events.is_some() {
            if raw::int(line.agent_events) != Some(1) {
                return Err("agent_events of a version other than 1".to_owned());
            }
            self.session_id = Some(raw::string(line.session).into_owned());
            return Ok(());
        }
        let at_ms = raw::int(line.at).or_else(|| iso_to_ms(raw::inside(line.at)));
        match raw::inside(line.kind) {
            "user" => user(at_ms, &line, sink),
            "assistant" => {
                let calls_tools = raw::boolean(line.calls_tools) == Some(true);
                sink(
                    at_ms,
                    Body::Assistant(AssistantTurn {
                        text: raw::string_head(line.text, SPOKEN_BYTES_MAX),
                        calls_tools,
                        ends: !calls_tools,
                    }),
                );
            }
            "tool_call" => {
                let (id, name) = (raw::string(line.id), raw::string(line.tool));
                let args = line.arguments.map_or("", |value| value.get());
                self.calls.opened(&id, &name, args);
                sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
            }
            "tool_result" => self.result(at_ms, &line, sink),
            "model_error" => sink(
                at_ms,
                Body::ProviderError(ProviderError {
                    message: raw::string_head(line.error, MESSAGE_BYTES_MAX),
                    provider: raw::string(line.provider),
                    model: raw::string(line.model),
                    ..ProviderError::default()
                }),
            ),
            "interrupt" => {
                let text = raw::string_head(line.text, MESSAGE_BYTES_MAX);
                sink(at_ms, Body::Interrupt(text));
            }
            "" => return Err("neither `agent_events` nor `type`".to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

fn user(at_ms: Option<i64>, line: &Line<'_>, sink: &mut Sink<'_>) {
    let text = raw::string_head(line.text, USER_TEXT_BYTES_MAX);
    if raw::boolean(line.by_person) == Some(false) {
        return blocks::nobody(at_ms, text, sink);
    }
    let human = text.trim().to_owned();
    sink(
        at_ms,
        Body::User(UserTurn {
            text,
            human,
            waiting: true,
        }),
    );
}

impl Neutral {
    fn result(&mut self, at_ms: Option<i64>, line: &Line<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(line.id);
        let call = self.calls.answered(&id);
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: if line.tool.is_some() {
                    raw::string(line.tool)
                } else {
                    Cow::Borrowed(&call.tool)
                },
                command: Cow::Borrowed(&call.command),
                is_error: raw::boolean(line.is_error),
                exit_code: raw::int(line.exit_code),
                http_status: raw::int(line.http_status),
                error: raw::string_head(line.error, MESSAGE_BYTES_MAX),
                text: raw::content_text(line.text),
                ..ToolResult::default()
            }),
        );
    }
}
