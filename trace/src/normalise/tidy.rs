//! Joins what is left of a message: dates, lists of values, white space, length.
//!
//! Neighbours: takes the chosen lines, gives the template. Must not look at the message itself.

use super::PLACEHOLDER;

/// The template of a line with placeholders, at most `bytes_max` bytes.
pub(super) fn tidy(line: &str, bytes_max: usize) -> String {
    let single = collapse(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut template = collapse(&without_dates(&single));
    cut(&mut template, bytes_max);
    let kept = template
        .trim_end_matches([' ', '.', ':', ';', ',', '!'])
        .len();
    template.truncate(kept);
    template
}

/// The line with its marks as the program wrote them, at most `bytes_max` bytes. Only a date is one value.
pub(super) fn tidy_as_written(line: &str, bytes_max: usize) -> String {
    let single = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut written = without_lists(&with_whole_dates(&joined_tightly(&single)));
    cut(&mut written, bytes_max);
    written
}

/// A date that names its day or month is one value.
fn with_whole_dates(text: &str) -> String {
    let words: Vec<Word<'_>> = text.split(' ').map(Word::new).collect();
    let mut written = String::with_capacity(text.len());
    let mut index = 0;
    while index < words.len() {
        let run = &words[index..index + date_length(&words[index..])];
        if !written.is_empty() {
            written.push(' ');
        }
        let named = run.iter().any(|word| word.is_day() || is_zone(word.core));
        if let [first, .., last] = run
            && named
            && run.iter().any(Word::is_value)
        {
            written.push_str(first.lead);
            written.push_str(PLACEHOLDER);
            written.push_str(last.tail.strip_prefix(last.closing()).unwrap_or(""));
        } else {
            let whole: Vec<&str> = run.iter().map(|word| word.whole).collect();
            written.push_str(&whole.join(" "));
        }
        index += run.len();
    }
    written
}

/// How many words from the first on could be one date: values, days and zones with no mark but a comma between. At least one.
fn date_length(words: &[Word<'_>]) -> usize {
    let is_part = |word: &Word<'_>| word.is_value() || word.is_day() || is_zone(word.core);
    let follows = |pair: &[Word<'_>]| {
        let leads = pair[1].lead.is_empty() || !pair[1].closing().is_empty();
        is_part(&pair[0]) && is_part(&pair[1]) && matches!(pair[0].tail, "" | ",") && leads
    };
    1 + words.windows(2).take_while(|pair| follows(pair)).count()
}

/// Values that only a joint parts are the parts of one.
fn joined_tightly(text: &str) -> String {
    joined(text, |between| {
        between.is_empty() || (between.len() == 1 && ".:,/_-".contains(between))
    })
}

/// A bracketed list of values is one value, for its length varies.
fn without_lists(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '{']) {
        let (before, list) = rest.split_at(open + 1);
        written.push_str(before);
        let end = list.find([']', '}', '[', '{']).unwrap_or(0);
        let (items, after) = list.split_at(end);
        let values = items
            .split(", ")
            .all(|item| item.trim_matches(['\'', '"']) == PLACEHOLDER);
        if values && after.starts_with([']', '}']) {
            written.push_str(PLACEHOLDER);
            rest = after;
        } else {
            rest = list;
        }
    }
    written.push_str(rest);
    written
}

/// Names of days, months and zones beside a value are a part of it.
fn without_dates(text: &str) -> String {
    let words: Vec<Word<'_>> = text.split(' ').map(Word::new).collect();
    let mut values: Vec<bool> = words.iter().map(Word::is_value).collect();
    for index in 1..words.len() {
        let word = words[index];
        if values[index - 1] && (word.is_day() || is_zone(word.core)) {
            values[index] = true;
        }
    }
    for index in (1..words.len()).rev() {
        if values[index] && words[index - 1].is_day() {
            values[index - 1] = true;
        }
    }
    let mut written = String::with_capacity(text.len());
    for (word, is_value) in words.iter().zip(values) {
        if !written.is_empty() {
            written.push(' ');
        }
        if is_value && !word.is_value() {
            word.write_value(&mut written);
        } else {
            written.push_str(word.whole);
        }
    }
    written
}

