//! Layouts in which secrets are shown: a heading and the key below it, a command and what it printed, a phrase of words.
//!
//! Neighbours: `commands` looks for the words and asks here whether a value fits. Must not know the formats of single
//! providers.

use std::ops::Range;

use super::check;
use super::value::{is_drawn, is_key_body, is_spoken_password, looks_like_path, random_enough};

/// One way to show a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The words at which it begins.
    pub(super) words: &'static [&'static str],
    /// What follows a word; the first group is the secret.
    pub(super) pattern: &'static str,
    judge: Judge,
}

/// What a value must be, as the words alone do not say enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judge {
    /// Anything: the form is enough.
    Form,
    /// Drawn at random.
    Random,
    /// Letters and digits as no word has them.
    Mixed,
    /// A command in capitals, at the start of what is typed.
    Typed,
    /// Typed into a field: letters and digits, where the field is one for a password.
    Field,
    /// Typed by a script: letters and digits, and no command.
    Sent,
    /// Letters and digits in no order: names of files and pages stand there too.
    Strong,
    /// Letters and digits, where the protocol is named that equipment of a network is asked by.
    Asked,
}

const fn layout(words: &'static [&'static str], pattern: &'static str, judge: Judge) -> Layout {
    Layout {
        words,
        pattern,
        judge,
    }
}

/// Below a heading: the rest of its line without any word, lines that underline it, then a value alone on its line.
const BELOW: &str = r"^s?[ \t]*(?:\([^)\n]{0,60}\)|[0-9]{1,2})?[ \t:=*#`_-]{0,30}(?:(?:\r?\n|\\n)[ \t>|*#`=~_-]{0,60}(?:[a-z]{0,8}\n)?){1,4}(?:\(?[0-9]{1,2}[).:] )?[\x22'`]?((?:0x)?[A-Za-z0-9_+/=.-]{16,256})[\x22'`]?[ \t]*(?:\r?\n|\\n|[\x22'`]|$)";

/// What a command printed on the next line.
const PRINTED: &str = r"^[^\n\\]{0,200}(?:\r?\n|\\n)[\x22']?([^\s\x22'\\{}\[\]<>]{8,400})[\x22']?\s*(?:\n|\\n|\\?[\x22']|$)";

/// Behind the words for a code that is good once.
const ONCE: &str = r"(?i)^(?:\s(?:for|of|to)\s[a-z ]{1,30})?(?:\s(?:is|was|ist|est|es)\b)?[\x22']?\s*(?:[:=：]|\bis\b)?\s*[\x22'*`]?([0-9]{3}[ -][0-9]{3}|[0-9]{4,8})(?-u:\b)";

/// The same, with a sign or `is` between: the word alone says other things.
const ONCE_SIGNED: &str = r"(?i)^[\x22']?\s*(?:[:=：]|is\b|was\b|code\b)[\s:=]*[\x22'*`]?([0-9]{3}[ -][0-9]{3}|[0-9]{4,8})(?-u:\b)";

/// Behind the words for a phrase: twelve words or more, small letters only.
const PHRASE: &str = r"^(?i:[_ ]phrase|[_ ]words)?[\x22']?\s{0,3}(?:is\s|[:=]|=>)\s{0,40}[\x22'`\[]?\s{0,40}((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})(?-u:\b)";

/// A name and a password with a slash or a colon between, as people give them to each other.
const LOGIN: &str = r"^(?:\s(?:are|is|as|for)\b|\s?[:=])?\s{1,3}[\x22'`]?[A-Za-z][A-Za-z0-9_.@-]{1,40}(?:\s?/\s?|:)([^\s/:,\x22'`]{6,80})(?:[\s,\x22')`]|$)";

/// A password behind the name of the first account and a slash.
const NAMED: &str = r"^([^\s/:,;.\x22'`()<>]{8,60})(?:[\s,;.)\x22'`]|$)";

/// A name and a password that are set together.
const PAIR: &str =
    r"^\\?[\x22']?[ ]{0,2}[:=][ ]{0,2}\\?[\x22']?([^\s:\x22'$\\{]{1,40}:[^\s\x22'$\\,]{4,100})";

/// The word that equipment of a network is asked with, where it says so.
const COMMUNITY: &str =
    r"^(?:[ _-]?string)?\\?[\x22']?\s?(?:[:=]|\bis\b|,)\s?\\?[\x22']?([^\s\x22'$\\,;]{6,64})";

/// What calls are given: a name and a password, the password last, the password first.
const TYPED_PAIR: &str = r"^\s?[\x22'][^\x22'\n]{1,80}[\x22'],\s?(?:[\x22'][^\x22'\n]{0,60}@[^\x22'\n]{0,60}[\x22'],\s?)?(?:password=)?[\x22']([^\x22'\n\s$]{6,100})[\x22']";
const TYPED_LAST: &str = r"^\s?[\x22'A-Za-z][^\n,()]{0,100},\s?(?:[0-9]{2,5},\s?)?[\x22'][^\x22'\n]{1,60}[\x22'],\s?[\x22']([^\x22'\n\s$]{6,100})[\x22']";
const TYPED_FIRST: &str = r"^(?:[\x22'][^\x22'\n]{0,60}(?:assword|pass|pwd)[^\x22'\n]{0,20}[\x22'],\s?)?b?[\x22']([^\x22'\n\s$]{6,100})[\x22']";

