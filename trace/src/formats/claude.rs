//! Sessions of Claude Code, sidechains and checkpoint copies included.
//!
//! Neighbours: `envelope` takes user turns apart. Results do not name their tool, so calls are remembered. Progress
//! lines, snapshots and titles of other sessions are passed over without a full parse.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::envelope;
use super::harness;
use super::raw::{self, Content, Loose, Probe, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{
    AssistantTurn, Body, ProviderError, Text, ToolCall, ToolResult, UserTurn, floor_char, iso_to_ms,
};
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};

const SPOKEN_BYTES_MAX: usize = 1024;
const PLAN_START: &str = "Implement the following plan:";
const INTERRUPT_START: &str = "[Request interrupted by user";

/// Reads a session.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Claude {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    subtype: Raw<'a>,
    #[serde(borrow, rename = "sessionId")]
    session_id: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow, rename = "isMeta")]
    is_meta: Raw<'a>,
    #[serde(borrow, rename = "isSidechain")]
    is_sidechain: Raw<'a>,
    #[serde(borrow, rename = "isCompactSummary")]
    is_compact_summary: Raw<'a>,
    #[serde(borrow, rename = "isApiErrorMessage")]
    is_api_error: Raw<'a>,
    /// The plan that the turn has carried out, when the harness wrote it for that.
    #[serde(borrow, rename = "planContent")]
    plan_content: Raw<'a>,
    #[serde(borrow)]
    origin: Loose<Origin<'a>>,
    #[serde(borrow)]
    message: Loose<Message<'a>>,
    #[serde(borrow)]
    error: Raw<'a>,
}

/// Where a turn in the user role comes from; older versions do not say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Origin<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    content: Content<'a, Item<'a>>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow)]
    stop_reason: Raw<'a>,
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
    input: Raw<'a>,
    #[serde(borrow)]
    tool_use_id: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    is_error: Raw<'a>,
}

pub(super) const SPEC: Spec = Spec {
    name: "claude",
    recognised: Recognised::ByLine {
        line: recognises,
        start: recognises_start,
    },
    framing: super::lines,
    reader: super::revived::<Claude>,
};

fn recognises(probe: &Probe<'_>) -> bool {
    let has_ids = probe.uuid.is_some() || probe.session_id.is_some();
    match probe.kind() {
        "user" | "assistant" => probe.message.is_some(),
        "system" | "progress" | "attachment" => has_ids && probe.payload.is_none(),
        "file-history-snapshot" => probe.message_id.is_some(),
        "summary" => probe.leaf_uuid.is_some(),
        "queue-operation" | "permission-mode" | "mode" | "last-prompt" | "ai-title" | "pr-link" => {
            probe.session_id.is_some()
        }
        "" => {
            probe.session_id.is_some()
                && probe.trace_schema.is_none()
                && probe.message.is_some_and(|m| m.get().starts_with('{'))
        }
        _ => false,
    }
}

fn recognises_start(start: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(start, needle).is_some();
    let is_turn = has(b"\"user\"") || has(b"\"assistant\"");
    (has(b"\"sessionId\"") && (has(b"\"parentUuid\"") || is_turn))
        || start.starts_with(b"{\"type\":\"file-history-snapshot\"")
}

/// Whether the line is of a type that holds nothing to mine; seen by its beginning, as these are many and long.
fn is_passed_over(line: &str) -> bool {
    let start = &line.as_bytes()[..line.len().min(1024)];
    if !line.trim_end().ends_with('}') {
        return false;
    }
    start.starts_with(b"{\"type\":\"file-history-snapshot\"")
        || memchr::memmem::find(start, b"\"type\":\"progress\",\"data\":{").is_some()
}

