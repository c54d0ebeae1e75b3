//! Activities: what a user writes to do work outside workflows, and what it is given.
//!
//! Runs are at-least-once, results exactly-once: an attempt whose result was not recorded when the
//! process died runs again. Use [`ActivityCx::idempotency_key`] where that would do harm.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kernel::{ActivityContract, Failure, Payload, RunId, Seq, TaskToken, Timestamp, WorkflowId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::blob::Digest;
use state::store::{Error as StoreError, Namespace, Row, Store};
use tokio::sync::watch;

use crate::client::{Client, ClientError};
use crate::core::{Message, TaskRef};

/// Work of one type.
#[async_trait]
pub trait Activity: Send + Sync + 'static {
    /// The promise that it keeps.
    type Contract: ActivityContract;

    /// Does the work once. An error says whether trying again can help.
    async fn run(
        &self,
        cx: &ActivityCx,
        input: <Self::Contract as ActivityContract>::Input,
    ) -> Result<<Self::Contract as ActivityContract>::Output, Failure>;
}

/// Why an attempt should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Go on.
    No,
    /// The result is not wanted any more.
    Canceled,
    /// The process is ending; the attempt will be made again.
    Shutdown,
}

/// Counters that are kept for progress displays at most.
const METERS_MAX: usize = 10_000;

/// Work done per run and kind, for progress displays only: it lives in memory.
#[derive(Debug, Default)]
pub struct Meters(Mutex<BTreeMap<(RunId, &'static str), u64>>);

impl Meters {
    pub(crate) fn add(&self, run_id: RunId, name: &'static str, n: u64) {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *meters.entry((run_id, name)).or_default() += n;
        if meters.len() > METERS_MAX {
            // Run ids sort by the time of their start: the oldest run is forgotten.
            meters.pop_first();
        }
    }

    /// What this process has counted for a run so far.
    #[must_use]
    pub fn of(&self, run_id: RunId) -> BTreeMap<&'static str, u64> {
        let meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        meters
            .range((run_id, "")..)
            .take_while(|((r, _), _)| *r == run_id)
            .map(|((_, n), v)| (*n, *v))
            .collect()
    }
}

/// What an attempt knows and can do.
#[derive(Clone)]
pub struct ActivityCx {
    pub(crate) task: TaskRef,
    /// The operation of the code that a local activity is.
    pub(crate) local: Option<Seq>,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) heartbeat: Option<Payload>,
    pub(crate) deadline: Timestamp,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) client: Client,
    pub(crate) token: TaskToken,
    /// Set when the function says that its result comes from elsewhere.
    pub(crate) is_pending: Arc<AtomicBool>,
}

impl std::fmt::Debug for ActivityCx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ActivityCx({} attempt {})",
            self.idempotency_key(),
            self.attempt()
        )
    }
}

impl ActivityCx {
    /// The workflow id of the run that asked for this.
    #[must_use]
    pub fn workflow_id(&self) -> &WorkflowId {
        &self.workflow_id
    }

