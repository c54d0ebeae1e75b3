//! The futures that a body awaits: operations, signals, the run's cancellation.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use super::shared::{Shared, Slot};
use crate::failure::Failure;
use crate::ids::Seq;

/// A durable operation under way: an activity, a timer or a child.
///
/// It has begun when it is made, not when it is first awaited, so several run side by side.
/// **Cancel**: dropping it before it is done asks the operation to cancel.
#[must_use = "dropping an operation cancels it; await it"]
pub struct Operation<T> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) seq: Seq,
    pub(crate) output: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Operation({})", self.seq.0)
    }
}

impl<T: DeserializeOwned> Future for Operation<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.shared.lock();
        match inner.slots.get_mut(&self.seq) {
            Some(Slot::Waiting { waker, .. }) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(Slot::Resolved(_)) => match inner.slots.remove(&self.seq) {
                Some(Slot::Resolved(Ok(payload))) => {
                    drop(inner);
                    Poll::Ready(payload.decode().map_err(Failure::from))
                }
                Some(Slot::Resolved(Err(failure))) => Poll::Ready(Err(failure)),
                Some(Slot::Waiting { .. }) | None => Poll::Pending,
            },
            None => Poll::Ready(Err(Failure::internal("the operation was awaited twice"))),
        }
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.cancel_operation(self.seq);
        if let Some(Slot::Resolved(_)) = inner.slots.get(&self.seq) {
            inner.slots.remove(&self.seq);
        }
    }
}

/// The next signal of one name, in order of arrival.
#[derive(Clone)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextSignal<T> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    pub(crate) output: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for NextSignal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NextSignal({})", self.name)
    }
}

impl<T: DeserializeOwned> Future for NextSignal<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.shared.lock();
        match inner.signals.get_mut(&self.name).and_then(std::collections::VecDeque::pop_front) {
            Some(payload) => Poll::Ready(payload.decode().map_err(Failure::from)),
            None => {
                inner.signal_wakers.insert(self.name.clone(), cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Resolves when the run is asked to cancel, with the reason.
#[must_use = "futures do nothing unless awaited"]
pub struct Canceled {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Canceled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceled")
    }
}

impl Future for Canceled {
    type Output = String;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        let mut inner = self.shared.lock();
        match &inner.cancel {
            Some(reason) => Poll::Ready(reason.clone()),
            None => {
                inner.cancel_wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
