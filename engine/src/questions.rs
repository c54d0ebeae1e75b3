//! What a client can ask of workflow code: queries and updates.

use kernel::{Payload, WorkflowId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{Client, ClientError, unexpected};
use crate::clock;
use crate::core::{Message, Reply, UpdateStage};

impl Client {
    /// Asks the newest run of a workflow id, open or closed, a question that changes nothing. It
    /// is answered by the code as it stands after everything that was acknowledged before.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such run, [`ClientError::QueryFailed`] when the
    /// code has no such query or gives a failure.
    pub async fn query<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_id: &str,
        name: &str,
        input: &I,
    ) -> Result<O, ClientError> {
        let message = Message::Query {
            run_id: self.find(workflow_id)?,
            name: name.to_owned(),
            input: Payload::json(input)?,
        };
        let reply = self.ask(message).await?;
        if let Reply::Answer(answer) = reply {
            Ok(answer.map_err(ClientError::QueryFailed)?.decode()?)
        } else {
            Err(unexpected(reply))
        }
    }

    /// Asks the open run of an id for something and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::UpdateRejected`] when the code refuses, [`ClientError::UpdateFailed`] when its
    /// handler fails, [`ClientError::NotOpen`] when no run is open or it closes before.
    pub async fn update<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_id: &str,
        name: &str,
        input: &I,
    ) -> Result<O, ClientError> {
        let update_id = clock::new_run_id().to_string();
        self.update_with_id(workflow_id, &update_id, name, input)
            .await
    }

    /// As [`update`](Self::update), under a name of the caller's: asked again with the same name,
    /// after a crash say, it is the same request and gets the same answer.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn update_with_id<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        workflow_id: &str,
        update_id: &str,
        name: &str,
        input: &I,
    ) -> Result<O, ClientError> {
        let stage = UpdateStage::Completed;
        let reply = self
            .ask_update(workflow_id, update_id, name, input, stage)
            .await?;
        if let Reply::UpdateCompleted(result) = reply {
            Ok(result.map_err(ClientError::UpdateFailed)?.decode()?)
        } else {
            Err(unexpected(reply))
        }
    }

    /// Asks for something and waits only until the code has taken it on; the answer is got with
    /// [`update_with_id`](Self::update_with_id).
    ///
    /// **Durability**: when this returns, the update survives anything.
    ///
    /// # Errors
    /// As [`update`](Self::update), but for the handler's failure.
    pub async fn start_update<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        update_id: &str,
        name: &str,
        input: &I,
    ) -> Result<(), ClientError> {
        let stage = UpdateStage::Accepted;
        let reply = self
            .ask_update(workflow_id, update_id, name, input, stage)
            .await?;
        if let Reply::UpdateAccepted | Reply::UpdateCompleted(_) = reply {
            Ok(())
        } else {
            Err(unexpected(reply))
        }
    }

    async fn ask_update<I: Serialize + ?Sized>(
        &self,
        workflow_id: &str,
        update_id: &str,
        name: &str,
        input: &I,
        stage: UpdateStage,
    ) -> Result<Reply, ClientError> {
        self.ask(Message::Update {
            workflow_id: WorkflowId::new(workflow_id),
            update_id: update_id.to_owned(),
            name: name.to_owned(),
            input: Payload::json(input)?,
            stage,
        })
        .await
    }
}
