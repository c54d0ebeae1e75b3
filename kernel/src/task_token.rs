//! Task tokens: what an attempt hands to whoever will complete its activity from elsewhere.
//!
//! A token names one attempt and the count of resets before it, so that the word of an attempt that
//! is over is told from the word of the current one. It is a name, not a key: it opens nothing for
//! whoever cannot reach the engine. Neighbours: `run_state` is what it is held against.

use std::fmt;
use std::str::FromStr;

use crate::ids::{EventId, RunId};
use crate::primitives::workflow_execution;
use crate::run_state::{PendingActivity, RunState};

/// Names the version: another layout gets another prefix.
const PREFIX: &str = "at1-";
/// Run id, event, attempt, resets, checksum.
const BYTES: usize = 16 + 8 + 4 + 4 + 4;

/// One attempt of one activity, for somebody who completes it from elsewhere.
///
/// ```
/// use kernel::{BadToken, EventId, RunId, TaskToken};
///
/// let token = TaskToken {
///     run_id: RunId([7; 16]),
///     scheduled_event_id: EventId(3),
///     attempt: 1,
///     resets: 0,
/// };
/// let text = token.to_string();
/// assert_eq!(text.parse(), Ok(token));
/// assert_eq!(text.replace("03", "04").parse::<TaskToken>(), Err(BadToken::Damaged));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskToken {
    /// The run.
    pub run_id: RunId,
    /// The `ActivityTaskScheduled` event.
    pub scheduled_event_id: EventId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How often the activity had been reset when the attempt began.
    pub resets: u32,
}

impl TaskToken {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.run_id.0);
        bytes.extend(self.scheduled_event_id.0.to_be_bytes());
        bytes.extend(self.attempt.to_be_bytes());
        bytes.extend(self.resets.to_be_bytes());
        bytes.extend(checksum(&bytes).to_be_bytes());
        bytes
    }
}

/// FNV-1a: it finds slips of the hand, and need not find more.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

impl fmt::Display for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for byte in self.bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for TaskToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let Some(digits) = text.strip_prefix(PREFIX) else {
            let version = text
                .strip_prefix("at")
                .and_then(|rest| rest.split_once('-'));
            let is_other = version.is_some_and(|(n, _)| n.parse::<u32>().is_ok());
            return Err(if is_other {
                BadToken::OtherVersion
            } else {
                BadToken::NotAToken
            });
        };
        let bytes = hex(digits).ok_or(BadToken::Damaged)?;
        let (body, sum) = bytes.split_at(BYTES - 4);
        let token = Self {
            run_id: RunId(field(body, 0)),
            scheduled_event_id: EventId(u64::from_be_bytes(field(body, 16))),
            attempt: u32::from_be_bytes(field(body, 24)),
            resets: u32::from_be_bytes(field(body, 28)),
        };
        if checksum(body).to_be_bytes() != sum {
            return Err(BadToken::Damaged);
        }
        Ok(token)
    }
}

fn hex(digits: &str) -> Option<[u8; BYTES]> {
    if digits.len() != 2 * BYTES {
        return None;
    }
    let mut digits = digits.chars().map(|digit| digit.to_digit(16));
    let mut bytes = [0_u8; BYTES];
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0_u8; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

/// Why a text is no token. The Display fits after "could not".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// It does not look like one.
    NotAToken,
    /// Another version of the engine made it.
    OtherVersion,
    /// It is cut off or mistyped.
    Damaged,
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAToken => {
                "read the task token: it begins with at1-, as the activity's context gives it; look \
                 where the activity left it"
            }
            Self::OtherVersion => {
                "read the task token: another version of the engine made it; describe the run to get \
                 one of this version"
            }
            Self::Damaged => {
                "read the task token: it is cut off or mistyped; copy the whole of it again"
            }
        })
    }
}

impl std::error::Error for BadToken {}

