//! What the engine promises, asked of the core with a played clock and of the whole with threads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one answer among many"
)]

mod batches;
mod breakers;
mod by_hand;
mod chains;
mod children;
mod client;
mod damage;
mod dormant;
mod explain;
mod hangs;
mod held;
mod imports;
mod kept_stores;
mod locals;
mod metrics;
mod permits;
mod questions;
mod recovery;
mod resets;
mod resets_children;
mod retries;
mod rig;
mod schedules;
mod schedules_client;
mod schedules_storm;
mod schedules_time;
mod upgrade;
