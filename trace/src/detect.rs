//! The detectors: typed events in, findings out.
//!
//! One file per detector, all fed by [`Detectors`], all writing through [`recorder::Recorder`], which checks the evidence. A
//! detector must not look at raw lines or at any format's field names.

mod call;
mod chain;
mod cron;
mod gateway;
mod provider_error;
pub(crate) mod recorder;
mod silent;
mod tool_failure;
mod user;
mod words;

use serde::{Deserialize, Serialize};

use crate::event::{Body, SessionEvent, ToolResult};
use crate::limits::{RESULT_HEAD_BYTES, RESULT_TAIL_BYTES};
use crate::outcome::{self, Label, OutcomeInput};
use recorder::Cx;

/// A text up to this length is always unescaped, bytes.
const SHORT_TEXT_BYTES: usize = 800;

/// All detectors with what they remember of one session.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Detectors {
    provider: provider_error::ProviderErrors,
    cron: cron::Cron,
    gateway: gateway::Gateway,
    user: user::Users,
    silent: silent::Silent,
    chain: chain::Chain,
}

impl Detectors {
    /// Shows one event to every detector that cares.
    pub(crate) fn on(&mut self, event: &SessionEvent<'_>, cx: &mut Cx<'_>) {
        match &event.body {
            Body::User(turn) => {
                cx.recorder.is_cron |= turn.text.starts_with("[cron:");
                self.silent.on_user(turn, cx);
                let was_asked = self.chain.was_asked();
                let label = self.user.on_user(event.at_ms, turn, was_asked, cx);
                self.chain.on_person(label, cx);
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
                tool_failure::on_notice(notice, cx);
            }
            Body::CronRun(run) => self.cron.on_run(run, cx),
            Body::Gateway(record) => self.gateway.on_record(event.at_ms, record, cx),
        }
    }

    /// Called once, after the last event.
    pub(crate) fn finish(&mut self, cx: &mut Cx<'_>) {
        self.silent.finish(cx);
        self.chain.finish(cx);
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
        let mut fingerprint_id = None;
        if outcome.label != Label::Ok {
            self.user.on_outcome(&input, &outcome, cx);
            fingerprint_id = tool_failure::on_outcome(&input, &outcome, cx);
        }
        self.chain
            .on_outcome(&result.id, &input, &outcome, fingerprint_id, cx);
    }
}
