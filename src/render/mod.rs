//! Views as text for a terminal.

mod events;
mod explain;
pub(crate) mod graph;
mod reset;
mod schedules;
mod status;
mod summary;
mod text;

pub(crate) use events::{history_json, history_text};
pub(crate) use explain::explanation;
pub(crate) use reset::{reset_json, reset_text};
pub(crate) use schedules::{schedule, schedules};
pub(crate) use status::{counts, runs, status};
pub(crate) use summary::run_summary;
pub(crate) use text::plain;
