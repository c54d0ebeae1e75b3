//! Secrets in sentences: `the token is ...`, `... is the password`, `invalid key ...`.
//!
//! Neighbours: `context` asks when no sign of an assignment stands behind a word. Must not know any syntax of programs.

use super::check;
use super::code;
use super::near;
use super::phrase;
use super::placeholder::Label;
use super::scrubber::Finding;
use super::value::{
    REACH_BYTES, is_client_id, is_reference, is_spoken_password, names_another, random_enough,
    token_like, value_at,
};
use super::vocabulary::Strength;
use super::words;
use crate::normalise::boundary;

/// Bytes of a key's name, with its start.
const KEY_NAME_BYTES: usize = 20;

/// Whether the words before say that a key was given or refused, so that it is the key itself that comes.
pub(super) fn is_refused(text: &str, word: usize) -> bool {
    const CUES: &[&str] = &[
        "auth",
        "reject",
        "denied",
        "invalid",
        "forbidden",
        "expired",
        "revoked",
        "here's the ",
        "here is the ",
        "my ",
        "your ",
        "use this ",
        " 401",
        " 403",
    ];
    // Whose key a sentence speaks of.
    const ROLES: &[&str] = &[
        "admin ",
        "management ",
        "write ",
        "ingestion ",
        "subscription ",
        "master ",
        "server ",
        "service ",
        "app ",
        "application ",
        "license ",
        "deploy ",
        "consumer ",
        "signing ",
        "encryption ",
        "hmac ",
    ];
    let before = near::before(text, word, REACH_BYTES).to_ascii_lowercase();
    (CUES.iter().any(|cue| before.contains(cue)) || ROLES.iter().any(|role| before.ends_with(role)))
        && !before.contains("cache")
}

/// The value in `... is the password`; the word starts at `to`, nothing before `from` is taken.
pub(super) fn value_before(
    text: &str,
    from: usize,
    to: usize,
    strength: Strength,
) -> Option<Finding> {
    if !matches!(
        strength,
        Strength::Password | Strength::Secret | Strength::Token
    ) {
        return None;
    }
    let low = boundary(text, to.saturating_sub(VALUE_BEFORE_BYTES_MAX)).max(from);
    let lead = text.get(low..to)?.strip_suffix(' ')?;
    const ARTICLES: &[&str] = &["the", "my", "your", "our", "a", "an"];
    let article = |lead: &'_ str| {
        ARTICLES
            .iter()
            .find_map(|w| lead.strip_suffix(w).map(str::len))
    };
    let is_said = |lead: &str| [" is ", " as "].iter().any(|said| lead.ends_with(said));
    // Whose it is may stand between: `... is the shop token`.
    let mut names_left = 2;
    let mut rest = lead;
    let lead = loop {
        let said = article(rest)
            .map(|end| &rest[..end])
            .filter(|lead| is_said(lead));
        if let Some(said) = said {
            break &said[..said.len() - " is ".len()];
        }
        if names_left == 0 {
            return None;
        }
        names_left -= 1;
        let name = rest.rsplit(' ').next()?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        rest = is_name.then(|| rest.strip_suffix(name)?.strip_suffix(' '))??;
    };
    let is_near = names_left == 2;
    let value = lead
        .rsplit(|c: char| c.is_whitespace() || "\"'`,;()<>|".contains(c))
        .next()?;
    let value = value.trim_start_matches(['/', '*', '#', '-', ':', '=']);
    let shape = check::Shape::of(value);
    let is_number = shape.digits == shape.bytes && shape.bytes >= 15;
    let is_drawn = random_enough(value) && !check::is_digest(value);
    let secret = shape.bytes >= 8
        && shape.digits > 0
        && ((is_near && shape.letters() > 0) || is_number || is_drawn)
        && !check::is_dummy(value)
        && !is_reference(value);
    let end = low + lead.len();
    secret.then(|| Finding::new(end - value.len()..end, Label::Secret))
}

const VALUE_BEFORE_BYTES_MAX: usize = 256;

