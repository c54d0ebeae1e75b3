//! The storm: seeded simulation of the real engine steps with crashes and lost work.
//!
//! Each seed makes a small world: workflows with random scripts, workers that fail, lose and repeat
//! work, a clock that jumps, and a process that dies after any commit or before it. The core and
//! the kernel are the real ones; only time, workers and the disk are played. After each step the
//! invariants are checked, and each seed is run twice: both must give the same histories.
//!
//! `cargo run -p sim -- --seeds 2000` · `--seed N` runs one · `--plant NAME` breaks what is around
//! the engine on purpose (`report::Plant` has the names): the storm must notice.

#![expect(
    clippy::print_stdout,
    reason = "the report of the storm goes to stdout"
)]

mod check;
mod kill;
mod ledger;
mod lies;
mod lineage;
mod power_cut;
mod report;
mod rng;
mod script;
mod twisted;
mod world;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lies::Lies;
use report::{Plant, Report};

struct Args {
    first: u64,
    seeds: u64,
    plant: Plant,
    only: Option<u64>,
}

fn parse() -> Result<Args, String> {
    let mut args = Args {
        first: 1,
        seeds: 200,
        plant: Plant::Nothing,
        only: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{word} takes a number"))
        };
        match word.as_str() {
            "--seeds" => args.seeds = number()?,
            "--first" => args.first = number()?,
            "--seed" => args.only = Some(number()?),
            "--plant" => args.plant = Plant::named(&value)?,
            other => return Err(format!("unknown word {other}")),
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words
        .first()
        .is_some_and(|word| word.starts_with("power-cut"))
    {
        return power_cut_main(&words);
    }
    if words.first().is_some_and(|word| word.starts_with("kill")) {
        return kill_main(&words);
    }
    let args = match parse() {
        Ok(args) => args,
        Err(why) => {
            println!("{why}\nuse: sim [--seeds N] [--first N] [--seed N] [--plant NAME]");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let (first, seeds) = match args.only {
        Some(seed) => (seed, 1),
        None => (args.first, args.seeds),
    };
    let next = AtomicU64::new(0);
    let failures: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
    let totals: Mutex<Report> = Mutex::new(Report::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= seeds {
                        return;
                    }
                    match run_twice(first + index, args.plant) {
                        Ok(report) => totals
                            .lock()
                            .expect("no thread panics with it")
                            .add(&report),
                        Err(why) => failures
                            .lock()
                            .expect("no thread panics with it")
                            .push((first + index, why)),
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().expect("all threads ended");
    let mut failures = failures.into_inner().expect("all threads ended");
    failures.sort();
    println!(
        "{seeds} seeds, each twice, in {:.1} s: {totals}",
        started.elapsed().as_secs_f64()
    );
    for (seed, why) in failures.iter().take(10) {
        println!("seed {seed}: {why}");
    }
    if failures.is_empty() {
        println!("all invariants hold");
        ExitCode::SUCCESS
    } else {
        println!("{} of {seeds} seeds failed", failures.len());
        ExitCode::from(1)
    }
}

/// `power-cut`, and the process that it traces.
fn power_cut_main(words: &[String]) -> ExitCode {
    let done = match words {
        [word, dir, commits, seed, lies] if word == "power-cut-work" => {
            match (commits.parse(), seed.parse()) {
                (Ok(commits), Ok(seed)) => Lies::named(lies)
                    .and_then(|lies| power_cut::work(dir.as_ref(), commits, seed, lies))
                    .map(|()| true),
                (Err(e), _) | (_, Err(e)) => Err(format!("not a number: {e}")),
            }
        }
        [_, options @ ..] => power_cut_plan(options).and_then(|plan| {
            let this = std::env::current_exe().map_err(|e| e.to_string())?;
            let outcome = power_cut::run(&this, plan)?;
            print!("{outcome}");
            Ok(outcome.broken.is_empty())
        }),
        [] => Err("nothing to do".to_owned()),
    };
    ended(
        done,
        "sim power-cut [--points N] [--commits N] [--seed N] [--lies plain|compressed|encrypted|both] \
         [--plant skip-sync]",
    )
}

/// `kill`, and the process that it kills.
fn kill_main(words: &[String]) -> ExitCode {
    let done = match words {
        [word, dir, open, next, finish, lies] if word == "kill-work" => {
            match (open.parse(), next.parse()) {
                (Ok(open), Ok(next)) => Lies::named(lies)
                    .and_then(|lies| kill::work(dir.as_ref(), open, next, finish == "true", lies))
                    .map(|()| true),
                (Err(e), _) | (_, Err(e)) => Err(format!("not a number: {e}")),
            }
        }
        [_, options @ ..] => kill_plan(options).and_then(|plan| {
            let this = std::env::current_exe().map_err(|e| e.to_string())?;
            let outcome = kill::run(&this, plan)?;
            print!("{outcome}");
            Ok(outcome.broken.is_empty())
        }),
        [] => Err("nothing to do".to_owned()),
    };
    ended(
        done,
        "sim kill [--rounds N] [--open N] [--seed N] [--lies plain|compressed|encrypted|both]",
    )
}

fn ended(done: Result<bool, String>, usage: &str) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            println!("{why}\nuse: {usage}");
            ExitCode::from(2)
        }
    }
}

fn kill_plan(options: &[String]) -> Result<kill::Plan, String> {
    let mut plan = kill::Plan {
        rounds: 100,
        open: 1_000,
        seed: 1,
        lies: Lies::Plain,
    };
    for pair in options.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} needs a number", pair[0]));
        };
        if name == "--lies" {
            plan.lies = Lies::named(value)?;
            continue;
        }
        let number = value
            .parse()
            .map_err(|_| format!("{name} takes a number, not {value}"))?;
        match name.as_str() {
            "--rounds" => plan.rounds = number,
            "--open" => plan.open = number,
            "--seed" => plan.seed = number,
            other => return Err(format!("unknown word {other}")),
        }
    }
    Ok(plan)
}

