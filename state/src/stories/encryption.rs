//! Encryption at rest: what lies on the disk, and what a wrong key does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::conformance::{Run, commit, run_id};
use crate::store::{Error, Namespace, Row, Store};
use crate::{Coding, KeyRing, SledStore};

fn key(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn keys(text: &str) -> Coding {
    Coding::Encrypted(KeyRing::parse(text).unwrap())
}

fn row(key: &str) -> Row {
    Row {
        namespace: Namespace::Cursor,
        key: key.as_bytes().to_vec(),
        value: Some(b"at byte 120 of swordfish".to_vec()),
    }
}

/// Everything below a directory.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The files in which some bytes stand as they are.
fn found_in(dir: &Path, what: &[u8]) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let all = files(dir).into_iter();
    all.filter(|(_, bytes)| has(bytes)).map(|f| f.0).collect()
}

/// A run, a row and a blob, partly in the journal and partly in the log.
fn fill(dir: &Path, coding: &Coding) -> Run {
    let store = SledStore::open_with(dir, coding).unwrap();
    let (mut run, first) = Run::start("swordfish-nightly", 1);
    commit(&store, &[&first], &[&run], vec![row("/home/swordfish/a")]);
    store.compact().unwrap();
    let large = run.schedule(200_000);
    commit(&store, &[&large], &[&run], vec![row("/home/swordfish/b")]);
    let text = b"the password is swordfish".repeat(100);
    let digest = store.put_blob(&text).unwrap();
    assert_eq!(store.blob(&digest).unwrap(), Some(text));
    run
}

#[test]
fn nothing_of_what_was_stored_stands_in_the_files_as_it_is() {
    let (plain, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(plain.path(), &Coding::Plain);
    let run = fill(dir.path(), &keys(&key(7)));
    // Names of rows, workflow ids, blobs; and the bytes of a payload.
    let payload = (0..100_usize)
        .map(|i| (i.wrapping_mul(31) >> 3).to_le_bytes()[0])
        .collect::<Vec<_>>();
    let names = [b"swordfish".as_slice(), b"binary/plain", &payload];
    for what in names {
        assert!(!found_in(plain.path(), what).is_empty());
        assert_eq!(found_in(dir.path(), what), [] as [PathBuf; 0]);
    }
    let digest = crate::Digest::of(&b"the password is swordfish".repeat(100));
    assert!(
        files(plain.path())
            .keys()
            .any(|p| p.ends_with(digest.to_string()))
    );
    assert!(
        !files(dir.path())
            .keys()
            .any(|p| p.ends_with(digest.to_string()))
    );

    let store = SledStore::open_with(dir.path(), &keys(&key(7))).unwrap();
    assert_eq!(store.load_run(run_id(1)).unwrap(), Some(run.state.clone()));
    assert_eq!(
        store.latest_run(&run.state.workflow_id).unwrap(),
        Some(run_id(1))
    );
    let rows = store.rows(Namespace::Cursor).unwrap();
    let names: Vec<_> = rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(names, [b"/home/swordfish/a", b"/home/swordfish/b"]);
}

#[test]
fn compression_is_decided_when_the_directory_is_made_and_saves_room() {
    let ring = || KeyRing::parse(&key(7)).unwrap();
    let bytes_of = |made: &Coding, opened: &Coding| {
        let dir = tempfile::tempdir().unwrap();
        let run = fill(dir.path(), made);
        let store = SledStore::open_with(dir.path(), opened).unwrap();
        assert_eq!(store.load_run(run_id(1)).unwrap(), Some(run.state));
        let digest = store.put_blob(&b"the password is swordfish".repeat(100));
        assert!(store.blob(&digest.unwrap()).unwrap().is_some());
        files(&dir.path().join("blobs"))
            .values()
            .map(Vec::len)
            .sum::<usize>()
    };
    let plain = bytes_of(&Coding::Plain, &Coding::Plain);
    assert_eq!(plain, 2_500);
    assert!(bytes_of(&Coding::Compressed, &Coding::Plain) < plain / 5);
    let both = Coding::CompressedEncrypted(ring());
    assert!(bytes_of(&both, &Coding::Encrypted(ring())) < plain / 5);
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &Coding::Compressed);
    refused(dir.path(), &keys(&key(7)), &["deflate"]);
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &both);
    refused(dir.path(), &Coding::Compressed, &["no key was given"]);
    assert_eq!(found_in(dir.path(), b"swordfish"), [] as [PathBuf; 0]);
}

