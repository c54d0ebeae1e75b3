//! What people feel and say about the work: anger, correction, reports, delight, refusals, interruptions.
//!
//! Only human words count; harness prose was taken off by the formats. Long texts are documents: only their first and
//! last sentences are the person's voice. Neighbours: `said` judges the words of one turn, `words` holds the lists.

mod broken;
mod said;
mod voice;

use serde::{Deserialize, Serialize};

use super::quality::quality;
use super::recorder::{Cx, Finding, Quote};
use super::words;
use crate::event::{AssistantTurn, UserTurn, floor_char};
use crate::hash;
use crate::outcome::{ErrorClass, Outcome, OutcomeInput, class_of_words, cut_at_word};
use crate::signal::{Class, Kind, Severity};

const DETECTOR: &str = "user";
const QUOTE_BYTES: usize = 300;
/// Longer turns are not compared with each other.
const REPEATED_BYTES_MAX: usize = 200;
const PING_WINDOW_MS: i64 = 15 * 60 * 1000;
const SECOND_RECORD_MS: u64 = 1_000;
/// How far below the refusal of a call the interruption is told that it caused.
const ECHO_LINES: u64 = 2;

/// What a user turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserLabel {
    Synthetic,
    /// Says it again and again and gets no answer; the words themselves are plain.
    Unanswered(&'static str),
    Interrupt,
    Frustration(&'static str),
    Correction,
    FailureReport,
    Delight,
    Suggestion(Idea),
    Neutral,
}

/// What an idea is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idea {
    /// How the agent should go about it.
    Improvement,
    /// Something to try out or to compare.
    Experiment,
    /// Something the agent could do unasked.
    Opportunity,
}

impl UserLabel {
    fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Interrupt => "interrupt",
            Self::Frustration(_) => "frustration",
            Self::Correction => "correction",
            Self::FailureReport => "failure_report",
            Self::Delight => "delight",
            Self::Suggestion(_) => "suggestion",
            Self::Unanswered(_) | Self::Neutral => "neutral",
        }
    }
}

/// What is remembered between turns.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Users {
    /// Turns without an answer since the last one: a digest of the words, and when. A checkpoint keeps no words of a
    /// person.
    unanswered: Vec<(String, Option<i64>)>,
    saw_a_person: bool,
    /// Where a person refused a call last.
    #[serde(default)]
    refused_at: Option<u64>,
}

impl Users {
    /// The model spoke, which answers what was asked, unless it said nothing.
    pub(super) fn on_assistant(&mut self, turn: &AssistantTurn<'_>) {
        let text = turn.text.trim();
        let says_nothing = text.is_empty() || matches!(text, "HEARTBEAT_OK" | "NO_REPLY");
        if !says_nothing || turn.calls_tools {
            self.unanswered.clear();
        }
    }

