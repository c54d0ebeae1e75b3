//! What clients do: they start, cancel, signal, update and ask, and hear answers.
//!
//! Neighbours: the world lets them, the ledger keeps what they were told.

use engine::core::{Message, Reply, Token, UpdateStage};
use kernel::{AfterReset, Attempts, EventId, HeartbeatDetails, Millis, Payload, RunId, WorkflowId};
use state::store::Store;

use super::{Asked, World};
use crate::ledger::Told;
use crate::script;

impl World {
    pub(super) fn signal_somebody(&mut self) -> Result<(), String> {
        let open = self.store.open_runs().map_err(|e| e.to_string())?;
        if open.is_empty() {
            return Ok(());
        }
        let run_id = open[self.rng.index(open.len())];
        self.signal(run_id)
    }

    pub(super) fn somebody(&mut self) -> Result<Option<RunId>, String> {
        let open = self.store.open_runs().map_err(|e| e.to_string())?;
        if open.is_empty() {
            return Ok(None);
        }
        Ok(Some(open[self.rng.index(open.len())]))
    }

    /// A new update, or one that was asked before, perhaps of another run's life.
    pub(super) fn update_somebody(&mut self) -> Result<(), String> {
        let Some(run_id) = self.somebody()? else {
            return Ok(());
        };
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        let known = self.last_update.clone();
        let (n, workflow_id) = match known.filter(|_| self.rng.chance(30)) {
            Some(again) => {
                self.ledger.ask_update_again(again.0);
                again
            }
            None => {
                self.next_update += 1;
                (self.next_update, state.workflow_id)
            }
        };
        self.last_update = Some((n, workflow_id.clone()));
        self.report.updates += 1;
        let stage = if self.rng.chance(50) {
            UpdateStage::Accepted
        } else {
            UpdateStage::Completed
        };
        let update = Message::Update {
            workflow_id,
            update_id: script::update_id(n),
            name: "bump".to_owned(),
            input: Payload::json(&n).map_err(|e| e.to_string())?,
            stage,
        };
        self.ask(update, Asked::Update(n))
    }

    /// Pauses a run, or lets one go on that is paused.
    pub(super) fn pause_or_unpause_somebody(&mut self) -> Result<(), String> {
        let Some(run_id) = self.somebody()? else {
            return Ok(());
        };
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        if state.paused.is_some() {
            return self.unpause(run_id);
        }
        self.report.pauses += 1;
        let workflow_id = state.workflow_id;
        let reason = "for a while".to_owned();
        self.tell(Message::Pause {
            workflow_id,
            reason,
        })
    }

    pub(super) fn unpause(&mut self, run_id: RunId) -> Result<(), String> {
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state.filter(|state| state.paused.is_some()) else {
            return Ok(());
        };
        let workflow_id = state.workflow_id;
        self.tell(Message::Unpause { workflow_id })
    }

    /// The next attempt of some activity is wanted at once, whether it waits for one or not.
    pub(super) fn retry_somebody_now(&mut self) -> Result<(), String> {
        let Some(run_id) = self.somebody()? else {
            return Ok(());
        };
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        let Some(scheduled_event_id) = state.activities.keys().next().copied() else {
            return Ok(());
        };
        let workflow_id = state.workflow_id;
        self.tell(Message::RetryActivityNow {
            workflow_id,
            scheduled_event_id,
        })
    }

    /// Some activity is held back, let go on, or begun again, whether that can be or not.
    pub(super) fn hold_or_reset_somebody(&mut self) -> Result<(), String> {
        let Some(run_id) = self.somebody()? else {
            return Ok(());
        };
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        let ids: Vec<EventId> = state.activities.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let scheduled_event_id = ids[self.rng.index(ids.len())];
        let workflow_id = state.workflow_id;
        let after = if self.rng.chance(50) {
            AfterReset::GoesOn
        } else {
            AfterReset::StaysPaused
        };
        let attempts = if self.rng.chance(50) {
            Attempts::GoOn
        } else {
            Attempts::BeginAgain
        };
        let message = match self.rng.below(4) {
            0 | 1 => Message::PauseActivity {
                workflow_id,
                scheduled_event_id,
                by: "the storm".to_owned(),
                reason: "for a while".to_owned(),
            },
            2 => Message::UnpauseActivity {
                workflow_id,
                scheduled_event_id,
                attempts,
            },
            _ => Message::ResetActivity {
                workflow_id,
                scheduled_event_id,
                heartbeat: HeartbeatDetails::Keep,
                after,
            },
        };
        self.tell(message)
    }

    /// All that is held back in a run goes on.
    pub(super) fn unpause_activities(&mut self, run_id: RunId) -> Result<(), String> {
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        for (scheduled_event_id, _) in state.activities.iter().filter(|(_, a)| a.paused.is_some()) {
            self.tell(Message::UnpauseActivity {
                workflow_id: state.workflow_id.clone(),
                scheduled_event_id: *scheduled_event_id,
                attempts: Attempts::GoOn,
            })?;
        }
        Ok(())
    }