    /// The run that asked for this.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.task.run_id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.task.attempt
    }

    /// When this attempt is taken to be lost.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The same text for every attempt of this activity, different for every other activity.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let run = format!("{}/{}", self.workflow_id, self.task.run_id);
        match self.local {
            Some(seq) => format!("{run}/local-{}", seq.0),
            None => format!("{run}/{}", self.task.scheduled_event_id),
        }
    }

    /// What completes this attempt from elsewhere: give it (its text) to whoever will do that, then
    /// return [`result_pending`](Self::result_pending). It is good from now on, and until the attempt
    /// is over; an attempt that is made again under the same number after a crash has the same one.
    #[must_use]
    pub fn task_token(&self) -> TaskToken {
        self.token
    }

    /// What to return when somebody else gives the result later, with the
    /// [token](Self::task_token): `return cx.result_pending();`. The attempt goes on without a worker:
    /// it uses no slot, its permits stay taken, its timeouts go on counting, across restarts too.
    ///
    /// ```
    /// use engine::{ActivityCx, Client, ClientError};
    /// use kernel::Failure;
    ///
    /// /// Asks a person, who may take days.
    /// async fn approve(cx: ActivityCx, question: String) -> Result<bool, Failure> {
    ///     let token = cx.task_token().to_string();
    ///     println!("{question} Answer with {token}"); // A mail, a ticket, another system's queue.
    ///     cx.result_pending()
    /// }
    ///
    /// /// Elsewhere, perhaps much later: the answer has come.
    /// async fn answered(client: &Client, token: &str, yes: bool) -> Result<(), ClientError> {
    ///     client.complete_by_token(token, &yes).await
    /// }
    /// ```
    ///
    /// # Errors
    /// Always: it is no result yet. Returned by the function as it is, it fails nothing.
    pub fn result_pending<T>(&self) -> Result<T, Failure> {
        self.is_pending.store(true, Ordering::Release);
        Err(result_pending())
    }

    /// Whether that is what the function has returned.
    pub(crate) fn is_held(&self, result: &Result<Payload, Failure>) -> bool {
        self.is_pending.load(Ordering::Acquire) && *result == Err(result_pending())
    }

    /// Says that the attempt is alive, with details that the next attempt can read. Cheap: details
    /// are put into the store about once a second, and always when the attempt fails.
    ///
    /// # Errors
    /// When the details cannot be encoded, or are larger than a payload may be.
    pub fn heartbeat<T: Serialize>(&self, details: &T) -> Result<(), Failure> {
        let details = Payload::json(details)?;
        let (bytes, bytes_max) = (details.data.len(), kernel::limits::PAYLOAD_BYTES_MAX);
        if bytes > bytes_max {
            let text =
                format!("the heartbeat's details have {bytes} bytes, the limit is {bytes_max}");
            return Err(Failure::permanent("PayloadTooLarge", text));
        }
        let details = Some(details);
        self.client.post(Message::Heartbeat {
            task: self.task,
            details,
        });
        Ok(())
    }

    /// What the attempt before reported last.
    ///
    /// # Errors
    /// When the details are of another type.
    pub fn heartbeat_details<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.heartbeat {
            Some(details) => Ok(Some(details.decode()?)),
            None => Ok(None),
        }
    }

    /// Whether the attempt should stop: nobody wants the result, or the process is ending.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        // A sender that is gone means that the engine is.
        *self.stop.borrow() != Stop::No || self.stop.has_changed().is_err()
    }

    /// Resolves when the attempt should stop.
    pub async fn canceled(&self) {
        let mut stop = self.stop.clone();
        // An error means that the engine has gone, which is a reason to stop too.
        let _gone = stop.wait_for(|stop| *stop != Stop::No).await;
    }

    /// Keeps bytes under their digest; durable on return. Blocks on the disk.
    ///
    /// They stay as long as a stored value names them (a result, an input, a cursor, another blob), as
    /// [`state::orphans`] sees names: the digest's text or bytes, not compressed.
    ///
    /// # Errors
    /// When the disk refuses: the engine stops, and the attempt is made again by the next one.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Failure> {
        self.store()
            .put_blob(bytes)
            .map_err(|e| self.store_failure(e))
    }

    /// The bytes of a digest. Blocks on the disk.
    ///
    /// # Errors
    /// When there are no such bytes: permanent; when the disk refuses, as [`put_blob`](Self::put_blob).
    pub fn blob(&self, digest: &Digest) -> Result<Vec<u8>, Failure> {
        let bytes = self
            .store()
            .blob(digest)
            .map_err(|e| self.store_failure(e))?;
        bytes.ok_or_else(|| {
            Failure::permanent("BlobMissing", format!("the store has no blob {digest}"))
        })
    }

    /// What [`set_cursor`](Self::set_cursor) kept under a key, in this run or an earlier one.
    ///
    /// # Errors
    /// When the disk refuses: the engine stops, and the attempt is made again by the next one.
    pub fn cursor(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.store()
            .row(Namespace::Cursor, key)
            .map_err(|e| self.store_failure(e))
    }

    /// Keeps a note across runs; durable on return.
    ///
    /// # Errors
    /// When the engine has stopped: retryable; when the key is longer than 512 bytes: permanent.
    pub async fn set_cursor(&self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Failure> {
        self.set_cursors(vec![(key, value)]).await
    }

    /// Keeps several notes in one commit: after a crash all of them are there, or none. Durable on return.
    ///
    /// # Errors
    /// As [`set_cursor`](Self::set_cursor).
    pub async fn set_cursors(&self, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), Failure> {
        let row = |(key, value)| Row {
            namespace: Namespace::Cursor,
            key,
            value: Some(value),
        };
        let rows = rows.into_iter().map(row).collect();
        self.client.put_rows(rows).await.map_err(|error| {
            if let ClientError::Stopped(why) = error {
                Failure::retryable("EngineStopped", why)
            } else {
                Failure::internal(format!("could not {error}"))
            }
        })
    }

    /// Counts work for progress displays. Not durable.
    pub fn meter(&self, name: &'static str, n: u64) {
        self.client.meters().add(self.task.run_id, name, n);
    }

    fn store(&self) -> &dyn Store {
        self.client.store().as_ref()
    }

    /// A store that fails says nothing about the work: the engine stops, and this attempt is made again when
    /// there is a store again. Were it a failure of the attempt, a full disk would use up the attempts of
    /// whatever runs just then, and their runs would end by it. Damage is another matter: it does not pass.
    fn store_failure(&self, error: StoreError) -> Failure {
        let text = format!("could not {error}");
        if matches!(error, StoreError::Corrupt { .. }) {
            return Failure::permanent("StoreCorrupt", text);
        }
        self.client.store_failed(error);
        Failure::retryable("StoreFailed", text)
    }
}

