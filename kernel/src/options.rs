//! What a workflow can ask of an activity or a child: timeouts, retries, policies.
//!
//! Neighbours: commands and events carry these. Must not know how waiting is done.

use serde::{Deserialize, Serialize};

use crate::chain::WorkflowOptions;
use crate::failure::{Failure, FailureKind, Retry, TimeoutType};
use crate::ids::Millis;

/// When and how often a failed attempt is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Wait before the second attempt.
    pub initial_interval: Millis,
    /// Each further wait is this many times the one before.
    pub backoff_coefficient: f64,
    /// No wait is longer.
    pub maximum_interval: Millis,
    /// Attempts in all; 0 means no limit.
    pub maximum_attempts: u32,
    /// Error types that are never retried.
    pub non_retryable_error_types: Vec<String>,
}

impl Default for RetryPolicy {
    /// Temporal's defaults: 1 s, doubled each time, at most 100 s, without limit.
    fn default() -> Self {
        Self {
            initial_interval: Millis(1_000),
            backoff_coefficient: 2.0,
            maximum_interval: Millis(100_000),
            maximum_attempts: 0,
            non_retryable_error_types: Vec::new(),
        }
    }
}

/// Why no further attempt is made; the names are Temporal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryState {
    /// The failure, or its type, is not to be retried.
    NonRetryableFailure,
    /// The schedule-to-close timeout would run out before the next attempt.
    Timeout,
    /// All attempts were used.
    MaximumAttemptsReached,
    /// Cancellation was asked for.
    CancelRequested,
}

impl RetryPolicy {
    /// Whether the numbers make sense: a coefficient below 1 would retry ever faster, and one that
    /// is no number cannot be written as JSON.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.backoff_coefficient.is_finite() && self.backoff_coefficient >= 1.0
    }

    /// One attempt, no retry.
    #[must_use]
    pub fn once() -> Self {
        Self {
            maximum_attempts: 1,
            ..Self::default()
        }
    }

    /// The wait before attempt `attempt + 1`, or why there is none.
    ///
    /// # Errors
    /// The reason for not trying again.
    pub fn next_delay(&self, attempt: u32, failure: &Failure) -> Result<Millis, RetryState> {
        if failure.retry == Retry::Permanent
            || self.non_retryable_error_types.contains(&failure.error_type)
        {
            return Err(match failure.kind {
                FailureKind::Timeout(
                    TimeoutType::ScheduleToClose | TimeoutType::ScheduleToStart,
                ) => RetryState::Timeout,
                FailureKind::Application
                | FailureKind::Timeout(TimeoutType::StartToClose | TimeoutType::Heartbeat)
                | FailureKind::Canceled
                | FailureKind::Terminated
                | FailureKind::Internal => RetryState::NonRetryableFailure,
            });
        }
        if self.maximum_attempts != 0 && attempt >= self.maximum_attempts {
            return Err(RetryState::MaximumAttemptsReached);
        }
        if let Some(delay) = failure.next_retry_delay {
            return Ok(delay);
        }
        Ok(self.interval(attempt))
    }

    /// `initial * coefficient^(attempt - 1)`, bounded; multiplied step by step because `powi` may
    /// differ between machines, and bounded at once so that it cannot run away.
    fn interval(&self, attempt: u32) -> Millis {
        let mut interval = self.initial_interval.0;
        for _ in 1..attempt.min(1_000) {
            if interval >= self.maximum_interval.0 {
                break;
            }
            interval = scale(interval, self.backoff_coefficient);
        }
        Millis(interval.min(self.maximum_interval.0))
    }
}

/// `n * factor` in thousandths, without leaving integers for longer than one rounding.
fn scale(n: u64, factor: f64) -> u64 {
    let factor = if factor.is_nan() { 1.0 } else { factor };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=1000, so the thousandths fit"
    )]
    let thousandths = (factor.clamp(1.0, 1_000.0) * 1_000.0) as u64;
    n.saturating_mul(thousandths) / 1_000
}

/// How one local activity is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalActivityOptions {
    /// Longest single attempt.
    pub start_to_close: Millis,
    /// Longest time for all attempts together, from the moment of the call.
    pub schedule_to_close: Option<Millis>,
    /// Retries.
    pub retry: RetryPolicy,
    /// A longer wait between two attempts is a durable timer; a shorter one is kept in memory only.
    pub local_retry_threshold: Millis,
}

impl Default for LocalActivityOptions {
    /// Ten seconds for an attempt and, as long as Temporal's workflow task timeout, for a wait in
    /// memory.
    fn default() -> Self {
        Self {
            start_to_close: Millis::seconds(10),
            schedule_to_close: None,
            retry: RetryPolicy::default(),
            local_retry_threshold: Millis::seconds(10),
        }
    }
}

impl From<ActivityOptions> for LocalActivityOptions {
    /// What both kinds have; the rest is about queues, heartbeats and workers.
    fn from(options: ActivityOptions) -> Self {
        Self {
            start_to_close: options.start_to_close,
            schedule_to_close: options.schedule_to_close,
            retry: options.retry,
            ..Self::default()
        }
    }
}

