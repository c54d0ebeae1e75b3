//! From the bytes of one file to its mined signals, in one pass and constant memory.
//!
//! Neighbours: `line` splits, `formats` read, `detect` finds. Bad input is counted in `skipped` and never ends the
//! run; only a reader that fails does. Must not open files or know the time.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::chain::Sign;
use crate::detect::Detectors;
pub use crate::detect::recorder::Judgment;
use crate::detect::recorder::{Cx, Origin, Recorder};
use crate::detect::state::{Fault, opening};
use crate::event::{EventCounts, SessionEvent, floor_char, ms_to_iso};
use crate::formats::SavedReader;
pub use crate::formats::{Format, UnknownFormat, sniff};
use crate::limits::{LINE_BYTES_MAX, SKIPPED_PER_SESSION_MAX};
use crate::line::{Line, Lines};
use crate::llm::Transcript;
use crate::records::{Framing, Records};
use crate::scrub::{self, Scrubbed, Scrubber};
use crate::signal::MinedSignal;

/// How much of a file its format is recognised by, bytes.
pub const SNIFF_BYTES: usize = 64 * 1024;

const SESSION_ID_BYTES_MAX: usize = 256;
/// The largest count that a checkpoint may hold.
const COUNT_MAX: u64 = 1 << 53;

/// How to mine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MineOptions {
    /// The format; recognised by content when `None`.
    pub format: Option<Format>,
}

/// Which file is mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRef<'a> {
    /// The path relative to the root that the user gave.
    pub name: &'a str,
}

pub use crate::rollup::Skipped;

/// What one file gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MinedSession {
    /// Id of the session, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub session_id: Scrubbed,
    /// Name of the format, empty when unknown.
    pub format: String,
    /// The file, scrubbed.
    #[serde(deserialize_with = "scrub::stored")]
    pub file: Scrubbed,
    /// Lines read.
    pub lines: u64,
    /// Events understood.
    pub events: u64,
    /// Bytes read.
    pub bytes: u64,
    /// The events by kind.
    #[serde(default)]
    pub event_counts: EventCounts,
    /// What was found, in file order.
    pub signals: Vec<MinedSignal>,
    /// Findings beyond the limit, counted only.
    pub signals_dropped: u64,
    /// Findings that were dropped because nothing in their event could be quoted for them.
    pub signals_rejected: u64,
    /// What could not be read.
    pub skipped: Vec<Skipped>,
    /// Skipped entries beyond the limit, counted only.
    pub skipped_more: u64,
    /// Earliest time in the file, ISO 8601 UTC; empty when the file says none.
    pub first_at: String,
    /// Latest time in the file.
    pub last_at: String,
    /// Whether the file is a session, or a run log, of a known format.
    pub is_session: bool,
    /// How likely the session did not reach its aim: higher is more likely, the scale is arbitrary.
    #[serde(default)]
    pub risk: f64,
    /// Digests of the calls that failed, for [`crate::chain::SharedFailures`].
    #[serde(default)]
    pub failed_calls: Vec<String>,
}

/// Mines one file.
///
/// **Shapes**: signals and skipped entries in line order. **Source**: only `reader` is read.
///
/// # Errors
/// When `reader` fails. Nothing in the content is an error.
pub fn mine(
    file: &FileRef<'_>,
    reader: &mut dyn Read,
    options: &MineOptions,
) -> io::Result<MinedSession> {
    run(file, reader, options, Recorder::default(), false).map(|done| done.session)
}

/// Where the reading of a file of lines stopped: after its last whole line. Only this version of the miner can go
/// on from it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Bytes of the file that need not be read again.
    pub bytes: u64,
    format: String,
    lines: u64,
    events: u64,
    skipped: Vec<Skipped>,
    skipped_more: u64,
    first_ms: i64,
    last_ms: i64,
    recorder: Recorder,
    detectors: Detectors,
    reader: String,
}

