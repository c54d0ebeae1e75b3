//! Stored values of every format that was ever written, kept for ever: today's code must read them.
//!
//! The files are in `fixtures/v<format>/`: the format byte, then the bytes. A file that is there
//! is never written again; a new one is written by the test below when `WRITE_STATE_FIXTURES` is
//! set. Neighbours: `codec`.

mod values;

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, FORMAT, Record, RecordRef, Stored};
use crate::store::RunInfo;

fn path(name: &str) -> PathBuf {
    let version = format!("v{FORMAT}");
    [env!("CARGO_MANIFEST_DIR"), "fixtures", &version, name]
        .iter()
        .collect()
}

fn stored(name: &str) -> Stored {
    let bytes = fs::read(path(name)).expect("the fixture is part of the repository");
    let (format, bytes) = bytes.split_first().expect("a fixture has a format byte");
    Stored {
        format: *format,
        bytes: bytes.to_vec(),
    }
}

fn check<T: DeserializeOwned + PartialEq + Debug>(name: &str, written: &impl Serialize, read: &T) {
    let today = codec::encode(&name, written).unwrap();
    let file = path(name);
    if std::env::var_os("WRITE_STATE_FIXTURES").is_some() && !file.exists() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, [&[today.format], &today.bytes[..]].concat()).unwrap();
    }
    let kept = stored(name);
    assert_eq!(
        codec::decode::<T>(&name, &kept).unwrap(),
        *read,
        "{name} reads differently"
    );
    assert_eq!(
        today, kept,
        "{name} is written differently: that is a new format"
    );
}

#[test]
fn a_history_record_of_format_1_with_every_kind_of_event_and_note_reads_back() {
    let transition = values::transition();
    let after = kernel::EventId(70);
    let record = Record {
        after,
        transition: values::transition(),
    };
    check(
        "history.bin",
        &RecordRef {
            after,
            transition: &transition,
        },
        &record,
    );
    assert_eq!(
        codec::record_after(&"x", &stored("history.bin")).unwrap(),
        after
    );
}

#[test]
fn markers_of_format_1_read_back() {
    check("markers.bin", &values::markers(), &values::markers());
}

#[test]
fn snapshots_of_format_1_read_back() {
    check(
        "snapshot-open.bin",
        &values::open_state(),
        &values::open_state(),
    );
    check(
        "snapshot-closed.bin",
        &values::closed_state(),
        &values::closed_state(),
    );
}

#[test]
fn lines_of_the_list_of_format_1_read_back() {
    for (name, state) in [
        ("run-info-open.bin", values::open_state()),
        ("run-info-closed.bin", values::closed_state()),
    ] {
        check(name, &RunInfo::of(&state), &RunInfo::of(&state));
    }
}

#[test]
fn the_fixture_has_every_kind_of_event_and_note() {
    let transition = values::transition();
    let kinds: Vec<usize> = transition
        .events
        .iter()
        .map(|e| values::kind_place(&e.kind))
        .collect();
    assert_eq!(kinds, (0..values::KINDS).collect::<Vec<_>>());
    let notes: Vec<usize> = transition.notes.iter().map(values::note_place).collect();
    assert_eq!(notes, (0..values::NOTES).collect::<Vec<_>>());
}
