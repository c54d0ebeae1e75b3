//! The detectors: typed events in, findings out.
//!
//! One file per detector, all fed by [`Detectors`], all writing through [`recorder::Recorder`], which checks the evidence. A
//! detector must not look at raw lines or at any format's field names.

mod call;
mod chain;
mod claim;
pub(crate) mod cron;
mod gateway;
mod objection;
mod provider_error;
mod quality;
pub(crate) mod recorder;
mod silent;
pub(crate) mod state;
mod tool_failure;
mod user;
mod words;

use serde::{Deserialize, Serialize};

use crate::event::{Body, EventCounts, SessionEvent, ToolResult};
use crate::limits::{RESULT_HEAD_BYTES, RESULT_TAIL_BYTES};
use crate::outcome::{self, Label, OutcomeInput};
use recorder::Cx;

/// A text up to this length is always unescaped, bytes.
const SHORT_TEXT_BYTES: usize = 800;

/// All detectors with what they remember of one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Detectors {
    provider: provider_error::ProviderErrors,
    cron: cron::Cron,
    gateway: gateway::Gateway,
    user: user::Users,
    silent: silent::Silent,
    chain: chain::Chain,
    #[serde(default)]
    stopped: tool_failure::Stopped,
    seen: EventCounts,
}

/// What a detector looks at, as [`Detectors::on`] shows it, and what for.
pub(crate) struct LooksAt {
    /// Its name in the tag `detector:`.
    pub(crate) detector: &'static str,
    /// What it looks for.
    pub(crate) looks_for: &'static str,
    /// What `events` counts, in the plural.
    pub(crate) looks_at: &'static str,
    pub(crate) events: fn(&EventCounts) -> u64,
}

/// All detectors of this room.
pub(crate) const LOOKS_AT: [LooksAt; 8] = [
    LooksAt {
        detector: "tool_failure",
        looks_for: "calls that did not do what was asked",
        looks_at: "tool results and notices",
        events: |seen| seen.tool_results.saturating_add(seen.notices),
    },
    LooksAt {
        detector: "provider_error",
        looks_for: "turns of the model that failed at the provider",
        looks_at: "turns of the model",
        events: |seen| seen.model_turns.saturating_add(seen.failed_turns),
    },
    LooksAt {
        detector: "user",
        looks_for: "what people feel and say about the work",
        looks_at: "turns in the user role and interrupts",
        events: |seen| seen.user_turns.saturating_add(seen.interrupts),
    },
    LooksAt {
        detector: "silent",
        looks_for: "people who asked and got nothing",
        looks_at: "turns in the user role",
        events: |seen| seen.user_turns,
    },
    LooksAt {
        detector: "chain",
        looks_for: "success claimed after a failure, calls that go in circles, failures left alone, agents that give up",
        looks_at: "turns and tool results",
        events: |seen| {
            let turns = seen.user_turns.saturating_add(seen.model_turns);
            turns.saturating_add(seen.tool_results)
        },
    },
    LooksAt {
        detector: "cron",
        looks_for: "runs of scheduled jobs that failed or were not delivered",
        looks_at: "runs of jobs and notices",
        events: |seen| seen.job_runs.saturating_add(seen.notices),
    },
    LooksAt {
        detector: "gateway",
        looks_for: "channels that went down, starts in a row",
        looks_at: "lines of gateway logs",
        events: |seen| seen.gateway_lines,
    },
    LooksAt {
        detector: "state",
        looks_for: "damaged session and state files, lost sessions, ids given twice",
        looks_at: "entries of state files and damaged lines",
        events: |seen| seen.state_entries,
    },
];

