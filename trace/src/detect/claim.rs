//! What an answer of an agent claims: the work is done, a machine is in this state, it cannot be done.
//!
//! Neighbours: `chain` decides when a claim counts; `words` holds the words. Pure text, sentence by sentence.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::words::{self, Marked, Phrases};

static SUCCESS_CLAIMS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::SUCCESS_CLAIMS));
static ACTS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| words::ACTS.iter().copied().collect());
static ACTS_FINITE: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::ACTS_FINITE));
static FAILURE_ADMITTED: LazyLock<Phrases> =
    LazyLock::new(|| Phrases::new(words::FAILURE_ADMITTED));
static TROUBLE: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::TROUBLE));
static NO_TROUBLE: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::NO_TROUBLE));
static NEGATIONS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::NEGATIONS));
static HEDGES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::HEDGES));
static PLANS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::PLANS));
static FACT_SUBJECTS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::FACT_SUBJECTS));
static FACT_STATES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::FACT_STATES));
static BEING: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::BEING));
static GAVE_UP: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::GAVE_UP));
static LIMITS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::LIMITS));

/// How far before a deed its helper may stand, in words: "has been updated", "ich habe die Seite neu erstellt".
const NEAR_WORDS: usize = 2;
const FAR_WORDS: usize = 6;
/// A sentence that is nothing but a deed: "Message sent!"
const SHORT_WORDS: usize = 5;

/// How often an answer, in its plain form, says what is not possible or not allowed.
pub(super) fn limits(plain: &Marked<'_>) -> usize {
    LIMITS.count(plain)
}

/// The sentence of an answer that claims success, when the answer, whose plain form is at hand, nowhere admits trouble.
pub(super) fn claimed_success<'a>(answer: &'a str, plain: &Marked<'_>) -> Option<&'a str> {
    if admits_trouble(plain) {
        return None;
    }
    sentences(answer).find(|sentence| {
        if asks(sentence) {
            return false;
        }
        let plain = fold(sentence);
        // What had happened before the failure, or will happen some day, is none of the agent's work.
        if plain.contains(" had ") || plain.contains(" the next ") {
            return false;
        }
        // What is said first stands, whatever doubt follows: "Done, tell me if it does not show."
        let first = plain.split([',', ':', '–', '—', '，', '、']).next();
        [first.unwrap_or(""), &plain]
            .iter()
            .any(|part| is_done(part) && !HEDGES.is_in(*part) && !is_negated(part))
    })
}

/// The sentence of an answer that says that the agent did not get there.
pub(super) fn gave_up<'a>(answer: &'a str, plain: &Marked<'_>) -> Option<&'a str> {
    if !GAVE_UP.is_in(plain) {
        return None;
    }
    sentences(answer).find(|sentence| {
        let plain = fold(sentence);
        !asks(sentence) && GAVE_UP.is_in(&*plain) && !plain.starts_with("if ")
    })
}

fn admits_trouble(plain: &Marked<'_>) -> bool {
    FAILURE_ADMITTED.is_in(plain)
        || TROUBLE.is_in(plain)
            && sentences(plain.text)
                .any(|sentence| TROUBLE.is_in(sentence) && !NO_TROUBLE.is_in(sentence))
}

fn is_done(plain: &str) -> bool {
    SUCCESS_CLAIMS.is_in(plain) || tells_a_deed(plain) || tells_a_joined_deed(plain)
}

fn is_negated(plain: &str) -> bool {
    plain.contains("n't ") || NEGATIONS.is_in(plain)
}

/// Whether a lower-case sentence says that something was changed: "I have updated the page", "Ich habe sie erstellt".
fn tells_a_deed(plain: &str) -> bool {
    if ACTS_FINITE.is_in(plain) {
        return true;
    }
    let words: Vec<&str> = plain
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let has = |from: usize, to: usize, helpers: &[&str]| {
        words[from..to].iter().any(|word| helpers.contains(word))
    };
    words.iter().enumerate().any(|(at, word)| {
        ACTS.contains(word)
            && (has(at.saturating_sub(NEAR_WORDS), at, words::HELPERS_NEAR)
                || has(at.saturating_sub(FAR_WORDS), at, words::HELPERS_FAR)
                || at > 0 && at + 1 == words.len() && words.len() <= SHORT_WORDS)
    })
}

/// The same in scripts without spaces, where the deed and its end stand together.
fn tells_a_joined_deed(plain: &str) -> bool {
    if plain.chars().all(|c| (c as u32) < 0x2e80) {
        return false;
    }
    // "Did it for you", whatever it was.
    if plain.contains("ておきました") {
        return true;
    }
    words::ACTS_JOINED.iter().any(|act| {
        plain.match_indices(act).any(|(at, _)| {
            let rest = &plain[at + act.len()..];
            let before = &plain[..at];
            words::ACTS_JOINED_ENDS
                .iter()
                .any(|end| rest.starts_with(end))
                || before.ends_with('已')
                || before.ends_with("已经")
        })
    })
}

/// The sentence of an answer that states how a machine or service is doing.
pub(super) fn unverified_claim(answer: &str) -> Option<&str> {
    if !FACT_SUBJECTS.is_in(&*fold(answer)) {
        return None;
    }
    sentences(answer).find(|sentence| {
        let plain = unquoted(&fold(sentence));
        let marked = &Marked::new(&plain);
        FACT_SUBJECTS.is_in(marked)
            && !asks(sentence)
            && (FACT_STATES.is_in(marked) || has_measure(&plain) || states_a_number(&plain))
            && !HEDGES.is_in(marked)
            && !PLANS.is_in(marked)
    })
}

