//! Whether two templates are two wordings of one failure.
//!
//! Neighbours: [`super::aliases`] asks, with two signatures of one kind, tool and class. Says yes only for a reason that
//! a person can check, and no when in doubt: one word can be the whole difference between two causes.
//! Must not know what was merged with what: nothing here carries from one pair to another.

use crate::normalise::PLACEHOLDER;

/// Fewest words of a template that is the start of another one, which goes on in the middle of a sentence.
const START_WORDS_MIN: usize = 8;
/// Fewest words of a template that another one adds a sentence to.
const SENTENCE_WORDS_MIN: usize = 4;
/// Fewest words that two templates share when only small words set them apart.
const SAME_WORDS_MIN: usize = 3;
/// Words that carry no meaning of their own.
const SMALL_WORDS: [&str; 12] = [
    "a", "an", "the", "please", "is", "was", "are", "were", "be", "been", "has", "have",
];

/// A template as it is compared: case, marks and small words are gone, what varies is [`PLACEHOLDER`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// With placeholders.
    words: Vec<String>,
    /// How many of them end the sentences.
    sentences: Vec<usize>,
}

impl Wording {
    /// The words of a template.
    #[must_use]
    pub fn of(template: &str) -> Self {
        let mut wording = Self {
            words: Vec::new(),
            sentences: Vec::new(),
        };
        for word in template.split_whitespace() {
            let folded = fold(word);
            if !folded.is_empty() && !SMALL_WORDS.contains(&folded.as_str()) {
                wording.words.push(folded);
            }
            if word.ends_with(['.', '!', '?']) {
                wording.sentences.push(wording.words.len());
            }
        }
        wording
    }

    fn constants(&self) -> impl Iterator<Item = &String> {
        self.words.iter().filter(|word| *word != PLACEHOLDER)
    }
}

/// A word without case and the marks around it. A quoted or bracketed placeholder is a placeholder.
fn fold(word: &str) -> String {
    if word.contains(PLACEHOLDER) && word.chars().all(|c| !c.is_alphanumeric()) {
        return PLACEHOLDER.to_owned();
    }
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    inner.replace(['\'', '\u{2019}'], "").to_lowercase()
}

/// Why two wordings tell one failure, as a sentence; `None` when nothing says so. The order of the two does not matter.
///
/// That most words are the same is no reason: measured on real sessions, the few that were not named the cause.
#[must_use]
pub fn one_failure(a: &Wording, b: &Wording) -> Option<String> {
    let (short, long) = if (a.words.len(), &a.words) <= (b.words.len(), &b.words) {
        (a, b)
    } else {
        (b, a)
    };
    let constants = short.constants().count();
    if constants >= SAME_WORDS_MIN && short.constants().eq(long.constants()) {
        return Some(format!(
            "the same {constants} words; only case, marks, small words or values differ"
        ));
    }
    let rest = long.words.strip_prefix(short.words.as_slice())?;
    let goes_on = if constants >= START_WORDS_MIN {
        "then"
    } else if constants >= SENTENCE_WORDS_MIN && long.sentences.contains(&short.words.len()) {
        "then a sentence more,"
    } else {
        return None;
    };
    Some(format!(
        "one is the start of the other: {constants} words, {goes_on} \"{}\"",
        shown(rest)
    ))
}

/// The first words of a list.
fn shown(words: &[String]) -> String {
    const SHOWN_MAX: usize = 6;
    let first = words.iter().take(SHOWN_MAX).cloned();
    let first: Vec<String> = first.collect();
    let more = if words.len() > SHOWN_MAX { " ..." } else { "" };
    format!("{}{more}", first.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn because(a: &str, b: &str) -> Option<String> {
        one_failure(&Wording::of(a), &Wording::of(b))
    }

    #[test]
    fn small_changes_of_wording_are_one_failure() {
        for (a, b) in [
            ("Connection to the <*> lost.", "connection to <*> lost"),
            ("file <*> has not been read", "File <*> not read!"),
            (
                "cannot open (<*>) for reading",
                "Cannot open <*> for reading",
            ),
            (
                "the control service cannot be reached, restart the gateway and try again",
                "The control service cannot be reached, restart the gateway and try again. Do ask somebody",
            ),
            (
                "File does not exist",
                "File does not exist. Did you mean <*>?",
            ),
        ] {
            assert!(because(a, b).is_some(), "{a} / {b}");
        }
    }

    #[test]
    fn another_cause_is_another_failure_however_alike_the_words_are() {
        for (a, b) in [
            ("Web fetch failed (403)", "Web fetch failed (401)"),
            ("command not found: nvm", "command not found: flutter"),
            ("Command failed", "Command failed: permission denied"),
            ("the key was found", "the key was not found"),
            ("<*> <*>", "<*>"),
            ("timeout", "Timeout"),
            ("File does not exist", "File does not exist in the index"),
            ("No such thing", "No such thing. Did you mean <*>?"),
            (
                "the call of the tool ended with code 1 after the third try so the newest messages are kept",
                "the call of the tool ended with code 2 after the third try so the newest messages are kept",
            ),
            (
                "the step of the plan that was asked for by the agent ended with a ValueError in the first line",
                "the step of the plan that was asked for by the agent ended with a KeyError in the first line",
            ),
        ] {
            assert_eq!(because(a, b), None, "{a} / {b}");
        }
    }

    #[test]
    fn the_reason_names_what_differs() {
        let told = because(
            "the control service cannot be reached, restart the gateway and try again",
            "The control service cannot be reached, restart the gateway and try again. Ask somebody",
        );
        assert_eq!(
            told.as_deref(),
            Some("one is the start of the other: 9 words, then \"ask somebody\"")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_of_two_does_not_matter(a in words(), b in words()) {
            prop_assert_eq!(because(&a, &b), because(&b, &a));
        }
    }

    fn words() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "the", "Call", "call", "failed", "not", "<*>", "(<*>)", "after", "tries", "403",
            "again", "gateway", "restart", "KeyError",
        ]);
        prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
    }
}
