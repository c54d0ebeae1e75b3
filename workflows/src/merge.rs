//! `Merge`: two failures become one from the next run on, or two again.
//!
//! One activity. It is a workflow because what a person said has to outlive a crash, and its run is the record of who
//! said so and when.

use kernel::{Cx, Failure, WorkflowContract};

use crate::contracts::{MergeFailures, MergeFailuresInput, MergeFailuresOutput};

/// The workflow behind `merge` and `unmerge`.
#[derive(Debug)]
pub struct Merge;

impl WorkflowContract for Merge {
    const TYPE: &'static str = "Merge";
    type Input = MergeFailuresInput;
    type Output = MergeFailuresOutput;
}

/// The body of [`Merge`].
///
/// # Errors
/// When a name is not known, or the two cannot be merged or taken apart; nothing is changed then.
pub async fn merge(cx: Cx, input: MergeFailuresInput) -> Result<MergeFailuresOutput, Failure> {
    cx.activity::<MergeFailures>(&input).await
}
