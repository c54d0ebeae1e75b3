//! `doctor --collect`, as the binary has it.

use std::process::{Output, Stdio};

use serde_json::Value;
use state::{Coding, Digest, KeyRing, Owner, SledStore, Store};

use crate::common::{Place, files, samples, stderr, stdout};

fn asked(place: &Place, words: &[&str]) -> Output {
    let mut command = place.command(words);
    command.env("HOME", place.dir.path());
    command.stdin(Stdio::null()).output().unwrap()
}

/// What `doctor` says of blobs.
fn checked(place: &Place) -> Value {
    let output = asked(place, &["doctor", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let checks: Vec<Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let mut blobs = checks.into_iter().filter(|check| check["name"] == "blobs");
    blobs.next().unwrap()
}

/// A run that has ended, and a blob whose writer was killed before anybody could name it.
fn filled(place: &Place, coding: &Coding) -> Digest {
    let run = place
        .run(&samples(), &["--quiet", "--id", "night"])
        .output();
    assert!(run.unwrap().status.success());
    let _owner = Owner::acquire(&place.state()).unwrap();
    let store = SledStore::open_with(&place.state(), coding).unwrap();
    store
        .put_blob(b"a result that nobody came to hear of")
        .unwrap()
}

fn blob_files(place: &Place) -> usize {
    let names = files(&place.state()).into_keys();
    names.filter(|name| name.contains("blobs")).count()
}

#[test]
fn what_a_kill_left_is_counted_and_taken_away_and_nothing_else() {
    let place = Place::new();
    let orphan = filled(&place, &Coding::Plain);
    let before = blob_files(&place);
    let found = checked(&place);
    assert_eq!(found["verdict"], "warn");
    let says = found["found"].as_str().unwrap();
    assert!(says.contains("nothing names"), "{says}");
    assert!(
        found["advice"]
            .as_str()
            .unwrap()
            .contains("doctor --collect")
    );
    assert_eq!(blob_files(&place), before, "looking takes nothing away");

    let text = asked(&place, &["doctor", "--collect"]);
    assert!(text.status.success(), "{}", stderr(&text));
    assert!(stdout(&text).starts_with("took away "), "{}", stdout(&text));
    assert!(blob_files(&place) < before);
    let name = orphan.to_string();
    assert!(
        files(&place.state())
            .into_keys()
            .all(|file| !file.contains(&name))
    );
    assert_eq!(checked(&place)["verdict"], "ok");
    let again = place.json(&["doctor", "--collect"]);
    assert_eq!(again["removed"]["count"], 0);

    // Everything that the run is and knows is there still: its end, and its sessions for the next run.
    let status = place.json(&["status", "night"]);
    assert_eq!(status["status"], "Completed");
    let report = std::fs::read(place.out().join("rollup.json")).unwrap();
    let next = place.run(&samples(), &["--quiet", "--id", "next"]).output();
    assert!(next.unwrap().status.success());
    let was: Value = serde_json::from_slice(&report).unwrap();
    let is = std::fs::read(place.out().join("rollup.json")).unwrap();
    let is: Value = serde_json::from_slice(&is).unwrap();
    assert_eq!(was["counts"], is["counts"]);
}

#[test]
fn an_encrypted_directory_is_collected_with_its_key_only() {
    let place = Place::encrypted();
    let ring = KeyRing::parse(place.key.as_ref().unwrap()).unwrap();
    filled(&place, &Coding::Encrypted(ring));
    let before = blob_files(&place);
    let collected = place.json(&["doctor", "--collect"]);
    assert!(collected["removed"]["count"].as_u64().unwrap() > 0);
    assert!(blob_files(&place) < before);
    assert_eq!(place.json(&["status", "night"])["status"], "Completed");
    assert_eq!(checked(&place)["verdict"], "ok");
}

#[test]
fn a_directory_that_another_process_owns_or_that_is_not_there_is_left_alone() {
    let place = Place::new();
    let missing = asked(&place, &["doctor", "--collect"]);
    assert_eq!(missing.status.code(), Some(3), "{}", stderr(&missing));
    assert!(!place.state().exists());

    filled(&place, &Coding::Plain);
    let before = blob_files(&place);
    let owner = Owner::acquire(&place.state()).unwrap();
    let refused = asked(&place, &["doctor", "--collect"]);
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
    assert!(
        stderr(&refused).contains("stop that process"),
        "{}",
        stderr(&refused)
    );
    drop(owner);
    assert_eq!(blob_files(&place), before);
}
