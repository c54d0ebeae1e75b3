//! Update: a request from outside that the code may refuse, and otherwise answers.
//!
//! A request that was refused, or that nobody has looked at yet, is no state of a run.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The code took it on; its handler is at work.
    Accepted,
    /// The handler ended.
    Completed,
}

/// What can happen to an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The code takes it on. Its id was used before, so this makes no sense.
    Accepted,
    /// The handler ends.
    Completed,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When the event makes no sense in this state.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        let illegal = || Err(Illegal::new("update", &self, &event));
        match self {
            Self::Accepted => match event {
                Event::Completed => Ok(Self::Completed),
                Event::Accepted => illegal(),
            },
            Self::Completed => match event {
                Event::Accepted | Event::Completed => illegal(),
            },
        }
    }
}
