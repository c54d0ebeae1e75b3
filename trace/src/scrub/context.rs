//! Values that are secret because of the words beside them: `password=...`, `token is ...`.
//!
//! Neighbours: the scrubber asks for findings; `words` knows the names, `value` judges the values. Must not know
//! the formats of single providers.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::check;
use super::code;
use super::near;
use super::phrase;
use super::placeholder::{self, Label};
use super::rows;
use super::scrubber::Finding;
use super::spoken::{is_refused, key_behind_name, spoken_value, value_before};
use super::syntax::{after_type, behind_braces, behind_its_name, behind_markup};
use super::value::{
    REACH_BYTES, Written, is_client_id, is_drawn, is_key_body, is_public_shape, is_reference,
    is_short_secret, looks_like_path, names_another, password_like, skip_space, skip_while,
    token_like, value_at,
};
use super::vocabulary::{Fit, Strength, WORDS};
use super::words::{self, KeyOf, NAME_REST_BYTES_MAX};

/// Finds values by the words beside them.
#[derive(Debug)]
pub(super) struct Context {
    scan: AhoCorasick,
}

impl Context {
    pub(super) fn new() -> Self {
        let scan = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(WORDS.iter().map(|(word, ..)| word))
            .expect("the table of words is small and fixed");
        Self { scan }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let mut covered = 0;
        for hit in self.scan.find_iter(text) {
            if hit.start() < covered || is_our_own(text, hit.start()) {
                continue;
            }
            let (_, strength, fit) = WORDS[hit.pattern().as_usize()];
            if let Some(end) = rows::below(text, hit.range(), findings) {
                covered = end;
                continue;
            }
            if fit == Fit::Whole {
                let found = value_of_short(text, hit.range(), strength);
                if let Some(finding) = found {
                    covered = finding.range.end;
                    findings.push(finding);
                }
                continue;
            }
            if let Some(finding) = value_before(text, covered, hit.start(), strength) {
                findings.push(finding);
            }
            if let Some(finding) = value_of(text, hit.range(), strength) {
                covered = finding.range.end;
                findings.push(finding);
            }
        }
        // In the exact case only: `akia` and `asia` are parts of words.
        for start in ["AKIA", "ASIA"] {
            let hits = memchr::memmem::find_iter(text.as_bytes(), start);
            findings.extend(hits.filter_map(|start| key_behind_name(text, start)));
        }
    }
}

/// The value that belongs to a short word such as `pass`, which says other things as well: `PASS: tests/login`.
fn value_of_short(text: &str, word: Range<usize>, strength: Strength) -> Option<Finding> {
    if !words::is_whole(text, word.clone()) {
        return None;
    }
    let found = value_of(text, word.clone(), strength)?;
    let value = &text[found.range.clone()];
    let gap = &text[word.end..found.range.start];
    let is_quoted = gap.ends_with(['"', '\'', '`']);
    let shape = check::Shape::of(value);
    // A word in large letters alone is a verdict, unless it is set as a variable is.
    let alone = !text[..word.start].ends_with(['_', '-', '.']);
    // Everybody is shown a certificate; what else stands there may be its key.
    if text[word.clone()].to_ascii_lowercase().starts_with("cert") && value.starts_with("MII") {
        return None;
    }
    let is_pass = text[word.clone()].eq_ignore_ascii_case("pass");
    let is_verdict = is_pass
        && alone
        && text[word.clone()].bytes().all(|b| b.is_ascii_uppercase())
        && !gap.starts_with('=');
    let mixed = shape.digits > 0 && shape.letters() > 0 && shape.bytes >= 8;
    // `la clave del servidor es ...`
    let is_said = gap.split(' ').any(words::is_copula) && shape.bytes >= 8;
    let is_noted = is_said || gap == " " && is_noted(text, word, value);
    // `pass((last.0 - 1, ...))` calls something with what stands there.
    let is_called = gap.starts_with('(') && !is_quoted && !is_drawn(value);
    let is_given = (gap.contains(['=', ':', ',', '(', '|']) || (is_quoted && mixed) || is_noted)
        && !is_called
        && !is_verdict;
    // `render pass = "shadow_pass_2"` names something; `db_pass` and `"pass"` stand for themselves.
    let is_named = alone
        && value.contains('_')
        && shape.digits < YEAR_DIGITS
        // Names keep to one case, or to one in each part.
        && !(mixed && shape.lower > 0 && shape.upper > 0)
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_form = is_quoted
        || phrase::is_phrase(value)
        || (shape.bytes >= 6
            && ((shape.digits > 0 && shape.letters() > 0) || is_drawn(value))
            && !value.contains(['/', '%'])
            && (gap.contains('=') || !value.contains(':')));
    (is_given && is_form && !is_named).then_some(found)
}

