//! Secrets with a structure of their own: key blocks, web tokens, addresses with credentials.
//!
//! Neighbours: the scrubber asks for findings. Must not judge values by the words around them.

use regex::Regex;

use super::check;
use super::placeholder::Label;
use super::scrubber::Finding;
use crate::normalise::boundary;

/// (a piece that every match holds, the pattern; the first group, or else all of it, is secret)
const PATTERNS: &[(&str, &str)] = &[
    // JSON web tokens, also without signature, also in base64 as a whole.
    (
        "eyJ",
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_/+=-]*)?",
    ),
    ("ZXlK", r"(?-u:\b)ZXlK[A-Za-z0-9+/]{30,}={0,2}"),
    // Credentials before the host of an address.
    (
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{1,15}://([^\s:/@'\x22<>]{0,80}:[^\s/@'\x22<>]{1,200})@",
    ),
    // Credentials of a package host, named in the environment.
    (
        "BUNDLE_",
        r"BUNDLE_[A-Z0-9_]{2,60}__[A-Z]{2,10}[\x22']?[ ]{0,2}[:=]{1,2}[ ]{0,2}[\x22']?([^\s:\x22';&]{2,80}:[^\s\x22';&]{2,80})",
    ),
    // Addresses that are keys themselves.
    (
        "hooks.slack.com/",
        r"((?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})",
    ),
    (
        "discord",
        r"((?:https?://)?(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{20,})",
    ),
    (
        "webhook.office.com",
        r"((?:https?://)?[a-z0-9-]{0,40}\.?webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{30,})",
    ),
    // Signed addresses.
    (
        "ig",
        r"[?&;](?:sig|[Ss]ignature|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%+/=_-]{20,})",
    ),
    // A number and a key of known length: bot tokens, tokens of an application.
    (":A", r"(?-u:\b)([0-9]{7,11}:A[A-Za-z0-9_-]{33,36})(?-u:\b)"),
    ("|", r"(?-u:\b)([0-9]{14,17}\|[A-Za-z0-9_-]{27})(?-u:\b)"),
    // Three parts, the first is a number in base64.
    (
        ".",
        r"(?-u:\b)([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})(?-u:\b)",
    ),
    // Keys with a mark in the middle or at the end.
    ("-us", r"(?-u:\b)([0-9a-f]{32}-us[0-9]{1,2})(?-u:\b)"),
    (
        "_mmk",
        r"(?-u:\b)([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?-u:\b)",
    ),
    (
        ".atlasv1.",
        r"(?-u:\b)([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70})",
    ),
    ("Q~", r"([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    // Keys in groups of known length.
    (
        "A3-",
        r"(?-u:\b)(A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})(?-u:\b)",
    ),
    ("pat", r"(?-u:\b)(pat[A-Za-z0-9]{14}\.[0-9a-f]{64})(?-u:\b)"),
    ("SK", r"(?-u:\b)(SK[0-9a-f]{32})(?-u:\b)"),
    (
        "at.",
        r"(?-u:\b)([ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20})(?-u:\b)",
    ),
    (
        "pk.",
        r"(?-u:\b)(pk\.[A-Za-z0-9]{60}\.[A-Za-z0-9]{22})(?-u:\b)",
    ),
    ("live_", r"(?-u:\b)(live_(?:pub_)?[0-9a-f]{31,35})(?-u:\b)"),
    ("test_", r"(?-u:\b)(test_(?:pub_)?[0-9a-f]{31,35})(?-u:\b)"),
    ("API-", r"(?-u:\b)(API-[A-Z0-9]{26})(?-u:\b)"),
    ("tfp_", r"(?-u:\b)(tfp_[A-Za-z0-9_.=-]{59})"),
    ("YC", r"(?-u:\b)(YC[A-Za-z0-9_-]{38})(?-u:\b)"),
    ("s.", r"(?-u:\b)(s\.[A-Za-z0-9]{24})(?-u:\b)"),
    ("4b1d", r"(?-u:\b)(4b1d[A-Za-z0-9]{38})(?-u:\b)"),
    (
        "dnkey-",
        r"(?-u:\b)(dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52})",
    ),
    ("endr+", r"(?-u:\b)(endr\+[A-Za-z0-9-]{16})(?-u:\b)"),
    ("b_", r"(?-u:\b)(b_[a-z0-9=-]{44})(?-u:\b)"),
    ("BSA", r"(?-u:\b)(BSA[A-Za-z0-9_-]{27,29})(?-u:\b)"),
    (
        "re_",
        r"(?-u:\b)(re_[A-Za-z0-9]{7,9}_[A-Za-z0-9]{20,28})(?-u:\b)",
    ),
    // Ids of an account that are half of its credentials, beside the name of their service.
    ("sumo", SUMO_ID),
    ("SUMO", SUMO_ID),
    ("Sumo", SUMO_ID),
    // Credentials given to a program that fetches.
    (
        "curl",
        r"(?-u:\b)curl[^\n]{0,200}?\s(?:-u|--user)[ =]{0,2}[\x22']?([^\s:\x22'$]{1,80}:[^\s\x22'$]{2,100})",
    ),
];

