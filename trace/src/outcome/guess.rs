//! The outcome of a command whose exit code nobody recorded, told by what programs print when they exit with one.
//!
//! Neighbours: `soft` asks here only when no flag, status or exit code came with the result. Each rule is a habit of a
//! kind of program (linters, test runners, Unix tools, interpreters), never of one message.

use super::command_line;
use super::message;
use super::soft;

/// A complaint is short; a longer text is a report that happens to end like one.
const LINES_MAX: usize = 400;

/// The line that shows that the command exited with an error.
pub(super) fn failing_line<'a>(command: &str, text: &'a str, end: &'a str) -> Option<&'a str> {
    uncompiled(end)
        .or_else(|| refused_at_once(command, text))
        .or_else(|| complaint(command, text, end))
        .or_else(|| no_tests(command, end))
        .or_else(|| findings(command, end))
        .or_else(|| raised_first(command, text))
}

/// What an interpreter prints when it cannot even read a script: a frame, the line, and `SyntaxError: ...`, without
/// the heading of a traceback.
fn uncompiled(end: &str) -> Option<&str> {
    let mut lines = end
        .lines()
        .rev()
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty());
    let last = lines.next()?;
    let is_named = ["SyntaxError: ", "IndentationError: ", "TabError: "]
        .iter()
        .any(|name| last.starts_with(name));
    let has_frame = lines
        .take(4)
        .any(|line| line.trim_start().starts_with("File \""));
    (is_named && has_frame).then_some(last)
}

/// What an interpreter, or the framework that a script hands itself to, says instead of running: its first line is the
/// refusal, without a traceback.
fn refused_at_once<'a>(command: &str, text: &'a str) -> Option<&'a str> {
    let first = text
        .lines()
        .map(str::trim_end)
        .find(|line| !line.is_empty())?;
    let starts = [
        "Unable to decode the command from the command line:",
        "Fatal Python error: ",
        "SystemCheckError: ",
        "CommandError: ",
    ];
    let refuses = starts.iter().any(|start| first.starts_with(start));
    (refuses && soft::runs_script(command)).then_some(first)
}

/// `rm: cannot remove 'a': No such file or directory`: the last word is the complaint of the last program.
pub(super) fn complaint<'a>(command: &str, text: &'a str, end: &'a str) -> Option<&'a str> {
    let last = end
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !message::is_noise(line) && !soft::is_markup(line))?;
    let name = complainer(last)?;
    let by_last_program = soft::last_command(command) == name
        || soft::last_command(command) == "xargs" && command.contains(name);
    // A program earlier in the line decides the exit code too when it is all that can be heard.
    let is_all = command_line::runs(command, name)
        && text
            .lines()
            .take(LINES_MAX)
            .filter(|line| !line.trim().is_empty())
            .all(|line| complainer(line.trim()) == Some(name));
    let hides_complaints = command.contains("|| ");
    (by_last_program || is_all && !hides_complaints).then_some(last)
}

/// The program that a line names as its speaker.
fn complainer(line: &str) -> Option<&str> {
    let (name, said) = line.split_once(": ")?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_name = !name.is_empty()
        && name.len() <= 24
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.+".contains(&b));
    let is_harmless = said.starts_with("warning")
        || said.starts_with("Warning")
        || said.starts_with("note:")
        || said.to_ascii_lowercase().ends_with("binary file matches");
    (is_name && !is_harmless).then_some(name)
}

/// A test runner that ran nothing exits with an error of its own, unless it was only asked to tell something.
fn no_tests<'a>(command: &str, end: &'a str) -> Option<&'a str> {
    let mut lines = end
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !message::is_noise(line) && !soft::is_markup(line));
    let last = lines.next()?;
    if is_empty_summary(last) {
        return (!only_tells(command)).then_some(last);
    }
    // Below its summary it says why there was nothing to run.
    let explains = last.starts_with("ERROR: ") || last.starts_with("ERROR collecting ");
    (explains && lines.next().is_some_and(is_empty_summary)).then_some(last)
}

fn is_empty_summary(line: &str) -> bool {
    let bare = line.trim_matches(['=', ' ']);
    let is_summary = bare.len() < line.len() && bare.contains(" in ");
    let ran = ["passed", "failed", "skipped", "xfailed", "xpassed"]
        .iter()
        .any(|word| bare.contains(word));
    is_summary && !ran
}

/// Options with which a test runner lists what it knows and runs nothing.
fn only_tells(command: &str) -> bool {
    let options = [
        "--fixtures",
        "--fixtures-per-test",
        "--markers",
        "--collect-only",
        "--co",
        "--setup-plan",
        "--cache-show",
        "--help",
        "--version",
    ];
    command
        .split_whitespace()
        .any(|word| options.contains(&word))
}

