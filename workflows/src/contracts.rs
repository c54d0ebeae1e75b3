//! What the workflows ask of activities: names, inputs, outputs, how they are retried.
//!
//! Big values travel as blob digests (lowercase hex), so a history holds decisions, not
//! transcripts. Neighbours: `activities` keeps these promises. Must not know how.

use kernel::{ActivityContract, ActivityOptions, Millis, RetryPolicy};
use serde::{Deserialize, Serialize};

/// SHA-256 of a blob in the store, as 64 lowercase hex digits.
pub type BlobRef = String;

/// Stages of [`TraceRun`](crate::TraceRun), in order.
pub mod stage {
    /// Finding session files.
    pub const DISCOVER: &str = "discover";
    /// Mining each of them.
    pub const MINE: &str = "mine";
    /// Having a model read sessions, where one is asked for.
    pub const READ: &str = "read";
    /// Grouping signals.
    pub const ROLLUP: &str = "rollup";
    /// Tickets of the groups.
    pub const TICKETS: &str = "tickets";
    /// Briefs on the top tickets.
    pub const BRIEFS: &str = "briefs";
    /// Writing the report.
    pub const REPORT: &str = "report";
}

fn options(stage: &str, minutes: u64) -> ActivityOptions {
    ActivityOptions {
        start_to_close: Millis::seconds(60 * minutes),
        retry: RetryPolicy {
            initial_interval: Millis(500),
            maximum_interval: Millis(30_000),
            maximum_attempts: 5,
            ..RetryPolicy::default()
        },
        stage: stage.to_owned(),
        ..ActivityOptions::default()
    }
}

/// Finds the session files below some paths.
#[derive(Debug)]
pub struct Discover;

/// Which files a run reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoverInput {
    /// Absolute paths of files and directories.
    pub paths: Vec<String>,
    /// A format name, or empty to tell by content.
    pub format: String,
    /// Only files that match one of these globs, if there are any.
    pub include: Vec<String>,
    /// No file that matches one of these globs.
    pub exclude: Vec<String>,
    /// At most this many sessions, 0 for all.
    pub max_sessions: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoverOutput {
    /// A JSON blob: the list of files, sorted by name.
    pub manifest: BlobRef,
    /// Files in it.
    pub sessions: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl ActivityContract for Discover {
    const TYPE: &'static str = "discover";
    type Input = DiscoverInput;
    type Output = DiscoverOutput;

    fn options() -> ActivityOptions {
        options(stage::DISCOVER, 30)
    }
}

/// Mines one session file.
#[derive(Debug)]
pub struct MineSession;

/// One file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MineSessionInput {
    /// The manifest.
    pub manifest: BlobRef,
    /// Which file of it, from 0.
    pub index: u64,
}

/// What was mined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MineSessionOutput {
    /// A JSON blob: the mined session.
    pub result: BlobRef,
    /// Signals in it.
    pub signals: u64,
}

impl ActivityContract for MineSession {
    const TYPE: &'static str = "mine_session";
    type Input = MineSessionInput;
    type Output = MineSessionOutput;

    fn options() -> ActivityOptions {
        options(stage::MINE, 60)
    }
}

/// Puts a list of results into one blob, so that a parent's history holds one digest for many.
#[derive(Debug)]
pub struct CollectResults;

impl ActivityContract for CollectResults {
    const TYPE: &'static str = "collect_results";
    /// Results of [`MineSession`], in the order of the manifest.
    type Input = Vec<BlobRef>;
    /// A JSON blob: the list.
    type Output = BlobRef;

    fn options() -> ActivityOptions {
        options("", 10)
    }
}

/// Groups the signals of all sessions.
#[derive(Debug)]
pub struct RollupSignals;

/// All mined sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupInput {
    /// The manifest.
    pub manifest: BlobRef,
    /// Lists made by [`CollectResults`], in the order of the manifest.
    pub lists: Vec<BlobRef>,
    /// What a model read, when one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readings: Option<crate::reading::Readings>,
    /// Whether near duplicates are merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge_near: bool,
}

/// The groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupOutput {
    /// A JSON blob: the rollup document.
    pub rollup: BlobRef,
    /// A JSON-lines blob: all signals, sorted.
    pub signals: BlobRef,
    /// Number of signals.
    pub n_signals: u64,
    /// Number of groups.
    pub n_rollups: u64,
    /// A JSON blob: the record of what was read. Empty in runs of old.
    #[serde(default)]
    pub coverage: BlobRef,
}

impl ActivityContract for RollupSignals {
    const TYPE: &'static str = "rollup_signals";
    type Input = RollupInput;
    type Output = RollupOutput;

    fn options() -> ActivityOptions {
        options(stage::ROLLUP, 60)
    }
}

/// Merges two failures into one, or takes one apart again.
#[derive(Debug)]
pub struct MergeFailures;

/// What is asked. Fingerprints are named as people name them: whole, by ticket, or by their start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeFailuresInput {
    /// Let one stand for another one from now on.
    Merge {
        /// Which.
        from: String,
        /// For which.
        into: String,
        /// Why, in a person's words.
        because: String,
    },
    /// Let one stand for itself again.
    Unmerge {
        /// Which.
        from: String,
        /// Why, in a person's words.
        because: String,
    },
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeFailuresOutput {
    /// The fingerprint that stands, or stood, for another one.
    pub fingerprint_id: String,
    /// What people call it, scrubbed.
    pub summary: String,
    /// The other one.
    pub into: String,
    /// What people call that, scrubbed.
    pub into_summary: String,
    /// Fingerprints that stand for the other one now, sorted.
    pub aliases: Vec<String>,
}

