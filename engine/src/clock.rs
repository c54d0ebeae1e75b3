//! Time and run ids: the only place of the engine that asks the system for either.

use std::time::{SystemTime, UNIX_EPOCH};

use kernel::{RunId, Timestamp};

/// The system's wall clock, in milliseconds.
#[must_use]
pub fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    Timestamp(millis)
}

/// A new run id: a UUID of version 7, so that run ids sort by the time of their start.
#[must_use]
pub fn new_run_id() -> RunId {
    RunId(uuid::Uuid::now_v7().into_bytes())
}
