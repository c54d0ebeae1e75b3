//! What people feel and say about the work: anger, correction, reports, delight, refusals, interruptions.
//!
//! Only human words count; harness prose was taken off by the formats. Long texts are documents: only their first and
//! last sentences are the person's voice. Neighbours: `words` holds the lists.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::recorder::{Cx, Finding, Quote};
use super::words::{self, Phrases, starts_with_phrase};
use crate::event::{AssistantTurn, UserTurn, floor_char};
use crate::hash;
use crate::outcome::{ErrorClass, Outcome, OutcomeInput, cut_at_word};
use crate::sentiment::{self, Polarity};
use crate::signal::{Class, Kind, Severity};

const DETECTOR: &str = "user";
const QUOTE_BYTES: usize = 300;
/// From this length on a text is a document; only its edges are looked at.
const DOCUMENT_BYTES: usize = 1200;
const EDGE_BYTES: usize = 350;
/// Giving up is said in a few words; in a long text the same words mean something else.
const GIVING_UP_BYTES: usize = 120;
/// Longest text whose tone is listened to.
const MOOD_BYTES: usize = 300;
/// How clear a tone must be: people talk to a tool plainly, and thanks before the next order is politeness.
const DISPLEASED_MIN: f64 = 2.0;
const PLEASED_MIN: f64 = 5.0;
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
    Frustration(&'static str),
    Correction,
    FailureReport,
    Delight,
    Suggestion,
    Neutral,
}

impl UserLabel {
    fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Frustration(_) => "frustration",
            Self::Correction => "correction",
            Self::FailureReport => "failure_report",
            Self::Delight => "delight",
            Self::Suggestion => "suggestion",
            Self::Neutral => "neutral",
        }
    }
}

/// What is remembered between turns.
#[derive(Debug, Default, Serialize, Deserialize)]
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

    /// Gives back the name of the turn's label. `was_asked`: the agent had ended with a question, so that a bare no is
    /// an answer.
    pub(super) fn on_user(
        &mut self,
        at_ms: Option<i64>,
        turn: &UserTurn<'_>,
        was_asked: bool,
        cx: &mut Cx<'_>,
    ) -> &'static str {
        let (label, hit) = match self.label(at_ms, turn) {
            (UserLabel::Correction, _) if was_asked && is_bare_refusal(&turn.human) => {
                (UserLabel::Neutral, None)
            }
            found => found,
        };
        self.report(label, hit.as_deref(), turn, cx);
        label.name()
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
        let Some(shape) = Shape::of(label) else {
            return;
        };
        let quote = quote_around(&turn.human, hit.unwrap_or(""));
        let summary = format!("{}: {quote}", shape.what);
        cx.find(&Finding {
            detector: DETECTOR,
            kind: shape.kind,
            class: shape.class,
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
            return judge_text(human);
        }
        let repeated = self.is_repeated(&plain, &digest, at_ms);
        if self.unanswered.len() >= 16 {
            self.unanswered.remove(0);
        }
        self.unanswered.push((digest, at_ms));
        if let Some(sign) = repeated {
            return (UserLabel::Frustration(sign), None);
        }
        judge_text(human)
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
            UserLabel::Synthetic | UserLabel::Neutral => return None,
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
            UserLabel::Suggestion => {
                let what = "a person suggests something";
                let kind = Kind::ImprovementSuggestion;
                (
                    kind,
                    Class::ProactiveOpportunity,
                    "suggestion",
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

static AGAIN: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::AGAIN));
static ANGER: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::ANGER));
static CORRECTIONS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::CORRECTIONS));
static DELIGHT: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::DELIGHT));
static GIVES_UP: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::GIVES_UP));
static HAPPY_STRONG: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::HAPPY_STRONG));
static REPORTS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::REPORTS));
static SUGGESTIONS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::SUGGESTIONS));

