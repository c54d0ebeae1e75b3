//! Messages as telemetry carries them, in three shapes made one: lists in attributes, the numbered attributes of before,
//! and records of a log.
//!
//! Neighbours: `otel` tells what is new in them. Must not know what was told.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Loose, Raw, Span, raw};
use crate::json;
use crate::limits::USER_TEXT_BYTES_MAX;

/// A message, in any shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) role: String,
    /// The text, as far as is looked at.
    pub(super) words: String,
    pub(super) calls: Vec<Call>,
    pub(super) results: Vec<Answer>,
}

/// A call of a tool that the model asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON.
    pub(super) args: String,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: String,
    /// As the inside of a JSON string.
    pub(super) text: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Listed<'a> {
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
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
    #[serde(borrow)]
    response: Raw<'a>,
    /// What `response` is called by some writers.
    #[serde(borrow)]
    result: Raw<'a>,
}

/// The messages of `gen_ai.input.messages` or `gen_ai.output.messages`.
pub(super) fn listed(json: &str) -> Vec<Message> {
    let listed: Vec<Loose<Listed<'_>>> = json::from_str(json).unwrap_or_default();
    let message = |Loose(listed): Loose<Listed<'_>>| {
        let mut message = Message {
            role: raw::string(listed.role).into_owned(),
            ..Message::default()
        };
        for Loose(part) in &listed.parts {
            match raw::inside(part.kind) {
                "text" => message.say(&raw::string_head(part.content, USER_TEXT_BYTES_MAX)),
                "tool_call" => message.calls.push(Call {
                    id: raw::string(part.id).into_owned(),
                    name: raw::string(part.name).into_owned(),
                    args: json_of(part.arguments),
                }),
                "tool_call_response" => message.results.push(Answer {
                    id: raw::string(part.id).into_owned(),
                    text: inside_of(part.response.or(part.result)),
                }),
                _ => {}
            }
        }
        message
    };
    listed.into_iter().map(message).collect()
}

/// The messages of attributes such as `gen_ai.prompt.0.content`, below `prefix`, in the order of their numbers.
pub(super) fn numbered(span: &Span<'_>, prefix: &str) -> Vec<Message> {
    let mut messages: BTreeMap<usize, Message> = BTreeMap::new();
    let mut calls: BTreeMap<(usize, usize), Call> = BTreeMap::new();
    for Loose(attribute) in &span.attributes {
        let key = raw::inside(attribute.key);
        let Some((number, field)) = key.strip_prefix(prefix).and_then(numbered_field) else {
            continue;
        };
        let value = attribute.value.0.string;
        let message = messages.entry(number).or_default();
        match field {
            "role" => message.role = raw::string(value).into_owned(),
            "content" => {
                message.say(&raw::string_head(value, USER_TEXT_BYTES_MAX));
                message.answer().text = inside_of(value);
            }
            "tool_call_id" => message.answer().id = raw::string(value).into_owned(),
            _ => {
                let call = field.strip_prefix("tool_calls.").and_then(numbered_field);
                let Some((index, field)) = call else {
                    continue;
                };
                let call = calls.entry((number, index)).or_default();
                match field {
                    "id" => call.id = raw::string(value).into_owned(),
                    "name" => call.name = raw::string(value).into_owned(),
                    "arguments" => call.args = raw::string(value).into_owned(),
                    _ => {}
                }
            }
        }
    }
    for ((number, _), call) in calls {
        if let Some(message) = messages.get_mut(&number) {
            message.calls.push(call);
        }
    }
    messages.into_values().map(Message::settled).collect()
}

/// `12.content` as its number and what follows.
fn numbered_field(key: &str) -> Option<(usize, &str)> {
    let (number, field) = key.split_once('.')?;
    Some((number.parse().ok()?, field))
}

/// The message in the body of a record of a log that is called `event`.
pub(super) fn logged(event: &str, body: Raw<'_>) -> Message {
    let body: serde_json::Value = body
        .and_then(|body| json::from_str(body.get()).ok())
        .unwrap_or_default();
    let role = match event {
        "gen_ai.choice" => "assistant",
        event => event
            .trim_start_matches("gen_ai.")
            .trim_end_matches(".message"),
    };
    let inner = field(&body, "message").unwrap_or(&body);
    let mut message = Message {
        role: role.to_owned(),
        ..Message::default()
    };
    let content = text(field(inner, "content"));
    message.say(content);
    message.answer().text = escaped(content);
    message.answer().id = text(field(inner, "id")).to_owned();
    let calls = field(inner, "tool_calls").and_then(|calls| calls.pointer("/arrayValue/values"));
    for call in calls
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(function) = field(call, "function") else {
            continue;
        };
        message.calls.push(Call {
            id: text(field(call, "id")).to_owned(),
            name: text(field(function, "name")).to_owned(),
            args: text(field(function, "arguments")).to_owned(),
        });
    }
    message.settled()
}

/// A field of a value that is a list of keys and values.
fn field<'v>(value: &'v serde_json::Value, key: &str) -> Option<&'v serde_json::Value> {
    let values = value.pointer("/kvlistValue/values")?.as_array()?;
    let has = |entry: &&serde_json::Value| entry.get("key").and_then(|k| k.as_str()) == Some(key);
    values.iter().find(has)?.get("value")
}

fn text(value: Option<&serde_json::Value>) -> &str {
    let text = value.and_then(|value| value.get("stringValue"));
    text.and_then(serde_json::Value::as_str).unwrap_or("")
}

/// A text as the inside of a JSON string.
fn escaped(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

fn inside_of(value: Raw<'_>) -> String {
    match value.map(|value| value.get()) {
        Some(json) if json.starts_with('"') => raw::inside(value).to_owned(),
        Some(json) => escaped(json),
        None => String::new(),
    }
}

/// Arguments are an object, or one that was written as a string.
fn json_of(value: Raw<'_>) -> String {
    match value.map(|value| value.get()) {
        Some(json) if json.starts_with('"') => raw::string(value).into_owned(),
        Some(json) => json.to_owned(),
        None => String::new(),
    }
}

impl Message {
    fn say(&mut self, words: &str) {
        if words.is_empty() || self.words.len() >= USER_TEXT_BYTES_MAX {
            return;
        }
        if !self.words.is_empty() {
            self.words.push('\n');
        }
        self.words.push_str(words);
    }

    fn answer(&mut self) -> &mut Answer {
        if self.results.is_empty() {
            self.results.push(Answer::default());
        }
        &mut self.results[0]
    }

    /// Without an answer when it is none of a tool.
    fn settled(mut self) -> Self {
        if self.role != "tool" {
            self.results.clear();
        }
        self.calls.retain(|call| !call.name.is_empty());
        self
    }
}