/// How one activity is to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityOptions {
    /// Longest wait for a worker.
    pub schedule_to_start: Option<Millis>,
    /// Longest single attempt.
    pub start_to_close: Millis,
    /// Longest time for all attempts together, from the moment of scheduling.
    pub schedule_to_close: Option<Millis>,
    /// Longest silence between two heartbeats of an attempt.
    pub heartbeat: Option<Millis>,
    /// Retries.
    pub retry: RetryPolicy,
    /// The stage that this work counts towards, empty for none.
    pub stage: String,
    /// The dependency whose circuit breaker guards this activity, empty for none.
    pub breaker: String,
    /// A semaphore that this activity shares with all others of the same key, in all runs.
    #[serde(default)]
    pub semaphore: Option<Semaphore>,
}

/// A limit on attempts at once, shared by whoever names it. Waiting for it uses no attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Semaphore {
    /// What is shared, such as the name of a model.
    pub key: String,
    /// Attempts at once, at most.
    pub permits: u32,
}

impl Default for ActivityOptions {
    fn default() -> Self {
        Self {
            schedule_to_start: None,
            start_to_close: Millis(600_000),
            schedule_to_close: None,
            heartbeat: None,
            retry: RetryPolicy::default(),
            stage: String::new(),
            breaker: String::new(),
            semaphore: None,
        }
    }
}

impl ActivityOptions {
    /// Bytes of all texts in here, for the accounting of a history.
    pub(crate) fn text_bytes(&self) -> usize {
        let types: usize = self
            .retry
            .non_retryable_error_types
            .iter()
            .map(String::len)
            .sum();
        let semaphore = self.semaphore.as_ref().map_or(0, |s| s.key.len() + 4);
        self.stage.len() + self.breaker.len() + semaphore + types
    }
}

/// What becomes of a child when its parent closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParentClosePolicy {
    /// The child is terminated.
    Terminate,
    /// The child is asked to cancel.
    RequestCancel,
    /// The child goes on alone.
    Abandon,
}

/// How one child workflow execution is to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildOptions {
    /// What happens when the parent closes first.
    pub parent_close_policy: ParentClosePolicy,
    /// The stage of the parent that this child counts towards, empty for none.
    pub stage: String,
    /// Its timeouts and retries; the parent is told of the last attempt only.
    #[serde(default)]
    pub workflow: WorkflowOptions,
}

impl Default for ChildOptions {
    fn default() -> Self {
        Self {
            parent_close_policy: ParentClosePolicy::Terminate,
            stage: String::new(),
            workflow: WorkflowOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attempt: u32, failure: &Failure, expected: Result<u64, RetryState>) {
        let policy = RetryPolicy {
            maximum_attempts: 5,
            maximum_interval: Millis(3_000),
            non_retryable_error_types: vec!["Fatal".into()],
            ..RetryPolicy::default()
        };
        assert_eq!(
            policy.next_delay(attempt, failure),
            expected.map(Millis),
            "{attempt}"
        );
    }

    #[test]
    fn waits_double_up_to_the_maximum_and_stop_at_the_last_attempt() {
        let failure = Failure::retryable("Busy", "busy");
        check(1, &failure, Ok(1_000));
        check(2, &failure, Ok(2_000));
        check(3, &failure, Ok(3_000));
        check(4, &failure, Ok(3_000));
        check(5, &failure, Err(RetryState::MaximumAttemptsReached));
    }

    #[test]
    fn permanent_failures_and_named_types_are_not_retried() {
        check(
            1,
            &Failure::permanent("X", "x"),
            Err(RetryState::NonRetryableFailure),
        );
        check(
            1,
            &Failure::retryable("Fatal", "x"),
            Err(RetryState::NonRetryableFailure),
        );
        let timeout = Failure::timeout(TimeoutType::ScheduleToClose, "late");
        check(1, &timeout, Err(RetryState::Timeout));
    }

    #[test]
    fn the_failing_side_may_ask_for_its_own_wait() {
        check(
            1,
            &Failure::retryable("Busy", "429").retry_after(Millis(7_500)),
            Ok(7_500),
        );
    }

    #[test]
    fn a_coefficient_that_is_no_number_neither_spins_nor_is_valid() {
        let policy = RetryPolicy {
            backoff_coefficient: f64::NAN,
            ..RetryPolicy::default()
        };
        let failure = Failure::retryable("Busy", "busy");
        assert_eq!(policy.next_delay(9, &failure), Ok(policy.initial_interval));
        assert!(!policy.is_valid());
        assert!(
            !RetryPolicy {
                backoff_coefficient: 0.5,
                ..RetryPolicy::default()
            }
            .is_valid()
        );
        assert!(RetryPolicy::default().is_valid());
    }

    #[test]
    fn a_long_row_of_attempts_neither_overflows_nor_spins() {
        let policy = RetryPolicy {
            maximum_interval: Millis(u64::MAX),
            ..RetryPolicy::default()
        };
        let failure = Failure::retryable("Busy", "busy");
        assert_eq!(
            policy.next_delay(200, &failure),
            Ok(Millis(u64::MAX / 1_000))
        );
    }
}
