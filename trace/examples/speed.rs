//! Measures the miner: reads every file below a directory into memory, mines each one several times on one thread,
//! and prints bytes, events and signals per second.
//!
//! `cargo run --release -p trace --example speed -- DIR [TIMES] [MIN_BYTES]`

#![expect(clippy::print_stdout, reason = "an example prints its figures")]
#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure, its measuring stick is not"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use trace::mine::{FileRef, MineOptions, mine};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let root = PathBuf::from(args.next().ok_or("usage: speed DIR [TIMES] [MIN_BYTES]")?);
    let times: u32 = args.next().map_or(Ok(3), |text| text.parse())?;
    let min_bytes: u64 = args.next().map_or(Ok(0), |text| text.parse())?;
    let mut files = Vec::new();
    collect(&root, min_bytes, &mut files)?;
    let contents: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|path| {
            Ok((
                path.strip_prefix(&root)?.to_string_lossy().into_owned(),
                fs::read(path)?,
            ))
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let mut best = f64::INFINITY;
    for round in 0..times {
        let started = Instant::now();
        let (mut bytes, mut events, mut signals, mut sessions, mut skipped) = (0_u64, 0, 0, 0, 0);
        let mut rejected = 0;
        for (name, content) in &contents {
            let mut reader = content.as_slice();
            let session = mine(&FileRef { name }, &mut reader, &MineOptions::default())?;
            if session.is_session {
                bytes += content.len() as u64;
                sessions += 1;
            }
            events += session.events;
            signals += session.signals.len();
            skipped += session.skipped.len();
            rejected += session.signals_rejected;
        }
        let seconds = started.elapsed().as_secs_f64();
        best = best.min(seconds);
        if round + 1 == times {
            let megabytes = bytes as f64 / 1e6;
            println!(
                "{} files, {sessions} sessions, {megabytes:.1} MB, {events} events, {signals} signals, \
                 {skipped} skipped, {rejected} rejected",
                contents.len()
            );
            println!(
                "best of {times}: {:.1} MB/s, {:.0} events/s",
                megabytes / best,
                events as f64 / best
            );
        }
    }
    Ok(())
}

fn collect(dir: &Path, min_bytes: u64, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Box<dyn Error>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, min_bytes, files)?;
        } else if fs::metadata(&path)?.len() >= min_bytes {
            files.push(path);
        }
    }
    Ok(())
}
