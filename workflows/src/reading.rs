//! The optional stage between mining and rolling up: a model reads sessions, within a budget.
//!
//! One activity decides which sessions, one reads each of them, as many at a time as the model's semaphore lets. Above
//! a thousand sessions the work is cut into children, as mining is. Must not know what is asked.

use kernel::{
    ActivityContract, ActivityOptions, ChildOptions, Cx, Failure, Millis, ParentClosePolicy,
    RetryPolicy, Semaphore, WorkflowContract, WorkflowId, map_bounded,
};
use serde::{Deserialize, Serialize};
use trace::llm::budget::Limits;

use crate::contracts::{BlobRef, model_breaker, stage};
use crate::trace_run::{FAN_OUT, SHARD_ABOVE, SHARD_SESSIONS, SHARDS_AT_ONCE};

/// The type of the failure of a model that will not answer anybody who asks like this: the key is wrong, or there is
/// no such model. It ends the run; any other failure to read a session is a line in the record of what was read.
pub const MODEL_REFUSED: &str = "ModelRefused";

/// How a run's model is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingSettings {
    /// Provider and model, as in `anthropic:claude-sonnet-4-5`.
    pub model: String,
    /// What may be spent.
    pub limits: Limits,
    /// Decides which sessions are drawn when the budget does not hold all.
    pub seed: u64,
    /// Sessions read at once.
    pub at_once: u32,
}

/// Decides which sessions are read.
#[derive(Debug)]
pub struct PlanReading;

/// What can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReadingInput {
    /// Lists of mined sessions, in the order of the manifest.
    pub lists: Vec<BlobRef>,
    /// How the model is asked.
    pub settings: ReadingSettings,
}

/// What will be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReadingOutput {
    /// A JSON blob: the plan.
    pub plan: BlobRef,
    /// Sessions to read.
    pub sessions: u64,
}

impl ActivityContract for PlanReading {
    const TYPE: &'static str = "plan_reading";
    type Input = PlanReadingInput;
    type Output = PlanReadingOutput;

    fn options() -> ActivityOptions {
        options(60)
    }
}

/// Has a model read one session.
#[derive(Debug)]
pub struct ReadSession;

/// Which session, how, and on whose account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadSessionInput {
    /// The manifest.
    pub manifest: BlobRef,
    /// The plan.
    pub plan: BlobRef,
    /// Which session of the plan, from 0.
    pub position: u64,
    /// How the model is asked.
    pub settings: ReadingSettings,
    /// The account that pays: one for all sessions of a run.
    pub account: String,
}

impl ActivityContract for ReadSession {
    const TYPE: &'static str = "read_session";
    type Input = ReadSessionInput;
    /// A JSON blob: what was read and found.
    type Output = BlobRef;

    fn options() -> ActivityOptions {
        ActivityOptions {
            heartbeat: Some(Millis::seconds(10 * 60)),
            // Every answer is kept, so an attempt goes on where the one before stopped.
            schedule_to_close: Some(Millis::seconds(24 * 3_600)),
            retry: RetryPolicy {
                maximum_attempts: 0,
                maximum_interval: Millis::seconds(60),
                ..options(0).retry
            },
            stage: stage::READ.to_owned(),
            ..options(120)
        }
    }
}

/// What became of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// The result of [`ReadSession`].
    Done(BlobRef),
    /// It could not be read.
    Failed {
        /// Which session of the plan.
        position: u64,
        /// Why, in plain words.
        why: String,
    },
}

/// Puts a list of readings into one blob.
#[derive(Debug)]
pub struct CollectReadings;

/// The readings of a part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectReadingsInput {
    /// The plan.
    pub plan: BlobRef,
    /// In its order.
    pub readings: Vec<Reading>,
}

impl ActivityContract for CollectReadings {
    const TYPE: &'static str = "collect_readings";
    type Input = CollectReadingsInput;
    /// A JSON blob: the list.
    type Output = BlobRef;

    fn options() -> ActivityOptions {
        options(10)
    }
}

/// All that was read, for the roll-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings {
    /// The plan.
    pub plan: BlobRef,
    /// Lists made by [`CollectReadings`].
    pub lists: Vec<BlobRef>,
    /// The account that paid.
    pub account: String,
    /// How the model was asked.
    pub settings: ReadingSettings,
}

