//! Model turns that failed at the provider: limits, billing, keys, overflow, outages.
//!
//! One cause in one session is one signal, however often it was retried. Neighbours: `silent` looks at who was left
//! without an answer.
//!
//! **Incident rule**: ten turns failed of one cause with no turn that worked between them. Short bursts are retries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::recorder::{Cx, Finding, Quote};
use crate::event::ProviderError;
use crate::hash;
use crate::outcome::{cut_at_word, has_any, http_code, innermost_message};
use crate::signal::{Class, Kind, Severity};

const DETECTOR: &str = "provider_error";
/// Failed turns in a row from which the provider counts as down.
const INCIDENT_ROW: u32 = 10;
const STUBBORN_ROW: u32 = 4;
const SENTENCE_BYTES_MAX: usize = 300;

/// The row of failed turns.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ProviderErrors {
    failed_in_a_row: u32,
    /// The same row, by cause.
    by_cause: BTreeMap<String, u32>,
    /// Digest of the last sentence, empty when there was none: a checkpoint keeps no words of a provider.
    last_message: String,
}

impl ProviderErrors {
    /// A turn worked.
    pub(super) fn on_success(&mut self) {
        self.failed_in_a_row = 0;
        self.by_cause.clear();
        self.last_message.clear();
    }

    /// A turn failed.
    pub(super) fn on_error(&mut self, error: &ProviderError<'_>, cx: &mut Cx<'_>) {
        // The harness's second record of the same failed turn is no second failure.
        let sentence = cut_at_word(innermost_message(&error.message), SENTENCE_BYTES_MAX);
        let digest = hash::of_words(sentence);
        if error.echo && !digest.is_empty() && self.last_message == digest {
            return;
        }
        self.last_message = digest;
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        let cause = cause(&error.message);
        let mut tags: Vec<&str> = vec!["provider"];
        let of_cause = self.by_cause.entry(cause.name.to_owned()).or_default();
        *of_cause = of_cause.saturating_add(1);
        if *of_cause >= INCIDENT_ROW {
            tags.push("incident");
        }
        let provider_tag = format!("provider:{}", error.provider);
        let model_tag = format!("model:{}", error.model);
        for (tag, value) in [(&provider_tag, &error.provider), (&model_tag, &error.model)] {
            if is_name(value) {
                tags.push(tag);
            }
        }
        let sentence = if sentence.is_empty() {
            "the model turn failed"
        } else {
            sentence
        };
        let summary = format!("model turn failed ({}): {sentence}", cause.name);
        cx.find(&Finding {
            detector: DETECTOR,
            kind: Kind::Error,
            class: cause.class,
            tool: "",
            error_class: cause.name,
            message: sentence,
            summary: &summary,
            severity: severity(self.failed_in_a_row, cause.needs_a_person, error.partial),
            confidence: 0.95,
            tags: &tags,
            quote: Some(Quote {
                role: "system",
                text: &error.message,
                quote: sentence,
            }),
            earlier: &[],
            keeps_repeats: false,
        });
    }
}

/// Tags are written unscrubbed, so only plain names become one.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

/// High when nothing works until a person acts, or when retries did not help; medium for a turn lost; low for one
/// that failed after it had begun to answer.
fn severity(failed_in_a_row: u32, needs_a_person: bool, partial: bool) -> Severity {
    if failed_in_a_row >= STUBBORN_ROW || (needs_a_person && failed_in_a_row >= 2) {
        Severity::High
    } else if partial && failed_in_a_row == 1 {
        Severity::Low
    } else {
        Severity::Medium
    }
}

/// Why a model turn failed.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    pub(super) name: &'static str,
    pub(super) class: Class,
    needs_a_person: bool,
}

/// The cause that a provider's message names.
pub(super) fn cause(message: &str) -> Cause {
    let lower = message[..crate::event::floor_char(message, 4096)].to_lowercase();
    let (name, class, needs_a_person) = cause_of(&lower);
    Cause {
        name,
        class,
        needs_a_person,
    }
}

