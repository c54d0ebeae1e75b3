//! Recorded histories against today's code: a run that was open when new code came must go on.
//!
//! Neighbours: `kernel` replays and knows the JSON shape, which is Temporal's; here are files.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use kernel::temporal;
use kernel::{Cx, Definition, EventKind, Failure, HistoryEvent, ReplayError, RunId, WorkflowId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::text;

/// Events that are shown before the one that differs.
const SHOWN_BEFORE: usize = 6;
/// And after it.
const SHOWN_AFTER: usize = 2;

/// The history of one run. Its `Display` has one line an event.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The user's name for the run.
    pub workflow_id: WorkflowId,
    /// The run.
    pub run_id: RunId,
    /// Its events, ids from 1 without gaps.
    pub events: Vec<HistoryEvent>,
}

impl History {
    /// The registered name of the workflow; empty when there is no event that says so.
    #[must_use]
    pub fn workflow_type(&self) -> &str {
        match self.events.first().map(|event| &event.kind) {
            Some(EventKind::WorkflowExecutionStarted { workflow_type, .. }) => workflow_type,
            Some(_) | None => "",
        }
    }

    /// The names of its events, in order.
    #[must_use]
    pub fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.kind.name()).collect()
    }

    /// Reads a file in the JSON shape of Temporal's tools.
    ///
    /// # Errors
    /// When there is no such file, or it is no history.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let no_history = |why: String| RecordingError::NoHistory {
            path: path.to_owned(),
            why,
        };
        let bytes = std::fs::read(path).map_err(|e| RecordingError::io("read", path, e))?;
        let document =
            serde_json::from_slice(&bytes).map_err(|e| no_history(format!("parse it: {e}")))?;
        let read = temporal::import(&document).map_err(|e| no_history(e.to_string()))?;
        Ok(Self {
            workflow_id: read.workflow_id,
            run_id: read.run_id,
            events: read.events,
        })
    }

    /// Writes a file that [`read`](Self::read), and Temporal's tools, can read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RecordingError> {
        let document = temporal::export(&self.workflow_id, self.run_id, &self.events);
        let text = format!("{document:#}\n");
        std::fs::write(path, text).map_err(|e| RecordingError::io("write", path, e))
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::history(&self.events))
    }
}

