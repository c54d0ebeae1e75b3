//! The clockwork: client, workers, group commit, timers, retries, schedules. Durable workflows in one
//! process, over an embedded store, with no server to set up.
//!
//! Reading order: [`Engine`] and [`Client`] (the front), [`activity`] (what users write),
//! [`core`] (all durable progress, in sync steps), [`breaker`], [`schedule`], [`visibility`] (finding
//! runs), [`batch`], [`explain`], [`upgrade`], [`metrics`].

pub mod activity;
pub mod batch;
pub mod breaker;
mod by_token;
mod client;
pub mod clock;
pub mod core;
mod driver;
mod engine;
pub mod explain;
pub mod metrics;
mod questions;
mod records;
mod reset;
pub mod schedule;
mod seat;
pub mod upgrade;
pub mod visibility;
mod worker;

pub use activity::{Activity, ActivityCx};
pub use by_token::HeartbeatAnswer;
pub use client::{Client, ClientError};
pub use core::{ActivityLimit, Description, IdConflictPolicy, IdReusePolicy, Scope, StartOptions};
pub use engine::{Builder, Engine, Firing};
pub use reset::{ForkOptions, Reset, ResetOptions};
