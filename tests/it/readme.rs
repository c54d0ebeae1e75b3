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

/// Times and ids differ from run to run; everything else in the README's output is what is printed.
#[test]
fn the_output_in_the_readme_is_what_the_first_command_prints() {
    let place = crate::common::Place::new();
    let output = place
        .command(&["run", "--out", "trace-report"])
        .arg(crate::common::samples())
        .env("COLUMNS", "100")
        .current_dir(place.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let lasting = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with("run trace-") && !line.starts_with("```"))
            .map(|line| {
                let is_time = line.contains(" sessions, ") && line.contains(" in ");
                let cut = if is_time { line.rfind(" in ") } else { None };
                line[..cut.unwrap_or(line.len())].trim_end().to_owned()
            })
            .filter(|line| !line.is_empty())
            .collect()
    };
    let readme = read("README.md");
    let shown = readme.split_once("<!-- output: begin -->").unwrap().1;
    let shown = shown.split_once("<!-- output: end -->").unwrap().0;
    assert_eq!(
        lasting(shown),
        lasting(&String::from_utf8_lossy(&output.stdout))
    );
}
