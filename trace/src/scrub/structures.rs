//! Secrets with a structure of their own: key blocks, web tokens, addresses with credentials.
//!
//! Neighbours: the scrubber asks for findings. Must not judge values by the words around them.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::check;
use super::pattern::Pattern;
use super::placeholder::Label;
use super::scrubber::Finding;
use crate::normalise::boundary;

/// (a piece that every match holds, the pattern; the first group, or else all of it, is secret)
pub(super) const PATTERNS: &[(&str, &str)] = &[
    // JSON web tokens, also without signature, also in base64 as a whole.
    (
        "eyJ",
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_/+=-]*)?",
    ),
    ("ZXlK", r"(?-u:\b)ZXlK[A-Za-z0-9+/]{30,}={0,2}"),
    // Credentials before the host of an address.
    (
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{1,15}://([^\s:/@'\x22<>]{0,80}:[^\s/@'\x22<>]{1,200})@",
    ),
    // Credentials of a package host, named in the environment.
    (
        "BUNDLE_",
        r"BUNDLE_[A-Z0-9_]{2,60}__[A-Z]{2,10}[\x22']?[ ]{0,2}[:=]{1,2}[ ]{0,2}[\x22']?([^\s:\x22';&]{2,80}:[^\s\x22';&]{2,80})",
    ),
    // Addresses that are keys themselves.
    (
        "hooks.slack.com/",
        r"((?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})",
    ),
    (
        "discord",
        r"((?:https?://)?(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{20,})",
    ),
    (
        "webhook.office.com",
        r"((?:https?://)?[a-z0-9-]{0,40}\.?webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{30,})",
    ),
    (
        "hooks.zapier.com/",
        r"((?:https?://)?hooks\.zapier\.com/hooks/catch/[0-9]+/[A-Za-z0-9/]{5,})",
    ),
    (
        "webhook",
        r"((?:https?://)?(?:outlook\.office\.com/webhook|[a-z0-9.-]{1,60}\.logic\.azure\.com)[A-Za-z0-9@/:?=&%._-]{30,})",
    ),
    (
        "api.telegram.org/",
        r"api\.telegram\.org/(?:file/)?bot([0-9]{7,11}:[A-Za-z0-9_-]{30,40})",
    ),
    // A token alone before the host of an address.
    ("://", r"://([A-Za-z0-9_-]{20,255})@"),
    // Signed addresses.
    (
        "ig",
        r"[?&;, ](?:sig|[Ss]ignature|X-Amz-Signature|X-Goog-Signature)=([A-Za-z0-9%+/=_-]{20,})",
    ),
    // A number and a key of known length: bot tokens, tokens of an application.
    (
        ":A",
        r"(?:(?-u:\b)|/bot)([0-9]{7,11}:A[A-Za-z0-9_-]{33,36})(?-u:\b)",
    ),
    (
        "@tcp(",
        r"([^\s:/@\x22'=]{1,60}:[^\s:/@\x22']{3,100})@tcp\(",
    ),
    (
        "@unix(",
        r"([^\s:/@\x22'=]{1,60}:[^\s:/@\x22']{3,100})@unix\(",
    ),
    ("|", r"(?-u:\b)([0-9]{14,17}\|[A-Za-z0-9_-]{27})(?-u:\b)"),
    (
        ":APA91",
        r"(?-u:\b)([A-Za-z0-9_-]{11,22}:APA91[A-Za-z0-9_-]{100,160})",
    ),
    // Passwords as systems store them: the way, the salt and the hash.
    ("$2", r"(\$2[abxy]?\$[0-9]{2}\$[A-Za-z0-9./]{53})"),
    ("$argon2", r"(\$argon2(?:id|i|d)\$[A-Za-z0-9=,$+/]{30,200})"),
    ("$apr1$", r"(\$apr1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22})"),
    ("$1$", r"(\$1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22})"),
    (
        "$5$",
        r"(\$5\$(?:rounds=[0-9]{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43})",
    ),
    (
        "$6$",
        r"(\$6\$(?:rounds=[0-9]{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{86})",
    ),
    ("$y$", r"(\$y\$[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./$]{30,110})"),
    (
        "pbkdf2_",
        r"(?-u:\b)(pbkdf2_sha[0-9]{1,3}\$[0-9]{1,9}\$[A-Za-z0-9./+=-]{1,64}\$[A-Za-z0-9+/=]{27,90})",
    ),
    ("{SHA", STORED),
    ("{SSHA", STORED),
    ("{MD5}", STORED),
    ("{SMD5}", STORED),
    ("{CRYPT}", STORED),
    ("{PBKDF2", STORED),
    (
        "SCRAM-SHA-",
        r"(SCRAM-SHA-[0-9]{1,3}\$[0-9]{1,7}:[A-Za-z0-9+/=]{12,60}\$[A-Za-z0-9+/=]{20,90}:[A-Za-z0-9+/=]{20,90})",
    ),
    (":::", r"(?-u:\b)([0-9a-fA-F]{32}:[0-9a-fA-F]{32}):::"),
    ("md5", r"(?-u:\b)(md5[0-9a-f]{32})(?-u:\b)"),
    ("$krb5", r"(\$krb5(?:tgs|asrep|pa)\$[^\s\x22']{20,4000})"),
    (
        "response=",
        r"(?i)digest [^\n]{1,400}?response=\\?\x22([0-9a-f]{32,64})\\?\x22",
    ),
    (
        "oracle:",
        r"oracle:(?:thin|oci8?):([^\s/:@\x22']{1,60}/[^\s@\x22'$]{2,100})@",
    ),
    // A line of the file of a database's passwords.
    (
        ":5432:",
        r"(?m)(?:^|\s)[A-Za-z0-9.*_-]{1,100}:5432:[^\s:]{1,63}:[^\s:]{1,63}:(\S{4,200})$",
    ),
    // Three parts, the first is a number in base64.
    (
        ".",
        r"(?-u:\b)([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})(?-u:\b)",
    ),
    // Keys with a mark in the middle or at the end.
    ("-us", r"(?-u:\b)([0-9a-f]{32}-us[0-9]{1,2})(?-u:\b)"),
    (
        "_mmk",
        r"(?-u:\b)([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?-u:\b)",
    ),
    (
        ".atlasv1.",
        r"(?-u:\b)([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70})",
    ),
    ("Q~", r"([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    // Keys in groups of known length.
    (
        "A3-",
        r"(?-u:\b)(A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})(?-u:\b)",
    ),
    ("pat", r"(?-u:\b)(pat[A-Za-z0-9]{14}\.[0-9a-f]{64})(?-u:\b)"),
    ("SK", r"(?-u:\b)(SK[0-9a-f]{32})(?-u:\b)"),
    (
        "at.",
        r"(?-u:\b)([ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20})(?-u:\b)",
    ),
    (
        "pk.",
        r"(?-u:\b)(pk\.[A-Za-z0-9]{60}\.[A-Za-z0-9]{22})(?-u:\b)",
    ),
    ("live_", r"(?-u:\b)(live_(?:pub_)?[0-9a-f]{31,35})(?-u:\b)"),
    ("test_", r"(?-u:\b)(test_(?:pub_)?[0-9a-f]{31,35})(?-u:\b)"),
    ("NRAL", r"(?-u:\b)([0-9a-f]{32,36}(?:FFFF)?NRAL)(?-u:\b)"),
    ("pk_", r"(?-u:\b)(pk_[0-9]{6,10}_[A-Z0-9]{32})(?-u:\b)"),
    (
        "st.",
        r"(?-u:\b)(st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32})(?-u:\b)",
    ),
    ("_session=", r"_gitlab_session=([0-9a-f]{32})"),
    ("sessionid=", r"(?-u:\b)sessionid=([a-z0-9]{32})(?-u:\b)"),
    ("key=", r"[?&]key=([0-9a-f]{32,64})(?-u:\b)"),
    // Cookies of known names.
    (
        "_session=",
        r"(?:laravel|ci|rails|user|auth|web|app)_session=([A-Za-z0-9%._=-]{20,})",
    ),
    (
        "logged_in_",
        r"wordpress_logged_in_[0-9a-f]{32}=([A-Za-z0-9%|._-]{20,})",
    ),
    ("li_at=", r"(?-u:\b)li_at=([A-Za-z0-9_-]{30,})"),
    ("ASPXAUTH=", r"ASPXAUTH=([A-Za-z0-9_-]{30,})"),
    (
        ".AspNetCore.",
        r"\.AspNetCore\.[A-Za-z.]{1,40}=([A-Za-z0-9_-]{30,})",
    ),
    // As tools list the accounts of a test network and their keys.
    (") 0x", r"\([0-9]{1,3}\) (0x[0-9a-fA-F]{64})(?-u:\b)"),
    (
        "accounts",
        r"accounts[\x22']?\s?[:=]\s?\[\s{0,20}[\x22'](0x[0-9a-fA-F]{64})[\x22']",
    ),
    (
        "keyName",
        r"keyName[\x22']\s?:\s?[\x22'][A-Za-z0-9_-]{1,40}[\x22'][^{}]{1,200}?value[\x22']\s?:\s?[\x22']([A-Za-z0-9+/]{40,88}={0,2})[\x22']",
    ),
    ("API-", r"(?-u:\b)(API-[A-Z0-9]{26})(?-u:\b)"),
    ("tfp_", r"(?-u:\b)(tfp_[A-Za-z0-9_.=-]{59})"),
    ("YC", r"(?-u:\b)(YC[A-Za-z0-9_-]{38})(?-u:\b)"),
    ("s.", r"(?-u:\b)(s\.[A-Za-z0-9]{24})(?-u:\b)"),
    ("4b1d", r"(?-u:\b)(4b1d[A-Za-z0-9]{38})(?-u:\b)"),
    (
        "dnkey-",
        r"(?-u:\b)(dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52})",
    ),
    ("endr+", r"(?-u:\b)(endr\+[A-Za-z0-9-]{16})(?-u:\b)"),
    ("b_", r"(?-u:\b)(b_[a-z0-9=-]{44})(?-u:\b)"),
    ("BSA", r"(?-u:\b)(BSA[A-Za-z0-9_-]{27,29})(?-u:\b)"),
    (
        "re_",
        r"(?-u:\b)(re_[A-Za-z0-9]{7,9}_[A-Za-z0-9]{20,28})(?-u:\b)",
    ),
    (
        "KEY0",
        r"(?-u:\b)(KEY0[0-9A-F]{31}_[A-Za-z0-9]{20,24})(?-u:\b)",
    ),
    ("oauth:", r"(?-u:\b)oauth:([a-z0-9]{30})(?-u:\b)"),
    ("K10", r"(?-u:\b)(K10[0-9a-f]{64}::[A-Za-z0-9:._-]{8,100})"),
    (
        "/",
        r"(?-u:\b)([12]/[0-9]{15,17}(?:/[0-9]{15,17})?:[0-9a-f]{32})(?-u:\b)",
    ),
    (".local.", r"(?-u:\b)(v[1-4]\.local\.[A-Za-z0-9_-]{40,})"),
    // What a login gives back to the page that asked for it.
    ("code=", r"(?:[?&\x22'#]|^|\s)code=([A-Za-z0-9/_%.~-]{20,})"),
    ("SSWS ", r"(?-u:\b)SSWS (00[A-Za-z0-9_-]{38,42})"),
    (
        "ticket=",
        r"[?&]ticket=((?:ST|PT|TGT)-[0-9]+-[A-Za-z0-9_.-]{10,})",
    ),
    // The key that is used when the environment has none.
    ("0x", r"(?:\|\||\?\?)\s?[\x22'](0x[0-9a-fA-F]{64})[\x22']"),
    // A name of an account and its key, as clients are called with.
    (
        "AC",
        r"(?-u:\b)AC[0-9a-f]{32}[\x22']?\s?[,:]\s?[\x22']?([0-9a-f]{32})(?-u:\b)",
    ),
    // Ids of an account that are half of its credentials, beside the name of their service.
    ("sumo", SUMO_ID),
    ("SUMO", SUMO_ID),
    ("Sumo", SUMO_ID),
];

