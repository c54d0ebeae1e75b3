//! Sessions of Kiro CLI from its second store on: one message a line, of a person, of the model, or of tools.
//!
//! Neighbours: `blocks` for turns; `kiro` reads the documents that were there before. Only prompts have a time, so what
//! answers one has its. The file's name is the session's id.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Content, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, Text, ToolCall, ToolResult};
use crate::json;
use crate::json_path::Outline;
use crate::limits::USER_TEXT_BYTES_MAX;

pub(super) const SPEC: Spec = Spec {
    name: "kiro-cli",
    recognised: Recognised::ByPaths(recognises),
    framing: super::lines,
    reader: super::revived::<KiroCli>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct KiroCli {
    /// The time of the last prompt.
    prompted_ms: Option<i64>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    #[serde(borrow)]
    data: Loose<Message<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Content<'a, Piece<'a>>,
    #[serde(borrow)]
    meta: Loose<Meta<'a>>,
}

/// A piece of a message or of a result: a text, or an object that depends on the kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Piece<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    #[serde(borrow)]
    data: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Meta<'a> {
    /// Seconds, with or without a fraction.
    #[serde(borrow)]
    timestamp: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ToolUse<'a> {
    #[serde(borrow, rename = "toolUseId")]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    input: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow, rename = "toolUseId")]
    id: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    content: Content<'a, Piece<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Output<'a> {
    #[serde(borrow)]
    exit_status: Raw<'a>,
    #[serde(borrow)]
    stdout: Raw<'a>,
    #[serde(borrow)]
    stderr: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    matches!(
        outline.text("kind"),
        "Prompt" | "AssistantMessage" | "ToolResults"
    ) && outline.has("data.content[].kind")
}

impl FormatReader for KiroCli {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(record)?;
        let message = line.data.0;
        let pieces = items(&message.content);
        match raw::inside(line.kind) {
            "Prompt" => {
                self.prompted_ms = seconds_to_ms(message.meta.0.timestamp).or(self.prompted_ms);
                self.prompt(pieces, sink);
            }
            "AssistantMessage" => self.assistant(pieces, sink),
            "ToolResults" => {
                for piece in of_kind(pieces, "toolResult") {
                    self.result(&object(piece.data), sink);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        None
    }
}

fn items<'p, 'a>(content: &'p Content<'a, Piece<'a>>) -> &'p [Piece<'a>] {
    match content {
        Content::Items(pieces) => pieces,
        Content::Text(_) | Content::None => &[],
    }
}

fn of_kind<'p, 'a>(
    pieces: &'p [Piece<'a>],
    kind: &'static str,
) -> impl Iterator<Item = &'p Piece<'a>> {
    pieces
        .iter()
        .filter(move |piece| raw::inside(piece.kind) == kind)
}

/// What an object holds; nothing when it is none.
fn object<'a, T: Default + Deserialize<'a>>(data: Raw<'a>) -> T {
    let parsed = data.and_then(|data| json::from_str::<Loose<T>>(data.get()).ok());
    parsed.map(|Loose(value)| value).unwrap_or_default()
}

/// Milliseconds of a number of seconds, to the millisecond.
fn seconds_to_ms(field: Raw<'_>) -> Option<i64> {
    let text = field?.get();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let thousandths: String = part.chars().chain("000".chars()).take(3).collect();
    let seconds = whole.parse::<i64>().ok()?.checked_mul(1_000)?;
    seconds.checked_add(thousandths.parse().ok()?)
}

impl KiroCli {
    fn prompt(&self, pieces: &[Piece<'_>], sink: &mut Sink<'_>) {
        let mut said = String::new();
        for piece in of_kind(pieces, "text") {
            if said.len() >= USER_TEXT_BYTES_MAX {
                break;
            }
            if !said.is_empty() {
                said.push('\n');
            }
            said.push_str(&raw::string_head(piece.data, USER_TEXT_BYTES_MAX));
        }
        if !said.trim().is_empty() {
            blocks::person(self.prompted_ms, Cow::Owned(said), &harness::ANY, sink);
        }
    }

    fn assistant(&mut self, pieces: &[Piece<'_>], sink: &mut Sink<'_>) {
        let mut calls_tools = false;
        for piece in of_kind(pieces, "toolUse") {
            calls_tools = true;
            let call: ToolUse<'_> = object(piece.data);
            let (id, name) = (raw::string(call.id), raw::string(call.name));
            let args = call.input.map_or("", |value| value.get());
            self.calls.opened(&id, &name, args);
            sink(
                self.prompted_ms,
                Body::ToolCall(ToolCall { id, name, args }),
            );
        }
        let texts =
            of_kind(pieces, "text").map(|piece| raw::string_head(piece.data, SPOKEN_BYTES_MAX));
        let text = texts.into_iter().find(|text| !text.trim().is_empty());
        sink(
            self.prompted_ms,
            blocks::assistant(text.unwrap_or_default(), calls_tools),
        );
    }

    fn result(&mut self, answer: &Answer<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(answer.id);
        let call = self.calls.answered(&id);
        let pieces = items(&answer.content);
        let output: Output<'_> = of_kind(pieces, "json")
            .next()
            .map(|piece| object(piece.data))
            .unwrap_or_default();
        let text = match of_kind(pieces, "text").next() {
            Some(piece) => blocks::whole(piece.data),
            None => said_by(&output),
        };
        // Written as a string with words before the number.
        let exit_code = raw::string(output.exit_status);
        let exit_code = exit_code.rsplit(' ').next();
        let is_error = raw::inside(answer.status).eq_ignore_ascii_case("error");
        sink(
            self.prompted_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: Cow::Borrowed(&call.tool),
                command: Cow::Borrowed(&call.command),
                is_error: answer.status.map(|_| is_error),
                exit_code: exit_code.and_then(|code| code.parse().ok()),
                text,
                ..ToolResult::default()
            }),
        );
    }
}

fn said_by<'a>(output: &Output<'a>) -> Text<'a> {
    raw::first_and_last([raw::inside(output.stdout), raw::inside(output.stderr)].into_iter())
}
