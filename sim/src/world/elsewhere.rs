//! Attempts that clients complete with their tokens, before or after their functions return.
//!
//! Neighbours: the world hands tokens out, the ledger keeps who said what; a client outlives crashes,
//! and says again what was not answered.

use engine::core::{Message, Reply, TaskRef, TokenWord};
use kernel::{Failure, Payload, TaskToken, TokenRefusal};
use state::store::Store;

use super::{Asked, World};
use crate::check;
use crate::report::Plant;
use crate::script;

/// What a client with a token said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Beat(TaskToken),
    Result(TaskToken),
    Failure(TaskToken),
}

impl World {
    /// The function of an attempt returns; its worker says so, once or twice.
    pub(super) fn hold(&mut self, task: TaskRef) -> Result<(), String> {
        self.report.held += 1;
        if self.rng.chance(8) {
            self.report.repeated += 1;
            self.tell(Message::AttemptHeld { task })?;
        }
        self.tell(Message::AttemptHeld { task })
    }

    pub(super) fn somebody_elsewhere_speaks(&mut self) -> Result<(), String> {
        if self.elsewhere.is_empty() {
            return self.end_an_attempt();
        }
        let index = self.rng.index(self.elsewhere.len());
        let Some((token, act)) = self.elsewhere.iter().nth(index) else {
            return Ok(());
        };
        let (token, act) = (*token, act.clone());
        let task = TaskRef::from(&token);
        self.report.by_token += 1;
        let json = |value: u64| Payload::json(&value).map_err(|e| e.to_string());
        if self.rng.chance(40) {
            let details = json(self.rng.below(100))?;
            // Saved within a second only: what the next attempt reads is open.
            self.ledger.forget_beat(task);
            let word = TokenWord::Heartbeat(Some(details));
            return self.ask(
                Message::ByToken { token, word },
                Asked::Token(Spoken::Beat(token)),
            );
        }
        let (word, spoken) = if act.permanent {
            let failure = Failure::permanent("Broken", "it is meant to fail");
            (TokenWord::Fail(failure), Spoken::Failure(token))
        } else if token.attempt <= act.failures {
            let failure = Failure::retryable("Flaky", "not yet");
            (TokenWord::Fail(failure), Spoken::Failure(token))
        } else {
            (TokenWord::Complete(json(act.value)?), Spoken::Result(token))
        };
        self.ledger.report(task);
        self.ask(Message::ByToken { token, word }, Asked::Token(spoken))
    }

    /// An answer is of what is durable: the attempt is over exactly if it says so.
    pub(super) fn token_answered(&mut self, spoken: Spoken, reply: &Reply) -> Result<(), String> {
        let (Spoken::Beat(token) | Spoken::Result(token) | Spoken::Failure(token)) = spoken;
        let state = self
            .store
            .load_run(token.run_id)
            .map_err(|e| e.to_string())?;
        let standing = match &state {
            Some(state) => state.of_token(&token).map(drop),
            None => Err(TokenRefusal::UnknownRun(token.run_id)),
        };
        if let Reply::TokenHeard { .. } = reply
            && let Spoken::Beat(_) = spoken
        {
            return Ok(());
        }
        self.elsewhere.remove(&token);
        if standing.is_ok() {
            return Err(format!("{spoken:?} got {reply:?}, but its attempt goes on"));
        }
        let is_lie = self.plant == Plant::StaleToken && matches!(reply, Reply::TokenRefused(_));
        if *reply == Reply::Done || is_lie {
            if let Spoken::Result(_) = spoken {
                return self.ledger.acknowledge_result(TaskRef::from(&token));
            }
            return Ok(());
        }
        if let Reply::TokenRefused(_) = reply {
            return Ok(());
        }
        Err(format!("{spoken:?} got {reply:?}"))
    }

    /// Whether a client has ended an attempt of which its worker may not have been told yet.
    pub(super) fn may_be_over(&self, task: TaskRef) -> bool {
        self.tokens.values().any(|asked| match asked {
            Asked::Token(Spoken::Result(token) | Spoken::Failure(token)) => {
                TaskRef::from(token) == task
            }
            Asked::Token(Spoken::Beat(_))
            | Asked::Start(_)
            | Asked::Cancel
            | Asked::Signal(_)
            | Asked::Describe(_)
            | Asked::Update(_)
            | Asked::Query
            | Asked::Reset
            | Asked::Fork
            | Asked::SignalWithStart(..)
            | Asked::StartAgain(_)
            | Asked::Schedule => false,
        })
    }

    /// What a worker said and was not saved is gone with a crash. Where the attempt is not made again,
    /// because a client ends it, nobody says it again; one that is held was saved with that.
    pub(super) fn forget_unsaved_beats(&mut self) -> Result<(), String> {
        for token in self.elsewhere.keys() {
            let state = self
                .store
                .load_run(token.run_id)
                .map_err(|e| e.to_string())?;
            let pending = state.as_ref().and_then(|state| state.of_token(token).ok());
            if pending.is_some_and(|pending| pending.held.is_none()) {
                self.ledger.forget_beat(TaskRef::from(token));
            }
        }
        Ok(())
    }

    /// Permits are held by attempts with workers and by those that are held elsewhere.
    pub(super) fn count_the_guarded(&self) -> Result<(), String> {
        let held = check::held_and_guarded(&self.store)?;
        let permits = usize::try_from(script::PERMITS).unwrap_or(0);
        if self.guarded.len() + held > permits {
            let guarded = &self.guarded;
            return Err(format!(
                "too many hold a permit: {guarded:?} and {held} elsewhere"
            ));
        }
        Ok(())
    }
}
