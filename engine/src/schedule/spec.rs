//! When a schedule fires: what a user writes, and the next time after a time.
//!
//! A [`ScheduleSpec`] is data; [`compile`](ScheduleSpec::compile) checks it and gives a
//! [`Timetable`], which answers questions. Pure: no clock, the time is an argument.
//!
//! ```
//! use engine::schedule::ScheduleSpec;
//! use kernel::Timestamp;
//!
//! let spec = ScheduleSpec::cron("30 2 * * *").in_zone("Europe/Berlin");
//! let timetable = spec.compile()?;
//! let next = timetable.next_after(Timestamp(0));
//! assert_eq!(next, Some(Timestamp(5_400_000)));
//! assert!(ScheduleSpec::cron("61 2 * * *").compile().is_err());
//! # Ok::<(), engine::schedule::SpecError>(())
//! ```

use kernel::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use state::blob::Digest;

use super::calendar::{
    ALL_60, ALL_HOURS, ALL_MONTH_DAYS, ALL_MONTHS, ALL_WEEK_DAYS, Calendar, DayRule, MonthDays,
    WeekDays,
};
use super::cron;
use super::error::SpecError;
use super::zone::Zone;

/// Expressions, intervals, calendars and exclusions of one schedule, each.
pub const PARTS_MAX: usize = 100;
/// The shortest interval.
pub const INTERVAL_MIN: Millis = Millis(1_000);
/// The longest interval, phase and jitter: a hundred years.
pub const INTERVAL_MAX: Millis = Millis(100 * 366 * 86_400_000);
/// Times that exclusions may take away in a row before a search gives up, over all parts.
const EXCLUDED_MAX: usize = 500_000;

/// When a schedule fires: at every time that any of its parts names and no exclusion does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Cron expressions of 5 to 7 fields.
    pub crons: Vec<String>,
    /// Equal distances.
    pub intervals: Vec<Interval>,
    /// Structured calendars.
    pub calendars: Vec<CalendarSpec>,
    /// Times at which it does not fire all the same.
    pub exclude: Vec<CalendarSpec>,
    /// It does not fire before.
    pub start_at: Option<Timestamp>,
    /// It does not fire after.
    pub end_at: Option<Timestamp>,
    /// Each fire is late by less than this, by an amount that its time decides.
    pub jitter: Millis,
    /// The IANA name of the zone of cron expressions and calendars; empty is UTC.
    pub time_zone: String,
    /// What becomes of local times that do not exist or happen twice.
    pub dst: DstRule,
}

/// What becomes of local times when clocks are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstRule {
    /// Temporal's: a time that does not exist does not fire, a time that happens twice fires twice.
    #[default]
    Literal,
    /// Debian cron's: a named time of the day fires once on every day. One that does not exist
    /// fires when the gap ends, one that happens twice the first time. Expressions whose minute or
    /// hour begins with `*` go on through the day and stay literal.
    Cron,
}

/// Equal distances: at every `phase + n * every` since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// From one fire to the next.
    pub every: Millis,
    /// Shifts all of them; below `every`.
    #[serde(default)]
    pub phase: Millis,
}

/// Numbers from `start` to `end` (or `start` alone) by `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first.
    pub start: u32,
    /// The last; without one, `start` is the only one.
    #[serde(default)]
    pub end: Option<u32>,
    /// From one to the next.
    #[serde(default = "one")]
    pub step: u32,
}

fn one() -> u32 {
    1
}

impl From<u32> for Range {
    fn from(start: u32) -> Self {
        Self {
            start,
            end: None,
            step: 1,
        }
    }
}

/// Temporal's structured calendar: a local time must be in every field. Of fields that are empty,
/// those of the time of day mean zero, the others everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarSpec {
    /// 0 to 59.
    pub second: Vec<Range>,
    /// 0 to 59.
    pub minute: Vec<Range>,
    /// 0 to 23.
    pub hour: Vec<Range>,
    /// 1 to 31.
    pub day_of_month: Vec<Range>,
    /// 1 to 12.
    pub month: Vec<Range>,
    /// 1970 to 2199.
    pub year: Vec<Range>,
    /// 0 to 6, Sunday is 0.
    pub day_of_week: Vec<Range>,
    /// For the reader.
    pub comment: String,
}

/// One fire to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// The time that the timetable names: the fire's identity.
    pub nominal: Timestamp,
    /// When it happens: the same, or later by the jitter.
    pub at: Timestamp,
}

/// A checked specification that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    calendars: Vec<Calendar>,
    intervals: Vec<(i64, i64)>,
    exclude: Vec<Calendar>,
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    jitter: i64,
    zone: Zone,
    dst: DstRule,
}

impl ScheduleSpec {
    /// One cron expression in UTC.
    #[must_use]
    pub fn cron(expression: &str) -> Self {
        Self {
            crons: vec![expression.to_owned()],
            ..Self::default()
        }
    }

    /// One interval without a phase.
    #[must_use]
    pub fn every(every: Millis) -> Self {
        Self {
            intervals: vec![Interval {
                every,
                phase: Millis(0),
            }],
            ..Self::default()
        }
    }

