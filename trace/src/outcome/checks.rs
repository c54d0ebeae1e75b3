//! What checks and services say when they say no, although the call was reported as success.
//!
//! Neighbours: `soft` asks. Each rule is a habit of a kind of program.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::class::has_any;
use super::message;

/// Lines looked at from the end.
const LINES_MAX: usize = 200;

/// The line by which a compiler, test runner or task runner says no, though a pipe hides its exit code.
pub(super) fn said_no<'a>(text: &'a str, end: &'a str) -> Option<&'a str> {
    let last = end
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !message::is_noise(line) && !super::soft::is_markup(line))?;
    if last == "FAIL" || last.starts_with("FAIL\t") {
        let failed = text.lines().chain(end.lines()).map(str::trim);
        return Some(
            failed
                .clone()
                .find(|line| line.starts_with("--- FAIL: "))
                .unwrap_or(last),
        );
    }
    if last.ends_with(" ERROR task failed") {
        let mut lines = text.lines().chain(end.lines()).map(str::trim);
        let found = lines.find(|line| line.starts_with("--- FAIL: ") || message::names_place(line));
        return Some(found.unwrap_or(last));
    }
    if let Some(line) = refused_call(text) {
        return Some(line);
    }
    end.lines()
        .rev()
        .take(LINES_MAX)
        .map(str::trim)
        .find(|line| gives_up(line))
        .map(|_| first_of(text, end))
}

/// Most lines of an output that is nothing but the refusal of a command line.
const REFUSED_LINES: usize = 3;

/// `unknown flag --fast`, and maybe how to get help: the whole output of a command that was called wrongly.
fn refused_call(text: &str) -> Option<&str> {
    if text.lines().count() > REFUSED_LINES {
        return None;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let lower = first[..crate::event::floor_char(first, 64)].to_lowercase();
    let starts = [
        "unknown flag",
        "unknown option",
        "unknown command",
        "unrecognized option",
        "invalid option",
        "missing --",
    ];
    starts
        .iter()
        .any(|start| lower.starts_with(start))
        .then_some(first)
}

/// The first line that gives up: later ones follow from it.
fn first_of<'a>(text: &'a str, end: &'a str) -> &'a str {
    text.lines()
        .chain(end.lines())
        .map(str::trim)
        .find(|line| gives_up(line))
        .unwrap_or("")
}

/// `a.ts(3,1): error TS2304: ...`, `make: *** [all] Error 2`, `ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL ...`.
fn gives_up(line: &str) -> bool {
    let makes = line.starts_with("make") && line.contains(": *** ") && !line.contains("(ignored)");
    makes
        || line.starts_with("ERR_PNPM_")
        || line.contains("): error TS") && line.contains('(') && !line.starts_with(['+', '-', '"'])
}

/// An answer below the progress table that curl prints when its output goes to a file or a pipe.
pub(super) fn without_meter(text: &str) -> &str {
    if !text.starts_with("% Total ") {
        return text;
    }
    text.find("\n{").map_or(text, |at| &text[at + 1..])
}

/// Longest answer that is nothing but a refusal, bytes.
const REFUSAL_BYTES: usize = 600;
/// Most members of an answer that is nothing but a refusal.
const REFUSAL_MEMBERS: usize = 3;

const REFUSALS: &[&str] = &[
    "not found",
    "unauthorized",
    "forbidden",
    "bad credentials",
    "requires authentication",
    "authentication required",
    "rate limit exceeded",
    "too many requests",
    "invalid api key",
    "access denied",
    "permission denied",
];

/// Whether an answer holds nothing but a message that something was refused: `{"message": "Not Found"}`.
pub(super) fn only_refuses(text: &str) -> bool {
    if text.len() > REFUSAL_BYTES {
        return false;
    }
    let Ok(members) = serde_json::from_str::<BTreeMap<&str, &RawValue>>(text) else {
        return false;
    };
    let is_plain = members
        .values()
        .all(|value| !value.get().starts_with(['{', '[']));
    let said = members.get("message").map_or("", |value| value.get());
    members.len() <= REFUSAL_MEMBERS && is_plain && has_any(&said.to_lowercase(), REFUSALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_behind_a_pipe_are_heard() {
        let check = |text: &str, want| assert_eq!(said_no(text, text), want, "{text}");
        let compiled = "src/till.ts(3,1): error TS2304: Cannot find name 'drawer'.";
        check(
            &format!("> tsc\n\n{compiled}\nsrc/b.ts(4,2): error TS7006: x."),
            Some(compiled),
        );
        check(
            "=== RUN TestTill\n--- FAIL: TestTill (0.0s)\n    till_test.go:9: want 3\nFAIL\nFAIL\tshop/till\t0.1s\nFAIL",
            Some("--- FAIL: TestTill (0.0s)"),
        );
        let made = "make: *** [Makefile:9: till] Error 2";
        check(&format!("cc till.c\n{made}"), Some(made));
        check("make: *** [clean] Error 1 (ignored)\ndone", None);
        let refused = "unknown flag --till";
        check(&format!("{refused}\nRun with --help."), Some(refused));
        check("ok  \tshop/till\t0.1s", None);
        check("[lint] ERROR task failed", Some("[lint] ERROR task failed"));
    }

    #[test]
    fn an_answer_that_only_refuses_is_one() {
        assert!(only_refuses(
            "{\"message\":\"Resource not found. See the guide.\"}"
        ));
        assert!(only_refuses(
            "{\"message\":\"Not Found\",\"documentation_url\":\"https://x.test\"}"
        ));
        assert!(!only_refuses(
            "{\"message\":\"no till not found\",\"data\":[1]}"
        ));
        assert!(!only_refuses("{\"message\":\"hello\"}"));
    }

    #[test]
    fn the_progress_table_of_curl_is_no_answer() {
        let text = "% Total    % Received\n  0     0\n100   83\n{\"statusCode\":404}";
        assert_eq!(without_meter(text), "{\"statusCode\":404}");
        assert_eq!(without_meter("{}"), "{}");
    }
}
