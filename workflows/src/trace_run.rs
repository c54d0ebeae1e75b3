//! `TraceRun`: discover, mine, read with a model if one is asked for, roll up, ticket, research, report.
//!
//! Each step is a checkpointed activity or child, so a killed run goes on where it stopped.

use kernel::{
    ChildOptions, Cx, Failure, ParentClosePolicy, WorkflowContract, WorkflowId, join_all,
    map_bounded,
};
use serde::{Deserialize, Serialize};

use crate::brief_loop::{BriefLoop, BriefLoopInput, BriefLoopOutput};
use crate::contracts::{
    BlobRef, CollectResults, Discover, DiscoverInput, FileTickets, FileTicketsInput, MineSession,
    MineSessionInput, RollupInput, RollupSignals, WriteReport, WriteReportInput, stage,
};
use crate::mine_shard::{MineShard, MineShardInput};
use crate::reading::{ReadingSettings, read};

/// Sessions mined side by side in one run: enough for any machine, few enough for a small summary.
pub const FAN_OUT: usize = 64;
/// Above this many sessions the work is cut into child workflows, so that no history grows with
/// the corpus.
pub const SHARD_ABOVE: u64 = 1_000;
/// Sessions of one shard.
pub const SHARD_SESSIONS: u64 = 500;
/// Shards that run side by side.
pub const SHARDS_AT_ONCE: usize = 4;

/// The root workflow.
#[derive(Debug)]
pub struct TraceRun;

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRunInput {
    /// Which files.
    pub discover: DiscoverInput,
    /// Absolute path of the directory for the report.
    pub out: String,
    /// Top tickets to research.
    pub briefs: u64,
    /// Which model writes briefs, `none` for the rules.
    pub model: String,
    /// How a model is to read sessions beside the rules; `None` for the rules alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<ReadingSettings>,
    /// Whether near duplicates are merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge_near: bool,
}

/// What a run gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRunOutput {
    /// Files read.
    pub sessions: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Signals mined.
    pub signals: u64,
    /// Groups of them.
    pub rollups: u64,
    /// Tickets made.
    pub tickets: u64,
    /// Briefs written.
    pub briefs: u64,
    /// The rollup document, for display.
    pub rollup: BlobRef,
    /// Files written below `out`.
    pub files: Vec<String>,
}

impl WorkflowContract for TraceRun {
    const TYPE: &'static str = "TraceRun";
    type Input = TraceRunInput;
    type Output = TraceRunOutput;
}

/// The body of [`TraceRun`].
///
/// # Errors
/// The failure of the first stage that could not be done. One session that cannot be mined fails
/// the run: files that are merely damaged are no failure, they are reported as skipped.
pub async fn trace_run(cx: Cx, input: TraceRunInput) -> Result<TraceRunOutput, Failure> {
    cx.stage(stage::DISCOVER, Some(1));
    cx.stage(stage::MINE, None);
    if input.reading.is_some() {
        cx.stage(stage::READ, None);
    }
    cx.stage(stage::ROLLUP, Some(1));
    cx.stage(stage::TICKETS, Some(1));
    cx.stage(stage::BRIEFS, None);
    cx.stage(stage::REPORT, Some(1));

    let found = cx.activity::<Discover>(&input.discover).await?;
    let lists = mine(&cx, &found.manifest, found.sessions).await?;
    let readings = match input.reading {
        Some(settings) => Some(read(&cx, &found.manifest, &lists, settings).await?),
        None => None,
    };
    let rolled = cx
        .activity::<RollupSignals>(&RollupInput {
            manifest: found.manifest.clone(),
            lists,
            readings,
            merge_near: input.merge_near,
        })
        .await?;
    let filed = cx
        .activity::<FileTickets>(&FileTicketsInput {
            rollup: rolled.rollup.clone(),
            signals: rolled.signals.clone(),
            top: input.briefs,
        })
        .await?;
    cx.stage(
        stage::BRIEFS,
        Some(u64::try_from(filed.top.len()).unwrap_or(u64::MAX)),
    );
    let loops = filed.top.iter().map(|ticket| {
        let child = BriefLoopInput {
            ticket: ticket.clone(),
            tickets: filed.tickets.clone(),
            signals: rolled.signals.clone(),
            rollup: rolled.rollup.clone(),
            model: input.model.clone(),
            rounds_max: 3,
        };
        let id = format!("{}/brief/{}", cx.info().workflow_id, ticket.ticket_id);
        cx.child::<BriefLoop>(WorkflowId(id), &child, child_options(stage::BRIEFS))
    });
    let briefs: Vec<BriefLoopOutput> = join_all(loops)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    let n_briefs = briefs.len();
    let files = cx
        .activity::<WriteReport>(&WriteReportInput {
            out: input.out,
            rollup: rolled.rollup.clone(),
            signals: rolled.signals,
            tickets: filed.tickets,
            briefs,
            coverage: rolled.coverage,
        })
        .await?;
    Ok(TraceRunOutput {
        sessions: found.sessions,
        bytes: found.bytes,
        signals: rolled.n_signals,
        rollups: rolled.n_rollups,
        tickets: filed.n_tickets,
        briefs: u64::try_from(n_briefs).unwrap_or(u64::MAX),
        rollup: rolled.rollup,
        files,
    })
}

fn child_options(stage: &str) -> ChildOptions {
    ChildOptions {
        parent_close_policy: ParentClosePolicy::Terminate,
        stage: stage.to_owned(),
        ..ChildOptions::default()
    }
}

/// Mines every session of a manifest; gives lists of results in its order.
async fn mine(cx: &Cx, manifest: &BlobRef, sessions: u64) -> Result<Vec<BlobRef>, Failure> {
    if sessions <= SHARD_ABOVE {
        cx.stage(stage::MINE, Some(sessions));
        return Ok(vec![mine_range(cx, manifest, 0, sessions).await?]);
    }
    let shards = sessions.div_ceil(SHARD_SESSIONS);
    cx.stage(stage::MINE, Some(shards));
    let lists = map_bounded(SHARDS_AT_ONCE, 0..shards, |shard| {
        let first = shard * SHARD_SESSIONS;
        let input = MineShardInput {
            manifest: manifest.clone(),
            first,
            end: (first + SHARD_SESSIONS).min(sessions),
        };
        let id = format!("{}/mine/{shard:05}", cx.info().workflow_id);
        cx.child::<MineShard>(WorkflowId(id), &input, child_options(stage::MINE))
    })
    .await;
    lists.into_iter().collect()
}

/// Mines the files `first..end` of a manifest, some at a time; gives the list of their results.
pub(crate) async fn mine_range(
    cx: &Cx,
    manifest: &BlobRef,
    first: u64,
    end: u64,
) -> Result<BlobRef, Failure> {
    let results = map_bounded(FAN_OUT, first..end, |index| {
        cx.activity::<MineSession>(&MineSessionInput {
            manifest: manifest.clone(),
            index,
        })
    })
    .await;
    let results: Vec<BlobRef> = results
        .into_iter()
        .map(|mined| mined.map(|m| m.result))
        .collect::<Result<_, _>>()?;
    cx.activity::<CollectResults>(&results).await
}
