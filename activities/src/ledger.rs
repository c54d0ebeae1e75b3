//! A file with one line for every execution of every activity, for tests that kill the process.
//!
//! When the environment variable [`VARIABLE`] names a file, each execution appends
//! `<workflow id> <id of the scheduling event> <activity type> <attempt>` and a line feed to it
//! before it does its work, in one write in append mode. A test that kills and resumes a run can
//! then tell which recorded work was done again. Nothing else reads the file. Neighbours: wraps
//! every activity in [`crate::register`].

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::{ActivityContract, Failure};

use crate::errors::{blocking, io_failure};

/// The environment variable that names the file.
pub const VARIABLE: &str = "OPENCLAW_TRACE_LEDGER";

/// Where executions are noted, if anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Option<Arc<Path>>);

impl Ledger {
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self(file.map(Arc::from))
    }

    async fn note(&self, cx: &ActivityCx, activity_type: &'static str) -> Result<(), Failure> {
        let Some(file) = self.0.clone() else {
            return Ok(());
        };
        blocking(cx, move |cx| {
            let line = line(cx, activity_type);
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&file)
                .and_then(|mut file| file.write_all(line.as_bytes()))
                .map_err(|e| io_failure("write the ledger", &e))
        })
        .await
    }
}

fn line(cx: &ActivityCx, activity_type: &str) -> String {
    let key = cx.idempotency_key();
    let event = key.rsplit('/').next().unwrap_or_default();
    let attempt = cx.attempt();
    format!("{} {event} {activity_type} {attempt}\n", cx.workflow_id())
}

/// An activity that is noted before it runs.
#[derive(Debug)]
pub(crate) struct Ledgered<A> {
    inner: A,
    ledger: Ledger,
}

impl<A> Ledgered<A> {
    pub(crate) fn new(ledger: &Ledger, inner: A) -> Self {
        Self {
            inner,
            ledger: ledger.clone(),
        }
    }
}

#[async_trait]
impl<A: Activity> Activity for Ledgered<A> {
    type Contract = A::Contract;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: <Self::Contract as ActivityContract>::Input,
    ) -> Result<<Self::Contract as ActivityContract>::Output, Failure> {
        self.ledger.note(cx, Self::Contract::TYPE).await?;
        self.inner.run(cx, input).await
    }
}