    pub(super) fn query_somebody(&mut self) -> Result<(), String> {
        let Some(run_id) = self.somebody()? else {
            return Ok(());
        };
        let query = Message::Query {
            run_id,
            name: "bumps".to_owned(),
            input: Payload::null(),
        };
        self.ask(query, Asked::Query)
    }

    pub(super) fn signal(&mut self, run_id: RunId) -> Result<(), String> {
        let state = self.store.load_run(run_id).map_err(|e| e.to_string())?;
        let Some(state) = state else { return Ok(()) };
        self.next_signal += 1;
        self.report.signals += 1;
        let signal = Message::Signal {
            workflow_id: state.workflow_id,
            name: "go".to_owned(),
            input: Payload::json(&self.next_signal).map_err(|e| e.to_string())?,
        };
        self.ask(signal, Asked::Signal(self.next_signal))
    }

    /// The dependency of guarded activities goes away for a while.
    pub(super) fn begin_an_outage(&mut self) {
        if self.now < self.outage_until || self.report.outages >= 3 {
            return;
        }
        self.report.outages += 1;
        let lasting = Millis(self.rng.below(90_000));
        self.outage_until = self.now.after(lasting);
    }

    pub(super) fn cancel(&mut self) -> Result<(), String> {
        let wanted = self
            .wanted
            .iter_mut()
            .find(|w| w.cancel && w.acknowledged && !w.cancel_sent);
        let Some(wanted) = wanted else { return Ok(()) };
        wanted.cancel_sent = true;
        let workflow_id = WorkflowId::new(wanted.id.clone());
        let reason = "the storm says so".to_owned();
        self.ask(
            Message::Cancel {
                workflow_id,
                reason,
            },
            Asked::Cancel,
        )
    }

    pub(super) fn answered(&mut self, token: Token, reply: Reply) -> Result<(), String> {
        match (self.tokens.remove(&token), reply) {
            (Some(Asked::Start(index)), Reply::Started(_) | Reply::AlreadyRunning(_)) => {
                self.wanted[index].acknowledged = true;
                Ok(())
            }
            (
                Some(Asked::SignalWithStart(index, n)),
                Reply::Started(_) | Reply::AlreadyRunning(_),
            ) => {
                self.wanted[index].acknowledged = true;
                self.report.begun_with_signal += 1;
                self.ledger.acknowledge_signal(n);
                Ok(())
            }
            (Some(Asked::StartAgain(policies)), reply) => self.started_again(policies, &reply),
            (Some(Asked::Schedule), Reply::Schedule(answer)) => {
                self.schedule_answered(&answer.body)
            }
            (Some(Asked::Signal(n)), Reply::Done) => {
                self.ledger.acknowledge_signal(n);
                Ok(())
            }
            (Some(Asked::Signal(_)), Reply::NotOpen) => Ok(()),
            (Some(Asked::Cancel), Reply::Done | Reply::NotOpen | Reply::Rejected(_)) => Ok(()),
            (Some(Asked::Describe(run_id)), Reply::Description(description)) => {
                let stored = self.store.load_run(run_id).map_err(|e| e.to_string())?;
                if stored.as_ref() == Some(&description.state) {
                    Ok(())
                } else {
                    Err(format!("run {run_id} in memory is not what the store has"))
                }
            }
            (Some(Asked::Describe(_)), Reply::NotOpen) => Ok(()),
            (Some(Asked::Update(n)), Reply::UpdateAccepted) => {
                self.ledger.tell_of_update(n, Told::Accepted);
                Ok(())
            }
            (Some(Asked::Update(n)), Reply::UpdateCompleted(_)) => {
                self.ledger.tell_of_update(n, Told::Completed);
                Ok(())
            }
            (Some(Asked::Update(n)), Reply::UpdateRejected(_)) => {
                self.ledger.tell_of_update(n, Told::Refused);
                Ok(())
            }
            (Some(Asked::Update(_)), Reply::NotOpen | Reply::Rejected(_)) => Ok(()),
            (Some(Asked::Token(spoken)), reply) => self.token_answered(spoken, &reply),
            (Some(Asked::Query), Reply::Answer(_) | Reply::NotOpen) => Ok(()),
            (Some(Asked::Reset), Reply::Made { .. }) => {
                self.report.resets += 1;
                Ok(())
            }
            (Some(Asked::Fork), Reply::Made { .. }) => {
                self.report.forks += 1;
                Ok(())
            }
            // The run went on, or another one took its id, before it was asked.
            (Some(Asked::Reset | Asked::Fork), Reply::Refused(_) | Reply::AlreadyRunning(_)) => {
                Ok(())
            }
            (_, reply) => Err(format!("an answer that nobody expects: {reply:?}")),
        }
    }
}
