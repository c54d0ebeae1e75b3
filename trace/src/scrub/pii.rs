//! Personal data with a form of its own: addresses, phone numbers, cards, accounts, user names.
//!
//! Neighbours: the scrubber asks for findings, `check` holds the checksums. Must not guess names
//! or places in prose: what is found here can be told by its form.

use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;

use super::check;
use super::placeholder::Label;
use super::scrubber::Finding;
use crate::normalise::boundary;

/// Finds personal data.
#[derive(Debug)]
pub(super) struct Pii {
    ipv4: Regex,
    ipv6: Regex,
    digits: Regex,
    iban: Regex,
    home: Regex,
}

impl Pii {
    pub(super) fn new() -> Self {
        let compile = |pattern| Regex::new(pattern).expect("the pattern is fixed and tested");
        Self {
            ipv4: compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"),
            ipv6: compile(r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"),
            digits: compile(
                r"[+(]{0,2}[0-9](?:[ .()/\u{a0}\u{2011}-]{0,2}[0-9]){6,18}(?:\s?x[0-9]{1,6})?",
            ),
            iban: compile(r"(?-u:\b)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}(?-u:\b)"),
            home: compile(
                r"(?i)(?:/home/|/Users/|[a-z]:\\{1,4}Users\\{1,4}|[a-z]:/Users/)([^\s/\\:'\x22<>|*?,;(){}\[\]]{1,64})",
            ),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let bytes = text.as_bytes();
        if memchr::memchr(b'@', bytes).is_some() {
            self.emails(text, findings);
        }
        if memchr::memmem::find(bytes, b"home/").is_some()
            || memchr::memmem::find(bytes, b"sers").is_some()
            || memchr::memmem::find(bytes, b"SERS").is_some()
        {
            self.homes(text, findings);
        }
        if bytes.iter().any(u8::is_ascii_digit) {
            self.addresses(text, findings);
            self.numbers(text, findings);
        }
    }

    fn emails(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut from = 0;
        for at in memchr::memchr_iter(b'@', text.as_bytes()) {
            let Some((start, end)) = email_around(text, from, at) else {
                continue;
            };
            from = end;
            if !is_image(&text[at + 1..end]) && !is_in_address(text, start) {
                findings.push(Finding::new(start..end, Label::Email));
            }
        }
    }

    fn homes(&self, text: &str, findings: &mut Vec<Finding>) {
        for captures in self.home.captures_iter(text) {
            let Some(name) = captures.get(1) else {
                continue;
            };
            if !is_shared_account(name.as_str()) {
                findings.push(Finding::new(name.range(), Label::User));
            }
        }
    }

    fn addresses(&self, text: &str, findings: &mut Vec<Finding>) {
        for found in self.ipv4.find_iter(text) {
            let alone = stands_alone(text, found.start(), found.end(), b"._-");
            let Ok(address) = found.as_str().parse::<Ipv4Addr>() else {
                continue;
            };
            if alone && is_public_v4(address) && !is_version(text, found.start()) {
                findings.push(Finding::new(found.range(), Label::Ip));
            }
        }
        for found in self.ipv6.find_iter(text) {
            let value = found.as_str();
            let value = value
                .strip_suffix(':')
                .filter(|v| !v.ends_with(':'))
                .unwrap_or(value);
            let Ok(address) = value.parse::<Ipv6Addr>() else {
                continue;
            };
            let end = found.start() + value.len();
            if stands_alone(text, found.start(), end, b"") && is_public_v6(address, value) {
                findings.push(Finding::new(found.start()..end, Label::Ip));
            }
        }
    }

    fn numbers(&self, text: &str, findings: &mut Vec<Finding>) {
        for found in self.iban.find_iter(text) {
            let alone = !text[..found.start()].ends_with(['-', '_']);
            if let Some(bytes) = iban_length(found.as_str()).filter(|_| alone) {
                findings.push(Finding::new(
                    found.start()..found.start() + bytes,
                    Label::Iban,
                ));
            }
        }
        let mut phone_end = None;
        for found in self.digits.find_iter(text) {
            let touches = |from: usize| {
                let (start, end) = (found.start() - from, found.end() - from);
                !stands_alone(&text[from..], start, end, b"_#@=$")
            };
            // The number before it is a placeholder when this is looked at again, and does not touch it any more.
            let follows = phone_end == Some(found.start());
            if touches(if follows { found.start() } else { 0 }) {
                continue;
            }
            // In a list of phone numbers only the first has the word for them.
            let is_near = phone_end.is_some_and(|end| found.start() < end + AFTER_PHONE_BYTES);
            let spoken = is_near || beside_phone_word(text, found.start());
            if let Some(label) = number_label(found.as_str(), spoken) {
                findings.push(Finding::new(found.range(), label));
                if label == Label::Phone {
                    phone_end = Some(found.end());
                }
            }
        }
    }
}

/// What comes so soon after a phone number is one too, if it can be.
const AFTER_PHONE_BYTES: usize = 20;

/// What a run of digits with separators is, when it is personal. A `spoken` one is beside a word for
/// phones.
fn number_label(value: &str, spoken: bool) -> Option<Label> {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).collect();
    let plain = value.len() == digits.len();
    if is_card(&digits, value) {
        return Some(Label::Card);
    }
    if is_ssn(value) {
        return Some(Label::Ssn);
    }
    is_phone(value, &digits, plain, spoken).then_some(Label::Phone)
}

/// A card: a known first digit, a known length, the checksum, and groups of no odd shape.
fn is_card(digits: &[u8], value: &str) -> bool {
    let separators = value.bytes().filter(|b| !b.is_ascii_digit());
    let even = separators.clone().all(|b| b == b' ') || separators.clone().all(|b| b == b'-');
    let known = match digits.len() {
        13 | 19 => digits.starts_with(b"4"),
        14 => digits.starts_with(b"3"),
        15 => {
            matches!(digits.get(..2), Some(b"34" | b"37"))
                || digits.starts_with(b"1800")
                || digits.starts_with(b"2131")
        }
        16 => matches!(digits[0], b'2'..=b'6'),
        12 | 17 | 18 => digits.starts_with(b"5") || digits.starts_with(b"6"),
        _ => false,
    };
    even && known && check::luhn(digits) && digits.iter().any(|d| *d != digits[0])
}

/// A US social security number in its written form.
fn is_ssn(value: &str) -> bool {
    let bytes = value.as_bytes();
    let written = bytes.len() == 11
        && bytes.iter().enumerate().all(|(index, b)| match index {
            3 | 6 => matches!(b, b'-' | b' '),
            _ => b.is_ascii_digit(),
        });
    written
        && !matches!(&value[..3], "000" | "666")
        && &value[4..6] != "00"
        && &value[7..] != "0000"
}

/// A phone number: an international prefix, a written form, or digits beside a word for it.
fn is_phone(value: &str, digits: &[u8], plain: bool, spoken: bool) -> bool {
    if !(7..=15).contains(&digits.len()) || looks_like_time_or_version(value) {
        return false;
    }
    if value.starts_with('+') || value.starts_with("(+") {
        return digits.len() >= 8;
    }
    if value.starts_with("00") && digits.len() >= 10 && !plain {
        return true;
    }
    if plain {
        return spoken && digits.len() >= 7;
    }
    spoken || is_written_phone(value)
}

/// Forms that people write phone numbers in: `(555) 010-7788`, `555-010-7788`, `555.010.7788`.
fn is_written_phone(value: &str) -> bool {
    let main = value.split(['x', 'X']).next().unwrap_or(value).trim_end();
    let groups: Vec<usize> = main
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .map(str::len)
        .collect();
    let separators_same = {
        let mut kinds: Vec<char> = main
            .chars()
            .filter(|c| matches!(c, '-' | '.' | ' '))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len() <= 1
    };
    let bracket = main.starts_with('(') && main.contains(')');
    match groups.as_slice() {
        [3, 3, 4] | [1, 3, 3, 4] => separators_same || bracket,
        [3, 7] | [4, 6] => bracket,
        // National form: the first group begins with a zero.
        [3..=5, _, _] | [2..=5, _, _, _] | [2..=5, 2, 2, 2, 2] => {
            let national = main.starts_with('0') && !main.starts_with("000");
            bracket || (national && separators_same && !main.contains('.'))
        }
        _ => bracket && groups.len() >= 2,
    }
}

fn beside_phone_word(text: &str, start: usize) -> bool {
    const WORDS: &[&str] = &[
        "phone",
        "tel:",
        "tel.",
        "tel ",
        "mobile",
        "cell",
        "whatsapp",
        "call",
        "dial",
        "fax",
        "sms",
        "reach",
        "contact",
        "text me",
        "answering",
        "ring ",
        "voicemail",
        "hotline",
        "telefon",
        "teléfono",
    ];
    let from = boundary(text, start.saturating_sub(32));
    let before = text[from..start].to_lowercase();
    WORDS.iter().any(|word| before.contains(word))
}

/// `2024-05-13 10:30`, `10.0.19041.1`, `1.2.3`: digits with separators that are no phone number.
fn looks_like_time_or_version(value: &str) -> bool {
    let groups: Vec<&str> = value
        .split(|c: char| !c.is_ascii_digit())
        .filter(|g| !g.is_empty())
        .collect();
    let year =
        |group: &&str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let date = groups.len() >= 3
        && (groups.first().is_some_and(year) && groups[1].len() <= 2
            || groups.get(2).is_some_and(year) && groups[0].len() <= 2 && groups[1].len() <= 2);
    let dotted = value.contains('.') && groups.len() >= 4;
    date || dotted
}

/// Countries with account numbers of this form, and how many characters they have.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// How many bytes from the start of a candidate are an IBAN.
fn iban_length(candidate: &str) -> Option<usize> {
    let country = candidate.get(..2)?.to_ascii_uppercase();
    let index = IBAN_LENGTHS
        .binary_search_by(|(code, _)| (*code).cmp(&country))
        .ok()?;
    let (_, length) = IBAN_LENGTHS[index];
    let mut compact = Vec::with_capacity(length);
    for (index, byte) in candidate.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() {
            compact.push(byte.to_ascii_uppercase());
        }
        if compact.len() == length {
            let bytes = index + 1;
            let more = candidate
                .as_bytes()
                .get(bytes)
                .is_some_and(u8::is_ascii_alphanumeric);
            return (!more && check::iban(&compact)).then_some(bytes);
        }
    }
    None
}

