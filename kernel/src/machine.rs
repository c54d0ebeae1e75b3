//! The machine: workflow code driven by news, giving commands.
//!
//! A live machine costs O(new events) a step. Replay is the same call, fed from the history.
//! Neighbours: [`Cx`] is the body's side of it; `replay` and the engine are its drivers. Must not
//! know about histories or stores.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::Command;
use crate::cx::{Cx, Inner, Shared};
use crate::failure::Failure;
use crate::ids::{RunId, Seq, Timestamp, WorkflowId};
use crate::marker::Marker;
use crate::payload::Payload;
use crate::run_state::RunState;

/// What the workflow code is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An activity ended for good.
    ActivityResolved {
        /// Which operation.
        seq: Seq,
        /// How.
        result: Result<Payload, Failure>,
    },
    /// A timer fired.
    TimerFired {
        /// Which operation.
        seq: Seq,
    },
    /// A child has a run.
    ChildStarted {
        /// Which operation.
        seq: Seq,
        /// Its run.
        run_id: RunId,
    },
    /// A child closed, or could not be started.
    ChildResolved {
        /// Which operation.
        seq: Seq,
        /// How.
        result: Result<Payload, Failure>,
    },
    /// A signal came.
    Signal {
        /// Its name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// The run was asked to cancel.
    CancelRequested {
        /// Why.
        reason: String,
    },
}

/// What a run knows about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowInfo {
    /// The user's name for it.
    pub workflow_id: WorkflowId,
    /// This run.
    pub run_id: RunId,
    /// The registered name of the workflow.
    pub workflow_type: String,
    /// Seed of its random numbers.
    pub seed: u64,
    /// The run that its chain began with; itself if it follows on nothing.
    pub first_run_id: RunId,
    /// The run that it follows on.
    pub continued_from: Option<RunId>,
    /// Which attempt of the workflow's retry policy it is, from 1.
    pub attempt: u32,
    /// Events in its history when this turn began.
    pub history_events: u64,
    /// Bytes in its history when this turn began.
    pub history_bytes: u64,
    /// Whether the history has become so long that the body should
    /// [continue as new](Cx::continue_as_new).
    pub continue_as_new_suggested: bool,
}

impl WorkflowInfo {
    /// What a run knows before its first turn.
    #[must_use]
    pub fn of(state: &RunState, seed: u64) -> Self {
        Self {
            workflow_id: state.workflow_id.clone(),
            run_id: state.run_id,
            workflow_type: state.workflow_type.clone(),
            seed,
            first_run_id: state.first_run_id(),
            continued_from: state.chain.continued_from,
            attempt: state.chain.attempt,
            history_events: 0,
            history_bytes: 0,
            continue_as_new_suggested: false,
        }
    }
}

/// What the code may know of the moment of a turn; the same again on replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnStart {
    /// The time.
    pub now: Timestamp,
    /// Events in the history before this turn.
    pub history_events: u64,
    /// Bytes in the history before this turn.
    pub history_bytes: u64,
}

type BodyFuture = Pin<Box<dyn Future<Output = Result<Payload, Failure>> + Send>>;
type Body = dyn Fn(Cx, Payload) -> BodyFuture + Send + Sync;

/// A registered workflow: its name and its body.
#[derive(Clone)]
pub struct Definition {
    workflow_type: String,
    body: Arc<Body>,
}

impl std::fmt::Debug for Definition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Definition({})", self.workflow_type)
    }
}

