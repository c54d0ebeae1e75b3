//! The registry of all runs in the store, and its aliases: read, moved on by one run, kept.
//!
//! One cursor, `KEY`, names a blob with the whole [`Registry`] and, for the latest runs, a blob with what each was
//! told. A run that asks again, after a crash or as another attempt, is told the same and nothing is counted twice.
//! Another, `ALIASES_KEY`, names a blob with the [`Aliases`]. Neighbours: `rollup_signals` and `merge_failures` ask, one
//! at a time. Must not know the rules: [`trace::registry`] has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::ActivityCx;
use kernel::{Failure, Retry};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use trace::event::ms_to_iso;
use trace::registry::aliases::{Aliases, Occasion};
use trace::registry::{Absent, Batch, Label, Registry, Standing};
use trace::rollup::{ABSENT_MAX, Merges, Rollup, RollupDocument, Skipped};
use trace::ticket;
use workflows::contracts::BlobRef;

use crate::blobs;

/// The key of the cursor.
const KEY: &[u8] = b"registry/head";
/// The key of the cursor of aliases.
const ALIASES_KEY: &[u8] = b"registry/aliases";
/// Version of what the blobs hold. Another one is started anew.
const VERSION: u32 = 1;
/// Runs whose answer is kept, the latest.
const RUNS_MAX: usize = 64;

/// The registry and its aliases are read, moved on and kept by one attempt at a time.
pub type Turn = Arc<Mutex<()>>;

/// What the cursor holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Head {
    version: u32,
    registry: BlobRef,
    /// Run ids and their answers, oldest first.
    runs: Vec<(String, BlobRef)>,
}

/// What the cursor of aliases holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct AliasHead {
    aliases: BlobRef,
}

/// What a run is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    standings: BTreeMap<String, Standing>,
    absent: Vec<Absent>,
    /// Which of its failures are counted with another one.
    #[serde(default)]
    pub(crate) merges: Merges,
    /// That the registry was lost, when it was.
    #[serde(default)]
    skipped: Vec<Skipped>,
}

/// A row for [`ActivityCx::set_cursors`].
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// What all runs know of the failures of this one, and the rows that make this run known, unless it is. `plain` has a
/// group for every fingerprint.
///
/// **Durability**: nothing is counted before the rows are kept, all in one commit; their blobs are durable by then.
pub(crate) fn consult(
    cx: &ActivityCx,
    plain: &RollupDocument,
    batch: Batch,
    merge_near: bool,
) -> Result<(Told, Vec<Row>), Failure> {
    let run_id = cx.run_id().to_string();
    let mut head = head(cx)?;
    if let Some((_, told)) = head.runs.iter().find(|(known, _)| *known == run_id) {
        return Ok((blobs::json(cx, told)?, Vec::new()));
    }
    let (registry, lost) = load(cx, &head)?;
    let mut registry = registry.unwrap_or_default();
    registry.apply(batch, &labels(plain));
    let mut rows = Vec::new();
    let mut aliases = aliases(cx)?;
    if merge_near && aliases.merge_near(&registry.candidates(), &occasion(cx)) > 0 {
        rows.push(aliases_row(cx, &aliases)?);
    }
    let told = Told {
        skipped: lost.into_iter().collect(),
        ..tell(&registry, &aliases, plain)
    };
    head.registry = blobs::put_json(cx, &registry)?;
    head.runs.push((run_id, blobs::put_json(cx, &told)?));
    let beyond = head.runs.len().saturating_sub(RUNS_MAX);
    head.runs.drain(..beyond);
    rows.push((KEY.to_vec(), row(&head)?));
    Ok((told, rows))
}

fn row<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))
}

/// The cursor; a new one when there is none that can be read.
fn head(cx: &ActivityCx) -> Result<Head, Failure> {
    let value = cx.cursor(KEY)?;
    let head = value.and_then(|value| serde_json::from_slice::<Head>(&value).ok());
    Ok(head.filter(|head| head.version == VERSION).unwrap_or(Head {
        version: VERSION,
        ..Head::default()
    }))
}