const OVERFLOW: &[&str] = &[
    "context overflow",
    "context length",
    "context_length",
    "context window",
    "prompt is too long",
    "maximum context",
    "too many tokens",
    "input is too long",
    "exceeds the limit of",
    "token limit",
    "request too large",
    "request_too_large",
];
const BILLING: &[&str] = &[
    "billing",
    "credit balance",
    "insufficient_quota",
    "insufficient credit",
    "payment",
    "out of credits",
    "budget",
    "third-party apps",
    "insufficient balance",
    "purchase",
    "subscription",
];
const QUOTA: &[&str] = &[
    "quota",
    "usage limit",
    "weekly limit",
    "daily limit",
    "exhausted your capacity",
    "resource_exhausted",
    "usage_limit",
];
const RATE: &[&str] = &[
    "rate limit",
    "rate_limit",
    "ratelimit",
    "too many requests",
    "throttl",
];
const AUTH: &[&str] = &[
    "authentication",
    "unauthorized",
    "invalid api key",
    "api key",
    "api_key",
    "invalid bearer",
    "oauth",
    "token expired",
    "token has expired",
    "permission_denied",
    "permission denied",
    "forbidden",
    "bytestring",
    "credential",
    "not logged in",
    "no auth",
];
/// The account is paid for and does not include the model.
const OTHER_PLAN: &[&str] = &[
    "plan not support",
    "plan does not",
    "not included in your plan",
];
const UNSUPPORTED: &[&str] = &[
    "does not support",
    "model not allowed",
    "model is not allowed",
    "not supported",
    "no longer available",
    "model not found",
    "unknown model",
    "is not found",
    "not found for",
    "does not exist",
    "method not allowed",
    "model_not_found",
    "无可用渠道",
    "no available channel",
];
/// What a relay says when none of the services behind it takes the model now. It knows the model.
const NO_CHANNEL: &[&str] = &["无可用渠道", "no available channel"];
const OVERLOADED: &[&str] = &[
    "overloaded",
    "high demand",
    "at capacity",
    "try again later",
    "unavailable",
];
const TIMEOUT: &[&str] = &["timed out", "timeout", "deadline exceeded"];
const NETWORK: &[&str] = &[
    "fetch failed",
    "connection error",
    "econnrefused",
    "econnreset",
    "enotfound",
    "getaddrinfo",
    "dial tcp",
    "socket",
    "network",
    "terminated",
    "stream ended",
    "disconnected",
    "connection",
];
const BROKEN_CALL: &[&str] = &[
    "unterminated string",
    "unexpected token",
    "unexpected end of json",
    "tool_use",
    "tool call",
    "request schema",
    "invalid_request",
    "json",
    "malformed",
    "invalid request",
];

fn cause_of(lower: &str) -> (&'static str, Class, bool) {
    use Class::{CapabilityGap, Defect, ReliabilityPerf, SafetyCompliance};
    let code = http_code(lower);
    if has_any(lower, OVERFLOW) {
        ("context_overflow", Defect, false)
    } else if lower.contains("exceeded your current quota") && !lower.contains("insufficient_quota")
    {
        ("quota", ReliabilityPerf, true)
    } else if has_any(lower, OTHER_PLAN) {
        ("unsupported", CapabilityGap, true)
    } else if code == Some(402) || has_any(lower, BILLING) {
        ("billing", ReliabilityPerf, true)
    } else if has_any(lower, QUOTA)
        || lower.contains("limit reached") && !lower.contains("rate limit reached")
    {
        ("quota", ReliabilityPerf, true)
    } else if matches!(code, Some(503)) && has_any(lower, NO_CHANNEL) {
        ("no_channel", ReliabilityPerf, true)
    } else if has_any(lower, OVERLOADED)
        || matches!(code, Some(503 | 529)) && !has_any(lower, UNSUPPORTED)
    {
        ("overloaded", ReliabilityPerf, false)
    } else if code == Some(429) || has_any(lower, RATE) {
        ("rate_limit", ReliabilityPerf, false)
    } else if matches!(code, Some(401 | 403)) || has_any(lower, AUTH) {
        ("auth", SafetyCompliance, true)
    } else if matches!(code, Some(404 | 405)) || has_any(lower, UNSUPPORTED) {
        ("unsupported", CapabilityGap, true)
    } else if has_any(lower, TIMEOUT) {
        ("timeout", ReliabilityPerf, false)
    } else if has_any(lower, NETWORK) {
        ("network", ReliabilityPerf, false)
    } else if has_any(lower, BROKEN_CALL) || matches!(code, Some(400 | 422)) {
        ("bad_request", Defect, false)
    } else if matches!(code, Some(500..=599)) {
        ("server_error", ReliabilityPerf, false)
    } else {
        ("other", ReliabilityPerf, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_without_a_channel_is_down_and_a_model_that_nobody_has_is_not() {
        for (message, want) in [
            (
                "503 No available channel for model tern-2 under group default (distributor)",
                "no_channel",
            ),
            (
                "HTTP 503: 分组 default 下模型 tern-2 无可用渠道（distributor）",
                "no_channel",
            ),
            ("No available channel for model tern-2", "unsupported"),
            ("404 model tern-2 is not found", "unsupported"),
            ("503 model tern-2 does not support tools", "unsupported"),
            ("503 Service Unavailable", "overloaded"),
            (
                "429 Rate limit reached for tern-2 on requests per min",
                "rate_limit",
            ),
            ("5-hour limit reached, resets 3pm", "quota"),
            ("your current plan does not include tern-2", "unsupported"),
            ("402 Payment Required: insufficient credits", "billing"),
        ] {
            assert_eq!(cause(message).name, want, "{message}");
        }
    }
}