/// Mines one file, and keeps where it stopped. With a checkpoint, `reader` gives what follows its bytes, and the
/// result is the same as that of the whole file.
///
/// The checkpoint is `None` for files that are not made of lines. `None` altogether when the one given is not
/// understood any more: then the file has to be read from its start.
///
/// # Errors
/// When `reader` fails. Nothing in the content is an error.
pub fn mine_on(
    file: &FileRef<'_>,
    reader: &mut dyn Read,
    options: &MineOptions,
    from: Option<Checkpoint>,
) -> io::Result<Option<(MinedSession, Option<Checkpoint>)>> {
    let Some(from) = from else {
        let done = run(file, reader, options, Recorder::default(), true)?;
        return Ok(Some((done.session, done.checkpoint)));
    };
    let Ok(format) = from.format.parse::<Format>() else {
        return Ok(None);
    };
    // Nothing that was read has such counts: going on from them would count beyond what a number holds.
    if [from.bytes, from.lines, from.events, from.skipped_more]
        .iter()
        .any(|n| *n > COUNT_MAX)
    {
        return Ok(None);
    }
    let Some(saved) = format.reader(Some(&from.reader)) else {
        return Ok(None);
    };
    let mut miner = Miner {
        session: begun(file, format),
        recorder: from.recorder,
        detectors: from.detectors,
        reader: saved,
        first_ms: from.first_ms,
        last_ms: from.last_ms,
        wants_checkpoint: true,
        has_understood: true,
    };
    miner.session.lines = from.lines;
    miner.session.events = from.events;
    miner.session.skipped = from.skipped;
    miner.session.skipped_more = from.skipped_more;
    // The file may have another name by now.
    for skipped in &mut miner.session.skipped {
        skipped.file.clone_from(&miner.session.file);
    }
    let lines = Lines::new(reader, LINE_BYTES_MAX);
    let records = Records::new(lines, Framing::Lines, LINE_BYTES_MAX, from.lines);
    let done = miner.all(records, file, from.bytes)?;
    Ok(Some((done.session, done.checkpoint)))
}

/// Mines one file, and keeps its events as text that may be shown to a model.
///
/// # Errors
/// When `reader` fails. Nothing in the content is an error.
pub fn mine_with_transcript(
    file: &FileRef<'_>,
    reader: &mut dyn Read,
    options: &MineOptions,
) -> io::Result<(MinedSession, Transcript)> {
    let mut recorder = Recorder::default();
    recorder.transcript = Some(Transcript::default());
    let done = run(file, reader, options, recorder, false)?;
    let transcript = done.recorder.transcript.unwrap_or_default();
    Ok((done.session, transcript))
}

/// What the production rules say about each line, for measuring them against labels.
///
/// **Shapes**: from line number to judgment; lines without a tool result or user turn are not in it.
///
/// # Errors
/// When `reader` fails.
pub fn judge_lines(
    file: &FileRef<'_>,
    reader: &mut dyn Read,
    options: &MineOptions,
) -> io::Result<BTreeMap<u64, Judgment>> {
    let mut recorder = Recorder::default();
    recorder.judgments = Some(BTreeMap::new());
    let done = run(file, reader, options, recorder, false)?;
    Ok(done.recorder.judgments.unwrap_or_default())
}

/// What the production rules say about a session that is at hand as events.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// From line number to judgment.
    pub lines: BTreeMap<u64, Judgment>,
    /// What the chain of events shows.
    pub signs: Vec<Sign>,
    /// Digests of the calls that failed.
    pub failed_calls: Vec<String>,
    /// How likely the session did not reach its aim: higher is more likely, the scale is arbitrary.
    pub risk: f64,
}

/// Judges events as a run judges those of a file, for measuring.
#[must_use]
pub fn judge_events<'a>(events: impl IntoIterator<Item = SessionEvent<'a>>) -> Judged {
    let mut recorder = Recorder::default();
    recorder.judgments = Some(BTreeMap::new());
    let mut detectors = Detectors::default();
    let mut last = 0;
    for event in events {
        last = event.line;
        let mut cx = Cx {
            line: event.line,
            at_ms: event.at_ms,
            raw: b"",
            recorder: &mut recorder,
        };
        detectors.on(&event, &mut cx);
    }
    detectors.finish(&mut Cx {
        line: last,
        at_ms: None,
        raw: b"",
        recorder: &mut recorder,
    });
    Judged {
        failed_calls: detectors.failed_calls().to_vec(),
        risk: detectors.risk(),
        lines: recorder.judgments.unwrap_or_default(),
        signs: recorder.signs,
    }
}

