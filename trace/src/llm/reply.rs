//! The strict form of an answer. What is not exactly so is not read.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::signal::{Class, Kind, Severity};

/// Longest answer that is read, bytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Most claims in one answer.
const CLAIMS_MAX: usize = 100;

/// What a model says it saw. Nothing of it counts before [`super::check()`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The entry of the transcript, from 0.
    pub event: u64,
    /// What should stand there.
    pub quote: String,
    /// What kind.
    pub kind: Kind,
    /// Which quality.
    pub class: Class,
    /// The tool involved, or empty.
    #[serde(default)]
    pub tool: String,
    /// How bad.
    pub severity: Severity,
    /// 0.0 to 1.0.
    pub confidence: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    signals: Vec<Claim>,
}

/// Why an answer is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadReply {
    /// Nothing was said.
    Empty,
    /// It is longer than an answer may be.
    TooLong,
    /// It ends in the middle.
    CutOff,
    /// It is not one JSON value and nothing else.
    NotJson,
    /// Its fields are not those that were asked for.
    WrongShape,
    /// It claims more than one chunk can hold.
    TooManyClaims,
}

impl BadReply {
    /// The reason in plain words, for the ledger and for the model.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "the answer was empty",
            Self::TooLong => "the answer was too long",
            Self::CutOff => "the answer was cut off",
            Self::NotJson => "the answer was not one JSON object and nothing else",
            Self::WrongShape => "the answer had other fields or types than asked for",
            Self::TooManyClaims => "the answer held too many signals",
        }
    }
}

impl fmt::Display for BadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for BadReply {}

/// The claims of an answer.
///
/// # Errors
/// When it is anything but one JSON object of the form that was asked for.
pub fn parse(reply: &str) -> Result<Vec<Claim>, BadReply> {
    let reply = reply.trim();
    if reply.is_empty() {
        return Err(BadReply::Empty);
    }
    if reply.len() > REPLY_BYTES_MAX {
        return Err(BadReply::TooLong);
    }
    let read: Reply = serde_json::from_str(reply).map_err(|error| match error.classify() {
        Category::Eof => BadReply::CutOff,
        Category::Data => BadReply::WrongShape,
        Category::Syntax | Category::Io => BadReply::NotJson,
    })?;
    if read.signals.len() > CLAIMS_MAX {
        return Err(BadReply::TooManyClaims);
    }
    let is_share = |claim: &Claim| (0.0..=1.0).contains(&claim.confidence);
    if !read.signals.iter().all(is_share) {
        return Err(BadReply::WrongShape);
    }
    Ok(read.signals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"signals":[{"event":1,"quote":"it broke","kind":"error","class":"defect","tool":"","severity":"high","confidence":0.5}]}"#;

    fn check(reply: &str, want: Result<usize, BadReply>) {
        assert_eq!(
            parse(reply).map(|claims| claims.len()),
            want,
            "{reply:.120}"
        );
    }

    #[test]
    fn only_the_exact_form_is_read() {
        check(GOOD, Ok(1));
        check(&format!("\n {GOOD}\n"), Ok(1));
        check(r#"{"signals":[]}"#, Ok(0));
        check("", Err(BadReply::Empty));
        check(" \n", Err(BadReply::Empty));
        check("I found nothing.", Err(BadReply::NotJson));
        check(&format!("Here it is:\n{GOOD}"), Err(BadReply::NotJson));
        check(&format!("{GOOD}\nHope this helps!"), Err(BadReply::NotJson));
        check(&format!("```json\n{GOOD}\n```"), Err(BadReply::NotJson));
        check(&format!("{GOOD}{GOOD}"), Err(BadReply::NotJson));
        check("[]", Err(BadReply::WrongShape));
        check("{}", Err(BadReply::WrongShape));
        check(r#"{"signals":[],"more":1}"#, Err(BadReply::WrongShape));
        check(r#"{"signals":[],"signals":[]}"#, Err(BadReply::WrongShape));
        for (from, to) in [
            ("\"event\":1", "\"event\":\"1\""),
            ("\"event\":1", "\"event\":-1"),
            ("\"event\":1", "\"event\":1.5"),
            ("\"error\"", "\"mistake\""),
            ("0.5", "1.5"),
            ("0.5", "-0.1"),
            ("0.5", "\"high\""),
            ("\"quote\":\"it broke\"", "\"quote\":null"),
            ("\"severity\":\"high\",", ""),
        ] {
            check(&GOOD.replace(from, to), Err(BadReply::WrongShape));
        }
        check(&GOOD.replace("0.5", "1e999"), Err(BadReply::NotJson));
        check(&"x".repeat(REPLY_BYTES_MAX + 1), Err(BadReply::TooLong));
        let one = &GOOD[12..GOOD.len() - 2];
        let many = vec![one; CLAIMS_MAX + 1].join(",");
        check(
            &format!("{{\"signals\":[{many}]}}"),
            Err(BadReply::TooManyClaims),
        );
        check(&"[".repeat(60_000), Err(BadReply::WrongShape));
    }

    #[test]
    fn an_answer_that_was_cut_anywhere_is_never_read() {
        for end in 1..GOOD.len() {
            assert_eq!(parse(&GOOD[..end]), Err(BadReply::CutOff), "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(reply in "[\\[\\]{}\":,a-z0-9 .\\\\-]{0,200}") {
            let _any = parse(&reply);
        }
    }
}
