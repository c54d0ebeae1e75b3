//! The bytes of a record stay readable.

use super::*;
use crate::schedule::spec::{CalendarSpec, DstRule, Interval, Range};

/// A record with something in every field.
fn full() -> Schedule {
    let time = |n: i64| Timestamp(1_700_000_000_000 + n);
    let run_id = RunId([7; 16]);
    let waiting = |n, overlap, cause| Waiting {
        nominal: time(n),
        overlap,
        cause,
    };
    let recent = |run_id, outcome: Option<&str>| Recent {
        nominal: time(0),
        at: time(5),
        cause: Cause::Time,
        workflow_id: WorkflowId::new("nightly-2023-11-14T22:13:20Z"),
        run_id,
        outcome: outcome.map(str::to_owned),
    };
    Schedule {
        id: ScheduleId::new("nightly").unwrap(),
        spec: ScheduleSpec {
            crons: vec!["0 2 * * 1-5".to_owned()],
            intervals: vec![Interval {
                every: Millis(3_600_000),
                phase: Millis(60_000),
            }],
            calendars: vec![CalendarSpec {
                hour: vec![Range {
                    start: 8,
                    end: Some(18),
                    step: 2,
                }],
                comment: "while people work".to_owned(),
                ..CalendarSpec::default()
            }],
            exclude: vec![CalendarSpec {
                month: vec![12.into()],
                ..CalendarSpec::default()
            }],
            start_at: Some(time(-1)),
            end_at: Some(time(1_000_000_000_000)),
            jitter: Millis(30_000),
            time_zone: "Europe/Berlin".to_owned(),
            dst: DstRule::Cron,
        },
        action: Action {
            workflow_type: "TraceRun".to_owned(),
            input: Payload::json(&["a"]).unwrap(),
        },
        policies: Policies {
            overlap: Overlap::BufferOne,
            catchup_window: Millis(600_000),
            pause_on_failure: true,
        },
        paused: true,
        note: "until the disk is larger".to_owned(),
        remaining: Some(3),
        created_at: time(1),
        updated_at: time(2),
        handled_until: time(3),
        rewound_from: Some(time(4)),
        last_trigger: time(5),
        counts: Counts {
            started: 1,
            missed: 2,
            skipped: 3,
            dropped: 4,
            refused: 5,
        },
        running: vec![Running {
            workflow_id: WorkflowId::new("nightly-2023-11-14T22:13:20Z"),
            run_id,
            nominal: time(0),
            cancel_asked: true,
        }],
        waiting: [waiting(6, Overlap::BufferOne, Cause::Time)].into(),
        asked: [waiting(7, Overlap::AllowAll, Cause::Trigger)].into(),
        backfills: [Filling {
            after: time(8),
            to: time(9),
            overlap: Overlap::TerminateOther,
        }]
        .into(),
        recent: [
            recent(Some(run_id), None),
            recent(None, Some("a run of that workflow id is open")),
        ]
        .into(),
        last_failure: Some(LastFailure {
            at: time(10),
            workflow_id: WorkflowId::new("nightly-2023-11-14T22:13:20Z"),
            text: "the disk is full".to_owned(),
        }),
    }
}

/// Written once by the first version; it stays for ever.
const V1: &[u8] = include_bytes!("fixtures/schedule-v1.bin");

#[test]
fn the_first_format_reads_as_it_was_written() {
    assert_eq!(Schedule::decode(V1), Ok(full()));
    assert_eq!(full().encode(), V1, "a change of the bytes is a new format");
}

#[test]
fn other_bytes_are_refused_by_name() {
    for (bytes, part) in [
        (&b""[..], "empty"),
        (b"\x02{}", "format 2"),
        (b"\x01{}", "missing field"),
        (b"\x01\xff", "expected"),
    ] {
        let error = Schedule::decode(bytes).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn names_and_workflow_ids_are_what_they_look_like() {
    let schedule = full();
    assert_eq!(
        schedule.workflow_id(Timestamp(951_782_400_000)).as_str(),
        "nightly-2000-02-29T00:00:00Z"
    );
    assert_eq!(
        schedule.workflow_id(Timestamp(-1)).as_str(),
        "nightly-1969-12-31T23:59:59.999Z"
    );
    assert_eq!(ScheduleId::new(""), None);
    assert_eq!(ScheduleId::new("a\nb"), None);
    assert_eq!(ScheduleId::new(&"x".repeat(201)), None);
    assert!(ScheduleId::new("täglich 2").is_some());
    for overlap in Overlap::ALL {
        let text = serde_json::to_string(&overlap).unwrap();
        assert_eq!(text, format!("{:?}", overlap.name()));
    }
}
