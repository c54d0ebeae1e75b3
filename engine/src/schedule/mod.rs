//! Schedules: when something is to happen again, and what is to be done then.
//!
//! Reading order: [`spec`] (what a user writes, and the next time after a time), `cron`, `calendar`
//! and `zone` below it. All of it is pure: time comes in as an argument.

mod calendar;
mod civil;
mod cron;
mod error;
pub mod spec;
mod zone;

pub use error::SpecError;
pub use spec::{CalendarSpec, DstRule, Fire, Interval, Range, ScheduleSpec, Timetable};
