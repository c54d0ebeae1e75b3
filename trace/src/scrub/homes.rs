//! Names of people in the paths of their homes.
//!
//! Neighbours: `scrubber` asks for findings, `account` and `logins` which names are nobody's. Must not take pages and parts of
//! a program that are called home.

use super::check;
use super::near;
use super::pattern::{Gate, Pattern};
use super::placeholder::Label;
use super::scrubber::Finding;

/// Finds homes.
#[derive(Debug)]
pub(super) struct Homes {
    path: Pattern,
    slug: Pattern,
    gate: Gate,
}

impl Homes {
    pub(super) fn new() -> Self {
        Self {
            path: Pattern::new(
                r"(?i)(?:/home/|/Users/|[a-z]:\\{1,4}(?:Users|Documents and Settings)\\{1,4}|[a-z]:/Users/)([^\s/\\:'\x22<>|*?,;(){}\[\]`]{1,64})",
            ),
            // As tools name a folder of their own after one: `projects/-Users-kim-code`.
            slug: Pattern::new(r"[/\\]-(?:home|Users)-([A-Za-z0-9._]{1,64})(?:-|[/\\\s\x22'`]|$)"),
            gate: Gate::new(&[&["home/", "-home-", "sers", "SERS", "ettings\\"]]),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        if !self.gate.opens(text) {
            return;
        }
        // Behind a name that goes begins another path: it is what the next look would see.
        let mut found_to = 0;
        for captures in self.path.captures_iter(text) {
            if let (Some(path), Some(name)) = (captures.get(0), captures.get(1))
                && is_person(name.as_str())
                && !is_inner(text, found_to, path.start())
            {
                found_to = name.end();
                findings.push(Finding::new(name.range(), Label::User));
            }
        }
        for captures in self.slug.captures_iter(text) {
            if let Some(name) = captures.get(1).filter(|name| is_person(name.as_str())) {
                findings.push(Finding::new(name.range(), Label::User));
            }
        }
    }
}

/// Whether a folder for people is called by the name of one.
fn is_person(name: &str) -> bool {
    // `/v1/users/42` is a thing of a service.
    let is_id = check::is_uuid(name)
        || name.bytes().all(|b| b.is_ascii_digit())
        || (name.len() >= ID_BYTES_MIN && check::is_digest(name));
    !is_id && !is_shared_account(name)
}

/// Whether `/home/` at `at` is inside a path that begins elsewhere, as in `src/home/page.ts` and `https://acme.org/home/about`;
/// nothing before `from` is looked at.
fn is_inner(text: &str, from: usize, at: usize) -> bool {
    const REMOTE: &[&str] = &[
        "file://",
        "ssh://",
        "sftp://",
        "scp://",
        "rsync://",
        "remote://",
        "smb://",
        "nfs://",
        "ftp://",
    ];
    let looked_at = near::before(text, at, PATH_BYTES_MAX);
    let is_cut = at - looked_at.len() > from;
    let looked_at = if is_cut { looked_at } else { &text[from..at] };
    let lead = looked_at
        .rsplit(|c: char| c.is_whitespace() || "\"'`=,;()[]{}<>|".contains(c))
        .next()
        .unwrap_or("");
    // Where so long a path begins is not known.
    if is_cut && lead.len() == looked_at.len() {
        return false;
    }
    // `https://acme.org/users/kim` is a person's page; `src/users/page.ts` is one for all.
    let folder = near::behind(text, at, "/home".len());
    if !folder.eq_ignore_ascii_case("/home") && lead.contains("://") {
        return false;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    // `-I/home/kim/include` begins at its flag; colours and the escape of a line end are no part of a path.
    let first = lead.strip_prefix("./").unwrap_or(lead).split('/').next();
    let is_whole = first.is_some_and(|first| ROOTS.contains(&first))
        || lead.starts_with(['/', '$', '%', '-'])
        || lead.get(1..2) == Some(":");
    let is_escape = ["\\n", "\\t", "\\r"].iter().any(|end| lead.ends_with(end))
        || lead
            .strip_suffix('m')
            .is_some_and(|code| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()));
    lead.ends_with(is_part)
        && !is_whole
        && !is_escape
        && !REMOTE.iter().any(|scheme| lead.contains(scheme))
}

/// Folders that hold the files of a whole system: of an archive, a comparison, a container, a disk.
const ROOTS: &[&str] = &[
    ".",
    "a",
    "b",
    "root",
    "rootfs",
    "sysroot",
    "chroot",
    "fs",
    "image",
    "layer",
    "merged",
    "diff",
    "mnt",
    "media",
    "backup",
    "backups",
    "snapshot",
    "snapshots",
    "export",
    "srv",
    "var",
    "nfs",
    "host",
    "volumes",
    "restore",
    "old",
    "disk",
];

/// Longest start of a path that is looked at, bytes.
const PATH_BYTES_MAX: usize = 160;

/// Nobody has so long a name of hex digits.
const ID_BYTES_MIN: usize = 24;

/// Home directories that name a role, not a person.
pub(super) fn is_shared_account(name: &str) -> bool {
    const SHARED: &[&str] = &[
        "user",
        "runner",
        "ubuntu",
        "root",
        "node",
        "app",
        "shared",
        "public",
        "default",
        "vscode",
        "codespace",
        "git",
        "docker",
        "admin",
        "guest",
        "demo",
        "dev",
        "test",
        "username",
        "name",
        "you",
        "me",
        "user.",
        "linuxbrew",
        "build",
        "builder",
        "ci",
        "worker",
        "vagrant",
        "ec2-user",
        "jenkins",
        "circleci",
        "gitpod",
        "sandbox",
        "coder",
        "oai",
        "jovyan",
        "...",
        "$user",
        "$(whoami)",
        "~",
        "all",
    ];
    SHARED
        .iter()
        .any(|shared| name.eq_ignore_ascii_case(shared))
        || name.starts_with('$')
        || name.starts_with('%')
}