impl FormatReader for Claude {
    fn read(&mut self, line: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        if self.session_id.is_some() && is_passed_over(line) {
            return Ok(());
        }
        let line: Line<'_> = raw::parse_line(line)?;
        if self.session_id.is_none() && !raw::inside(line.session_id).is_empty() {
            self.session_id = Some(raw::string(line.session_id).into_owned());
        }
        let at_ms = iso_to_ms(raw::inside(line.timestamp));
        match (raw::inside(line.kind), raw::inside(line.message.0.role)) {
            ("user", _) | ("", "user") => self.user(at_ms, &line, sink),
            ("assistant", _) | ("", "assistant") => self.assistant(at_ms, &line, sink),
            ("system", _) if raw::inside(line.subtype) == "api_error" => {
                let message = Cow::Borrowed(line.error.map_or("", |error| error.get()));
                sink(at_ms, provider_error(message, Cow::Borrowed("")));
            }
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }
}

fn provider_error<'a>(message: Cow<'a, str>, model: Cow<'a, str>) -> Body<'a> {
    Body::ProviderError(ProviderError {
        message,
        provider: Cow::Borrowed("anthropic"),
        model,
        echo: false,
        partial: false,
    })
}

impl Claude {
    fn user(&mut self, at_ms: Option<i64>, line: &Line<'_>, sink: &mut Sink<'_>) {
        let is = |field: Raw<'_>| raw::boolean(field) == Some(true);
        let by_a_person = !is(line.is_sidechain) && !is(line.is_compact_summary);
        let mut text: Cow<'_, str> = Cow::Borrowed("");
        match &line.message.0.content {
            Content::Text(whole) => {
                text = Cow::Borrowed(&whole[..floor_char(whole, USER_TEXT_BYTES_MAX)]);
            }
            Content::Items(items) => {
                for item in items {
                    match raw::inside(item.kind) {
                        "tool_result" => self.tool_result(at_ms, item, sink),
                        "text" if text.is_empty() => {
                            text = raw::string_head(item.text, USER_TEXT_BYTES_MAX);
                        }
                        "text" => {
                            let more = raw::string_head(item.text, USER_TEXT_BYTES_MAX);
                            if text.len() < USER_TEXT_BYTES_MAX {
                                text = Cow::Owned(format!("{text}\n{more}"));
                            }
                        }
                        _ => {}
                    }
                }
            }
            Content::None => return,
        }
        if text.trim().is_empty() {
            return;
        }
        if by_a_person && text.trim_start().starts_with(INTERRUPT_START) {
            sink(at_ms, Body::Interrupt(text));
            return;
        }
        let is_injected = matches!(
            raw::inside(line.origin.0.kind),
            "auto-continuation" | "coordinator" | "peer" | "task-notification"
        );
        let human = if !by_a_person || harness::is_hook_notice(&text) {
            String::new()
        } else if line.plan_content.is_some() && text.starts_with(PLAN_START) {
            harness::feedback_on_plan(&text).to_owned()
        } else if is_injected {
            String::new()
        } else if is(line.is_meta) {
            envelope::arguments_of_filled_prompt(&text).to_owned()
        } else {
            envelope::unwrap_coding(&text, &harness::CLAUDE).into_owned()
        };
        sink(
            at_ms,
            Body::User(UserTurn {
                text,
                human,
                waiting: true,
            }),
        );
    }

    fn tool_result(&mut self, at_ms: Option<i64>, item: &Item<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(item.tool_use_id);
        let call = self.calls.answered(&id);
        let is_error = raw::boolean(item.is_error);
        let text = raw::content_text(item.content);
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                exit_code: if is_error == Some(true) {
                    leading_exit_code(text)
                } else {
                    None
                },
                tool: Cow::Borrowed(&call.tool),
                command: Cow::Borrowed(&call.command),
                is_error,
                text,
                ..ToolResult::default()
            }),
        );
    }

    fn assistant(&mut self, at_ms: Option<i64>, line: &Line<'_>, sink: &mut Sink<'_>) {
        let message = &line.message.0;
        let (mut calls_tools, mut spoken) = (false, Cow::Borrowed(""));
        match &message.content {
            Content::Items(items) => {
                for item in items {
                    match raw::inside(item.kind) {
                        "tool_use" => {
                            calls_tools = true;
                            let (id, name) = (raw::string(item.id), raw::string(item.name));
                            let args = item.input.map_or("", |value| value.get());
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
        if raw::boolean(line.is_api_error) == Some(true) {
            let cut = floor_char(&spoken, MESSAGE_BYTES_MAX);
            let text = Cow::Borrowed(&spoken[..cut]);
            sink(at_ms, provider_error(text, raw::string(message.model)));
            return;
        }
        let ends = raw::inside(message.stop_reason) == "end_turn";
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

/// The code of a result that starts with `Exit code N`.
fn leading_exit_code(text: Text<'_>) -> Option<i64> {
    let head = text.head(32);
    let rest = head.strip_prefix("Exit code ")?;
    let digits: &str = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
