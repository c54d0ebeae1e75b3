//! `cargo xtask samples`: realistic sessions of agents, invented from a seed, with a manifest of what
//! was planted in them.
//!
//! The samples are what a stranger runs first and what the tests of the binary read. Nothing in them
//! is taken from a real session.

mod chapters;
mod claude;
mod code;
mod codex;
mod file;
mod jobs;
mod manifest;
mod moods;
mod openclaw;
mod plan;
mod plants;
mod plants_claude;
mod plants_codex;
mod plants_openclaw;
mod rng;
mod script;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod traps;
mod world;

pub(crate) use rng::Rng;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The seed of the samples that are checked in.
const SEED: u64 = 20_260_112;

/// The words after `samples`.
struct Args {
    check: bool,
    seed: u64,
    out: PathBuf,
}

fn parse(root: &Path, words: &[String]) -> Result<Args, String> {
    let mut args = Args {
        check: false,
        seed: SEED,
        out: root.join("examples/sessions"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--check" => args.check = true,
            "--seed" => {
                let value = words.next().ok_or("--seed needs a number")?;
                let wrong = |_| format!("--seed takes a number, not {value:?}");
                args.seed = value.parse().map_err(wrong)?;
            }
            "--out" => args.out = words.next().ok_or("--out needs a directory")?.into(),
            other => {
                return Err(format!(
                    "{other:?} is no option; known are --check, --seed, --out"
                ));
            }
        }
    }
    Ok(args)
}

/// Writes the samples, or compares what is there with what would be written.
pub(crate) fn run(root: &Path, words: &[String]) -> ExitCode {
    let args = match parse(root, words) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let files = all_files(args.seed);
    let done = if args.check {
        check(&args.out, &files)
    } else {
        write(&args.out, &files)
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every file with the manifest among them.
fn all_files(seed: u64) -> BTreeMap<String, Vec<u8>> {
    let (mut files, manifest) = plan::files(seed);
    let mut text = serde_json::to_string_pretty(&manifest).expect("plain values");
    text.push('\n');
    files.insert("MANIFEST.json".to_owned(), text.into_bytes());
    files
}

fn write(out: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<String, String> {
    for name in below(out)? {
        if !files.contains_key(&name) {
            let path = out.join(&name);
            fs::remove_file(&path)
                .map_err(|e| format!("could not remove {}: {e}", path.display()))?;
        }
    }
    for (name, bytes) in files {
        let path = out.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(out))?;
            fs::write(&path, bytes)
        };
        write().map_err(|e: std::io::Error| format!("could not write {}: {e}", path.display()))?;
    }
    let bytes: usize = files.values().map(Vec::len).sum();
    Ok(format!(
        "{} files, {bytes} bytes below {}",
        files.len(),
        out.display()
    ))
}

fn check(out: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<String, String> {
    for name in below(out)? {
        if !files.contains_key(&name) {
            return Err(format!(
                "{name} is no sample; run `cargo xtask samples` to write them anew"
            ));
        }
    }
    for (name, bytes) in files {
        if fs::read(out.join(name)).ok().as_ref() != Some(bytes) {
            return Err(format!(
                "{name} differs; run `cargo xtask samples` to write them anew"
            ));
        }
    }
    Ok(format!(
        "{} samples are as their seed makes them",
        files.len()
    ))
}

/// The names of all files below a directory, which may be missing.
fn below(dir: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        if !next.is_dir() {
            continue;
        }
        let list =
            fs::read_dir(&next).map_err(|e| format!("could not list {}: {e}", next.display()))?;
        for entry in list.flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if let Ok(name) = path.strip_prefix(dir) {
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    Ok(names)
}
