//! What can be asked of schedules, and what is answered.
//!
//! Requests are plain data: they travel to the core, and over a socket as they are.

use std::fmt;

use kernel::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::SpecError;
use super::record::{Action, Overlap, Policies, Schedule};
use super::spec::ScheduleSpec;

/// A schedule to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSchedule {
    /// Its name.
    pub id: String,
    /// When it fires.
    pub spec: ScheduleSpec,
    /// What a fire does.
    pub action: Action,
    /// How.
    pub policies: Policies,
    /// Whether it begins paused.
    pub paused: bool,
    /// For the reader.
    pub note: String,
    /// Starts that its times may make; no limit if there is none.
    pub remaining: Option<u64>,
}

impl NewSchedule {
    /// A schedule that begins at once, without limits, with the default policies.
    #[must_use]
    pub fn new(id: &str, spec: ScheduleSpec, action: Action) -> Self {
        Self {
            id: id.to_owned(),
            spec,
            action,
            policies: Policies::default(),
            paused: false,
            note: String::new(),
            remaining: None,
        }
    }
}

/// What is to be changed of a schedule; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// When it fires.
    pub spec: Option<ScheduleSpec>,
    /// What a fire does.
    pub action: Option<Action>,
    /// How.
    pub policies: Option<Policies>,
    /// For the reader.
    pub note: Option<String>,
    /// Starts that its times may still make.
    pub remaining: Option<Remaining>,
}

/// How many starts the times of a schedule may still make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remaining {
    /// Any number.
    Unlimited,
    /// So many.
    Times(u64),
}

/// The times of a range to be run, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// The first.
    pub from: Timestamp,
    /// The last; not later than now.
    pub to: Timestamp,
    /// What its starts do when a run is open; the schedule's own policy if there is none.
    pub overlap: Option<Overlap>,
}

/// A question about schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Make one.
    Create(Box<NewSchedule>),
    /// Change one.
    Update {
        /// Which.
        id: String,
        /// What.
        change: Box<Update>,
    },
    /// Let its times do nothing.
    Pause {
        /// Which.
        id: String,
        /// Why.
        note: String,
    },
    /// Let its times do something again, from now on.
    Unpause {
        /// Which.
        id: String,
        /// Why.
        note: String,
    },
    /// Start one run now.
    Trigger {
        /// Which.
        id: String,
        /// What it does when a run is open; the schedule's own policy if there is none.
        overlap: Option<Overlap>,
    },
    /// Run the times of a range.
    Backfill {
        /// Which.
        id: String,
        /// What.
        range: Backfill,
    },
    /// Forget it. Its open runs go on.
    Delete {
        /// Which.
        id: String,
    },
    /// Say how it stands.
    Describe {
        /// Which.
        id: String,
    },
    /// Say how all stand, by name.
    List,
}

/// How a schedule stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its record.
    pub schedule: Schedule,
    /// The next ten times, jitter aside; none while it is paused or used up.
    pub next: Vec<Timestamp>,
    /// Why it cannot be worked on, if so.
    pub problem: Option<String>,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether schedules fire in this process. Where they do not, requests are recorded and are
    /// carried out by the next process that does.
    pub active: bool,
    /// What was asked for.
    pub body: Body,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// It is done and durable; this is how the schedule stands now, or stood when it was deleted.
    One(Box<Description>),
    /// All of them.
    All(Vec<Description>),
    /// It is not done.
    Refused(Error),
}

/// Why something could not be done. The Display fits after "could not".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Error {
    /// There is a schedule of that name.
    Exists(String),
    /// There is none.
    NotFound(String),
    /// The name is no name.
    Id(String),
    /// The times are wrong.
    Spec(SpecError),
    /// Something is larger than allowed, or out of its range, and what.
    Limit(String),
    /// The record cannot be read by this binary, and why.
    Unreadable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(id) => write!(f, "make schedule {id:?}: there is one of that name"),
            Self::NotFound(id) => write!(f, "find schedule {id:?}"),
            Self::Id(id) => write!(
                f,
                "use {id:?} as a schedule's name: allowed are 1 to 200 bytes without control \
                 characters"
            ),
            Self::Spec(error) => error.fmt(f),
            Self::Limit(what) => write!(f, "do it: {what}"),
            Self::Unreadable(why) => write!(f, "read the schedule: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Self::Spec(error)
    }
}

/// That a duration is at least another, as an error of the request.
pub(super) fn at_least(what: &str, value: Millis, min: Millis) -> Result<(), Error> {
    if value >= min {
        return Ok(());
    }
    Err(Error::Limit(format!(
        "{what} is {} ms, allowed are at least {} ms",
        value.0, min.0
    )))
}
