//! Ends of outputs that show a failure by more than one line of a known program: what a shell could not run, a refusal
//! below a usage message, a test run without a summary, a script's own farewell.
//!
//! Neighbours: `guess` asks; `habits` holds the table of programs. Only for results that came without an exit code.

use super::habits::{LINES_MAX, last_lines};
use super::message;
use super::shell::{Shell, Stage};

/// What a shell says about a stage that it could not run, in whatever language: `bash: line 1: till: command not
/// found`, `bash: Zeile 1: cd: nichts: ...`, `bash: line 7: 12 Killed  sleep 9`.
pub(super) fn shell_complaint<'a>(shell: &Shell<'_>, end: &'a str) -> Option<&'a str> {
    let line = last_lines(end).next()?;
    let said = shell_said(line)?;
    if said.starts_with("warning: ") {
        return None;
    }
    // A refusal of the whole line, and the end of a job, name nobody.
    let subject = said
        .split_once([':', '：'])
        .map_or("", |(name, _)| name.trim());
    let is_named = |stage: &Stage<'_>| {
        stage
            .text
            .split(|c: char| c.is_whitespace() || "<>\"'`;()".contains(c))
            .any(|word| word == subject)
    };
    if subject.is_empty() {
        return Some(line);
    }
    let is_decider = shell.deciders().any(is_named);
    let is_other = !is_decider && shell.stages().iter().any(is_named);
    (!is_other).then_some(line)
}

/// What follows the shell's name and the number of the line.
fn shell_said(line: &str) -> Option<&str> {
    let (speaker, said) = line.split_once(": ").or_else(|| line.split_once('：'))?;
    let name = speaker.rsplit('/').next().unwrap_or(speaker);
    let is_shell = matches!(
        name.trim_start_matches('-'),
        "bash" | "sh" | "zsh" | "dash" | "ksh"
    );
    let is_script = name.ends_with(".sh") && !name.contains(' ');
    if !is_shell && !is_script {
        return None;
    }
    let said = said.strip_prefix("-c: ").unwrap_or(said);
    // "line 3: ", "Zeile 3: ", "3: ", "第 3 行："
    let numbered = said
        .split_once(": ")
        .or_else(|| said.split_once('：'))
        .filter(|(place, _)| {
            place.chars().count() < 16 && place.bytes().any(|b| b.is_ascii_digit())
        });
    match numbered {
        Some((_, said)) => Some(said),
        None => Some(said),
    }
}

/// The refusal below a usage message: `till: error: unrecognized arguments: --all`.
pub(super) fn usage<'a>(shell: &Shell<'_>, text: &str, end: &'a str) -> Option<&'a str> {
    if shell.hides_exit() {
        return None;
    }
    let refusal = last_lines(end).take(6).find(|line| {
        let Some((name, _)) = line.split_once(": error: ") else {
            return line.starts_with("Error: ") || line.starts_with("error: ");
        };
        name.len() < 60 && !name.contains(':') && !line.starts_with(' ')
    })?;
    let has_usage = |text: &str| {
        text.lines()
            .take(LINES_MAX)
            .map(|line| line.trim_start_matches("ERROR: "))
            .any(|line| {
                line.starts_with("usage: ")
                    || line.starts_with("Usage: ")
                    || line.starts_with("USAGE:")
            })
    };
    (has_usage(text) || has_usage(end)).then_some(refusal)
}

/// A test runner that began and never came to its summary: something ended it.
pub(super) fn cut_short<'a>(shell: &Shell<'_>, text: &'a str, end: &'a str) -> Option<&'a str> {
    if shell.hides_exit() || !shell.is_decided_by(&["pytest", "py.test"]) {
        return None;
    }
    let begins = text
        .lines()
        .take(8)
        .any(|line| line.starts_with("=====") && line.contains(" test session starts "));
    let is_summary = |line: &str| {
        let bare = line.trim_matches(['=', ' ']);
        bare.contains(" in ") && bare.ends_with(['s', ')'])
    };
    // A list of what would run ends without a time.
    let is_open = begins
        && !last_lines(end)
            .take(LINES_MAX)
            .any(|line| is_summary(line) || line.contains('<'));
    is_open
        .then(|| last_lines(end).next())
        .flatten()
        .filter(|line| !message::is_noise(line))
}

/// The words with which a script that stands in the command line itself says farewell before it exits with an error:
/// `print("totals differ"); sys.exit(1)`.
pub(super) fn own_exit<'a>(command: &str, end: &'a str) -> Option<&'a str> {
    if !command.contains("exit") && !command.contains("Exit") {
        return None;
    }
    let last = last_lines(end).next()?.trim();
    // The literal printed in the last few lines.
    let mut said: Option<(usize, &str)> = None;
    for (at, line) in command.lines().enumerate() {
        let exit = exit_at(line);
        let before = exit.map_or(line, |exit| &line[..exit]);
        for call in ["print(", "echo ", "console.log(", "console.error(", "puts "] {
            if let Some(from) = before.rfind(call) {
                said = literal(&before[from + call.len()..]).map(|words| (at, words));
            }
        }
        let Some(exit) = exit else { continue };
        let own = line[exit..].split_once('(').and_then(|(_, inner)| {
            inner
                .starts_with(['"', '\'', 'f'])
                .then(|| literal(inner))
                .flatten()
        });
        let near = said
            .filter(|(line_at, _)| at - line_at <= 2)
            .map(|(_, words)| words);
        if own.or(near).is_some_and(|words| last.starts_with(words)) {
            return Some(last);
        }
    }
    None
}

