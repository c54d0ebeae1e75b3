//! The files of the checkout, in memory.

use std::path::Path;
use std::process::Command;

/// One text file.
pub(crate) struct TextFile {
    /// Relative to the root, with slashes.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A thing to mend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1; 0 when the whole file is meant.
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }
}

/// Endings of files that are read as text.
const TEXT: [&str; 9] = [
    "rs", "md", "toml", "sh", "css", "html", "json", "txt", "yml",
];

/// All text files that git knows or would add, but for the generated samples.
///
/// # Errors
/// When git cannot be asked.
pub(crate) fn read_all(root: &Path) -> Result<Vec<TextFile>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("could not run git: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let mut files = Vec::new();
    for name in String::from_utf8_lossy(&output.stdout).lines() {
        let ending = name.rsplit('.').next().unwrap_or_default();
        let is_text = TEXT.contains(&ending) || name == ".ci/run";
        if !is_text || name.starts_with("examples/sessions/") {
            continue;
        }
        // A file that was removed and not yet committed is still listed.
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            files.push(TextFile {
                name: name.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}
