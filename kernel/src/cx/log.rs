//! The body's side of logging: lines leave with the turn that wrote them, and only once.
//!
//! The kernel keeps them, whoever drives the machine decides where they go. A turn that repeats the
//! past writes none.

use std::fmt::Display;

use super::calls::Cx;
use super::shared::Inner;
use crate::limits::LOG_LINES_PER_TURN_MAX;
use crate::machine::Replaying;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever works on the code.
    Debug,
    /// What happens.
    Info,
    /// What somebody should look at some time.
    Warn,
    /// What somebody should look at now.
    Error,
}

/// One line that workflow code wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// The lines of a turn.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<LogLine>,
    n_dropped: usize,
}

impl Cx {
    /// Writes a line to the log of whoever runs the workflow, once: while the code repeats its past
    /// nothing is written, and the line is not even made into text. A turn that fails and is tried
    /// again writes its lines again. Queries and validators write none.
    ///
    /// ```
    /// use kernel::{Cx, Failure, LogLevel};
    /// async fn order(cx: Cx, items: u32) -> Result<(), Failure> {
    ///     cx.log(LogLevel::Info, format_args!("{items} items to pack"));
    ///     Ok(())
    /// }
    /// # drop(order);
    /// ```
    pub fn log(&self, level: LogLevel, line: impl Display) {
        if !self.shared().with(|inner| inner.is_logging()) {
            return;
        }
        // Foreign code runs here, so the lock is not held.
        let text = line.to_string();
        self.shared()
            .with(|inner| inner.log.write(LogLine { level, text }));
    }
}

impl Log {
    fn write(&mut self, line: LogLine) {
        if self.lines.len() < LOG_LINES_PER_TURN_MAX {
            self.lines.push(line);
        } else {
            self.n_dropped += 1;
        }
    }

    /// The lines so far, in order; the last one says how many more there were.
    fn take(&mut self) -> Vec<LogLine> {
        let mut lines = std::mem::take(&mut self.lines);
        let n_dropped = std::mem::take(&mut self.n_dropped);
        if n_dropped > 0 {
            lines.push(LogLine {
                level: LogLevel::Warn,
                text: format!("{n_dropped} more lines of this turn were left out"),
            });
        }
        lines
    }
}

impl Inner {
    fn is_logging(&self) -> bool {
        self.replaying == Replaying::No && !self.is_reading()
    }

    pub(crate) fn take_log(&mut self) -> Vec<LogLine> {
        self.log.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Input;
    use crate::failure::Failure;
    use crate::ids::Millis;
    use crate::machine::Definition;
    use crate::replay::replay;
    use crate::testing::{TestRun, json};

    async fn chatty(cx: Cx, n: usize) -> Result<(), Failure> {
        cx.log(LogLevel::Info, "before");
        cx.sleep(Millis(1)).await?;
        for line in 0..n {
            cx.log(LogLevel::Warn, line);
        }
        Ok(())
    }

    /// The nap ends and the code has its second turn.
    fn fire(run: &mut TestRun) {
        let started_event_id = *run.state.timers.keys().next().unwrap();
        run.now = run.now.after(Millis(1));
        run.feed(Input::TimerDue { started_event_id }).unwrap();
        run.turn();
    }

    #[test]
    fn lines_leave_with_their_turn_and_a_replay_writes_none() {
        let definition = Definition::new("body", chatty);
        let mut run = TestRun::new(&definition, json(&2_usize));
        run.turn();
        let texts = |lines: Vec<LogLine>| lines.into_iter().map(|l| l.text).collect::<Vec<_>>();
        assert_eq!(texts(run.machine.take_log()), ["before"]);
        let replayed = replay(
            &definition,
            run.state.workflow_id.clone(),
            run.state.run_id,
            &run.history,
        );
        assert_eq!(texts(replayed.unwrap().machine.take_log()), [""; 0]);
        fire(&mut run);
        assert_eq!(texts(run.machine.take_log()), ["0", "1"]);
        assert_eq!(texts(run.machine.take_log()), [""; 0]);
    }

    #[test]
    fn a_turn_that_writes_without_end_is_cut_and_says_so() {
        let definition = Definition::new("body", chatty);
        let mut run = TestRun::new(&definition, json(&(LOG_LINES_PER_TURN_MAX + 7)));
        run.turn();
        drop(run.machine.take_log());
        fire(&mut run);
        let lines = run.machine.take_log();
        assert_eq!(lines.len(), LOG_LINES_PER_TURN_MAX + 1);
        let last = lines.last().unwrap();
        assert_eq!(last.text, "7 more lines of this turn were left out");
    }
}
