//! The failures that are planted: what each is, in which agent's sessions, and how it looks.
//!
//! Neighbours: `plants_openclaw`, `plants_claude` and `plants_codex` hold the lists; `plan` spreads
//! them over sessions. Every wording varies as it does in life: ids, paths, numbers and times
//! differ from one occurrence to the next, the cause does not.

use super::chapters::Agent;
use super::manifest::{About, List, Mark};
use super::rng::Rng;
use super::script::Beat;
use super::world::{Place, Words};

/// Something to put into sessions.
pub(crate) struct Plant {
    pub(crate) about: About,
    pub(crate) agent: Agent,
    /// How many sessions it goes into.
    pub(crate) sessions: usize,
    pub(crate) beats: fn(&Scene<'_, '_>, &mut Rng) -> Vec<Beat>,
}

/// Where something is planted.
pub(crate) struct Scene<'a, 'w> {
    pub(crate) place: &'a Place<'w>,
    pub(crate) words: &'a Words,
    pub(crate) mark: Mark,
}

impl Scene<'_, '_> {
    /// The words of this place put into a text.
    pub(crate) fn fill(&self, template: &str) -> String {
        self.place.fill(self.words, template)
    }
}

/// A failure: id, class, tool, what it is, words on its line.
pub(crate) const fn failure(
    id: &'static str,
    class: &'static str,
    tool: &'static str,
    what: &'static str,
    marker: &'static str,
) -> About {
    About {
        list: List::Planted,
        id,
        class,
        tool,
        what,
        marker,
    }
}

/// Everything that is planted in conversations.
pub(crate) fn all() -> Vec<Plant> {
    let mut all = super::plants_openclaw::list();
    all.extend(super::plants_claude::list());
    all.extend(super::plants_codex::list());
    all.extend(super::traps::list());
    all.extend(super::moods::list());
    all
}