/// The value after words such as `is` or in the next markup, when it looks drawn at random.
pub(super) fn spoken_value(text: &str, from: usize, strength: Strength) -> Option<Finding> {
    if matches!(strength, Strength::Weak | Strength::Hash) {
        return None;
    }
    let bytes = text.as_bytes();
    // `purge_tokens[71ed1b70-...]` is the run of a task.
    if bytes.get(from) == Some(&b'[') {
        return None;
    }
    let limit = boundary(text, bytes.len().min(from + REACH_BYTES));
    let gap = &text[from..limit];
    let mut at = from;
    let mut clause_end = from;
    for word in gap.split(|c: char| c.is_whitespace() || "=:<>/\"'`,;()\\|?".contains(c)) {
        let start = at;
        at = start + word.len();
        at += text[at..].chars().next().map_or(1, char::len_utf8);
        if word.is_empty() || words::is_filler(word) || start < clause_end {
            continue;
        }
        // `the key you asked for: ...`
        if matches!(word, "you" | "we" | "they" | "I") {
            clause_end = text[start..limit]
                .find(": ")
                .map_or(from, |end| start + end);
            continue;
        }
        // `le mot de passe admin est ...`
        let next = text[at.min(limit)..limit].split(' ').next();
        let is_whose = !word.bytes().any(|b| b.is_ascii_digit());
        if strength == Strength::Password && is_whose && next.is_some_and(words::is_copula) {
            continue;
        }
        let start = words::behind_whose(text, start, limit);
        let (start, end, quoted) = value_at(text, start)?;
        let value = &text[start..end];
        if strength == Strength::Password {
            let end = if quoted {
                None
            } else {
                phrase::line_at(text, start)
            };
            let end = end.unwrap_or(start + value.len());
            let is_said = text[from..start].split(' ').any(words::is_copula);
            if is_said && phrase::is_phrase(&text[start..end]) {
                return Some(Finding::new(start..end, Label::Password));
            }
        }
        // `password\ndebug1: ...` begins another line.
        let is_line = !quoted && text[from..start].contains('\n') && text[end..].starts_with(": ");
        let is_other = is_line || names_another(text, end);
        if is_reference(value) || is_shown(value) || is_other {
            return None;
        }
        let secret = match strength {
            Strength::ClientId => is_client_id(value),
            Strength::Password
            | Strength::Secret
            | Strength::Token
            | Strength::Hash
            | Strength::Weak
            | Strength::Header
            | Strength::Basic => token_like(value) && random_enough(value) && !code::is_name(value),
        };
        if secret {
            return Some(Finding::new(start..end, Label::Secret));
        }
        let is_code = !quoted && code::is_expression(value);
        let is_password = strength == Strength::Password && is_spoken_password(value) && !is_code;
        return is_password.then(|| Finding::new(start..end, Label::Password));
    }
    None
}

/// Whether everybody is shown it: an address in memory, a field of its own name, as in `check_token (at=0x45bef8af31d0, ...)`
/// and `verify_token  parent=8244e86d16856ef9`, or the digest behind the name of a package.
fn is_shown(value: &str) -> bool {
    let is_address = value.strip_prefix("0x").is_some_and(|number| {
        (4..=16).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_hexdigit())
    });
    let is_field = value
        .trim_end_matches('=')
        .split_once('=')
        .is_some_and(|(name, value)| {
            !value.is_empty()
                && name.len() >= FIELD_BYTES_MIN
                && (name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                    || name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        });
    is_address || is_field || value.strip_prefix('#').is_some_and(check::is_digest)
}

/// A shorter start before `=` belongs to a value.
const FIELD_BYTES_MIN: usize = 3;

/// The key in `AKIA... wJal...`, as tables and prompts have them.
pub(super) fn key_behind_name(text: &str, start: usize) -> Option<Finding> {
    let end = start + KEY_NAME_BYTES;
    let name = text.get(start..end)?;
    let is_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let is_whole = !text
        .as_bytes()
        .get(end)
        .is_some_and(u8::is_ascii_alphanumeric);
    (is_whole && name.bytes().all(is_name))
        .then(|| spoken_value(text, end, Strength::Token))
        .flatten()
}
