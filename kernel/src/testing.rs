//! A tiny engine for the tests: pure, one run, everything outside the run comes from a seed.
//!
//! Neighbours: [`bodies`] are the workflows it drives. Must not be compiled outside tests.

pub(crate) mod bodies;
mod properties;

use crate::cx::LocalEnd;
use crate::decide::{ChildOutcome, Input, Rejection, StartRequest, decide, start};
use crate::event::{HistoryEvent, Transition};
use crate::failure::Failure;
use crate::ids::{EventId, Millis, RunId, Timestamp, WorkflowId};
use crate::machine::{Definition, Machine, News, TurnStart, WorkflowInfo};
use crate::payload::Payload;
use crate::primitives::{activity, child, workflow_task};
use crate::run_state::RunState;
use crate::{Command, EventKind, LocalOutcome};

pub(crate) const RUN: RunId = RunId([9; 16]);
/// A run that was made of `RUN`'s history.
pub(crate) const RESET_RUN: RunId = RunId([11; 16]);
pub(crate) const NEXT_RUN: RunId = RunId([10; 16]);

pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Payload {
    Payload::json(value).unwrap()
}

/// The engine's own source of chance, apart from the run's.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((self.0 >> 33) % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
}

/// What the outside does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// Only what the run waits for.
    Quiet,
    /// A cancellation comes at some time.
    Cancels,
}

pub(crate) struct TestRun {
    pub(crate) state: RunState,
    pub(crate) machine: Machine,
    pub(crate) unseen: Vec<News>,
    pub(crate) history: Vec<HistoryEvent>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) now: Timestamp,
}

impl TestRun {
    pub(crate) fn new(definition: &Definition, input: Payload) -> Self {
        let request = StartRequest::new(
            WorkflowId::new("test-run"),
            RUN,
            definition.workflow_type(),
            input.clone(),
        );
        let now = Timestamp(1_000);
        let (state, transition) = start(request, now).unwrap();
        let EventKind::WorkflowExecutionStarted { seed, .. } = transition.events[0].kind else {
            panic!("a run starts with its start")
        };
        let info = WorkflowInfo::of(&state, seed);
        Self {
            state,
            machine: Machine::new(definition, info, input),
            unseen: Vec::new(),
            history: transition.events.clone(),
            transitions: vec![transition],
            now,
        }
    }

    pub(crate) fn feed(&mut self, input: Input) -> Result<(), Rejection> {
        let transition = decide(&self.state, input, self.now)?;
        self.unseen.extend(self.state.apply(&transition).unwrap());
        self.history.extend(transition.events.iter().cloned());
        self.transitions.push(transition);
        Ok(())
    }

    /// One turn of the code, if it is owed one; gives the commands.
    pub(crate) fn turn(&mut self) -> Vec<Command> {
        if self.state.workflow_task == workflow_task::State::Idle {
            return Vec::new();
        }
        let news = std::mem::take(&mut self.unseen);
        let turn = self.state.turn_start(self.now);
        let commands = whole_turn(&mut self.machine, news, turn);
        self.feed(Input::WorkflowTaskCompleted {
            commands: commands.clone(),
            successor: Some(NEXT_RUN),
        })
        .unwrap();
        commands
    }

    /// Everything that may happen next, without chance.
    fn possible(&self) -> Vec<Input> {
        let activities = self
            .state
            .activities
            .iter()
            .map(|(id, a)| Input::ActivityResult {
                scheduled_event_id: *id,
                attempt: a.attempt,
                result: match a.state {
                    activity::State::CancelRequested | activity::State::HeldCancelRequested => {
                        Err(Failure::canceled("told to stop"))
                    }
                    activity::State::Scheduled
                    | activity::State::BackingOff
                    | activity::State::Completed
                    | activity::State::Failed
                    | activity::State::TimedOut
                    | activity::State::Held
                    | activity::State::Canceled => attempt(&a.activity_type, a.attempt, &a.input),
                },
            });
        let timers = self.state.timers.keys().map(|id| Input::TimerDue {
            started_event_id: *id,
        });
        let children = self.state.children.iter().map(|(id, c)| match c.state {
            child::State::Initiated | child::State::InitiatedCancelRequested => {
                Input::ChildStarted {
                    initiated_event_id: *id,
                    run_id: RunId([8; 16]),
                }
            }
            child::State::StartedCancelRequested => Input::ChildClosed {
                initiated_event_id: *id,
                outcome: ChildOutcome::Canceled,
            },
            child::State::Started | child::State::StartFailed | child::State::Closed => {
                let outcome = ChildOutcome::Completed(json(&7));
                Input::ChildClosed {
                    initiated_event_id: *id,
                    outcome,
                }
            }
        });
        activities.chain(timers).chain(children).collect()
    }