    /// The same in a time zone.
    #[must_use]
    pub fn in_zone(mut self, name: &str) -> Self {
        name.clone_into(&mut self.time_zone);
        self
    }

    /// The same with another rule for changed clocks.
    #[must_use]
    pub fn with_dst(mut self, rule: DstRule) -> Self {
        self.dst = rule;
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// See [`SpecError`]. Whether it ever fires depends on the time: see
    /// [`Timetable::check_fires`].
    pub fn compile(&self) -> Result<Timetable, SpecError> {
        for (what, n) in [
            ("cron expressions", self.crons.len()),
            ("intervals", self.intervals.len()),
            ("calendars", self.calendars.len()),
            ("exclusions", self.exclude.len()),
        ] {
            if n > PARTS_MAX {
                return Err(SpecError::TooMany {
                    what: what.to_owned(),
                    max: PARTS_MAX,
                });
            }
        }
        let crons = self.crons.iter().map(|text| cron::parse(text));
        let calendars = self.calendars.iter().map(|c| c.compile("calendar"));
        let calendars: Vec<Calendar> = crons.chain(calendars).collect::<Result<_, _>>()?;
        let intervals: Vec<_> = self
            .intervals
            .iter()
            .map(Interval::compile)
            .collect::<Result<_, _>>()?;
        if calendars.is_empty() && intervals.is_empty() {
            return Err(SpecError::Empty);
        }
        if let (Some(start), Some(end)) = (self.start_at, self.end_at)
            && end <= start
        {
            return Err(SpecError::Bounds);
        }
        let exclude = self.exclude.iter().map(|c| c.compile("exclusion"));
        Ok(Timetable {
            calendars,
            intervals,
            exclude: exclude.collect::<Result<_, _>>()?,
            start_at: self.start_at,
            end_at: self.end_at,
            jitter: duration("jitter", self.jitter)?,
            zone: Zone::find(&self.time_zone)?,
            dst: self.dst,
        })
    }

    /// What it says, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let crons = self.crons.iter().map(|text| format!("cron {text:?}"));
        let intervals = self.intervals.iter().map(|interval| {
            let phase = match interval.phase {
                Millis(0) => String::new(),
                Millis(ms) => format!(" + {ms} ms"),
            };
            format!("every {} ms{phase}", interval.every.0)
        });
        let calendars = self.calendars.iter().map(|calendar| {
            if calendar.comment.is_empty() {
                "a calendar".to_owned()
            } else {
                format!("calendar {:?}", calendar.comment)
            }
        });
        let mut text = crons
            .chain(intervals)
            .chain(calendars)
            .collect::<Vec<_>>()
            .join(", ");
        if !self.time_zone.is_empty() {
            text.push_str(" in ");
            text.push_str(&self.time_zone);
        }
        text
    }
}

fn duration(what: &str, value: Millis) -> Result<i64, SpecError> {
    i64::try_from(value.0)
        .ok()
        .filter(|_| value <= INTERVAL_MAX)
        .ok_or_else(|| {
            SpecError::Interval(format!(
                "{what} is {} ms, allowed are at most {} ms",
                value.0, INTERVAL_MAX.0
            ))
        })
}

impl Interval {
    fn compile(&self) -> Result<(i64, i64), SpecError> {
        if self.every < INTERVAL_MIN {
            return Err(SpecError::Interval(format!(
                "every is {} ms, allowed are at least {} ms",
                self.every.0, INTERVAL_MIN.0
            )));
        }
        if self.phase >= self.every {
            return Err(SpecError::Interval(format!(
                "phase is {} ms, allowed is less than every, which is {} ms",
                self.phase.0, self.every.0
            )));
        }
        let every = duration("every", self.every)?;
        Ok((every, duration("phase", self.phase)?))
    }
}