const SUMO_ID: &str = r"(?i:sumo)[A-Za-z0-9_.-]{0,20}[\x22']?[ ]{0,2}[:=]>?[ ]{0,2}[\x22']?(su[A-Za-z0-9]{12})(?-u:\b)";

/// Pieces whose patterns names fit as well.
const MIXED: &[&[u8]] = &[b"s.", b"YC", b"API-", b"BSA", b"re_"];

/// Finds key blocks and structured tokens.
#[derive(Debug)]
pub(super) struct Structures {
    patterns: Vec<(memchr::memmem::Finder<'static>, Regex)>,
}

impl Structures {
    pub(super) fn new() -> Self {
        let patterns = PATTERNS
            .iter()
            .map(|(piece, pattern)| {
                let regex = Regex::new(pattern).expect("the table of patterns is fixed and tested");
                (memchr::memmem::Finder::new(piece.as_bytes()), regex)
            })
            .collect();
        Self { patterns }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        key_blocks(text, findings);
        for (piece, regex) in &self.patterns {
            if piece.find(text.as_bytes()).is_none() {
                continue;
            }
            for captures in regex.captures_iter(text) {
                let Some(found) = captures.get(1).or_else(|| captures.get(0)) else {
                    continue;
                };
                let value = found.as_str();
                let reference =
                    value.starts_with('$') || value.starts_with('{') || value.starts_with('<');
                // Names of the same length hold no digits.
                let is_name = MIXED.contains(&piece.needle())
                    && !value.bytes().any(|byte| byte.is_ascii_digit());
                if !reference && !is_name && !check::is_dummy(value) {
                    findings.push(Finding::new(found.range(), Label::Secret));
                }
            }
        }
    }
}

/// Private key blocks, also cut off before their end and with line ends written as `\n`.
fn key_blocks(text: &str, findings: &mut Vec<Finding>) {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut from = 0;
    while let Some(offset) = text[from..].find(BEGIN) {
        let start = from + offset;
        let name_start = start + BEGIN.len();
        let name_limit = boundary(text, text.len().min(name_start + 40));
        from = name_start;
        let Some(name_end) = text[name_start..name_limit].find("-----") else {
            continue;
        };
        if !text[name_start..name_start + name_end].contains("PRIVATE KEY") {
            continue;
        }
        let body_start = name_start + name_end + 5;
        let end = match text[body_start..].find(END) {
            Some(offset) => {
                let tail = body_start + offset + END.len();
                let tail_limit = boundary(text, text.len().min(tail + 40));
                text[tail..tail_limit]
                    .find("-----")
                    .map_or(tail, |n| tail + n + 5)
            }
            // Cut off: everything that can belong to the key goes.
            None => text.len(),
        };
        findings.push(Finding::new(start..end, Label::PrivateKey));
        from = end;
    }
}
