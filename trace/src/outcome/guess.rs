//! The outcome of a command whose exit code nobody recorded, told by what programs print when they exit with one.
//!
//! Neighbours: `soft` asks here only when no flag, status or exit code came with the result. Each rule is a habit of a
//! kind of program (linters, test runners, Unix tools, interpreters), never of one message.

use super::endings;
use super::habits;
use super::message;
use super::shell::{Join, Shell};
use super::soft;

/// A complaint is short; a longer text is a report that happens to end like one.
const LINES_MAX: usize = 400;

/// How many words of a stage are looked for in a complaint.
const WORDS_MAX: usize = 64;

/// The line that shows that the command exited with an error.
pub(super) fn failing_line<'a>(
    command: &str,
    shell: &Shell<'_>,
    text: &'a str,
    end: &'a str,
) -> Option<&'a str> {
    uncompiled(shell, end)
        .or_else(|| refused_at_once(shell, text))
        .or_else(|| complaint(command, shell, text, end))
        .or_else(|| no_tests(command, shell, end))
        .or_else(|| findings(command, shell, text, end))
        .or_else(|| raised_first(shell, text))
        .or_else(|| endings::usage(shell, text, end))
        .or_else(|| endings::cut_short(shell, text, end))
        .or_else(|| {
            (soft::runs_script(shell) || shell.last_program() == "exit")
                .then(|| endings::own_exit(command, end))
                .flatten()
        })
}

/// What an interpreter prints when it cannot even read a script: a frame, the line, and `SyntaxError: ...`, without
/// the heading of a traceback.
fn uncompiled<'a>(shell: &Shell<'_>, end: &'a str) -> Option<&'a str> {
    if ends_silently(shell) {
        return None;
    }
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
fn refused_at_once<'a>(shell: &Shell<'_>, text: &'a str) -> Option<&'a str> {
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
    (refuses && soft::runs_script(shell)).then_some(first)
}

/// `rm: cannot remove 'a': No such file or directory`: the last word is the complaint of the last program.
pub(super) fn complaint<'a>(
    command: &str,
    shell: &Shell<'_>,
    text: &'a str,
    end: &'a str,
) -> Option<&'a str> {
    endings::shell_complaint(shell, end)
        .or_else(|| program_complaint(command, shell, text, end))
        .or_else(|| operand_complaint(shell, text))
        .or_else(|| unmatched(shell, text))
        .or_else(|| habits::giving_up(shell, text, end))
}

fn program_complaint<'a>(
    command: &str,
    shell: &Shell<'_>,
    text: &'a str,
    end: &'a str,
) -> Option<&'a str> {
    let last = end
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !message::is_noise(line) && !soft::is_markup(line))?;
    let name = complainer(last)?;
    let by_decider = shell.deciders().any(|stage| {
        let program = stage.program();
        speaks_for(name, &program) || program == "xargs" && stage.text.contains(name)
    });
    // A program that no stage names, such as one that `find` runs, when it is all that can be heard. `file` answers
    // with the name of what it was asked about.
    let is_stage = shell
        .stages()
        .iter()
        .any(|stage| speaks_for(name, &stage.program()));
    let is_all = !is_stage
        && !shell.is_decided_by(&["file"])
        && command.contains(name)
        && text
            .lines()
            .take(LINES_MAX)
            .filter(|line| !line.trim().is_empty())
            .all(|line| complainer(line.trim()) == Some(name));
    let is_heard = !shell.is_shielded() && !shell.hides_exit();
    (by_decider || is_all && is_heard).then_some(last)
}

/// `wc: shop/till.py: No such file or directory` above what was counted all the same: a program that could not do it for
/// one operand exits with an error in the end.
fn operand_complaint<'a>(shell: &Shell<'_>, text: &'a str) -> Option<&'a str> {
    // Only the last turn of a loop decides.
    let loops = ["for", "while", "until"];
    if shell
        .stages()
        .iter()
        .any(|stage| loops.contains(&stage.program().as_str()))
    {
        return None;
    }
    let mut complaints = text.lines().take(LINES_MAX).filter(|line| {
        complainer(line.trim_end())
            .is_some_and(|name| line.trim_start().len() == line.len() && name != "make")
    });
    let is_of = |line: &str| {
        let (name, said) = line.split_once(": ").unwrap_or(("", line));
        let name = name.rsplit('/').next().unwrap_or(name);
        shell.deciders().any(|stage| {
            speaks_for(name, &stage.program())
                && stage
                    .text
                    .split_whitespace()
                    .skip(1)
                    .take(WORDS_MAX)
                    .map(|word| word.trim_matches(['"', '\'']))
                    .any(|word| word.len() >= 2 && said.contains(word))
        })
    };
    complaints.find(|line| is_of(line))
}

/// A search at the end of a pipe that let nothing through, so that only complaints of others can be heard.
fn unmatched<'a>(shell: &Shell<'_>, text: &'a str) -> Option<&'a str> {
    let searches = ["grep", "egrep", "fgrep", "rg"];
    if text.trim().is_empty() || !shell.hides_exit() || !shell.is_decided_by(&searches) {
        return None;
    }
    // A complaint that went through the pipe was let through.
    let is_apart = shell
        .stages()
        .iter()
        .all(|stage| !stage.text.contains("2>&1"));
    let producer = shell.producer();
    let is_all = text
        .lines()
        .take(LINES_MAX)
        .all(|line| complainer(line.trim()).is_some_and(|name| speaks_for(name, &producer)));
    (is_apart && is_all).then(|| message::first_line(text))
}

