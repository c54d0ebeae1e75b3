//! What a session line says, in one vocabulary for all formats.
//!
//! Neighbours: `formats` make events, `detect` reads them. Must not know any format's field names.
//! Everything borrows from the line; long texts stay escaped until somebody asks for a piece of them.

mod counts;

use std::borrow::Cow;

pub use counts::EventCounts;

/// One thing that happened in a session.
#[derive(Clone, Debug)]
pub struct SessionEvent<'a> {
    /// Line in the file, from 1.
    pub line: u64,
    /// Milliseconds since 1970 in UTC, when the line says.
    pub at_ms: Option<i64>,
    /// What happened.
    pub body: Body<'a>,
}

/// The kinds of event.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// A turn in the user role, typed by a person or made by the harness.
    User(UserTurn<'a>),
    /// A turn of the model that did not fail.
    Assistant(AssistantTurn<'a>),
    /// The model asked for a tool.
    ToolCall(ToolCall<'a>),
    /// A tool answered.
    ToolResult(ToolResult<'a>),
    /// A turn of the model failed at the provider.
    ProviderError(ProviderError<'a>),
    /// A person stopped the agent.
    Interrupt(Cow<'a, str>),
    /// The harness tells the agent about something that ran elsewhere.
    Notice(Notice),
    /// One finished run of a scheduled job.
    CronRun(CronRun<'a>),
    /// A line of the gateway's log.
    Gateway(GatewayRecord<'a>),
}

/// A turn in the user role.
#[derive(Clone, Debug, Default)]
pub struct UserTurn<'a> {
    /// The whole text, envelopes and all.
    pub text: Cow<'a, str>,
    /// What a person typed, envelopes taken off; empty when no person did.
    pub human: String,
    /// Whether the person waits for an answer here: false in groups, where the agent may rightly stay silent.
    pub waiting: bool,
}

/// A turn of the model.
#[derive(Clone, Debug, Default)]
pub struct AssistantTurn<'a> {
    /// The spoken text, without thinking.
    pub text: Cow<'a, str>,
    /// Whether the turn also calls tools.
    pub calls_tools: bool,
    /// Whether the model ended its turn here.
    pub ends: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, Default)]
pub struct ToolCall<'a> {
    /// Joins the call to its result.
    pub id: Cow<'a, str>,
    /// The tool's name.
    pub name: Cow<'a, str>,
    /// The arguments as raw JSON.
    pub args: &'a str,
}

/// A result of a tool.
#[derive(Clone, Debug, Default)]
pub struct ToolResult<'a> {
    /// Joins the result to its call.
    pub id: Cow<'a, str>,
    /// The tool's name, empty when neither result nor call gave it.
    pub tool: Cow<'a, str>,
    /// The command line, when the tool runs commands and the call was seen.
    pub command: Cow<'a, str>,
    /// The harness's own flag.
    pub is_error: Option<bool>,
    /// The harness's status word.
    pub status: Cow<'a, str>,
    /// Exit code of a command, when given as a number.
    pub exit_code: Option<i64>,
    /// HTTP status of a fetch, when given as a number.
    pub http_status: Option<i64>,
    /// The error text the harness gave beside the content.
    pub error: Cow<'a, str>,
    /// Whether the tool says that it is switched off.
    pub disabled: bool,
    /// What the agent saw.
    pub text: Text<'a>,
}

/// A model turn that failed.
#[derive(Clone, Debug, Default)]
pub struct ProviderError<'a> {
    /// The provider's message.
    pub message: Cow<'a, str>,
    /// Provider name, empty when unknown.
    pub provider: Cow<'a, str>,
    /// Model name, empty when unknown.
    pub model: Cow<'a, str>,
    /// Whether the harness wrote this as a second record of a failure that the turn itself also shows.
    pub echo: bool,
    /// Whether anything was said before the failure.
    pub partial: bool,
}

/// What a harness notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A scheduled job's result under an error label.
    CronError,
    /// A command in the background failed.
    ExecFailed,
    /// A command was not allowed to run.
    ExecDenied,
    /// Anything else: restarts, connections, finished work.
    Other,
}

/// A harness notice.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Its text as it stands in the line.
    pub text: String,
}

