//! Scripts: workflows that do what their input says, with a result known beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::StartOptions;
use kernel::{
    ActivityOptions, ChildOptions, Cx, Definition, Either, Failure, LocalActivityOptions, Millis,
    ParentClosePolicy, RetryPolicy, Semaphore, WorkflowId, WorkflowOptions, join_all, map_bounded,
    select,
};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// Guarded attempts at once, at most.
pub(crate) const PERMITS: u32 = 2;

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op {
    /// One activity; it fails so many times before it succeeds.
    Act(Act),
    /// Several side by side, all at once.
    Parallel(Vec<Act>),
    /// Several, two at a time.
    Bounded(Vec<Act>),
    /// A durable wait.
    Sleep(u64),
    /// A wait against an activity; whichever is first, the other is taken back.
    Race(u64, Act),
    /// A child with a script of its own.
    Child(Vec<Self>),
    /// A permanent failure that the script catches.
    Broken(Act),
    /// An activity with little time for all its attempts; whether it makes it does not matter.
    Limited(u64, Act),
    /// A wait for a signal from outside.
    Listen,
    /// Several in a scope that is canceled after a while.
    Scope(u64, Vec<Act>),
    /// The rest of the script in a new run.
    Continue,
    /// A value that is made once, from outside the run; whatever it is, the sum is the same.
    Once,
    /// What the runs before this one have summed up.
    Carry(u64),
    /// The whole run fails so many times, and is tried again from its start.
    Retry(u32),
    /// Local activities one after the other, then side by side; some wait for long between attempts.
    Local(Vec<Act>, Vec<Act>),
    /// A child that is left behind after a while, to its policy.
    Leave(u64, ParentClosePolicy, Vec<Self>),
    /// A child that has so long, in one run or in all; whether it makes it does not matter.
    Bound(u64, Span, Vec<Self>),
    /// An activity that does not wait for a worker for long; whether it is made does not matter.
    Queued(u64, Act),
    /// Time, numbers and names that are the same again in every replay decide the way.
    Chance,
}

/// What a child's time is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Span {
    Run,
    Execution,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Act {
    pub(crate) value: u64,
    pub(crate) failures: u32,
    pub(crate) permanent: bool,
    pub(crate) guarded: bool,
    /// A client with its token may be the one who completes it.
    pub(crate) elsewhere: bool,
}

impl Act {
    fn random(rng: &mut Rng) -> Self {
        let failures = if rng.chance(25) {
            u32::try_from(rng.below(3)).unwrap_or(0)
        } else {
            0
        };
        Self {
            value: rng.below(1_000),
            failures,
            permanent: false,
            guarded: rng.chance(30),
            elsewhere: rng.chance(25),
        }
    }

    fn options(&self) -> ActivityOptions {
        ActivityOptions {
            start_to_close: Millis(10_000),
            heartbeat: self.value.is_multiple_of(5).then_some(Millis(4_000)),
            retry: RetryPolicy {
                initial_interval: Millis(200),
                ..RetryPolicy::default()
            },
            stage: "work".to_owned(),
            semaphore: self.guarded.then(|| Semaphore {
                key: "model".to_owned(),
                permits: PERMITS,
            }),
            breaker: if self.guarded {
                "dependency".to_owned()
            } else {
                String::new()
            },
            ..ActivityOptions::default()
        }
    }
}

