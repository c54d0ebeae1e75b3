//! What kind of failure a message speaks of.
//!
//! Neighbours: `outcome` asks for failed results only. The lists are of phrases that tools, shells and services use
//! anywhere, tried in order: the specific before the general.

use super::OutcomeInput;
use super::guess;
use super::message;
use super::phrases::{CALL_PHRASES, CHECK_PHRASES, COMMAND_PHRASES, CRASH_PHRASES, RULES};
use super::soft;
use crate::event::floor_char;

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// It took too long.
    Timeout,
    /// Too many requests, or a quota is used up.
    RateLimit,
    /// Not allowed, not logged in, not approved.
    AuthPermission,
    /// A file, program, module, page or session is not there.
    NotFound,
    /// The other side could not be reached.
    Network,
    /// The call itself was wrong.
    BadArguments,
    /// An edit did not find its place.
    EditMismatch,
    /// A test, lint, build or other check said no.
    CheckFailed,
    /// The program fell over.
    Crash,
    /// A person said no.
    UserRejected,
    /// The world was not in the state that the call needed.
    State,
    /// The service or feature is down or switched off.
    Unavailable,
    /// None of these.
    Other,
}

impl ErrorClass {
    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::RateLimit => "rate_limit",
            Self::AuthPermission => "auth_permission",
            Self::NotFound => "not_found",
            Self::Network => "network",
            Self::BadArguments => "bad_arguments",
            Self::EditMismatch => "edit_mismatch",
            Self::CheckFailed => "check_failed",
            Self::Crash => "crash",
            Self::UserRejected => "user_rejected",
            Self::State => "state",
            Self::Unavailable => "unavailable",
            Self::Other => "other",
        }
    }
}

/// Whether any phrase is in the text.
pub(crate) fn has_any(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

const WINDOW_BYTES: usize = 1500;

/// The class of a failure, from its message first and from the text around it when the message does not say.
pub(super) fn of_failure(input: &OutcomeInput<'_>, message: &str, code: Option<i64>) -> ErrorClass {
    match code {
        Some(124) => return ErrorClass::Timeout,
        Some(127) => return ErrorClass::NotFound,
        Some(126) => return ErrorClass::AuthPermission,
        Some(_) | None => {}
    }
    if input.status == "timeout" {
        return ErrorClass::Timeout;
    }
    if input.status == "forbidden" {
        return ErrorClass::AuthPermission;
    }
    if let Some(class) = code
        .filter(|_| soft::last_command(input.command) == "curl")
        .and_then(of_curl)
    {
        return class;
    }
    let is_command = code.is_some() || soft::runs_commands(input.tool);
    if !is_command && is_bad_call_inside(message) {
        return ErrorClass::BadArguments;
    }
    if let Some(class) = of_text(message, is_command) {
        return class;
    }
    if let Some(class) = input.http_status.and_then(of_http) {
        return class;
    }
    // A check that fails shows the code it complains about, and that may hold any word.
    let is_plain = !message.starts_with("error: ");
    if is_command && is_plain && soft::runs_checks(input.command) {
        return ErrorClass::CheckFailed;
    }
    if !input.error.is_empty()
        && let Some(class) = of_text(
            &input.error[..floor_char(input.error, WINDOW_BYTES)],
            is_command,
        )
    {
        return class;
    }
    let body = message::body(input);
    let head = &body[..floor_char(body, WINDOW_BYTES)];
    if let Some(class) = of_text(head, is_command) {
        return class;
    }
    if body.len() > WINDOW_BYTES {
        let from = floor_char(body, body.len() - 600);
        if let Some(class) = of_text(&body[from..], is_command) {
            return class;
        }
    }
    match code {
        Some(134 | 136 | 139) => ErrorClass::Crash,
        Some(130) => ErrorClass::UserRejected,
        Some(_) | None => ErrorClass::Other,
    }
}

/// Whether a message that guesses at a cause quotes a better one in brackets: `Can't reach the service. (Error: key is
/// required)`.
fn is_bad_call_inside(message: &str) -> bool {
    let inner = message
        .rfind("(Error: ")
        .map_or("", |at| &message[at + "(Error: ".len()..]);
    let inner = inner.trim_end().trim_end_matches(')');
    ["is required", "are required"]
        .iter()
        .any(|end| inner.ends_with(end))
}

/// The exit codes of curl that say more than its output, which is often empty.
fn of_curl(code: i64) -> Option<ErrorClass> {
    match code {
        2 | 3 => Some(ErrorClass::BadArguments),
        5 | 6 | 7 | 35 | 52 | 55 | 56 | 60 => Some(ErrorClass::Network),
        28 => Some(ErrorClass::Timeout),
        67 => Some(ErrorClass::AuthPermission),
        _ => None,
    }
}

/// The class of a failure that was reported as success.
pub(super) fn of_soft(input: &OutcomeInput<'_>, message: &str) -> ErrorClass {
    let error = input.error.trim();
    // An error that is one identifier, such as `missing_search_api_key`, says that the feature was never set up.
    if error.starts_with("missing_") && !error.contains(' ') {
        return ErrorClass::Unavailable;
    }
    let class = of_text(message, soft::runs_commands(input.tool))
        .or_else(|| of_text(&error[..floor_char(error, WINDOW_BYTES)], false));
    match class {
        Some(class) => class,
        None if input.disabled => ErrorClass::Unavailable,
        None => ErrorClass::Other,
    }
}

pub(super) fn of_text(text: &str, is_command: bool) -> Option<ErrorClass> {
    let exception = exception_name(text).filter(|_| is_command);
    if let Some(class) = exception.and_then(|name| of_exception(name, text)) {
        return Some(class);
    }
    let text = text.to_lowercase();
    if let Some(class) = http_code(&text).and_then(of_http) {
        return Some(class);
    }
    for (class, phrases) in RULES {
        if has_any(&text, phrases) {
            return Some(*class);
        }
    }
    let is_script_trouble = text.contains("traceback") || names_exception(&text);
    let order: &[(ErrorClass, &[&str])] = if is_command && !is_script_trouble {
        &[
            (ErrorClass::BadArguments, COMMAND_PHRASES),
            (ErrorClass::CheckFailed, CHECK_PHRASES),
            (ErrorClass::Crash, CRASH_PHRASES),
        ]
    } else if is_command {
        &[
            (ErrorClass::Crash, CRASH_PHRASES),
            (ErrorClass::BadArguments, COMMAND_PHRASES),
        ]
    } else {
        &[
            (ErrorClass::BadArguments, CALL_PHRASES),
            (ErrorClass::BadArguments, COMMAND_PHRASES),
            (ErrorClass::Crash, CRASH_PHRASES),
        ]
    };
    order
        .iter()
        .find(|(_, phrases)| has_any(&text, phrases))
        .map(|(class, _)| *class)
        .or_else(|| exception.map(|_| ErrorClass::Crash))
        .or_else(|| (is_command && is_verdict(&text)).then_some(ErrorClass::CheckFailed))
}

/// The name of the exception that one line shows, without its module.
fn exception_name(text: &str) -> Option<&str> {
    let line = text.trim();
    if line.contains('\n') || !message::is_exception(line) {
        return None;
    }
    let name = line.split(':').next().unwrap_or("").trim_end();
    let name = name.rsplit('.').next().unwrap_or(name);
    let is_named = ["Error", "Exception", "Warning", "Interrupt"]
        .iter()
        .any(|end| name.ends_with(end));
    is_named.then_some(name)
}

/// What the name of an exception says; the words behind it are the program's and may speak of anything.
fn of_exception(name: &str, text: &str) -> Option<ErrorClass> {
    match name {
        "FileNotFoundError" | "ModuleNotFoundError" => return Some(ErrorClass::NotFound),
        "PermissionError" => return Some(ErrorClass::AuthPermission),
        "AssertionError" => return Some(ErrorClass::CheckFailed),
        "FileExistsError" => return Some(ErrorClass::State),
        "ValueError"
        | "TypeError"
        | "KeyError"
        | "AttributeError"
        | "NameError"
        | "IndexError"
        | "ZeroDivisionError"
        | "RecursionError"
        | "UnboundLocalError"
        | "NotImplementedError" => {}
        _ => return None,
    }
    // A client library may wrap what a service said.
    let lower = text.to_lowercase();
    let outer = RULES.iter().find(|(class, phrases)| {
        let is_outer = matches!(
            class,
            ErrorClass::RateLimit
                | ErrorClass::Timeout
                | ErrorClass::Network
                | ErrorClass::AuthPermission
        );
        is_outer && has_any(&lower, phrases)
    });
    Some(outer.map_or(ErrorClass::Crash, |(class, _)| *class))
}

/// Whether a line is the verdict of a test runner or a linter: counts of failures, or a place and what is wrong there.
fn is_verdict(lower: &str) -> bool {
    let line = lower.trim();
    !line.contains('\n')
        && (soft::counts_failures(line) || guess::is_finding(line) || line.starts_with("failed ("))
}

/// Whether a lower-case line is what an interpreter says last, `typeerror: ...`.
fn names_exception(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or("");
    // A script or a text that cannot be read is a wrong argument more often than a fall.
    name.len() < text.len()
        && name != "syntaxerror"
        && (name.ends_with("error") || name.ends_with("exception"))
        && name.len() > "error".len()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))
}