/// The registry, unless there was none yet. One that is lost is said to be, and begins anew: the run itself has all it
/// needs.
fn load(cx: &ActivityCx, head: &Head) -> Result<(Option<Registry>, Option<Skipped>), Failure> {
    if head.registry.is_empty() {
        return Ok((None, None));
    }
    match blobs::json(cx, &head.registry) {
        Ok(registry) => Ok((Some(registry), None)),
        Err(failure) if failure.retry == Retry::Retryable => Err(failure),
        Err(_) => {
            let lost = Skipped::new(
                "registry of earlier runs",
                0,
                "lost or damaged, so every failure counts as new",
            );
            Ok((None, Some(lost)))
        }
    }
}

/// The registry as the latest run left it; an empty one when there is none.
pub(crate) fn registry(cx: &ActivityCx) -> Result<Registry, Failure> {
    let (registry, _) = load(cx, &head(cx)?)?;
    Ok(registry.unwrap_or_default())
}

/// What is merged now. What people said is not thrown away: aliases that cannot be read are a failure.
pub(crate) fn aliases(cx: &ActivityCx) -> Result<Aliases, Failure> {
    let Some(value) = cx.cursor(ALIASES_KEY)? else {
        return Ok(Aliases::default());
    };
    let head: AliasHead = serde_json::from_slice(&value).map_err(|error| {
        Failure::permanent("BadAliases", format!("could not read aliases: {error}"))
    })?;
    blobs::json(cx, &head.aliases)
}

/// The row that keeps them.
pub(crate) fn aliases_row(cx: &ActivityCx, aliases: &Aliases) -> Result<Row, Failure> {
    let aliases = blobs::put_json(cx, aliases)?;
    Ok((ALIASES_KEY.to_vec(), row(&AliasHead { aliases })?))
}

/// What is merged now, for whoever only reads: with the value of a cursor and the bytes of a blob, as the store has them.
///
/// # Errors
/// What the two say, or that the aliases cannot be understood.
pub fn stored_aliases(
    cursor: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, String>,
    blob: impl FnOnce(&BlobRef) -> Result<Option<Vec<u8>>, String>,
) -> Result<Aliases, String> {
    let Some(value) = cursor(ALIASES_KEY)? else {
        return Ok(Aliases::default());
    };
    let unreadable = |error: serde_json::Error| format!("could not read aliases: {error}");
    let head: AliasHead = serde_json::from_slice(&value).map_err(unreadable)?;
    let bytes = blob(&head.aliases)?.ok_or("could not read aliases: the store has lost them")?;
    serde_json::from_slice(&bytes).map_err(unreadable)
}

/// The time of a run is when it was begun, which its id says (UUID v7): another attempt says the same.
pub(crate) fn occasion(cx: &ActivityCx) -> Occasion {
    let run_id = cx.run_id();
    let milliseconds = run_id.0[..6]
        .iter()
        .fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
    Occasion {
        at: ms_to_iso(milliseconds),
        run_id: run_id.to_string(),
    }
}

fn labels(document: &RollupDocument) -> BTreeMap<String, Label> {
    let label = |rollup: &trace::rollup::Rollup| Label {
        summary: rollup.summary.clone(),
        tool: rollup.tool.clone(),
        tier: rollup.tier,
        signature: rollup.signature.clone(),
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

fn tell(registry: &Registry, aliases: &Aliases, plain: &RollupDocument) -> Told {
    let ids = plain.rollups.iter().map(|rollup| &rollup.fingerprint_id);
    let heads: BTreeSet<&str> = ids.map(|id| aliases.head(id)).collect();
    let standing = |head: &&str| Some(((*head).to_owned(), registry.group(head, aliases)?));
    Told {
        standings: heads.iter().filter_map(standing).collect(),
        absent: registry.absent(&heads, aliases, ABSENT_MAX),
        merges: Merges::concerning(aliases, plain),
        skipped: Vec::new(),
    }
}

impl Told {
    /// Puts it beside the groups of the run. `plain` are its groups as they were without aliases.
    pub(crate) fn show(mut self, document: &mut RollupDocument, plain: &[Rollup]) {
        for rollup in &mut document.rollups {
            rollup.standing = self.standings.remove(&rollup.fingerprint_id);
        }
        document.absent = self.absent;
        document.skipped.extend(self.skipped);
        self.merges.show(document, plain);
    }
}
