//! The hands: the only code that touches session files, models and reports.
//!
//! One activity a file. Reading order: [`discover`] (which files), [`mine_session`] (one file),
//! [`plan_reading`], [`read_session`] and [`collect_readings`] (what a model adds, where one is asked for),
//! [`collect_results`] and [`rollup_signals`] (all together), [`file_tickets`],
//! [`snapshot_evidence`], [`draft_brief`] and [`critique_brief`] (research, with the rules in
//! [`brief`]), [`write_report`]; [`merge_failures`] (what a person says of two failures). Between them: [`registry`] (what is known over all runs), [`manifest`] and [`blobs`] (what travels by digest),
//! [`model`] (the port to language models), [`ledger`] (what crash tests read).
//!
//! Every activity may be run twice: it gives the same blobs and does no harm. Must not know the
//! order in which the workflows call it.

pub mod agents;
pub mod blobs;
pub mod brief;
pub mod collect_readings;
pub mod collect_results;
pub mod critique_brief;
pub mod discover;
pub mod draft_brief;
pub mod file_tickets;
pub mod ledger;
pub mod limits;
pub mod manifest;
pub mod merge_failures;
pub mod mine_session;
pub mod model;
mod pieces;
pub mod plan_reading;
pub mod read_session;
pub mod rollup_signals;
pub mod snapshot_evidence;
pub mod sqlite;
pub mod write_report;

mod errors;
mod expand;
mod reading;
pub mod registry;

use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::{Ledger, Ledgered};

/// How the activities are set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The file that gets a line for every execution, see [`ledger`]; `None` for no ledger.
    pub ledger: Option<PathBuf>,
    /// The providers of models that can be reached.
    pub access: model::Access,
}

impl Config {
    /// What the environment says: `OPENCLAW_TRACE_LEDGER`, and what [`model::Access`] reads.
    #[must_use]
    pub fn from_environment() -> Self {
        let ledger = std::env::var_os(ledger::VARIABLE).filter(|path| !path.is_empty());
        Self {
            ledger: ledger.map(PathBuf::from),
            access: model::Access::from_environment(),
        }
    }
}

/// Registers all activities.
#[must_use]
pub fn register(builder: engine::Builder, config: Config) -> engine::Builder {
    let ledger = Ledger::new(config.ledger);
    let manifests = manifest::Cache::default();
    let turn = registry::Turn::default();
    builder
        .activity(Ledgered::new(&ledger, discover::Discover))
        .activity(Ledgered::new(
            &ledger,
            mine_session::MineSession::new(manifests.clone()),
        ))
        .activity(Ledgered::new(&ledger, collect_results::CollectResults))
        .activity(Ledgered::new(&ledger, plan_reading::PlanReading))
        .activity(Ledgered::new(
            &ledger,
            read_session::ReadSession::new(manifests.clone(), config.access),
        ))
        .activity(Ledgered::new(&ledger, collect_readings::CollectReadings))
        .activity(Ledgered::new(
            &ledger,
            rollup_signals::RollupSignals::new(manifests, Arc::clone(&turn)),
        ))
        .activity(Ledgered::new(
            &ledger,
            merge_failures::MergeFailures::new(turn),
        ))
        .activity(Ledgered::new(&ledger, file_tickets::FileTickets))
        .activity(Ledgered::new(&ledger, snapshot_evidence::SnapshotEvidence))
        .activity(Ledgered::new(&ledger, draft_brief::DraftBrief))
        .activity(Ledgered::new(&ledger, critique_brief::CritiqueBrief))
        .activity(Ledgered::new(&ledger, write_report::WriteReport))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
