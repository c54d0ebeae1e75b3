//! How many events of each kind a session holds: what every rule had to look at.
//!
//! Neighbours: detectors count as they look, [`crate::rollup::overview`] sums up. Must not know what a rule finds.

use serde::{Deserialize, Serialize};

use super::Body;

/// Events by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventCounts {
    /// Turns in the user role.
    pub user_turns: u64,
    /// Turns of the model that did not fail.
    pub model_turns: u64,
    /// Turns of the model that failed at the provider.
    pub failed_turns: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Answers of tools.
    pub tool_results: u64,
    /// Times a person stopped the agent.
    pub interrupts: u64,
    /// What harnesses told agents.
    pub notices: u64,
    /// Finished runs of scheduled jobs.
    pub job_runs: u64,
    /// Lines of a gateway's log.
    pub gateway_lines: u64,
    /// Entries of state files, and damaged lines of sessions.
    pub state_entries: u64,
}

impl EventCounts {
    pub(crate) fn count(&mut self, body: &Body<'_>) {
        let n = match body {
            Body::User(_) => &mut self.user_turns,
            Body::Assistant(_) => &mut self.model_turns,
            Body::ProviderError(_) => &mut self.failed_turns,
            Body::ToolCall(_) => &mut self.tool_calls,
            Body::ToolResult(_) => &mut self.tool_results,
            Body::Interrupt(_) => &mut self.interrupts,
            Body::Notice(_) => &mut self.notices,
            Body::CronRun(_) => &mut self.job_runs,
            Body::Gateway(_) => &mut self.gateway_lines,
        };
        // A damaged checkpoint may hold any number.
        *n = n.saturating_add(1);
    }

    /// Counts what is no event: an entry of a state file, a damaged line.
    pub(crate) fn count_state_entry(&mut self) {
        self.state_entries = self.state_entries.saturating_add(1);
    }

    pub(crate) fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.user_turns, other.user_turns),
            (&mut self.model_turns, other.model_turns),
            (&mut self.failed_turns, other.failed_turns),
            (&mut self.tool_calls, other.tool_calls),
            (&mut self.tool_results, other.tool_results),
            (&mut self.interrupts, other.interrupts),
            (&mut self.notices, other.notices),
            (&mut self.job_runs, other.job_runs),
            (&mut self.gateway_lines, other.gateway_lines),
            (&mut self.state_entries, other.state_entries),
        ];
        for (n, more) in pairs {
            *n = n.saturating_add(more);
        }
    }
}
