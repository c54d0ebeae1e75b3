//! Cancellation of a whole run: asked for once, obeyed or not by the body.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Whether the run was asked to cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nobody asked.
    #[default]
    NotRequested,
    /// Asked; the body decides what to tidy up first.
    Requested,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks. A second request is refused before it becomes an event.
    Requested,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When the run was asked before.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        match self {
            Self::NotRequested => match event {
                Event::Requested => Ok(Self::Requested),
            },
            Self::Requested => match event {
                Event::Requested => Err(Illegal::new("cancellation", &self, &event)),
            },
        }
    }
}
