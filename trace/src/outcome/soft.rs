//! Results that claim success and failed all the same, by the few shapes that are safe to trust.
//!
//! Neighbours: `outcome` asks when no flag is set. Must never look at text that was read rather than produced.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::checks;
use super::class::{self, has_any};
use super::command_line;
use super::guess;
use super::habits;
use super::message;
use super::shell::Shell;
use super::{Label, Outcome, OutcomeInput};

/// Longest text that is taken for an error message as a whole, bytes.
const SHORT_BYTES: usize = 4 * 1024;

/// Whether the tool only shows what exists: files, searches, pages, other sessions.
pub(super) fn is_reading_tool(tool: &str) -> bool {
    let tool = tool.to_ascii_lowercase();
    [
        "read",
        "grep",
        "glob",
        "ls",
        "find",
        "webfetch",
        "websearch",
        "web_fetch",
        "web_search",
        "memory_get",
        "memory_search",
        "sessions_history",
        "sessions_list",
        "session_status",
        "view",
        "toolsearch",
        "image",
        "notebookread",
        "task",
        "agent",
        "todowrite",
        "todoread",
        "read_file",
        "list_files",
        "view_image",
        "write",
        "edit",
        "multiedit",
        "update_plan",
        "taskoutput",
        "agents_list",
        "skill",
    ]
    .contains(&tool.as_str())
}

/// Whether the tool's work is a command line.
pub(crate) fn runs_commands(tool: &str) -> bool {
    let tool = tool.to_ascii_lowercase();
    let name = tool.rsplit('.').next().unwrap_or("");
    matches!(
        name,
        "exec"
            | "bash"
            | "shell"
            | "exec_command"
            | "shell_command"
            | "local_shell"
            | "run_shell_command"
            | "powershell"
            // Kiro and Amazon Q, Droid, OpenHands.
            | "execute_bash"
            | "execute_cmd"
            | "execute"
            | "execute_command"
    )
}

const READERS: &[&str] = &[
    "cat",
    "head",
    "tail",
    "sed",
    "grep",
    "egrep",
    "rg",
    "ag",
    "less",
    "more",
    "nl",
    "bat",
    "awk",
    "find",
    "ls",
    "git-show",
    "git-log",
    "git-diff",
    "git-blame",
    "git-grep",
    "journalctl",
    "strings",
    "tree",
    "wc",
    "echo",
    "printf",
    "ps",
    "history",
    "man",
    "gh",
    "type",
    "get-content",
    "docker-logs",
    "kubectl-logs",
    "sqlite3",
    "jq",
    "which",
    "where",
    "whereis",
    "command",
];

/// Whether the command line prints what is stored somewhere.
pub(super) fn is_reading_command(command: &str) -> bool {
    !command.is_empty() && is_reading(&Shell::read(command))
}

/// Whether the last pipeline prints what is stored somewhere.
pub(super) fn is_reading(shell: &Shell<'_>) -> bool {
    let mut alternatives = shell.alternatives();
    // Without a command line nothing is shown.
    let shows = !shell.stages().is_empty()
        && alternatives.all(|program| READERS.contains(&program.as_str()));
    if !shows || shell.hides_exit() && runs_script(shell) {
        return false;
    }
    // `python3 job.py && echo done`: when the job fails, its words are all there is.
    !shell.producers().skip(1).any(|(name, text)| {
        let name = habits::unversioned(&name);
        RUNNERS.contains(&name) && !text.contains('>')
    })
}

/// Programs whose own words matter when something is read only after they ended well.
const RUNNERS: &[&str] = &[
    "python",
    "pytest",
    "node",
    "ruby",
    "perl",
    "npm",
    "make",
    "cargo",
    "go",
    "gcc",
    "javac",
    "tsc",
    "runtests.py",
    "manage.py",
    "test",
    "sphinx-build",
];

/// The program that decides the exit code: the first word of the last part; `git grep` is `git-grep`.
pub(super) fn last_command(command: &str) -> String {
    Shell::read(command).last_program()
}

/// Whether a command whose last program found nothing did no more than look, and none of its programs complained.
pub(super) fn only_looked(command: &str, body: &str) -> bool {
    let complaints = [
        "no such file",
        "fatal:",
        "error:",
        "denied",
        "not found",
        "cannot ",
        "categoryinfo",
    ];
    body.len() <= SHORT_BYTES
        && command_line::ran_before_only(&Shell::read(command), READERS)
        && !has_any(&body.to_lowercase(), &complaints)
}

/// Whether the command line runs a test, lint, build or other check.
pub(super) fn runs_checks(command: &str) -> bool {
    command_line::runs_checks(&Shell::read(command))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    ok: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow, rename = "statusCode")]
    status_code: Option<&'a RawValue>,
}

