//! The store through power cuts, and the proof that they can be noticed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]

use std::process::{Command, Output};

/// Runs cuts; `None` when there is no tracer that may trace.
fn cuts(words: &[&str]) -> Option<Output> {
    let asked = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    if !asked.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT TESTED: strace is missing or may not trace here, so no power was cut");
        return None;
    }
    let sim = env!("CARGO_BIN_EXE_sim");
    Some(
        Command::new(sim)
            .arg("power-cut")
            .args(words)
            .output()
            .unwrap(),
    )
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_was_acknowledged_survives_every_cut() {
    for (seed, lies) in [("1", "plain"), ("2", "both")] {
        let words = ["--points", "250", "--commits", "200", "--seed", seed];
        let words = [&words[..], &["--lies", lies]].concat();
        let Some(output) = cuts(&words) else { return };
        assert!(output.status.success(), "{}", text(&output));
        let none = " 0 were refused by name, 0 were wrong";
        assert!(text(&output).contains(none), "{}", text(&output));
    }
}

#[test]
fn a_store_that_does_not_sync_is_noticed() {
    let words = ["--points", "60", "--commits", "60", "--plant", "skip-sync"];
    let Some(output) = cuts(&words) else { return };
    let told = text(&output);
    let refused = told.split(" were refused by name").next();
    let refused = refused.and_then(|told| told.rsplit(' ').next()?.parse::<u32>().ok());
    let is_noticed = refused.is_some_and(|n| n >= 10) || !output.status.success();
    assert!(is_noticed, "{told}");
}
