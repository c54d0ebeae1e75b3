//! Failures for the record: what a history keeps of something that went wrong.
//!
//! Neighbours: activities and workflow bodies give failures, events keep them. Must not hold Rust
//! errors: everything here is plain data that reads back in ten years.

use serde::{Deserialize, Serialize};

use crate::ids::Millis;
use crate::limits;
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
    pub cause: Option<Box<Self>>,
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
        Self::new(
            FailureKind::Application,
            error_type,
            message,
            Retry::Retryable,
        )
    }

    /// A failure of user code that trying again will not cure.
    pub fn permanent(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(
            FailureKind::Application,
            error_type,
            message,
            Retry::Permanent,
        )
    }

    /// A timeout.
    #[must_use]
    pub fn timeout(timeout: TimeoutType, message: impl Into<String>) -> Self {
        let retry = match timeout {
            TimeoutType::StartToClose | TimeoutType::Heartbeat => Retry::Retryable,
            TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose => Retry::Permanent,
        };
        Self::new(
            FailureKind::Timeout(timeout),
            "TimeoutFailure",
            message,
            retry,
        )
    }

    /// A cancellation that was obeyed.
    pub fn canceled(message: impl Into<String>) -> Self {
        Self::new(
            FailureKind::Canceled,
            "CanceledFailure",
            message,
            Retry::Permanent,
        )
    }

    /// A termination from outside.
    pub fn terminated(message: impl Into<String>) -> Self {
        Self::new(
            FailureKind::Terminated,
            "TerminatedFailure",
            message,
            Retry::Permanent,
        )
    }

    /// The engine's or the code's own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            FailureKind::Internal,
            "InternalFailure",
            message,
            Retry::Permanent,
        )
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
        self.chain()
            .any(|failure| failure.kind == FailureKind::Canceled)
    }

    /// Bytes that this failure adds to a history, for accounting.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.chain()
            .map(|failure| failure.error_type.len() + failure.message.len() + 8)
            .sum()
    }

    /// This failure, cut to what a history may hold: long texts end in `...`, and causes below
    /// [`limits::FAILURE_CAUSES_MAX`] are left out.
    ///
    /// ```
    /// use kernel::{Failure, limits};
    /// let failure = Failure::permanent("TooLong", "x".repeat(1_000_000)).bounded();
    /// assert_eq!(failure.message.len(), limits::FAILURE_MESSAGE_BYTES_MAX);
    /// ```
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let mut causes = Vec::new();
        let mut next = self.cause.take();
        while let Some(mut cause) = next {
            // What is below the last one is taken apart here, link by link: dropping a long chain
            // in one go would recurse.
            next = cause.cause.take();
            if causes.len() + 1 < limits::FAILURE_CAUSES_MAX {
                causes.push(cause);
            }
        }
        self.cut();
        self.cause = causes.into_iter().rev().fold(None, |below, mut cause| {
            cause.cut();
            cause.cause = below;
            Some(cause)
        });
        self
    }

    fn cut(&mut self) {
        cut(&mut self.message, limits::FAILURE_MESSAGE_BYTES_MAX);
        cut(&mut self.error_type, limits::NAME_BYTES_MAX);
    }

    /// This failure and what lies under it.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |failure| failure.cause.as_deref())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)?;
        for cause in self.chain().skip(1) {
            write!(f, " (caused by {}: {}", cause.error_type, cause.message)?;
        }
        for _ in self.chain().skip(1) {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// Cuts a text to at most `bytes_max` bytes, at a character, with three dots at the end.
fn cut(text: &mut String, bytes_max: usize) {
    const DOTS: &str = "...";
    if text.len() <= bytes_max {
        return;
    }
    let mut end = bytes_max - DOTS.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(DOTS);
}

impl std::error::Error for Failure {}

impl From<PayloadError> for Failure {
    fn from(error: PayloadError) -> Self {
        Self::internal(format!("could not {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_for_the_record_is_bounded_in_length_and_depth() {
        let mut failure = Failure::permanent("Deep", "bottom");
        for _ in 0..100_000 {
            failure = Failure::permanent("Deep", "\u{e9}".repeat(20)).caused_by(failure);
        }
        let bounded = failure.bounded();
        assert_eq!(bounded.chain().count(), limits::FAILURE_CAUSES_MAX);
        let long = Failure::retryable("T".repeat(5_000), "\u{e9}".repeat(20_000)).bounded();
        assert!(long.message.len() <= limits::FAILURE_MESSAGE_BYTES_MAX);
        assert!(long.message.ends_with("\u{e9}..."));
        assert_eq!(long.error_type.len(), limits::NAME_BYTES_MAX);
    }

    #[test]
    fn a_failure_within_the_limits_is_left_as_it_is() {
        let failure = Failure::retryable("Busy", "the service is busy")
            .retry_after(Millis(5))
            .caused_by(Failure::canceled("stopped"));
        assert_eq!(failure.clone().bounded(), failure);
        assert!(failure.is_canceled());
        assert_eq!(
            failure.to_string(),
            "Busy: the service is busy (caused by CanceledFailure: stopped)"
        );
        assert_eq!(failure.size_bytes(), 4 + 19 + 8 + 15 + 7 + 8);
    }
}
