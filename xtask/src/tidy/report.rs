//! Runs all checks over the checkout and prints what is to mend.

use std::path::Path;
use std::process::ExitCode;

use super::{files, rings, text};

/// Checks the checkout at `root`.
pub(crate) fn run(root: &Path) -> ExitCode {
    let files = match files::read_all(root) {
        Ok(files) => files,
        Err(why) => {
            eprintln!("error: {why}\n  hint: run tidy inside the checkout");
            return ExitCode::from(2);
        }
    };
    let mut findings = rings::check(&files);
    findings.extend(text::check(&files));
    findings.sort();
    for finding in &findings {
        println!("{}:{}: {}", finding.file, finding.line, finding.what);
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
