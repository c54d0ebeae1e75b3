//! Workflow task: the duty to run the workflow code on news that it has not seen.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Whether the workflow code is owed a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The code has seen everything.
    Idle,
    /// There is news.
    Pending,
    /// There is news, and the code failed on it: a panic, an unknown type, nondeterminism.
    BackingOff,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something happened that the code must see.
    News,
    /// The code ran; its commands are recorded.
    Completed,
    /// The code failed; it is tried again later.
    Failed,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When the code failed although it was not owed a turn.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        match self {
            Self::Idle => match event {
                Event::News => Ok(Self::Pending),
                // An update that the code takes on is its own reason for a turn.
                Event::Completed => Ok(Self::Idle),
                Event::Failed => Err(Illegal::new("workflow task", &self, &event)),
            },
            Self::Pending => match event {
                Event::News => Ok(Self::Pending),
                Event::Completed => Ok(Self::Idle),
                Event::Failed => Ok(Self::BackingOff),
            },
            Self::BackingOff => match event {
                Event::News | Event::Failed => Ok(Self::BackingOff),
                Event::Completed => Ok(Self::Idle),
            },
        }
    }
}
