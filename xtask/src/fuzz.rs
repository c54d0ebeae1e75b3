//! `cargo xtask fuzz`: hostile bytes for every reader, the scrubber, the normaliser and the answers of models.
//!
//! Two parts. *Cases*: our own samples, mutated by a seeded generator that knows JSON; a case that panics is made
//! smaller and kept in the corpus. *Shapes*: texts of repeated hostile pieces in growing sizes; work that grows faster
//! than the text is a finding. Every case follows from the seed and its number, so that any can be played again. A
//! process that is brought down whole leaves the number of its last case in the corpus.

mod mutate;
mod shapes;
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::samples::Rng;
use targets::Target;

/// A case may work so long before it is a finding; far above what the longest needs.
const SLOW: Duration = Duration::from_secs(5);
/// Cases of one target in a row, so that a short run sees all of them.
const ROUND: u64 = 200;
/// Runs of the case that make a failing one smaller.
const SHRINKS_MAX: usize = 2_000;

struct Args {
    reader: Option<String>,
    /// Of work on each target.
    minutes: u64,
    seed: u64,
    corpus: PathBuf,
}

fn parse(root: &Path, words: &[String]) -> Result<Args, String> {
    let mut args = Args {
        reader: None,
        minutes: 1,
        seed: 1,
        corpus: root.join("target/fuzz"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} needs a value"));
        let number = |text: String| {
            let wrong = |_| format!("{word} takes a number, not {text:?}");
            text.parse::<u64>().map_err(wrong)
        };
        match word.as_str() {
            "--reader" => args.reader = Some(value()?),
            "--minutes" => args.minutes = number(value()?)?,
            "--seed" => args.seed = number(value()?)?,
            "--corpus" => args.corpus = value()?.into(),
            other => return Err(format!("{other:?} is not known; see cargo xtask help")),
        }
    }
    Ok(args)
}