/// Up to the end of a line that is typed.
const SENT: &str = r"^([^\x22'\\\n$\[{ ]{6,80})\\{1,2}[rn]";
const SENT_LINE: &str = r"^([^\x22'\\\n$\[{ ]{6,80})[\x22']\s?\)";

/// Codes to get back in with, one on each line.
const CODES: &str = r"^[^\n\\]{0,80}(?:\r?\n|\\n)\s{0,8}((?:[ \t]*(?:[0-9]{1,2}[.)] |[-*] )?[A-Za-z0-9]{4,10}(?:[ -][A-Za-z0-9]{4,10}){0,3}[ \t]*(?:\r?\n|\\n|$)){2,16})";

/// Groups of capitals and digits, as licences are given out.
const GROUPS: &str = r"^(?:[ _]?key)?[\x22']?\s{0,3}[:=]\s{0,3}[\x22']?([A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,7})(?-u:\b)";

/// An id that opens something, and not the name of a secret in a store.
const ID: &str =
    r"^\\?[\x22']?\s{0,8}[:=]\s{0,3}\\?[\x22']?([A-Za-z0-9-]{24,64})(?:[\x22'\s,;&}\\]|$)";

pub(super) const LAYOUTS: &[Layout] = &[
    layout(
        &[
            "api key",
            "api token",
            "api secret",
            "secret key",
            "access key",
            "access token",
            "signing key",
            "signing secret",
            "encryption key",
            "master key",
            "private key",
            "recovery key",
            "recovery code",
            "root token",
            "client secret",
            "shared secret",
            "new token",
            "your token",
            "app key",
            "bearer token",
            "webhook secret",
        ],
        BELOW,
        Judge::Random,
    ),
    layout(
        &["unseal key"],
        r"^(?:[ _]\(?[0-9]{1,2}\)?)?[\x22']?\s*[:=]\s*[\x22']?([A-Za-z0-9+/=-]{20,128})",
        Judge::Form,
    ),
    layout(
        &[
            "openssl rand",
            "wg genkey",
            "pass show",
            "op read",
            "config:get",
            "get-secret-value",
            "get secret",
            "secrets versions access",
            "vault kv get -field",
            "find-generic-password",
            "print-access-token",
            "auth token",
            "pwgen",
        ],
        PRINTED,
        Judge::Mixed,
    ),
    layout(
        &[
            "verification code",
            "security code",
            "one-time code",
            "one-time password",
            "one-time passcode",
            "login code",
            "unlock code",
            "pin code",
            "access code",
            "door code",
            "alarm code",
            "2fa code",
            "mfa code",
            "otp code",
            "bestätigungscode",
            "код подтверждения",
            "验证码",
        ],
        ONCE,
        Judge::Form,
    ),
    layout(&["otp", "totp", "pin"], ONCE_SIGNED, Judge::Form),
    layout(
        &[
            "user / pass",
            "user/pass",
            "user / password",
            "user/password",
            "username / password",
            "username/password",
            "login / password",
            "login/password",
            "benutzer / passwort",
            "benutzer/passwort",
            "zugangsdaten",
            "identifiants",
            "credenciales",
            "credenziali",
            "login",
            "account",
            "log in as",
            "sign in with",
            "signed in with",
            "logged in with",
            "logged in as",
            "connect as",
            "creds",
            "credentials",
            "login with",
            "log in with",
        ],
        LOGIN,
        Judge::Mixed,
    ),
    layout(
        &[
            "login(",
            "sign_in(",
            "signin(",
            ".auth(",
            "authenticate(",
            "create_user(",
            "create_superuser(",
            "register(",
        ],
        TYPED_PAIR,
        Judge::Mixed,
    ),
    // As servers of files are logged in to.
    layout(
        &["pass "],
        r"^([^\s/.:(\\]{6,64})\s{0,3}(?:\n|\\n|\\r|$)",
        Judge::Typed,
    ),
    layout(&[".connect("], TYPED_LAST, Judge::Mixed),
    layout(
        &[
            "bcrypt.hash(",
            "bcrypt.hashsync(",
            "bcrypt.hashpw(",
            "bcrypt.compare(",
            "bcrypt.comparesync(",
            "argon2.hash(",
            "check_password(",
        ],
        TYPED_FIRST,
        Judge::Mixed,
    ),
    layout(
        &["send_keys(", "sendkeys(", ".type(", ".fill("],
        TYPED_FIRST,
        Judge::Field,
    ),
    layout(
        &["dockerconfigjson"],
        r"^\\?[\x22']?\s?[:=]\s?\|?\s{0,12}\\?[\x22']?([A-Za-z0-9+/]{20,4000}={0,2})",
        Judge::Form,
    ),
    layout(
        &["root:", "admin:", "admin/", "root/"],
        NAMED,
        Judge::Strong,
    ),
    layout(
        &["basic_auth", "basicauth", "http_auth", "auth_basic"],
        PAIR,
        Judge::Form,
    ),
    layout(&["community"], COMMUNITY, Judge::Asked),
    // What a script types for a person.
    layout(
        &[
            "send \"",
            "send '",
            "send -- \"",
            "send \\\"",
            "send_user \"",
        ],
        SENT,
        Judge::Sent,
    ),
    layout(&["sendline(\"", "sendline('"], SENT_LINE, Judge::Sent),
    layout(&["recovery codes", "backup codes"], CODES, Judge::Mixed),
    layout(
        &[
            "license",
            "license key",
            "license_key",
            "product_key",
            "serial_key",
            "activation key",
            "activation_key",
            "activation code",
            "licence key",
            "product key",
            "serial key",
        ],
        GROUPS,
        Judge::Mixed,
    ),
    layout(&["secret_id", "secretid", "secret id"], ID, Judge::Random),
    layout(
        &[
            "mnemonic",
            "seed phrase",
            "seed words",
            "seed",
            "recovery phrase",
            "secret phrase",
            "backup phrase",
        ],
        PHRASE,
        Judge::Form,
    ),
    // Where container tools keep logins.
    layout(
        &["\"auths\""],
        r"^\s*:\s*\{\s*\x22[^\x22\n]{1,200}\x22\s*:\s*\{[^{}]{0,200}?\x22auth\x22\s*:\s*\x22([A-Za-z0-9+/]{12,400}={0,2})\x22",
        Judge::Form,
    ),
    layout(
        &["\"auth\""],
        r"^\s*:\s*\x22([A-Za-z0-9+/]{20,400}={0,2})\x22",
        Judge::Random,
    ),
    layout(
        &["\\\"auth\\\""],
        r"^\s*:\s*\\\x22([A-Za-z0-9+/]{20,400}={0,2})\\\x22",
        Judge::Random,
    ),
    // As stores of keys and mail servers are logged in to.
    layout(
        &["auth "],
        r"^(?:default |[a-z][a-z0-9_-]{1,30} |PLAIN |LOGIN )?[\x22']?([^\s\x22'\\$]{6,200})[\x22']?[ \t]*(?:\r?\n|\\n|\\r|[\x22']|$)",
        Judge::Typed,
    ),
    layout(
        &["setuser "],
        r"^[^\n>]{1,80}>([^\s\x22'$]{4,200})",
        Judge::Form,
    ),
];

