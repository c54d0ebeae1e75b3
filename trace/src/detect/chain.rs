//! Signs that only a chain of events shows: success claimed after a failure, a failure nobody came back to, the same
//! failing call over and over, facts stated without a look, a person who gives up.
//!
//! Neighbours: `outcome` judges each result, `user` each turn; `words::claims` holds the words. Bounded memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::recorder::{Cx, Finding, Quote};
use super::words::{self, Phrases};
use crate::event::{AssistantTurn, ToolCall, floor_char};
use crate::hash;
use crate::limits::PENDING_CALLS_MAX;
use crate::normalise;
use crate::outcome::{ErrorClass, Outcome, OutcomeInput, cut_at_word};
use crate::signal::{Class, Evidence, Kind, Severity};

const DETECTOR: &str = "chain";
const QUOTE_BYTES: usize = 300;
/// How much of an answer is read.
const ANSWER_BYTES: usize = 4_000;
const ARGUMENTS_BYTES: usize = 2_000;
/// The third failure of the same call in a row is a loop.
const LOOP_LENGTH: u32 = 3;
const FAILED_CALLS_MAX: usize = 500;

/// Who acted last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Last {
    #[default]
    Nobody,
    /// The agent spoke; whether it ended with a question.
    Answer {
        asks: bool,
    },
    Tool,
    Person,
}

/// A failure that nothing has followed yet that worked.
#[derive(Debug, Serialize, Deserialize)]
struct Unrecovered {
    fingerprint_id: Option<String>,
    evidence: Option<Evidence>,
}

/// What is remembered of the session.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Chain {
    /// Tool and arguments by call id.
    calls: BTreeMap<String, Call>,
    last: Last,
    /// Failures since the last success or person.
    open: Option<Unrecovered>,
    /// Results since the last person.
    results: u32,
    /// The last failed call and how often it failed in a row.
    row: (Call, u32),
    /// A person's last word was that they give up.
    gave_up: bool,
    failed_calls: Vec<String>,
    /// Failed commands.
    failures: u32,
    /// Results that were never made good, and claims of success in their face.
    unrecovered: u32,
    claims: u32,
    /// How often a person was annoyed or had to correct.
    complaints: u32,
    /// How often the agent said what it cannot or may not do.
    limits: usize,
}

impl Chain {
    /// Whether a person's "no" would answer a question of the agent.
    pub(super) fn was_asked(&self) -> bool {
        self.last == Last::Answer { asks: true }
    }

    /// Digests of the calls that failed: tool, arguments and error.
    pub(super) fn failed_calls(&self) -> &[String] {
        &self.failed_calls
    }

    /// A person spoke; `label` is what `user` made of it.
    pub(super) fn on_person(&mut self, label: &'static str, cx: &mut Cx<'_>) {
        if label == "synthetic" {
            return;
        }
        let answers_directly = matches!(self.last, Last::Answer { .. });
        if answers_directly && label == "correction" {
            cx.sign("user_correction");
        }
        self.gave_up = label == "frustration";
        if matches!(label, "frustration" | "correction" | "failure_report") {
            self.complaints = self.complaints.saturating_add(1);
        }
        self.last = Last::Person;
        self.open = None;
        self.results = 0;
        self.row.1 = 0;
    }

    pub(super) fn on_call(&mut self, call: &ToolCall<'_>) {
        let cut = &call.args[..floor_char(call.args, ARGUMENTS_BYTES)];
        if self.calls.len() >= PENDING_CALLS_MAX {
            self.calls.pop_first();
        }
        let id = call.id[..floor_char(&call.id, 256)].to_owned();
        let call = Call::new(format!("{}\0{cut}", call.name));
        self.calls.insert(id, call);
    }

