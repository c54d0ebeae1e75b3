//! Signs that only a chain of events shows: success claimed after a failure, a failure nobody came back to, the same
//! failing call over and over, facts stated without a look, a person who gives up.
//!
//! Neighbours: `outcome` judges each result, `user` each turn; `claim` reads answers. Bounded memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::claim;
use super::objection;
use super::recorder::{Cx, Finding, Held, Quote};
use super::words::Marked;
use crate::event::{AssistantTurn, Text, ToolCall, floor_char};
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
/// The fifth equal call with an equal result is stuck; the first of them is not counted.
const STUCK_LENGTH: u32 = 4;
/// Who lets so much time pass between two looks waits for something.
const POLL_PAUSE_MS: u64 = 15_000;
const SAMPLE_BYTES: usize = 200;
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
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unrecovered {
    fingerprint_id: Option<String>,
    evidence: Option<Held>,
    /// The agent said something, without another call.
    is_answered: bool,
    /// The agent said that all is well.
    is_claimed_over: bool,
}

/// The last failed call, what its error is a kind of, and how often it failed in a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    call: Call,
    /// What failed: the fingerprint of its signal, or a digest of its words.
    what: String,
    times: u32,
}

/// The last call that worked, what it gave, and how often it gave that in a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Steady {
    call: Call,
    result: String,
    times: u32,
    at_ms: Option<i64>,
}

