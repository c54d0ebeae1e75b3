//! Files that were cut, changed, or are not ours: named, never a panic, never taken for good.

use std::fs::{self, OpenOptions};
use std::path::Path;

use kernel::EventId;

use crate::conformance::{Run, Written, commit, run_id};
use crate::store::{Error, Namespace, Row, Store};
use crate::{Digest, SledStore};

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Commits `groups` groups of `each` transitions; gives the run as its writer knows it. The first
/// two thirds are in the log only, the last is in the journal only.
fn fill(dir: &Path, groups: usize, each: usize) -> Run {
    let store = SledStore::open(dir).unwrap();
    let (mut run, first) = Run::start("nightly", 1);
    commit(&store, &[&first], &[&run], vec![]);
    for group in 0..groups {
        if group == groups / 3 || group == groups * 2 / 3 {
            store.compact().unwrap();
        }
        let mut written: Vec<Written> = Vec::new();
        while written.len() < each {
            written.push(run.schedule(200));
            written.push(run.complete(60));
        }
        commit(&store, &written.iter().collect::<Vec<_>>(), &[&run], vec![]);
    }
    run
}

#[test]
fn two_thousand_transitions_are_all_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let run = fill(dir.path(), 50, 40);
    assert_eq!(run.state.transitions, 2_001);
    let store = SledStore::open(dir.path()).unwrap();
    assert_eq!(
        store.load_run(run_id(1)).unwrap().as_ref(),
        Some(&run.state)
    );
    assert_eq!(
        store
            .load_history(run_id(1), EventId(0), usize::MAX)
            .unwrap(),
        run.events
    );
}

/// Opens a damaged copy. Whatever it shows must be true; what it lost must be named.
fn check_damaged(dir: &Path, run: &Run, file: &str, what: &str) -> bool {
    let found = fs::read(dir.join(file)).unwrap();
    let store = match SledStore::open(dir) {
        Ok(store) => store,
        Err(Error::Corrupt { .. }) => {
            let left = fs::read(dir.join(file)).unwrap();
            assert!(left == found, "{what}: {file} was refused and changed");
            return false;
        }
        Err(error) => panic!("{what}: could not {error}"),
    };
    let history = store.load_history(run_id(1), EventId(0), usize::MAX);
    match (store.load_run(run_id(1)), history) {
        (Ok(Some(state)), Ok(events)) => {
            assert_eq!(
                state, run.state,
                "{what}: acknowledged commits are gone without a word"
            );
            assert_eq!(events, run.events, "{what}");
            true
        }
        (Err(Error::Corrupt { .. }), _) | (_, Err(Error::Corrupt { .. })) => false,
        (state, _) => panic!("{what}: {state:?}"),
    }
}

#[test]
fn files_that_are_cut_show_all_or_name_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let run = fill(&whole, 30, 20);
    for file in ["log/db", "journal/0"] {
        let bytes = fs::metadata(whole.join(file)).unwrap().len();
        let used = fs::read(whole.join(file)).unwrap();
        let used = used.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        let used = u64::try_from(used).unwrap();
        let (mut shown, mut named) = (0, 0);
        let cuts = [
            0,
            1,
            100,
            4_096,
            used / 3,
            used / 2,
            used - 20,
            used - 1,
            bytes,
        ];
        for (n, keep) in cuts.into_iter().enumerate() {
            let copy = dir.path().join(format!("cut-{n}"));
            copy_dir(&whole, &copy);
            let cut = OpenOptions::new().write(true).open(copy.join(file));
            cut.unwrap().set_len(keep).unwrap();
            let what = format!("{file} cut to {keep} of {used} used bytes");
            if check_damaged(&copy, &run, file, &what) {
                shown += 1;
            } else {
                named += 1;
            }
            fs::remove_dir_all(&copy).unwrap();
        }
        assert!(shown >= 1, "{file}: one was not cut at all");
        assert!(named >= 5, "{file}: only {named} cuts were noticed");
    }
}

#[test]
fn changed_bytes_show_all_or_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let run = fill(&whole, 20, 20);
    for file in ["log/db", "journal/0"] {
        let bytes = fs::read(whole.join(file)).unwrap();
        let used = bytes.iter().rposition(|b| *b != 0).unwrap();
        let mut named = 0;
        for n in 0..24 {
            let at = used * n / 24;
            let copy = dir.path().join(format!("changed-{n}"));
            copy_dir(&whole, &copy);
            let mut changed = bytes.clone();
            for byte in &mut changed[at..at + 16] {
                *byte ^= 0x55;
            }
            fs::write(copy.join(file), &changed).unwrap();
            let what = format!("{file}: 16 bytes changed at {at} of {used}");
            named += usize::from(!check_damaged(&copy, &run, file, &what));
            fs::remove_dir_all(&copy).unwrap();
        }
        assert!(
            named >= 10,
            "{file}: only {named} of 24 changes were noticed"
        );
    }
}

#[test]
fn a_log_that_was_taken_away_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 6, 2);
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let error = SledStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("follows group 0"), "{error}");
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let error = SledStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("acknowledged"), "{error}");
}