pub(super) fn judge<'a>(input: &OutcomeInput<'a>) -> Option<Outcome<'a>> {
    if is_reading_tool(input.tool) {
        return None;
    }
    let text = message::body(input);
    let is_untold =
        input.is_error.is_none() && input.status.is_empty() && input.exit_code.is_none();
    let guesses = is_untold && runs_commands(input.tool);
    let shell = Shell::read(input.command);
    if is_reading(&shell) {
        let guessed = || {
            let end = if input.tail.is_empty() {
                text
            } else {
                input.tail
            };
            let guessed = guess::complaint(input.command, &shell, text, end);
            guessed.filter(|_| guesses)
        };
        // Whoever hears only the end of the pipe does not hear the complaint.
        let complained = reader_complaint(input, text)
            .filter(|_| !(guesses && (shell.hides_exit() || shell.is_shielded())));
        return complained.or_else(guessed).map(|line| soft(input, line));
    }
    if text.is_empty() {
        return None;
    }
    let answer = checks::without_meter(text);
    if input.tail.is_empty() && text.len() <= SHORT_BYTES && answer.starts_with('{') {
        return json_failure(input, answer);
    }
    if !(runs_commands(input.tool) || input.tool == "process") {
        let is_error = text.len() < 600 && text.starts_with("Error: ");
        return is_error.then(|| soft(input, message::first_line(text)));
    }
    let end = if input.tail.is_empty() {
        text
    } else {
        input.tail
    };
    if let Some(exception) = ending_exception(text, end) {
        return Some(soft(input, exception));
    }
    if guesses && let Some(line) = guess::failing_line(input.command, &shell, text, end) {
        return Some(soft(input, line));
    }
    // A pipe hides the exit code of a check from the harness, not what the check said; where nobody told the outcome
    // the last program of the pipe decides.
    if !guesses && let Some(line) = checks::said_no(text, end) {
        return Some(soft(input, line));
    }
    // The exit code is that of the end of the pipe, or of what tidies up.
    if guesses && (shell.hides_exit() || guess::ends_silently(&shell)) {
        return None;
    }
    failing_line(text, end)
        .filter(|line| !(guesses && is_own_verdict(&shell, line)))
        // `|| echo "parse failed"` says itself that it failed.
        .filter(|line| !(guesses && shell.is_shielded()) || input.command.contains(*line))
        .map(|line| soft(input, line))
}

/// A script that prints `FAILURE: totals differ` speaks of what it looked at, and mostly ends well itself.
fn is_own_verdict(shell: &Shell<'_>, line: &str) -> bool {
    let starts = ["Error: ", "ERROR: ", "FAILURE: ", "Failed: ", "❌ "];
    runs_script(shell) && starts.iter().any(|start| line.starts_with(start))
}

/// Whether an interpreter runs somebody's script.
pub(super) fn runs_script(shell: &Shell<'_>) -> bool {
    let last = shell.last_program();
    let interpreters = [
        "python", "node", "ruby", "perl", "php", "deno", "bun", "ts-node", "tsx",
    ];
    interpreters.iter().any(|name| {
        last.strip_prefix(name)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    })
}

/// The exception that ended a program: of a traceback in the last lines, or in the very last line of a long one.
fn ending_exception<'a>(text: &'a str, end: &'a str) -> Option<&'a str> {
    if let Some(exception) = message::exception_line(end) {
        // An assertion of arrays or texts shows both below its name.
        let lines_max = if exception.starts_with("AssertionError") {
            30
        } else {
            6
        };
        let is_near_the_end = end
            .rfind(exception)
            .is_some_and(|at| end[at..].lines().count() <= lines_max);
        if is_near_the_end {
            return Some(exception);
        }
    }
    let last = end
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !message::is_noise(line) && !is_markup(line))?;
    let is_traced = text.contains("Traceback (most recent call last)");
    (is_traced && message::is_exception(last)).then_some(last)
}

/// An answer that is an error object.
fn json_failure<'a>(input: &OutcomeInput<'a>, text: &'a str) -> Option<Outcome<'a>> {
    let body: Body<'_> = serde_json::from_str(text).ok()?;
    let says = |field: Option<&RawValue>, value: &str| field.is_some_and(|raw| raw.get() == value);
    let has_error = body
        .error
        .is_some_and(|raw| !matches!(raw.get(), "\"\"" | "[]" | "{}" | "false" | "0" | "null"));
    let is_http_error = |field: Option<&RawValue>| {
        field
            .and_then(|raw| raw.get().parse::<i64>().ok())
            .is_some_and(|n| (400..600).contains(&n))
    };
    let failed = (has_error && !says(body.ok, "true") && !says(body.success, "true"))
        || says(body.success, "false")
        || says(body.ok, "false")
        || is_http_error(body.status)
        || is_http_error(body.status_code)
        || checks::only_refuses(text);
    failed.then(|| {
        let mut outcome = soft(input, message::innermost_message(text));
        if outcome.class == class::ErrorClass::Other {
            outcome.class = class::of_soft(
                &OutcomeInput {
                    error: text,
                    ..input.clone()
                },
                text,
            );
        }
        outcome
    })
}

