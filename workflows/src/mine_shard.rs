//! `MineShard`: a part of a large corpus, in a history of its own.

use kernel::{Cx, Failure, WorkflowContract};
use serde::{Deserialize, Serialize};

use crate::contracts::{BlobRef, stage};
use crate::trace_run::mine_range;

/// A child of [`TraceRun`](crate::TraceRun) above a thousand sessions.
#[derive(Debug)]
pub struct MineShard;

/// Which part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MineShardInput {
    /// The manifest.
    pub manifest: BlobRef,
    /// The first file, from 0.
    pub first: u64,
    /// The file after the last.
    pub end: u64,
}

impl WorkflowContract for MineShard {
    const TYPE: &'static str = "MineShard";
    type Input = MineShardInput;
    /// The list of results.
    type Output = BlobRef;
}

/// The body of [`MineShard`].
///
/// # Errors
/// The failure of the first session that could not be mined.
pub async fn mine_shard(cx: Cx, input: MineShardInput) -> Result<BlobRef, Failure> {
    cx.stage(stage::MINE, Some(input.end.saturating_sub(input.first)));
    mine_range(&cx, &input.manifest, input.first, input.end).await
}
