//! Conversations of Kiro CLI, formerly Amazon Q: one document, a list of turns with both sides in each.
//!
//! Neighbours: `blocks` for turns. The store itself is a database and is not read; this is the document in it, as
//! `/save` writes it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::blocks;
use super::calls::Calls;
use super::harness;
use super::raw::{self, Loose, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{Body, ToolCall, ToolResult, iso_to_ms};
use crate::json_path::Outline;
use crate::limits::USER_TEXT_BYTES_MAX;
use crate::records::Framing;

pub(super) const SPEC: Spec = Spec {
    name: "kiro",
    recognised: Recognised::ByPaths(recognises),
    framing: |_| Framing::Values(&["history[]"]),
    reader: super::revived::<Kiro>,
};

const SPOKEN_BYTES_MAX: usize = 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kiro {
    session_id: Option<String>,
    calls: Calls,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    conversation_id: Raw<'a>,
    #[serde(borrow)]
    user: Loose<User<'a>>,
    #[serde(borrow)]
    assistant: Loose<Assistant<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    content: Loose<UserContent<'a>>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct UserContent<'a> {
    #[serde(borrow, rename = "Prompt")]
    prompt: Option<Loose<Prompt<'a>>>,
    #[serde(borrow, rename = "ToolUseResults")]
    results: Loose<Results<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt<'a> {
    #[serde(borrow)]
    prompt: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Results<'a> {
    #[serde(borrow)]
    tool_use_results: Vec<Loose<ToolUseResult<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ToolUseResult<'a> {
    #[serde(borrow)]
    tool_use_id: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    content: Vec<Loose<Piece<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Piece<'a> {
    #[serde(borrow, rename = "Text")]
    text: Raw<'a>,
    #[serde(borrow, rename = "Json")]
    json: Loose<Output<'a>>,
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Assistant<'a> {
    #[serde(borrow, rename = "Response")]
    response: Option<Loose<Spoken<'a>>>,
    #[serde(borrow, rename = "ToolUse")]
    tool_use: Option<Loose<Spoken<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spoken<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    tool_uses: Vec<Loose<ToolUse<'a>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ToolUse<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    args: Raw<'a>,
}

fn recognises(outline: &Outline) -> bool {
    outline.has("conversation_id")
        && (outline.has("history[].user.content") || outline.has("history[].assistant"))
}

impl FormatReader for Kiro {
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let record: Record<'_> = raw::parse_line(record)?;
        if self.session_id.is_none() && record.conversation_id.is_some() {
            self.session_id = Some(raw::string(record.conversation_id).into_owned());
        }
        let user = record.user.0;
        let at_ms = iso_to_ms(raw::inside(user.timestamp));
        if let Some(Loose(prompt)) = &user.content.0.prompt {
            let text = raw::string_head(prompt.prompt, USER_TEXT_BYTES_MAX);
            blocks::person(at_ms, text, &harness::ANY, sink);
        }
        for Loose(result) in &user.content.0.results.0.tool_use_results {
            self.result(at_ms, result, sink);
        }
        let assistant = record.assistant.0;
        for (spoken, calls_tools) in [(assistant.response, false), (assistant.tool_use, true)] {
            let Some(Loose(spoken)) = spoken else {
                continue;
            };
            for Loose(call) in &spoken.tool_uses {
                let (id, name) = (raw::string(call.id), raw::string(call.name));
                let args = call.args.map_or("", |value| value.get());
                self.calls.opened(&id, &name, args);
                sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
            }
            let text = raw::string_head(spoken.content, SPOKEN_BYTES_MAX);
            sink(at_ms, blocks::assistant(text, calls_tools));
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Kiro {
    fn result(&mut self, at_ms: Option<i64>, result: &ToolUseResult<'_>, sink: &mut Sink<'_>) {
        let id = raw::string(result.tool_use_id);
        let call = self.calls.answered(&id);
        let piece = result.content.first().map(|Loose(piece)| piece.clone());
        let piece = piece.unwrap_or_default();
        let output = &piece.json.0;
        let text = if piece.text.is_some() {
            blocks::whole(piece.text)
        } else {
            raw::first_and_last(
                [raw::inside(output.stdout), raw::inside(output.stderr)].into_iter(),
            )
        };
        // Written as a string, now and then with words before the number.
        let exit_code = raw::string(output.exit_status);
        let exit_code = exit_code
            .rsplit(' ')
            .next()
            .and_then(|code| code.parse().ok());
        let is_error = raw::inside(result.status).eq_ignore_ascii_case("error");
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                tool: Cow::Borrowed(&call.tool),
                command: Cow::Borrowed(&call.command),
                is_error: result.status.map(|_| is_error),
                exit_code,
                text,
                ..ToolResult::default()
            }),
        );
    }
}
