//! Personal data with a form of its own: addresses, phone numbers, cards, accounts, user names.
//!
//! Neighbours: the scrubber asks for findings, `check` holds the checksums. Must not guess names
//! or places in prose: what is found here can be told by its form.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::check;
use super::digits;
use super::iban;
use super::near;
use super::pattern::Pattern;
use super::phone::{self, Spoken};
use super::placeholder::{self, Label};
use super::scrubber::Finding;
use super::value::skip_while;
use super::versions;

/// Finds personal data.
#[derive(Debug)]
pub(super) struct Pii {
    ipv4: Pattern,
    ipv6: Pattern,
    mac: Pattern,
    digits: Pattern,
    iban: Pattern,
}

impl Pii {
    pub(super) fn new() -> Self {
        Self {
            ipv4: Pattern::new(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"),
            ipv6: Pattern::new(r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"),
            mac: Pattern::new(r"(?-u:\b)[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}(?-u:\b)"),
            digits: Pattern::new(
                r"[+(]{0,2}[0-9](?:(?: [/–-] |[ .()/\u{a0}\u{2011}-]{0,2})[0-9]){6,18}(?:\s?x[0-9]{1,6})?",
            ),
            iban: Pattern::new(r"(?-u:\b)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}(?-u:\b)"),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let bytes = text.as_bytes();
        if memchr::memchr(b'@', bytes).is_some() {
            self.emails(text, findings);
        }
        if bytes.iter().any(u8::is_ascii_digit) {
            self.addresses(text, findings);
            self.numbers(text, findings);
            if memchr::memchr(b'-', bytes).is_some() {
                self.dashed_macs(text, findings);
            }
            dotted_macs(text, findings);
        }
        if !text.is_ascii() {
            foreign_numbers(text, findings);
        }
    }

    fn emails(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut from = 0;
        for at in memchr::memchr_iter(b'@', text.as_bytes()) {
            let Some((start, end)) = email_around(text, from, at) else {
                continue;
            };
            from = end;
            if !names_file(&text[at + 1..end]) && !is_in_address(text, start, at) {
                findings.push(Finding::new(start..end, Label::Email));
            }
        }
    }

    fn addresses(&self, text: &str, findings: &mut Vec<Finding>) {
        for found in self.ipv4.find_iter(text) {
            let alone = stands_alone(text, found.start(), found.end(), b"._-");
            let Ok(address) = found.as_str().parse::<Ipv4Addr>() else {
                continue;
            };
            if alone && is_public_v4(address) && !versions::is_version(text, found.range(), address)
            {
                findings.push(Finding::new(found.range(), Label::Ip));
            }
        }
        for found in self.ipv6.find_iter(text) {
            let value = found.as_str();
            let value = value
                .strip_suffix(':')
                .filter(|v| !v.ends_with(':'))
                .unwrap_or(value);
            if is_mac(text, found.range()) {
                findings.push(Finding::new(found.range(), Label::Mac));
                continue;
            }
            // `::ffff:10.0.0.1` ends with an address of the older kind.
            let mapped = if value.to_ascii_lowercase().starts_with("::ffff:") {
                let rest = &text.as_bytes()[found.start()..];
                skip_while(rest, value.len(), rest.len().min(MAPPED_BYTES_MAX), |b| {
                    b.is_ascii_digit() || b == b'.'
                })
            } else {
                value.len()
            };
            let value = text[found.start()..found.start() + mapped].trim_end_matches('.');
            let Ok(address) = value.parse::<Ipv6Addr>() else {
                continue;
            };
            let end = found.start() + value.len();
            // Eight pairs are a fingerprint, or the start of one.
            let is_fingerprint = value.split(':').all(|pair| pair.len() == 2);
            let rest = &text.as_bytes()[end..];
            if is_fingerprint || matches!(rest, [b':', next, ..] if next.is_ascii_hexdigit()) {
                continue;
            }
            if stands_alone(text, found.start(), end, b"") && is_public_v6(address, value) {
                findings.push(Finding::new(found.start()..end, Label::Ip));
            }
        }
    }

    /// The addresses of network cards as one system writes them, with dashes.
    fn dashed_macs(&self, text: &str, findings: &mut Vec<Finding>) {
        for found in self.mac.find_iter(text) {
            let beside = |c: Option<&u8>| c.is_some_and(|c| matches!(c, b'-' | b'_'));
            let bytes = text.as_bytes();
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            let value = found.as_str();
            // Pairs of digits alone are days and times.
            let has_letter = value.bytes().any(|b| b.is_ascii_alphabetic());
            let is_one = value.bytes().any(|b| !matches!(b, b'f' | b'F' | b'-'));
            if has_letter && is_one && !beside(before) && !beside(bytes.get(found.end())) {
                findings.push(Finding::new(found.range(), Label::Mac));
            }
        }
    }

    fn numbers(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut from = 0;
        while let Some(found) = self.iban.find_at(text, from) {
            // What looks like the start of one may stand before one.
            from = found.start() + 1;
            let alone = !text[..found.start()].ends_with(['-', '_']);
            let bytes = iban::length(found.as_str(), &text[..found.start()]);
            if let Some(bytes) = bytes.filter(|_| alone) {
                from = found.start() + bytes;
                findings.push(Finding::new(found.start()..from, Label::Iban));
            }
        }
        let (mut phone_end, mut card_end) = (None, None::<usize>);
        let mut from = 0;
        while let Some(found) = self.digits.find_at(text, from) {
            from = found.end();
            let touches = |low: usize| {
                let (start, end) = (found.start() - low, found.end() - low);
                !stands_alone(&text[low..], start, end, b"_@$")
            };
            // The number before it is a placeholder when this is looked at again, and does not touch it any more.
            let follows = phone_end == Some(found.start());
            let is_part = touches(if follows { found.start() } else { 0 });
            if is_part && !found.as_str().contains(' ') {
                continue;
            }
            // In a list of phone numbers only the first has the word for them.
            let is_near = phone_end.is_some_and(|end| found.start() < end + AFTER_PHONE_BYTES);
            let mut beside = Beside::of(text, found.range(), is_near);
            beside.card |= card_end.is_some_and(|end| found.start() <= end + AFTER_CARD_BYTES);
            let card = card_before_more(found.as_str(), &beside);
            let card = card.map(|bytes| found.start()..found.start() + bytes);
            // The day that a card ends on may be cut off in its middle.
            let card = card.filter(|card| stands_alone(text, card.start, card.end, b"_@$"));
            let label = number_label(found.as_str(), &beside).filter(|_| !is_part);
            if let Some(label) = label {
                findings.push(Finding::new(found.range(), label));
                if label == Label::Phone {
                    phone_end = Some(found.end());
                } else if label == Label::Card {
                    card_end = Some(found.end());
                }
            } else if let Some(card) = card {
                // Behind it the next number begins.
                from = card.end;
                card_end = Some(card.end);
                findings.push(Finding::new(card, Label::Card));
            }
        }
    }
}

/// Longest address of the older kind behind `::ffff:`, with it, bytes.
const MAPPED_BYTES_MAX: usize = 24;

/// Numbers in the digits of other scripts, judged as if they were written in ours.
fn foreign_numbers(text: &str, findings: &mut Vec<Finding>) {
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if digits::ours(first).is_none() {
            continue;
        }
        let run = digits::run_at(text, start);
        while chars.next_if(|(at, _)| *at < run.end).is_some() {}
        if !run.is_foreign || digits::touches_word(text, &run) {
            continue;
        }
        let range = run.start..run.end;
        let beside = Beside::of(text, range.clone(), false);
        if let Some(label) = number_label(&run.written, &beside) {
            findings.push(Finding::new(range, label));
        }
    }
}

/// What stands beside a number.
#[derive(Clone, Copy, Debug)]
struct Beside {
    phone: Spoken,
    card: bool,
    ssn: bool,
    /// A sign of an assignment or of a number in a list touches it: an id, unless a word says more.
    bound: bool,
    /// It fills its line, its field or its cell.
    alone: bool,
    /// It counts something that no phone is reached by.
    counted: bool,
}

impl Beside {
    fn of(text: &str, range: Range<usize>, after_phone: bool) -> Self {
        const CARDS: &[&str] = &[
            "card",
            "pan=",
            "pan:",
            "pan ",
            "cc ",
            "cc:",
            "cc=",
            "visa",
            "mastercard",
            "maestro",
            "amex",
            "credit",
            "debit",
            "carte",
            "tarjeta",
            "karte",
            "charge ",
            "refund",
            "pay with",
            "limit of",
            "limit for",
            "balance on",
            " atm ",
        ];
        const SSNS: &[&str] = &["social", "taxpayer", "tax id"];
        let before = near::before(text, range.start, BESIDE_BYTES).to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| before.contains(word));
        let behind = near::behind(text, range.end, BESIDE_BYTES).to_ascii_lowercase();
        let phone = if after_phone {
            Spoken::Yes
        } else {
            phone::spoken(text, range.clone())
        };
        let counted = phone::is_counted(text, range);
        let pays = behind.contains("cvv") || behind.contains("cvc") || behind.contains(" exp");
        Self {
            phone,
            card: has(CARDS) || pays,
            ssn: has(SSNS) || names_ssn(&before),
            bound: before.ends_with(['#', '=']),
            alone: fills_its_place(&before, &behind),
            counted,
        }
    }
}

/// Whether a lower-case text says `ssn`, and not as the name of a placeholder: what stands behind one says nothing of the next
/// number.
fn names_ssn(before: &str) -> bool {
    let is_our_own = |at: usize| {
        let rest = &before.as_bytes()[at + 3..];
        rest.first() == Some(&b'_') && rest.get(placeholder::HASH_DIGITS + 1) == Some(&b']')
    };
    before.match_indices("ssn").any(|(at, _)| !is_our_own(at))
}

/// Whether a number fills its line, its field or its cell, given what stands on both sides.
fn fills_its_place(before: &str, behind: &str) -> bool {
    let closes = |c: char| matches!(c, '\n' | ',' | ';' | '|' | '\t' | '"');
    let before = before.trim_end_matches(' ');
    let behind = behind.trim_start_matches([' ', '\r']);
    (before.is_empty() || before.ends_with(closes))
        && (behind.is_empty() || behind.starts_with(closes))
}

/// How far the words for cards and the like are looked for, bytes.
const BESIDE_BYTES: usize = 40;

/// What comes so soon after a card is one too, if it can be: as near as the word in its placeholder is a word for it.
const AFTER_CARD_BYTES: usize = BESIDE_BYTES - "CARD_1a2b3c]".len();

/// What comes so soon after a phone number is one too, if it can be.
const AFTER_PHONE_BYTES: usize = 20;

/// What a run of digits with separators is, when it is personal.
fn number_label(value: &str, beside: &Beside) -> Option<Label> {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).collect();
    if (beside.card || !beside.bound) && is_card(&digits, value, beside.card) {
        return Some(Label::Card);
    }
    let nine = digits.len() == 9 && digits.len() == value.len() && beside.ssn;
    if (beside.ssn || !beside.bound) && (nine || is_ssn(value)) {
        return Some(Label::Ssn);
    }
    // `to=+49 30 ...` is assigned and is a number to call; `offset=+120` is none.
    let is_dialled = value.starts_with('+') && digits.len() >= 9 && digits.len() < value.len() - 1;
    let spoken = beside.phone == Spoken::Yes || !beside.bound || is_dialled;
    let is_phone =
        phone::is_phone(value, beside.phone) || (beside.alone && phone::is_three_by_three(value));
    (spoken && is_phone && !beside.counted).then_some(Label::Phone)
}

