//! Chains: runs of one workflow id that follow on each other without a gap.
//!
//! A run that continues as new, or fails and is tried again, names the run after it in its last
//! event; that run names the one before in its first. Both become durable in one commit.
//! Neighbours: `decide` makes the links, `run_state` keeps them. Must not know who waits.

use serde::{Deserialize, Serialize};

use crate::decide::StartRequest;
use crate::event::EventKind;
use crate::failure::Failure;
use crate::ids::{Millis, RunId, Timestamp};
use crate::options::{RetryPolicy, RetryState};
use crate::origin::Origin;
use crate::payload::Payload;
use crate::primitives::cancellation;
use crate::run_state::RunState;
use crate::visibility::{Memo, SearchAttributes};

/// Why a run follows on another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Initiator {
    /// The code of the run before asked for it.
    ContinueAsNew,
    /// The run before failed or timed out, and its retry policy has another attempt.
    Retry,
}

/// Where a run stands in its chain. The default is a run that follows on nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The run that the chain began with; `None` in that run itself.
    pub first_run_id: Option<RunId>,
    /// The run before.
    pub continued_from: Option<RunId>,
    /// Why there is a run before.
    pub initiator: Option<Initiator>,
    /// Which attempt of the retry policy this run is, from 1.
    pub attempt: u32,
    /// When the whole chain runs out of time.
    pub deadline: Option<Timestamp>,
    /// How long the code waits for its first turn.
    pub first_task_delay: Option<Millis>,
    /// The runs whose events it began with, if it was reset or forked.
    #[serde(default)]
    pub origin: Option<Box<Origin>>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            first_run_id: None,
            continued_from: None,
            initiator: None,
            attempt: 1,
            deadline: None,
            first_task_delay: None,
            origin: None,
        }
    }
}

/// How a whole workflow execution is to be run. The default has no timeout and no retry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowOptions {
    /// Longest time for the whole chain: all its attempts and all runs that continue as new.
    pub execution_timeout: Option<Millis>,
    /// Longest time for one run.
    pub run_timeout: Option<Millis>,
    /// Whether and when a run that failed or timed out is tried again, as a new run.
    pub retry: Option<RetryPolicy>,
    /// What people find it by.
    #[serde(default)]
    pub search_attributes: SearchAttributes,
    /// What people read of it in lists.
    #[serde(default)]
    pub memo: Memo,
}

impl WorkflowOptions {
    /// Bytes of all names and values in here, for the accounting of a history.
    pub(crate) fn size_bytes(&self) -> usize {
        let memo = self.memo.iter().map(|(n, v)| n.len() + v.data.len());
        let attributes = &self.search_attributes;
        memo.sum::<usize>()
            + attributes
                .iter()
                .map(|(n, v)| n.len() + v.size_bytes())
                .sum::<usize>()
    }
}

/// The run that a closing event promises; `None` when the event is the end of the chain.
///
/// `state` is the run's, before or after the fold of the event.
#[must_use]
pub fn successor(state: &RunState, closing: &EventKind) -> Option<StartRequest> {
    let follow = |run_id: RunId, initiator, first_task_delay| {
        let attempt = match initiator {
            Initiator::ContinueAsNew => 1,
            Initiator::Retry => state.chain.attempt.saturating_add(1),
        };
        StartRequest {
            workflow_id: state.workflow_id.clone(),
            run_id,
            workflow_type: state.workflow_type.clone(),
            input: state.retry_input.clone().unwrap_or_else(Payload::null),
            parent: state.parent.clone(),
            options: state.options.clone(),
            chain: Chain {
                first_run_id: Some(state.first_run_id()),
                continued_from: Some(state.run_id),
                initiator: Some(initiator),
                attempt,
                deadline: state.chain.deadline,
                first_task_delay,
                origin: None,
            },
        }
    };
    if let EventKind::WorkflowExecutionContinuedAsNew {
        new_run_id,
        workflow_type,
        input,
    } = closing
    {
        Some(StartRequest {
            workflow_type: workflow_type.clone(),
            input: input.clone(),
            ..follow(*new_run_id, Initiator::ContinueAsNew, None)
        })
    } else if let EventKind::WorkflowExecutionFailed {
        next: Some(next), ..
    }
    | EventKind::WorkflowExecutionTimedOut {
        next: Some(next), ..
    } = closing
    {
        Some(follow(next.run_id, Initiator::Retry, Some(next.delay)))
    } else {
        None
    }
}

/// The next attempt of a run, as the event that closes this one names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAttempt {
    /// The new run.
    pub run_id: RunId,
    /// How long its code waits for its first turn.
    pub delay: Millis,
}

/// Whether a run that failed at `now` is tried again, after which wait, and if not, why not.
/// `None` when it has no retry policy at all.
pub(crate) fn next_attempt(
    state: &RunState,
    failure: &Failure,
    now: Timestamp,
) -> Option<Result<Millis, RetryState>> {
    let policy = state.options.retry.as_ref()?;
    if state.cancellation == cancellation::State::Requested {
        return Some(Err(RetryState::CancelRequested));
    }
    let delay = match policy.next_delay(state.chain.attempt, failure) {
        Ok(delay) => delay,
        Err(why) => return Some(Err(why)),
    };
    match state.chain.deadline {
        Some(deadline) if now.after(delay) >= deadline => Some(Err(RetryState::Timeout)),
        Some(_) | None => Some(Ok(delay)),
    }
}

#[cfg(test)]
mod tests;
