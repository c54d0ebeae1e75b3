//! Values that are secret because of the words beside them: `password=...`, `token is ...`.
//!
//! Neighbours: the scrubber asks for findings; `check` knows the shape of values. Must not know
//! the formats of single providers.

use aho_corasick::{AhoCorasick, MatchKind};

use super::check;
use super::placeholder::{self, Label};
use super::scrubber::Finding;
use crate::normalise::boundary;

/// How much a word says about the value beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// Whatever is assigned to it is secret, short and readable values too.
    Password,
    /// A value that is no word is secret.
    Token,
    /// Only a value that looks drawn at random is secret.
    Weak,
    /// An HTTP header that carries a scheme and a value.
    Header,
    /// The scheme whose value is a name and a password in base64; a common word as well.
    Basic,
    /// The start of the name of a key; the key itself often stands right behind the name, without a word.
    KeyName,
}

const WORDS: &[(&str, Strength)] = &[
    ("password", Strength::Password),
    ("passwd", Strength::Password),
    ("passphrase", Strength::Password),
    ("passcode", Strength::Password),
    ("pwd", Strength::Password),
    ("_pass", Strength::Password),
    ("secret", Strength::Token),
    ("token", Strength::Token),
    ("api_key", Strength::Token),
    ("apikey", Strength::Token),
    ("api-key", Strength::Token),
    ("api key", Strength::Token),
    ("access_key", Strength::Token),
    ("accesskey", Strength::Token),
    ("access-key", Strength::Token),
    ("access key", Strength::Token),
    ("access_id", Strength::Token),
    ("accessid", Strength::Token),
    ("private_key", Strength::Token),
    ("privatekey", Strength::Token),
    ("signing_key", Strength::Token),
    ("encryption_key", Strength::Token),
    ("encryptionkey", Strength::Token),
    ("account_key", Strength::Token),
    ("accountkey", Strength::Token),
    ("license_key", Strength::Token),
    ("client_id", Strength::Weak),
    ("clientid", Strength::Weak),
    ("credential", Strength::Token),
    ("webhook", Strength::Weak),
    ("session_id", Strength::Weak),
    ("cookie", Strength::Weak),
    ("_auth", Strength::Weak),
    ("login", Strength::Weak),
    ("key", Strength::Weak),
    ("authorization", Strength::Header),
    ("bearer ", Strength::Header),
    ("basic ", Strength::Basic),
    ("akia", Strength::KeyName),
    ("asia", Strength::KeyName),
];

/// Bytes of a key's name, with its start.
const KEY_NAME_BYTES: usize = 20;

/// Finds values by the words beside them.
#[derive(Debug)]
pub(super) struct Context {
    scan: AhoCorasick,
}

/// Farthest that a value may stand from its word, bytes. Bounds the work per word.
const REACH_BYTES: usize = 48;
/// Longest rest of a name behind its word, bytes.
const NAME_REST_BYTES_MAX: usize = 28;
/// Longest value taken, bytes; a longer one is not something a person assigns.
const VALUE_BYTES_MAX: usize = 4096;

impl Context {
    pub(super) fn new() -> Self {
        let scan = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(WORDS.iter().map(|(word, _)| word))
            .expect("the table of words is small and fixed");
        Self { scan }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut covered = 0;
        for hit in self.scan.find_iter(text) {
            if hit.start() < covered || is_our_own(text, hit.start()) {
                continue;
            }
            let (_, strength) = WORDS[hit.pattern().as_usize()];
            if let Some(finding) = value_before(text, covered, hit.start(), strength) {
                findings.push(finding);
            }
            let found = match strength {
                Strength::Header => header_value(text, hit.end()),
                Strength::Basic => header_value(text, hit.end())
                    .filter(|found| check::is_basic(&text[found.range.clone()])),
                Strength::KeyName => key_behind_name(text, hit.start()),
                Strength::Password | Strength::Token => value_after(text, hit.end(), strength),
                // `SHOP_KEY` is what a service gave; `cache_key` and `key` name anything.
                Strength::Weak => value_after(text, hit.end(), strength).or_else(|| {
                    let found = value_after(text, hit.end(), Strength::Token)?;
                    let is_uuid = check::is_uuid(&text[found.range.clone()]);
                    (is_uuid && is_service_key(text, hit.range())).then_some(found)
                }),
            };
            if let Some(finding) = found {
                covered = finding.range.end;
                findings.push(finding);
            }
        }
    }
}

