//! Names with what belongs to them around an `@`: `kim:password@host` without a scheme, a shell's prompt, `Kim Lee <mail>`.
//!
//! Neighbours: `structures` knows credentials in addresses with a scheme, `pii` mail addresses. Must not take labels,
//! versions of packages and digests of images, which are written with the same signs.

use super::check;
use super::homes::is_shared_account;
use super::placeholder::{self, Label};
use super::scrubber::Finding;
use super::value::is_drawn;
use crate::normalise::boundary;

/// Longest name with its password, and longest name of a person, bytes.
const LEAD_BYTES_MAX: usize = 96;
/// Longest name of a host that is looked at, bytes.
const HOST_BYTES_MAX: usize = 64;

/// Finds what stands around each `@`.
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let low = boundary(text, at.saturating_sub(LEAD_BYTES_MAX)).max(from);
        let far = boundary(text, text.len().min(at + 1 + HOST_BYTES_MAX));
        let Some(lead) = text.get(low..at) else {
            continue;
        };
        let after = &text[at + 1..far];
        from = at + 1;
        if let Some(length) = login(lead, after) {
            findings.push(Finding::new(at - length..at, Label::Secret));
        }
        person(lead, low, findings);
    }
}

/// How long the password in `kim:password@host` is.
fn login(lead: &str, after: &str) -> Option<usize> {
    let token = lead
        .rsplit(|c: char| c.is_whitespace() || "\"'`<>(),=[]{}|".contains(c))
        .next()?;
    let (name, password) = token.split_once(':')?;
    let is_name = (2..=32).contains(&name.len())
        // A day stands before the id of a message.
        && !(name.contains('-') && name.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // What comes before a mail address, a package or a place in a cluster.
    const LABELS: &[&str] = &[
        "mailto",
        "mail",
        "email",
        "e-mail",
        "from",
        "to",
        "cc",
        "bcc",
        "sip",
        "xmpp",
        "acct",
        "npm",
        "workspace",
        "git",
        "contact",
        "author",
        "github",
        "gitlab",
        "docker",
        "image",
        "pkg",
        "jsr",
    ];
    let is_label = LABELS.iter().any(|label| name.eq_ignore_ascii_case(label));
    let is_password =
        is_drawn(password) && !password.contains(['/', '@']) && !check::is_dummy(password);
    let host = after
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
        .next()?;
    let is_address = host.parse::<std::net::Ipv4Addr>().is_ok();
    let is_host = host.len() >= 2
        && host.starts_with(|c: char| c.is_ascii_alphabetic())
        && !host.starts_with("sha")
        && !matches!(
            host,
            "latest" | "next" | "master" | "main" | "beta" | "stable"
        )
        && !host
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (is_name && !is_label && is_password && (is_address || is_host)).then_some(password.len())
}

/// The name of a person before a mail address in angle brackets: two to four words with large first letters.
fn person(lead: &str, low: usize, findings: &mut Vec<Finding>) {
    let Some((before, mail)) = lead.rsplit_once('<') else {
        return;
    };
    // `<U as Add<T, ...`
    if mail.contains([',', '(', '[', '{']) {
        return;
    }
    let before = before.trim_end_matches([' ', '"', '\'']);
    let starts = before
        .rfind(|c: char| !(c.is_alphabetic() || matches!(c, ' ' | '.' | '-' | '\'' | '\u{2019}')))
        .map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
    // A name that goes on before what is looked at is not read in part.
    if starts == 0 && low > 0 {
        return;
    }
    let name = before[starts..].trim_start_matches([' ', '.', '-', '\'']);
    // The letter of an escaped line end.
    let is_escaped = starts > 0 && before[..starts].ends_with('\\');
    let name = if is_escaped {
        name.get(1..).unwrap_or("")
    } else {
        name
    };
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let is_large = |word: &&str| word.starts_with(char::is_uppercase);
    let is_name = (2..=5).contains(&words.len())
        && words.first().is_some_and(is_large)
        && words.last().is_some_and(is_large)
        && !words.iter().any(|word| is_role(word));
    let start = low + before.len() - name.len();
    if is_name && !is_shared_account(name) && placeholder::find_all(name).is_empty() {
        findings.push(Finding::new(start..low + before.len(), Label::User));
    }
}

/// Words in names of senders that are no people.
fn is_role(word: &str) -> bool {
    const ROLES: &[&str] = &[
        "bot",
        "team",
        "support",
        "service",
        "notifications",
        "noreply",
        "no-reply",
        "actions",
        "security",
        "admin",
        "list",
        "mailer",
        "daemon",
        "system",
        "robot",
        "build",
        "release",
        "the",
        "from",
        "to",
        "cc",
        "email",
    ];
    ROLES.iter().any(|role| word.eq_ignore_ascii_case(role))
}
