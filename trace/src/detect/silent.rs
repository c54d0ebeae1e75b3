//! People who asked and got nothing: a control token, an empty turn, or only failed turns.
//!
//! No keyword shows these, so they are found by what is missing. Neighbours: `provider_error` reports why turns
//! failed; this reports that somebody waited. A reply that a messaging tool sent is an answer.

use serde::{Deserialize, Serialize};

use super::provider_error;
use super::recorder::{Cx, Finding, Held, Quote};
use crate::event::{AssistantTurn, ProviderError, ToolCall, UserTurn};
use crate::signal::{Class, Evidence, Kind, Severity};

const DETECTOR: &str = "silent";
const CONTROL_TOKENS: &[&str] = &[
    "HEARTBEAT_OK",
    "NO_REPLY",
    "ANNOUNCE_SKIP",
    "REPLY_SKIP",
    "[[reply_to_current]]",
];

/// What a person asked and has not been answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting {
    asked: Option<Held>,
    /// Digest of the whole turn.
    #[serde(default)]
    text: String,
    at_ms: Option<i64>,
    last_error: Option<Held>,
    /// Of the failed turn that is shown.
    #[serde(default)]
    class: Option<Class>,
    /// Whether the harness spoke after the turns failed: the next answer may be for it.
    #[serde(default)]
    harness_spoke: bool,
}

impl Waiting {
    /// Whether the harness gives the same words to another model, as it does when the first one fails. Nobody types that fast.
    fn is_again(&self, text: &str, at_ms: Option<i64>) -> bool {
        let waited = at_ms.zip(self.at_ms).map(|(now, before)| now - before);
        self.text == text
            && self.last_error.is_some()
            && waited.is_some_and(|ms| (0..=RERUN_MS_MAX).contains(&ms))
    }
}

/// Longest that a harness tries one model before it turns to another.
const RERUN_MS_MAX: i64 = 60_000;

/// Who waits for what.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Silent {
    waiting: Option<Waiting>,
}

impl Silent {
    pub(super) fn on_user(&mut self, turn: &UserTurn<'_>, cx: &mut Cx<'_>) {
        if turn.human.is_empty() {
            // A harness turn between question and answer changes who is answered: what follows proves nothing.
            match &mut self.waiting {
                Some(waiting) if waiting.last_error.is_some() => waiting.harness_spoke = true,
                Some(_) | None => self.waiting = None,
            }
            return;
        }
        let text = crate::hash::sha256_hex(turn.text.as_bytes());
        let is_again = |waiting: &Waiting| waiting.is_again(&text, cx.at_ms);
        if self.waiting.as_ref().is_some_and(is_again) {
            return;
        }
        self.finish(cx);
        if turn.waiting {
            self.waiting = Some(Waiting {
                asked: Self::asked(turn, cx),
                text,
                at_ms: cx.at_ms,
                last_error: None,
                class: None,
                harness_spoke: false,
            });
        }
    }

    fn asked(turn: &UserTurn<'_>, cx: &Cx<'_>) -> Option<Held> {
        let line = turn
            .human
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("");
        cx.hold(Quote {
            role: "user",
            text: &turn.text,
            quote: line.trim(),
        })
    }

    pub(super) fn on_call(&mut self, call: &ToolCall<'_>) {
        let sends = matches!(
            &*call.name,
            "message" | "sessions_send" | "send_message" | "tts" | "canvas"
        );
        if sends || call.name.contains("reply") || call.name.contains("send") {
            self.waiting = None;
        }
    }

    pub(super) fn on_assistant(&mut self, turn: &AssistantTurn<'_>, cx: &mut Cx<'_>) {
        let text = turn.text.trim();
        if turn.calls_tools || self.waiting.is_none() {
            return;
        }
        let is_token = CONTROL_TOKENS.contains(&text);
        if !is_token && (!text.is_empty() || !turn.ends) {
            self.waiting = None;
            return;
        }
        // The token answers the harness; the person still has nothing but failed turns.
        if is_token
            && self
                .waiting
                .as_ref()
                .is_some_and(|waiting| waiting.harness_spoke)
        {
            return;
        }
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        let Some(asked) = waiting.asked else { return };
        let (error_class, summary) = if is_token {
            (
                "control_token",
                "a person was answered with a control token only",
            )
        } else {
            ("empty_answer", "a person was answered with an empty turn")
        };
        let quote = Quote {
            role: "assistant",
            text: &turn.text,
            quote: text,
        };
        let quote = is_token.then_some(quote);
        let class = Class::ReliabilityPerf;
        report(error_class, class, summary, &[asked.shown()], quote, cx);
    }

    pub(super) fn on_error(&mut self, error: &ProviderError<'_>, cx: &mut Cx<'_>) {
        if error.partial {
            return;
        }
        if let Some(waiting) = &mut self.waiting
            && waiting.last_error.is_none()
        {
            let sentence = crate::outcome::innermost_message(&error.message);
            waiting.class = Some(provider_error::cause(&error.message).class);
            waiting.last_error = cx.hold(Quote {
                role: "system",
                text: &error.message,
                quote: sentence,
            });
        }
    }

    pub(super) fn on_interrupt(&mut self) {
        self.waiting = None;
    }

    /// Reports the person who is left with nothing but failed turns, when the next one speaks or the file ends.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        let Some(Waiting {
            asked: Some(asked),
            at_ms,
            last_error: Some(error),
            class,
            ..
        }) = self.waiting.take()
        else {
            return;
        };
        let mut at_question = Cx {
            line: asked.line(),
            at_ms,
            raw: cx.raw,
            recorder: cx.recorder,
        };
        let summary = "a person got no answer, only failed model turns";
        report(
            "no_answer",
            class.unwrap_or(Class::ReliabilityPerf),
            summary,
            &[asked.shown(), error.shown()],
            None,
            &mut at_question,
        );
    }
}

fn report(
    error_class: &'static str,
    class: Class,
    summary: &str,
    earlier: &[Evidence],
    quote: Option<Quote<'_>>,
    cx: &mut Cx<'_>,
) {
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class,
        tool: "",
        error_class,
        message: summary,
        summary,
        severity: Severity::High,
        confidence: 0.85,
        tags: &["silent"],
        quote,
        earlier,
        keeps_repeats: false,
    });
}
