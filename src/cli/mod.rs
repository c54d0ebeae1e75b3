//! The command line: one command, one file. This file only routes.

mod activity;
mod args;
mod batch;
mod by_token;
mod cancel;
mod collect;
mod confirm;
mod delete;
mod doctor;
mod explain;
mod export;
mod follow;
mod fork;
mod graph;
mod history;
mod import;
mod keep;
mod list;
mod merge;
mod output;
mod prune;
mod reading;
mod replay;
mod reset;
mod reset_args;
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
