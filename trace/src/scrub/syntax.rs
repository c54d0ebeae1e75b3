//! What stands between a name and its value in the languages of programs: types, braces, markup, calls that only wrap.
//!
//! Neighbours: `context` asks where a value begins. Must not judge values.

use super::value::{REACH_BYTES, skip_space, skip_while};
use crate::normalise::boundary;

/// Behind the end of bold letters in `**Token:** ...` and behind the sign of a block in `token: >-`; `at` itself when there
/// is none.
pub(super) fn behind_markup(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    let is_bold = rest.starts_with(b"**") && !rest.starts_with(b"***");
    // `password: &name value` is kept for a second use.
    if rest.starts_with(b" &") {
        let name = rest[2..].iter().take(ANCHOR_BYTES_MAX);
        let length = name.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let end = 2 + length.count();
        let is_anchor = rest.get(end) == Some(&b' ') && rest.get(end + 1) != Some(&b'=');
        return at + if is_anchor { end } else { 0 };
    }
    let is_block = [b" |-", b" >-", b" |+", b" >+"]
        .iter()
        .any(|sign| rest.starts_with(*sign))
        || (at >= 1 && matches!(rest, [b'-' | b'+', b'\n', ..]));
    at + if is_bold {
        2
    } else if is_block {
        rest.iter()
            .take(3)
            .position(|b| matches!(b, b'-' | b'+'))
            .map_or(0, |n| n + 1)
    } else {
        0
    }
}

/// Longest name under which a value is kept.
const ANCHOR_BYTES_MAX: usize = 40;

/// Where the value begins that is named apart from its name, as in `- name: DB_PASSWORD` and `value: ...` below it or
/// `"key": "token", "value": ...`.
pub(super) fn behind_its_name(text: &str, name_end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(name_end + REACH_BYTES);
    let word = skip_while(bytes, name_end, limit, |b| {
        b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b',' | b'\\' | b'-')
    });
    // Behind the escape of a line end stands its letter.
    let escaped = bytes[..word].ends_with(b"\\") && bytes.get(word) == Some(&b'n');
    let word = skip_while(bytes, word + usize::from(escaped), limit, |b| {
        matches!(b, b' ' | b'"' | b'\'' | b'\\')
    });
    let rest = bytes.get(word..word + "value".len())?;
    // `fill_in "Password", with: "..."`
    if rest == b"with:" && text[name_end..word].contains(',') {
        return Some(word + rest.len());
    }
    let end = word + "value".len();
    let end = skip_while(bytes, end, limit, |b| {
        matches!(b, b'"' | b'\'' | b'\\' | b' ')
    });
    // `-Name Password -Value "..."`
    let is_flag = bytes[..word].ends_with(b" -") && bytes.get(end - 1) == Some(&b'"');
    if is_flag && rest.eq_ignore_ascii_case(b"value") {
        return Some(end - 1);
    }
    let assigns = matches!(bytes.get(end), Some(b'=' | b':'));
    (word > name_end && assigns && rest.eq_ignore_ascii_case(b"value")).then_some(end + 1)
}

/// Behind what stands in braces between a name and its value, as in `Token { get; set; } = ...` and
/// `variable "token" { default = ...`; `at` itself when there is nothing of the kind.
pub(super) fn behind_braces(text: &str, at: usize) -> usize {
    let far = boundary(text, text.len().min(at + BRACES_BYTES_MAX));
    let rest = text.get(at..far).unwrap_or("");
    let is_typed = rest
        .get(..TYPED.len())
        .is_some_and(|rest| rest.eq_ignore_ascii_case(TYPED));
    if is_typed {
        return at + TYPED.len();
    }
    // `Password (for the test system): ...`
    let is_apart = text[..at].ends_with(' ');
    let remark = rest.strip_prefix('(').and_then(|rest| rest.find(')'));
    let remark = remark.filter(|close| is_apart && *close > 0);
    if let Some(close) = remark.filter(|close| *close <= REMARK_BYTES_MAX)
        && rest[close + 2..].starts_with(':')
        && rest[1..=close]
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b == b' ')
    {
        return at + close + 2;
    }
    let Some(block) = text.get(at..far).and_then(|rest| rest.strip_prefix('{')) else {
        return at;
    };
    let close = block.find('}').unwrap_or(block.len());
    let inner = &block[..close];
    if let Some(found) = inner.find("default") {
        let behind = found + "default".len();
        let space = inner[behind..].len() - inner[behind..].trim_start().len();
        return at + 1 + behind + space;
    }
    let is_property = inner.contains("get;") && close < block.len();
    let behind = at + 1 + close + 1;
    if is_property {
        skip_space(text.as_bytes(), behind, far)
    } else {
        at
    }
}

/// How a type stands between a name and its value in Basic.
const TYPED: &str = "As String ";

/// Longest remark in brackets behind a name, bytes.
const REMARK_BYTES_MAX: usize = 40;

/// Farthest that braces are followed, bytes.
const BRACES_BYTES_MAX: usize = 200;

/// Behind the type in `token: string = ...`, `token string = ...` and `token: Option<String> = Some(...`; `at` itself when
/// there is none.
pub(super) fn after_type(text: &str, at: usize, limit: usize) -> usize {
    const TYPES: &[&str] = &[
        "string",
        "String",
        "str",
        "&str",
        "&'static str",
        "char*",
        "const char*",
        "Option<",
        "Optional[",
        "Secret",
        "std::string",
        "NSString",
        "Text",
        "bytes",
    ];
    /// What values are put into, without any change.
    const WRAPPERS: &[&str] = &[
        "Some(",
        "Just(",
        "String::from(",
        "SecretString::from(",
        "SecretString::new(",
        "SecretStr(",
        "Secret(",
        "Secret::new(",
        "new String(",
        "bytes.fromhex(",
        "bytearray.fromhex(",
        "binascii.unhexlify(",
        "unhexlify(",
        "hex.DecodeString(",
        "hex::decode(",
        "Hex.decode(",
        "Base64.decode64(",
        "[]byte(",
        "bytes(",
        "b64decode(",
        "base64.b64decode(",
        "Buffer.from(",
        "atob(",
        "@",
        "r",
        "b",
        "f",
        "u",
        "L",
    ];
    let bytes = text.as_bytes();
    let mut at = at;
    let start = skip_space(bytes, at, limit);
    if TYPES
        .iter()
        .any(|name| bytes[start..].starts_with(name.as_bytes()))
    {
        let equals = skip_while(bytes, start, limit, |b| {
            b.is_ascii_alphanumeric() || b"_<>[]|&?*:.' ".contains(&b)
        });
        if bytes.get(equals) == Some(&b'=') && bytes.get(equals + 1) != Some(&b'=') {
            at = equals + 1;
        }
    }
    let start = skip_space(bytes, at, limit);
    let wrapped = WRAPPERS.iter().find_map(|wrapper| {
        let inner = start + wrapper.len();
        let is_quoted = matches!(bytes.get(inner), Some(b'"' | b'\''));
        (is_quoted && bytes[start..].starts_with(wrapper.as_bytes())).then_some(inner)
    });
    wrapped.unwrap_or(at)
}
