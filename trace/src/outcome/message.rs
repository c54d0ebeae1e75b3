//! Which line of a failed result says what failed.
//!
//! Neighbours: `class` reads the line, fingerprints are made of it. Gives slices of the input only, because a quote
//! must be found in the event byte for byte.

use super::OutcomeInput;
use super::class::has_any;
use super::soft;
use crate::event::floor_char;

const MESSAGE_BYTES_MAX: usize = 300;
const LINES_MAX: usize = 400;
/// Most members of one name looked at in a JSON error.
const MEMBERS_MAX: usize = 32;

/// The exit code that a shell tool wrote below the output.
pub(super) fn trailing_exit_code(text: &str, tail: &str) -> Option<i64> {
    let end = if tail.is_empty() { text } else { tail };
    let line = end.trim_end().lines().next_back()?;
    let line = line
        .trim()
        .trim_start_matches('(')
        .trim_end_matches([')', '.']);
    let rest = line
        .strip_prefix("Command exited with code ")
        .or_else(|| line.strip_prefix("Process exited with code "))?;
    rest.parse().ok()
}

/// The content without the lines that only tell the exit code.
pub(super) fn body<'a>(input: &OutcomeInput<'a>) -> &'a str {
    // The oldest layouts put the whole output of a failed command into the error.
    let source = if input.error.trim().is_empty() {
        input.text
    } else {
        input.error
    };
    let mut text = source.trim();
    if let Some(rest) = text.strip_prefix("Exit code ") {
        text = rest.split_once('\n').map_or("", |(_, after)| after).trim();
    }
    if let Some(at) = text.find("\nOutput:\n").filter(|at| *at < 300) {
        text = text[at + "\nOutput:\n".len()..].trim();
    } else if text.len() < 300 && text.ends_with("\nOutput:") {
        // A command that printed nothing.
        text = "";
    }
    if trailing_exit_code(text, "").is_some() {
        text = text
            .rsplit_once('\n')
            .map_or("", |(before, _)| before)
            .trim();
    }
    text
}

/// The line that says what failed.
pub(super) fn pick<'a>(input: &OutcomeInput<'a>) -> &'a str {
    let style = if soft::is_reading_command(input.command) {
        // What was read comes first and may hold any word; the complaint is below it.
        Style::LastLines
    } else if soft::runs_commands(input.tool) {
        Style::Command
    } else {
        Style::Call
    };
    // The error text of a tool that runs no command begins with what went wrong; below it stands what the tool knows.
    if style == Style::Call
        && let Some(line) = input
            .error
            .trim()
            .lines()
            .next()
            .filter(|line| is_sentence(line))
    {
        return shorten(line);
    }
    let mut found = pick_from(body(input), style);
    if found.is_empty() || style == Style::LastLines {
        let in_tail = pick_from(input.tail, style);
        if !in_tail.is_empty() {
            found = in_tail;
        }
    }
    if found.is_empty() {
        let source = if input.error.trim().is_empty() {
            input.text
        } else {
            input.error
        };
        found = first_line(source);
    }
    shorten(found)
}

/// Whether a line is words up to a full stop, and not a heading or the beginning of a structure.
fn is_sentence(line: &str) -> bool {
    let line = line.trim_end();
    line.ends_with('.') && !line.starts_with(['{', '[', '<']) && line.split(' ').count() >= 4
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Call,
    Command,
    LastLines,
}

/// Words that a line about a failure holds, lower case.
const MARKERS: &[&str] = &[
    "error",
    "fail",
    "not found",
    "denied",
    "cannot",
    "can't",
    "could not",
    "couldn't",
    "no such",
    "fatal",
    "refused",
    "unable",
    "invalid",
    "timed out",
    "timeout",
    "missing",
    "not recognized",
    "not permitted",
    "unmatched",
    "exception",
    "panic",
    "required",
    "forbidden",
    "unauthorized",
    "does not exist",
    "✗",
    "✖",
    "✘",
    "abort",
    "unexpected",
    "no matches",
    "not installed",
    "are ignored by",
    "nicht gefunden",
    "no se encuentra",
    "não encontrado",
    "introuvable",
    "找不到",
    "失败",
    "错误",
    "无法",
];

