//! The session formats: one file each, all giving the same events.
//!
//! A new format is one new file, one variant here and one line in each of the three matches below. Neighbours:
//! `mine` picks a format with [`sniff`] and feeds it lines. Must not know what detectors look for.

mod calls;
mod claude;
mod codex;
mod cron_log;
pub(crate) mod envelope;
mod openclaw;
mod raw;

pub(crate) use raw::without_lone_surrogates;

use std::fmt;
use std::str::FromStr;

use crate::event::Body;

/// A session format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Sessions of OpenClaw, its earlier names, and pi.
    OpenClaw,
    /// Run logs of OpenClaw's scheduled jobs.
    OpenClawCron,
    /// Sessions of Claude Code.
    Claude,
    /// Rollouts of Codex.
    Codex,
}

impl Format {
    /// All formats, in the order in which they are tried.
    pub const ALL: [Self; 4] = [
        Self::OpenClaw,
        Self::OpenClawCron,
        Self::Claude,
        Self::Codex,
    ];

    /// The name used in options and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenClaw => "openclaw",
            Self::OpenClawCron => "openclaw-cron",
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    pub(crate) fn reader(self) -> Box<dyn FormatReader> {
        match self {
            Self::OpenClaw => Box::new(openclaw::OpenClaw::default()),
            Self::OpenClawCron => Box::new(cron_log::CronLog::default()),
            Self::Claude => Box::new(claude::Claude::default()),
            Self::Codex => Box::new(codex::Codex::default()),
        }
    }

    fn recognises(self, probe: &raw::Probe<'_>) -> bool {
        match self {
            Self::OpenClaw => openclaw::recognises(probe),
            Self::OpenClawCron => cron_log::recognises(probe),
            Self::Claude => claude::recognises(probe),
            Self::Codex => codex::recognises(probe),
        }
    }

    fn recognises_start(self, start: &[u8]) -> bool {
        match self {
            Self::OpenClaw => openclaw::recognises_start(start),
            Self::OpenClawCron => false,
            Self::Claude => claude::recognises_start(start),
            Self::Codex => codex::recognises_start(start),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat(pub String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        write!(
            f,
            "no session format {:?}; known: {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// Where a reader puts what it finds: the time of the event and what happened.
pub(crate) type Sink<'s> = dyn FnMut(Option<i64>, Body<'_>) + 's;

/// Reads the lines of one file in order.
pub(crate) trait FormatReader {
    /// Gives the events of one line to `sink`; an error is the reason why the line was skipped.
    fn read(&mut self, line: &str, sink: &mut Sink<'_>) -> Result<(), String>;

    /// The session's id, once a line has said it.
    fn session_id(&self) -> Option<&str>;
}

const SNIFF_LINES_MAX: usize = 40;

/// The format of a file by its first bytes; the name only decides between files that look alike.
///
/// `head` is at most the first 64 KiB. `None` means that it is no session this crate can read.
#[must_use]
pub fn sniff(name: &str, head: &[u8]) -> Option<Format> {
    // Sidecars repeat what the session says, prompts and all: reading them would count everything twice.
    if name.ends_with(".trajectory.jsonl") {
        return None;
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    for line in head.split(|b| *b == b'\n').take(SNIFF_LINES_MAX) {
        let Some(probe) = std::str::from_utf8(line).ok().and_then(raw::Probe::parse) else {
            continue;
        };
        if let Some(format) = Format::ALL
            .into_iter()
            .find(|format| format.recognises(&probe))
        {
            return Some(format);
        }
    }
    // A line that is longer than the head, or was cut off, cannot be parsed; its beginning still says
    // what it is. Whole lines had their say: a document over many lines is no session by its parts.
    let unfinished = head.rsplit(|b| *b == b'\n').next().unwrap_or(head);
    let start = &unfinished[..unfinished.len().min(2048)];
    Format::ALL
        .into_iter()
        .find(|format| format.recognises_start(start))
}

#[cfg(test)]
mod tests;
