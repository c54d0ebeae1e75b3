//! What somebody elsewhere says of an attempt, with its task token.

use engine::{Client, HeartbeatAnswer};
use kernel::Failure;

use crate::control::{Answer, TokenVerb};
use crate::face_error::FaceError;

pub(super) async fn answer(
    client: &Client,
    token: &str,
    verb: TokenVerb,
) -> Result<Answer, FaceError> {
    match verb {
        TokenVerb::Complete { result } => client.complete_by_token(token, &result).await?,
        TokenVerb::Fail { message, permanent } => {
            let failure = if permanent {
                Failure::permanent("Elsewhere", message)
            } else {
                Failure::retryable("Elsewhere", message)
            };
            client.fail_by_token(token, failure).await?;
        }
        TokenVerb::Heartbeat { details } => {
            let answer = client.heartbeat_by_token(token, details.as_ref()).await?;
            return Ok(Answer::TokenHeard {
                cancel_requested: answer == HeartbeatAnswer::CancelRequested,
            });
        }
    }
    Ok(Answer::Done)
}