/// Whether a program calls itself, or a part of itself, by this name.
fn speaks_for(name: &str, program: &str) -> bool {
    let parts = [
        ("gunzip", "gzip"),
        ("zcat", "gzip"),
        ("dpkg", "dpkg-query"),
        ("fd", "fdfind"),
    ];
    let is_part = || {
        name.strip_prefix(program)
            .is_some_and(|rest| rest.starts_with('-'))
            || parts.contains(&(program, name))
            || program.starts_with("git-") && name == "git"
    };
    !program.is_empty()
        && (name == program
            || habits::unversioned(name) == habits::unversioned(program)
            || is_part())
}

/// Whether the last statement only tidies up or speaks, so that what came before it is not heard.
pub(super) fn ends_silently(shell: &Shell<'_>) -> bool {
    let stages = shell.stages();
    let from = stages
        .iter()
        .rposition(|stage| stage.join == Join::Then)
        .unwrap_or(0);
    from > 0
        && stages[from..].iter().all(|stage| {
            let program = stage.program();
            let quiet = [
                "rm",
                "echo",
                "true",
                ":",
                "printf",
                "cd",
                "git-checkout",
                "git-stash",
                "git-status",
            ];
            quiet.contains(&program.as_str())
        })
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
        || said.ends_with("(ignored)")
        || said.to_ascii_lowercase().ends_with("binary file matches");
    (is_name && !is_harmless).then_some(name)
}

/// A test runner that ran nothing exits with an error of its own, unless it was only asked to tell something.
fn no_tests<'a>(command: &str, shell: &Shell<'_>, end: &'a str) -> Option<&'a str> {
    if shell.hides_exit() || shell.is_shielded() {
        return None;
    }
    let mut lines = end
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !message::is_noise(line) && !soft::is_markup(line));
    let last = lines.next()?;
    if is_empty_summary(last) || command.contains("pytest") && is_bare_empty_summary(last) {
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

/// The same without a rule around it, as quiet runners print it.
fn is_bare_empty_summary(line: &str) -> bool {
    let Some((what, took)) = line.rsplit_once(" in ") else {
        return false;
    };
    let is_time = took.ends_with('s') && took.starts_with(|c: char| c.is_ascii_digit());
    let counts_none = what == "no tests ran"
        || what.contains(" deselected")
            && what.split(", ").all(|part| {
                let (count, word) = part.split_once(' ').unwrap_or(("", part));
                count.bytes().all(|b| b.is_ascii_digit())
                    && matches!(word, "deselected" | "warning" | "warnings")
            });
    is_time && counts_none
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
fn findings<'a>(command: &str, shell: &Shell<'_>, text: &'a str, end: &'a str) -> Option<&'a str> {
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
    let tolerates = ["--exit-zero", "--fail-under"]
        .iter()
        .any(|option| statement.contains(option));
    if !lints || tolerates || shell.hides_exit() || shell.is_shielded() {
        return None;
    }
    // A report for programs lists its messages in JSON; an empty list is none.
    if text.starts_with("[\n") && text.contains("\"message\": ") {
        return text.lines().find(|line| line.contains("\"message\": "));
    }
    end.lines()
        .rev()
        .take(LINES_MAX)
        .map(str::trim)
        .find(|line| is_finding(line))
}

/// `a/b.py:3:1: E501 line too long`, `b.ts(3,1): error TS2304: ...`.
pub(super) fn is_finding(line: &str) -> bool {
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
fn raised_first<'a>(shell: &Shell<'_>, text: &'a str) -> Option<&'a str> {
    let is_script = soft::runs_script(shell);
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
        let shell = Shell::read(command);
        assert_eq!(failing_line(command, &shell, text, text), want, "{command}");
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
    fn a_program_that_misses_one_operand_failed() {
        let text = "wc: till.py: No such file or directory\n 3 a.py\n 3 total";
        let gone = "wc: till.py: No such file or directory";
        let shell = Shell::read("wc -l a.py till.py");
        assert_eq!(complaint("", &shell, text, text), Some(gone));
        let looped = Shell::read("for f in till.py a.py; do wc -l $f; done");
        assert_eq!(complaint("", &looped, text, text), None);
        let nothing = "ls: cannot access 'kettle': No such file or directory";
        let searched = Shell::read("ls kettle | grep till");
        assert_eq!(complaint("", &searched, nothing, nothing), Some(nothing));
        let cut = Shell::read("ls kettle | head");
        assert_eq!(complaint("", &cut, nothing, nothing), None);
    }

    #[test]
    fn a_pipe_and_what_follows_hide_how_a_test_run_ended() {
        let judge = |command: &str, text: &str| {
            super::super::classify(&super::super::OutcomeInput {
                tool: "bash",
                command,
                text,
                ..super::super::OutcomeInput::default()
            })
            .failed()
        };
        let failed = "FAILED test_till.py::test_sum\n1 failed, 2 passed in 0.10s";
        assert!(judge("pytest -q", failed));
        assert!(judge("set -o pipefail; pytest -q | tail -2", failed));
        assert!(judge("pytest -q || exit 1", failed));
        assert!(!judge("pytest -q | tail -2", failed));
        assert!(!judge("pytest -q || true", failed));
        assert!(judge("python3 a.py || echo 'parse failed'", "parse failed"));
        let table = "   code  message\n0   200  fine\n1   404  not found";
        assert!(!judge("python3 codes.py", table));
        assert!(!judge("pytest -q; git checkout -q .", failed));
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
