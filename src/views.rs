//! What commands print as JSON and render as text: stable field names, a contract.

use std::collections::BTreeMap;

use kernel::primitives::{activity, workflow_execution};
use kernel::{Outcome, RunState};
use serde::{Deserialize, Serialize};

use crate::time_text;

/// `status --json` of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusView {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) status: String,
    pub(crate) started_at: String,
    pub(crate) closed_at: Option<String>,
    pub(crate) elapsed_ms: u64,
    pub(crate) stages: Vec<StageView>,
    pub(crate) pending: Vec<PendingView>,
    pub(crate) waiting_on: String,
    pub(crate) history_events: u64,
    pub(crate) history_bytes: u64,
    /// Work counted by the owning process since it started: bytes, sessions.
    pub(crate) meters: BTreeMap<String, u64>,
    pub(crate) children: Vec<ChildView>,
    pub(crate) result: Option<serde_json::Value>,
    pub(crate) failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StageView {
    pub(crate) name: String,
    /// `waiting`, `running`, `done` or `failed`.
    pub(crate) state: String,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) failed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingView {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) event_id: u64,
    pub(crate) state: String,
    pub(crate) attempt: u32,
    pub(crate) due_at: Option<String>,
    pub(crate) last_failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChildView {
    pub(crate) workflow_id: String,
    pub(crate) workflow_type: String,
    pub(crate) status: String,
}

/// One row of `list --json` and of `status` without an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunRow {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) status: String,
    pub(crate) parent: Option<String>,
    pub(crate) started_at: String,
    pub(crate) closed_at: Option<String>,
}

pub(crate) fn status_name(status: workflow_execution::State) -> &'static str {
    match status {
        workflow_execution::State::Running => "Running",
        workflow_execution::State::Completed => "Completed",
        workflow_execution::State::Failed => "Failed",
        workflow_execution::State::Canceled => "Canceled",
        workflow_execution::State::Terminated => "Terminated",
        workflow_execution::State::TimedOut => "TimedOut",
        workflow_execution::State::ContinuedAsNew => "ContinuedAsNew",
    }
}

impl RunRow {
    pub(crate) fn of(info: &state::store::RunInfo) -> Self {
        Self {
            workflow_id: info.workflow_id.to_string(),
            run_id: info.run_id.to_string(),
            workflow_type: info.workflow_type.clone(),
            status: status_name(info.status).to_owned(),
            parent: info.parent.as_ref().map(ToString::to_string),
            started_at: time_text::iso(info.started_at),
            closed_at: info.closed_at.map(time_text::iso),
        }
    }
}

impl StatusView {
    pub(crate) fn of(
        description: &engine::Description,
        meters: BTreeMap<String, u64>,
        children: Vec<ChildView>,
    ) -> Self {
        let state = &description.state;
        let (result, failure) = match &state.outcome {
            Some(Outcome::Completed(payload)) => (payload.decode().ok(), None),
            Some(Outcome::Failed(failure)) => (None, Some(failure.to_string())),
            None => (None, None),
        };
        Self {
            workflow_id: state.workflow_id.to_string(),
            run_id: state.run_id.to_string(),
            workflow_type: state.workflow_type.clone(),
            status: status_name(state.status).to_owned(),
            started_at: time_text::iso(state.started_at),
            closed_at: state.closed_at.map(time_text::iso),
            elapsed_ms: state.elapsed(engine::clock::now()).0,
            stages: stages(state),
            pending: pending(description),
            waiting_on: description.waiting_on.clone(),
            history_events: state.last_event_id.0,
            history_bytes: state.history_bytes,
            meters,
            children,
            result,
            failure,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }
}

fn stages(state: &RunState) -> Vec<StageView> {
    let view = |stage: &kernel::Stage| {
        let complete = stage
            .total
            .is_some_and(|total| stage.done + stage.failed >= total);
        let name = if stage.failed > 0 {
            "failed"
        } else if complete {
            "done"
        } else if stage.scheduled > 0 && !state.is_closed() {
            "running"
        } else {
            "waiting"
        };
        StageView {
            name: stage.name.clone(),
            state: name.to_owned(),
            done: stage.done,
            total: stage.total,
            failed: stage.failed,
        }
    };
    state.stages.iter().map(view).collect()
}

fn pending(description: &engine::Description) -> Vec<PendingView> {
    let state = &description.state;
    let is_running = |id| {
        description
            .running
            .iter()
            .any(|(running, _, _)| *running == id)
    };
    let activities = state.activities.iter().map(|(id, pending)| PendingView {
        kind: "activity".to_owned(),
        name: pending.activity_type.clone(),
        event_id: id.0,
        state: if is_running(*id) {
            "running".to_owned()
        } else {
            match pending.state {
                activity::State::Scheduled | activity::State::BackingOff
                    if pending.paused.is_some() =>
                {
                    "paused".to_owned()
                }
                activity::State::BackingOff => "backing off".to_owned(),
                activity::State::Held => "held elsewhere".to_owned(),
                activity::State::CancelRequested | activity::State::HeldCancelRequested => {
                    "canceling".to_owned()
                }
                activity::State::Scheduled
                | activity::State::Completed
                | activity::State::Failed
                | activity::State::TimedOut
                | activity::State::Canceled => "scheduled".to_owned(),
            }
        },
        attempt: pending.attempt,
        due_at: Some(time_text::iso(pending.next_attempt_at)),
        last_failure: pending.last_failure.as_ref().map(ToString::to_string),
    });
    let timers = state.timers.iter().map(|(id, timer)| PendingView {
        kind: "timer".to_owned(),
        name: String::new(),
        event_id: id.0,
        state: "waiting".to_owned(),
        attempt: 0,
        due_at: Some(time_text::iso(timer.fires_at)),
        last_failure: None,
    });
    let children = state.children.iter().map(|(id, child)| PendingView {
        kind: "child".to_owned(),
        name: child.workflow_id.to_string(),
        event_id: id.0,
        state: "running".to_owned(),
        attempt: 0,
        due_at: None,
        last_failure: None,
    });
    activities.chain(timers).chain(children).collect()
}
