//! What an outsider sees of an error: five kinds, each with an exit code, and a hint.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The run failed.
    Failed,
    /// Wrong use or configuration.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Busy or not reachable: try again.
    Busy,
    /// Our fault.
    Internal,
}

/// An error for a person: what could not be done, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FaceError {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl FaceError {
    pub(crate) fn new(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message, hint)
    }

    pub(crate) fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message, hint)
    }

    pub(crate) fn busy(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Busy, message, hint)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let hint = "this is a defect: run again with -v and report what it says";
        Self::new(Kind::Internal, message, hint)
    }

    /// The exit code of the contract.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotFound => 3,
            Kind::Busy => 4,
            Kind::Internal => 70,
        }
    }
}

impl fmt::Display for FaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl From<state::store::Error> for FaceError {
    fn from(error: state::store::Error) -> Self {
        use state::store::Error as E;
        let message = format!("could not {error}");
        match error {
            E::Io { .. } => Self::new(
                Kind::Failed,
                message,
                "check the disk (space, permissions) and run again",
            ),
            E::Corrupt { .. } => {
                Self::new(Kind::Failed, message, "`openclaw-trace doctor` tells more")
            }
            E::Owned { .. } => Self::busy(message, "wait for it, or use another --state directory"),
            E::Locked { .. } => Self::usage(
                message,
                "give its keys with --key-file FILE or in OPENCLAW_TRACE_KEY (the one that writes first), or name \
                 another directory with --state",
            ),
            E::Closed => Self::new(
                Kind::Failed,
                message,
                "check the disk (space, permissions), then run the same command again: nothing that \
                 was finished is lost",
            ),
            _ => Self::new(Kind::Failed, message, "run the same command again"),
        }
    }
}

impl From<engine::ClientError> for FaceError {
    fn from(error: engine::ClientError) -> Self {
        use engine::ClientError as E;
        match error {
            E::Store(error) => error.into(),
            E::NotFound | E::NotOpen => Self::not_found(
                format!("could not {error}"),
                "`openclaw-trace list` shows all runs",
            ),
            E::Schedule(engine::schedule::Error::NotFound(_)) => Self::not_found(
                format!("could not {error}"),
                "`openclaw-trace schedule list` shows all schedules",
            ),
            E::Schedule(_) => Self::usage(
                format!("could not {error}"),
                "`openclaw-trace schedule create --help` shows how times are written",
            ),
            E::TokenRefused(kernel::TokenRefusal::UnknownRun(_)) => Self::not_found(
                format!("could not {error}"),
                "--state DIR names the state directory; `openclaw-trace list` shows its runs",
            ),
            E::BadToken(_) | E::TokenRefused(_) => Self::usage(
                format!("could not {error}"),
                "`openclaw-trace status ID` shows the token that its run waits for, if it waits for one",
            ),
            E::AlreadyRunning(_) | E::Rejected(_) => Self::usage(
                format!("could not {error}"),
                "`openclaw-trace status` shows how it stands",
            ),
            E::Stopped(why) => Self::new(
                Kind::Failed,
                format!("the engine stopped: {why}"),
                "check the disk (space, permissions) if that is what failed, then run the same command \
                 again: nothing that was acknowledged is lost",
            ),
            other => Self::internal(format!("could not {other}")),
        }
    }
}
