//! A command line in parts: which programs it runs, and which of them speaks last.
//!
//! Neighbours: `soft`, `class` and `outcome` ask. Knows as much of a shell as is needed to find the programs: quotes hide
//! separators, redirections are none.

use super::soft::{program, runs_script};

/// What stands between a part and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    /// `|`: it filters what the part before it prints.
    Pipe,
    /// `||`: it runs when the part before it failed.
    Or,
    /// `&&`, `;`, a new line, `&`, or nothing.
    Next,
}

/// The parts of a command line that hold something, with what joins each to the one before it.
fn parts(command: &str) -> Vec<(Joint, &str)> {
    let mut found = Vec::new();
    // A quote that is never closed was no quote, but an apostrophe or the end of a cut line.
    if !split(command, true, &mut found) {
        found.clear();
        split(command, false, &mut found);
    }
    found
}

/// Splits at separators; gives back whether every quote was closed.
fn split<'a>(command: &'a str, minds_quotes: bool, found: &mut Vec<(Joint, &'a str)>) -> bool {
    let bytes = command.as_bytes();
    let (mut from, mut at, mut joint, mut quote) = (0, 0, Joint::Next, None);
    while at < bytes.len() {
        let byte = bytes[at];
        let doubled = bytes.get(at + 1) == Some(&byte);
        match (quote, byte) {
            (Some(b'"') | None, b'\\') if minds_quotes => at += 1,
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') if minds_quotes => quote = Some(byte),
            (None, b'|' | b';' | b'\n' | b'&') => {
                let redirects = byte == b'&'
                    && (bytes.get(at + 1) == Some(&b'>') || at > 0 && bytes[at - 1] == b'>');
                if !redirects {
                    push(found, joint, &command[from..at]);
                    joint = match (byte, doubled) {
                        (b'|', true) => Joint::Or,
                        (b'|', false) => Joint::Pipe,
                        _ => Joint::Next,
                    };
                    at += usize::from(doubled);
                    from = at + 1;
                }
            }
            (Some(_) | None, _) => {}
        }
        at += 1;
    }
    push(found, joint, &command[from.min(command.len())..]);
    quote.is_none()
}

fn push<'a>(found: &mut Vec<(Joint, &'a str)>, joint: Joint, part: &'a str) {
    if !part.trim().is_empty() {
        found.push((joint, part));
    }
}

/// The program that decides the exit code: that of the last part; `git grep` is `git-grep`.
pub(super) fn last_program(command: &str) -> String {
    let last = parts(command).pop();
    program(last.map_or("", |(_, part)| part))
}

/// Whether a program of that name runs somewhere in the line, maybe below another one: `sudo`, `xargs`, `find -exec`.
pub(super) fn runs(command: &str, name: &str) -> bool {
    let is_named = |word: &str| word.rsplit('/').next() == Some(name);
    parts(command).iter().any(|(_, part)| {
        let ran = program(part);
        let runs_others = matches!(
            ran.as_str(),
            "xargs" | "find" | "timeout" | "nice" | "watch"
        );
        ran == name
            || ran
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('-'))
            || (runs_others || runs_script(part)) && part.split_whitespace().any(is_named)
    })
}

/// Whether the output comes from programs of a list only: the last statement's, in each of its `||` alternatives.
pub(super) fn output_is_of(command: &str, programs: &[&str]) -> bool {
    let parts = parts(command);
    let start = parts
        .iter()
        .rposition(|(joint, _)| *joint == Joint::Next)
        .unwrap_or(0);
    let mut speakers = parts[start..]
        .iter()
        .filter(|(joint, _)| *joint != Joint::Pipe)
        .peekable();
    speakers.peek().is_some()
        && speakers.all(|(_, part)| programs.contains(&program(part).as_str()))
}

/// Programs that leave everything as it is, beside those that show what is stored.
const HARMLESS: &[&str] = &[
    "cd",
    "pwd",
    "sort",
    "uniq",
    "cut",
    "tr",
    "date",
    "true",
    "git-ls-files",
    "git-status",
    "git-branch",
    "git-rev-parse",
    "test",
    "[",
    "xargs",
];

