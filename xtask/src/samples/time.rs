//! Times of the samples: milliseconds since 1970 and the ways in which agents write them.
//!
//! Neighbours: the format writers. Must not ask a clock.

/// Milliseconds of one minute.
pub(crate) const MINUTE_MS: u64 = 60_000;
/// Milliseconds of one day.
pub(crate) const DAY_MS: u64 = 86_400_000;
/// Midnight of 2026-01-12, a Monday, on which the samples begin.
pub(crate) const BEGIN_MS: u64 = 1_768_176_000_000;

/// The parts of a time in UTC.
pub(crate) struct Parts {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    ms: u64,
    weekday: &'static str,
}

/// Takes a time apart.
pub(crate) fn parts(ms: u64) -> Parts {
    let days = ms / DAY_MS;
    let in_day = ms % DAY_MS;
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let weekday = match days % 7 {
        0 => "Thu",
        1 => "Fri",
        2 => "Sat",
        3 => "Sun",
        4 => "Mon",
        5 => "Tue",
        _ => "Wed",
    };
    Parts {
        year: year_of_era + era * 400 + u64::from(month <= 2),
        month,
        day: of_year - (153 * shifted_month + 2) / 5 + 1,
        hour: in_day / 3_600_000,
        minute: in_day / MINUTE_MS % 60,
        second: in_day / 1000 % 60,
        ms: in_day % 1000,
        weekday,
    }
}

/// `2026-02-13T12:11:26.396Z`.
pub(crate) fn iso(ms: u64) -> String {
    let p = parts(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        p.year, p.month, p.day, p.hour, p.minute, p.second, p.ms
    )
}

/// `2026-02-13T12-11-26.396Z`, as in the names of archives.
pub(crate) fn archive(ms: u64) -> String {
    iso(ms).replace(':', "-")
}

/// `2026-02-13T12-11-26`, as in the names of rollouts.
pub(crate) fn rollout(ms: u64) -> String {
    archive(ms).chars().take(19).collect()
}

/// `Fri 2026-02-13 12:11 UTC`, as in the envelope of a chat message.
pub(crate) fn envelope(ms: u64) -> String {
    let p = parts(ms);
    format!("{} {} UTC", p.weekday, minute(ms))
}

/// `2026-02-13 12:11`.
pub(crate) fn minute(ms: u64) -> String {
    let p = parts(ms);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        p.year, p.month, p.day, p.hour, p.minute
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_the_calendar_says() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(envelope(BEGIN_MS), "Mon 2026-01-12 00:00 UTC");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rollout(1_770_984_686_396), "2026-02-13T12-11-26");
    }
}