/// Names of things have no year.
const YEAR_DIGITS: usize = 4;

/// Whether the word and its value are what a remark in a program is about: `# pw ...`, `// root pass ...`.
fn is_noted(text: &str, word: Range<usize>, value: &str) -> bool {
    const SIGNS: &[&str] = &[
        "#", "//", "--", ";", "/*", "*", "<!--", "REM", "rem", "%", "'",
    ];
    if text[..word.start].ends_with('(') {
        return true;
    }
    let before = near::before(text, word.start, REMARK_BYTES_MAX);
    // `user kim pass ...`
    let user = before.split_whitespace().rev().nth(1);
    if user.is_some_and(|user| matches!(user, "user" | "username" | "login" | "usr")) {
        return true;
    }
    let line = before.rsplit(['\n', '#', '*']).next();
    let is_start = before.len() == word.start || before.contains(['\n', '#', '*', '/', ';']);
    let line = line.unwrap_or("").trim_start();
    let words = SIGNS
        .iter()
        .find_map(|sign| line.strip_prefix(sign))
        .or_else(|| before.contains(['#', '*']).then_some(line));
    let is_short = words.is_some_and(|words| words.split_whitespace().count() <= 2);
    // `pass` is something that programs do as well.
    let is_noun = !text[word].eq_ignore_ascii_case("pass");
    is_start && is_short && (is_noun || is_drawn(value))
}

/// Longest start of a remark before the word for a password, bytes.
const REMARK_BYTES_MAX: usize = 40;

/// The value that belongs to a word, wherever it stands.
fn value_of(text: &str, word: Range<usize>, strength: Strength) -> Option<Finding> {
    match strength {
        Strength::Header => header_value(text, word.end),
        Strength::Basic => {
            header_value(text, word.end).filter(|found| check::is_basic(&text[found.range.clone()]))
        }
        Strength::Password => value_after(text, word.end, strength).filter(|found| {
            // The shell's name for where it is.
            let is_place = text[word.clone()].eq_ignore_ascii_case("pwd");
            !(is_place && looks_like_path(&text[found.range.clone()]))
        }),
        // `checksum/secret: ...` and `PublicKeyToken=...` are made for everybody to see.
        Strength::Secret | Strength::Token
            if ["checksum/", "PublicKey", "publickey"]
                .iter()
                .any(|lead| text[..word.start].ends_with(lead)) =>
        {
            None
        }
        // `arn:...:secret:name` says where a secret lies, `host.dev/auth-token:tag` is an image.
        Strength::Secret | Strength::Token
            if text[word.end..].starts_with(':') && is_in_address(text, word.start) =>
        {
            None
        }
        Strength::Secret | Strength::Token | Strength::ClientId | Strength::Hash => {
            value_after(text, word.end, strength)
        }
        // `SHOP_KEY` is what a service gave; `cache_key` and `key` name anything.
        // A name that says by itself whose public key it is.
        Strength::Weak if text[..word.start].ends_with("did:") => None,
        Strength::Weak => match words::key_of(text, word.clone()) {
            KeyOf::Thing => None,
            KeyOf::Service => value_after(text, word.end, strength).or_else(|| {
                value_after(text, word.end, Strength::Token)
                    .filter(|found| is_key_body(&text[found.range.clone()]))
            }),
            KeyOf::Unknown => value_after(text, word.end, strength).or_else(|| {
                let refused = is_refused(text, word.start);
                refused.then(|| spoken_value(text, word.end, Strength::Token))?
            }),
        },
    }
}

