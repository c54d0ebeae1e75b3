//! Files in which OpenClaw keeps what it knows of its sessions and jobs: `sessions.json`, `cron/jobs.json` and
//! `cron/jobs-state.json`.
//!
//! They are no sessions: what is mined is whether they are whole, whether the sessions they name are there, and which
//! jobs keep failing without a run log to say so. Neighbours: `activities` finds them and says what lies beside them,
//! `detect::state` and `detect::cron` word what is found. Must not open files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use crate::detect::cron;
use crate::detect::recorder::{Cx, Origin, Recorder};
use crate::detect::state::{Fault, opening, report};
use crate::event::{EventCounts, ms_to_iso};
use crate::formats::raw::{self, Loose, Raw};
use crate::json::{self, RawValue};
use crate::mine::{FileRef, MinedSession, Skipped};
use crate::scrub::Scrubber;

/// What such files are called where sessions have the name of their format.
pub const FORMAT: &str = "openclaw-state";
/// Largest file that is looked at, bytes.
pub const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Entries of one file that are looked at.
const ENTRIES_MAX: usize = 200_000;

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFile {
    /// `agents/AGENT/sessions/sessions.json`: from session key to session. Beside it lie the transcripts.
    SessionIndex,
    /// `cron/jobs.json` or `cron/jobs-state.json`: the jobs and how their last runs went. Beside it, below `runs`, lie
    /// the run logs.
    Jobs,
}

impl StateFile {
    /// The state file that a path names, `/` or `\` between its parts; `None` when it names none.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let mut parts = path.rsplit(['/', '\\']);
        match (parts.next()?, parts.next()?) {
            ("sessions.json", "sessions") => Some(Self::SessionIndex),
            ("jobs.json" | "jobs-state.json", "cron") => Some(Self::Jobs),
            _ => None,
        }
    }
}

/// Looks at one state file.
///
/// **Shapes**: `content` is the whole file, `beside` the names of the files that lie beside it: transcripts of an index,
/// run logs of jobs. An empty `beside` claims nothing lost. **Errors**: none; what is no such file gives a result that is no
/// session, with the reason in `skipped`.
#[must_use]
pub fn mine_state_file(
    file: &FileRef<'_>,
    kind: StateFile,
    content: &[u8],
    beside: &BTreeSet<String>,
) -> MinedSession {
    let mut looking = Looking {
        place: Place::new(content),
        name: file.name.rsplit(['/', '\\']).next().unwrap_or(file.name),
        recorder: Recorder::default(),
        seen: EventCounts::default(),
        last_ms: None,
    };
    let reason = match kind {
        StateFile::SessionIndex => looking.index(beside),
        StateFile::Jobs => looking.jobs(beside),
    };
    looking.finish(file.name, reason)
}

/// The members of an object in their order, also those that stand twice.
#[derive(Default)]
struct Members<'a>(Vec<(String, RawValue<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, RawValue<'de>>()? {
                    if members.len() < ENTRIES_MAX {
                        members.push((key, value));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// An entry of a session index.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow, rename = "sessionId")]
    session_id: Raw<'a>,
    #[serde(borrow, rename = "sessionFile")]
    session_file: Raw<'a>,
    #[serde(borrow, rename = "updatedAt")]
    updated_at: Raw<'a>,
    #[serde(borrow, rename = "systemSent")]
    system_sent: Raw<'a>,
    #[serde(borrow, rename = "totalTokens")]
    total_tokens: Raw<'a>,
}

impl Entry<'_> {
    /// Whether a model was asked in this session, so that there must have been a transcript.
    fn was_used(&self) -> bool {
        raw::boolean(self.system_sent) == Some(true)
            || raw::int(self.total_tokens).is_some_and(|tokens| tokens > 0)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobsFile<'a> {
    #[serde(borrow)]
    jobs: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Job<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    enabled: Raw<'a>,
    #[serde(borrow)]
    state: Loose<JobState<'a>>,
}

/// How the runs of a job went.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobState<'a> {
    #[serde(borrow, rename = "lastStatus")]
    last_status: Raw<'a>,
    #[serde(borrow, rename = "lastRunStatus")]
    last_run_status: Raw<'a>,
    #[serde(borrow, rename = "lastError")]
    last_error: Raw<'a>,
    #[serde(borrow, rename = "lastDeliveryError")]
    last_delivery_error: Raw<'a>,
    #[serde(borrow, rename = "lastRunAtMs")]
    last_run_at_ms: Raw<'a>,
    #[serde(borrow, rename = "consecutiveErrors")]
    consecutive_errors: Raw<'a>,
}

