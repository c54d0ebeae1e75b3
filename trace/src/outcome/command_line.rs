//! What the programs of a command line are for: looking, or checking.
//!
//! Neighbours: [`super::shell`] cuts the line, `soft` asks. Knows programs by their names only.

use super::shell::{Join, Shell};

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
pub(super) fn ran_before_only(shell: &Shell<'_>, programs: &[&str]) -> bool {
    let stages = shell.stages();
    let begins = |join| matches!(join, Join::Then | Join::And);
    let statements = stages.iter().filter(|stage| begins(stage.join));
    statements.count() > 1
        && stages.iter().all(|stage| {
            let name = stage.program();
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
pub(super) fn runs_checks(shell: &Shell<'_>) -> bool {
    shell.stages().iter().any(|stage| {
        let name = stage.program();
        let checks = |word: &str| {
            CHECKERS.contains(&word)
                || CHECKING_TASKS
                    .contains(&word.split(':').next().unwrap_or(word).trim_matches('"'))
        };
        let mut words = stage.text.split_whitespace().skip(1).take(WORDS_MAX);
        CHECKERS.contains(&name.as_str())
            || TASK_RUNNERS.contains(&name.as_str()) && words.any(checks)
    })
}

/// Among how many words behind a runner's name the task is looked for.
const WORDS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_told_by_runner_and_task() {
        let check = |command, want| {
            assert_eq!(runs_checks(&Shell::read(command)), want, "{command}");
        };
        check("cd shop && npm run check", true);
        check("npm run lint:fix 2>&1 | head -5", true);
        check("npx tsc --noEmit", true);
        check("go test ./...", true);
        check("npm install left-pad", false);
        check("ls test", false);
        check("mkdir build", false);
    }
}
