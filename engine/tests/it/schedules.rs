//! Schedules: what fires, what waits, what is made up, what is told.

use std::sync::Arc;

use engine::core::{Message, Reply};
use engine::schedule::record::{Cause, RECENT_MAX};
use engine::schedule::{
    Action, Answer, Backfill, Body, Description, Error, NewSchedule, Overlap, Remaining, Request,
    Schedule, ScheduleSpec, Update,
};
use kernel::primitives::workflow_execution::State;
use kernel::{
    ActivityOptions, Cx, Definition, Failure, Millis, Payload, RunId, Timestamp, WorkflowId,
};
use state::memory_store::MemoryStore;

use crate::rig::{One, Rig, T0, once, workflows};

pub(crate) const HOUR: Millis = Millis(3_600_000);

/// A rig in which schedules fire.
pub(crate) fn rig() -> Rig {
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), workflows());
    rig.core.enable_schedules(rig.now).unwrap();
    rig
}

pub(crate) fn restart(rig: &mut Rig) {
    rig.restart();
    rig.core.enable_schedules(rig.now).unwrap();
    rig.settle();
}

fn napping(ms: u64) -> Action {
    Action {
        workflow_type: "nap".to_owned(),
        input: Payload::json(&ms).unwrap(),
    }
}

/// One activity, which has ten hours.
fn work() -> Action {
    let options = ActivityOptions {
        start_to_close: Millis(10 * 3_600_000),
        ..once()
    };
    let one = One {
        name: "work".into(),
        options,
    };
    Action {
        workflow_type: "one".to_owned(),
        input: Payload::json(&one).unwrap(),
    }
}

/// Every hour, runs that take so long.
pub(crate) fn hourly(overlap: Overlap, nap_ms: u64) -> NewSchedule {
    let mut new = NewSchedule::new("s", ScheduleSpec::every(HOUR), napping(nap_ms));
    new.policies.overlap = overlap;
    new
}

pub(crate) fn ask(rig: &mut Rig, request: Request) -> Answer {
    match rig.ask(Message::Schedule(request)) {
        Reply::Schedule(answer) => *answer,
        other => panic!("another answer: {other:?}"),
    }
}

pub(crate) fn one(rig: &mut Rig, request: Request) -> Description {
    match ask(rig, request).body {
        Body::One(one) => *one,
        other => panic!("not one schedule: {other:?}"),
    }
}

