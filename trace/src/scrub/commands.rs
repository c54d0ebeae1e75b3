//! Passwords that are given to programs: on their command line, in their own language, in a call.
//!
//! Neighbours: the scrubber asks for findings; `context` finds what a name stands beside. Must not guess: each pattern
//! is the documented way in which one program takes a password.

use aho_corasick::{AhoCorasick, MatchKind};

use super::check;
use super::pattern::Pattern;
use super::placeholder::Label;
use super::scrubber::Finding;
use crate::normalise::boundary;

/// (the word at which a command begins, what follows it; the first group is the password)
const COMMANDS: &[(&str, &str)] = &[
    (
        "curl",
        r"^[^\n]{0,200}?\s(?:-u|--user)[ =]{0,2}[\x22']?([^\s:\x22'$]{1,80}:[^\s\x22'$]{2,100})",
    ),
    (
        "mysql",
        r"^(?:dump|admin|import|sh)?(?:\s[^\n|;]{0,120}?)?\s-p[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "mariadb",
        r"^(?:-dump|-admin)?(?:\s[^\n|;]{0,120}?)?\s-p[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "mongo",
        r"^(?:sh|dump|restore|export|import)?(?:\s[^\n|;]{0,120}?)?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "sshpass",
        r"^\s+-p\s?[\x22']?([^\s\x22'$-][^\s\x22'$]{2,100})",
    ),
    (
        "redis-cli",
        r"^[^\n|;]{0,120}?\s-a[ ]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "docker login",
        r"^[^\n|;]{0,120}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "podman login",
        r"^[^\n|;]{0,120}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "helm registry login",
        r"^[^\n|;]{0,120}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "az login",
        r"^[^\n|;]{0,200}?\s-p[ =]?[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "htpasswd",
        r"^\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S{1,200}\s+\S{1,80}\s+[\x22']?([^\s\x22'$-][^\s\x22'$]{3,100})",
    ),
    (
        "smbclient",
        r"^[^\n|;]{0,120}?\s(?:-U|--user)[ =]?[\x22']?[^\s%\x22'$]{1,80}%([^\s\x22'$]{3,100})",
    ),
    (
        "net use",
        r"^\s+(?:[A-Za-z]:|\*)\s+\S{1,200}\s+([^\s/*$][^\s$]{3,100})\s+/user:",
    ),
    (
        "openssl",
        r"^[^\n|;]{0,200}?\s(?:-pass(?:in|out)?\s+pass:|-k\s+)[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        "ssh-keygen",
        r"^[^\n|;]{0,200}?\s-N\s?[\x22']?([^\s\x22'$]{4,100})",
    ),
    (
        "sqlplus",
        r"^\s+(?:-[A-Za-z]+\s+)?[^\s/@]{1,60}/([^\s/@$]{4,100})@",
    ),
    ("lftp", r"^\s+-u\s+[^\s,]{1,80},([^\s$]{3,100})"),
    // `echo ... | sudo -S` and the like.
    (
        "echo ",
        r"^(?:-n )?[\x22']?([^\s\x22'$|;&]{4,100})[\x22']?\s*\|\s*(?:sudo\s+(?:-\w+\s+)*-S|passwd\b|docker login|podman login|gh auth login|chpasswd)",
    ),
    // Languages of databases.
    (
        "identified by",
        r"^\s+(?:password\s+)?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        "identified with",
        r"^\s+\S{1,40}\s+(?:by|as)\s+[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    ("requirepass", r"^\s+[\x22']?([^\s\x22'$]{4,200})"),
    ("masterauth", r"^\s+[\x22']?([^\s\x22'$]{4,200})"),
    // Calls that take a name and a password.
    (
        "auth=(",
        r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        "basicauth(",
        r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        "basic_auth(",
        r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
    (
        ".login(",
        r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?[\x22']([^\x22'\n]{4,100})[\x22']",
    ),
];

/// Most bytes behind the word that a pattern is asked about.
const COMMAND_BYTES_MAX: usize = 480;

/// Finds passwords given to programs, all words in one scan.
#[derive(Debug)]
pub(super) struct Commands {
    scan: AhoCorasick,
    patterns: Vec<Pattern>,
}

impl Commands {
    pub(super) fn new() -> Self {
        let scan = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(COMMANDS.iter().map(|(word, _)| word))
            .expect("the table of commands is small and fixed");
        let patterns = COMMANDS
            .iter()
            .map(|(_, pattern)| Pattern::new(pattern))
            .collect();
        Self { scan, patterns }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut covered = 0;
        for hit in self.scan.find_iter(text) {
            let begins = !text[..hit.start()]
                .ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                || !text.as_bytes()[hit.start()].is_ascii_lowercase();
            if hit.start() < covered || !begins {
                continue;
            }
            let far = boundary(text, text.len().min(hit.end() + COMMAND_BYTES_MAX));
            let pattern = &self.patterns[hit.pattern().as_usize()];
            let Some(found) = pattern
                .captures(&text[hit.end()..far])
                .and_then(|captures| captures.get(1))
            else {
                continue;
            };
            let value = found.as_str();
            let is_reference = value.starts_with(['<', '{', '%', '['])
                || value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                || value.contains('(');
            // `-prefix` is a flag of its own; a password behind `-p` has more than small letters.
            let is_glued = matches!(COMMANDS[hit.pattern().as_usize()].0, "mysql" | "mariadb");
            let is_reference = is_reference
                || (is_glued && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            if !is_reference && !check::is_dummy(value) {
                let range = hit.end() + found.start()..hit.end() + found.end();
                covered = range.end;
                findings.push(Finding::new(range, Label::Secret));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for (word, pattern) in COMMANDS {
            assert!(regex::Regex::new(pattern).is_ok(), "{word}: {pattern}");
        }
    }
}
