//! Spans and log records of OpenTelemetry that follow the conventions for generative AI, as OTLP JSON.
//!
//! Neighbours: `messages` for what was said, `blocks` for turns. One document, or one a line as file exporters write
//! them. Spans of models and tools are read; those of agents and workflows only sum them up. A request of a model repeats
//! the whole conversation, so of what people and tools said only the messages not seen before are told.

mod messages;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, Text, ToolCall, ToolResult, UserTurn};
use crate::hash;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::records::Framing;
use messages::{Call, Message};

pub(super) const SPEC: Spec = Spec {
    name: "otel",
    recognised: Recognised::ByPaths(|outline| {
        // Logs are of anything; those of the conventions are events with a name, or, as they were first, bodies of
        // pairs.
        outline.has("resourceSpans[].scopeSpans")
            || outline.has("resourceLogs[].scopeLogs[].logRecords[].eventName")
            || outline.has("resourceLogs[].scopeLogs[].logRecords[].body.kvlistValue")
    }),
    framing: |_| {
        Framing::Values(&[
            "resourceSpans[].scopeSpans[].spans[]",
            "resourceLogs[].scopeLogs[].logRecords[]",
        ])
    },
    reader: super::revived::<Otel>,
};

/// Conversations whose messages are counted at a time.
const CONVERSATIONS_MAX: usize = 256;
/// Beginnings of conversations that are remembered.
const BEGINNINGS_MAX: usize = 4_096;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Otel {
    session_id: Option<String>,
    calls: Calls,
    /// Messages of people told so far, by conversation.
    told: BTreeMap<String, usize>,
    /// Digests of all that people had said up to a message that was told: without a span around them, each request is a
    /// trace of its own.
    #[serde(default)]
    beginnings: BTreeSet<String>,
    /// The request whose log records are read.
    #[serde(default)]
    request: Request,
}

/// What people said in a request so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Request {
    span_id: String,
    n_said: usize,
    digest: String,
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
    /// Of a log record.
    #[serde(borrow, rename = "timeUnixNano")]
    time: Raw<'a>,
    #[serde(borrow, rename = "observedTimeUnixNano")]
    observed: Raw<'a>,
    #[serde(borrow, rename = "eventName")]
    event: Raw<'a>,
    #[serde(borrow)]
    body: Raw<'a>,
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

impl<'a> Span<'a> {
    /// What a log record tells of. Before events had a field for it, it was an attribute.
    fn event_name(&self) -> &'a str {
        raw::inside(self.event.or(self.attribute("event.name")))
    }

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

    fn at_ms(&self) -> Option<i64> {
        let times = [self.end, self.time, self.observed];
        let nanos = times
            .into_iter()
            .filter_map(nanos)
            .find(|nanos| *nanos > 0)?;
        Some(nanos / 1_000_000)
    }
}

fn nanos(time: Raw<'_>) -> Option<i64> {
    // 64-bit numbers are strings in this JSON.
    match raw::inside(time) {
        "" => raw::int(time),
        text => text.parse().ok(),
    }
}

