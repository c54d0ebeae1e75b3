//! `CollectReadings`: what was read of a part of the plan becomes one blob.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::llm::coverage::SessionReading;
use trace::scrub::Scrubber;
use workflows::contracts::BlobRef;
use workflows::reading::{self, CollectReadingsInput, Reading};

use crate::blobs;
use crate::errors::blocking;
use crate::reading::Plan;

/// Longest reason that is kept, bytes.
const WHY_BYTES_MAX: usize = 200;

/// Puts a list of readings into one blob.
#[derive(Debug)]
pub struct CollectReadings;

#[async_trait]
impl Activity for CollectReadings {
    type Contract = reading::CollectReadings;

    async fn run(&self, cx: &ActivityCx, input: CollectReadingsInput) -> Result<BlobRef, Failure> {
        blocking(cx, move |cx| {
            let plan: Plan = blobs::json(cx, &input.plan)?;
            let mut readings: Vec<SessionReading> = Vec::with_capacity(input.readings.len());
            for reading in &input.readings {
                readings.push(match reading {
                    Reading::Done(blob) => blobs::json(cx, blob)?,
                    Reading::Failed { position, why } => {
                        let place = usize::try_from(*position).unwrap_or(usize::MAX);
                        let index = plan.taken.get(place).map_or(u64::MAX, |taken| taken.index);
                        let why = Scrubber::shared().scrub(why).truncated(WHY_BYTES_MAX);
                        SessionReading::none(index, &why)
                    }
                });
            }
            blobs::put_json(cx, &readings)
        })
        .await
    }
}
