//! Names that say what the value beside them is: `password`, `api_key`, `cacheKey`.
//!
//! Neighbours: `context` finds these words and judges the values. Must not look at a value, but for the words that stand
//! in the place of one.

use std::ops::Range;

use super::code;
use crate::normalise::boundary;

/// Longest part of a name that is looked at before or behind its word, bytes.
pub(super) const NAME_REST_BYTES_MAX: usize = 28;

/// Whether the word is one of its name's words, as `pass` in `db_pass` and `dbPass`, and not in `passed` or `compass`.
pub(super) fn is_whole(text: &str, word: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let begins = word.start.checked_sub(1).is_none_or(|before| {
        let hump = bytes[word.start].is_ascii_uppercase() && bytes[before].is_ascii_lowercase();
        hump || !(bytes[before].is_ascii_alphanumeric() || bytes[before] >= 0x80)
    });
    let ends = bytes.get(word.end).is_none_or(|after| {
        !(after.is_ascii_alphanumeric() || matches!(after, b'_' | b'-' | b'/') || *after >= 0x80)
    });
    begins && ends
}

/// What a name such as `shop_key`, `cacheKey` or `key` says it is the key of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyOf {
    /// Whose key it is: a service or a role.
    Service,
    /// A thing that is found by it: a cache's entry, a row, a file.
    Thing,
    /// Nothing or something that could be either.
    Unknown,
}

/// What the word at `word` is the key of, by the part of the name before it.
pub(super) fn key_of(text: &str, word: Range<usize>) -> KeyOf {
    const THINGS: &[&str] = &[
        "cache",
        "primary",
        "foreign",
        "idempotency",
        "partition",
        "sort",
        "row",
        "dedup",
        "object",
        "index",
        "unique",
        "map",
        "dict",
        "routing",
        "react",
        "query",
        "lookup",
        "hash",
        "restore",
        "build",
        "commit",
        "content",
        "artifact",
        "etag",
        "digest",
        "blob",
        "bucket",
        "path",
        // Half of a pair, and the half that everybody may have.
        "public",
        "pub",
        "publishable",
        "verifying",
        "verification",
        "host",
        "peer",
    ];
    const EITHER: &[&str] = &[
        "session",
        "record",
        "message",
        "group",
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
        "storage",
        "file",
        "image",
        "version",
        "state",
        "model",
    ];
    if !text[word.clone()].eq_ignore_ascii_case("key") {
        return KeyOf::Unknown;
    }
    let name = &text.as_bytes()[word.start.saturating_sub(NAME_REST_BYTES_MAX)..word.start];
    let stem = name
        .iter()
        .rev()
        .skip_while(|byte| matches!(byte, b'_' | b'-' | b'.'))
        .take_while(|byte| byte.is_ascii_alphabetic())
        .map(u8::to_ascii_lowercase);
    let mut stem: Vec<u8> = stem.collect();
    stem.reverse();
    let ends = |words: &[&str]| words.iter().any(|word| stem.ends_with(word.as_bytes()));
    // `public key: ...`
    let apart = name.strip_suffix(b" ").unwrap_or(&[]);
    let apart = apart.rsplit(|byte| !byte.is_ascii_alphabetic()).next();
    let is_apart = apart.is_some_and(|apart| {
        THINGS
            .iter()
            .any(|word| apart.eq_ignore_ascii_case(word.as_bytes()))
    });
    if is_apart || ends(THINGS) {
        KeyOf::Thing
    } else if stem.len() < 3 || ends(EITHER) {
        KeyOf::Unknown
    } else {
        KeyOf::Service
    }
}