/// The length of a card's number when the day it ends on, or another number, follows it.
fn card_before_more(value: &str, beside: &Beside) -> Option<usize> {
    let spaces = value.bytes().enumerate().filter(|(_, b)| *b == b' ');
    let mut ends: Vec<usize> = spaces.map(|(at, _)| at).collect();
    ends.reverse();
    ends.into_iter().find(|end| {
        let card = &value[..*end];
        let digits: Vec<u8> = card.bytes().filter(u8::is_ascii_digit).collect();
        digits.len() >= CARD_DIGITS_MIN
            && (beside.card || !beside.bound)
            && is_card(&digits, card, beside.card)
    })
}

/// Shorter numbers of cards are not looked for before other numbers.
const CARD_DIGITS_MIN: usize = 15;

/// A card: a known first digit, a known length, the checksum, and groups of no odd shape. Lengths and first digits that few
/// cards have, and many ids, need the word for it.
fn is_card(digits: &[u8], value: &str, spoken: bool) -> bool {
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
        _ => false,
    };
    let grouped = value.len() >= digits.len() + 2 && matches!(digits[0], b'4'..=b'6');
    let known = known || ((spoken || grouped) && (12..=19).contains(&digits.len()));
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

/// Whether it is the address of a network card: six pairs of hex digits, and neither zero nor everybody's.
fn is_mac(text: &str, range: Range<usize>) -> bool {
    let value = &text[range.clone()];
    let bytes = text.as_bytes();
    let apart = |b: Option<&u8>| !b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b':');
    value.len() == 17
        && value.split(':').all(|pair| pair.len() == 2)
        // As documents write one, and as every network of containers has them.
        && !["00:00:5e:00:53:", "02:42:ac:"]
            .iter()
            .any(|start| value.to_ascii_lowercase().starts_with(start))
        && value.bytes().any(|b| !matches!(b, b'0' | b':'))
        && value.bytes().any(|b| !matches!(b, b'f' | b'F' | b':'))
        && apart(range.start.checked_sub(1).and_then(|at| bytes.get(at)))
        && apart(bytes.get(range.end))
}

