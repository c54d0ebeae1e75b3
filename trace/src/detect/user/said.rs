//! What the words of one turn say, without their history.
//!
//! Phrases first, by how sure they are; who asks, orders or quotes says nothing about the work. Neighbours: `voice`
//! takes off what others wrote, `words` holds the phrases, the parent knows what was said before.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::words::{self, Hit, Marked, Phrases};
use super::voice::{clause_of, is_pasted, is_short_doubled, is_shouting, voice, words_in};
use super::{Idea, UserLabel, broken};
use crate::sentiment::{self, Polarity};

/// Giving up is said in a few words; in a long text the same words mean something else.
const GIVING_UP_BYTES: usize = 120;
/// Longest text of which one phrase of delight is the point.
const DELIGHT_BYTES: usize = 240;
/// Longest text in which "this, not that" sets right what was done.
const CONTRAST_BYTES: usize = 120;
/// Longest text whose tone is listened to.
const MOOD_BYTES: usize = 300;
/// How clear a tone must be: people talk to a tool plainly, and thanks before the next order is politeness.
const DISPLEASED_MIN: f64 = 2.0;
const PLEASED_MIN: f64 = 5.0;
/// From here on "you are a ..." tells a model who it is.
const PERSONA_BYTES: usize = 100;
/// An order to stop has no more words.
const STOP_WORDS_MAX: usize = 6;
/// Nor has bare praise, nor a polite no.
const SHORT_WORDS_MAX: usize = 6;
const WOW_WORDS_MAX: usize = 7;
const THANKS_WORDS_MAX: usize = 8;
/// Thanks that warm praise up; alone they are politeness.
const THANKS: &[&str] = &[
    "thanks",
    "thank",
    "thx",
    "ty",
    "gracias",
    "obrigado",
    "obrigada",
    "valeu",
    "danke",
    "dank",
    "merci",
    "grazie",
    "bedankt",
    "dankjewel",
    "dziękuję",
    "dzięki",
    "спасибо",
    "дякую",
    "tack",
    "teşekkürler",
    "teşekkür",
    "makasih",
    "terima",
    "shukriya",
    "dhanyavaad",
    "धन्यवाद",
];

/// The lists, built once.
struct Lists {
    again: Phrases,
    anger: Phrases,
    content_orders: Phrases,
    contrast: Phrases,
    correction_starts: Phrases,
    corrections: Phrases,
    delight: Phrases,
    experiment: Phrases,
    gives_up: Phrases,
    goes_on: BTreeSet<&'static str>,
    happy_strong: Phrases,
    ifs: Phrases,
    leads: Phrases,
    make_orders: Phrases,
    modal_starts: Phrases,
    negations: BTreeSet<&'static str>,
    opportunity: Phrases,
    orders: Phrases,
    persona: Phrases,
    praise: BTreeSet<&'static str>,
    refusals: BTreeSet<&'static str>,
    reports: Phrases,
    small: BTreeSet<&'static str>,
    stop: BTreeSet<&'static str>,
    stop_fillers: BTreeSet<&'static str>,
    suggestions: Phrases,
    thanks: BTreeSet<&'static str>,
    wh_inside: Phrases,
    wh_starts: Phrases,
    wow: BTreeSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    again: Phrases::with_table(words::AGAIN, "again"),
    anger: Phrases::with_table(words::ANGER, "anger"),
    content_orders: Phrases::with_table(&[], "content order"),
    contrast: Phrases::with_table(&[], "contrast"),
    correction_starts: Phrases::with_table(words::CORRECTION_STARTS, "correction start"),
    corrections: Phrases::with_table(words::CORRECTIONS, "correction"),
    delight: Phrases::with_table(words::DELIGHT, "delight"),
    experiment: Phrases::with_table(&[], "experiment"),
    gives_up: Phrases::new(words::GIVES_UP),
    goes_on: words::word_set("goes on"),
    happy_strong: Phrases::with_table(words::HAPPY_STRONG, "happy"),
    ifs: Phrases::with_table(&[], "if"),
    leads: Phrases::with_table(&[], "lead"),
    make_orders: Phrases::with_table(&[], "make order"),
    modal_starts: Phrases::with_table(&[], "modal start"),
    negations: words::word_set("negation"),
    opportunity: Phrases::with_table(&[], "opportunity"),
    orders: Phrases::with_table(&[], "order"),
    persona: Phrases::with_table(&[], "persona"),
    praise: words::word_set("praise")
        .into_iter()
        .chain(words::PRAISE.iter().copied())
        .collect(),
    refusals: words::word_set("refusal"),
    reports: Phrases::with_table(words::REPORTS, "report"),
    small: words::word_set("small"),
    stop: words::word_set("stop"),
    stop_fillers: words::word_set("stop filler"),
    suggestions: Phrases::with_table(words::SUGGESTIONS, "suggestion"),
    thanks: words::word_set("thanks"),
    wh_inside: Phrases::with_table(&[], "wh inside"),
    wh_starts: Phrases::with_table(&[], "wh start"),
    wow: words::word_set("wow"),
});