fn refused(rig: &mut Rig, request: Request) -> Error {
    match ask(rig, request).body {
        Body::Refused(error) => error,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn create(rig: &mut Rig, new: NewSchedule) -> Description {
    one(rig, Request::Create(Box::new(new)))
}

pub(crate) fn stand(rig: &mut Rig) -> Schedule {
    one(rig, Request::Describe { id: "s".into() }).schedule
}

/// All runs of the schedule: workflow id without the schedule's name, and state, oldest first.
pub(crate) fn runs(rig: &Rig) -> Vec<(String, State)> {
    let mut runs: Vec<_> = rig
        .store
        .list_runs(None, 10_000)
        .unwrap()
        .into_iter()
        .map(|info| (info.workflow_id.to_string(), info.status))
        .filter_map(|(id, status)| Some((id.strip_prefix("s-")?.to_owned(), status)))
        .collect();
    runs.reverse();
    runs
}

pub(crate) fn times(rig: &Rig) -> Vec<String> {
    runs(rig).into_iter().map(|(id, _)| id).collect()
}

// T0 is 2023-11-14T22:13:20Z.

#[test]
fn every_fire_starts_a_run_named_after_its_time() {
    let mut rig = rig();
    let made = create(&mut rig, hourly(Overlap::Skip, 1_000));
    assert_eq!(made.next.len(), 10);
    assert_eq!(made.next[0], Timestamp(1_700_002_800_000));
    assert_eq!(rig.core.next_due(), Some(made.next[0]));
    rig.pass(Millis(3_000_000));
    assert_eq!(times(&rig), ["2023-11-14T23:00:00Z"]);
    rig.pass(HOUR);
    rig.pass(Millis(1_000));
    let all = [
        ("2023-11-14T23:00:00Z".to_owned(), State::Completed),
        ("2023-11-15T00:00:00Z".to_owned(), State::Completed),
    ];
    assert_eq!(runs(&rig), all);
    let schedule = stand(&mut rig);
    assert_eq!(schedule.counts.started, 2);
    assert!(schedule.running.is_empty());
    let outcomes: Vec<_> = schedule
        .recent
        .iter()
        .map(|r| r.outcome.as_deref())
        .collect();
    assert_eq!(outcomes, [Some("Completed"), Some("Completed")]);
    // A restart changes nothing of it, and does not fire anything twice.
    restart(&mut rig);
    assert_eq!(stand(&mut rig), schedule);
    assert_eq!(runs(&rig), all);
}

/// Runs take two and a half hours; after five hours: times that ran, waiting, skipped.
fn overlapping(overlap: Overlap) -> (Rig, Schedule) {
    let mut rig = rig();
    create(&mut rig, hourly(overlap, 9_000_000));
    for _ in 0..5 * 60 {
        rig.pass(Millis(60_000));
    }
    let schedule = stand(&mut rig);
    (rig, schedule)
}

#[test]
fn each_overlap_policy_does_what_it_says() {
    // From 22:13:20 to 03:13:20 there are fires at 23, 0, 1, 2 and 3 o'clock.
    let (rig, schedule) = overlapping(Overlap::Skip);
    assert_eq!(
        times(&rig),
        ["2023-11-14T23:00:00Z", "2023-11-15T02:00:00Z"]
    );
    assert_eq!((schedule.counts.skipped, schedule.waiting.len()), (3, 0));

    let (rig, schedule) = overlapping(Overlap::BufferOne);
    assert_eq!(
        times(&rig),
        ["2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]
    );
    assert_eq!((schedule.counts.skipped, schedule.waiting.len()), (2, 1));

    let (rig, schedule) = overlapping(Overlap::BufferAll);
    assert_eq!(
        times(&rig),
        ["2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]
    );
    assert_eq!((schedule.counts.skipped, schedule.waiting.len()), (0, 3));

    let (rig, schedule) = overlapping(Overlap::AllowAll);
    assert_eq!(times(&rig).len(), 5);
    assert_eq!(schedule.running.len(), 3);

    let (rig, schedule) = overlapping(Overlap::TerminateOther);
    let states: Vec<_> = runs(&rig).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states[..4], [State::Terminated; 4]);
    assert_eq!(states[4..], [State::Running]);
    assert_eq!(schedule.running.len(), 1);

    let (rig, schedule) = overlapping(Overlap::CancelOther);
    let states: Vec<_> = runs(&rig).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states[..4], [State::Canceled; 4]);
    assert_eq!(states[4..], [State::Running]);
    assert_eq!(schedule.counts.started, 5);
}

/// Sleeps, and does not hear that it is asked to cancel.
async fn deaf(cx: Cx, ms: u64) -> Result<u64, Failure> {
    cx.shielded().sleep(Millis(ms)).await?;
    Ok(ms)
}

#[test]
fn a_run_that_takes_its_time_to_cancel_is_waited_for() {
    let mut all = workflows();
    all.insert("deaf".to_owned(), Definition::new("deaf", deaf));
    let mut rig = Rig::over(Arc::new(MemoryStore::new()), all);
    rig.core.enable_schedules(rig.now).unwrap();
    let mut new = hourly(Overlap::CancelOther, 9_000_000);
    new.action.workflow_type = "deaf".to_owned();
    create(&mut rig, new);
    // The first starts at 23:03:20 and would like to sleep until 01:33:20.
    for _ in 0..3 {
        rig.pass(Millis(3_000_000));
    }
    let schedule = stand(&mut rig);
    assert!(schedule.running[0].cancel_asked);
    assert_eq!(schedule.waiting.len(), 1);
    rig.pass(Millis(1_800_000));
    let schedule = stand(&mut rig);
    assert_eq!(schedule.waiting[0].nominal, Timestamp(1_700_010_000_000));
    assert_eq!(
        schedule.counts.skipped, 1,
        "one o'clock takes the place of midnight"
    );
    rig.pass(Millis(1_800_000));
    assert_eq!(
        times(&rig),
        ["2023-11-14T23:00:00Z", "2023-11-15T01:00:00Z"]
    );
    let asked = rig.names(rig.run_of("s-2023-11-14T23:00:00Z"));
    let asked = asked.iter().filter(|name| name.contains("CancelRequested"));
    assert_eq!(asked.count(), 1);
}

#[test]
fn a_backfill_runs_the_times_of_its_range_with_its_own_policy() {
    let mut rig = rig();
    let mut new = hourly(Overlap::Skip, 1_000);
    new.paused = true;
    create(&mut rig, new);
    let range = |from: i64, to: i64, overlap| Request::Backfill {
        id: "s".into(),
        range: Backfill {
            from: Timestamp(from),
            to: Timestamp(to),
            overlap,
        },
    };
    // 20:00 and 22:00 exactly: both ends belong to it. Runs take turns.
    let two_hours = (1_699_992_000_000, 1_699_999_200_000);
    one(
        &mut rig,
        range(two_hours.0, two_hours.1, Some(Overlap::BufferAll)),
    );
    assert_eq!(times(&rig), ["2023-11-14T20:00:00Z"]);
    restart(&mut rig);
    rig.pass(Millis(1_000));
    rig.pass(Millis(1_000));
    rig.pass(Millis(1_000));
    let all = [
        "2023-11-14T20:00:00Z",
        "2023-11-14T21:00:00Z",
        "2023-11-14T22:00:00Z",
    ];
    assert_eq!(times(&rig), all);
    let schedule = stand(&mut rig);
    assert!(schedule.backfills.is_empty() && schedule.waiting.is_empty());
    assert!(schedule.recent.iter().all(|r| r.cause == Cause::Backfill));
    // With its own policy, which skips, the second of two is skipped.
    one(&mut rig, range(two_hours.0, two_hours.1, None));
    assert_eq!(stand(&mut rig).counts.skipped, 2);
    rig.pass(Millis(1_000));
    // Side by side, and more than go into one group.
    let week = 7 * 24 * 3_600_000;
    one(
        &mut rig,
        range(two_hours.0 - week, two_hours.0, Some(Overlap::AllowAll)),
    );
    assert_eq!(stand(&mut rig).counts.started, 3 + 1 + 7 * 24 + 1);
    let now = rig.now.0;
    // The last is a million hours.
    for (from, to) in [(5, 4), (now, now + 1), (now - 3_600_000_000_000, now)] {
        let error = refused(&mut rig, range(from, to, None));
        assert!(matches!(error, Error::Limit(_)), "{error}");
    }
}

#[test]
fn a_trigger_starts_a_run_at_once_also_while_paused() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::AllowAll, 3_600_000));
    one(
        &mut rig,
        Request::Pause {
            id: "s".into(),
            note: "holidays".into(),
        },
    );
    let trigger = Request::Trigger {
        id: "s".into(),
        overlap: None,
    };
    one(&mut rig, trigger.clone());
    one(&mut rig, trigger);
    assert_eq!(
        times(&rig),
        ["2023-11-14T22:13:20.001Z", "2023-11-14T22:13:20.002Z"]
    );
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), 2, "its own times do nothing");
    let paused = one(&mut rig, Request::Describe { id: "s".into() });
    assert_eq!(
        (paused.next.len(), paused.schedule.note.as_str()),
        (0, "holidays")
    );
    // The times that passed meanwhile do not come back.
    rig.pass(HOUR);
    let on = one(
        &mut rig,
        Request::Unpause {
            id: "s".into(),
            note: "back".into(),
        },
    );
    assert_eq!(on.next.len(), 10);
    assert_eq!(times(&rig).len(), 2);
    rig.pass(HOUR);
    assert_eq!(
        times(&rig).last().map(String::as_str),
        Some("2023-11-15T01:00:00Z")
    );
    // Another policy for one trigger.
    let skip = Request::Trigger {
        id: "s".into(),
        overlap: Some(Overlap::Skip),
    };
    let skipped = one(&mut rig, skip);
    assert_eq!(
        stand(&mut rig).counts.skipped,
        skipped.schedule.counts.skipped + 1
    );
}

