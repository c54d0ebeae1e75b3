//! The command line: one command, one file. This file only routes.

mod args;
mod cancel;
mod doctor;
mod explain;
mod follow;
mod graph;
mod history;
mod list;
mod output;
mod reading;
mod resume;
mod route;
mod run;
mod schedule;
mod schedule_args;
mod serve;
mod status;
mod submit;
mod verb;

pub(crate) use route::main;
