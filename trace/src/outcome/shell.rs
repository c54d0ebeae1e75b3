//! How a command line is put together: its stages, and which of them decide its exit code.
//!
//! Neighbours: `soft` and `guess` ask who spoke last and whether a pipe or `||` hides the exit code. Knows quotes,
//! substitutions and here-documents, nothing about what programs print. One pass over the bytes.

/// How many of the last stages are asked; nobody chains more by hand.
const DECIDERS_MAX: usize = 64;

/// How a stage follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// The first one, or after `;`, `&` or a line break: runs whatever came before.
    Then,
    /// After `&&`.
    And,
    /// After `||`.
    Or,
    /// After `|`.
    Pipe,
}

/// One simple command with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage<'a> {
    pub(super) text: &'a str,
    pub(super) join: Join,
}

impl Stage<'_> {
    /// The program's name, lower case, without its path; `git grep` is `git-grep`.
    pub(super) fn program(&self) -> String {
        program(self.text)
    }

    /// The module that an interpreter runs in the program's stead: `pytest` of `python3 -m pytest`.
    pub(super) fn module(&self) -> Option<&str> {
        let mut words = self.text.split_whitespace();
        words.find(|word| *word == "-m").and(words.next())
    }
}

/// A command line in stages.
#[derive(Debug)]
pub(super) struct Shell<'a> {
    stages: Vec<Stage<'a>>,
    /// `set -o pipefail`: a failing part of a pipe is heard.
    has_pipefail: bool,
    /// `set -e`: every stage that fails ends it.
    has_errexit: bool,
}

impl<'a> Shell<'a> {
    /// Reads a command line; what is quoted, substituted or a here-document stays inside its stage or is left out.
    pub(super) fn read(command: &'a str) -> Self {
        let command = unwrapped(command.trim());
        let stages = split(command, Quotes::Kept)
            // A quote that nobody closes is an apostrophe, or its end was cut away.
            .or_else(|| split(command, Quotes::Ignored))
            .unwrap_or_default();
        let sets = |wanted: &dyn Fn(&str) -> bool| {
            stages
                .iter()
                .any(|stage| stage.text.starts_with("set -") && wanted(stage.text))
        };
        let has_pipefail = sets(&|text| text.contains("pipefail"));
        let has_errexit = sets(&|text| {
            let flags = text["set -".len()..].split(' ').next().unwrap_or("");
            flags.contains('e')
        });
        let mut shell = Self {
            stages,
            has_pipefail,
            has_errexit,
        };
        // The closing word of a loop or a group is no program.
        while shell.stages.len() > 1
            && shell
                .stages
                .last()
                .is_some_and(|last| matches!(last.text, "done" | "fi" | "}" | ")" | "esac"))
        {
            shell.stages.pop();
        }
        shell
    }

    /// The program that decides the exit code: that of the last stage.
    pub(super) fn last_program(&self) -> String {
        self.stages.last().map_or_else(String::new, Stage::program)
    }

    /// The programs that produce the output: the first one of the last pipeline, and of those that it stands in for with `||`.
    pub(super) fn alternatives(&self) -> impl Iterator<Item = String> {
        let list = self.final_list();
        let is_start = |stage: &Stage<'_>| matches!(stage.join, Join::Then | Join::And);
        let from = list.iter().rposition(is_start).unwrap_or(0);
        list[from..]
            .iter()
            .filter(|stage| stage.join != Join::Pipe)
            .map(Stage::program)
    }

    /// The program that produces the output: the first one of the last pipeline.
    pub(super) fn producer(&self) -> String {
        self.stages
            .iter()
            .rev()
            .find(|stage| stage.join != Join::Pipe)
            .map_or_else(String::new, Stage::program)
    }

    /// The programs that begin the pipelines joined by `&&` or `||` to the last one, that one first.
    pub(super) fn producers(&self) -> impl Iterator<Item = (String, &'a str)> {
        self.final_list()
            .iter()
            .rev()
            .filter(|stage| stage.join != Join::Pipe)
            .map(|stage| (stage.program(), stage.text))
    }