fn result_pending() -> Failure {
    let text = "the result was to come from elsewhere, but this was not what the function returned";
    Failure::permanent("ResultPending", text)
}

/// An activity without its types, as the registry keeps it.
#[async_trait]
pub(crate) trait ErasedActivity: Send + Sync {
    async fn run(&self, cx: &ActivityCx, input: Payload) -> Result<Payload, Failure>;
}

pub(crate) struct Typed<A>(pub(crate) A);

#[async_trait]
impl<A: Activity> ErasedActivity for Typed<A> {
    async fn run(&self, cx: &ActivityCx, input: Payload) -> Result<Payload, Failure> {
        let input = input.decode().map_err(|error| bad_input(&error))?;
        let output = self.0.run(cx, input).await?;
        Ok(Payload::json(&output)?)
    }
}

type FnBody<I, O> =
    dyn Fn(ActivityCx, I) -> Pin<Box<dyn Future<Output = Result<O, Failure>> + Send>> + Send + Sync;

pub(crate) struct FnActivity<I, O> {
    body: Arc<FnBody<I, O>>,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> FnActivity<I, O> {
    pub(crate) fn new<F, Fut>(body: F) -> Self
    where
        F: Fn(ActivityCx, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, Failure>> + Send + 'static,
    {
        Self {
            body: Arc::new(move |cx, input| Box::pin(body(cx, input))),
            types: PhantomData,
        }
    }
}

#[async_trait]
impl<I, O> ErasedActivity for FnActivity<I, O>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
{
    async fn run(&self, cx: &ActivityCx, input: Payload) -> Result<Payload, Failure> {
        let input = input.decode().map_err(|error| bad_input(&error))?;
        let output = (self.body)(cx.clone(), input).await?;
        Ok(Payload::json(&output)?)
    }
}

fn bad_input(error: &kernel::payload::PayloadError) -> Failure {
    Failure::permanent("BadInput", format!("could not {error}"))
}