/// Whether the word names a placeholder: what stands behind `[SECRET_1a2b3c]` is no value of it, or each look would
/// take one word more.
fn is_our_own(text: &str, word: usize) -> bool {
    let open = word.checked_sub(1);
    open.is_some_and(|open| placeholder::length_at(text, open).is_some())
}

/// Whether a name such as `SHOP_KEY` or `shopKey` says whose key it is, and not what it is the key of.
fn is_service_key(text: &str, word: std::ops::Range<usize>) -> bool {
    const NOT_SERVICES: &[&str] = &[
        "cache",
        "primary",
        "foreign",
        "idempotency",
        "partition",
        "sort",
        "row",
        "session",
        "dedup",
        "object",
        "record",
        "public",
        "index",
        "message",
        "group",
        "unique",
        "event",
        "request",
        "trace",
        "correlation",
        "user",
        "item",
        "node",
        "job",
        "task",
        "entry",
        "map",
        "dict",
        "routing",
        "storage",
        "react",
        "query",
        "lookup",
        "hash",
    ];
    if !text[word.clone()].eq_ignore_ascii_case("key") {
        return false;
    }
    let name = &text.as_bytes()[word.start.saturating_sub(NAME_REST_BYTES_MAX)..word.start];
    let stem = name
        .iter()
        .rev()
        .skip_while(|byte| matches!(byte, b'_' | b'-'))
        .take_while(|byte| byte.is_ascii_alphabetic())
        .map(u8::to_ascii_lowercase);
    let mut stem: Vec<u8> = stem.collect();
    stem.reverse();
    stem.len() >= 3
        && !NOT_SERVICES
            .iter()
            .any(|word| stem.ends_with(word.as_bytes()))
}

/// The value in `... is the password`; the word starts at `to`, nothing before `from` is taken.
fn value_before(text: &str, from: usize, to: usize, strength: Strength) -> Option<Finding> {
    if !matches!(strength, Strength::Password | Strength::Token) {
        return None;
    }
    let low = boundary(text, to.saturating_sub(VALUE_BEFORE_BYTES_MAX)).max(from);
    let lead = text.get(low..to)?.strip_suffix(' ')?;
    let lead = ["the", "my", "your", "our", "a", "an"]
        .iter()
        .find_map(|w| lead.strip_suffix(w))?;
    let lead = lead
        .strip_suffix(" is ")
        .or_else(|| lead.strip_suffix(" as "))?;
    let value = lead
        .rsplit(|c: char| c.is_whitespace() || "\"'`,;()<>|".contains(c))
        .next()?;
    let value = value.trim_start_matches(['/', '*', '#', '-', ':', '=']);
    let shape = check::Shape::of(value);
    let secret = shape.bytes >= 8
        && shape.digits > 0
        && shape.letters() > 0
        && !check::is_dummy(value)
        && !is_reference(value);
    let end = low + lead.len();
    secret.then(|| Finding::new(end - value.len()..end, Label::Secret))
}

const VALUE_BEFORE_BYTES_MAX: usize = 256;