#[test]
fn a_failed_run_pauses_a_schedule_that_wants_it() {
    let mut rig = rig();
    let mut new = hourly(Overlap::BufferAll, 0);
    new.policies.pause_on_failure = true;
    new.action = work();
    create(&mut rig, new);
    rig.pass(Millis(3_000_000));
    let task = rig.task().task;
    rig.end(task, Err(Failure::permanent("Broken", "the disk is full")));
    let schedule = stand(&mut rig);
    assert!(
        schedule.paused && schedule.note.contains("the disk is full"),
        "{}",
        schedule.note
    );
    let failure = schedule.last_failure.clone().unwrap();
    assert!(failure.text.contains("the disk is full"));
    assert_eq!(schedule.recent[0].outcome.as_deref(), Some("Failed"));
    restart(&mut rig);
    rig.pass(HOUR);
    assert_eq!(stand(&mut rig), schedule);
}

#[test]
fn a_limit_of_actions_is_used_up_by_times_and_not_by_triggers() {
    let mut rig = rig();
    let mut new = hourly(Overlap::AllowAll, 1_000);
    new.remaining = Some(2);
    let made = create(&mut rig, new);
    assert_eq!(made.next.len(), 2);
    one(
        &mut rig,
        Request::Trigger {
            id: "s".into(),
            overlap: None,
        },
    );
    rig.pass(Millis(5 * 3_600_000));
    assert_eq!(times(&rig).len(), 3);
    let used_up = one(&mut rig, Request::Describe { id: "s".into() });
    assert_eq!(
        (used_up.schedule.remaining, used_up.next.len()),
        (Some(0), 0)
    );
    let change = Box::new(Update {
        remaining: Some(Remaining::Unlimited),
        ..Update::default()
    });
    one(
        &mut rig,
        Request::Update {
            id: "s".into(),
            change,
        },
    );
    rig.pass(HOUR);
    assert!(times(&rig).len() > 3);
}

