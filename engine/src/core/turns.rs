//! One turn of workflow code, between the core that wants it and the thread that runs it.
//!
//! Neighbours: `turn` makes turns and takes in how they ended. A turn knows nothing of the core, so
//! that the core can go on without it when the code does not come back.

use std::time::{Duration, Instant};

use kernel::{
    Command, Definition, Failure, HistoryEvent, LocalEnd, Machine, News, RunId, TurnStart,
    WorkflowId, replay,
};

/// A turn of one run's code that is to be run.
#[derive(Debug)]
pub struct Turn {
    pub(super) run_id: RunId,
    pub(super) code: Code,
    /// What the code is told. For a cold machine, what it is told besides its history.
    pub(super) news: Vec<News>,
    pub(super) start: TurnStart,
    /// Local activities that ended.
    pub(super) ends: Vec<LocalEnd>,
    /// Whether this goes on with a turn that is open.
    pub(super) goes_on: GoesOn,
    /// Around everything that the code does.
    pub(super) span: tracing::Span,
}

/// Whether a turn is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoesOn {
    Yes,
    No,
}

/// Where the code of a turn stands.
#[derive(Debug)]
pub(super) enum Code {
    /// Between two turns.
    Warm(Machine),
    /// To be brought to where its history ends first.
    Cold {
        definition: Definition,
        workflow_id: WorkflowId,
        events: Vec<HistoryEvent>,
    },
}

/// A turn that was run.
#[derive(Debug)]
pub struct Turned {
    pub(super) run_id: RunId,
    /// `None` when the code could not be brought to where its history ends.
    pub(super) machine: Option<Machine>,
    pub(super) commands: Result<Vec<Command>, Failure>,
    pub(super) span: tracing::Span,
    /// How long it took to bring the code to where its history ends, if it had to be.
    pub(super) replay_took: Option<Duration>,
    /// And the turn itself.
    pub(super) took: Duration,
}

impl Turn {
    /// Runs the code until it waits. **Blocks** for as long as the code does.
    #[must_use]
    pub fn run(self) -> Turned {
        let Self {
            run_id,
            code,
            mut news,
            start,
            ends,
            goes_on,
            span,
        } = self;
        // The body may use tracing itself.
        let in_span = span.enter();
        let began = Instant::now();
        let (warmed, replay_took) = match code {
            Code::Warm(machine) => (Ok(machine), None),
            Code::Cold {
                definition,
                workflow_id,
                events,
            } => {
                let replayed = replay(&definition, workflow_id, run_id, &events);
                (
                    replayed.map(|replayed| {
                        news.splice(..0, replayed.unseen);
                        replayed.machine
                    }),
                    Some(began.elapsed()),
                )
            }
        };
        let (machine, commands) = match warmed {
            Ok(mut machine) => {
                let commands = match goes_on {
                    GoesOn::Yes => Ok(Vec::new()),
                    GoesOn::No => machine.advance(news, start),
                };
                let commands = commands.and_then(|mut commands| {
                    commands.extend(machine.resume(ends)?);
                    Ok(commands)
                });
                (Some(machine), commands)
            }
            Err(error) => (None, Err(Failure::internal(error.to_string()))),
        };
        let took = began
            .elapsed()
            .saturating_sub(replay_took.unwrap_or_default());
        drop(in_span);
        Turned {
            run_id,
            machine,
            commands,
            span,
            replay_took,
            took,
        }
    }
}
