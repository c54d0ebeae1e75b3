//! What a chain of events shows that no single event does: signs, and the same call failing in session after session.
//!
//! Neighbours: `detect::chain` finds the signs, rollups and measurements read them. Must not know any format.

use std::collections::{BTreeMap, BTreeSet};

/// Most failed calls remembered.
const CALLS_MAX: usize = 10_000;

/// A sign in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sign {
    /// The line where it became clear.
    pub line: u64,
    /// Its name, such as `doom_loop`.
    pub name: &'static str,
}

/// The calls that failed, by the sessions they failed in. A call is the same when tool, arguments and error are.
#[derive(Clone, Debug, Default)]
pub struct SharedFailures {
    sessions_by_call: BTreeMap<String, BTreeSet<String>>,
}

impl SharedFailures {
    /// Adds the failed calls of a session; gives how many of them failed in another session before.
    ///
    /// ```
    /// let mut shared = trace::chain::SharedFailures::default();
    /// let calls = vec!["call-1".to_owned()];
    /// assert_eq!(shared.add("monday", &calls), 0);
    /// assert_eq!(shared.add("monday", &calls), 0);
    /// assert_eq!(shared.add("friday", &calls), 1);
    /// ```
    pub fn add(&mut self, session_id: &str, failed_calls: &[String]) -> usize {
        let mut repeated = 0;
        for call in failed_calls {
            if self.sessions_by_call.len() >= CALLS_MAX && !self.sessions_by_call.contains_key(call)
            {
                continue;
            }
            let sessions = self.sessions_by_call.entry(call.clone()).or_default();
            repeated += usize::from(sessions.iter().any(|known| known != session_id));
            sessions.insert(session_id.to_owned());
        }
        repeated
    }
}