    /// Whether the last pipeline ends in a program other than its first, so that nobody hears how the first one ended.
    pub(super) fn hides_exit(&self) -> bool {
        !self.has_pipefail
            && self
                .stages
                .last()
                .is_some_and(|last| last.join == Join::Pipe)
    }

    /// Whether `||` catches a failure of the last statement.
    pub(super) fn is_shielded(&self) -> bool {
        let last = self
            .final_list()
            .iter()
            .rfind(|stage| stage.join == Join::Or);
        // `|| exit 1` passes the failure on.
        last.is_some_and(|stage| {
            let words = stage.text.trim_start_matches(['{', '(', ' ']);
            !(words.starts_with("exit 1") || words.starts_with("return 1") || words == "false")
        })
    }

    /// The stages whose failure is the failure of the whole.
    pub(super) fn deciders(&self) -> impl Iterator<Item = &Stage<'a>> {
        let list = self.final_list();
        let from = list
            .iter()
            .rposition(|stage| stage.join == Join::Or)
            .unwrap_or(0)
            .max(list.len().saturating_sub(DECIDERS_MAX));
        let list = &list[from..];
        list.iter().enumerate().filter_map(move |(at, stage)| {
            let next = list.get(at + 1).map(|next| next.join);
            let is_heard = match next {
                None | Some(Join::And | Join::Or) => true,
                Some(Join::Then) => self.has_errexit,
                Some(Join::Pipe) => self.has_pipefail,
            };
            is_heard.then_some(stage)
        })
    }

    /// All stages, in order.
    pub(super) fn stages(&self) -> &[Stage<'a>] {
        &self.stages
    }

    /// Whether a program of one of these names can decide the exit code.
    pub(super) fn is_decided_by(&self, names: &[&str]) -> bool {
        self.deciders().any(|stage| {
            names.contains(&stage.program().as_str())
                || stage.module().is_some_and(|module| names.contains(&module))
        })
    }

    /// The stages after the last `;`; all of them when the first failure ends the command.
    fn final_list(&self) -> &[Stage<'a>] {
        if self.has_errexit {
            return &self.stages;
        }
        let from = self
            .stages
            .iter()
            .rposition(|stage| stage.join == Join::Then)
            .unwrap_or(0);
        &self.stages[from..]
    }
}

/// The inside of `bash -lc "..."`, when that is the whole command line.
fn unwrapped(command: &str) -> &str {
    let Some((first, rest)) = command.split_once(' ') else {
        return command;
    };
    let name = first.rsplit('/').next().unwrap_or(first);
    let Some((flag, inner)) = rest.trim_start().split_once(' ') else {
        return command;
    };
    if !matches!(name, "bash" | "sh" | "zsh" | "dash") || !matches!(flag, "-c" | "-lc" | "-ic") {
        return command;
    }
    let inner = inner.trim();
    for quote in ['"', '\''] {
        let bare = inner
            .strip_prefix(quote)
            .and_then(|inner| inner.strip_suffix(quote));
        if let Some(bare) = bare.filter(|bare| !bare.contains(quote)) {
            return bare;
        }
    }
    command
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Kept,
    Ignored,
}

/// The stages in order; nothing when a quote stays open.
fn split(command: &str, quotes: Quotes) -> Option<Vec<Stage<'_>>> {
    let mut cutter = Cutter {
        command,
        quotes,
        stages: Vec::new(),
        join: Join::Then,
        from: 0,
        at: 0,
        depth: 0,
        documents: Vec::new(),
    };
    while cutter.at < command.len() {
        cutter.step()?;
    }
    cutter.cut(command.len(), Join::Then, command.len());
    Some(cutter.stages)
}

/// Goes over a command line once.
struct Cutter<'a> {
    command: &'a str,
    quotes: Quotes,
    stages: Vec<Stage<'a>>,
    /// How the stage that is being read follows the one before.
    join: Join,
    /// Where that stage begins.
    from: usize,
    at: usize,
    /// How many substitutions are open.
    depth: usize,
    /// The closing words of the here-documents that begin on the next line.
    documents: Vec<&'a str>,
}

