//! Rollouts as Codex writes them: every item in an envelope, the user's interface beside the wire.
//!
//! Neighbours: `plan` names the file; scripts come from `plants`, `traps`, `moods` and `chapters`.

use serde_json::{Value, json};

use super::file::File;
use super::manifest::{Book, Mark};
use super::script::{Act, Beat, Call, End, Step};
use super::time::iso;
use super::world::Place;

/// One file under way.
struct Writer<'a> {
    file: File<'a>,
}

/// The text of a rollout; marked lines are noted in the book.
pub(crate) fn write(
    place: &Place<'_>,
    beats: &[Beat],
    session_id: &str,
    file: &str,
    seed: u64,
    book: &mut Book,
) -> String {
    let mut writer = Writer {
        file: File::new(file, place.at_ms, seed, book),
    };
    let cwd = place.project.root;
    let meta = json!({
        "id": session_id, "timestamp": iso(place.at_ms), "cwd": cwd, "originator": "codex_cli_rs",
        "cli_version": "0.98.0", "source": "cli", "model_provider": "openai",
    });
    writer.line("session_meta", &meta, &[]);
    let context = json!({
        "cwd": cwd, "approval_policy": "on-request", "model": "gpt-5.2-codex", "effort": "medium",
    });
    writer.line("turn_context", &context, &[]);
    for beat in beats {
        writer.beat(beat);
    }
    writer.file.text()
}

impl Writer<'_> {
    fn line(&mut self, kind: &str, payload: &Value, marks: &[Mark]) {
        self.file.pass(400, 17_000);
        let line = json!({ "timestamp": iso(self.file.at_ms), "type": kind, "payload": payload });
        self.file.push(&line, marks);
    }

    fn said(&mut self, text: &str, marks: &[Mark]) {
        let content = json!([{ "type": "input_text", "text": text }]);
        let item = json!({ "type": "message", "role": "user", "content": content });
        self.line("response_item", &item, marks);
    }

    fn beat(&mut self, beat: &Beat) {
        let marks = &beat.marks;
        match &beat.step {
            Step::Human(text) => {
                self.said(text, marks);
                let event = json!({ "type": "user_message", "message": text, "images": [] });
                self.line("event_msg", &event, &[]);
            }
            Step::Harness(text) => self.said(text, marks),
            Step::Say(text) | Step::Mirror(text) => {
                let event = json!({ "type": "agent_message", "message": text });
                self.line("event_msg", &event, &[]);
                let content = json!([{ "type": "output_text", "text": text }]);
                let item = json!({ "type": "message", "role": "assistant", "content": content });
                self.line("response_item", &item, marks);
            }
            Step::Calls { thought, calls } => {
                if !thought.is_empty() {
                    let summary = json!([{ "type": "summary_text", "text": thought }]);
                    let item = json!({ "type": "reasoning", "summary": summary });
                    self.line("response_item", &item, &[]);
                }
                for call in calls {
                    self.call(call);
                }
            }
            Step::ModelError(error) | Step::PromptError(error) => {
                self.line(
                    "event_msg",
                    &json!({ "type": "error", "message": error }),
                    marks,
                );
            }
            Step::Compaction(summary) => {
                self.line("compacted", &json!({ "message": summary }), marks);
            }
            Step::Interrupt => {
                let event = json!({ "type": "turn_aborted", "reason": "interrupted" });
                self.line("event_msg", &event, marks);
            }
            Step::Pause(minutes) => self.file.pause(*minutes),
        }
    }

    fn call(&mut self, call: &Call) {
        let id = format!("call_{}", self.file.rng.token(24));
        if let Some(patch) = patch(&call.act) {
            let item = json!({
                "type": "custom_tool_call", "status": "completed", "call_id": id,
                "name": "apply_patch", "input": patch,
            });
            self.line("response_item", &item, &[]);
            let result =
                json!({ "type": "custom_tool_call_output", "call_id": id, "output": call.output });
            self.line("response_item", &result, &call.marks);
            return;
        }
        let (name, arguments) = invocation(&call.act);
        let item = json!({
            "type": "function_call", "name": name, "arguments": arguments.to_string(),
            "call_id": id,
        });
        self.line("response_item", &item, &[]);
        let output = match &call.end {
            End::Exit(code) => self.chunk(*code, &call.output),
            End::Fine if name == "exec_command" => self.chunk(0, &call.output),
            End::Fine | End::Flagged | End::Caught | End::Details(_) => call.output.clone(),
        };
        let result = json!({ "type": "function_call_output", "call_id": id, "output": output });
        self.line("response_item", &result, &call.marks);
    }

    fn chunk(&mut self, code: i64, output: &str) -> String {
        format!(
            "Chunk ID: {}\nWall time: 0.{:04} seconds\nProcess exited with code {code}\nOriginal \
             token count: {}\nOutput:\n{output}\n",
            self.file.rng.hex(6),
            self.file.rng.range(100, 9_999),
            output.len() / 4
        )
    }
}

/// Changes of files go through a tool that takes a patch as text.
fn patch(act: &Act) -> Option<String> {
    match act {
        Act::Edit { path, old, new } => {
            let (old, new) = (prefixed('-', old), prefixed('+', new));
            Some(format!(
                "*** Begin Patch\n*** Update File: {path}\n@@\n{old}{new}*** End Patch"
            ))
        }
        Act::Write { path, content } => {
            let new = prefixed('+', content);
            Some(format!(
                "*** Begin Patch\n*** Add File: {path}\n{new}*** End Patch"
            ))
        }
        Act::Run(_) | Act::Read(_) | Act::Search { .. } | Act::Tool { .. } => None,
    }
}

fn prefixed(sign: char, text: &str) -> String {
    text.lines().map(|line| format!("{sign}{line}\n")).collect()
}

/// Name and arguments of a call that is no patch.
fn invocation(act: &Act) -> (&'static str, Value) {
    match act {
        Act::Run(command) => ("exec_command", json!({ "cmd": command })),
        Act::Read(path) => (
            "exec_command",
            json!({ "cmd": format!("sed -n '1,220p' {path}") }),
        ),
        Act::Search { pattern, path } => (
            "exec_command",
            json!({ "cmd": format!("rg -n '{pattern}' {path}") }),
        ),
        Act::Tool { name, input } => (name, input.clone()),
        Act::Edit { .. } | Act::Write { .. } => ("apply_patch", Value::Null),
    }
}
