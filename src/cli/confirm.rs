//! Asking a person before something is done that cannot be taken back.

use std::io::{BufRead, IsTerminal, Write};

use crate::face_error::FaceError;

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Yes,
    No,
}

/// Asks on stderr and waits for an answer. Where nobody can answer, it refuses.
pub(super) fn confirm(question: &str) -> Result<Said, FaceError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(FaceError::usage(
            "nothing was done: this is no terminal, so nobody can be asked",
            "look at what is shown above and add --yes",
        ));
    }
    let mut stderr = std::io::stderr();
    let _closed = write!(stderr, "{question} [y/N] ");
    let _closed = stderr.flush();
    let mut answer = String::new();
    // A terminal that goes away says no.
    let _gone = stdin.lock().read_line(&mut answer);
    let answer = answer.trim().to_ascii_lowercase();
    Ok(match answer.as_str() {
        "y" | "yes" => Said::Yes,
        _other => Said::No,
    })
}
