//! Whether a person says that the answer just given is wrong, that they have had enough, or that they will come back.
//!
//! Neighbours: `user` judges a turn by itself; `chain` knows that an answer came right before, so that more words
//! count here.

use std::sync::LazyLock;

use super::words::{self, Phrases, starts_with_phrase};

/// Longer turns are new orders, whatever stands in them; only their beginning is looked at.
const SHORT_BYTES: usize = 400;
/// What people say before they object.
const FILLERS: &[&str] = &[
    "hm",
    "hmm",
    "uh",
    "um",
    "er",
    "oh",
    "ok",
    "okay",
    "well",
    "hey",
    "sorry",
    "ähm",
    "äh",
    "naja",
    "also",
    "euh",
    "bueno",
    "pues",
    "bom",
    "beh",
    "allora",
    "ну",
    "嗯",
    "呃",
    "えっと",
    "あの",
    "음",
];

/// Giving up is said in a few words.
const RESIGNING_BYTES: usize = 160;

static RESIGNED: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::RESIGNED));
static POSTPONED: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::POSTPONED));
static THANKS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::THANKS));
static OBJECTIONS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::OBJECTIONS));

/// Whether a person's turn behind an answer objects to it. `is_correction`: what `user` made of the turn. `was_asked`:
/// the answer ended with a question, so that a no at the start answers it.
pub(super) fn objects(human: &str, is_correction: bool, was_asked: bool) -> bool {
    let text = human.trim();
    if text.is_empty() {
        return false;
    }
    let head = &text[..crate::event::floor_char(text, SHORT_BYTES)];
    let lower = head.to_lowercase().replace('’', "'");
    let start = without_fillers(&lower);
    if words::NO_OBJECTION_STARTS
        .iter()
        .any(|phrase| start.starts_with(phrase))
    {
        return false;
    }
    let starts = || {
        words::OBJECTION_STARTS
            .iter()
            .any(|phrase| starts_with_phrase(start, phrase))
    };
    is_correction || OBJECTIONS.is_in(lower.as_str()) || !was_asked && starts()
}

/// Whether a person's turn behind an answer says that they go on without the agent.
pub(super) fn goes_on_alone(human: &str) -> bool {
    let text = human.trim();
    if text.len() > RESIGNING_BYTES || text.ends_with(['?', '？']) {
        return false;
    }
    let lower = text.to_lowercase().replace('’', "'");
    RESIGNED.is_in(lower.as_str()) && !THANKS.is_in(lower.as_str())
}

/// Whether a person leaves to come back later.
pub(super) fn postpones(human: &str) -> bool {
    let text = human.trim();
    if text.len() > SHORT_BYTES {
        return false;
    }
    POSTPONED.is_in(text.to_lowercase().replace('’', "'").as_str())
}

/// The turn from its first word on that means something.
fn without_fillers(lower: &str) -> &str {
    let mut rest = lower;
    while let Some(filler) = FILLERS
        .iter()
        .find(|filler| starts_with_phrase(rest, filler))
    {
        let after = rest.trim_start()[filler.len()..].trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, ',' | '.' | '…' | '，' | '、')
        });
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_objects_in_many_languages() {
        for (text, want) in [
            ("I said the blue folder, not the green one", true),
            ("hmm, wrong row", true),
            ("Ho detto il pulsante, non il menu", true),
            ("不对，是左边那个", true),
            ("いや、右のほうです", true),
            ("그게 아니라 왼쪽이요", true),
            ("Ты ошибся, их семь", true),
            ("no problem, thanks", false),
            ("Nicht schlecht!", false),
            ("间距没问题，谢谢", false),
            ("what was wrong with it?", false),
        ] {
            assert_eq!(objects(text, false, false), want, "{text}");
        }
    }

    #[test]
    fn who_goes_on_alone_has_given_up_unless_they_give_thanks() {
        for (text, want) in [
            ("ok, I'll write that mail by hand", true),
            ("So wird das nichts mit uns", true),
            ("还是我自己写吧", true),
            ("I'll read it myself tonight, thanks", false),
            ("can I do that myself?", false),
            ("go on", false),
        ] {
            assert_eq!(goes_on_alone(text), want, "{text}");
        }
    }

    #[test]
    fn who_comes_back_later_leaves_with_nothing_done() {
        for (text, want) in [
            ("Let me look for the number, I'll get back to you.", true),
            ("Danke, ich melde mich wieder.", true),
            ("I'll reach out to the seller then, bye", false),
            ("get the book back", false),
        ] {
            assert_eq!(postpones(text), want, "{text}");
        }
    }

    #[test]
    fn a_no_to_a_question_is_an_answer() {
        assert!(!objects("no, keep it", false, true));
        assert!(objects("no, keep it", false, false));
        assert!(objects("that is wrong, it is the left one", false, true));
    }
}
