//! Tool calls that did not do what was asked.
//!
//! Neighbours: `outcome` gives the verdict. What a person refused is `user`'s to report, and what a harness cancelled
//! because another call failed is no failure of its own.

use serde::{Deserialize, Serialize};

use super::quality::{is_missing_ability, quality};
use super::recorder::{Cx, Finding, Quote};
use crate::event::{Notice, NoticeKind, ToolCall, floor_char};
use crate::outcome::{ErrorClass, Label, Outcome, OutcomeInput, classify};
use crate::signal::{Kind, Severity};

const DETECTOR: &str = "tool_failure";
const TOOL_BYTES_MAX: usize = 120;

/// Reports a failed result; gives back the fingerprint of its signal.
pub(super) fn on_outcome(
    input: &OutcomeInput<'_>,
    outcome: &Outcome<'_>,
    cx: &mut Cx<'_>,
) -> Option<String> {
    if !outcome.failed() || outcome.class == ErrorClass::UserRejected {
        return None;
    }
    let message = outcome.message;
    let text = [input.text, input.error, input.tail]
        .into_iter()
        .find(|text| text.contains(message))
        .unwrap_or("");
    let tool = &input.tool[..floor_char(input.tool, TOOL_BYTES_MAX)];
    let tool = if tool.is_empty() {
        "unknown_tool"
    } else {
        tool
    };
    let is_soft = outcome.label == Label::SoftFailure;
    let message = if message.is_empty() {
        "no output"
    } else {
        message
    };
    let quote = if outcome.message.is_empty() {
        input.text
    } else {
        outcome.message
    };
    let summary = format!("{tool}: {message}");
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class: quality(outcome.class, message),
        tool,
        error_class: outcome.class.as_str(),
        message,
        summary: &summary,
        severity: severity(input, outcome),
        confidence: if is_soft { 0.75 } else { 0.95 },
        tags: if is_soft { &["soft_failure"] } else { &[] },
        quote: Some(Quote {
            role: "tool",
            text: if text.is_empty() { input.text } else { text },
            quote,
        }),
        earlier: &[],
        keeps_repeats: false,
    })
}

/// Background commands that the agent stopped itself, by their names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Stopped {
    names: Vec<String>,
}

/// How much of a background command's name its notice shows.
const NAME_BYTES: usize = 8;
const NAMES_MAX: usize = 16;

impl Stopped {
    pub(super) fn on_call(&mut self, call: &ToolCall<'_>) {
        if call.name != "process" || !call.args.contains("\"kill\"") {
            return;
        }
        let name = call
            .args
            .split_once("\"sessionId\":")
            .and_then(|(_, rest)| rest.trim_start().strip_prefix('"'))
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("");
        if name.is_empty() {
            return;
        }
        if self.names.len() >= NAMES_MAX {
            self.names.remove(0);
        }
        let shown = &name[..floor_char(name, NAME_BYTES)];
        self.names.push(shown.to_owned());
    }

    /// Reports a background command whose end the harness told the agent later, unless the agent asked for it.
    pub(super) fn on_notice(&self, notice: &Notice, cx: &mut Cx<'_>) {
        // One that ended with a code of its own failed before it could be stopped.
        let name = notice
            .text
            .strip_prefix("Exec failed (")
            .and_then(|rest| rest.split(')').next())
            .and_then(|rest| rest.split_once(", signal "))
            .map(|(name, _)| name);
        if !name.is_some_and(|name| self.names.iter().any(|stopped| stopped == name)) {
            report_notice(notice, cx);
        }
    }
}

fn report_notice(notice: &Notice, cx: &mut Cx<'_>) {
    if !matches!(notice.kind, NoticeKind::ExecFailed | NoticeKind::ExecDenied) {
        return;
    }
    let detail = notice
        .text
        .split_once(" :: ")
        .map_or("", |(_, detail)| detail);
    let detail = if detail.is_empty() {
        notice.text.as_str()
    } else {
        detail
    };
    let input = OutcomeInput {
        tool: "exec",
        is_error: Some(true),
        text: detail,
        status: if notice.kind == NoticeKind::ExecDenied {
            "forbidden"
        } else {
            ""
        },
        ..OutcomeInput::default()
    };
    let outcome = classify(&input);
    on_outcome(&input, &outcome, cx);
}

/// Whether a command can do nothing but fail: somebody tries out what happens then.
pub(super) fn only_fails(command: &str) -> bool {
    let command = command.trim();
    command == "false"
        || command
            .strip_prefix("exit ")
            .is_some_and(|code| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Low when agents meet it every day and go on: a file not there yet, an edit to be repeated, a guard that asks to
/// read first. Medium otherwise.
fn severity(input: &OutcomeInput<'_>, outcome: &Outcome<'_>) -> Severity {
    let is_file_tool = !crate::outcome::runs_commands(input.tool);
    match outcome.class {
        ErrorClass::NotFound
            if is_file_tool && !is_missing_ability(&outcome.message.to_lowercase()) =>
        {
            Severity::Low
        }
        ErrorClass::State | ErrorClass::EditMismatch | ErrorClass::BadArguments => Severity::Low,
        ErrorClass::Timeout
        | ErrorClass::RateLimit
        | ErrorClass::AuthPermission
        | ErrorClass::NotFound
        | ErrorClass::Network
        | ErrorClass::CheckFailed
        | ErrorClass::Crash
        | ErrorClass::UserRejected
        | ErrorClass::Unavailable
        | ErrorClass::Other => Severity::Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_can_only_fail_is_known() {
        assert!(only_fails("false") && only_fails(" exit 3 "));
        assert!(!only_fails("") && !only_fails("exit") && !only_fails("make || exit 1"));
    }

    #[test]
    fn a_background_command_that_the_agent_stopped_is_known() {
        let mut stopped = Stopped::default();
        let call = |args| ToolCall {
            id: "".into(),
            name: "process".into(),
            args,
        };
        stopped.on_call(&call("{\"action\":\"poll\",\"sessionId\":\"brave-till\"}"));
        assert!(stopped.names.is_empty());
        stopped.on_call(&call("{\"action\":\"kill\",\"sessionId\":\"quiet-till\"}"));
        assert_eq!(stopped.names, ["quiet-ti"]);
    }
}