/// The first line, when all that follows is the code that it speaks of.
fn before_a_quote(text: &str) -> Option<&str> {
    let (said, rest) = text.split_once('\n')?;
    let said = said.trim_start_matches('[').trim_end();
    (rest.starts_with("```") && said.starts_with("No exact match")).then_some(said)
}

/// The first row of a table of checks whose verdict is that it failed: `name`, `fail`, what it took, between tabs.
fn failed_row(text: &str) -> Option<&str> {
    let mut rows = text.lines().take(LINES_MAX).map(str::trim);
    rows.find(|row| row.split('\t').nth(1) == Some("fail"))
}

fn pick_from(text: &str, style: Style) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("<tool_use_error>").unwrap_or(text);
    let text = text.strip_suffix("</tool_use_error>").unwrap_or(text);
    if let Some(row) = failed_row(text) {
        return row;
    }
    if style == Style::LastLines {
        // The record of an error ends the output; one in the middle was read.
        if is_powershell_end(text)
            && let Some(said) = powershell_message(text, text.rfind(POWERSHELL_RECORD))
        {
            return said;
        }
        let mut last = text
            .lines()
            .rev()
            .map(str::trim)
            .filter(|line| !is_noise(line))
            .take(5);
        let newest = last.next().unwrap_or("");
        let marked = |line: &&str| has_any(&lower(line), MARKERS);
        return if marked(&newest) {
            newest
        } else {
            last.find(marked).unwrap_or(newest)
        };
    }
    if let Some(said) = before_a_quote(text) {
        return said;
    }
    if let Some(exception) = exception_line(text) {
        return exception;
    }
    if let Some(inner) = json_error(text) {
        return inner;
    }
    if let Some(said) = powershell_message(text, text.find(POWERSHELL_RECORD)) {
        return said;
    }
    let (mut first, mut last, mut place, mut wrapper) = ("", "", "", "");
    for line in text
        .lines()
        .take(LINES_MAX)
        .map(str::trim)
        .filter(|line| !is_noise(line))
    {
        if shows_code(line) {
            continue;
        }
        if only_says_that_it_failed(line) {
            if wrapper.is_empty() {
                wrapper = line;
            }
            continue;
        }
        // A heading names no cause: what went wrong stands below it.
        if line.ends_with(':') && line.split(' ').count() > 2 && !refuses_paths(line) {
            if first.is_empty() {
                first = line;
            }
            continue;
        }
        if has_any(&lower(line), MARKERS) || line.starts_with("× ") {
            // Below a finding stands the code it is about, which may hold any word.
            return if wrapper.is_empty() || place.is_empty() {
                line
            } else {
                place
            };
        }
        if place.is_empty() && style == Style::Command && names_place(line) {
            place = line;
        }
        if first.is_empty() {
            first = line;
        }
        last = line;
    }
    // A linter's findings hold no word of failure, only a place and what is wrong there.
    if !place.is_empty() {
        return place;
    }
    if !wrapper.is_empty() {
        return wrapper;
    }
    // A call's message begins with what went wrong, a program's output ends with it.
    if style == Style::Call { first } else { last }
}

/// Whether git says why it refuses the paths that it names below.
fn refuses_paths(line: &str) -> bool {
    line.contains(" paths are ignored by ") || line.contains(" would be overwritten by ")
}

/// Whether a line is the code a checker complains about, in the frame in which it shows it: `> 12 │ let till`.
fn shows_code(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ']);
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && rest.trim_start().starts_with(['│', '|'])
}

/// Whether a task runner says no more than that a task of its failed.
fn only_says_that_it_failed(line: &str) -> bool {
    let code = line
        .strip_prefix("npm error code ")
        .or_else(|| line.strip_prefix("npm ERR! code "));
    // A name, such as `ECONNREFUSED`, is the cause.
    code.is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()) || code == "ELIFECYCLE")
        || line.ends_with(" ERROR task failed")
        || line.ends_with("Command failed with exit code 1.")
        || line == "Aborting"
}

