//! Workflow execution: one run from start to close.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where a run stands; the names are Temporal's. All but `Running` are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Open.
    Running,
    /// The body returned a value.
    Completed,
    /// The body returned a failure.
    Failed,
    /// The body obeyed a cancellation.
    Canceled,
    /// Stopped from outside.
    Terminated,
    /// Out of time.
    TimedOut,
    /// Went on in a new run.
    ContinuedAsNew,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Anything that is not the end.
    Progressed,
    /// The body returned a value.
    Completed,
    /// The body returned a failure.
    Failed,
    /// The body obeyed a cancellation.
    Canceled,
    /// Stopped from outside.
    Terminated,
    /// Out of time.
    TimedOut,
    /// Goes on in a new run.
    ContinuedAsNew,
}

impl State {
    /// Whether the run has ended.
    #[must_use]
    pub fn is_closed(self) -> bool {
        match self {
            Self::Running => false,
            Self::Completed
            | Self::Failed
            | Self::Canceled
            | Self::Terminated
            | Self::TimedOut
            | Self::ContinuedAsNew => true,
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// When the run is closed: nothing may follow the last event.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        match self {
            Self::Running => match event {
                Event::Progressed => Ok(Self::Running),
                Event::Completed => Ok(Self::Completed),
                Event::Failed => Ok(Self::Failed),
                Event::Canceled => Ok(Self::Canceled),
                Event::Terminated => Ok(Self::Terminated),
                Event::TimedOut => Ok(Self::TimedOut),
                Event::ContinuedAsNew => Ok(Self::ContinuedAsNew),
            },
            Self::Completed
            | Self::Failed
            | Self::Canceled
            | Self::Terminated
            | Self::TimedOut
            | Self::ContinuedAsNew => match event {
                Event::Progressed
                | Event::Completed
                | Event::Failed
                | Event::Canceled
                | Event::Terminated
                | Event::TimedOut
                | Event::ContinuedAsNew => Err(Illegal::new("workflow execution", &self, &event)),
            },
        }
    }
}
