//! Who runs the turns of workflow code: this thread, or one that may be given up.
//!
//! Neighbours: `turn` hands machines over and takes them back. Must not know what a run is.

use kernel::{Command, Failure, Machine, News, RunId, TurnStart};

/// What workflow code gave in a turn.
pub type Commands = Result<Vec<Command>, Failure>;

/// Runs turns of workflow code, one after the other.
pub trait Turns: Send {
    /// Runs one turn of one run's machine and gives the machine back; `None` when the code did
    /// not return in time. The machine is lost then.
    fn advance(
        &mut self,
        run_id: RunId,
        machine: Machine,
        news: Vec<News>,
        turn: TurnStart,
    ) -> Option<(Machine, Commands)>;

    /// Whether a turn of a run that did not return in time is at work still.
    fn is_stuck(&self, run_id: RunId) -> bool;
}

/// Runs turns on the thread that asks: for code that is known to return, and where each step has
/// to be the same again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Turns for Inline {
    fn advance(
        &mut self,
        _run_id: RunId,
        mut machine: Machine,
        news: Vec<News>,
        turn: TurnStart,
    ) -> Option<(Machine, Commands)> {
        let commands = machine.advance(news, turn);
        Some((machine, commands))
    }

    fn is_stuck(&self, _run_id: RunId) -> bool {
        false
    }
}
