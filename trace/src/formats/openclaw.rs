//! Sessions of OpenClaw, its earlier names, and pi, in all layouts since version 1.
//!
//! Neighbours: `envelope` takes user turns apart. Not read as evidence, because they repeat or quote something
//! else: compactions, branch summaries, custom messages, delivery mirrors, injected replies.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::envelope;
use super::raw::{self, Content, Loose, Probe, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{
    AssistantTurn, Body, NoticeKind, ProviderError, Text, ToolCall, ToolResult, UserTurn,
    floor_char, iso_to_ms,
};
use crate::json;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};

const SPOKEN_BYTES_MAX: usize = 1024;

/// Reads a session.
#[derive(Debug, Default, Serialize, Deserialize)]
struct OpenClaw {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    message: Loose<Message<'a>>,
    #[serde(borrow, rename = "customType")]
    custom_type: Raw<'a>,
    #[serde(borrow)]
    data: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    content: Content<'a, Item<'a>>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    provider: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow, rename = "stopReason")]
    stop_reason: Raw<'a>,
    #[serde(borrow, rename = "errorMessage")]
    error_message: Raw<'a>,
    #[serde(borrow, rename = "toolCallId")]
    tool_call_id: Raw<'a>,
    #[serde(borrow, rename = "toolName")]
    tool_name: Raw<'a>,
    #[serde(borrow, rename = "isError")]
    is_error: Raw<'a>,
    #[serde(borrow)]
    details: Loose<Details<'a>>,
    #[serde(borrow)]
    provenance: Loose<Provenance<'a>>,
    #[serde(borrow)]
    command: Raw<'a>,
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow, rename = "exitCode")]
    exit_code: Raw<'a>,
    #[serde(borrow)]
    cancelled: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    text: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow, rename = "exitCode")]
    exit_code: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    disabled: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Provenance<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptError<'a> {
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    provider: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
}

pub(super) const SPEC: Spec = Spec {
    name: "openclaw",
    recognised: Recognised::ByLine {
        line: recognises,
        start: recognises_start,
    },
    framing: super::lines,
    reader: super::revived::<OpenClaw>,
};

fn recognises(probe: &Probe<'_>) -> bool {
    match probe.kind() {
        "session" => probe.id.is_some() && (probe.cwd.is_some() || probe.timestamp.is_some()),
        "message" => probe.message.is_some_and(|m| m.get().contains("\"role\"")),
        "model_change" | "thinking_level_change" | "compaction" | "branch_summary" => {
            probe.timestamp.is_some() && probe.payload.is_none() && probe.uuid.is_none()
        }
        "custom" => probe.data.is_some() && probe.timestamp.is_some(),
        _ => false,
    }
}

fn recognises_start(start: &[u8]) -> bool {
    start.starts_with(b"{\"type\":\"session\",")
        || (start.starts_with(b"{\"type\":\"message\",")
            && memchr::memmem::find(start, b"\"message\":{\"role\":").is_some())
}