fn options(minutes: u64) -> ActivityOptions {
    ActivityOptions {
        start_to_close: Millis::seconds(60 * minutes),
        retry: RetryPolicy {
            initial_interval: Millis(500),
            maximum_interval: Millis(30_000),
            maximum_attempts: 5,
            ..RetryPolicy::default()
        },
        ..ActivityOptions::default()
    }
}

/// A part of a large plan, in a history of its own.
#[derive(Debug)]
pub struct ReadShard;

/// Which part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadShardInput {
    /// What all parts share; its `position` is not used.
    pub common: ReadSessionInput,
    /// The first session of the plan, from 0.
    pub first: u64,
    /// The session after the last.
    pub end: u64,
}

impl WorkflowContract for ReadShard {
    const TYPE: &'static str = "ReadShard";
    type Input = ReadShardInput;
    /// The list of readings.
    type Output = BlobRef;
}

/// The body of [`ReadShard`].
///
/// # Errors
/// When the model refuses whoever asks, or the run is canceled.
pub async fn read_shard(cx: Cx, input: ReadShardInput) -> Result<BlobRef, Failure> {
    cx.stage(stage::READ, Some(input.end.saturating_sub(input.first)));
    read_range(&cx, &input.common, input.first, input.end).await
}

/// Has a model read the sessions that the budget holds.
pub(crate) async fn read(
    cx: &Cx,
    manifest: &BlobRef,
    lists: &[BlobRef],
    settings: ReadingSettings,
) -> Result<Readings, Failure> {
    let planned = cx
        .activity::<PlanReading>(&PlanReadingInput {
            lists: lists.to_vec(),
            settings: settings.clone(),
        })
        .await?;
    let account = cx.info().run_id.to_string();
    let common = ReadSessionInput {
        manifest: manifest.clone(),
        plan: planned.plan.clone(),
        position: 0,
        settings: settings.clone(),
        account: account.clone(),
    };
    let lists = if planned.sessions <= SHARD_ABOVE {
        cx.stage(stage::READ, Some(planned.sessions));
        vec![read_range(cx, &common, 0, planned.sessions).await?]
    } else {
        let shards = planned.sessions.div_ceil(SHARD_SESSIONS);
        cx.stage(stage::READ, Some(shards));
        let lists = map_bounded(SHARDS_AT_ONCE, 0..shards, |shard| {
            let first = shard * SHARD_SESSIONS;
            let input = ReadShardInput {
                common: common.clone(),
                first,
                end: (first + SHARD_SESSIONS).min(planned.sessions),
            };
            let id = format!("{}/read/{shard:05}", cx.info().workflow_id);
            let options = ChildOptions {
                parent_close_policy: ParentClosePolicy::Terminate,
                stage: stage::READ.to_owned(),
                ..ChildOptions::default()
            };
            cx.child::<ReadShard>(WorkflowId(id), &input, options)
        })
        .await;
        lists.into_iter().collect::<Result<_, _>>()?
    };
    Ok(Readings {
        plan: planned.plan,
        lists,
        account,
        settings,
    })
}

async fn read_range(
    cx: &Cx,
    common: &ReadSessionInput,
    first: u64,
    end: u64,
) -> Result<BlobRef, Failure> {
    let breaker = model_breaker(&common.settings.model);
    let results = map_bounded(FAN_OUT, first..end, |position| {
        let input = ReadSessionInput {
            position,
            ..common.clone()
        };
        let options = ActivityOptions {
            semaphore: Some(Semaphore {
                key: breaker.clone(),
                permits: common.settings.at_once.max(1),
            }),
            breaker: breaker.clone(),
            ..ReadSession::options()
        };
        cx.activity_with::<ReadSession>(&input, options)
    })
    .await;
    let mut readings = Vec::with_capacity(results.len());
    for (position, result) in (first..).zip(results) {
        readings.push(match result {
            Ok(reading) => Reading::Done(reading),
            Err(failure) if ends_the_run(&failure) => return Err(failure),
            Err(failure) => Reading::Failed {
                position,
                why: innermost(&failure).message.clone(),
            },
        });
    }
    cx.activity::<CollectReadings>(&CollectReadingsInput {
        plan: common.plan.clone(),
        readings,
    })
    .await
}

fn ends_the_run(failure: &Failure) -> bool {
    failure.is_canceled() || innermost(failure).error_type == MODEL_REFUSED
}

fn innermost(failure: &Failure) -> &Failure {
    failure.cause.as_deref().map_or(failure, innermost)
}