/// A label and the phrase that decided it.
type Said = (UserLabel, Option<String>);

/// The label of human words without their history, and the phrase that decided it.
pub(super) fn judge(human: &str) -> Said {
    let lists = &*LISTS;
    let voice = voice(human).to_lowercase().replace('’', "'");
    let text = voice.trim();
    let spoken = words_in(text);
    if is_stop(&spoken, text, lists) {
        return (UserLabel::Interrupt, None);
    }
    if is_polite_no(&spoken, lists) {
        return (UserLabel::Neutral, None);
    }
    let order = after_leads(text, lists);
    let pasted = human.lines().find(|line| is_pasted(line));
    // Who hands over lines to write a parser for them reports nothing.
    if let Some(line) = pasted.filter(|_| lists.make_orders.start_of(order).is_none()) {
        return (UserLabel::FailureReport, Some(line.trim().to_lowercase()));
    }
    if is_about_content(order, lists) {
        return (UserLabel::Neutral, None);
    }
    let marked = &Marked::new(text);
    frustration(human, marked, lists)
        .or_else(|| delight(marked, &spoken, lists))
        .or_else(|| report(marked, lists))
        .or_else(|| {
            let is_wow = spoken.first().is_some_and(|word| lists.wow.contains(word));
            let is_short = spoken.len() <= WOW_WORDS_MAX && !text.contains('?');
            (is_wow && is_short).then_some((UserLabel::Delight, None))
        })
        .or_else(|| correction(marked, &spoken, lists))
        .or_else(|| suggestion(marked, lists))
        .unwrap_or_else(|| {
            // What is to be told to others in an order is not the tone of the person.
            let is_order = lists.orders.start_of(order).is_some();
            let label = if is_order {
                UserLabel::Neutral
            } else {
                by_mood(text)
            };
            (label, None)
        })
}

/// Nothing but an order to stop or to wait.
fn is_stop(spoken: &[&str], text: &str, lists: &Lists) -> bool {
    let stops = |word: &&str| lists.stop.contains(*word);
    let fits = |word: &&str| stops(word) || lists.stop_fillers.contains(*word);
    !text.ends_with('?')
        && spoken.len() <= STOP_WORDS_MAX
        && spoken.iter().any(stops)
        && spoken.iter().all(fits)
}

/// "No thanks" in its languages refuses an offer and corrects nothing.
fn is_polite_no(spoken: &[&str], lists: &Lists) -> bool {
    let starts_with_no = spoken
        .first()
        .is_some_and(|word| lists.refusals.contains(word));
    let mut rest = spoken.iter().skip(1);
    starts_with_no
        && spoken.len() <= SHORT_WORDS_MAX
        && rest.any(|word| lists.thanks.contains(word))
}

/// What follows greetings, thanks and small words.
fn after_leads<'t>(text: &'t str, lists: &Lists) -> &'t str {
    let mut rest = text;
    // Nobody puts more in front of what they want.
    for _ in 0..4 {
        let Some(lead) = lists.leads.start_of(rest) else {
            break;
        };
        rest = rest[lead.len()..].trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, ',' | '.' | '!' | ':' | '，' | '、')
        });
    }
    rest
}

/// An order to write, translate or judge some text, or the part a model is to play: its words are not the person's.
fn is_about_content(order: &str, lists: &Lists) -> bool {
    let is_persona = order.len() >= PERSONA_BYTES && lists.persona.start_of(order).is_some();
    is_persona || lists.content_orders.start_of(order).is_some()
}

/// Whether the clause of a phrase tells something: it neither asks, nor orders, nor makes a condition.
fn is_told(text: &str, at: usize, lists: &Lists) -> bool {
    let clause = clause_of(text, at);
    let head = after_leads(&text[clause.start..at], lists);
    if head.trim().is_empty() {
        return !lists.wh_inside.is_in(&text[clause]);
    }
    let starts_with = |list: &Phrases| list.start_of(head).is_some();
    !(starts_with(&lists.wh_starts)
        || starts_with(&lists.modal_starts)
        || starts_with(&lists.orders)
        || lists.ifs.is_in(head)
        || lists.wh_inside.is_in(&text[clause]))
}