impl Request {
    /// One of which nothing was read yet. A conversation that has a name begins for itself.
    fn of(span: &Span<'_>) -> Self {
        Self {
            span_id: raw::string(span.span_id).into_owned(),
            n_said: 0,
            digest: raw::string(span.attribute("gen_ai.conversation.id")).into_owned(),
        }
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
        if span.event_name().starts_with("gen_ai.") {
            self.log(&span, &conversation, sink);
            return Ok(());
        }
        // What came before the conventions named operations.
        let operation = span.attribute("gen_ai.operation.name");
        match raw::inside(operation.or(span.attribute("llm.request.type"))) {
            "execute_tool" => self.tool(&span, sink),
            "chat" | "generate_content" | "text_completion" | "completion" => {
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
        let at_ms = span.at_ms();
        let id = raw::string(span.attribute("gen_ai.tool.call.id").or(span.span_id));
        let name = raw::string(span.attribute("gen_ai.tool.name"));
        let args = raw::string(span.attribute("gen_ai.tool.call.arguments"));
        // The model's request for it was told, if its message was written down.
        let asked = self.calls.answered(&id);
        self.calls.opened(&id, &name, &args);
        let command = match self.calls.answered(&id).command {
            command if command.is_empty() => asked.command,
            command => command,
        };
        if asked.tool.is_empty() {
            let call = ToolCall {
                id: id.clone(),
                name: name.clone(),
                args: &args,
            };
            sink(at_ms, Body::ToolCall(call));
        }
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
        let at_ms = span.at_ms();
        let input = match span.attribute("gen_ai.input.messages") {
            Some(list) => messages::listed(&raw::string(Some(list))),
            None => messages::numbered(span, "gen_ai.prompt."),
        };
        let mut request = Request::of(span);
        for message in &input {
            self.heard(at_ms, conversation, message, &mut request, sink);
        }
        // A history may have been cut since: what comes next is new.
        if !input.is_empty() {
            self.told.insert(conversation.to_owned(), request.n_said);
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
        let output = match span.attribute("gen_ai.output.messages") {
            Some(list) => messages::listed(&raw::string(Some(list))),
            None => messages::numbered(span, "gen_ai.completion."),
        };
        for message in output {
            self.said(at_ms, message, sink);
        }
    }

    /// A record of a log: one message of a request, or of the answer to it.
    fn log(&mut self, record: &Span<'_>, conversation: &str, sink: &mut Sink<'_>) {
        let at_ms = record.at_ms();
        let event = record.event_name();
        let message = messages::logged(event, record.body);
        let span_id = raw::inside(record.span_id);
        match event {
            // Without its content it is no empty answer.
            "gen_ai.choice" if message.words.is_empty() && message.calls.is_empty() => {}
            "gen_ai.choice" => self.said(at_ms, message, sink),
            "gen_ai.user.message" | "gen_ai.tool.message" => {
                let mut request = std::mem::take(&mut self.request);
                if request.span_id != span_id {
                    request = Request::of(record);
                }
                self.heard(at_ms, conversation, &message, &mut request, sink);
                self.request = request;
            }
            _ => {}
        }
    }

    /// Tells a message that a model was sent, unless an earlier request had it too.
    fn heard(
        &mut self,
        at_ms: Option<i64>,
        conversation: &str,
        message: &Message,
        request: &mut Request,
        sink: &mut Sink<'_>,
    ) {
        for answer in &message.results {
            let call = self.calls.answered(&answer.id);
            // Answered before, or by a span of its own.
            if call.tool.is_empty() {
                continue;
            }
            let text = Text {
                first: &answer.text,
                last: "",
            };
            sink(
                at_ms,
                Body::ToolResult(ToolResult {
                    id: Cow::Borrowed(&answer.id),
                    tool: Cow::Borrowed(&call.tool),
                    command: Cow::Borrowed(&call.command),
                    text,
                    ..ToolResult::default()
                }),
            );
        }
        if message.role != "user" || message.words.trim().is_empty() {
            return;
        }
        let so_far = format!("{}\0{}", request.digest, message.words);
        request.digest = hash::short_hex(so_far.as_bytes(), 16);
        request.n_said += 1;
        if !self.told.contains_key(conversation) && self.told.len() >= CONVERSATIONS_MAX {
            self.told.pop_first();
        }
        let told = self.told.entry(conversation.to_owned()).or_default();
        let is_new = request.n_said > *told;
        *told = (*told).max(request.n_said);
        if self.beginnings.len() >= BEGINNINGS_MAX {
            self.beginnings.pop_first();
        }
        if self.beginnings.insert(request.digest.clone()) && is_new {
            let said = message.words.clone();
            sink(
                at_ms,
                Body::User(UserTurn {
                    human: said.trim().to_owned(),
                    text: Cow::Owned(said),
                    waiting: true,
                }),
            );
        }
    }

    /// Tells an answer of the model and the calls in it.
    fn said(&mut self, at_ms: Option<i64>, message: Message, sink: &mut Sink<'_>) {
        let words = Cow::Owned(message.words);
        sink(at_ms, blocks::assistant(words, !message.calls.is_empty()));
        for Call { id, name, args } in message.calls {
            self.calls.opened(&id, &name, &args);
            let call = ToolCall {
                id: Cow::Owned(id),
                name: Cow::Owned(name),
                args: &args,
            };
            sink(at_ms, Body::ToolCall(call));
        }
    }
}

#[cfg(test)]
mod tests;
