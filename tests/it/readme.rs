//! The README says what is so: its example is the compiled one, its commands work.

use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_example_in_the_readme_is_the_one_that_is_compiled() {
    let readme = read("README.md");
    let example = read("examples/own_workflow.rs");
    let body = example.split_once("// README: begin\n").unwrap().1;
    let body = body.split_once("// README: end\n").unwrap().0;
    assert!(
        readme.contains(body),
        "README.md does not hold this text:\n{body}"
    );
}

#[test]
fn every_command_in_the_readme_is_known_to_the_program() {
    let readme = read("README.md");
    let mut checked = 0;
    for line in readme.lines() {
        let Some(words) = line.trim().strip_prefix("openclaw-trace ") else {
            continue;
        };
        let Some(command) = words.split_whitespace().find(|word| !word.starts_with('-')) else {
            continue;
        };
        let output = crate::common::binary()
            .args([command, "--help"])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "README names an unknown command: {line}"
        );
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} commands found in README.md");
}
