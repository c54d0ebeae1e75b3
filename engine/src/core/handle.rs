//! Messages from outside: each becomes inputs of runs, or an answer, in the group under way.
//!
//! Neighbours: `feed` carries inputs into runs, `recover` takes up runs that are not in memory.
//! Must not commit: nothing that happens here is durable or told to anybody yet.

use kernel::{Attempts, Input, Rejection, RunId, Timestamp, WorkflowId};
use state::store::{Error as StoreError, Row};

use super::Core;
use super::message::{Effect, Message, Reply, Token};

/// Longest key of a row; the store refuses a whole group for a longer one.
pub(super) const ROW_KEY_BYTES_MAX: usize = 512;

impl Core {
    /// Takes one message. Nothing of it is durable, and nothing is answered, before the next
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn handle(
        &mut self,
        message: Message,
        token: Option<Token>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.now = now;
        let reply = match message {
            Message::Start(spec) => Some(self.start_run(&spec, now)?),
            Message::SignalWithStart { spec, name, input } => {
                let signal = Input::Signal { name, input };
                Some(self.signal_with_start(spec, signal, now)?)
            }
            Message::Reset(request) => Some(self.reset(*request, now)?),
            Message::Fork(request) => Some(self.fork(*request, now)?),
            Message::Import(imported) => Some(self.import(*imported, now)?),
            Message::Adopt(run_id) => {
                self.adopt(run_id, now)?;
                Some(Reply::Done)
            }
            Message::AdoptAll => {
                self.adopt_all(now)?;
                Some(Reply::Done)
            }
            Message::Signal {
                workflow_id,
                name,
                input,
            } => Some(self.send(&workflow_id, Input::Signal { name, input }, now)?),
            Message::Cancel {
                workflow_id,
                reason,
            } => Some(self.send(&workflow_id, Input::CancelRequest { reason }, now)?),
            Message::Terminate {
                workflow_id,
                reason,
            } => Some(self.send(&workflow_id, Input::Terminate { reason }, now)?),
            Message::Pause {
                workflow_id,
                reason,
            } => Some(self.send(&workflow_id, Input::Pause { reason }, now)?),
            Message::Unpause { workflow_id } => {
                Some(self.send(&workflow_id, Input::Unpause, now)?)
            }
            Message::RetryActivityNow {
                workflow_id,
                scheduled_event_id,
            } => {
                let input = Input::ActivityRetryNow { scheduled_event_id };
                Some(self.send(&workflow_id, input, now)?)
            }
            Message::ResetActivity {
                workflow_id,
                scheduled_event_id,
                heartbeat,
                after,
            } => {
                let input = Input::ActivityReset {
                    scheduled_event_id,
                    heartbeat,
                    after,
                };
                Some(self.begin_again(&workflow_id, scheduled_event_id, input, now)?)
            }
            Message::PauseActivity {
                workflow_id,
                scheduled_event_id,
                by,
                reason,
            } => {
                let input = Input::ActivityPause {
                    scheduled_event_id,
                    by,
                    reason,
                };
                Some(self.send(&workflow_id, input, now)?)
            }
            Message::UnpauseActivity {
                workflow_id,
                scheduled_event_id,
                attempts,
            } => {
                let input = Input::ActivityUnpause {
                    scheduled_event_id,
                    attempts,
                };
                Some(match attempts {
                    Attempts::GoOn => self.send(&workflow_id, input, now)?,
                    Attempts::BeginAgain => {
                        self.begin_again(&workflow_id, scheduled_event_id, input, now)?
                    }
                })
            }
            Message::ResolveActivity {
                workflow_id,
                scheduled_event_id,
                result,
            } => Some(self.resolve_activity(&workflow_id, scheduled_event_id, result, now)?),
            Message::Query {
                run_id,
                name,
                input,
            } => {
                self.ask_query(run_id, name, input, token);
                None
            }
            Message::Update {
                workflow_id,
                update_id,
                name,
                input,
                stage,
            } => {
                let asked = (update_id, name, input);
                self.ask_update(&workflow_id, asked, (token, stage), now)?
            }
            Message::AttemptEnded { task, result } => {
                self.attempt_ended(task, result, now);
                None
            }
            Message::AttemptHeld { task } => {
                self.attempt_held(task, now);
                None
            }
            Message::ByToken { token: of, word } => Some(self.by_token(&of, word, now)?),
            Message::LocalActivityEnded { number, result } => {
                self.local_ended(number, result, now);
                None
            }
            Message::Heartbeat { task, details } => {
                self.heartbeat(task, details, now);
                None
            }
            Message::PutRows(rows) => Some(self.put_rows(rows)),
            Message::Describe(run_id) => {
                if self.dormant.holds(run_id) {
                    self.adopt(run_id, now)?;
                }
                Some(self.describe(run_id, now))
            }
            Message::Wait(run_id) => self.wait(run_id, token, now)?,
            Message::Schedule(request) => Some(self.ask_schedules(request, now)?),
        };
        if let (Some(reply), Some(token)) = (reply, token) {
            self.group.effects.push(Effect::Reply(token, reply));
        }
        Ok(())
    }

    /// Rows that the store would refuse are refused here, so that they do not take the rest of
    /// their group along.
    fn put_rows(&mut self, rows: Vec<Row>) -> Reply {
        if let Some(row) = rows.iter().find(|row| row.key.len() > ROW_KEY_BYTES_MAX) {
            let bytes = row.key.len();
            return Reply::Rejected(Rejection::OverLimit(format!(
                "the key of a row has {bytes} bytes, the limit is {ROW_KEY_BYTES_MAX}"
            )));
        }
        self.group.rows.extend(rows);
        Reply::Done
    }

    /// Answers when the run has closed. A run that is open and that nobody works on is taken up:
    /// otherwise the answer would never come.
    fn wait(
        &mut self,
        run_id: RunId,
        token: Option<Token>,
        now: Timestamp,
    ) -> Result<Option<Reply>, StoreError> {
        if !self.runs.contains_key(&run_id) {
            match self.store.load_run(run_id)? {
                None => return Ok(Some(Reply::NotOpen)),
                Some(state) if state.is_closed() => return Ok(Some(Reply::Closed(run_id))),
                Some(_) => self.adopt(run_id, now)?,
            }
        }
        if self
            .runs
            .get(&run_id)
            .is_none_or(|live| live.state.is_closed())
        {
            // It closed in this very group; the answer goes out when that is durable.
            return Ok(Some(Reply::Closed(run_id)));
        }
        if let Some(token) = token {
            self.waiters.entry(run_id).or_default().push(token);
        }
        Ok(None)
    }

    /// Forgets those who wait for runs and whose token `keep` refuses: they have gone away.
    pub fn retain_waiters(&mut self, keep: impl Fn(Token) -> bool) {
        self.waiters.retain(|_, tokens| {
            tokens.retain(|token| keep(*token));
            !tokens.is_empty()
        });
    }

    /// Gives an input to the open run of an id.
    fn send(
        &mut self,
        workflow_id: &WorkflowId,
        input: Input,
        now: Timestamp,
    ) -> Result<Reply, StoreError> {
        let Some(run_id) = self.open_run_of(workflow_id, now)? else {
            return Ok(Reply::NotOpen);
        };
        Ok(match self.feed(run_id, input, now) {
            Ok(()) => Reply::Done,
            Err(rejection) => Reply::Rejected(rejection),
        })
    }
}
