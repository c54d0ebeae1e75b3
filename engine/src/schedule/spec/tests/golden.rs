//! Golden tables of our own.

use super::*;

fn check(expression: &str, start: &str, expected: &[&str]) {
    let spec = ScheduleSpec::cron(expression);
    assert_eq!(
        times(&spec, start, expected.len()),
        expected,
        "{expression}"
    );
}

#[test]
fn cron_fields_read_as_they_always_did() {
    let start = "2026-01-20T08:00:30Z"; // A Tuesday.
    check(
        "5 * * * *",
        start,
        &["2026-01-20T08:05:00Z", "2026-01-20T09:05:00Z"],
    );
    check(
        "50-59/4 8 * * *",
        start,
        &["2026-01-20T08:50:00Z", "2026-01-20T08:54:00Z"],
    );
    check(
        "7/20 8 * * *",
        start,
        &["2026-01-20T08:07:00Z", "2026-01-20T08:27:00Z"],
    );
    check(
        "0 0 13 * FRI",
        start,
        &["2026-01-23T00:00:00Z", "2026-01-30T00:00:00Z"],
    );
    check(
        "0 0 */10 * 3",
        start,
        &["2026-01-21T00:00:00Z", "2026-02-11T00:00:00Z"],
    );
    check(
        "0 0 * * 5-7",
        start,
        &[
            "2026-01-23T00:00:00Z",
            "2026-01-24T00:00:00Z",
            "2026-01-25T00:00:00Z",
        ],
    );
    check(
        "0 0 * * fri-SUN",
        start,
        &[
            "2026-01-23T00:00:00Z",
            "2026-01-24T00:00:00Z",
            "2026-01-25T00:00:00Z",
        ],
    );
    check(
        "0 12 ? Feb,mar 0",
        start,
        &["2026-02-01T12:00:00Z", "2026-02-08T12:00:00Z"],
    );
    check(
        "*/20 59 23 31 12 *",
        start,
        &["2026-12-31T23:59:00Z", "2026-12-31T23:59:20Z"],
    );
    check(
        "0 0 0 1 1 * 2030,2040-2050/5",
        start,
        &[
            "2030-01-01T00:00:00Z",
            "2040-01-01T00:00:00Z",
            "2045-01-01T00:00:00Z",
        ],
    );
    check("@weekly", start, &["2026-01-25T00:00:00Z"]);
    check("@Hourly", start, &["2026-01-20T09:00:00Z"]);
    check("  0\t0  29 2 *  ", start, &["2028-02-29T00:00:00Z"]);
}

#[test]
fn last_days_nearest_weekdays_and_numbered_weekdays_are_found() {
    let start = "2026-01-20T08:00:30Z";
    check(
        "0 0 L * *",
        start,
        &["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"],
    );
    check(
        "0 0 L-3 * *",
        start,
        &["2026-01-28T00:00:00Z", "2026-02-25T00:00:00Z"],
    );
    check(
        "0 0 LW * *",
        start,
        &[
            "2026-01-30T00:00:00Z",
            "2026-02-27T00:00:00Z",
            "2026-03-31T00:00:00Z",
        ],
    );
    // 1 February 2026 is a Sunday, 1 August a Saturday, 31 May a Sunday.
    check("0 0 1W 2 *", start, &["2026-02-02T00:00:00Z"]);
    check("0 0 1W 8 *", start, &["2026-08-03T00:00:00Z"]);
    check("0 0 31W 5 *", start, &["2026-05-29T00:00:00Z"]);
    check("0 0 15W 8 *", start, &["2026-08-14T00:00:00Z"]);
    check(
        "0 0 * * 1#2",
        start,
        &["2026-02-09T00:00:00Z", "2026-03-09T00:00:00Z"],
    );
    check(
        "0 0 * * friL",
        start,
        &["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"],
    );
    check(
        "0 0 * * 5#L",
        start,
        &["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"],
    );
    check(
        "0 0 * * 1#5",
        start,
        &["2026-03-30T00:00:00Z", "2026-06-29T00:00:00Z"],
    );
}

