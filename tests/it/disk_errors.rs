//! A disk that fails while a run is under way: a real process, whose system calls are made to fail by
//! the tracer. The run stops, says why, and goes on from what was promised when the disk is well.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Place, binary, files, samples, stderr};

/// Whether there is a tracer that may trace. Without one nothing here is tested, loudly.
fn can_trace() -> bool {
    let asked = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let can = asked.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("NOT TESTED: strace is missing or may not trace here, so no disk failed");
    }
    can
}

/// The run, with calls on one path made to fail: `what` is what the tracer is to inject.
fn run_while(place: &Place, path: &Path, what: &str) -> Output {
    let program = binary().get_program().to_owned();
    Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(path)
        .arg("-e")
        .arg(format!("inject={what}"))
        .arg(program)
        .arg("--quiet")
        .arg("--state")
        .arg(place.state())
        .args(["run", "--id", "failing", "--out"])
        .arg(place.out())
        .arg(samples())
        .env_remove("OPENCLAW_TRACE_STATE")
        .output()
        .unwrap()
}

#[test]
fn a_disk_that_fails_stops_the_run_by_name_and_nothing_is_lost() {
    if !can_trace() {
        return;
    }
    let calm = Place::new();
    let run = calm.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(run.status.success());
    for (file, what, named) in [
        (
            "journal/0",
            "fdatasync:error=EIO:when=3+",
            "Input/output error",
        ),
        (
            "journal/0",
            "fdatasync:error=EIO:when=40+",
            "Input/output error",
        ),
        (
            "journal/0",
            "write:error=EIO:when=20+",
            "Input/output error",
        ),
        ("journal/0", "write:error=ENOSPC:when=30+", "No space left"),
        (
            "journal/0",
            "write:error=EROFS:when=10+",
            "Read-only file system",
        ),
    ] {
        let place = Place::new();
        let failed = run_while(&place, &place.state().join(file), what);
        let said = stderr(&failed);
        assert_eq!(failed.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains(named), "{what}: the cause is named: {said}");
        assert!(said.contains("check the disk"), "{what}: {said}");
        let again = place
            .run(&samples(), &["--quiet", "--id", "failing"])
            .output()
            .unwrap();
        assert!(again.status.success(), "{what}: {}", stderr(&again));
        assert!(
            files(&calm.out()) == files(&place.out()),
            "{what}: other files than on a disk that is well"
        );
    }
}

#[test]
fn a_read_only_disk_is_named_before_anything_begins() {
    if !can_trace() {
        return;
    }
    let place = Place::new();
    let run = place.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(run.status.success());
    let lock = place.state().join("owner.lock");
    let failed = run_while(&place, &lock, "openat:error=EROFS");
    let said = stderr(&failed);
    assert!(!failed.status.success());
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains("owner.lock"), "{said}");
}
