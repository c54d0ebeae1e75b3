//! Local activities: work that runs beside the turn that asks for it, and is noted when it has ended.
//!
//! Neighbours: `shared` keeps their slots, the machine gives them to its driver and takes their ends,
//! `recall` hands back ends that a history has. Must not know how they are run.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use super::calls::Cx;
use super::futures::Operation;
use super::shared::Inner;
use crate::command::Command;
use crate::failure::Failure;
use crate::ids::{Millis, Seq, Timestamp};
use crate::marker::{LocalOutcome, Marker};
use crate::options::LocalActivityOptions;
use crate::payload::Payload;

/// A local activity that the code began: to be run in this process, and to be told of with
/// [`Machine::resume`](crate::Machine::resume).
#[derive(Clone, Debug, PartialEq)]
pub struct LocalActivityTask {
    /// Which operation of the body.
    pub seq: Seq,
    /// The operation of its first attempt; another one after a durable wait only.
    pub first_seq: Seq,
    /// The registered name.
    pub activity_type: String,
    /// The input.
    pub input: Payload,
    /// How to run it.
    pub options: LocalActivityOptions,
    /// The attempt to begin with, from 1.
    pub attempt: u32,
    /// When the code called it first.
    pub scheduled_at: Timestamp,
}

/// How a local activity ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalEnd {
    /// Which operation of the body.
    pub seq: Seq,
    /// The last attempt, from 1.
    pub attempt: u32,
    /// How.
    pub outcome: LocalOutcome,
}

/// The local activities of one body.
#[derive(Default)]
pub(crate) struct Locals {
    /// Those that the driver was not told of.
    begun: Vec<LocalActivityTask>,
    /// Types of those that the body waits for.
    waiting: BTreeMap<Seq, String>,
    /// Those that the driver knows and nobody waits for any more.
    stopped: Vec<Seq>,
    /// Ends that the turn which is replayed recorded, in order.
    pub(super) recorded: VecDeque<LocalEnd>,
    /// The attempts and waits of those that go on after a durable wait.
    back_offs: BTreeMap<Seq, (u32, Millis)>,
}

impl Inner {
    pub(super) fn begin_local(&mut self, task: LocalActivityTask) {
        self.locals
            .waiting
            .insert(task.seq, task.activity_type.clone());
        self.locals.begun.push(task);
    }

    /// Nobody waits for it any more. That leaves no trace: replay comes to the same place.
    pub(super) fn stop_local(&mut self, seq: Seq) {
        if self.locals.waiting.remove(&seq).is_none() {
            return;
        }
        let begun = self.locals.begun.len();
        self.locals.begun.retain(|task| task.seq != seq);
        if self.locals.begun.len() == begun {
            self.locals.stopped.push(seq);
        }
    }

    /// Notes an end, and tells the body. An end that nobody waits for is dropped.
    pub(crate) fn end_local(&mut self, end: LocalEnd) {
        let LocalEnd {
            seq,
            attempt,
            outcome,
        } = end;
        let Some(activity_type) = self.locals.waiting.remove(&seq) else {
            return;
        };
        // On replay it was begun and has ended in the past.
        self.locals.begun.retain(|task| task.seq != seq);
        let result = match &outcome {
            LocalOutcome::Completed(value) => Ok(value.clone()),
            LocalOutcome::Failed(failure) => Err(failure.clone()),
            LocalOutcome::BackOff { failure, delay } => {
                self.locals.back_offs.insert(seq, (attempt, *delay));
                Err(failure.clone())
            }
        };
        let marker = Marker::LocalActivity {
            seq,
            activity_type,
            attempt,
            outcome,
        };
        self.command(Command::RecordMarker { marker });
        self.resolve(seq, result);
    }

    pub(crate) fn next_recorded_local(&mut self) -> Option<LocalEnd> {
        self.locals.recorded.pop_front()
    }

    pub(crate) fn take_begun_locals(&mut self) -> Vec<LocalActivityTask> {
        std::mem::take(&mut self.locals.begun)
    }

    pub(crate) fn take_stopped_locals(&mut self) -> Vec<Seq> {
        std::mem::take(&mut self.locals.stopped)
    }

    fn take_back_off(&mut self, seq: Seq) -> Option<(u32, Millis)> {
        self.locals.back_offs.remove(&seq)
    }
}

/// What a local activity is called with, the same for all its attempts.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) activity_type: String,
    pub(super) input: Result<Payload, Failure>,
    pub(super) options: LocalActivityOptions,
    pub(super) scheduled_at: Timestamp,
    pub(super) first_seq: Option<Seq>,
}

/// A local activity under way, with the durable waits between its attempts.
///
/// It has begun when it is made. **Cancel**: dropping it tells the attempt to stop; nothing of it
/// enters the history.
#[must_use = "dropping a local activity cancels it; await it"]
pub struct LocalOperation<T> {
    cx: Cx,
    call: Call,
    stage: Stage<T>,
}

enum Stage<T> {
    Running(Operation<T>),
    /// For the attempt of that number.
    Waiting(Operation<()>, u32),
}

impl<T> std::fmt::Debug for LocalOperation<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalOperation({})", self.call.activity_type)
    }
}

impl<T> LocalOperation<T> {
    pub(super) fn new(cx: Cx, mut call: Call) -> Self {
        let running = cx.begin_local(&call, 1);
        call.first_seq = Some(running.seq());
        Self {
            cx,
            call,
            stage: Stage::Running(running),
        }
    }
}

impl<T: DeserializeOwned> Future for LocalOperation<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.stage {
                Stage::Running(running) => {
                    let seq = running.seq();
                    let Poll::Ready(result) = Pin::new(running).poll(cx) else {
                        return Poll::Pending;
                    };
                    let back_off = this.cx.shared().with(|inner| inner.take_back_off(seq));
                    let Some((attempt, delay)) = back_off else {
                        return Poll::Ready(result);
                    };
                    let timer = this.cx.sleep(delay);
                    this.stage = Stage::Waiting(timer, attempt.saturating_add(1));
                }
                Stage::Waiting(timer, attempt) => {
                    let Poll::Ready(slept) = Pin::new(timer).poll(cx) else {
                        return Poll::Pending;
                    };
                    if let Err(failure) = slept {
                        return Poll::Ready(Err(failure));
                    }
                    this.stage = Stage::Running(this.cx.begin_local(&this.call, *attempt));
                }
            }
        }
    }
}
