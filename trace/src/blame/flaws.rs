//! Flaws in a traced run of agents: spans of models and tools, and what is visibly wrong with them.
//!
//! Neighbours: [`super::suspects`] points at one step of a plain session; this reads spans, which say more. Only what
//! the spans themselves show is reported: a missing mark that was asked for, a call that the tool refused, the same
//! call again, an answer without a look.

use std::collections::BTreeMap;

use crate::event::floor_char;
use crate::normalise;
use crate::outcome::{ErrorClass, OutcomeInput, classify};

const TEXT_BYTES: usize = 64 * 1024;
/// So many equal calls of a tool are too many.
const CALLS_MAX: usize = 3;
/// A failed text longer than this is cut before it is compared.
const MESSAGE_BYTES: usize = 600;

/// Who did the work of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A language model.
    Model,
    /// A tool.
    Tool,
    /// A frame around other spans.
    Frame,
}

/// One span.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// Its id.
    pub id: &'a str,
    /// The id of the span around it, empty at the top.
    pub parent: &'a str,
    /// Who worked.
    pub kind: SpanKind,
    /// Its name.
    pub name: &'a str,
    /// What was asked: the prompt's new part or the call's arguments.
    pub asked: &'a str,
    /// What came back.
    pub said: &'a str,
    /// The error it ended with, empty when it did not.
    pub failure: &'a str,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// A mark that the prompt asked for is missing.
    Disobeyed,
    /// A call whose form the tool refused.
    Malformed,
    /// A malformed call again, after the tool had said what is wrong.
    Unlearned,
    /// An answer without any look at the world, though tools were at hand.
    Unlooked,
    /// The tool broke.
    ToolBroke,
    /// Not allowed in.
    Denied,
    /// Took too long.
    TimedOut,
    /// Asked too often.
    RateLimited,
    /// Not there.
    NotFound,
    /// The other side is down.
    Down,
    /// The same call again and again.
    Repeated,
}

/// A flaw and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw<'a> {
    /// The span.
    pub span_id: &'a str,
    /// What is wrong with it.
    pub kind: FlawKind,
}

/// The flaws of a run. `spans` are in the order in which they started.
#[must_use]
pub fn flaws<'a>(spans: &[Span<'a>]) -> Vec<Flaw<'a>> {
    let mut found = Vec::new();
    disobeyed(spans, &mut found);
    failures(spans, &mut found);
    unlooked(spans, &mut found);
    repeated(spans, &mut found);
    found.sort_by(|a, b| (a.span_id, a.kind).cmp(&(b.span_id, b.kind)));
    found.dedup();
    found
}

/// Prompts that ask for a closing mark such as `<end_plan>`, and answers without it.
fn disobeyed<'a>(spans: &[Span<'a>], found: &mut Vec<Flaw<'a>>) {
    for span in spans.iter().filter(|span| span.kind == SpanKind::Model) {
        let asked = &span.asked[..floor_char(span.asked, TEXT_BYTES)];
        let Some(mark) = closing_mark(asked) else {
            continue;
        };
        if !span.said.is_empty() && !span.said.contains(mark) {
            found.push(Flaw {
                span_id: span.id,
                kind: FlawKind::Disobeyed,
            });
        }
    }
}

/// The last `<end...>` of a prompt.
fn closing_mark(asked: &str) -> Option<&str> {
    let start = asked.rfind("<end")?;
    let length = asked[start..].find('>')?;
    let mark = &asked[start..=start + length];
    let is_mark = mark[1..mark.len() - 1]
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (is_mark && mark.len() <= 40).then_some(mark)
}

/// Tools that failed: the fault of the call is the model's, any other is the tool's.
fn failures<'a>(spans: &[Span<'a>], found: &mut Vec<Flaw<'a>>) {
    let mut last_model: BTreeMap<&str, &str> = BTreeMap::new();
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    for span in spans {
        match span.kind {
            SpanKind::Model => {
                last_model.insert(span.parent, span.id);
            }
            SpanKind::Frame => {}
            SpanKind::Tool => {
                let Some((class, message)) = failure(span) else {
                    continue;
                };
                let Some(kind) = kind_of(class) else {
                    continue;
                };
                if kind != FlawKind::Malformed {
                    found.push(Flaw {
                        span_id: span.id,
                        kind,
                    });
                    continue;
                }
                let at = last_model.get(span.parent).copied().unwrap_or(span.id);
                found.push(Flaw { span_id: at, kind });
                let times = refused.entry(normalise::template(message)).or_default();
                *times += 1;
                if *times == 2 {
                    found.push(Flaw {
                        span_id: at,
                        kind: FlawKind::Unlearned,
                    });
                }
            }
        }
    }
}