/// One field of a calendar: its name, its limits.
struct Limits(&'static str, u32, u32);

impl CalendarSpec {
    fn compile(&self, name: &str) -> Result<Calendar, SpecError> {
        let mask = |limits: &Limits, ranges: &[Range], empty: u64| {
            if ranges.is_empty() {
                return Ok(empty);
            }
            let mut mask = 0_u64;
            for range in ranges {
                for n in numbers(name, limits, *range)? {
                    mask |= 1 << n;
                }
            }
            Ok(mask)
        };
        let minutes = mask(&Limits("minute", 0, 59), &self.minute, 1)?;
        let hours = mask(&Limits("hour", 0, 23), &self.hour, 1)?;
        let days = mask(
            &Limits("day_of_month", 1, 31),
            &self.day_of_month,
            u64::from(ALL_MONTH_DAYS),
        )?;
        let week = mask(
            &Limits("day_of_week", 0, 6),
            &self.day_of_week,
            u64::from(ALL_WEEK_DAYS),
        )?;
        let mut years = Vec::with_capacity(self.year.len());
        for range in &self.year {
            let _years = numbers(name, &Limits("year", 1970, 2199), *range)?;
            let last = range.end.unwrap_or(range.start);
            years.push((
                i64::from(range.start),
                i64::from(last),
                i64::from(range.step),
            ));
        }
        Ok(Calendar {
            seconds: mask(&Limits("second", 0, 59), &self.second, 1)?,
            minutes,
            hours,
            month_days: MonthDays {
                mask: u32::try_from(days).expect("days of a month are below 32"),
                ..MonthDays::default()
            },
            months: mask(&Limits("month", 1, 12), &self.month, ALL_MONTHS)?,
            week_days: WeekDays {
                mask: u8::try_from(week).expect("days of a week are below 7"),
                ..WeekDays::default()
            },
            day_rule: DayRule::Both,
            years,
            fixed_time: minutes != ALL_60 && hours != ALL_HOURS,
        })
    }
}

fn numbers(
    calendar: &str,
    limits: &Limits,
    range: Range,
) -> Result<impl Iterator<Item = u32>, SpecError> {
    let Limits(field, min, max) = *limits;
    let last = range.end.unwrap_or(range.start);
    if range.start < min || last > max || range.start > last || range.step == 0 {
        return Err(SpecError::Field {
            expression: calendar.to_owned(),
            field: field.to_owned(),
            value: format!("{}-{last}/{}", range.start, range.step),
            allowed: format!("allowed are {min}-{max} upwards, with a step of at least 1"),
        });
    }
    let step = usize::try_from(range.step).unwrap_or(usize::MAX);
    Ok((range.start..=last).step_by(step))
}

impl Timetable {
    /// The first time after `after` that the timetable names, jitter aside. `None`: never again,
    /// or not in the next hundred years.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let mut after = match self.start_at {
            Some(start) => after.max(Timestamp(start.0.saturating_sub(1))),
            None => after,
        };
        let parts = self.calendars.len() + self.intervals.len();
        for _ in 0..EXCLUDED_MAX / parts.max(1) {
            let next = self.next_of_parts(after)?;
            if self.end_at.is_some_and(|end| next > end) {
                return None;
            }
            let Some(until) = self.excluded_until(next) else {
                return Some(next);
            };
            // Strictly later than `next`, so the search moves on.
            after = Timestamp(until.0.saturating_sub(1).max(next.0));
        }
        None
    }

    /// The first fire of schedule `id` whose nominal time is after `after`.
    #[must_use]
    pub fn next_fire(&self, id: &str, after: Timestamp) -> Option<Fire> {
        let nominal = self.next_after(after)?;
        if self.jitter == 0 {
            let at = nominal;
            return Some(Fire { nominal, at });
        }
        // A fire never comes later than the next one's time, so their order stays.
        let room = self
            .next_after(nominal)
            .map_or(self.jitter, |next| next.0 - nominal.0)
            .min(self.jitter);
        let late = scatter(id, nominal, room);
        Some(Fire {
            nominal,
            at: Timestamp(nominal.0.saturating_add(late)),
        })
    }

    /// The next `n` nominal times after `after`.
    #[must_use]
    pub fn next_times(&self, after: Timestamp, n: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take(n)
            .collect()
    }

    /// That it fires at some time after `now`.
    ///
    /// # Errors
    /// [`SpecError::NeverFires`], such as for 30 February.
    pub fn check_fires(&self, spec: &ScheduleSpec, now: Timestamp) -> Result<(), SpecError> {
        match self.next_after(now) {
            Some(_) => Ok(()),
            None => Err(SpecError::NeverFires(spec.summary())),
        }
    }

    fn next_of_parts(&self, after: Timestamp) -> Option<Timestamp> {
        let second = after.0.div_euclid(1_000);
        let calendars = self
            .calendars
            .iter()
            .filter_map(|calendar| self.zone.next(calendar, self.dst, second))
            .map(|second| second.saturating_mul(1_000));
        let intervals = self.intervals.iter().filter_map(|(every, phase)| {
            let nth = (after.0.checked_sub(*phase)?).div_euclid(*every);
            nth.checked_add(1)?.checked_mul(*every)?.checked_add(*phase)
        });
        // At the end of time a sum stays where it is, and that is not after.
        let later = calendars.chain(intervals).filter(|next| *next > after.0);
        later.min().map(Timestamp)
    }

    /// When the exclusion that a time falls into may end.
    fn excluded_until(&self, at: Timestamp) -> Option<Timestamp> {
        let second = at.0.div_euclid(1_000);
        let offset = self.zone.offset(second);
        let local = second + offset;
        let hit = self.exclude.iter().filter(|c| c.matches(local));
        // A change of the clock may end it before; the search looks again within the hour then.
        hit.map(|calendar| {
            let until = (calendar.stays_until(local) - local).min(3_600) + second;
            Timestamp(until.saturating_mul(1_000))
        })
        .max()
    }
}

/// A number below `room` that looks random and is always the same for one fire.
fn scatter(id: &str, nominal: Timestamp, room: i64) -> i64 {
    let digest = Digest::of(format!("{id}\n{}", nominal.0).as_bytes());
    let bytes: [u8; 8] = digest
        .0
        .first_chunk()
        .copied()
        .expect("a digest has 32 bytes");
    let number = i64::try_from(u64::from_be_bytes(bytes) >> 1).unwrap_or(0);
    if room > 0 { number % room } else { 0 }
}

#[cfg(test)]
mod tests;