    /// The time at which an input can come at the earliest.
    fn time_of(&self, input: &Input) -> Timestamp {
        let at = if let Input::ActivityResult {
            scheduled_event_id, ..
        } = input
        {
            self.state
                .activities
                .get(scheduled_event_id)
                .map(|a| a.next_attempt_at)
        } else if let Input::TimerDue { started_event_id } = input {
            self.state.timers.get(started_event_id).map(|t| t.fires_at)
        } else {
            None
        };
        at.unwrap_or(self.now).max(self.now).after(Millis(1))
    }

    /// Runs to the end in an order that the seed gives. Panics if the run comes to rest before.
    pub(crate) fn run(&mut self, seed: u64, outside: Outside) {
        let mut chance = Chance(seed);
        let cancel_at = chance.below(12);
        let mut signals = 0_u32;
        for step in 0..1_000 {
            if chance.below(3) > 0 {
                self.turn();
            }
            if self.state.is_closed() {
                return;
            }
            if outside == Outside::Cancels && step == cancel_at {
                self.feed(Input::CancelRequest {
                    reason: "enough".to_owned(),
                })
                .unwrap();
            }
            let mut possible = self.possible();
            if signals < 5 {
                let name = if chance.below(4) == 0 { "stop" } else { "add" };
                possible.push(Input::Signal {
                    name: name.to_owned(),
                    input: json(&signals),
                });
            }
            if !possible.is_empty() {
                let input = possible.swap_remove(chance.below(possible.len()));
                signals += u32::from(matches!(input, Input::Signal { .. }));
                self.now = self.time_of(&input);
                self.feed(input).unwrap();
            }
        }
        panic!("the run does not end; its history: {:#?}", self.history);
    }

    /// Runs to the end without chance and signals: the first thing that can happen happens.
    pub(crate) fn run_in_order(&mut self) {
        while !self.state.is_closed() {
            self.turn();
            if let Some(input) = self.possible().into_iter().next() {
                self.now = self.time_of(&input);
                self.feed(input).unwrap();
            }
        }
    }

    pub(crate) fn complete(&mut self, event: u64, value: u64) {
        let input = Input::ActivityResult {
            scheduled_event_id: EventId(event),
            attempt: 1,
            result: Ok(json(&value)),
        };
        self.feed(input).unwrap();
    }
}

/// A turn with the local activities that it begins: each gives its input, the last one first.
pub(crate) fn whole_turn(machine: &mut Machine, news: Vec<News>, turn: TurnStart) -> Vec<Command> {
    let mut commands = machine.advance(news, turn).unwrap();
    loop {
        let begun = machine.take_local_activities();
        if begun.is_empty() {
            return commands;
        }
        let ends = begun.into_iter().rev().map(|task| LocalEnd {
            seq: task.seq,
            attempt: task.attempt,
            outcome: LocalOutcome::Completed(task.input),
        });
        commands.extend(machine.resume(ends.collect()).unwrap());
    }
}

/// What the activities of the tests do.
fn attempt(activity_type: &str, attempt: u32, input: &Payload) -> Result<Payload, Failure> {
    match activity_type {
        "Flaky" if attempt < 3 => Err(Failure::retryable("Busy", "come back later")),
        "Broken" => Err(Failure::permanent("Broken", "it never works")),
        _ => Ok(input.clone()),
    }
}