/// Class and message of a tool's failure; a page that says 403 in its text counts.
fn failure<'s>(span: &Span<'s>) -> Option<(ErrorClass, &'s str)> {
    let said = &span.said[..floor_char(span.said, MESSAGE_BYTES)];
    let message = &span.failure[..floor_char(span.failure, MESSAGE_BYTES)];
    let is_misuse = [
        "unexpected keyword argument",
        "positional argument",
        "required argument",
    ]
    .iter()
    .any(|words| message.contains(words));
    if is_misuse {
        return Some((ErrorClass::BadArguments, message));
    }
    let input = OutcomeInput {
        tool: span.name,
        is_error: (!message.is_empty()).then_some(true),
        text: if message.is_empty() { said } else { message },
        ..OutcomeInput::default()
    };
    let outcome = classify(&input);
    if outcome.failed() {
        return Some((outcome.class, input.text));
    }
    let code = crate::outcome::http_code(&said.to_lowercase());
    match code.filter(|_| said.lines().count() <= 12) {
        Some(401 | 403) => Some((ErrorClass::AuthPermission, said)),
        Some(404) => Some((ErrorClass::NotFound, said)),
        Some(429) => Some((ErrorClass::RateLimit, said)),
        Some(_) | None => None,
    }
}

fn kind_of(class: ErrorClass) -> Option<FlawKind> {
    match class {
        ErrorClass::BadArguments => Some(FlawKind::Malformed),
        ErrorClass::AuthPermission => Some(FlawKind::Denied),
        ErrorClass::Timeout => Some(FlawKind::TimedOut),
        ErrorClass::RateLimit => Some(FlawKind::RateLimited),
        ErrorClass::NotFound => Some(FlawKind::NotFound),
        ErrorClass::Network | ErrorClass::Unavailable => Some(FlawKind::Down),
        ErrorClass::Crash | ErrorClass::Other => Some(FlawKind::ToolBroke),
        ErrorClass::EditMismatch
        | ErrorClass::CheckFailed
        | ErrorClass::UserRejected
        | ErrorClass::State => None,
    }
}

/// The model span that gave the final answer when no other tool was ever asked.
fn unlooked<'a>(spans: &[Span<'a>], found: &mut Vec<Flaw<'a>>) {
    let tools = spans.iter().filter(|span| span.kind == SpanKind::Tool);
    let answers = |span: &&Span<'_>| {
        span.name
            .to_ascii_lowercase()
            .replace('_', "")
            .contains("finalanswer")
    };
    let has_looked = tools.clone().any(|span| !answers(&span));
    let Some(answer) = tools
        .clone()
        .find(|span| answers(span))
        .filter(|_| !has_looked)
    else {
        return;
    };
    let asker = spans
        .iter()
        .take_while(|span| span.id != answer.id)
        .filter(|span| span.kind == SpanKind::Model)
        .last();
    if let Some(asker) = asker {
        found.push(Flaw {
            span_id: asker.id,
            kind: FlawKind::Unlooked,
        });
    }
}

/// The call that was made once too often.
fn repeated<'a>(spans: &[Span<'a>], found: &mut Vec<Flaw<'a>>) {
    let mut calls: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.kind == SpanKind::Tool) {
        let asked = &span.asked[..floor_char(span.asked, MESSAGE_BYTES)];
        let times = calls.entry((span.name, asked)).or_default();
        *times += 1;
        if *times == CALLS_MAX {
            found.push(Flaw {
                span_id: span.id,
                kind: FlawKind::Repeated,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span<'a>(id: &'a str, kind: SpanKind, name: &'a str) -> Span<'a> {
        Span {
            id,
            parent: "step",
            kind,
            name,
            asked: "",
            said: "ok",
            failure: "",
        }
    }

    fn kinds(spans: &[Span<'_>]) -> Vec<(String, FlawKind)> {
        flaws(spans)
            .into_iter()
            .map(|flaw| (flaw.span_id.to_owned(), flaw.kind))
            .collect()
    }

    #[test]
    fn a_mark_that_was_asked_for_and_is_missing_is_a_flaw() {
        let mut plan = span("m1", SpanKind::Model, "model");
        plan.asked = "Write a plan and close it with <end_plan>.";
        plan.said = "1. look 2. answer";
        assert_eq!(kinds(&[plan]), [("m1".to_owned(), FlawKind::Disobeyed)]);
        plan.said = "1. look <end_plan>";
        assert_eq!(kinds(&[plan]), []);
    }

    #[test]
    fn a_refused_call_is_the_model_s_flaw_and_worse_the_second_time() {
        let look = span("t0", SpanKind::Tool, "search");
        let first = span("m1", SpanKind::Model, "model");
        let mut refused = span("t1", SpanKind::Tool, "scroll");
        refused.failure = "TypeError: scroll() got an unexpected keyword argument 'by'";
        let second = Span { id: "m2", ..first };
        let again = Span {
            id: "t2",
            ..refused
        };
        assert_eq!(
            kinds(&[look, first, refused, second, again]),
            [
                ("m1".to_owned(), FlawKind::Malformed),
                ("m2".to_owned(), FlawKind::Malformed),
                ("m2".to_owned(), FlawKind::Unlearned),
            ]
        );
    }

    #[test]
    fn an_answer_without_a_look_is_a_flaw() {
        let model = span("m1", SpanKind::Model, "model");
        let answer = span("t1", SpanKind::Tool, "final_answer");
        assert_eq!(
            kinds(&[model, answer]),
            [("m1".to_owned(), FlawKind::Unlooked)]
        );
        let look = span("t0", SpanKind::Tool, "search");
        assert_eq!(kinds(&[model, look, answer]), []);
    }
}
