//! Rollouts of Codex, with the envelope of today and as bare items before it.
//!
//! Neighbours: `envelope` takes user turns apart. A turn is written twice, as a wire item and as an event for the
//! screen; the second one with the same words is dropped. Failures of tools are only said in their output's text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::envelope;
use super::harness;
use super::raw::{self, Loose, Probe, Raw};
use super::{FormatReader, Recognised, Sink, Spec};
use crate::event::{AssistantTurn, Body, ProviderError, ToolCall, ToolResult, UserTurn, iso_to_ms};
use crate::hash;
use crate::json;
use crate::limits::{MESSAGE_BYTES_MAX, USER_TEXT_BYTES_MAX};

const SPOKEN_BYTES_MAX: usize = 1024;

/// Reads a rollout.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Codex {
    session_id: Option<String>,
    /// Whether another session began this one: then its user role is that session's model, or the harness.
    #[serde(default)]
    is_child: bool,
    calls: Calls,
    /// Digest of the person's last words, empty when their second copy was seen.
    last_human: String,
    /// Whether the failure of the task under way was told.
    #[serde(default)]
    has_told_error: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    payload: Option<Loose<Item<'a>>>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
    #[serde(borrow)]
    call_id: Raw<'a>,
    #[serde(borrow)]
    output: Raw<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    role: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    arguments: Raw<'a>,
    #[serde(borrow)]
    call_id: Raw<'a>,
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    reason: Raw<'a>,
    /// Of a session: what it was started by.
    #[serde(borrow)]
    source: Raw<'a>,
    /// Of a message of the model: `commentary` between its calls, or `final_answer`.
    #[serde(borrow)]
    phase: Raw<'a>,
    /// Of a finished task: why its last turn failed.
    #[serde(borrow)]
    error: Loose<Failed<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Failed<'a> {
    #[serde(borrow)]
    message: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrappedOutput<'a> {
    #[serde(borrow)]
    output: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    metadata: Loose<Metadata<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    exit_code: Raw<'a>,
}

pub(super) const SPEC: Spec = Spec {
    name: "codex",
    recognised: Recognised::ByLine {
        line: recognises,
        start: recognises_start,
    },
    framing: super::lines,
    reader: super::revived::<Codex>,
};

fn recognises(probe: &Probe<'_>) -> bool {
    match probe.kind() {
        "session_meta" | "response_item" | "event_msg" | "turn_context" | "compacted" => {
            probe.payload.is_some()
        }
        "message" => probe.role.is_some() && probe.content.is_some() && probe.message.is_none(),
        "function_call" | "function_call_output" => probe.call_id.is_some(),
        "" => {
            probe.id.is_some()
                && probe.timestamp.is_some()
                && (probe.instructions.is_some() || probe.git.is_some())
        }
        _ => false,
    }
}

fn recognises_start(start: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(start, needle).is_some();
    has(b"\"payload\"") && (has(b"\"session_meta\"") || has(b"\"response_item\""))
}

impl FormatReader for Codex {
    fn read(&mut self, line: &str, sink: &mut Sink<'_>) -> Result<(), String> {
        let line: Line<'_> = raw::parse_line(line)?;
        let at_ms = iso_to_ms(raw::inside(line.timestamp));
        let kind = raw::inside(line.kind);
        let Some(Loose(item)) = line.payload else {
            if kind.is_empty() && self.session_id.is_none() && line.id.is_some() {
                self.session_id = Some(raw::string(line.id).into_owned());
            }
            let item = Item {
                kind: line.kind,
                role: line.role,
                content: line.content,
                name: line.name,
                arguments: line.arguments,
                call_id: line.call_id,
                output: line.output,
                ..Item::default()
            };
            self.item(at_ms, &item, sink);
            return Ok(());
        };
        match kind {
            "session_meta" if self.session_id.is_none() => {
                self.session_id = Some(raw::string(item.id).into_owned());
                // `cli` and its like are words; what was spawned says by whom.
                self.is_child = item
                    .source
                    .is_some_and(|source| source.get().starts_with("{\"subagent\""));
            }
            "response_item" => self.item(at_ms, &item, sink),
            "event_msg" => self.event(at_ms, &item, sink),
            _ => {}
        }
        Ok(())
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Codex {
    fn item(&mut self, at_ms: Option<i64>, item: &Item<'_>, sink: &mut Sink<'_>) {
        match (raw::inside(item.kind), raw::inside(item.role)) {
            ("message", "user") => {
                let text = raw::content_text(item.content).head(USER_TEXT_BYTES_MAX);
                self.human(at_ms, text, sink);
            }
            ("message", "assistant") => {
                let text = raw::content_text(item.content).head(SPOKEN_BYTES_MAX);
                let goes_on = raw::inside(item.phase) == "commentary";
                sink(
                    at_ms,
                    Body::Assistant(AssistantTurn {
                        text,
                        calls_tools: goes_on,
                        ends: !goes_on,
                    }),
                );
            }
            ("function_call" | "custom_tool_call" | "local_shell_call", _) => {
                let (id, name) = (raw::string(item.call_id), raw::string(item.name));
                let args = raw::inside(item.arguments);
                self.calls.opened(&id, &name, args);
                sink(at_ms, Body::ToolCall(ToolCall { id, name, args }));
            }
            ("function_call_output" | "custom_tool_call_output", _) => {
                self.tool_result(at_ms, item, sink);
            }
            _ => {}
        }
    }

    fn event(&mut self, at_ms: Option<i64>, item: &Item<'_>, sink: &mut Sink<'_>) {
        match raw::inside(item.kind) {
            "user_message" => {
                self.human(
                    at_ms,
                    raw::string_head(item.message, USER_TEXT_BYTES_MAX),
                    sink,
                );
            }
            "turn_aborted" => sink(at_ms, Body::Interrupt(raw::string(item.reason))),
            "error" | "stream_error" => {
                self.has_told_error = true;
                failed(at_ms, item.message, sink);
            }
            "task_started" => self.has_told_error = false,
            // Newer versions write no event of its own for it.
            "task_complete" if item.error.0.message.is_some() && !self.has_told_error => {
                failed(at_ms, item.error.0.message, sink);
            }
            _ => {}
        }
    }

    fn human(&mut self, at_ms: Option<i64>, text: Cow<'_, str>, sink: &mut Sink<'_>) {
        let human = if self.is_child {
            String::new()
        } else {
            envelope::unwrap_coding(&text, &harness::CODEX).into_owned()
        };
        let digest = hash::of_words(&human);
        if !digest.is_empty() && digest == self.last_human {
            self.last_human.clear();
            return;
        }
        self.last_human = digest;
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
        let id = raw::string(item.call_id);
        let call = self.calls.answered(&id);
        // Before the text form, the output was a JSON object written as a string, or an object.
        let mut text = raw::content_text(item.output);
        let unwrapped: Cow<'_, str> = match item.output {
            Some(value) if value.get().starts_with('{') => Cow::Borrowed(value.get()),
            Some(_) if text.first.starts_with("{\\\"output\\\"") => raw::string(item.output),
            Some(_) | None => Cow::Borrowed(""),
        };
        let mut exit_code = None;
        if let Ok(wrapped) = json::from_str::<WrappedOutput<'_>>(&unwrapped) {
            let inner = raw::content_text(wrapped.output.or(wrapped.content));
            if !inner.is_empty() || wrapped.metadata.0.exit_code.is_some() {
                exit_code = raw::int(wrapped.metadata.0.exit_code);
                text = inner;
            }
        }
        let head = text.head(400);
        let status = if head.contains("Process running with session ID") {
            "running"
        } else {
            ""
        };
        sink(
            at_ms,
            Body::ToolResult(ToolResult {
                id,
                exit_code: exit_code.or_else(|| exit_code_in(&head)),
                tool: Cow::Borrowed(&call.tool),
                command: Cow::Borrowed(&call.command),
                status: Cow::Borrowed(status),
                text,
                ..ToolResult::default()
            }),
        );
    }
}

