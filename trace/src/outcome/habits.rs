//! What kinds of programs print only when they exit with an error: shells, compilers, interpreters, test runners,
//! version control, packagers.
//!
//! Neighbours: `guess` asks with the stages that decide the exit code; `endings` knows what needs more than a line of a
//! table. A table of programs and the lines near the end by
//! which they give up; looked at only when no flag, status or exit code came with the result.

use super::endings::{is_compile_error, is_compiler, is_death, perl_death};
use super::shell::Shell;
use super::soft;

/// How many of the last lines a program's giving up may stand in.
pub(super) const LINES_MAX: usize = 40;

/// A sign in one line.
#[derive(Clone, Copy)]
enum Sign {
    Start(&'static str),
    End(&'static str),
    Has(&'static str),
}

impl Sign {
    fn is_in(self, line: &str) -> bool {
        match self {
            Self::Start(start) => line.starts_with(start),
            Self::End(end) => line.ends_with(end),
            Self::Has(part) => line.contains(part),
        }
    }
}

use Sign::{End, Has, Start};

/// Programs, how many of the last lines are looked at, and what these lines show when the program gave up.
type Habit = (&'static [&'static str], usize, &'static [Sign]);

/// Programs without the version at the end of their name; `git-` stands for all of its subcommands.
const HABITS: &[Habit] = &[
    (
        &["git-"],
        14,
        &[
            Start("fatal: "),
            Start("error: "),
            Start("No stash entries found"),
            Start("Automatic merge failed"),
            Start("CONFLICT ("),
            Start("git: '"),
            Start("usage: git "),
            Start("There is no tracking information"),
            Start("The previous cherry-pick is now empty"),
            Start("You need to "),
        ],
    ),
    (
        &["git-commit"],
        3,
        &[
            Start("nothing to commit"),
            Start("nothing added to commit"),
            Start("no changes added to commit"),
        ],
    ),
    (
        &["patch"],
        8,
        &[
            End("saving rejects to file"),
            Has(" FAILED -- "),
            End("hunk ignored"),
            End("hunks ignored"),
            Has("Only garbage was found"),
        ],
    ),
    (
        &["make", "gmake", "cmake", "ninja", "meson"],
        8,
        &[
            Has(": *** "),
            Start("CMake Error"),
            End("Configuring incomplete, errors occurred!"),
            Start("ninja: build stopped"),
            Start("FAILED: "),
        ],
    ),
    (
        &["gcc", "g++", "cc", "c++", "clang", "clang++", "ld"],
        4,
        &[
            Start("compilation terminated"),
            Has("error: ld returned "),
            Has(" generated."),
        ],
    ),
    (
        &["node", "nodejs", "ts-node", "tsx", "npx", "deno", "bun"],
        12,
        &[
            Start("Node.js v"),
            Start("# fail "),
            Start("ℹ fail "),
            Start("error: Uncaught"),
        ],
    ),
    (
        &["yarn", "pnpm", "bun"],
        LINES_MAX,
        &[
            Start("error Command failed"),
            Start(" ERR_PNPM_"),
            Start("error: script "),
        ],
    ),
    (
        &["cargo", "rustc", "rustup"],
        8,
        &[
            Start("error: "),
            Start("error["),
            Start("Error: "),
            Start("note: run with `RUST_BACKTRACE"),
            Start("test result: FAILED"),
        ],
    ),
    (
        &["cargo", "rustfmt"],
        LINES_MAX,
        &[Start("Diff in "), Start("thread 'main'")],
    ),
    (&["tsc", "npx"], LINES_MAX, &[Start("error TS")]),
    (
        &["go"],
        4,
        &[
            Start("exit status "),
            Start("FAIL"),
            Start("vet: "),
            Has(".go:"),
            Start("go: "),
        ],
    ),
    (
        &["java"],
        LINES_MAX,
        &[
            Start("Exception in thread "),
            Start("Error: Could not find or load main class"),
            Start("Error: Unable to "),
            Start("Error occurred during initialization"),
        ],
    ),
    (
        &["javac"],
        2,
        &[End(" error"), End(" errors"), Start("error: ")],
    ),
    (
        &["mvn", "mvnw", "gradle", "gradlew"],
        LINES_MAX,
        &[
            Start("[ERROR] "),
            Has("ERROR\u{1b}[m] "),
            Has("BUILD FAIL"),
            Start("FAILURE: Build failed"),
        ],
    ),
    (
        &["ruby", "rake", "bundle", "rspec", "irb"],
        LINES_MAX,
        &[
            End("Error)"),
            End("Exception)"),
            Start("rake aborted!"),
            Start("Could not locate Gemfile"),
        ],
    ),
    (
        &["perl", "prove"],
        3,
        &[
            Has("compilation aborted at "),
            Has("aborted due to compilation errors"),
            Start("Can't locate "),
            Start("Undefined subroutine "),
            Start("Result: FAIL"),
        ],
    ),
    (
        &["php", "composer", "phpunit"],
        LINES_MAX,
        &[
            Start("PHP Fatal error:  "),
            Start("PHP Parse error:  "),
            Start("Fatal error: "),
            Start("Parse error: "),
            Start("Errors parsing "),
            Start("Could not open input file: "),
        ],
    ),
    (
        &[
            "sphinx-build",
            "sphinx-quickstart",
            "sphinx-apidoc",
            "sphinx-autogen",
            "python",
        ],
        6,
        &[
            Start("Configuration error"),
            Start("Sphinx error"),
            Start("Extension error"),
            Start("Theme error"),
            Start("Application error"),
            Start("Warning, treated as error:"),
            Start("Exception occurred:"),
            Start("The full traceback has been saved in"),
            Has("(with warnings treated as errors)"),
            End(" is not a directory."),
        ],
    ),
    (
        &["python", "django-admin", "manage.py", "runtests.py"],
        4,
        &[
            Start("CommandError: "),
            Start("Unknown command: "),
            Start("No installed app with label "),
            Start("unknown option "),
            Start("Unknown option: "),
            Start("[Errno "),
            Start("NO TESTS RAN"),
        ],
    ),
    (
        &["python", "django-admin", "manage.py", "runtests.py"],
        LINES_MAX,
        &[
            Start("SystemCheckError: "),
            Has("+ Exception Group Traceback "),
        ],
    ),
    (
        &["python", "pytest", "py.test", "coverage"],
        LINES_MAX,
        &[
            Start("Fatal Python error: "),
            Start("ImportError while loading conftest"),
            Start("ERROR: usage: "),
            Start("INTERNALERROR> "),
        ],
    ),
    (
        &["python", "pytest", "py.test", "coverage"],
        6,
        &[
            Start("ERROR: not found: "),
            Start("ERROR: file or directory not found: "),
            Start("ERROR: found no collectors for "),
            Start("ERROR: Wrong expression passed to "),
        ],
    ),
    (
        &["pip", "uv", "poetry", "pipenv", "conda", "mamba"],
        12,
        &[
            Start("ERROR: No matching "),
            Start("ERROR: Could not "),
            Start("ERROR: Cannot "),
            Start("ERROR: Failed "),
            Start("ERROR: Invalid "),
            Start("ERROR: Exception"),
            Start("ERROR: unknown command"),
            Start("ERROR: You must give "),
            Start("error: "),
            Start("CondaError: "),
            Has("NotFoundError: "),
        ],
    ),
    (
        &["pylint", "black", "isort", "mypy", "ruff", "flake8"],
        4,
        &[
            Has("would be reformatted"),
            Has(" failed to reformat"),
            End("doesn't exist!"),
            Start("error: "),
            Start("Would reformat: "),
            Start("Found "),
            Start("No files to lint"),
            Has("is not a registered "),
        ],
    ),
    (
        &["pip", "uv"],
        1,
        &[Start("WARNING: Package(s) not found: ")],
    ),
    (&["ruff"], LINES_MAX, &[Has(" --> ")]),
    (&["shellcheck"], LINES_MAX, &[Start("In ")]),
    (
        &["sqlite3", "psql", "mysql"],
        4,
        &[
            Start("Error: "),
            Start("Parse error"),
            Start("Runtime error"),
            Start("ERROR: "),
            Start("ERROR "),
        ],
    ),
    (&["jq"], 1, &[Start("parse error: ")]),
    (
        &["rg"],
        LINES_MAX,
        &[Start("regex parse error:"), Start("error: ")],
    ),
    (
        &["unzip", "zip", "7z"],
        4,
        &[Start("unzip:  cannot "), Start("zip error: ")],
    ),
    (&["tree"], 6, &[End("[error opening dir]")]),
    (&["man"], 1, &[Start("No manual entry for ")]),
    (&["apt", "apt-get", "apt-cache"], 3, &[Start("E: ")]),
    (
        &["docker-", "docker", "podman", "kubectl-"],
        4,
        &[
            Start("Cannot connect to the Docker daemon"),
            Start("Error response from daemon"),
            Start("error during connect"),
            Start("Error from server"),
            Start("error: "),
            Start("ERROR: "),
        ],
    ),
    (
        &["systemctl", "service", "journalctl"],
        3,
        &[
            Start("Failed to "),
            End("could not be found."),
            End(": unrecognized service"),
        ],
    ),
    (
        &["wget", "scp", "ssh", "rsync", "sftp", "ping"],
        3,
        &[
            Has("failed: Connection refused"),
            Has("ERROR "),
            End("Connection closed"),
            Has("rsync error: "),
            Has("Permission denied ("),
            Has(" 100% packet loss"),
        ],
    ),
];

/// Longest output of a program that shows stored things in which a line is still taken for the program's own.
const SHOWN_BYTES: usize = 1200;

/// The line by which a program that decides the exit code gives up.
pub(super) fn giving_up<'a>(shell: &Shell<'_>, text: &str, end: &'a str) -> Option<&'a str> {
    let shows = is_showing(shell);
    if shows && text.len() > SHOWN_BYTES {
        return None;
    }
    let last: Vec<&str> = last_lines(end).take(LINES_MAX).collect();
    if let Some(line) = last.first().filter(|line| is_death(line))
        && !shell.hides_exit()
        && !shell.is_shielded()
        && !soft::is_reading(shell)
    {
        return Some(line);
    }
    for stage in shell.deciders() {
        let name = stage.program();
        let name = unversioned(&name);
        // Git's showing commands complain in one way only.
        let is_asking = matches!(name, "git-status" | "git-diff" | "git-log" | "git-show");
        let module = stage.module().filter(|_| name == "python");
        let found = HABITS
            .iter()
            .filter(|(programs, ..)| {
                is_one_of(name, programs)
                    || module.is_some_and(|module| is_one_of(module, programs))
            })
            .find_map(|(_, depth, signs)| {
                last.iter().take(*depth).find(|line| {
                    signs.iter().any(|sign| sign.is_in(line))
                        && !is_zero(line)
                        && !(is_asking && line.starts_with("error: "))
                })
            });
        if let Some(line) = found {
            return Some(telling(line, &last));
        }
        if is_compiler(name)
            && let Some(line) = last.iter().find(|line| is_compile_error(line))
        {
            return Some(line);
        }
        if let Some(line) = perl_death(name, &last) {
            return Some(line);
        }
    }
    None
}

/// Instead of a closing formula, which is the same for all failures, the line above it that names this one.
fn telling<'a>(line: &'a str, last: &[&'a str]) -> &'a str {
    let formulas = [
        "Node.js v",
        "The full traceback has been saved in",
        "compilation terminated",
        "exit status ",
        "note: run with `RUST_BACKTRACE",
    ];
    if !formulas.iter().any(|formula| line.starts_with(formula)) {
        return line;
    }
    let names = |line: &&&str| {
        !line.starts_with(' ')
            && (line.contains("rror: ")
                || line.starts_with("panic: ")
                || line.contains(" panicked at "))
    };
    last.iter().find(names).copied().unwrap_or(line)
}

/// Whether the last pipeline prints what git stores rather than what git did.
fn is_showing(shell: &Shell<'_>) -> bool {
    let producer = shell.producer();
    matches!(
        producer.as_str(),
        "git-show" | "git-log" | "git-diff" | "git-blame" | "git-grep" | "git-cat-file"
    ) || matches!(
        producer.as_str(),
        "sqlite3" | "jq" | "rg" | "journalctl" | "docker-logs"
    )
}

/// The last lines, newest first, without empty ones and the tags of a harness.
pub(super) fn last_lines(end: &str) -> impl Iterator<Item = &str> {
    end.lines()
        .rev()
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty() && !soft::is_markup(line))
}

/// `# fail 0` counts, but nothing bad; `Error 1 (ignored)` was allowed for; a resolver's remark stops nothing.
fn is_zero(line: &str) -> bool {
    line.ends_with("fail 0")
        || line.ends_with("(ignored)")
        || line.ends_with(" 0 remaining).")
        || line.starts_with("0 error")
        || line.starts_with("0 warnings")
        || line.contains("warnings generated.") && !line.contains(" error")
        || line.contains("warning generated.") && !line.contains(" error")
}

fn is_one_of(name: &str, programs: &[&str]) -> bool {
    programs
        .iter()
        .any(|program| *program == name || program.ends_with('-') && name.starts_with(program))
}

/// `python3.11` is `python`.
pub(super) fn unversioned(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    // `7z`, `base64`, `sqlite3`: there the digits are the name.
    if bare.is_empty() || matches!(name, "sqlite3" | "base64" | "base32") {
        name
    } else {
        bare
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OutcomeInput, classify};

    fn check(command: &str, text: &str, want: Option<&str>) {
        let outcome = classify(&OutcomeInput {
            tool: "bash",
            command,
            text,
            ..OutcomeInput::default()
        });
        let got = outcome.failed().then_some(outcome.message);
        assert_eq!(got, want, "{command}");
    }

    /// The first line of the text says that it failed, unless nobody hears the program.
    fn gives_up(command: &str, text: &str) {
        check(command, text, text.lines().next());
        check(&format!("{command} || true"), text, None);
    }

    #[test]
    fn programs_that_give_up_failed() {
        gives_up("git log kettle", "fatal: bad revision 'kettle'");
        gives_up("git stash pop", "No stash entries found.");
        gives_up(
            "sqlite3 a.db 'select 1 from kettle'",
            "Error: in prepare, no such table: kettle",
        );
        gives_up(
            "unzip a.zip",
            "unzip:  cannot find or open a.zip, a.zip.zip or a.zip.ZIP.",
        );
        gives_up(
            "jq . a.json",
            "parse error: Invalid literal at line 1, column 7",
        );
        gives_up("ruby a.rb", "a.rb:3:in `<main>': dry (RuntimeError)");
        gives_up("perl a.pl", "dry at a.pl line 3.");
        gives_up(
            "java A",
            "Exception in thread \"main\" java.lang.IllegalStateException: dry\n\tat A.main(A.java:1)",
        );
        gives_up(
            "python3 manage.py brew",
            "Unknown command: 'brew'\nType 'manage.py help' for usage.",
        );
        gives_up(
            "python3 -m pip install kettle-zz",
            "ERROR: No matching distribution found for kettle-zz",
        );
        gives_up(
            "gcc a.c",
            "a.c:3:1: error: expected ';' before '}' token\n    3 | }\n      | ^",
        );
        gives_up("make", "Makefile:2: *** missing separator.  Stop.");
        gives_up(
            "cargo fmt --check",
            "Diff in /shop/src/main.rs:1:\n-fn main(){}\n+fn main() {}",
        );
        gives_up("pylint shop --disable=all", "No files to lint: exiting.");
    }

    #[test]
    fn patches_and_crashes_are_seen_below_other_lines() {
        let hunk = "1 out of 2 hunks FAILED -- saving rejects to file till.py.rej";
        let text = format!("patching file till.py\nHunk #1 FAILED at 3.\n{hunk}");
        check("patch -p1 < a.diff", &text, Some(hunk));
        check(
            "patch -p1 < a.diff",
            "patching file till.py\nHunk #1 succeeded at 3.",
            None,
        );
        let thrown = "boil.js:1\nboil()\n^\n\nReferenceError: boil is not defined\n    at boil.js:1:1\n\nNode.js v20.1.0";
        check(
            "node boil.js",
            thrown,
            Some("ReferenceError: boil is not defined"),
        );
        check("node boil.js", "running on\nNode.js is here", None);
    }

    #[test]
    fn words_of_failure_in_other_outputs_are_no_failure() {
        check(
            "git log --oneline",
            "1a2b3c4 error: fix the message\n",
            None,
        );
        check("git status --short", " M kettle.py\n?? error: log", None);
        check("make", "make: [Makefile:3: all] Error 1 (ignored)", None);
        check(
            "ruff check --fix .",
            "Found 2 errors (2 fixed, 0 remaining).",
            None,
        );
        check("node --test", "# tests 2\n# pass 2\n# fail 0", None);
        check(
            "cargo test 2>&1 | tail -1",
            "error: test failed, to rerun pass `--lib`",
            None,
        );
    }
}
