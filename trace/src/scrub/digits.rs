//! Digits of other scripts than ours, in which people write numbers too.
//!
//! Neighbours: `pii` judges what is found here. Must not know what a number stands for.

/// A number in the text and how it is written in our digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// First byte.
    pub(super) start: usize,
    /// The byte behind the last digit.
    pub(super) end: usize,
    /// In our digits and separators.
    pub(super) written: String,
    /// Whether a digit of another script is among them.
    pub(super) is_foreign: bool,
}

/// Where the digits of a script begin, from zero on.
const ZEROS: &[u32] = &[
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10,
];

/// Longest number looked at, digits and separators.
const CHARS_MAX: usize = 40;

/// The digit as we write it.
pub(super) fn ours(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let code = u32::from(c);
    let zero = ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// The separator or sign as we write it.
fn mark(c: char) -> Option<char> {
    match c {
        '-' | '.' | '/' | '(' | ')' | ' ' => Some(c),
        '\u{a0}' | '\u{3000}' => Some(' '),
        '－' | '‐' | '‑' | '–' | 'ー' => Some('-'),
        '（' => Some('('),
        '）' => Some(')'),
        '．' => Some('.'),
        _ => None,
    }
}

/// The number whose first digit is at `at`, with the plus or bracket before it.
pub(super) fn run_at(text: &str, at: usize) -> Run {
    let mut run = Run {
        start: at,
        end: at,
        written: String::new(),
        is_foreign: false,
    };
    let mut before = text[..at].chars().rev();
    if let Some(c @ ('+' | '＋' | '(' | '（')) = before.next() {
        run.start -= c.len_utf8();
        run.written
            .push(if matches!(c, '+' | '＋') { '+' } else { '(' });
    }
    // Marks that count only when a digit follows.
    let mut waiting = String::new();
    for (offset, c) in text[at..].char_indices().take(CHARS_MAX) {
        if let Some(digit) = ours(c) {
            run.written.push_str(&waiting);
            waiting.clear();
            run.written.push(digit);
            run.is_foreign |= !c.is_ascii();
            run.end = at + offset + c.len_utf8();
        } else if let Some(mark) = mark(c).filter(|_| waiting.len() < 2) {
            waiting.push(mark);
        } else {
            break;
        }
    }
    run
}

/// Whether letters or digits go on beside the number, so that it is a part of a name.
pub(super) fn touches_word(text: &str, run: &Run) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || ours(c).is_some();
    text[..run.start].chars().next_back().is_some_and(part)
        || text[run.end..].chars().next().is_some_and(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, written: &str, is_foreign: bool) {
        let at = text.char_indices().find(|(_, c)| ours(*c).is_some());
        let run = run_at(text, at.unwrap().0);
        assert_eq!(
            (run.written.as_str(), run.is_foreign),
            (written, is_foreign)
        );
    }

    #[test]
    fn digits_of_other_scripts_are_read_as_ours() {
        check("ي ٠٥٥-٥٥٥ ٠١٢٣ .", "055-555 0123", true);
        check("(०११) २३४५ ६७८९", "(011) 2345 6789", true);
        check(
            "＋８１ ９０－００００－００００です",
            "+81 90-0000-0000",
            true,
        );
        check("in 2026 und", "2026", false);
    }
}
