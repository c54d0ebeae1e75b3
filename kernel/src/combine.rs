//! Deterministic combinators: wait for all, for some at a time, or for the first.
//!
//! Among the futures that have something to do they poll in the order of beginning, always, so
//! that replay does what the first run did. A future that was not woken is not polled: a step of
//! a wide fan-out costs what moved, not how wide it is.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::iter::Fuse;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Waits for all futures; results in the order given.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures: Vec<_> = futures.into_iter().collect();
    let limit = futures.len().max(1);
    map_bounded(limit, futures, |future| future).await
}

/// Begins `begin(item)` for each item, at most `limit` at a time; results in the order given.
pub async fn map_bounded<I, T, F>(
    limit: usize,
    items: I,
    begin: impl FnMut(T) -> F,
) -> Vec<F::Output>
where
    I: IntoIterator<Item = T>,
    F: Future,
{
    Bounded {
        limit: limit.max(1),
        items: items.into_iter().fuse(),
        begin,
        active: BTreeMap::new(),
        results: Vec::new(),
        woken: Arc::new(Woken::default()),
    }
    .await
}

struct Bounded<I, B, F: Future> {
    limit: usize,
    items: Fuse<I>,
    begin: B,
    /// Futures under way, by their place in `results`.
    active: BTreeMap<usize, Active<F>>,
    results: Vec<Option<F::Output>>,
    woken: Arc<Woken>,
}

struct Active<F> {
    future: Pin<Box<F>>,
    waker: Waker,
}

/// Which futures have something to do, and whom to tell.
#[derive(Default)]
struct Woken(Mutex<WokenInner>);

#[derive(Default)]
struct WokenInner {
    indexes: BTreeSet<usize>,
    parent: Option<Waker>,
}

impl Woken {
    /// Nothing panics while the lock is held, so it is always good.
    fn lock(&self) -> MutexGuard<'_, WokenInner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The futures that have something to do.
    fn take(&self) -> BTreeSet<usize> {
        std::mem::take(&mut self.lock().indexes)
    }
}

struct WakeOne {
    index: usize,
    woken: Arc<Woken>,
}

impl Wake for WakeOne {
    fn wake(self: Arc<Self>) {
        let mut inner = self.woken.lock();
        inner.indexes.insert(self.index);
        let parent = inner.parent.clone();
        drop(inner);
        if let Some(parent) = parent {
            parent.wake();
        }
    }
}

// Nothing in here is pinned in place: the futures are boxed.
impl<I, B, F: Future> Unpin for Bounded<I, B, F> {}

impl<I, T, B, F> Bounded<I, B, F>
where
    I: Iterator<Item = T>,
    B: FnMut(T) -> F,
    F: Future,
{
    /// Begins as many as there is room for; each is polled for the first time in its turn.
    fn begin_more(&mut self, ready: &mut BTreeSet<usize>) {
        while self.active.len() < self.limit {
            let Some(item) = self.items.next() else {
                return;
            };
            let index = self.results.len();
            let woken = Arc::clone(&self.woken);
            let waker = Waker::from(Arc::new(WakeOne { index, woken }));
            self.active.insert(
                index,
                Active {
                    future: Box::pin((self.begin)(item)),
                    waker,
                },
            );
            self.results.push(None);
            ready.insert(index);
        }
    }
}

impl<I, T, B, F> Future for Bounded<I, B, F>
where
    I: Iterator<Item = T>,
    B: FnMut(T) -> F,
    F: Future,
{
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // The old waker is foreign code: it is dropped when the lock is released.
        let _old = this.woken.lock().parent.replace(cx.waker().clone());
        // A future that wakes itself meanwhile is polled in the next round, so a round ends.
        let mut ready = this.woken.take();
        this.begin_more(&mut ready);
        while let Some(index) = ready.pop_first() {
            let Some(active) = this.active.get_mut(&index) else {
                continue;
            };
            let polled = active
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&active.waker));
            if let Poll::Ready(output) = polled {
                this.results[index] = Some(output);
                this.active.remove(&index);
                this.begin_more(&mut ready);
            }
        }
        if this.active.is_empty() {
            let all = std::mem::take(&mut this.results);
            return Poll::Ready(all.into_iter().flatten().collect());
        }
        Poll::Pending
    }
}

/// Which of two came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first future.
    First(A),
    /// The second future.
    Second(B),
}

/// Waits for whichever is ready first; the first wins when both are. The other is dropped.
pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

#[cfg(test)]
mod tests;
