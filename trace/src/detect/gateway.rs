//! The gateway: channels that go down, jobs that fail before they have a session, starts that follow on each other.
//!
//! Only what no session shows is found here: a failed turn of a session is in that session's transcript too, and the
//! gateway writes it down for the session's lane and again for the job's. A message counts by how it begins, because
//! the gateway also logs what tools printed.
//!
//! **Incident rule**: the gateway started four times within ten minutes, or gave a channel up.

use serde::{Deserialize, Serialize};

use super::recorder::{Cx, Finding, Quote};
use crate::event::GatewayRecord;
use crate::outcome::cut_at_word;
use crate::signal::{Class, Kind, Severity};

const LOOP_STARTS: usize = 4;
const LOOP_MS: i64 = 10 * 60 * 1000;
const SENTENCE_BYTES_MAX: usize = 300;

/// The latest starts of the gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Gateway {
    starts_ms: Vec<i64>,
}

struct Fault {
    error_class: &'static str,
    class: Class,
    what: &'static str,
    severity: Severity,
    is_incident: bool,
}

impl Gateway {
    /// Looks at one line of a log.
    pub(super) fn on_record(
        &mut self,
        at_ms: Option<i64>,
        record: &GatewayRecord<'_>,
        cx: &mut Cx<'_>,
    ) {
        let message = without_id(&record.message);
        let fault = if record.subsystem.starts_with("gateway") && has_started(message) {
            at_ms.filter(|at_ms| self.loops(*at_ms)).map(|_| Fault {
                error_class: "restart_loop",
                class: Class::ReliabilityPerf,
                what: "started again and again",
                severity: Severity::High,
                is_incident: true,
            })
        } else {
            fault(message)
        };
        if let Some(fault) = fault {
            report(&fault, &record.message, message, cx);
        }
    }

    /// Whether this start is one too many; then counting begins anew.
    fn loops(&mut self, at_ms: i64) -> bool {
        self.starts_ms
            .retain(|start| at_ms.saturating_sub(*start) <= LOOP_MS);
        self.starts_ms.push(at_ms);
        let loops = self.starts_ms.len() >= LOOP_STARTS;
        if loops {
            self.starts_ms.clear();
        }
        loops
    }
}

/// The last line of a start, in older and newer logs.
fn has_started(message: &str) -> bool {
    message.starts_with("listening on ws") || message.starts_with("http server listening")
}

/// Channels put the account that they speak of first, in brackets.
fn without_id(message: &str) -> &str {
    let rest = message
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    rest.map_or(message, |(_, rest)| rest)
}

fn fault(message: &str) -> Option<Fault> {
    let starts = |all: &[&str]| all.iter().any(|start| message.starts_with(start));
    let fault = |error_class, class, what, severity| Fault {
        error_class,
        class,
        what,
        severity,
        is_incident: severity == Severity::High,
    };
    if starts(&[
        "giving up after",
        "auto-restart skipped, terminal disconnect",
    ]) {
        Some(fault(
            "channel_down",
            Class::ReliabilityPerf,
            "channel given up",
            Severity::High,
        ))
    } else if starts(&["channel exited", "health-monitor: restart failed"]) {
        Some(fault(
            "channel_exited",
            Class::ReliabilityPerf,
            "channel went down",
            Severity::Medium,
        ))
    } else if starts(&[
        "lane task error: lane=cron",
        "lane task rejected after timeout: lane=cron",
    ]) {
        Some(fault(
            "cron_lane",
            Class::ReliabilityPerf,
            "scheduled work failed in its lane",
            Severity::Medium,
        ))
    } else if starts(&[
        "config reload failed",
        "config reload skipped (invalid config)",
        "config restart failed",
        "config hot-reload disabled",
    ]) {
        Some(fault(
            "config",
            Class::ProcessTooling,
            "configuration not taken",
            Severity::Medium,
        ))
    } else if starts(&[
        "Gateway failed to start",
        "Gateway start blocked",
        "Refusing to bind gateway",
        "Missing config. Run",
    ]) {
        Some(fault(
            "no_start",
            Class::ReliabilityPerf,
            "did not start",
            Severity::Medium,
        ))
    } else {
        None
    }
}

fn report(fault: &Fault, text: &str, message: &str, cx: &mut Cx<'_>) {
    let sentence = cut_at_word(
        message.lines().next().unwrap_or(message),
        SENTENCE_BYTES_MAX,
    );
    let summary = format!("gateway, {}: {sentence}", fault.what);
    let tags: &[&str] = if fault.is_incident {
        &["gateway", "incident"]
    } else {
        &["gateway"]
    };
    cx.find(&Finding {
        detector: "gateway",
        kind: Kind::Error,
        class: fault.class,
        tool: "gateway",
        error_class: fault.error_class,
        message: sentence,
        summary: &summary,
        severity: fault.severity,
        confidence: 0.9,
        tags,
        quote: Some(Quote {
            role: "system",
            text,
            quote: sentence,
        }),
        earlier: &[],
        keeps_repeats: false,
    });
}

#[cfg(test)]
mod tests;
