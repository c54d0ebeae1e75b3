//! Times and durations as a query writes them.

use std::fmt::Write as _;

use kernel::{Millis, Timestamp};

use crate::schedule::civil::{DAY_SECONDS, Date};

/// Milliseconds of each unit of a duration, longest first.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A time of RFC 3339, or a date: its first moment. Without a zone it is UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let (date, rest) = match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, rest),
        None => (text, "00:00Z"),
    };
    let [year, month, day] = numbers(date, '-', &[4, 2, 2])?[..] else {
        return None;
    };
    let date = Date { year, month, day };
    if !(1..=12).contains(&month) || !(1..=date.month_days()).contains(&day) {
        return None;
    }
    let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let (hour, minute, second) = match numbers(clock, ':', &[2, 2, 2])?[..] {
        [hour, minute] if fraction == "0" => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = date.days() * DAY_SECONDS + hour * 3_600 + minute * 60 + second;
    Some(Timestamp(
        (seconds - east(zone)?) * 1_000 + milliseconds(fraction)?,
    ))
}

/// Whole numbers with at most one part for each width.
fn numbers(text: &str, separator: char, widths: &[usize]) -> Option<Vec<i64>> {
    let parts: Vec<&str> = text.split(separator).collect();
    if parts.len() > widths.len() {
        return None;
    }
    let parts = parts.into_iter().zip(widths);
    parts
        .map(|(part, width)| digits(part).filter(|_| part.len() == *width))
        .collect()
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// Seconds by which a zone is ahead of UTC.
fn east(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let [hours, minutes] = numbers(&zone[1..], ':', &[2, 2])?[..] else {
        return None;
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    Some(if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

/// Of a fraction of a second; what is finer is dropped.
fn milliseconds(fraction: &str) -> Option<i64> {
    digits(fraction).filter(|_| fraction.len() <= 9)?;
    format!("{fraction:0<3}")[..3].parse().ok()
}

/// A time as [`time`] reads it.
pub(super) fn time_text(at: Timestamp) -> String {
    let (seconds, ms) = (at.0.div_euclid(1_000), at.0.rem_euclid(1_000));
    let Date { year, month, day } = Date::of_day(seconds.div_euclid(DAY_SECONDS));
    let clock = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// A duration: whole numbers with units, as in `90s` or `1h30m`.
pub(super) fn duration(text: &str) -> Option<Millis> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, after) = after.split_at(letters);
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*ms)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(Millis(sum))
}

/// A duration as [`duration`] reads it.
pub(super) fn duration_text(duration: Millis) -> String {
    let mut left = duration.0;
    let mut text = String::new();
    for (unit, ms) in UNITS {
        if left >= ms {
            let _never_fails = write!(text, "{}{unit}", left / ms);
            left %= ms;
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}