fn of_http(code: i64) -> Option<ErrorClass> {
    match code {
        401 | 402 | 403 | 407 | 451 => Some(ErrorClass::AuthPermission),
        404 | 410 => Some(ErrorClass::NotFound),
        408 | 504 | 524 => Some(ErrorClass::Timeout),
        429 => Some(ErrorClass::RateLimit),
        400 | 405 | 406 | 413 | 414 | 415 | 422 => Some(ErrorClass::BadArguments),
        409 | 412 | 423 => Some(ErrorClass::State),
        500..=599 => Some(ErrorClass::Unavailable),
        _ => None,
    }
}

/// An HTTP error status that the text names as one: after a bracket, `http`, `status`, `error` or `code`, or at the
/// very beginning. A bare number in a sentence is not one.
pub(crate) fn http_code(lower: &str) -> Option<i64> {
    let bytes = lower.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for at in memchr::memchr2_iter(b'4', b'5', bytes) {
        if (at > 0 && (is_digit(at - 1) || bytes[at - 1] == b'.'))
            || !is_digit(at + 1)
            || !is_digit(at + 2)
        {
            continue;
        }
        if is_digit(at + 3) || bytes.get(at + 3) == Some(&b'.') && is_digit(at + 4) {
            continue;
        }
        let before = &lower[floor_char(lower, at.saturating_sub(12))..at];
        let before = before.trim_end_matches([' ', '(', ':', '"', '=', '\\']);
        let named = [
            "http", "status", "error", "code", "failed", "http/1.1", "http/2", "api",
        ]
        .iter()
        .any(|word| before.ends_with(word));
        if at == 0 || named {
            return lower[at..at + 3].parse().ok();
        }
    }
    None
}
