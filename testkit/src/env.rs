//! The environment of a test: what a client of the engine can do, on a clock that jumps.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use engine::core::{Message, Reply, StartSpec, TokenWord, UpdateStage};
use engine::schedule::{Body, Description, NewSchedule, Request};
use engine::{ClientError, IdConflictPolicy, StartOptions};
use kernel::{
    Failure, Millis, Outcome, Payload, RunId, RunState, TaskToken, Timestamp, WorkflowContract,
    WorkflowId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use state::store::Store;

use crate::builder::Builder;
use crate::error::Error;
use crate::mock::Call;
use crate::replay::History;
use crate::text;
use crate::wait::{Awaited, Wait, lock};
use crate::world::{CrashAt, Setup, World};

/// The environment of one test. Clones are handles on the same one.
///
/// Time stands still while anything can happen. When all that the test awaits has to wait, the
/// clock jumps to the next timer, retry, timeout or schedule that is due: a workflow that sleeps for
/// a year is tested in milliseconds. The futures run on any executor, but await nothing else than
/// them in a test: the clock does not wait for what it does not know.
#[derive(Clone)]
pub struct TestEnv {
    world: Arc<Mutex<World>>,
}

impl fmt::Debug for TestEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEnv").finish_non_exhaustive()
    }
}

impl TestEnv {
    /// Sets an environment up.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn of(setup: Setup, crash_at: Option<CrashAt>) -> Self {
        let world = World::new(setup, crash_at);
        Self {
            world: Arc::new(Mutex::new(world)),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Starts a run by the registered name of its workflow.
    ///
    /// # Errors
    /// [`Error::Refused`] as a client would be, when the id has an open run for example.
    pub async fn start<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        input: &I,
    ) -> Result<RunId, Error> {
        let options = StartOptions::default();
        self.start_with(workflow_id, workflow_type, input, options)
            .await
    }