/// Beginnings of lines by which programs say that they gave up.
const FAILING_LINE_STARTS: &[&str] = &[
    "npm ERR!",
    "npm error",
    "fatal: ",
    "curl: (",
    "panic: ",
    "Segmentation fault",
    "Killed",
];

/// Ends of the last line by which scripts say so.
const FAILING_LAST_LINES: &[&str] = &[
    "parse failed",
    "failed to parse",
    "request failed",
    "build failed",
    "login failed",
    "connection failed",
    "download failed",
    "upload failed",
    "fetch failed",
    "installation failed",
    "not found",
    "permission denied",
    "operation not permitted",
    "command not found",
    "unauthorized",
    "forbidden",
    "timed out",
    "no such file or directory",
    "no such device or address",
    "tests failed",
    "is a directory",
];

/// Beginnings of the last line by which scripts say so.
const FAILING_LAST_STARTS: &[&str] = &[
    "error: ",
    "Error: ",
    "ERROR: ",
    "❌ ",
    "FAIL: ",
    "FAILURE: ",
    "FAILED (",
    "FAILED: ",
    "Failed: ",
    "test result: FAILED",
    "build finished with problems",
];

/// How many of the last lines hold a summary.
const SUMMARY_LINES: usize = 24;
/// How many of the last lines are looked at for so many different ones.
const SUMMARY_LINES_SEEN: usize = 120;

/// The line of a command's output that says it failed, looked for where programs put it: the last lines.
fn failing_line<'a>(text: &'a str, end: &'a str) -> Option<&'a str> {
    let starting = text.lines().take(40).chain(end.lines()).map(str::trim_end);
    for line in starting {
        let is_failing = FAILING_LINE_STARTS
            .iter()
            .any(|start| line.starts_with(start));
        if is_failing && line.len() > 12 && !message::is_noise(line) {
            return Some(line);
        }
    }
    // Runners tidy up in many equal lines below their summary.
    let mut seen = BTreeSet::new();
    let mut last_lines = end
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !message::is_noise(line) && !is_markup(line))
        .take(SUMMARY_LINES_SEEN)
        .filter(|line| seen.insert(*line))
        .take(SUMMARY_LINES);
    let last = last_lines.next()?;
    let lower = last.to_lowercase();
    let lower = lower.trim_end_matches(['.', '!']);
    let is_failing = FAILING_LAST_LINES
        .iter()
        .any(|ending| lower.ends_with(ending))
        || has_any(
            lower,
            &[
                ": no module named ",
                ": command not found",
                "command not found: ",
            ],
        );
    // The last row of a table is no sentence.
    let is_row = || {
        let cells = last.split("  ").filter(|cell| !cell.trim().is_empty());
        cells.count() > 2
    };
    if is_failing && last.len() < 240 && !is_row() {
        return Some(last);
    }
    if FAILING_LAST_STARTS
        .iter()
        .any(|start| last.starts_with(start))
    {
        return Some(last);
    }
    std::iter::once(last)
        .chain(last_lines)
        .find(|line| counts_failures(line))
}

/// Whether a line is a tag of a harness around the output.
pub(super) fn is_markup(line: &str) -> bool {
    line.starts_with('<') && line.ends_with('>') && !line.contains(' ')
}

/// Whether a test runner's summary counts failures: `2 failed, 1 passed in 0.3s`, `Tests: 1 failed, 3 total`,
/// `3 failing`, `FAILED (errors=2)`, `99 passed, 9 exceptions`.
pub(super) fn counts_failures(line: &str) -> bool {
    if line.starts_with("FAILED (") || line.starts_with("test result: FAILED") {
        return true;
    }
    let is_summary = line.bytes().any(|b| b.is_ascii_digit())
        && has_any(
            line,
            &[
                " passed",
                " in ",
                "Tests:",
                "Test Suites:",
                " total",
                " failing",
            ],
        );
    let mut words = line
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '='))
        .filter(|w| !w.is_empty());
    let mut previous = "";
    is_summary
        && words.any(|word| {
            let counted = matches!(
                word,
                "failed" | "failing" | "failures" | "errors" | "error" | "exceptions"
            );
            let is_some = previous.parse::<u64>().is_ok_and(|count| count > 0);
            previous = word;
            counted && is_some
        })
}

/// A reading command that only complains: `cat: notes.md: No such file or directory`.
fn reader_complaint<'a>(input: &OutcomeInput<'a>, text: &'a str) -> Option<&'a str> {
    if !runs_commands(input.tool) || text.len() > 600 || text.lines().count() > 2 {
        return None;
    }
    let first = text.lines().next()?.trim();
    let (name, _) = first.split_once(": ")?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_program = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && input.command.contains(name);
    let endings = [
        "No such file or directory",
        "Permission denied",
        "Is a directory",
        "Operation not permitted",
    ];
    (is_program && endings.iter().any(|end| first.ends_with(end))).then_some(first)
}

fn soft<'a>(input: &OutcomeInput<'a>, message: &'a str) -> Outcome<'a> {
    Outcome {
        label: Label::SoftFailure,
        class: class::of_soft(input, message),
        message,
    }
}
