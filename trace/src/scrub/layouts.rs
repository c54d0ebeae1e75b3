//! Layouts in which secrets are shown: a heading and the key below it, a command and what it printed, a phrase of words.
//!
//! Neighbours: `commands` looks for the words and asks here whether a value fits. Must not know the formats of single
//! providers.

use super::check;
use super::value::{is_drawn, is_key_body, is_spoken_password, looks_like_path, random_enough};

/// One way to show a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The word at which it begins.
    pub(super) word: &'static str,
    /// What follows the word; the first group is the secret.
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
}

const fn layout(word: &'static str, pattern: &'static str, judge: Judge) -> Layout {
    Layout {
        word,
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
    layout("api key", BELOW, Judge::Random),
    layout("api token", BELOW, Judge::Random),
    layout("api secret", BELOW, Judge::Random),
    layout("secret key", BELOW, Judge::Random),
    layout("access key", BELOW, Judge::Random),
    layout("access token", BELOW, Judge::Random),
    layout("signing key", BELOW, Judge::Random),
    layout("signing secret", BELOW, Judge::Random),
    layout("encryption key", BELOW, Judge::Random),
    layout("master key", BELOW, Judge::Random),
    layout("private key", BELOW, Judge::Random),
    layout("recovery key", BELOW, Judge::Random),
    layout("recovery code", BELOW, Judge::Random),
    layout("root token", BELOW, Judge::Random),
    layout("client secret", BELOW, Judge::Random),
    layout("shared secret", BELOW, Judge::Random),
    layout("new token", BELOW, Judge::Random),
    layout("your token", BELOW, Judge::Random),
    layout("app key", BELOW, Judge::Random),
    layout("bearer token", BELOW, Judge::Random),
    layout("webhook secret", BELOW, Judge::Random),
    layout(
        "unseal key",
        r"^(?:[ _]\(?[0-9]{1,2}\)?)?[\x22']?\s*[:=]\s*[\x22']?([A-Za-z0-9+/=-]{20,128})",
        Judge::Form,
    ),
    layout("openssl rand", PRINTED, Judge::Mixed),
    layout("wg genkey", PRINTED, Judge::Mixed),
    layout("pass show", PRINTED, Judge::Mixed),
    layout("op read", PRINTED, Judge::Mixed),
    layout("config:get", PRINTED, Judge::Mixed),
    layout("get-secret-value", PRINTED, Judge::Mixed),
    layout("get secret", PRINTED, Judge::Mixed),
    layout("secrets versions access", PRINTED, Judge::Mixed),
    layout("vault kv get -field", PRINTED, Judge::Mixed),
    layout("find-generic-password", PRINTED, Judge::Mixed),
    layout("print-access-token", PRINTED, Judge::Mixed),
    layout("auth token", PRINTED, Judge::Mixed),
    layout("pwgen", PRINTED, Judge::Mixed),
    layout("verification code", ONCE, Judge::Form),
    layout("security code", ONCE, Judge::Form),
    layout("one-time code", ONCE, Judge::Form),
    layout("one-time password", ONCE, Judge::Form),
    layout("one-time passcode", ONCE, Judge::Form),
    layout("login code", ONCE, Judge::Form),
    layout("unlock code", ONCE, Judge::Form),
    layout("pin code", ONCE, Judge::Form),
    layout("access code", ONCE, Judge::Form),
    layout("door code", ONCE, Judge::Form),
    layout("alarm code", ONCE, Judge::Form),
    layout("2fa code", ONCE, Judge::Form),
    layout("mfa code", ONCE, Judge::Form),
    layout("otp code", ONCE, Judge::Form),
    layout("bestätigungscode", ONCE, Judge::Form),
    layout("код подтверждения", ONCE, Judge::Form),
    layout("验证码", ONCE, Judge::Form),
    layout("otp", ONCE_SIGNED, Judge::Form),
    layout("totp", ONCE_SIGNED, Judge::Form),
    layout("user / pass", LOGIN, Judge::Mixed),
    layout("user/pass", LOGIN, Judge::Mixed),
    layout("user / password", LOGIN, Judge::Mixed),
    layout("user/password", LOGIN, Judge::Mixed),
    layout("username / password", LOGIN, Judge::Mixed),
    layout("username/password", LOGIN, Judge::Mixed),
    layout("login / password", LOGIN, Judge::Mixed),
    layout("login/password", LOGIN, Judge::Mixed),
    layout("benutzer / passwort", LOGIN, Judge::Mixed),
    layout("benutzer/passwort", LOGIN, Judge::Mixed),
    layout("zugangsdaten", LOGIN, Judge::Mixed),
    layout("identifiants", LOGIN, Judge::Mixed),
    layout("credenciales", LOGIN, Judge::Mixed),
    layout("credenziali", LOGIN, Judge::Mixed),
    layout("login", LOGIN, Judge::Mixed),
    layout("account", LOGIN, Judge::Mixed),
    layout("log in as", LOGIN, Judge::Mixed),
    layout("sign in with", LOGIN, Judge::Mixed),
    layout("signed in with", LOGIN, Judge::Mixed),
    layout("logged in with", LOGIN, Judge::Mixed),
    layout("logged in as", LOGIN, Judge::Mixed),
    layout("connect as", LOGIN, Judge::Mixed),
    layout("login(", TYPED_PAIR, Judge::Mixed),
    layout("sign_in(", TYPED_PAIR, Judge::Mixed),
    layout("signin(", TYPED_PAIR, Judge::Mixed),
    layout(".auth(", TYPED_PAIR, Judge::Mixed),
    // As servers of files are logged in to.
    layout(
        "pass ",
        r"^([^\s/.:(\\]{6,64})\s{0,3}(?:\n|\\n|\\r|$)",
        Judge::Typed,
    ),
    layout("authenticate(", TYPED_PAIR, Judge::Mixed),
    layout("create_user(", TYPED_PAIR, Judge::Mixed),
    layout("create_superuser(", TYPED_PAIR, Judge::Mixed),
    layout("register(", TYPED_PAIR, Judge::Mixed),
    layout(".connect(", TYPED_LAST, Judge::Mixed),
    layout("bcrypt.hash(", TYPED_FIRST, Judge::Mixed),
    layout("bcrypt.hashsync(", TYPED_FIRST, Judge::Mixed),
    layout("bcrypt.hashpw(", TYPED_FIRST, Judge::Mixed),
    layout("bcrypt.compare(", TYPED_FIRST, Judge::Mixed),
    layout("bcrypt.comparesync(", TYPED_FIRST, Judge::Mixed),
    layout("argon2.hash(", TYPED_FIRST, Judge::Mixed),
    layout("check_password(", TYPED_FIRST, Judge::Mixed),
    layout("send_keys(", TYPED_FIRST, Judge::Field),
    layout("sendkeys(", TYPED_FIRST, Judge::Field),
    layout(".type(", TYPED_FIRST, Judge::Field),
    layout(".fill(", TYPED_FIRST, Judge::Field),
    layout(
        "dockerconfigjson",
        r"^\\?[\x22']?\s?[:=]\s?\|?\s{0,12}\\?[\x22']?([A-Za-z0-9+/]{20,4000}={0,2})",
        Judge::Form,
    ),
    layout("root:", NAMED, Judge::Strong),
    layout("admin:", NAMED, Judge::Strong),
    layout("admin/", NAMED, Judge::Strong),
    layout("root/", NAMED, Judge::Strong),
    layout("basic_auth", PAIR, Judge::Form),
    layout("basicauth", PAIR, Judge::Form),
    layout("http_auth", PAIR, Judge::Form),
    layout("auth_basic", PAIR, Judge::Form),
    layout("community", COMMUNITY, Judge::Mixed),
    // What a script types for a person.
    layout("send \"", SENT, Judge::Sent),
    layout("send '", SENT, Judge::Sent),
    layout("send -- \"", SENT, Judge::Sent),
    layout("send \\\"", SENT, Judge::Sent),
    layout("sendline(\"", SENT_LINE, Judge::Sent),
    layout("sendline('", SENT_LINE, Judge::Sent),
    layout("send_user \"", SENT, Judge::Sent),
    layout("creds", LOGIN, Judge::Mixed),
    layout("credentials", LOGIN, Judge::Mixed),
    layout("login with", LOGIN, Judge::Mixed),
    layout("log in with", LOGIN, Judge::Mixed),
    layout("pin", ONCE_SIGNED, Judge::Form),
    layout("recovery codes", CODES, Judge::Mixed),
    layout("backup codes", CODES, Judge::Mixed),
    layout("license", GROUPS, Judge::Mixed),
    layout("license key", GROUPS, Judge::Mixed),
    layout("license_key", GROUPS, Judge::Mixed),
    layout("product_key", GROUPS, Judge::Mixed),
    layout("serial_key", GROUPS, Judge::Mixed),
    layout("activation key", GROUPS, Judge::Mixed),
    layout("activation_key", GROUPS, Judge::Mixed),
    layout("activation code", GROUPS, Judge::Mixed),
    layout("licence key", GROUPS, Judge::Mixed),
    layout("product key", GROUPS, Judge::Mixed),
    layout("serial key", GROUPS, Judge::Mixed),
    layout("secret_id", ID, Judge::Random),
    layout("secretid", ID, Judge::Random),
    layout("secret id", ID, Judge::Random),
    layout("mnemonic", PHRASE, Judge::Form),
    layout("seed phrase", PHRASE, Judge::Form),
    layout("seed words", PHRASE, Judge::Form),
    layout("seed", PHRASE, Judge::Form),
    layout("recovery phrase", PHRASE, Judge::Form),
    layout("secret phrase", PHRASE, Judge::Form),
    layout("backup phrase", PHRASE, Judge::Form),
    // Where container tools keep logins.
    layout(
        "\"auths\"",
        r"^\s*:\s*\{\s*\x22[^\x22\n]{1,200}\x22\s*:\s*\{[^{}]{0,200}?\x22auth\x22\s*:\s*\x22([A-Za-z0-9+/]{12,400}={0,2})\x22",
        Judge::Form,
    ),
    layout(
        "\"auth\"",
        r"^\s*:\s*\x22([A-Za-z0-9+/]{20,400}={0,2})\x22",
        Judge::Random,
    ),
    layout(
        "\\\"auth\\\"",
        r"^\s*:\s*\\\x22([A-Za-z0-9+/]{20,400}={0,2})\\\x22",
        Judge::Random,
    ),
    // As stores of keys and mail servers are logged in to.
    layout(
        "auth ",
        r"^(?:default |[a-z][a-z0-9_-]{1,30} |PLAIN |LOGIN )?[\x22']?([^\s\x22'\\$]{6,200})[\x22']?[ \t]*(?:\r?\n|\\n|\\r|[\x22']|$)",
        Judge::Typed,
    ),
    layout(
        "setuser ",
        r"^[^\n>]{1,80}>([^\s\x22'$]{4,200})",
        Judge::Form,
    ),
];

/// How far before a word the name of its protocol is looked for, bytes.
const NEAR_BYTES: usize = 120;

impl Layout {
    /// Whether the layout can begin at `at`.
    pub(super) fn begins(&self, text: &str, at: usize) -> bool {
        let before = &text.as_bytes()[..at];
        if self.judge == Judge::Strong {
            return before
                .last()
                .is_none_or(|b| matches!(b, b' ' | b'\n' | b'\t' | b'"' | b'\'' | b'(' | b'`'));
        }
        // `community` says many things, but beside the protocol only one.
        if self.word == "community" {
            let near = &before[at.saturating_sub(NEAR_BYTES)..];
            let has = |word: &[u8]| memchr::memmem::find(near, word).is_some();
            let rest = &text.as_bytes()[at + self.word.len()..];
            let is_string = rest
                .get(1..7)
                .is_some_and(|s| s.eq_ignore_ascii_case(b"string"));
            return is_string || has(b"snmp") || has(b"SNMP") || has(b"v2c");
        }
        if self.judge == Judge::Field {
            let near = &before[at.saturating_sub(NEAR_BYTES)..];
            let has = |word: &[u8]| memchr::memmem::find(near, word).is_some();
            let rest = &text.as_bytes()[at..(at + NEAR_BYTES / 2).min(text.len())];
            let is_named = memchr::memmem::find(rest, b"assword").is_some();
            return is_named || has(b"assword") || has(b"pass") || has(b"pwd");
        }
        if self.judge != Judge::Typed {
            return true;
        }
        let ends = |end: &[u8]| before.ends_with(end);
        let is_result = text[at..].starts_with("PASS Test");
        (text[at..].starts_with("AUTH ") || text[at..].starts_with("PASS "))
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
                .any(|end| ends(end)))
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
            Judge::Mixed | Judge::Typed | Judge::Field => {
                // `NAME=value` is a line of settings, judged by its name.
                let is_setting = value.trim_end_matches('=').contains('=');
                is_spoken_password(value) && !value.contains("://") && !is_setting
            }
        }
    }
}