/// One finished run of a scheduled job.
#[derive(Clone, Debug, Default)]
pub struct CronRun<'a> {
    /// The job.
    pub job_id: Cow<'a, str>,
    /// `ok`, `error` or `skipped`.
    pub status: Cow<'a, str>,
    /// Why it failed, which may be about the delivery only.
    pub error: Cow<'a, str>,
    /// What the job said.
    pub summary: Cow<'a, str>,
    /// Why the delivery failed, in newer logs.
    pub delivery_error: Cow<'a, str>,
    /// The session that the run had.
    pub session_id: Cow<'a, str>,
    /// How long it ran.
    pub duration_ms: Option<i64>,
}

/// A line of the gateway's log.
#[derive(Clone, Debug, Default)]
pub struct GatewayRecord<'a> {
    /// Who wrote it, such as `gateway/ws`; empty when it does not say.
    pub subsystem: Cow<'a, str>,
    /// What it says.
    pub message: Cow<'a, str>,
}

/// A text that may still be escaped JSON, so that nobody pays for megabytes that nobody reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    /// The first part: the inside of a JSON string.
    pub first: &'a str,
    /// The last part, empty when there is only one.
    pub last: &'a str,
}

impl<'a> Text<'a> {
    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }

    /// About the first `bytes_max` bytes, unescaped.
    #[must_use]
    pub fn head(&self, bytes_max: usize) -> Cow<'a, str> {
        unescape(cut_raw(self.first, bytes_max))
    }

    /// About the last `bytes_max` bytes, unescaped; empty when `head` with the same limit gives everything.
    #[must_use]
    pub fn tail(&self, bytes_max: usize) -> Cow<'a, str> {
        let source = if self.last.is_empty() {
            self.first
        } else {
            self.last
        };
        if self.last.is_empty() && source.len() <= bytes_max {
            return Cow::Borrowed("");
        }
        let mut from = floor_char(source, source.len().saturating_sub(bytes_max));
        // A cut inside an escape would read its letters as text: start after the next line break or space.
        while from < source.len() && !matches!(source.as_bytes()[from], b' ' | b'\\') {
            from += 1;
        }
        if source.as_bytes().get(from) == Some(&b'\\') {
            // Count the run of backslashes before, so that the cut falls between two escapes.
            let run = source.as_bytes()[..from]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            from += run % 2;
            from = floor_char(source, from.min(source.len()));
        }
        unescape(&source[from..])
    }
}

/// The largest character boundary at or below `at`.
#[must_use]
pub fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The inside of a JSON string cut to about `bytes_max` bytes, never inside an escape.
fn cut_raw(raw: &str, bytes_max: usize) -> &str {
    if raw.len() <= bytes_max {
        return raw;
    }
    let end = floor_char(raw, bytes_max);
    let window = &raw.as_bytes()[..end];
    let back = window.iter().rev().take(12).position(|b| *b == b'\\');
    match back {
        // Backslashes pair up from the left: only behind an odd run is an escape open, and it goes.
        Some(distance) => {
            let last = end - 1 - distance;
            let run = window[..=last]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            if run % 2 == 0 {
                return &raw[..end];
            }
            // The first half of a surrogate pair goes with its second half.
            let pair = last.checked_sub(6).map(|at| &window[at..at + 3]);
            let is_second_half = pair.is_some_and(|start| start.eq_ignore_ascii_case(b"\\ud"));
            if is_second_half {
                &raw[..last - 6]
            } else {
                &raw[..last]
            }
        }
        None => &raw[..end],
    }
}

