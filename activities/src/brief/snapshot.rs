//! What a brief may cite: a ticket, its rollup, and quotes numbered `E1`, `E2`, ...
//!
//! Neighbours: made once, before anything is written; actor and critic read the same one. Must not
//! hold anything that was not checked against a session when it was mined.

use serde::{Deserialize, Serialize};
use trace::rollup::Rollup;
use trace::scrub::{self, Scrubbed};
use trace::signal::{Evidence, MinedSignal};
use trace::ticket::Ticket;

use crate::limits::CITATIONS_MAX;

/// A quote and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// `E1`, `E2`, ...
    pub id: String,
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// The session's file, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Line in the file, from 1.
    pub line: u64,
    /// Who spoke.
    pub role: String,
    /// The quote, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub quote: Scrubbed,
    /// Digest of the raw line.
    pub digest: String,
}

impl Citation {
    /// `file:line`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Everything about one ticket that a brief may cite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The ticket.
    pub ticket_id: String,
    /// Its title.
    #[serde(deserialize_with = "scrub::stored")]
    pub title: Scrubbed,
    /// Its rollup; cited as `R`.
    pub rollup: Rollup,
    /// Sessions read in the run.
    pub sessions_scanned: u64,
    /// What kind of error it is, empty when the signals do not say.
    pub error_class: String,
    /// The quotes, at most [`CITATIONS_MAX`], from as many sessions as there are.
    pub citations: Vec<Citation>,
}

impl Snapshot {
    /// The snapshot of a ticket. `signals` are those of the whole run, sorted.
    #[must_use]
    pub fn of(ticket: &Ticket, rollup: Rollup, signals: &[MinedSignal]) -> Self {
        let own: Vec<&MinedSignal> = signals
            .iter()
            .filter(|signal| signal.fingerprint_id == ticket.fingerprint_id)
            .collect();
        let class = rollup
            .tags
            .iter()
            .find_map(|tag| tag.strip_prefix("error_class:"))
            .unwrap_or_default();
        Self {
            ticket_id: ticket.ticket_id.clone(),
            title: ticket.title.clone(),
            error_class: class.to_owned(),
            sessions_scanned: ticket.sessions_scanned,
            citations: citations(&own),
            rollup,
        }
    }

    /// The citation of an id.
    #[must_use]
    pub fn citation(&self, id: &str) -> Option<&Citation> {
        self.citations.iter().find(|citation| citation.id == id)
    }
}

/// The first quote of each signal, then the second of each, up to the limit. A place is cited once.
fn citations(signals: &[&MinedSignal]) -> Vec<Citation> {
    let longest = signals.iter().map(|s| s.evidence.len()).max().unwrap_or(0);
    let mut chosen: Vec<(&MinedSignal, &Evidence)> = Vec::new();
    for turn in 0..longest {
        for signal in signals {
            let Some(evidence) = signal.evidence.get(turn) else {
                continue;
            };
            let is_new = chosen.iter().all(|(other, have)| {
                (&other.source.file, have.line, &have.quote)
                    != (&signal.source.file, evidence.line, &evidence.quote)
            });
            if is_new && chosen.len() < CITATIONS_MAX {
                chosen.push((signal, evidence));
            }
        }
    }
    let numbered = chosen.into_iter().zip(1_u32..);
    numbered
        .map(|((signal, evidence), number)| Citation {
            id: format!("E{number}"),
            session_id: signal.session_id.clone(),
            file: signal.source.file.clone(),
            line: evidence.line,
            role: evidence.role.clone(),
            quote: evidence.quote.clone(),
            digest: evidence.digest.clone(),
        })
        .collect()
}
