//! "It does not load": a word of denial near a word for what programs do.
//!
//! Lists of whole phrases cannot hold every pair. Orders and rules ("do not run it", "must not start") are no reports.
//! Neighbours: `said` asks whether the clause tells something at all; `words` holds the pairs by language.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::super::words;
use super::voice::{clause_of, words_at};

/// How many small words may stand between the two.
const BETWEEN_MAX: usize = 3;
/// English puts these in front of the denial; the clause tells although it starts with one.
const AUXILIARIES: &[&str] = &["does", "did", "is", "are", "was", "were", "has"];
/// Turkish denies inside the verb.
const DENYING_ENDS: &[&str] = &["mıyor", "miyor", "muyor", "müyor"];

const BEHIND: &[&str] = &["de", "nl", "fr", "hi"];

#[derive(Default)]
struct Language {
    /// Whether the denial follows the verb.
    is_behind: bool,
    functions: BTreeSet<&'static str>,
    function_stems: Vec<&'static str>,
}

impl Language {
    fn does(&self, word: &str) -> bool {
        // French and Italian write the pronoun onto the verb.
        let bare = word.rsplit_once('\'').map_or(word, |(_, verb)| verb);
        self.functions.contains(bare) || self.function_stems.iter().any(|s| bare.starts_with(s))
    }
}

/// The words of denial, each with the languages that have it.
static DENIALS: LazyLock<BTreeMap<&'static str, Vec<&'static Language>>> = LazyLock::new(|| {
    let mut denials: BTreeMap<&str, Vec<&Language>> = BTreeMap::new();
    let mut pairs: Vec<(&str, &str)> = words::by_language("not").collect();
    pairs.sort_unstable();
    for (name, word) in pairs {
        if let Some(language) = LANGUAGES.get(name) {
            denials.entry(word).or_default().push(language);
        }
    }
    denials
});
static LANGUAGES: LazyLock<BTreeMap<&'static str, Language>> = LazyLock::new(|| {
    let mut languages: BTreeMap<&str, Language> = BTreeMap::new();
    for (name, _) in words::by_language("not") {
        let language = languages.entry(name).or_default();
        language.is_behind = BEHIND.contains(&name);
    }
    for (name, word) in words::by_language("function") {
        let language = languages.entry(name).or_default();
        match word.strip_suffix('~') {
            Some(stem) => language.function_stems.push(stem),
            None => {
                language.functions.insert(word);
            }
        }
    }
    languages
});
static BETWEEN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| words::word_set("between"));
static NO_ORDER: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| words::word_set("no order"));

/// A pair that says that something does not do its work.
pub(super) struct Broken<'t> {
    /// Where the telling part begins.
    pub(super) start: usize,
    /// From the first to the last word of the pair.
    pub(super) phrase: &'t str,
}

/// The first such pair whose place may count.
pub(super) fn find<'t>(text: &'t str, counts: impl Fn(usize) -> bool) -> Option<Broken<'t>> {
    let spoken = words_at(text);
    (0..spoken.len()).find_map(|place| {
        let found = pair_at(text, &spoken, place)?;
        counts(found.start).then_some(found)
    })
}

fn pair_at<'t>(text: &'t str, spoken: &[(usize, &'t str)], place: usize) -> Option<Broken<'t>> {
    let (at, word) = *spoken.get(place)?;
    if DENYING_ENDS.iter().any(|end| word.ends_with(end)) {
        return Some(Broken {
            start: at,
            phrase: word,
        });
    }
    let languages = DENIALS.get(word)?;
    let before = place.checked_sub(1).and_then(|place| spoken.get(place));
    if before.is_some_and(|(_, word)| NO_ORDER.contains(word)) {
        return None;
    }
    let clause = clause_of(text, at);
    let is_between = |(_, word): &&(usize, &str)| BETWEEN.contains(word);
    for language in languages {
        let does =
            |&&(place, word): &&(usize, &'t str)| clause.contains(&place) && language.does(word);
        let ahead = &spoken[place + 1..];
        let small = ahead
            .iter()
            .take(BETWEEN_MAX)
            .take_while(is_between)
            .count();
        if let Some((end, verb)) = ahead.get(small).filter(does) {
            let is_auxiliary = |pair: &&(usize, &str)| AUXILIARIES.contains(&pair.1);
            let start = before.filter(is_auxiliary).map_or(at, |(start, _)| *start);
            let phrase = text.get(at..end + verb.len())?;
            return Some(Broken { start, phrase });
        }
        let behind = spoken[..place].iter().rev();
        let small = behind.clone().take(BETWEEN_MAX).take_while(is_between);
        let verb = behind.clone().nth(small.count()).filter(does);
        if let Some((start, _)) = verb.filter(|_| language.is_behind) {
            let phrase = text.get(*start..at + word.len())?;
            return Some(Broken {
                start: *start,
                phrase,
            });
        }
    }
    None
}
