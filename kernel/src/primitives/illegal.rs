//! What a table answers when an event makes no sense in a state.

use std::fmt;

/// An event that cannot happen in this state: a broken history or a bug, never a user's mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// Which primitive.
    pub primitive: &'static str,
    /// The state it was in.
    pub state: String,
    /// The event that came.
    pub event: String,
}

impl Illegal {
    pub(crate) fn new(
        primitive: &'static str,
        state: &dyn fmt::Debug,
        event: &dyn fmt::Debug,
    ) -> Self {
        Self {
            primitive,
            state: format!("{state:?}"),
            event: format!("{event:?}"),
        }
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot be {} while {}",
            self.primitive, self.event, self.state
        )
    }
}

impl std::error::Error for Illegal {}
