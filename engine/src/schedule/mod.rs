//! Schedules: when something is to happen again, and what is to be done then.
//!
//! Reading order: [`spec`] (what a user writes, and the next time after a time), `cron`, `calendar`
//! and `zone` below it, [`record`] (one durable schedule), `step` (what a schedule does at a time),
//! [`request`] (what can be asked of schedules), `client`. All of it is pure but `client`: time
//! comes in as an argument. `core::schedules` starts the runs and writes the records.

mod calendar;
pub(crate) mod civil;
mod client;
mod cron;
mod error;
pub mod record;
pub mod request;
pub mod spec;
mod step;
mod zone;

pub use error::SpecError;
pub use record::{Action, Overlap, Policies, Schedule, ScheduleId};
pub use request::{
    Answer, Backfill, Body, Description, Error, NewSchedule, Remaining, Request, Update,
};
pub use spec::{CalendarSpec, DstRule, Fire, Interval, Range, ScheduleSpec, Timetable};
pub(crate) use step::{Closed, Do, Step};
