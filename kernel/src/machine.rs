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
use crate::cx::{Cx, HandlerFuture, Inner, LocalActivityTask, LocalEnd, LogLine, Shared};
use crate::failure::Failure;
use crate::ids::{RunId, Seq, Timestamp, WorkflowId};
use crate::marker::Marker;
use crate::origin::Base;
use crate::payload::Payload;
use crate::run_state::RunState;
use crate::visibility::{Memo, SearchAttributes};

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
    /// Somebody wants something and an answer. Comes after all other news of a turn.
    UpdateRequested {
        /// What the caller named it; unique in the run.
        update_id: String,
        /// The name of the handler.
        name: String,
        /// Its value.
        input: Payload,
        /// Whether it was looked at.
        validation: Validation,
    },
}

/// Whether the validator of an update was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It has to be asked.
    Wanted,
    /// It let the update pass when the turn was made.
    Passed,
}

/// What a run knows about itself.
#[derive(Clone, Debug, PartialEq)]
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
    /// What people find it by.
    pub search_attributes: Arc<SearchAttributes>,
    /// What people read of it in lists.
    pub memo: Arc<Memo>,
    /// Who lived through the events that it began with, oldest first; see [`Origin`](crate::Origin).
    pub bases: Arc<[Base]>,
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
            search_attributes: Arc::new(state.options.search_attributes.clone()),
            memo: Arc::new(state.options.memo.clone()),
            bases: state
                .chain
                .origin
                .as_ref()
                .map_or_else(Arc::default, |origin| origin.bases.clone().into()),
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
    /// Handlers of updates that are at work, in the order of acceptance.
    updates: Vec<UpdateTask>,
    /// Updates that were refused in the last turn.
    refused: Vec<(String, Failure)>,
}

/// The handler of one update, at work.
struct UpdateTask {
    update_id: String,
    future: HandlerFuture,
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
            updates: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Tells the body all news, runs it until it waits, and gives what it asks for, in order.
    ///
    /// # Errors
    /// When the body panics or never comes to wait. The machine must then be thrown away.
    pub fn advance(&mut self, news: Vec<News>, turn: TurnStart) -> Result<Vec<Command>, Failure> {
        let (updates, news) = news
            .into_iter()
            .partition(|one| matches!(one, News::UpdateRequested { .. }));
        self.refused.clear();
        self.shared.with(|inner| inner.begin_turn(news, turn));
        self.poll_all()?;
        if !Vec::is_empty(&updates) {
            // The body has seen everything else, and has its handlers in place.
            for update in updates {
                self.take_update(update)?;
            }
            self.poll_all()?;
        }
        while let Some(end) = self.shared.with(Inner::next_recorded_local) {
            self.shared.with(|inner| inner.end_local(end));
            self.poll_all()?;
        }
        self.end_of_turn()
    }

