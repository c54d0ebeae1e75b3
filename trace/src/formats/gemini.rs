//! Chats of Gemini CLI: one document with a list of messages, or one message a line since the first half of 2026.
//!
//! Neighbours: `blocks` for turns. In the line form a message is written again whole when its calls are done, and
//! `$set` and `$rewindTo` edit the list: what was taken back did happen, so it stays, and nothing is told twice.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, Text, ToolCall, ToolResult, iso_to_ms};
use crate::json;
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
/// The tool that runs commands.
const SHELL: &str = "run_shell_command";
/// How much of what a command printed may follow on its exit code, bytes.
const FOOTER_BYTES_MAX: usize = 512;

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
    /// What was typed, where the content is what was made of it: files named in it, prompts behind a command.
    #[serde(borrow, rename = "displayContent")]
    display_content: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow, rename = "toolCalls")]
    tool_calls: Option<List<Call<'a>>>,
}

impl Record<'_> {
    fn is_blank_turn(&self) -> bool {
        raw::inside(self.kind) == "gemini"
            && self.tool_calls.as_deref().unwrap_or_default().is_empty()
            && raw::content_text(self.content)
                .head(SPOKEN_BYTES_MAX)
                .trim()
                .is_empty()
    }
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
        // In the line form a turn is written before its calls are done. Without words it says nothing until then, and
        // is no empty answer.
        if record.is_blank_turn() {
            return Ok(());
        }
        let is_new = self.is_new(raw::inside(record.id));
        match raw::inside(record.kind) {
            "user" if is_new => {
                let text = raw::content_text(record.content).head(USER_TEXT_BYTES_MAX);
                // Results of tools go back to the model in the user role, and are told with their calls.
                if text.trim().is_empty() {
                    return Ok(());
                }
                if self.is_child {
                    blocks::nobody(at_ms, text, sink);
                } else {
                    let shown = raw::content_text(record.display_content).head(USER_TEXT_BYTES_MAX);
                    let typed = if shown.trim().is_empty() { text } else { shown };
                    blocks::person(at_ms, typed, &harness::GEMINI, sink);
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
        let output = raw::inside(response.output.or(response.error));
        let printed = if raw::inside(call.name) == SHELL {
            Printed::of(output)
        } else {
            Printed::whole(output)
        };
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: name,
                command: Cow::Owned(command),
                is_error: Some(status == "error"),
                exit_code: printed.exit_code,
                error: raw::string_head(response.error, MESSAGE_BYTES_MAX),
                text: Text {
                    first: printed.text,
                    last: "",
                },
                ..ToolResult::default()
            }),
        );
    }
}

fn response(result: Raw<'_>) -> Response<'_> {
    let parts = result.map_or("", |value| value.get());
    let parts: List<Part<'_>> = json::from_str(parts).unwrap_or_default();
    let first = parts.into_iter().next().unwrap_or_default();
    first.0.function_response.0.response.0
}

/// What a command printed, without the lines that the tool writes around it. A command that failed is still a call that
/// succeeded.
#[derive(Debug, PartialEq, Eq)]
struct Printed<'a> {
    text: &'a str,
    exit_code: Option<i64>,
}

impl<'a> Printed<'a> {
    fn whole(text: &'a str) -> Self {
        Self {
            text,
            exit_code: None,
        }
    }

    /// `text` is the inside of a JSON string: its line breaks are two characters.
    fn of(text: &'a str) -> Self {
        const CODE: &str = "\\nExit Code: ";
        let mut from = text.len().saturating_sub(FOOTER_BYTES_MAX);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let Some(place) = text[from..].rfind(CODE) else {
            return Self::whole(text);
        };
        let code = &text[from + place + CODE.len()..];
        let digits = code
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(code.len());
        let Ok(exit_code) = code[..digits].parse() else {
            return Self::whole(text);
        };
        let printed = &text[..from + place];
        let start = printed.strip_prefix("<untrusted_context>\\n");
        let printed = start.unwrap_or(printed);
        Self {
            text: printed.strip_prefix("Output: ").unwrap_or(printed),
            exit_code: Some(exit_code),
        }
    }
}
