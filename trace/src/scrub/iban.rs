//! Account numbers of banks: which countries have them, and how long they are.
//!
//! Neighbours: `pii` finds candidates, `check` knows the remainder. Must not look farther than a few words around one.

use super::check;
use crate::normalise::boundary;

/// Countries with account numbers of this form, and how many characters they have.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AO", 25),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BF", 28),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BJ", 28),
    ("BR", 29),
    ("BY", 28),
    ("CF", 27),
    ("CG", 27),
    ("CH", 21),
    ("CI", 28),
    ("CM", 27),
    ("CR", 22),
    ("CV", 25),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("DZ", 26),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GA", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GQ", 27),
    ("GR", 27),
    ("GT", 28),
    ("GW", 25),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IR", 26),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KM", 27),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MA", 28),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MG", 27),
    ("MK", 19),
    ("ML", 28),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("MZ", 25),
    ("NE", 28),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SN", 28),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TD", 27),
    ("TG", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// How many bytes from the start of a candidate are an IBAN; `before` is the text in front of it.
pub(super) fn length(candidate: &str, before: &str) -> Option<usize> {
    let country = candidate.get(..2)?.to_ascii_uppercase();
    let index = IBAN_LENGTHS.binary_search_by(|(code, _)| (*code).cmp(&country));
    let named = || {
        let low = boundary(before, before.len().saturating_sub(NAME_BYTES_MAX));
        let near = before[low..].to_ascii_lowercase();
        // Our own placeholder is no word for what stands behind it.
        let mut words = near.match_indices("iban");
        words.any(|(at, word)| !is_placeholder(&near[at + word.len()..]))
    };
    let Ok(index) = index else {
        // Some other country: what is called one and has the remainder is one, up to the first other byte.
        let whole = candidate.bytes().all(|b| b.is_ascii_alphanumeric());
        let compact = candidate.to_ascii_uppercase();
        return (whole && named() && check::iban(compact.as_bytes())).then_some(candidate.len());
    };
    let (_, length) = IBAN_LENGTHS[index];
    let mut compact = Vec::with_capacity(length);
    for (index, byte) in candidate.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() {
            compact.push(byte.to_ascii_uppercase());
        }
        if compact.len() == length {
            let bytes = index + 1;
            let more = candidate
                .as_bytes()
                .get(bytes)
                .is_some_and(u8::is_ascii_alphanumeric);
            // A mistyped one is a person's all the same, where the word for it stands before.
            return (!more && (check::iban(&compact) || named())).then_some(bytes);
        }
    }
    None
}

/// Whether `_1a2b3c]` goes on, as in a placeholder.
fn is_placeholder(rest: &str) -> bool {
    let Some((hash, _)) = rest.strip_prefix('_').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    hash.len() == 6 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Farthest that the word for an account number stands before it, bytes.
const NAME_BYTES_MAX: usize = 16;
