//! Which local times match: sets of seconds, minutes, hours, days, months and years.
//!
//! Neighbours: `cron` and `spec` make these, `zone` turns local times into instants. Must not know
//! zones: a local time is one number of seconds, see `civil`.

use super::civil::{DAY_SECONDS, Date, weekday};

/// How day of month and day of week go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// A day must match both.
    Both,
    /// A day must match one: the way of cron when both are restricted.
    Either,
}

/// Days of a month. Bits count from 0, so day 1 is bit 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MonthDays {
    pub(super) mask: u32,
    /// Counted back from the last day, which is bit 0.
    pub(super) from_last: u32,
    /// The weekday nearest to these days, within the month.
    pub(super) nearest: u32,
    /// The last weekday of the month.
    pub(super) last_weekday: bool,
}

/// Days of a week, Sunday is bit 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WeekDays {
    pub(super) mask: u8,
    /// The n-th of the month: by weekday, n is bit n.
    pub(super) nth: [u8; 7],
    /// The last of the month.
    pub(super) last: u8,
}

/// A set of local times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    pub(super) month_days: MonthDays,
    /// January is bit 1.
    pub(super) months: u64,
    pub(super) week_days: WeekDays,
    pub(super) day_rule: DayRule,
    /// First, last, step. Empty means every year.
    pub(super) years: Vec<(i64, i64, i64)>,
    /// Whether it names times of the day, rather than something that goes on through the day.
    pub(super) fixed_time: bool,
}

pub(super) const ALL_60: u64 = (1 << 60) - 1;
pub(super) const ALL_HOURS: u64 = (1 << 24) - 1;
pub(super) const ALL_MONTHS: u64 = ((1 << 12) - 1) << 1;
pub(super) const ALL_MONTH_DAYS: u32 = u32::MAX << 1;
pub(super) const ALL_WEEK_DAYS: u8 = 0x7f;

fn has(mask: u64, bit: i64) -> bool {
    u32::try_from(bit)
        .ok()
        .and_then(|bit| mask.checked_shr(bit))
        .is_some_and(|rest| rest & 1 == 1)
}

/// The lowest bit that is set from `bit` on.
fn next_bit(mask: u64, bit: i64) -> Option<i64> {
    let bit = u32::try_from(bit).ok()?;
    let rest = mask.checked_shr(bit)?;
    (rest != 0).then(|| i64::from(bit) + i64::from(rest.trailing_zeros()))
}

impl MonthDays {
    fn matches(&self, date: Date, days: i64) -> bool {
        let last = date.month_days();
        if has(u64::from(self.mask), date.day) || has(u64::from(self.from_last), last - date.day) {
            return true;
        }
        let weekday = weekday(days);
        if !(1..=5).contains(&weekday) {
            return false;
        }
        let nearest = |bit: i64| has(u64::from(self.nearest), bit);
        // A Friday stands for the Saturday after it, a Monday for the Sunday before it; where the
        // month ends in between, the search goes two days the other way.
        let stands_for = nearest(date.day)
            || (weekday == 5 && date.day < last && nearest(date.day + 1))
            || (weekday == 1 && date.day > 1 && nearest(date.day - 1))
            || (weekday == 1 && date.day == 3 && nearest(1))
            || (weekday == 5 && date.day == last - 2 && nearest(last));
        let is_last = weekday == 5 && last - date.day <= 2 || date.day == last;
        stands_for || (self.last_weekday && is_last)
    }
}

impl WeekDays {
    fn matches(&self, date: Date, days: i64) -> bool {
        let weekday = weekday(days);
        let nth = (date.day - 1) / 7 + 1;
        let is_last = date.day + 7 > date.month_days();
        has(u64::from(self.mask), weekday)
            || (is_last && has(u64::from(self.last), weekday))
            || usize::try_from(weekday)
                .ok()
                .and_then(|at| self.nth.get(at))
                .is_some_and(|mask| has(u64::from(*mask), nth))
    }
}

impl Calendar {
    /// Whether a local time is in the set.
    pub(super) fn matches(&self, local: i64) -> bool {
        let days = local.div_euclid(DAY_SECONDS);
        let time = local.rem_euclid(DAY_SECONDS);
        let date = Date::of_day(days);
        has(self.seconds, time % 60)
            && has(self.minutes, time / 60 % 60)
            && has(self.hours, time / 3_600)
            && has(self.months, date.month)
            && self.matches_year(date.year)
            && self.matches_day(date, days)
    }

    /// The first local time of the set that is not before `from` and is before `end`.
    pub(super) fn next(&self, from: i64, end: i64) -> Option<i64> {
        let mut days = from.div_euclid(DAY_SECONDS);
        let mut time = from.rem_euclid(DAY_SECONDS);
        while days * DAY_SECONDS + time < end {
            let date = Date::of_day(days);
            if !self.matches_year(date.year) {
                let year = self.next_year(date.year)?;
                days = Date {
                    year,
                    month: 1,
                    day: 1,
                }
                .days();
                time = 0;
                continue;
            }
            if !has(self.months, date.month) {
                days = date.next_month().days();
                time = 0;
                continue;
            }
            if self.matches_day(date, days)
                && let Some(time) = self.next_time(time)
            {
                let found = days * DAY_SECONDS + time;
                return (found < end).then_some(found);
            }
            days += 1;
            time = 0;
        }
        None
    }

    /// When a time that matches might be followed by one that does not: the end of its day, hour,
    /// minute or second.
    pub(super) fn stays_until(&self, local: i64) -> i64 {
        let unit = match (
            self.seconds == ALL_60,
            self.minutes == ALL_60,
            self.hours == ALL_HOURS,
        ) {
            (true, true, true) => DAY_SECONDS,
            (true, true, false) => 3_600,
            (true, false, true | false) => 60,
            (false, true | false, true | false) => 1,
        };
        (local.div_euclid(unit) + 1) * unit
    }

    fn matches_day(&self, date: Date, days: i64) -> bool {
        match self.day_rule {
            DayRule::Both => {
                self.month_days.matches(date, days) && self.week_days.matches(date, days)
            }
            DayRule::Either => {
                self.month_days.matches(date, days) || self.week_days.matches(date, days)
            }
        }
    }

    fn matches_year(&self, year: i64) -> bool {
        self.years.is_empty()
            || self.years.iter().any(|(first, last, step)| {
                (*first..=*last).contains(&year) && (year - first) % step == 0
            })
    }

    fn next_year(&self, year: i64) -> Option<i64> {
        let next_in = |(first, last, step): &(i64, i64, i64)| {
            let next = if year < *first {
                *first
            } else {
                first + ((year - first) / step + 1) * step
            };
            (next <= *last).then_some(next)
        };
        self.years.iter().filter_map(next_in).min()
    }

    /// The first time of a day that is not before `time`.
    fn next_time(&self, time: i64) -> Option<i64> {
        let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
        let first_minute = next_bit(self.minutes, 0)?;
        let first_second = next_bit(self.seconds, 0)?;
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = next_bit(self.seconds, second)
            {
                return Some(hour * 3_600 + minute * 60 + second);
            }
            if let Some(minute) = next_bit(self.minutes, minute + 1) {
                return Some(hour * 3_600 + minute * 60 + first_second);
            }
        }
        let hour = next_bit(self.hours, hour + 1)?;
        Some(hour * 3_600 + first_minute * 60 + first_second)
    }
}
