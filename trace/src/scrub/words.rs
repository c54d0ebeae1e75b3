//! Names that say what the value beside them is: `password`, `api_key`, `cacheKey`.
//!
//! Neighbours: `context` finds these words and judges the values. Must not look at a value, but for the words that stand
//! in the place of one.

use std::ops::Range;

use crate::normalise::boundary;

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
    ("contrasena", Strength::Password, Fit::Part),
    ("clave", Strength::Password, Fit::Whole),
    ("mot de passe", Strength::Password, Fit::Part),
    ("mdp", Strength::Password, Fit::Whole),
    ("senha", Strength::Password, Fit::Whole),
    ("palavra-passe", Strength::Password, Fit::Part),
    ("parola", Strength::Password, Fit::Whole),
    ("hasło", Strength::Password, Fit::Part),
    ("hasłem", Strength::Password, Fit::Part),
    ("heslo", Strength::Password, Fit::Part),
    ("jelszó", Strength::Password, Fit::Part),
    ("lozinka", Strength::Password, Fit::Part),
    ("geslo", Strength::Password, Fit::Whole),
    ("lösenord", Strength::Password, Fit::Part),
    ("passord", Strength::Password, Fit::Part),
    ("adgangskode", Strength::Password, Fit::Part),
    ("salasana", Strength::Password, Fit::Part),
    ("şifre", Strength::Password, Fit::Part),
    ("mật khẩu", Strength::Password, Fit::Part),
    ("kata sandi", Strength::Password, Fit::Part),
    ("κωδικός", Strength::Password, Fit::Part),
    ("пароль", Strength::Password, Fit::Part),
    ("Пароль", Strength::Password, Fit::Part),
    ("пароля", Strength::Password, Fit::Part),
    ("паролем", Strength::Password, Fit::Part),
    ("парола", Strength::Password, Fit::Part),
    ("סיסמה", Strength::Password, Fit::Part),
    ("كلمة المرور", Strength::Password, Fit::Part),
    ("كلمة السر", Strength::Password, Fit::Part),
    ("पासवर्ड", Strength::Password, Fit::Part),
    ("รหัสผ่าน", Strength::Password, Fit::Part),
    ("口令", Strength::Password, Fit::Part),
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
    ("sonar.login", Strength::Token, Fit::Part),
    ("api-schlüssel", Strength::Token, Fit::Part),
    ("schlüssel", Strength::Weak, Fit::Part),
    ("geheimnis", Strength::Secret, Fit::Part),
    ("clé api", Strength::Token, Fit::Part),
    ("clé d'api", Strength::Token, Fit::Part),
    ("jeton", Strength::Token, Fit::Whole),
    ("clave de api", Strength::Token, Fit::Part),
    ("clave api", Strength::Token, Fit::Part),
    ("secreto", Strength::Secret, Fit::Whole),
    ("chave de api", Strength::Token, Fit::Part),
    ("chave da api", Strength::Token, Fit::Part),
    ("chiave api", Strength::Token, Fit::Part),
    ("segreto", Strength::Secret, Fit::Whole),
    ("ключ api", Strength::Token, Fit::Part),
    ("Ключ API", Strength::Token, Fit::Part),
    ("api-ключ", Strength::Token, Fit::Part),
    ("ключ", Strength::Weak, Fit::Part),
    ("токен", Strength::Token, Fit::Part),
    ("Токен", Strength::Token, Fit::Part),
    ("секрет", Strength::Secret, Fit::Part),
    ("Секрет", Strength::Secret, Fit::Part),
    ("密钥", Strength::Token, Fit::Part),
    ("密鑰", Strength::Token, Fit::Part),
    ("金鑰", Strength::Token, Fit::Part),
    ("秘钥", Strength::Token, Fit::Part),
    ("令牌", Strength::Token, Fit::Part),
    ("apiキー", Strength::Token, Fit::Part),
    ("秘密鍵", Strength::Token, Fit::Part),
    ("トークン", Strength::Token, Fit::Part),
    ("シークレット", Strength::Secret, Fit::Part),
    ("토큰", Strength::Token, Fit::Part),
    ("시크릿", Strength::Secret, Fit::Part),
    ("api 키", Strength::Token, Fit::Part),
    ("app_key", Strength::Token, Fit::Part),
    ("app-key", Strength::Token, Fit::Part),
    ("app key", Strength::Token, Fit::Part),
    ("appkey", Strength::Token, Fit::Part),
    ("application_key", Strength::Token, Fit::Part),
    ("application key", Strength::Token, Fit::Part),
    ("master_key", Strength::Token, Fit::Part),
    ("master key", Strength::Token, Fit::Part),
    ("masterkey", Strength::Token, Fit::Part),
    ("admin_key", Strength::Token, Fit::Part),
    ("service_key", Strength::Token, Fit::Part),
    ("subscription_key", Strength::Token, Fit::Part),
    ("subscription-key", Strength::Token, Fit::Part),
    ("subscription key", Strength::Token, Fit::Part),
    ("instrumentationkey", Strength::Token, Fit::Part),
    ("unseal_key", Strength::Token, Fit::Part),
    ("recovery_key", Strength::Token, Fit::Part),
    // What goes into a hash or a cipher beside the text.
    ("salt", Strength::Secret, Fit::Whole),
    ("pepper", Strength::Secret, Fit::Whole),
    ("otp_seed", Strength::Token, Fit::Part),
    ("otpseed", Strength::Token, Fit::Part),
    ("totp_seed", Strength::Token, Fit::Part),
    // What is given for a token once.
    ("grant", Strength::Token, Fit::Whole),
    ("grant_code", Strength::Token, Fit::Part),
    ("auth_code", Strength::Token, Fit::Part),
    ("authcode", Strength::Token, Fit::Part),
    ("auth code", Strength::Token, Fit::Part),
    ("authorization_code", Strength::Token, Fit::Part),
    ("authorization code", Strength::Token, Fit::Part),
    ("device_code", Strength::Token, Fit::Part),
    ("code_verifier", Strength::Token, Fit::Part),
    ("jwt", Strength::Token, Fit::Whole),
    ("certificate", Strength::Weak, Fit::Whole),
    ("cert", Strength::Weak, Fit::Whole),
    ("pat", Strength::Token, Fit::Whole),
    ("credential", Strength::Token, Fit::Part),
    ("client_id", Strength::ClientId, Fit::Part),
    ("client-id", Strength::ClientId, Fit::Part),
    ("client id", Strength::ClientId, Fit::Part),
    ("client.id", Strength::ClientId, Fit::Part),
    ("clientid", Strength::ClientId, Fit::Part),
    ("webhook", Strength::Weak, Fit::Part),
    ("session_id", Strength::Weak, Fit::Part),
    ("sessid", Strength::Weak, Fit::Part),
    ("connect.sid", Strength::Weak, Fit::Part),
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
        "fingerprint",
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
        "thumbprint",
        "ttl",
        "type",
        "uri",
        "url",
        "usage",
        "version",
    ];
    // `reset_token.rs:42:17` is a place in a program.
    const PROGRAMS: &[&str] = &[
        ".c", ".cc", ".cpp", ".cs", ".ex", ".go", ".h", ".java", ".js", ".jsx", ".kt", ".mjs",
        ".php", ".py", ".rb", ".rs", ".scala", ".swift", ".ts", ".tsx", ".vue",
    ];
    const STARTS: &[&str] = &["smanager", "-manager", "_manager", "iz", "less", "board"];
    let lower = rest.to_ascii_lowercase();
    let last = lower
        .rsplit(|b| matches!(b, b'_' | b'-' | b'.'))
        .next()
        .unwrap_or(&[]);
    ENDS.iter().any(|end| end.as_bytes() == last)
        || PROGRAMS.iter().any(|end| lower.ends_with(end.as_bytes()))
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
    ) || is_copula(word)
}

/// The words for `is` before a value.
fn is_copula(word: &str) -> bool {
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
    const KEY: &str = "value";
    let far = boundary(text, text.len().min(at + BRACED_BYTES_MAX));
    let Some(rest) = text.get(at..far) else {
        return at;
    };
    let space = rest.len() - rest.trim_start().len();
    let Some(inner) = rest[space..].strip_prefix('{') else {
        return at;
    };
    let inner = &inner[..inner.find('}').unwrap_or(inner.len())];
    let Some(found) = inner.find(KEY) else {
        return at;
    };
    let behind = &inner[found + KEY.len()..];
    let marks = behind.len() - behind.trim_start_matches(['"', '\'', '\\', ' ']).len();
    if behind[marks..].starts_with([':', '=']) {
        at + space + 1 + found + KEY.len() + marks + 1
    } else {
        at
    }
}

/// Farthest that braces are looked into, bytes.
const BRACED_BYTES_MAX: usize = 160;
