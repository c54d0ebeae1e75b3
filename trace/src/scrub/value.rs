//! Values: where one begins and ends, and whether it can be a secret at all.
//!
//! Neighbours: `context` asks about the value beside a word; `check` knows shapes. Must not look at the words beside it.

use super::check;
use super::code;
use super::near;
use super::phrase;
use super::placeholder;
use super::vocabulary::is_label;
use super::words::is_word;
use crate::normalise::boundary;

/// Farthest that a value may stand from its word, bytes. Bounds the work per word.
pub(super) const REACH_BYTES: usize = 48;
/// Longest value taken, bytes; a longer one is not something a person assigns.
const VALUE_BYTES_MAX: usize = 4096;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// In quotes.
    Quoted,
    /// As in `NAME=value`, without any space.
    Setting,
    /// Any other way, as code and prose are.
    Bare,
}

/// Whether a value in quotes that ends at `end` names another one: `"digest": ...`.
pub(super) fn names_another(text: &str, end: usize) -> bool {
    let rest = near::behind(text, end, SIGN_BYTES_MAX).trim_start_matches('\\');
    let rest = rest.strip_prefix(['"', '\'']);
    rest.is_some_and(|rest| rest.trim_start_matches(' ').starts_with(':'))
}

/// Most escapes and spaces between a name in quotes and its sign, bytes.
const SIGN_BYTES_MAX: usize = 12;

/// Start and end of the value at or after `from`, and whether it stands in quotes. It is judged without the placeholders
/// behind it: their digits are not its own, and each look would find one value more.
pub(super) fn value_at(text: &str, from: usize) -> Option<(usize, usize, bool)> {
    let (start, end, quoted) = written_at(text, from)?;
    let marks = memchr::memchr_iter(b'[', &text.as_bytes()[start..end]);
    let mut own = marks.map(|at| start + at);
    let own = own.find(|at| *at > start && placeholder::length_at(text, *at).is_some());
    Some((start, own.unwrap_or(end), quoted))
}

fn written_at(text: &str, from: usize) -> Option<(usize, usize, bool)> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(from + REACH_BYTES);
    let mut start = skip_while(bytes, from, limit, |b| {
        b.is_ascii_whitespace() || matches!(b, b'|' | b'(' | b'[' | b'>')
    });
    let escapes = skip_while(bytes, start, limit, |b| b == b'\\');
    let quote = bytes
        .get(escapes)
        .copied()
        .filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    if let Some(quote) = quote {
        start = escapes + 1;
        let far = bytes.len().min(start + VALUE_BYTES_MAX);
        let close = bytes[start..far]
            .iter()
            .position(|b| *b == quote || *b == b'\n')?;
        let mut end = start + close;
        while end > start && bytes[end - 1] == b'\\' {
            end -= 1;
        }
        return (end > start).then_some((start, end, true));
    }
    let far = bytes.len().min(start + VALUE_BYTES_MAX);
    let mut end = skip_while(bytes, start, far, |b| {
        b > b' '
            && !matches!(
                b,
                b',' | b';' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'&' | b'|' | b')' | b'}' | b']'
            )
    });
    // An escaped line end closes a value that sits inside a JSON string.
    if let Some(escape) = text.get(start..end).and_then(|value| value.find("\\n")) {
        end = start + escape;
    }
    end = boundary(text, end);
    while end > start && matches!(bytes[end - 1], b'.' | b':' | b'!' | b'?' | b'\\') {
        end -= 1;
    }
    (end > start).then_some((start, end, false))
}

/// Whether a value assigned to a password is one, and not a word of a sentence or of a program.
pub(super) fn password_like(value: &str, written: Written) -> bool {
    let shape = check::Shape::of(value);
    if written == Written::Quoted && is_four_by_four(value) {
        return true;
    }
    if shape.bytes < 4 || check::is_dummy(value) || value.contains(' ') || is_word(value) {
        return false;
    }
    if is_label(value) {
        return false;
    }
    let is_name = value
        .bytes()
        .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.'));
    // `token/password: generate/set a new one`, `auth.password: shared-secret`
    let is_said = phrase::is_said(value);
    match written {
        Written::Quoted | Written::Setting => !is_name || shape.bytes >= 6,
        // `password1 != password2` compares two names.
        Written::Bare => {
            (!is_name && !is_said && !value.contains("password"))
                || (shape.bytes >= 10 && check::is_gibberish(value))
        }
    }
}

