//! What the mine gives: mined signals with verified evidence.
//!
//! The serialised field names are a contract: `signals.jsonl` is one [`MinedSignal`] a line.
//! Neighbours: detectors make these, `rollup` groups them. Must not know about files on disk.

use serde::{Deserialize, Serialize};

use crate::scrub::{self, Scrubbed};

/// Version of the `signals.jsonl`, `rollup.json` and `tickets.jsonl` layouts.
pub const SCHEMA_VERSION: u32 = 1;

/// What kind of thing was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that was asked for did not happen.
    Error,
    /// A person is annoyed, interrupted the agent, or has to repeat themselves.
    UserFrustration,
    /// Somebody says how the system could be better.
    ImprovementSuggestion,
    /// Somebody says what could be tried.
    ExperimentSuggestion,
    /// Something useful that nobody asked for yet.
    ProactiveOpportunity,
    /// A person is pleased.
    UserDelight,
    /// Anything else worth keeping.
    Other,
}

/// Which part of the product's quality a signal speaks of; `docs/CLASSES.md` has the borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Timeouts, rate limits, billing, network, services that are down, programs killed from outside.
    ReliabilityPerf,
    /// A bug: wrong arguments, a file that is not there, broken code, failed checks, corrupt state.
    Defect,
    /// The person's experience.
    UxFriction,
    /// The agent cannot do what is asked: unknown tool or model, missing program.
    CapabilityGap,
    /// Tooling and process around the agent: edits that do not apply, hooks, cron set-up.
    ProcessTooling,
    /// Permission, credentials, safety.
    SafetyCompliance,
    /// An opportunity.
    ProactiveOpportunity,
    /// Delight.
    UserDelight,
}

/// How bad one signal is; the rank is the severity's weight in a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Expected or harmless, rank 1.
    Low,
    /// Costs time, rank 2.
    Medium,
    /// Work was lost or a person was let down, rank 3.
    High,
    /// Data loss, leak, or nothing works, rank 4.
    Critical,
}

impl Severity {
    /// The weight in the score: low 1, medium 2, high 3, critical 4.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
            Self::Critical => 4,
        }
    }
}

/// Where a signal was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Session format: `openclaw`, `claude`, `codex`, ...
    pub format: String,
    /// The file, relative to the path given by the user, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Line of the main event, from 1.
    pub line: u64,
}

/// First and last line, from 1, that a signal covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First line.
    pub start: u64,
    /// Last line, inclusive.
    pub end: u64,
}

/// A quote that was found, byte for byte, in the text of the event on `line`.
///
/// The check is made on the unscrubbed text; `quote` here is the scrubbed form of what was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Line in the session file, from 1.
    pub line: u64,
    /// Who spoke: `user`, `assistant`, `tool`, `system`.
    pub role: String,
    /// The quote, scrubbed, at most [`crate::limits::QUOTE_BYTES_MAX`] bytes.
    #[serde(deserialize_with = "scrub::stored")]
    pub quote: Scrubbed,
    /// `sha256:` and the first 16 hex digits of SHA-256 of the raw line, so a reader can check that it is unchanged.
    pub digest: String,
}

/// One observation in one session. One line of `signals.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinedSignal {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Stable id: `sig_` and 16 hex digits of a hash of session, file, line, detector and fingerprint.
    pub signal_id: String,
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// Where.
    pub source: Source,
    /// What.
    pub kind: Kind,
    /// Which quality.
    pub class: Class,
    /// The tool involved, empty when none.
    #[serde(deserialize_with = "scrub::stored")]
    pub tool: Scrubbed,
    /// One scrubbed sentence or message line, for people.
    #[serde(deserialize_with = "scrub::stored")]
    pub summary: Scrubbed,
    /// How bad.
    pub severity: Severity,
    /// 0.0 to 1.0.
    pub confidence: f64,
    /// Sorted tags, such as `incident`, `cron`, `timeout`, `detector:tool_failure`, `error_class:rate_limit`.
    pub tags: Vec<String>,
    /// Lines covered.
    pub span: Span,
    /// At least one quote.
    pub evidence: Vec<Evidence>,
    /// `fp1:` and hex digits: the failure that it is counted with.
    pub fingerprint_id: String,
    /// Its own fingerprint, where that was merged into another one; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub merged_from: String,
    /// The signature behind its own fingerprint, scrubbed, so that a rollup can be explained.
    #[serde(deserialize_with = "scrub::stored")]
    pub signature: Scrubbed,
    /// The message that the signature's template was made of, scrubbed, at most
    /// [`crate::limits::QUOTE_BYTES_MAX`] bytes.
    #[serde(default, deserialize_with = "scrub::stored")]
    pub message: Scrubbed,
    /// When, ISO 8601 UTC, empty when the session does not say.
    pub at: String,
}

impl MinedSignal {
    /// The fingerprint that its own signature gives, whatever it was merged into.
    #[must_use]
    pub fn own_fingerprint(&self) -> &str {
        if self.merged_from.is_empty() {
            &self.fingerprint_id
        } else {
            &self.merged_from
        }
    }
}
