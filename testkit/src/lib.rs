//! Tests of your own workflows: a store in memory, a clock that jumps, mocked activities, a crash at
//! every commit, and replays of recorded histories.
//!
//! It drives the engine's real core, so that what a test sees is what production does; only the
//! disk, the clock and the activities are played. A crate of yours takes it as a dev-dependency.
//!
//! ```
//! use kernel::{ActivityOptions, Cx, Failure, Millis};
//! use testkit::{TestEnv, block_on};
//!
//! async fn remind(cx: Cx, who: String) -> Result<u64, Failure> {
//!     cx.sleep(Millis::seconds(365 * 86_400)).await?;
//!     cx.activity_named("mail", &who, ActivityOptions::default()).await
//! }
//!
//! let env = TestEnv::builder()
//!     .workflow("remind", remind)
//!     .mock("mail", |_who: String, attempt| match attempt {
//!         1 => Err(Failure::retryable("Busy", "the line is busy")),
//!         _ => Ok(7_u64),
//!     })
//!     .build();
//! let sent: u64 = block_on(env.execute("remind", "ada"))?;
//! assert_eq!((sent, env.calls("mail").len()), (7, 2));
//! # Ok::<(), testkit::Error>(())
//! ```
//!
//! Reading order: [`Builder`] (what is under test, what is mocked), [`TestEnv`] (what a test does),
//! [`crash_at_every_commit`], [`Recordings`] and [`replay`]; `world` below them all is one process
//! and the world around it. Guide: `docs/TESTING.md`.

mod block_on;
mod builder;
mod crash;
mod env;
mod error;
mod mock;
mod observed;
mod replay;
mod text;
mod wait;
mod world;

pub use block_on::block_on;
pub use builder::Builder;
pub use crash::{Divergence, Moment, Survived, crash_at_every_commit};
pub use env::TestEnv;
pub use error::Error;
pub use mock::Call;
pub use replay::{History, Mismatch, RecordingError, Recordings, replay, replay_definition};
