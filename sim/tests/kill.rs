//! An engine full of workflows that is killed over and over loses nothing and repeats no result.

use std::process::Command;

#[test]
fn ten_kills_lose_nothing() {
    let output = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["kill", "--rounds", "10", "--open", "300"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{output:?}");
    assert!(text.starts_with("10 kills; "), "{text}");
}
