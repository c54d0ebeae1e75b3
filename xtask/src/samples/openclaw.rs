//! Sessions as OpenClaw writes them: one JSON entry a line, linked to the one before.
//!
//! Neighbours: `plan` names the file; scripts come from `plants`, `traps`, `moods` and `chapters`.

use serde_json::{Value, json};

use super::file::{File, merge};
use super::manifest::{Book, Mark};
use super::script::{Act, Beat, Call, End, Step};
use super::time::{DAY_MS, envelope, iso};
use super::world::Place;

/// The month in which the end of a command came to be told in another way.
const LATE_FROM_MS: u64 = super::time::BEGIN_MS + 35 * DAY_MS;

/// One file under way.
struct Writer<'a> {
    file: File<'a>,
    parent: Value,
    place: &'a Place<'a>,
    session_id: &'a str,
    provider: &'static str,
    model: &'static str,
    channel: &'static str,
    messages: u64,
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
    let models = [
        ("anthropic", "claude-sonnet-4-5"),
        ("openai-codex", "gpt-5.2"),
        ("google", "gemini-3-pro"),
        ("ollama", "qwen3-coder:30b"),
    ];
    let (provider, model) = file.rng.pick(&models);
    let channel = file.rng.pick(&["Telegram", "WhatsApp", "webchat"]);
    let mut writer = Writer {
        file,
        parent: Value::Null,
        place,
        session_id,
        provider,
        model,
        channel,
        messages: 0,
    };
    writer.head();
    for beat in beats {
        writer.beat(beat);
    }
    writer.file.text()
}

