//! The registry read through aliases: fingerprints that stand for one failure are counted as one.
//!
//! Neighbours: [`super::Registry`] keeps every fingerprint by itself, [`super::aliases`] says which belong together.
//! Nothing here changes either, so a merge that is taken back leaves no trace. Must not know who merged, or why.

use std::collections::{BTreeMap, BTreeSet};

use super::aliases::{Aliases, Candidate};
use super::lifecycle::State;
use super::{Absent, Entry, Registry, Standing, lower, raise};
use crate::naming::{self, Named};
use crate::scrub::Scrubbed;

impl Registry {
    /// How the failure stands that a head and its aliases are; `None` when none of them was ever seen.
    #[must_use]
    pub fn group(&self, head: &str, aliases: &Aliases) -> Option<Standing> {
        let mut ids = aliases.aliases_of(head);
        ids.push(head);
        self.joined(&ids)
    }

    fn joined(&self, ids: &[&str]) -> Option<Standing> {
        let mut members = ids.iter().filter_map(|id| self.entries.get(*id));
        let first = members.next()?;
        let rest: Vec<&Entry> = members.collect();
        if rest.is_empty() {
            return Some(self.standing_of(first));
        }
        let mut joined = first.clone();
        for member in &rest {
            join(&mut joined, member);
        }
        let has_one = |seen: &super::SessionFacts| ids.iter().any(|id| seen.seen.contains_key(*id));
        let sessions = self.sessions.values().filter(|facts| has_one(facts));
        joined.sessions = u64::try_from(sessions.count()).unwrap_or(u64::MAX);
        let mut standing = self.standing_of(&joined);
        let wordings = rest.len() + 1;
        if joined.state == State::Resolved
            && standing.quiet_sessions < standing.quiet_sessions_needed
        {
            standing.because =
                format!("each of its {wordings} wordings was called resolved by itself");
        } else {
            standing.because = format!("{}; {wordings} wordings together", standing.because);
        }
        Some(standing)
    }

    /// Failures that are not in `present`, the one seen last first, at most `n`. An alias is told with its head.
    #[must_use]
    pub fn absent(&self, present: &BTreeSet<&str>, aliases: &Aliases, n: usize) -> Vec<Absent> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for id in self.entries.keys() {
            let head = aliases.head(id);
            if !present.contains(head) {
                groups.entry(head).or_default().push(id);
            }
        }
        let last_seen = |ids: &Vec<&str>| {
            let of_ids = ids.iter().filter_map(|id| self.entries.get(*id));
            of_ids.map(|entry| entry.last_seen.as_str()).max()
        };
        let mut groups: Vec<(&str, Vec<&str>)> = groups.into_iter().collect();
        groups.sort_by(|a, b| last_seen(&b.1).cmp(&last_seen(&a.1)).then(a.0.cmp(b.0)));
        let absent = groups.into_iter().take(n).filter_map(|(head, ids)| {
            let entry = self.entries.get(head);
            let entry = entry.or_else(|| self.entries.get(*ids.first()?))?;
            Some(Absent {
                fingerprint_id: head.to_owned(),
                summary: entry.label.summary.clone(),
                tool: entry.label.tool.clone(),
                tier: entry.label.tier,
                standing: self.joined(&ids)?,
            })
        });
        absent.collect()
    }

    /// Every fingerprint whose signature is known, the oldest first.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let known = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.label.signature.is_empty());
        let mut known: Vec<(&String, &Entry)> = known.collect();
        known.sort_by_key(|(id, entry)| (entry.first_seen.is_empty(), &entry.first_seen, *id));
        let candidate = |(id, entry): (&String, &Entry)| Candidate {
            fingerprint_id: id.clone(),
            signature: entry.label.signature.clone(),
        };
        known.into_iter().map(candidate).collect()
    }

    /// The fingerprint of a name: itself, its ticket, or the start of one of them.
    ///
    /// # Errors
    /// The nearest ones with their summaries, see [`naming::find`].
    pub fn find(&self, name: &str) -> Result<Candidate, Vec<(String, Scrubbed)>> {
        let all = self.entries.iter().map(|(id, entry)| Named {
            fingerprint_id: id,
            summary: &entry.label.summary,
        });
        let id = naming::find(all, name)?;
        let label = self.entries.get(id).map(|entry| &entry.label);
        Ok(Candidate {
            fingerprint_id: id.to_owned(),
            signature: label
                .map(|label| label.signature.clone())
                .unwrap_or_default(),
        })
    }

    /// What people call a fingerprint; empty when it is not known.
    #[must_use]
    pub fn summary(&self, fingerprint_id: &str) -> Scrubbed {
        let entry = self.entries.get(fingerprint_id);
        entry
            .map(|entry| entry.label.summary.clone())
            .unwrap_or_default()
    }
}

/// Adds a member. Sessions are not added up: one may have both wordings.
fn join(joined: &mut Entry, member: &Entry) {
    let is_later = member.last_seen > joined.last_seen;
    joined.state = state(joined, member);
    joined.quiet_sessions = match member.last_seen.cmp(&joined.last_seen) {
        std::cmp::Ordering::Greater => member.quiet_sessions,
        std::cmp::Ordering::Equal => joined.quiet_sessions.min(member.quiet_sessions),
        std::cmp::Ordering::Less => joined.quiet_sessions,
    };
    joined.items = joined.items.saturating_add(member.items);
    joined.regressions = joined.regressions.saturating_add(member.regressions);
    joined.formats.extend(member.formats.iter().cloned());
    lower(&mut joined.first_seen, &member.first_seen);
    raise(&mut joined.last_seen, &member.last_seen);
    for (day, n) in &member.items_by_day {
        *joined.items_by_day.entry(day.clone()).or_default() += n;
    }
    if joined.label.ticket_id.is_empty() || (is_later && !member.label.ticket_id.is_empty()) {
        joined.label.ticket_id.clone_from(&member.label.ticket_id);
    }
}

/// What was resolved and is now seen in other words came back. What one wording had before the other was seen for the
/// last time tells nothing new.
fn state(a: &Entry, b: &Entry) -> State {
    let (earlier, later) = if a.last_seen <= b.last_seen {
        (a, b)
    } else {
        (b, a)
    };
    match (earlier.state, later.state) {
        (_, State::Resolved) => State::Resolved,
        (State::Resolved, State::New) | (State::Regressed, _) | (_, State::Regressed) => {
            State::Regressed
        }
        (State::New, State::New) => State::New,
        (State::Resolved | State::New | State::Ongoing, State::New | State::Ongoing) => {
            State::Ongoing
        }
    }
}

#[cfg(test)]
mod tests;