/// Whether a question word opens the clause of a phrase.
fn is_asked(text: &str, hit: Hit, lists: &Lists) -> bool {
    let clause = clause_of(text, hit.start);
    let head = after_leads(&text[clause.start..hit.start], lists);
    let opens = !head.trim().is_empty() && lists.wh_starts.start_of(head).is_some();
    opens || lists.wh_inside.is_in(&text[clause])
}

/// Whether the word before a phrase turns it round.
fn is_negated(text: &str, hit: Hit, lists: &Lists) -> bool {
    let before = text[..hit.start].split_whitespace().next_back();
    before.is_some_and(|word| lists.negations.contains(word))
}

/// Strong words that people use when they are happy, too.
const SWEARS: &[&str] = &[
    "wtf",
    "what the fuck",
    "what the hell",
    "goddamn",
    "god damn",
    "damn it",
    "jesus christ",
];

fn frustration(human: &str, marked: &Marked<'_>, lists: &Lists) -> Option<Said> {
    let text = marked.text;
    let because = |sign, phrase: Option<&str>| {
        let phrase = phrase.map(|phrase| phrase.trim().to_owned());
        Some((UserLabel::Frustration(sign), phrase))
    };
    let is_pleased = |hit: Hit| SWEARS.contains(&hit.phrase) && lists.delight.is_in(marked);
    let is_style = |hit: Hit| {
        let rest = text[hit.start + hit.phrase.len()..].trim_start();
        SWEARS.contains(&hit.phrase)
            && ["is a ", "is an ", "does ", "are these "]
                .iter()
                .any(|asks| rest.starts_with(asks))
    };
    if !lists.happy_strong.is_in(marked) {
        let anger = |hit: Hit| !is_pleased(hit) && !is_style(hit);
        if let Some(hit) = lists.anger.first_where(marked, anger) {
            return because("anger", Some(hit.phrase));
        }
    }
    if let Some(phrase) = lists.again.first_in(marked) {
        return because("has_to_repeat", Some(phrase));
    }
    // Korean endings look like words of giving up; they hang on another syllable.
    let stands_alone = |at: usize| !text[..at].ends_with(|c| ('가'..='힣').contains(&c));
    let gives_up =
        |hit: Hit| !matches!(hit.phrase, "never mind" | "nevermind") && stands_alone(hit.start);
    if human.len() <= GIVING_UP_BYTES {
        let hit = lists.gives_up.first_where(marked, gives_up);
        let phrase = hit.map(|hit| hit.phrase).or_else(|| words::resigns(text));
        if phrase.is_some() {
            return because("gives_up", phrase);
        }
    }
    if is_shouting(human) {
        return because("shouting", None);
    }
    if is_short_doubled(human) {
        return because("doubled_marks", None);
    }
    None
}

fn delight(marked: &Marked<'_>, spoken: &[&str], lists: &Lists) -> Option<Said> {
    let text = marked.text;
    let plain = |hit: Hit| !is_negated(text, hit, lists) && !is_asked(text, hit, lists);
    if text.len() <= DELIGHT_BYTES
        && let Some(hit) = lists.delight.first_where(marked, plain)
    {
        return Some((UserLabel::Delight, Some(hit.phrase.to_owned())));
    }
    let is_strong = text.len() <= DELIGHT_BYTES && lists.happy_strong.is_in(marked);
    let is_praise = is_strong
        || is_bare_praise(spoken, text, lists)
        || is_thanks_with_praise(spoken, text, lists);
    is_praise.then_some((UserLabel::Delight, None))
}

/// Thanks and praise in few words, and no order behind them.
fn is_thanks_with_praise(spoken: &[&str], text: &str, lists: &Lists) -> bool {
    let thanks = |word: &&str| THANKS.contains(word);
    let praise = |word: &&str| lists.praise.contains(*word);
    let denial = |word: &&str| lists.negations.contains(*word);
    spoken.len() <= THANKS_WORDS_MAX
        && !text.contains(['?', '？'])
        && spoken.iter().any(thanks)
        && spoken.iter().any(praise)
        && !spoken.iter().any(denial)
        && !spoken.iter().any(|word| lists.goes_on.contains(*word))
}

/// Nothing but praise: a few words, one of them praise, no request and no question.
fn is_bare_praise(spoken: &[&str], text: &str, lists: &Lists) -> bool {
    let is_praise = |word: &&str| lists.praise.contains(*word);
    let is_small = |word: &&str| lists.small.contains(*word);
    let is_picture = |c: char| {
        let mut buffer = [0; 4];
        !c.is_ascii() && lists.praise.contains(&*c.encode_utf8(&mut buffer))
    };
    !text.ends_with('?')
        && spoken.len() <= SHORT_WORDS_MAX
        && spoken.iter().all(|word| {
            let is_word = word.contains(char::is_alphanumeric);
            !is_word || is_praise(word) || is_small(word)
        })
        && (spoken.iter().any(is_praise) || text.chars().any(is_picture))
}

