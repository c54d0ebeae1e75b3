//! Circuit breaker: one per named dependency, kept in the store so that a restart remembers it.
//!
//! Closed lets everything through and counts failures in a row. Open lets nothing through until
//! its time. Half-open lets one probe through: its success closes, its failure opens for longer.
//! Pure; the core asks it and stores what it says.

use std::borrow::Cow;

use kernel::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use state::blob::Digest;

/// Failures in a row that open a breaker.
pub const FAILURES_TO_OPEN: u32 = 5;
/// How long it stays open the first time.
pub const OPEN_FIRST: Millis = Millis(30_000);
/// It never stays open longer.
pub const OPEN_MAX: Millis = Millis(600_000);

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Everything passes.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// Nothing passes.
    Open {
        /// Until when.
        until: Timestamp,
        /// How long this opening lasts, for the next one to be longer.
        lasting: Millis,
    },
    /// One probe is out.
    HalfOpen {
        /// When the probe is given up and another may go.
        probe_until: Timestamp,
        /// How long the last opening lasted.
        lasting: Millis,
    },
}

/// What can happen to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The dependency answered, were it with a refusal of what was asked.
    Succeeded,
    /// The dependency failed.
    Failed,
    /// Somebody was let through.
    LetThrough,
    /// Somebody who was let through came back without having learnt anything: canceled, or lost.
    Released,
}

/// Longest name that is its own key; longer ones do not fit into the store.
const KEY_BYTES_MAX: usize = 512;

/// The key of a dependency's breaker: its name, or for a very long name the digest of it.
pub(crate) fn key_of(name: &str) -> Cow<'_, str> {
    if name.len() <= KEY_BYTES_MAX {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(Digest::of(name.as_bytes()).to_string())
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl State {
    /// Whether an attempt may go now; if not, when to ask again.
    ///
    /// # Errors
    /// The time before which nothing passes.
    pub fn admit(self, now: Timestamp) -> Result<(), Timestamp> {
        // A wait that is longer than any that was set tells of a clock that went backwards since.
        let (until, longest) = match self {
            Self::Closed { .. } => return Ok(()),
            Self::Open { until, lasting } => (until, lasting),
            Self::HalfOpen { probe_until, .. } => (probe_until, OPEN_FIRST),
        };
        if now >= until || until.since(now) > longest {
            Ok(())
        } else {
            Err(until)
        }
    }

    /// The state after `event` at `now`.
    #[must_use]
    pub fn on(self, event: Event, now: Timestamp) -> Self {
        match self {
            Self::Closed { failures } => match event {
                Event::Succeeded => Self::Closed { failures: 0 },
                Event::LetThrough | Event::Released => self,
                Event::Failed if failures + 1 >= FAILURES_TO_OPEN => Self::Open {
                    until: now.after(OPEN_FIRST),
                    lasting: OPEN_FIRST,
                },
                Event::Failed => Self::Closed {
                    failures: failures + 1,
                },
            },
            Self::Open { lasting, .. } => match event {
                Event::LetThrough => Self::HalfOpen {
                    probe_until: now.after(OPEN_FIRST),
                    lasting,
                },
                // Late results of attempts that went before it opened.
                Event::Succeeded | Event::Failed | Event::Released => self,
            },
            Self::HalfOpen { lasting, .. } => match event {
                Event::Succeeded => Self::Closed { failures: 0 },
                Event::Failed => {
                    let longer = Millis((lasting.0.saturating_mul(2)).min(OPEN_MAX.0));
                    Self::Open {
                        until: now.after(longer),
                        lasting: longer,
                    }
                }
                Event::LetThrough => Self::HalfOpen {
                    probe_until: now.after(OPEN_FIRST),
                    lasting,
                },
                // The next one may try at once.
                Event::Released => Self::Open {
                    until: now,
                    lasting,
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_000_000);

    #[test]
    fn every_state_and_event_pair_has_the_recorded_outcome() {
        let until = T.after(OPEN_FIRST);
        let closed = |failures| State::Closed { failures };
        let open = |lasting| State::Open {
            until: T.after(lasting),
            lasting,
        };
        let half = State::HalfOpen {
            probe_until: until,
            lasting: OPEN_FIRST,
        };
        let table = [
            (closed(3), Event::Succeeded, closed(0)),
            (closed(3), Event::LetThrough, closed(3)),
            (closed(3), Event::Released, closed(3)),
            (closed(3), Event::Failed, closed(4)),
            (closed(4), Event::Failed, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::Succeeded, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::Failed, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::LetThrough, half),
            (open(OPEN_FIRST), Event::Released, open(OPEN_FIRST)),
            (half, Event::Succeeded, closed(0)),
            (half, Event::Failed, open(Millis(OPEN_FIRST.0 * 2))),
            (half, Event::LetThrough, half),
            (
                half,
                Event::Released,
                State::Open {
                    until: T,
                    lasting: OPEN_FIRST,
                },
            ),
        ];
        for (state, event, expected) in table {
            assert_eq!(state.on(event, T), expected, "{state:?} {event:?}");
        }
    }

    #[test]
    fn an_open_breaker_admits_nobody_before_its_time_and_a_lost_probe_does_not_block_for_ever() {
        let open = State::Open {
            until: Timestamp(50),
            lasting: OPEN_FIRST,
        };
        assert_eq!(open.admit(Timestamp(49)), Err(Timestamp(50)));
        assert_eq!(open.admit(Timestamp(50)), Ok(()));
        let half = State::HalfOpen {
            probe_until: Timestamp(80),
            lasting: OPEN_FIRST,
        };
        assert_eq!(half.admit(Timestamp(79)), Err(Timestamp(80)));
        assert_eq!(half.admit(Timestamp(80)), Ok(()));
    }
    #[test]
    fn a_clock_that_went_backwards_does_not_keep_a_breaker_open() {
        let set_at = Timestamp(1_000_000_000);
        let open = State::Open {
            until: set_at.after(OPEN_FIRST),
            lasting: OPEN_FIRST,
        };
        assert_eq!(open.admit(set_at), Err(set_at.after(OPEN_FIRST)));
        assert_eq!(open.admit(Timestamp(1_000)), Ok(()));
        let half = open.on(Event::LetThrough, set_at);
        assert_eq!(half.admit(set_at), Err(set_at.after(OPEN_FIRST)));
        assert_eq!(half.admit(Timestamp(1_000)), Ok(()));
    }

    #[test]
    fn the_key_of_a_breaker_fits_into_the_store_however_long_its_name_is() {
        assert_eq!(key_of("mail"), "mail");
        let (one, other) = ("a".repeat(513), "a".repeat(514));
        assert!(key_of(&one).len() <= KEY_BYTES_MAX);
        assert_ne!(key_of(&one), key_of(&other));
    }
}
