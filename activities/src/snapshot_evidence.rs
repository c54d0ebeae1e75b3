//! `SnapshotEvidence`: everything that a brief may cite, fixed before anything is written.

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::Failure;
use trace::rollup::RollupDocument;
use trace::signal::MinedSignal;
use trace::ticket::Ticket;
use workflows::contracts::{self, BlobRef, SnapshotEvidenceInput};

use crate::blobs;
use crate::brief::Snapshot;
use crate::errors::blocking;

/// Gathers what a brief may cite.
#[derive(Debug)]
pub struct SnapshotEvidence;

#[async_trait]
impl Activity for SnapshotEvidence {
    type Contract = contracts::SnapshotEvidence;

    async fn run(&self, cx: &ActivityCx, input: SnapshotEvidenceInput) -> Result<BlobRef, Failure> {
        blocking(cx, move |cx| {
            let tickets: Vec<Ticket> = blobs::lines(cx, &input.tickets)?;
            let missing = |what: &str| {
                Failure::permanent("NoSuchTicket", format!("no {what} for {}", input.ticket_id))
            };
            let ticket = tickets
                .into_iter()
                .find(|ticket| ticket.ticket_id == input.ticket_id)
                .ok_or_else(|| missing("ticket"))?;
            let document: RollupDocument = blobs::json(cx, &input.rollup)?;
            let rollup = document
                .rollups
                .into_iter()
                .find(|rollup| rollup.fingerprint_id == ticket.fingerprint_id)
                .ok_or_else(|| missing("rollup"))?;
            let signals: Vec<MinedSignal> = blobs::lines(cx, &input.signals)?;
            blobs::put_json(cx, &Snapshot::of(&ticket, rollup, &signals))
        })
        .await
    }
}
