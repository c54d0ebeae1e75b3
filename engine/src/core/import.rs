//! Runs that were recorded elsewhere: a whole history becomes a run of this store, in one commit.
//!
//! Neighbours: `handle` asks for it, `recover` derives what an open run waits for. Whether the code
//! of this binary does what the history says is not looked at: the run's next turn finds that out.

use kernel::temporal::Imported;
use kernel::{Rejection, RunState, Timestamp, Transition};
use state::store::Error as StoreError;

use super::Core;
use super::live::LiveRun;
use super::message::Reply;

impl Core {
    /// Takes a history in as a run, open or closed as the history leaves it.
    pub(super) fn import(
        &mut self,
        imported: Imported,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let run_id = imported.run_id;
        let (state, transition) = match folded(imported) {
            Ok(folded) => folded,
            Err(rejection) => return Ok(Reply::Rejected(rejection)),
        };
        if self.runs.contains_key(&run_id) || self.store.load_run(run_id)?.is_some() {
            return Ok(Reply::AlreadyRan(run_id));
        }
        let is_open = !state.is_closed();
        if is_open {
            if let Some(open) = self.open_run_of(&state.workflow_id, now)? {
                return Ok(Reply::AlreadyRunning(open));
            }
            let latest = self.store.latest_run(&state.workflow_id)?;
            if let Some(newer) = latest.filter(|latest| *latest > run_id) {
                return Ok(refused(format!(
                    "run {newer} of that workflow id is newer than the open run {run_id}, which \
                     nobody would find"
                )));
            }
            if let Some(why) = not_alone(&state) {
                return Ok(refused(why));
            }
            self.by_id.insert(state.workflow_id.clone(), run_id);
        }
        self.runs.insert(run_id, LiveRun::new(state));
        self.group.put(run_id, 0, transition);
        self.group.imported.push(run_id);
        if is_open {
            self.derive(run_id, now)?;
        }
        Ok(Reply::Started(run_id))
    }
}

fn refused(why: String) -> Reply {
    Reply::Rejected(Rejection::BadCommand(why))
}

/// The run that a history leaves, and all of it as one transition.
fn folded(imported: Imported) -> Result<(RunState, Transition), Rejection> {
    let Imported {
        workflow_id,
        run_id,
        events,
        ..
    } = imported;
    kernel::check_imported(&workflow_id, &events)?;
    let bad = |error: kernel::Corrupt| Rejection::BadCommand(error.to_string());
    let Some(first) = events.first() else {
        return Err(Rejection::BadCommand(
            "the history has no events".to_owned(),
        ));
    };
    let mut state = RunState::started(workflow_id, run_id, first).map_err(bad)?;
    let transition = Transition {
        events,
        notes: Vec::new(),
    };
    // The news are in the history: a machine finds them there when it is made.
    let _news = state.apply(&transition).map_err(bad)?;
    Ok((state, transition))
}

/// Why an open run cannot go on with what its history holds alone.
fn not_alone(state: &RunState) -> Option<String> {
    if let Some(parent) = &state.parent {
        return Some(format!(
            "the run is open and the child of {}, which would wait for it elsewhere; import it when \
             it has ended",
            parent.workflow_id
        ));
    }
    let child = state
        .children
        .values()
        .find(|child| child.run_id.is_some())?;
    Some(format!(
        "the run is open and waits for its child {}, which is not in its history; import it when it \
         has ended",
        child.workflow_id
    ))
}