impl Definition {
    /// Wraps an async function of one serialisable input and output.
    ///
    /// ```
    /// use kernel::{Cx, Definition, Failure};
    /// async fn double(_cx: Cx, n: u64) -> Result<u64, Failure> { Ok(2 * n) }
    /// let definition = Definition::new("double", double);
    /// assert_eq!(definition.workflow_type(), "double");
    /// ```
    pub fn new<I, O, F, Fut>(workflow_type: impl Into<String>, body: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        F: Fn(Cx, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        let body = Arc::new(body);
        let body = move |cx: Cx, input: Payload| -> BodyFuture {
            let body = Arc::clone(&body);
            // All user code runs in the first poll or later: decoding, too, may panic.
            Box::pin(async move {
                let input = input.decode::<I>().map_err(|error| {
                    Failure::permanent("BadInput", format!("could not {error}"))
                })?;
                let output = body(cx, input).await?;
                Ok(Payload::json(&output)?)
            })
        };
        Self {
            workflow_type: workflow_type.into(),
            body: Arc::new(body),
        }
    }

    /// The registered name.
    #[must_use]
    pub fn workflow_type(&self) -> &str {
        &self.workflow_type
    }
}

/// Wakes nobody; remembers that the body has something to do.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls in one turn after which the body is taken to spin.
const POLLS_MAX: u32 = 100_000;

/// One run's workflow code, stopped between two turns.
pub struct Machine {
    future: Option<BodyFuture>,
    shared: Arc<Shared>,
    flag: Arc<Flag>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Machine(done: {})", self.future.is_none())
    }
}

impl Machine {
    /// A machine that has not run yet. The first [`advance`](Self::advance) runs the body up to
    /// its first wait.
    #[must_use]
    pub fn new(definition: &Definition, info: WorkflowInfo, input: Payload) -> Self {
        let shared = Arc::new(Shared::new(info));
        let future = (definition.body)(Cx::root(Arc::clone(&shared)), input);
        Self {
            future: Some(future),
            shared,
            flag: Arc::new(Flag(AtomicBool::new(true))),
        }
    }

    /// Tells the body all news, runs it until it waits, and gives what it asks for, in order.
    ///
    /// # Errors
    /// When the body panics or never comes to wait. The machine must then be thrown away.
    pub fn advance(&mut self, news: Vec<News>, turn: TurnStart) -> Result<Vec<Command>, Failure> {
        self.shared.with(|inner| inner.begin_turn(news, turn));
        if let Some(future) = self.future.as_mut()
            && let Poll::Ready(result) = poll_until_waiting(future, &self.flag)?
        {
            // Operations that are still under way give their cancel commands before the end.
            drop_body(self.future.take())?;
            self.shared.with(|inner| inner.close(result));
        }
        if self.shared.with(|inner| inner.has_spun()) {
            return Err(Failure::internal(
                "the workflow code went on and on in one turn without waiting for anything durable",
            ));
        }
        Ok(self.shared.with(Inner::take_commands))
    }

    /// Hands the code what the turn that comes next recorded for itself when it was made.
    pub(crate) fn recall<'a>(&mut self, markers: impl Iterator<Item = &'a Marker>) {
        self.shared.with(|inner| inner.recall(markers));
    }

    /// Says whether the turns that follow repeat the past, so that the body's logging is silent.
    pub fn set_replaying(&mut self, replaying: Replaying) {
        self.shared.with(|inner| inner.replaying = replaying);
    }

    /// Whether the body has returned.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.future.is_none()
    }
}

impl Drop for Machine {
    /// A body that panics while it is dropped must not take its owner along.
    fn drop(&mut self) {
        let _panicked = drop_body(self.future.take());
    }
}

fn drop_body(future: Option<BodyFuture>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(move || drop(future))).map_err(|panic| panicked(panic.as_ref()))
}

/// Whether a machine repeats the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaying {
    /// It does.
    Yes,
    /// It makes history.
    No,
}

fn poll_until_waiting(
    future: &mut BodyFuture,
    flag: &Arc<Flag>,
) -> Result<Poll<Result<Payload, Failure>>, Failure> {
    let waker = Waker::from(Arc::clone(flag));
    let mut context = Context::from_waker(&waker);
    for _ in 0..POLLS_MAX {
        if !flag.0.swap(false, Ordering::Relaxed) {
            return Ok(Poll::Pending);
        }
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Ready(result)) => return Ok(Poll::Ready(result)),
            Ok(Poll::Pending) => {}
            Err(panic) => return Err(panicked(panic.as_ref())),
        }
    }
    Err(Failure::internal(format!(
        "the workflow code woke itself {POLLS_MAX} times without waiting for anything durable"
    )))
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "(no message)"
    };
    Failure::internal(format!("the workflow code panicked: {text}"))
}

#[cfg(test)]
mod tests;
