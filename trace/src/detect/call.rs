//! A tool call as `chain` remembers it: enough to tell whether a later one is the same but for a detail.
//!
//! While a file is read the words are at hand; a checkpoint holds them scrubbed, beside a digest of the real ones.

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::scrub::Scrubber;

/// How much of two calls must be equal for them to be the same.
const SAME_PERCENT: usize = 90;

/// Tool and arguments of a call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Kept", from = "Kept")]
pub(super) struct Call {
    text: String,
    /// Of the real words; there when `text` is scrubbed, because it comes from a checkpoint.
    kept_digest: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    text: String,
    digest: String,
}

impl From<Call> for Kept {
    fn from(call: Call) -> Self {
        Self {
            digest: call.digest(),
            text: call.scrubbed(),
        }
    }
}

impl From<Kept> for Call {
    fn from(kept: Kept) -> Self {
        Self {
            text: kept.text,
            kept_digest: Some(kept.digest),
        }
    }
}

impl Call {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            kept_digest: None,
        }
    }

    /// The same whether the call comes from a checkpoint or not.
    pub(super) fn digest(&self) -> String {
        match &self.kept_digest {
            Some(digest) => digest.clone(),
            None => hash::of_words(&self.text),
        }
    }

    fn scrubbed(&self) -> String {
        match self.kept_digest {
            Some(_) => self.text.clone(),
            None => Scrubber::shared().scrub(&self.text).into_string(),
        }
    }

    /// Whether a later call is exactly this one.
    pub(super) fn is_equal(&self, later: &Self) -> bool {
        if self.kept_digest.is_none() && later.kept_digest.is_none() {
            return self.text == later.text && !self.text.is_empty();
        }
        self.digest() == later.digest() && !self.text.is_empty()
    }

    /// Whether one of two calls says all that the other says, and little more: other options, the same order.
    pub(super) fn adds_options(&self, later: &Self) -> bool {
        if self.kept_digest.is_none() && later.kept_digest.is_none() {
            return adds_options(&self.text, &later.text);
        }
        adds_options(&self.scrubbed(), &later.scrubbed())
    }

    /// Whether the call waits, so that its repeats are meant.
    pub(super) fn waits(&self) -> bool {
        let text = &self.text[..crate::event::floor_char(&self.text, 400)];
        ["sleep", "wait", "poll", "watch", "process\0"]
            .iter()
            .any(|word| text.contains(word))
    }

    /// Whether a later call is the same but for a detail. Scrubbed words are compared with scrubbed ones.
    pub(super) fn is_same(&self, later: &Self) -> bool {
        if self.kept_digest.is_none() && later.kept_digest.is_none() {
            return is_same_call(&self.text, &later.text);
        }
        self.digest() == later.digest() && !self.text.is_empty()
            || is_same_call(&self.scrubbed(), &later.scrubbed())
    }
}

/// Most words that options add.
const OPTIONS_MAX: usize = 4;

/// Tool and first word must agree, the shorter call must have two words more, and the longer one may only add.
fn adds_options(earlier: &str, later: &str) -> bool {
    fn words(call: &str) -> Vec<&str> {
        let parts = call.split(|c: char| {
            c.is_whitespace() || c == '\0' || matches!(c, '"' | '\'' | '{' | '}' | ',' | '\\')
        });
        parts
            .filter(|word| !word.is_empty() && *word != ":")
            .take(60)
            .collect()
    }
    let (earlier, later) = (words(earlier), words(later));
    let (short, long) = if earlier.len() <= later.len() {
        (&earlier, &later)
    } else {
        (&later, &earlier)
    };
    let mut rest = long.iter();
    // Tool, name of the argument, program, and what it works on.
    short.len() >= 4
        && long.len() - short.len() <= OPTIONS_MAX
        && long
            .iter()
            .any(|word| word.starts_with('-') && word.len() > 1)
        && short.iter().take(3).eq(long.iter().take(3))
        && short.iter().all(|word| rest.any(|have| have == word))
}

/// Whether two calls are the same but for a detail: another number, another word in a long command. Another page or
/// another file is another attempt.
fn is_same_call(earlier: &str, later: &str) -> bool {
    let before = earlier
        .bytes()
        .zip(later.bytes())
        .take_while(|(a, b)| a == b || a.is_ascii_digit() && b.is_ascii_digit())
        .count();
    let longest = earlier.len().max(later.len());
    let shortest = earlier.len().min(later.len());
    let after = earlier
        .bytes()
        .rev()
        .zip(later.bytes().rev())
        .take(shortest - before)
        .take_while(|(a, b)| a == b)
        .count();
    longest > 0 && (before + after) * 100 >= longest * SAME_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_the_same_when_only_a_detail_differs() {
        let fetch = "fetch\0{\"url\":\"https://example.org/weather/today\"}";
        for (later, want) in [
            (fetch, true),
            ("fetch\0{\"url\":\"https://example.org/news\"}", false),
            ("", false),
        ] {
            assert_eq!(is_same_call(fetch, later), want, "{later}");
        }
        let long = "exec\0{\"command\":\"curl --max-time 10 http://localhost:8080/health\"}";
        assert!(is_same_call(long, &long.replace("10", "30")));
    }

    #[test]
    fn the_same_order_with_more_options_is_told_from_another_order() {
        let call = |command: &str| Call::new(format!("exec\0{{\"command\":\"{command}\"}}"));
        for (earlier, later, want) in [
            ("dig relay.example", "dig relay.example -t any", true),
            (
                "curl -s -v http://relay.example",
                "curl -s http://relay.example",
                true,
            ),
            ("dig relay.example", "dig other.example -t any", false),
            ("git fetch", "git fetch --all", true),
            ("ls", "ls -l", false),
            ("make lib", "make lib docs", false),
        ] {
            assert_eq!(
                call(earlier).adds_options(&call(later)),
                want,
                "{earlier} | {later}"
            );
        }
    }

    #[test]
    fn a_call_of_a_checkpoint_is_compared_and_named_as_it_was_and_shows_no_secret() {
        let secret = "password=Hq7vT2mXw9Lr";
        let text =
            format!("exec\0{{\"command\":\"login --{secret} --host a.example --tries 10\"}}");
        let call = Call::new(text.clone());
        let json = serde_json::to_string(&call).unwrap();
        assert!(!json.contains("Hq7vT2mXw9Lr"), "{json}");
        let kept: Call = serde_json::from_str(&json).unwrap();
        assert_eq!(kept.digest(), call.digest());
        assert!(kept.is_same(&call) && call.is_same(&kept));
        assert!(kept.is_same(&Call::new(text.replace("10", "30"))));
        assert!(!kept.is_same(&Call::new("fetch\0{}".to_owned())));
        let again = serde_json::to_string(&kept).unwrap();
        assert_eq!(again, json);
    }
}
