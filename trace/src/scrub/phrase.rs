//! Passphrases: several plain words that somebody let in with, and not a sentence about letting in.
//!
//! Neighbours: `context` asks about the value beside a word for passwords. Must not take names of things, which are made of
//! words as well: those hold the words of our trade.

/// Fewer words with a space between are a phrase of a sentence.
const SPACED_WORDS_MIN: usize = 4;
const JOINED_WORDS_MIN: usize = 3;
const WORDS_MAX: usize = 12;
const WORD_BYTES_MAX: usize = 12;

/// Words that sentences, messages and names of things are made of.
const COMMON: &str = "
    a an the is are was be to of in on at for and or not no your my our you it this that with from by as if
    when must should can cannot will has have does do new old enter please forgot reset change confirm wrong
    invalid missing required empty set use used see none null expired changed same password passwords pass
    secret secrets token tokens key keys auth login user username account admin root db database app api web
    tls ssl cert certs ca prod production staging stage dev test testing local default config credentials
    creds service server client cluster node name data file env vault store manager github gitlab docker
    registry pull image postgres postgresql mysql redis mongo rabbitmq kafka grafana backup build deploy
    deployment ingress shared private public access session cookie encryption signing webhook smtp mail email
    oauth jwt bot changeme replace here placeholder example sample dummy fake foo bar baz some any super very
    long min max length characters policy field input type text string hash salt rotation provider der die das
    ist und ein bitte le la les el los de du des est es et un une una por mot ihr dein sa
";

/// Whether a value is a passphrase.
pub(super) fn is_phrase(value: &str) -> bool {
    words(value).is_some_and(|(words, sign)| {
        words
            >= if sign == b' ' {
                SPACED_WORDS_MIN
            } else {
                JOINED_WORDS_MIN
            }
    })
}

/// The same where its name says that it is one.
pub(super) fn is_short_phrase(value: &str) -> bool {
    words(value).is_some_and(|(words, _)| words >= JOINED_WORDS_MIN)
}

/// Whether a value without quotes is words of a sentence: two with a slash between, or common ones of our trade.
pub(super) fn is_said(value: &str) -> bool {
    let mut words = value.split(['/', '-']);
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic());
    words.clone().nth(1).is_some()
        && words.clone().all(is_word)
        && (value.contains('/') || words.any(is_common))
}

fn is_common(word: &str) -> bool {
    COMMON
        .split_whitespace()
        .any(|common| word.eq_ignore_ascii_case(common))
}

/// How many plain words a value has and what stands between them, when it is made of nothing else.
fn words(value: &str) -> Option<(usize, u8)> {
    let first = value.bytes().find(|b| !b.is_ascii_alphabetic());
    let Some(sign @ (b' ' | b'-' | b'.' | b'_')) = first else {
        return None;
    };
    let mut words = 0;
    for word in value.split(char::from(sign)) {
        words += 1;
        let is_plain = (2..=WORD_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase());
        let is_title = sign != b' '
            && word.len() >= 3
            && word.as_bytes()[0].is_ascii_uppercase()
            && word[1..].bytes().all(|b| b.is_ascii_lowercase());
        if words > WORDS_MAX || is_common(word) || !(is_plain || is_title) {
            return None;
        }
    }
    Some((words, sign))
}

/// The phrase of plain words with spaces between from `start` to the end of its line, its end.
pub(super) fn line_at(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.as_bytes();
    let far = rest.len().min(LINE_BYTES_MAX);
    let length = rest[..far]
        .iter()
        .position(|b| !(b.is_ascii_lowercase() || *b == b' '))
        .unwrap_or(far);
    let is_end = rest
        .get(length)
        .is_none_or(|b| matches!(b, b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'<' | b'`'));
    let value = text[start..start + length].trim_end_matches(' ');
    (is_end && is_phrase(value)).then_some(start + value.len())
}

/// Longest phrase on a line of its own, bytes.
const LINE_BYTES_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_a_phrase_and_names_of_things_are_none() {
        for phrase in [
            "meadow anchor violin ladder",
            "copper-window-garden",
            "Orange.Bridge.Candle",
        ] {
            assert!(is_phrase(phrase), "{phrase}");
        }
        for other in [
            "meadow anchor violin",
            "db-credentials-prod",
            "tls-cert-web",
            "must not be empty",
            "meadow",
            "meadow-anchor",
            "",
        ] {
            assert!(!is_phrase(other), "{other}");
        }
        assert_eq!(line_at("x meadow anchor violin ladder\n", 2), Some(29));
        assert_eq!(line_at("meadow anchor violin ladder, then", 0), None);
    }
}
