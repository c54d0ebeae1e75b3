//! The seam for experiment statistics: rates before and after a change.

use super::run::{Failed, Job, Predicted};

/// Answers `E_stats` when experiments can.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of every set's answer"
)]
pub(super) fn predict(_job: &Job) -> Result<Predicted, Failed> {
    Ok(Predicted::NotBuilt("experiment statistics"))
}