fn run(
    file: &FileRef<'_>,
    reader: &mut dyn Read,
    options: &MineOptions,
    recorder: Recorder,
    wants_checkpoint: bool,
) -> io::Result<Done> {
    let mut lines = Lines::new(reader, LINE_BYTES_MAX);
    let head = lines.peek(SNIFF_BYTES)?;
    let is_empty = head.is_empty();
    let head = &head[..head.len().min(SNIFF_BYTES)];
    let format = options.format.or_else(|| sniff(file.name, head));
    let framing = format.map_or(Framing::Lines, |format| format.framing(head));
    let Some((format, format_reader)) = format.and_then(|f| Some((f, f.reader(None)?))) else {
        let mut session = MinedSession {
            file: Scrubber::shared().scrub(file.name),
            ..MinedSession::default()
        };
        let reason = if is_empty {
            "empty file"
        } else {
            "not a session format I know"
        };
        skip(&mut session, 0, reason);
        return Ok(Done {
            session,
            recorder,
            checkpoint: None,
        });
    };
    let miner = Miner {
        session: begun(file, format),
        recorder,
        detectors: Detectors::default(),
        reader: format_reader,
        first_ms: i64::MAX,
        last_ms: i64::MIN,
        wants_checkpoint,
        has_understood: false,
    };
    let records = Records::new(lines, framing, LINE_BYTES_MAX, 0);
    miner.all(records, file, 0)
}

/// What is left when a file was read.
struct Done {
    session: MinedSession,
    recorder: Recorder,
    checkpoint: Option<Checkpoint>,
}

fn begun(file: &FileRef<'_>, format: Format) -> MinedSession {
    MinedSession {
        file: Scrubber::shared().scrub(file.name),
        format: format.name().to_owned(),
        is_session: true,
        ..MinedSession::default()
    }
}

struct Miner {
    session: MinedSession,
    recorder: Recorder,
    detectors: Detectors,
    reader: Box<dyn SavedReader>,
    first_ms: i64,
    last_ms: i64,
    wants_checkpoint: bool,
    /// Whether a record was understood. Until then a document that is being written may look like lines.
    has_understood: bool,
}

impl Miner {
    /// Reads all records; `bytes_before` bytes of the file were read earlier.
    fn all(
        mut self,
        mut records: Records<'_>,
        file: &FileRef<'_>,
        bytes_before: u64,
    ) -> io::Result<Done> {
        let mut checkpoint = None;
        let (mut is_passed_over, mut is_unfinished) = (false, false);
        let is_lines = matches!(records, Records::Lines { .. });
        while let Some((number, record)) = records.next_record()? {
            is_passed_over = matches!(record, Line::TooLong { .. });
            match record {
                Line::Whole(bytes) => {
                    self.session.lines = number;
                    self.line(bytes, true);
                }
                Line::Unfinished(bytes) => {
                    is_unfinished = true;
                    // The rest of the line may come later: it is not behind the checkpoint.
                    if is_lines {
                        checkpoint = self.checkpoint().map(|kept| (kept, bytes.len() as u64));
                    }
                    self.session.lines = number;
                    self.line(bytes, false);
                }
                Line::TooLong { bytes } => {
                    self.session.lines = number;
                    self.skip(&format!("longer than {LINE_BYTES_MAX} bytes ({bytes})"));
                }
            }
        }
        let (bytes, lines) = records.read_so_far();
        self.session.bytes = bytes_before + bytes;
        self.session.lines = lines;
        // Whether a line that was passed over has ended is not known.
        if is_lines && !is_unfinished && !is_passed_over {
            checkpoint = self.checkpoint().map(|kept| (kept, 0));
        }
        let checkpoint = checkpoint.map(|(kept, unfinished)| Checkpoint {
            bytes: self.session.bytes - unfinished,
            ..kept
        });
        let (session, recorder) = self.finish(file.name);
        Ok(Done {
            session,
            recorder,
            checkpoint,
        })
    }

    /// All that is remembered now, when somebody wants it.
    fn checkpoint(&self) -> Option<Checkpoint> {
        if !self.wants_checkpoint || !self.has_understood {
            return None;
        }
        Some(Checkpoint {
            bytes: 0,
            format: self.session.format.clone(),
            lines: self.session.lines,
            events: self.session.events,
            skipped: self.session.skipped.clone(),
            skipped_more: self.session.skipped_more,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            recorder: self.recorder.clone(),
            detectors: self.detectors.clone(),
            reader: self.reader.save()?,
        })
    }

