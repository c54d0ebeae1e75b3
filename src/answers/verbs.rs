//! What is done to a run by hand, and what can be wrong with it.

use engine::{Client, ClientError};
use kernel::{AfterReset, Attempts, EventId, Failure, HeartbeatDetails, Payload, RunState};

use super::find;
use crate::control::{Answer, Verb};
use crate::face_error::FaceError;
use crate::views::status_name;

pub(super) async fn answer(client: &Client, id: &str, verb: Verb) -> Result<Answer, FaceError> {
    let run_id = find(client, id)?;
    let state = client.store().load_run(run_id)?;
    let state = state.ok_or(ClientError::NotFound)?;
    let name = state.workflow_id.as_str();
    if let Verb::Query { name: query, input } = &verb {
        let said = client.query(name, query, input).await;
        return said.map(Answer::Said).map_err(|error| told(&error, id));
    }
    if state.is_closed() {
        return Err(FaceError::usage(
            format!("run {id} has already ended ({})", status_name(state.status)),
            "`openclaw-trace history` shows how; only `query` asks a run that has ended",
        ));
    }
    let done = match verb {
        Verb::Terminate { reason } => client.terminate(name, &reason).await,
        Verb::Pause { reason } => client.pause(name, &reason).await,
        Verb::Unpause => client.unpause(name).await,
        Verb::Signal {
            name: signal,
            input,
        } => client.signal(name, &signal, &input).await,
        Verb::Update {
            name: update,
            update_id,
            input,
        } => {
            let said = match update_id {
                Some(update_id) => {
                    client
                        .update_with_id(name, &update_id, &update, &input)
                        .await
                }
                None => client.update(name, &update, &input).await,
            };
            return said.map(Answer::Said).map_err(|error| told(&error, id));
        }
        Verb::Query { .. } => Ok(()),
        Verb::RetryActivity { activity } => {
            let activity = pending(&state, activity)?;
            client.retry_activity_now(name, activity).await
        }
        Verb::PauseActivity {
            activity,
            by,
            reason,
        } => {
            let activity = pending(&state, activity)?;
            client.pause_activity(name, activity, &by, &reason).await
        }
        Verb::UnpauseActivity {
            activity,
            reset_attempts,
        } => {
            let activity = pending(&state, activity)?;
            let attempts = if reset_attempts {
                Attempts::BeginAgain
            } else {
                Attempts::GoOn
            };
            client.unpause_activity(name, activity, attempts).await
        }
        Verb::ResetActivity {
            activity,
            keep_paused,
            reset_heartbeat,
        } => {
            let activity = pending(&state, activity)?;
            let after = if keep_paused {
                AfterReset::StaysPaused
            } else {
                AfterReset::GoesOn
            };
            let heartbeat = if reset_heartbeat {
                HeartbeatDetails::Clear
            } else {
                HeartbeatDetails::Keep
            };
            client
                .reset_activity(name, activity, heartbeat, after)
                .await
        }
        Verb::CompleteActivity { activity, result } => {
            let activity = pending(&state, activity)?;
            let result = Payload::json(&result).map_err(ClientError::Payload)?;
            client.resolve_activity(name, activity, Ok(result)).await
        }
        Verb::FailActivity { activity, reason } => {
            let activity = pending(&state, activity)?;
            let failure = Failure::permanent("ByHand", reason);
            client.resolve_activity(name, activity, Err(failure)).await
        }
    };
    done.map(|()| Answer::Done)
        .map_err(|error| told(&error, id))
}

/// The activity that a number names, or those that could have been meant.
fn pending(state: &RunState, activity: u64) -> Result<EventId, FaceError> {
    let id = EventId(activity);
    if state.activities.contains_key(&id) {
        return Ok(id);
    }
    let known = state
        .activities
        .iter()
        .take(10)
        .map(|(id, pending)| format!("{id} ({})", pending.activity_type));
    let known: Vec<String> = known.collect();
    Err(FaceError::not_found(
        format!("no activity {activity} is pending"),
        if known.is_empty() {
            "nothing is: `openclaw-trace status ID` tells what the run waits for".to_owned()
        } else {
            format!("pending are {}", known.join(", "))
        },
    ))
}

fn told(error: &ClientError, id: &str) -> FaceError {
    let message = format!("could not {error}");
    FaceError::usage(
        message,
        format!("`openclaw-trace status {id}` shows how it stands"),
    )
}
