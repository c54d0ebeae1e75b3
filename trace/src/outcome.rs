//! Did a tool do what was asked? The rule for one tool result.
//!
//! Structure first (flags, status words, exit codes), then the few sentences by which tools report failure while
//! claiming success. Neighbours: `detect::tool_failure` turns outcomes into signals. Must not know about sessions.
//! Text that is merely *read* (files, searches, pages) is never evidence, whatever words it holds.

mod checks;
mod class;
mod command_line;
mod endings;
mod guess;
mod habits;
mod message;
mod phrases;
mod shell;
mod soft;

use crate::event::floor_char;

pub use class::ErrorClass;
pub(crate) use class::{has_any, http_code};
pub(crate) use message::{cut_at_word, innermost_message};
pub(crate) use soft::runs_commands;

/// What is known about one tool result.
#[derive(Clone, Debug, Default)]
pub struct OutcomeInput<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The command line, empty when unknown or none.
    pub command: &'a str,
    /// The harness's flag.
    pub is_error: Option<bool>,
    /// The harness's status word.
    pub status: &'a str,
    /// The exit code, when given apart from the text.
    pub exit_code: Option<i64>,
    /// HTTP status of a fetch.
    pub http_status: Option<i64>,
    /// The harness's error text.
    pub error: &'a str,
    /// Whether the tool says that it is switched off.
    pub disabled: bool,
    /// The beginning of the content, or all of it.
    pub text: &'a str,
    /// The end of the content when `text` is only its beginning; else empty.
    pub tail: &'a str,
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// It did what was asked.
    Ok,
    /// It did not.
    Failure,
    /// It was reported as success, but it failed or the feature was off.
    SoftFailure,
    /// It looks like an error, but it is expected or harmless.
    Benign,
}

impl Label {
    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure",
            Self::SoftFailure => "soft_failure",
            Self::Benign => "benign",
        }
    }
}

/// The verdict on one tool result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// How it ended.
    pub label: Label,
    /// What kind of failure it was; `Other` when it was none.
    pub class: ErrorClass,
    /// The line that says what failed, a slice of the input; empty when it did not.
    pub message: &'a str,
}

impl Outcome<'_> {
    fn not_failed(label: Label) -> Self {
        Self {
            label,
            class: ErrorClass::Other,
            message: "",
        }
    }

    /// Whether it failed, loudly or not.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.label, Label::Failure | Label::SoftFailure)
    }
}

const FAILED_STATUSES: &[&str] = &["error", "failed", "timeout", "forbidden"];
const PENDING_STATUSES: &[&str] = &["running", "accepted", "yielded", "pending", "in_progress"];
const APPROVAL_STATUSES: &[&str] = &["approval-pending", "approval-unavailable"];

const REJECTIONS: &[&str] = &[
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected",
    "aborted by user",
    "Command aborted",
    "Operation aborted",
    "[Request interrupted by user",
    "Tool use was rejected",
    "rejected by user",
];

/// A call that stops a command did what was asked, though the command it stopped is marked as failed.
const ENDINGS_ASKED_FOR: &[&str] = &["Termination requested for session", "Killed session"];

/// Failures that a harness reports in the text alone, at its very beginning.
const FAILING_STARTS: &[&str] = &[
    "apply_patch verification failed",
    "execution error:",
    "exec_command failed",
    "failed to parse function arguments",
    "unsupported call:",
    "unsupported custom tool call:",
    "aborted by user after",
    "Command timed out after",
    "Please always provide EXACTLY ONE action",
    "<tool_use_error>",
    // Editors that check a change before they write it.
    "Your proposed edit has introduced new syntax error",
    "[Your proposed edit has introduced new syntax error",
    "[No exact match found in ",
    "{\n  \"status\": \"error\"",
    "{\n  \"status\": \"forbidden\"",
    "{\"status\":\"error\"",
];

/// How an editor that answers in prose begins a refusal, as it stands in a line.
pub(crate) const REFUSED_START: &str = "ERROR:\\n";

/// Beginnings of refusals by tools that run no command: a program may print the same.
const REFUSING_STARTS: &[&str] = &[
    "ERROR:\n",
    "No replacement was performed",
    "Invalid `",
    "Parameter `",
];