/// Replays a history against a workflow's body.
///
/// # Errors
/// When the code does not do again what it did.
pub fn replay<I, O, F, Fut>(history: &History, body: F) -> Result<(), Mismatch>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize,
    F: Fn(Cx, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, Failure>> + Send + 'static,
{
    replay_definition(history, &Definition::new(history.workflow_type(), body))
}

/// Replays a history against a definition.
///
/// # Errors
/// As [`replay`]; also when the history is of another workflow type.
pub fn replay_definition(history: &History, definition: &Definition) -> Result<(), Mismatch> {
    let (id, run_id) = (history.workflow_id.clone(), history.run_id);
    match kernel::replay(definition, id, run_id, &history.events) {
        Ok(_) => Ok(()),
        Err(why) => Err(Mismatch {
            excerpt: excerpt(history, &why),
            why,
        }),
    }
}

/// The events around the one that differs, which is pointed at.
fn excerpt(history: &History, why: &ReplayError) -> String {
    let event_id = match why {
        ReplayError::Corrupt(corrupt) => corrupt.event_id,
        ReplayError::Nondeterminism { event_id, .. } | ReplayError::Failed { event_id, .. } => {
            *event_id
        }
    };
    let events = &history.events;
    // An event that the history does not have comes after its last.
    let at = events
        .iter()
        .position(|event| event.id >= event_id)
        .unwrap_or(events.len());
    let from = at.saturating_sub(SHOWN_BEFORE);
    let all = text::lines(events);
    let shown = all.iter().enumerate().skip(from);
    let shown = shown.take(at - from + 1 + SHOWN_AFTER);
    let mut lines: Vec<String> = shown
        .map(|(index, line)| format!("{} {line}", if index == at { '>' } else { ' ' }))
        .collect();
    if at == events.len() {
        lines.push(format!("> {:>6}  (the history ends)", event_id.0));
    }
    lines.join("\n")
}

/// Code that does not do again what a history says that it did. `Debug` is the same text as
/// `Display`.
#[derive(Clone)]
pub struct Mismatch {
    /// The event, what the history has there, what the code did, and what to do.
    pub why: ReplayError,
    /// The history around it, for people.
    pub excerpt: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.why, self.excerpt)
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Mismatch {}

/// Histories kept as files of a repository, one each, named `*.json`.
#[derive(Clone, Debug)]
pub struct Recordings {
    dir: PathBuf,
}

impl Recordings {
    /// Those in a directory, which need not be there yet. In a test, begin the path with
    /// `env!("CARGO_MANIFEST_DIR")`.
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Keeps a history under a name, unless one is kept under it: what was recorded is a promise to
    /// open runs, and is never written over. Gives whether it was written; then commit the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, name: &str, history: &History) -> Result<bool, RecordingError> {
        let path = self.dir.join(format!("{name}.json"));
        if path.exists() {
            return Ok(false);
        }
        let dir = path.parent().unwrap_or(&self.dir);
        std::fs::create_dir_all(dir).map_err(|e| RecordingError::io("make", dir, e))?;
        history.write(&path)?;
        Ok(true)
    }

    /// Replays every history against the definition of its workflow type. Gives their number.
    ///
    /// # Errors
    /// The first that does not replay, by name; a history of a workflow that is not among the
    /// definitions; a directory without any history.
    pub fn replay(
        &self,
        definitions: impl IntoIterator<Item = Definition>,
    ) -> Result<usize, RecordingError> {
        let definitions: Vec<Definition> = definitions.into_iter().collect();
        let paths = self.paths()?;
        for path in &paths {
            let history = History::read(path)?;
            let is_its = |d: &&Definition| d.workflow_type() == history.workflow_type();
            let Some(definition) = definitions.iter().find(is_its) else {
                return Err(RecordingError::UnknownType {
                    path: path.clone(),
                    workflow_type: history.workflow_type().to_owned(),
                });
            };
            replay_definition(&history, definition).map_err(|mismatch| {
                RecordingError::Mismatch {
                    path: path.clone(),
                    mismatch: Box::new(mismatch),
                }
            })?;
        }
        if paths.is_empty() {
            let dir = self.dir.clone();
            return Err(RecordingError::Empty { dir });
        }
        Ok(paths.len())
    }

    fn paths(&self) -> Result<Vec<PathBuf>, RecordingError> {
        let io = |e| RecordingError::io("list", &self.dir, e);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// Why recorded histories cannot be kept or replayed. `Debug` is the same text as `Display`.
#[non_exhaustive]
pub enum RecordingError {
    /// The files cannot be reached.
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is no history.
    NoHistory {
        /// Which.
        path: PathBuf,
        /// Why; it fits after "could not".
        why: String,
    },
    /// No definition is of the workflow type of a history.
    UnknownType {
        /// Which history.
        path: PathBuf,
        /// Its type.
        workflow_type: String,
    },
    /// A history does not replay.
    Mismatch {
        /// Which.
        path: PathBuf,
        /// How.
        mismatch: Box<Mismatch>,
    },
    /// There is no history.
    Empty {
        /// Where one was looked for.
        dir: PathBuf,
    },
}

impl RecordingError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io {
            doing,
            path,
            source,
        }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                doing,
                path,
                source,
            } => write!(f, "could not {doing} {}: {source}", path.display()),
            Self::NoHistory { path, why } => write!(f, "{}: could not {why}", path.display()),
            Self::UnknownType {
                path,
                workflow_type,
            } => write!(
                f,
                "{}: it is a history of the workflow {workflow_type}, which is not among the \
                 definitions: open runs of it could not go on. Register it, or remove the file when \
                 no run of it is open any more",
                path.display()
            ),
            Self::Mismatch { path, mismatch } => write!(f, "{}: {mismatch}", path.display()),
            Self::Empty { dir } => write!(
                f,
                "{} has no history: record one with `Recordings::keep`",
                dir.display()
            ),
        }
    }
}

impl fmt::Debug for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RecordingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Mismatch { mismatch, .. } => Some(mismatch),
            Self::NoHistory { .. } | Self::UnknownType { .. } | Self::Empty { .. } => None,
        }
    }
}
