//! Runs to test with: real transitions, folded as the engine folds them.
//!
//! Neighbours: the suite and the random script. Must not know the store.

use kernel::primitives::workflow_task;
use kernel::{
    ActivityOptions, Encoding, EventId, EventKind, Failure, HistoryEvent, Note, Payload, RunId,
    RunState, Seq, StartRequest, Timestamp, Transition, WorkflowId,
};

use crate::store::{Commit, Row, RunTransition, Store};

/// A run as its writer knows it.
#[derive(Debug)]
pub struct Run {
    /// The state after the last transition.
    pub state: RunState,
    /// All its events.
    pub events: Vec<HistoryEvent>,
}

/// One transition, ready to be committed.
#[derive(Debug)]
pub struct Written {
    /// The run.
    pub run_id: RunId,
    /// Its position.
    pub number: u64,
    /// What changed.
    pub transition: Transition,
}

impl Written {
    /// As a commit takes it.
    #[must_use]
    pub fn as_transition(&self) -> RunTransition<'_> {
        RunTransition {
            run_id: self.run_id,
            number: self.number,
            transition: &self.transition,
        }
    }
}

/// A run id that sorts by its number.
#[must_use]
pub fn run_id(n: u64) -> RunId {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    RunId(bytes)
}

/// Commits what must be accepted.
pub fn commit(store: &dyn Store, written: &[&Written], runs: &[&Run], rows: Vec<Row>) {
    let commit = Commit {
        transitions: written.iter().map(|w| w.as_transition()).collect(),
        states: runs.iter().map(|r| &r.state).collect(),
        rows,
        imported: Vec::new(),
    };
    if let Err(error) = store.commit(&commit) {
        panic!("could not {error}");
    }
}

/// A payload that does not pack well, so that its size shows.
fn payload(bytes: usize) -> Payload {
    let data = (0..bytes)
        .map(|i| (i.wrapping_mul(31) >> 3).to_le_bytes()[0])
        .collect();
    Payload {
        encoding: Encoding::Named("binary/plain".into()),
        data,
    }
}

impl Run {
    /// A new run, and its first transition.
    #[must_use]
    pub fn start(workflow_id: &str, n: u64) -> (Self, Written) {
        let request = StartRequest::new(
            WorkflowId::new(workflow_id),
            run_id(n),
            "TraceRun",
            payload(20),
        );
        let at = Timestamp(1_700_000_000_000 + i64::try_from(n).unwrap_or(0));
        let (state, transition) = kernel::start(request, at).expect("a good start");
        let written = Written {
            run_id: run_id(n),
            number: 0,
            transition,
        };
        (
            Self {
                state,
                events: written.transition.events.clone(),
            },
            written,
        )
    }

    fn write(&mut self, kinds: Vec<EventKind>, notes: Vec<Note>) -> Written {
        let mut last = self.state.last_event_id;
        let at = self
            .state
            .started_at
            .after(kernel::Millis(self.state.transitions * 10));
        let mut events = Vec::new();
        for kind in kinds {
            last = last.next();
            events.push(HistoryEvent { id: last, at, kind });
        }
        let transition = Transition { events, notes };
        let number = self.state.transitions;
        self.state
            .apply(&transition)
            .expect("a transition that fits");
        self.events.extend(transition.events.iter().cloned());
        Written {
            run_id: self.state.run_id,
            number,
            transition,
        }
    }

    fn oldest(&self) -> EventId {
        *self
            .state
            .activities
            .keys()
            .next()
            .expect("an activity is pending")
    }

    /// Schedules an activity with an input of that size.
    pub fn schedule(&mut self, bytes: usize) -> Written {
        let seq = Seq(u32::try_from(self.state.transitions).unwrap_or(u32::MAX));
        let scheduled = EventKind::ActivityTaskScheduled {
            seq,
            activity_type: "mine_session".into(),
            input: payload(bytes),
            options: ActivityOptions::default(),
        };
        let kinds = match self.state.workflow_task {
            workflow_task::State::Idle => vec![scheduled],
            workflow_task::State::Pending | workflow_task::State::BackingOff => {
                vec![EventKind::WorkflowTaskCompleted, scheduled]
            }
        };
        self.write(kinds, vec![])
    }

    /// The oldest pending activity gives a result of that size.
    pub fn complete(&mut self, bytes: usize) -> Written {
        let scheduled_event_id = self.oldest();
        let result = payload(bytes);
        self.write(
            vec![EventKind::ActivityTaskCompleted {
                scheduled_event_id,
                attempt: 1,
                result,
            }],
            vec![],
        )
    }

    /// The oldest pending activity reports progress: a transition without events.
    pub fn heartbeat(&mut self, bytes: usize) -> Written {
        let scheduled_event_id = self.oldest();
        self.write(
            vec![],
            vec![Note::ActivityHeartbeat {
                scheduled_event_id,
                details: payload(bytes),
            }],
        )
    }

    /// The code fails: a transition without events, whatever is pending.
    pub fn fail_task(&mut self) -> Written {
        let failure = Failure::internal("the workflow code panicked");
        let next_attempt_at = self.state.started_at.after(kernel::Millis::seconds(60));
        self.write(
            vec![],
            vec![Note::WorkflowTaskFailed {
                failure,
                next_attempt_at,
            }],
        )
    }

    /// A signal arrives.
    pub fn signal(&mut self, bytes: usize) -> Written {
        let input = payload(bytes);
        self.write(
            vec![EventKind::WorkflowExecutionSignaled {
                name: "go".into(),
                input,
            }],
            vec![],
        )
    }

    /// A signal arrives that says this.
    pub fn tell(&mut self, data: Vec<u8>) -> Written {
        let encoding = Encoding::Named("binary/plain".into());
        let kind = EventKind::WorkflowExecutionSignaled {
            name: "go".into(),
            input: Payload { encoding, data },
        };
        self.write(vec![kind], vec![])
    }

    /// The code gives the run a search attribute of type Keyword.
    pub fn upsert(&mut self, name: &str, word: &str) -> Written {
        let attributes = [(name.to_owned(), Some(word.into()))].into();
        let upsert = EventKind::UpsertWorkflowSearchAttributes { attributes };
        let kinds = match self.state.workflow_task {
            workflow_task::State::Idle => vec![upsert],
            workflow_task::State::Pending | workflow_task::State::BackingOff => {
                vec![EventKind::WorkflowTaskCompleted, upsert]
            }
        };
        self.write(kinds, vec![])
    }

    /// Somebody terminates the run.
    pub fn close(&mut self) -> Written {
        let reason = "not needed any more".into();
        self.write(
            vec![EventKind::WorkflowExecutionTerminated { reason, next: None }],
            vec![],
        )
    }
}
