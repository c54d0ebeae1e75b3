//! `RollupSignals`: the results of all files become one rollup document and one list of signals.
//!
//! Neighbours: reads what `mine_session` kept, with the rules of [`trace::rollup`]. The result does
//! not depend on the order of files or of executions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::mine::MinedSession;
use trace::rollup::{Builder, RollupDocument, SessionCounts, Skipped, sort_signals};
use trace::signal::MinedSignal;
use workflows::contracts::{self, BlobRef, RollupInput, RollupOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled};
use crate::manifest::{Cache, Manifest};

/// Groups the signals of all sessions.
#[derive(Debug, Default)]
pub struct RollupSignals {
    manifests: Cache,
}

impl RollupSignals {
    /// One that shares manifests with others.
    #[must_use]
    pub fn new(manifests: Cache) -> Self {
        Self { manifests }
    }
}

#[async_trait]
impl Activity for RollupSignals {
    type Contract = contracts::RollupSignals;

    async fn run(&self, cx: &ActivityCx, input: RollupInput) -> Result<RollupOutput, Failure> {
        let manifests = self.manifests.clone();
        blocking(cx, move |cx| {
            let manifest = manifests.manifest(cx, &input.manifest)?;
            let (document, signals) = roll_up(&manifest, sessions(cx, &input.lists)?);
            Ok(RollupOutput {
                rollup: blobs::put_json(cx, &document)?,
                signals: blobs::put_lines(cx, &signals)?,
                n_signals: signals.len() as u64,
                n_rollups: document.rollups.len() as u64,
            })
        })
        .await
    }
}

fn sessions(cx: &ActivityCx, lists: &[BlobRef]) -> Result<Vec<MinedSession>, Failure> {
    let mut sessions = Vec::new();
    for list in lists {
        let results: Vec<BlobRef> = blobs::json(cx, list)?;
        for result in &results {
            check_canceled(cx)?;
            sessions.push(blobs::json(cx, result)?);
        }
    }
    Ok(sessions)
}

fn roll_up(
    manifest: &Manifest,
    mut sessions: Vec<MinedSession>,
) -> (RollupDocument, Vec<MinedSignal>) {
    sessions.sort_by(|a, b| (&a.file, &a.session_id).cmp(&(&b.file, &b.session_id)));
    drop_seen_elsewhere(&mut sessions);
    let mut builder = Builder::new();
    let mut signals: Vec<MinedSignal> = Vec::new();
    let beyond = more("", "files", manifest.skipped_more);
    for skipped in manifest.skipped.iter().cloned().chain(beyond) {
        builder.add_skipped(skipped);
    }
    for session in sessions {
        let file = &session.file;
        let beyond = more(file, "lines", session.skipped_more)
            .into_iter()
            .chain(more(file, "signals", session.signals_dropped));
        for skipped in session.skipped.iter().cloned().chain(beyond) {
            builder.add_skipped(skipped);
        }
        if !session.is_session {
            continue;
        }
        let counts = SessionCounts {
            lines: session.lines,
            events: session.events,
            bytes: session.bytes,
        };
        builder.add_session(counts, &session.signals);
        signals.extend(session.signals);
    }
    sort_signals(&mut signals);
    (builder.finish(), signals)
}

/// What was counted but not kept, as something skipped.
fn more(file: &str, what: &str, n: u64) -> Option<Skipped> {
    (n > 0).then(|| Skipped {
        file: file.to_owned(),
        line: 0,
        reason: format!("{n} more {what} beyond the limit"),
    })
}

/// Archives and copies hold lines of the live file again: a signal of the same session, made of the
/// same line, is kept in the first file only. `sessions` are sorted by file.
fn drop_seen_elsewhere(sessions: &mut [MinedSession]) {
    let mut first: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for (index, session) in sessions.iter_mut().enumerate() {
        session.signals.retain(|signal| {
            let Some(evidence) = signal.evidence.first() else {
                return true;
            };
            let key = (
                signal.session_id.clone(),
                evidence.digest.clone(),
                signal.fingerprint_id.clone(),
            );
            *first.entry(key).or_insert(index) == index
        });
    }
}

#[cfg(test)]
mod tests;