/// As directories store passwords.
const STORED: &str =
    r"\{(?:S?SHA[0-9]{0,3}|S?MD5|CRYPT|PBKDF2[A-Z0-9-]{0,12})\}([A-Za-z0-9+/=$.]{13,200})";

const SUMO_ID: &str = r"(?i:sumo)[A-Za-z0-9_.-]{0,20}[\x22']?[ ]{0,2}[:=]>?[ ]{0,2}[\x22']?(su[A-Za-z0-9]{12})(?-u:\b)";

/// What documents write where the password stands in an address: `postgres://USER:PASSWORD@host`.
const STAND_INS: &[&str] = &["PASSWORD", "PASSWD", "PASS", "PWD", "SECRET", "TOKEN"];

/// Pieces whose patterns names fit as well.
const MIXED: &[&[u8]] = &[b"s.", b"YC", b"API-", b"BSA", b"re_", b"code="];

/// Finds key blocks and structured tokens.
#[derive(Debug)]
pub(super) struct Structures {
    /// The pieces of all patterns, looked for at once: most texts hold none.
    pieces: AhoCorasick,
    patterns: Vec<Pattern>,
}

impl Structures {
    pub(super) fn new() -> Self {
        let pieces = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(PATTERNS.iter().map(|(piece, _)| piece))
            .expect("the table of patterns is small and fixed");
        let patterns = PATTERNS.iter().map(|(_, text)| Pattern::new(text));
        Self {
            pieces,
            patterns: patterns.collect(),
        }
    }

    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        key_blocks(text, findings);
        putty_lines(text, findings);
        let mut held = [false; PATTERNS.len()];
        for hit in self.pieces.find_overlapping_iter(text) {
            held[hit.pattern().as_usize()] = true;
        }
        let held = held.iter().zip(PATTERNS).zip(&self.patterns);
        for ((_, (piece, _)), regex) in held.filter(|((held, _), _)| **held) {
            let piece = piece.as_bytes();
            for captures in regex.captures_iter(text) {
                let Some(found) = captures.get(1).or_else(|| captures.get(0)) else {
                    continue;
                };
                let value = found.as_str();
                let is_stand_in = |part: &str| {
                    part.starts_with('{') || part.starts_with('<') || part.starts_with('%')
                };
                let password = value
                    .rsplit_once(':')
                    .map_or(value, |(_, password)| password);
                // As programs show an address in a log.
                let is_masked =
                    password.bytes().all(|b| b == b'*') || STAND_INS.contains(&password);
                let reference = is_masked
                    || [value, password].iter().any(|part| {
                        is_stand_in(part) || part.starts_with('$') && !piece.starts_with(b"$")
                    });
                // Names of the same length hold no digits.
                let is_name =
                    MIXED.contains(&piece) && !value.bytes().any(|byte| byte.is_ascii_digit());
                if !reference && !is_name && !check::is_dummy(value) {
                    findings.push(Finding::new(found.range(), Label::Secret));
                }
            }
        }
    }
}