    /// A tool answered. `fingerprint_id` is that of the signal its failure gave.
    pub(super) fn on_outcome(
        &mut self,
        id: &str,
        input: &OutcomeInput<'_>,
        outcome: &Outcome<'_>,
        fingerprint_id: Option<String>,
        cx: &mut Cx<'_>,
    ) {
        self.last = Last::Tool;
        self.results = self.results.saturating_add(1);
        let call = self.calls.remove(&id[..floor_char(id, 256)]);
        if !outcome.failed() || outcome.class == ErrorClass::UserRejected {
            self.open = None;
            self.row = (Call::default(), 0);
            return;
        }
        let quote = failure_quote(input, outcome);
        self.open = Some(Unrecovered {
            fingerprint_id,
            evidence: quote.and_then(|quote| cx.evidence(quote)),
        });
        // A service that says no is talked to; a command that fails stands in the way.
        let is_command = crate::outcome::runs_commands(input.tool);
        self.failures = self.failures.saturating_add(u32::from(is_command));
        let Some(call) = call else {
            self.row = (Call::default(), 0);
            return;
        };
        if self.failed_calls.len() < FAILED_CALLS_MAX {
            let template = normalise::template(outcome.message);
            let key = format!("{}\0{template}", call.digest());
            self.failed_calls.push(hash::short_hex(key.as_bytes(), 16));
        }
        if !self.row.0.is_same(&call) {
            self.row = (call, 1);
            return;
        }
        self.row = (call, self.row.1.saturating_add(1));
        if self.row.1 == LOOP_LENGTH {
            cx.sign("doom_loop");
            if let Some(quote) = quote {
                found(Sign::Loop, input.tool, &[], quote, cx);
            }
        }
    }

    pub(super) fn on_assistant(&mut self, turn: &AssistantTurn<'_>, cx: &mut Cx<'_>) {
        let text = turn.text.trim();
        if text.is_empty() {
            return;
        }
        let answer = &text[..floor_char(text, ANSWER_BYTES)];
        self.last = Last::Answer {
            asks: text.ends_with(['?', '？']),
        };
        if turn.calls_tools {
            return;
        }
        // Only what is said to a person: between two calls an agent thinks aloud.
        self.limits = self.limits.saturating_add(LIMITS.count(&straight(answer)));
        if let Some(open) = self.open.take() {
            self.unrecovered = self.unrecovered.saturating_add(1);
            cx.sign("unrecovered_tool_fail");
            if let Some(id) = &open.fingerprint_id {
                cx.recorder.tag(id, "unrecovered");
            }
            if let Some(line) = claimed_success(answer) {
                self.claims = self.claims.saturating_add(1);
                cx.sign("claimed_success_after_tool_error");
                let quote = quote(&turn.text, line);
                let earlier: Vec<Evidence> = open.evidence.into_iter().collect();
                found(Sign::Claim, "", &earlier, quote, cx);
            }
        }
        if self.results == 0
            && let Some(_line) = unverified_claim(answer)
        {
            cx.sign("unverified_claim");
        }
    }

    /// How likely the session missed its aim: failures, claims in their face and annoyed people speak for it, an agent
    /// that says where its limits are speaks against it. The scale is arbitrary.
    pub(super) fn risk(&self) -> f64 {
        let slow = |count: u32| f64::from(count).ln_1p();
        let limits = u32::try_from(self.limits).unwrap_or(u32::MAX);
        0.3 * slow(self.failures)
            + 0.3 * slow(self.unrecovered)
            + 0.5 * slow(self.claims)
            + 0.5 * slow(self.complaints)
            + f64::from(u8::from(self.gave_up))
            - slow(limits)
    }

    /// The session is over.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        if self.gave_up {
            cx.sign("user_dissatisfied");
        }
    }
}

/// What is reported as a signal of its own.
#[derive(Clone, Copy)]
enum Sign {
    Claim,
    Loop,
}

fn found(sign: Sign, tool: &str, earlier: &[Evidence], quote: Quote<'_>, cx: &mut Cx<'_>) {
    let (error_class, what, class, confidence) = match sign {
        Sign::Claim => (
            "claimed_success",
            "the agent reports success after a failed call",
            Class::Defect,
            0.6,
        ),
        Sign::Loop => (
            "doom_loop",
            "the same call failed three times in a row",
            Class::ProcessTooling,
            0.8,
        ),
    };
    let summary = format!("{what}: {}", quote.quote);
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class,
        tool,
        error_class,
        message: "",
        summary: &summary,
        severity: Severity::Medium,
        confidence,
        tags: &[],
        quote: Some(quote),
        earlier,
        keeps_repeats: false,
    });
}

fn quote<'a>(text: &'a str, part: &'a str) -> Quote<'a> {
    Quote {
        role: "assistant",
        text,
        quote: cut_at_word(part, QUOTE_BYTES),
    }
}

