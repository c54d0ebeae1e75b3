//! Results go to stdout, whole; a reader that has gone away is not an error.

use std::io::Write;

use serde::Serialize;

use crate::face_error::FaceError;

/// Prints one JSON document.
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), FaceError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| FaceError::internal(format!("could not write JSON: {error}")))?;
    text_out(&text);
    Ok(())
}

/// Prints text and a line end.
pub(super) fn text_out(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// Prints text that more will follow on.
pub(super) fn part_out(text: &str) {
    let _closed = write!(std::io::stdout(), "{text}");
}

/// Prints a note for the person at the terminal.
pub(super) fn note(quiet: bool, text: &str) {
    if !quiet {
        let _closed = writeln!(std::io::stderr(), "{text}");
    }
}
