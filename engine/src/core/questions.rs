//! Updates: what outsiders ask workflow code to do, and how they get their answers.
//!
//! An update that the code has not taken on is not durable: whoever asks and hears nothing asks
//! again under the same id, and gets the answer of the first time. Neighbour: `queries`.

use kernel::primitives::update;
use kernel::{
    EventId, EventKind, Failure, News, Payload, Rejection, RunId, Timestamp, UpdateRequest,
    Validation, WorkflowId, admit_update,
};
use state::store::Error as StoreError;

use super::Core;
use super::message::{Effect, Reply, Token, UpdateStage};

/// The result of an update is in the history: it is told after the next commit.
#[derive(Debug)]
pub(super) struct Outcome {
    run_id: RunId,
    completed_event_id: EventId,
    token: Token,
}

/// A request that the code has not seen.
#[derive(Clone, Debug)]
pub(super) struct AskedUpdate {
    update_id: String,
    name: String,
    input: Payload,
}

impl AskedUpdate {
    pub(super) fn id(&self) -> String {
        self.update_id.clone()
    }

    pub(super) fn into_news(self) -> News {
        News::UpdateRequested {
            update_id: self.update_id,
            name: self.name,
            input: self.input,
            validation: Validation::Wanted,
        }
    }
}

/// An update that the run in whose place this one is had taken on.
pub(super) fn asked_again(again: UpdateRequest) -> News {
    News::UpdateRequested {
        update_id: again.update_id,
        name: again.name,
        input: again.input,
        validation: Validation::Wanted,
    }
}

/// Who waits for an update, and for how much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpdateWaiter {
    token: Token,
    stage: UpdateStage,
}

impl Core {
    /// Takes the request of an update in: a new one, or one that was asked before.
    pub(super) fn ask_update(
        &mut self,
        workflow_id: &WorkflowId,
        asked: (String, String, Payload),
        waiter: (Option<Token>, UpdateStage),
        now: Timestamp,
    ) -> Result<Option<Reply>, StoreError> {
        let (update_id, name, input) = asked;
        let (Some(token), stage) = waiter else {
            return Ok(None);
        };
        let open = self.open_run_of(workflow_id, now)?;
        let Some(run_id) = open else {
            return self.closed_update(workflow_id, &update_id, token);
        };
        // It may be the very update that an open turn took on.
        self.close_turn(run_id, now);
        let Some(live) = self.runs.get_mut(&run_id) else {
            return Ok(Some(Reply::NotOpen));
        };
        if let Some(record) = live.state.updates.get(&update_id) {
            return Ok(match (record.completed_event_id, stage) {
                (_, UpdateStage::Accepted) => Some(Reply::UpdateAccepted),
                (Some(completed_event_id), UpdateStage::Completed) => {
                    self.outcomes.push(Outcome {
                        run_id,
                        completed_event_id,
                        token,
                    });
                    None
                }
                (None, UpdateStage::Completed) => {
                    self.wait_for_update(run_id, update_id, UpdateWaiter { token, stage });
                    None
                }
            });
        }
        let is_asked = live.asked.iter().any(|asked| asked.update_id == update_id)
            || live
                .state
                .updates_to_ask()
                .iter()
                .any(|again| again.update_id == update_id);
        if !is_asked {
            if let Err(rejection) = admit_update(&live.state, &update_id, &name, &input) {
                return Ok(Some(Reply::Rejected(rejection)));
            }
            let at_once = live.asked.len() + live.state.updates_in_flight();
            if at_once >= kernel::limits::UPDATES_IN_FLIGHT_MAX {
                let text = "too many updates wait for the code".to_owned();
                return Ok(Some(Reply::Rejected(Rejection::OverLimit(text))));
            }
            live.asked.push(AskedUpdate {
                update_id: update_id.clone(),
                name,
                input,
            });
        }
        self.wait_for_update(run_id, update_id, UpdateWaiter { token, stage });
        self.mark_dirty(run_id);
        Ok(None)
    }

    fn wait_for_update(&mut self, run_id: RunId, update_id: String, waiter: UpdateWaiter) {
        let waiters = self.update_waiters.entry((run_id, update_id)).or_default();
        waiters.push(waiter);
    }

