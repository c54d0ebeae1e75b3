//! Activity: work outside the workflow that is tried until it succeeds, fails or is given up.

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where an activity stands. The four last are final: the run forgets the activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Due, or running: the start of an attempt is not recorded, so a crash repeats the attempt.
    Scheduled,
    /// Waits for its next attempt, or for a circuit breaker.
    BackingOff,
    /// Cancellation was asked for; an attempt may still be running.
    CancelRequested,
    /// The function of the attempt has returned; somebody elsewhere completes it.
    Held,
    /// The same, and cancellation was asked for: the next heartbeat with the token is told.
    HeldCancelRequested,
    /// Gave a result.
    Completed,
    /// Failed for good.
    Failed,
    /// Out of time for good.
    TimedOut,
    /// Obeyed a cancellation.
    Canceled,
}

/// What can happen to an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An attempt failed, another will follow.
    AttemptFailed,
    /// The function of the attempt returned without a result, which comes from elsewhere.
    Held,
    /// Put off without using an attempt.
    Deferred,
    /// The wait is over.
    AttemptDue,
    /// Somebody wants its attempts counted from 1 again.
    Reset,
    /// Progress was reported.
    Heartbeat,
    /// Cancellation was asked for.
    CancelRequested,
    /// The result is in.
    Completed,
    /// The last failure is in.
    Failed,
    /// The last timeout is in.
    TimedOut,
    /// Cancellation was obeyed.
    Canceled,
}

impl State {
    /// Whether somebody elsewhere completes the attempt.
    #[must_use]
    pub fn is_held(self) -> bool {
        match self {
            Self::Held | Self::HeldCancelRequested => true,
            Self::Scheduled
            | Self::BackingOff
            | Self::CancelRequested
            | Self::Completed
            | Self::Failed
            | Self::TimedOut
            | Self::Canceled => false,
        }
    }

    /// Whether cancellation was asked for and the activity has not ended since.
    #[must_use]
    pub fn is_cancel_requested(self) -> bool {
        match self {
            Self::CancelRequested | Self::HeldCancelRequested => true,
            Self::Scheduled
            | Self::BackingOff
            | Self::Held
            | Self::Completed
            | Self::Failed
            | Self::TimedOut
            | Self::Canceled => false,
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// When the event makes no sense in this state.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        let illegal = || Err(Illegal::new("activity", &self, &event));
        match self {
            Self::Scheduled => match event {
                Event::AttemptFailed | Event::Deferred => Ok(Self::BackingOff),
                Event::AttemptDue | Event::Reset | Event::Heartbeat => Ok(Self::Scheduled),
                Event::Held => Ok(Self::Held),
                Event::CancelRequested => Ok(Self::CancelRequested),
                Event::Completed => Ok(Self::Completed),
                Event::Failed => Ok(Self::Failed),
                Event::TimedOut => Ok(Self::TimedOut),
                Event::Canceled => illegal(),
            },
            Self::BackingOff => match event {
                Event::AttemptDue | Event::Reset => Ok(Self::Scheduled),
                Event::Deferred => Ok(Self::BackingOff),
                Event::CancelRequested => Ok(Self::CancelRequested),
                Event::TimedOut => Ok(Self::TimedOut),
                Event::AttemptFailed
                | Event::Held
                | Event::Heartbeat
                | Event::Completed
                | Event::Failed
                | Event::Canceled => illegal(),
            },
            Self::CancelRequested => match event {
                Event::Held => Ok(Self::HeldCancelRequested),
                Event::Heartbeat => Ok(Self::CancelRequested),
                Event::Completed => Ok(Self::Completed),
                Event::Failed => Ok(Self::Failed),
                Event::TimedOut => Ok(Self::TimedOut),
                Event::Canceled => Ok(Self::Canceled),
                Event::AttemptFailed
                | Event::Deferred
                | Event::AttemptDue
                | Event::Reset
                | Event::CancelRequested => illegal(),
            },
            Self::Held => match event {
                Event::AttemptFailed => Ok(Self::BackingOff),
                Event::Heartbeat => Ok(Self::Held),
                Event::CancelRequested => Ok(Self::HeldCancelRequested),
                Event::Completed => Ok(Self::Completed),
                Event::Failed => Ok(Self::Failed),
                Event::TimedOut => Ok(Self::TimedOut),
                // Whoever holds the old attempt is refused from now on.
                Event::Reset => Ok(Self::Scheduled),
                Event::Held | Event::Deferred | Event::AttemptDue | Event::Canceled => illegal(),
            },
            Self::HeldCancelRequested => match event {
                Event::Heartbeat => Ok(Self::HeldCancelRequested),
                Event::Completed => Ok(Self::Completed),
                Event::Failed => Ok(Self::Failed),
                Event::TimedOut => Ok(Self::TimedOut),
                Event::Canceled => Ok(Self::Canceled),
                Event::AttemptFailed
                | Event::Held
                | Event::Deferred
                | Event::AttemptDue
                | Event::Reset
                | Event::CancelRequested => illegal(),
            },
            Self::Completed | Self::Failed | Self::TimedOut | Self::Canceled => match event {
                Event::AttemptFailed
                | Event::Held
                | Event::Deferred
                | Event::AttemptDue
                | Event::Reset
                | Event::Heartbeat
                | Event::CancelRequested
                | Event::Completed
                | Event::Failed
                | Event::TimedOut
                | Event::Canceled => illegal(),
            },
        }
    }
}
