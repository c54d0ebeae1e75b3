//! Why a timetable cannot be used, in words that name the field, the value and what is allowed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a timetable is refused. The Display fits after "could not".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SpecError {
    /// A cron expression with too few or too many fields.
    FieldCount {
        /// The whole expression.
        expression: String,
        /// How many it has.
        fields: usize,
    },
    /// A cron expression of one word that is not known.
    Nickname(String),
    /// One field cannot be read.
    Field {
        /// The whole expression, or the name of the calendar.
        expression: String,
        /// Which field.
        field: String,
        /// The part of it that is wrong.
        value: String,
        /// What is allowed there.
        allowed: String,
    },
    /// No such time zone.
    Zone {
        /// The name.
        name: String,
        /// The known name that looks most like it.
        like: Option<String>,
    },
    /// An interval that is too short or too long, or whose phase is not inside it.
    Interval(String),
    /// Nothing that says when.
    Empty,
    /// There is no time in the next hundred years at which it fires.
    NeverFires(String),
    /// The end is not after the start.
    Bounds,
    /// More of something than is allowed.
    TooMany {
        /// Of what.
        what: String,
        /// How many are allowed.
        max: usize,
    },
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldCount { expression, fields } => write!(
                f,
                "read the cron expression {expression:?}: it has {fields} fields, allowed are 5 \
                 (minute hour day-of-month month day-of-week), 6 (second first) or 7 (year last)"
            ),
            Self::Nickname(word) => write!(
                f,
                "read the cron expression {word:?}: known are @yearly, @annually, @monthly, \
                 @weekly, @daily, @midnight and @hourly"
            ),
            Self::Field {
                expression,
                field,
                value,
                allowed,
            } => write!(
                f,
                "read the field {field} of {expression:?}: {value:?} is wrong; {allowed}"
            ),
            Self::Zone { name, like } => {
                write!(
                    f,
                    "find the time zone {name:?} in the IANA database; names are like \
                     Europe/Berlin or UTC"
                )?;
                match like {
                    Some(like) => write!(f, " (did you mean {like}?)"),
                    None => Ok(()),
                }
            }
            Self::Interval(why) => write!(f, "use the interval: {why}"),
            Self::Empty => f.write_str(
                "make a schedule without a time: give a cron expression, an interval or a calendar",
            ),
            Self::NeverFires(what) => write!(
                f,
                "make a schedule that never fires: {what} has no time in the next hundred years \
                 (or before its end)"
            ),
            Self::Bounds => f.write_str("make a schedule whose end is not after its start"),
            Self::TooMany { what, max } => {
                write!(f, "make a schedule with more than {max} {what}")
            }
        }
    }
}

impl std::error::Error for SpecError {}
