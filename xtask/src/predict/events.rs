//! Sessions of the sets as the events that the formats of real sessions would give.

use std::borrow::Cow;

use serde_json::Value;
use trace::event::{AssistantTurn, Body, SessionEvent, Text, ToolCall, ToolResult, UserTurn};
use trace::mine::{Judged, judge_events};

use super::rows::{plain, text};

/// Judges one row's `events`. Line `i` of the judgment is the event `i`.
pub(super) fn judge(row: &Value) -> Judged {
    let empty = Vec::new();
    let rows = row["events"].as_array().unwrap_or(&empty);
    let owned: Vec<Owned> = Owned::all(rows);
    judge_events(owned.iter().flat_map(Owned::events))
}

/// One event with the texts that its borrowed form needs.
struct Owned {
    line: u64,
    at_ms: Option<i64>,
    role: String,
    text: String,
    /// The text as the inside of a JSON string.
    escaped: String,
    error: String,
    tool: String,
    command: String,
    status: String,
    exit_code: Option<i64>,
    /// Id, name and arguments.
    calls: Vec<(String, String, String)>,
    /// The call that a result answers.
    answers: String,
}

impl Owned {
    fn all(rows: &[Value]) -> Vec<Self> {
        let mut open: Vec<(String, String, String)> = Vec::new();
        let mut owned = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let mut event = Self::read(row, index);
            if !event.calls.is_empty() {
                open.clone_from(&event.calls);
                open.reverse();
            }
            if event.role == "tool"
                && let Some((id, name, arguments)) = open.pop()
            {
                event.answers = id;
                if event.tool.is_empty() {
                    event.tool = name;
                }
                if event.command.is_empty() {
                    event.command = command(&arguments);
                }
            }
            owned.push(event);
        }
        owned
    }

    fn read(row: &Value, index: usize) -> Self {
        let line = row["i"].as_u64().unwrap_or(index as u64);
        let shown = ["text", "output", "result"]
            .into_iter()
            .map(|name| plain(&row[name]))
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let mut calls = Vec::new();
        for (n, call) in row["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let function = if call["function"].is_object() {
                &call["function"]
            } else {
                call
            };
            let arguments = plain(&function["arguments"]);
            calls.push((
                format!("call-{index}-{n}"),
                text(function, "name").to_owned(),
                arguments,
            ));
        }
        let role = text(row, "role").to_owned();
        if role == "tool_call" {
            let arguments = row["params"].to_string();
            calls.push((
                format!("call-{index}-0"),
                text(row, "tool").to_owned(),
                arguments,
            ));
        }
        let escaped = Value::String(shown.clone()).to_string();
        Self {
            line,
            at_ms: row["ts"].as_i64(),
            escaped: escaped[1..escaped.len() - 1].to_owned(),
            text: shown,
            error: text(row, "error").to_owned(),
            tool: text(row, "tool").to_owned(),
            command: text(row, "command").to_owned(),
            status: text(&row["result"], "status").to_owned(),
            exit_code: row["result"]["exitCode"].as_i64(),
            calls,
            answers: String::new(),
            role,
        }
    }

    fn events(&self) -> Vec<SessionEvent<'_>> {
        let calls = self.calls.iter().map(|(id, name, arguments)| {
            Body::ToolCall(ToolCall {
                id: Cow::Borrowed(id),
                name: Cow::Borrowed(name),
                args: arguments,
            })
        });
        let spoken = match self.role.as_str() {
            "user" => Some(Body::User(UserTurn {
                text: Cow::Borrowed(&self.text),
                human: self.text.clone(),
                waiting: true,
            })),
            "assistant" => Some(Body::Assistant(AssistantTurn {
                text: Cow::Borrowed(&self.text),
                calls_tools: !self.calls.is_empty(),
                ends: self.calls.is_empty(),
            })),
            "tool" => Some(Body::ToolResult(self.result())),
            _ => None,
        };
        let bodies = spoken.into_iter().chain(calls);
        bodies
            .map(|body| SessionEvent {
                line: self.line,
                at_ms: self.at_ms,
                body,
            })
            .collect()
    }

    fn result(&self) -> ToolResult<'_> {
        ToolResult {
            id: Cow::Borrowed(&self.answers),
            tool: Cow::Borrowed(&self.tool),
            command: Cow::Borrowed(&self.command),
            error: Cow::Borrowed(&self.error),
            status: Cow::Borrowed(&self.status),
            exit_code: self.exit_code,
            text: Text {
                first: &self.escaped,
                last: "",
            },
            ..ToolResult::default()
        }
    }
}

fn command(arguments: &str) -> String {
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    text(&arguments, "command").to_owned()
}