/// Whether the line has statements before its last one, and every program of it is of a list or harmless.
pub(super) fn ran_before_only(command: &str, programs: &[&str]) -> bool {
    let parts = parts(command);
    let statements = parts.iter().filter(|(joint, _)| *joint == Joint::Next);
    statements.count() > 1
        && parts.iter().all(|(_, part)| {
            let name = program(part);
            programs.contains(&name.as_str()) || HARMLESS.contains(&name.as_str())
        })
}

/// Programs that check something whatever they are asked.
const CHECKERS: &[&str] = &[
    "tsc",
    "tsgo",
    "eslint",
    "biome",
    "prettier",
    "pytest",
    "jest",
    "vitest",
    "mypy",
    "flake8",
    "ruff",
    "pylint",
    "golangci-lint",
    "shellcheck",
    "rubocop",
    "rspec",
    "phpunit",
];

/// Programs that run the tasks of a project.
const TASK_RUNNERS: &[&str] = &[
    "npm", "pnpm", "yarn", "bun", "npx", "bunx", "make", "mise", "just", "task", "cargo", "go",
    "gradle", "gradlew", "mvn", "mvnw", "uv", "poetry", "tox", "nox", "rake", "bundle", "dotnet",
    "swift", "turbo", "nx", "deno", "mix", "sbt", "python", "python3",
];

/// Names of tasks that check, also with more behind a colon or hyphen: `test:ci`.
const CHECKING_TASKS: &[&str] = &[
    "check",
    "lint",
    "test",
    "tests",
    "typecheck",
    "type-check",
    "clippy",
    "vet",
    "fmt",
    "build",
    "verify",
    "ci",
];

/// Whether a part of the line is a test, lint, build or other check.
pub(super) fn runs_checks(command: &str) -> bool {
    parts(command).iter().any(|(_, part)| {
        let name = program(part);
        let checks = |word: &str| {
            CHECKERS.contains(&word)
                || CHECKING_TASKS
                    .contains(&word.split(':').next().unwrap_or(word).trim_matches('"'))
        };
        CHECKERS.contains(&name.as_str())
            || TASK_RUNNERS.contains(&name.as_str())
                && part.split_whitespace().skip(1).take(WORDS_MAX).any(checks)
    })
}

/// Among how many words behind a runner's name the task is looked for.
const WORDS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_separators_and_redirections_are_none() {
        let last = |command, want| assert_eq!(last_program(command), want, "{command}");
        last("grep -n \"till\\|drawer\" shop.ts", "grep");
        last("grep -E 'a|b' shop.ts 2>&1", "grep");
        last("cd shop && git grep 'a;b' || true", "true");
        last("echo it's done; make", "make");
        last("make &> log.txt", "make");
        last("", "");
    }

    #[test]
    fn the_output_is_of_each_alternative() {
        let programs = ["which", "ls", "echo", "cat"];
        let check = |command, want| assert_eq!(output_is_of(command, &programs), want, "{command}");
        check(
            "which till || ls /opt/till || echo \"till not found\"",
            true,
        );
        check("cd shop && cat a.txt | sort", true);
        check("which till || npm install till", false);
        check("cat a.txt && make", false);
        check("", false);
    }

    #[test]
    fn a_file_named_in_a_line_is_no_program() {
        let check = |command, name, want| assert_eq!(runs(command, name), want, "{command}");
        check("file till", "till", false);
        check("cd shop && ./till --open", "till", true);
        check("git push origin main", "git", true);
        check("find . -name a | xargs rm", "rm", true);
        check("python3 shop/till.py --fast", "till.py", true);
    }

    #[test]
    fn checks_are_told_by_runner_and_task() {
        let check = |command, want| assert_eq!(runs_checks(command), want, "{command}");
        check("cd shop && npm run check", true);
        check("npm run lint:fix 2>&1 | head -5", true);
        check("npx tsc --noEmit", true);
        check("go test ./...", true);
        check("npm install left-pad", false);
        check("ls test", false);
        check("mkdir build", false);
    }
}