/// Where in a file a piece of it stands.
struct Place<'c> {
    content: &'c [u8],
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'c> Place<'c> {
    fn new(content: &'c [u8]) -> Self {
        let breaks = memchr::memchr_iter(b'\n', content).map(|at| at + 1);
        Self {
            content,
            lines: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The number and the text of the line with this byte; the text is empty when it is no UTF-8.
    fn line(&self, at: usize) -> (u64, &'c str) {
        let index = self.lines.partition_point(|start| *start <= at).max(1) - 1;
        let start = self.lines[index].min(self.content.len());
        let end = self.lines.get(index + 1).copied();
        let line = &self.content[start..end.unwrap_or(self.content.len()).max(start)];
        let text = std::str::from_utf8(line).unwrap_or_default();
        (index as u64 + 1, text.trim_end_matches(['\n', '\r']))
    }

    /// Where `part`, a slice of the content, begins.
    fn offset(&self, part: &str) -> usize {
        let start = (part.as_ptr() as usize).wrapping_sub(self.content.as_ptr() as usize);
        start.min(self.content.len())
    }
}

struct Looking<'c, 'n> {
    place: Place<'c>,
    name: &'n str,
    recorder: Recorder,
    seen: EventCounts,
    last_ms: Option<i64>,
}

impl<'c> Looking<'c, '_> {
    /// Looks at an index. Gives the reason when it is none.
    fn index(&mut self, beside: &BTreeSet<String>) -> Option<&'static str> {
        let members = match self.parsed::<Members<'c>>() {
            Ok(members) => members.0,
            Err(reason) => return reason,
        };
        let mut entries: Vec<(&str, Entry<'c>)> = Vec::new();
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        for (key, value) in &members {
            self.seen.count_state_entry();
            let Ok(Loose(entry)) = json::from_str::<Loose<Entry<'c>>>(value.get()) else {
                continue;
            };
            self.note_time(raw::int(entry.updated_at));
            if !keys.insert(key) {
                let at = self.place.offset(value.get());
                self.tell(Fault::SharedKey, at, key);
            }
            entries.push((key, entry));
        }
        if !members.is_empty() && entries.iter().all(|(_, e)| e.session_id.is_none()) {
            return Some("not an index of OpenClaw's sessions");
        }
        self.shared_ids(&entries);
        self.lost(&entries, beside);
        None
    }

    /// Two entries with one session: what one of them says the other one hears.
    fn shared_ids(&mut self, entries: &[(&str, Entry<'c>)]) {
        let mut by_id: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, entry) in entries {
            let id = raw::inside(entry.session_id);
            if id.is_empty() {
                continue;
            }
            match by_id.get(id) {
                Some(other) if !belong_together(other, key) => {
                    let at = self.offset(entry.session_id);
                    self.tell(Fault::SharedId, at, id);
                }
                Some(_) => {}
                None => {
                    by_id.insert(id, key);
                }
            }
        }
    }

    /// Sessions that were used and have no transcript. Where there is no transcript at all nothing is claimed: backups leave
    /// them out.
    fn lost(&mut self, entries: &[(&str, Entry<'c>)], beside: &BTreeSet<String>) {
        let is_there = |id: &str| {
            let from = (Bound::Included(id), Bound::Unbounded);
            let first = beside.range::<str, _>(from).next();
            first.is_some_and(|name| name.starts_with(id))
        };
        let used =
            |entry: &Entry<'_>| entry.was_used() && !raw::inside(entry.session_id).is_empty();
        let has_any = entries
            .iter()
            .any(|(_, entry)| used(entry) && is_there(raw::inside(entry.session_id)));
        if !has_any {
            return;
        }
        for (key, entry) in entries {
            let id = raw::inside(entry.session_id);
            // OpenClaw drops transcripts of scheduled runs after a day and leaves some of their entries.
            let is_kept = !key.contains(":cron:") && !key.contains(":subagent:");
            let stem = file_stem(raw::inside(entry.session_file));
            let is_gone = !is_there(id) && (stem.is_empty() || !is_there(stem));
            if is_kept && used(entry) && is_gone {
                let at = self.offset(entry.session_id);
                self.tell(Fault::LostSession, at, id);
            }
        }
    }

    /// Looks at jobs. Gives the reason when there are none.
    fn jobs(&mut self, beside: &BTreeSet<String>) -> Option<&'static str> {
        let jobs = match self.parsed::<Loose<JobsFile<'c>>>() {
            Ok(file) => file.0.jobs,
            Err(reason) => return reason,
        };
        let Some(jobs) = jobs.map(RawValue::get) else {
            return Some("not a list of OpenClaw's jobs");
        };
        // The older file has a list of jobs, the newer one their states by id.
        if let Ok(list) = json::from_str::<Vec<Loose<Job<'c>>>>(jobs) {
            for Loose(job) in list.iter().take(ENTRIES_MAX) {
                let id = raw::string(job.id);
                self.job(&id, job, beside);
            }
        } else if let Ok(by_id) = json::from_str::<Members<'c>>(jobs) {
            for (id, job) in &by_id.0 {
                if let Ok(Loose(job)) = json::from_str::<Loose<Job<'c>>>(job.get()) {
                    self.job(id, &job, beside);
                }
            }
        }
        None
    }

    /// A job whose run log is at hand is told of there, run by run.
    fn job(&mut self, id: &str, job: &Job<'c>, beside: &BTreeSet<String>) {
        self.seen.count_state_entry();
        let state = &job.state.0;
        let at_ms = raw::int(state.last_run_at_ms);
        self.note_time(at_ms);
        let has_log = beside.contains(&format!("{id}.jsonl"));
        if id.is_empty() || has_log || raw::boolean(job.enabled) == Some(false) {
            return;
        }
        let statuses = [state.last_run_status, state.last_status];
        let status = statuses.into_iter().flatten().next();
        if raw::inside(status) != "error" {
            return;
        }
        let errors = [state.last_error, state.last_delivery_error];
        let error: Raw<'c> = errors
            .into_iter()
            .flatten()
            .find(|error| !raw::inside(Some(*error)).is_empty());
        let in_a_row = raw::int(state.consecutive_errors).unwrap_or(1).max(1);
        let (number, line) = self
            .place
            .line(self.offset(error.or(state.consecutive_errors).or(status)));
        let mut cx = Cx {
            line: number,
            at_ms,
            raw: line.as_bytes(),
            recorder: &mut self.recorder,
        };
        let error = error.map(|error| raw::string(Some(error)));
        cron::on_failing_job(
            error.as_deref(),
            line.trim(),
            u32::try_from(in_a_row).unwrap_or(u32::MAX),
            &mut cx,
        );
    }

    /// The content as `T`, or the reason why it is passed over; damage is told of and has none.
    fn parsed<T: Deserialize<'c>>(&mut self) -> Result<T, Option<&'static str>> {
        let content = self.place.content;
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        if content.iter().all(u8::is_ascii_whitespace) {
            return Err(Some("empty file"));
        }
        let parsed = match std::str::from_utf8(content) {
            Ok(text) => json::from_str(text),
            Err(error) if error.error_len().is_none() => Err(json::Error::CutOff),
            Err(error) => Err(json::Error::Unexpected {
                at: error.valid_up_to(),
            }),
        };
        let error = match parsed {
            Ok(parsed) => return Ok(parsed),
            Err(error) => error,
        };
        // OpenClaw also reads JSON with comments, which a person may have written: only what no reader takes is damage.
        if memchr::memchr(0, content).is_some() {
            self.damaged(Fault::NulFile);
            return Err(None);
        }
        match error {
            json::Error::CutOff => self.damaged(Fault::CutFile),
            json::Error::Trailing { .. } => self.damaged(Fault::DoubledFile),
            json::Error::TooDeep | json::Error::Unexpected { .. } | json::Error::Other(_) => {
                return Err(Some("not strict JSON"));
            }
        }
        Err(None)
    }

    /// A file that cannot be read: its last line is the evidence.
    fn damaged(&mut self, fault: Fault) {
        self.seen.count_state_entry();
        let content = self.place.content;
        let is_word = |b: &u8| !b.is_ascii_whitespace() && *b != 0;
        let end = content.iter().rposition(is_word).unwrap_or(0);
        let (number, line) = self.place.line(end);
        self.report(fault, number, line, opening(line));
    }

    fn offset(&self, part: Raw<'_>) -> usize {
        part.map_or(0, |part| self.place.offset(part.get()))
    }

    fn tell(&mut self, fault: Fault, at: usize, quote: &str) {
        let (number, line) = self.place.line(at);
        self.report(fault, number, line, quote);
    }

    fn report(&mut self, fault: Fault, number: u64, line: &str, quote: &str) {
        let mut cx = Cx {
            line: number,
            at_ms: None,
            raw: line.as_bytes(),
            recorder: &mut self.recorder,
        };
        report(fault, self.name, line, quote, &mut cx);
    }

    fn note_time(&mut self, at_ms: Option<i64>) {
        self.last_ms = self.last_ms.max(at_ms);
    }

    fn finish(mut self, name: &str, reason: Option<&'static str>) -> MinedSession {
        let shown = Scrubber::shared().scrub(name);
        let origin = Origin {
            session_id: name,
            format: FORMAT,
            file: name,
            shown_session_id: &shown,
            shown_file: &shown,
        };
        let signals = self.recorder.finish(origin);
        let at = self.last_ms.map(ms_to_iso).unwrap_or_default();
        MinedSession {
            session_id: shown.clone(),
            format: FORMAT.to_owned(),
            file: shown,
            lines: self.place.lines.len() as u64,
            events: self.seen.state_entries,
            bytes: self.place.content.len() as u64,
            event_counts: self.seen,
            signals,
            signals_dropped: self.recorder.dropped,
            signals_rejected: self.recorder.rejected,
            skipped: reason
                .map(|reason| Skipped::new(name, 0, reason))
                .into_iter()
                .collect(),
            first_at: at.clone(),
            last_at: at,
            is_session: reason.is_none(),
            ..MinedSession::default()
        }
    }
}

/// Whether two keys may rightly share a session: a job and its run, or the older and the newer name of one entry.
fn belong_together(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let continues = long
        .strip_prefix(short)
        .is_some_and(|rest| rest.starts_with(':'));
    let is_older_name = long
        .strip_suffix(short)
        .is_some_and(|agent| agent.starts_with("agent:") && agent.ends_with(':'));
    continues || is_older_name
}

/// A file's name up to `.jsonl`, of the inside of a JSON string.
fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.split(".jsonl").next().unwrap_or(name)
}

#[cfg(test)]
mod tests;