/// A word with what leads to it, a bracket or `key=`, and the marks behind it.
#[derive(Clone, Copy)]
struct Word<'a> {
    whole: &'a str,
    lead: &'a str,
    core: &'a str,
    tail: &'a str,
}

impl<'a> Word<'a> {
    fn new(whole: &'a str) -> Self {
        let core = whole.trim_end_matches([',', '.', ':', ';', ')', ']', '}', '"', '\'']);
        let (core, tail) = whole.split_at(core.len());
        let at = core
            .rfind(['(', '[', '{', '=', '"', '\''])
            .map_or(0, |at| at + 1);
        let (lead, core) = core.split_at(at);
        Self {
            whole,
            lead,
            core,
            tail,
        }
    }

    fn is_value(&self) -> bool {
        self.core == PLACEHOLDER
    }

    fn is_day(&self) -> bool {
        is_month(self.core) || is_weekday(self.core)
    }

    /// The bracket behind a zone that stands in brackets of its own, which belong to the date.
    fn closing(&self) -> &'static str {
        let bracketed = self.lead == "(" && self.tail.starts_with(')') && is_zone(self.core);
        if bracketed { ")" } else { "" }
    }

    /// Writes a placeholder in the word's place.
    fn write_value(&self, written: &mut String) {
        let closing = self.closing();
        written.push_str(if closing.is_empty() { self.lead } else { "" });
        written.push_str(PLACEHOLDER);
        written.push_str(self.tail.strip_prefix(closing).unwrap_or(self.tail));
    }
}

fn is_month(word: &str) -> bool {
    matches!(
        word,
        "Jan"
            | "Feb"
            | "Mar"
            | "Apr"
            | "May"
            | "Jun"
            | "Jul"
            | "Aug"
            | "Sep"
            | "Sept"
            | "Oct"
            | "Nov"
            | "Dec"
            | "January"
            | "February"
            | "March"
            | "April"
            | "June"
            | "July"
            | "August"
            | "September"
            | "October"
            | "November"
            | "December"
    )
}

fn is_weekday(word: &str) -> bool {
    matches!(
        word,
        "Mon"
            | "Tue"
            | "Wed"
            | "Thu"
            | "Fri"
            | "Sat"
            | "Sun"
            | "Monday"
            | "Tuesday"
            | "Wednesday"
            | "Thursday"
            | "Friday"
            | "Saturday"
            | "Sunday"
    )
}

/// `UTC`, `CET`, `GMT+<*>`, `PM`.
fn is_zone(word: &str) -> bool {
    const ZONES: &[&str] = &[
        "AEDT", "AEST", "AM", "BRT", "BST", "CDT", "CEST", "CET", "CST", "EDT", "EEST", "EET",
        "EST", "GMT", "HKT", "HST", "IST", "JST", "KST", "MDT", "MSK", "MST", "NZDT", "NZST",
        "PDT", "PM", "PST", "SGT", "UTC", "WEST", "WET", "am", "pm",
    ];
    let name = word
        .strip_suffix(PLACEHOLDER)
        .map_or(word, |name| name.trim_end_matches(['+', '-']));
    ZONES.binary_search(&name).is_ok()
}

/// Most characters between two values of one list.
const SEPARATOR_CHARS_MAX: usize = 3;

/// Runs of values with only separators between them become one value.
fn collapse(text: &str) -> String {
    joined(text, |between| {
        between.len() <= SEPARATOR_CHARS_MAX
            && between.chars().all(|c| " ,:;/.-_+|#x~&@%".contains(c))
    })
}

/// Writes one placeholder for values that stand next to each other with a separator between.
fn joined(text: &str, is_separator: impl Fn(&str) -> bool) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PLACEHOLDER) {
        let between = &rest[..at];
        if !(collapsed.ends_with(PLACEHOLDER) && is_separator(between)) {
            collapsed.push_str(between);
            collapsed.push_str(PLACEHOLDER);
        }
        rest = &rest[at + PLACEHOLDER.len()..];
    }
    collapsed.push_str(rest);
    collapsed
}

/// Cuts a long template between two words.
fn cut(template: &mut String, bytes_max: usize) {
    if template.len() <= bytes_max {
        return;
    }
    let end = super::boundary(template, bytes_max);
    let word_end = template[..end].rfind(' ').unwrap_or(end);
    template.truncate(word_end);
}
