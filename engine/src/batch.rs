//! One thing done to every run that a query means.
//!
//! The runs are chosen first, oldest first, then done one by one: what stops in between has done the
//! ones before. Asked again, a run that is as it should be is left alone. Neighbours: `visibility`
//! finds the runs, the client's single verbs do the work.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use kernel::{Payload, Rejection, ResetTo, RunId, RunState, WorkflowId};
use state::store::Error as StoreError;

use crate::client::{Client, ClientError};
use crate::clock;
use crate::core::Message;
use crate::reset::ResetOptions;
use crate::visibility::list::{self, Error as ListError, PAGE_MAX};
use crate::visibility::{Request, delete};

/// Failures of one batch that are told in full; all are counted.
pub const FAILURES_MAX: usize = 1_000;

/// What is done to each run.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchVerb {
    /// Stop it without asking its code.
    Terminate {
        /// Why.
        reason: String,
    },
    /// Ask it to cancel.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Send it a signal. Asked again, it is sent again.
    Signal {
        /// Its name.
        name: String,
        /// Its value.
        input: Payload,
    },
    /// Put a new run in its place, if it is the newest run of its id.
    Reset {
        /// Where its history is cut.
        to: ResetTo,
        /// What is to be other than it was, and why.
        options: ResetOptions,
    },
    /// Forget it.
    Delete,
    /// Let it begin nothing new.
    Pause {
        /// Why.
        reason: String,
    },
    /// Let it go on.
    Unpause,
}

/// How a batch is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchOptions {
    /// Runs a second, at most; as fast as it goes without it.
    pub rate: Option<NonZeroU32>,
}

impl BatchOptions {
    /// How long to wait after each run.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.rate
            .map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.get())
    }
}

/// What became of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStep {
    /// It was done, durably.
    Done,
    /// There was nothing to do: the run is so already, or has closed or gone meanwhile.
    Unchanged,
}

/// How far a batch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Runs that were chosen.
    pub total: u64,
    /// Runs it was done to.
    pub done: u64,
    /// Runs with nothing to do.
    pub unchanged: u64,
    /// Runs it could not be done to.
    pub failed: u64,
    /// The first [`FAILURES_MAX`] of them.
    pub failures: Vec<BatchFailure>,
}

/// A run that a batch could not be done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFailure {
    /// The run.
    pub run_id: RunId,
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// Why, in words that fit after "could not".
    pub why: String,
}

/// Why a batch stopped. The Display fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchError {
    /// The runs could not be found.
    List(ListError),
    /// The engine has stopped, or the store cannot be read: no other run would fare better.
    Step(StepError),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::Step(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BatchError {}

/// Why one run of a batch was not done. The Display fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum StepError {
    /// The engine refused or has stopped.
    Client(ClientError),
    /// The run could not be deleted.
    Delete(delete::Error),
}

impl StepError {
    /// Whether no other run would fare better.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Client(ClientError::Stopped(_) | ClientError::Store(_))
                | Self::Delete(delete::Error::Store(_))
        )
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Delete(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StepError {}

impl From<ClientError> for StepError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Client(ClientError::Store(error))
    }
}

impl Client {
    /// Does one thing to every run that is meant now, oldest first, and tells `progress` after each.
    ///
    /// **Cancel**: dropping it stops between two runs; what was done stays done, and asking again
    /// goes on with the others. Only signals are sent again.
    ///
    /// # Errors
    /// When the runs cannot be found or the engine stops. What goes wrong with one run is in the
    /// report.
    pub async fn batch(
        &self,
        request: &Request,
        verb: &BatchVerb,
        options: BatchOptions,
        mut progress: impl FnMut(&BatchReport),
    ) -> Result<BatchReport, BatchError> {
        let runs = self.batch_runs(request).map_err(BatchError::List)?;
        let mut report = BatchReport {
            total: u64::try_from(runs.len()).unwrap_or(u64::MAX),
            ..BatchReport::default()
        };
        for (run_id, workflow_id) in runs {
            match self.batch_step(run_id, verb).await {
                Ok(BatchStep::Done) => report.done += 1,
                Ok(BatchStep::Unchanged) => report.unchanged += 1,
                Err(error) if error.is_final() => return Err(BatchError::Step(error)),
                Err(error) => {
                    report.failed += 1;
                    if report.failures.len() < FAILURES_MAX {
                        let why = error.to_string();
                        report.failures.push(BatchFailure {
                            run_id,
                            workflow_id,
                            why,
                        });
                    }
                }
            }
            progress(&report);
            if options.rate.is_some() {
                tokio::time::sleep(options.pause()).await;
            }
        }
        Ok(report)
    }

