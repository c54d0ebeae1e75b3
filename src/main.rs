//! The face: command line, control socket, composition root.
//!
//! Reading order: [`cli`] (one command, one file), [`host`] (who owns the state directory, and how
//! to reach the owner), [`answers`] (what every question gets, wherever it came from), [`progress`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what the face does not expect becomes one error; a new variant belongs there too"
)]

mod answers;
mod cli;
mod control;
mod exports;
mod face_error;
mod host;
mod progress;
mod render;
mod retry;
mod schedule_view;
mod terminal;
mod time_text;
mod views;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
