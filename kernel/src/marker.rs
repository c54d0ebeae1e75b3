//! Markers: what the code notes in its own history, for replay or for people.
//!
//! Neighbours: `cx` records them, `replay` hands them back before the turn that recorded them.
//! Must not change what a run waits for.

use serde::{Deserialize, Serialize};

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
}

impl Marker {
    /// What it is and what it is called, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Stage { name, .. } => format!("MarkerRecorded(stage {name})"),
            Self::Patch { id, .. } => format!("MarkerRecorded(patch {id})"),
            Self::SideEffect { .. } => "MarkerRecorded(side effect)".to_owned(),
        }
    }

    /// Bytes that count towards the history limit.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Stage { name, .. } => name.len() + 8,
            Self::Patch { id, .. } => id.len() + 1,
            Self::SideEffect { value } => value.data.len(),
        }
    }

    /// Whether the code records what is recorded: the same thing by name. Values may differ.
    pub(crate) fn repeats(&self, recorded: &Self) -> bool {
        match (self, recorded) {
            (Self::Stage { name: a, .. }, Self::Stage { name: b, .. })
            | (Self::Patch { id: a, .. }, Self::Patch { id: b, .. }) => a == b,
            (Self::SideEffect { .. }, Self::SideEffect { .. }) => true,
            (Self::Stage { .. } | Self::Patch { .. } | Self::SideEffect { .. }, _) => false,
        }
    }

    /// Whether code may leave it out on replay: it said itself that it soon would.
    pub(crate) fn may_be_left_out(&self) -> bool {
        match self {
            Self::Patch { state, .. } => *state == PatchState::Deprecated,
            Self::Stage { .. } | Self::SideEffect { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