/// Where a line leaves the script with an error.
fn exit_at(line: &str) -> Option<usize> {
    let calls = ["sys.exit(", "SystemExit(", "exit(", "exit "];
    let (at, call) = calls
        .iter()
        .find_map(|call| line.find(call).map(|at| (at, *call)))?;
    let inner = line[at + call.len()..].trim_start();
    let is_failing = inner.starts_with(['1', '2', '"', '\'', '-']) || inner.starts_with("f\"");
    (is_failing && !(call == "exit " && inner.starts_with(['"', '\'']))).then_some(at)
}

/// The fixed beginning of a string literal.
fn literal(code: &str) -> Option<&str> {
    let from = code.find(['"', '\''])?;
    let quote = code[from..].chars().next()?;
    let words = code[from + 1..].split(quote).next()?;
    let words = words.trim_start_matches("\\n");
    let fixed = words
        .split(['{', '%', '$', '\\'])
        .next()
        .unwrap_or("")
        .trim();
    (fixed.chars().count() >= 3).then_some(fixed)
}

pub(super) fn is_compiler(name: &str) -> bool {
    [
        "gcc", "g++", "cc", "c++", "clang", "clang++", "javac", "nasm", "ghc", "swiftc", "scalac",
    ]
    .contains(&name)
        || name.ends_with("-gcc")
        || name.ends_with("-g++")
}

/// `pump.c:3:1: error: expected ';'`
pub(super) fn is_compile_error(line: &str) -> bool {
    let Some(at) = line.find("error: ") else {
        return false;
    };
    let place = line[..at].trim_end_matches("fatal ").trim_end();
    place.ends_with(':') && !place.contains(' ')
}

/// What the system or a sanitiser says last about a program that it ended.
pub(super) fn is_death(line: &str) -> bool {
    let bare = line.trim_end_matches(" (core dumped)");
    matches!(
        bare,
        "Segmentation fault"
            | "Aborted"
            | "Killed"
            | "Terminated"
            | "Bus error"
            | "Illegal instruction"
            | "Floating point exception"
    ) || line.starts_with("==") && line.ends_with("==ABORTING")
}

/// `oops at job.pl line 3.`: how perl dies.
pub(super) fn perl_death<'a>(name: &str, last: &[&'a str]) -> Option<&'a str> {
    let line = last.first().filter(|_| name == "perl")?;
    let (_, place) = line.rsplit_once(" line ")?;
    let number = place.trim_end_matches('.');
    (number.len() < place.len() && number.bytes().all(|b| b.is_ascii_digit())).then_some(*line)
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, OutcomeInput, classify};

    fn judge<'a>(command: &'a str, text: &'a str) -> Outcome<'a> {
        classify(&OutcomeInput {
            tool: "bash",
            command,
            text,
            ..OutcomeInput::default()
        })
    }

    fn fails(command: &str, text: &str, message: &str) {
        let outcome = judge(command, text);
        assert!(outcome.failed(), "{command}");
        assert_eq!(outcome.message, message, "{command}");
    }

    fn ends_well(command: &str, text: &str) {
        assert!(!judge(command, text).failed(), "{command}");
    }

    #[test]
    fn what_a_shell_could_not_run_failed_in_every_language() {
        for said in [
            "bash: line 1: cd: brewery: No such file or directory",
            "bash: Zeile 1: cd: brewery: Datei oder Verzeichnis nicht gefunden",
            "bash: ligne 1 : cd: brewery: Aucun fichier ou dossier de ce type",
            "bash: 第 1 行：cd: brewery: 没有那个文件或目录",
        ] {
            fails("cd brewery && ls", said, said);
            ends_well("cd brewery; ls | head -3", said);
        }
        let killed = "bash: line 1:  4711 Killed                  ./brew";
        fails("./brew", killed, killed);
        let open = "bash: -c: line 1: unexpected EOF while looking for matching `\"'";
        fails("echo \"kettle", open, open);
        let gone = "bash: line 1: kettle: command not found";
        fails("kettle --all", gone, gone);
        ends_well("kettle 2>/dev/null || echo none", "none");
        ends_well("kettle | tail -3", gone);
    }

    #[test]
    fn a_refusal_below_a_usage_message_is_a_failure() {
        let text = "usage: kettle [-h] FILE\nkettle: error: unrecognized arguments: --all";
        let refusal = "kettle: error: unrecognized arguments: --all";
        fails("python3 kettle.py --all", text, refusal);
        ends_well(
            "python3 kettle.py --help",
            "usage: kettle [-h] FILE\n\noptions:\n  -h, --help",
        );
    }

    #[test]
    fn a_test_run_without_a_summary_was_ended() {
        let begun = "===== test session starts =====\nplatform linux\ncollected 3 items\n\ntests/test_till.py .";
        fails("pytest tests", begun, "tests/test_till.py .");
        ends_well("pytest tests | head", begun);
        let whole = format!("{begun}..\n\n===== 3 passed in 0.10s =====");
        ends_well("pytest tests", &whole);
        ends_well(
            "pytest --co",
            "===== test session starts =====\n<Module test_till.py>\n  <Function test_a>",
        );
    }

    #[test]
    fn a_script_in_the_command_line_says_how_it_ends() {
        let script = |code: &str| {
            format!(
                "python3 - <<'EOF'\nif total != 3:\n    print(f\"Totals differ: {{total}}\")\n    sys.exit({code})\nEOF"
            )
        };
        fails(&script("1"), "Totals differ: 4", "Totals differ: 4");
        ends_well(&script("0"), "Totals differ: 4");
        ends_well(&script("1"), "Totals agree");
        fails(
            "python3 -c \"import sys; sys.exit('no brew today')\"",
            "no brew today",
            "no brew today",
        );
        fails(
            "[ -f a ] || { echo \"no a here\"; exit 1; }",
            "no a here",
            "no a here",
        );
    }
}
