//! Tests of the real binary, as a stranger uses it.

mod bad_input;
mod cli;
mod common;
mod kill;
mod readme;
mod samples;