#[test]
fn an_error_names_the_field_the_value_and_what_is_allowed() {
    let table = [
        ("61 * * * *", "minute", "61", "0-59"),
        ("* 24 * * *", "hour", "24", "0-23"),
        ("* * 0 * *", "day-of-month", "0", "1-31"),
        ("* * * 13 *", "month", "13", "1-12 or jan-dec"),
        ("* * * * 8", "day-of-week", "8", "0-7"),
        ("* * * * foo", "day-of-week", "foo", "sun-sat"),
        ("* * * * 1#6", "day-of-week", "1#6", "1 to 5"),
        ("* * * * L", "day-of-week", "L", "friL"),
        ("*/0 * * * *", "minute", "*/0", "1 to 9999"),
        ("*/-5 * * * *", "minute", "*/-5", "1 to 9999"),
        ("-1 * * * *", "minute", "-1", "0-59"),
        ("30-10 * * * *", "minute", "30-10", "goes up"),
        ("1,,2 * * * *", "minute", "", "0-59"),
        ("+5 * * * *", "minute", "+5", "0-59"),
        (
            "99999999999999999999 * * * *",
            "minute",
            "99999999999999999999",
            "0-59",
        ),
        ("0 0 0 1 1 * 1969", "year", "1969", "1970-2199"),
        ("* * 32W * *", "day-of-month", "32W", "15W"),
    ];
    for (expression, field, value, allowed) in table {
        let error = ScheduleSpec::cron(expression)
            .compile()
            .unwrap_err()
            .to_string();
        for part in [field, &format!("{value:?}"), allowed] {
            assert!(
                error.contains(part),
                "{expression}: {part} is not in: {error}"
            );
        }
    }
    for (expression, part) in [
        ("", "0 fields"),
        ("* * *", "3 fields"),
        ("@reboot", "@hourly"),
    ] {
        let error = ScheduleSpec::cron(expression)
            .compile()
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
    let long = "1,".repeat(600) + "1 * * * *";
    assert!(ScheduleSpec::cron(&long).compile().is_err());
    let zone = ScheduleSpec::cron("@daily").in_zone("Europe/Berln");
    let error = zone.compile().unwrap_err().to_string();
    assert!(error.contains("did you mean Europe/Berlin?"), "{error}");
    let zone = ScheduleSpec::cron("@daily").in_zone("/etc/passwd");
    assert!(
        zone.compile()
            .unwrap_err()
            .to_string()
            .contains("/etc/passwd")
    );
}

#[test]
fn an_expression_that_never_fires_is_refused() {
    let now = at("2026-01-20T08:00:00Z");
    for expression in [
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 0 1 1 * 2025",
        "0 0 0 29 2 * 2027",
    ] {
        let spec = ScheduleSpec::cron(expression);
        let timetable = spec.compile().unwrap();
        let error = timetable.check_fires(&spec, now).unwrap_err();
        assert!(error.to_string().contains("never fires"), "{error}");
    }
    let mut ended = ScheduleSpec::cron("@yearly");
    ended.end_at = Some(at("2026-12-31T23:59:59Z"));
    assert!(ended.compile().unwrap().check_fires(&ended, now).is_err());
    ended.end_at = Some(at("2027-01-01T00:00:00Z"));
    assert!(ended.compile().unwrap().check_fires(&ended, now).is_ok());
    ended.start_at = ended.end_at;
    assert_eq!(ended.compile(), Err(SpecError::Bounds));
    assert_eq!(ScheduleSpec::default().compile(), Err(SpecError::Empty));
    // All days are excluded: the search gives up.
    let mut nothing = ScheduleSpec::cron("*/5 * * * *");
    let all = |start, end| {
        vec![Range {
            start,
            end: Some(end),
            step: 1,
        }]
    };
    nothing.exclude = vec![CalendarSpec {
        minute: all(0, 59),
        hour: all(0, 23),
        ..CalendarSpec::default()
    }];
    assert!(
        nothing
            .compile()
            .unwrap()
            .check_fires(&nothing, now)
            .is_err()
    );
}

#[test]
fn a_29_february_that_is_a_monday_is_found_over_the_years_without_one() {
    // 2096 is the last leap year before 2104.
    let mut spec = ScheduleSpec {
        calendars: vec![CalendarSpec {
            day_of_month: vec![29.into()],
            month: vec![2.into()],
            day_of_week: vec![1.into()],
            ..CalendarSpec::default()
        }],
        ..ScheduleSpec::default()
    };
    assert_eq!(
        times(&spec, "2026-01-01T00:00:00Z", 3),
        [
            "2044-02-29T00:00:00Z",
            "2072-02-29T00:00:00Z",
            "2112-02-29T00:00:00Z"
        ]
    );
    spec.calendars = vec![CalendarSpec {
        year: vec![
            2096.into(),
            Range {
                start: 2098,
                end: Some(2110),
                step: 6,
            },
        ],
        ..CalendarSpec::default()
    }];
    assert_eq!(
        times(&spec, "2096-12-31T00:00:00Z", 2),
        ["2098-01-01T00:00:00Z", "2098-01-02T00:00:00Z"]
    );
}

#[test]
fn the_literal_rule_leaves_out_what_does_not_exist_and_repeats_what_happens_twice() {
    let table: [(&str, &str, &str, &[&str]); 8] = [
        (
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00:00Z",
            &["2026-03-09T06:30:00Z"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            &[
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:30:00Z",
                "2026-11-02T06:30:00Z",
            ],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-30T00:30:00Z"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &[
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-26T01:30:00Z",
            ],
        ),
        // Lord Howe moves its clocks by half an hour.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            &["2026-10-04T15:15:00Z"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            &[
                "2026-04-04T14:45:00Z",
                "2026-04-04T15:15:00Z",
                "2026-04-05T15:15:00Z",
            ],
        ),
        // Samoa had no 30 December in 2011.
        (
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            &["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"],
        ),
        (
            "0 12 30 12 *",
            "Pacific/Apia",
            "2011-01-01T00:00:00Z",
            &["2012-12-29T22:00:00Z"],
        ),
    ];
    for (expression, zone, start, expected) in table {
        let spec = ScheduleSpec::cron(expression).in_zone(zone);
        assert_eq!(
            times(&spec, start, expected.len()),
            expected,
            "{expression} {zone}"
        );
    }
}