/// Whether no letter, digit or one of `more` touches the span, so it is not a part of a longer token.
fn stands_alone(text: &str, start: usize, end: usize, more: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let part = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
    let before = start.checked_sub(1).map(|index| bytes[index]);
    let after = bytes.get(end).copied();
    let dotted = after == Some(b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    let after_part =
        after.is_some_and(|b| b != b'.' && part(b)) || (dotted && more.contains(&b'.'));
    !before.is_some_and(part) && !after_part
}

/// Whether four numbers follow `name@`, as a package's version does, and not a login.
fn is_version(text: &str, start: usize) -> bool {
    const LOGINS: &[&str] = &[
        "root", "ubuntu", "admin", "user", "git", "deploy", "pi", "debian",
    ];
    let low = boundary(text, start.saturating_sub(64));
    let Some(before) = text[low..start].strip_suffix('@') else {
        return false;
    };
    let name = before.rsplit(char::is_whitespace).next().unwrap_or("");
    let logs_in = ["ssh", "scp", "sftp", "rsync", "://", "login"]
        .iter()
        .any(|w| before.contains(w));
    !name.is_empty() && !logs_in && !LOGINS.contains(&name) && !name.ends_with("-user")
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || shared
        || a == 0
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr, written: &str) -> bool {
    let first = address.segments()[0];
    let local = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
        || (first == 0x2001 && address.segments()[1] == 0x0db8);
    // A clock time such as 10:30:15 does not parse; a short `a::b` of code does.
    !local && written.len() >= 9 && written.bytes().filter(|b| *b == b':').count() >= 3
}

/// Longest part of an address before and after its `@`, bytes.
const EMAIL_NAME_BYTES_MAX: usize = 64;
const EMAIL_HOST_BYTES_MAX: usize = 255;

/// Start and end of the mail address around the `@` at `at`; nothing before `from` is taken.
fn email_around(text: &str, from: usize, at: usize) -> Option<(usize, usize)> {
    let mut low = from.max(at.saturating_sub(EMAIL_NAME_BYTES_MAX));
    while !text.is_char_boundary(low) {
        low += 1;
    }
    let name = text[low..at]
        .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'')))
        .next()
        .unwrap_or("")
        .trim_start_matches(['.', '\'', '-', '%', '+']);
    // In `\nkim@acme.org` of a quoted text the first letter belongs to the escape.
    let escaped = text[..at - name.len()].ends_with('\\') && name.starts_with(['n', 't', 'r']);
    let name = if escaped { &name[1..] } else { name };
    let high = boundary(text, text.len().min(at + 1 + EMAIL_HOST_BYTES_MAX));
    let host = text[at + 1..high]
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-')))
        .next()
        .unwrap_or("")
        .trim_end_matches(['.', '-']);
    let (labels, last) = host.rsplit_once('.')?;
    let formed = !name.is_empty()
        && name != "git"
        && !labels.is_empty()
        && host.split('.').all(|label| !label.is_empty())
        && last.chars().nth(1).is_some()
        && last.chars().all(char::is_alphabetic);
    formed.then(|| (at - name.len(), at + 1 + host.len()))
}

/// Whether it is the end of the credentials in `scheme://user:password@host`.
fn is_in_address(text: &str, start: usize) -> bool {
    let low = boundary(text, start.saturating_sub(EMAIL_HOST_BYTES_MAX));
    let token = text[low..start]
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or("");
    token
        .rsplit_once("://")
        .is_some_and(|(_, rest)| rest.contains(':') && !rest.contains('/'))
}

/// Retina images such as `icon@2x.png` are no mail addresses.
fn is_image(host: &str) -> bool {
    let image = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"]
        .iter()
        .any(|end| host.ends_with(end));
    host.bytes().next().is_some_and(|b| b.is_ascii_digit()) && image
}

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
        "dev",
        "test",
        "username",
        "name",
        "you",
        "me",
        "user.",
        "linuxbrew",
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
