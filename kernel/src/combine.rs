//! Deterministic combinators: wait for all, for some at a time, or for the first.
//!
//! They poll in the order given, always, so that replay does what the first run did.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        items: items.into_iter(),
        begin,
        active: Vec::new(),
        results: Vec::new(),
    }
    .await
}

struct Bounded<I, B, F: Future> {
    limit: usize,
    items: I,
    begin: B,
    /// Futures under way with their place in `results`; in order of beginning.
    active: Vec<(usize, Pin<Box<F>>)>,
    results: Vec<Option<F::Output>>,
}

// Nothing in here is pinned in place: the futures are boxed.
impl<I, B, F: Future> Unpin for Bounded<I, B, F> {}

impl<I, T, B, F> Future for Bounded<I, B, F>
where
    I: Iterator<Item = T>,
    B: FnMut(T) -> F,
    F: Future,
{
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let results = &mut this.results;
            this.active.retain_mut(|(index, future)| match future.as_mut().poll(cx) {
                Poll::Ready(output) => {
                    results[*index] = Some(output);
                    false
                }
                Poll::Pending => true,
            });
            let mut begun = 0_usize;
            while this.active.len() < this.limit {
                let Some(item) = this.items.next() else { break };
                let future = Box::pin((this.begin)(item));
                this.active.push((this.results.len(), future));
                this.results.push(None);
                begun += 1;
            }
            if this.active.is_empty() {
                let all = std::mem::take(&mut this.results);
                return Poll::Ready(all.into_iter().flatten().collect());
            }
            if begun == 0 {
                return Poll::Pending;
            }
        }
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
