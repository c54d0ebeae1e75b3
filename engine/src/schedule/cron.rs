//! Cron expressions of 5 to 7 fields.
//!
//! 5 fields: minute, hour, day of month, month, day of week. 6: second first. 7: year last as well.
//! Neighbours: gives a `calendar::Calendar`. Must not know zones.

use super::calendar::{ALL_MONTH_DAYS, ALL_WEEK_DAYS, Calendar, DayRule, MonthDays, WeekDays};
use super::error::SpecError;

/// Longest expression, bytes.
const EXPRESSION_BYTES_MAX: usize = 1_024;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What a field is called and which numbers it takes.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    first: i64,
    last: i64,
    names: &'static [&'static str],
    /// What else may stand there, for the error text.
    more: &'static str,
}

const SECOND: Kind = plain("second", 0, 59);
const MINUTE: Kind = plain("minute", 0, 59);
const HOUR: Kind = plain("hour", 0, 23);
const MONTH_DAY: Kind = Kind {
    more: ", L, L-3, 15W, LW or ?",
    ..plain("day-of-month", 1, 31)
};
const MONTH: Kind = Kind {
    names: &MONTHS,
    more: " or jan-dec",
    ..plain("month", 1, 12)
};
const WEEK_DAY: Kind = Kind {
    names: &WEEKDAYS,
    more: " (0 and 7 are Sunday), sun-sat, fri#2, friL or ?",
    ..plain("day-of-week", 0, 7)
};
const YEAR: Kind = plain("year", 1970, 2199);

const fn plain(name: &'static str, first: i64, last: i64) -> Kind {
    Kind {
        name,
        first,
        last,
        names: &[],
        more: "",
    }
}

/// One field under reading.
struct Field<'a> {
    expression: &'a str,
    kind: Kind,
    text: &'a str,
}

/// Numbers from first to last by a step.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
    step: i64,
}

impl Span {
    fn numbers(self) -> impl Iterator<Item = i64> {
        // The step is at least 1 and at most 9999, so it fits.
        let step = usize::try_from(self.step).unwrap_or(1);
        (self.first..=self.last).step_by(step)
    }
}

/// Reads an expression.
pub(super) fn parse(expression: &str) -> Result<Calendar, SpecError> {
    let trimmed = expression.trim();
    if trimmed.len() > EXPRESSION_BYTES_MAX {
        return Err(SpecError::TooMany {
            what: "bytes in a cron expression".to_owned(),
            max: EXPRESSION_BYTES_MAX,
        });
    }
    let whole = match trimmed.strip_prefix('@') {
        Some(word) => nickname(word).ok_or_else(|| SpecError::Nickname(trimmed.to_owned()))?,
        None => trimmed,
    };
    let words: Vec<&str> = whole.split_ascii_whitespace().collect();
    let (second, five, year) = match words.as_slice() {
        [a, b, c, d, e] => ("0", [*a, *b, *c, *d, *e], "*"),
        [s, a, b, c, d, e] => (*s, [*a, *b, *c, *d, *e], "*"),
        [s, a, b, c, d, e, y] => (*s, [*a, *b, *c, *d, *e], *y),
        _ => {
            return Err(SpecError::FieldCount {
                expression: trimmed.to_owned(),
                fields: words.len(),
            });
        }
    };
    let field = |kind, text| Field {
        expression: trimmed,
        kind,
        text,
    };
    let [minute, hour, month_day, month, week_day] = five;
    let goes_on = |text: &str| text.starts_with('*');
    let is_open = |text: &str| text.starts_with(['*', '?']);
    let day_rule = if is_open(month_day) || is_open(week_day) {
        DayRule::Both
    } else {
        DayRule::Either
    };
    Ok(Calendar {
        seconds: field(SECOND, second).mask()?,
        minutes: field(MINUTE, minute).mask()?,
        hours: field(HOUR, hour).mask()?,
        month_days: field(MONTH_DAY, month_day).month_days()?,
        months: field(MONTH, month).mask()?,
        week_days: field(WEEK_DAY, week_day).week_days()?,
        day_rule,
        years: field(YEAR, year).years()?,
        fixed_time: !goes_on(minute) && !goes_on(hour),
    })
}

fn nickname(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        _ => return None,
    })
}

