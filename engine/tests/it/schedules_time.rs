//! Schedules and the clock: machines that were off, clocks put back, changed clocks, jitter.

use engine::schedule::{Overlap, Request, ScheduleSpec, Update};
use kernel::{Millis, Timestamp};

use crate::schedules::{HOUR, create, hourly, one, restart, rig, stand, times};

#[test]
fn fires_within_the_catchup_window_are_made_up_and_older_ones_counted() {
    let mut rig = rig();
    let mut new = hourly(Overlap::AllowAll, 1_000);
    new.policies.catchup_window = Millis(3 * 3_600_000);
    create(&mut rig, new);
    // The machine is off for ten hours: fires at 23:00 to 08:00, now is 08:13:20.
    rig.now = rig.now.after(Millis(10 * 3_600_000));
    restart(&mut rig);
    let made_up = [
        "2023-11-15T06:00:00Z",
        "2023-11-15T07:00:00Z",
        "2023-11-15T08:00:00Z",
    ];
    assert_eq!(times(&rig), made_up);
    let schedule = stand(&mut rig);
    assert_eq!((schedule.counts.missed, schedule.counts.started), (7, 3));
    restart(&mut rig);
    assert_eq!(stand(&mut rig).counts, schedule.counts);
}

#[test]
fn years_off_are_dealt_with_in_pieces() {
    let mut rig = rig();
    let mut new = hourly(Overlap::Skip, 1_000);
    new.spec = ScheduleSpec::cron("* * * * *");
    new.policies.catchup_window = HOUR;
    create(&mut rig, new);
    rig.pass(Millis(60 * 24 * 3_600_000));
    let schedule = stand(&mut rig);
    assert_eq!(schedule.counts.started, 1);
    assert_eq!(
        schedule.counts.missed + schedule.counts.skipped + 1,
        60 * 24 * 60
    );
    assert_eq!(schedule.counts.missed, 60 * 24 * 60 - 60);
}

#[test]
fn a_clock_put_back_a_little_repeats_nothing_and_by_much_stops_nothing() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::AllowAll, 1_000));
    rig.pass(Millis(3 * 3_600_000));
    assert_eq!(times(&rig).len(), 3);
    // Two hours back: the two hours are lived through again, and fire nothing again.
    rig.now = Timestamp(rig.now.0 - 2 * 3_600_000);
    rig.settle();
    rig.pass(HOUR);
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), 3);
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), 4);
    // The clock was a month ahead for ten hours, and is put right: the schedule goes on at once.
    let right = rig.now;
    let month = Millis(30 * 24 * 3_600_000);
    let mut policies = stand(&mut rig).policies;
    policies.catchup_window = HOUR;
    let change = Update {
        policies: Some(policies),
        ..Update::default()
    };
    one(
        &mut rig,
        Request::Update {
            id: "s".into(),
            change: Box::new(change),
        },
    );
    rig.now = right.after(month);
    rig.settle();
    let ahead = times(&rig).len();
    assert_eq!(ahead, 5, "the one fire within the window");
    rig.now = right;
    rig.settle();
    restart(&mut rig);
    rig.pass(HOUR);
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), ahead + 2);
    // A month later the time that ran ahead of the clock comes for real, and is known.
    for _ in 0..30 * 24 {
        rig.pass(HOUR);
    }
    let all = times(&rig);
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len());
    assert_eq!(all.len(), 4 + 2 + 30 * 24);
    assert_eq!(stand(&mut rig).counts.skipped, 1);
}

/// Nominal times of the runs of a daily schedule over a week, in steps of ten minutes.
fn a_week(expression: &str, zone: &str, start: i64) -> Vec<String> {
    let mut rig = rig();
    rig.now = Timestamp(start * 1_000);
    let mut new = hourly(Overlap::AllowAll, 1_000);
    new.spec = ScheduleSpec::cron(expression).in_zone(zone);
    create(&mut rig, new);
    for _ in 0..3 * 144 {
        rig.pass(Millis(600_000));
    }
    times(&rig)
}

#[test]
fn changed_clocks_leave_out_and_repeat_local_times() {
    // Three days from noon UTC of the day before.
    let spring = a_week("30 2 * * *", "America/New_York", 1_772_884_800);
    assert_eq!(spring, ["2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"]);
    let autumn = a_week("30 1 * * *", "America/New_York", 1_793_448_000);
    assert_eq!(
        autumn,
        [
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-02T06:30:00Z",
            "2026-11-03T06:30:00Z"
        ]
    );
    let spring = a_week("30 2 * * *", "Europe/Berlin", 1_774_699_200);
    assert_eq!(spring, ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]);
    let autumn = a_week("30 2 * * *", "Europe/Berlin", 1_792_843_200);
    assert_eq!(
        autumn,
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-26T01:30:00Z",
            "2026-10-27T01:30:00Z"
        ]
    );
    let spring = a_week("15 2 * * *", "Australia/Lord_Howe", 1_791_028_800 - 86_400);
    assert_eq!(spring, ["2026-10-02T15:45:00Z", "2026-10-04T15:15:00Z"]);
    let autumn = a_week("45 1 * * *", "Australia/Lord_Howe", 1_775_304_000);
    assert_eq!(
        autumn,
        [
            "2026-04-04T14:45:00Z",
            "2026-04-04T15:15:00Z",
            "2026-04-05T15:15:00Z",
            "2026-04-06T15:15:00Z"
        ]
    );
}

#[test]
fn late_fires_stay_within_the_jitter() {
    let mut rig = rig();
    let mut new = hourly(Overlap::AllowAll, 1_000);
    new.spec.jitter = Millis(600_000);
    create(&mut rig, new);
    for _ in 0..24 * 60 {
        rig.pass(Millis(60_000));
    }
    let schedule = stand(&mut rig);
    assert_eq!(schedule.counts.started, 24);
    let lates: Vec<i64> = schedule
        .recent
        .iter()
        .map(|r| r.at.0 - r.nominal.0)
        .collect();
    assert!(
        lates.iter().all(|late| (0..=660_000).contains(late)),
        "{lates:?}"
    );
    assert!(lates.iter().any(|late| *late > 60_000), "{lates:?}");
}