/// Whether it is a password that a mail service gives to a program: four times four small letters in no order.
fn is_four_by_four(value: &str) -> bool {
    value.len() == 19
        && value.split(' ').count() == 4
        && value
            .split(' ')
            .all(|part| part.len() == 4 && part.bytes().all(|b| b.is_ascii_lowercase()))
        && check::is_gibberish(value)
}

/// Whether a value assigned to a token or key is one.
pub(super) fn token_like(value: &str) -> bool {
    let shape = check::Shape::of(value);
    if shape.digits == shape.bytes {
        // Nobody counts that far; some services give numbers as tokens.
        return shape.bytes >= 17 && !check::is_dummy(value);
    }
    // A type such as `Int8Array` has one digit; a short key has more, or letters in no order.
    let digits_min = if shape.bytes < 20 { 2 } else { 1 };
    shape.bytes >= 10
        && shape.letters() > 0
        && (shape.digits >= digits_min || check::is_gibberish(value))
        && !check::is_dummy(value)
        && !value.contains(' ')
        && !is_word(value)
        && !looks_like_path(value)
}

/// Whether a value assigned to a secret is one although it is short: one piece of letters and digits, as no name has them.
pub(super) fn is_short_secret(value: &str) -> bool {
    let shape = check::Shape::of(value);
    shape.bytes >= 6
        && shape.digits > 0
        && shape.letters() > 0
        && !value
            .bytes()
            .any(|b| b <= b' ' || b"-_./:(){}".contains(&b))
        && !check::is_dummy(value)
        && !is_word(value)
}

/// Whether the id of a client looks like one half of its credentials.
pub(super) fn is_client_id(value: &str) -> bool {
    let shape = check::Shape::of(value);
    let is_number = shape.digits == shape.bytes && shape.bytes >= 16;
    (is_number || check::is_random(value) || (shape.bytes >= 16 && is_key_body(value)))
        && !check::is_uuid(value)
        && !check::is_dummy(value)
        && !looks_like_path(value)
        && !value.contains("://")
}

/// Whether a value can be nothing but an id or a key: a UUID, a digest or letters in no order.
pub(super) fn is_key_body(value: &str) -> bool {
    check::is_uuid(value)
        || (value.len() >= 16 && (check::is_digest(value) || check::is_gibberish(value)))
}

/// Whether a value that is only spoken of looks drawn at random.
pub(super) fn random_enough(value: &str) -> bool {
    check::is_random(value)
        || check::is_uuid(value)
        || (value.len() >= 16
            && (check::Shape::of(value).hex == value.len() || check::is_gibberish(value)))
}

/// Shapes that a weak word often stands beside and that are public.
pub(super) fn is_public_shape(value: &str) -> bool {
    let last = value.rsplit([':', '/']).next().unwrap_or(value);
    // `linux-x64-node-<digest>` is what caches call their entries.
    let is_label = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphabetic())
            || part.len() <= LABEL_BYTES_MAX && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let named = last.rsplit_once('-').is_some_and(|(name, digest)| {
        digest.len() >= 32 && check::is_digest(digest) && name.split('-').all(is_label)
    });
    // `-----BEGIN CERT` and `-----BEGIN PUBL` in base64.
    let is_shown =
        value.starts_with("LS0tLS1CRUdJTiBDRVJU") || value.starts_with("LS0tLS1CRUdJTiBQVUJM");
    named
        || is_shown
        || check::is_uuid(last)
        || check::is_digest(last)
        || looks_like_path(value)
        || value.contains("://")
}

/// Longest part with digits in the name of a cache's entry, bytes: a system, a release.
const LABEL_BYTES_MAX: usize = 6;

pub(super) fn looks_like_path(value: &str) -> bool {
    // Keys in base64 may begin with a slash.
    if value.len() >= 40
        && check::is_random(value)
        && !value.bytes().any(|b| b"._-~:\\".contains(&b))
    {
        return false;
    }
    value.starts_with('/')
        || value.starts_with("./")
        || value.starts_with("~/")
        || value.starts_with("http://")
        || value.starts_with("https://")
        || (value.matches('/').count() >= 2 && !value.ends_with('=') && value.contains('.'))
        || is_file(value)
        || code::is_place(value)
}