impl Writer<'_> {
    fn head(&mut self) {
        let cwd = format!("{}/.openclaw/workspace", self.place.home());
        let head = json!({
            "type": "session", "version": 3, "id": self.session_id,
            "timestamp": iso(self.file.at_ms), "cwd": cwd,
        });
        self.file.push(&head, &[]);
        let (provider, model) = (self.provider, self.model);
        let change = json!({ "type": "model_change", "provider": provider, "modelId": model });
        self.entry(change, &[]);
        self.entry(
            json!({ "type": "thinking_level_change", "thinkingLevel": "low" }),
            &[],
        );
    }

    fn late(&self) -> bool {
        self.file.at_ms >= LATE_FROM_MS
    }

    fn entry(&mut self, mut entry: Value, marks: &[Mark]) {
        self.file.pass(900, 38_000);
        let id = self.file.rng.hex(8);
        entry["parentId"] = std::mem::replace(&mut self.parent, json!(id));
        entry["id"] = json!(id);
        entry["timestamp"] = json!(iso(self.file.at_ms));
        self.file.push(&entry, marks);
    }

    fn message(&mut self, mut message: Value, marks: &[Mark]) {
        message["timestamp"] = json!(self.file.at_ms + 1);
        self.entry(json!({ "type": "message", "message": message }), marks);
    }

    fn user(&mut self, text: &str, marks: &[Mark]) {
        let content = json!([{ "type": "text", "text": text }]);
        self.message(json!({ "role": "user", "content": content }), marks);
    }

    fn assistant(&mut self, content: &Value, stop: &str, more: &Value, marks: &[Mark]) {
        let (input, output) = (
            self.file.rng.range(900, 60_000),
            self.file.rng.range(20, 900),
        );
        let failed = stop == "error";
        let usage = if failed { (0, 0) } else { (input, output) };
        let mut message = json!({
            "role": "assistant", "content": content, "api": "messages",
            "provider": self.provider, "model": self.model, "stopReason": stop,
            "usage": { "input": usage.0, "output": usage.1, "cacheRead": usage.0 / 2,
                "cacheWrite": 0, "totalTokens": usage.0 + usage.1,
                "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0 } },
        });
        merge(&mut message, more);
        self.message(message, marks);
    }

    fn beat(&mut self, beat: &Beat) {
        let marks = &beat.marks;
        match &beat.step {
            Step::Human(text) => {
                let text = self.in_envelope(text);
                self.user(&text, marks);
            }
            Step::Harness(text) => self.user(text, marks),
            Step::Say(text) => {
                let content = json!([{ "type": "text", "text": text }]);
                self.assistant(&content, "stop", &Value::Null, marks);
            }
            Step::Calls { thought, calls } => self.calls(thought, calls),
            Step::ModelError(error) => {
                let more = json!({ "errorMessage": error });
                self.assistant(&json!([]), "error", &more, marks);
            }
            Step::PromptError(error) => {
                let data = json!({
                    "timestamp": self.file.at_ms, "runId": self.file.rng.uuid(),
                    "sessionId": self.session_id, "provider": self.provider,
                    "model": self.model, "api": "messages", "error": error,
                });
                let kind = "openclaw:prompt-error";
                self.entry(
                    json!({ "type": "custom", "customType": kind, "data": data }),
                    marks,
                );
            }
            Step::Mirror(text) => {
                let content = json!([{ "type": "text", "text": text }]);
                let more = json!({ "provider": "openclaw", "model": "delivery-mirror" });
                self.assistant(&content, "stop", &more, marks);
            }
            Step::Compaction(summary) => {
                let kept = self.parent.clone();
                let tokens = self.file.rng.range(90_000, 190_000);
                let entry = json!({
                    "type": "compaction", "summary": summary, "firstKeptEntryId": kept,
                    "tokensBefore": tokens, "details": { "readFiles": [], "modifiedFiles": [] },
                });
                self.entry(entry, marks);
            }
            Step::Interrupt => self.assistant(&json!([]), "aborted", &Value::Null, marks),
            Step::Pause(minutes) => self.file.pause(*minutes),
        }
    }

    /// What the gateway puts around the words of a person; it changed over time.
    fn in_envelope(&mut self, text: &str) -> String {
        self.messages += 1;
        if self.late() {
            let info = json!({
                "message_id": (4_000 + self.messages).to_string(), "sender": self.place.person.name,
            });
            let info = serde_json::to_string_pretty(&info).expect("plain values");
            return format!(
                "Conversation info (untrusted metadata):\n```json\n{info}\n```\n\n{text}"
            );
        }
        let (channel, name) = (self.channel, self.place.person.name);
        let id = 1_200 + self.messages;
        format!(
            "[{channel} {name} {}] {text}\n[message_id: {id}]",
            envelope(self.file.at_ms)
        )
    }

    fn calls(&mut self, thought: &str, calls: &[Call]) {
        let mut content = Vec::new();
        if !thought.is_empty() {
            content.push(json!({ "type": "text", "text": thought }));
        }
        let ids: Vec<String> = calls
            .iter()
            .map(|_| format!("toolu_{}", self.file.rng.token(20)))
            .collect();
        for (call, id) in calls.iter().zip(&ids) {
            let (name, arguments) = invocation(&call.act);
            content.push(
                json!({ "type": "toolCall", "id": id, "name": name, "arguments": arguments }),
            );
        }
        self.assistant(&Value::Array(content), "toolUse", &Value::Null, &[]);
        for (call, id) in calls.iter().zip(&ids) {
            self.result(call, id);
        }
    }

    fn result(&mut self, call: &Call, id: &str) {
        let (name, _) = invocation(&call.act);
        let took = self.file.rng.range(20, 9_000);
        let cwd = self.place.project.root;
        let (text, details) = match &call.end {
            End::Fine if name == "exec" => (
                call.output.clone(),
                json!({ "status": "completed", "exitCode": 0, "durationMs": took, "cwd": cwd }),
            ),
            End::Fine | End::Flagged => (call.output.clone(), json!({})),
            End::Exit(code) if self.late() => (
                format!("{}\n\n(Command exited with code {code})", call.output),
                json!({ "status": "completed", "exitCode": code, "durationMs": took, "cwd": cwd }),
            ),
            End::Exit(code) => {
                let error = format!("{}\n\nCommand exited with code {code}", call.output);
                caught(name, &error)
            }
            End::Caught => caught(name, &call.output),
            End::Details(details) => (call.output.clone(), details.clone()),
        };
        let message = json!({
            "role": "toolResult", "toolCallId": id, "toolName": name,
            "content": [{ "type": "text", "text": text }], "details": details,
            "isError": matches!(call.end, End::Flagged),
        });
        self.message(message, &call.marks);
    }
}

/// The harness catches what a tool throws and returns it as a normal result.
fn caught(tool: &str, error: &str) -> (String, Value) {
    let body = json!({ "status": "error", "tool": tool, "error": error });
    let text = serde_json::to_string_pretty(&body).expect("plain values");
    (text, body)
}

/// Name and arguments of a call.
fn invocation(act: &Act) -> (&'static str, Value) {
    match act {
        Act::Run(command) => ("exec", json!({ "command": command })),
        Act::Read(path) => ("read", json!({ "path": path })),
        Act::Search { pattern, path } => (
            "exec",
            json!({ "command": format!("rg -n '{pattern}' {path}") }),
        ),
        Act::Edit { path, old, new } => (
            "edit",
            json!({ "path": path, "oldText": old, "newText": new }),
        ),
        Act::Write { path, content } => ("write", json!({ "path": path, "content": content })),
        Act::Tool { name, input } => (name, input.clone()),
    }
}