    /// Goes on with the turn of the last [`advance`](Self::advance): tells the body of local
    /// activities that ended, one after the other as replay will, and gives what it asks for
    /// besides. The turn's commands are those of both, in order.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn resume(&mut self, ends: Vec<LocalEnd>) -> Result<Vec<Command>, Failure> {
        for end in ends {
            self.shared.with(|inner| inner.end_local(end));
            self.poll_all()?;
        }
        self.end_of_turn()
    }

    /// Local activities that the code began since this was last asked, and still waits for. After a
    /// replay, all that the history has no end of.
    pub fn take_local_activities(&mut self) -> Vec<LocalActivityTask> {
        self.shared.with(Inner::take_begun_locals)
    }

    /// Local activities of those that nobody waits for any more.
    pub fn take_stopped_local_activities(&mut self) -> Vec<Seq> {
        self.shared.with(Inner::take_stopped_locals)
    }

    fn end_of_turn(&self) -> Result<Vec<Command>, Failure> {
        if self.shared.with(|inner| inner.has_spun()) {
            return Err(Failure::internal(
                "the workflow code went on and on in one turn without waiting for anything durable",
            ));
        }
        Ok(self.shared.with(Inner::take_commands))
    }

    /// Runs the body and the handlers until all of them wait, or the body has returned.
    fn poll_all(&mut self) -> Result<(), Failure> {
        for _ in 0..POLLS_MAX {
            let Some(future) = self.future.as_mut() else {
                return Ok(());
            };
            if let Poll::Ready(result) = poll_until_waiting(future, &self.flag)? {
                // What is still under way gives its cancel commands before the end.
                drop_body(self.future.take())?;
                let updates = std::mem::take(&mut self.updates);
                catch(move || drop(updates))?;
                self.shared.with(|inner| inner.close(result));
                return Ok(());
            }
            if !self.poll_updates()? && !self.flag.0.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        Err(Failure::internal(
            "the workflow code and its handlers woke each other without end",
        ))
    }

    /// Runs the handlers that have something to do. Gives whether there were any.
    fn poll_updates(&mut self) -> Result<bool, Failure> {
        let mut any = false;
        let mut index = 0;
        while let Some(task) = self.updates.get_mut(index) {
            if !task.flag.0.load(Ordering::Relaxed) {
                index += 1;
                continue;
            }
            any = true;
            match poll_until_waiting(&mut task.future, &task.flag)? {
                Poll::Pending => index += 1,
                Poll::Ready(result) => {
                    let task = self.updates.remove(index);
                    catch(move || drop(task.future))?;
                    self.shared
                        .with(|inner| inner.complete_update(task.update_id, result));
                }
            }
        }
        Ok(any)
    }

    /// Asks the validator of an update, and begins its handler if that lets it pass.
    fn take_update(&mut self, news: News) -> Result<(), Failure> {
        let News::UpdateRequested {
            update_id,
            name,
            input,
            validation,
        } = news
        else {
            return Ok(());
        };
        if self.future.is_none() {
            let failure = Failure::permanent("Closed", "the workflow has just returned");
            self.refused.push((update_id, failure));
            return Ok(());
        }
        let found = self.shared.with(|inner| inner.update(&name));
        let update = match found {
            Ok(update) => update,
            Err(failure) => {
                self.refused.push((update_id, failure));
                return Ok(());
            }
        };
        if validation == Validation::Wanted
            && let Err(failure) = self.read(|| (update.validate)(&input)).and_then(|v| v)
        {
            self.refused.push((update_id, failure));
            return Ok(());
        }
        let accepted = (update_id.clone(), name, input.clone());
        self.shared
            .with(|inner| inner.accept_update(accepted.0, accepted.1, accepted.2));
        let future = catch(|| (update.handle)(input))?;
        self.updates.push(UpdateTask {
            update_id,
            future,
            flag: Arc::new(Flag(AtomicBool::new(true))),
        });
        Ok(())
    }

    /// Updates that were refused in the last turn, and why.
    pub fn take_refused(&mut self) -> Vec<(String, Failure)> {
        std::mem::take(&mut self.refused)
    }

    /// What the code logged since this was last asked; nothing of turns that repeated the past.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        self.shared.with(Inner::take_log)
    }

    /// Asks a query of the code, as it stands between two turns. Nothing of the run changes.
    ///
    /// # Errors
    /// When there is no such query, or its handler gives a failure or panics.
    pub fn query(&mut self, name: &str, input: &Payload) -> Result<Payload, Failure> {
        let query = self.shared.with(|inner| inner.query(name))?;
        self.read(|| query(input)).and_then(|answer| answer)
    }

    /// Runs foreign code that can look and do nothing.
    fn read<R>(&self, look: impl FnOnce() -> R) -> Result<R, Failure> {
        self.shared.with(Inner::begin_reading);
        let seen = catch(look);
        self.shared.with(Inner::end_reading);
        seen
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
        let updates = std::mem::take(&mut self.updates);
        let handlers = self.shared.with(Inner::take_handlers);
        let _panicked = catch(move || drop((updates, handlers)));
    }
}

fn drop_body(future: Option<BodyFuture>) -> Result<(), Failure> {
    catch(move || drop(future))
}

/// Runs foreign code; a panic of it is a failure.
fn catch<R>(act: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic| panicked(panic.as_ref()))
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
