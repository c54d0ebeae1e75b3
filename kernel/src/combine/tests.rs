//! The combinators by themselves, polled by hand.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Waker;

use super::*;

fn poll_once<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// A gate for each index: pending until opened, counting how often it was polled.
#[derive(Default)]
struct Gate {
    open: Cell<bool>,
    polls: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

impl Gate {
    fn open(&self) {
        self.open.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn pass(self: Rc<Self>) {
        poll_fn(|cx| {
            self.polls.set(self.polls.get() + 1);
            if self.open.get() {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn gates(n: usize) -> Vec<Rc<Gate>> {
    (0..n).map(|_| Rc::new(Gate::default())).collect()
}

#[test]
fn results_keep_the_order_given_whatever_ends_first() {
    let gates = gates(3);
    let passes = gates.iter().enumerate().map(|(index, gate)| {
        let gate = Rc::clone(gate);
        async move {
            gate.pass().await;
            index
        }
    });
    let mut all = Box::pin(join_all(passes));
    for index in [2, 0] {
        gates[index].open();
        assert!(poll_once(&mut all).is_pending());
    }
    gates[1].open();
    assert_eq!(poll_once(&mut all), Poll::Ready(vec![0, 1, 2]));
}

#[test]
fn only_woken_futures_are_polled() {
    let gates = gates(100);
    let mut all = Box::pin(join_all(gates.iter().map(|gate| Rc::clone(gate).pass())));
    assert!(poll_once(&mut all).is_pending());
    gates[40].open();
    assert!(poll_once(&mut all).is_pending());
    let polls: u32 = gates.iter().map(|gate| gate.polls.get()).sum();
    assert_eq!(polls, 101);
}

#[test]
fn no_more_than_the_limit_are_begun_at_a_time() {
    let gates = gates(5);
    let begun = Rc::new(Cell::new(0));
    let mut all = Box::pin(map_bounded(2, gates.clone(), |gate| {
        begun.set(begun.get() + 1);
        gate.pass()
    }));
    assert!(poll_once(&mut all).is_pending());
    assert_eq!(begun.get(), 2);
    gates[1].open();
    gates[2].open();
    assert!(poll_once(&mut all).is_pending());
    assert_eq!(
        begun.get(),
        4,
        "the third was open already and made room for the fourth"
    );
    gates.iter().for_each(|gate| gate.open());
    assert_eq!(poll_once(&mut all).map(|all| all.len()), Poll::Ready(5));
}

#[test]
fn nothing_to_wait_for_is_done_at_once() {
    let mut none = Box::pin(join_all(Vec::<std::future::Ready<()>>::new()));
    assert_eq!(poll_once(&mut none), Poll::Ready(Vec::new()));
    let mut zero = Box::pin(map_bounded(0, [1, 2], std::future::ready));
    assert_eq!(poll_once(&mut zero), Poll::Ready(vec![1, 2]));
}

#[test]
fn the_first_of_two_wins_when_both_are_ready() {
    let mut both = Box::pin(select(std::future::ready(1), std::future::ready(2)));
    assert_eq!(poll_once(&mut both), Poll::Ready(Either::First(1)));
    let mut second = Box::pin(select(std::future::pending::<()>(), std::future::ready(2)));
    assert_eq!(poll_once(&mut second), Poll::Ready(Either::Second(2)));
}

#[test]
fn a_future_that_wakes_itself_does_not_keep_the_round_from_ending() {
    let mut all = Box::pin(join_all([poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    })]));
    assert!(poll_once(&mut all).is_pending());
}
