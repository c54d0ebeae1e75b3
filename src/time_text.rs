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

/// `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(millis: Millis) -> String {
    let ms = millis.0;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
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
        assert_eq!(duration(Millis(999)), "999 ms");
        assert_eq!(duration(Millis(200_000)), "3 min 20 s");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_456_789), "3.4 MB");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(12), "12");
    }
}
