//! Pausing a whole run: it keeps what it has and begins nothing new until somebody lets it go on.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Whether the run may begin anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It may.
    #[default]
    Active,
    /// Its code gets no turn and no attempt begins; timers fire and signals arrive, and wait.
    Paused,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody stops it for a while.
    Paused,
    /// Somebody lets it go on.
    Unpaused,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When it is so already.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        match self {
            Self::Active => match event {
                Event::Paused => Ok(Self::Paused),
                Event::Unpaused => Err(Illegal::new("pause", &self, &event)),
            },
            Self::Paused => match event {
                Event::Unpaused => Ok(Self::Active),
                Event::Paused => Err(Illegal::new("pause", &self, &event)),
            },
        }
    }
}
