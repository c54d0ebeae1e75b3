//! Mocked activities: what they answer, and what they were asked.
//!
//! Neighbours: `builder` takes them from the user, `world` asks them. Must not know the core.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::core::{ActivityTask, TaskRef};
use kernel::payload::PayloadError;
use kernel::{Failure, Payload, RunId, TaskToken, WorkflowId};
use serde::de::DeserializeOwned;

/// One attempt of a mocked activity, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The workflow that asked.
    pub workflow_id: WorkflowId,
    /// Its run.
    pub run_id: RunId,
    /// The registered name of the activity.
    pub activity_type: String,
    /// Which attempt, from 1. A process that dies makes the same attempt again.
    pub attempt: u32,
    /// What it was asked, as bytes.
    pub payload: Payload,
    /// What completes it from elsewhere; `None` for a local activity.
    pub token: Option<TaskToken>,
    /// What it answered; `None` when it did not, or left it to somebody else.
    pub answer: Option<Result<Payload, Failure>>,
    pub(crate) task: TaskRef,
}

impl Call {
    /// What it was asked.
    ///
    /// # Errors
    /// When the input is of another type.
    pub fn input<I: DeserializeOwned>(&self) -> Result<I, PayloadError> {
        self.payload.decode()
    }
}

/// What a mock answers to an input and an attempt. The error says why it could not answer at all.
type Answer = dyn Fn(&Payload, u32) -> Result<Result<Payload, Failure>, String> + Send + Sync;

#[derive(Clone)]
pub(crate) enum Mock {
    /// Whatever a function gives.
    Function(Arc<Answer>),
    /// One after the other. Those that could not be encoded are errors.
    Sequence(Arc<Vec<Result<Result<Payload, Failure>, String>>>),
    /// Nothing, ever: the attempt hangs until it times out or is canceled.
    Silent,
    /// Nothing: the test completes the attempt with its token.
    Held,
}

/// What an attempt came to.
pub(crate) enum Said {
    Answer(Result<Payload, Failure>),
    Nothing,
    Later,
}

/// The outside world as the mocks play it. It survives a crash of the process.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    pub(crate) calls: Vec<Call>,
    /// By activity type: which attempt got which answer of a sequence.
    served: BTreeMap<String, BTreeMap<TaskRef, usize>>,
}

impl Outside {
    /// Asks a mock on behalf of one attempt and notes it.
    ///
    /// An attempt that is repeated after a crash gets the same answer of a sequence as before, as
    /// from a dependency that knows the idempotency key.
    pub(crate) fn ask(
        &mut self,
        mock: &Mock,
        task: &ActivityTask,
        token: Option<TaskToken>,
    ) -> Result<Said, String> {
        let answer = match mock {
            Mock::Silent => None,
            Mock::Held if token.is_none() => {
                return Err("a local activity cannot be completed from elsewhere".to_owned());
            }
            Mock::Held => None,
            Mock::Function(answer) => Some(guarded(|| answer(&task.input, task.task.attempt))?),
            Mock::Sequence(answers) => {
                let served = self.served.entry(task.activity_type.clone()).or_default();
                let next = served.len();
                let index = *served.entry(task.task).or_insert(next);
                let answer = answers.get(index).cloned().ok_or_else(|| {
                    let n = answers.len();
                    format!(
                        "its sequence has {n} answers, and this is attempt {} of all its \
                             activities; add an answer, or use `mock` with a function",
                        index + 1
                    )
                })?;
                Some(answer?)
            }
        };
        self.calls.push(Call {
            workflow_id: task.workflow_id.clone(),
            run_id: task.task.run_id,
            activity_type: task.activity_type.clone(),
            attempt: task.task.attempt,
            payload: task.input.clone(),
            token,
            answer: answer.clone(),
            task: task.task,
        });
        Ok(match (answer, mock) {
            (Some(answer), _) => Said::Answer(answer),
            (None, Mock::Held) => Said::Later,
            (None, Mock::Silent | Mock::Function(_) | Mock::Sequence(_)) => Said::Nothing,
        })
    }
}

/// An assertion that fails in a mock is a failure of the test, not of one attempt.
fn guarded<T>(ask: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer,
        Err(panic) => Err(format!("it panicked: {}", crate::text::panic_text(&*panic))),
    }
}
