//! What a client can do with whole histories: take one out, take one in.

use kernel::RunId;
use kernel::temporal::{Imported, export};

use crate::client::{Client, ClientError, unexpected};
use crate::core::{Message, Reply};

impl Client {
    /// The history of a run as one JSON document in the shape of Temporal's tools. It holds every
    /// value of the run as it was recorded: treat it as the data that it came from.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such run.
    pub fn export(&self, run_id: RunId) -> Result<serde_json::Value, ClientError> {
        let state = self.store.load_run(run_id)?.ok_or(ClientError::NotFound)?;
        let events = self.history(run_id)?;
        Ok(export(&state.workflow_id, run_id, &events))
    }

    /// Takes in a run that was recorded elsewhere, under its own ids. A run that was open goes on
    /// here: its activities that had not ended run again, from their first attempt, so whoever
    /// recorded it must not go on with it too.
    ///
    /// **Durability**: when this returns, the run survives anything.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] when the history is not valid, over a limit, or of an open run that
    /// is not alone (a child, or a parent of children); [`ClientError::AlreadyRan`] when the store
    /// has that run; [`ClientError::AlreadyRunning`] when its id has another open run.
    pub async fn import(&self, imported: Imported) -> Result<RunId, ClientError> {
        let reply = self.ask(Message::Import(Box::new(imported))).await?;
        if let Reply::Started(run_id) = reply {
            Ok(run_id)
        } else {
            Err(unexpected(reply))
        }
    }
}
