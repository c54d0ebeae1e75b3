//! `RollupSignals`: the results of all files become one rollup document and one list of signals.
//!
//! Neighbours: reads what `mine_session` kept, with the rules of [`trace::rollup`]. The result does
//! not depend on the order of files or of executions. What earlier runs know comes from `registry`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use tokio::sync::Mutex;
use trace::llm::coverage::SessionReading;
use trace::mine::MinedSession;
use trace::registry::Batch;
use trace::rollup::overview::{Beside, Overview};
use trace::rollup::skips::Unit;
use trace::rollup::{Builder, RollupDocument, SessionCounts, sort_signals};
use trace::scrub::Scrubbed;
use trace::signal::MinedSignal;
use workflows::contracts::{self, BlobRef, RollupInput, RollupOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled};
use crate::manifest::{Cache, Manifest};
use crate::reading;
use crate::registry;

/// Groups the signals of all sessions.
#[derive(Debug, Default)]
pub struct RollupSignals {
    manifests: Cache,
    /// The registry is read, moved on and kept by one run at a time.
    turn: Arc<Mutex<()>>,
}

impl RollupSignals {
    /// One that shares manifests with others.
    #[must_use]
    pub fn new(manifests: Cache) -> Self {
        Self {
            manifests,
            turn: Arc::default(),
        }
    }
}

#[async_trait]
impl Activity for RollupSignals {
    type Contract = contracts::RollupSignals;

    async fn run(&self, cx: &ActivityCx, input: RollupInput) -> Result<RollupOutput, Failure> {
        let manifests = self.manifests.clone();
        let _turn = self.turn.lock().await;
        let (output, row) = blocking(cx, move |cx| {
            let manifest = manifests.manifest(cx, &input.manifest)?;
            let mined = sessions(cx, &input.lists)?;
            let (coverage, readings) = reading::coverage(cx, &mined, input.readings.as_ref())?;
            let Rolled {
                mut document,
                signals,
                batch,
            } = roll_up(&manifest, mined, readings);
            let row = registry::consult(cx, &mut document, batch)?;
            let output = RollupOutput {
                rollup: blobs::put_json(cx, &document)?,
                signals: blobs::put_lines(cx, &signals)?,
                n_signals: signals.len() as u64,
                n_rollups: document.rollups.len() as u64,
                coverage: blobs::put_json(cx, &coverage)?,
            };
            Ok((output, row))
        })
        .await?;
        // From here on the run is counted; another attempt is told the same.
        if let Some((key, value)) = row {
            cx.set_cursor(key, value).await?;
        }
        Ok(output)
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

/// What all sessions give together.
struct Rolled {
    document: RollupDocument,
    signals: Vec<MinedSignal>,
    batch: Batch,
}

fn roll_up(manifest: &Manifest, mined: Vec<MinedSession>, readings: Vec<SessionReading>) -> Rolled {
    let mut sessions = mined;
    let beside = Beside {
        files_by_format: files_by_format(manifest, &sessions),
        events_by_model: (!readings.is_empty()).then(|| {
            let read = readings.iter().filter(|r| r.asked + r.cached > 0);
            read.map(|r| r.events).sum()
        }),
    };
    for reading in readings {
        let place = usize::try_from(reading.index).unwrap_or(usize::MAX);
        if let Some(session) = sessions.get_mut(place) {
            session.signals.extend(reading.signals);
        }
    }
    sessions.sort_by(|a, b| (&a.file, &a.session_id).cmp(&(&b.file, &b.session_id)));
    drop_seen_elsewhere(&mut sessions);
    let overview = Overview::of(&sessions, &beside);
    let mut batch = Batch::default();
    let mut builder = Builder::new();
    let mut signals: Vec<MinedSignal> = Vec::new();
    for skipped in &manifest.skipped {
        builder.add_skipped(skipped.clone());
    }
    builder.add_beyond("", Unit::Files, manifest.skipped_more);
    for session in sessions {
        let file = &session.file;
        for skipped in &session.skipped {
            builder.add_skipped(skipped.clone());
        }
        builder.add_beyond(file, Unit::Lines, session.skipped_more);
        builder.add_beyond(file, Unit::Signals, session.signals_dropped);
        if !session.is_session {
            continue;
        }
        let counts = SessionCounts {
            lines: session.lines,
            events: session.events,
            bytes: session.bytes,
        };
        builder.add_session(counts, &session.signals);
        batch.add(&session);
        signals.extend(session.signals);
    }
    sort_signals(&mut signals);
    let mut document = builder.finish();
    document.overview = overview;
    Rolled {
        document,
        signals,
        batch,
    }
}

/// A store holds many sessions and is one file. `mined` is in the order of the manifest.
fn files_by_format(manifest: &Manifest, mined: &[MinedSession]) -> BTreeMap<String, u64> {
    let mut files: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (index, session) in mined.iter().enumerate() {
        let file = manifest.files.get(index);
        let path = file.map_or(session.file.as_str(), |file| file.path.as_str());
        if session.is_session {
            files.insert((&session.format, path));
        }
    }
    let mut by_format = BTreeMap::new();
    for (format, _) in files {
        *by_format.entry(format.to_owned()).or_default() += 1;
    }
    by_format
}

/// Archives and copies hold lines of the live file again: a signal of the same session, made of the
/// same line, is kept in the first file only. `sessions` are sorted by file.
fn drop_seen_elsewhere(sessions: &mut [MinedSession]) {
    let mut first: BTreeMap<(Scrubbed, String, String), usize> = BTreeMap::new();
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
