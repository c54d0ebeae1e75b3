//! Resets and forks as a client asks for them, and how they are looked at before they are done.
//!
//! Neighbours: the kernel decides, `core::reset` carries out. A preview reads the store only.

use kernel::reset::{BaseRun, Begun, NewRun};
use kernel::{
    Edits, EventId, EventKind, HistoryEvent, ParentLink, Reapply, Refusal, ResetPlan, ResetTo,
    RunId, RunState, Taking, Timestamp, WorkflowId,
};
use state::store::Error as StoreError;

use crate::client::{Client, ClientError, unexpected};
use crate::clock;
use crate::core::{ForkRequest, Message, Reply, ResetRequest};

/// How a run is reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResetOptions {
    /// What is to be other than it was.
    pub edits: Edits,
    /// Why, for the record.
    pub reason: String,
}

/// How a run is forked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForkOptions {
    /// What is to be other than it was. Signals and updates after the point are never applied again.
    pub edits: Edits,
    /// The workflow id of the new run; one made of the old run's id and the new run's without it.
    pub workflow_id: Option<String>,
    /// Why, for the record.
    pub reason: String,
}

/// A run that was reset or forked.
#[derive(Clone, Debug, PartialEq)]
pub struct Reset {
    /// The new run.
    pub run_id: RunId,
    /// Its workflow id.
    pub workflow_id: WorkflowId,
    /// What became of everything.
    pub plan: ResetPlan,
}

/// A run with all that a reset of it has to know.
pub(crate) struct Source {
    pub(crate) state: RunState,
    pub(crate) events: Vec<HistoryEvent>,
    later: Vec<HistoryEvent>,
}

impl Source {
    pub(crate) fn make(
        &self,
        to: ResetTo,
        edits: &Edits,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Begun, Refusal> {
        let base = BaseRun {
            workflow_id: &self.state.workflow_id,
            run_id: self.state.run_id,
            events: &self.events,
            later: &self.later,
        };
        kernel::reset(&base, to, edits, new, now)
    }
}

/// Reads a run, and what those that followed on it were sent, the open one of its chain included.
pub(crate) fn gather(
    run_id: RunId,
    open: Option<RunId>,
    mut read: impl FnMut(RunId) -> Result<Option<(RunState, Vec<HistoryEvent>)>, StoreError>,
) -> Result<Option<Source>, StoreError> {
    let Some((state, events)) = read(run_id)? else {
        return Ok(None);
    };
    let mut later = Vec::new();
    let mut next = state.successor;
    let mut is_open_seen = open.is_none_or(|open| open == run_id);
    while let Some(follower) = next {
        let Some((follower_state, all)) = read(follower)? else {
            break;
        };
        is_open_seen |= Some(follower) == open;
        later.extend(own_messages(&follower_state, all));
        next = follower_state.successor;
    }
    if let Some(open) = open.filter(|_| !is_open_seen)
        && let Some((open_state, all)) = read(open)?
    {
        // An earlier reset of a closed run, which does not name what took its place.
        later.extend(own_messages(&open_state, all));
    }
    Ok(Some(Source {
        state,
        events,
        later,
    }))
}

/// What a run was sent itself, without what it began with.
fn own_messages(state: &RunState, events: Vec<HistoryEvent>) -> impl Iterator<Item = HistoryEvent> {
    let copied = match &state.chain.origin {
        Some(origin) => origin.copied,
        None => EventId(0),
    };
    events.into_iter().filter(move |event| {
        let is_message = matches!(
            event.kind,
            EventKind::WorkflowExecutionSignaled { .. }
                | EventKind::WorkflowExecutionUpdateAccepted { .. }
                | EventKind::WorkflowExecutionCancelRequested { .. }
        );
        is_message && event.id > copied
    })
}

impl Client {
    /// Puts a new run in the place of a run, open or closed: under its workflow id, with its history
    /// up to a point. The open run of that id, if it is this one or followed on it, is terminated and
    /// names the new one; whoever waits for it waits for the new one.
    ///
    /// Activities that ended in the kept part are not run again; those that waited in it run again
    /// from their first attempt. Children that the run waited for at the point are the new run's.
    ///
    /// **Durability**: when this returns, the new run survives anything; the old one ends in the same
    /// commit.
    ///
    /// # Errors
    /// [`ClientError::NotFound`]; [`ClientError::Refused`] when the point or an edit makes no sense.
    pub async fn reset(
        &self,
        run_id: RunId,
        to: ResetTo,
        options: ResetOptions,
    ) -> Result<Reset, ClientError> {
        let ResetOptions { edits, reason } = options;
        let request = ResetRequest {
            run_id,
            to,
            edits,
            reason,
        };
        made(self.ask(Message::Reset(Box::new(request))).await?, None)
    }

