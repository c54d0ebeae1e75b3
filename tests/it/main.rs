//! Tests of the real binary, as a stranger uses it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stderr,
    reason = "a test tells what it counted or skipped"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one event among many"
)]

mod bad_input;
mod browser;
mod cli;
mod collect;
mod common;
mod disk_errors;
mod encryption;
mod exports;
mod full_disk;
mod held;
mod kill;
mod merge;
mod metrics;
mod private;
mod prune;
mod reading;
mod readme;
mod record;
mod registry;
mod resets;
mod samples;
mod schedule;
mod stability;
mod upgrade;
mod verbs;