fn is_in_address(text: &str, at: usize) -> bool {
    near::before(text, at, ARN_BYTES_MAX)
        .rsplit(|c: char| c.is_whitespace() || "\"'`=".contains(c))
        .next()
        .is_some_and(|name| {
            let is_image = name.contains('/') && name.contains('.') && !name.contains(':');
            name.starts_with("arn:") || is_image
        })
}

/// Longest part of a resource's name before its last word, bytes.
const ARN_BYTES_MAX: usize = 96;

/// Whether the word names a placeholder: what stands behind `[SECRET_1a2b3c]` is no value of it, or each look would
/// take one word more.
fn is_our_own(text: &str, word: usize) -> bool {
    let open = word.checked_sub(1);
    open.is_some_and(|open| placeholder::length_at(text, open).is_some())
}

/// The value assigned to a word that ends at `from`.
fn value_after(text: &str, from: usize, strength: Strength) -> Option<Finding> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(from + REACH_BYTES);
    let name_end = skip_while(bytes, from, limit, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
    });
    // `postgres://USER:PASSWORD@host`
    if bytes.get(name_end) == Some(&b'@') {
        return None;
    }
    // A word inside encoded bytes is there by chance.
    let is_name = name_end - from <= NAME_REST_BYTES_MAX;
    let goes_on = matches!(bytes.get(name_end), Some(b'/' | b'+'));
    if !is_name || goes_on || is_encoded(text, from) {
        return None;
    }
    let rest = &bytes[from..name_end];
    let strength = match strength {
        Strength::Password if words::is_hash(rest) => Strength::Hash,
        Strength::Password
        | Strength::Secret
        | Strength::Token
        | Strength::ClientId
        | Strength::Hash
        | Strength::Weak
        | Strength::Header
        | Strength::Basic => strength,
    };
    // `passwordKey` is where a password lies; `secretKey` is a secret.
    let is_place = strength == Strength::Password && rest.eq_ignore_ascii_case(b"key");
    if strength != Strength::Hash && (is_place || words::is_about(rest)) {
        return None;
    }
    let closed = skip_while(bytes, name_end, limit, |b| {
        matches!(b, b'"' | b'\'' | b'`' | b'\\' | b']' | b')' | b'*')
    });
    let operator_start = behind_braces(text, skip_space(bytes, closed, limit));
    let limit = bytes.len().min(operator_start + REACH_BYTES);
    let mut at = skip_while(bytes, operator_start, limit, |b| {
        matches!(
            b,
            b':' | b'=' | b'>' | b'?' | b'+' | b'!' | b'~' | b'.' | b'|'
        )
    });
    let operator = &bytes[operator_start..];
    let is_arrow = operator.starts_with(b"<- ") || operator.starts_with(b"-> ");
    // As addresses write the sign inside a value.
    let is_escaped = operator.starts_with(b"%3D") || operator.starts_with(b"%3A");
    if is_arrow {
        at = operator_start + 2;
    } else if is_escaped {
        at = operator_start + 3;
    }
    // What is taken when the environment has none: `process.env.TOKEN ?? "..."`.
    let is_default = matches!(&bytes[operator_start..at], b"??" | b"||")
        && matches!(bytes.get(at + 1), Some(b'"' | b'\''));
    let assigns = |b: &u8| matches!(b, b'=' | b':');
    let behind = behind_its_name(text, closed);
    if let Some(behind) = behind {
        at = behind;
    } else if !is_arrow
        && !is_escaped
        && !is_default
        && !bytes[operator_start..at].iter().any(assigns)
    {
        let given = given_value(text, from, name_end..closed, operator_start, strength);
        return given.or_else(|| spoken_value(text, closed, strength));
    }
    // `PASSWORD :'name'` is how a shell of a database writes a variable.
    if operator_start > closed && bytes[operator_start..].starts_with(b":'") {
        return None;
    }
    // `PrivateKey::from(...)` is a path.
    let is_path =
        matches!(&bytes[operator_start..], [b':', b':', next, ..] if next.is_ascii_alphabetic());
    if is_path && behind.is_none() {
        return None;
    }
    let tight = operator_start == name_end && bytes[operator_start..at] == *b"=";
    // A setting without a value: the next line is another one.
    if tight && matches!(bytes.get(at), Some(b'\n' | b'\r')) {
        return None;
    }
    at = behind_markup(text, at);
    at = words::behind_braced(text, at);
    at = after_type(text, at, bytes.len().min(at + REACH_BYTES));
    let (start, mut end, quoted) = value_at(text, at)?;
    if is_escaped {
        end = text[start..end].find('%').map_or(end, |sign| start + sign);
    }
    let written = if quoted {
        Written::Quoted
    } else if tight && start == at && !matches!(bytes.get(end), Some(b'(' | b'<')) {
        Written::Setting
    } else {
        Written::Bare
    };
    if strength == Strength::Password {
        // Words with spaces between go on behind what a value without quotes is.
        let phrase_end = if quoted {
            None
        } else {
            phrase::line_at(text, start)
        };
        let end = phrase_end.unwrap_or(end);
        let name = &bytes[..name_end];
        let is_called = name.len() >= PHRASE.len()
            && name[name.len() - PHRASE.len()..].eq_ignore_ascii_case(PHRASE);
        let value = &text[start..end];
        if phrase::is_phrase(value) || (quoted && is_called && phrase::is_short_phrase(value)) {
            return Some(Finding::new(start..end, Label::Password));
        }
    }
    let is_setting = written != Written::Bare;
    if strength == Strength::Secret && is_setting && phrase::is_phrase(&text[start..end]) {
        return Some(Finding::new(start..end, Label::Secret));
    }
    judged(text, start..end, strength, written)
}