/// Turns the inside of a JSON string into text; what is no valid escape becomes U+FFFD.
///
/// Writers cut strings between the two halves of a surrogate pair, so a lone half is no reason to drop a line.
#[must_use]
pub fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut at = first;
    loop {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let mut taken = 2;
        match escape.as_bytes().get(1) {
            Some(b'n') => out.push('\n'),
            Some(b't') => out.push('\t'),
            Some(b'r') => out.push('\r'),
            Some(b'b') => out.push('\u{8}'),
            Some(b'f') => out.push('\u{c}'),
            Some(b'u') => {
                let (c, used) = unicode_escape(escape);
                out.push(c);
                taken = used;
            }
            Some(c @ (b'"' | b'\\' | b'/')) => out.push(char::from(*c)),
            Some(_) | None => {
                out.push('\u{fffd}');
                taken = 1;
            }
        }
        rest = &escape[taken..];
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads `\uXXXX` and its second half if there is one; gives the character and the bytes used.
fn unicode_escape(escape: &str) -> (char, usize) {
    let unit = |from: usize| -> Option<u32> {
        let digits = escape.get(from..from + 4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(high) = unit(2) else {
        return ('\u{fffd}', 2);
    };
    if (0xd800..0xdc00).contains(&high)
        && escape.get(6..8) == Some("\\u")
        && let Some(low) = unit(8)
        && (0xdc00..0xe000).contains(&low)
    {
        let joined = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(joined).unwrap_or('\u{fffd}'), 12);
    }
    (char::from_u32(high).unwrap_or('\u{fffd}'), 6)
}

/// Milliseconds since 1970 of an ISO 8601 time such as `2026-03-01T10:20:30.123Z` or with `+02:00`.
#[must_use]
pub fn iso_to_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0_i64, |sum, b| {
            b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0'))
        })
    };
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators
        .iter()
        .any(|(at, byte)| bytes.get(*at) != Some(byte))
    {
        return None;
    }
    if !matches!(bytes.get(10), Some(b'T' | b' ')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 24
        || minute > 59
        || second > 60
    {
        return None;
    }
    let mut at = 19;
    let mut millis = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let mut scale = 100;
        while let Some(b) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            millis += scale * i64::from(b - b'0');
            scale /= 10;
            at += 1;
        }
    }
    let offset_minutes = match bytes.get(at) {
        Some(sign @ (b'+' | b'-')) => {
            let minutes = number(at + 1, at + 3)? * 60 + number(at + 4, at + 6).unwrap_or(0);
            if *sign == b'-' { -minutes } else { minutes }
        }
        Some(_) | None => 0,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((seconds - offset_minutes * 60) * 1000 + millis)
}

/// ISO 8601 in UTC with milliseconds; empty for times outside the years 1970 to 9999.
#[must_use]
pub fn ms_to_iso(at_ms: i64) -> String {
    if !(0..253_402_300_800_000).contains(&at_ms) {
        return String::new();
    }
    let (days, in_day) = (at_ms / 86_400_000, at_ms % 86_400_000);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, millis) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, counted in eras of 400 years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_both_ways() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-02-28T23:59:59.999Z", 1_772_323_199_999),
            ("2024-02-29T12:00:00.000Z", 1_709_208_000_000),
        ] {
            assert_eq!(iso_to_ms(text), Some(ms), "{text}");
            assert_eq!(ms_to_iso(ms), text);
        }
        assert_eq!(
            iso_to_ms("2024-02-29T14:00:00+02:00"),
            Some(1_709_208_000_000)
        );
        for bad in [
            "",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "é024-01-01T00:00:00Z",
        ] {
            assert_eq!(iso_to_ms(bad), None, "{bad}");
        }
        assert_eq!(ms_to_iso(-1), "");
        assert_eq!(ms_to_iso(i64::MAX), "");
    }

    #[test]
    fn escapes_are_read_and_broken_ones_do_no_harm() {
        for (raw, want) in [
            ("plain", "plain"),
            (r"a\nb\t\u00e9", "a\nb\té"),
            (r"\ud83d\ude00!", "😀!"),
            (r"cut \ud83d", "cut \u{fffd}"),
            (r"x\", "x\u{fffd}"),
            (r"x\u12", "x\u{fffd}12"),
            (r"\\n", r"\n"),
        ] {
            assert_eq!(unescape(raw), want, "{raw}");
        }
    }

    #[test]
    fn a_head_or_tail_never_cuts_inside_an_escape_or_a_character() {
        let raw = r"one\\two\u00e9 three\nfour\\\\ é five é \ud83d\ude00 six".repeat(3);
        let whole = unescape(&raw).into_owned();
        for limit in 0..raw.len() {
            let text = Text {
                first: &raw,
                last: "",
            };
            assert!(whole.starts_with(text.head(limit).as_ref()), "head {limit}");
            if !text.tail(limit).contains('\u{fffd}') {
                assert!(whole.ends_with(text.tail(limit).as_ref()), "tail {limit}");
            }
        }
    }
}
