//! SHA-256 as hexadecimal text, the one hash of the mine.
//!
//! Neighbours: fingerprints, placeholders, evidence digests and ids are cut from these digits.
//! Must not know what is hashed.

use sha2::{Digest, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// SHA-256 of the parts, as 64 lower-case hex digits.
///
/// Each part is preceded by its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn sha256_hex_parts(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    to_hex(&hasher.finalize())
}

/// SHA-256 of the bytes, as 64 lower-case hex digits; what `sha256sum` prints.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// The first `digits` hex digits of [`sha256_hex`], at most 64.
#[must_use]
pub fn short_hex(bytes: &[u8], digits: usize) -> String {
    let mut hex = sha256_hex(bytes);
    hex.truncate(digits);
    hex
}

/// A digest that tells texts apart and stands for them where they are remembered only to be recognised; empty for an
/// empty text. Who knows a text can check whether it was this one.
pub(crate) fn of_words(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    short_hex(text.as_bytes(), 32)
}

fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_published_one_for_abc() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(short_hex(b"abc", 8), "ba7816bf");
    }

    #[test]
    fn the_seam_between_parts_counts() {
        assert_ne!(
            sha256_hex_parts(&[b"ab", b"c"]),
            sha256_hex_parts(&[b"a", b"bc"])
        );
    }
}