    /// The runs that are meant now, oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn batch_runs(&self, request: &Request) -> Result<Vec<(RunId, WorkflowId)>, ListError> {
        let (mut runs, mut page) = (Vec::new(), None);
        loop {
            let found = list::list(&*self.store, request, page, PAGE_MAX, clock::now())?;
            let named = found.runs.into_iter();
            runs.extend(named.map(|info| (info.run_id, info.workflow_id)));
            page = found.next;
            if page.is_none() {
                break;
            }
        }
        runs.sort();
        Ok(runs)
    }

    /// Does one thing to one run.
    ///
    /// # Errors
    /// See [`StepError`].
    pub async fn batch_step(
        &self,
        run_id: RunId,
        verb: &BatchVerb,
    ) -> Result<BatchStep, StepError> {
        let Some(state) = self.store.load_run(run_id)? else {
            return Ok(BatchStep::Unchanged);
        };
        let workflow_id = state.workflow_id.clone();
        let message = match verb {
            BatchVerb::Terminate { reason } => Message::Terminate {
                workflow_id,
                reason: reason.clone(),
            },
            BatchVerb::Cancel { reason } => Message::Cancel {
                workflow_id,
                reason: reason.clone(),
            },
            BatchVerb::Signal { name, input } => Message::Signal {
                workflow_id,
                name: name.clone(),
                input: input.clone(),
            },
            BatchVerb::Pause { reason } => Message::Pause {
                workflow_id,
                reason: reason.clone(),
            },
            BatchVerb::Unpause => Message::Unpause { workflow_id },
            BatchVerb::Reset { to, options } => {
                return self.reset_newest(&state, *to, options).await;
            }
            BatchVerb::Delete => return self.delete_step(run_id).await,
        };
        if state.is_closed() {
            // Another run may have its id by now; that one was not meant.
            return Ok(BatchStep::Unchanged);
        }
        match self.tell(message).await {
            Ok(()) => Ok(BatchStep::Done),
            Err(
                ClientError::NotOpen
                | ClientError::Rejected(
                    Rejection::AlreadyRequested
                    | Rejection::AlreadyPaused
                    | Rejection::NotPaused
                    | Rejection::Closed,
                ),
            ) => Ok(BatchStep::Unchanged),
            Err(error) => Err(error.into()),
        }
    }

    async fn reset_newest(
        &self,
        state: &RunState,
        to: ResetTo,
        options: &ResetOptions,
    ) -> Result<BatchStep, StepError> {
        if self.store.latest_run(&state.workflow_id)? != Some(state.run_id) {
            return Ok(BatchStep::Unchanged);
        }
        self.reset(state.run_id, to, options.clone()).await?;
        Ok(BatchStep::Done)
    }

    /// Deleting reads and writes much, so not on a thread that drives runs.
    async fn delete_step(&self, run_id: RunId) -> Result<BatchStep, StepError> {
        let client = self.clone();
        let deleted =
            tokio::task::spawn_blocking(move || delete::delete(&*client.store, run_id)).await;
        match deleted {
            Ok(Ok(())) => Ok(BatchStep::Done),
            Ok(Err(delete::Error::NotFound)) => Ok(BatchStep::Unchanged),
            Ok(Err(error)) => Err(StepError::Delete(error)),
            Err(_stopping) => Err(StoreError::Closed.into()),
        }
    }
}