fn power_cut_plan(options: &[String]) -> Result<power_cut::Plan, String> {
    let mut plan = power_cut::Plan {
        points: 500,
        commits: 400,
        seed: 1,
        skip_syncs: false,
        lies: Lies::Plain,
    };
    for pair in options.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} needs a number", pair[0]));
        };
        if name == "--plant" && value == "skip-sync" {
            plan.skip_syncs = true;
            continue;
        }
        if name == "--lies" {
            plan.lies = Lies::named(value)?;
            continue;
        }
        let number = value
            .parse()
            .map_err(|_| format!("{name} takes a number, not {value}"))?;
        match name.as_str() {
            "--points" => plan.points = number,
            "--commits" => plan.commits = number,
            "--seed" => plan.seed = number,
            other => return Err(format!("unknown word {other}")),
        }
    }
    Ok(plan)
}

fn run_twice(seed: u64, plant: Plant) -> Result<Report, String> {
    let one = world::run(seed, plant)?;
    let two = world::run(seed, plant)?;
    if one.digest != two.digest {
        return Err(format!(
            "the two runs of this seed differ: {:016x} and {:016x}",
            one.digest, two.digest
        ));
    }
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_storms_pass() {
        for seed in 1..=200 {
            if let Err(why) = run_twice(seed, Plant::Nothing) {
                panic!("seed {seed}: {why}");
            }
        }
    }

    /// Proof that the storm can fail: each planted bug is noticed, by many seeds.
    #[test]
    fn planted_bugs_are_caught() {
        for (plant, seeds, at_least) in [
            (Plant::SkipSync, 40, 20),
            (Plant::EarlyAck, 400, 5),
            (Plant::DoubleApply, 200, 25),
            (Plant::TornGroup, 15, 8),
            (Plant::StaleLease, 20, 8),
            (Plant::TimerEarly, 20, 8),
            (Plant::OutOfOrder, 12, 4),
            (Plant::StaleToken, 40, 8),
            (Plant::LocalAgain, 40, 8),
            (Plant::BeyondPoint, 40, 8),
        ] {
            let caught = (1..=seeds)
                .filter(|seed| run_twice(*seed, plant).is_err())
                .count();
            assert!(
                caught >= at_least,
                "{plant:?} was noticed by {caught} of {seeds} seeds only"
            );
        }
    }
}
