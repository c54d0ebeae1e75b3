//! The workflow code's side of the machine: every effect it may have goes through [`Cx`].

mod calls;
mod futures;
mod handlers;
mod local;
mod log;
mod recall;
mod scope;
mod shared;
mod visibility;

pub use calls::{ActivityContract, Cx, WorkflowContract};
pub use futures::{Canceled, NextSignal, Operation};
pub(crate) use handlers::HandlerFuture;
pub use local::{LocalActivityTask, LocalEnd, LocalOperation};
pub use log::{LogLevel, LogLine};
pub(crate) use shared::{Inner, Shared};