/// Whether a line begins with a place in a file: `shop/till.go:87:1: ...`, maybe behind the name of a task in brackets.
pub(super) fn names_place(line: &str) -> bool {
    let line = match line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((_, rest)) => rest,
        None => line,
    };
    let mut parts = line.splitn(4, ':');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let file = parts.next().unwrap_or("");
    file.contains('.')
        && !file.contains(' ')
        && is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_some_and(|said| said.starts_with(' '))
}

/// What a person said when refusing a call, where the harness passes it on.
pub(super) fn refusal<'a>(input: &OutcomeInput<'a>) -> &'a str {
    const SAID: &str = "the user said:\n";
    let words = input
        .text
        .find(SAID)
        .map_or("", |at| &input.text[at + SAID.len()..]);
    match words.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => shorten(line),
        None => pick(input),
    }
}

fn lower(line: &str) -> String {
    line[..floor_char(line, 1000)].to_lowercase()
}

pub(super) fn is_noise(line: &str) -> bool {
    line.starts_with("Exit code ")
        || line.starts_with("Wall time")
        || line.starts_with("Chunk ID")
        || matches!(line, "Output:" | "ERROR:" | "ERRORS:" | "(no output recorded)")
        // What configures a build tells each step; only what stops it counts.
        || line.starts_with("-- ")
        || line.starts_with("npm error command")
        || line.starts_with("npm error path")
        || line.starts_with("npm error workspace")
        || line.starts_with("npm error location")
        // The last word of an archiver, whatever went wrong before it.
        || line.ends_with("Error is not recoverable: exiting now")
        || line.ends_with("Exiting with failure status due to previous errors")
        // The kind of error; the line after it names the cause, in every language.
        || line.starts_with("+ CategoryInfo")
        // With these lines PowerShell greets, in every language.
        || line == "Windows PowerShell"
        || line.starts_with("Copyright (C) Microsoft Corporation")
        || line.ends_with("https://aka.ms/pscore6")
        || trailing_exit_code(line, "").is_some()
        || line.chars().all(|c| !c.is_alphanumeric())
}

/// The line that ends the last traceback, such as `KeyError: 'support'`.
pub(super) fn exception_line(text: &str) -> Option<&str> {
    let at = text.rfind("Traceback (most recent call last)")?;
    let block = &text[at..];
    // Frames are indented, and as deep as the traceback's own first line when a whole block was indented.
    let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let indent = text[line_start..at]
        .bytes()
        .take_while(|b| *b == b' ')
        .count();
    let mut is_after_cut = false;
    let ending = block.lines().skip(1).find(|line| {
        let spaces = line.bytes().take_while(|b| *b == b' ').count();
        // `...[812 characters left out]...`: somebody shortened the output there; the next line lost its beginning.
        let is_cut = line.starts_with("...[") || line.starts_with("[...");
        let is_whole = !is_cut && !is_after_cut;
        is_after_cut = is_cut;
        !line.trim().is_empty() && spaces <= indent && !line.starts_with('\t') && is_whole
    })?;
    is_exception(ending.trim()).then(|| ending.trim())
}

/// Whether a line is `some.module.Name` or `some.module.Name: words`.
pub(super) fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or("").trim_end();
    let is_name = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    let last = name.rsplit('.').next().unwrap_or("");
    is_name && last.len() >= 3 && last.starts_with(|c: char| c.is_ascii_uppercase())
        || is_name && name.contains('.') && !last.is_empty()
}

/// The first line of what PowerShell says, in whatever language it speaks: above the place in the script, which stands above
/// the lines that begin with `+`; below these when the script could not be parsed. The last lines of its record are the
/// same for many causes.
fn powershell_message(text: &str, record: Option<usize>) -> Option<&str> {
    let mut above = text[..record?]
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut next = above.next()?;
    if !next.starts_with('+') {
        let said = std::iter::once(next).chain(above.take(POWERSHELL_LINES_MAX));
        return said.take_while(|line| !line.starts_with('+')).last();
    }
    while next.starts_with('+') {
        next = above.next()?;
    }
    let place = next;
    let said: Vec<&str> = above.take(POWERSHELL_LINES_MAX).collect();
    let first = said.iter().find(|line| line.contains(" : "));
    // An output that was cut at its front can begin with the end of the message.
    Some(first.or(said.first()).copied().unwrap_or(place))
}

