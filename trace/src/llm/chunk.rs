//! Pieces of a transcript that fit into one question, overlapping where turns begin.
//!
//! A session that grows at its end keeps its earlier chunks, so their answers are not asked for again.

use std::fmt::Write as _;

use super::budget::tokens_about;
use super::transcript::{Entry, Transcript};
use crate::hash;
use crate::scrub::Scrubbed;

/// How large chunks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Estimated tokens of one chunk; a single entry may exceed it.
    pub tokens_max: u64,
    /// Estimated tokens of what is repeated from the chunk before.
    pub overlap_tokens_max: u64,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            tokens_max: 6_000,
            overlap_tokens_max: 600,
        }
    }
}

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The first entry, from 0.
    pub start: usize,
    /// The first entry that the chunk before did not have.
    pub fresh: usize,
    /// The entry after the last.
    pub end: usize,
    /// What is shown.
    pub text: Scrubbed,
    /// SHA-256 of the text, 64 hex digits.
    pub digest: String,
}

/// Cuts a transcript. Every entry is in at least one chunk.
#[must_use]
pub fn chunks(transcript: &Transcript, limits: ChunkLimits) -> Vec<Chunk> {
    let entries = &transcript.entries;
    let tokens = |index: usize| entries.get(index).map_or(0, tokens_of);
    let mut chunks = Vec::new();
    let (mut start, mut fresh) = (0, 0);
    while fresh < entries.len() {
        let (mut end, mut sum) = (start, 0);
        while end < entries.len() && (end <= fresh || sum + tokens(end) <= limits.tokens_max) {
            sum += tokens(end);
            end += 1;
        }
        if end < entries.len() {
            end = border_before(transcript, fresh + 1, end, sum, limits).unwrap_or(end);
        }
        chunks.push(chunk(entries, start, fresh, end));
        start = overlap_start(transcript, start + 1, end, limits.overlap_tokens_max);
        fresh = end;
    }
    chunks
}

fn tokens_of(entry: &Entry) -> u64 {
    tokens_about(entry.text.len() as u64 + 40)
}

/// The last border in `from..=end`, unless cutting there would leave less than half a chunk.
fn border_before(
    transcript: &Transcript,
    from: usize,
    end: usize,
    mut sum: u64,
    limits: ChunkLimits,
) -> Option<usize> {
    for at in (from..=end).rev() {
        if at < end {
            sum -= transcript.entries.get(at).map_or(0, tokens_of);
        }
        if sum < limits.tokens_max / 2 {
            return None;
        }
        if transcript.is_border(at) {
            return Some(at);
        }
    }
    None
}

/// The earliest border from which on at most `tokens_max` are repeated; `end` when there is none.
fn overlap_start(transcript: &Transcript, from: usize, end: usize, tokens_max: u64) -> usize {
    let (mut start, mut sum) = (end, 0);
    for at in (from..end).rev() {
        sum += transcript.entries.get(at).map_or(0, tokens_of);
        if sum > tokens_max {
            break;
        }
        if transcript.is_border(at) {
            start = at;
        }
    }
    start
}

fn chunk(entries: &[Entry], start: usize, fresh: usize, end: usize) -> Chunk {
    let mut text = String::new();
    for (index, entry) in entries.iter().enumerate().take(end).skip(start) {
        let tool = if entry.tool.is_empty() { "" } else { " " };
        let _ = write!(
            text,
            "[event {index}] {}{tool}{}\n{}\n\n",
            entry.role.name(),
            entry.tool,
            entry.text
        );
    }
    let digest = hash::sha256_hex(text.as_bytes());
    Chunk {
        start,
        fresh,
        end,
        text: Scrubbed::assembled(text),
        digest,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::transcript::Role;
    use super::super::transcript::tests::{entry, transcript};
    use super::*;

    fn turns(n: u64, bytes: usize) -> Transcript {
        let entries = (0..n).flat_map(|turn| {
            let line = turn * 4;
            let text = "x".repeat(bytes);
            [
                entry(Role::User, line + 1, &text),
                entry(Role::Assistant, line + 2, &text),
                entry(Role::Call, line + 3, &text),
                entry(Role::Result, line + 4, &text),
            ]
        });
        transcript(entries.collect())
    }

    #[test]
    fn a_short_session_is_one_chunk_and_none_is_none() {
        let all = chunks(&turns(2, 100), ChunkLimits::default());
        assert_eq!((all.len(), all[0].start, all[0].end), (1, 0, 8));
        assert!(all[0].text.starts_with("[event 0] user\nxxx"));
        assert!(all[0].text.contains("[event 3] tool result exec\n"));
        assert_eq!(chunks(&turns(0, 1), ChunkLimits::default()), []);
    }

    #[test]
    fn chunks_begin_with_a_turn_and_repeat_the_end_of_the_one_before() {
        let limits = ChunkLimits {
            tokens_max: 1_000,
            overlap_tokens_max: 150,
        };
        let all = chunks(&turns(40, 160), limits);
        assert!(all.len() > 4);
        for pair in all.windows(2) {
            assert_eq!(pair[1].fresh, pair[0].end);
            assert!(
                pair[1].start < pair[0].end,
                "no overlap: {:?}",
                pair[1].start
            );
            assert_ne!(pair[1].start % 4, 3, "begins with a result");
        }
    }

    #[test]
    fn a_session_that_grew_keeps_its_earlier_chunks() {
        let limits = ChunkLimits {
            tokens_max: 1_000,
            overlap_tokens_max: 150,
        };
        let (short, long) = (
            chunks(&turns(40, 160), limits),
            chunks(&turns(60, 160), limits),
        );
        let same = short
            .iter()
            .zip(&long)
            .filter(|(a, b)| a.digest == b.digest)
            .count();
        assert_eq!(same, short.len() - 1);
    }

    proptest! {
        #[test]
        fn every_entry_is_fresh_in_exactly_one_chunk(
            sizes in prop::collection::vec((0_u8..5, 1_usize..3_000), 0..60),
            tokens_max in 1_u64..2_000, overlap_tokens_max in 0_u64..900,
        ) {
            let roles = [Role::User, Role::Assistant, Role::Call, Role::Result, Role::System];
            let entries = sizes.iter().map(|(role, bytes)| {
                entry(roles[usize::from(*role)], 1, &"y".repeat(*bytes))
            });
            let all = chunks(&transcript(entries.collect()), ChunkLimits { tokens_max, overlap_tokens_max });
            let mut next = 0;
            for chunk in &all {
                prop_assert_eq!(chunk.fresh, next);
                prop_assert!(chunk.start <= chunk.fresh && chunk.fresh < chunk.end);
                next = chunk.end;
            }
            prop_assert_eq!(next, sizes.len());
        }
    }
}