/// Whether a thing is said to have a number. Scripts and languages without "is" only show the number.
fn states_a_number(plain: &str) -> bool {
    plain.contains(|c: char| c.is_ascii_digit())
        && (BEING.is_in(plain) || plain.contains(|c: char| is_cyrillic(c) || (c as u32) >= 0x2e80))
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..'\u{500}').contains(&c)
}

/// A sentence without what it quotes: words between marks, if they are more than a name.
fn unquoted(sentence: &str) -> String {
    let mut kept = String::with_capacity(sentence.len());
    for (index, part) in sentence.split(['`', '"']).enumerate() {
        if index % 2 == 0 || !part.trim().contains(' ') {
            kept.push_str(part);
        }
    }
    kept
}

fn asks(sentence: &str) -> bool {
    sentence.ends_with(['?', '？'])
}

/// The plain form of an answer: lower case, with typewriter apostrophes.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains(|c: char| c.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase().replace('’', "'"))
}

/// A number with a unit of machines: `45%`, `8 GB`; or a count at the front of `errors`, `files`, `processes`.
fn has_measure(lower: &str) -> bool {
    let units = [
        "%",
        "gb",
        "mb",
        "tb",
        "gib",
        "mib",
        "ms",
        "errors",
        "error",
        "errores",
        "erreurs",
        "fehler",
        "erros",
        "errori",
        "warnings",
        "processes",
        "prozesse",
        "procesos",
        "files",
        "containers",
        "connections",
        "個",
        "个",
        "ошибок",
    ];
    lower
        .match_indices(|c: char| c.is_ascii_digit())
        .any(|(at, _)| {
            let rest = lower[at..]
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
            let rest = rest.trim_start();
            units.iter().any(|unit| {
                rest.strip_prefix(unit)
                    .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
            })
        })
}

/// The sentences of an answer, without code blocks and quotes.
fn sentences(answer: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let spoken = answer.lines().filter(move |line| {
        let trimmed = line.trim_start();
        let is_fence = trimmed.starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence && !trimmed.starts_with('>')
    });
    spoken
        .flat_map(sentences_of_line)
        .filter(|sentence| !sentence.is_empty())
}

/// The sentences of one line; a dot inside `app.conf` or `3.5` ends none.
fn sentences_of_line(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut chars = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            let is_end = match c {
                '。' | '！' | '？' => true,
                '.' | '!' | '?' | ';' => {
                    chars.peek().is_none_or(|(_, next)| !next.is_alphanumeric())
                }
                _ => false,
            };
            if is_end {
                end = at + c.len_utf8();
                break;
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_claimed_by_statements_that_admit_no_trouble() {
        for (answer, want) in [
            ("Done, the proxy is up again.", true),
            ("Alles erledigt.", true),
            ("已完成。", true),
            ("Is it done?", false),
            ("Done with the first part, but the restart failed.", false),
            ("I could not finish this.", false),
            (
                "**Status: rate limited**\n\nSuccessfully prepared the post.",
                false,
            ),
            ("Let me look.", false),
        ] {
            let plain = fold(answer);
            let claim = claimed_success(answer, &Marked::new(&plain));
            assert_eq!(claim.is_some(), want, "{answer}");
        }
    }

    #[test]
    fn a_deed_is_a_claim_in_any_language_unless_it_is_denied() {
        for (answer, want) in [
            ("I have rotated the keys.", true),
            ("The nightly export ran without errors.", true),
            ("Ich habe die Liste neu erstellt.", true),
            ("J'ai redémarré le relais.", true),
            ("La lista fue eliminada.", true),
            ("Ho aggiornato la lista.", true),
            ("Реле перезапущено. Готово.", true),
            ("列表已更新。", true),
            ("一覧を更新しました。", true),
            ("목록을 저장했습니다.", true),
            ("Fixed the problem with the relay.", true),
            ("Done, tell me if it does not show.", true),
            ("I don't have the list saved.", false),
            ("The list was not saved.", false),
            ("Список не сохранён.", false),
            ("列表没有更新。", false),
            ("There is a problem with the relay.", false),
            ("I will update the list.", false),
        ] {
            let plain = fold(answer);
            let claim = claimed_success(answer, &Marked::new(&plain));
            assert_eq!(claim.is_some(), want, "{answer}");
        }
    }

    #[test]
    fn an_agent_gives_up_when_it_says_so_of_itself() {
        for (answer, want) in [
            (
                "I tried three mirrors. I was unable to fetch the archive.",
                true,
            ),
            ("Das ist mir nicht gelungen.", true),
            ("我没能完成安装。", true),
            ("Could it be that the host is down?", false),
            ("The archive is here.", false),
        ] {
            let plain = fold(answer);
            let said = gave_up(answer, &Marked::new(&plain));
            assert_eq!(said.is_some(), want, "{answer}");
        }
    }

    #[test]
    fn a_state_of_a_machine_is_a_claim_unless_it_is_hedged_or_code() {
        for (answer, want) in [
            ("The service is running.", true),
            ("Memory usage is at 71%.", true),
            ("Der Server ist offline.", true),
            ("The queue holds 40 jobs.", true),
            ("The file /srv/relay.conf exists.", true),
            ("Диск заполнен на 71%.", true),
            ("メモリ使用率は71%です。", true),
            ("My impression is that the server is down.", false),
            ("Print `the disk is full` then.", false),
            ("Возможно, диск заполнен на 71%.", false),
            ("Let me see whether the server is down.", false),
            ("I think the service is running.", false),
            ("Is the service running?", false),
            ("```\nmemory usage is at 71%\n```", false),
            ("I can explain how the service works.", false),
        ] {
            assert_eq!(unverified_claim(answer).is_some(), want, "{answer}");
        }
    }
}
