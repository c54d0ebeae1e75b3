//! Why a test cannot go on.

use std::fmt;
use std::sync::Arc;

use engine::ClientError;
use kernel::payload::PayloadError;
use kernel::{Failure, WorkflowId};
use state::store::Error as StoreError;

/// Why a test cannot go on. `Debug` is the same text as `Display`, so that what `unwrap` and a test
/// that returns a `Result` show can be read.
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// The engine did not do what was asked, as a client of it would be told.
    Refused(Arc<ClientError>),
    /// The run closed without a result.
    Failed {
        /// Which.
        workflow_id: WorkflowId,
        /// How.
        failure: Box<Failure>,
        /// Its history, for people.
        history: String,
    },
    /// Workflow code panicked, or did not do again what its history says that it did.
    CodeFailed {
        /// Which.
        workflow_id: WorkflowId,
        /// How.
        failure: Box<Failure>,
        /// The history so far, for people.
        history: String,
    },
    /// A workflow asked for an activity that the test has no mock of.
    Unmocked {
        /// Its registered name.
        activity_type: String,
        /// Who asked.
        workflow_id: WorkflowId,
        /// Those that are mocked.
        mocked: Vec<String>,
    },
    /// A mock could not answer.
    Mock {
        /// The activity's registered name.
        activity_type: String,
        /// Why.
        why: String,
    },
    /// Nothing can happen any more, and the test still waits.
    Stuck {
        /// What each open run waits for, and its history, for people.
        open: String,
    },
    /// The test waits for something that does not come, while other things go on and on.
    Endless {
        /// How long it waited.
        what: String,
        /// What each open run waits for, and its history, for people.
        open: String,
    },
    /// There is no run of that workflow id or run id.
    NotFound(String),
    /// A value is of another type.
    Payload(PayloadError),
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        Self::Refused(Arc::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        ClientError::from(error).into()
    }
}

impl From<PayloadError> for Error {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "could not {error}"),
            Self::Failed {
                workflow_id,
                failure,
                history,
            } => write!(
                f,
                "{workflow_id} closed without a result: {failure}\n{history}"
            ),
            Self::CodeFailed {
                workflow_id,
                failure,
                history,
            } => write!(f, "the code of {workflow_id} failed: {failure}\n{history}"),
            Self::Unmocked {
                activity_type,
                workflow_id,
                mocked,
            } => write!(
                f,
                "{workflow_id} asked for the activity {activity_type}, which is not mocked: add \
                 `.mock(\"{activity_type}\", ..)`. Mocked are: {}",
                if mocked.is_empty() {
                    "none".to_owned()
                } else {
                    mocked.join(", ")
                }
            ),
            Self::Mock { activity_type, why } => {
                write!(f, "the mock of {activity_type} could not answer: {why}")
            }
            Self::Stuck { open } => write!(
                f,
                "nothing can happen any more: no timer, retry or schedule is due, and no activity \
                 runs. Signal, cancel or update what waits.\n{open}"
            ),
            Self::Endless { what, open } => {
                write!(f, "the test still waits after {what}\n{open}")
            }
            Self::NotFound(id) => write!(f, "could not find {id}: start it first"),
            Self::Payload(error) => write!(f, "could not {error}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