impl Detectors {
    /// Shows one event to every detector that cares.
    pub(crate) fn on(&mut self, event: &SessionEvent<'_>, cx: &mut Cx<'_>) {
        self.seen.count(&event.body);
        match &event.body {
            Body::User(turn) => {
                cx.recorder.is_cron |= turn.text.starts_with("[cron:");
                self.silent.on_user(turn, cx);
                let was_asked = self.chain.was_asked();
                let label = self.user.on_user(event.at_ms, turn, was_asked, cx);
                self.chain.on_person(label, &turn.human, cx);
            }
            Body::Assistant(turn) => {
                self.provider.on_success();
                self.user.on_assistant(turn);
                self.silent.on_assistant(turn, cx);
                self.chain.on_assistant(turn, cx);
            }
            Body::ToolCall(call) => {
                self.silent.on_call(call);
                self.chain.on_call(call);
                self.stopped.on_call(call);
            }
            Body::ToolResult(result) => self.on_result(result, cx),
            Body::ProviderError(error) => {
                self.provider.on_error(error, cx);
                self.silent.on_error(error, cx);
            }
            Body::Interrupt(text) => {
                self.user.on_interrupt(text, cx);
                self.silent.on_interrupt();
            }
            Body::Notice(notice) => {
                cron::on_notice(notice, cx);
                self.stopped.on_notice(notice, cx);
            }
            Body::CronRun(run) => self.cron.on_run(run, cx),
            Body::Gateway(record) => self.gateway.on_record(event.at_ms, record, cx),
        }
    }

    /// A whole line could not be read, for a reason that says how its file was damaged.
    pub(crate) fn on_damaged_line(&mut self, fault: state::Fault, line: &str, cx: &mut Cx<'_>) {
        self.seen.count_state_entry();
        state::on_damaged_line(fault, line, cx);
    }

    /// Called once, after the last event.
    pub(crate) fn finish(&mut self, cx: &mut Cx<'_>) {
        self.silent.finish(cx);
        self.chain.finish(cx);
    }

    /// What was shown so far.
    pub(crate) fn seen(&self) -> EventCounts {
        self.seen
    }

    /// How likely the session missed its aim.
    pub(crate) fn risk(&self) -> f64 {
        self.chain.risk()
    }

    /// Digests of the calls that failed: tool, arguments and error.
    pub(crate) fn failed_calls(&self) -> &[String] {
        self.chain.failed_calls()
    }

    fn on_result(&mut self, result: &ToolResult<'_>, cx: &mut Cx<'_>) {
        let is_flagged = result.is_error == Some(true)
            || !result.status.is_empty()
            || result.http_status.is_some()
            || result.exit_code.is_some_and(|code| code != 0)
            || !result.error.is_empty();
        // A short text is cheap to look at, whoever wrote it.
        let is_short = result.text.last.is_empty() && result.text.first.len() <= SHORT_TEXT_BYTES;
        let needs_text = is_flagged
            || is_short
            || result.text.first.starts_with(outcome::REFUSED_START)
            || outcome::needs_text(&result.tool, &result.command, result.is_error == Some(true));
        let (head, tail) = if needs_text {
            let head = result.text.head(RESULT_HEAD_BYTES);
            let is_whole =
                result.text.last.is_empty() && result.text.first.len() <= RESULT_HEAD_BYTES;
            let tail = if is_whole {
                "".into()
            } else {
                result.text.tail(RESULT_TAIL_BYTES)
            };
            (head, tail)
        } else {
            ("".into(), "".into())
        };
        let input = OutcomeInput {
            tool: &result.tool,
            command: &result.command,
            is_error: result.is_error,
            status: &result.status,
            exit_code: result.exit_code,
            http_status: result.http_status,
            error: &result.error,
            disabled: result.disabled,
            text: &head,
            tail: &tail,
        };
        let outcome = outcome::classify(&input);
        cx.judge_tool(&outcome);
        if tool_failure::only_fails(input.command) {
            return;
        }
        let mut fingerprint_id = None;
        if outcome.label != Label::Ok {
            self.user.on_outcome(&input, &outcome, cx);
            fingerprint_id = tool_failure::on_outcome(&input, &outcome, cx);
        }
        self.chain.on_outcome(
            &result.id,
            &input,
            &outcome,
            &result.text,
            fingerprint_id,
            cx,
        );
    }
}
