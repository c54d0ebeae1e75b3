//! Work that grows faster than the text it is done on.
//!
//! Each target reads repeated hostile pieces in three sizes; what is compared is the time on the processor, so that a
//! busy machine does not show.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Worked;
use super::targets::{Seed, Takes, Target, for_target};

/// The smallest size, bytes; the others are twice and four times as large.
const BYTES: usize = 128 * 1024;
/// Four times the text may cost so many times the work: linear is 4, square is 16.
const GROWTH_MAX: f64 = 9.0;
/// Below this nobody would notice, at the largest size.
const NOISE: Duration = Duration::from_millis(12);
/// The clock of a thread moves in steps of some milliseconds: so long must a measurement be. Nanoseconds.
const CLOCK_NS: u64 = 60_000_000;

const PIECES: [&str; 63] = [
    "a",
    " ",
    "\n",
    "[",
    "]",
    "{",
    "{\"a\":",
    "\\",
    "\\\\",
    "\"",
    "'",
    "`",
    "é",
    "\u{1f600}",
    "a@",
    "@.",
    "a@b.",
    "a.b@",
    "@",
    "sk-",
    "sk-ant-",
    "ghp_A",
    "AKIA",
    "password=",
    "password: ",
    "api_key=\"",
    "Bearer ",
    "-----BEGIN ",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "eyJ",
    "eyJa.",
    "://",
    "https://a:",
    "a:b@",
    "1",
    "1.",
    "1-",
    "1 ",
    "+1 ",
    "4111 ",
    "0x",
    "f",
    "a1",
    "%",
    "[EMAIL_",
    "[EMAIL_1a2b3c]",
    "/a",
    "C:\\a\\",
    "::",
    "=",
    "key: ",
    "error: ",
    "no ",
    "not ",
    "a:",
    "<a>",
    "  File \"a\", line 1\n",
    "2026-01-",
    "arn:secret:",
    "mysql -p",
    "docker login ",
    "kind: Secret\ndata:\n",
    "not working ",
];

/// Runs every target over every shape; prints and counts findings.
pub(super) fn run(targets: &[Target], seeds: &[Seed]) -> usize {
    let mut findings = 0;
    for target in targets {
        let mut worst = (0.0, String::new());
        for (name, make) in shapes(target, seeds) {
            let Some(growth) = growth(target, &name, make.as_ref()) else {
                continue;
            };
            if growth > GROWTH_MAX {
                findings += 1;
            }
            if growth > worst.0 {
                worst = (growth, name);
            }
        }
        println!(
            "{:<24} four times the text, at most {:.1} times the work ({})",
            target.name, worst.0, worst.1
        );
    }
    findings
}

type Make = Box<dyn Fn(usize) -> Vec<u8>>;

fn shapes(target: &Target, seeds: &[Seed]) -> Vec<(String, Make)> {
    let mut shapes: Vec<(String, Make)> = Vec::new();
    let samples = for_target(target, seeds);
    for piece in PIECES {
        let text = move |bytes: usize| piece.repeat(bytes / piece.len());
        match target.takes {
            Takes::Text | Takes::Answers => {
                shapes.push((
                    format!("{piece:?}"),
                    Box::new(move |n| text(n).into_bytes()),
                ));
            }
            Takes::Sessions(_) | Takes::Any | Takes::Checkpoint | Takes::States => {
                let Some(sample) = samples.first().cloned() else {
                    continue;
                };
                let name = format!("{piece:?} in the longest string");
                shapes.push((
                    name,
                    Box::new(move |n| in_longest_string(&sample, &text(n))),
                ));
            }
        }
    }
    for (index, sample) in samples.iter().enumerate() {
        let lines: Vec<Vec<u8>> = sample
            .split_inclusive(|b| *b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let first = lines.first().cloned().unwrap_or_default();
        for (at, line) in lines
            .iter()
            .enumerate()
            .take(12)
            .filter(|(_, line)| line.len() < BYTES / 8)
        {
            let (first, line) = (first.clone(), line.clone());
            let name = format!("line {at} of sample {index} again and again");
            shapes.push((
                name,
                Box::new(move |n| [&first[..], &line.repeat(n / line.len().max(1))].concat()),
            ));
        }
    }
    shapes
}

/// The sample with a text in the place of its longest string.
fn in_longest_string(sample: &[u8], text: &str) -> Vec<u8> {
    let (mut best, mut open) = (0..0, None);
    let mut at = 0;
    while at < sample.len() {
        match (sample[at], open) {
            (b'\\', _) => at += 1,
            (b'"', None) => open = Some(at + 1),
            (b'"', Some(from)) => {
                if at - from > best.len() {
                    best = from..at;
                }
                open = None;
            }
            _ => {}
        }
        at += 1;
    }
    let inside = serde_json::Value::from(text).to_string();
    let inside = &inside.as_bytes()[1..inside.len() - 1];
    [&sample[..best.start], inside, &sample[best.end..]].concat()
}

/// How many times the work of four times the text is that of the text; `None` when it is too little to tell.
fn growth(target: &Target, name: &str, make: &dyn Fn(usize) -> Vec<u8>) -> Option<f64> {
    let large = make(4 * BYTES);
    let began = Instant::now();
    catch_unwind(AssertUnwindSafe(|| (target.run)(&large))).ok()?;
    if began.elapsed() < NOISE {
        return None;
    }
    let small = cost(target, &make(BYTES))?;
    let middle = cost(target, &make(2 * BYTES))?;
    let most = cost(target, &large)?;
    let growth = ratio(most, small);
    if growth > GROWTH_MAX {
        println!(
            "FOUND {}: {name}: {} us, {} us, {} us for once, twice and four times {BYTES} bytes",
            target.name,
            small / 1_000,
            middle / 1_000,
            most / 1_000
        );
    }
    Some(growth)
}

#[expect(clippy::cast_precision_loss, reason = "times for display")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

/// The time of one run, nanoseconds: of as many as the clock of the system needs to tell. `None` when the target
/// panics, which is for the cases to find.
fn cost(target: &Target, case: &[u8]) -> Option<u64> {
    let worked = Worked::start();
    let mut runs = 0;
    loop {
        catch_unwind(AssertUnwindSafe(|| (target.run)(case))).ok()?;
        runs += 1;
        let took = u64::try_from(worked.so_far().as_nanos()).unwrap_or(u64::MAX);
        if took >= CLOCK_NS {
            return Some((took / runs).max(1));
        }
    }
}
