//! Progress of a run on stderr: a redrawn block on a terminal, plain lines when piped.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use kernel::Millis;

use crate::render;
use crate::terminal;
use crate::time_text;
use crate::views::{StageView, StatusView};

/// The rate is taken over this much of the past.
const WINDOW: Duration = Duration::from_secs(5);
/// Piped output gets a line for a running stage at most this often.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Shows one run at a time.
pub(crate) struct Progress {
    mode: Mode,
    lines_drawn: usize,
    /// Bytes read at past moments, for the rate.
    samples: VecDeque<(Instant, u64)>,
    /// Per stage, what was said last, and when.
    said: Vec<(String, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Silent,
    Plain,
    Terminal,
}

impl Progress {
    pub(crate) fn new(silent: bool) -> Self {
        let mode = if silent {
            Mode::Silent
        } else if std::io::stderr().is_terminal() {
            Mode::Terminal
        } else {
            Mode::Plain
        };
        Self {
            mode,
            lines_drawn: 0,
            samples: VecDeque::new(),
            said: Vec::new(),
        }
    }

    /// Shows how the run stands now.
    pub(crate) fn show(&mut self, status: &StatusView) {
        let rate = self.rate(status);
        match self.mode {
            Mode::Silent => {}
            Mode::Plain => self.plain(status, rate),
            Mode::Terminal => self.redraw(status, rate),
        }
    }

    /// The last word on a run.
    pub(crate) fn finish(&mut self, status: &StatusView) {
        self.show(status);
        self.lines_drawn = 0;
        self.said.clear();
        self.samples.clear();
        if self.mode == Mode::Plain {
            let took = time_text::duration(Millis(status.elapsed_ms));
            say(&format!(
                "{} {} after {took}",
                status.workflow_id,
                status.status.to_lowercase()
            ));
        }
    }

    /// Takes the block off the terminal.
    pub(crate) fn clear(&mut self) {
        if self.mode == Mode::Terminal && self.lines_drawn > 0 {
            let _closed = write!(std::io::stderr(), "\x1b[{}A\x1b[J", self.lines_drawn);
            self.lines_drawn = 0;
        }
    }

    /// Bytes a second over the window.
    fn rate(&mut self, status: &StatusView) -> Option<u64> {
        let bytes = status.meters.get("bytes").copied()?;
        let now = Instant::now();
        self.samples.push_back((now, bytes));
        while self
            .samples
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
        let (since, before) = *self.samples.front()?;
        let millis = u64::try_from(now.duration_since(since).as_millis()).ok()?;
        (millis >= 200).then(|| bytes.saturating_sub(before) * 1_000 / millis)
    }

    fn plain(&mut self, status: &StatusView, rate: Option<u64>) {
        for stage in &status.stages {
            let line = stage_line(stage, status, rate);
            let last = self
                .said
                .iter_mut()
                .find(|(said, _)| said.split_whitespace().next() == line.split_whitespace().next());
            let due = match &last {
                None => stage.state != "waiting",
                Some((said, at)) => {
                    *said != line
                        && stage.state != "waiting"
                        && (stage.state != "running" || at.elapsed() >= PLAIN_EVERY)
                }
            };
            if due {
                say(&line);
                match last {
                    Some(entry) => *entry = (line, Instant::now()),
                    None => self.said.push((line, Instant::now())),
                }
            }
        }
    }

    fn redraw(&mut self, status: &StatusView, rate: Option<u64>) {
        let mut block = String::new();
        if self.lines_drawn > 0 {
            block.push_str(&format!("\x1b[{}A", self.lines_drawn));
        }
        let head = format!(
            "{}  {}  {}",
            render::plain(&status.workflow_id),
            status.status.to_lowercase(),
            time_text::duration(Millis(status.elapsed_ms))
        );
        let mut lines = vec![head];
        for stage in &status.stages {
            lines.push(format!("  {}", stage_line(stage, status, rate)));
        }
        if !status.is_closed() && !status.waiting_on.is_empty() {
            lines.push(format!(
                "  waiting on {}",
                render::plain(&status.waiting_on)
            ));
        }
        let width = terminal::width();
        for line in &lines {
            let shown: String = line.chars().take(width.saturating_sub(1)).collect();
            block.push_str("\x1b[2K");
            block.push_str(&shown);
            block.push('\n');
        }
        block.push_str("\x1b[J");
        self.lines_drawn = lines.len();
        let _closed = std::io::stderr().write_all(block.as_bytes());
    }
}

fn stage_line(stage: &StageView, status: &StatusView, rate: Option<u64>) -> String {
    let ended = stage.done + stage.failed;
    let count = match stage.total {
        Some(total) => format!("{ended}/{total}"),
        None if stage.state == "waiting" => "-".to_owned(),
        None => ended.to_string(),
    };
    let mut line = format!("{:<9} {:<8} {count:>9}", stage.name, stage.state);
    if let (Some(total), "running", true) =
        (stage.total, stage.state.as_str(), stage.name == "mine")
    {
        line.push_str(&format!("  {}", bar(ended, total)));
        if let Some(rate) = rate.filter(|rate| *rate > 0) {
            line.push_str(&format!("  {}/s", time_text::bytes(rate)));
        }
        if let Some(left) = time_left(ended, total, status.elapsed_ms) {
            line.push_str(&format!("  about {left} left"));
        }
    }
    if stage.failed > 0 {
        line.push_str(&format!("  {} failed", stage.failed));
    }
    line
}

fn bar(done: u64, total: u64) -> String {
    const CELLS: u64 = 20;
    let full = (done.min(total) * CELLS)
        .checked_div(total)
        .unwrap_or(CELLS);
    let cell = |n| if n < full { '█' } else { '░' };
    (0..CELLS).map(cell).collect()
}

/// From the pace so far; nothing is said before a twentieth is done.
fn time_left(done: u64, total: u64, elapsed_ms: u64) -> Option<String> {
    if done == 0 || done * 20 < total || elapsed_ms < 1_000 {
        return None;
    }
    let left = elapsed_ms.saturating_mul(total.saturating_sub(done)) / done;
    Some(time_text::duration(Millis(left.max(1_000) / 1_000 * 1_000)))
}

fn say(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}
