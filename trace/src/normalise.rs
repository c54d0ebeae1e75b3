//! Message templates: what stays of a message when everything that varies is taken out.
//!
//! Neighbours: [`crate::fingerprint`] hashes the template. `cause` finds the failure inside a wrapper, `given` knows the few
//! messages that repeat what the caller gave them, `scan` walks the characters, `word` judges one word, `lines` chooses the lines that name
//! the failure, `tidy` joins what is left. Must not know what the failure means.

mod cause;
mod given;
mod lines;
mod scan;
mod shape;
mod tidy;
mod word;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::limits::MESSAGE_BYTES_MAX;
pub use cause::cause;
use scan::{Hand, Quoted};

/// What stands for everything that varies.
pub const PLACEHOLDER: &str = "<*>";

/// Longest template, bytes: the first words of a failure name it, the tail only repeats it.
pub const TEMPLATE_BYTES_MAX: usize = 300;

/// A template is looked at again until it stays as it is. The second look is the proof.
const PASSES_MAX: usize = 4;

/// The template of a message: ids, numbers, paths, addresses, times, hashes and quoted values are
/// `<*>`, the lines that only wrap the failure are gone, white space is single.
///
/// Numbers that name a cause stay: status codes, exit codes, `errno`. So does the text of error
/// fields in JSON. `template(template(m)) == template(m)`.
///
/// ```
/// use trace::normalise::template;
/// assert_eq!(
///     template("ENOENT: no such file or directory, open '/home/kim/notes.md'"),
///     "ENOENT: no such file or directory, open <*>"
/// );
/// assert_eq!(template("HTTP 429 after 12.5s"), "HTTP 429 after <*>");
/// ```
#[must_use]
pub fn template(message: &str) -> String {
    let mut current = Cow::Borrowed(&message[..boundary(message, MESSAGE_BYTES_MAX)]);
    for _ in 0..PASSES_MAX {
        let next = pass(&current);
        if next == *current {
            break;
        }
        current = Cow::Owned(next);
    }
    current.into_owned()
}

/// What one step of the normaliser made of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What the step does, in plain words.
    pub name: String,
    /// The text after it.
    pub text: String,
}

/// The steps from a message to its [`template`], each with its result. Steps that change nothing are left out; the
/// last one gives the template.
///
/// ```
/// use trace::normalise::{steps, template};
/// let message = "open '/home/kim/notes.md' failed after 12.5s";
/// assert_eq!(steps(message).last().map(|step| step.text.clone()), Some(template(message)));
/// ```
#[must_use]
pub fn steps(message: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut current = message[..boundary(message, MESSAGE_BYTES_MAX)].to_owned();
    let mut add = |name: &str, text: &str, before: &str| {
        if text != before {
            let name = name.to_owned();
            let text = text.to_owned();
            steps.push(Step { name, text });
        }
    };
    for _ in 0..PASSES_MAX {
        let plain = scan::without_escapes(&current);
        add(
            "terminal colours and cursor marks are taken out",
            &plain,
            &current,
        );
        let clean = given::shortened(&plain);
        add("what the caller gave becomes <*>", &clean, &plain);
        let next = pass(&current);
        // Which way of reading quotes was taken shows in the result only.
        let quoted = [Quoted::Mask, Quoted::KeepProse]
            .into_iter()
            .find(|quoted| arrange(&clean, *quoted) == next)
            .unwrap_or(Quoted::Mask);
        let lines = scan::scan(&clean, quoted, Hand::Plain);
        let masked: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let masked = masked.join("\n");
        let name = match quoted {
            Quoted::Mask => "ids, numbers, paths, times and quoted values become <*>",
            Quoted::KeepProse => {
                "ids, numbers, paths and times become <*>; quotes are kept, for they hold the failure"
            }
        };
        add(name, &masked, &clean);
        let chosen = lines::choose(&lines);
        add(
            "the lines that name the failure are chosen",
            &chosen,
            &masked,
        );
        add(
            "white space and repeats are tidied, the end is cut",
            &next,
            &chosen,
        );
        if next == current {
            break;
        }
        current = next;
    }
    if steps.is_empty() {
        steps.push(Step {
            name: "nothing in it varies".to_owned(),
            text: current,
        });
    }
    steps
}

fn pass(message: &str) -> String {
    reading(&given::shortened(&scan::without_escapes(message))).1
}

/// How the quotes of a message are to be read, and what comes out.
fn reading(clean: &str) -> (Quoted, String) {
    let terse = arrange(clean, Quoted::Mask);
    if informative_words(&terse) >= INFORMATIVE_WORDS_MIN {
        return (Quoted::Mask, terse);
    }
    // Nearly all of the message stands in quotes, so the quotes hold the failure and not a value.
    let full = arrange(clean, Quoted::KeepProse);
    if informative_words(&full) > informative_words(&terse) {
        (Quoted::KeepProse, full)
    } else {
        (Quoted::Mask, terse)
    }
}

/// The message as its program has it in the source, as far as that can be seen from outside: like [`template`], but with the quotes,
/// the lists and the full stop that it was written with. To be read and searched for, never to be compared: two
/// wordings may have one template.
///
/// ```
/// use trace::normalise::{template, wording};
/// let message = "Peer 'kim-7' (10.0.0.7 10.0.0.8) left after 3 s.";
/// assert_eq!(wording(message), "Peer '<*>' (<*> <*>) left after <*> s.");
/// assert_eq!(template(message), "Peer <*> (<*>) left after <*>");
/// ```
#[must_use]
pub fn wording(message: &str) -> String {
    let clean = scan::without_escapes(&message[..boundary(message, MESSAGE_BYTES_MAX)]);
    let (quoted, _) = reading(&clean);
    let lines = scan::scan(&clean, quoted, Hand::AsWritten);
    tidy::tidy_as_written(&lines::choose(&lines), WORDING_BYTES_MAX)
}

/// Longest wording, bytes. Longer than a template: nothing is compared by it.
pub const WORDING_BYTES_MAX: usize = 1_000;

const INFORMATIVE_WORDS_MIN: usize = 2;

fn arrange(clean: &str, quoted: Quoted) -> String {
    tidy::tidy(
        &lines::choose(&scan::scan(clean, quoted, Hand::Plain)),
        TEMPLATE_BYTES_MAX,
    )
}

/// Words of three or more letters, each placeholder's `*` aside.
fn informative_words(template: &str) -> usize {
    template
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().nth(2).is_some())
        .count()
}

/// The last character boundary at or before `bytes_max`.
pub(crate) fn boundary(text: &str, bytes_max: usize) -> usize {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
