//! Times of timetables: golden tables, brute force, the labelled set if it is at hand.

mod brute;
mod golden;
mod labelled;

use super::*;

/// Civil UTC text of a time, without a fraction.
fn iso(at: Timestamp) -> String {
    let date = crate::schedule::civil::Date::of_day(at.0.div_euclid(86_400_000));
    let second = at.0.rem_euclid(86_400_000) / 1_000;
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year,
        date.month,
        date.day,
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// The time of such a text.
fn at(text: &str) -> Timestamp {
    let n = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let date = crate::schedule::civil::Date {
        year: n(0, 4),
        month: n(5, 7),
        day: n(8, 10),
    };
    let second = n(11, 13) * 3_600 + n(14, 16) * 60 + n(17, 19);
    Timestamp((date.days() * 86_400 + second) * 1_000)
}

fn times(spec: &ScheduleSpec, start: &str, n: usize) -> Vec<String> {
    let timetable = spec.compile().unwrap();
    let times = timetable.next_times(at(start), n);
    times.into_iter().map(iso).collect()
}