/// The value assigned to a word that ends at `from`.
fn value_after(text: &str, from: usize, strength: Strength) -> Option<Finding> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(from + REACH_BYTES);
    let name_end = skip_while(bytes, from, limit, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
    });
    // A word inside encoded bytes is there by chance.
    let is_name = name_end - from <= NAME_REST_BYTES_MAX;
    if !is_name || bytes.get(name_end) == Some(&b'/') || is_about(&bytes[from..name_end]) {
        return None;
    }
    let closed = skip_while(bytes, name_end, limit, |b| {
        matches!(b, b'"' | b'\'' | b'`' | b'\\' | b']' | b')')
    });
    let operator_start = skip_space(bytes, closed, limit);
    let mut at = skip_while(bytes, operator_start, limit, |b| {
        matches!(b, b':' | b'=' | b'>' | b'?' | b'+' | b'!' | b'~' | b'.')
    });
    if !bytes[operator_start..at]
        .iter()
        .any(|b| matches!(b, b'=' | b':'))
    {
        return spoken_value(text, closed, strength);
    }
    let tight = operator_start == name_end && bytes[operator_start..at] == *b"=";
    at = after_type(text, at, limit);
    let (start, end, quoted) = value_at(text, at)?;
    let value = &text[start..end];
    let (secret, label) = match strength {
        Strength::Password => {
            let written = if quoted {
                Written::Quoted
            } else if tight && start == at && !matches!(bytes.get(end), Some(b'(' | b'<')) {
                Written::Setting
            } else {
                Written::Bare
            };
            (password_like(value, written), Label::Password)
        }
        Strength::Token | Strength::Header | Strength::Basic | Strength::KeyName => {
            (token_like(value), Label::Secret)
        }
        Strength::Weak => (
            check::is_random(value) && !is_public_shape(value),
            Label::Secret,
        ),
    };
    (secret && !is_reference(value)).then(|| Finding::new(start..end, label))
}

/// Whether the rest of a name says that it is about a secret and not the secret: `token_count`.
fn is_about(rest: &[u8]) -> bool {
    const ENDS: &[&str] = &[
        "address",
        "budget",
        "count",
        "expires",
        "expiresat",
        "expiry",
        "field",
        "file",
        "hash",
        "icon",
        "id",
        "image",
        "images",
        "index",
        "length",
        "limit",
        "link",
        "list",
        "name",
        "path",
        "ref",
        "symbol",
        "type",
        "uri",
        "url",
        "usage",
    ];
    let lower = rest.to_ascii_lowercase();
    let last = lower
        .rsplit(|b| matches!(b, b'_' | b'-' | b'.'))
        .next()
        .unwrap_or(&[]);
    ENDS.iter().any(|end| end.as_bytes() == last)
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// In quotes.
    Quoted,
    /// As in `NAME=value`, without any space.
    Setting,
    /// Any other way, as code and prose are.
    Bare,
}

/// Behind the type in `token: string = ...` and `token string = ...`; `at` itself when there is none.
fn after_type(text: &str, at: usize, limit: usize) -> usize {
    let bytes = text.as_bytes();
    let start = skip_space(bytes, at, limit);
    for name in ["string", "String", "str", "&str", "char*", "const char*"] {
        if bytes[start..].starts_with(name.as_bytes()) {
            let equals = skip_space(bytes, start + name.len(), limit);
            if bytes.get(equals) == Some(&b'=') {
                return equals + 1;
            }
        }
    }
    at
}

/// The value after words such as `is` or in the next markup, when it looks drawn at random.
fn spoken_value(text: &str, from: usize, strength: Strength) -> Option<Finding> {
    if matches!(strength, Strength::Weak) {
        return None;
    }
    let bytes = text.as_bytes();
    let limit = boundary(text, bytes.len().min(from + REACH_BYTES));
    let gap = &text[from..limit];
    let mut at = from;
    for word in gap.split(|c: char| c.is_whitespace() || "=:<>/\"'`,;()\\|".contains(c)) {
        let start = at;
        at = start + word.len() + 1;
        if word.is_empty() || is_filler(word) {
            continue;
        }
        let (start, end, _) = value_at(text, start)?;
        let value = &text[start..end];
        let secret = token_like(value) && random_enough(value) && !is_reference(value);
        return secret.then(|| Finding::new(start..end, Label::Secret));
    }
    None
}

/// The key in `AKIA... wJal...`, as tables and prompts have them.
fn key_behind_name(text: &str, start: usize) -> Option<Finding> {
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

fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "is" | "was" | "value" | "to" | "as" | "set" | "name" | "string"
    )
}

