//! Resets, forks and steps of batches, and what can be wrong with them.

use std::collections::BTreeMap;

use engine::batch::{BatchStep, BatchVerb};
use engine::{Client, ClientError, ForkOptions, ResetOptions};
use kernel::{Edits, EventId, Payload, RunId, Taking};

use super::find;
use crate::control::{Answer, BatchWord, Batched, MadeRun, Making};
use crate::face_error::FaceError;

pub(super) fn preview(client: &Client, id: &str, making: &Making) -> Result<Answer, FaceError> {
    let run_id = find(client, id)?;
    let edits = edits(making)?;
    let plan = match making.taking {
        Taking::Reset => {
            let options = ResetOptions {
                edits,
                ..ResetOptions::default()
            };
            client.preview_reset(run_id, making.to, &options)
        }
        Taking::Fork => {
            let options = ForkOptions {
                edits,
                ..ForkOptions::default()
            };
            client.preview_fork(run_id, making.to, &options)
        }
    };
    plan.map(|plan| Answer::Plan(Box::new(plan)))
        .map_err(|error| told(error, id))
}

pub(super) async fn make(client: &Client, id: &str, making: Making) -> Result<Answer, FaceError> {
    let run_id = find(client, id)?;
    let edits = edits(&making)?;
    let Making {
        taking,
        to,
        workflow_id,
        reason,
        ..
    } = making;
    let made = match taking {
        Taking::Reset => {
            client
                .reset(run_id, to, ResetOptions { edits, reason })
                .await
        }
        Taking::Fork => {
            let options = ForkOptions {
                edits,
                workflow_id,
                reason,
            };
            client.fork(run_id, to, options).await
        }
    };
    let made = made.map_err(|error| told(error, id))?;
    Ok(Answer::Made(Box::new(MadeRun {
        workflow_id: made.workflow_id.to_string(),
        run_id: made.run_id.to_string(),
        plan: made.plan,
    })))
}

fn edits(making: &Making) -> Result<Edits, FaceError> {
    let payload =
        |value| Payload::json(value).map_err(|e| FaceError::from(ClientError::Payload(e)));
    let mut results = BTreeMap::new();
    for (activity, result) in &making.results {
        if results
            .insert(EventId(*activity), payload(result)?)
            .is_some()
        {
            return Err(FaceError::usage(
                format!("activity {activity} is given two results"),
                "give --result once for each activity",
            ));
        }
    }
    let signals = making.signals.iter();
    let signals = signals.map(|(name, value)| Ok((name.clone(), payload(value)?)));
    Ok(Edits {
        input: making.input.as_ref().map(payload).transpose()?,
        results,
        signals: signals.collect::<Result<_, FaceError>>()?,
        reapply: making.reapply,
    })
}

pub(super) async fn step(
    client: &Client,
    run_id: &str,
    word: BatchWord,
) -> Result<Answer, FaceError> {
    let run_id: RunId = run_id
        .parse()
        .map_err(|error| FaceError::usage(format!("{error}"), String::new()))?;
    let verb = match word {
        BatchWord::Terminate { reason } => BatchVerb::Terminate { reason },
        BatchWord::Cancel { reason } => BatchVerb::Cancel { reason },
        BatchWord::Signal { name, input } => BatchVerb::Signal {
            name,
            input: Payload::json(&input).map_err(ClientError::Payload)?,
        },
        BatchWord::Reset {
            to,
            reapply,
            reason,
        } => BatchVerb::Reset {
            to,
            options: ResetOptions {
                edits: Edits {
                    reapply,
                    ..Edits::default()
                },
                reason,
            },
        },
        BatchWord::Delete => BatchVerb::Delete,
        BatchWord::Pause { reason } => BatchVerb::Pause { reason },
        BatchWord::Unpause => BatchVerb::Unpause,
    };
    let batched = match client.batch_step(run_id, &verb).await {
        Ok(BatchStep::Done) => Batched::Done,
        Ok(BatchStep::Unchanged) => Batched::Unchanged,
        Err(error) if error.is_final() => {
            let hint = "what was done stays done; run the same command again for the others";
            let message = format!("could not {error}");
            return Err(FaceError::new(
                crate::face_error::Kind::Failed,
                message,
                hint,
            ));
        }
        Err(error) => Batched::Failed {
            why: error.to_string(),
        },
    };
    Ok(Answer::Batched(batched))
}

fn told(error: ClientError, id: &str) -> FaceError {
    match error {
        ClientError::Refused(refusal) => FaceError::usage(
            format!("could not {refusal}"),
            format!("nothing was changed; `openclaw-trace history {id}` numbers the events"),
        ),
        ClientError::AlreadyRunning(run_id) => FaceError::usage(
            format!("could not fork it: run {run_id} of that workflow id is open"),
            "give another id with --id",
        ),
        other => other.into(),
    }
}
