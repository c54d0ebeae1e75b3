//! Which fingerprint a person means: the id, its ticket, or the start of one of them.
//!
//! Neighbours: [`crate::explain`] and [`crate::registry`] look names up here. Must not know what is known of a
//! fingerprint beside its summary.

use crate::scrub::Scrubbed;

/// Most names that are offered for an unknown one.
pub const NEAREST_MAX: usize = 5;
/// Fewest characters of an id that are taken for its start.
const START_CHARS_MIN: usize = 6;

/// A fingerprint that can be meant.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// `fp1:` and hex digits.
    pub fingerprint_id: &'a str,
    /// What happened.
    pub summary: &'a Scrubbed,
}

/// The fingerprint of a name among `all`.
///
/// # Errors
/// Unknown or ambiguous: the nearest ones with their summaries, at most [`NEAREST_MAX`].
pub fn find<'a>(
    all: impl Iterator<Item = Named<'a>> + Clone,
    name: &str,
) -> Result<&'a str, Vec<(String, Scrubbed)>> {
    let wanted = name.trim().to_lowercase();
    let digits = digits(&wanted);
    let is_it = |named: &Named<'_>| {
        let own = self::digits(named.fingerprint_id);
        own == digits || (digits.len() >= START_CHARS_MIN && own.starts_with(digits))
    };
    let mut found = all.clone().filter(is_it);
    if let (Some(one), None) = (found.next(), found.next()) {
        return Ok(one.fingerprint_id);
    }
    let mut all: Vec<(usize, Named<'a>)> = all
        .map(|named| (distance(named, digits, &wanted), named))
        .collect();
    all.sort_by(|a, b| (a.0, a.1.fingerprint_id).cmp(&(b.0, b.1.fingerprint_id)));
    let nearest = all.into_iter().take(NEAREST_MAX);
    Err(nearest
        .map(|(_, named)| (named.fingerprint_id.to_owned(), named.summary.clone()))
        .collect())
}

/// The hex digits of `fp1:...` or `OCT-...`.
fn digits(id: &str) -> &str {
    let id = id.strip_prefix("oct-").unwrap_or(id);
    id.split_once(':').map_or(id, |(_, digits)| digits)
}

/// Small when the digits agree in many places, or the words of the name stand in the summary.
fn distance(named: Named<'_>, wanted: &str, words: &str) -> usize {
    if !words.is_empty() && named.summary.to_lowercase().contains(words) {
        return 0;
    }
    let own = digits(named.fingerprint_id);
    let same = own.bytes().zip(wanted.bytes()).filter(|(a, b)| a == b);
    1 + wanted.len().max(8).saturating_sub(same.count())
}
