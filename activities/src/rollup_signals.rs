//! `RollupSignals`: the results of all files become one rollup document and one list of signals.
//!
//! Neighbours: reads what `mine_session` kept, with the rules of [`trace::rollup`]. The result does
//! not depend on the order of files or of executions. What earlier runs know comes from `registry`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::llm::coverage::SessionReading;
use trace::mine::MinedSession;
use trace::registry::Batch;
use trace::rollup::overview::{Beside, Overview};
use trace::rollup::skips::Unit;
use trace::rollup::{Builder, Merges, RollupDocument, SessionCounts, sort_signals};
use trace::scrub::Scrubbed;
use trace::signal::MinedSignal;
use workflows::contracts::{self, BlobRef, RollupInput, RollupOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled};
use crate::manifest::{Cache, Manifest};
use crate::reading;
use crate::registry::{self, Turn};

/// Groups the signals of all sessions.
#[derive(Debug, Default)]
pub struct RollupSignals {
    manifests: Cache,
    turn: Turn,
}

impl RollupSignals {
    /// One that shares manifests with others, and takes turns at the registry.
    #[must_use]
    pub fn new(manifests: Cache, turn: Turn) -> Self {
        Self { manifests, turn }
    }
}

#[async_trait]
impl Activity for RollupSignals {
    type Contract = contracts::RollupSignals;

    async fn run(&self, cx: &ActivityCx, input: RollupInput) -> Result<RollupOutput, Failure> {
        let manifests = self.manifests.clone();
        let _turn = self.turn.lock().await;
        let (output, rows) = blocking(cx, move |cx| {
            let manifest = manifests.manifest(cx, &input.manifest)?;
            let mined = sessions(cx, &input.lists)?;
            let (coverage, readings) = reading::coverage(cx, &mined, input.readings.as_ref())?;
            let mut gathered = Gathered::of(&manifest, mined, readings);
            let plain = gathered.document(&manifest);
            let (told, rows) = registry::consult(cx, &plain, gathered.batch(), input.merge_near)?;
            let mut document = if told.merges.of.is_empty() {
                plain.clone()
            } else {
                gathered.relabel(&told.merges);
                gathered.document(&manifest)
            };
            told.show(&mut document, &plain.rollups);
            let signals = gathered.signals();
            let output = RollupOutput {
                rollup: blobs::put_json(cx, &document)?,
                signals: blobs::put_lines(cx, &signals)?,
                n_signals: signals.len() as u64,
                n_rollups: document.rollups.len() as u64,
                coverage: blobs::put_json(cx, &coverage)?,
            };
            Ok((output, rows))
        })
        .await?;
        // From here on the run is counted; another attempt is told the same.
        if !rows.is_empty() {
            cx.set_cursors(rows).await?;
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

/// All sessions of a run, in one order, and every signal once.
struct Gathered {
    sessions: Vec<MinedSession>,
    overview: Overview,
}

impl Gathered {
    fn of(manifest: &Manifest, mined: Vec<MinedSession>, readings: Vec<SessionReading>) -> Self {
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
        Self { sessions, overview }
    }

    /// Groups of the signals as they are labelled now.
    fn document(&self, manifest: &Manifest) -> RollupDocument {
        let mut builder = Builder::new();
        for skipped in &manifest.skipped {
            builder.add_skipped(skipped.clone());
        }
        builder.add_beyond("", Unit::Files, manifest.skipped_more);
        for session in &self.sessions {
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
        }
        let mut document = builder.finish();
        document.overview = self.overview.clone();
        document
    }

    /// What the registry counts.
    fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        for session in self.sessions.iter().filter(|session| session.is_session) {
            batch.add(session);
        }
        batch
    }

    fn relabel(&mut self, merges: &Merges) {
        for session in &mut self.sessions {
            merges.relabel(&mut session.signals);
        }
    }

    /// All signals, in the order of `signals.jsonl`.
    fn signals(self) -> Vec<MinedSignal> {
        let sessions = self.sessions.into_iter();
        let mut signals: Vec<MinedSignal> = sessions
            .filter(|session| session.is_session)
            .flat_map(|session| session.signals)
            .collect();
        sort_signals(&mut signals);
        signals
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
