//! Circuit breaker: one per named dependency, kept in the store so that a restart remembers it.
//!
//! Closed lets everything through and counts failures in a row. Open lets nothing through until
//! its time. Half-open lets one probe through: its success closes, its failure opens for longer.
//! Pure; the core asks it and stores what it says.

use kernel::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

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
        match self {
            Self::Closed { .. } => Ok(()),
            Self::Open { until, .. } => {
                if now >= until {
                    Ok(())
                } else {
                    Err(until)
                }
            }
            Self::HalfOpen { probe_until, .. } => {
                if now >= probe_until {
                    Ok(())
                } else {
                    Err(probe_until)
                }
            }
        }
    }

    /// The state after `event` at `now`.
    #[must_use]
    pub fn on(self, event: Event, now: Timestamp) -> Self {
        match self {
            Self::Closed { failures } => match event {
                Event::Succeeded => Self::Closed { failures: 0 },
                Event::LetThrough => self,
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
                Event::Succeeded | Event::Failed => self,
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
            (closed(3), Event::Failed, closed(4)),
            (closed(4), Event::Failed, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::Succeeded, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::Failed, open(OPEN_FIRST)),
            (open(OPEN_FIRST), Event::LetThrough, half),
            (half, Event::Succeeded, closed(0)),
            (half, Event::Failed, open(Millis(OPEN_FIRST.0 * 2))),
            (half, Event::LetThrough, half),
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
}
