//! Messages made of blocks in the manner of Anthropic's API: text, tool use, tool result.
//!
//! Neighbours: the formats whose messages are such. Must not know where a message came from.

use std::borrow::Cow;

use serde::Deserialize;

use super::Sink;
use super::calls::Calls;
use super::envelope;
use super::harness::{self, Harness};
use super::raw::{self, Content, Raw};
use crate::event::{AssistantTurn, Body, Text, ToolCall, ToolResult, UserTurn, floor_char};
use crate::limits::USER_TEXT_BYTES_MAX;

const SPOKEN_BYTES_MAX: usize = 1024;

/// One block; which fields count depends on its type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
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

/// A message with its role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Raw<'a>,
    #[serde(borrow)]
    pub(super) content: Content<'a, Block<'a>>,
}

impl Message<'_> {
    /// Gives the events of a message in the user role or of the model.
    pub(super) fn read(&self, at_ms: Option<i64>, calls: &mut Calls, sink: &mut Sink<'_>) {
        match raw::inside(self.role) {
            "user" => self.user(at_ms, calls, sink),
            "assistant" => self.assistant(at_ms, calls, sink),
            _ => {}
        }
    }

    fn blocks(&self) -> &[Block<'_>] {
        match &self.content {
            Content::Items(blocks) => blocks,
            Content::Text(_) | Content::None => &[],
        }
    }

    fn user(&self, at_ms: Option<i64>, calls: &mut Calls, sink: &mut Sink<'_>) {
        let mut said = match &self.content {
            Content::Text(text) => text[..floor_char(text, USER_TEXT_BYTES_MAX)].to_owned(),
            Content::Items(_) | Content::None => String::new(),
        };
        for block in self.blocks() {
            match raw::inside(block.kind) {
                "tool_result" => tool_result(at_ms, block, calls, sink),
                "text" if said.len() < USER_TEXT_BYTES_MAX => {
                    if !said.is_empty() {
                        said.push('\n');
                    }
                    said.push_str(&raw::string_head(block.text, USER_TEXT_BYTES_MAX));
                }
                _ => {}
            }
        }
        if !said.trim().is_empty() {
            person(at_ms, Cow::Owned(said), &harness::ANY, sink);
        }
    }

    fn assistant(&self, at_ms: Option<i64>, calls: &mut Calls, sink: &mut Sink<'_>) {
        let mut calls_tools = false;
        let mut spoken = match &self.content {
            Content::Text(text) => Cow::Borrowed(&text[..floor_char(text, SPOKEN_BYTES_MAX)]),
            Content::Items(_) | Content::None => Cow::Borrowed(""),
        };
        for block in self.blocks() {
            match raw::inside(block.kind) {
                "tool_use" => {
                    calls_tools = true;
                    let (id, name) = (raw::string(block.id), raw::string(block.name));
                    let args = block.input.map_or("", |value| value.get());
                    calls.opened(&id, &name, args);
                    sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
                }
                "text" if spoken.trim().is_empty() => {
                    spoken = raw::string_head(block.text, SPOKEN_BYTES_MAX);
                }
                _ => {}
            }
        }
        sink(at_ms, assistant(spoken, calls_tools));
    }
}

fn tool_result(at_ms: Option<i64>, block: &Block<'_>, calls: &mut Calls, sink: &mut Sink<'_>) {
    let id = raw::string(block.tool_use_id);
    let call = calls.answered(&id);
    sink(
        at_ms,
        Body::ToolResult(ToolResult {
            id,
            tool: Cow::Borrowed(&call.tool),
            command: Cow::Borrowed(&call.command),
            is_error: raw::boolean(block.is_error),
            text: raw::content_text(block.content),
            ..ToolResult::default()
        }),
    );
}

/// A turn that a person typed to a coding agent, wrappers taken off.
pub(super) fn person(at_ms: Option<i64>, text: Cow<'_, str>, by: &Harness, sink: &mut Sink<'_>) {
    let human = envelope::unwrap_coding(&text, by).into_owned();
    sink(
        at_ms,
        Body::User(UserTurn {
            text,
            human,
            waiting: true,
        }),
    );
}

/// A turn in the user role that nobody typed.
pub(super) fn nobody(at_ms: Option<i64>, text: Cow<'_, str>, sink: &mut Sink<'_>) {
    sink(
        at_ms,
        Body::User(UserTurn {
            text,
            human: String::new(),
            waiting: false,
        }),
    );
}

/// A turn of the model that ends unless it calls tools.
pub(super) fn assistant(text: Cow<'_, str>, calls_tools: bool) -> Body<'_> {
    Body::Assistant(AssistantTurn {
        text,
        calls_tools,
        ends: !calls_tools,
    })
}

/// A text that is the whole inside of a JSON string.
pub(super) fn whole(field: Raw<'_>) -> Text<'_> {
    Text {
        first: raw::inside(field),
        last: "",
    }
}
