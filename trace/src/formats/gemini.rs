//! Chats of Gemini CLI: one document with a list of messages, or one message a line since the first half of 2026.
//!
//! Neighbours: `blocks` for turns. In the line form a message is written again whole when its calls are done, and
//! `$set` and `$rewindTo` edit the list: what was taken back did happen, so it stays, and nothing is told twice.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, Text, ToolCall, ToolResult, iso_to_ms};
use crate::json_path::Outline;
use crate::limits::{MESSAGE_BYTES_MAX, PENDING_CALLS_MAX, USER_TEXT_BYTES_MAX};
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "gemini",
    recognised: Recognised::ByPaths(recognises),
    framing: |outline| {
        if outline.has("messages") {
            Framing::Values(&["messages[]"])
        } else {
            Framing::Lines
        }
    },
    reader: super::revived::<Gemini>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Gemini {
    session_id: Option<String>,
    /// Whether another session's model began this one: then its user role is that model.
    #[serde(default)]
    is_child: bool,
    calls: Calls,
    /// Ids of messages and finished calls that were told, as far as they fit.
    told: BTreeSet<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow, rename = "sessionId")]
    session_id: Raw<'a>,
    /// Of the session: `main` or `subagent`.
    #[serde(borrow, rename = "kind")]
    session_kind: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow, rename = "toolCalls")]
    tool_calls: Option<List<Call<'a>>>,
}

/// A list of whatever, of which only objects count.
type List<T> = Vec<Loose<T>>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    args: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    result: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "functionResponse")]
    function_response: Loose<FunctionResponse<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct FunctionResponse<'a> {
    #[serde(borrow)]
    response: Loose<Response<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    outline.has("sessionId") && outline.has("projectHash")
        || (outline.has("messages[].type") && outline.has("lastUpdated"))
}

impl FormatReader for Gemini {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let record: Record<'_> = raw::parse_line(record)?;
        if self.session_id.is_none() && record.session_id.is_some() {
            self.session_id = Some(raw::string(record.session_id).into_owned());
        }
        self.is_child |= raw::inside(record.session_kind) == "subagent";
        let at_ms = iso_to_ms(raw::inside(record.timestamp));
        let is_new = self.is_new(raw::inside(record.id));
        match raw::inside(record.kind) {
            "user" if is_new => {
                let text = raw::content_text(record.content).head(USER_TEXT_BYTES_MAX);
                if self.is_child {
                    blocks::nobody(at_ms, text, sink);
                } else {
                    blocks::person(at_ms, text, sink);
                }
            }
            "error" if is_new => sink(
                at_ms,
                Body::ProviderError(ProviderError {
                    message: raw::content_text(record.content).head(MESSAGE_BYTES_MAX),
                    provider: Cow::Borrowed("google"),
                    ..ProviderError::default()
                }),
            ),
            "gemini" => self.model_turn(at_ms, &record, is_new, sink),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Gemini {
    fn is_new(&mut self, id: &str) -> bool {
        if id.is_empty() || id.len() > 256 {
            return true;
        }
        if self.told.len() >= PENDING_CALLS_MAX * 16 {
            self.told.pop_first();
        }
        self.told.insert(id.to_owned())
    }

    fn model_turn(
        &mut self,
        at_ms: Option<i64>,
        record: &Record<'_>,
        is_new: bool,
        sink: &mut Sink<'_>,
    ) {
        let calls = record.tool_calls.as_deref().unwrap_or_default();
        if is_new {
            let text = raw::content_text(record.content).head(SPOKEN_BYTES_MAX);
            sink(at_ms, blocks::assistant(text, !calls.is_empty()));
        }
        for Loose(call) in calls {
            let status = raw::inside(call.status);
            let is_done = matches!(status, "success" | "error" | "cancelled");
            if is_done && self.is_new(raw::inside(call.id)) {
                let at_ms = iso_to_ms(raw::inside(call.timestamp)).or(at_ms);
                self.tool_call(at_ms, call, sink);
            }
        }
    }

    fn tool_call(&mut self, at_ms: Option<i64>, call: &Call<'_>, sink: &mut Sink<'_>) {
        let (id, name) = (raw::string(call.id), raw::string(call.name));
        let args = call.args.map_or("", |value| value.get());
        self.calls.opened(&id, &name, args);
        let command = self.calls.answered(&id).command;
        sink(
            at_ms,
            Body::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                args,
            }),
        );
        let response = response(call.result);
        let status = raw::string(call.status);
        // A call that the person declined did not fail, and was not done either.
        if status == "cancelled" {
            sink(at_ms, Body::Interrupt(status));
            return;
        }
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: name,
                command: Cow::Owned(command),
                is_error: Some(status == "error"),
                error: raw::string_head(response.error, MESSAGE_BYTES_MAX),
                text: Text {
                    first: raw::inside(response.output.or(response.error)),
                    last: "",
                },
                ..ToolResult::default()
            }),
        );
    }
}

fn response(result: Raw<'_>) -> Response<'_> {
    let parts = result.map_or("", |value| value.get());
    let parts: List<Part<'_>> = serde_json::from_str(parts).unwrap_or_default();
    let first = parts.into_iter().next().unwrap_or_default();
    first.0.function_response.0.response.0
}
