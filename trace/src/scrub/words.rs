//! Names that say what the value beside them is: `password`, `api_key`, `cacheKey`.
//!
//! Neighbours: `context` finds these words and judges the values. Must not look at a value, but for the words that stand
//! in the place of one.

use std::ops::Range;

/// How much a word says about the value beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Whatever is assigned to it is secret, short and readable values too.
    Password,
    /// As a token; a short value that is no name is secret as well.
    Secret,
    /// A value that is no word is secret.
    Token,
    /// One half of a service's credentials: a value that is no word and no UUID is taken for the other half's sake.
    ClientId,
    /// Only a value that looks drawn at random is secret.
    Weak,
    /// An HTTP header that carries a scheme and a value.
    Header,
    /// The scheme whose value is a name and a password in base64; a common word as well.
    Basic,
}

/// Whether a word counts inside a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// As in `deploytokens`.
    Part,
    /// Only as one word of a name, as in `db_pass` and `dbPass`, and at its end.
    Whole,
}

pub(super) const WORDS: &[(&str, Strength, Fit)] = &[
    ("password", Strength::Password, Fit::Part),
    ("passwd", Strength::Password, Fit::Part),
    ("passphrase", Strength::Password, Fit::Part),
    ("passcode", Strength::Password, Fit::Part),
    ("pwd", Strength::Password, Fit::Part),
    ("pass", Strength::Password, Fit::Whole),
    ("pw", Strength::Password, Fit::Whole),
    ("psk", Strength::Password, Fit::Whole),
    ("passwort", Strength::Password, Fit::Part),
    ("kennwort", Strength::Password, Fit::Part),
    ("wachtwoord", Strength::Password, Fit::Part),
    ("contraseña", Strength::Password, Fit::Part),
    ("mot de passe", Strength::Password, Fit::Part),
    ("senha", Strength::Password, Fit::Whole),
    ("hasło", Strength::Password, Fit::Part),
    ("пароль", Strength::Password, Fit::Part),
    ("密码", Strength::Password, Fit::Part),
    ("密碼", Strength::Password, Fit::Part),
    ("パスワード", Strength::Password, Fit::Part),
    ("비밀번호", Strength::Password, Fit::Part),
    ("secret", Strength::Secret, Fit::Part),
    ("token", Strength::Token, Fit::Part),
    ("api_key", Strength::Token, Fit::Part),
    ("apikey", Strength::Token, Fit::Part),
    ("api-key", Strength::Token, Fit::Part),
    ("api key", Strength::Token, Fit::Part),
    ("api.key", Strength::Token, Fit::Part),
    ("access_key", Strength::Token, Fit::Part),
    ("accesskey", Strength::Token, Fit::Part),
    ("access-key", Strength::Token, Fit::Part),
    ("access key", Strength::Token, Fit::Part),
    ("access.key", Strength::Token, Fit::Part),
    ("access_id", Strength::Token, Fit::Part),
    ("accessid", Strength::Token, Fit::Part),
    ("access-id", Strength::Token, Fit::Part),
    ("private_key", Strength::Token, Fit::Part),
    ("private-key", Strength::Token, Fit::Part),
    ("private key", Strength::Token, Fit::Part),
    ("private.key", Strength::Token, Fit::Part),
    ("privatekey", Strength::Token, Fit::Part),
    ("signing_key", Strength::Token, Fit::Part),
    ("encryption_key", Strength::Token, Fit::Part),
    ("encryptionkey", Strength::Token, Fit::Part),
    ("account_key", Strength::Token, Fit::Part),
    ("accountkey", Strength::Token, Fit::Part),
    ("license_key", Strength::Token, Fit::Part),
    ("pat", Strength::Token, Fit::Whole),
    ("credential", Strength::Token, Fit::Part),
    ("client_id", Strength::ClientId, Fit::Part),
    ("client-id", Strength::ClientId, Fit::Part),
    ("client id", Strength::ClientId, Fit::Part),
    ("client.id", Strength::ClientId, Fit::Part),
    ("clientid", Strength::ClientId, Fit::Part),
    ("webhook", Strength::Weak, Fit::Part),
    ("session_id", Strength::Weak, Fit::Part),
    ("cookie", Strength::Weak, Fit::Part),
    ("_auth", Strength::Weak, Fit::Part),
    ("login", Strength::Weak, Fit::Part),
    ("key", Strength::Weak, Fit::Part),
    ("authorization", Strength::Header, Fit::Part),
    ("bearer ", Strength::Header, Fit::Part),
    ("basic ", Strength::Basic, Fit::Part),
    ("auth", Strength::Basic, Fit::Whole),
];

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
    ];
    const EITHER: &[&str] = &[
        "session",
        "record",
        "public",
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
    if ends(THINGS) {
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
        "address",
        "algorithm",
        "budget",
        "count",
        "dir",
        "endpoint",
        "env",
        "expires",
        "expiresat",
        "expiry",
        "field",
        "file",
        "format",
        "hash",
        "header",
        "icon",
        "id",
        "image",
        "images",
        "index",
        "label",
        "length",
        "lifetime",
        "limit",
        "link",
        "list",
        "name",
        "path",
        "placeholder",
        "policy",
        "prefix",
        "ref",
        "source",
        "stdin",
        "symbol",
        "ttl",
        "type",
        "uri",
        "url",
        "usage",
        "version",
    ];
    const STARTS: &[&str] = &["smanager", "-manager", "_manager", "iz", "less", "board"];
    let lower = rest.to_ascii_lowercase();
    let last = lower
        .rsplit(|b| matches!(b, b'_' | b'-' | b'.'))
        .next()
        .unwrap_or(&[]);
    ENDS.iter().any(|end| end.as_bytes() == last)
        || STARTS
            .iter()
            .any(|start| lower.starts_with(start.as_bytes()))
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
        "int32",
        "int64",
        "uint8",
        "uint32",
        "uint64",
    ];
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}
