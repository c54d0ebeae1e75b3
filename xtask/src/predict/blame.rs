//! Whole sessions of one or more agents: which step went wrong first.

use serde_json::{Value, json};
use trace::blame::{Reason, Step, StepKind, Suspect, suspects};
use trace::outcome::{Outcome, OutcomeInput, classify};

use super::rows::{Rows, text};

/// Most suspects in a row.
const RANKED: usize = 3;

/// The first suspect of each session.
pub(super) fn sessions(rows: &Rows) -> Rows {
    rows.map(|row| {
        let empty = Vec::new();
        let events = row["events"].as_array().unwrap_or(&empty);
        let steps: Vec<Step<'_>> = events
            .iter()
            .zip(0_u64..)
            .map(|(event, at)| step(event, at))
            .collect();
        let ranked = suspects(&steps);
        let Some(first) = ranked.first() else {
            return json!({"session_id": row["session_id"]});
        };
        let indexes: Vec<u64> = ranked.iter().take(RANKED).map(|one| one.index).collect();
        json!({
            "session_id": row["session_id"],
            "agent": first.agent,
            "event_i": first.index,
            "events": indexes,
            "category": category(first),
        })
    })
}

fn step(event: &Value, at: u64) -> Step<'_> {
    let role = text(event, "role");
    let agent = match text(event, "agent") {
        "" => role,
        agent => agent,
    };
    let said = text(event, "text");
    let calls = event["tool_calls"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let lower = agent.to_lowercase();
    let kind = if role == "tool" || lower.contains("terminal") || lower.contains("executor") {
        StepKind::Result {
            failed: failed(said),
        }
    } else if role == "system" || calls.is_empty() && matches!(said.trim(), "" | "TERMINATE") {
        StepKind::Frame
    } else if matches!(lower.as_str(), "human" | "user") {
        StepKind::Person
    } else if lower.contains("thought") {
        StepKind::Plan
    } else if lower.contains("->") {
        StepKind::Order
    } else {
        StepKind::Act {
            writes: calls.iter().any(writes),
        }
    };
    Step {
        index: event["i"].as_u64().unwrap_or(at),
        agent,
        kind,
        text: said,
    }
}

/// Whether a terminal's or tool's answer is a failure, by the rules for tool results.
fn failed(said: &str) -> bool {
    let (code, shown) = match said.strip_prefix("exitcode: ") {
        Some(rest) => {
            let digits = rest.split(' ').next().unwrap_or("");
            (digits.parse().ok(), rest)
        }
        None => (None, said),
    };
    let input = OutcomeInput {
        tool: "terminal",
        exit_code: code,
        text: shown,
        ..OutcomeInput::default()
    };
    Outcome::failed(&classify(&input))
}

/// Whether a call does more than look.
fn writes(call: &Value) -> bool {
    let function = if call["function"].is_object() {
        &call["function"]
    } else {
        call
    };
    let name = text(function, "name");
    let looks = [
        "get", "find", "list", "search", "calc", "think", "read", "show", "view", "check", "look",
    ];
    !looks.iter().any(|look| name.starts_with(look))
}

/// The reason in the words of failure taxonomies.
fn category(suspect: &Suspect) -> &'static str {
    match suspect.reason {
        Reason::Invented => "Invention of new information",
        Reason::ActionFailed => "Invalid Invocation",
        Reason::Changed => "Intent Plan Misalignment",
        Reason::Blocked => "Guardrails Triggered",
        Reason::Placed => "Instruction/Plan Adherence Failure",
    }
}
