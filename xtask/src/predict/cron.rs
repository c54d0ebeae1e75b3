//! The seam for schedules: next fire times of cron expressions.

use super::run::{Failed, Job, Predicted};

/// Answers `F_cron` when the engine's schedules can.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of every set's answer"
)]
pub(super) fn predict(_job: &Job) -> Result<Predicted, Failed> {
    Ok(Predicted::NotBuilt("schedules"))
}