/// The end of a name that says that the value is a phrase.
const PHRASE: &[u8] = b"passphrase";

/// Whether so many encoded bytes stand before `at` that a word there is chance.
fn is_encoded(text: &str, at: usize) -> bool {
    let Some(before) = text.get(at.saturating_sub(ENCODED_BYTES_MIN)..at) else {
        return false;
    };
    let bytes = before.as_bytes();
    before.len() == ENCODED_BYTES_MIN
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        // A long name in camel case has no digits and can be spoken.
        && (bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 2
            || check::is_gibberish(before))
}

const ENCODED_BYTES_MIN: usize = 24;

/// The value in `--token abc`, `<token>abc<`, `("token", "abc")` and `setToken("abc")`: given without any sign of an assignment.
fn given_value(
    text: &str,
    word_end: usize,
    closing: Range<usize>,
    at: usize,
    strength: Strength,
) -> Option<Finding> {
    let bytes = text.as_bytes();
    if closing.is_empty() && at > closing.end && words::is_set(text, word_end) {
        let value_at_flag = words::behind_flag(text, at);
        let (start, end, quoted) = value_at(text, value_at_flag)?;
        let shape = check::Shape::of(&text[start..end]);
        let written = if quoted {
            Written::Quoted
        } else {
            Written::Bare
        };
        return (shape.digits > 0 && bytes[start] != b'-')
            .then(|| judged(text, start..end, strength, written))?;
    }
    let is_call = match bytes.get(at) {
        Some(b',') => !closing.is_empty(),
        Some(b'(') => closing.is_empty(),
        Some(b'>') => closing.is_empty() && at == closing.end,
        _ => false,
    };
    let is_flag = closing.is_empty() && at > closing.end && is_flag(text, word_end);
    let (start, end, quoted) = match (is_call, is_flag) {
        // Behind a mark of a tag the value comes at once, or it is that of the next line.
        (true, _) => value_at(text, at + 1)
            .filter(|(start, _, quoted)| *quoted || (bytes[at] == b'>' && *start == at + 1))?,
        (false, true) => value_at(text, at).filter(|(start, ..)| bytes[*start] != b'-')?,
        (false, false) => return None,
    };
    if quoted && names_another(text, end) {
        return None;
    }
    // Names of fields and of things stand there too.
    let shape = check::Shape::of(&text[start..end]);
    let written = if quoted {
        Written::Quoted
    } else {
        Written::Bare
    };
    let value = &text[start..end];
    let is_plain = value
        .bytes()
        .all(|b| b.is_ascii_alphabetic() || b"_-. ".contains(&b));
    let is_name = shape.digits == 0 && is_plain && !check::is_gibberish(value);
    let is_name =
        is_name || shape.letters() == 0 || shape.bytes < 6 || text[start..end].contains("password");
    (!is_name).then(|| judged(text, start..end, strength, written))?
}

