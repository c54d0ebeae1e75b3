//! The registry of all runs in the store: read, moved on by one run, kept.
//!
//! One cursor, [`KEY`], names a blob with the whole [`Registry`] and, for the latest runs, a blob with what each was
//! told. A run that asks again, after a crash or as another attempt, is told the same and nothing is counted twice.
//! Neighbours: `rollup_signals` asks, one run at a time. Must not know the rules: [`trace::registry`] has them.

use std::collections::{BTreeMap, BTreeSet};

use engine::ActivityCx;
use kernel::{Failure, Retry};
use serde::{Deserialize, Serialize};
use trace::registry::{Absent, Batch, Label, Registry, Standing};
use trace::rollup::{ABSENT_MAX, RollupDocument, Skipped};
use trace::ticket;
use workflows::contracts::BlobRef;

use crate::blobs;

/// The key of the cursor.
const KEY: &[u8] = b"registry/head";
/// Version of what the blobs hold. Another one is started anew.
const VERSION: u32 = 1;
/// Runs whose answer is kept, the latest.
const RUNS_MAX: usize = 64;

/// What the cursor holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Head {
    version: u32,
    registry: BlobRef,
    /// Run ids and their answers, oldest first.
    runs: Vec<(String, BlobRef)>,
}

/// What a run is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Told {
    standings: BTreeMap<String, Standing>,
    absent: Vec<Absent>,
}

/// A row for [`ActivityCx::set_cursor`].
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// Puts what all runs know beside the groups of this one; gives the row that makes this run known, unless it is.
///
/// **Durability**: nothing is counted before the row is kept; its blobs are durable by then.
pub(crate) fn consult(
    cx: &ActivityCx,
    document: &mut RollupDocument,
    batch: Batch,
) -> Result<Option<Row>, Failure> {
    let run_id = cx.run_id().to_string();
    let mut head = match cx.cursor(KEY)? {
        Some(value) => serde_json::from_slice::<Head>(&value).unwrap_or_default(),
        None => Head::default(),
    };
    if head.version == VERSION
        && let Some((_, told)) = head.runs.iter().find(|(known, _)| *known == run_id)
    {
        show(document, blobs::json(cx, told)?);
        return Ok(None);
    }
    let mut registry = load(cx, &head, document)?;
    registry.apply(batch, &labels(document));
    let told = tell(&registry, document);
    head.version = VERSION;
    head.registry = blobs::put_json(cx, &registry)?;
    head.runs.push((run_id, blobs::put_json(cx, &told)?));
    let beyond = head.runs.len().saturating_sub(RUNS_MAX);
    head.runs.drain(..beyond);
    let value = serde_json::to_vec(&head)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))?;
    show(document, told);
    Ok(Some((KEY.to_vec(), value)))
}

/// A registry that is lost is said to be, and begins anew: the run itself has all it needs.
fn load(cx: &ActivityCx, head: &Head, document: &mut RollupDocument) -> Result<Registry, Failure> {
    if head.version != VERSION {
        return Ok(Registry::default());
    }
    match blobs::json(cx, &head.registry) {
        Ok(registry) => Ok(registry),
        Err(failure) if failure.retry == Retry::Retryable => Err(failure),
        Err(_) => {
            document.skipped.push(Skipped::new(
                "registry of earlier runs",
                0,
                "lost or damaged, so every failure counts as new",
            ));
            Ok(Registry::default())
        }
    }
}

fn labels(document: &RollupDocument) -> BTreeMap<String, Label> {
    let label = |rollup: &trace::rollup::Rollup| Label {
        summary: rollup.summary.clone(),
        tool: rollup.tool.clone(),
        tier: rollup.tier,
        ticket_id: if ticket::deserves_one(rollup) {
            ticket::ticket_id(&rollup.fingerprint_id)
        } else {
            String::new()
        },
    };
    let rollups = document.rollups.iter();
    rollups
        .map(|rollup| (rollup.fingerprint_id.clone(), label(rollup)))
        .collect()
}

fn tell(registry: &Registry, document: &RollupDocument) -> Told {
    let ids: BTreeSet<&str> = document
        .rollups
        .iter()
        .map(|rollup| rollup.fingerprint_id.as_str())
        .collect();
    let standing = |id: &&str| Some(((*id).to_owned(), registry.standing(id)?));
    Told {
        standings: ids.iter().filter_map(standing).collect(),
        absent: registry.absent(&ids, ABSENT_MAX),
    }
}

fn show(document: &mut RollupDocument, mut told: Told) {
    for rollup in &mut document.rollups {
        rollup.standing = told.standings.remove(&rollup.fingerprint_id);
    }
    document.absent = told.absent;
}
