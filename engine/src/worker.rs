//! Workers: one tokio task per attempt, which always reports its end exactly once.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kernel::{EventId, Failure, Payload, TaskToken};
use tokio::sync::watch;
use tracing::Instrument;

use crate::activity::{ActivityCx, ErasedActivity, Stop};
use crate::client::Client;
use crate::core::{ActivityTask, LocalTask, Message, TaskRef};
use crate::metrics::{ActivitySeries, Stopwatch};

/// How long an attempt that was told to stop may take to do so before it is dropped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What an attempt is one of.
#[derive(Clone, Copy)]
enum Whose {
    Activity(TaskRef),
    /// By the number that the core gave it.
    Local(u64),
}

/// Reports the end of an attempt however its task ends, so that no slot is ever lost.
struct Report {
    client: Client,
    whose: Whose,
    result: Option<Result<Payload, Failure>>,
    /// The result comes from elsewhere.
    is_held: bool,
    series: Arc<ActivitySeries>,
    took: Stopwatch,
}

impl Drop for Report {
    fn drop(&mut self) {
        if let (true, Whose::Activity(task)) = (self.is_held, self.whose) {
            self.client.post(Message::AttemptHeld { task });
            return;
        }
        let mut result = self.result.take();
        if result.is_none() && std::thread::panicking() {
            let text = "the activity panicked while it was dropped";
            result = Some(Err(Failure::retryable("Panic", text)));
        }
        self.series.attempted(self.took, result.as_ref());
        self.client.post(match self.whose {
            Whose::Activity(task) => Message::AttemptEnded { task, result },
            Whose::Local(number) => Message::LocalActivityEnded { number, result },
        });
    }
}

/// Runs one attempt to its end. A future that is dropped before it was polled reports too.
pub(crate) fn run_attempt(
    client: Client,
    activity: Arc<dyn ErasedActivity>,
    task: ActivityTask,
    stop: watch::Receiver<Stop>,
) -> impl Future<Output = ()> + Send {
    let span = tracing::info_span!(
        "activity",
        workflow_id = %task.workflow_id,
        run_id = %task.task.run_id,
        activity_type = task.activity_type,
        activity_id = task.task.scheduled_event_id.0,
        attempt = task.task.attempt,
    );
    let report = Report {
        client: client.clone(),
        whose: Whose::Activity(task.task),
        result: None,
        is_held: false,
        series: Arc::clone(client.metrics.activity(&task.activity_type)),
        took: Stopwatch::start(),
    };
    let cx = ActivityCx {
        token: task.token(),
        is_pending: Arc::default(),
        task: task.task,
        local: None,
        workflow_id: task.workflow_id,
        heartbeat: task.heartbeat,
        deadline: task.deadline,
        stop,
        client,
    };
    attempt(report, activity, cx, task.input).instrument(span)
}

/// Runs one attempt of a local activity to its end, as [`run_attempt`] does.
pub(crate) fn run_local_attempt(
    client: Client,
    activity: Arc<dyn ErasedActivity>,
    task: LocalTask,
    stop: watch::Receiver<Stop>,
) -> impl Future<Output = ()> + Send {
    let span = tracing::info_span!(
        "local_activity",
        workflow_id = %task.workflow_id,
        run_id = %task.run_id,
        activity_type = task.activity_type,
        attempt = task.attempt,
    );
    let report = Report {
        client: client.clone(),
        whose: Whose::Local(task.number),
        result: None,
        is_held: false,
        series: Arc::clone(client.metrics.activity(&task.activity_type)),
        took: Stopwatch::start(),
    };
    let cx = ActivityCx {
        // No event stands for it, so a heartbeat of it reaches nobody, and its token is refused.
        token: TaskToken {
            run_id: task.run_id,
            scheduled_event_id: EventId(0),
            attempt: task.attempt,
            resets: 0,
        },
        is_pending: Arc::default(),
        task: TaskRef {
            run_id: task.run_id,
            scheduled_event_id: EventId(0),
            attempt: task.attempt,
        },
        local: Some(task.first_seq),
        workflow_id: task.workflow_id,
        heartbeat: None,
        deadline: task.deadline,
        stop,
        client,
    };
    attempt(report, activity, cx, task.input).instrument(span)
}

async fn attempt(
    mut report: Report,
    activity: Arc<dyn ErasedActivity>,
    cx: ActivityCx,
    input: Payload,
) {
    tokio::select! {
        biased;
        result = catch_panic(activity.run(&cx, input)) => report.result = Some(result),
        () = stopped_long_ago(cx.stop.clone()) => {
            let failure = Failure::canceled("the attempt was dropped: it did not stop when told");
            report.result = Some(Err(failure));
        }
    }
    if report
        .result
        .as_ref()
        .is_some_and(|result| cx.is_held(result))
    {
        if let Whose::Local(_) = report.whose {
            let text =
                "the result of a local activity cannot come from elsewhere: make it an activity";
            report.result = Some(Err(Failure::permanent("ResultPending", text)));
            return;
        }
        // True of a process that is ending as well: whoever has the token does not end with it.
        report.is_held = true;
        return;
    }
    if *cx.stop.borrow() == Stop::Shutdown && !matches!(report.result, Some(Ok(_))) {
        // What a dying process says about its work proves nothing: it is done again.
        report.result = None;
    }
}

async fn stopped_long_ago(mut stop: watch::Receiver<Stop>) {
    // An error means that the engine has gone: nobody wants the result.
    let _gone = stop.wait_for(|stop| *stop != Stop::No).await.is_err();
    tokio::time::sleep(STOP_GRACE).await;
}

/// A panic of an activity is a failure of its attempt, not of the process.
async fn catch_panic(
    attempt: impl Future<Output = Result<Payload, Failure>>,
) -> Result<Payload, Failure> {
    let mut attempt = pin!(attempt);
    std::future::poll_fn(move |cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| attempt.as_mut().poll(cx)));
        match polled {
            Ok(poll) => poll,
            Err(panic) => {
                let text = format!("the activity panicked: {}", panic_text(&*panic));
                Poll::Ready(Err(Failure::retryable("Panic", text)))
            }
        }
    })
    .await
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "(no message)".to_owned())
}
