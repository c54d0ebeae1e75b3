//! Timer: a durable wait.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where a timer stands. The two last are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Waiting.
    Started,
    /// The time came.
    Fired,
    /// Taken back.
    Canceled,
}

/// What can happen to a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time came.
    Fired,
    /// Taken back by the workflow.
    Canceled,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When the event makes no sense in this state.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        match self {
            Self::Started => match event {
                Event::Fired => Ok(Self::Fired),
                Event::Canceled => Ok(Self::Canceled),
            },
            Self::Fired | Self::Canceled => match event {
                Event::Fired | Event::Canceled => Err(Illegal::new("timer", &self, &event)),
            },
        }
    }
}