impl Cutter<'_> {
    fn step(&mut self) -> Option<()> {
        let bytes = self.command.as_bytes();
        let at = self.at;
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let next = bytes.get(at + 1).copied();
        let is_top = self.depth == 0;
        let keeps_quotes = self.quotes == Quotes::Kept;
        self.at += 1;
        match bytes[at] {
            b'\\' => self.at += 1,
            b'\'' | b'"' if keeps_quotes => self.at = closing(bytes, at)? + 1,
            b'#' if is_top && keeps_quotes && starts_word(bytes, at) => {
                let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
                self.cut(at, Join::Then, end);
            }
            b'(' if !is_top || matches!(before, Some(b'$' | b'<' | b'>')) => self.depth += 1,
            b')' => self.depth = self.depth.saturating_sub(1),
            b'<' if bytes[at..].starts_with(b"<<<") => self.at += 2,
            b'<' if is_top && next == Some(b'<') => {
                self.documents.extend(delimiter(&self.command[at + 2..]));
                self.at += 1;
            }
            b'\n' if !self.documents.is_empty() => {
                let end = self
                    .documents
                    .drain(..)
                    .fold(at, |at, word| after_document(self.command, at, word));
                self.cut(at, Join::Then, end);
            }
            b'\n' | b';' if is_top => self.cut(at, Join::Then, at + 1),
            b'&' if is_top && next == Some(b'&') => self.cut(at, Join::And, at + 2),
            b'|' if is_top && next == Some(b'|') => self.cut(at, Join::Or, at + 2),
            b'|' if is_top => self.cut(at, Join::Pipe, at + 1),
            // `2>&1` and `&>` belong to a redirection, `|&` to a pipe.
            b'&' if is_top && next != Some(b'>') && !matches!(before, Some(b'>' | b'<' | b'|')) => {
                self.cut(at, Join::Then, at + 1);
            }
            _ => {}
        }
        Some(())
    }

    /// Ends the stage that is being read at `end`; the next one begins at `begin`.
    fn cut(&mut self, end: usize, next: Join, begin: usize) {
        let text = self.command[self.from.min(end)..end].trim();
        if !text.is_empty() {
            self.stages.push(Stage {
                text,
                join: self.join,
            });
        }
        if !text.is_empty() || next != Join::Then {
            self.join = next;
        }
        self.from = begin;
        self.at = self.at.max(begin);
    }
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b';')
}

/// Where the quote that opens at `at` closes.
fn closing(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut end = at + 1;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' if quote == b'"' => end += 1,
            byte if byte == quote => return Some(end),
            _ => {}
        }
        end += 1;
    }
    None
}

/// The word that will end a here-document, from what stands behind `<<`.
fn delimiter(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', '\t']);
    let word = match rest.chars().next()? {
        quote @ ('\'' | '"') => rest[1..].split(quote).next()?,
        _ => {
            let rest = rest.strip_prefix('\\').unwrap_or(rest);
            let end = rest
                .find(|c: char| c.is_whitespace() || ";&|<>)".contains(c))
                .unwrap_or(rest.len());
            &rest[..end]
        }
    };
    (!word.is_empty()).then_some(word)
}

/// The line break behind the line that ends a here-document whose first line begins after `at`.
fn after_document(command: &str, at: usize, word: &str) -> usize {
    let mut from = (at + 1).min(command.len());
    while from < command.len() {
        let end =
            memchr::memchr(b'\n', &command.as_bytes()[from..]).map_or(command.len(), |n| from + n);
        if command[from..end].trim() == word {
            return end;
        }
        from = end + 1;
    }
    command.len()
}

/// Words before a program that only say how to run it.
const PREFIXES: &[&str] = &[
    "sudo", "time", "env", "nohup", "bash", "zsh", "sh", "-lc", "-c", "do", "then", "else", "exec",
    "if", "while", "until",
];

