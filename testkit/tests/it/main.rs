//! The kit tests itself: what it shows, and what it catches.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crashes;
mod elsewhere;
mod env;
mod guide;
mod mocks;
mod recordings;
mod shop;