#[test]
fn a_changed_timetable_holds_from_now_on() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::AllowAll, 1_000));
    rig.pass(Millis(3_000_000));
    let change = |spec| {
        let change = Box::new(Update {
            spec: Some(spec),
            ..Update::default()
        });
        Request::Update {
            id: "s".into(),
            change,
        }
    };
    // Every minute would have fired often since the schedule was made.
    one(&mut rig, change(ScheduleSpec::cron("* * * * *")));
    assert_eq!(times(&rig).len(), 1);
    rig.pass(Millis(60_000));
    assert_eq!(times(&rig).len(), 2);
    let error = refused(&mut rig, change(ScheduleSpec::cron("0 0 30 2 *")));
    assert!(error.to_string().contains("never fires"), "{error}");
    rig.pass(Millis(60_000));
    assert_eq!(times(&rig).len(), 3, "a refused change changes nothing");
    let gone = one(&mut rig, Request::Delete { id: "s".into() });
    assert_eq!(gone.schedule.counts.started, 3);
    rig.pass(HOUR);
    restart(&mut rig);
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), 3);
    let error = refused(&mut rig, Request::Describe { id: "s".into() });
    assert_eq!(error, Error::NotFound("s".to_owned()));
}

#[test]
fn what_cannot_be_made_is_refused_with_a_reason() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::Skip, 1_000));
    let mut table = vec![(hourly(Overlap::Skip, 1), "there is one of that name")];
    let mut wrong = |change: fn(&mut NewSchedule), part| {
        let mut new = hourly(Overlap::Skip, 1);
        new.id = "other".to_owned();
        change(&mut new);
        table.push((new, part));
    };
    wrong(|new| new.id = String::new(), "1 to 200 bytes");
    wrong(
        |new| new.spec = ScheduleSpec::cron("0 0 30 2 *"),
        "never fires",
    );
    wrong(|new| new.spec = ScheduleSpec::cron("0 25 * * *"), "hour");
    wrong(
        |new| new.action.workflow_type = "nop".to_owned(),
        "\"nop\" is registered",
    );
    wrong(
        |new| new.action.input.data = vec![b' '; 70_000],
        "70000 bytes",
    );
    wrong(|new| new.policies.catchup_window = Millis(1), "10000 ms");
    for (new, part) in table {
        let error = refused(&mut rig, Request::Create(Box::new(new))).to_string();
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    match ask(&mut rig, Request::List).body {
        Body::All(all) => assert_eq!(all.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_time_whose_workflow_id_is_taken_is_told_and_does_not_stop_the_schedule() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::Skip, 1_000));
    rig.start("s-2023-11-14T23:00:00Z", "nap", &7_200_000_u64);
    rig.pass(HOUR);
    rig.pass(HOUR);
    let schedule = stand(&mut rig);
    assert_eq!((schedule.counts.refused, schedule.counts.started), (1, 1));
    let failure = schedule.last_failure.unwrap();
    assert_eq!(
        failure.workflow_id,
        WorkflowId::new("s-2023-11-14T23:00:00Z")
    );
    for _ in 0..20 {
        rig.pass(HOUR);
    }
    assert_eq!(stand(&mut rig).recent.len(), RECENT_MAX);
}