fn program(stage: &str) -> String {
    let mut words = stage
        .split_whitespace()
        .filter(|word| !word.contains('='))
        .map(|word| word.trim_matches(['(', ')', '"', '\'', '{', '}', '`', '!']))
        .filter(|word| !word.is_empty());
    let mut first = words.next().unwrap_or("");
    let mut rest = words.clone();
    while PREFIXES.contains(&first) || matches!(first, "timeout" | "nice" | "stdbuf" | "ionice") {
        // `timeout -k 5 60 make`: options and times belong to the wrapper.
        let is_wrapper = matches!(first, "timeout" | "nice" | "stdbuf" | "ionice");
        let next = rest.by_ref().find(|word| {
            !is_wrapper
                || !(word.starts_with('-') || word.starts_with(|c: char| c.is_ascii_digit()))
        });
        match next {
            Some(next) => first = next,
            // Alone it is the program itself.
            None => break,
        }
    }
    let name = first
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or("")
        .to_lowercase();
    if matches!(name.as_str(), "git" | "docker" | "kubectl") {
        let mut skips = false;
        let sub = rest.find(|word| {
            // `git -C dir status`: the option's value is no subcommand.
            let is_sub = !word.starts_with('-') && !skips;
            skips = matches!(*word, "-C" | "-c" | "--git-dir" | "--work-tree");
            is_sub
        });
        return format!("{name}-{}", sub.unwrap_or(""));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stages as `join program`, then who decides.
    fn check(command: &str, stages: &str, deciders: &str) {
        let shell = Shell::read(command);
        let shown: Vec<String> = shell
            .stages
            .iter()
            .map(|stage| {
                let join = match stage.join {
                    Join::Then => ";",
                    Join::And => "&&",
                    Join::Or => "||",
                    Join::Pipe => "|",
                };
                format!("{join} {}", stage.program())
            })
            .collect();
        assert_eq!(shown.join(" "), stages, "{command}");
        let decide: Vec<String> = shell.deciders().map(Stage::program).collect();
        assert_eq!(decide.join(" "), deciders, "{command}");
    }

    #[test]
    fn a_command_line_is_cut_where_the_shell_cuts_it() {
        check(
            "cd /a && make -j2 2>&1 | tail -5",
            "; cd && make | tail",
            "cd tail",
        );
        check("rm a; ls b || true", "; rm ; ls || true", "true");
        check(
            "set -o pipefail; make | tail",
            "; set ; make | tail",
            "make tail",
        );
        check(
            "set -e\nmake\necho done",
            "; set ; make ; echo",
            "set make echo",
        );
        check(
            "python3 -c \"a; b | c\nd && e\" | head",
            "; python3 | head",
            "head",
        );
        check(
            "echo $(ls | wc -l; pwd) && go test",
            "; echo && go",
            "echo go",
        );
        check("make &> log; cat log", "; make ; cat", "cat");
        check("server & sleep 1", "; server ; sleep", "sleep");
        check("for f in *; do wc -l $f; done", "; for ; wc", "wc");
        check("diff <(sort a) <(sort b)", "; diff", "diff");
        check("timeout -k 5 60 pytest -q", "; pytest", "pytest");
        check(
            "FOO=1 git -C shop --no-pager log -3",
            "; git-log",
            "git-log",
        );
        check("ls # a; b | c's\nmake", "; ls ; make", "make");
        check("bash -lc 'cd a && pytest'", "; cd && pytest", "cd pytest");
        check("", "", "");
    }

    #[test]
    fn here_documents_hold_no_stages() {
        check(
            "python3 - <<'EOF' | head\nimport os; a | b\nit's\nEOF",
            "; python3 | head",
            "head",
        );
        check(
            "cat <<EOF > job.py && python3 job.py\nx = 1; y\nEOF\nrm job.py",
            "; cat && python3 ; rm",
            "rm",
        );
        check("cat <<- 'END'\n  never closed; rm", "; cat", "cat");
        check("jq . <<< '{\"a\": 1}'", "; jq", "jq");
    }

    #[test]
    fn an_apostrophe_that_nobody_closes_does_not_swallow_the_rest() {
        check("echo it's done && make", "; echo && make", "echo make");
    }
}
