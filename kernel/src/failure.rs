//! Failures for the record: what a history keeps of something that went wrong.
//!
//! Neighbours: activities and workflow bodies give failures, events keep them. Must not hold Rust
//! errors: everything here is plain data that reads back in ten years.

use serde::{Deserialize, Serialize};

use crate::ids::Millis;
use crate::payload::PayloadError;

/// Which of the four activity timeouts (or the workflow's own) ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeoutType {
    /// No worker took the task in time.
    ScheduleToStart,
    /// One attempt took too long.
    StartToClose,
    /// All attempts together took too long.
    ScheduleToClose,
    /// The attempt fell silent.
    Heartbeat,
}

impl TimeoutType {
    /// The name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ScheduleToStart => "schedule-to-start",
            Self::StartToClose => "start-to-close",
            Self::ScheduleToClose => "schedule-to-close",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// User code said so.
    Application,
    /// A timeout.
    Timeout(TimeoutType),
    /// Cancellation was asked for.
    Canceled,
    /// Terminated from outside.
    Terminated,
    /// The engine's or the code's fault: a panic, a payload that does not decode, nondeterminism.
    Internal,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retry {
    /// Trying again may succeed.
    Retryable,
    /// It will fail again: do not retry.
    Permanent,
}

/// A failure, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort.
    pub kind: FailureKind,
    /// The error's type name, matched against `non_retryable_error_types`.
    pub error_type: String,
    /// For people: a lowercase fragment.
    pub message: String,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The least wait that the failing side asked for (a 429's `Retry-After`).
    pub next_retry_delay: Option<Millis>,
    /// What lies under it.
    pub cause: Option<Box<Failure>>,
}

impl Failure {
    fn new(
        kind: FailureKind,
        error_type: impl Into<String>,
        message: impl Into<String>,
        retry: Retry,
    ) -> Self {
        Self {
            kind,
            error_type: error_type.into(),
            message: message.into(),
            retry,
            next_retry_delay: None,
            cause: None,
        }
    }

    /// A failure of user code that may go away when tried again.
    pub fn retryable(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Application, error_type, message, Retry::Retryable)
    }

    /// A failure of user code that trying again will not cure.
    pub fn permanent(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Application, error_type, message, Retry::Permanent)
    }

    /// A timeout.
    #[must_use]
    pub fn timeout(timeout: TimeoutType, message: impl Into<String>) -> Self {
        let retry = match timeout {
            TimeoutType::StartToClose | TimeoutType::Heartbeat => Retry::Retryable,
            TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose => Retry::Permanent,
        };
        Self::new(FailureKind::Timeout(timeout), "TimeoutFailure", message, retry)
    }

    /// A cancellation that was obeyed.
    pub fn canceled(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Canceled, "CanceledFailure", message, Retry::Permanent)
    }

    /// A termination from outside.
    pub fn terminated(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Terminated, "TerminatedFailure", message, Retry::Permanent)
    }

    /// The engine's or the code's own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Internal, "InternalFailure", message, Retry::Permanent)
    }

    /// This failure, with what lies under it.
    #[must_use]
    pub fn caused_by(mut self, cause: Self) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// This failure, asking for a least wait before the next attempt.
    #[must_use]
    pub fn retry_after(mut self, delay: Millis) -> Self {
        self.next_retry_delay = Some(delay);
        self
    }

    /// Whether this is a cancellation that was obeyed, itself or as the cause.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.kind == FailureKind::Canceled || self.cause.as_ref().is_some_and(|c| c.is_canceled())
    }

    /// Bytes that this failure adds to a history, for accounting.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.error_type.len()
            + self.message.len()
            + 8
            + self.cause.as_ref().map_or(0, |c| c.size_bytes())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)?;
        match &self.cause {
            Some(cause) => write!(f, " (caused by {cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<PayloadError> for Failure {
    fn from(error: PayloadError) -> Self {
        Self::internal(format!("could not {error}"))
    }
}
