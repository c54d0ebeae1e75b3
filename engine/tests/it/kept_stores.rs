//! State directories that earlier binaries left behind, kept for ever: today's reads them and goes on.
//!
//! They are in `tests/kept_stores/v<format>/`, one archive a directory. One that is there is never
//! written again; `KEEP_STORES=1 cargo test -p engine kept_stores` writes those that are missing.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::core::{Message, Reply, TokenWord};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kernel::primitives::workflow_execution::State;
use kernel::{Cx, Definition, EventId, Failure, Millis, Payload, WorkflowId};
use state::sled_store::SledStore;
use state::{Coding, KeyRing};

use crate::rig::{One, Rig, of, once, slow_retry, workflows};

/// The key of the encrypted ones. It guards nothing.
const KEY: &str = "7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e";
const MANY: usize = 60;
const BIG_BYTES: usize = 150_000;

fn codings() -> [(&'static str, Coding); 4] {
    let key = || KeyRing::parse(KEY).unwrap();
    [
        ("plain", Coding::Plain),
        ("compressed", Coding::Compressed),
        ("encrypted", Coding::Encrypted(key())),
        ("both", Coding::CompressedEncrypted(key())),
    ]
}

fn archive(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/kept_stores/v1")
        .join(format!("{name}.gz"))
}

async fn length(_cx: Cx, text: String) -> Result<usize, Failure> {
    Ok(text.len())
}

fn rig(dir: &Path, coding: &Coding) -> Rig {
    let store = Arc::new(SledStore::open_with(dir, coding).unwrap());
    let all = workflows().into_values();
    Rig::over(store, of(all.chain([Definition::new("length", length)])))
}

fn signal(rig: &mut Rig, number: u64) {
    rig.tell(Message::Signal {
        workflow_id: WorkflowId::new("listening"),
        name: "number".to_owned(),
        input: Payload::json(&number).unwrap(),
    });
}

/// A directory with runs that have ended in every form in which they are stored, and one run for
/// each thing that an open run can wait for.
fn fill(dir: &Path, coding: &Coding) {
    let mut rig = rig(dir, coding);
    rig.start_one("short", "work", once());
    let task = rig.task().task;
    rig.end(task, Ok(7));
    let each = One {
        name: "work".to_owned(),
        options: once(),
    };
    rig.start("long", "many", &vec![each; MANY]);
    for _ in 0..MANY {
        for task in rig.poll() {
            rig.end(task.task, Ok(2));
        }
    }
    rig.start_one("failed", "work", once());
    let task = rig.task().task;
    rig.end(task, Err(Failure::permanent("Gone", "it is not there")));
    rig.start("big", "length", &"a long text, ".repeat(BIG_BYTES / 13));
    rig.start("asleep", "nap", &3_600_000_u64);
    rig.start("listening", "listen", &());
    signal(&mut rig, 40);
    rig.start_one("retrying", "work", slow_retry());
    let task = rig.task().task;
    rig.beat(task, "half");
    rig.flaky(task);
    rig.start_one("held", "work", slow_retry());
    let task = rig.task().task;
    rig.tell(Message::AttemptHeld { task });
    rig.start_one("paused", "work", slow_retry());
    let task = rig.task().task;
    let scheduled_event_id = task.scheduled_event_id;
    rig.tell(Message::PauseActivity {
        workflow_id: WorkflowId::new("paused"),
        scheduled_event_id,
        by: "ada".to_owned(),
        reason: "to look at it".to_owned(),
    });
    rig.flaky(task);
}

/// Reads everything, then brings every open run to its end.
fn check(dir: &Path, coding: &Coding) {
    let mut rig = rig(dir, coding);
    let ended = [("short", 7), ("long", 2 * MANY as u64), ("big", 149_994)];
    for (id, value) in ended {
        let run = rig.run_of(id);
        assert_eq!(rig.value(run), value, "{id}");
        let history = rig.history(run);
        let ids: Vec<u64> = history.iter().map(|event| event.id.0).collect();
        assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "{id}");
        assert_eq!(rig.state(run).last_event_id, EventId(ids.len() as u64));
    }
    let failed = rig.run_of("failed");
    assert_eq!(rig.failure(failed).error_type, "Gone");
    let open = ["asleep", "listening", "retrying", "held", "paused"].map(|id| rig.run_of(id));
    for run in open {
        assert_eq!(rig.state(run).status, State::Running);
    }
    let [asleep, listening, retrying, held, paused] = open;

    signal(&mut rig, 2);
    assert_eq!(rig.value(listening), 42);

    let why = rig.describe(paused).waiting_on;
    assert!(
        why.contains("ada") && why.contains("to look at it"),
        "{why}"
    );
    let (event, _) = rig.state(paused).activities.pop_first().unwrap();
    let (task_event, _) = rig.state(held).activities.pop_first().unwrap();
    let token = rig.state(held).task_token(task_event).unwrap();
    let word = TokenWord::Complete(Payload::json(&9_u64).unwrap());
    assert_eq!(rig.ask(Message::ByToken { token, word }), Reply::Done);
    assert_eq!(rig.value(held), 9);

    rig.pass(Millis::seconds(600));
    let again = rig.task();
    assert_eq!((again.task.run_id, again.task.attempt), (retrying, 2));
    assert_eq!(again.heartbeat, Some(Payload::json("half").unwrap()));
    rig.end(again.task, Ok(5));
    assert_eq!(rig.value(retrying), 5);

    rig.tell(Message::UnpauseActivity {
        workflow_id: WorkflowId::new("paused"),
        scheduled_event_id: event,
        attempts: kernel::Attempts::GoOn,
    });
    let task = rig.task();
    assert_eq!((task.task.run_id, task.task.attempt), (paused, 2));
    rig.end(task.task, Ok(6));
    assert_eq!(rig.value(paused), 6);

    rig.pass(Millis::seconds(3_000));
    assert_eq!(rig.value(asleep), 3_600_000);
    assert_eq!(rig.store.open_runs().unwrap(), []);
}

/// Every file below a directory: its name, its length, its bytes.
fn pack(dir: &Path) -> Vec<u8> {
    let mut files = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    for path in files {
        let name = path.strip_prefix(dir).unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        writeln!(out, "{name} {}", bytes.len()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    out.finish().unwrap()
}

fn unpack(packed: &[u8], dir: &Path) {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let (name, len) = head.rsplit_once(' ').unwrap();
        let (file, after) = rest[end + 1..].split_at(len.parse().unwrap());
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
        rest = after;
    }
}

#[test]
fn kept_stores_of_format_1_are_read_and_their_runs_go_on_to_their_ends() {
    for (name, coding) in codings() {
        let path = archive(name);
        if std::env::var_os("KEEP_STORES").is_some() && !path.exists() {
            let dir = tempfile::tempdir().unwrap();
            fill(dir.path(), &coding);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, pack(dir.path())).unwrap();
        }
        let packed = fs::read(&path).expect("the archive is part of the repository");
        let dir = tempfile::tempdir().unwrap();
        unpack(&packed, dir.path());
        check(dir.path(), &coding);
    }
}
