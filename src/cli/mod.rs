//! The command line: one command, one file. This file only routes.

mod activity;
mod args;
mod cancel;
mod delete;
mod doctor;
mod explain;
mod export;
mod follow;
mod graph;
mod history;
mod import;
mod list;
mod output;
mod reading;
mod replay;
mod resume;
mod route;
mod run;
mod schedule;
mod schedule_args;
mod serve;
mod status;
mod submit;
mod upgrade;
mod verb;

pub(crate) use route::main;
