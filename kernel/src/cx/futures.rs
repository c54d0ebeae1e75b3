//! The futures that a body awaits: operations, signals, the run's cancellation.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use super::scope::Scope;
use super::shared::{Shared, WaiterId};
use crate::failure::Failure;
use crate::ids::Seq;
use crate::payload::Payload;

/// A durable operation under way: an activity, a timer or a child.
///
/// It has begun when it is made, not when it is first awaited, so several run side by side.
/// **Cancel**: dropping it before it is done asks the operation to cancel; only a child with
/// [`ParentClosePolicy::Abandon`](crate::ParentClosePolicy::Abandon) then goes on alone.
#[must_use = "dropping an operation cancels it; await it"]
pub struct Operation<T> {
    shared: Arc<Shared>,
    seq: Seq,
    output: PhantomData<fn() -> T>,
}

impl<T> Operation<T> {
    pub(super) fn new(shared: Arc<Shared>, seq: Seq) -> Self {
        Self {
            shared,
            seq,
            output: PhantomData,
        }
    }

    pub(super) fn seq(&self) -> Seq {
        self.seq
    }
}

impl<T> std::fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Operation({})", self.seq.0)
    }
}

impl<T: DeserializeOwned> Future for Operation<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.shared
            .with(|inner| inner.poll_operation(self.seq, cx.waker()))
            .map(decoded)
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        self.shared.with(|inner| inner.drop_operation(self.seq));
    }
}

fn decoded<T: DeserializeOwned>(result: Result<Payload, Failure>) -> Result<T, Failure> {
    Ok(result?.decode()?)
}

/// The next signal of one name, in order of arrival.
///
/// When the run is asked to cancel, signals that have arrived are still given, then the wait ends
/// with a canceled failure, unless the handle was [shielded](crate::Cx::shielded).
/// **Cancel**: dropping it takes no signal.
#[must_use = "futures do nothing unless awaited"]
pub struct NextSignal<T> {
    shared: Arc<Shared>,
    scope: Scope,
    name: String,
    waiter: Option<WaiterId>,
    output: PhantomData<fn() -> T>,
}

impl<T> NextSignal<T> {
    pub(super) fn new(shared: Arc<Shared>, scope: Scope, name: String) -> Self {
        Self {
            shared,
            scope,
            name,
            waiter: None,
            output: PhantomData,
        }
    }
}

impl<T> Clone for NextSignal<T> {
    /// A second wait for the same name: of two waits, each signal goes to the one polled first.
    fn clone(&self) -> Self {
        Self::new(
            Arc::clone(&self.shared),
            self.scope.clone(),
            self.name.clone(),
        )
    }
}

impl<T> std::fmt::Debug for NextSignal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NextSignal({})", self.name)
    }
}

impl<T: DeserializeOwned> Future for NextSignal<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let (name, scope, waiter) = (&this.name, &this.scope, &mut this.waiter);
        this.shared
            .with(|inner| inner.poll_signal(name, scope, waiter, cx.waker()))
            .map(decoded)
    }
}

impl<T> Drop for NextSignal<T> {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            self.shared
                .with(|inner| inner.drop_signal_waiter(&self.name, id));
        }
    }
}

/// Resolves when the run or the scope is asked to cancel, with the reason.
#[must_use = "futures do nothing unless awaited"]
pub struct Canceled {
    shared: Arc<Shared>,
    scope: Scope,
    waiter: Option<WaiterId>,
}

impl Canceled {
    pub(super) fn new(shared: Arc<Shared>, scope: Scope) -> Self {
        Self {
            shared,
            scope,
            waiter: None,
        }
    }
}

impl std::fmt::Debug for Canceled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceled")
    }
}

impl Future for Canceled {
    type Output = String;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        let this = self.get_mut();
        let (scope, waiter) = (&this.scope, &mut this.waiter);
        this.shared
            .with(|inner| inner.poll_canceled(scope, waiter, cx.waker()))
    }
}

impl Drop for Canceled {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            self.shared.with(|inner| inner.drop_cancel_waiter(id));
        }
    }
}
