//! `decide`: what an input changes in a run. Pure: same state, input and time, same transition.
//!
//! Neighbours: the engine calls [`decide`] and [`start`], commits the transition, then folds it
//! with [`RunState::apply`](crate::RunState::apply).

mod by_hand;
mod check;
mod commands;
mod input;
mod results;
mod start;
mod workflow_execution;

pub use check::check_imported;
pub use input::{ChildOutcome, Input, Rejection};
pub use results::decide;
pub(crate) use start::seed_of;
pub use start::{StartRequest, start};
pub use workflow_execution::{admit_update, needs_successor};

#[cfg(test)]
mod tests;
