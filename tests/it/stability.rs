//! What a fingerprint and a report do not depend on: which sessions are beside it, their order, the number of
//! workers, the clock's zone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Place, json_lines, samples, stderr};

fn real() -> Option<PathBuf> {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sessions");
    if real.is_dir() {
        return Some(real);
    }
    eprintln!(
        "SKIPPED: there are no real sessions at {}, so nothing was checked over them",
        real.display()
    );
    None
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Copies files in the order that is asked for, so that the directory lists them in another one.
fn copy(from: &Path, files: &[PathBuf], to: &Path) {
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, &target).unwrap();
    }
}

fn run(sessions: &Path, words: &[&str], zone: &str) -> Place {
    let place = Place::new();
    let mut command = place.run(sessions, &["--quiet", "--briefs", "0"]);
    let output = command.args(words).env("TZ", zone).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    place
}

/// From what a failure is (all of its signature's parts) to its fingerprint.
fn fingerprints(place: &Place) -> BTreeMap<String, String> {
    let signals: Vec<Value> = json_lines(&place.out().join("signals.jsonl"));
    let pair = |signal: &Value| {
        let text = |field: &str| signal[field].as_str().unwrap().to_owned();
        (text("signature"), text("fingerprint_id"))
    };
    signals.iter().map(pair).collect()
}

/// Splits the files into two halves by a hash of the seed and the name.
fn halves(files: &[PathBuf], seed: u64) -> (Vec<PathBuf>, Vec<PathBuf>) {
    files.iter().cloned().partition(|file| {
        let name = file.to_string_lossy();
        let start = seed ^ 0xcbf2_9ce4_8422_2325;
        let hash = name.bytes().fold(start, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash >> 33) % 2 == 0
    })
}

/// What both halves saw has one fingerprint in both; gives how many those are.
fn shared_by_halves(sessions: &Path, seed: u64) -> usize {
    let files = files_below(sessions);
    let (left, right) = halves(&files, seed);
    assert!(left.len() > files.len() / 4 && right.len() > files.len() / 4);
    let dir = tempfile::TempDir::new().unwrap();
    let mine = |half: &[PathBuf], name: &str| {
        let root = dir.path().join(name);
        copy(sessions, half, &root);
        fingerprints(&run(&root, &[], "UTC"))
    };
    let (left, right) = (mine(&left, "left"), mine(&right, "right"));
    let mut shared = 0;
    for (signature, id) in &left {
        if let Some(other) = right.get(signature) {
            assert_eq!(id, other, "{signature}");
            shared += 1;
        }
    }
    eprintln!(
        "{} and {} signatures, {shared} shared",
        left.len(),
        right.len()
    );
    shared
}

#[test]
fn two_halves_of_the_samples_agree_on_every_fingerprint_that_they_share() {
    for seed in [1, 2] {
        assert!(shared_by_halves(&samples(), seed) >= 10);
    }
}

#[test]
fn two_halves_of_real_sessions_agree_on_every_fingerprint_that_they_share() {
    if let Some(real) = real() {
        assert!(shared_by_halves(&real, 3) >= 10);
    }
}

/// The bytes of the rollup and the signals.
fn bytes(place: &Place) -> [Vec<u8>; 2] {
    ["rollup.json", "signals.jsonl"].map(|name| std::fs::read(place.out().join(name)).unwrap())
}

fn same_bytes_however_it_is_run(sessions: &Path) {
    let dir = tempfile::TempDir::new().unwrap();
    let mut files = files_below(sessions);
    let first = dir.path().join("first");
    copy(sessions, &files, &first);
    let expected = bytes(&run(&first, &["--concurrency", "1"], "UTC"));
    files.sort_by_key(|file| {
        let name = file.to_string_lossy();
        name.bytes()
            .fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte))
    });
    let second = dir.path().join("second");
    copy(sessions, &files, &second);
    let shuffled = bytes(&run(&second, &["--concurrency", "13"], "Asia/Kathmandu"));
    assert!(
        shuffled == expected,
        "another order, another number of workers, another zone"
    );
    let zone = bytes(&run(&first, &["--concurrency", "4"], "America/St_Johns"));
    assert!(zone == expected, "another zone");
}

#[test]
fn order_workers_and_zone_change_no_byte() {
    same_bytes_however_it_is_run(&samples());
}

#[test]
fn order_workers_and_zone_change_no_byte_over_real_sessions() {
    if let Some(real) = real() {
        same_bytes_however_it_is_run(&real);
    }
}
