//! `decide` for what people do to one activity: count its attempts anew, hold it back, let it go on.
//!
//! Neighbours: `results` routes here. Whether an attempt is running is not recorded, so the engine
//! refuses a reset that would give the number of a running attempt twice.

use super::check::{check_name, check_reason};
use super::input::Rejection;
use crate::event::{ActivityPause, AfterReset, Attempts, HeartbeatDetails, Note, Transition};
use crate::ids::{EventId, Timestamp};
use crate::primitives::{activity, pause};
use crate::run_state::{PendingActivity, RunState};

/// The attempts are counted from 1 again; the first is due at once.
pub(super) fn reset(
    state: &RunState,
    scheduled_event_id: EventId,
    (heartbeat, after): (HeartbeatDetails, AfterReset),
    now: Timestamp,
) -> Result<Transition, Rejection> {
    changeable(state, scheduled_event_id)?;
    Ok(notes(vec![Note::ActivityReset {
        scheduled_event_id,
        at: now,
        heartbeat,
        after,
    }]))
}

/// No further attempt begins; one that runs goes on.
pub(super) fn pause(
    state: &RunState,
    scheduled_event_id: EventId,
    (by, reason): (String, String),
    now: Timestamp,
) -> Result<Transition, Rejection> {
    check_name("whoever pauses an activity", &by)?;
    check_reason(&reason)?;
    let pending = changeable(state, scheduled_event_id)?;
    let next = pending.pause().on(pause::Event::Paused);
    next.map_err(|_| Rejection::ActivityAlreadyPaused(scheduled_event_id))?;
    Ok(notes(vec![Note::ActivityPaused {
        scheduled_event_id,
        pause: ActivityPause {
            since: now,
            by,
            reason,
        },
    }]))
}

/// The next attempt is made when it is due, which may be now.
pub(super) fn unpause(
    state: &RunState,
    scheduled_event_id: EventId,
    attempts: Attempts,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let pending = state.activities.get(&scheduled_event_id);
    let pending = pending.ok_or(Rejection::NotPending(scheduled_event_id))?;
    let next = pending.pause().on(pause::Event::Unpaused);
    next.map_err(|_| Rejection::ActivityNotPaused(scheduled_event_id))?;
    let unpaused = Note::ActivityUnpaused { scheduled_event_id };
    match attempts {
        Attempts::GoOn => Ok(notes(vec![unpaused])),
        Attempts::BeginAgain => {
            changeable(state, scheduled_event_id)?;
            let reset = Note::ActivityReset {
                scheduled_event_id,
                at: now,
                heartbeat: HeartbeatDetails::Keep,
                after: AfterReset::GoesOn,
            };
            Ok(notes(vec![unpaused, reset]))
        }
    }
}

/// An activity that was asked to cancel gets no further attempt: there is nothing to hold or repeat.
fn changeable(state: &RunState, id: EventId) -> Result<&PendingActivity, Rejection> {
    let pending = state.activities.get(&id).ok_or(Rejection::NotPending(id))?;
    let next = pending.state.on(activity::Event::Reset);
    next.map_err(|_| Rejection::AlreadyRequested)?;
    Ok(pending)
}

fn notes(notes: Vec<Note>) -> Transition {
    Transition {
        events: Vec::new(),
        notes,
    }
}
