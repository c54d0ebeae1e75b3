//! The scores: one workflow per file, typed activity contracts. Pure.
//!
//! Reading order: [`trace_run`](mod@trace_run) (the loop), [`brief_loop`](mod@brief_loop),
//! [`reading`] (the optional stage with a model), [`merge`](mod@merge) (what a person says of two failures), [`contracts`]
//! (what activities promise).

pub mod brief_loop;
pub mod contracts;
pub mod merge;
pub mod mine_shard;
pub mod reading;
pub mod trace_run;

pub use brief_loop::{BriefLoop, BriefLoopInput, BriefLoopOutput};
pub use merge::Merge;
pub use mine_shard::{MineShard, MineShardInput};
pub use reading::{ReadShard, ReadShardInput, ReadingSettings};
pub use trace_run::{TraceRun, TraceRunInput, TraceRunOutput};

use kernel::Definition;

/// All workflows of the product, ready to register.
#[must_use]
pub fn definitions() -> Vec<Definition> {
    use kernel::WorkflowContract;
    vec![
        Definition::new(TraceRun::TYPE, trace_run::trace_run),
        Definition::new(Merge::TYPE, merge::merge),
        Definition::new(MineShard::TYPE, mine_shard::mine_shard),
        Definition::new(ReadShard::TYPE, reading::read_shard),
        Definition::new(BriefLoop::TYPE, brief_loop::brief_loop),
    ]
}