/// A linter that found something, at the end of the command line and not inside a pipe.
fn findings<'a>(command: &str, end: &'a str) -> Option<&'a str> {
    let statement = command
        .rsplit(['\n', ';', '&'])
        .find(|part| !part.trim().is_empty())?;
    let lints = [
        "pylint",
        "flake8",
        "ruff",
        "mypy",
        "eslint",
        "shellcheck",
        "pycodestyle",
        "pyflakes",
        "tsc",
    ]
    .iter()
    .any(|linter| {
        statement
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == *linter)
    });
    if !lints || statement.contains('|') || statement.contains("--exit-zero") {
        return None;
    }
    end.lines()
        .rev()
        .take(LINES_MAX)
        .map(str::trim)
        .find(|line| is_finding(line))
}

/// `a/b.py:3:1: E501 line too long`, `b.ts(3,1): error TS2304: ...`.
fn is_finding(line: &str) -> bool {
    let Some((place, said)) = line.split_once(": ") else {
        return false;
    };
    let by_colons = place.split(':').skip(1);
    let has_number =
        by_colons.clone().count() >= 1 && by_colons.clone().all(|part| part.parse::<u32>().is_ok());
    let in_brackets = place.ends_with(')') && place.contains('(') && place.contains(',');
    let is_note = said.starts_with("note:") || said.starts_with("Success");
    (has_number || in_brackets) && !is_note && place.contains('.')
}

/// A script that fell over: the traceback came first because it is not buffered, the output after it.
fn raised_first<'a>(command: &str, text: &'a str) -> Option<&'a str> {
    let is_script = soft::runs_script(command);
    if !is_script || !text.starts_with("Traceback (most recent call last)") {
        return None;
    }
    let first = text
        .find("\nTraceback (most")
        .map_or(text, |at| &text[..at]);
    message::exception_line(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, text: &str, want: Option<&str>) {
        assert_eq!(failing_line(command, text, text), want, "{command}");
    }

    #[test]
    fn unix_tools_that_complain_last_failed() {
        let gone = "rm: cannot remove 'old.txt': No such file or directory";
        check("rm a.txt old.txt", gone, Some(gone));
        check("rm old.txt && make", gone, Some(gone));
        check("rm old.txt || true", gone, None);
        let binary = "grep: cache/a.bin: binary file matches";
        check("grep -r word cache", binary, None);
        check("make", "main.c: done", None);
    }

    #[test]
    fn linters_fail_when_they_find_something_and_are_heard() {
        let found = "lib/shop.py:3:1: E302 expected 2 blank lines";
        check("flake8 lib", found, Some(found));
        check("flake8 lib | head", found, None);
        check("cat report.txt", found, None);
    }

    #[test]
    fn scripts_that_do_not_compile_or_raise_failed() {
        let text = "  File \"job.py\", line 2\n    if:\n      ^\nSyntaxError: invalid syntax";
        check("python3 job.py", text, Some("SyntaxError: invalid syntax"));
        let text = "Traceback (most recent call last):\n  File \"job.py\", line 3, in <module>\n    go()\nKeyError: 'shop'\nstarting\nloaded 3 shops\none more line\nand one\nand another\nlast";
        check("python3 job.py", text, Some("KeyError: 'shop'"));
        check("cat log.txt", text, None);
        let refused = "SystemCheckError: System check identified some issues:\n\nERRORS:\nshop.Till: (models.E004) 'id' can only be used once.";
        let first = "SystemCheckError: System check identified some issues:";
        check("cd site && python3 manage.py migrate", refused, Some(first));
        check("cat check.log", refused, None);
    }

    #[test]
    fn a_test_runner_without_tests_failed() {
        let text =
            "collected 12 items / 12 deselected / 0 selected\n==== 12 deselected in 0.41s ====";
        check(
            "pytest -k none",
            text,
            Some("==== 12 deselected in 0.41s ===="),
        );
        check("pytest", "==== 12 passed in 0.41s ====", None);
        let nothing = "==== no tests ran in 0.02s ====";
        check("pytest shop/", nothing, Some(nothing));
        check("pytest shop/ --fixtures", nothing, None);
        check("pytest --co -q", nothing, None);
        let gone = "==== no tests ran in 0.02s ====\nERROR: file not found: shop/test_till.py";
        check(
            "pytest shop/test_till.py",
            gone,
            Some("ERROR: file not found: shop/test_till.py"),
        );
        check(
            "python3 report.py",
            "rows: 3\nERROR: file not found: a.csv",
            None,
        );
    }
}
