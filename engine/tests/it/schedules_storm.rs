//! Schedules under random restarts: whatever is cut off where, no fire is lost and none happens
//! twice.

use engine::core::Message;
use engine::schedule::record::Cause;
use engine::schedule::{NewSchedule, Overlap, Request, Schedule, ScheduleSpec};
use kernel::primitives::workflow_execution::State;
use kernel::{Millis, Payload, Timestamp, WorkflowId};

use crate::rig::{Rig, T0};
use crate::schedules::{create, one, restart, rig, runs, stand};

/// A small seeded generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn every_ten_minutes(overlap: Overlap, nap_ms: u64) -> NewSchedule {
    let action = engine::schedule::Action {
        workflow_type: "nap".to_owned(),
        input: Payload::json(&nap_ms).unwrap(),
    };
    let spec = ScheduleSpec::cron("*/10 * * * *");
    let mut new = NewSchedule::new("s", spec, action);
    new.policies.overlap = overlap;
    new
}

/// The steps of the driver's loop, cut off before or after a commit: the process is then killed.
/// Gives whether it was.
fn cut(rig: &mut Rig, at: Cut) -> bool {
    rig.core.fire_due(rig.now);
    rig.core.run_workflow_tasks(rig.now).unwrap();
    match at {
        Cut::BeforeCommit => restart(rig),
        Cut::AfterCommit => {
            rig.effects.extend(rig.core.commit().unwrap());
            restart(rig);
        }
        Cut::No => {
            rig.effects.extend(rig.core.commit().unwrap());
            return false;
        }
    }
    true
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    No,
    BeforeCommit,
    AfterCommit,
}

/// Times of the schedule after `T0` up to `until`.
fn named(until: Timestamp) -> Vec<Timestamp> {
    let timetable = ScheduleSpec::cron("*/10 * * * *").compile().unwrap();
    let n = usize::try_from(until.since(T0).0 / 600_000 + 1).unwrap();
    let mut times = timetable.next_times(T0, n);
    times.retain(|at| *at <= until);
    times
}

/// What holds at any time: every time that was dealt with is counted once, no workflow id ran twice,
/// and what the record says of runs is so.
fn check(rig: &mut Rig, schedule: &Schedule, seed: u64) {
    let counts = schedule.counts;
    let waiting = schedule.waiting.iter().chain(&schedule.asked);
    let waiting = waiting.filter(|w| w.cause == Cause::Time).count() as u64;
    let dealt = counts.started + counts.missed + counts.skipped + counts.dropped + counts.refused;
    let named = named(schedule.handled_until).len() as u64;
    assert_eq!(dealt + waiting, named, "seed {seed}: {counts:?}");
    let runs = runs(rig);
    assert_eq!(runs.len() as u64, counts.started, "seed {seed}");
    let open = runs
        .iter()
        .filter(|(_, state)| *state == State::Running)
        .count();
    assert_eq!(open, schedule.running.len(), "seed {seed}");
    let mut ids: Vec<_> = runs.into_iter().map(|(id, _)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(
        ids.len() as u64,
        counts.started,
        "seed {seed}: a fire happened twice"
    );
}

fn storm(seed: u64) -> (u64, u64) {
    let mut random = Random(seed);
    let mut rig = rig();
    let overlap = Overlap::ALL[usize::try_from(random.below(6)).unwrap()];
    let mut new = every_ten_minutes(
        overlap,
        [1_000, 900_000, 3_000_000][usize::try_from(random.below(3)).unwrap()],
    );
    new.policies.catchup_window = Millis(3_600_000);
    new.spec.jitter = Millis([0, 120_000][usize::try_from(random.below(2)).unwrap()]);
    create(&mut rig, new);
    let mut cuts = 0;
    for _ in 0..120 {
        let step = match random.below(10) {
            0 => 4 * 3_600_000,
            1..=4 => 600_000,
            _ => random.below(900_000),
        };
        rig.now = rig.now.after(Millis(step));
        if random.below(20) == 0 {
            // The clock is put back by less than a day.
            rig.now = Timestamp(rig.now.0 - i64::try_from(random.below(1_200_000)).unwrap());
        }
        for _ in 0..=random.below(4) {
            let at = [Cut::No, Cut::BeforeCommit, Cut::AfterCommit]
                [usize::try_from(random.below(3)).unwrap()];
            cuts += u64::from(cut(&mut rig, at));
        }
        if random.below(10) == 0
            && let Some(running) = stand(&mut rig).running.first()
        {
            // A run is terminated by somebody, and the process dies before or after that is durable.
            let workflow_id: WorkflowId = running.workflow_id.clone();
            let reason = "a person".to_owned();
            let stop = Message::Terminate {
                workflow_id,
                reason,
            };
            rig.core.handle(stop, None, rig.now).unwrap();
            cuts += u64::from(cut(&mut rig, Cut::BeforeCommit));
        }
        rig.settle();
        let schedule = stand(&mut rig);
        check(&mut rig, &schedule, seed);
        if overlap == Overlap::AllowAll {
            assert_eq!(schedule.counts.skipped, 0);
        }
        if overlap == Overlap::BufferAll {
            assert_eq!((schedule.counts.skipped, schedule.counts.dropped), (0, 0));
        }
        if ![Overlap::AllowAll].contains(&overlap) {
            assert!(
                schedule.running.len() <= 1,
                "seed {seed}: {overlap:?} overlaps"
            );
        }
    }
    (cuts, stand(&mut rig).counts.started)
}

#[test]
fn no_fire_is_lost_or_doubled_whatever_is_cut_off_where() {
    let (mut cuts, mut started) = (0, 0);
    for seed in 1..=60 {
        let (c, s) = storm(seed);
        cuts += c;
        started += s;
    }
    assert!(
        cuts > 2_000 && started > 2_000,
        "{cuts} cuts, {started} starts"
    );
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    assert_eq!(storm(7), storm(7));
}

/// One scenario of fires, a backfill and a trigger, killed at its n-th commit, before or after.
fn scenario(kill_at: usize, how: Cut) -> (Vec<String>, usize) {
    let mut rig = rig();
    create(&mut rig, every_ten_minutes(Overlap::AllowAll, 1_000));
    let range = engine::schedule::Backfill {
        from: Timestamp(T0.0 - 7_200_000),
        to: T0,
        overlap: Some(Overlap::BufferAll),
    };
    one(
        &mut rig,
        Request::Backfill {
            id: "s".into(),
            range,
        },
    );
    one(
        &mut rig,
        Request::Trigger {
            id: "s".into(),
            overlap: None,
        },
    );
    let mut commits = 0;
    for minute in 1..=60 {
        rig.now = T0.after(Millis(minute * 60_000));
        for _ in 0..40 {
            commits += 1;
            let at = if commits == kill_at { how } else { Cut::No };
            cut(&mut rig, at);
            let is_due = rig.core.next_due().is_some_and(|at| at <= rig.now);
            if rig.core.is_settled() && !is_due {
                break;
            }
        }
    }
    let mut all: Vec<_> = runs(&rig).into_iter().map(|(id, _)| id).collect();
    all.sort();
    (all, commits)
}

#[test]
fn a_kill_at_any_commit_gives_the_same_runs() {
    let (expected, commits) = scenario(0, Cut::No);
    assert_eq!(expected.len(), 12 + 1 + 6);
    assert!(commits >= 60);
    for kill_at in 1..=commits {
        for how in [Cut::BeforeCommit, Cut::AfterCommit] {
            assert_eq!(
                scenario(kill_at, how).0,
                expected,
                "{how:?} commit {kill_at}"
            );
        }
    }
}
