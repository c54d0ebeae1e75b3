//! Sessions as Claude Code writes them: a line for each content block.
//!
//! Neighbours: `plan` names the file; scripts come from `plants`, `traps`, `moods` and `chapters`.

use serde_json::{Value, json};

use super::file::{File, merge};
use super::manifest::{Book, Mark};
use super::script::{Act, Beat, Call, End, Step};
use super::time::iso;
use super::world::Place;

/// One file under way.
struct Writer<'a> {
    file: File<'a>,
    parent: Value,
    place: &'a Place<'a>,
    session_id: &'a str,
    version: &'static str,
}

/// The text of a session file; marked lines are noted in the book.
pub(crate) fn write(
    place: &Place<'_>,
    beats: &[Beat],
    session_id: &str,
    file: &str,
    seed: u64,
    book: &mut Book,
) -> String {
    let mut file = File::new(file, place.at_ms, seed, book);
    let version = file.rng.pick(&["2.0.76", "2.1.17", "2.1.42", "2.1.77"]);
    let mut writer = Writer {
        file,
        parent: Value::Null,
        place,
        session_id,
        version,
    };
    let snapshot = json!({
        "type": "file-history-snapshot", "messageId": writer.file.rng.uuid(), "isSnapshotUpdate": false,
        "snapshot": { "trackedFileBackups": {}, "timestamp": iso(writer.file.at_ms) },
    });
    writer.file.push(&snapshot, &[]);
    for beat in beats {
        writer.beat(beat);
    }
    writer.file.text()
}

impl Writer<'_> {
    fn entry(&mut self, kind: &str, more: &Value, marks: &[Mark]) {
        self.file.pass(700, 21_000);
        let id = self.file.rng.uuid();
        let mut entry = json!({
            "parentUuid": std::mem::replace(&mut self.parent, json!(id)), "isSidechain": false,
            "userType": "external", "cwd": self.place.project.root, "sessionId": self.session_id,
            "version": self.version, "gitBranch": "main", "type": kind, "uuid": id,
            "timestamp": iso(self.file.at_ms),
        });
        merge(&mut entry, more);
        self.file.push(&entry, marks);
    }

    fn user(&mut self, content: &Value, more: &Value, marks: &[Mark]) {
        let mut all = json!({ "message": { "role": "user", "content": content } });
        merge(&mut all, more);
        self.entry("user", &all, marks);
    }

    fn assistant(&mut self, block: &Value, ids: &(String, String), more: &Value, marks: &[Mark]) {
        let output = self.file.rng.range(10, 700);
        let mut all = json!({
            "requestId": ids.1,
            "message": {
                "id": ids.0, "type": "message", "role": "assistant", "model": "claude-opus-4-5",
                "content": [block], "stop_reason": null,
                "usage": { "input_tokens": 4, "cache_read_input_tokens": 18_000,
                    "output_tokens": output },
            },
        });
        if more.is_object() {
            merge(&mut all, more);
            all["message"]["model"] = json!("<synthetic>");
        }
        self.entry("assistant", &all, marks);
    }

    fn ids(&mut self) -> (String, String) {
        (
            format!("msg_{}", self.file.rng.token(22)),
            format!("req_{}", self.file.rng.token(22)),
        )
    }

    fn beat(&mut self, beat: &Beat) {
        let marks = &beat.marks;
        match &beat.step {
            Step::Human(text) => self.user(&json!(text), &Value::Null, marks),
            Step::Harness(text) => self.user(&json!(text), &json!({ "isMeta": true }), marks),
            Step::Say(text) | Step::Mirror(text) => {
                let ids = self.ids();
                let block = json!({ "type": "text", "text": text });
                self.assistant(&block, &ids, &Value::Null, marks);
            }
            Step::Calls { thought, calls } => self.calls(thought, calls),
            Step::ModelError(error) | Step::PromptError(error) => {
                let ids = self.ids();
                let block = json!({ "type": "text", "text": error });
                self.assistant(&block, &ids, &json!({ "isApiErrorMessage": true }), marks);
            }
            Step::Compaction(summary) => {
                let text = format!(
                    "This session is being continued from a previous conversation that ran out of \
                     context. The summary below covers the earlier part.\n\n{summary}"
                );
                self.user(&json!(text), &json!({ "isCompactSummary": true }), marks);
            }
            Step::Interrupt => {
                let content = json!([{ "type": "text", "text": "[Request interrupted by user]" }]);
                self.user(&content, &Value::Null, marks);
            }
            Step::Pause(minutes) => self.file.pause(*minutes),
        }
    }

    fn calls(&mut self, thought: &str, calls: &[Call]) {
        let ids = self.ids();
        if !thought.is_empty() {
            let block = json!({ "type": "text", "text": thought });
            self.assistant(&block, &ids, &Value::Null, &[]);
        }
        let mut named = Vec::new();
        for call in calls {
            let id = format!("toolu_{}", self.file.rng.token(22));
            let (name, input) = invocation(&call.act);
            let block = json!({ "type": "tool_use", "id": id, "name": name, "input": input });
            self.assistant(&block, &ids, &Value::Null, &[]);
            named.push(id);
        }
        for (call, id) in calls.iter().zip(&named) {
            self.result(call, id);
        }
    }

    fn result(&mut self, call: &Call, id: &str) {
        let (text, failed) = match &call.end {
            End::Fine | End::Details(_) => (shown(&call.act, &call.output), false),
            End::Exit(code) => (format!("Exit code {code}\n{}", call.output), true),
            End::Flagged | End::Caught => (call.output.clone(), true),
        };
        let mut block = json!({ "type": "tool_result", "tool_use_id": id, "content": text });
        let mirror = if failed {
            block["is_error"] = json!(true);
            json!(format!("Error: {text}"))
        } else if let Act::Read(path) = &call.act {
            json!({ "type": "text", "file": { "filePath": path, "content": call.output } })
        } else {
            json!({ "stdout": text, "stderr": "", "interrupted": false, "isImage": false })
        };
        self.user(
            &json!([block]),
            &json!({ "toolUseResult": mirror }),
            &call.marks,
        );
    }
}

/// The text of a result as the model sees it: files come with numbered lines.
fn shown(act: &Act, output: &str) -> String {
    match act {
        Act::Read(_) => output
            .lines()
            .zip(1_u32..)
            .map(|(line, number)| format!("{number:>6}→{line}\n"))
            .collect(),
        Act::Run(_)
        | Act::Search { .. }
        | Act::Edit { .. }
        | Act::Write { .. }
        | Act::Tool { .. } => output.to_owned(),
    }
}

/// Name and input of a call.
fn invocation(act: &Act) -> (&'static str, Value) {
    match act {
        Act::Run(command) => ("Bash", json!({ "command": command })),
        Act::Read(path) => ("Read", json!({ "file_path": path })),
        Act::Search { pattern, path } => (
            "Grep",
            json!({ "pattern": pattern, "path": path, "output_mode": "content", "-n": true }),
        ),
        Act::Edit { path, old, new } => (
            "Edit",
            json!({ "file_path": path, "old_string": old, "new_string": new }),
        ),
        Act::Write { path, content } => ("Write", json!({ "file_path": path, "content": content })),
        Act::Tool { name, input } => (name, input.clone()),
    }
}