#[test]
fn the_cron_rule_fires_a_named_time_once_on_every_day() {
    let table: [(&str, &str, &str, &[&str]); 6] = [
        (
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00:00Z",
            &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        ),
        (
            "10,30,50 2 * * *",
            "America/New_York",
            "2026-03-08T00:00:00Z",
            &["2026-03-08T07:00:00Z", "2026-03-09T06:10:00Z"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-11-01T06:10:00Z",
            &["2026-11-02T06:30:00Z"],
        ),
        (
            "*/30 1 * * *",
            "America/New_York",
            "2026-11-01T05:00:00Z",
            &[
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:00:00Z",
                "2026-11-01T06:30:00Z",
            ],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        ),
    ];
    for (expression, zone, start, expected) in table {
        let spec = ScheduleSpec::cron(expression)
            .in_zone(zone)
            .with_dst(DstRule::Cron);
        assert_eq!(
            times(&spec, start, expected.len()),
            expected,
            "{expression} {zone}"
        );
    }
}

#[test]
fn intervals_keep_their_phase_and_parts_come_together() {
    let mut spec = ScheduleSpec::every(Millis::seconds(3_600));
    spec.intervals[0].phase = Millis::seconds(900);
    spec.crons.push("30 9 * * *".to_owned());
    assert_eq!(
        times(&spec, "2026-01-20T08:20:00Z", 4),
        [
            "2026-01-20T09:15:00Z",
            "2026-01-20T09:30:00Z",
            "2026-01-20T10:15:00Z",
            "2026-01-20T11:15:00Z"
        ]
    );
    // Not on Tuesdays, and not in the whole hour of 0.
    spec.exclude = vec![
        CalendarSpec {
            second: vec![Range {
                start: 0,
                end: Some(59),
                step: 1,
            }],
            minute: vec![Range {
                start: 0,
                end: Some(59),
                step: 1,
            }],
            hour: vec![Range {
                start: 0,
                end: Some(23),
                step: 1,
            }],
            day_of_week: vec![2.into()],
            ..CalendarSpec::default()
        },
        CalendarSpec {
            second: vec![Range {
                start: 0,
                end: Some(59),
                step: 1,
            }],
            minute: vec![Range {
                start: 0,
                end: Some(59),
                step: 1,
            }],
            ..CalendarSpec::default()
        },
    ];
    assert_eq!(
        times(&spec, "2026-01-20T08:20:00Z", 2),
        ["2026-01-21T01:15:00Z", "2026-01-21T02:15:00Z"]
    );
    for (every, phase) in [(0, 0), (999, 0), (5_000, 5_000), (u64::MAX, 0)] {
        let mut spec = ScheduleSpec::every(Millis(every));
        spec.intervals[0].phase = Millis(phase);
        assert!(matches!(spec.compile(), Err(SpecError::Interval(_))));
    }
    let odd = ScheduleSpec::every(Millis(1_500)).compile().unwrap();
    assert_eq!(
        odd.next_times(Timestamp(-1_501), 3),
        [Timestamp(-1_500), Timestamp(0), Timestamp(1_500)]
    );
    // The ends of time.
    assert_eq!(odd.next_after(Timestamp(i64::MAX)), None);
    assert!(odd.next_after(Timestamp(i64::MIN)).is_some());
    let daily = ScheduleSpec::cron("@daily")
        .in_zone("Europe/Berlin")
        .compile()
        .unwrap();
    assert_eq!(daily.next_after(Timestamp(i64::MAX)), None);
    assert!(
        daily
            .next_after(Timestamp(i64::MIN))
            .is_none_or(|at| at > Timestamp(i64::MIN))
    );
}

#[test]
fn jitter_is_bounded_the_same_for_one_fire_and_keeps_the_order() {
    let mut spec = ScheduleSpec::cron("*/10 * * * *");
    spec.jitter = Millis::seconds(300);
    let timetable = spec.compile().unwrap();
    let mut after = at("2026-01-20T08:00:00Z");
    let mut lates = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let fire = timetable.next_fire("report", after).unwrap();
        assert_eq!(Some(fire), timetable.next_fire("report", after));
        let late = fire.at.0 - fire.nominal.0;
        assert!((0..300_000).contains(&late));
        lates.insert(late);
        after = fire.nominal;
    }
    assert!(lates.len() > 450, "{} different delays", lates.len());
    let other = timetable.next_fire("other", at("2026-01-20T08:00:00Z"));
    assert_ne!(
        other,
        timetable.next_fire("report", at("2026-01-20T08:00:00Z"))
    );
    // More jitter than there is room for: still before the next fire.
    spec.jitter = Millis::seconds(86_400);
    let timetable = spec.compile().unwrap();
    let mut last = Timestamp(0);
    let mut after = at("2026-01-20T08:00:00Z");
    for _ in 0..500 {
        let fire = timetable.next_fire("report", after).unwrap();
        assert!(fire.at.0 - fire.nominal.0 < 600_000 && fire.at > last);
        (last, after) = (fire.at, fire.nominal);
    }
}