const POWERSHELL_RECORD: &str = "+ CategoryInfo ";

fn is_powershell_end(text: &str) -> bool {
    let last = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !is_noise(line));
    last.is_some_and(|line| line.starts_with("+ FullyQualifiedErrorId "))
}

/// Into how many lines a console wraps one message, at most.
const POWERSHELL_LINES_MAX: usize = 4;

/// The message inside a JSON error, when the text is one.
fn json_error(text: &str) -> Option<&str> {
    if !text.starts_with('{') {
        return None;
    }
    let inner = innermost_message(text);
    if inner.len() < text.len() {
        Some(inner)
    } else {
        None
    }
}

/// The human sentence inside an error that wraps JSON, maybe JSON in a string in JSON; the text itself if none.
///
/// Looks for the last `message`, `error` or `detail` member whose value is a plain string.
pub(crate) fn innermost_message(text: &str) -> &str {
    let window = &text[..floor_char(text, 8 * 1024)];
    let mut best: Option<&str> = None;
    for key in ["error", "detail", "message"] {
        for (at, _) in window.match_indices(key).take(MEMBERS_MAX) {
            if let Some(value) = string_member(window, at, key.len()) {
                // A value that is JSON again is looked into by the later matches.
                if value.len() >= 4 && !value.trim_start().starts_with(['{', '[']) {
                    best = Some(value);
                    break;
                }
            }
        }
    }
    best.map_or_else(|| first_line(text.trim()), first_line)
}

/// The value of a string member whose key is at `at`; quotes may be escaped any number of times.
fn string_member(text: &str, at: usize, key_bytes: usize) -> Option<&str> {
    if at == 0 || text.as_bytes()[at - 1] != b'"' {
        return None;
    }
    let rest = &text[at + key_bytes..];
    let slashes = rest.bytes().take_while(|b| *b == b'\\').count();
    let rest = rest[slashes..]
        .strip_prefix('"')?
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let rest = rest.get(slashes..)?.strip_prefix('"')?;
    // The closing quote has exactly as many backslashes as the opening one.
    let bytes = rest.as_bytes();
    let mut from = 0;
    while let Some(hit) = memchr::memchr(b'"', &bytes[from..]) {
        let quote = from + hit;
        let run = bytes[..quote]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if run <= slashes {
            return Some(&rest[..quote - run]);
        }
        from = quote + 1;
    }
    Some(rest)
}

/// The first line that holds something; an escaped line break ends it too.
pub(super) fn first_line(text: &str) -> &str {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("");
    match line.find("\\n") {
        Some(at) if at >= 8 => line[..at].trim_end_matches('\\').trim_end(),
        Some(_) | None => line,
    }
}

/// Cuts a long message, and drops the page that a fetch wrapped into its error.
fn shorten(message: &str) -> &str {
    let message = match message.find(": SECURITY NOTICE") {
        Some(at) => &message[..at],
        None => message,
    };
    // "service error (429): {...": the sentence before the JSON says it, the JSON holds ids and times.
    let message = match message.find(['{']) {
        Some(at) if at >= 12 && message[at..].starts_with("{\"") || message.len() == at + 1 => {
            message[..at].trim_end_matches([' ', ':'])
        }
        Some(_) | None => message,
    };
    cut_at_word(message, MESSAGE_BYTES_MAX)
}

/// Cuts between two words: half a token would no longer be known as a secret by the scrubber.
pub(crate) fn cut_at_word(text: &str, bytes_max: usize) -> &str {
    let text = text.trim();
    if text.len() <= bytes_max {
        return text;
    }
    let cut = &text[..floor_char(text, bytes_max)];
    match cut.rfind(char::is_whitespace) {
        Some(at) if at > 0 => cut[..at].trim_end(),
        Some(_) | None => cut,
    }
}