    /// Starts a run by the contract of its workflow.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_typed<W: WorkflowContract>(
        &self,
        workflow_id: &str,
        input: &W::Input,
    ) -> Result<RunId, Error> {
        self.start(workflow_id, W::TYPE, input).await
    }

    /// Starts a run with timeouts, retries and policies about its id.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        workflow_type: &str,
        input: &I,
        options: StartOptions,
    ) -> Result<RunId, Error> {
        let use_existing = options.id_conflict == IdConflictPolicy::UseExisting;
        let spec = StartSpec {
            options,
            ..StartSpec::new(workflow_id, workflow_type, Payload::json(input)?)
        };
        let reply = self.ask(Message::Start(spec)).await?;
        if let Reply::Started(run_id) = reply {
            return Ok(run_id);
        }
        if use_existing && let Reply::AlreadyRunning(run_id) = reply {
            return Ok(run_id);
        }
        Err(refused(reply))
    }

    /// Starts a run whose id is the name of its workflow, and gives its result.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`result`](Self::result).
    pub async fn execute<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_type: &str,
        input: &I,
    ) -> Result<O, Error> {
        let run_id = self.start(workflow_type, workflow_type, input).await?;
        self.result(run_id).await
    }

    /// The result of a run, or of the last run that follows on it.
    ///
    /// # Errors
    /// [`Error::Failed`] when it closed without one, with the history.
    pub async fn result<O: DeserializeOwned>(&self, run_id: RunId) -> Result<O, Error> {
        let state = self.wait(run_id).await?;
        let failure = match state.outcome {
            Some(Outcome::Completed(value)) => return Ok(value.decode()?),
            Some(Outcome::Failed(failure)) => failure,
            None => kernel::Failure::internal("the run has no outcome"),
        };
        let events = self.world().history(state.run_id)?;
        Err(Error::Failed {
            workflow_id: state.workflow_id,
            failure: Box::new(failure),
            history: text::history(&events),
        })
    }

    /// The state of a run once it has closed, or of the last run that follows on it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stuck`] when it waits for the test.
    pub async fn wait(&self, run_id: RunId) -> Result<RunState, Error> {
        let mut run_id = run_id;
        loop {
            let reply = self.ask(Message::Wait(run_id)).await?;
            let Reply::Closed(_) = reply else {
                return Err(Error::NotFound(format!("run {run_id}")));
            };
            let state = self.state(run_id)?;
            match state.successor {
                Some(next) => run_id = next,
                None => return Ok(state),
            }
        }
    }

    /// Sends a signal to the open run of an id.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    pub async fn signal<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        name: &str,
        input: &I,
    ) -> Result<(), Error> {
        let message = Message::Signal {
            workflow_id: WorkflowId::new(workflow_id),
            name: name.to_owned(),
            input: Payload::json(input)?,
        };
        self.tell(message).await
    }

    /// Asks the newest run of an id, open or closed, a question that changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when the code gives no answer.
    pub async fn query<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_id: &str,
        name: &str,
        input: &I,
    ) -> Result<O, Error> {
        let message = Message::Query {
            run_id: self.run_of(workflow_id)?,
            name: name.to_owned(),
            input: Payload::json(input)?,
        };
        let reply = self.ask(message).await?;
        if let Reply::Answer(answer) = reply {
            Ok(answer.map_err(ClientError::QueryFailed)?.decode()?)
        } else {
            Err(refused(reply))
        }
    }

    /// Asks the open run of an id for something and waits for the answer. Asked again under the
    /// same `update_id`, it is the same request.
    ///
    /// # Errors
    /// [`Error::Refused`] when the code refuses, its handler fails, or no run is open.
    pub async fn update<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_id: &str,
        update_id: &str,
        name: &str,
        input: &I,
    ) -> Result<O, Error> {
        let message = Message::Update {
            workflow_id: WorkflowId::new(workflow_id),
            update_id: update_id.to_owned(),
            name: name.to_owned(),
            input: Payload::json(input)?,
            stage: UpdateStage::Completed,
        };
        let reply = self.ask(message).await?;
        if let Reply::UpdateCompleted(answer) = reply {
            Ok(answer.map_err(ClientError::UpdateFailed)?.decode()?)
        } else {
            Err(refused(reply))
        }
    }

    /// Asks the open run of an id to cancel.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    pub async fn cancel(&self, workflow_id: &str, reason: &str) -> Result<(), Error> {
        let (workflow_id, reason) = (WorkflowId::new(workflow_id), reason.to_owned());
        self.tell(Message::Cancel {
            workflow_id,
            reason,
        })
        .await
    }

    /// Stops the open run of an id without asking its code.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    pub async fn terminate(&self, workflow_id: &str, reason: &str) -> Result<(), Error> {
        let (workflow_id, reason) = (WorkflowId::new(workflow_id), reason.to_owned());
        self.tell(Message::Terminate {
            workflow_id,
            reason,
        })
        .await
    }

    /// Gives the result of an attempt of a [`mock_held`](Builder::mock_held).
    ///
    /// # Errors
    /// [`Error::Refused`] when the attempt is over.
    pub async fn complete_by_token<T: Serialize + ?Sized>(
        &self,
        token: TaskToken,
        result: &T,
    ) -> Result<(), Error> {
        let word = TokenWord::Complete(Payload::json(result)?);
        self.tell(Message::ByToken { token, word }).await
    }

    /// Says that an attempt of a [`mock_held`](Builder::mock_held) has failed.
    ///
    /// # Errors
    /// [`Error::Refused`] when the attempt is over.
    pub async fn fail_by_token(&self, token: TaskToken, failure: Failure) -> Result<(), Error> {
        let word = TokenWord::Fail(failure);
        self.tell(Message::ByToken { token, word }).await
    }

    /// Makes a schedule, which fires on the test's clock from now on.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is one of that name, or its times are wrong.
    pub async fn create_schedule(&self, new: NewSchedule) -> Result<Description, Error> {
        let request = Request::Create(Box::new(new));
        self.ask_schedule(request).await
    }

    /// How a schedule stands.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    pub async fn describe_schedule(&self, id: &str) -> Result<Description, Error> {
        self.ask_schedule(Request::Describe { id: id.to_owned() })
            .await
    }

    /// Lets a time pass on the test's clock, and everything happen that is due in it.
    ///
    /// # Errors
    /// When workflow code or a mock fails meanwhile.
    pub async fn sleep(&self, time: Millis) -> Result<(), Error> {
        let at = {
            let mut world = self.world();
            let at = world.now.after(time);
            world.wake_at(at);
            at
        };
        self.wait_for(Awaited::Time(at)).await?;
        // What was due at that very time is carried out before the test goes on.
        let mut world = self.world();
        world.settle()?;
        world.check()
    }

    /// What the test's clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world().now
    }

    /// All attempts of a mocked activity so far, in the order in which they were made.
    #[must_use]
    pub fn calls(&self, activity_type: &str) -> Vec<Call> {
        let world = self.world();
        let calls = world.outside.calls.iter();
        calls
            .filter(|call| call.activity_type == activity_type)
            .cloned()
            .collect()
    }

    /// The history of a run so far.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such run.
    pub fn history(&self, run_id: RunId) -> Result<History, Error> {
        let state = self.state(run_id)?;
        Ok(History {
            workflow_id: state.workflow_id,
            run_id,
            events: self.world().history(run_id)?,
        })
    }

    /// The newest run of a workflow id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn run_of(&self, workflow_id: &str) -> Result<RunId, Error> {
        let id = WorkflowId::new(workflow_id);
        let latest = self.world().store.latest_run(&id)?;
        latest.ok_or_else(|| Error::NotFound(format!("workflow {workflow_id}")))
    }

    /// How a run stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such run.
    pub fn state(&self, run_id: RunId) -> Result<RunState, Error> {
        let state = self.world().store.load_run(run_id)?;
        state.ok_or_else(|| Error::NotFound(format!("run {run_id}")))
    }

    /// The process dies here and another takes its place, with what was durable and nothing else.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn crash(&self) -> Result<(), Error> {
        self.world().crash()
    }

    async fn ask_schedule(&self, request: Request) -> Result<Description, Error> {
        let reply = self.ask(Message::Schedule(request)).await?;
        let Reply::Schedule(answer) = reply else {
            return Err(refused(reply));
        };
        match answer.body {
            Body::One(description) => Ok(*description),
            Body::Refused(error) => Err(ClientError::Schedule(error).into()),
            Body::All(_) => Err(ClientError::Stopped("it answered of all schedules".into()).into()),
        }
    }

    async fn tell(&self, message: Message) -> Result<(), Error> {
        let reply = self.ask(message).await?;
        if reply == Reply::Done {
            Ok(())
        } else {
            Err(refused(reply))
        }
    }

    async fn ask(&self, message: Message) -> Result<Reply, Error> {
        let token = self.world().ask(message);
        self.wait_for(Awaited::Reply(token)).await
    }

    fn wait_for(&self, awaited: Awaited) -> Wait {
        Wait {
            world: Arc::clone(&self.world),
            awaited,
            seen: None,
        }
    }
}

/// What a client would be told.
fn refused(reply: Reply) -> Error {
    let error = if let Reply::Rejected(rejection) = reply {
        ClientError::Rejected(rejection)
    } else if let Reply::AlreadyRunning(run_id) = reply {
        ClientError::AlreadyRunning(run_id)
    } else if let Reply::AlreadyRan(run_id) = reply {
        ClientError::AlreadyRan(run_id)
    } else if let Reply::UpdateRejected(failure) = reply {
        ClientError::UpdateRejected(failure)
    } else if let Reply::TokenRefused(refusal) = reply {
        ClientError::TokenRefused(refusal)
    } else if reply == Reply::NotOpen {
        ClientError::NotOpen
    } else {
        ClientError::Stopped(format!("it answered {reply:?} to another question"))
    };
    error.into()
}
