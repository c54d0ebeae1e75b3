//! What a client of the engine can ask of schedules.

use super::record::{Action, Overlap};
use super::request::{Answer, Backfill, Body, Description, Error, NewSchedule, Request, Update};
use super::spec::ScheduleSpec;
use crate::client::{Client, ClientError, unexpected};
use crate::core::{Message, Reply};

use kernel::{Payload, WorkflowContract};

impl Action {
    /// Starts a workflow by its contract.
    ///
    /// # Errors
    /// When the input cannot be encoded.
    pub fn start<W: WorkflowContract>(input: &W::Input) -> Result<Self, ClientError> {
        Ok(Self {
            workflow_type: W::TYPE.to_owned(),
            input: Payload::json(input)?,
        })
    }
}

impl Client {
    /// Makes a schedule.
    ///
    /// **Durability**: when this returns, the schedule survives anything.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is one of that name, or its times are wrong.
    pub async fn create_schedule(&self, new: NewSchedule) -> Result<Description, ClientError> {
        self.one(Request::Create(Box::new(new))).await
    }

    /// Changes a schedule. Open runs and starts that wait stay.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none, or the change is wrong.
    pub async fn update_schedule(
        &self,
        id: &str,
        change: Update,
    ) -> Result<Description, ClientError> {
        let (id, change) = (id.to_owned(), Box::new(change));
        self.one(Request::Update { id, change }).await
    }

    /// Changes when a schedule fires.
    ///
    /// # Errors
    /// As [`update_schedule`](Self::update_schedule).
    pub async fn reschedule(
        &self,
        id: &str,
        spec: ScheduleSpec,
    ) -> Result<Description, ClientError> {
        let change = Update {
            spec: Some(spec),
            ..Update::default()
        };
        self.update_schedule(id, change).await
    }

    /// Lets the times of a schedule do nothing.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none.
    pub async fn pause_schedule(&self, id: &str, note: &str) -> Result<Description, ClientError> {
        let (id, note) = (id.to_owned(), note.to_owned());
        self.one(Request::Pause { id, note }).await
    }

    /// Lets the times of a schedule do something again; those that passed do not come back.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none.
    pub async fn unpause_schedule(&self, id: &str, note: &str) -> Result<Description, ClientError> {
        let (id, note) = (id.to_owned(), note.to_owned());
        self.one(Request::Unpause { id, note }).await
    }

    /// Wants a run now, whether the schedule is paused or not.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none.
    pub async fn trigger_schedule(
        &self,
        id: &str,
        overlap: Option<Overlap>,
    ) -> Result<Description, ClientError> {
        let id = id.to_owned();
        self.one(Request::Trigger { id, overlap }).await
    }

    /// Wants the times of a range to be run.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none, or the range is wrong.
    pub async fn backfill_schedule(
        &self,
        id: &str,
        range: Backfill,
    ) -> Result<Description, ClientError> {
        let id = id.to_owned();
        self.one(Request::Backfill { id, range }).await
    }

    /// Forgets a schedule and says how it stood. Its open runs go on.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none.
    pub async fn delete_schedule(&self, id: &str) -> Result<Description, ClientError> {
        self.one(Request::Delete { id: id.to_owned() }).await
    }

    /// How a schedule stands.
    ///
    /// # Errors
    /// [`ClientError::Schedule`] when there is none.
    pub async fn describe_schedule(&self, id: &str) -> Result<Description, ClientError> {
        self.one(Request::Describe { id: id.to_owned() }).await
    }

    /// How all schedules stand, by name.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn list_schedules(&self) -> Result<Vec<Description>, ClientError> {
        match self.ask_schedules(Request::List).await?.body {
            Body::All(all) => Ok(all),
            Body::One(one) => Ok(vec![*one]),
            Body::Refused(error) => Err(ClientError::Schedule(error)),
        }
    }

    /// Asks what has come as data, over a socket for example.
    ///
    /// # Errors
    /// When the engine has stopped; a refusal is an answer.
    pub async fn ask_schedules(&self, request: Request) -> Result<Answer, ClientError> {
        let reply = self.ask(Message::Schedule(request)).await?;
        if let Reply::Schedule(answer) = reply {
            Ok(*answer)
        } else {
            Err(unexpected(reply))
        }
    }

    async fn one(&self, request: Request) -> Result<Description, ClientError> {
        match self.ask_schedules(request).await?.body {
            Body::One(one) => Ok(*one),
            Body::All(_) => Err(ClientError::Schedule(Error::Unreadable(
                "the engine answered with a list".to_owned(),
            ))),
            Body::Refused(error) => Err(ClientError::Schedule(error)),
        }
    }
}
