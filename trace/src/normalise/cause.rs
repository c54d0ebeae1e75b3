//! The failure inside a wrapper.
//!
//! Frameworks report what a tool threw a second time, in words of their own: `AgentError: could not run read: OSError:
//! disk full`. The template of the whole says where it was reported, the cause says what broke. Neighbours: works on
//! templates, where arguments and code are placeholders already. Must not know any framework by name.

/// The innermost failure that a template names: from the last exception's name of its first sentence on, without the
/// module that it comes from. A template that names none is its own cause.
///
/// What stands after the first sentence is detail of the failure that was named before it and stays: a stack trace below a
/// tool's own exception does not make two causes of one.
///
/// ```
/// use trace::normalise::cause;
/// let wrapped = "RunError: Error when executing tool read with <*>: io.TimeoutError: the disk did not answer";
/// assert_eq!(cause(wrapped), "TimeoutError: the disk did not answer");
/// assert_eq!(cause("the disk did not answer"), "the disk did not answer");
/// ```
#[must_use]
pub fn cause(template: &str) -> &str {
    let mut cause = template;
    for (at, colon) in template.match_indices(": ") {
        let before = &template[..at];
        if before.contains(". ") {
            break;
        }
        let word = before
            .rfind(char::is_whitespace)
            .map_or(0, |space| space + 1);
        let name = before[word..].trim_start_matches(['(', '[', '<', '"', '\'']);
        let name = name.rsplit('.').next().unwrap_or(name);
        let rest = &template[at + colon.len()..];
        if is_exception(name) && rest.chars().any(char::is_alphabetic) {
            cause = &template[at - name.len()..];
        }
    }
    cause
}

/// How the names of exceptions end, in the languages that name them.
const ENDINGS: [&str; 4] = ["Error", "Exception", "Fault", "Interrupt"];

/// `ValueError`, `IOException`, `ENOENT`: a name that a program gives to a failure, not a word of a sentence.
fn is_exception(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts_big = name.starts_with(|c: char| c.is_ascii_uppercase());
    let is_errno = name.len() >= ERRNO_CHARS_MIN
        && name.starts_with('E')
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && name != "ERROR";
    starts_big
        && name.chars().all(is_word)
        && (is_errno || ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// The shortest codes of the system, such as `EIO` and `EPERM`; three letters are too often an acronym.
const ERRNO_CHARS_MIN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: &str) {
        assert_eq!(cause(template), expected, "{template}");
        assert_eq!(cause(expected), expected, "a cause is its own cause");
    }

    #[test]
    fn a_wrapper_is_peeled_down_to_what_was_thrown() {
        let thrown = "KeyError: no column of that name";
        for wrapper in [
            "",
            "StepError: step <*> failed due to: ",
            "RunError: StepError: could not run load with <*>: ",
            "java.lang.RuntimeException: ",
            "Unexpected (pandas.errors.",
        ] {
            check(&format!("{wrapper}{thrown}"), thrown);
        }
        check(
            "Error: ENOENT: no such file or directory, open <*>",
            "ENOENT: no such file or directory, open <*>",
        );
    }

    #[test]
    fn what_follows_the_first_sentence_is_detail_and_no_other_cause() {
        let own = "ConvertError: could not read <*>. The reader said: ValueError: bad magic";
        check(own, own);
        check(&format!("RunError: tool read failed: {own}"), own);
    }

    #[test]
    fn plain_words_with_colons_are_no_exceptions() {
        for plain in [
            "warning: the terror: unknown",
            "ERROR: the build failed",
            "could not read config: permission denied",
            "ValueError: ",
            "",
            ": ",
        ] {
            check(plain, plain);
        }
    }
}