/// Opening is refused, says so, and changes nothing.
fn refused(dir: &Path, coding: &Coding, says: &[&str]) {
    let before = files(dir);
    let error = SledStore::open_with(dir, coding).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    let text = error.to_string();
    assert!(says.iter().all(|part| text.contains(part)), "{text}");
    assert!(files(dir) == before, "something was changed");
}

#[test]
fn without_the_key_or_with_another_nothing_is_opened_and_the_key_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &keys(&key(7)));
    let id = KeyRing::parse(&key(7)).unwrap().ids()[0].to_string();
    let other = KeyRing::parse(&key(8)).unwrap().ids()[0].to_string();
    refused(dir.path(), &Coding::Plain, &[&id, "no key was given"]);
    refused(dir.path(), &keys(&key(8)), &[&id, &other, "was not given"]);
}

#[test]
fn a_plain_directory_does_not_take_a_key() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &Coding::Plain);
    refused(dir.path(), &keys(&key(7)), &["values are plain"]);
}

#[test]
fn a_directory_that_lost_its_file_of_keys_is_not_taken_for_a_plain_one() {
    for coding in [Coding::Compressed, keys(&key(7))] {
        let dir = tempfile::tempdir().unwrap();
        let run = fill(dir.path(), &coding);
        let file = dir.path().join("CODEC");
        let copy = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for with in [Coding::Plain, Coding::Compressed, keys(&key(7))] {
            refused(dir.path(), &with, &["CODEC is missing", "put it back"]);
        }
        fs::write(&file, copy).unwrap();
        let store = SledStore::open_with(dir.path(), &coding).unwrap();
        assert_eq!(store.load_run(run_id(1)).unwrap(), Some(run.state));
    }
}

#[test]
fn a_first_start_that_wrote_nothing_can_be_followed_by_one_with_another_codec() {
    let format = |dir: &Path| fs::read_to_string(dir.join("FORMAT")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &Coding::Plain);
    let plain = format(dir.path());

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("FORMAT"), &plain).unwrap();
    fill(dir.path(), &keys(&key(7)));
    assert_ne!(format(dir.path()), plain);

    let marked = format(dir.path());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("FORMAT"), marked).unwrap();
    fill(dir.path(), &Coding::Plain);
    assert_eq!(format(dir.path()), plain);
}

#[test]
fn a_new_key_writes_and_the_old_one_is_still_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = fill(dir.path(), &keys(&key(7)));
    let both = keys(&format!("{} {}", key(9), key(7)));
    let store = SledStore::open_with(dir.path(), &both).unwrap();
    let more = run.schedule(10);
    commit(&store, &[&more], &[&run], vec![row("/home/swordfish/a")]);
    drop(store);
    refused(dir.path(), &keys(&key(7)), &["was not given"]);
    refused(dir.path(), &keys(&key(9)), &["was not given"]);
    let store = SledStore::open_with(dir.path(), &both).unwrap();
    assert_eq!(store.load_run(run_id(1)).unwrap(), Some(run.state));
    assert_eq!(store.rows(Namespace::Cursor).unwrap().len(), 2);
}

#[test]
fn a_changed_blob_and_a_damaged_file_of_keys_are_named() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &keys(&key(7)));
    let blob = files(&dir.path().join("blobs"));
    let (path, mut bytes) = blob.into_iter().next().unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let store = SledStore::open_with(dir.path(), &keys(&key(7))).unwrap();
    let error = store.blob(&name.parse().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("not what was written"),
        "{error}"
    );
    drop(store);
    let codec = dir.path().join("CODEC");
    let text = fs::read_to_string(&codec).unwrap();
    fs::write(&codec, text.replace("names ", "names 00")).unwrap();
    let error = SledStore::open_with(dir.path(), &keys(&key(7))).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}
