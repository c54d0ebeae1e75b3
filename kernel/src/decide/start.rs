//! The first transition of a run.

use super::check::{check_name, check_payload, check_workflow_id};
use super::input::Rejection;
use crate::chain::{Chain, WorkflowOptions};
use crate::event::{EventKind, HistoryEvent, ParentRef, Transition};
use crate::ids::{EventId, RunId, Timestamp, WorkflowId};
use crate::payload::Payload;
use crate::run_state::RunState;
use crate::visibility::{Changes, check_attributes, check_memo};

/// What a run starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRequest {
    /// The user's name for it.
    pub workflow_id: WorkflowId,
    /// The new run.
    pub run_id: RunId,
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Its input.
    pub input: Payload,
    /// Present in a child.
    pub parent: Option<ParentRef>,
    /// Timeouts and retries of the whole.
    pub options: WorkflowOptions,
    /// The runs before this one.
    pub chain: Chain,
}

impl StartRequest {
    /// A run without parent, timeouts and retries, that follows on nothing.
    pub fn new(
        workflow_id: WorkflowId,
        run_id: RunId,
        workflow_type: impl Into<String>,
        input: Payload,
    ) -> Self {
        Self {
            workflow_id,
            run_id,
            workflow_type: workflow_type.into(),
            input,
            parent: None,
            options: WorkflowOptions::default(),
            chain: Chain::default(),
        }
    }
}

/// The first transition and the state after it. The seed of the run's random numbers is taken
/// from the run id, so no other randomness enters.
///
/// # Errors
/// When the id or type is empty or too long, or the input too large.
pub fn start(request: StartRequest, now: Timestamp) -> Result<(RunState, Transition), Rejection> {
    check_workflow_id(&request.workflow_id.0)?;
    check_name("a workflow type", &request.workflow_type)?;
    check_payload("the workflow's input", &request.input)?;
    check_retry(&request.options)?;
    check_visible(&request.options)?;
    let mut chain = request.chain;
    if chain.first_run_id.is_none() {
        chain.deadline = request.options.execution_timeout.map(|t| now.after(t));
    }
    let event = HistoryEvent {
        id: EventId(1),
        at: now,
        kind: EventKind::WorkflowExecutionStarted {
            workflow_type: request.workflow_type,
            input: request.input,
            parent: request.parent,
            seed: seed_of(request.run_id),
            options: request.options,
            chain,
        },
    };
    let mut state = RunState::started(request.workflow_id, request.run_id, &event)
        .expect("the event above is a start");
    let transition = Transition {
        events: vec![event],
        notes: Vec::new(),
    };
    state.transitions = 1;
    Ok((state, transition))
}

fn check_visible(options: &WorkflowOptions) -> Result<(), Rejection> {
    check_attributes(&options.search_attributes, &Changes::new())?;
    check_memo(&options.memo, &Changes::new())
}

fn check_retry(options: &WorkflowOptions) -> Result<(), Rejection> {
    match &options.retry {
        Some(retry) if !retry.is_valid() => Err(Rejection::BadCommand(format!(
            "the backoff coefficient of the workflow is {}, it must be 1 or more",
            retry.backoff_coefficient
        ))),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn seed_of(run_id: RunId) -> u64 {
    let (mut high, mut low) = ([0_u8; 8], [0_u8; 8]);
    high.copy_from_slice(&run_id.0[..8]);
    low.copy_from_slice(&run_id.0[8..]);
    u64::from_be_bytes(high) ^ u64::from_be_bytes(low).rotate_left(32)
}
