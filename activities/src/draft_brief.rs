//! `DraftBrief`: the actor writes a brief, or mends the one that was refused.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::scrub::Scrubber;
use workflows::contracts::{self, BlobRef, DraftBriefInput};

use crate::blobs;
use crate::brief::{BRIEF_PART, INSTRUCTIONS, REVIEW_PART, SNAPSHOT_PART};
use crate::errors::blocking;
use crate::limits::{BRIEF_TOKENS_MAX, REPLY_BYTES_MAX};
use crate::model::{self, Fenced, Prompt};

/// The actor.
#[derive(Debug)]
pub struct DraftBrief;

#[async_trait]
impl Activity for DraftBrief {
    type Contract = contracts::DraftBrief;

    async fn run(&self, cx: &ActivityCx, input: DraftBriefInput) -> Result<BlobRef, Failure> {
        let model = model::by_name(&input.model)?;
        let prompt = blocking(cx, move |cx| prompt(cx, &input)).await?;
        let reply = model.complete(&prompt).await.map_err(Failure::from)?.text;
        if reply.len() > REPLY_BYTES_MAX {
            let message = format!("the reply is longer than {REPLY_BYTES_MAX} bytes");
            return Err(Failure::retryable("BadReply", message));
        }
        blocking(cx, move |cx| {
            blobs::put_text(cx, &Scrubber::shared().scrub(&reply))
        })
        .await
    }
}

fn prompt(cx: &ActivityCx, input: &DraftBriefInput) -> Result<Prompt, Failure> {
    let part = |name, blob: &BlobRef| -> Result<Fenced, Failure> {
        let text = blobs::scrubbed_text(cx, blob)?;
        Ok(Fenced { name, text })
    };
    let mut data = vec![part(SNAPSHOT_PART, &input.snapshot)?];
    if let Some(previous) = &input.previous {
        data.push(part(BRIEF_PART, &previous.brief)?);
        data.push(part(REVIEW_PART, &previous.review)?);
    }
    Ok(Prompt {
        system: INSTRUCTIONS,
        data,
        output_tokens_max: BRIEF_TOKENS_MAX,
    })
}
