//! Tool calls that did not do what was asked.
//!
//! Neighbours: `outcome` gives the verdict. What a person refused is `user`'s to report, and what a harness cancelled
//! because another call failed is no failure of its own.

use serde::{Deserialize, Serialize};

use super::recorder::{Cx, Finding, Quote};
use crate::event::{Notice, NoticeKind, ToolCall, floor_char};
use crate::outcome::{ErrorClass, Label, Outcome, OutcomeInput, classify};
use crate::signal::{Class, Kind, Severity};

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
#[derive(Debug, Default, Serialize, Deserialize)]
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

/// Which part of the product's quality a failure of a class speaks of: `docs/CLASSES.md`.
pub(super) fn quality(class: ErrorClass, message: &str) -> Class {
    let lower = message.to_lowercase();
    match class {
        ErrorClass::Unavailable if is_missing_key(&lower) => Class::SafetyCompliance,
        ErrorClass::Unavailable if lower.contains("no supported browser") => Class::CapabilityGap,
        ErrorClass::Timeout
        | ErrorClass::RateLimit
        | ErrorClass::Network
        | ErrorClass::Unavailable => Class::ReliabilityPerf,
        ErrorClass::Crash if is_killed(&lower) => Class::ReliabilityPerf,
        // Python's own guard of a system's packages asks for another way, not for a right.
        ErrorClass::AuthPermission if lower.contains("externally-managed") => Class::ProcessTooling,
        ErrorClass::AuthPermission => Class::SafetyCompliance,
        ErrorClass::NotFound if is_missing_ability(&lower) => Class::CapabilityGap,
        ErrorClass::Other if is_other_version(&lower) => Class::CapabilityGap,
        ErrorClass::EditMismatch | ErrorClass::State => Class::ProcessTooling,
        ErrorClass::UserRejected => Class::UxFriction,
        ErrorClass::NotFound
        | ErrorClass::BadArguments
        | ErrorClass::CheckFailed
        | ErrorClass::Crash
        | ErrorClass::Other => Class::Defect,
    }
}

/// Whether a feature is off for want of a key.
fn is_missing_key(lower: &str) -> bool {
    [
        "api key",
        "api_key",
        "apikey",
        "access token",
        "credentials",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Whether the program was ended from outside, or its result was lost; it did not fall over by itself.
fn is_killed(lower: &str) -> bool {
    [
        "sigkill",
        "sigterm",
        "out of memory",
        "oom",
        "missing tool result",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Whether the machine has a program in a version that does not do.
fn is_other_version(lower: &str) -> bool {
    lower.contains("is required (current") || lower.contains("unsupported engine")
}

/// Whether what is missing is a program, a module or a tool, not a file.
fn is_missing_ability(lower: &str) -> bool {
    let phrases = [
        "command not found",
        "no module named",
        "is not recognized",
        "not installed",
        "linker `",
        "executable file not found",
        "cannot find module",
        "could not find program",
        // PowerShell, in whatever language it speaks.
        "commandnotfoundexception",
        "wurde nicht als name",
        "n'est pas reconnu comme nom d",
        "no se reconoce como nombre de",
        "não é reconhecido como nome de",
        "无法将",
    ];
    phrases.iter().any(|phrase| lower.contains(phrase))
        || (lower.starts_with("tool ") && lower.ends_with(" not found"))
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
    fn a_failure_has_the_class_of_whose_work_it_is() {
        for (class, message, want) in [
            (
                ErrorClass::Unavailable,
                "missing_tern_api_key",
                Class::SafetyCompliance,
            ),
            (
                ErrorClass::Unavailable,
                "Can't reach the service. (Error: No supported browser found)",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::Unavailable,
                "the service is switched off",
                Class::ReliabilityPerf,
            ),
            (
                ErrorClass::Crash,
                "Process exited with signal SIGKILL.",
                Class::ReliabilityPerf,
            ),
            (
                ErrorClass::AuthPermission,
                "error: externally-managed-environment",
                Class::ProcessTooling,
            ),
            (ErrorClass::Crash, "ValueError: bad id", Class::Defect),
            (
                ErrorClass::NotFound,
                "tern: command not found",
                Class::CapabilityGap,
            ),
            (
                ErrorClass::NotFound,
                "cat: notes.md: No such file or directory",
                Class::Defect,
            ),
            (
                ErrorClass::Other,
                "tern: v22+ is required (current: v20.1)",
                Class::CapabilityGap,
            ),
        ] {
            assert_eq!(quality(class, message), want, "{message}");
        }
    }

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
