//! Spans of OpenTelemetry that follow the conventions for generative AI, as OTLP JSON.
//!
//! Neighbours: `blocks` for turns. One document, or one a line as file exporters write them. Spans of models and
//! tools are read; those of agents and workflows only sum them up. A model's span repeats the whole conversation,
//! so of what people said only the messages not seen before are told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, ToolCall, ToolResult, UserTurn};
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "otel",
    recognised: Recognised::ByPaths(|outline| outline.has("resourceSpans[].scopeSpans")),
    framing: |_| Framing::Values(&["resourceSpans[].scopeSpans[].spans[]"]),
    reader: super::revived::<Otel>,
};

/// Conversations whose messages are counted at a time.
const CONVERSATIONS_MAX: usize = 256;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Otel {
    session_id: Option<String>,
    calls: Calls,
    /// Messages of people told so far, by conversation.
    told: BTreeMap<String, usize>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Span<'a> {
    #[serde(borrow, rename = "traceId")]
    trace_id: Raw<'a>,
    #[serde(borrow, rename = "spanId")]
    span_id: Raw<'a>,
    #[serde(borrow, rename = "endTimeUnixNano")]
    end: Raw<'a>,
    #[serde(borrow)]
    attributes: Vec<Loose<Attribute<'a>>>,
    #[serde(borrow)]
    status: Loose<Status<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Raw<'a>,
    #[serde(borrow)]
    value: Loose<Value<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Value<'a> {
    #[serde(borrow, rename = "stringValue")]
    string: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    code: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
}

/// A message in `gen_ai.input.messages` and `gen_ai.output.messages`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    parts: Vec<Loose<Part<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
}

impl<'a> Span<'a> {
    fn attribute(&self, key: &str) -> Raw<'a> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|Loose(attribute)| raw::inside(attribute.key) == key)?;
        found.0.value.0.string
    }

    fn failed(&self) -> bool {
        let code = self.status.0.code.map_or("", |code| code.get());
        matches!(code, "2" | "\"STATUS_CODE_ERROR\"") || self.attribute("error.type").is_some()
    }

    /// What is said of the failure; the type of error where nothing else is.
    fn error(&self) -> Cow<'a, str> {
        let message = self.status.0.message;
        let message = message.filter(|text| text.get().len() > 2);
        raw::string_head(message.or(self.attribute("error.type")), MESSAGE_BYTES_MAX)
    }

    fn ended_at_ms(&self) -> Option<i64> {
        // 64-bit numbers are strings in this JSON.
        let nanos: i64 = match raw::inside(self.end) {
            "" => raw::int(self.end)?,
            text => text.parse().ok()?,
        };
        Some(nanos / 1_000_000)
    }
}

impl FormatReader for Otel {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let span: Span<'_> = raw::parse_line(record)?;
        let conversation = span.attribute("gen_ai.conversation.id").or(span.trace_id);
        let conversation = raw::string(conversation);
        if self.session_id.is_none() && !conversation.is_empty() {
            self.session_id = Some(conversation.clone().into_owned());
        }
        match raw::inside(span.attribute("gen_ai.operation.name")) {
            "execute_tool" => self.tool(&span, sink),
            "chat" | "generate_content" | "text_completion" => {
                self.model(&span, &conversation, sink);
            }
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }
}

impl Otel {
    fn tool(&mut self, span: &Span<'_>, sink: &mut Sink<'_>) {
        let at_ms = span.ended_at_ms();
        let id = raw::string(span.attribute("gen_ai.tool.call.id").or(span.span_id));
        let name = raw::string(span.attribute("gen_ai.tool.name"));
        let args = raw::string(span.attribute("gen_ai.tool.call.arguments"));
        self.calls.opened(&id, &name, &args);
        let command = self.calls.answered(&id).command;
        let call = ToolCall {
            id: id.clone(),
            name: name.clone(),
            args: &args,
        };
        sink(at_ms, Body::ToolCall(call));
        let failed = span.failed();
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: name,
                command: Cow::Owned(command),
                is_error: Some(failed),
                error: if failed {
                    span.error()
                } else {
                    Cow::Borrowed("")
                },
                text: blocks::whole(span.attribute("gen_ai.tool.call.result")),
                ..ToolResult::default()
            }),
        );
    }

    fn model(&mut self, span: &Span<'_>, conversation: &str, sink: &mut Sink<'_>) {
        let at_ms = span.ended_at_ms();
        let input = raw::string(span.attribute("gen_ai.input.messages"));
        for said in self.new_words(conversation, &messages(&input)) {
            let human = said.trim().to_owned();
            sink(
                at_ms,
                Body::User(UserTurn {
                    text: Cow::Owned(said),
                    human,
                    waiting: true,
                }),
            );
        }
        if span.failed() {
            let provider = span.attribute("gen_ai.provider.name");
            let failed = ProviderError {
                message: span.error(),
                provider: raw::string(provider.or(span.attribute("gen_ai.system"))),
                model: raw::string(span.attribute("gen_ai.request.model")),
                ..ProviderError::default()
            };
            sink(at_ms, Body::ProviderError(failed));
            return;
        }
        let output = raw::string(span.attribute("gen_ai.output.messages"));
        for Loose(message) in messages(&output) {
            let calls_tools = message
                .parts
                .iter()
                .any(|Loose(part)| raw::inside(part.kind) == "tool_call");
            sink(
                at_ms,
                blocks::assistant(Cow::Owned(words(&message)), calls_tools),
            );
        }
    }

    /// What people said in a conversation that was not told yet.
    fn new_words(&mut self, conversation: &str, messages: &[Loose<Message<'_>>]) -> Vec<String> {
        let said: Vec<String> = messages
            .iter()
            .filter(|Loose(message)| raw::inside(message.role) == "user")
            .map(|Loose(message)| words(message))
            .filter(|words| !words.trim().is_empty())
            .collect();
        if !self.told.contains_key(conversation) && self.told.len() >= CONVERSATIONS_MAX {
            self.told.pop_first();
        }
        let told = self.told.entry(conversation.to_owned()).or_default();
        let from = (*told).min(said.len());
        *told = said.len();
        said.into_iter().skip(from).collect()
    }
}

fn messages(json: &str) -> Vec<Loose<Message<'_>>> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The text of a message, as far as is looked at.
fn words(message: &Message<'_>) -> String {
    let mut words = String::new();
    for Loose(part) in &message.parts {
        if raw::inside(part.kind) == "text" && words.len() < USER_TEXT_BYTES_MAX {
            if !words.is_empty() {
                words.push('\n');
            }
            words.push_str(&raw::string_head(part.content, USER_TEXT_BYTES_MAX));
        }
    }
    words
}