/// What does not work, told as such: by a phrase or by a denial beside what programs do.
fn report(marked: &Marked<'_>, lists: &Lists) -> Option<Said> {
    let text = marked.text;
    let phrase = lists
        .reports
        .first_where(marked, |hit| is_told(text, hit.start, lists))
        .map(|hit| hit.phrase)
        .or_else(|| {
            let told = |at| is_told(text, at, lists);
            broken::find(text, told).map(|found| found.phrase)
        })?;
    Some((UserLabel::FailureReport, Some(phrase.trim().to_owned())))
}

fn correction(marked: &Marked<'_>, spoken: &[&str], lists: &Lists) -> Option<Said> {
    let text = marked.text;
    let start = lists.correction_starts.start_of(text);
    if let Some(phrase) = start.filter(|phrase| sets_right(text, spoken, phrase)) {
        return Some((UserLabel::Correction, Some(phrase.trim().to_owned())));
    }
    let is_answer = |phrase| matches!(phrase, "já fiz" | "ya hice" | "ya lo hice");
    let told =
        |hit: Hit| is_told(text, hit.start, lists) && (spoken.len() > 3 || !is_answer(hit.phrase));
    if let Some(hit) = lists.corrections.first_where(marked, told) {
        return Some((UserLabel::Correction, Some(hit.phrase.trim().to_owned())));
    }
    let order = after_leads(text, lists);
    let is_order = lists.orders.start_of(order).is_some();
    if text.len() <= CONTRAST_BYTES && !is_order && !text.ends_with(['?', '？']) {
        let hit = lists
            .contrast
            .first_where(marked, |hit| !is_asked(text, hit, lists))?;
        return Some((UserLabel::Correction, Some(hit.phrase.trim().to_owned())));
    }
    None
}

/// Whether the start of a turn really sets something right: the same words also open questions, orders and answers.
fn sets_right(text: &str, spoken: &[&str], phrase: &str) -> bool {
    let rest = text[phrase.len()..].trim_start();
    let goes_on = |starts: &[&str]| starts.iter().any(|start| rest.starts_with(start));
    match phrase.trim() {
        "but" | "mas" | "pero" | "aber" => {
            let first = ["first", "primero", "primeiro", "antes", "zuerst", "erst"];
            (!text.ends_with('?') || text.ends_with("right?")) && !goes_on(&first)
        }
        "wait" => !goes_on(&["for ", "until ", "till "]),
        "don't" | "dont" | "do not" => !goes_on(&[
            "forget",
            "worry",
            "bother",
            "hesitate",
            "you think",
            "you want",
        ]),
        // "Stop the server" is a job, "stop adding comments" is not.
        "stop" => {
            let next = spoken.get(1).copied().unwrap_or("");
            next.ends_with("ing") || matches!(next, "" | "it" | "that" | "this" | "right" | "there")
        }
        // "Never mind that", not "not that".
        "不要" => !goes_on(&["紧", "担心", "忘", "客气", "急"]),
        "hmm," | "hm," => !goes_on(&["let me", "ok"]),
        "já fiz" | "ya hice" | "ya lo hice" => spoken.len() > 3,
        _ => true,
    }
}

fn suggestion(marked: &Marked<'_>, lists: &Lists) -> Option<Said> {
    let text = marked.text;
    let said = |hit: Hit| !is_asked(text, hit, lists);
    let hit = lists.suggestions.first_where(marked, said)?;
    let idea = if lists.experiment.is_in(marked) {
        Idea::Experiment
    } else if lists.opportunity.is_in(marked) {
        Idea::Opportunity
    } else {
        Idea::Improvement
    };
    Some((UserLabel::Suggestion(idea), Some(hit.phrase.to_owned())))
}

/// What the tone says when no phrase does; only short texts have one tone.
fn by_mood(text: &str) -> UserLabel {
    if text.len() > MOOD_BYTES {
        return UserLabel::Neutral;
    }
    let mood = sentiment::of(text);
    if mood.polarity == Polarity::Negative && mood.negative > DISPLEASED_MIN {
        UserLabel::Frustration("displeased")
    } else if mood.polarity == Polarity::Positive && mood.positive > PLEASED_MIN {
        UserLabel::Delight
    } else {
        UserLabel::Neutral
    }
}
