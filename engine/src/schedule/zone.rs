//! Time zones, and what becomes of local times that do not exist or happen twice.
//!
//! The only file that names the time zone library. The system's database comes first, because it is
//! kept up to date there and other programs go by it; without one, that of the binary serves. Must not know what a schedule does.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::calendar::Calendar;
use super::error::SpecError;
use super::spec::DstRule;

/// How far a search goes: far enough for a 29 February on any weekday, across a year 2100.
const HORIZON_SECONDS: i64 = 100 * 366 * 86_400;
/// Times that are looked at inside one hour that happens twice, at most: the longest is a day.
const FOLD_TIMES_MAX: usize = 100_000;

/// A named time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name; no name is UTC.
    pub(super) fn find(name: &str) -> Result<Self, SpecError> {
        if name.is_empty() {
            return Ok(Self(TimeZone::UTC));
        }
        TimeZone::get(name).map(Self).map_err(|_| SpecError::Zone {
            name: name.to_owned(),
            like: most_alike(name),
        })
    }

    /// A zone from the bytes of a compiled zone file.
    #[cfg(test)]
    pub(super) fn from_file(name: &str, bytes: &[u8]) -> Option<Self> {
        TimeZone::tzif(name, bytes).map(Self).ok()
    }

    /// Local time minus UTC at an instant, in seconds.
    pub(super) fn offset(&self, at: i64) -> i64 {
        i64::from(self.0.to_offset(instant(at)).seconds())
    }

    /// The first instant after `at` at which the offset may change.
    fn next_transition(&self, at: i64) -> Option<i64> {
        let next = self.0.following(instant(at)).next()?;
        Some(next.timestamp().as_second())
    }

    /// The first instant after `after` whose local time is in the calendar.
    pub(super) fn next(&self, calendar: &Calendar, rule: DstRule, after: i64) -> Option<i64> {
        match rule {
            DstRule::Cron if calendar.fixed_time => self.next_once(calendar, after),
            DstRule::Cron | DstRule::Literal => self.next_literal(calendar, after),
        }
    }

    /// Every instant whose local time matches: a time that does not exist never comes, a time that
    /// happens twice comes twice. Between two transitions local time is UTC plus a constant.
    fn next_literal(&self, calendar: &Calendar, after: i64) -> Option<i64> {
        let horizon = after.saturating_add(HORIZON_SECONDS);
        let mut from = after.saturating_add(1);
        while from < horizon {
            let offset = self.offset(from);
            let end = self.next_transition(from).unwrap_or(horizon).min(horizon);
            if let Some(local) = calendar.next(from + offset, end + offset) {
                return Some(local - offset);
            }
            from = end;
        }
        None
    }

    /// Every local time of the calendar comes once: one that does not exist at the end of the gap,
    /// one that happens twice the first time.
    fn next_once(&self, calendar: &Calendar, after: i64) -> Option<i64> {
        let start = after + self.offset(after);
        let end = start.saturating_add(HORIZON_SECONDS);
        let mut local = start;
        // In the second half of a fold the times of the first half are over.
        for _ in 0..FOLD_TIMES_MAX {
            local = calendar.next(local + 1, end)?;
            let at = self.first_instant(local);
            if at > after {
                return Some(at);
            }
        }
        None
    }

    /// The first instant of a local time, or the end of the gap that it lies in.
    fn first_instant(&self, local: i64) -> i64 {
        let civil = jiff::tz::Offset::UTC.to_datetime(instant(local));
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => local - i64::from(offset.seconds()),
            AmbiguousOffset::Fold { before, .. } => local - i64::from(before.seconds()),
            AmbiguousOffset::Gap { before, .. } => {
                let inside = local - i64::from(before.seconds());
                let gap = self.0.preceding(instant(inside + 1)).next();
                gap.map_or(inside, |gap| gap.timestamp().as_second())
            }
        }
    }
}

/// Years far from ours have no zone data; their times stay at the end of what there is.
fn instant(second: i64) -> Timestamp {
    let clamped = second.clamp(
        Timestamp::MIN.as_second() + 200_000,
        Timestamp::MAX.as_second() - 200_000,
    );
    Timestamp::from_second(clamped).expect("the second was clamped to the range of the type")
}

/// The known name with the fewest changes, if they are few.
fn most_alike(name: &str) -> Option<String> {
    if name.len() > 64 {
        return None;
    }
    let wanted = name.to_ascii_lowercase();
    let mut best: Option<(usize, String)> = None;
    for known in jiff::tz::db().available() {
        let known = known.as_str();
        let lower = known.to_ascii_lowercase();
        let city = lower.rsplit('/').next().unwrap_or_default();
        let changes = changes(&wanted, &lower).min(1 + changes(&wanted, city));
        if changes <= 3 && best.as_ref().is_none_or(|(least, _)| changes < *least) {
            best = Some((changes, known.to_owned()));
        }
    }
    best.map(|(_, known)| known)
}

/// How many bytes must be changed, put in or taken out.
fn changes(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b) {
            let above = *slot;
            let replaced = corner + usize::from(x != *y);
            left = replaced.min(above + 1).min(left + 1);
            corner = above;
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
