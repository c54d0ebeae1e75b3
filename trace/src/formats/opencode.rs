//! Sessions of OpenCode: an exported document with a list of messages and their parts, or one message a line.
//!
//! Neighbours: `blocks` for turns. Lines are what the activities make of its storage, one file or one row of its
//! database for each message and part; the first has `storage` and tells of the session.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ProviderError, ToolCall, ToolResult};
use crate::json;
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
/// Longest note of the tool below what a command printed, bytes.
const METADATA_BYTES_MAX: usize = 1024;

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
    /// Why the model stopped; not written by older versions.
    #[serde(borrow)]
    finish: Raw<'a>,
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
    /// `true` on what is for the screen only, as notices of plugins.
    #[serde(borrow)]
    ignored: Raw<'a>,
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
    /// `true` when a person stopped the call.
    #[serde(borrow)]
    interrupted: Raw<'a>,
}

/// What a call of a tool that there is not, or with arguments that do not fit, is replaced by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Invalid<'a> {
    #[serde(borrow)]
    tool: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
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
        .filter(|part| raw::boolean(part.ignored) != Some(true))
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
        blocks::person(at_ms, Cow::Owned(said), &harness::ANY, sink);
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
        let text = raw::string_head(texts(parts).next().flatten(), SPOKEN_BYTES_MAX);
        // What was said before a message of its own follows on the calls. Older versions wrote all steps of a turn as
        // one message, and its text is the last word.
        let goes_on = info.error.is_none() && raw::inside(info.finish) == "tool-calls";
        if goes_on {
            sink(at_ms, blocks::assistant(text.clone(), true));
        }
        let mut calls_tools = false;
        for Loose(part) in parts {
            if raw::inside(part.kind) == "tool" {
                calls_tools = true;
                self.tool(at_ms, part, sink);
            }
        }
        if goes_on {
            return;
        }
        let Some(Loose(failed)) = &info.error else {
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
        let args = state.input.map_or("", |value| value.get());
        let invalid = invalid(part);
        let name = invalid.as_ref().map_or(part.tool, |invalid| invalid.tool);
        let (id, name) = (raw::string(part.call_id), raw::string(name));
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
        let is_done = matches!(status, "completed" | "error");
        // The message says that a person stopped it.
        if !is_done || raw::boolean(state.metadata.0.interrupted) == Some(true) {
            return;
        }
        let ran_out_of_time = ran_out_of_time(state.output);
        let failed = status == "error" || invalid.is_some() || ran_out_of_time.is_some();
        let error = match (invalid, ran_out_of_time) {
            (Some(invalid), _) => raw::string_head(invalid.error, MESSAGE_BYTES_MAX),
            (None, Some(sentence)) => Cow::Borrowed(sentence),
            (None, None) => raw::string_head(state.error, MESSAGE_BYTES_MAX),
        };
        let command = self.calls.answered(&id).command;
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: name,
                command: Cow::Owned(command),
                is_error: Some(failed),
                // A command that failed is still a call that completed.
                exit_code: raw::int(state.metadata.0.exit),
                error,
                text: blocks::whole(state.output.or(state.error)),
                ..ToolResult::default()
            }),
        );
    }
}

/// The tool that was meant and what is wrong with the call, when it was replaced.
fn invalid<'a>(part: &Part<'a>) -> Option<Invalid<'a>> {
    if raw::inside(part.tool) != "invalid" {
        return None;
    }
    let input = part.state.0.input?.get();
    let invalid: Invalid<'_> = json::from_str(input).ok()?;
    (invalid.tool.is_some() && invalid.error.is_some()).then_some(invalid)
}

/// The sentence that is written below what a command printed when it was killed for its time: the call completed, and
/// there is no exit code.
fn ran_out_of_time(output: Raw<'_>) -> Option<&str> {
    const SENTENCE: &str = " terminated command after exceeding timeout";
    let output = raw::inside(output);
    let mut from = output.len().saturating_sub(METADATA_BYTES_MAX);
    while !output.is_char_boundary(from) {
        from += 1;
    }
    let output = &output[from..];
    let (before, _) = output.split_at(output.rfind(SENTENCE)?);
    let opened = before
        .rfind("<shell_metadata>")
        .or_else(|| before.rfind("<bash_metadata>"))?;
    let line = before[opened..].rfind("\\n")? + "\\n".len();
    let sentence = &output[opened + line..];
    let end = [". ", "\\n", "<"]
        .iter()
        .filter_map(|end| sentence.find(end))
        .min();
    Some(&sentence[..end.unwrap_or(sentence.len())])
}