    /// A closed run takes no update, but remembers those it has answered.
    fn closed_update(
        &mut self,
        workflow_id: &WorkflowId,
        update_id: &str,
        token: Token,
    ) -> Result<Option<Reply>, StoreError> {
        let Some(run_id) = self.store.latest_run(workflow_id)? else {
            return Ok(Some(Reply::NotOpen));
        };
        let state = self.store.load_run(run_id)?;
        let record = state.and_then(|state| state.updates.get(update_id).cloned());
        Ok(match record.and_then(|record| record.completed_event_id) {
            Some(completed_event_id) => {
                self.outcomes.push(Outcome {
                    run_id,
                    completed_event_id,
                    token,
                });
                None
            }
            None => Some(Reply::NotOpen),
        })
    }

    /// Tells those who wait for an update what an event says of it.
    pub(super) fn tell_of_update(&mut self, run_id: RunId, kind: &EventKind) {
        if let EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } = kind {
            let Some(waiters) = self.update_waiters.get_mut(&(run_id, update_id.clone())) else {
                return;
            };
            waiters.retain(|waiter| {
                let reply = Effect::Reply(waiter.token, Reply::UpdateAccepted);
                match waiter.stage {
                    UpdateStage::Accepted => self.group.effects.push(reply),
                    UpdateStage::Completed => return true,
                }
                false
            });
        } else if let EventKind::WorkflowExecutionUpdateCompleted { update_id, result } = kind {
            let reply = || Reply::UpdateCompleted(result.clone());
            self.tell_update_waiters(run_id, update_id, reply);
        }
    }

    /// Tells that the code does not take an update on. Nothing of it is in the history.
    pub(super) fn refuse_updates(&mut self, run_id: RunId, refused: Vec<(String, Failure)>) {
        for (update_id, failure) in refused {
            let reply = || Reply::UpdateRejected(failure.clone());
            self.tell_update_waiters(run_id, &update_id, reply);
        }
    }

    /// A run closed: whoever still waits for one of its updates waits in vain.
    pub(super) fn end_updates(&mut self, run_id: RunId) {
        let Some(live) = self.runs.get_mut(&run_id) else {
            return;
        };
        let mut ids: Vec<String> = live.asked.drain(..).map(|asked| asked.update_id).collect();
        let is_open = |state: update::State| match state {
            update::State::Accepted => true,
            update::State::Completed => false,
        };
        let updates = live.state.updates.iter();
        ids.extend(
            updates
                .filter(|(_, record)| is_open(record.state))
                .map(|(id, _)| id.clone()),
        );
        for id in ids {
            self.tell_update_waiters(run_id, &id, || Reply::NotOpen);
        }
    }

    fn tell_update_waiters(&mut self, run_id: RunId, id: &str, reply: impl Fn() -> Reply) {
        let waiters = self.update_waiters.remove(&(run_id, id.to_owned()));
        for waiter in waiters.unwrap_or_default() {
            self.group
                .effects
                .push(Effect::Reply(waiter.token, reply()));
        }
    }

    /// Tells the results that waited for a commit.
    pub(super) fn tell_outcomes(&mut self) -> Result<Vec<Effect>, StoreError> {
        let outcomes = std::mem::take(&mut self.outcomes);
        let told = outcomes.into_iter().map(|outcome| {
            let reply = self.outcome_of_update(outcome.run_id, outcome.completed_event_id)?;
            Ok(Effect::Reply(outcome.token, reply))
        });
        told.collect()
    }

    fn outcome_of_update(&self, run_id: RunId, id: EventId) -> Result<Reply, StoreError> {
        let before = EventId(id.0.saturating_sub(1));
        let events = self.store.load_history(run_id, before, 1)?;
        let kind = events.into_iter().find(|event| event.id == id);
        Ok(match kind.map(|event| event.kind) {
            Some(EventKind::WorkflowExecutionUpdateCompleted { result, .. }) => {
                Reply::UpdateCompleted(result)
            }
            Some(_) | None => Reply::NotOpen,
        })
    }
}