fn failure_quote<'a>(input: &OutcomeInput<'a>, outcome: &Outcome<'a>) -> Option<Quote<'a>> {
    let texts = [input.text, input.error, input.tail];
    let text = texts
        .into_iter()
        .find(|text| !text.trim().is_empty() && text.contains(outcome.message))?;
    let part = if outcome.message.is_empty() {
        text.lines().find(|line| !line.trim().is_empty())?
    } else {
        outcome.message
    };
    Some(Quote {
        role: "tool",
        text,
        quote: cut_at_word(part, QUOTE_BYTES),
    })
}

static SUCCESS_CLAIMS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::SUCCESS_CLAIMS));
static FAILURE_ADMITTED: LazyLock<Phrases> =
    LazyLock::new(|| Phrases::new(words::FAILURE_ADMITTED));
static HEDGES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::HEDGES));
static FACT_SUBJECTS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::FACT_SUBJECTS));
static FACT_STATES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::FACT_STATES));
static LIMITS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(words::LIMITS));

/// The sentence of an answer that claims success, when the answer nowhere admits trouble.
fn claimed_success(answer: &str) -> Option<&str> {
    if FAILURE_ADMITTED.is_in(&straight(answer)) {
        return None;
    }
    sentences(answer).find(|sentence| {
        let plain = straight(sentence);
        !asks(sentence) && SUCCESS_CLAIMS.is_in(&plain) && !HEDGES.is_in(&plain)
    })
}

/// The sentence of an answer that states how a machine or service is doing.
fn unverified_claim(answer: &str) -> Option<&str> {
    if !FACT_SUBJECTS.is_in(answer) {
        return None;
    }
    sentences(answer).find(|sentence| {
        let plain = straight(sentence);
        FACT_SUBJECTS.is_in(&plain)
            && !asks(sentence)
            && (FACT_STATES.is_in(&plain) || has_measure(&plain.to_lowercase()))
            && !HEDGES.is_in(&plain)
    })
}

fn asks(sentence: &str) -> bool {
    sentence.ends_with(['?', '？'])
}

/// The text with typewriter apostrophes.
fn straight(text: &str) -> Cow<'_, str> {
    if text.contains('’') {
        Cow::Owned(text.replace('’', "'"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A number with a unit of machines: `45%`, `8 GB`; or a count at the front of `errors`, `files`, `processes`.
fn has_measure(lower: &str) -> bool {
    let units = [
        "%",
        "gb",
        "mb",
        "tb",
        "gib",
        "mib",
        "ms",
        "errors",
        "error",
        "errores",
        "erreurs",
        "fehler",
        "erros",
        "errori",
        "warnings",
        "processes",
        "prozesse",
        "procesos",
        "files",
        "containers",
        "connections",
        "個",
        "个",
        "ошибок",
    ];
    lower
        .match_indices(|c: char| c.is_ascii_digit())
        .any(|(at, _)| {
            let rest = lower[at..]
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
            let rest = rest.trim_start();
            units.iter().any(|unit| {
                rest.strip_prefix(unit)
                    .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
            })
        })
}

/// The sentences of an answer, without code blocks and quotes.
fn sentences(answer: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let spoken = answer.lines().filter(move |line| {
        let trimmed = line.trim_start();
        let is_fence = trimmed.starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence && !trimmed.starts_with('>')
    });
    spoken.flat_map(|line| {
        line.split_inclusive(['.', '!', '?', '。', '！', '？', ';'])
            .map(str::trim)
            .filter(|sentence| !sentence.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_claimed_by_statements_that_admit_no_trouble() {
        for (answer, want) in [
            ("Done, the proxy is up again.", true),
            ("Alles erledigt.", true),
            ("已完成。", true),
            ("Is it done?", false),
            ("Done with the first part, but the restart failed.", false),
            ("I could not finish this.", false),
            ("Let me look.", false),
        ] {
            assert_eq!(claimed_success(answer).is_some(), want, "{answer}");
        }
    }

    #[test]
    fn a_state_of_a_machine_is_a_claim_unless_it_is_hedged_or_code() {
        for (answer, want) in [
            ("The service is running.", true),
            ("Memory usage is at 71%.", true),
            ("Der Server ist offline.", true),
            ("I think the service is running.", false),
            ("Is the service running?", false),
            ("```\nmemory usage is at 71%\n```", false),
            ("I can explain how the service works.", false),
        ] {
            assert_eq!(unverified_claim(answer).is_some(), want, "{answer}");
        }
    }
}
