//! The client: starting runs, talking to them, waiting for them. Cheap to clone.

use std::fmt;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};

use kernel::{
    AfterReset, Attempts, EventId, HeartbeatDetails, HistoryEvent, Outcome, Payload, Rejection,
    RunId, RunState, WorkflowContract, WorkflowId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::store::{Error as StoreError, Row, Store};
use tokio::sync::oneshot;

use crate::activity::Meters;
use crate::core::{Description, IdConflictPolicy, Message, Reply, StartOptions, StartSpec};
use crate::metrics::{Metrics, Snapshot};

/// What goes to the engine's thread.
pub(crate) enum Inbox {
    Message(Box<Message>, Option<oneshot::Sender<Reply>>),
    Shutdown,
    /// The store has failed under an attempt.
    StoreFailed(state::store::Error),
    /// Nothing to do but to look at the flags.
    Wake,
}

/// A handle to a running engine.
#[derive(Clone)]
pub struct Client {
    pub(crate) inbox: SyncSender<Inbox>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) broken: Arc<OnceLock<String>>,
    pub(crate) metrics: Arc<Metrics>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// Why the engine could not do what a client asked. The Display fits after "could not".
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// An open run has that workflow id.
    AlreadyRunning(RunId),
    /// A closed run has that workflow id, and the reuse policy refuses another.
    AlreadyRan(RunId),
    /// There is no open run of that id.
    NotOpen,
    /// The store knows no such run.
    NotFound,
    /// The kernel refuses, and why.
    Rejected(Rejection),
    /// The text is no task token.
    BadToken(kernel::BadToken),
    /// The attempt of the task token is over, or there never was one here.
    TokenRefused(kernel::TokenRefusal),
    /// The run closed with a failure.
    Failed(kernel::Failure),
    /// The query gave a failure.
    QueryFailed(kernel::Failure),
    /// The workflow refused the update; it left no trace.
    UpdateRejected(kernel::Failure),
    /// The update was taken on, and gave a failure.
    UpdateFailed(kernel::Failure),
    /// A value could not be encoded or decoded.
    Payload(kernel::payload::PayloadError),
    /// The store could not be read.
    Store(StoreError),
    /// A run cannot be reset or forked like that, and why.
    Refused(kernel::Refusal),
    /// Something about schedules.
    Schedule(crate::schedule::Error),
    /// The engine has stopped, and why.
    Stopped(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning(run_id) => {
                write!(f, "start the run: run {run_id} of that workflow id is open")
            }
            Self::AlreadyRan(run_id) => write!(
                f,
                "start the run: run {run_id} of that workflow id has closed, and the id may not be \
                 used again"
            ),
            Self::NotOpen => f.write_str("find an open run of that workflow id"),
            Self::NotFound => f.write_str("find that run"),
            Self::Rejected(why) => write!(f, "do it: {why}"),
            Self::BadToken(error) => error.fmt(f),
            Self::TokenRefused(refusal) => refusal.fmt(f),
            Self::Failed(failure) => write!(f, "get a result: the run failed: {failure}"),
            Self::QueryFailed(failure) => write!(f, "get an answer: {failure}"),
            Self::UpdateRejected(failure) => write!(f, "update: the workflow refused: {failure}"),
            Self::UpdateFailed(failure) => write!(f, "update: {failure}"),
            Self::Payload(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Schedule(error) => error.fmt(f),
            Self::Stopped(why) => write!(f, "reach the engine: it has stopped ({why})"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<kernel::payload::PayloadError> for ClientError {
    fn from(error: kernel::payload::PayloadError) -> Self {
        Self::Payload(error)
    }
}

impl Client {
    /// Starts a run by the registered name of its workflow.
    ///
    /// **Durability**: when this returns, the run survives anything.
    ///
    /// # Errors
    /// [`ClientError::AlreadyRunning`] when the id has an open run.
    pub async fn start<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        input: &I,
    ) -> Result<RunId, ClientError> {
        let options = StartOptions::default();
        self.start_with(workflow_id, workflow_type, input, options)
            .await
    }

    /// Starts a run with timeouts, retries and policies about its id. With
    /// [`UseExisting`](crate::IdConflictPolicy::UseExisting) an open run is as good as a new one.
    ///
    /// **Durability**: as [`start`](Self::start).
    ///
    /// # Errors
    /// [`ClientError::AlreadyRunning`] and [`ClientError::AlreadyRan`], as the policies say.
    pub async fn start_with<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        input: &I,
        options: StartOptions,
    ) -> Result<RunId, ClientError> {
        let use_existing = options.id_conflict == IdConflictPolicy::UseExisting;
        let input = Payload::json(input)?;
        let spec = StartSpec {
            options,
            ..StartSpec::new(workflow_id, workflow_type, input)
        };
        match started(self.ask(Message::Start(spec)).await?) {
            Err(ClientError::AlreadyRunning(run_id)) if use_existing => Ok(run_id),
            answer => answer,
        }
    }

    /// Sends a signal to the open run of an id, or starts a run whose first news the signal is,
    /// in one commit. Gives the run that has the signal.
    ///
    /// # Errors
    /// [`ClientError::AlreadyRan`] when no run is open and the reuse policy refuses another.
    pub async fn signal_with_start<I: Serialize + ?Sized, T: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        input: &I,
        options: StartOptions,
        signal: (&str, &T),
    ) -> Result<RunId, ClientError> {
        let spec = StartSpec {
            options,
            ..StartSpec::new(workflow_id, workflow_type, Payload::json(input)?)
        };
        let message = Message::SignalWithStart {
            spec,
            name: signal.0.to_owned(),
            input: Payload::json(signal.1)?,
        };
        match started(self.ask(message).await?) {
            Err(ClientError::AlreadyRunning(run_id)) => Ok(run_id),
            answer => answer,
        }
    }

    /// Starts a run by the contract of its workflow.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_typed<W: WorkflowContract>(
        &self,
        workflow_id: &str,
        input: &W::Input,
    ) -> Result<RunId, ClientError> {
        self.start(workflow_id, W::TYPE, input).await
    }

    /// Waits until a run has closed, and all runs that follow on it by continue-as-new or by its
    /// retry policy; gives the last state of the last one. An open run that nobody works on is
    /// taken up.
    ///
    /// # Errors
    /// When there is no such run, or the engine stops first.
    pub async fn wait(&self, run_id: RunId) -> Result<RunState, ClientError> {
        let mut state = self.wait_for_run(run_id).await?;
        while let Some(next) = state.successor {
            state = self.wait_for_run(next).await?;
        }
        Ok(state)
    }

    /// Waits until one run has closed, whatever follows on it, and gives its last state.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn wait_for_run(&self, run_id: RunId) -> Result<RunState, ClientError> {
        let reply = self.ask(Message::Wait(run_id)).await?;
        if let Reply::Closed(_) = reply {
            self.store.load_run(run_id)?.ok_or(ClientError::NotFound)
        } else if reply == Reply::NotOpen {
            Err(ClientError::NotFound)
        } else {
            Err(unexpected(reply))
        }
    }

    /// Waits as [`wait`](Self::wait) does and gives the result.
    ///
    /// # Errors
    /// [`ClientError::Failed`] when it closed without one.
    pub async fn result<T: DeserializeOwned>(&self, run_id: RunId) -> Result<T, ClientError> {
        match self.wait(run_id).await?.outcome {
            Some(Outcome::Completed(payload)) => Ok(payload.decode()?),
            Some(Outcome::Failed(failure)) => Err(ClientError::Failed(failure)),
            None => Err(ClientError::Stopped("the run is not closed".to_owned())),
        }
    }

    /// Sends a signal to the open run of an id.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`] when there is none.
    pub async fn signal<T: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        name: &str,
        input: &T,
    ) -> Result<(), ClientError> {
        let input = Payload::json(input)?;
        let workflow_id = WorkflowId::new(workflow_id);
        self.tell(Message::Signal {
            workflow_id,
            name: name.to_owned(),
            input,
        })
        .await
    }

    /// Asks the open run of an id to cancel.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`] when there is none.
    pub async fn cancel(&self, workflow_id: &str, reason: &str) -> Result<(), ClientError> {
        let workflow_id = WorkflowId::new(workflow_id);
        self.tell(Message::Cancel {
            workflow_id,
            reason: reason.to_owned(),
        })
        .await
    }

    /// Stops the open run of an id without asking its code.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`] when there is none.
    pub async fn terminate(&self, workflow_id: &str, reason: &str) -> Result<(), ClientError> {
        let workflow_id = WorkflowId::new(workflow_id);
        self.tell(Message::Terminate {
            workflow_id,
            reason: reason.to_owned(),
        })
        .await
    }

    /// Takes an open run up again, and its children.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn adopt(&self, run_id: RunId) -> Result<(), ClientError> {
        self.tell(Message::Adopt(run_id)).await
    }

    /// Lets the open run of an id begin nothing new: its code gets no turn, no attempt begins. What
    /// runs may end, timers fire, signals arrive, timeouts go on counting, children go on.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when it is paused already.
    pub async fn pause(&self, workflow_id: &str, reason: &str) -> Result<(), ClientError> {
        self.tell(Message::Pause {
            workflow_id: WorkflowId::new(workflow_id),
            reason: reason.to_owned(),
        })
        .await
    }

    /// Lets a paused run go on.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when it is not paused.
    pub async fn unpause(&self, workflow_id: &str) -> Result<(), ClientError> {
        let workflow_id = WorkflowId::new(workflow_id);
        self.tell(Message::Unpause { workflow_id }).await
    }

    /// Makes the next attempt of an activity (its `ActivityTaskScheduled` event) now.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when it does not wait for one.
    pub async fn retry_activity_now(
        &self,
        workflow_id: &str,
        scheduled_event_id: EventId,
    ) -> Result<(), ClientError> {
        self.tell(Message::RetryActivityNow {
            workflow_id: WorkflowId::new(workflow_id),
            scheduled_event_id,
        })
        .await
    }

    /// Counts the attempts of an activity (its `ActivityTaskScheduled` event) from 1 again and makes
    /// the next one now; in a paused run, when that goes on. Its schedule-to-close timeout goes on.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when no such activity is pending, when it
    /// was asked to cancel, or while an attempt is running.
    pub async fn reset_activity(
        &self,
        workflow_id: &str,
        scheduled_event_id: EventId,
        heartbeat: HeartbeatDetails,
        after: AfterReset,
    ) -> Result<(), ClientError> {
        self.tell(Message::ResetActivity {
            workflow_id: WorkflowId::new(workflow_id),
            scheduled_event_id,
            heartbeat,
            after,
        })
        .await
    }

    /// Lets no further attempt of an activity (its `ActivityTaskScheduled` event) begin; one that
    /// runs goes on, and so do the timeouts of the activity. The rest of the run is not held back.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when no such activity is pending, when it
    /// was asked to cancel, or is paused already.
    pub async fn pause_activity(
        &self,
        workflow_id: &str,
        scheduled_event_id: EventId,
        by: &str,
        reason: &str,
    ) -> Result<(), ClientError> {
        self.tell(Message::PauseActivity {
            workflow_id: WorkflowId::new(workflow_id),
            scheduled_event_id,
            by: by.to_owned(),
            reason: reason.to_owned(),
        })
        .await
    }

    /// Lets a paused activity go on: its next attempt is made when it is due, which may be now.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when no such activity is pending, when it
    /// is not paused, or when attempts are to begin again while one is running.
    pub async fn unpause_activity(
        &self,
        workflow_id: &str,
        scheduled_event_id: EventId,
        attempts: Attempts,
    ) -> Result<(), ClientError> {
        self.tell(Message::UnpauseActivity {
            workflow_id: WorkflowId::new(workflow_id),
            scheduled_event_id,
            attempts,
        })
        .await
    }

    /// Ends an activity (its `ActivityTaskScheduled` event) by hand: with a value for the workflow,
    /// or with a failure, which is tried again only if it is retryable. A running attempt is told to
    /// stop.
    ///
    /// # Errors
    /// [`ClientError::NotOpen`]; [`ClientError::Rejected`] when no such activity is pending.
    pub async fn resolve_activity(
        &self,
        workflow_id: &str,
        scheduled_event_id: EventId,
        result: Result<Payload, kernel::Failure>,
    ) -> Result<(), ClientError> {
        self.tell(Message::ResolveActivity {
            workflow_id: WorkflowId::new(workflow_id),
            scheduled_event_id,
            result,
        })
        .await
    }

    /// Takes every open run up again.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn adopt_all(&self) -> Result<(), ClientError> {
        self.tell(Message::AdoptAll).await
    }

    /// How a run stands, open or closed.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such run.
    pub async fn describe(&self, run_id: RunId) -> Result<Description, ClientError> {
        if let Reply::Description(description) = self.ask(Message::Describe(run_id)).await? {
            return Ok(*description);
        }
        let state = self.store.load_run(run_id)?.ok_or(ClientError::NotFound)?;
        let now = crate::clock::now();
        // A completion from elsewhere is taken without somebody at work on the run.
        let paused = crate::explain::paused(&state, now)
            .or_else(|| crate::explain::paused_activity(&state, now))
            .or_else(|| crate::explain::held(&state, now));
        let waiting_on = match paused {
            _ if state.is_closed() => String::new(),
            Some(why) => why,
            None => "somebody to work on it: `resume` goes on with it".to_owned(),
        };
        Ok(Description {
            warnings: kernel::warnings(&state),
            state,
            running: Vec::new(),
            waiting_on,
        })
    }

    /// The newest run of a workflow id, or the run of that run id.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is neither.
    pub fn find(&self, id: &str) -> Result<RunId, ClientError> {
        if let Some(run_id) = self.store.latest_run(&WorkflowId::new(id))? {
            return Ok(run_id);
        }
        let run_id: RunId = id.parse().map_err(|_| ClientError::NotFound)?;
        match self.store.load_run(run_id)? {
            Some(_) => Ok(run_id),
            None => Err(ClientError::NotFound),
        }
    }

    /// The whole history of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn history(&self, run_id: RunId) -> Result<Vec<HistoryEvent>, ClientError> {
        Ok(self.events_of(run_id)?)
    }

    pub(crate) fn events_of(&self, run_id: RunId) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut events: Vec<HistoryEvent> = Vec::new();
        loop {
            let after = events.last().map_or(EventId(0), |event| event.id);
            let page = self.store.load_history(run_id, after, 4_096)?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// The vault, for reading.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Progress counters of this process.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// What the engine counted and measured since it started; see [`crate::metrics`].
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        self.metrics.snapshot()
    }

    pub(crate) async fn put_rows(&self, rows: Vec<Row>) -> Result<(), ClientError> {
        self.tell(Message::PutRows(rows)).await
    }

    /// Sends without waiting for an answer.
    pub(crate) fn post(&self, message: Message) {
        // A send fails only when the engine has stopped; what is lost then is repeated.
        let _stopped = self.inbox.send(Inbox::Message(Box::new(message), None));
    }

    /// Stops the engine, as a commit that fails does.
    pub(crate) fn store_failed(&self, error: state::store::Error) {
        // A send fails only when it has stopped already.
        let _stopped = self.inbox.send(Inbox::StoreFailed(error));
    }

    pub(crate) async fn tell(&self, message: Message) -> Result<(), ClientError> {
        let reply = self.ask(message).await?;
        if reply == Reply::Done {
            Ok(())
        } else {
            Err(unexpected(reply))
        }
    }

    pub(crate) async fn ask(&self, message: Message) -> Result<Reply, ClientError> {
        let (reply, answer) = oneshot::channel();
        let sent = self
            .inbox
            .send(Inbox::Message(Box::new(message), Some(reply)));
        if sent.is_err() {
            return Err(self.stopped());
        }
        match answer.await {
            Ok(Reply::Broken(why)) => Err(ClientError::Stopped(why)),
            Ok(reply) => Ok(reply),
            Err(_) => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> ClientError {
        let why = self.broken.get().cloned();
        ClientError::Stopped(why.unwrap_or_else(|| "it was shut down".to_owned()))
    }
}

fn started(reply: Reply) -> Result<RunId, ClientError> {
    if let Reply::Started(run_id) = reply {
        Ok(run_id)
    } else {
        Err(unexpected(reply))
    }
}

pub(crate) fn unexpected(reply: Reply) -> ClientError {
    match reply {
        Reply::Rejected(rejection) => ClientError::Rejected(rejection),
        Reply::NotOpen => ClientError::NotOpen,
        Reply::AlreadyRunning(run_id) => ClientError::AlreadyRunning(run_id),
        Reply::AlreadyRan(run_id) => ClientError::AlreadyRan(run_id),
        Reply::Broken(why) => ClientError::Stopped(why),
        Reply::TokenRefused(refusal) => ClientError::TokenRefused(refusal),
        Reply::UpdateRejected(failure) => ClientError::UpdateRejected(failure),
        Reply::Refused(refusal) => ClientError::Refused(refusal),
        Reply::NotFound => ClientError::NotFound,
        Reply::Started(_)
        | Reply::Made { .. }
        | Reply::Done
        | Reply::TokenHeard { .. }
        | Reply::Answer(_)
        | Reply::UpdateAccepted
        | Reply::UpdateCompleted(_)
        | Reply::Description(_)
        | Reply::Schedule(_)
        | Reply::Closed(_) => {
            ClientError::Stopped(format!("the engine answered {reply:?} to another question"))
        }
    }
}
