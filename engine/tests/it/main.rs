//! What the engine promises, asked of the core with a played clock and of the whole with threads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod breakers;
mod chains;
mod children;
mod client;
mod damage;
mod dormant;
mod explain;
mod permits;
mod questions;
mod recovery;
mod retries;
mod rig;