/// Whether the name that holds the word ending at `word_end` is a flag, such as `--deploy-token`.
fn is_flag(text: &str, word_end: usize) -> bool {
    let low = word_end.saturating_sub(REACH_BYTES);
    let name = &text.as_bytes()[low..word_end];
    let is_part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let length = name.iter().rev().take_while(is_part).count();
    name.len() > length
        && name[name.len() - length..].starts_with(b"-")
        && name[name.len() - length - 1].is_ascii_whitespace()
}

/// A shorter digest of a password is not stored.
const HASH_BYTES_MIN: usize = 32;

/// The finding for a value, when its word and its form say that it is secret.
fn judged(
    text: &str,
    range: Range<usize>,
    strength: Strength,
    written: Written,
) -> Option<Finding> {
    let value = &text[range.clone()];
    let is_code = written == Written::Bare && code::is_expression(value);
    // People make passwords and secrets of words, and join them with `-`; what services give is not, nor is a name of a program.
    let is_name = match strength {
        Strength::Password => false,
        Strength::Secret => {
            written == Written::Bare && !value.contains('-') && code::is_name(value)
        }
        Strength::Token
        | Strength::ClientId
        | Strength::Hash
        | Strength::Weak
        | Strength::Header
        | Strength::Basic => !value.contains('-') && code::is_name(value),
    };
    if is_code || is_name || code::is_pattern(value) {
        return None;
    }
    let (secret, label) = match strength {
        Strength::Password => (password_like(value, written), Label::Password),
        Strength::Secret => (
            token_like(value) || (written != Written::Bare && is_short_secret(value)),
            Label::Secret,
        ),
        Strength::Token | Strength::Header | Strength::Basic => (token_like(value), Label::Secret),
        Strength::ClientId => (is_client_id(value), Label::Secret),
        Strength::Hash => (
            (value.len() >= HASH_BYTES_MIN && check::is_digest(value)) || check::is_random(value),
            Label::Secret,
        ),
        Strength::Weak => (
            check::is_random(value) && !is_public_shape(value),
            Label::Secret,
        ),
    };
    (secret && !is_reference(value)).then(|| Finding::new(range, label))
}

/// The credentials of an `Authorization` header or a bare `Bearer ...`.
fn header_value(text: &str, from: usize) -> Option<Finding> {
    let bytes = text.as_bytes();
    // `personal-authorization-8f3kQ2.js` is a file.
    if matches!(bytes.get(from), Some(b'-' | b'_' | b'.' | b'/')) {
        return None;
    }
    let limit = bytes.len().min(from + REACH_BYTES);
    let skip = |at| {
        skip_while(bytes, at, limit, |b| {
            b.is_ascii_whitespace() || matches!(b, b':' | b'=' | b'"' | b'\'' | b'\\' | b'`')
        })
    };
    let mut at = skip(from);
    for scheme in [
        "bearer ",
        "basic ",
        "token ",
        "digest ",
        "apikey ",
        "negotiate ",
        "ntlm ",
    ] {
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
