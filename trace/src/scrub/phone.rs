//! Phone numbers: the forms in which people write them, and the words beside them.
//!
//! Neighbours: `pii` finds runs of digits and asks here. Must not take dates, versions and counts.

use std::ops::Range;

use super::near;

/// How sure the words beside a number are that it is one of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spoken {
    /// Nothing says so.
    No,
    /// A verb that phones share with much else, as in `call 5551230001`.
    Perhaps,
    /// A word for phones, as in `mobile: 5551230001`.
    Yes,
}

/// A phone number: an international prefix, a written form, or digits beside a word for it.
pub(super) fn is_phone(value: &str, spoken: Spoken) -> bool {
    let main = without_extension(value);
    let digits = main.bytes().filter(u8::is_ascii_digit).count();
    let plain = main.bytes().all(|b| b.is_ascii_digit());
    if !(7..=15).contains(&digits) || looks_like_time_or_version(main) {
        return false;
    }
    if main.starts_with('+') || main.starts_with("(+") {
        return digits >= 8;
    }
    if main.starts_with("00") && digits >= 10 && !plain {
        return true;
    }
    match (plain, spoken) {
        (true, Spoken::No) => false,
        // `call 1234567 times` counts; a number to call is longer.
        (true, Spoken::Perhaps) => digits >= 9,
        (_, Spoken::Perhaps | Spoken::Yes) => true,
        (false, Spoken::No) => is_written_phone(main),
    }
}

/// Nine digits in threes as several countries write them, when nothing else stands in its place.
pub(super) fn is_three_by_three(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == 11
        && matches!(bytes[0], b'5'..=b'9')
        && matches!(bytes[3], b' ' | b'-')
        && bytes[3] == bytes[7]
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() == 9
        && !value.ends_with("000")
}

/// Whether what stands around the number at `range` says that it counts something: years, a range, the time of a day, the bytes
/// of a dump, an entry of a register, a constant of a program.
pub(super) fn is_counted(text: &str, range: Range<usize>) -> bool {
    const REGISTERS: &[&str] = &[
        "cve-", "cwe-", "arxiv:", "arxiv ", "doi:", "isbn:", "isbn ", "pmid:", "pmid ",
    ];
    let value = &text[range.clone()];
    let before = near::before(text, range.start, BESIDE_BYTES).to_ascii_lowercase();
    let behind = near::behind(text, range.end, BESIDE_BYTES);
    // `185133..186805`; a sentence may end with dots.
    let is_digit = |c: char| c.is_ascii_digit();
    let is_range = before
        .strip_suffix("..")
        .is_some_and(|lead| lead.ends_with(is_digit))
        || behind
            .strip_prefix("..")
            .is_some_and(|rest| rest.starts_with(is_digit));
    let is_entry = REGISTERS.iter().any(|name| before.ends_with(name));
    // `const LIMIT: u32 = ...`
    let typed = before.strip_suffix(" = ").unwrap_or("");
    let typed = typed.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    let is_typed = typed.is_some_and(|name| {
        let bits = name.strip_prefix(['i', 'u']).unwrap_or("");
        matches!(bits, "8" | "16" | "32" | "64" | "128" | "size")
    });
    let digits = value.bytes().filter(u8::is_ascii_digit);
    let is_alphabet = digits.eq(*b"0123456789");
    is_range
        || is_entry
        || is_typed
        || is_alphabet
        || is_years(value)
        || is_time(&before)
        || is_dump(value, &before, behind)
}

/// `2003-2010`
fn is_years(value: &str) -> bool {
    let year = |part: &str| {
        part.len() == 4
            && (part.starts_with("19") || part.starts_with("20"))
            && part.bytes().all(|b| b.is_ascii_digit())
    };
    let years = value.split_once(['-', '\u{2013}']);
    years.is_some_and(|(first, last)| year(first.trim()) && year(last.trim()))
}

