//! Messages of agents' tools that repeat what the caller gave them, or go on in several ways with one failure.
//!
//! What was given may be a word, a list or forty lines of code, so no look at its shape finds its end. Neighbours: the
//! parent asks before it looks for values. Must not hold what tells causes apart: which program or skill is missing.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::PLACEHOLDER;

/// What follows the words that a message is known by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// A value up to the end of the line.
    Value,
    /// A value up to the end of the message.
    ValueOfLines,
    /// Words that say nothing more.
    Nothing,
    /// The same, and the words it is told by say nothing more either: a question behind the failure.
    NothingFromThere,
}

/// (the message holds this, and from there on this; what follows)
const KNOWN: &[(&str, &str, Rest)] = &[
    // Shells and command lines.
    (": no matches found:", "", Rest::Value),
    ("error: unrecognized arguments:", "", Rest::Value),
    // A terminal breaks the sentence anywhere.
    ("Die Benennung \"", "\" wurde nicht", Rest::Nothing),
    ("The term '", "' is not recognized", Rest::Nothing),
    ("Le terme «", "» n'est pas reconnu", Rest::Nothing),
    ("El término '", "' no se reconoce", Rest::Nothing),
    // Sessions of OpenClaw.
    ("No session found:", "", Rest::Value),
    ("No session found with label:", "", Rest::Value),
    ("Unknown sessionKey:", "", Rest::Value),
    // Editors.
    (
        "No replacement was performed, old_str",
        "",
        Rest::ValueOfLines,
    ),
    (
        "our proposed edit has introduced new syntax error(s)",
        "",
        Rest::Nothing,
    ),
    (
        "File does not exist",
        ". Did you mean",
        Rest::NothingFromThere,
    ),
];

/// Whether a message may be known.
static ANY: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::new(KNOWN.iter().map(|(holds, _, _)| holds))
        .expect("the table of messages is small and fixed")
});

/// The message with what was given as one value, and without the words behind which it says nothing more.
pub(super) fn shortened(message: &str) -> Cow<'_, str> {
    // Hardly any message is such a one.
    if !ANY.is_match(message) {
        return Cow::Borrowed(message);
    }
    for (holds, until, rest) in KNOWN {
        let Some(start) = message.find(holds) else {
            continue;
        };
        let behind = start + holds.len();
        let line_end = message[behind..]
            .find('\n')
            .map_or(message.len(), |at| behind + at);
        let Some(from) = message[behind..line_end]
            .find(until)
            .map(|at| behind + at + until.len())
        else {
            continue;
        };
        let head = &message[..from];
        return match rest {
            Rest::NothingFromThere => Cow::Borrowed(&message[..behind]),
            // Its bracket closed behind what was cut.
            Rest::Nothing => Cow::Borrowed(head.strip_prefix('[').unwrap_or(head)),
            Rest::ValueOfLines => Cow::Owned(format!("{head} {PLACEHOLDER}")),
            Rest::Value => Cow::Owned(format!("{head} {PLACEHOLDER}{}", &message[line_end..])),
        };
    }
    Cow::Borrowed(message)
}

#[cfg(test)]
mod tests {
    use crate::normalise::{steps, template};

    #[test]
    fn what_was_given_does_not_split_a_failure() {
        for alike in [
            &[
                "zsh:1: no matches found: shop/[id]/till.ts",
                "zsh:3: no matches found: today:nn**",
            ][..],
            &["No session found: skill:till", "No session found: main"],
            &[
                "till.py: error: unrecognized arguments: --fast",
                "till.py: error: unrecognized arguments: A B",
            ],
            &[
                "No replacement was performed, old_str `let till = 1;` did not appear verbatim in /shop/till.ts.",
                "No replacement was performed, old_str fn open(\n    till: Till,\n) did not appear verbatim in /shop/a.rs.",
            ],
            &[
                "Your proposed edit has introduced new syntax error(s). Please read it.",
                "[Your proposed edit has introduced new syntax error(s). Try again.]",
            ],
            &[
                "File does not exist.",
                "File does not exist. Did you mean till.ts?",
            ],
            &[
                "C:\\shop\\till.exe : Die Benennung \"C:\\shop\\till.exe\" wurde nicht",
                "C:\\b\\x.exe : Die Benennung \"C:\\b\\x.exe\" wurde nicht als Name eines",
            ],
        ] {
            let first = template(alike[0]);
            for other in alike {
                assert_eq!(template(other), first, "{other}");
                assert_eq!(template(&first), first, "{first}");
                assert_eq!(
                    steps(other).last().map(|step| step.text.clone()),
                    Some(first.clone())
                );
            }
        }
    }

    #[test]
    fn which_program_or_skill_is_missing_stays() {
        assert_ne!(
            template("zsh: command not found: tern"),
            template("zsh: command not found: till")
        );
        assert_ne!(
            template("Unknown skill: tern"),
            template("Unknown skill: till")
        );
        let missing = |name: &str| {
            template(&format!(
                "{name} : Die Benennung \"{name}\" wurde nicht als Name"
            ))
        };
        assert_ne!(missing("tern"), missing("till"));
    }
}