impl ActivityContract for MergeFailures {
    const TYPE: &'static str = "merge_failures";
    type Input = MergeFailuresInput;
    type Output = MergeFailuresOutput;

    fn options() -> ActivityOptions {
        options("", 10)
    }
}

/// Makes tickets of the groups.
#[derive(Debug)]
pub struct FileTickets;

/// The groups to make tickets of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTicketsInput {
    /// The rollup document.
    pub rollup: BlobRef,
    /// All signals.
    pub signals: BlobRef,
    /// How many of the top tickets will be researched.
    pub top: u64,
}

/// The tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTicketsOutput {
    /// A JSON-lines blob: all tickets, top first.
    pub tickets: BlobRef,
    /// Number of tickets.
    pub n_tickets: u64,
    /// The top ones.
    pub top: Vec<TicketRef>,
}

/// A ticket to research.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// Its id.
    pub ticket_id: String,
    /// A short name for directories, in `a-z0-9-`.
    pub slug: String,
}

impl ActivityContract for FileTickets {
    const TYPE: &'static str = "file_tickets";
    type Input = FileTicketsInput;
    type Output = FileTicketsOutput;

    fn options() -> ActivityOptions {
        options(stage::TICKETS, 30)
    }
}

/// Stages of [`BriefLoop`](crate::BriefLoop), in order.
pub mod brief_stage {
    /// Gathering what can be cited.
    pub const EVIDENCE: &str = "evidence";
    /// Writing.
    pub const DRAFT: &str = "draft";
    /// Checking what was written.
    pub const CRITIQUE: &str = "critique";
}

/// Gathers everything about one ticket that a brief may cite, before anything is written.
#[derive(Debug)]
pub struct SnapshotEvidence;

/// Which ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEvidenceInput {
    /// All tickets.
    pub tickets: BlobRef,
    /// All signals.
    pub signals: BlobRef,
    /// The rollup document.
    pub rollup: BlobRef,
    /// Which.
    pub ticket_id: String,
}

impl ActivityContract for SnapshotEvidence {
    const TYPE: &'static str = "snapshot_evidence";
    type Input = SnapshotEvidenceInput;
    /// A JSON blob: the snapshot.
    type Output = BlobRef;

    fn options() -> ActivityOptions {
        options(brief_stage::EVIDENCE, 10)
    }
}

/// The actor: writes a brief, or the next version of one.
#[derive(Debug)]
pub struct DraftBrief;

/// What the actor has to work with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftBriefInput {
    /// What may be cited.
    pub snapshot: BlobRef,
    /// Which model writes; `none` for the rules.
    pub model: String,
    /// Which version, from 1.
    pub version: u32,
    /// The version before and its review, from the second version on.
    pub previous: Option<Reviewed>,
}

/// A version of a brief and what the critic said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The Markdown of the brief.
    pub brief: BlobRef,
    /// The Markdown of the review.
    pub review: BlobRef,
}

impl ActivityContract for DraftBrief {
    const TYPE: &'static str = "draft_brief";
    type Input = DraftBriefInput;
    /// The Markdown of the brief.
    type Output = BlobRef;

    fn options() -> ActivityOptions {
        options(brief_stage::DRAFT, 10)
    }
}

/// The critic: refuses what is not cited.
#[derive(Debug)]
pub struct CritiqueBrief;

/// What the critic reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CritiqueBriefInput {
    /// What may be cited.
    pub snapshot: BlobRef,
    /// Which model criticises besides the rules; `none` for the rules alone.
    pub model: String,
    /// The brief.
    pub brief: BlobRef,
}

/// What the critic says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CritiqueBriefOutput {
    /// The Markdown of the review.
    pub review: BlobRef,
    /// Claims refused for want of a citation that holds.
    pub refused: u64,
    /// Whether the brief may stand.
    pub accepted: bool,
}

impl ActivityContract for CritiqueBrief {
    const TYPE: &'static str = "critique_brief";
    type Input = CritiqueBriefInput;
    type Output = CritiqueBriefOutput;

    fn options() -> ActivityOptions {
        options(brief_stage::CRITIQUE, 10)
    }
}

/// Writes all files of a run.
#[derive(Debug)]
pub struct WriteReport;

/// What is written, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteReportInput {
    /// Absolute path of the directory.
    pub out: String,
    /// The rollup document.
    pub rollup: BlobRef,
    /// All signals.
    pub signals: BlobRef,
    /// All tickets.
    pub tickets: BlobRef,
    /// The briefs.
    pub briefs: Vec<crate::BriefLoopOutput>,
    /// The record of what was read. Empty in runs of old.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub coverage: BlobRef,
}

impl ActivityContract for WriteReport {
    const TYPE: &'static str = "write_report";
    type Input = WriteReportInput;
    /// Names of the files, below `out`, in order.
    type Output = Vec<String>;

    fn options() -> ActivityOptions {
        options(stage::REPORT, 30)
    }
}

/// The breaker that guards a model, as the name in activity options.
#[must_use]
pub fn model_breaker(model: &str) -> String {
    format!("model:{model}")
}