impl Field<'_> {
    fn wrong(&self, value: &str, allowed: String) -> SpecError {
        SpecError::Field {
            expression: self.expression.to_owned(),
            field: self.kind.name.to_owned(),
            value: value.to_owned(),
            allowed,
        }
    }

    fn not_allowed(&self, value: &str) -> SpecError {
        let Kind {
            first, last, more, ..
        } = self.kind;
        let allowed = format!("allowed are *, {first}-{last}{more}, lists 1,2 and steps */2");
        self.wrong(value, allowed)
    }

    fn number(&self, text: &str, value: &str) -> Result<i64, SpecError> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = self.kind.names.iter().position(|name| *name == lower) {
            return Ok(self.kind.first + i64::try_from(at).unwrap_or(0));
        }
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<i64>().ok().filter(|_| is_number);
        number
            .filter(|n| (self.kind.first..=self.kind.last).contains(n))
            .ok_or_else(|| self.not_allowed(value))
    }

    /// `*`, `5`, `5-9`, each also with `/step`.
    fn span(&self, part: &str) -> Result<Span, SpecError> {
        let (base, step) = match part.split_once('/') {
            None => (part, None),
            Some((base, step)) => (base, Some(self.step(step, part)?)),
        };
        let (first, last) = if base == "*" {
            (self.kind.first, self.open_end())
        } else if let Some((from, to)) = base.split_once('-') {
            let first = self.number(from, part)?;
            let mut last = self.number(to, part)?;
            if last == 0 && self.kind.last == 7 && first > 0 {
                // A week may end with its Sunday.
                last = 7;
            }
            if first > last {
                let allowed = "a range goes up; write a list of two ranges to go around".to_owned();
                return Err(self.wrong(part, allowed));
            }
            (first, last)
        } else {
            let first = self.number(base, part)?;
            // `5/15` goes on from 5 to the end.
            let last = if step.is_some() {
                self.open_end().max(first)
            } else {
                first
            };
            (first, last)
        };
        let step = step.unwrap_or(1);
        Ok(Span { first, last, step })
    }

    /// The last number that `*` stands for: a Sunday counts once.
    fn open_end(&self) -> i64 {
        if self.kind.last == 7 {
            6
        } else {
            self.kind.last
        }
    }

    fn step(&self, text: &str, part: &str) -> Result<i64, SpecError> {
        let is_number = !text.is_empty() && text.len() <= 4;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>()
            .ok()
            .filter(|step| is_number && digits && *step >= 1)
            .ok_or_else(|| self.wrong(part, "a step is a number from 1 to 9999".to_owned()))
    }

    /// The parts of a list; none may be empty.
    fn parts(&self) -> impl Iterator<Item = &str> {
        self.text.split(',')
    }

    fn mask(&self) -> Result<u64, SpecError> {
        let mut mask = 0;
        for part in self.parts() {
            for n in self.span(part)?.numbers() {
                mask |= 1_u64 << n;
            }
        }
        Ok(mask)
    }

    fn years(&self) -> Result<Vec<(i64, i64, i64)>, SpecError> {
        if self.text == "*" {
            return Ok(Vec::new());
        }
        self.parts()
            .map(|part| self.span(part).map(|s| (s.first, s.last, s.step)))
            .collect()
    }

    fn month_days(&self) -> Result<MonthDays, SpecError> {
        let mut days = MonthDays::default();
        if self.text == "?" {
            days.mask = ALL_MONTH_DAYS;
            return Ok(days);
        }
        for part in self.parts() {
            let upper = part.to_ascii_uppercase();
            if upper == "LW" || upper == "WL" {
                days.last_weekday = true;
            } else if let Some(back) = upper.strip_prefix("L-") {
                let back = self.number(back, part)?;
                days.from_last |= 1_u32.checked_shl(bit(back)).unwrap_or(0);
            } else if upper == "L" {
                days.from_last |= 1;
            } else if let Some(day) = upper.strip_suffix('W') {
                days.nearest |= 1 << bit(self.number(day, part)?);
            } else {
                for n in self.span(part)?.numbers() {
                    days.mask |= 1 << bit(n);
                }
            }
        }
        Ok(days)
    }

    fn week_days(&self) -> Result<WeekDays, SpecError> {
        let mut days = WeekDays::default();
        if self.text == "?" {
            days.mask = ALL_WEEK_DAYS;
            return Ok(days);
        }
        for part in self.parts() {
            let upper = part.to_ascii_uppercase();
            if let Some((base, which)) = upper.split_once('#') {
                let mask = self.week_mask(base, part)?;
                if which == "L" {
                    days.last |= mask;
                    continue;
                }
                let n = which.parse::<u32>().ok();
                let n = n.filter(|n| (1..=5).contains(n)).ok_or_else(|| {
                    self.wrong(part, "after # stands 1 to 5, or L for the last".to_owned())
                })?;
                for (day, nth) in days.nth.iter_mut().enumerate() {
                    if mask >> day & 1 == 1 {
                        *nth |= 1 << n;
                    }
                }
            } else if let Some(base) = upper.strip_suffix('L') {
                days.last |= self.week_mask(base, part)?;
            } else {
                days.mask |= self.week_mask(part, part)?;
            }
        }
        Ok(days)
    }

    /// The weekdays of a part without its ending, Sunday is bit 0.
    fn week_mask(&self, base: &str, part: &str) -> Result<u8, SpecError> {
        if base.is_empty() {
            return Err(self.not_allowed(part));
        }
        let mut mask = 0;
        for n in self
            .span(base)
            .map_err(|_| self.reason(base, part))?
            .numbers()
        {
            mask |= 1 << (n % 7);
        }
        Ok(mask)
    }

    /// The error of a base, told of the whole part.
    fn reason(&self, base: &str, part: &str) -> SpecError {
        match self.span(base) {
            Err(SpecError::Field { allowed, .. }) => self.wrong(part, allowed),
            Ok(_) | Err(_) => self.not_allowed(part),
        }
    }
}

/// Numbers of days are 1 to 31, and so fit.
fn bit(day: i64) -> u32 {
    u32::try_from(day).unwrap_or(0)
}
