//! Development tasks: `cargo xtask tidy`, `cargo xtask samples`, `cargo xtask score`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for people at a terminal"
)]

mod fuzz;
mod predict;
mod samples;
mod score;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Development tasks of openclaw-trace.

  cargo xtask tidy                 checks what the compiler and clippy do not: rings, sizes, papers
  cargo xtask samples [--check]    writes the sample sessions, or checks that they are as their seed makes them
                                   (--seed N and --out DIR make others)
  cargo xtask predict SET ...      writes what the product says about one labelled set
  cargo xtask score [SET..]        predicts the labelled sets, runs their scorers, prints one table
  cargo xtask fuzz [--reader NAME] [--minutes N] [--seed N] [--corpus DIR]
                                   hostile bytes for every reader, the scrubber and the normaliser, N minutes
                                   of work for each
  cargo xtask fit [--write]        fits the sentiment table, and says how it does on parts it has not seen
";

/// The root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_owned)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Some("tidy") if words.len() == 1 => tidy::run(&root()),
        Some("samples") => samples::run(&root(), &words[1..]),
        Some("predict") => predict::run(&words[1..]),
        Some("score") => score::run(&root(), &words[1..]),
        Some("fuzz") => fuzz::run(&root(), &words[1..]),
        Some("fit") => score::fit(&root(), &words[1..]),
        Some(other) => {
            eprintln!("error: {other:?} is no task\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}