pub(crate) fn random(rng: &mut Rng, depth: u32) -> Vec<Op> {
    let n = 1 + rng.below(4);
    (0..n)
        .map(|_| match rng.below(28) {
            0..=4 => Op::Act(Act::random(rng)),
            5 => Op::Parallel((0..1 + rng.below(6)).map(|_| Act::random(rng)).collect()),
            6 => Op::Bounded((0..1 + rng.below(6)).map(|_| Act::random(rng)).collect()),
            7 | 8 => Op::Sleep(rng.below(20_000)),
            9 => Op::Race(rng.below(3_000), Act::random(rng)),
            10 if depth < 2 => Op::Child(random(rng, depth + 1)),
            10 => Op::Sleep(1),
            11 | 12 => Op::Limited(rng.below(60_000), Act::random(rng)),
            13 => Op::Listen,
            16 | 17 => Op::Continue,
            20 => Op::Scope(
                rng.below(3_000),
                (0..1 + rng.below(4)).map(|_| Act::random(rng)).collect(),
            ),
            18 => Op::Once,
            21..=23 => Op::Local(
                (0..rng.below(4)).map(|_| Act::random(rng)).collect(),
                (0..1 + rng.below(4)).map(|_| Act::random(rng)).collect(),
            ),
            24 if depth < 2 => {
                let span = if rng.chance(50) {
                    Span::Run
                } else {
                    Span::Execution
                };
                Op::Bound(1 + rng.below(30_000), span, random(rng, depth + 1))
            }
            24 | 25 => Op::Queued(1 + rng.below(2_000), Act::random(rng)),
            26 => Op::Chance,
            19 => Op::Retry(u32::try_from(rng.below(3)).unwrap_or(0)),
            14 if depth < 2 => {
                let policy = match rng.below(3) {
                    0 => ParentClosePolicy::Terminate,
                    1 => ParentClosePolicy::RequestCancel,
                    _ => ParentClosePolicy::Abandon,
                };
                Op::Leave(rng.below(5_000), policy, random(rng, depth + 1))
            }
            14 => Op::Sleep(1),
            _ => Op::Broken(Act {
                permanent: true,
                ..Act::random(rng)
            }),
        })
        .collect()
}

/// A short script that waits for nobody.
pub(crate) fn brief(rng: &mut Rng) -> Vec<Op> {
    (0..1 + rng.below(2))
        .map(|_| match rng.below(3) {
            0 => Op::Act(Act::random(rng)),
            1 => Op::Local(Vec::new(), vec![Act::random(rng)]),
            _ => Op::Sleep(rng.below(100_000)),
        })
        .collect()
}

/// What a script gives when it is not canceled: the sum of what its activities give. The loser of
/// a race counts nothing, so a race adds a fixed number whoever wins.
pub(crate) fn expected(ops: &[Op]) -> u64 {
    ops.iter()
        .map(|op| match op {
            Op::Act(act) => act.value,
            Op::Parallel(acts) | Op::Bounded(acts) => acts.iter().map(|a| a.value).sum(),
            Op::Sleep(_) => 1,
            Op::Race(..) => 7,
            Op::Child(ops) => expected(ops) + 3,
            Op::Broken(_) => 5,
            Op::Limited(..) => 9,
            Op::Listen => 2,
            Op::Leave(..) => 11,
            Op::Continue => 13,
            Op::Carry(sum) => *sum,
            Op::Retry(_) => 17,
            Op::Once => 19,
            Op::Local(first, then) => first.iter().chain(then).map(|a| a.value).sum(),
            Op::Scope(..) => 23,
            Op::Bound(..) => 29,
            Op::Queued(..) => 31,
            Op::Chance => 37,
        })
        .sum()
}

/// Runs of scripts are tried again as often as a script wants.
pub(crate) fn start_options() -> StartOptions {
    StartOptions {
        workflow: workflow_options(),
        ..StartOptions::default()
    }
}

fn workflow_options() -> WorkflowOptions {
    WorkflowOptions {
        retry: Some(RetryPolicy {
            initial_interval: Millis(300),
            ..RetryPolicy::default()
        }),
        ..WorkflowOptions::default()
    }
}

/// The outside of all runs of a world: gives another number each time.
pub(crate) type Outside = Arc<AtomicU64>;

pub(crate) fn definition(outside: &Outside) -> Definition {
    let outside = Arc::clone(outside);
    Definition::new("script", move |cx, ops| run(cx, Arc::clone(&outside), ops))
}