    /// Gives back what the turn means for the session: the name of its label, or `frustration` where plain words knock again
    /// and again. `was_asked`: the agent had ended with a question, so that a bare no is
    /// an answer.
    pub(super) fn on_user(
        &mut self,
        at_ms: Option<i64>,
        turn: &UserTurn<'_>,
        was_asked: bool,
        cx: &mut Cx<'_>,
    ) -> &'static str {
        let (label, hit) = match self.label(at_ms, turn) {
            (UserLabel::Correction | UserLabel::Interrupt, _)
                if was_asked && is_bare_refusal(&turn.human) =>
            {
                (UserLabel::Neutral, None)
            }
            found => found,
        };
        self.report(label, hit.as_deref(), turn, cx);
        match label {
            UserLabel::Unanswered(_) => "frustration",
            UserLabel::Synthetic
            | UserLabel::Interrupt
            | UserLabel::Frustration(_)
            | UserLabel::Correction
            | UserLabel::FailureReport
            | UserLabel::Delight
            | UserLabel::Suggestion(_)
            | UserLabel::Neutral => label.name(),
        }
    }

    fn report(
        &mut self,
        label: UserLabel,
        hit: Option<&str>,
        turn: &UserTurn<'_>,
        cx: &mut Cx<'_>,
    ) {
        cx.judge_user(label.name());
        if label == UserLabel::Synthetic {
            return;
        }
        self.saw_a_person = true;
        if label == UserLabel::Interrupt {
            self.on_interrupt(&turn.human, cx);
            return;
        }
        let Some(shape) = Shape::of(label) else {
            return;
        };
        let quote = quote_around(&turn.human, hit.unwrap_or(""));
        let summary = format!("{}: {quote}", shape.what);
        cx.find(&Finding {
            detector: DETECTOR,
            kind: shape.kind,
            // What was pasted says what failed.
            class: if label == UserLabel::FailureReport {
                quality(class_of_words(quote).unwrap_or(ErrorClass::Other), quote)
            } else {
                shape.class
            },
            tool: "",
            error_class: shape.sign,
            message: "",
            summary: &summary,
            severity: shape.severity,
            confidence: shape.confidence,
            tags: &["user"],
            quote: Some(Quote {
                role: "user",
                text: &turn.text,
                quote,
            }),
            earlier: &[],
            keeps_repeats: true,
        });
    }

    /// A person stopped the agent; without a person in the session it was a time limit or a kill.
    pub(super) fn on_interrupt(&mut self, text: &str, cx: &mut Cx<'_>) {
        cx.judge_user("interrupt");
        // Refusing a call stops the agent too, and the harness writes down both.
        let is_echo = self
            .refused_at
            .is_some_and(|line| cx.line.saturating_sub(line) <= ECHO_LINES);
        if is_echo {
            return;
        }
        let quote = cut_at_word(text.lines().next().unwrap_or(""), QUOTE_BYTES);
        let by_a_person = self.saw_a_person || text.contains("by user");
        cx.find(&Finding {
            detector: DETECTOR,
            kind: if by_a_person {
                Kind::UserFrustration
            } else {
                Kind::Error
            },
            class: if by_a_person {
                Class::UxFriction
            } else {
                Class::ReliabilityPerf
            },
            tool: "",
            error_class: if by_a_person {
                "interrupt"
            } else {
                "aborted_run"
            },
            message: "",
            summary: if by_a_person {
                "a person interrupted the agent"
            } else {
                "a run was aborted"
            },
            severity: if by_a_person {
                Severity::Low
            } else {
                Severity::Medium
            },
            confidence: if by_a_person { 0.7 } else { 0.6 },
            tags: &["interrupt"],
            quote: Some(Quote {
                role: if by_a_person { "user" } else { "system" },
                text,
                quote,
            }),
            earlier: &[],
            keeps_repeats: false,
        });
    }

    /// A person refused a tool call.
    pub(super) fn on_outcome(
        &mut self,
        input: &OutcomeInput<'_>,
        outcome: &Outcome<'_>,
        cx: &mut Cx<'_>,
    ) {
        if outcome.class != ErrorClass::UserRejected || !outcome.failed() {
            return;
        }
        self.refused_at = Some(cx.line);
        let text = if input.text.contains(outcome.message) {
            input.text
        } else {
            input.error
        };
        cx.find(&Finding {
            detector: DETECTOR,
            kind: Kind::UserFrustration,
            class: Class::UxFriction,
            tool: input.tool,
            error_class: "rejection",
            message: "",
            summary: "a person refused or stopped a tool call",
            severity: Severity::Low,
            confidence: 0.7,
            tags: &["rejection"],
            quote: Some(Quote {
                role: "tool",
                text,
                quote: outcome.message,
            }),
            earlier: &[],
            keeps_repeats: false,
        });
    }

    fn label(&mut self, at_ms: Option<i64>, turn: &UserTurn<'_>) -> (UserLabel, Option<String>) {
        let human = turn.human.trim();
        if human.is_empty() {
            return (UserLabel::Synthetic, None);
        }
        let plain = plain_words(human);
        let digest = hash::of_words(&plain);
        if self.is_second_record(&digest, at_ms) {
            return said::judge(human);
        }
        let repeated = self.is_repeated(&plain, &digest, at_ms);
        if self.unanswered.len() >= 16 {
            self.unanswered.remove(0);
        }
        self.unanswered.push((digest, at_ms));
        match (said::judge(human), repeated) {
            ((UserLabel::Neutral, _), Some(sign)) => (UserLabel::Unanswered(sign), None),
            (said, _) => said,
        }
    }

    /// Whether the harness wrote the turn before down once more, as it does with a command and what it stands for. Nobody
    /// types the same words twice within a second.
    fn is_second_record(&self, digest: &str, at_ms: Option<i64>) -> bool {
        let before = self.unanswered.last();
        before.is_some_and(|(words, then)| {
            let apart = at_ms.zip(*then).map(|(now, then)| now.abs_diff(then));
            words == digest && apart.is_some_and(|apart| apart < SECOND_RECORD_MS)
        })
    }

    /// Whether the person knocks again: the same words, or another ping, soon after and with no answer between.
    fn is_repeated(&self, plain: &str, digest: &str, at_ms: Option<i64>) -> Option<&'static str> {
        if plain.len() > REPEATED_BYTES_MAX || plain.is_empty() {
            return None;
        }
        let is_soon = |then: Option<i64>| match (then, at_ms) {
            (Some(then), Some(now)) => (0..PING_WINDOW_MS).contains(&(now - then)),
            (Some(_) | None, _) => false,
        };
        let recent = || self.unanswered.iter().filter(|(_, then)| is_soon(*then));
        let is_ping = |words: &str| words::PINGS.contains(&words);
        if is_ping(plain) && recent().count() >= 2 {
            return Some("repeated_ping");
        }
        let same = recent().filter(|(words, _)| words == digest).count();
        // Sending the same words twice is often a slip or a retry of the screen; three times is not.
        (same >= 2 && plain.len() >= 2).then_some("repeated_words")
    }
}

