//! Moments and durations as protobuf's JSON has them: RFC 3339 and seconds with a fraction.

use crate::ids::{Millis, Timestamp};

const DAY_MS: i64 = 86_400_000;
/// Years outside of these have no RFC 3339 form; the moments are cut to the first and last one.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;

/// `2023-11-14T22:13:20.123Z`.
pub(super) fn write(at: Timestamp) -> String {
    let ms = at.0.clamp(FIRST, LAST);
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1_000 % 60,
        rest % 1_000
    )
}

/// A moment in RFC 3339, in `Z` or with an offset, with any fraction; parts of a millisecond are cut.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (
        digits(parts.next()?, 4)?,
        digits(parts.next()?, 2)?,
        digits(parts.next()?, 2)?,
    );
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (
        digits(parts.next()?, 2)?,
        digits(parts.next()?, 2)?,
        digits(parts.next()?, 2)?,
    );
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let offset = digits(hours, 2)? * 60 + digits(minutes, 2)?;
            if sign == "-" { offset } else { -offset }
        }
    };
    let days = days(year, month, day)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second + offset * 60;
    Some(Timestamp(seconds * 1_000 + millis(fraction)?))
}

/// `1.500s`.
pub(super) fn write_duration(duration: Millis) -> String {
    let (seconds, ms) = (duration.0 / 1_000, duration.0 % 1_000);
    match ms {
        0 => format!("{seconds}s"),
        _ => format!("{seconds}.{ms:03}s"),
    }
}

/// A duration in seconds, which is not negative.
pub(super) fn read_duration(text: &str) -> Option<Millis> {
    let number = text.strip_suffix('s')?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    let ms = u64::try_from(millis(fraction)?).ok()?;
    seconds.checked_mul(1_000)?.checked_add(ms).map(Millis)
}

/// The milliseconds of a fraction of a second.
fn millis(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut ms = 0;
    for place in 0..3 {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| byte - b'0');
        ms = ms * 10 + i64::from(digit);
    }
    Some(ms)
}

fn digits(text: &str, n: usize) -> Option<i64> {
    let fits = text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The same the other way; `None` when there is no such date.
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
    (civil(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back_what_is_written() {
        for ms in [0, 1_700_000_000_123, -1, 951_782_400_000, FIRST, LAST] {
            let text = write(Timestamp(ms));
            assert_eq!(read(&text), Some(Timestamp(ms)), "{text}");
        }
        assert_eq!(
            write(Timestamp(1_700_000_000_123)),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(write(Timestamp(i64::MAX)), write(Timestamp(LAST)));
    }

    #[test]
    fn other_writers_have_other_fractions_and_zones() {
        let at = Some(Timestamp(1_700_000_000_123));
        assert_eq!(read("2023-11-14T22:13:20.123456789Z"), at);
        assert_eq!(read("2023-11-14T23:13:20.123+01:00"), at);
        assert_eq!(
            read("2023-11-14T22:13:20Z"),
            Some(Timestamp(1_700_000_000_000))
        );
        for text in [
            "",
            "2023-11-14",
            "2023-02-30T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13:20.1é3Z",
            "2023-11-14T22:13:20é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn durations_read_back_what_is_written() {
        for (ms, text) in [(0, "0s"), (1_500, "1.500s"), (86_400_000, "86400s")] {
            assert_eq!(write_duration(Millis(ms)), text);
            assert_eq!(read_duration(text), Some(Millis(ms)));
        }
        assert_eq!(read_duration("0.000000001s"), Some(Millis(0)));
        for text in ["1", "-1s", "s", "99999999999999999999s", "1.xs"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
    }
}