/// Judges one tool result.
///
/// `message` of the result is a slice of `error`, `text` or `tail`.
#[must_use]
pub fn classify<'a>(input: &OutcomeInput<'a>) -> Outcome<'a> {
    let text = input.text;
    let start = text.trim_start();
    if start
        .trim_start_matches("<tool_use_error>")
        .starts_with("Sibling tool call errored")
    {
        return Outcome::not_failed(Label::Benign);
    }
    let code = input
        .exit_code
        .or_else(|| message::trailing_exit_code(text, input.tail))
        .or_else(|| message::trailing_exit_code(input.error, ""));
    let by_http = input.http_status.is_some_and(|status| status >= 400);
    let flagged = input.is_error == Some(true)
        || FAILED_STATUSES.contains(&input.status)
        || code.is_some_and(|code| code != 0)
        || by_http
        || FAILING_STARTS
            .iter()
            .any(|failing| start.starts_with(failing))
        || was_killed(start)
        || !runs_commands(input.tool)
            && REFUSING_STARTS
                .iter()
                .any(|refusal| start.starts_with(refusal));
    if APPROVAL_STATUSES.contains(&input.status) {
        return failure(input, ErrorClass::AuthPermission);
    }
    if !flagged && PENDING_STATUSES.contains(&input.status) {
        return Outcome::not_failed(Label::Benign);
    }
    if flagged {
        if ENDINGS_ASKED_FOR.iter().any(|done| start.starts_with(done)) {
            return Outcome::not_failed(Label::Ok);
        }
        if REJECTIONS
            .iter()
            .any(|rejection| starts_or_ends(input, rejection))
        {
            return Outcome {
                label: Label::Failure,
                class: ErrorClass::UserRejected,
                message: message::refusal(input),
            };
        }
        if is_ordinary_exit(input, code) {
            return Outcome::not_failed(Label::Benign);
        }
        let message = message::pick(input);
        let class = class::of_failure(input, message, code);
        return Outcome {
            label: Label::Failure,
            class,
            message,
        };
    }
    if !input.error.trim().is_empty() || input.disabled {
        let message = message::pick(input);
        let class = class::of_soft(input, message);
        return Outcome {
            label: Label::SoftFailure,
            class,
            message,
        };
    }
    soft::judge(input).unwrap_or_else(|| Outcome::not_failed(Label::Ok))
}

/// What the words of a failure that somebody quotes say of its class.
pub(crate) fn class_of_words(text: &str) -> Option<ErrorClass> {
    class::of_text(&text[..floor_char(text, QUOTED_BYTES_MAX)], true)
}

const QUOTED_BYTES_MAX: usize = 600;

/// Whether [`classify`] would look at the text of such a result at all; lets a reader leave megabytes escaped.
#[must_use]
pub fn needs_text(tool: &str, command: &str, is_flagged: bool) -> bool {
    is_flagged || !(soft::is_reading_tool(tool) || soft::is_reading_command(command))
}

/// Whether a harness says that it stopped a command which took too long: `The last command ... timed out and has been
/// killed.`
fn was_killed(start: &str) -> bool {
    let opening = &start[..floor_char(start, 600)];
    start.starts_with("The last command") && opening.contains("timed out and has been killed")
}

fn failure<'a>(input: &OutcomeInput<'a>, class: ErrorClass) -> Outcome<'a> {
    Outcome {
        label: Label::Failure,
        class,
        message: message::pick(input),
    }
}

fn starts_or_ends(input: &OutcomeInput<'_>, needle: &str) -> bool {
    let last = if input.tail.is_empty() {
        input.text
    } else {
        input.tail
    };
    input.text.trim_start().starts_with(needle)
        || input.error.starts_with(needle)
        || last.lines().rev().take(2).any(|line| line.starts_with(needle))
        // Codex: "aborted by user after 3.1s" stands at the end of a sentence.
        || (input.text.len() < 200 && input.text.contains(needle))
}

/// Commands whose exit code 1 answers the question asked: no match, a difference, not there.
const ASKING_COMMANDS: &[&str] = &[
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "ag",
    "ack",
    "diff",
    "cmp",
    "test",
    "[",
    "[[",
    "which",
    "pgrep",
    "type",
    "findstr",
    "where",
    "command",
    "git-grep",
    "git-diff",
    "pidof",
    "git-config",
    "git-check-ignore",
    "git-merge-base",
    "git-show-ref",
];

/// Whether a non-zero exit is an answer, not a failure.
fn is_ordinary_exit(input: &OutcomeInput<'_>, code: Option<i64>) -> bool {
    let Some(code) = code.filter(|code| *code != 0) else {
        return false;
    };
    let body = message::body(input);
    // A host that gives no shell greets whoever logs in, and ends the session with a code.
    if body.contains("You've successfully authenticated, but") {
        return true;
    }
    if body.contains("\"ok\": true")
        || body.contains("\"ok\":true")
        || body.contains("\"success\":true")
    {
        return true;
    }
    if code != 1 {
        return false;
    }
    let command = soft::last_command(input.command);
    let is_asking = ASKING_COMMANDS.contains(&command.as_str());
    let says_nothing =
        body.is_empty() || body == "(no output)" || soft::only_looked(input.command, body);
    let shows_difference = matches!(command.as_str(), "diff" | "cmp" | "git-diff");
    // Asked where several programs are, a shell names those that it has and exits with 1 for the others.
    let answers = matches!(command.as_str(), "which" | "type" | "where" | "command");
    is_asking && (says_nothing || shows_difference || answers)
}

#[cfg(test)]
mod tests;
