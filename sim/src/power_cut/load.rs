//! What the store is busy with when the power goes: commits that a number determines.
//!
//! Neighbours: `power_cut` runs this in a traced process, and once more over the store in memory to
//! know what must be there.

use kernel::{
    EventKind, HistoryEvent, Payload, RunId, RunState, StartRequest, Timestamp, Transition,
    WorkflowId,
};
use state::{Commit, Digest, Namespace, Row, RunTransition, Store};

use crate::rng::Rng;

/// The row that counts commits.
pub(super) const COUNT: &[u8] = b"commits";

/// Commits in their order.
pub(super) struct Load {
    pub(super) seed: u64,
    rng: Rng,
    runs: Vec<RunState>,
    done: u64,
    /// Big values and the commits before which they were kept.
    pub(super) blobs: Vec<(u64, Digest)>,
    /// The closed run that the next step deletes before it commits.
    pub(super) doomed: Option<RunId>,
    pub(super) deleted: usize,
    /// Closed runs that were not deleted, in the order in which they closed.
    closed: Vec<RunId>,
}

impl Load {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: Rng::new(seed),
            runs: Vec::new(),
            done: 0,
            blobs: Vec::new(),
            doomed: None,
            deleted: 0,
            closed: Vec::new(),
        }
    }

    /// Deletes what is doomed, then makes the next commit.
    pub(super) fn step(&mut self, store: &dyn Store) -> Result<(), String> {
        if let Some(run_id) = self.doomed.take() {
            store.delete_run(run_id).map_err(|e| e.to_string())?;
            self.deleted += 1;
        }
        if self.rng.chance(10) {
            store.sweep(5).map_err(|e| e.to_string())?;
        }
        if self.rng.chance(6) {
            let len = 66_000 + self.rng.index(40_000);
            let bytes: Vec<u8> = (0..len).map(|_| self.rng.next().to_le_bytes()[0]).collect();
            let digest = store.put_blob(&bytes).map_err(|e| e.to_string())?;
            self.blobs.push((self.done, digest));
        }
        let mut made: Vec<(usize, u64, Transition)> = Vec::new();
        for _ in 0..=self.rng.index(6) {
            made.push(if self.runs.len() < 3 || self.rng.chance(15) {
                self.start()?
            } else {
                self.go_on()?
            });
        }
        self.done += 1;
        let transitions = made.iter().map(|(run, number, transition)| RunTransition {
            run_id: self.runs[*run].run_id,
            number: *number,
            transition,
        });
        let mut touched: Vec<usize> = made.iter().map(|(run, _, _)| *run).collect();
        touched.sort_unstable();
        touched.dedup();
        let count = Row {
            namespace: Namespace::Cursor,
            key: COUNT.to_vec(),
            value: Some(self.done.to_be_bytes().to_vec()),
        };
        let commit = Commit {
            transitions: transitions.collect(),
            states: touched.into_iter().map(|run| &self.runs[run]).collect(),
            rows: vec![count],
            imported: Vec::new(),
        };
        store.commit(&commit).map_err(|e| e.to_string())?;
        if self.closed.len() > 4 && self.rng.chance(30) {
            let at = self.rng.index(self.closed.len());
            self.doomed = Some(self.closed.swap_remove(at));
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(usize, u64, Transition), String> {
        let mut run_id = [0; 16];
        let number = u64::try_from(self.runs.len()).unwrap_or(0);
        run_id[..8].copy_from_slice(&number.to_be_bytes());
        let workflow_id = WorkflowId::new(format!("run-{number}"));
        let request = StartRequest::new(workflow_id, RunId(run_id), "Load", Payload::null());
        let (state, transition) =
            kernel::start(request, Timestamp(0)).map_err(|e| format!("{e:?}"))?;
        self.runs.push(state);
        Ok((self.runs.len() - 1, 0, transition))
    }

    fn go_on(&mut self) -> Result<(usize, u64, Transition), String> {
        let open: Vec<usize> = (0..self.runs.len())
            .filter(|run| !self.runs[*run].is_closed())
            .collect();
        let run = open[self.rng.index(open.len())];
        let longest = if self.rng.chance(10) { 9_000 } else { 600 };
        let len = 20 + self.rng.index(longest);
        let text: String = (0..len)
            .map(|_| char::from(b'a' + u8::try_from(self.rng.below(26)).unwrap_or(0)))
            .collect();
        let closes = open.len() > 3 && self.rng.chance(12);
        let kind = if closes {
            EventKind::WorkflowExecutionTerminated {
                reason: text,
                next: None,
            }
        } else {
            EventKind::WorkflowExecutionSignaled {
                name: "more".to_owned(),
                input: Payload::json(&text).map_err(|e| e.to_string())?,
            }
        };
        let state = &mut self.runs[run];
        let transition = Transition {
            events: vec![HistoryEvent {
                id: state.last_event_id.next(),
                at: state.started_at,
                kind,
            }],
            notes: Vec::new(),
        };
        let number = state.transitions;
        state.apply(&transition).map_err(|e| format!("{e:?}"))?;
        if closes {
            self.closed.push(state.run_id);
        }
        Ok((run, number, transition))
    }
}
