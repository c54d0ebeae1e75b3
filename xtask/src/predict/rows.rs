//! Rows of JSON, one object a line, in and out.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::run::Failed;

/// Rows in file order.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(pub(super) Vec<Value>);

impl Rows {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failed> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let rows = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .map_err(|error| format!("{}:{}: {error}", path.display(), index + 1))
            });
        rows.collect::<Result<_, _>>().map(Self)
    }

    /// Writes a file; gives the number of rows.
    pub(super) fn write(&self, path: &Path) -> Result<usize, Failed> {
        let mut text = String::new();
        for row in &self.0 {
            writeln!(text, "{row}").map_err(|error| error.to_string())?;
        }
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(self.0.len())
    }

    /// One row for each, made by `predict`.
    pub(super) fn map(&self, predict: impl Fn(&Value) -> Value) -> Self {
        Self(self.0.iter().map(predict).collect())
    }
}

/// A field that holds text; empty when it does not.
pub(super) fn text<'r>(row: &'r Value, name: &str) -> &'r str {
    row[name].as_str().unwrap_or_default()
}

/// A string as it is, nothing as nothing, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