    /// What [`reset`](Self::reset) would keep, run again and leave behind, as things stand. Writes
    /// nothing; costs reading the history.
    ///
    /// # Errors
    /// As [`reset`](Self::reset).
    pub fn preview_reset(
        &self,
        run_id: RunId,
        to: ResetTo,
        options: &ResetOptions,
    ) -> Result<ResetPlan, ClientError> {
        self.preview(run_id, to, &options.edits, Taking::Reset)
    }

    /// Makes a run under another workflow id, with the history of a run up to a point. The run itself
    /// goes on untouched.
    ///
    /// **Durability**: when this returns, the new run survives anything.
    ///
    /// # Errors
    /// As [`reset`](Self::reset), and [`ClientError::AlreadyRunning`] when the new id has an open run.
    pub async fn fork(
        &self,
        run_id: RunId,
        to: ResetTo,
        options: ForkOptions,
    ) -> Result<Reset, ClientError> {
        let ForkOptions {
            edits,
            workflow_id,
            reason,
        } = options;
        let workflow_id = match workflow_id {
            Some(id) => WorkflowId(id),
            None => {
                let state = self.store.load_run(run_id)?.ok_or(ClientError::NotFound)?;
                let unique = clock::new_run_id().to_string();
                let end = unique.rsplit('-').next().unwrap_or_default();
                WorkflowId(format!("{}-fork-{end}", state.workflow_id))
            }
        };
        let request = ForkRequest {
            run_id,
            to,
            edits,
            workflow_id: workflow_id.clone(),
            reason,
        };
        let reply = self.ask(Message::Fork(Box::new(request))).await?;
        made(reply, Some(workflow_id))
    }

    /// What [`fork`](Self::fork) would keep and run again, as things stand.
    ///
    /// # Errors
    /// As [`fork`](Self::fork).
    pub fn preview_fork(
        &self,
        run_id: RunId,
        to: ResetTo,
        options: &ForkOptions,
    ) -> Result<ResetPlan, ClientError> {
        let mut edits = options.edits.clone();
        edits.reapply = Reapply::None;
        self.preview(run_id, to, &edits, Taking::Fork)
    }

    fn preview(
        &self,
        run_id: RunId,
        to: ResetTo,
        edits: &Edits,
        taking: Taking,
    ) -> Result<ResetPlan, ClientError> {
        let state = self.store.load_run(run_id)?.ok_or(ClientError::NotFound)?;
        let newest = self.store.latest_run(&state.workflow_id)?;
        let newest = match newest {
            Some(newest) => self.store.load_run(newest)?,
            None => None,
        };
        let open = newest.filter(|s| taking == Taking::Reset && !s.is_closed());
        if let Some(open) = &open
            && open.first_run_id() != state.first_run_id()
        {
            return Err(ClientError::Refused(Refusal::OpenElsewhere(open.run_id)));
        }
        let source = gather(run_id, open.map(|open| open.run_id), |id| {
            let Some(state) = self.store.load_run(id)? else {
                return Ok(None);
            };
            Ok(Some((state, self.events_of(id)?)))
        })?;
        let source = source.ok_or(ClientError::NotFound)?;
        let new = NewRun {
            taking,
            workflow_id: state.workflow_id,
            run_id: clock::new_run_id(),
            parent: ParentLink::LeftBehind,
            reason: String::new(),
        };
        let begun = source.make(to, edits, new, clock::now());
        Ok(begun.map_err(ClientError::Refused)?.plan)
    }
}

fn made(reply: Reply, workflow_id: Option<WorkflowId>) -> Result<Reset, ClientError> {
    if let Reply::Made { run_id, plan } = reply {
        Ok(Reset {
            run_id,
            workflow_id: workflow_id.unwrap_or_else(|| plan.workflow_id.clone()),
            plan: *plan,
        })
    } else {
        Err(unexpected(reply))
    }
}