struct Shape {
    kind: Kind,
    class: Class,
    sign: &'static str,
    what: &'static str,
    severity: Severity,
    confidence: f64,
}

impl Shape {
    fn of(label: UserLabel) -> Option<Self> {
        let (kind, class, sign, what, severity, confidence) = match label {
            UserLabel::Synthetic | UserLabel::Interrupt | UserLabel::Neutral => return None,
            UserLabel::Unanswered(sign) => {
                let what = "a person calls again and again and is not answered";
                (
                    Kind::UserFrustration,
                    Class::UxFriction,
                    sign,
                    what,
                    Severity::Medium,
                    0.8,
                )
            }
            UserLabel::Frustration(sign) => {
                let severity = if sign == "anger" {
                    Severity::High
                } else {
                    Severity::Medium
                };
                (
                    Kind::UserFrustration,
                    Class::UxFriction,
                    sign,
                    "a person is annoyed",
                    severity,
                    0.8,
                )
            }
            UserLabel::Correction => {
                let what = "a person corrects the agent";
                (
                    Kind::Other,
                    Class::UxFriction,
                    "correction",
                    what,
                    Severity::Low,
                    0.6,
                )
            }
            UserLabel::FailureReport => {
                let what = "a person reports a failure";
                (
                    Kind::Error,
                    Class::Defect,
                    "user_report",
                    what,
                    Severity::Medium,
                    0.7,
                )
            }
            UserLabel::Delight => {
                let what = "a person is pleased";
                (
                    Kind::UserDelight,
                    Class::UserDelight,
                    "delight",
                    what,
                    Severity::Low,
                    0.7,
                )
            }
            UserLabel::Suggestion(idea) => {
                let (kind, sign, what) = match idea {
                    Idea::Improvement => (
                        Kind::ImprovementSuggestion,
                        "suggestion",
                        "a person suggests something",
                    ),
                    Idea::Experiment => (
                        Kind::ExperimentSuggestion,
                        "experiment",
                        "a person suggests an experiment",
                    ),
                    Idea::Opportunity => (
                        Kind::ProactiveOpportunity,
                        "opportunity",
                        "a person wishes for something the agent could do unasked",
                    ),
                };
                (
                    kind,
                    Class::ProactiveOpportunity,
                    sign,
                    what,
                    Severity::Low,
                    0.6,
                )
            }
        };
        Some(Self {
            kind,
            class,
            sign,
            what,
            severity,
            confidence,
        })
    }
}

/// At most three words.
fn is_bare_refusal(human: &str) -> bool {
    human.split_whitespace().count() <= 3
}

/// Lower case, no marks, single spaces: what two knocks on the same door have in common.
fn plain_words(human: &str) -> String {
    let window = &human[..floor_char(human, 400)];
    let lower = window.to_lowercase();
    let trimmed = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let source = if trimmed.is_empty() {
        lower.trim()
    } else {
        trimmed
    };
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line of the human words that holds the phrase, cut to a quote; the first line when there is none.
fn quote_around<'h>(human: &'h str, phrase: &str) -> &'h str {
    let mut lines = human.lines().map(str::trim).filter(|line| !line.is_empty());
    let found = lines
        .clone()
        .find(|line| !phrase.is_empty() && line.to_lowercase().replace('’', "'").contains(phrase));
    let line = found.or_else(|| lines.next()).unwrap_or("");
    if line.len() <= QUOTE_BYTES || phrase.is_empty() {
        return cut_at_word(line, QUOTE_BYTES);
    }
    // The lower-case text can be longer or shorter than the line, so the place is only a hint.
    let hint = line
        .to_lowercase()
        .find(phrase)
        .unwrap_or(0)
        .min(line.len());
    let mut from = floor_char(line, hint.saturating_sub(QUOTE_BYTES / 3));
    while from > 0 && !line[from..].starts_with(char::is_whitespace) {
        from = floor_char(line, from - 1);
    }
    cut_at_word(&line[from..], QUOTE_BYTES)
}

#[cfg(test)]
mod tests;
