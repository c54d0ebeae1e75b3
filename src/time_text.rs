//! Times and amounts as people read them.

use kernel::{Millis, Timestamp};

/// ISO 8601 in UTC with milliseconds; a number for times that only a broken clock tells.
pub(crate) fn iso(at: Timestamp) -> String {
    let text = trace::event::ms_to_iso(at.0);
    if text.is_empty() {
        format!("{} ms since 1970", at.0)
    } else {
        text
    }
}

/// Reads `2026-01-31`, `2026-01-31T06:00`, `2026-01-31T06:00:30Z` or the same with `+02:00`; without
/// a zone it is UTC.
pub(crate) fn parse_iso(text: &str) -> Option<Timestamp> {
    let (date, rest) = match text.split_once(['T', ' ']) {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-')?[..] else {
        return None;
    };
    let mut seconds = days(year, month, day)?.checked_mul(86_400)?;
    if let Some(rest) = rest {
        let (time, offset) = match rest.find(['Z', '+', '-']) {
            Some(at) => rest.split_at(at),
            None => (rest, "Z"),
        };
        let (hour, minute, second) = match numbers(time, ':')?[..] {
            [hour, minute] => (hour, minute, 0),
            [hour, minute, second] => (hour, minute, second),
            _ => return None,
        };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += hour * 3_600 + minute * 60 + second;
        if offset != "Z" {
            let [hours, minutes] = numbers(offset.get(1..)?, ':')?[..] else {
                return None;
            };
            let east = hours * 3_600 + minutes * 60;
            seconds += if offset.starts_with('-') { east } else { -east };
        }
    }
    seconds.checked_mul(1_000).map(Timestamp)
}

/// Numbers of at most four digits.
fn numbers(text: &str, separator: char) -> Option<Vec<i64>> {
    let is_number = |part: &str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split(separator)
        .map(|part| part.parse().ok().filter(|_| is_number(part)))
        .collect()
}

/// Days from 1970-01-01 to a date (the same algorithm as in [`iso`], the other way); `None` when
/// there is no such date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    // 31 April would come out as 1 May.
    let written = format!("{year:04}-{month:02}-{day:02}");
    iso(Timestamp(days * 86_400_000))
        .starts_with(&written)
        .then_some(days)
}

/// Reads `500ms`, `90s`, `15m`, `6h`, `1d`, `2w`.
pub(crate) fn parse_duration(text: &str) -> Option<Millis> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).map(Millis)
}

/// `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn duration(millis: Millis) -> String {
    let ms = millis.0;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        3_600_000..172_800_000 => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
        _ => format!("{} d {} h", ms / 86_400_000, ms / 3_600_000 % 24),
    }
}

/// `512 B`, `3.4 MB`: powers of ten, as disks and networks are sold.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    for (unit, name) in UNITS {
        if n >= unit {
            return format!("{}.{} {name}", n / unit, n % unit * 10 / unit);
        }
    }
    format!("{n} B")
}

/// `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_amounts_read_as_people_expect() {
        assert_eq!(iso(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(Timestamp(951_782_400_123)), "2000-02-29T00:00:00.123Z");
        assert_eq!(iso(Timestamp(-1)), "-1 ms since 1970");
        for text in ["1970-01-01", "2000-02-29", "2026-12-31"] {
            let at = parse_iso(text).unwrap();
            assert_eq!(iso(at), format!("{text}T00:00:00.000Z"));
        }
        let noon = parse_iso("2026-01-31T12:00:30Z");
        assert_eq!(parse_iso("2026-01-31 12:00:30"), noon);
        assert_eq!(parse_iso("2026-01-31T14:00:30+02:00"), noon);
        assert_eq!(parse_iso("2026-01-31T08:30:30-03:30"), noon);
        for text in [
            "",
            "2026",
            "2026-02-29",
            "2026-04-31",
            "2026-01-31T24:00",
            "2026-01-31T1",
            "now",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
        assert_eq!(parse_duration("90s"), Some(Millis(90_000)));
        assert_eq!(parse_duration("2w"), Some(Millis(1_209_600_000)));
        for text in ["", "5", "h", "-5m", "5 m", "99999999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(duration(Millis(999)), "999 ms");
        assert_eq!(duration(Millis(200_000)), "3 min 20 s");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_456_789), "3.4 MB");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(12), "12");
    }
}