#[test]
fn a_directory_that_is_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "draft").unwrap();
    let error = SledStore::open(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("thesis.tex") && error.contains("not a state directory"),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn an_interrupted_first_start_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let _owner = crate::Owner::acquire(dir.path()).unwrap();
    fs::write(dir.path().join("FORMAT.new"), "openclaw").unwrap();
    drop(SledStore::open(dir.path()).unwrap());
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    SledStore::open(dir.path()).unwrap();

    // The power went while the log engine made its first files.
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("log")).unwrap();
    fs::write(
        dir.path().join("FORMAT"),
        "openclaw-trace state, format 1\n",
    )
    .unwrap();
    fs::write(dir.path().join("log/conf"), "half of it").unwrap();
    SledStore::open(dir.path()).unwrap();
    drop(SledStore::open(dir.path()));
    fs::write(dir.path().join("log/conf"), "half of it").unwrap();
    let error = SledStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("could not open the log"), "{error}");
}

/// The log engine writes a snapshot when it opens a log, into a file that it renames at the end.
#[test]
fn a_kill_while_the_log_is_opened_leaves_no_torn_snapshot_to_stumble_over() {
    let dir = tempfile::tempdir().unwrap();
    let run = fill(dir.path(), 6, 4);
    let log = dir.path().join("log");
    drop(SledStore::open(dir.path()).unwrap());
    let is_snapshot = |path: &Path| path.to_string_lossy().contains("/snap.");
    let found = || {
        let entries = fs::read_dir(&log).unwrap().map(|e| e.unwrap().path());
        entries.filter(|p| is_snapshot(p)).collect::<Vec<_>>()
    };
    let [whole] = found().try_into().unwrap();
    let bytes = fs::read(&whole).unwrap();
    let later = log.join("snap.00000000FFFFFFF0.generating");
    let first = whole.with_extension(format!(
        "{}.generating",
        whole.extension().unwrap().to_string_lossy()
    ));
    let lengths = [
        0,
        1,
        12,
        13,
        bytes.len() / 2,
        bytes.len() - 4,
        bytes.len() - 1,
    ];
    for (len, is_first) in lengths.into_iter().flat_map(|n| [(n, false), (n, true)]) {
        if is_first {
            fs::remove_file(&whole).unwrap();
        }
        let torn = if is_first { &first } else { &later };
        fs::write(torn, &bytes[..len]).unwrap();
        let store = SledStore::open(dir.path()).unwrap_or_else(|e| panic!("{len} {is_first}: {e}"));
        assert_eq!(
            store.load_run(run_id(1)).unwrap().as_ref(),
            Some(&run.state)
        );
        drop(store);
        assert_eq!(found(), std::slice::from_ref(&whole));
    }
}

#[test]
fn a_directory_of_a_newer_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 1, 1);
    let log = fs::read(dir.path().join("log/db")).unwrap();
    for (text, expected) in [
        ("openclaw-trace state, format 2\n", "newer version"),
        ("openclaw-trace state, for", "damaged"),
        ("", "damaged"),
    ] {
        fs::write(dir.path().join("FORMAT"), text).unwrap();
        let error = SledStore::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read(dir.path().join("log/db")).unwrap(), log);
}

#[test]
fn a_directory_that_is_open_is_not_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let _store = SledStore::open(dir.path()).unwrap();
    assert!(matches!(
        SledStore::open(dir.path()),
        Err(Error::Owned { .. })
    ));
}

#[test]
fn a_damaged_blob_is_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let digest = store.put_blob(b"the whole transcript").unwrap();
    let name = digest.to_string();
    let path = dir.path().join("blobs").join(&name[..2]).join(&name);
    fs::write(&path, b"the other transcript").unwrap();
    assert!(matches!(store.blob(&digest), Err(Error::Corrupt { .. })));
    assert_eq!(store.blob(&Digest([0; 32])).unwrap(), None);
}

#[test]
fn values_of_every_size_stay_inside_the_synced_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let (mut run, first) = Run::start("nightly", 1);
    commit(&store, &[&first], &[&run], vec![]);
    for bytes in [2_000_000, 4_096, 4_090, 500_000, 8_192] {
        let mut written: Vec<_> = (0..12).map(|_| run.schedule(bytes)).collect();
        written.extend((0..11).map(|_| run.complete(bytes / 2)));
        let rows = (0..30_u8).map(|n| {
            let key = vec![n; 512];
            Row {
                namespace: Namespace::Cursor,
                key,
                value: Some(vec![n; 6_000]),
            }
        });
        commit(
            &store,
            &written.iter().collect::<Vec<_>>(),
            &[&run],
            rows.collect(),
        );
    }
    let beside = fs::read_dir(dir.path().join("log/blobs")).unwrap().count();
    assert_eq!(
        beside, 0,
        "the log engine moved pages out to files of its own"
    );
    drop(store);
    let store = SledStore::open(dir.path()).unwrap();
    assert_eq!(
        store.load_run(run_id(1)).unwrap().as_ref(),
        Some(&run.state)
    );
}