async fn run(cx: Cx, outside: Outside, ops: Vec<Op>) -> Result<u64, Failure> {
    cx.stage("work", None);
    answer(&cx);
    let mut sum = 0;
    let mut ops = ops.into_iter().enumerate();
    while let Some((index, op)) = ops.next() {
        if op == Op::Continue {
            let rest = ops.map(|(_, op)| op);
            let next: Vec<Op> = [Op::Carry(sum + 13)].into_iter().chain(rest).collect();
            return cx.continue_as_new(&next);
        }
        sum += step(&cx, &outside, index, op).await?;
    }
    Ok(sum)
}

/// Every third that fails does so for longer than is waited in memory.
fn local(cx: &Cx, act: &Act) -> kernel::cx::LocalOperation<u64> {
    let options = LocalActivityOptions {
        retry: RetryPolicy {
            initial_interval: Millis(if act.value.is_multiple_of(3) {
                15_000
            } else {
                200
            }),
            ..RetryPolicy::default()
        },
        ..LocalActivityOptions::default()
    };
    cx.local_activity_named("act", act, options)
}

fn act(cx: &Cx, act: &Act) -> kernel::cx::Operation<u64> {
    cx.activity_named("act", act, act.options())
}

pub(crate) fn update_id(n: u64) -> String {
    format!("u{n}")
}

/// Every run answers a question and takes an update; neither changes its sum.
fn answer(cx: &Cx) {
    let bumps = Arc::new(AtomicU64::new(0));
    let (seen, context) = (Arc::clone(&bumps), cx.clone());
    cx.query("bumps", move |()| Ok(seen.load(Ordering::Relaxed)));
    let validator = |n: &u64| match n % 4 {
        0 => Err(Failure::permanent("Refused", "every fourth is refused")),
        _ => Ok(()),
    };
    cx.update("bump", validator, move |n: u64| {
        let (bumps, cx) = (Arc::clone(&bumps), context.clone());
        async move {
            bumps.fetch_add(1, Ordering::Relaxed);
            cx.sleep(Millis(n % 3 * 200)).await?;
            Ok(n + 1)
        }
    });
}

/// Each run has children of its own: those of the run before may be there still.
fn child_id(cx: &Cx, index: usize) -> WorkflowId {
    let info = cx.info();
    WorkflowId(format!("{}/{}/{index}", info.workflow_id, info.run_id))
}

fn child_options(parent_close_policy: ParentClosePolicy) -> ChildOptions {
    ChildOptions {
        parent_close_policy,
        workflow: workflow_options(),
        ..ChildOptions::default()
    }
}