/// The label of human words without their history, and the phrase that decided it.
fn judge_text(human: &str) -> (UserLabel, Option<String>) {
    if let Some(line) = human.lines().find(|line| is_pasted(line)) {
        return (UserLabel::FailureReport, Some(line.trim().to_lowercase()));
    }
    let voice = voice(human).to_lowercase().replace('’', "'");
    let hit = |phrases: &Phrases| phrases.first_in(&voice);
    let is_happy = hit(&HAPPY_STRONG).is_some();
    if !is_happy && let Some(phrase) = hit(&ANGER) {
        return (UserLabel::Frustration("anger"), Some(phrase.to_owned()));
    }
    if let Some(phrase) = hit(&AGAIN) {
        return (
            UserLabel::Frustration("has_to_repeat"),
            Some(phrase.trim().to_owned()),
        );
    }
    if human.len() <= GIVING_UP_BYTES
        && let Some(phrase) = hit(&GIVES_UP).or_else(|| words::resigns(&voice))
    {
        return (UserLabel::Frustration("gives_up"), Some(phrase.to_owned()));
    }
    if is_shouting(human) {
        return (UserLabel::Frustration("shouting"), None);
    }
    if is_short_doubled(human) {
        return (UserLabel::Frustration("doubled_marks"), None);
    }
    if let Some(phrase) = hit(&DELIGHT).filter(|_| human.len() <= 240) {
        return (UserLabel::Delight, Some(phrase.to_owned()));
    }
    if is_bare_praise(&voice) {
        return (UserLabel::Delight, None);
    }
    if let Some(phrase) = hit(&REPORTS) {
        return (UserLabel::FailureReport, Some(phrase.to_owned()));
    }
    let start = words::CORRECTION_STARTS
        .iter()
        .copied()
        .find(|p| starts_with_phrase(&voice, p));
    if let Some(phrase) = start.or_else(|| hit(&CORRECTIONS)) {
        return (UserLabel::Correction, Some(phrase.trim().to_owned()));
    }
    if let Some(phrase) = hit(&SUGGESTIONS) {
        return (UserLabel::Suggestion, Some(phrase.to_owned()));
    }
    (by_mood(&voice), None)
}

/// What the tone says when no phrase does; only short texts have one tone.
fn by_mood(voice: &str) -> UserLabel {
    if voice.len() > MOOD_BYTES {
        return UserLabel::Neutral;
    }
    let mood = sentiment::of(voice);
    if mood.polarity == Polarity::Negative && mood.negative > DISPLEASED_MIN {
        UserLabel::Frustration("displeased")
    } else if mood.polarity == Polarity::Positive && mood.positive > PLEASED_MIN {
        UserLabel::Delight
    } else {
        UserLabel::Neutral
    }
}

fn is_pasted(line: &str) -> bool {
    let line = line.trim();
    words::PASTED_STARTS
        .iter()
        .any(|start| line.starts_with(start))
}

/// At most three words.
fn is_bare_refusal(human: &str) -> bool {
    human.split_whitespace().count() <= 3
}

/// The parts of a text in which a person speaks: no code blocks, no quoted lines, of a document only the edges.
fn voice(human: &str) -> String {
    let mut kept = String::new();
    let mut in_code = false;
    for line in human.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !trimmed.starts_with('>') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    if kept.len() <= DOCUMENT_BYTES {
        return kept;
    }
    let head = &kept[..floor_char(&kept, EDGE_BYTES)];
    let tail = &kept[floor_char(&kept, kept.len() - EDGE_BYTES)..];
    format!("{head}\n{tail}")
}

/// Three words or more, all in capitals.
fn is_shouting(human: &str) -> bool {
    let letters = human.chars().filter(|c| c.is_alphabetic()).count();
    let upper = human.chars().filter(|c| c.is_uppercase()).count();
    let words = human
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    let is_code = human.contains(['_', '=', '{', '/', '<', '`', '$']) || human.contains("://");
    letters >= 12
        && upper * 10 >= letters * 9
        && words.count() >= 3
        && !is_code
        && human.len() < 400
}

/// `why??`, `hello??`: a short cry with doubled marks.
fn is_short_doubled(human: &str) -> bool {
    let text = human.trim();
    let doubled = text.ends_with("??")
        || text.ends_with("?!")
        || text.ends_with("!?")
        || text.ends_with("？？");
    doubled && text.len() <= 40 && text.len() > 2 && text.split_whitespace().count() <= 4
}

/// Nothing but praise: at most six words, one of them praise, no request and no question.
fn is_bare_praise(voice: &str) -> bool {
    let words: Vec<&str> = voice
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '!' | ';' | ':'))
        .filter(|word| !word.is_empty())
        .collect();
    let small = [
        "ok", "okay", "it", "is", "that", "that's", "this", "now", "very", "so", "yes", "yeah",
        "thanks", "thank", "you", "all", "just", "really", "man", "the", "oh", "cool", "good",
        "muito", "bem", "obrigado", "gracias", "danke", "merci", "todo", "está", "ist", "c'est",
        "é", "and", "ty", "thx", "fine", "finally",
    ];
    let praise = words
        .iter()
        .filter(|word| words::PRAISE.contains(*word))
        .count();
    let rest = words
        .iter()
        .filter(|w| !words::PRAISE.contains(*w) && !small.contains(*w))
        .count();
    praise >= 1 && rest == 0 && words.len() <= 6
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
