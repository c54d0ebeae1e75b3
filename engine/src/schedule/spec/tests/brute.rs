//! The same as looking at every minute, over random expressions and weeks with changed clocks.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::schedule::civil::{DAY_SECONDS, Date, weekday};

/// A small seeded generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % n
    }

    fn field(&mut self, first: i64, last: i64) -> String {
        let n = last - first + 1;
        let from = first + self.below(n);
        let to = from + self.below(last - from + 1);
        match self.below(7) {
            0 | 1 => "*".to_owned(),
            2 => format!("*/{}", 1 + self.below(n)),
            3 => format!("{from}-{to}"),
            4 => format!("{from}-{to}/{}", 1 + self.below(6)),
            5 => format!("{from},{to},{}", first + self.below(n)),
            _ => from.to_string(),
        }
    }
}

/// Whether a number is in a field, by reading its text anew each time.
fn is_in(text: &str, n: i64, first: i64, last: i64) -> bool {
    text.split(',').any(|part| {
        let (base, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match base.split_once('-') {
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None if base == "*" => (first, last),
            None => (base.parse().unwrap(), base.parse().unwrap()),
        };
        (from..=to).contains(&n) && (n - from) % step.parse::<i64>().unwrap() == 0
    })
}

fn matches(fields: &[String], local: i64) -> bool {
    let days = local.div_euclid(DAY_SECONDS);
    let date = Date::of_day(days);
    let day = is_in(&fields[2], date.day, 1, 31);
    let week = is_in(&fields[4], weekday(days), 0, 6);
    let both = fields[2].starts_with('*') || fields[4].starts_with('*');
    is_in(&fields[0], local / 60 % 60, 0, 59)
        && is_in(&fields[1], local / 3_600 % 24, 0, 23)
        && is_in(&fields[3], date.month, 1, 12)
        && if both { day && week } else { day || week }
}

/// Zones and weeks in which their clocks change, or do not.
const WEEKS: [(&str, &str); 12] = [
    ("America/New_York", "2026-03-05T00:00:00Z"),
    ("America/New_York", "2026-10-29T00:00:00Z"),
    ("Europe/Berlin", "2026-03-26T00:00:00Z"),
    ("Europe/Berlin", "2026-10-22T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-01T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-01T00:00:00Z"),
    ("Africa/Casablanca", "2026-02-12T00:00:00Z"),
    ("Africa/Casablanca", "2026-03-19T00:00:00Z"),
    ("Pacific/Apia", "2011-12-27T00:00:00Z"),
    ("America/Sao_Paulo", "2018-11-01T00:00:00Z"),
    ("Asia/Kathmandu", "2026-05-01T00:00:00Z"),
    ("America/St_Johns", "2026-10-29T00:00:00Z"),
];
const MINUTES: i64 = 7 * 24 * 60;

#[test]
fn times_are_the_same_as_by_looking_at_every_minute() {
    let mut random = Random(20_260_310);
    let mut compared = 0;
    for round in 0..600 {
        let (zone_name, start) = WEEKS[usize::try_from(random.below(12)).unwrap()];
        let start = at(start).0 / 1_000;
        let fields = [
            random.field(0, 59),
            random.field(0, 23),
            random.field(1, 31),
            if random.below(2) == 0 {
                "*".to_owned()
            } else {
                random.field(1, 12)
            },
            random.field(0, 6),
        ];
        let expression = fields.join(" ");
        let rule = if round % 2 == 0 {
            DstRule::Literal
        } else {
            DstRule::Cron
        };
        let spec = ScheduleSpec::cron(&expression)
            .in_zone(zone_name)
            .with_dst(rule);
        let zone = Zone::find(zone_name).unwrap();
        let fixed = !fields[0].starts_with('*') && !fields[1].starts_with('*');
        let instants: Vec<(i64, i64)> = (0..=MINUTES)
            .map(|minute| start + minute * 60)
            .map(|utc| (utc, utc + zone.offset(utc)))
            .collect();
        let expected = if fixed && rule == DstRule::Cron {
            once(&fields, &instants)
        } else {
            instants
                .iter()
                .filter(|(_, local)| matches(&fields, *local))
                .map(|(utc, _)| *utc)
                .collect()
        };
        // The brute search knows the local times of the window only; its edges are left out.
        let (from, to) = (start + DAY_SECONDS, start + (MINUTES - 1_440) * 60);
        let expected: Vec<i64> = expected
            .into_iter()
            .filter(|utc| (from + 1..=to).contains(utc))
            .collect();
        let timetable = spec.compile().unwrap();
        let mut ours = Vec::new();
        let mut after = Timestamp(from * 1_000);
        while let Some(next) = timetable
            .next_after(after)
            .filter(|next| next.0 <= to * 1_000)
        {
            assert!(next > after, "{expression} {zone_name}: times go up");
            ours.push(next.0 / 1_000);
            after = next;
        }
        assert_eq!(ours, expected, "{expression} {zone_name} {rule:?}");
        compared += ours.len();
    }
    assert!(compared > 10_000, "{compared} times were compared");
}

#[test]
fn no_text_makes_it_panic() {
    let letters = b"0123456789*/,-#LW?@ jansufri+:.\xc3\xa9";
    let mut random = Random(3);
    let mut accepted = 0;
    for round in 0..30_000_i64 {
        let n = random.below(if round % 2 == 0 { 24 } else { 5 });
        let text: Vec<u8> = (0..n)
            .map(|_| letters[usize::try_from(random.below(33)).unwrap()])
            .collect();
        let text = String::from_utf8_lossy(&text);
        // Half of them have five fields, so that some get through.
        let text = match round % 2 {
            0 => text.into_owned(),
            _ => format!(
                "{} {} * * {}",
                random.field(0, 70),
                random.field(0, 25),
                text.trim()
            ),
        };
        if let Ok(timetable) = ScheduleSpec::cron(&text).compile() {
            accepted += 1;
            let after = Timestamp(random.below(4_000_000_000) * 1_000);
            if let Some(next) = timetable.next_after(after) {
                assert!(next > after, "{text}");
            }
        }
    }
    assert!(accepted > 500, "{accepted} were accepted");
}

/// Each local time once: the first instant that has it, or the first one after it.
fn once(fields: &[String], instants: &[(i64, i64)]) -> BTreeSet<i64> {
    let mut first: BTreeMap<i64, i64> = BTreeMap::new();
    for (utc, local) in instants {
        first.entry(*local).or_insert(*utc);
    }
    let (Some((low, _)), Some((high, _))) = (first.first_key_value(), first.last_key_value())
    else {
        return BTreeSet::new();
    };
    (*low..=*high)
        .step_by(60)
        .filter(|local| matches(fields, *local))
        .filter_map(|local| first.range(local..).next().map(|(_, utc)| *utc))
        .collect()
}