/// Whether the rest of a name says that it is about a secret and not the secret: `token_count`, `secretsmanager`.
pub(super) fn is_about(rest: &[u8]) -> bool {
    const ENDS: &[&str] = &[
        "aad",
        "address",
        "algorithm",
        "algorithms",
        "at",
        "budget",
        "cipher",
        "context",
        "count",
        "dir",
        "encoder",
        "encoding",
        "endpoint",
        "env",
        "expires",
        "expiresat",
        "expiry",
        "field",
        "file",
        "fingerprint",
        "format",
        "hash",
        "hasher",
        "hashers",
        "hashing",
        "header",
        "helper",
        "icon",
        "id",
        "image",
        "images",
        "index",
        "kind",
        "label",
        "length",
        "lifetime",
        "limit",
        "link",
        "list",
        "manager",
        "mgr",
        "mode",
        "name",
        "path",
        "placeholder",
        "policy",
        "precedence",
        "prefix",
        "provider",
        "realm",
        "ref",
        "scope",
        "scopes",
        "source",
        "stdin",
        "strategy",
        "strength",
        "symbol",
        "thumbprint",
        "ttl",
        "type",
        "uri",
        "url",
        "usage",
        "validator",
        "validators",
        "var",
        "variable",
        "version",
    ];
    // What is done to it: `password.encode("latin1")`.
    const METHODS: &[&str] = &[
        ".encode",
        ".decode",
        ".translate",
        ".replace",
        ".split",
        ".startswith",
    ];
    const STARTS: &[&str] = &["smanager", "-manager", "_manager", "iz", "less", "board"];
    let lower = rest.to_ascii_lowercase();
    let last = lower
        .rsplit(|b| matches!(b, b'_' | b'-' | b'.'))
        .next()
        .unwrap_or(&[]);
    // `remotePasswordPrecedence`
    let hump = rest
        .windows(2)
        .rposition(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .map_or(last, |at| &lower[at + 1..]);
    ENDS.iter()
        .any(|end| end.as_bytes() == last || end.as_bytes() == hump)
        || METHODS.iter().any(|method| method.as_bytes() == lower)
        || code::is_source(&lower)
        || STARTS
            .iter()
            .any(|start| lower.starts_with(start.as_bytes()))
}

/// Whether the rest of a name behind a word for a password says that it is the password's digest.
pub(super) fn is_hash(rest: &[u8]) -> bool {
    let last = rest.rsplit(|b| matches!(b, b'_' | b'-' | b'.')).next();
    last.is_some_and(|last| {
        ["hash", "digest", "md5", "sha1", "sha256", "sha512", "ntlm"]
            .iter()
            .any(|end| last.eq_ignore_ascii_case(end.as_bytes()))
    })
}

/// Words that stand where a value is described, not given.
pub(super) fn is_word(value: &str) -> bool {
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
        "sha1",
        "sha256",
        "sha512",
        "base64",
        "md5",
        "utf8",
        "utf-8",
        "argon2",
        "argon2id",
        "pbkdf2",
        "oauth2",
        "ed25519",
        "x509",
        "http2",
        "ipv4",
        "ipv6",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "i128",
        "u128",
        "c_char",
        "latin1",
    ];
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    // `__u32`, `i64`
    let is_sized = bare
        .strip_prefix(['i', 'u', 'f', 's'])
        .is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64"));
    is_sized || WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}

/// Words that stand between a word for a secret and its value.
pub(super) fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "is" | "was"
            | "value"
            | "to"
            | "as"
            | "set"
            | "name"
            | "string"
            | "key"
            | "base"
            | "body"
            | "--body"
            | "--value"
            | "provided"
            | "changed"
            | "reset"
            | "nueva"
            | "nuova"
            | "given"
            | "generated"
            | "created"
            | "issued"
            | "has"
            | "been"
            | "now"
            // Which way the equipment of a network stores it.
            | "0"
            | "5"
            | "7"
            | "8"
            | "9"
    ) || is_copula(word)
}

/// The words for `is` before a value.
pub(super) fn is_copula(word: &str) -> bool {
    matches!(
        word,
        "is" | "was"
            | "ist"
            | "lautet"
            | "est"
            | "es"
            | "è"
            | "é"
            | "eh"
            | "jest"
            | "to"
            | "är"
            | "er"
            | "je"
            | "are"
            | "будет"
            | "это"
            | "は"
            | "는"
            | "은"
            | "是"
            | "为"
            | "為"
            | "là"
            | "adalah"
            | "είναι"
            | "هي"
            | "हैं"
            | "है"
            | "—"
            | "–"
            | "->"
            | "→"
    )
}

