//! Queries: what outsiders ask of workflow code that changes nothing.
//!
//! A query leaves no trace. It is asked between turns, after a commit, by whoever runs the turns: its
//! handler is foreign code, and may not come back either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{EventId, Failure, HistoryEvent, Machine, News, Payload, RunId, RunState, replay};
use state::store::Error as StoreError;

use super::Core;
use super::message::{Effect, Reply, Token};
use super::turns::Code;

/// Events read from the store at a time.
const HISTORY_PAGE: usize = 4_096;

/// A query that is to be asked.
#[derive(Debug)]
pub(super) struct Query {
    run_id: RunId,
    name: String,
    input: Payload,
    token: Token,
}

/// A query with the code that is to answer it.
#[derive(Debug)]
pub struct Question {
    query: Query,
    /// Or why there is none.
    code: Result<Code, Reply>,
}

/// A question that was asked.
#[derive(Debug)]
pub struct Answered {
    run_id: RunId,
    token: Token,
    reply: Reply,
    /// The code, and what it has not seen if it was brought back for this.
    machine: Option<(Machine, Option<Vec<News>>)>,
}

impl Question {
    /// Asks. **Blocks** for as long as the code does.
    #[must_use]
    pub fn ask(self) -> Answered {
        let Query {
            run_id,
            name,
            input,
            token,
        } = self.query;
        let brought = self.code.and_then(|code| match code {
            Code::Warm(machine) => Ok((machine, None)),
            Code::Cold {
                definition,
                workflow_id,
                events,
            } => match replay(&definition, workflow_id, run_id, &events) {
                Ok(replayed) => Ok((replayed.machine, Some(replayed.unseen))),
                Err(error) => Err(Reply::Answer(Err(Failure::internal(error.to_string())))),
            },
        });
        let (reply, machine) = match brought {
            Ok((mut machine, unseen)) => {
                let answer = machine.query(&name, &input);
                (Reply::Answer(answer), Some((machine, unseen)))
            }
            Err(reply) => (reply, None),
        };
        Answered {
            run_id,
            token,
            reply,
            machine,
        }
    }
}

impl Core {
    pub(super) fn ask_query(
        &mut self,
        run_id: RunId,
        name: String,
        input: Payload,
        token: Option<Token>,
    ) {
        if let Some(token) = token {
            self.queries.push_back(Query {
                run_id,
                name,
                input,
                token,
            });
        }
    }

    /// The next query to be asked, after a commit: it is run, and told to
    /// [`end_question`](Self::end_question) or [`give_up_question`](Self::give_up_question) before
    /// anything else. One of a run that is owed a turn waits for that.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next_question(&mut self) -> Result<Option<Question>, StoreError> {
        let is_owed = |query: &Query| self.runs.get(&query.run_id).is_some_and(|live| live.dirty);
        let Some(at) = self.queries.iter().position(|query| !is_owed(query)) else {
            return Ok(None);
        };
        let Some(query) = self.queries.remove(at) else {
            return Ok(None);
        };
        let code = self.code_to_ask(query.run_id)?;
        self.asking = Some((query.run_id, query.token));
        Ok(Some(Question { query, code }))
    }

    /// The answer to the last question.
    pub fn end_question(&mut self, answered: Answered) -> Effect {
        self.asking = None;
        let run_id = answered.run_id;
        // A run that is not in memory was brought back for this moment only.
        if let (Some((machine, unseen)), Some(live)) =
            (answered.machine, self.runs.get_mut(&run_id))
        {
            live.machine = Some(machine);
            if let Some(unseen) = unseen {
                live.unseen = unseen;
            }
            self.touch_machine(run_id);
        }
        Effect::Reply(answered.token, answered.reply)
    }

    /// The code has not come back from the last question. Its run goes on with other code, but is
    /// asked nothing before it has: then `is_back` must be set. `None` when no question is out.
    pub fn give_up_question(&mut self, is_back: &Arc<AtomicBool>) -> Option<Effect> {
        let (run_id, token) = self.asking.take()?;
        self.stuck_queries.insert(run_id, Arc::clone(is_back));
        let failure = Failure::internal(
            "the query did not return in time: its handler must wait for nothing",
        );
        tracing::error!(%run_id, %failure, "query failed");
        self.lose_machine(run_id, &failure);
        Some(Effect::Reply(token, Reply::Answer(Err(failure))))
    }

    fn code_to_ask(&mut self, run_id: RunId) -> Result<Result<Code, Reply>, StoreError> {
        let refused = |text: &str| Err(Reply::Answer(Err(Failure::internal(text))));
        self.stuck_queries
            .retain(|_, is_back| !is_back.load(Ordering::Acquire));
        if self.is_stuck(run_id) {
            return Ok(refused("the workflow code has not come back from a turn"));
        }
        if self.stuck_queries.contains_key(&run_id) {
            return Ok(refused("an earlier query of this run has not come back"));
        }
        if let Some(live) = self.runs.get_mut(&run_id) {
            if let Some(machine) = live.machine.take() {
                return Ok(Ok(Code::Warm(machine)));
            }
            let cold = self.history_to_replay(run_id)?;
            return Ok(cold.map_or(Err(Reply::NotOpen), |cold| {
                cold.map_err(|failure| Reply::Answer(Err(failure)))
            }));
        }
        let Some(state) = self.store.load_run(run_id)? else {
            return Ok(Err(Reply::NotOpen));
        };
        let cold = self.code_of(&state)?;
        Ok(cold.map_err(|failure| Reply::Answer(Err(failure))))
    }

    /// What it takes to bring a run's code to where its history ends; a failure says why that cannot
    /// be.
    pub(super) fn code_of(&self, state: &RunState) -> Result<Result<Code, Failure>, StoreError> {
        let Some(definition) = self.options.workflows.get(&state.workflow_type) else {
            return Ok(Err(Failure::internal(format!(
                "no workflow of type {:?} is registered in this binary",
                state.workflow_type
            ))));
        };
        Ok(Ok(Code::Cold {
            definition: definition.clone(),
            workflow_id: state.workflow_id.clone(),
            events: self.whole_history(state)?,
        }))
    }

    pub(super) fn whole_history(&self, state: &RunState) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut events: Vec<HistoryEvent> = Vec::new();
        let mut after = EventId(0);
        while after < state.last_event_id {
            let page = self.store.load_history(state.run_id, after, HISTORY_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            events.extend(page);
        }
        Ok(events)
    }
}