async fn step(cx: &Cx, outside: &Outside, index: usize, op: Op) -> Result<u64, Failure> {
    match op {
        Op::Act(one) => act(cx, &one).await,
        Op::Parallel(acts) => {
            let all = join_all(acts.iter().map(|one| act(cx, one))).await;
            all.into_iter().sum()
        }
        Op::Bounded(acts) => {
            let all = map_bounded(2, acts, |one| act(cx, &one)).await;
            all.into_iter().sum()
        }
        Op::Sleep(ms) => cx.sleep(Millis(ms)).await.map(|()| 1),
        Op::Race(ms, one) => match select(cx.sleep(Millis(ms)), act(cx, &one)).await {
            Either::First(slept) => slept.map(|()| 7),
            Either::Second(done) => done.map(|_| 7),
        },
        Op::Child(ops) => {
            let options = child_options(ParentClosePolicy::RequestCancel);
            let child = cx.child_named::<_, u64>("script", child_id(cx, index), &ops, options);
            child.await.map(|sum| sum + 3)
        }
        Op::Limited(ms, one) => {
            let options = ActivityOptions {
                schedule_to_close: Some(Millis(ms)),
                ..one.options()
            };
            match cx.activity_named::<_, u64>("act", &one, options).await {
                Ok(_) => Ok(9),
                // The last attempt's failure stands when there is no time for another.
                Err(failure) if !failure.is_canceled() => Ok(9),
                Err(failure) => Err(failure),
            }
        }
        Op::Bound(ms, span, ops) => {
            let mut options = child_options(ParentClosePolicy::Terminate);
            match span {
                Span::Run => options.workflow.run_timeout = Some(Millis(ms)),
                Span::Execution => options.workflow.execution_timeout = Some(Millis(ms)),
            }
            // A run that is out of time is tried again, as the policy says: not for ever.
            options.workflow.retry = Some(RetryPolicy {
                initial_interval: Millis(300),
                maximum_attempts: 4,
                ..RetryPolicy::default()
            });
            let child = cx.child_named::<_, u64>("script", child_id(cx, index), &ops, options);
            match child.await {
                Err(failure) if failure.is_canceled() => Err(failure),
                Ok(_) | Err(_) => Ok(29),
            }
        }
        Op::Queued(ms, one) => {
            let options = ActivityOptions {
                schedule_to_start: Some(Millis(ms)),
                ..one.options()
            };
            match cx.activity_named::<_, u64>("act", &one, options).await {
                Err(failure) if failure.is_canceled() => Err(failure),
                Ok(_) | Err(_) => Ok(31),
            }
        }
        Op::Chance => {
            let now = u64::try_from(cx.now().0).unwrap_or(0);
            let name = u64::from(cx.uuid().ends_with(['0', '1', '2', '3']));
            for part in [cx.random() % 3, now % 3, name] {
                if part > 0 {
                    cx.sleep(Millis(part)).await?;
                }
            }
            Ok(37)
        }
        Op::Local(first, then) => {
            let mut sum = 0;
            for one in &first {
                sum += local(cx, one).await?;
            }
            let all = join_all(then.iter().map(|one| local(cx, one))).await;
            let rest: u64 = all.into_iter().sum::<Result<u64, Failure>>()?;
            Ok(sum + rest)
        }
        Op::Continue => Err(Failure::permanent("Unexpected", "the run goes on")),
        Op::Carry(sum) => Ok(sum),
        Op::Scope(ms, acts) => {
            let scope = cx.scope();
            let all = join_all(acts.iter().map(|one| act(&scope, one)));
            let slept = cx.sleep(Millis(ms)).await;
            scope.cancel_scope("the time is over");
            for result in all.await {
                if let Err(failure) = result
                    && !failure.is_canceled()
                {
                    return Err(failure);
                }
            }
            slept.map(|()| 23)
        }
        Op::Once => {
            // Made anew on each replay, this would soon take another path.
            let n = cx.side_effect(|| outside.fetch_add(1, Ordering::Relaxed))?;
            cx.upsert_search_attribute("once", i64::try_from(n % 7).unwrap_or(0));
            cx.upsert_memo("once", &n)?;
            if cx.patched("new") {
                cx.sleep(Millis(n % 3)).await?;
            }
            Ok(19)
        }
        Op::Retry(failures) => {
            if cx.is_canceled() {
                return Err(Failure::canceled("a canceled run is not tried again"));
            }
            if cx.info().attempt <= failures {
                return Err(Failure::retryable(
                    "Again",
                    "the whole run is to be tried again",
                ));
            }
            Ok(17)
        }
        Op::Listen => cx.signal::<u64>("go").await.map(|_| 2),
        Op::Leave(ms, policy, ops) => {
            let options = child_options(policy);
            let child = cx.child_named::<_, u64>("script", child_id(cx, index), &ops, options);
            match select(child, cx.sleep(Millis(ms))).await {
                Either::First(done) => done.map(|_| 11),
                Either::Second(slept) => slept.map(|()| 11),
            }
        }
        Op::Broken(one) => match act(cx, &one).await {
            Ok(_) => Err(Failure::permanent(
                "Unexpected",
                "a broken activity succeeded",
            )),
            Err(failure) if failure.is_canceled() => Err(failure),
            Err(_) => Ok(5),
        },
    }
}
