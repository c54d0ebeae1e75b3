//! The failure inside a wrapper.
//!
//! Frameworks report what a tool threw a second time, in words of their own: `AgentError: could not run read: OSError:
//! disk full`. The template of the whole says where it was reported, the cause says what broke. Neighbours: works on
//! templates, where arguments and code are placeholders already. Must not know any framework by name.

use super::PLACEHOLDER;

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
    let cause = thrown(field_of_line(field_of_object(template)));
    let cause = behind_wrapper(cause).unwrap_or(cause);
    balanced(behind_place(cause))
}

/// From the last exception's name of the first sentence on.
fn thrown(template: &str) -> &str {
    let mut cause = template;
    for (at, colon) in template.match_indices(": ") {
        let before = &template[..at];
        if before.contains(". ") {
            break;
        }
        let word = before
            .rfind(char::is_whitespace)
            .map_or(0, |space| space + 1);
        // `error=OSError: disk full`: what stands before the sign is the field that holds the failure.
        let name = before[word..]
            .rsplit(['(', '[', '<', '"', '\'', '='])
            .next()
            .unwrap_or("");
        let name = name.rsplit('.').next().unwrap_or(name);
        let rest = &template[at + colon.len()..];
        let says = rest.chars().any(char::is_alphabetic)
            || (rest.starts_with(PLACEHOLDER) && !ENDINGS.contains(&name));
        if is_exception(name) && says {
            cause = &template[at - name.len()..];
        }
    }
    cause
}

/// The field of an object that says what went wrong, when the whole is one: `{tool: <*>, error: <this>, took_ms: <*>}`.
fn field_of_object(template: &str) -> &str {
    let Some(object) = template.strip_prefix('{') else {
        return template;
    };
    let Some(value) = ["error: ", "message: ", "reason: "].iter().find_map(|key| {
        object.match_indices(key).find_map(|(at, _)| {
            let starts =
                at == 0 || object[..at].ends_with(", ") || object[..at].ends_with([',', '{']);
            starts.then(|| &object[at + key.len()..])
        })
    }) else {
        return template;
    };
    // The next field ends it: `, took_ms: `.
    let end = value.match_indices(", ").find_map(|(at, comma)| {
        let rest = &value[at + comma.len()..];
        let (key, _) = rest.split_once(": ")?;
        let is_key = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && key.starts_with(|c: char| c.is_ascii_lowercase());
        (is_key && is_closed(&value[..at])).then_some(at)
    });
    let value = end
        .map_or(value, |end| &value[..end])
        .trim_end_matches(STOPS);
    if value.starts_with('{') || !value.contains(char::is_alphabetic) {
        template
    } else {
        value
    }
}

/// Whether as many brackets were closed as were opened: a comma in brackets ends no field. A template is short.
fn is_closed(text: &str) -> bool {
    [('(', ')'), ('[', ']'), ('{', '}')]
        .iter()
        .all(|(open, close)| text.matches(*open).count() <= text.matches(*close).count())
}

/// The field of a line of `key=value` that says what went wrong.
fn field_of_line(template: &str) -> &str {
    let Some(value) = [" error=", " err="]
        .iter()
        .find_map(|key| template.split_once(key).map(|(_, value)| value))
    else {
        return template;
    };
    let end = value.match_indices(' ').find_map(|(at, _)| {
        let (key, _) = value[at + 1..].split_once('=')?;
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_key && is_closed(&value[..at])).then_some(at)
    });
    let value = end
        .map_or(value, |end| &value[..end])
        .trim_end_matches(STOPS);
    if value.split_whitespace().count() >= INSIDE_WORDS_MIN {
        value
    } else {
        template
    }
}

/// Without the place in a file that a message begins with.
fn behind_place(cause: &str) -> &str {
    let mut cause = cause;
    while let Some((start, inside)) = cause.split_once(": ") {
        let place = start
            .split(' ')
            .all(|word| word == PLACEHOLDER || word == "<*>:in");
        if !place || inside.split_whitespace().count() < INSIDE_WORDS_MIN {
            break;
        }
        cause = inside;
    }
    cause
}

/// What stands behind the last sentence part that only says that a tool was called in vain.
fn behind_wrapper(cause: &str) -> Option<&str> {
    let mut inside = None;
    let mut from = 0;
    for (at, colon) in cause.match_indices(": ") {
        let sentence = &cause[from..at];
        if sentence.contains(". ") {
            break;
        }
        from = at + colon.len();
        let rest = &cause[from..];
        if tells_of_call(sentence) && rest.split_whitespace().count() >= INSIDE_WORDS_MIN {
            inside = Some(rest);
        }
    }
    inside
}

fn tells_of_call(sentence: &str) -> bool {
    sentence
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| {
            matches!(
                word.to_ascii_lowercase().as_str(),
                "tool" | "step" | "arguments" | "attempt" | "attempts" | "retries"
            )
        })
}

/// Fewer words behind a wrapper are a value and no failure.
const INSIDE_WORDS_MIN: usize = 2;

/// What may end a sentence inside of a field, and does not end a template.
const STOPS: [char; 6] = [' ', '.', ':', ';', ',', '!'];

/// Without the brackets at the end that were opened before the cause began.
fn balanced(cause: &str) -> &str {
    let mut cause = cause;
    while let Some((at, closing)) = cause.char_indices().next_back() {
        let opening = match closing {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => break,
        };
        if cause.matches(closing).count() <= cause.matches(opening).count() {
            break;
        }
        cause = cause[..at].trim_end_matches(STOPS);
    }
    cause
}

/// How the names of exceptions end, in the languages that name them.
const ENDINGS: [&str; 5] = ["Error", "Exception", "Fault", "Interrupt", "Timeout"];

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
    name == "panic"
        || starts_big
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

    #[test]
    fn a_field_that_holds_the_failure_is_opened() {
        let thrown = "KeyError: <*>";
        check(
            "{status: error, error: KeyError: <*>, took_ms: <*>}",
            thrown,
        );
        check("<*> lane=main error=KeyError: <*> took_ms=<*>", thrown);
        check("last attempt failed (cause: KeyError: <*>)", thrown);
    }

    #[test]
    fn a_sentence_that_only_tells_of_the_call_is_peeled() {
        let plain = "no space is left on <*>";
        for wrapper in [
            "RunError: Error when executing tool save with <*>: ",
            "Tool save failed: ",
            "StepError: gave up after <*> attempts: ",
            "LinkError: link error <*>: calling tool save: ",
        ] {
            check(&format!("{wrapper}{plain}"), plain);
        }
        check("Tool save failed: EIO", "Tool save failed: EIO");
        check(
            "<*>:in <*>: undefined method <*> for nil",
            "undefined method <*> for nil",
        );
    }
}
