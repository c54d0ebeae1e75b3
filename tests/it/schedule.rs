//! Schedules and `serve`, as the binary has them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bad_input::session;
use crate::common::{Place, stderr, stdout};

const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of sessions beside the state directory.
fn sessions(place: &Place) -> PathBuf {
    let dir = place.dir.path().join("sessions");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("one.jsonl"), session("s1")).unwrap();
    dir
}

/// `schedule create` over that directory.
fn create(place: &Place, words: &[&str]) -> Output {
    let mut command = place.command(&["schedule", "create"]);
    command.arg(sessions(place)).arg("--out").arg(place.out());
    command.args(words).output().unwrap()
}

fn schedule(place: &Place, words: &[&str]) -> Value {
    let mut all = vec!["schedule"];
    all.extend(words);
    place.json(&all)
}

/// A `serve` that is killed when the test is over.
pub(crate) struct Served(Child);

impl Served {
    /// Starts one and waits until it serves.
    fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with more words.
    pub(crate) fn start_with(place: &Place, words: &[&str]) -> Self {
        let mut child = place
            .command(&["serve", "--json", "--quiet"])
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap() == "}"),
            "serve says what it serves"
        );
        Self(child)
    }

    /// Asks it to stop, and gives its exit code.
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        let pid = self.0.id().to_string();
        let told = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(told.success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already when the test stopped it.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Looks again until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_schedule_is_made_described_changed_and_forgotten() {
    let place = Place::new();
    let output = create(
        &place,
        &[
            "--id",
            "nightly",
            "--cron",
            "30 2 * * *",
            "--tz",
            "Europe/Berlin",
            "--overlap",
            "buffer-one",
            "--catchup",
            "2h",
            "--jitter",
            "5m",
            "--note",
            "for the team",
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("cron \"30 2 * * *\" in Europe/Berlin"));
    assert!(
        stderr(&output).contains("need: openclaw-trace serve"),
        "{}",
        stderr(&output)
    );
    let view = schedule(&place, &["describe", "nightly"]);
    assert_eq!(view["state"], "active");
    assert_eq!(view["served"], false);
    assert_eq!(view["overlap"], "buffer_one");
    assert_eq!(view["catchup_ms"], 7_200_000);
    assert_eq!(view["spec"]["jitter"], 300_000);
    assert_eq!(view["workflow_type"], "TraceRun");
    assert_eq!(view["input"]["out"], place.out().to_str().unwrap());
    assert_eq!(view["next"].as_array().unwrap().len(), 10);
    // What is not given stays.
    let view = schedule(
        &place,
        &["update", "nightly", "--every", "6h+30m", "--remaining", "3"],
    );
    assert_eq!(view["spec"]["crons"].as_array().unwrap().len(), 0);
    assert_eq!(view["spec"]["intervals"][0]["phase"], 1_800_000);
    assert_eq!(view["spec"]["time_zone"], "Europe/Berlin");
    assert_eq!(
        (&view["overlap"], &view["note"]),
        (&"buffer_one".into(), &"for the team".into())
    );
    assert_eq!(view["next"].as_array().unwrap().len(), 3);
    let view = schedule(
        &place,
        &["update", "nightly", "--unlimited", "--dst", "cron"],
    );
    assert_eq!(
        (&view["remaining"], &view["spec"]["dst"]),
        (&Value::Null, &"cron".into())
    );
    let other = place.dir.path().join("other-report");
    let words = [
        "update",
        "nightly",
        "--out",
        other.to_str().unwrap(),
        "--briefs",
        "0",
    ];
    let view = schedule(&place, &words);
    assert_eq!(view["input"]["out"], other.to_str().unwrap());
    assert_eq!(view["input"]["briefs"], 0);
    assert_eq!(
        view["input"]["discover"]["paths"].as_array().unwrap().len(),
        1
    );
    let paused = schedule(&place, &["pause", "nightly", "--note", "holidays"]);
    assert_eq!(
        (&paused["state"], &paused["note"]),
        (&"paused".into(), &"holidays".into())
    );
    assert_eq!(schedule(&place, &["unpause", "nightly"])["state"], "active");
    assert_eq!(schedule(&place, &["list"])[0]["schedule_id"], "nightly");
    let listed = place.command(&["schedule", "list"]).output().unwrap();
    assert!(
        stdout(&listed).contains("nightly   active"),
        "{}",
        stdout(&listed)
    );
    assert_eq!(
        schedule(&place, &["delete", "nightly"])["schedule_id"],
        "nightly"
    );
    assert_eq!(schedule(&place, &["list"]), Value::Array(Vec::new()));
}

#[test]
fn wrong_words_are_refused_with_the_reason_and_leave_nothing_behind() {
    let place = Place::new();
    let table: [(&[&str], &str); 12] = [
        (&["--cron", "@daily"], "needs a name"),
        (&["--id", "x"], "without a time"),
        (&["--id", "x", "--cron", "61 * * * *"], "field minute"),
        (&["--id", "x", "--cron", "* * *"], "3 fields"),
        (&["--id", "x", "--cron", "0 0 30 2 *"], "never fires"),
        (
            &["--id", "x", "--cron", "@daily", "--tz", "Europe/Berln"],
            "did you mean Europe/Berlin?",
        ),
        (
            &["--id", "x", "--every", "often"],
            "\"often\" is no duration",
        ),
        (&["--id", "x", "--every", "500ms"], "at least 1000 ms"),
        (
            &["--id", "x", "--every", "1h", "--catchup", "1s"],
            "10000 ms",
        ),
        (
            &["--id", "x", "--every", "1h", "--end-at", "soon"],
            "\"soon\" is no time",
        ),
        (
            &["--id", "x", "--every", "1h", "--concurrency", "2"],
            "not kept",
        ),
        (
            &["--id", "x", "--calendar", "{\"hours\":[]}"],
            "unknown field",
        ),
    ];
    for (words, part) in table {
        let output = create(&place, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(part),
            "{words:?}: {}",
            stderr(&output)
        );
    }
    let nothing = place
        .command(&["schedule", "list", "--json"])
        .output()
        .unwrap();
    if nothing.status.success() {
        assert_eq!(stdout(&nothing).trim(), "[]");
    } else {
        assert_eq!(nothing.status.code(), Some(3));
    }
    assert!(
        create(&place, &["--id", "x", "--every", "1h"])
            .status
            .success()
    );
    assert_eq!(
        create(&place, &["--id", "x", "--every", "1h"])
            .status
            .code(),
        Some(2)
    );
    for words in [
        &["describe", "y"][..],
        &["update", "y", "--every", "2h"],
        &["trigger", "y"],
        &["delete", "y"],
        &["pause", "y"],
    ] {
        let mut all = vec!["schedule"];
        all.extend(words);
        let output = place.command(&all).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(3),
            "{words:?}: {}",
            stderr(&output)
        );
    }
    let same = place
        .command(&["schedule", "update", "x", "--every", "1h"])
        .output()
        .unwrap();
    assert!(
        stderr(&same).contains("nothing of schedule"),
        "{}",
        stderr(&same)
    );
    let future = [
        "schedule",
        "backfill",
        "x",
        "--from",
        "2026-01-01",
        "--to",
        "2199-01-01",
    ];
    let output = place.command(&future).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// Workflow ids of the runs of schedule `tick`, and those of them that have not completed.
fn ticks(place: &Place) -> (Vec<String>, Vec<String>) {
    let runs = place.json(&["list", "--limit", "1000"]);
    let ticks = runs.as_array().unwrap().iter();
    let ticks = ticks.filter(|run| run["workflow_id"].as_str().unwrap().starts_with("tick-"));
    let id = |run: &Value| run["workflow_id"].as_str().unwrap().to_owned();
    let (done, open): (Vec<&Value>, Vec<&Value>) = ticks.partition(|r| r["status"] == "Completed");
    let all = done.iter().chain(&open).map(|run| id(run)).collect();
    (all, open.into_iter().map(id).collect())
}

#[test]
fn serve_fires_schedules_until_it_is_told_to_stop_and_a_kill_loses_and_doubles_nothing() {
    let place = Place::new();
    let made = create(
        &place,
        &[
            "--id",
            "tick",
            "--cron",
            "* * * * * *",
            "--overlap",
            "allow-all",
        ],
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let first_next = schedule(&place, &["describe", "tick"])["next"][0].clone();
    let mut wanted = 0;
    for _ in 0..4 {
        let served = Served::start(&place);
        assert_eq!(schedule(&place, &["describe", "tick"])["served"], true);
        let now = schedule(&place, &["describe", "tick"])["started"]
            .as_u64()
            .unwrap();
        wanted = now.max(wanted) + 2;
        until("a fire", || {
            schedule(&place, &["describe", "tick"])["started"]
                .as_u64()
                .unwrap()
                >= wanted
        });
        // Killed without a word.
        drop(served);
    }
    let served = Served::start(&place);
    let stopped = schedule(&place, &["pause", "tick"]);
    until("the end of all runs", || ticks(&place).1.is_empty());
    assert_eq!(served.stop("-TERM"), Some(0));
    // Every second from the first fire to the last is there, once.
    let view = schedule(&place, &["describe", "tick"]);
    let (all, _) = ticks(&place);
    let once: BTreeSet<&String> = all.iter().collect();
    assert_eq!(once.len(), all.len());
    assert_eq!(view["started"].as_u64().unwrap(), all.len() as u64);
    assert_eq!(
        (&view["missed"], &view["skipped"], &view["refused"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert_eq!(stopped["state"], "paused");
    let second = |id: &str| {
        let time = &id[id.len() - "06:00:30Z".len()..id.len() - 1];
        let parts: Vec<u64> = time.split(':').map(|part| part.parse().unwrap()).collect();
        parts[0] * 3_600 + parts[1] * 60 + parts[2]
    };
    let (first, last) = (once.first().unwrap(), once.last().unwrap());
    let seconds = (second(last) + 86_400 - second(first)) % 86_400 + 1;
    assert_eq!(seconds, all.len() as u64, "from {first} to {last}");
    // A schedule fires from the time at which it was made, also while nobody served it.
    let named = first_next.as_str().unwrap().replace(".000Z", "Z");
    assert!(
        first.ends_with(&named) || **first < format!("tick-{named}"),
        "{first}, {named}"
    );
}

#[test]
fn serve_takes_open_runs_up_and_lets_triggers_through() {
    let place = Place::new();
    let mut submit = place.command(&["submit", "--id", "waiting", "--quiet"]);
    let output = submit
        .arg(sessions(&place))
        .arg("--out")
        .arg(place.out())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        create(&place, &["--id", "later", "--cron", "@yearly", "--paused"])
            .status
            .success()
    );
    // Recorded now, carried out by the next process that fires schedules.
    assert_eq!(schedule(&place, &["trigger", "later"])["asked"], 1);
    let served = Served::start(&place);
    until("the end of the run", || {
        place.json(&["status", "waiting"])["status"] == "Completed"
    });
    until("the end of the triggered run", || {
        schedule(&place, &["describe", "later"])["recent"][0]["outcome"] == "Completed"
    });
    let second = place.command(&["serve"]).output().unwrap();
    assert_eq!(second.status.code(), Some(4), "{}", stderr(&second));
    assert!(stderr(&second).contains("owns the state directory"));
    // A run from another terminal is worked on by the server.
    let output = place
        .run(&sessions(&place), &["--id", "beside", "--quiet"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(served.stop("-INT"), Some(0));
    assert_eq!(place.json(&["status", "beside"])["status"], "Completed");
}

#[test]
fn an_owner_that_only_runs_says_that_schedules_need_serve() {
    let place = Place::new();
    assert!(
        create(&place, &["--id", "tick", "--cron", "* * * * * *"])
            .status
            .success()
    );
    // Enough sessions for the run to take a while.
    let many = place.dir.path().join("many");
    std::fs::create_dir(&many).unwrap();
    for n in 0..4_000 {
        std::fs::write(many.join(format!("{n}.jsonl")), session(&format!("s{n}"))).unwrap();
    }
    let mut owner = place
        .run(&many, &["--id", "long", "--quiet", "--concurrency", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the owner", || place.state().join("control.sock").exists());
    let output = place.command(&["schedule", "list"]).output().unwrap();
    let is_over = owner.try_wait().unwrap().is_some();
    let _ended = owner.kill();
    owner.wait().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        is_over || stderr(&output).contains("fires no schedules"),
        "{}",
        stderr(&output)
    );
    assert_eq!(schedule(&place, &["describe", "tick"])["started"], 0);
}
