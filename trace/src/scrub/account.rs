//! Names of accounts, where a message says that a name is one.
//!
//! Neighbours: `homes` takes them out of paths. A name alone cannot be told from a word, so only
//! the wordings of logins and of providers count. Accounts of services stay: they say what failed.

use regex::Regex;

use super::homes::is_shared_account;
use super::pattern::{Gate, Pattern};
use super::placeholder::Label;
use super::scrubber::Finding;

/// Finds names of accounts.
#[derive(Debug)]
pub(super) struct Accounts {
    quoted: Pattern,
    told: Pattern,
    login: Pattern,
    addressed: Pattern,
    quoted_gate: Gate,
    login_gate: Gate,
    addressed_gate: Gate,
}

/// Accounts that belong to a program.
const SERVICES: &[&str] = &[
    "postgres",
    "mysql",
    "redis",
    "mongodb",
    "nginx",
    "apache",
    "www-data",
    "nobody",
    "daemon",
    "system",
    "service",
    "anonymous",
    "administrator",
    "jenkins",
    "gitlab",
    "github",
    "ec2-user",
    "sa",
    "web",
    "api",
    "bot",
    "agent",
    "assistant",
    "human",
];

impl Accounts {
    pub(super) fn new() -> Self {
        Self {
            // `authentication failed for user "kim"`, `role 'kim' does not exist`. In the quotes of code stand names of things
            // as well: `the account `enabled` flag`.
            quoted: Pattern::new(
                r#"(?i)(?-u:\b)(?:(?:user|username|login)(?: name)?:? ["']|username:? `|account:? ["']|role ["']|(?:as|for|by) (?:user|login) `)([a-z0-9][a-z0-9._-]{1,39})["'`@]"#,
            ),
            // `user `kim` does not exist`
            told: Pattern::new(
                r"(?i)(?-u:\b)(?:user|login|account) `([a-z0-9][a-z0-9._-]{1,39})` (?:does|is|was|has|not|cannot|failed|already)(?-u:\b)",
            ),
            // `Failed password for invalid user kim from 10.0.0.7`
            login: Pattern::new(
                r"(?i)(?-u:\b)(?:password|publickey|keyboard-interactive/pam) for (?:invalid user )?([a-z0-9][a-z0-9._-]{1,39}) from ",
            ),
            // `you (kim) have reached your limit`
            addressed: Pattern::new(r"(?i)(?-u:\b)you \(([a-z0-9][a-z0-9._-]{1,39})\) "),
            quoted_gate: Gate::new(&[&["ser ", "ole ", "ogin ", "ccount ", "sername"]]),
            login_gate: Gate::new(&[&[" for "], &[" from "]]),
            addressed_gate: Gate::new(&[&["ou ("]]),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        if self.quoted_gate.opens(text) {
            Self::captured(&self.quoted, text, findings);
            Self::captured(&self.told, text, findings);
        }
        if self.login_gate.opens(text) {
            Self::captured(&self.login, text, findings);
        }
        if self.addressed_gate.opens(text) {
            Self::captured(&self.addressed, text, findings);
        }
    }

    fn captured(pattern: &Regex, text: &str, findings: &mut Vec<Finding>) {
        for captures in pattern.captures_iter(text) {
            let Some(name) = captures.get(1) else {
                continue;
            };
            let lower = name.as_str().to_ascii_lowercase();
            let is_word = lower.bytes().any(|b| b.is_ascii_alphabetic());
            let is_service = SERVICES.contains(&lower.as_str()) || is_shared_account(&lower);
            if is_word && !is_service {
                findings.push(Finding::new(name.range(), Label::User));
            }
        }
    }
}
