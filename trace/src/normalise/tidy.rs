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

/// Names of days, months and zones beside a value are a part of it.
fn without_dates(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for index in 1..words.len() {
        let word = bare(words[index]);
        if is_value(words[index - 1]) && (is_month(word) || is_weekday(word) || is_zone(word)) {
            words[index] = PLACEHOLDER;
        }
    }
    for index in (1..words.len()).rev() {
        let word = bare(words[index - 1]);
        if is_value(words[index]) && (is_month(word) || is_weekday(word)) {
            words[index - 1] = PLACEHOLDER;
        }
    }
    words.join(" ")
}

fn bare(word: &str) -> &str {
    word.trim_end_matches([',', '.'])
}

fn is_value(word: &str) -> bool {
    word.trim_end_matches([',', ':', '.']) == PLACEHOLDER
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

fn is_zone(word: &str) -> bool {
    matches!(
        word,
        "AM" | "PM"
            | "am"
            | "pm"
            | "UTC"
            | "GMT"
            | "EST"
            | "EDT"
            | "CST"
            | "CDT"
            | "MST"
            | "MDT"
            | "PST"
            | "PDT"
            | "CET"
            | "CEST"
            | "BST"
            | "IST"
            | "JST"
    )
}

/// Most characters between two values of one list.
const SEPARATOR_CHARS_MAX: usize = 3;

/// Runs of values with only separators between them become one value.
fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PLACEHOLDER) {
        let between = &rest[..at];
        let joined = collapsed.ends_with(PLACEHOLDER)
            && between.len() <= SEPARATOR_CHARS_MAX
            && between.chars().all(|c| " ,:;/.-_+|#x~&@%".contains(c));
        if !joined {
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