/// Why the word of a token's bearer changes nothing. The Display fits after "could not".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// The store has no such run.
    UnknownRun(RunId),
    /// The run has ended.
    RunClosed(RunId, workflow_execution::State),
    /// The activity has ended: completed, failed, timed out or canceled.
    ActivityEnded(EventId),
    /// The attempt is over, and another is current.
    OldAttempt {
        /// The current attempt.
        current: u32,
        /// The attempt of the token.
        got: u32,
    },
    /// The activity was reset after the attempt had begun.
    Reset(EventId),
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRun(run_id) => write!(
                f,
                "use the token: there is no run {run_id} here; it was deleted, or the token is of \
                 another state directory: name that one"
            ),
            Self::RunClosed(run_id, status) => write!(
                f,
                "use the token: run {run_id} has ended ({status:?}) and takes no results; stop the \
                 work, and look at the run's history for how it ended"
            ),
            Self::ActivityEnded(id) => write!(
                f,
                "use the token: activity {id} has ended, by a result, a timeout or a cancellation; \
                 stop the work, and look at the run's history for which"
            ),
            Self::OldAttempt { current, got } => write!(
                f,
                "use the token: it is of attempt {got}, and attempt {current} is the current one; \
                 stop the work, and use the token of attempt {current}"
            ),
            Self::Reset(id) => write!(
                f,
                "use the token: activity {id} was reset after this attempt had begun; stop the work, \
                 and use the token of the attempt that follows"
            ),
        }
    }
}

impl std::error::Error for TokenRefusal {}

impl RunState {
    /// The token of the attempt of an activity that is running or due next; `None` when no such
    /// activity is pending.
    #[must_use]
    pub fn task_token(&self, scheduled_event_id: EventId) -> Option<TaskToken> {
        let pending = self.activities.get(&scheduled_event_id)?;
        Some(TaskToken {
            run_id: self.run_id,
            scheduled_event_id,
            attempt: pending.attempt,
            resets: pending.resets,
        })
    }

    /// The activity whose current attempt a token names.
    ///
    /// # Errors
    /// Each reason for refusing it has its own: see [`TokenRefusal`].
    pub fn of_token(&self, token: &TaskToken) -> Result<&PendingActivity, TokenRefusal> {
        if self.run_id != token.run_id {
            return Err(TokenRefusal::UnknownRun(token.run_id));
        }
        if self.is_closed() {
            return Err(TokenRefusal::RunClosed(self.run_id, self.status));
        }
        let id = token.scheduled_event_id;
        let pending = self.activities.get(&id);
        let pending = pending.ok_or(TokenRefusal::ActivityEnded(id))?;
        if pending.resets != token.resets {
            return Err(TokenRefusal::Reset(id));
        }
        if pending.attempt != token.attempt {
            return Err(TokenRefusal::OldAttempt {
                current: pending.attempt,
                got: token.attempt,
            });
        }
        Ok(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> TaskToken {
        TaskToken {
            run_id: RunId([0xab; 16]),
            scheduled_event_id: EventId(u64::MAX),
            attempt: 3,
            resets: 2,
        }
    }

    #[test]
    fn a_token_reads_back_what_it_prints() {
        let text = token().to_string();
        assert!(text.is_ascii() && !text.contains(' '), "{text}");
        assert_eq!(text.parse(), Ok(token()));
        let other = TaskToken {
            resets: 3,
            ..token()
        };
        assert_ne!(text, other.to_string());
    }

    #[test]
    fn every_single_slip_is_found() {
        let text = token().to_string();
        for (at, _) in text.char_indices().skip(PREFIX.len()) {
            let mut slip = text.clone();
            let digit = if &text[at..=at] == "0" { "1" } else { "0" };
            slip.replace_range(at..=at, digit);
            assert_eq!(slip.parse::<TaskToken>(), Err(BadToken::Damaged), "{slip}");
            assert_eq!(text[..at].parse::<TaskToken>(), Err(BadToken::Damaged));
        }
        assert_eq!(
            format!("{text}0").parse::<TaskToken>(),
            Err(BadToken::Damaged)
        );
    }

    #[test]
    fn garbage_is_told_from_another_version() {
        for garbage in ["", "at", "at-", "atx-00", "hello", "AT1-00", "ät1-00", "\0"] {
            assert_eq!(
                garbage.parse::<TaskToken>(),
                Err(BadToken::NotAToken),
                "{garbage}"
            );
        }
        assert_eq!("at2-00".parse::<TaskToken>(), Err(BadToken::OtherVersion));
        assert_eq!("at1-".parse::<TaskToken>(), Err(BadToken::Damaged));
        let wide = format!("at1-{}", "é".repeat(BYTES));
        assert_eq!(wide.parse::<TaskToken>(), Err(BadToken::Damaged));
    }
}
