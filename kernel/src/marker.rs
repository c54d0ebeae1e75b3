//! Markers: what the code notes in its own history, for replay or for people.
//!
//! Neighbours: `cx` records them, `replay` hands them back before the turn that recorded them.
//! Must not change what a run waits for.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{Millis, Seq};
use crate::payload::Payload;

/// Whether code before a patch may still be needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatchState {
    /// The code has both sides of the patch.
    Active,
    /// The code has the new side only, and will soon not ask any more.
    Deprecated,
}

/// Something the workflow noted for itself or for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Marker {
    /// A stage of the workflow's graph, or a new total for it.
    Stage {
        /// Its name, unique in the run.
        name: String,
        /// How many activities or children will count towards it; `None` while not known.
        total: Option<u64>,
    },
    /// The run took the new side of a change of its code.
    Patch {
        /// The name of the change.
        id: String,
        /// Whether the old side was there still.
        state: PatchState,
    },
    /// A value that the code made once and must not make again.
    SideEffect {
        /// The value.
        value: Payload,
    },
    /// A local activity ended, or waits for long.
    LocalActivity {
        /// Which operation of the body.
        seq: Seq,
        /// The registered name of the activity.
        activity_type: String,
        /// The attempt that this tells of, from 1.
        attempt: u32,
        /// How it ended.
        outcome: LocalOutcome,
    },
}

/// How a local activity ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalOutcome {
    /// With a value.
    Completed(Payload),
    /// With a failure that is not tried again.
    Failed(Failure),
    /// It is tried again after a wait too long to be kept in memory: a timer follows.
    BackOff {
        /// How the last attempt failed.
        failure: Failure,
        /// How long it waits.
        delay: Millis,
    },
}

impl Marker {
    /// What it is and what it is called, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Stage { name, .. } => format!("MarkerRecorded(stage {name})"),
            Self::Patch { id, .. } => format!("MarkerRecorded(patch {id})"),
            Self::SideEffect { .. } => "MarkerRecorded(side effect)".to_owned(),
            Self::LocalActivity { activity_type, .. } => {
                format!("MarkerRecorded(local activity {activity_type})")
            }
        }
    }

    /// Bytes that count towards the history limit.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Stage { name, .. } => name.len() + 8,
            Self::Patch { id, .. } => id.len() + 1,
            Self::SideEffect { value } => value.data.len(),
            Self::LocalActivity {
                activity_type,
                outcome,
                ..
            } => activity_type.len() + outcome.size_bytes() + 8,
        }
    }

    /// Whether the code records what is recorded: the same thing by name. Values may differ.
    pub(crate) fn repeats(&self, recorded: &Self) -> bool {
        match (self, recorded) {
            (Self::Stage { name: a, .. }, Self::Stage { name: b, .. })
            | (Self::Patch { id: a, .. }, Self::Patch { id: b, .. }) => a == b,
            (Self::SideEffect { .. }, Self::SideEffect { .. }) => true,
            (
                Self::LocalActivity {
                    seq: a,
                    activity_type: this,
                    ..
                },
                Self::LocalActivity {
                    seq: b,
                    activity_type: that,
                    ..
                },
            ) => a == b && this == that,
            (
                Self::Stage { .. }
                | Self::Patch { .. }
                | Self::SideEffect { .. }
                | Self::LocalActivity { .. },
                _,
            ) => false,
        }
    }

    /// Whether code may leave it out on replay: it said itself that it soon would.
    pub(crate) fn may_be_left_out(&self) -> bool {
        match self {
            Self::Patch { state, .. } => *state == PatchState::Deprecated,
            Self::Stage { .. } | Self::SideEffect { .. } | Self::LocalActivity { .. } => false,
        }
    }
}

impl LocalOutcome {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Completed(value) => value.counted_bytes(),
            Self::Failed(failure) => failure.size_bytes(),
            Self::BackOff { failure, .. } => failure.size_bytes() + 8,
        }
    }
}

#[cfg(test)]
mod tests;