/// Whether it is the name of a file below a folder, or of all of them: `man/strlcpy.3`, `docs/pages/*`.
fn is_file(value: &str) -> bool {
    let Some((folders, name)) = value.rsplit_once('/') else {
        return false;
    };
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/');
    let is_named = name.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.is_empty()
            && (1..=5).contains(&end.len())
            && stem.bytes().all(|b| is_part(b) || b == b'.')
            && end.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    folders.starts_with(|c: char| c.is_ascii_lowercase())
        && folders.bytes().all(is_part)
        && (is_named || name == "*")
}

/// Whether a value only refers to the secret: a variable, a call, a template.
pub(super) fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.starts_with('$')
        || value.starts_with("{{")
        || value.starts_with('%')
        || value.starts_with('<')
        || value.starts_with('[')
        || code::is_slot(value)
        // A tag of the markup, such as `!vault`.
        || value.strip_prefix('!').is_some_and(|tag| tag.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'))
        || (value.contains("${")
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-${}.:/".contains(&b)))
        // `request.form["..."]`, whose quotes end what is looked at.
        || value.strip_suffix(['[', '(']).is_some_and(|called| {
            called.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
        })
        || value.split_once(['(', '[']).is_some_and(|(called, _)| {
            let is_part = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':');
            called.contains(['.', ':']) && called.bytes().all(is_part)
        })
        || value.contains('(')
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'('))
        || [
            "process.env",
            "os.environ",
            "env.",
            "config.",
            "settings.",
            "secrets.",
            "self.",
            "args.",
            "op://",
            // Where tools look a secret up.
            "vault:",
            "ref+",
            "ssm:",
            "sm://",
            "secret://",
            "keychain:",
            "keyring:",
            "awssm:",
            "gcpsm:",
            "env:",
            "file:",
            "cmd:",
            "exec:",
            "enc[",
        ]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// Whether a word behind `password is` or `password` is one: letters and digits as no word of a sentence has them.
pub(super) fn is_spoken_password(value: &str) -> bool {
    let shape = check::Shape::of(value);
    let version = value.trim_start_matches(['v', 'V']);
    // `2.0.1`, and as systems write it: `1:4.13+dfsg1-1`.
    let is_version = version
        .bytes()
        .all(|b| b.is_ascii_digit() || b"._-+".contains(&b))
        || (version.contains(['.', ':'])
            && version
                .split(['.', ':'])
                .take(2)
                .all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
            && version
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-+~:".contains(&b)));
    let is_mixed = shape.bytes >= 6 && shape.digits > 0 && shape.letters() > 0;
    (is_mixed || is_scrambled(value))
        && !is_version
        && !value.to_ascii_lowercase().contains("password")
        // `Shop_HAS_KEY_v1_3`
        && !(value.matches('_').count() >= 2 && shape.upper > 0 && code::is_name(value))
        && !check::is_dummy(value)
        && !is_word(value)
        && !looks_like_path(value)
}

/// Whether it has no digit at all, but letters of both cases in an order that no name has.
fn is_scrambled(value: &str) -> bool {
    let shape = check::Shape::of(value);
    // Humps of names are wide apart.
    let is_uneven = shape.upper >= 3 && shape.turns * 2 >= shape.bytes;
    shape.bytes >= 8
        && shape.lower >= 2
        && shape.upper >= 2
        && shape.letters() == shape.bytes
        && (is_uneven || check::is_gibberish(value))
}

/// Whether a short value is drawn and no name: letters of both cases and a digit, or a sign inside, or many changes.
pub(super) fn is_drawn(value: &str) -> bool {
    let shape = check::Shape::of(value);
    let signs = value.bytes().any(|b| b"!#$%&*+?@^~".contains(&b));
    let mixed = shape.lower > 0 && shape.upper > 0 && shape.turns >= 3;
    is_scrambled(value)
        || shape.bytes >= 8
            && shape.digits > 0
            && shape.letters() > 0
            && (signs || mixed || shape.turns >= 5)
}

pub(super) fn skip_space(bytes: &[u8], from: usize, limit: usize) -> usize {
    skip_while(bytes, from, limit, |b| b.is_ascii_whitespace())
}

pub(super) fn skip_while(
    bytes: &[u8],
    from: usize,
    limit: usize,
    accept: impl Fn(u8) -> bool,
) -> usize {
    let from = from.min(limit);
    bytes[from..limit]
        .iter()
        .position(|b| !accept(*b))
        .map_or(limit, |n| from + n)
}
