//! `BriefLoop`: evidence first, then an actor writes and a critic refuses, at most N rounds.

use kernel::{
    ActivityContract, ActivityOptions, Cx, Failure, Millis, RetryPolicy, WorkflowContract,
};
use serde::{Deserialize, Serialize};

use crate::contracts::{
    BlobRef, CritiqueBrief, CritiqueBriefInput, DraftBrief, DraftBriefInput, Reviewed,
    SnapshotEvidence, SnapshotEvidenceInput, TicketRef, brief_stage, model_breaker,
};

/// Research on one ticket. A child of [`TraceRun`](crate::TraceRun).
#[derive(Debug)]
pub struct BriefLoop;

/// What to research.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefLoopInput {
    /// The ticket.
    pub ticket: TicketRef,
    /// All tickets.
    pub tickets: BlobRef,
    /// All signals.
    pub signals: BlobRef,
    /// The rollup document.
    pub rollup: BlobRef,
    /// Which model, `none` for the rules.
    pub model: String,
    /// Versions written at most.
    pub rounds_max: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefLoopOutput {
    /// The ticket.
    pub ticket: TicketRef,
    /// Every version with its review, first version first.
    pub versions: Vec<Reviewed>,
    /// Whether the critic let the last version stand.
    pub accepted: bool,
}

impl WorkflowContract for BriefLoop {
    const TYPE: &'static str = "BriefLoop";
    type Input = BriefLoopInput;
    type Output = BriefLoopOutput;
}

/// The body of [`BriefLoop`].
///
/// # Errors
/// When the evidence cannot be read, or the model stays away for longer than its retries.
pub async fn brief_loop(cx: Cx, input: BriefLoopInput) -> Result<BriefLoopOutput, Failure> {
    let rounds = u64::from(input.rounds_max);
    cx.stage(brief_stage::EVIDENCE, Some(1));
    cx.stage(brief_stage::DRAFT, Some(rounds));
    cx.stage(brief_stage::CRITIQUE, Some(rounds));
    let snapshot = cx
        .activity::<SnapshotEvidence>(&SnapshotEvidenceInput {
            tickets: input.tickets,
            signals: input.signals,
            rollup: input.rollup,
            ticket_id: input.ticket.ticket_id.clone(),
        })
        .await?;
    let mut versions: Vec<Reviewed> = Vec::new();
    let mut accepted = false;
    for version in 1..=input.rounds_max {
        let draft = DraftBriefInput {
            snapshot: snapshot.clone(),
            model: input.model.clone(),
            version,
            previous: versions.last().cloned(),
        };
        let brief = cx
            .activity_with::<DraftBrief>(&draft, guarded::<DraftBrief>(&input.model))
            .await?;
        let critique = CritiqueBriefInput {
            snapshot: snapshot.clone(),
            model: input.model.clone(),
            brief: brief.clone(),
        };
        let options = guarded::<CritiqueBrief>(&input.model);
        let said = cx
            .activity_with::<CritiqueBrief>(&critique, options)
            .await?;
        versions.push(Reviewed {
            brief,
            review: said.review,
        });
        if said.accepted {
            accepted = true;
            break;
        }
    }
    let rounds_done = u64::try_from(versions.len()).unwrap_or(u64::MAX);
    cx.stage(brief_stage::DRAFT, Some(rounds_done));
    cx.stage(brief_stage::CRITIQUE, Some(rounds_done));
    Ok(BriefLoopOutput {
        ticket: input.ticket,
        versions,
        accepted,
    })
}

/// The contract's options, behind the breaker of the model, with patience for an outage.
fn guarded<A: ActivityContract>(model: &str) -> ActivityOptions {
    ActivityOptions {
        breaker: model_breaker(model),
        schedule_to_close: Some(Millis::seconds(24 * 3_600)),
        retry: RetryPolicy {
            maximum_attempts: 12,
            ..A::options().retry
        },
        ..A::options()
    }
}