/// The credentials of an `Authorization` header or a bare `Bearer ...`.
fn header_value(text: &str, from: usize) -> Option<Finding> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(from + REACH_BYTES);
    let skip = |at| {
        skip_while(bytes, at, limit, |b| {
            b.is_ascii_whitespace() || matches!(b, b':' | b'=' | b'"' | b'\'' | b'\\' | b'`')
        })
    };
    let mut at = skip(from);
    for scheme in ["bearer ", "basic ", "token ", "digest ", "apikey "] {
        let rest = bytes.get(at..at + scheme.len());
        if rest.is_some_and(|rest| rest.eq_ignore_ascii_case(scheme.as_bytes())) {
            at = skip(at + scheme.len());
            break;
        }
    }
    let (start, end, _) = value_at(text, at)?;
    let value = &text[start..end];
    let secret = token_like(value) && !is_reference(value);
    secret.then(|| Finding::new(start..end, Label::Secret))
}

/// Start and end of the value at or after `from`, and whether it stands in quotes. It is judged without the placeholders
/// behind it: their digits are not its own, and each look would find one value more.
fn value_at(text: &str, from: usize) -> Option<(usize, usize, bool)> {
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
fn password_like(value: &str, written: Written) -> bool {
    let shape = check::Shape::of(value);
    if shape.bytes < 4 || check::is_dummy(value) || value.contains(' ') || is_word(value) {
        return false;
    }
    let is_name = value
        .bytes()
        .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.'));
    match written {
        Written::Quoted | Written::Setting => !is_name || shape.bytes >= 6,
        Written::Bare => !is_name,
    }
}

/// Whether a value assigned to a token or key is one.
fn token_like(value: &str) -> bool {
    let shape = check::Shape::of(value);
    // A type such as `Int8Array` has one digit; a short key has more.
    if shape.digits == shape.bytes {
        // Nobody counts that far; some services give numbers as tokens.
        return shape.bytes >= 17 && !check::is_dummy(value);
    }
    shape.bytes >= 10
        && shape.digits >= if shape.bytes < 20 { 2 } else { 1 }
        && shape.letters() > 0
        && !check::is_dummy(value)
        && !value.contains(' ')
        && !is_word(value)
        && !looks_like_path(value)
}

/// Whether a value that is only spoken of looks drawn at random.
fn random_enough(value: &str) -> bool {
    check::is_random(value)
        || check::is_uuid(value)
        || (value.len() >= 16 && check::Shape::of(value).hex == value.len())
}

/// Shapes that a weak word often stands beside and that are public.
fn is_public_shape(value: &str) -> bool {
    let last = value.rsplit([':', '/']).next().unwrap_or(value);
    check::is_uuid(last)
        || check::is_digest(last)
        || looks_like_path(value)
        || value.contains("://")
}

fn looks_like_path(value: &str) -> bool {
    value.starts_with('/')
        || value.starts_with("./")
        || value.starts_with("~/")
        || value.starts_with("http://")
        || value.starts_with("https://")
        || (value.matches('/').count() >= 2 && !value.ends_with('=') && value.contains('.'))
}

/// Whether a value only refers to the secret: a variable, a call, a template.
fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.starts_with('$')
        || value.starts_with("{{")
        || value.starts_with('%')
        || value.starts_with('<')
        || value.starts_with('[')
        || (value.contains("${")
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-${}.:/".contains(&b)))
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
        ]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// Words that stand where a value is described, not given.
fn is_word(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "string",
        "required",
        "optional",
        "missing",
        "invalid",
        "empty",
        "unset",
        "changeme",
        "password",
        "secret",
        "token",
        "redacted",
        "hidden",
        "nil",
        "bytes",
        "secretstr",
        "text",
        "value",
        "input",
        "prompt",
        "stdin",
        "default",
    ];
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}

fn skip_space(bytes: &[u8], from: usize, limit: usize) -> usize {
    skip_while(bytes, from, limit, |b| b.is_ascii_whitespace())
}

fn skip_while(bytes: &[u8], from: usize, limit: usize, accept: impl Fn(u8) -> bool) -> usize {
    let from = from.min(limit);
    bytes[from..limit]
        .iter()
        .position(|b| !accept(*b))
        .map_or(limit, |n| from + n)
}
