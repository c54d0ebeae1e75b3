//! Child workflow execution, as its parent sees it.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where a child stands. The two last are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Asked for; its run is not known yet.
    Initiated,
    /// Asked for, and already asked to cancel.
    InitiatedCancelRequested,
    /// Running.
    Started,
    /// Running, and asked to cancel.
    StartedCancelRequested,
    /// It could not be started.
    StartFailed,
    /// It closed, whichever way.
    Closed,
}

/// What can happen to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has a run.
    Started,
    /// It could not be started.
    StartFailed,
    /// The parent asks it to cancel.
    CancelRequested,
    /// It closed.
    Closed,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// When the event makes no sense in this state.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        let illegal = || Err(Illegal::new("child workflow execution", &self, &event));
        match self {
            Self::Initiated => match event {
                Event::Started => Ok(Self::Started),
                Event::StartFailed => Ok(Self::StartFailed),
                Event::CancelRequested => Ok(Self::InitiatedCancelRequested),
                Event::Closed => illegal(),
            },
            Self::InitiatedCancelRequested => match event {
                Event::Started => Ok(Self::StartedCancelRequested),
                Event::StartFailed => Ok(Self::StartFailed),
                Event::CancelRequested | Event::Closed => illegal(),
            },
            Self::Started => match event {
                Event::CancelRequested => Ok(Self::StartedCancelRequested),
                Event::Closed => Ok(Self::Closed),
                Event::Started | Event::StartFailed => illegal(),
            },
            Self::StartedCancelRequested => match event {
                Event::Closed => Ok(Self::Closed),
                Event::Started | Event::StartFailed | Event::CancelRequested => illegal(),
            },
            Self::StartFailed | Self::Closed => match event {
                Event::Started | Event::StartFailed | Event::CancelRequested | Event::Closed => {
                    illegal()
                }
            },
        }
    }
}
