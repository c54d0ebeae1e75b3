//! `--keep`: how long closed runs are kept.

use engine::visibility::query::{closed_statuses, status_name};
use engine::visibility::retention::Retention;

use crate::face_error::FaceError;
use crate::time_text;

/// Reads `30d` and `failed=90d`. A word for one status wins over the one for all, in any order.
pub(super) fn retention(words: &[String]) -> Result<Retention, FaceError> {
    let (named, all): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.contains('='));
    let mut retention = match all[..] {
        [] => Retention::default(),
        [age] => Retention::all(duration(age)?),
        [_, second, ..] => {
            return Err(FaceError::usage(
                format!("--keep {second} is a second age for all runs"),
                "give one for all, and others as STATUS=AGE",
            ));
        }
    };
    for word in named {
        let (name, age) = word.split_once('=').unwrap_or((word, ""));
        let status = closed_statuses()
            .into_iter()
            .find(|status| status_name(*status).eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known = closed_statuses().map(|status| status_name(status).to_lowercase());
                FaceError::usage(
                    format!("--keep {word}: there is no status {name:?} that a closed run has"),
                    format!("one of {}", known.join(", ")),
                )
            })?;
        retention = retention.with(status, duration(age)?);
    }
    Ok(retention)
}

fn duration(text: &str) -> Result<kernel::Millis, FaceError> {
    time_text::parse_duration(text).ok_or_else(|| {
        FaceError::usage(
            format!("--keep {text:?} is no age"),
            "write a number and a unit: 90s, 15m, 6h, 30d, 2w",
        )
    })
}

#[cfg(test)]
mod tests {
    use kernel::Millis;
    use kernel::primitives::workflow_execution::State;

    use super::*;

    const DAY: u64 = 86_400_000;

    fn read(words: &[&str]) -> Result<Retention, FaceError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        retention(&words)
    }

    #[test]
    fn an_age_for_all_and_others_for_some() {
        let kept = read(&["failed=90d", "30d", "TimedOut=2w"]).unwrap();
        assert_eq!(kept.of(State::Completed), Some(Millis(30 * DAY)));
        assert_eq!(kept.of(State::Failed), Some(Millis(90 * DAY)));
        assert_eq!(kept.of(State::TimedOut), Some(Millis(14 * DAY)));
        assert_eq!(kept.of(State::Running), None);
        let some = read(&["completed=1d"]).unwrap();
        assert_eq!(some.of(State::Failed), None);
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_would_do() {
        for (words, hint) in [
            (&["30"][..], "a number and a unit"),
            (&["failed="], "a number and a unit"),
            (&["running=1d"], "completed, failed"),
            (&["1d", "2d"], "STATUS=AGE"),
        ] {
            let error = read(words).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