/// Whether hours and minutes stand before the number, which are followed by seconds and their parts.
fn is_time(before: &str) -> bool {
    let bytes = before.as_bytes();
    matches!(
        bytes,
        [.., b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9', b':']
    )
}

/// Pairs of digits in a row of pairs, some of which hold letters.
fn is_dump(value: &str, before: &str, behind: &str) -> bool {
    let is_pair = |pair: &str| {
        pair.len() == 2
            && pair.bytes().all(|b| b.is_ascii_hexdigit())
            && pair.bytes().any(|b| b.is_ascii_digit())
            && pair.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let beside = before.trim_end_matches(' ').rsplit(' ').next();
    let next = behind.trim_start_matches(' ').split(' ').next();
    value.split(' ').all(|group| group.len() == 2)
        && (beside.is_some_and(is_pair) || next.is_some_and(is_pair))
}

/// The number before its extension.
fn without_extension(value: &str) -> &str {
    value.split(['x', 'X']).next().unwrap_or(value).trim_end()
}

/// Forms that people write phone numbers in: `(555) 010-7788`, `555-010-7788`, `555.010.7788`.
fn is_written_phone(main: &str) -> bool {
    let groups: Vec<usize> = main
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .map(str::len)
        .collect();
    // `070-636 13 03`: the first separator may be another one than the rest.
    let kinds: Vec<char> = main
        .chars()
        .filter(|c| matches!(c, '-' | '.' | ' ' | '/'))
        .collect();
    let separators_same = kinds.windows(2).all(|pair| pair[0] == pair[1]);
    let rest_same = kinds.windows(2).skip(1).all(|pair| pair[0] == pair[1]);
    let bracket = main.starts_with('(') && main.contains(')');
    let bracketed = main.contains('(') && main.contains(')');
    let digits: usize = groups.iter().sum();
    let national = main.starts_with('0') && !main.starts_with("00");
    match groups.as_slice() {
        [3, 3, 4] | [1, 3, 3, 4] => separators_same || bracketed,
        [1, 3, 3, 2, 2] => bracketed,
        [3, 7] | [4, 6] => bracket || (national && !main.contains('.')),
        // National form: the first group begins with a zero.
        [2..=5, 5..=8] => national && (9..=12).contains(&digits) && !main.contains('.'),
        [2, 2, 2, 2, 2] if national => separators_same,
        [2..=5, _, _] | [2..=5, _, _, _] | [2..=5, 2, 2, 2, 2] => {
            let long = groups[0] > 2 || groups.len() > 3 || digits >= 9;
            // `0123-04-05` is a day.
            let is_day = groups.starts_with(&[4, 2, 2]);
            bracket || (national && long && rest_same && !is_day && !main.contains('.'))
        }
        _ => bracket && groups.len() >= 2,
    }
}

/// What the words around the number at `range` say about it.
pub(super) fn spoken(text: &str, range: Range<usize>) -> Spoken {
    const NOUNS: &[&str] = &[
        "phone",
        "ph. ",
        "tel:",
        "tel.",
        "tel ",
        "tel=",
        "mobile",
        "whatsapp",
        "hotline",
        "voicemail",
        "landline",
        "telefon",
        "tél",
        "(t)",
        "(m)",
        "(p)",
        "teléfono",
        "téléphone",
        "telefono",
        "móvil",
        "celular",
        "cellul",
        "handyn",
        "faxn",
        "my number",
        "his number",
        "her number",
        "their number",
        "new number",
        "office number",
        "contact number",
        "number is",
        "rufnummer",
        "puhelin",
        "telephone",
        "тел",
        "моб",
        "сотов",
        "номер",
        "电话",
        "電話",
        "手机",
        "手機",
        "携帯",
        "联系方式",
        "連絡先",
        "전화",
        "휴대폰",
        "연락처",
        "هاتف",
        "جوال",
        "موبايل",
        "موبایل",
        "تلفن",
        "رقم",
        "फोन",
        "फ़ोन",
        "मोबाइल",
        "ফোন",
        "মোবাইল",
        "โทร",
        "τηλ",
        "κινητό",
        "טלפון",
        "נייד",
        "điện thoại",
        "sđt",
        "số máy",
    ];
    const VERBS: &[&str] = &[
        "answering",
        "answer at",
        "pick up",
        "picks up",
        "picking up",
        "picked up",
        "transfer me",
        "code to",
        "number from",
        "number to",
        "update my number",
        "message at",
        "the number ",
        "i am at ",
        "office:",
        "home:",
        "work:",
    ];
    // Words that stand inside others, in whole: `recall`, `Calle` and `IOCTL_CALL` say nothing of phones.
    const SHORT_NOUNS: &[&str] = &["cell", "cellular", "fax", "faxes", "sms", "gsm", "handy"];
    const SHORT_VERBS: &[&str] = &[
        "call",
        "calls",
        "called",
        "calling",
        "callback",
        "caller",
        "callers",
        "dial",
        "dialed",
        "dialled",
        "dialing",
        "reach",
        "reached",
        "contact",
        "contacts",
        "contacted",
        "contacting",
        "contacto",
        "contactez",
        "contactar",
        "reaching",
        "reachable",
        "ring",
        "text",
        "texted",
        "texting",
        "texts",
        "urgent",
    ];
    const BEHIND: &[&str] = &[
        "is my phone",
        "is my number",
        "is my mobile",
        "is my cell",
        "is the number",
        "is her number",
        "is his number",
        "is the phone",
        "but nobody answers",
        "but no one answers",
        "and the mobile",
        "(mobile)",
        "(cell)",
        "(home)",
        "(work)",
        "(office)",
        "to my contacts",
    ];
    let before = near::before(text, range.start, BESIDE_BYTES).to_lowercase();
    let has = |words: &[&str], side: &str| words.iter().any(|word| side.contains(word));
    let has_whole = |words: &[&str], joint: fn(char) -> bool| {
        let mut parts = before.split(|c: char| !(c.is_alphanumeric() || joint(c)));
        parts.any(|part| words.contains(&part))
    };
    if has(NOUNS, &before) || has_whole(SHORT_NOUNS, |_| false) || is_initial(&before) {
        return Spoken::Yes;
    }
    let behind = near::behind(text, range.end, BESIDE_BYTES).to_lowercase();
    let is_asked = has(VERBS, &before) || has_whole(SHORT_VERBS, |c| c == '_');
    if is_asked || has(BEHIND, behind.trim_start()) {
        return Spoken::Perhaps;
    }
    Spoken::No
}

/// How far the words for phones are looked for, bytes.
const BESIDE_BYTES: usize = 32;

/// Whether a line or a part of one begins with the letter for phones: `T: ...`, `M: ...`.
fn is_initial(before: &str) -> bool {
    let Some(rest) = before.trim_end().strip_suffix(':') else {
        return false;
    };
    let mut last = rest.chars().rev();
    let letter = matches!(last.next(), Some('t' | 'm' | 'p' | 'f'));
    letter
        && last
            .next()
            .is_none_or(|c| c == '\n' || c == '|' || c == ',')
}

/// `2024-05-13 10:30`, `10.0.19041.1`, `1.2.3`: digits with separators that are no phone number.
fn looks_like_time_or_version(value: &str) -> bool {
    let groups: Vec<&str> = value
        .split(|c: char| !c.is_ascii_digit())
        .filter(|g| !g.is_empty())
        .collect();
    let year =
        |group: &&str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let date = groups.len() >= 3
        && (groups.first().is_some_and(year) && groups[1].len() <= 2
            || groups.get(2).is_some_and(year) && groups[0].len() <= 2 && groups[1].len() <= 2);
    let date = date && !value.starts_with('+');
    // Five pairs of digits with dots are how the French write a number.
    let pairs = groups.len() == 5 && value.starts_with('0') && groups.iter().all(|g| g.len() == 2);
    // With the sign for abroad and as many digits it is one: `+1.650.555.0100`.
    let digits: usize = groups.iter().map(|group| group.len()).sum();
    let is_abroad = value.starts_with('+') && digits >= 10;
    let dotted = value.contains('.') && groups.len() >= 4 && !pairs && !is_abroad;
    date || dotted
}
