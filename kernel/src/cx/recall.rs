//! What the code noted for itself: patches, side effects. On replay it is handed back.
//!
//! Neighbours: `shared` owns one of these, `replay` fills it before each turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::local::LocalEnd;
use super::shared::Inner;
use crate::command::Command;
use crate::machine::Replaying;
use crate::marker::{Marker, PatchState};
use crate::payload::Payload;

/// Notes of the past, and answers that were given.
#[derive(Default)]
pub(super) struct Recall {
    /// Patches that the history has, up to the turn that is replayed.
    recorded_patches: BTreeSet<String>,
    /// What the code was told; a run never changes its mind.
    answers: BTreeMap<String, Answer>,
    /// Values of side effects in the turn that is replayed, in order.
    side_effects: VecDeque<Payload>,
}

/// Which side of a patch a run is on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    New,
    Old,
}

impl Inner {
    /// Hands back what the turn that comes next recorded when it was made.
    pub(crate) fn recall<'a>(&mut self, markers: impl Iterator<Item = &'a Marker>) {
        self.recall.side_effects.clear();
        self.locals.recorded.clear();
        for marker in markers {
            match marker {
                Marker::Patch { id, .. } => {
                    self.recall.recorded_patches.insert(id.clone());
                }
                Marker::SideEffect { value } => {
                    self.recall.side_effects.push_back(value.clone());
                }
                Marker::LocalActivity {
                    seq,
                    attempt,
                    outcome,
                    ..
                } => self.locals.recorded.push_back(LocalEnd {
                    seq: *seq,
                    attempt: *attempt,
                    outcome: outcome.clone(),
                }),
                Marker::Stage { .. } => {}
            }
        }
    }

    /// Whether the run takes the new side of a patch. Where it does for the first time, that is
    /// recorded; a run that passed the place before the patch was written stays on the old side.
    pub(crate) fn is_patched(&mut self, id: &str, state: PatchState) -> bool {
        if let Some(answer) = self.recall.answers.get(id) {
            return *answer == Answer::New;
        }
        let is_new = self.replaying == Replaying::No || self.recall.recorded_patches.contains(id);
        if self.is_reading() {
            return is_new;
        }
        let answer = if is_new { Answer::New } else { Answer::Old };
        self.recall.answers.insert(id.to_owned(), answer);
        if is_new {
            let id = id.to_owned();
            let marker = Marker::Patch { id, state };
            self.command(Command::RecordMarker { marker });
        }
        is_new
    }

    /// The recorded value of the side effect that comes next, on replay.
    pub(crate) fn recorded_side_effect(&mut self) -> Option<Payload> {
        match self.replaying {
            Replaying::Yes => self.recall.side_effects.pop_front(),
            Replaying::No => None,
        }
    }

    pub(crate) fn record_side_effect(&mut self, value: Payload) {
        let marker = Marker::SideEffect { value };
        self.command(Command::RecordMarker { marker });
    }
}
