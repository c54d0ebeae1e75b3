//! A disk that takes no more, played by a limit on the size of files: the run stops, says so, and
//! goes on when there is room again.

use std::process::Command;

use crate::common::{Place, binary, files, samples, stderr};

/// Runs with no file above `blocks` of 512 bytes; writing more is an error, not a signal.
fn run_with_little_room(place: &Place, blocks: u64) -> std::process::Output {
    let program = binary().get_program().to_owned();
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""
        ))
        .arg(program)
        .arg("--quiet")
        .arg("--state")
        .arg(place.state())
        .args(["run", "--id", "full", "--out"])
        .arg(place.out())
        .arg(samples())
        .env_remove("OPENCLAW_TRACE_STATE")
        .output()
        .unwrap()
}

#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let calm = Place::new();
    let run = calm.run(&samples(), &["--quiet"]).output().unwrap();
    assert!(run.status.success());
    for blocks in [150, 300, 400] {
        let place = Place::new();
        let full = run_with_little_room(&place, blocks);
        let said = stderr(&full);
        assert_eq!(full.status.code(), Some(1), "{blocks} blocks: {said}");
        assert!(said.contains("too large"), "the cause is named: {said}");
        // A report that finds no room fails its run; a journal that finds none stops the engine.
        let failed = said.contains("ended as Failed");
        assert!(failed || said.contains("check the disk"), "{said}");
        let id = if failed { "again" } else { "full" };
        let again = place
            .run(&samples(), &["--quiet", "--id", id])
            .output()
            .unwrap();
        assert!(
            again.status.success(),
            "{blocks} blocks: {}",
            stderr(&again)
        );
        assert!(
            files(&calm.out()) == files(&place.out()),
            "{blocks} blocks: other files than on a disk with room"
        );
    }
}