/// What is remembered of the session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Chain {
    /// Tool and arguments by call id.
    calls: BTreeMap<String, Call>,
    last: Last,
    /// Failures since the last success or person.
    open: Option<Unrecovered>,
    /// Results since the last person.
    results: u32,
    row: Row,
    steady: Steady,
    /// What the agent said when it gave up, and when; reported once nothing more comes.
    resigned: Option<(Held, Option<i64>)>,
    /// Failures since the last person.
    failed_now: u32,
    /// A person's last word was that they give up.
    gave_up: bool,
    failed_calls: Vec<String>,
    /// Failed commands.
    failures: u32,
    /// Failures that the agent spoke after, and claims of success in their face.
    answered_failures: u32,
    claims: u32,
    /// Whether any tool was used.
    has_worked: bool,
    /// A person went away to come back later before anything was done.
    postponed: bool,
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
    pub(super) fn on_person(&mut self, label: &'static str, human: &str, cx: &mut Cx<'_>) {
        if label == "synthetic" {
            // The harness goes on to something else once an answer was given.
            if matches!(self.last, Last::Answer { .. }) {
                self.leave_open(cx);
            }
            self.steady = Steady::default();
            return;
        }
        let asked = match self.last {
            Last::Answer { asks } => Some(asks),
            Last::Nobody | Last::Tool | Last::Person => None,
        };
        if asked.is_some_and(|asks| objection::objects(human, label == "correction", asks)) {
            cx.sign("user_correction");
        }
        self.leave_open(cx);
        let is_alone = label == "neutral" && asked.is_some() && objection::goes_on_alone(human);
        self.gave_up = label == "frustration" || is_alone;
        if matches!(label, "frustration" | "correction" | "failure_report") {
            self.complaints = self.complaints.saturating_add(1);
        }
        self.postponed |= !self.has_worked && objection::postpones(human);
        self.last = Last::Person;
        self.results = 0;
        self.row.times = 0;
        self.steady = Steady::default();
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
        text: &Text<'_>,
        fingerprint_id: Option<String>,
        cx: &mut Cx<'_>,
    ) {
        self.last = Last::Tool;
        self.resigned = None;
        self.has_worked = true;
        self.postponed = false;
        self.results = self.results.saturating_add(1);
        let call = self.calls.remove(&id[..floor_char(id, 256)]);
        if !outcome.failed() || outcome.class == ErrorClass::UserRejected {
            self.open = None;
            self.row = Row::default();
            return self.on_success(call.unwrap_or_default(), input.tool, text, cx);
        }
        self.steady = Steady::default();
        self.failed_now = self.failed_now.saturating_add(1);
        let quote = failure_quote(input, outcome);
        // Its fingerprint says what failed; a failure without one is told by its words alone.
        let what = fingerprint_id
            .clone()
            .unwrap_or_else(|| hash::of_words(&normalise::template(outcome.message)));
        self.open = Some(Unrecovered {
            fingerprint_id,
            evidence: quote.and_then(|quote| cx.hold(quote)),
            is_answered: false,
            is_claimed_over: false,
        });
        // A service that says no is talked to; a command that fails stands in the way.
        let is_command = crate::outcome::runs_commands(input.tool);
        self.failures = self.failures.saturating_add(u32::from(is_command));
        let Some(call) = call else {
            self.row = Row::default();
            return;
        };
        if self.failed_calls.len() < FAILED_CALLS_MAX {
            let key = format!("{}\0{what}", call.digest());
            self.failed_calls.push(hash::short_hex(key.as_bytes(), 16));
        }
        self.on_failed_call(call, what);
        if self.row.times == LOOP_LENGTH {
            cx.sign("doom_loop");
            if let Some(quote) = quote {
                found(Sign::Loop, input.tool, &[], Some(quote), cx);
            }
        }
    }

    /// Counts the row of one call that fails. With other options it is the same attempt if the error is the same.
    fn on_failed_call(&mut self, call: Call, what: String) {
        let goes_on = self.row.call.is_same(&call)
            || self.row.what == what && self.row.call.adds_options(&call);
        self.row = Row {
            times: if goes_on {
                self.row.times.saturating_add(1)
            } else {
                1
            },
            what,
            call,
        };
    }

    /// A call that worked, in a row of equal ones with equal results, gets nowhere. Who waits between two looks polls.
    fn on_success(&mut self, call: Call, tool: &str, text: &Text<'_>, cx: &mut Cx<'_>) {
        let before = std::mem::take(&mut self.steady);
        self.steady.at_ms = cx.at_ms;
        if !before.call.is_equal(&call) {
            self.steady.call = call;
            return;
        }
        let pause = cx
            .at_ms
            .zip(before.at_ms)
            .map(|(now, then)| now.abs_diff(then));
        let result = sample(text);
        let is_stuck = result == before.result
            && pause.is_none_or(|pause| pause < POLL_PAUSE_MS)
            && !call.waits();
        self.steady.times = if is_stuck {
            before.times.saturating_add(1)
        } else {
            1
        };
        self.steady.call = call;
        self.steady.result = result;
        if self.steady.times == STUCK_LENGTH {
            let head = text.head(QUOTE_BYTES);
            let line = head.lines().find(|line| !line.trim().is_empty());
            cx.sign("stuck_loop");
            if let Some(line) = line {
                let quote = Quote {
                    role: "tool",
                    text: &head,
                    quote: cut_at_word(line.trim(), QUOTE_BYTES),
                };
                found(Sign::Stuck, tool, &[], Some(quote), cx);
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
        let plain = claim::fold(answer);
        let plain = &Marked::new(&plain);
        self.limits = self.limits.saturating_add(claim::limits(plain));
        // Whether the failure stays is known when the turn is over: some talk between two attempts.
        if let Some(open) = &mut self.open
            && !open.is_answered
        {
            open.is_answered = true;
            self.answered_failures = self.answered_failures.saturating_add(1);
        }
        if let Some(open) = &mut self.open
            && !open.is_claimed_over
            && let Some(line) = claim::claimed_success(answer, plain)
        {
            open.is_claimed_over = true;
            let earlier: Vec<Evidence> = open.evidence.iter().cloned().map(Held::shown).collect();
            self.claims = self.claims.saturating_add(1);
            cx.sign("claimed_success_after_tool_error");
            found(Sign::Claim, "", &earlier, Some(quote(&turn.text, line)), cx);
        }
        if self.failed_now > 0
            && let Some(line) = claim::gave_up(answer, plain)
        {
            let said = cx.hold(quote(&turn.text, line));
            self.resigned = said.map(|said| (said, cx.at_ms));
        }
        if self.results == 0
            && cx.is_measured()
            && let Some(_line) = claim::unverified_claim(answer)
        {
            cx.sign("unverified_claim");
        }
    }

    /// How likely the session missed its aim: failures, claims in their face, annoyed people and people who leave with
    /// nothing done speak for it, an agent that says where its limits are speaks against it. The scale is arbitrary.
    pub(super) fn risk(&self) -> f64 {
        let slow = |count: u32| f64::from(count).ln_1p();
        let limits = u32::try_from(self.limits).unwrap_or(u32::MAX);
        0.3 * slow(self.failures)
            + 0.3 * slow(self.answered_failures)
            + 0.5 * slow(self.claims)
            + 0.5 * slow(self.complaints)
            + f64::from(u8::from(self.gave_up))
            + f64::from(u8::from(self.postponed))
            - slow(limits)
    }

    /// The session is over.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        if self.gave_up {
            cx.sign("user_dissatisfied");
        }
        self.leave_open(cx);
    }

    /// Nothing that worked followed the last failure, and nothing will.
    fn leave_open(&mut self, cx: &mut Cx<'_>) {
        self.failed_now = 0;
        if let Some((said, at_ms)) = self.resigned.take() {
            let mut at_answer = Cx {
                line: said.line(),
                at_ms,
                raw: cx.raw,
                recorder: cx.recorder,
            };
            at_answer.sign("gave_up");
            found(Sign::GaveUp, "", &[said.shown()], None, &mut at_answer);
        }
        let Some(open) = self.open.take() else {
            return;
        };
        cx.sign("unrecovered_tool_fail");
        if let Some(id) = &open.fingerprint_id {
            cx.recorder.tag(id, "unrecovered");
        }
    }
}