impl FormatReader for OpenClaw {
    fn read(&mut self, line: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(line)?;
        let message = &line.message.0;
        let at_ms = iso_to_ms(raw::inside(line.timestamp)).or_else(|| raw::int(message.timestamp));
        match raw::inside(line.kind) {
            "session" if self.session_id.is_none() => {
                self.session_id = Some(raw::string(line.id).into_owned());
            }
            "message" => self.message(at_ms, message, sink),
            "custom" if raw::inside(line.custom_type) == "openclaw:prompt-error" => {
                prompt_error(at_ms, line.data, sink);
            }
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl OpenClaw {
    fn message(&mut self, at_ms: Option<i64>, message: &Message<'_>, sink: &mut Sink<'_>) {
        match raw::inside(message.role) {
            "user" => user(at_ms, message, sink),
            "assistant" => self.assistant(at_ms, message, sink),
            "toolResult" => self.tool_result(at_ms, message, sink),
            "bashExecution" => bash_execution(at_ms, message, sink),
            _ => {}
        }
    }

    fn assistant(&mut self, at_ms: Option<i64>, message: &Message<'_>, sink: &mut Sink<'_>) {
        let stop = raw::inside(message.stop_reason);
        let model = raw::inside(message.model);
        if stop == "injected" || matches!(model, "delivery-mirror" | "gateway-injected") {
            return;
        }
        let (mut calls_tools, mut spoken) = (false, Cow::Borrowed(""));
        match &message.content {
            Content::Items(items) => {
                for item in items {
                    match raw::inside(item.kind) {
                        "toolCall" => {
                            calls_tools = true;
                            let (id, name) = (raw::string(item.id), raw::string(item.name));
                            let args = item.arguments.map_or("", |value| value.get());
                            self.calls.opened(&id, &name, args);
                            sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
                        }
                        "text" if spoken.trim().is_empty() => {
                            spoken = raw::string_head(item.text, SPOKEN_BYTES_MAX);
                        }
                        _ => {}
                    }
                }
            }
            Content::Text(text) => spoken = Cow::Borrowed(text),
            Content::None => {}
        }
        match stop {
            "error" => {
                let mut text = raw::string_head(message.error_message, MESSAGE_BYTES_MAX);
                let partial = calls_tools || !spoken.trim().is_empty();
                if text.trim().is_empty() {
                    text = spoken;
                }
                sink(
                    at_ms,
                    Body::ProviderError(ProviderError {
                        message: text,
                        provider: raw::string(message.provider),
                        model: raw::string(message.model),
                        echo: false,
                        partial,
                    }),
                );
            }
            "aborted" => {
                let text = raw::string_head(message.error_message, MESSAGE_BYTES_MAX);
                sink(at_ms, Body::Interrupt(text));
            }
            _ => {
                let ends = stop == "stop" || (stop.is_empty() && !calls_tools);
                sink(
                    at_ms,
                    Body::Assistant(AssistantTurn {
                        text: spoken,
                        calls_tools,
                        ends,
                    }),
                );
            }
        }
    }

    fn tool_result(&mut self, at_ms: Option<i64>, message: &Message<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(message.tool_call_id);
        let call = self.calls.answered(&id);
        let name = raw::string(message.tool_name);
        let details = &message.details.0;
        let text = match &message.content {
            Content::Items(items) => raw::first_and_last(items.iter().map(|i| raw::inside(i.text))),
            // A string was unescaped on the way; without backslashes it reads the same.
            Content::Text(text) if !text.contains('\\') => Text {
                first: text,
                last: "",
            },
            Content::Text(_) | Content::None => Text::default(),
        };
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: if name.is_empty() {
                    Cow::Borrowed(&call.tool)
                } else {
                    name
                },
                command: Cow::Borrowed(&call.command),
                is_error: raw::boolean(message.is_error),
                status: raw::string(details.status),
                exit_code: raw::int(details.exit_code),
                http_status: raw::int(details.status),
                error: raw::string_head(details.error, MESSAGE_BYTES_MAX),
                disabled: raw::boolean(details.disabled) == Some(true),
                text,
            }),
        );
    }
}

/// A command that the person ran through the harness; a failure of it is the person's to see, yet it is a failure.
fn bash_execution(at_ms: Option<i64>, message: &Message<'_>, sink: &mut Sink<'_>) {
    let cancelled = raw::boolean(message.cancelled) == Some(true);
    sink(
        at_ms,
        Body::ToolResult(ToolResult {
            tool: Cow::Borrowed("bash"),
            command: raw::string_head(message.command, 400),
            exit_code: if cancelled {
                None
            } else {
                raw::int(message.exit_code)
            },
            text: Text {
                first: raw::inside(message.output),
                last: "",
            },
            ..ToolResult::default()
        }),
    );
}

fn prompt_error(at_ms: Option<i64>, data: Raw<'_>, sink: &mut Sink<'_>) {
    let Some(Ok(data)) = data.map(|data| json::from_str::<PromptError<'_>>(data.get())) else {
        return;
    };
    let message = raw::string_head(data.error, MESSAGE_BYTES_MAX);
    if message == "aborted" {
        // The turn itself already says that it was aborted.
        return;
    }
    sink(
        at_ms,
        Body::ProviderError(ProviderError {
            message,
            provider: raw::string(data.provider),
            model: raw::string(data.model),
            echo: true,
            partial: false,
        }),
    );
}

fn user(at_ms: Option<i64>, message: &Message<'_>, sink: &mut Sink<'_>) {
    let text: Cow<'_, str> = match &message.content {
        Content::Text(text) => Cow::Borrowed(&text[..floor_char(text, USER_TEXT_BYTES_MAX)]),
        Content::Items(items) => joined_text(items),
        Content::None => return,
    };
    let mut notices = Vec::new();
    let unwrapped = envelope::unwrap_openclaw(&text, &mut |notice| notices.push(notice));
    let from_session = matches!(
        raw::inside(message.provenance.0.kind),
        "inter_session" | "internal_system" | "internal"
    );
    for notice in notices {
        if notice.kind != NoticeKind::Other {
            sink(at_ms, Body::Notice(notice));
        }
    }
    sink(
        at_ms,
        Body::User(UserTurn {
            human: if from_session {
                String::new()
            } else {
                unwrapped.human
            },
            waiting: !unwrapped.group,
            text,
        }),
    );
}

fn joined_text<'a>(items: &[Item<'a>]) -> Cow<'a, str> {
    let mut texts = items
        .iter()
        .map(|item| item.text)
        .filter(|text| text.is_some());
    let first = raw::string_head(texts.next().flatten(), USER_TEXT_BYTES_MAX);
    let mut joined: Option<String> = None;
    for text in texts {
        let out = joined.get_or_insert_with(|| first.clone().into_owned());
        if out.len() >= USER_TEXT_BYTES_MAX {
            break;
        }
        out.push('\n');
        out.push_str(&raw::string_head(text, USER_TEXT_BYTES_MAX));
    }
    joined.map_or(first, Cow::Owned)
}
