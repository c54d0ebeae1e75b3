//! Chooses the lines of a message that name the failure.
//!
//! Neighbours: `scan` gives the lines, `tidy` joins the chosen ones. Must not change a line's words.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::scan::Line;

/// The words of the lines that name the failure, in one line: the first line that speaks of a
/// failure (with the next one when it ends in a colon), then the last exception of a stack trace.
pub(super) fn choose(lines: &[Line]) -> String {
    let mut body: Vec<&str> = Vec::new();
    let mut aside: Option<&str> = None;
    let mut cause: Option<&str> = None;
    let mut in_trace = false;
    // What stands right below an exception of a trace is its detail.
    let mut in_detail = false;
    for line in lines {
        let text = without_runtime(line.text.trim());
        if text.is_empty() {
            in_detail = false;
            continue;
        }
        if let Some(at) = text.find(TRACE_HEADER) {
            in_trace = true;
            let lead = text[..at].trim();
            if !lead.is_empty() {
                body.push(lead);
            }
        } else if is_frame(text, line.indented) || (in_trace && line.indented) {
            aside = aside.or(Some(text));
        } else if is_wrapper(text) {
            in_trace = false;
            aside = aside.or(Some(text));
        } else if in_trace {
            in_trace = false;
            in_detail = true;
            cause = Some(text);
        } else if in_detail {
            aside = aside.or(Some(text));
        } else {
            body.push(text);
        }
    }
    join(&body, cause, aside)
}

/// The line without what a runtime says of every failure that nobody caught.
fn without_runtime(text: &str) -> &str {
    [
        "Exception in thread <*> ",
        "Unhandled exception. ",
        "Unhandled Exception: ",
        "Uncaught exception: ",
    ]
    .iter()
    .find_map(|start| text.strip_prefix(start))
    .unwrap_or(text)
}

const TRACE_HEADER: &str = "Traceback (most recent call last)";

fn join(body: &[&str], cause: Option<&str>, aside: Option<&str>) -> String {
    let mut chosen: Vec<&str> = Vec::new();
    if body.len() == 1 {
        chosen.push(body[0]);
    } else {
        let head = body
            .iter()
            .position(|text| speaks_of_failure(text))
            .unwrap_or(0);
        chosen.extend(body.get(head));
        if body.get(head).is_some_and(|text| text.ends_with(':')) {
            chosen.extend(body.get(head + 1));
        }
    }
    chosen.extend(cause);
    if chosen.is_empty() {
        chosen.extend(aside);
    }
    chosen.join(" ")
}

/// Whether a line is a frame of a stack trace, or underlines one.
fn is_frame(text: &str, indented: bool) -> bool {
    let marks = text
        .chars()
        .all(|c| matches!(c, '^' | '~' | '-' | '=' | '|' | '.' | ' ' | '*' | '+'));
    let python = text.starts_with("File ") && text.contains(", line ");
    let java_script = indented && text.starts_with("at ");
    let java_more = text.starts_with("... ") && text.ends_with(" more");
    let ruby = indented && text.starts_with("from ");
    let php = text.starts_with('#') && text[1..].starts_with(super::PLACEHOLDER);
    let go = text.starts_with("goroutine ") && text.ends_with("]:");
    marks || python || java_script || java_more || ruby || php || go
}

/// Whether a line only says that a command ended, or joins two stack traces.
fn is_wrapper(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let ended = [
        "Command exited with code",
        "Process exited with code",
        "Exit code",
        "exit code",
        "exit status",
    ]
    .iter()
    .any(|start| bare.starts_with(start));
    let joint = text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause");
    joint || (ended && bare.split(' ').count() <= WRAPPER_WORDS_MAX)
}

const WRAPPER_WORDS_MAX: usize = 6;

fn speaks_of_failure(text: &str) -> bool {
    static WORDS: OnceLock<AhoCorasick> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build([
                "error",
                "fail",
                "exception",
                "cannot",
                "can't",
                "could not",
                "couldn't",
                "unable",
                "denied",
                "refused",
                "not found",
                "invalid",
                "fatal",
                "panic",
                "timeout",
                "timed out",
                "missing",
                "unexpected",
                "no such",
                "rejected",
                "exceeded",
                "unknown",
                "abort",
                "not recognized",
                "not permitted",
                "not allowed",
                "forbidden",
                "unauthorized",
                "killed",
                "conflict",
                "fehler",
                "nicht gefunden",
                "erreur",
                "errore",
                "no se ",
                "错误",
                "失败",
                "エラー",
                "ошибка",
            ])
            .expect("the table of words is small and fixed")
    });
    words.is_match(text)
}
