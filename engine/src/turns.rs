//! Turns with a timeout: workflow code runs on a thread of its own, which is given up when the
//! code does not return.
//!
//! Nobody can stop a thread. One whose code spins for ever keeps a processor busy until the process
//! ends; so its run is not tried again before the code has come back, and the thread is the only
//! one that this run can cost.
//!
//! The way there and back is about 6 µs a turn (measured with two threads and nothing else to do).
//! A replay and a query still run on the engine's own thread, and have no timeout.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use kernel::{Failure, Machine, News, RunId, TurnStart};
use tracing::Span;

use crate::core::{Commands, Turns};

/// How long a turn may take unless the builder says otherwise; Temporal's default.
pub(crate) const TASK_TIMEOUT: Duration = Duration::from_secs(10);

struct Work {
    machine: Machine,
    news: Vec<News>,
    turn: TurnStart,
    span: Span,
}

/// A thread that runs turns, and the ways to it and back.
struct Worker {
    work: Sender<Work>,
    done: Receiver<(Machine, Commands)>,
    /// Set when the thread has ended.
    ended: Arc<AtomicBool>,
}

/// Tells that a thread has ended, however it does.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Worker {
    fn spawn() -> std::io::Result<Self> {
        let (work, to_do) = channel::<Work>();
        let (results, done) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        let guard = Ended(Arc::clone(&ended));
        std::thread::Builder::new()
            .name("workflow-turns".to_owned())
            .spawn(move || {
                let _ended = guard;
                while let Ok(mut work) = to_do.recv() {
                    // The body may use tracing itself.
                    let _in_span = work.span.enter();
                    let commands = work.machine.advance(work.news, work.turn);
                    if results.send((work.machine, commands)).is_err() {
                        // It was given up: nobody wants the result.
                        return;
                    }
                }
            })?;
        Ok(Self { work, done, ended })
    }
}

/// Runs turns on another thread, for as long as each of them may take.
pub(crate) struct Threaded {
    timeout: Duration,
    worker: Option<Worker>,
    stuck: HashMap<RunId, Arc<AtomicBool>>,
}

impl Threaded {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            worker: None,
            stuck: HashMap::new(),
        }
    }
}

impl Turns for Threaded {
    fn advance(
        &mut self,
        run_id: RunId,
        machine: Machine,
        news: Vec<News>,
        turn: TurnStart,
    ) -> Option<(Machine, Commands)> {
        self.stuck.retain(|_, ended| !ended.load(Ordering::Acquire));
        let worker = match self.worker.take().map_or_else(Worker::spawn, Ok) {
            Ok(worker) => worker,
            Err(error) => {
                let text = format!("no thread for the workflow code: {error}");
                return Some((machine, Err(Failure::internal(text))));
            }
        };
        let work = Work {
            machine,
            news,
            turn,
            span: Span::current(),
        };
        // A machine catches the panics of its code, so the thread is there until it is given up.
        let _sent = worker.work.send(work);
        match worker.done.recv_timeout(self.timeout) {
            Ok(done) => {
                self.worker = Some(worker);
                Some(done)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                self.stuck.insert(run_id, worker.ended);
                None
            }
        }
    }

    fn is_stuck(&self, run_id: RunId) -> bool {
        self.stuck
            .get(&run_id)
            .is_some_and(|ended| !ended.load(Ordering::Acquire))
    }
}