fn failed(at_ms: Option<i64>, message: Raw<'_>, sink: &mut Sink<'_>) {
    sink(
        at_ms,
        Body::ProviderError(ProviderError {
            message: raw::string_head(message, MESSAGE_BYTES_MAX),
            provider: Cow::Borrowed("openai"),
            ..ProviderError::default()
        }),
    );
}

/// The exit code in the lines above the output.
fn exit_code_in(head: &str) -> Option<i64> {
    for line in head.lines().take(6) {
        let rest = line
            .strip_prefix("Exit code: ")
            .or_else(|| line.strip_prefix("Process exited with code "));
        if let Some(code) = rest {
            return code.trim().parse().ok();
        }
        if line.starts_with("Output:") {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Text;

    fn read(lines: &[&str]) -> Vec<String> {
        let mut reader = Codex::default();
        let mut told = Vec::new();
        for line in lines {
            let mut sink = |_: Option<i64>, body: Body<'_>| match body {
                Body::Assistant(turn) => told.push(format!("{} {}", turn.text, turn.ends)),
                Body::ProviderError(error) => told.push(format!("failed: {}", error.message)),
                Body::User(_)
                | Body::ToolCall(_)
                | Body::ToolResult(_)
                | Body::Interrupt(_)
                | Body::Notice(_)
                | Body::CronRun(_)
                | Body::Gateway(_) => {}
            };
            reader.read(line, &mut sink).unwrap();
        }
        told
    }

    #[test]
    fn a_task_that_failed_is_told_once_in_newer_and_older_rollouts() {
        let ended = r#"{"type":"event_msg","payload":{"type":"task_complete","last_agent_message":null,"error":{"message":"too many requests"}}}"#;
        let error =
            r#"{"type":"event_msg","payload":{"type":"error","message":"too many requests"}}"#;
        let begun = r#"{"type":"event_msg","payload":{"type":"task_started"}}"#;
        let well = r#"{"type":"event_msg","payload":{"type":"task_complete","last_agent_message":"done"}}"#;
        let once = ["failed: too many requests"];
        assert_eq!(read(&[begun, ended]), once);
        assert_eq!(read(&[begun, error, ended, begun, well]), once);
        assert_eq!(read(&[begun, error, ended, begun, ended]).len(), 2);
    }

    #[test]
    fn what_is_said_between_calls_ends_no_turn() {
        let said = |text: &str, phase: &str| {
            format!(
                r#"{{"type":"response_item","payload":{{"type":"message","role":"assistant"{phase},"content":[{{"type":"output_text","text":"{text}"}}]}}}}"#
            )
        };
        let lines = [
            said("Looking.", r#","phase":"commentary""#),
            said("Done.", r#","phase":"final_answer""#),
            said("Older.", ""),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(
            read(&lines),
            ["Looking. false", "Done. true", "Older. true"]
        );
    }

    #[test]
    fn the_exit_code_is_read_above_the_output_only() {
        assert_eq!(
            exit_code_in("Exit code: 2\nWall time: 1 s\nOutput:\nx"),
            Some(2)
        );
        let unified = "Chunk ID: 1\nWall time: 0.1\nProcess exited with code 127\nOutput:\n";
        assert_eq!(exit_code_in(unified), Some(127));
        assert_eq!(exit_code_in("Wall time: 1 s\nOutput:\nExit code: 3"), None);
        let text = Text {
            first: "x",
            last: "",
        };
        assert_eq!(exit_code_in(&text.head(9)), None);
    }
}