/// How far before a word the name of its protocol is looked for, bytes.
const NEAR_BYTES: usize = 120;

impl Layout {
    /// Whether the layout can begin with the word that stands there.
    pub(super) fn begins(&self, text: &str, word: Range<usize>) -> bool {
        let before = &text.as_bytes()[..word.start];
        let near = &before[word.start.saturating_sub(NEAR_BYTES)..];
        let is_near = |name: &str| memchr::memmem::find(near, name.as_bytes()).is_some();
        match self.judge {
            Judge::Form | Judge::Random | Judge::Mixed | Judge::Sent => true,
            Judge::Strong => before
                .last()
                .is_none_or(|b| matches!(b, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'(' | b'`')),
            // The word says many things, but beside the protocol only one.
            Judge::Asked => {
                let behind = text.as_bytes().get(word.end + 1..word.end + 7);
                let is_string = behind.is_some_and(|behind| behind.eq_ignore_ascii_case(b"string"));
                is_string || ["snmp", "SNMP", "v2c"].into_iter().any(is_near)
            }
            Judge::Field => {
                let behind = &text.as_bytes()[word.start..];
                let behind = &behind[..behind.len().min(NEAR_BYTES / 2)];
                let is_named = memchr::memmem::find(behind, b"assword").is_some();
                is_named || ["assword", "pass", "pwd"].into_iter().any(is_near)
            }
            Judge::Typed => {
                let typed = &text[word.start..];
                let is_result = typed.starts_with("PASS Test");
                (typed.starts_with("AUTH ") || typed.starts_with("PASS "))
                    && !is_result
                    && (before.is_empty()
                        || [
                            &b"\n"[..],
                            b"> ",
                            b"\\n",
                            b"\\r",
                            b"$ ",
                            b"\"",
                            b"'",
                            b"cli ",
                            b": ",
                        ]
                        .iter()
                        .any(|end| before.ends_with(end)))
            }
        }
    }

    /// Whether a value that stands in the layout is a secret.
    pub(super) fn accepts(&self, value: &str) -> bool {
        match self.judge {
            Judge::Form => true,
            Judge::Sent => is_spoken_password(value) && !value.contains(['=', ';', '|', '(']),
            Judge::Strong => is_spoken_password(value) && is_drawn(value),
            Judge::Random => {
                let is_one = random_enough(value) || is_key_body(value);
                is_one && !looks_like_path(value) && check::Shape::of(value).digits > 0
            }
            Judge::Mixed | Judge::Typed | Judge::Field | Judge::Asked => {
                // `NAME=value` is a line of settings, judged by its name.
                let is_setting = value.trim_end_matches('=').contains('=');
                is_spoken_password(value) && !value.contains("://") && !is_setting
            }
        }
    }
}