    fn line(&mut self, bytes: &[u8], is_finished: bool) {
        let mut bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if self.session.lines == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        // The compatible way tells where the text stops to be some.
        let text = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if !is_finished && error.error_len().is_none() => {
                return self.skip("cut off (still being written?)");
            }
            Err(error) => {
                return self.skip(&format!("invalid UTF-8 at byte {}", error.valid_up_to()));
            }
        };
        let Err(reason) = self.read(text, bytes) else {
            self.has_understood = true;
            return;
        };
        if is_finished {
            self.skip(&reason);
            self.damaged(&reason, text, bytes);
        } else {
            self.skip("cut off (still being written?)");
        }
    }

    fn read(&mut self, text: &str, raw: &[u8]) -> Result<(), String> {
        let Self {
            session,
            recorder,
            detectors,
            reader,
            first_ms,
            last_ms,
            wants_checkpoint: _,
            has_understood: _,
        } = self;
        let line = session.lines;
        let mut sink = |at_ms: Option<i64>, body: crate::event::Body<'_>| {
            session.events += 1;
            if let Some(at_ms) = at_ms {
                *first_ms = (*first_ms).min(at_ms);
                *last_ms = (*last_ms).max(at_ms);
            }
            let event = SessionEvent { line, at_ms, body };
            if let Some(transcript) = &mut recorder.transcript {
                transcript.push(&event, raw);
            }
            let mut cx = Cx {
                line,
                at_ms,
                raw,
                recorder: &mut *recorder,
            };
            detectors.on(&event, &mut cx);
        };
        reader.read(text, &mut sink)
    }

    /// Tells of a line that shows damage. Before a line was understood nothing says that this is a session.
    fn damaged(&mut self, reason: &str, text: &str, raw: &[u8]) {
        let fault = Fault::of_skipped_line(reason).filter(|_| self.has_understood);
        let Some(fault) = fault.filter(|_| !opening(text).is_empty()) else {
            return;
        };
        let mut cx = Cx {
            line: self.session.lines,
            at_ms: None,
            raw,
            recorder: &mut self.recorder,
        };
        self.detectors.on_damaged_line(fault, text, &mut cx);
    }

    fn skip(&mut self, reason: &str) {
        let line = self.session.lines;
        skip(&mut self.session, line, reason);
    }

    fn finish(mut self, file: &str) -> (MinedSession, Recorder) {
        let line = self.session.lines;
        let mut cx = Cx {
            line,
            at_ms: None,
            raw: b"",
            recorder: &mut self.recorder,
        };
        self.detectors.finish(&mut cx);
        self.session.event_counts = self.detectors.seen();
        let stem = file_stem(file);
        let session_id = self.reader.session_id().unwrap_or(stem);
        let session_id = &session_id[..floor_char(session_id, SESSION_ID_BYTES_MAX)];
        let shown_session_id = Scrubber::shared().scrub(session_id);
        let origin = Origin {
            session_id,
            format: &self.session.format,
            file,
            shown_session_id: &shown_session_id,
            shown_file: &self.session.file,
        };
        self.session.signals = self.recorder.finish(origin);
        // JSON gives back a figure of few digits as it was, one of seventeen only nearly.
        self.session.risk = (self.detectors.risk() * 1e6).round() / 1e6;
        self.session.failed_calls = self.detectors.failed_calls().to_vec();
        self.session.session_id = shown_session_id;
        self.session.signals_dropped = self.recorder.dropped;
        self.session.signals_rejected = self.recorder.rejected;
        if self.first_ms <= self.last_ms {
            self.session.first_at = ms_to_iso(self.first_ms);
            self.session.last_at = ms_to_iso(self.last_ms);
        }
        (self.session, self.recorder)
    }
}

fn skip(session: &mut MinedSession, line: u64, reason: &str) {
    if session.skipped.len() >= SKIPPED_PER_SESSION_MAX {
        session.skipped_more += 1;
        return;
    }
    session.skipped.push(Skipped {
        file: session.file.clone(),
        line,
        reason: Scrubber::shared().scrub(reason),
    });
}

/// The file name up to its first dot: what a session is called when it does not say.
fn file_stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match name.split('.').next() {
        Some(stem) if !stem.is_empty() => stem,
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests;
