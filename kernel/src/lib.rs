//! The law of the engine: history events, commands, decide and replay. Pure.
//!
//! Reading order: [`event`] (what a history holds), [`command`] (what code asks for),
//! [`primitives`] (the total tables), [`run_state`] (the fold), [`mod@decide`] (inputs to
//! transitions), [`machine`] and [`cx`] (workflow code), [`mod@replay`].
//!
//! Nothing in here reads a clock, a file or a random number. Same history in, same commands out.

mod apply;
pub mod chain;
pub mod combine;
pub mod command;
pub mod cx;
pub mod decide;
pub mod event;
pub mod failure;
pub mod ids;
pub mod limits;
pub mod machine;
pub mod marker;
pub mod options;
pub mod origin;
pub mod payload;
pub mod primitives;
pub mod replay;
pub mod reset;
pub mod run_state;
pub mod task_token;
pub mod temporal;
#[cfg(test)]
mod testing;
pub mod visibility;
mod warnings;

pub use chain::{Chain, Initiator, NextAttempt, WorkflowOptions, successor};
pub use combine::{Either, join_all, map_bounded, select};
pub use command::Command;
pub use cx::{
    ActivityContract, Cx, LocalActivityTask, LocalEnd, LogLevel, LogLine, WorkflowContract,
};
pub use decide::{
    ChildOutcome, Input, Rejection, StartRequest, admit_update, check_imported, decide,
    needs_successor, start,
};
pub use event::{
    ActivityPause, AfterReset, Attempts, EventKind, HeartbeatDetails, HistoryEvent, Note,
    ParentRef, Transition,
};
pub use failure::{Failure, FailureKind, Retry, TimeoutType};
pub use ids::{EventId, Millis, RunId, Seq, Timestamp, WorkflowId};
pub use machine::{Definition, Machine, News, Replaying, TurnStart, Validation, WorkflowInfo};
pub use marker::{LocalOutcome, Marker, PatchState};
pub use options::{
    ActivityOptions, ChildOptions, LocalActivityOptions, ParentClosePolicy, RetryPolicy, Semaphore,
};
pub use origin::{Base, Origin, ParentLink, Taking, UpdateRequest};
pub use payload::{Encoding, Payload};
pub use replay::{ReplayError, Replayed, Step, replay, replay_in_steps};
pub use reset::{Edits, Reapply, Refusal, ResetPlan, ResetTo, reset};
pub use run_state::{Corrupt, Outcome, RunState, Stage};
pub use task_token::{BadToken, TaskToken, TokenRefusal};
pub use visibility::{Memo, SearchAttributes, SearchValue};
pub use warnings::warnings;
