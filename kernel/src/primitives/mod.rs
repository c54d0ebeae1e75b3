//! One durable primitive, one file: its states, what may happen to it, and the total table.

pub mod activity;
pub mod cancellation;
pub mod child;
pub mod pause;
pub mod timer;
pub mod update;
pub mod workflow_execution;
pub mod workflow_task;

mod illegal;
pub use illegal::Illegal;

#[cfg(test)]
mod tables;
