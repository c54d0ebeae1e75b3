//! `CritiqueBrief`: the critic, who is code and always runs, whoever wrote.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::scrub::Scrubber;
use workflows::contracts::{self, CritiqueBriefInput, CritiqueBriefOutput};

use crate::blobs;
use crate::brief::{Snapshot, review};
use crate::errors::blocking;
use crate::model;

/// The critic.
#[derive(Debug)]
pub struct CritiqueBrief;

#[async_trait]
impl Activity for CritiqueBrief {
    type Contract = contracts::CritiqueBrief;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: CritiqueBriefInput,
    ) -> Result<CritiqueBriefOutput, Failure> {
        // No model criticises yet, but one that is asked for and not there must not go unnoticed.
        let _rules = model::by_name(&input.model)?;
        blocking(cx, move |cx| {
            let snapshot: Snapshot = blobs::json(cx, &input.snapshot)?;
            let review = review(&blobs::text(cx, &input.brief)?, &snapshot);
            Ok(CritiqueBriefOutput {
                review: blobs::put_text(cx, &Scrubber::shared().scrub(&review.to_markdown()))?,
                refused: review.refusals.len() as u64,
                accepted: review.refusals.is_empty(),
            })
        })
        .await
    }
}
