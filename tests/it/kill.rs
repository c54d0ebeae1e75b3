//! A run that is killed at any moment goes on, gives the same files, and repeats nothing that was
//! recorded.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Place, files, samples, stderr};

/// SIGKILLs of one test.
const KILLS: usize = 25;

/// A small seeded generator, so that a failing row of kills can be repeated.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

/// What the ledger says: workflow id and event of every execution of an activity, in order.
fn ledger(path: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let workflow = words.next().expect("a workflow id").to_owned();
            let event = words
                .next()
                .and_then(|w| w.parse().ok())
                .expect("an event id");
            (workflow, event)
        })
        .collect()
}

/// Activities whose result is recorded, in all runs of the store.
fn recorded(place: &Place) -> BTreeSet<(String, u64)> {
    let mut all = BTreeSet::new();
    let output = place
        .command(&["list", "--children", "--limit", "1000", "--json"])
        .output()
        .unwrap();
    if !output.status.success() {
        // Killed before the store was made.
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        return all;
    }
    let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
    for run in runs.as_array().unwrap() {
        let id = run["workflow_id"].as_str().unwrap();
        let history = place.json(&["history", id]);
        for event in history["events"].as_array().unwrap() {
            if event["event_type"] == "ActivityTaskCompleted" {
                let scheduled = event["attributes"]["scheduled_event_id"].as_u64().unwrap();
                all.insert((id.to_owned(), scheduled));
            }
        }
    }
    all
}

fn start(place: &Place, sessions: &Path, ledger: &Path) -> Child {
    let mut command = place.run(sessions, &["--id", "killed", "--quiet"]);
    spawn(command.env("OPENCLAW_TRACE_LEDGER", ledger))
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until so many more lines are in the ledger and a moment has passed, or the run ends.
fn until(child: &mut Child, path: &Path, lines: usize, moment: Duration) -> Ended {
    let give_up = Instant::now() + Duration::from_secs(120);
    while ledger(path).len() < lines {
        if child.try_wait().unwrap().is_some() {
            return Ended::ByItself;
        }
        assert!(Instant::now() < give_up, "the run makes no progress");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(moment);
    if child.try_wait().unwrap().is_some() {
        Ended::ByItself
    } else {
        Ended::StillRunning
    }
}

#[derive(PartialEq)]
enum Ended {
    ByItself,
    StillRunning,
}

/// Runs `sessions` undisturbed and with kills; compares files and executions.
pub(crate) fn killed_run_equals_undisturbed_run(sessions: &Path, place: &Place, seed: u64) {
    let calm = Place::new();
    let calm_ledger = calm.dir.path().join("ledger");
    let output = calm
        .run(sessions, &["--id", "killed", "--quiet"])
        .env("OPENCLAW_TRACE_LEDGER", &calm_ledger)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let executions = ledger(&calm_ledger).len();
    assert!(
        executions >= 120,
        "only {executions} activities: too few for this test"
    );

    let path = place.dir.path().join("ledger");
    let mut rng = Rng(seed);
    let (mut kills, mut close_kills) = (0, 0);
    let stride = u64::try_from(executions * 3 / 2 / KILLS).unwrap();
    for round in 0..KILLS {
        let before = ledger(&path).len();
        let known = recorded(place);
        let mut child = start(place, sessions, &path);
        // Every fifth kill follows its start so closely that hardly anything can have happened.
        let close = round % 5 == 4;
        let lines = if close {
            before
        } else {
            before + 1 + usize::try_from(rng.below(stride)).unwrap()
        };
        let moment = Duration::from_millis(if close {
            5 + rng.below(45)
        } else {
            rng.below(5)
        });
        let ended = until(&mut child, &path, lines, moment);
        child.kill().unwrap();
        child.wait().unwrap();
        for again in &ledger(&path)[before..] {
            assert!(
                !known.contains(again),
                "round {round}: {again:?} was recorded and ran again"
            );
        }
        if ended == Ended::ByItself {
            break;
        }
        kills += 1;
        close_kills += usize::from(close);
    }
    let before = ledger(&path).len();
    let known = recorded(place);
    let last = start(place, sessions, &path).wait().unwrap();
    // A run that had ended by itself says so and exits with 2.
    assert!(
        matches!(last.code(), Some(0 | 2)),
        "the last round ended with {last:?}"
    );
    for again in &ledger(&path)[before..] {
        assert!(
            !known.contains(again),
            "last round: {again:?} was recorded and ran again"
        );
    }
    eprintln!(
        "{kills} kills ({close_kills} within 50 ms of the start), {executions} executions \
         undisturbed, {} with kills",
        ledger(&path).len()
    );
    assert!(
        kills >= KILLS - 3,
        "the run ended by itself after {kills} kills of {KILLS}"
    );
    let (calm, killed) = (files(&calm.out()), files(&place.out()));
    let names = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        files.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&calm), names(&killed));
    for (name, bytes) in &calm {
        assert!(
            killed.get(name) == Some(bytes),
            "{name} differs after kills"
        );
    }
}

#[test]
fn a_run_killed_25_times_gives_the_same_files_and_repeats_no_recorded_result() {
    killed_run_equals_undisturbed_run(&samples(), &Place::new(), 20_261_122);
}

#[test]
fn the_same_holds_with_an_encrypted_state_directory() {
    killed_run_equals_undisturbed_run(&samples(), &Place::encrypted(), 20_261_123);
}

/// The same over real sessions, where they are at hand.
#[test]
fn the_same_holds_over_real_sessions() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sessions");
    if !real.is_dir() {
        eprintln!(
            "NOT TESTED: there are no real sessions at {}",
            real.display()
        );
        return;
    }
    killed_run_equals_undisturbed_run(&real, &Place::new(), 7);
}