/// Private key blocks, also cut off before their end and with line ends written as `\n`.
fn key_blocks(text: &str, findings: &mut Vec<Finding>) {
    let mut from = 0;
    while let Some((start, name_start)) = mark(text, from, "BEGIN ") {
        let name_limit = boundary(text, text.len().min(name_start + 40));
        from = name_start;
        let Some(name_end) = text[name_start..name_limit].find("----") else {
            continue;
        };
        if !text[name_start..name_start + name_end].contains("PRIVATE KEY") {
            continue;
        }
        let body_start = name_start + name_end + 4;
        let end = match mark(text, body_start, "END ") {
            Some((_, tail)) => {
                let tail_limit = boundary(text, text.len().min(tail + 40));
                let closing = &text[tail..tail_limit];
                closing.find("----").map_or(tail, |n| {
                    let dashes = closing[n..].bytes().take_while(|b| *b == b'-').count();
                    tail + n + dashes.min(5)
                })
            }
            // Cut off: everything that can belong to the key goes.
            None => text.len(),
        };
        findings.push(Finding::new(start..end, Label::PrivateKey));
        from = end;
    }
}

/// The private part of a key file of PuTTY, which has no end of its own: lines of base64 behind their number.
fn putty_lines(text: &str, findings: &mut Vec<Finding>) {
    const HEAD: &str = "Private-Lines:";
    let bytes = text.as_bytes();
    for at in memchr::memmem::find_iter(bytes, HEAD) {
        let is_body = |b: &u8| b.is_ascii_alphanumeric() || b"+/= \r\n\\".contains(b);
        let far = bytes.len().min(at + HEAD.len() + PUTTY_BYTES_MAX);
        let rest = &text[at + HEAD.len()..boundary(text, far)];
        let mut number = rest.bytes().take(NUMBER_BYTES_MAX);
        let Some(line) = number.position(|b| matches!(b, b'\n' | b'\\')) else {
            continue;
        };
        let body = &rest[line..];
        let end = body
            .bytes()
            .position(|b| !is_body(&b))
            .unwrap_or(body.len());
        let body = body[..end].strip_suffix("Private").unwrap_or(&body[..end]);
        let escaped = body.starts_with("\\n") || body.starts_with("\\r");
        let open = if escaped { 2 } else { 1 };
        let value = body.get(open..).unwrap_or("");
        let value = value.trim_end_matches([' ', '\r', '\n']);
        let value = value.strip_suffix("\\n").unwrap_or(value);
        if value.len() >= PUTTY_BYTES_MIN {
            let start = at + HEAD.len() + line + open;
            findings.push(Finding::new(start..start + value.len(), Label::PrivateKey));
        }
    }
}

/// Sizes of what stands behind `Private-Lines`, bytes.
const NUMBER_BYTES_MAX: usize = 16;
const PUTTY_BYTES_MIN: usize = 24;
const PUTTY_BYTES_MAX: usize = 8192;

/// Start and end of the next mark such as `-----BEGIN ` or `---- BEGIN `, at or after `from`.
fn mark(text: &str, from: usize, word: &str) -> Option<(usize, usize)> {
    let mut low = from;
    while let Some(offset) = text[low..].find(word) {
        let at = low + offset;
        let before = &text[from..at];
        for dashes in ["-----", "---- "] {
            if before.ends_with(dashes) {
                return Some((at - dashes.len(), at + word.len()));
            }
        }
        low = at + word.len();
    }
    None
}