/// The addresses of network cards as equipment of a network writes them: `0011.22aa.33bb`.
fn dotted_macs(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for dot in memchr::memchr_iter(b'.', bytes) {
        if bytes.get(dot + 5) != Some(&b'.') || dot < 4 {
            continue;
        }
        let (start, end) = (dot - 4, dot + 10);
        let Some(value) = bytes.get(start..end) else {
            continue;
        };
        let is_hex = [0, 5, 10]
            .iter()
            .all(|at| value[*at..at + 4].iter().all(u8::is_ascii_hexdigit));
        let part =
            |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || b"._-".contains(b));
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
        // Numbers alone are versions, letters alone are words.
        let is_mixed = (2..12).contains(&digits);
        let after = bytes
            .get(end)
            .filter(|b| **b != b'.' || part(bytes.get(end + 1)));
        if is_hex && is_mixed && !part(before) && !part(after) {
            findings.push(Finding::new(start..end, Label::Mac));
        }
    }
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
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped) && written.len() >= 9;
    }
    let first = address.segments()[0];
    let local = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
        || (first == 0x2001 && address.segments()[1] == 0x0db8)
        // Addresses of the older kind in ones of the newer, as each network has them.
        || (first == 0x64 && address.segments()[1] == 0xff9b);
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
    let host = near::behind(text, at + 1, EMAIL_HOST_BYTES_MAX)
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

