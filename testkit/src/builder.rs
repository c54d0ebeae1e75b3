//! What is under test, and what is mocked.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use engine::core::Workflows;
use kernel::{ActivityContract, Cx, Definition, Failure, Payload, Timestamp, WorkflowContract};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::env::TestEnv;
use crate::mock::Mock;

/// When a test begins unless it says otherwise: 2024-01-01T00:00:00Z, a Monday.
const START: Timestamp = Timestamp(1_704_067_200_000);

/// Sets a test up: workflows, mocked activities, when it begins.
#[derive(Clone)]
pub struct Builder {
    pub(crate) workflows: Workflows,
    pub(crate) mocks: BTreeMap<String, Mock>,
    pub(crate) start: Timestamp,
    pub(crate) machines_max: usize,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("workflows", &self.workflows.keys())
            .field("mocks", &self.mocks.keys())
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Nothing under test, nothing mocked.
    #[must_use]
    pub fn new() -> Self {
        Self {
            workflows: Workflows::new(),
            mocks: BTreeMap::new(),
            start: START,
            machines_max: 0,
        }
    }

    /// Registers a workflow: an async function of [`Cx`] and one input.
    #[must_use]
    pub fn workflow<I, O, F, Fut>(self, workflow_type: &str, body: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        F: Fn(Cx, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        self.definitions([Definition::new(workflow_type, body)])
    }

    /// Registers a workflow under the name of its contract.
    #[must_use]
    pub fn workflow_typed<W, F, Fut>(self, body: F) -> Self
    where
        W: WorkflowContract,
        F: Fn(Cx, W::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<W::Output, Failure>> + Send + 'static,
    {
        self.workflow(W::TYPE, body)
    }

    /// Registers ready-made definitions.
    #[must_use]
    pub fn definitions(mut self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        for definition in definitions {
            let name = definition.workflow_type().to_owned();
            self.workflows.insert(name, definition);
        }
        self
    }

    /// Mocks an activity by a function of its input and the attempt, from 1. A panic of it fails
    /// the test; a failure it gives is tried again as its activity's options say.
    #[must_use]
    pub fn mock<I, O, F>(mut self, activity_type: &str, answer: F) -> Self
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I, u32) -> Result<O, Failure> + Send + Sync + 'static,
    {
        let answer = move |input: &Payload, attempt| {
            let input = input
                .decode::<I>()
                .map_err(|e| format!("its function takes another input: could not {e}"))?;
            encode(answer(input, attempt))
        };
        let mock = Mock::Function(Arc::new(answer));
        self.mocks.insert(activity_type.to_owned(), mock);
        self
    }

    /// Mocks an activity under the name of its contract, with its types.
    #[must_use]
    pub fn mock_typed<A, F>(self, answer: F) -> Self
    where
        A: ActivityContract,
        F: Fn(A::Input, u32) -> Result<A::Output, Failure> + Send + Sync + 'static,
    {
        self.mock(A::TYPE, answer)
    }

    /// Mocks an activity by the answers of its attempts, in the order in which they are made,
    /// whoever asks: fail twice, then succeed. An attempt for which none is left fails the test.
    #[must_use]
    pub fn mock_sequence<O: Serialize>(
        mut self,
        activity_type: &str,
        answers: impl IntoIterator<Item = Result<O, Failure>>,
    ) -> Self {
        let answers = answers.into_iter().map(encode).collect();
        let mock = Mock::Sequence(Arc::new(answers));
        self.mocks.insert(activity_type.to_owned(), mock);
        self
    }

    /// Mocks an activity whose attempts never end by themselves: for timeouts and cancellation.
    #[must_use]
    pub fn mock_silent(mut self, activity_type: &str) -> Self {
        self.mocks.insert(activity_type.to_owned(), Mock::Silent);
        self
    }

    /// Mocks an activity whose attempts are completed from elsewhere, as one that returns
    /// [`ActivityCx::result_pending`](engine::ActivityCx::result_pending): the test does it, with
    /// the token of the [`Call`](crate::Call).
    #[must_use]
    pub fn mock_held(mut self, activity_type: &str) -> Self {
        self.mocks.insert(activity_type.to_owned(), Mock::Held);
        self
    }

    /// When the test begins, on its own clock.
    #[must_use]
    pub fn start_at(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Machines kept between turns, as in [`engine::Builder::machines_max`]. None by default: then
    /// each turn replays the whole history, and code that does not do again what it did is caught
    /// by any test. For histories of thousands of events that is slow.
    #[must_use]
    pub fn machines_max(mut self, machines: usize) -> Self {
        self.machines_max = machines;
        self
    }

    /// The environment, with nothing running.
    #[must_use]
    pub fn build(self) -> TestEnv {
        TestEnv::of(Box::new(move || self.clone()), None)
    }
}

fn encode<O: Serialize>(answer: Result<O, Failure>) -> Result<Result<Payload, Failure>, String> {
    match answer {
        Ok(value) => Payload::json(&value)
            .map(Ok)
            .map_err(|e| format!("its answer is no payload: could not {e}")),
        Err(failure) => Ok(Err(failure)),
    }
}
