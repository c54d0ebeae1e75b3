//! Newtypes for every id and time of the engine.
//!
//! Neighbours: everything. Must not know where ids come from: the engine makes run ids and reads
//! clocks, the kernel only carries them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name a user gives to a workflow execution; unique among open runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkflowId(pub String);

impl WorkflowId {
    /// Makes an id from anything that is text.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run of a workflow id: 16 bytes, shown as a UUID (version 7, so run ids sort by start).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub [u8; 16]);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, BadRunId> {
        let mut bytes = [0_u8; 16];
        let mut digits = text.bytes().filter(|b| *b != b'-');
        for byte in &mut bytes {
            let (high, low) = (digits.next(), digits.next());
            let digit = |d: Option<u8>| d.and_then(|d| char::from(d).to_digit(16));
            let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                return Err(BadRunId);
            };
            *byte = u8::try_from(high * 16 + low).map_err(|_| BadRunId)?;
        }
        if digits.next().is_some() {
            return Err(BadRunId);
        }
        Ok(Self(bytes))
    }
}

/// The text is not 32 hexadecimal digits with optional dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRunId;

impl fmt::Display for BadRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run id is 32 hexadecimal digits, as in 019a8d2e-6f1c-7b3a-9c55-0f6d1e2a3b4c")
    }
}

impl std::error::Error for BadRunId {}

/// Position of an event in a history, from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct EventId(pub u64);

impl EventId {
    /// The id after this one; the last possible id stays, so that no input can make it overflow.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The n-th durable operation that a workflow body began, from 1. It ties a command to its result.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Seq(pub u32);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time moved later by a duration; stays at the end of time on overflow.
    #[must_use]
    pub fn after(self, duration: Millis) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.0).unwrap_or(i64::MAX)),
        )
    }

    /// Milliseconds from `earlier` to this time, zero when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A duration in milliseconds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Millis(pub u64);

impl Millis {
    /// A number of seconds.
    #[must_use]
    pub fn seconds(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_reads_back_what_it_prints() {
        let id = RunId([1, 0x9a, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255]);
        assert_eq!(id.to_string(), "019a0304-0506-0708-090a-0b0c0d0e0fff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("019a".parse::<RunId>(), Err(BadRunId));
        assert_eq!(format!("{id}00").parse::<RunId>(), Err(BadRunId));
    }

    #[test]
    fn a_clock_that_went_backwards_gives_zero_not_a_panic() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
        assert_eq!(
            Timestamp(i64::MAX).after(Millis(u64::MAX)),
            Timestamp(i64::MAX)
        );
    }
}
