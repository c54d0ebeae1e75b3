//! The client's words for attempts that are completed from elsewhere.
//!
//! Neighbours: `activity` hands the token out, `core::by_token` hears what is said with it.

use kernel::{EventId, Failure, Payload, RunId, TaskToken, TokenRefusal};
use serde::Serialize;

use crate::client::{Client, ClientError, unexpected};
use crate::core::{Message, Reply, TokenWord};

/// What whoever completes an attempt from elsewhere is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatAnswer {
    /// Go on.
    GoOn,
    /// The activity was asked to cancel: stop the work, then say so with
    /// [`Client::fail_by_token`] and [`Failure::canceled`], or complete it if that is too late.
    CancelRequested,
}

impl Client {
    /// Gives the result of an attempt that is completed from elsewhere. The attempt's function need
    /// not have returned: a result that is faster wins.
    ///
    /// **Durability**: when this returns, the result survives anything. Repeated after a lost
    /// answer, it is refused with [`TokenRefusal::ActivityEnded`], and the first result stands.
    ///
    /// An example is at [`ActivityCx::result_pending`](crate::ActivityCx::result_pending).
    ///
    /// # Errors
    /// [`ClientError::BadToken`] when the text is no token; [`ClientError::TokenRefused`] when its
    /// attempt is over: see [`TokenRefusal`] for the reasons.
    pub async fn complete_by_token<T: Serialize + ?Sized>(
        &self,
        token: &str,
        result: &T,
    ) -> Result<(), ClientError> {
        let result = Payload::json(result)?;
        self.end_by_token(token, TokenWord::Complete(result)).await
    }

    /// Says that an attempt that is completed from elsewhere has failed. A retryable failure is tried
    /// again as the retry policy says, with a new token; [`Failure::canceled`] says that a
    /// cancellation was obeyed.
    ///
    /// # Errors
    /// As [`complete_by_token`](Self::complete_by_token).
    pub async fn fail_by_token(&self, token: &str, failure: Failure) -> Result<(), ClientError> {
        self.end_by_token(token, TokenWord::Fail(failure)).await
    }

    /// Says that an attempt that is completed from elsewhere is alive, with details that the next
    /// attempt can read. Details are put into the store about once a second, and always when the
    /// attempt fails.
    ///
    /// # Errors
    /// As [`complete_by_token`](Self::complete_by_token).
    pub async fn heartbeat_by_token<T: Serialize>(
        &self,
        token: &str,
        details: Option<&T>,
    ) -> Result<HeartbeatAnswer, ClientError> {
        let details = details.map(Payload::json).transpose()?;
        let bytes = details.as_ref().map_or(0, |details| details.data.len());
        let bytes_max = kernel::limits::PAYLOAD_BYTES_MAX;
        if bytes > bytes_max {
            let text =
                format!("the heartbeat's details have {bytes} bytes, the limit is {bytes_max}");
            return Err(ClientError::Rejected(kernel::Rejection::OverLimit(text)));
        }
        let word = TokenWord::Heartbeat(details);
        let reply = self.say_by_token(token, word).await?;
        if let Reply::TokenHeard {
            is_cancel_requested,
        } = reply
        {
            return Ok(if is_cancel_requested {
                HeartbeatAnswer::CancelRequested
            } else {
                HeartbeatAnswer::GoOn
            });
        }
        Err(unexpected(reply))
    }

    /// The token of the current attempt of an activity (its `ActivityTaskScheduled` event), for whoever
    /// knows the activity but has lost its token.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when there is no such run; [`ClientError::TokenRefused`] when it has
    /// closed or the activity is not pending.
    pub fn token_of(
        &self,
        run_id: RunId,
        scheduled_event_id: EventId,
    ) -> Result<TaskToken, ClientError> {
        let state = self.store.load_run(run_id)?.ok_or(ClientError::NotFound)?;
        if state.is_closed() {
            let refusal = TokenRefusal::RunClosed(run_id, state.status);
            return Err(ClientError::TokenRefused(refusal));
        }
        let ended = TokenRefusal::ActivityEnded(scheduled_event_id);
        let token = state.task_token(scheduled_event_id);
        token.ok_or(ClientError::TokenRefused(ended))
    }

    async fn end_by_token(&self, token: &str, word: TokenWord) -> Result<(), ClientError> {
        let reply = self.say_by_token(token, word).await?;
        if reply == Reply::Done {
            Ok(())
        } else {
            Err(unexpected(reply))
        }
    }

    async fn say_by_token(&self, token: &str, word: TokenWord) -> Result<Reply, ClientError> {
        let token: TaskToken = token.trim().parse().map_err(ClientError::BadToken)?;
        self.ask(Message::ByToken { token, word }).await
    }
}
