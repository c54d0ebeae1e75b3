//! The upgrade gate: which open runs the workflow code of this binary could not go on with.
//!
//! It replays what the store has against the code that is here, and writes nothing. Neighbours:
//! `kernel::replay` does the comparing. Must not touch live runs: it is asked before there are any.

use std::fmt;

use kernel::{EventId, HistoryEvent, ReplayError, RunId, WorkflowId, replay};
use state::store::{Error as StoreError, Store};

use crate::core::Workflows;

/// Events read from the store at a time.
const HISTORY_PAGE: usize = 4_096;

/// An open run that would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// The registered name of its workflow.
    pub workflow_type: String,
    /// What would happen.
    pub problem: Problem,
}

/// What would happen to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No workflow of its type is registered.
    UnknownType,
    /// The code does something else than it did.
    Nondeterminism {
        /// The first event that differs.
        event_id: EventId,
        /// What the history has there.
        history: String,
        /// What the code did.
        code: String,
    },
    /// The code fails where it did not.
    Failed {
        /// The workflow task at which it fails.
        event_id: EventId,
        /// How.
        failure: String,
    },
    /// The history itself is damaged.
    Unreadable {
        /// How it shows.
        why: String,
    },
}

impl Problem {
    /// The event at which it shows, where there is one.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        match self {
            Self::Nondeterminism { event_id, .. } | Self::Failed { event_id, .. } => {
                Some(*event_id)
            }
            Self::UnknownType | Self::Unreadable { .. } => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownType => {
                "register the workflow type again, or let the run end on the old binary"
            }
            Self::Nondeterminism { .. } => {
                "put the new code behind `if cx.patched(\"name of the change\")` and keep the old \
                 code in the other branch, or let the run end on the old binary"
            }
            Self::Failed { .. } => {
                "mend the code so that it gets past this event as it did before, or let the run \
                 end on the old binary"
            }
            Self::Unreadable { .. } => {
                "no code can go on with this run: put back a copy of the state directory, or \
                 terminate the run"
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType => f.write_str("this binary has no workflow of its type"),
            Self::Nondeterminism {
                event_id,
                history,
                code,
            } => write!(
                f,
                "at event {event_id} the history has {history}, the code did {code}"
            ),
            Self::Failed { event_id, failure } => {
                write!(f, "the code failed at event {event_id}: {failure}")
            }
            Self::Unreadable { why } => write!(f, "its history cannot be read: {why}"),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Corrupt(corrupt) => Self::Unreadable {
                why: corrupt.to_string(),
            },
            ReplayError::Nondeterminism {
                event_id,
                history,
                code,
            } => Self::Nondeterminism {
                event_id,
                history,
                code,
            },
            ReplayError::Failed { event_id, failure } => Self::Failed {
                event_id,
                failure: failure.to_string(),
            },
        }
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Open runs that were replayed, or for which there is no code.
    pub runs_checked: u64,
    /// Those of them that would break.
    pub runs_broken: u64,
}

/// Replays every open run of a store against `workflows` and gives those that would break to
/// `found`, oldest first. One history is in memory at a time. Nothing is written.
///
/// A body that never comes to wait is caught by the turn's limits, one that blocks its thread is
/// not: a replay has no timeout.
///
/// ```
/// use engine::core::Workflows;
/// use state::MemoryStore;
///
/// let mut broken = Vec::new();
/// let tally = engine::upgrade::check(&MemoryStore::new(), &Workflows::new(), |f| broken.push(f))?;
/// assert_eq!((tally.runs_checked, broken.len()), (0, 0));
/// # Ok::<(), state::store::Error>(())
/// ```
///
/// # Errors
/// When the store as a whole cannot be read. One run that cannot is a [`Problem::Unreadable`].
pub fn check(
    store: &dyn Store,
    workflows: &Workflows,
    mut found: impl FnMut(Finding),
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for run_id in store.open_runs()? {
        let state = match store.load_run(run_id) {
            Ok(Some(state)) if !state.is_closed() => state,
            // It closed after the list was made.
            Ok(_) => continue,
            Err(error) => {
                tally.runs_checked += 1;
                tally.runs_broken += 1;
                found(Finding {
                    workflow_id: WorkflowId::new(""),
                    run_id,
                    workflow_type: String::new(),
                    problem: unreadable(error)?,
                });
                continue;
            }
        };
        tally.runs_checked += 1;
        let problem = match whole_history(store, run_id) {
            Ok(events) => check_history(workflows, &state.workflow_id, run_id, &events).err(),
            Err(error) => Some(unreadable(error)?),
        };
        if let Some(problem) = problem {
            tally.runs_broken += 1;
            found(Finding {
                workflow_id: state.workflow_id,
                run_id,
                workflow_type: state.workflow_type,
                problem,
            });
        }
    }
    Ok(tally)
}

/// Replays one history, from its first event, against the code of its type.
///
/// # Errors
/// What would happen to its run.
pub fn check_history(
    workflows: &Workflows,
    workflow_id: &WorkflowId,
    run_id: RunId,
    events: &[HistoryEvent],
) -> Result<(), Problem> {
    let workflow_type = events.first().and_then(|first| {
        if let kernel::EventKind::WorkflowExecutionStarted { workflow_type, .. } = &first.kind {
            Some(workflow_type)
        } else {
            None
        }
    });
    let Some(workflow_type) = workflow_type else {
        return Err(Problem::Unreadable {
            why: "it has no start".to_owned(),
        });
    };
    let Some(definition) = workflows.get(workflow_type) else {
        return Err(Problem::UnknownType);
    };
    replay(definition, workflow_id.clone(), run_id, events)?;
    Ok(())
}

/// Damage is one run's matter; a disk that refuses is everybody's.
fn unreadable(error: StoreError) -> Result<Problem, StoreError> {
    if let StoreError::Corrupt { .. } = error {
        Ok(Problem::Unreadable {
            why: format!("could not {error}"),
        })
    } else {
        Err(error)
    }
}

fn whole_history(store: &dyn Store, run_id: RunId) -> Result<Vec<HistoryEvent>, StoreError> {
    let mut events: Vec<HistoryEvent> = Vec::new();
    loop {
        let after = events.last().map_or(EventId(0), |event| event.id);
        let page = store.load_history(run_id, after, HISTORY_PAGE)?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}
