//! A store that reads histories back wrongly, or writes one wrongly, on purpose.
//!
//! Neighbours: `world` puts it between the core and the store when that bug is planted.

use kernel::{EventId, EventKind, HistoryEvent, RunId, RunState, Transition, WorkflowId};
use state::Digest;
use state::index::{Find, Place};
use state::memory_store::MemoryStore;
use state::store::{
    BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, RunInfo, RunTransition, Store,
};

/// What is done wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Of each history read, the first news and what followed on it have changed places.
    OutOfOrder,
    /// The start of a run that was reset or forked names the event behind the one it goes back to.
    BeyondPoint,
}

/// The store, but for the twist.
pub(crate) struct Twisted(pub(crate) MemoryStore, pub(crate) Twist);

fn has_ended(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ActivityTaskCompleted { .. } | EventKind::TimerFired { .. }
    )
}

fn keep_one_more(kind: &mut EventKind) {
    if let EventKind::WorkflowExecutionStarted { chain, .. } = kind
        && let Some(origin) = &mut chain.origin
        && let Some(base) = origin.bases.last_mut()
    {
        base.kept = base.kept.next();
    }
}

impl Store for Twisted {
    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error> {
        let mut events = self.0.load_history(run_id, after, limit)?;
        if self.1 != Twist::OutOfOrder {
            return Ok(events);
        }
        let first = events
            .windows(2)
            .position(|pair| has_ended(&pair[0].kind) && !has_ended(&pair[1].kind));
        if let Some(at) = first {
            let (one, two) = (events[at].kind.clone(), events[at + 1].kind.clone());
            (events[at].kind, events[at + 1].kind) = (two, one);
        }
        Ok(events)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error> {
        if self.1 != Twist::BeyondPoint {
            return self.0.commit(commit);
        }
        let mut twisted: Vec<Transition> = Vec::new();
        for one in &commit.transitions {
            let mut transition = one.transition.clone();
            if let Some(first) = transition.events.first_mut() {
                keep_one_more(&mut first.kind);
            }
            twisted.push(transition);
        }
        let same = commit.transitions.iter().zip(&twisted);
        self.0.commit(&Commit {
            transitions: same
                .map(|(one, transition)| RunTransition {
                    transition,
                    run_id: one.run_id,
                    number: one.number,
                })
                .collect(),
            states: commit.states.clone(),
            rows: commit.rows.clone(),
            imported: commit.imported.clone(),
        })
    }

    fn open_runs(&self) -> Result<Vec<RunId>, Error> {
        self.0.open_runs()
    }

    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error> {
        self.0.load_run(run_id)
    }

    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error> {
        self.0.latest_run(workflow_id)
    }

    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error> {
        self.0.list_runs(before, limit)
    }

    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error> {
        self.0.run_info(run_id)
    }

    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
        self.0.find(find, limit)
    }

    fn delete_run(&self, run_id: RunId) -> Result<bool, Error> {
        self.0.delete_run(run_id)
    }

    fn sweep(&self, limit: usize) -> Result<bool, Error> {
        self.0.sweep(limit)
    }

    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.row(namespace, key)
    }

    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error> {
        self.0.rows(namespace)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.0.put_blob(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.0.blob(digest)
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.0.blobs(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.0.remove_blob(digest)
    }

    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error> {
        self.0.visit_values(after, limit, visitor)
    }
}
