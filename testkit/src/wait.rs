//! The one future that a test waits for: an answer, or a time of the played clock.
//!
//! Neighbours: `env` makes it; `world` says what happens while it waits. It runs on any executor,
//! because it wakes itself: the world goes on in its `poll`.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::{Context, Poll};

use engine::core::{Reply, Token};
use kernel::Timestamp;

use crate::error::Error;
use crate::world::World;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    Reply(Token),
    Time(Timestamp),
}

pub(crate) struct Wait {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) awaited: Awaited,
    /// How far the world was when it was polled last.
    pub(crate) seen: Option<u64>,
}

impl Future for Wait {
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (awaited, mut seen) = (self.awaited, self.seen);
        let polled = lock(&self.world).poll(awaited, &mut seen);
        self.seen = seen;
        if polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // Poisoned by a panic that is on its way to the test already.
        if let Ok(mut world) = self.world.lock() {
            world.forget(self.awaited);
        }
    }
}

/// The world, for somebody who is outside of it.
///
/// # Panics
/// Inside a mock, which is asked while the world is in the middle of a step.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    match world.try_lock() {
        Ok(world) => world,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => panic!(
            "the environment is in use: a mock must not use it, and a test must stay on one thread"
        ),
    }
}
