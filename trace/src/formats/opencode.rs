//! Sessions of OpenCode: an exported document with a list of messages and their parts, or one message a line.
//!
//! Neighbours: `blocks` for turns. Lines are what the activities make of its storage, one file for each message and
//! part; the first has `storage` and tells of the session. Its later database is not read: `opencode export` writes the
//! document from either.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, ToolCall, ToolResult};
use crate::json_path::Outline;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "opencode",
    recognised: Recognised::ByPaths(recognises),
    framing: |head| {
        if head.has("storage") {
            Framing::Lines
        } else {
            Framing::Values(&["messages[]", "info"])
        }
    },
    reader: super::revived::<OpenCode>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct OpenCode {
    session_id: Option<String>,
    /// Whether another session began this one: then its user role is that session's model.
    #[serde(default)]
    is_child: bool,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    info: Loose<Info<'a>>,
    #[serde(borrow)]
    parts: Option<Vec<Loose<Part<'a>>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Info<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    role: Raw<'a>,
    /// Of a session, the one that began it; of a message, the one that it answers.
    #[serde(borrow, rename = "parentID")]
    parent_id: Raw<'a>,
    /// `true` on a message of the model that sums up what was said.
    #[serde(borrow)]
    summary: Raw<'a>,
    #[serde(borrow)]
    time: Loose<Time<'a>>,
    #[serde(borrow)]
    error: Option<Loose<Failed<'a>>>,
    #[serde(borrow, rename = "providerID")]
    provider_id: Raw<'a>,
    #[serde(borrow, rename = "modelID")]
    model_id: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Time<'a> {
    #[serde(borrow)]
    created: Raw<'a>,
    #[serde(borrow)]
    start: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Failed<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    data: Loose<FailedData<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct FailedData<'a> {
    #[serde(borrow)]
    message: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    text: Raw<'a>,
    #[serde(borrow)]
    synthetic: Raw<'a>,
    #[serde(borrow, rename = "callID")]
    call_id: Raw<'a>,
    #[serde(borrow)]
    tool: Raw<'a>,
    #[serde(borrow)]
    state: Loose<State<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State<'a> {
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    input: Raw<'a>,
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    time: Loose<Time<'a>>,
    #[serde(borrow)]
    metadata: Loose<Metadata<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    /// Of a command; null when it was killed.
    #[serde(borrow)]
    exit: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    let is_document = outline.has("messages[].info.role") && outline.has("messages[].parts");
    outline.has("info.id") && (is_document || outline.has("storage"))
}

impl FormatReader for OpenCode {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let record: Record<'_> = raw::parse_line(record)?;
        let info = record.info.0;
        let Some(parts) = record.parts else {
            if self.session_id.is_none() && info.id.is_some() {
                self.session_id = Some(raw::string(info.id).into_owned());
                self.is_child = !raw::inside(info.parent_id).is_empty();
            }
            return Ok(());
        };
        let at_ms = raw::int(info.time.0.created);
        match raw::inside(info.role) {
            "user" => user(at_ms, &parts, self.is_child, sink),
            "assistant" if raw::boolean(info.summary) == Some(true) => {}
            "assistant" => self.assistant(at_ms, &info, &parts, sink),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

fn texts<'a>(parts: &'a [Loose<Part<'a>>]) -> impl Iterator<Item = Raw<'a>> {
    let parts = parts.iter().map(|Loose(part)| part);
    parts
        .filter(|part| raw::inside(part.kind) == "text")
        .filter(|part| raw::boolean(part.synthetic) != Some(true))
        .map(|part| part.text)
}

fn user(at_ms: Option<i64>, parts: &[Loose<Part<'_>>], is_child: bool, sink: &mut Sink<'_>) {
    let mut said = String::new();
    for text in texts(parts) {
        if said.len() >= USER_TEXT_BYTES_MAX {
            break;
        }
        if !said.is_empty() {
            said.push('\n');
        }
        said.push_str(&raw::string_head(text, USER_TEXT_BYTES_MAX));
    }
    if said.trim().is_empty() {
        return;
    }
    if is_child {
        blocks::nobody(at_ms, Cow::Owned(said), sink);
    } else {
        blocks::person(at_ms, Cow::Owned(said), sink);
    }
}

impl OpenCode {
    fn assistant(
        &mut self,
        at_ms: Option<i64>,
        info: &Info<'_>,
        parts: &[Loose<Part<'_>>],
        sink: &mut Sink<'_>,
    ) {
        let mut calls_tools = false;
        for Loose(part) in parts {
            if raw::inside(part.kind) == "tool" {
                calls_tools = true;
                self.tool(at_ms, part, sink);
            }
        }
        let text = raw::string_head(texts(parts).next().flatten(), SPOKEN_BYTES_MAX);
        let Some(Loose(failed)) = &info.error else {
            // A message goes on after its tools: its text is the last word.
            sink(at_ms, blocks::assistant(text, false));
            return;
        };
        let message = raw::string_head(failed.data.0.message, MESSAGE_BYTES_MAX);
        if raw::inside(failed.name) == "MessageAbortedError" {
            sink(at_ms, Body::Interrupt(message));
            return;
        }
        let message = if message.is_empty() {
            raw::string(failed.name)
        } else {
            message
        };
        sink(
            at_ms,
            Body::ProviderError(ProviderError {
                message,
                provider: raw::string(info.provider_id),
                model: raw::string(info.model_id),
                echo: false,
                partial: calls_tools || !text.is_empty(),
            }),
        );
    }

    fn tool(&mut self, at_ms: Option<i64>, part: &Part<'_>, sink: &mut Sink<'_>) {
        let state = &part.state.0;
        let at_ms = raw::int(state.time.0.start).or(at_ms);
        let (id, name) = (raw::string(part.call_id), raw::string(part.tool));
        let args = state.input.map_or("", |value| value.get());
        self.calls.opened(&id, &name, args);
        sink(
            at_ms,
            Body::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                args,
            }),
        );
        let status = raw::inside(state.status);
        if !matches!(status, "completed" | "error") {
            return;
        }
        let command = self.calls.answered(&id).command;
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: name,
                command: Cow::Owned(command),
                is_error: Some(status == "error"),
                // A command that failed is still a call that completed.
                exit_code: raw::int(state.metadata.0.exit),
                error: raw::string_head(state.error, MESSAGE_BYTES_MAX),
                text: blocks::whole(state.output.or(state.error)),
                ..ToolResult::default()
            }),
        );
    }
}
