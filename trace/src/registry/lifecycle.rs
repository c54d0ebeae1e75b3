//! How a failure stands from run to run: a total table of states and events.
//!
//! | state | seen | seen earlier | quiet | quiet long |
//! | --- | --- | --- | --- | --- |
//! | unknown | new | new | unknown | unknown |
//! | new | ongoing | ongoing | ongoing | resolved |
//! | ongoing | ongoing | ongoing | ongoing | resolved |
//! | resolved | regressed | resolved | resolved | resolved |
//! | regressed | ongoing | regressed | ongoing | resolved |
//!
//! Neighbours: [`super::Registry`] says what happened. Must not count anything.

use serde::{Deserialize, Serialize};

/// How a failure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Seen for the first time in what was read last.
    New,
    /// Known for longer, and not gone.
    Ongoing,
    /// Not seen in as many sessions as it takes.
    Resolved,
    /// Came back after it was resolved.
    Regressed,
}

impl State {
    /// The word in files and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ongoing => "ongoing",
            Self::Resolved => "resolved",
            Self::Regressed => "regressed",
        }
    }
}

/// What newly read sessions tell of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was seen, later than ever before.
    Seen,
    /// It was seen, but before its latest known sighting: old sessions were read late.
    SeenEarlier,
    /// Sessions were read without it, too few to call it gone.
    Quiet,
    /// So many sessions were read without it that it is gone.
    QuietLong,
}

/// The state after an event; `None` is a failure that was never seen.
#[must_use]
pub fn step(state: Option<State>, event: Event) -> Option<State> {
    match state {
        None => match event {
            Event::Seen | Event::SeenEarlier => Some(State::New),
            Event::Quiet | Event::QuietLong => None,
        },
        Some(State::New | State::Ongoing) => match event {
            Event::Seen | Event::SeenEarlier | Event::Quiet => Some(State::Ongoing),
            Event::QuietLong => Some(State::Resolved),
        },
        Some(State::Resolved) => match event {
            Event::Seen => Some(State::Regressed),
            Event::SeenEarlier | Event::Quiet | Event::QuietLong => Some(State::Resolved),
        },
        Some(State::Regressed) => match event {
            Event::Seen | Event::Quiet => Some(State::Ongoing),
            Event::SeenEarlier => Some(State::Regressed),
            Event::QuietLong => Some(State::Resolved),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_event_has_its_outcome() {
        let mut table = String::new();
        let states = [
            None,
            Some(State::New),
            Some(State::Ongoing),
            Some(State::Resolved),
            Some(State::Regressed),
        ];
        for state in states {
            let name = |state: Option<State>| state.map_or("unknown", State::as_str);
            table.push_str(&format!("{}:", name(state)));
            for event in [
                Event::Seen,
                Event::SeenEarlier,
                Event::Quiet,
                Event::QuietLong,
            ] {
                table.push_str(&format!(" {}", name(step(state, event))));
            }
            table.push('\n');
        }
        assert_eq!(
            table,
            "unknown: new new unknown unknown\n\
             new: ongoing ongoing ongoing resolved\n\
             ongoing: ongoing ongoing ongoing resolved\n\
             resolved: regressed resolved resolved resolved\n\
             regressed: ongoing regressed ongoing resolved\n"
        );
    }
}