/// A name before a host that is as long as this is a token, bytes.
const TOKEN_BYTES_MIN: usize = 20;

/// Whether the name from `start` to `at` is the end of the credentials in `scheme://user:password@host`, or the token in
/// `scheme://token@host`.
fn is_in_address(text: &str, start: usize, at: usize) -> bool {
    let token = near::before(text, start, EMAIL_HOST_BYTES_MAX)
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or("");
    token.rsplit_once("://").is_some_and(|(_, rest)| {
        let is_token = rest.is_empty() && at - start >= TOKEN_BYTES_MIN;
        is_token || rest.contains(':') && !rest.contains('/')
    })
}

/// Retina images such as `icon@2x.png`, translations such as `ca@valencia.po` and units of a system such as
/// `getty@tty1.service` are no mail addresses.
fn names_file(host: &str) -> bool {
    const ENDS: &[&str] = &[
        ".po", ".pot", ".gmo", ".src", ".header", ".sin", ".json", ".yaml", ".yml", ".tsx", ".jsx",
        ".service", ".socket", ".timer", ".mount", ".target", ".slice",
    ];
    let file = ENDS.iter().any(|end| host.ends_with(end));
    let image = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"]
        .iter()
        .any(|end| host.ends_with(end));
    file || host.bytes().next().is_some_and(|b| b.is_ascii_digit()) && image
}
