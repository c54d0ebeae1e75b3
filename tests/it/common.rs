//! Running the binary, reading what it wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw-trace"));
    command
        .env_remove("RUST_LOG")
        .env_remove("OPENCLAW_TRACE_STATE")
        .env_remove("OPENCLAW_TRACE_KEY")
        .env("COLUMNS", "120");
    command
}

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sessions")
}

/// A state directory, a report directory, and the binary that uses them.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    /// The key of the state directory, where it is encrypted.
    pub(crate) key: Option<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            key: None,
        }
    }

    /// One whose state directory is encrypted.
    pub(crate) fn encrypted() -> Self {
        Self {
            key: Some("5e".repeat(32)),
            ..Self::new()
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// The binary with this place's state directory and these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = binary();
        command.arg("--state").arg(self.state()).args(words);
        command.envs(self.key.iter().map(|key| ("OPENCLAW_TRACE_KEY", key)));
        command
    }

    /// `run` over a path into this place's report directory.
    pub(crate) fn run(&self, path: &Path, words: &[&str]) -> Command {
        let mut command = self.command(&["run"]);
        command.arg(path).arg("--out").arg(self.out()).args(words);
        command
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let output = self.command(words).arg("--json").output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything below a directory by its name, but for `run.json`, which holds times.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.file_name().is_some_and(|name| name != "run.json") {
                let name = path
                    .strip_prefix(dir)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// One JSON value a line.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
