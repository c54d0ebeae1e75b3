//! The session formats: one file each, all giving the same events.
//!
//! A new format is one new file with a `SPEC`, its `mod` line, and one line in the table below. Neighbours:
//! `mine` picks a format with [`sniff`] and feeds it records. Must not know what detectors look for.

mod blocks;
mod calls;
mod claude;
mod codex;
mod copilot;
mod cron_log;
mod cursor;
mod droid;
pub(crate) mod envelope;
mod gateway;
mod gemini;
mod harness;
mod kiro;
mod kiro_cli;
mod neutral;
mod openclaw;
mod opencode;
mod openhands;
mod otel;
pub(crate) mod raw;
mod swe_agent;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Body;
use crate::json_path::Outline;
use crate::records::Framing;

/// Everything that is particular to one format.
struct Spec {
    /// The name used in options and files.
    name: &'static str,
    recognised: Recognised,
    /// How a file that begins like this is cut into records.
    framing: fn(&Outline) -> Framing,
    /// A reader at the start of a file, or one that goes on where a saved one stood; `None` when that is not known
    /// any more.
    reader: fn(Option<&str>) -> Option<Box<dyn SavedReader>>,
}

/// How a format is told from others.
enum Recognised {
    /// By the fields of one of its first lines, or by the beginning of a line that is longer than what is seen.
    ByLine {
        line: fn(&raw::Probe<'_>) -> bool,
        start: fn(&[u8]) -> bool,
    },
    /// By the paths in its first document or one of its first lines.
    ByPaths(fn(&Outline) -> bool),
    /// By the paths in one of its first lines, or by one that is text.
    PathsOrText {
        paths: fn(&Outline) -> bool,
        text: fn(&str) -> bool,
    },
}

fn lines(_: &Outline) -> Framing {
    Framing::Lines
}

macro_rules! formats {
    ($($(#[$doc:meta])+ $format:ident = $file:ident,)+) => {
        /// A session format that can be read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Format { $($(#[$doc])+ $format,)+ }

        impl Format {
            /// All formats, in the order in which they are tried.
            pub const ALL: [Self; [$(stringify!($format)),+].len()] = [$(Self::$format),+];

            fn spec(self) -> &'static Spec {
                match self { $(Self::$format => &$file::SPEC,)+ }
            }
        }
    };
}

// Those that say what they are come before those that are known by their looks.
formats! {
    /// The neutral events that any program can write, see `docs/FORMATS.md`.
    Neutral = neutral,
    /// Sessions of Droid.
    Droid = droid,
    /// Events of Copilot CLI.
    Copilot = copilot,
    /// Chats of Gemini CLI.
    Gemini = gemini,
    /// Exported sessions of OpenCode.
    OpenCode = opencode,
    /// Conversations that Kiro CLI saved, and Amazon Q before it.
    Kiro = kiro,
    /// Sessions of Kiro CLI.
    KiroCli = kiro_cli,
    /// Spans of OpenTelemetry with attributes of generative AI.
    Otel = otel,
    /// Trajectories of SWE-agent.
    SweAgent = swe_agent,
    /// Event lists of OpenHands.
    OpenHands = openhands,
    /// Agent transcripts of Cursor.
    Cursor = cursor,
    /// Sessions of OpenClaw, its earlier names, and pi.
    OpenClaw = openclaw,
    /// Run logs of OpenClaw's scheduled jobs.
    OpenClawCron = cron_log,
    /// Logs of OpenClaw's gateway.
    OpenClawGateway = gateway,
    /// Sessions of Claude Code.
    Claude = claude,
    /// Rollouts of Codex.
    Codex = codex,
}

impl Format {
    /// The name used in options and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// A reader that goes on where a saved one stood, or one at the start of a file.
    pub(crate) fn reader(self, saved: Option<&str>) -> Option<Box<dyn SavedReader>> {
        (self.spec().reader)(saved)
    }

    /// How a file of this format that begins with `head` is cut into records.
    pub(crate) fn framing(self, head: &[u8]) -> Framing {
        (self.spec().framing)(&Outline::of(without_mark(head)))
    }

    fn recognises(self, probe: Option<&raw::Probe<'_>>, outline: &Outline) -> bool {
        match self.spec().recognised {
            Recognised::ByLine { line, .. } => probe.is_some_and(line),
            Recognised::ByPaths(recognises) => recognises(outline),
            Recognised::PathsOrText { paths, .. } => paths(outline),
        }
    }

    fn recognises_start(self, start: &[u8]) -> bool {
        match self.spec().recognised {
            Recognised::ByLine { start: is, .. } => is(start),
            Recognised::ByPaths(_) | Recognised::PathsOrText { .. } => false,
        }
    }

    fn recognises_text(self, line: &str) -> bool {
        match self.spec().recognised {
            Recognised::PathsOrText { text, .. } => text(line),
            Recognised::ByLine { .. } | Recognised::ByPaths(_) => false,
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

/// Reads the records of one file in order.
pub(crate) trait FormatReader {
    /// Gives the events of one record to `sink`; an error is the reason why it was skipped.
    fn read(&mut self, record: &str, sink: &mut Sink<'_>) -> Result<(), String>;

    /// The session's id, once a record has said it.
    fn session_id(&self) -> Option<&str>;
}

/// A reader whose place in a file can be kept.
pub(crate) trait SavedReader: FormatReader {
    /// What it remembers, for the next reader of the same format.
    fn save(&self) -> Option<String>;
}

impl<R: FormatReader + Serialize> SavedReader for R {
    fn save(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

fn revived<R>(saved: Option<&str>) -> Option<Box<dyn SavedReader>>
where
    R: FormatReader + Serialize + DeserializeOwned + Default + 'static,
{
    let reader: R = match saved {
        Some(saved) => serde_json::from_str(saved).ok()?,
        None => R::default(),
    };
    Some(Box::new(reader))
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
    let head = without_mark(head);
    let find = |probe: Option<&raw::Probe<'_>>, outline: &Outline| {
        let mut all = Format::ALL.into_iter();
        all.find(|format| format.recognises(probe, outline))
    };
    // A document over many lines, or one that is longer than the head.
    if let Some(format) = find(None, &Outline::of(head)) {
        return Some(format);
    }
    for line in head.split(|b| *b == b'\n').take(SNIFF_LINES_MAX) {
        let line_text = std::str::from_utf8(line).unwrap_or("");
        let Some(probe) = raw::Probe::parse(line_text) else {
            let mut all = Format::ALL.into_iter();
            match all.find(|format| format.recognises_text(line_text)) {
                Some(format) => return Some(format),
                None => continue,
            }
        };
        if let Some(format) = find(Some(&probe), &Outline::of(line)) {
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

/// Without the byte order mark that some editors put first.
fn without_mark(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)
}

#[cfg(test)]
mod tests;