#[test]
fn a_process_in_which_schedules_do_not_fire_records_what_is_asked() {
    let mut rig = Rig::new();
    let answer = ask(
        &mut rig,
        Request::Create(Box::new(hourly(Overlap::AllowAll, 1_000))),
    );
    assert!(!answer.active);
    one(
        &mut rig,
        Request::Trigger {
            id: "s".into(),
            overlap: None,
        },
    );
    rig.pass(HOUR);
    assert_eq!(times(&rig), Vec::<String>::new());
    // A new timetable: the time that has passed is still to be made up by the old one.
    let spec = Some(ScheduleSpec::every(Millis(60_000)));
    let change = Box::new(Update {
        spec,
        ..Update::default()
    });
    one(
        &mut rig,
        Request::Update {
            id: "s".into(),
            change,
        },
    );
    restart(&mut rig);
    assert_eq!(
        times(&rig),
        ["2023-11-14T22:13:20.001Z", "2023-11-14T23:00:00Z"]
    );
    assert!(ask(&mut rig, Request::List).active);
}

#[test]
fn a_run_that_closed_while_nobody_looked_frees_its_schedule() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::Skip, 600_000));
    rig.pass(HOUR);
    assert_eq!(stand(&mut rig).running.len(), 1);
    // Another process, in which schedules do not fire, brings the run to its end.
    rig.restart();
    rig.pass(Millis(600_000));
    assert_eq!(runs(&rig)[0].1, State::Completed);
    restart(&mut rig);
    let schedule = stand(&mut rig);
    assert!(schedule.running.is_empty());
    assert_eq!(schedule.recent[0].outcome.as_deref(), Some("Completed"));
    rig.pass(HOUR);
    assert_eq!(times(&rig).len(), 2);
}

#[test]
fn a_record_of_a_newer_version_is_left_as_it_is() {
    use state::store::{Commit, Namespace, Row};
    let mut rig = Rig::new();
    let row = Row {
        namespace: Namespace::Schedule,
        key: b"future".to_vec(),
        value: Some(b"\x09whatever".to_vec()),
    };
    rig.store
        .commit(&Commit {
            rows: vec![row],
            ..Commit::default()
        })
        .unwrap();
    restart(&mut rig);
    let error = refused(
        &mut rig,
        Request::Describe {
            id: "future".into(),
        },
    );
    assert!(error.to_string().contains("format 9"), "{error}");
    let mut new = hourly(Overlap::Skip, 1);
    new.id = "future".to_owned();
    let error = refused(&mut rig, Request::Create(Box::new(new)));
    assert_eq!(error, Error::Exists("future".to_owned()));
    let kept = rig.store.row(Namespace::Schedule, b"future").unwrap();
    assert_eq!(kept, Some(b"\x09whatever".to_vec()));
}

#[test]
fn run_ids_of_recent_actions_are_those_of_the_runs() {
    let mut rig = rig();
    create(&mut rig, hourly(Overlap::Skip, 1_000));
    rig.pass(HOUR);
    let schedule = stand(&mut rig);
    let run: Option<RunId> = schedule.recent[0].run_id;
    assert_eq!(run, Some(rig.run_of("s-2023-11-14T23:00:00Z")));
    assert!(schedule.recent[0].at > T0);
}