pub(crate) fn run(root: &Path, words: &[String]) -> ExitCode {
    let fuzzed = parse(root, words).and_then(|args| fuzz(root, &args));
    match fuzzed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(findings) => {
            println!("{findings} findings");
            ExitCode::from(1)
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

fn fuzz(root: &Path, args: &Args) -> Result<usize, String> {
    let seeds = targets::seeds(root).map_err(|e| format!("could not read the samples: {e}"))?;
    let mut targets = targets::all();
    if let Some(wanted) = &args.reader {
        let known: Vec<String> = targets.iter().map(|t| t.name.clone()).collect();
        targets.retain(|target| target.name == *wanted);
        if targets.is_empty() {
            return Err(format!("no reader {wanted:?}; known: {}", known.join(", ")));
        }
    }
    fs::create_dir_all(&args.corpus).map_err(|e| format!("could not make the corpus: {e}"))?;
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut findings = shapes::run(&targets, &seeds);
    let cases = cases(&targets, &seeds, args);
    std::panic::set_hook(quiet);
    findings += cases.map_err(|e| format!("could not write the corpus: {e}"))?;
    Ok(findings)
}

/// Work of this thread since a moment: time on the processor where the system says, so that a busy machine
/// neither shortens a run nor makes a case look slow; otherwise time on the wall.
struct Worked {
    began: Option<u64>,
    wall: Instant,
}

impl Worked {
    fn start() -> Self {
        Self {
            began: processor_ns(),
            wall: Instant::now(),
        }
    }

    fn so_far(&self) -> Duration {
        match (self.began, processor_ns()) {
            (Some(began), Some(now)) => Duration::from_nanos(now.saturating_sub(began)),
            (None, _) | (_, None) => self.wall.elapsed(),
        }
    }
}

/// What this thread has used of a processor, where the system says.
fn processor_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// How one target fared.
#[derive(Default)]
struct Tally {
    cases: u64,
    bytes: u64,
    time: Duration,
    slowest: Duration,
    findings: usize,
}

fn cases(targets: &[Target], seeds: &[targets::Seed], args: &Args) -> std::io::Result<usize> {
    let enough = Duration::from_secs(60 * args.minutes);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut place = fs::File::create(args.corpus.join("last-case"))?;
    let mut number = 0_u64;
    let samples: Vec<Vec<Vec<u8>>> = targets
        .iter()
        .map(|t| targets::for_target(t, seeds))
        .collect();
    // Without a sample the cases are all but empty, and nothing is tried.
    if let Some((target, _)) = targets
        .iter()
        .zip(&samples)
        .find(|(_, samples)| samples.is_empty())
    {
        return Err(std::io::Error::other(format!(
            "{} has no sample",
            target.name
        )));
    }
    let mut is_done = false;
    while !is_done {
        is_done = true;
        for (target, samples) in targets.iter().zip(&samples) {
            let worked = Worked::start();
            let before = tallies.entry(&target.name).or_default().time;
            if before >= enough {
                continue;
            }
            is_done = false;
            for _ in 0..ROUND {
                number += 1;
                place.seek(SeekFrom::Start(0))?;
                writeln!(
                    place,
                    "{} seed {} case {number:>12}",
                    target.name, args.seed
                )?;
                let mut rng =
                    Rng::named(args.seed ^ number.wrapping_mul(0x9e37_79b9), &target.name);
                let case = mutate::case(&mut rng, samples);
                let tally = tallies.entry(&target.name).or_default();
                let case_worked = Worked::start();
                let failed = fails(target, &case);
                let took = case_worked.so_far();
                tally.cases += 1;
                tally.bytes += case.len() as u64;
                tally.slowest = tally.slowest.max(took);
                let what = match failed {
                    Some(what) => what,
                    None if took > SLOW => format!("worked {took:?} on {} bytes", case.len()),
                    None => continue,
                };
                let key = format!("{}: {what}", target.name);
                let times = seen.entry(key.clone()).or_default();
                *times += 1;
                if *times == 1 {
                    tally.findings += 1;
                    let small = smaller(target, case);
                    let name = format!("{}-{number}", target.name.replace(':', "-"));
                    fs::write(args.corpus.join(&name), &small)?;
                    println!("FOUND {key}\n      case {name}, {} bytes", small.len());
                }
            }
            tallies.entry(&target.name).or_default().time = before + worked.so_far();
        }
    }
    println!(
        "{:<24} {:>8} {:>10} {:>10} {:>9} {:>10} findings",
        "reader", "work", "cases", "cases/s", "MB/s", "slowest"
    );
    for (name, tally) in &tallies {
        let seconds = tally.time.as_secs_f64().max(0.001);
        println!(
            "{name:<24} {:>6.1} m {:>10} {:>10.0} {:>9.1} {:>7} ms {}",
            seconds / 60.0,
            tally.cases,
            per_second(tally.cases, seconds),
            per_second(tally.bytes, seconds) / 1e6,
            tally.slowest.as_millis(),
            tally.findings
        );
    }
    for (key, times) in seen.iter().filter(|(_, times)| **times > 1) {
        println!("{times} times {key}");
    }
    Ok(tallies.values().map(|tally| tally.findings).sum())
}

#[expect(clippy::cast_precision_loss, reason = "counts for display")]
fn per_second(n: u64, seconds: f64) -> f64 {
    n as f64 / seconds
}

/// What a case that must not panic panicked with.
fn fails(target: &Target, case: &[u8]) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| (target.run)(case))).err()?;
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    // What stands in quotes differs from case to case.
    let text = text.unwrap_or("a panic without words");
    let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
    Some(text.chars().take(80).map(digits).collect())
}

/// The case without pieces that its failure does not need.
fn smaller(target: &Target, mut case: Vec<u8>) -> Vec<u8> {
    let mut piece = case.len() / 2;
    let mut tries = 0;
    while piece > 0 && tries < SHRINKS_MAX {
        let mut at = 0;
        while at + piece <= case.len() && tries < SHRINKS_MAX {
            tries += 1;
            let less = [&case[..at], &case[at + piece..]].concat();
            if fails(target, &less).is_some() {
                case = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaks_on_zz() -> Target {
        Target {
            name: "test".to_owned(),
            takes: targets::Takes::Text,
            run: Box::new(|case| assert!(!case.windows(2).any(|w| w == b"zz"), "zz at 17")),
        }
    }

    #[test]
    fn a_failing_case_is_made_as_small_as_its_failure() {
        let case = b"some words before zz and after".to_vec();
        assert_eq!(fails(&breaks_on_zz(), &case).unwrap(), "zz at 00");
        assert_eq!(smaller(&breaks_on_zz(), case), b"zz");
    }

    #[test]
    fn the_same_seed_gives_the_same_cases_and_every_target_takes_them() {
        let seeds = targets::seeds(&crate::root()).unwrap();
        assert!(seeds.len() > 12);
        for target in targets::all() {
            for n in 0..20 {
                let make = || {
                    let mut rng = Rng::named(n, &target.name);
                    mutate::case(&mut rng, &targets::for_target(&target, &seeds))
                };
                assert_eq!(make(), make());
                assert_eq!(fails(&target, &make()), None, "{} {n}", target.name);
            }
        }
    }
}
