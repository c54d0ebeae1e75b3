//! Tests of the real binary, as a stranger uses it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one event among many"
)]

mod bad_input;
mod cli;
mod common;
mod kill;
mod readme;
mod record;
mod samples;