/// What is reported as a signal of its own.
#[derive(Clone, Copy)]
enum Sign {
    Claim,
    Loop,
    Stuck,
    GaveUp,
}

fn found(sign: Sign, tool: &str, earlier: &[Evidence], quote: Option<Quote<'_>>, cx: &mut Cx<'_>) {
    let (error_class, what, class, severity, confidence) = match sign {
        Sign::Claim => (
            "claimed_success",
            "the agent reports success after a failed call",
            Class::Defect,
            Severity::Medium,
            0.6,
        ),
        Sign::Loop => (
            "doom_loop",
            "nearly the same call failed three times in a row",
            Class::ProcessTooling,
            Severity::Medium,
            0.8,
        ),
        Sign::Stuck => (
            "stuck_loop",
            "the same call gave the same result again and again",
            Class::ProcessTooling,
            Severity::Low,
            0.7,
        ),
        Sign::GaveUp => (
            "gave_up",
            "the agent gave up after failed calls",
            Class::CapabilityGap,
            Severity::Medium,
            0.6,
        ),
    };
    let said = quote.map(|quote| quote.quote);
    let said = said.or_else(|| earlier.last().map(|evidence| evidence.quote.as_str()));
    let summary = format!("{what}: {}", said.unwrap_or(""));
    cx.find(&Finding {
        detector: DETECTOR,
        kind: Kind::Error,
        class,
        tool,
        error_class,
        message: "",
        summary: &summary,
        severity,
        confidence,
        tags: &[],
        quote,
        earlier,
        keeps_repeats: false,
    });
}

/// A digest of a result's length and edges: two long results are not read to be compared.
fn sample(text: &Text<'_>) -> String {
    let edge = |part: &str| {
        let head = &part[..floor_char(part, SAMPLE_BYTES)];
        let tail = &part[floor_char(part, part.len().saturating_sub(SAMPLE_BYTES))..];
        format!("{}\0{head}\0{tail}\0", part.len())
    };
    hash::of_words(&(edge(text.first) + &edge(text.last)))
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