/// Behind whose a secret is, when the sentence says it first: `password for the staging host is ...`. Else `at`.
pub(super) fn behind_whose(text: &str, at: usize, limit: usize) -> usize {
    const OF: &[&str] = &[
        "for", "of", "on", "from", "für", "von", "vom", "zum", "para", "de", "del", "do", "da",
        "pour", "du", "di", "per", "от", "для", "do", "voor", "för", "till", "к",
    ];
    let at = at + text[at..limit].len() - text[at..limit].trim_start().len();
    let rest = &text[at..limit];
    let mut words = rest.split(' ');
    if !words.next().is_some_and(|first| OF.contains(&first)) {
        return at;
    }
    let mut behind = at + rest.len().min(rest.find(' ').unwrap_or(rest.len()) + 1);
    for word in words {
        let ends = word.ends_with(':');
        if is_copula(word) || ends {
            return behind + word.len();
        }
        // A mark inside the words ends what they are about.
        if word.ends_with(['.', ',', ';']) || word.contains('\n') {
            return at;
        }
        behind += word.len() + 1;
    }
    at
}

/// Whether the name that holds the word ending at `word_end` is given to a command that sets it, as in
/// `setx API_TOKEN ...` and `ENV API_TOKEN ...`.
pub(super) fn is_set(text: &str, word_end: usize) -> bool {
    const SETS: &[&[u8]] = &[
        b"set", b"setx", b"setenv", b"env", b"arg", b"put", b"export", b"add", b"store",
    ];
    let low = word_end.saturating_sub(2 * NAME_REST_BYTES_MAX);
    let name = &text.as_bytes()[low..word_end];
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
    let Some(space) = name.iter().rposition(|b| !is_part(b)) else {
        return false;
    };
    if name[space] != b' ' {
        return false;
    }
    let lead = &name[..space];
    let word = lead.rsplit(|b| !is_part(b)).next().unwrap_or(&[]);
    SETS.iter().any(|set| word.eq_ignore_ascii_case(set))
}

/// Behind a flag such as `--body` that says that the value comes.
pub(super) fn behind_flag(text: &str, at: usize) -> usize {
    const FLAGS: &[&str] = &["--body", "--value", "--data", "-b", "-v", "--secret-string"];
    let rest = text.get(at..).unwrap_or("");
    let flag = FLAGS.iter().find(|flag| {
        let end = rest.strip_prefix(**flag);
        end.is_some_and(|end| end.starts_with([' ', '=']))
    });
    flag.map_or(at, |flag| at + flag.len() + 1)
}

/// Where the value begins in `"token": {"value": ...`; `at` itself when there is nothing of the kind.
pub(super) fn behind_braced(text: &str, at: usize) -> usize {
    // As documents name the one value of a thing, and databases its type.
    const KEYS: &[&str] = &[
        "value",
        "\"S\"",
        "\"s\"",
        "'S'",
        "stringValue",
        "plaintext",
        "\"$\"",
        "#text",
        "_text",
        "default",
    ];
    let far = boundary(text, text.len().min(at + BRACED_BYTES_MAX));
    let Some(rest) = text.get(at..far) else {
        return at;
    };
    let space = rest.len() - rest.trim_start().len();
    let Some(inner) = rest[space..].strip_prefix('{') else {
        return at;
    };
    let inner = &inner[..inner.find('}').unwrap_or(inner.len())];
    let found = KEYS
        .iter()
        .find_map(|key| Some(inner.find(key)? + key.len()));
    let Some(found) = found else {
        return at;
    };
    let behind = &inner[found..];
    let marks = behind.len() - behind.trim_start_matches(['"', '\'', '\\', ' ']).len();
    if behind[marks..].starts_with([':', '=']) {
        at + space + 1 + found + marks + 1
    } else {
        at
    }
}

/// Farthest that braces are looked into, bytes.
const BRACED_BYTES_MAX: usize = 160;
