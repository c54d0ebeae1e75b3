//! The seat of the engine's thread: whoever sits there drives; code that does not come back loses
//! the seat, not the engine.
//!
//! Workflow code runs on the thread that drives, so a turn costs no way to another thread. While it
//! runs, the driver lies here. If the code does not come back in time, the guard takes the driver
//! and drives on; the thread that sits in the code finds its seat taken when it comes back, and ends.
//! Nobody can stop it before: one whose code spins for ever keeps a processor busy until the process
//! ends. Its run is not tried again until then, so a run can cost one thread for its turn and one for a query.
//!
//! Neighbours: `driver` says what is to be done, `engine` opens and closes the seat. Must not know
//! what the code is for: here, an answer to a query is a turn too.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::driver::{Driver, Next};

/// How long a turn may take unless the builder says otherwise; Temporal's default.
pub(crate) const TASK_TIMEOUT: Duration = Duration::from_secs(10);

thread_local! {
    static DRIVES: Cell<bool> = const { Cell::new(false) };
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Seat {
    timeout: Duration,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    left: Option<Left>,
    /// Counts how often the driver was left here.
    turn: u64,
    is_closing: bool,
    is_over: bool,
}

/// A driver whose thread is in workflow code.
struct Left {
    driver: Box<Driver>,
    turn: u64,
    since: Instant,
    is_back: Arc<AtomicBool>,
}

impl std::fmt::Debug for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Left")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

/// Tells that a thread has come back from workflow code for the last time, however it does.
struct Back(Arc<AtomicBool>);

impl Drop for Back {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Seat {
    /// Starts to drive. The seat is over when the driver is.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn open(driver: Driver, timeout: Duration) -> std::io::Result<Arc<Self>> {
        let seat = Arc::new(Self {
            timeout,
            inner: Mutex::default(),
            changed: Condvar::new(),
        });
        guard(&seat)?;
        let theirs = Arc::clone(&seat);
        let driver = Box::new(driver);
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || theirs.drive(driver))
            .inspect_err(|_| seat.set_over())?;
        Ok(seat)
    }

    /// Waits until the driver has ended, which somebody else has asked of it.
    pub(crate) fn wait(&self) {
        let mut inner = self.lock();
        while !inner.is_over {
            inner = self
                .changed
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the driver, which was told to end, without waiting for workflow code.
    pub(crate) fn close(&self) {
        if DRIVES.get() {
            // The driver is about to end, or lies here: nobody would ever wake this thread.
            let left = self.lock().left.take();
            if let Some(left) = left {
                self.end(left.driver);
            }
            return;
        }
        let mut inner = self.lock();
        inner.is_closing = true;
        if let Some(left) = inner.left.take() {
            drop(inner);
            self.end(left.driver);
        } else {
            drop(inner);
            self.wait();
        }
    }

    fn drive(&self, mut driver: Box<Driver>) {
        DRIVES.set(true);
        let back = Back(Arc::default());
        while let Next::Work(work) = driver.next() {
            let Some(number) = self.leave(driver, &back.0) else {
                return;
            };
            let done = work.run();
            match self.take_back(number) {
                Some(mine) => driver = mine,
                None => return,
            }
            driver.end(done);
        }
        self.end(driver);
    }

    /// Leaves the driver here for the time of a turn. `None` when there is to be no other turn.
    fn leave(&self, driver: Box<Driver>, is_back: &Arc<AtomicBool>) -> Option<u64> {
        let mut inner = self.lock();
        if inner.is_closing {
            drop(inner);
            self.end(driver);
            return None;
        }
        inner.turn += 1;
        let turn = inner.turn;
        inner.left = Some(Left {
            driver,
            turn,
            since: Instant::now(),
            is_back: Arc::clone(is_back),
        });
        Some(turn)
    }

    /// The driver, unless somebody else has taken the seat.
    fn take_back(&self, turn: u64) -> Option<Box<Driver>> {
        let mut inner = self.lock();
        let left = inner.left.take_if(|left| left.turn == turn);
        left.map(|left| left.driver)
    }

    /// Sits by until a turn takes too long, which it returns, or the seat is over.
    fn watch(&self) -> Option<Left> {
        let mut inner = self.lock();
        while !inner.is_over {
            let timeout = self.timeout;
            if let Some(late) = inner.left.take_if(|left| left.since.elapsed() >= timeout) {
                return Some(late);
            }
            // A turn that has begun by the next look is late at the look after the timeout.
            let (guard, _) = self
                .changed
                .wait_timeout(inner, timeout / 4)
                .unwrap_or_else(PoisonError::into_inner);
            inner = guard;
        }
        None
    }

    /// Over only when the driver has let go of the store.
    fn end(&self, driver: Box<Driver>) {
        // With it go workflow bodies, which may panic as they are dropped. The hook has told of it.
        let _panicked = catch_unwind(AssertUnwindSafe(move || drop(driver)));
        self.set_over();
    }

    fn set_over(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a thread that takes the seat of one that does not come back; the next one guards it.
fn guard(seat: &Arc<Seat>) -> std::io::Result<()> {
    let seat = Arc::clone(seat);
    std::thread::Builder::new()
        .name("engine-guard".to_owned())
        .spawn(move || {
            let Some(Left {
                mut driver,
                is_back,
                ..
            }) = seat.watch()
            else {
                return;
            };
            if let Err(error) = guard(&seat) {
                tracing::error!(%error, "no thread to guard the engine: a turn may hang it now");
            }
            driver.give_up(is_back);
            seat.drive(driver);
        })
        .map(drop)
}
