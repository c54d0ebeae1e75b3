//! SQLite stores, of OpenClaw from 2026.9 on and of OpenCode, given as the lines that their session files had.
//!
//! Neighbours: `discover` asks which sessions a store holds, `mine_session` reads one of them. The only file that names
//! rusqlite. A store belongs to a program that may be writing to it: it is opened for reading, what is read is one
//! snapshot, and nothing waits for it longer than [`BUSY_MS_MAX`]. Must not know what a line means.

mod lines;
mod opencode;
mod tables;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::blob::Blob;
use rusqlite::{Connection, Error, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use trace::hash::sha256_hex;
use trace::mine::Format;

use crate::expand;
use crate::limits::{BUSY_MS_MAX, ROW_BYTES_MAX, STORE_PARTS_MAX};
use tables::{TABLES, Table};

/// The first bytes of every SQLite database that is not encrypted.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Longest value that OpenClaw compresses in a row, bytes.
const COMPRESSED_ROW_BYTES_MAX: u64 = 4 << 20;
/// Rows of scheduled runs that are fetched at once.
const RUNS_PAGE: i64 = 64;

/// One thing in a store that was a file before there were stores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The transcript of a session.
    Transcript {
        /// The session.
        session_id: String,
    },
    /// A transcript that a session had until it was reset or deleted.
    Archive {
        /// The session.
        session_id: String,
        /// Which of its transcripts.
        generation: String,
    },
    /// The transcript of a session that was idle for long.
    Cold {
        /// The session.
        session_id: String,
    },
    /// Finished runs of one scheduled job.
    Runs {
        /// The job.
        job_id: String,
    },
    /// The same in stores that were not upgraded yet.
    RunLog {
        /// The job.
        job_id: String,
        /// Whose job.
        store_key: String,
    },
    /// A session of OpenCode.
    Session {
        /// The session.
        session_id: String,
    },
}

/// A part as it stands in the list of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) part: Part,
    /// Bytes of its rows, about.
    pub(crate) bytes: u64,
}

/// How far a part goes: of two equal ones, the rows are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Changes with every rewriting of a transcript, never when it grows.
    generation: String,
    n_rows: i64,
    /// The last row counted.
    pub(crate) last: i64,
    /// Digest of that row, or of what can be told without reading it.
    digest: String,
}

/// Why a store gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is no store of an agent that is read.
    Foreign,
    /// What a person is told.
    Unusable(String),
}

/// An open store, as it was when it was opened.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Part {
    /// What its lines are.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Transcript { .. } | Self::Archive { .. } | Self::Cold { .. } => Format::OpenClaw,
            Self::Runs { .. } | Self::RunLog { .. } => Format::OpenClawCron,
            Self::Session { .. } => Format::OpenCode,
        }
    }

    /// What it is called behind the name of its store.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Transcript { session_id }
            | Self::Cold { session_id }
            | Self::Session { session_id } => session_id.clone(),
            Self::Archive {
                session_id,
                generation,
            } => format!("{session_id}@{generation}"),
            Self::Runs { job_id } | Self::RunLog { job_id, .. } => format!("cron:{job_id}"),
        }
    }
}

/// Whether a file that begins like this is a database.
pub(crate) fn is_database(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Whether a file of this name is expected to be a store. OpenCode has one for each channel that it is released in.
pub(crate) fn is_store_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let of_opencode = name == "opencode.db" || name.starts_with("opencode-");
    (name.starts_with("openclaw") && name.ends_with(".sqlite"))
        || (of_opencode && name.ends_with(".db"))
}

impl Store {
    /// Opens a store and holds what is in it now.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        // Not as a URI: a path may hold any character.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(BUSY_MS_MAX))?;
        // What a store says of itself is not trusted, and a snapshot does not keep its owner from writing.
        connection.execute_batch("PRAGMA query_only = 1; PRAGMA trusted_schema = 0; BEGIN")?;
        let path = path.to_path_buf();
        let store = Self { connection, path };
        // The first look takes the snapshot, and tells whether there is anything to be read.
        store.columns("sqlite_schema")?;
        Ok(store)
    }

    /// All parts, in a fixed order. [`Problem::Foreign`] when it has no table that is read.
    pub(crate) fn parts(&self) -> Result<Vec<Listed>, Problem> {
        let mut parts = Vec::new();
        let mut is_store = false;
        for table in &TABLES {
            if !self.is_there(table)? {
                continue;
            }
            is_store = true;
            let mut statement = self.connection.prepare(&self.list(table)?)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let part = (table.part)(row.get(0)?, row.get(1)?);
                let bytes: Option<i64> = row.get(2)?;
                if parts.len() >= STORE_PARTS_MAX {
                    let why = format!("holds more than {STORE_PARTS_MAX} sessions and jobs");
                    return Err(Problem::Unusable(why));
                }
                if !self.is_published(&part)? {
                    let bytes = u64::try_from(bytes.unwrap_or(0)).unwrap_or(0);
                    parts.push(Listed { part, bytes });
                }
            }
        }
        if !is_store {
            return Err(Problem::Foreign);
        }
        parts.sort_by(|a, b| a.part.cmp(&b.part));
        Ok(parts)
    }

    /// How far a part goes now. `None` when it is not there any more.
    pub(crate) fn place(&self, part: &Part) -> Result<Option<Place>, Problem> {
        self.place_up_to(part, i64::MAX)
    }

    /// Whether a part still begins with what was read up to a place.
    pub(crate) fn begins_with(&self, part: &Part, place: &Place) -> Result<bool, Problem> {
        Ok(self.place_up_to(part, place.last)?.as_ref() == Some(place))
    }

    /// The lines of a part, or those behind a place.
    pub(crate) fn lines(
        &self,
        part: &Part,
        after: Option<&Place>,
    ) -> Result<Box<dyn Read + '_>, Problem> {
        let after = after.map_or(i64::MIN, |place| place.last);
        match part {
            Part::Transcript { session_id } => {
                let sql = self.transcript_sql()?;
                let keys = (session_id.clone(), None);
                self.rows(&sql, keys, after)
            }
            Part::RunLog { job_id, store_key } => {
                let sql = format!(
                    "SELECT seq, {}, NULL, NULL, NULL FROM cron_run_logs \
                     WHERE job_id = ?1 AND store_key = ?3 AND seq > ?2 ORDER BY seq LIMIT 1",
                    guarded("entry_json")
                );
                self.rows(&sql, (job_id.clone(), Some(store_key.clone())), after)
            }
            Part::Runs { job_id } => Ok(Box::new(lines::Lines::new(self.runs(job_id)?))),
            Part::Archive {
                session_id,
                generation,
            } => self.archive(session_id, generation),
            Part::Cold { session_id } => self.cold(session_id),
            Part::Session { session_id } => opencode::session(&self.connection, session_id),
        }
    }

    fn is_there(&self, table: &Table) -> Result<bool, Problem> {
        let columns = self.columns(table.name)?;
        let has = |name: &&str| columns.iter().any(|column| column == *name);
        Ok(table.columns.iter().all(has))
    }

    fn columns(&self, table: &str) -> Result<Vec<String>, Problem> {
        let sql = "SELECT name FROM pragma_table_info(?1)";
        let mut statement = self.connection.prepare(sql)?;
        let names = statement.query_map([table], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Whether long rows of transcripts may be compressed here.
    fn compresses(&self) -> Result<bool, Problem> {
        let columns = self.columns("transcript_events")?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        Ok(has("event_zstd") && has("event_utf8_bytes"))
    }

    fn list(&self, table: &Table) -> Result<String, Problem> {
        if table.name == "transcript_events" && self.compresses()? {
            let bytes = "coalesce(octet_length(event_json), event_utf8_bytes, 0)";
            let plain = "coalesce(octet_length(event_json), 0)";
            return Ok(table.list.replace(plain, bytes));
        }
        Ok(table.list.to_owned())
    }

    /// Whether an archive was also written as a file, which is read itself.
    fn is_published(&self, part: &Part) -> Result<bool, Problem> {
        let Part::Archive {
            session_id,
            generation,
        } = part
        else {
            return Ok(false);
        };
        let sql = "SELECT archive_name FROM session_transcript_archives \
                   WHERE session_id = ?1 AND generation = ?2";
        let name: Option<String> = self
            .connection
            .query_row(sql, [session_id, generation], |row| row.get(0))
            .optional()?;
        Ok(name.is_some_and(|name| self.sessions_file(&name).is_some_and(|path| path.exists())))
    }

    /// A file in the directory of sessions that belongs to this store; `None` for names that lead elsewhere.
    fn sessions_file(&self, name: &str) -> Option<PathBuf> {
        let sessions = self.path.parent()?.parent()?.join("sessions");
        let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        is_plain.then(|| sessions.join(name))
    }

    fn place_up_to(&self, part: &Part, last: i64) -> Result<Option<Place>, Problem> {
        let place = match part {
            Part::Transcript { session_id } => self.transcript_place(session_id, last)?,
            Part::RunLog { job_id, store_key } => self.one_place(
                "SELECT store_key, count(*), max(seq), max(ts) FROM cron_run_logs \
                 WHERE job_id = ?1 AND store_key = ?2",
                [job_id, store_key],
            )?,
            Part::Runs { job_id } => self.one_place(
                "SELECT '', count(*), max(coalesce(ended_at, last_event_at, created_at)), \
                 sum(octet_length(detail_json)) FROM task_runs \
                 WHERE runtime = 'cron' AND source_id = ?1 AND ?2 = ''",
                [job_id, &String::new()],
            )?,
            Part::Archive {
                session_id,
                generation,
            } => self.one_place(
                "SELECT generation, 1, 0, archive_sha256 FROM session_transcript_archives \
                 WHERE session_id = ?1 AND generation = ?2",
                [session_id, generation],
            )?,
            Part::Cold { session_id } => self.one_place(
                "SELECT generation, 1, 0, archive_sha256 FROM session_transcript_cold_archives \
                 WHERE session_id = ?1 AND ?2 = ''",
                [session_id, &String::new()],
            )?,
            Part::Session { session_id } => opencode::place(&self.connection, session_id)?,
        };
        Ok(place.filter(|place| place.n_rows > 0))
    }

    /// The place that a query tells as generation, rows, last row and anything more.
    fn one_place(&self, sql: &str, keys: [&String; 2]) -> Result<Option<Place>, Problem> {
        let place = self.connection.query_row(sql, keys, |row| {
            let digest: rusqlite::types::Value = row.get(3)?;
            Ok(Place {
                generation: row.get(0)?,
                n_rows: row.get(1)?,
                last: row.get::<_, Option<i64>>(2)?.unwrap_or(0),
                digest: format!("{digest:?}"),
            })
        });
        Ok(place.optional()?)
    }

    fn transcript_place(&self, session_id: &str, last: i64) -> Result<Option<Place>, Problem> {
        let counted: (i64, Option<i64>) = self.connection.query_row(
            "SELECT count(*), max(seq) FROM transcript_events WHERE session_id = ?1 AND seq <= ?2",
            (session_id, last),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (n_rows, Some(last)) = counted else {
            return Ok(None);
        };
        let mut generation = None;
        if !self.columns("transcript_rewrite_watermarks")?.is_empty() {
            let sql = "SELECT generation FROM transcript_rewrite_watermarks WHERE session_id = ?1";
            generation = self
                .connection
                .query_row(sql, [session_id], |row| row.get(0))
                .optional()?;
        }
        let mut statement = self.connection.prepare(&self.transcript_sql()?)?;
        let before = last.checked_sub(1).unwrap_or(last);
        let row = statement.query_row((session_id, before, None::<String>), line_of)?;
        Ok(Some(Place {
            generation: generation.unwrap_or_default(),
            n_rows,
            last,
            digest: sha256_hex(&row.1),
        }))
    }

    fn transcript_sql(&self) -> Result<String, Problem> {
        let compressed = if self.compresses()? {
            "CASE WHEN octet_length(event_zstd) <= 4194304 THEN event_zstd END, event_utf8_bytes"
        } else {
            "NULL, NULL"
        };
        Ok(format!(
            "SELECT seq, {}, NULL, {compressed} FROM transcript_events \
             WHERE session_id = ?1 AND seq > ?2 AND ?3 IS NULL ORDER BY seq LIMIT 1",
            guarded("event_json")
        ))
    }

    /// Rows one by one: as much of a store is in memory as its longest row.
    fn rows(
        &self,
        sql: &str,
        (key, key_2): (String, Option<String>),
        mut after: i64,
    ) -> Result<Box<dyn Read + '_>, Problem> {
        let mut statement = self.connection.prepare(sql)?;
        Ok(Box::new(lines::Lines::new(move || {
            let row = statement
                .query_row((&key, after, &key_2), line_of)
                .optional()
                .map_err(|error| lines::trouble(&Problem::from(error)))?;
            let Some((seq, line)) = row else {
                return Ok(None);
            };
            after = seq;
            Ok(Some(line))
        })))
    }

    /// Runs of a job in the order in which they ended, as lines of a run log.
    fn runs(
        &self,
        job_id: &str,
    ) -> Result<impl FnMut() -> io::Result<Option<Vec<u8>>> + '_, Problem> {
        let mut statement = self.connection.prepare(
            "SELECT coalesce(ended_at, last_event_at, created_at) AS at, task_id, error, \
             terminal_summary, child_session_key, \
             CASE WHEN octet_length(detail_json) <= 1048576 THEN detail_json END \
             FROM task_runs WHERE runtime = 'cron' AND source_id = ?1 AND detail_json IS NOT NULL \
             AND (coalesce(ended_at, last_event_at, created_at), task_id) > (?2, ?3) \
             ORDER BY at, task_id LIMIT ?4",
        )?;
        let job_id = job_id.to_owned();
        let (mut at, mut task_id) = (i64::MIN, String::new());
        let mut page: VecDeque<Vec<u8>> = VecDeque::new();
        Ok(move || {
            if page.is_empty() {
                let mut rows = statement
                    .query((&job_id, at, &task_id, RUNS_PAGE))
                    .map_err(sqlite_trouble)?;
                while let Some(row) = rows.next().map_err(sqlite_trouble)? {
                    at = row.get(0).map_err(sqlite_trouble)?;
                    task_id = row.get(1).map_err(sqlite_trouble)?;
                    page.push_back(run_line(&job_id, row).map_err(sqlite_trouble)?);
                }
            }
            Ok(page.pop_front())
        })
    }

    fn archive(&self, session_id: &str, generation: &str) -> Result<Box<dyn Read + '_>, Problem> {
        let (rowid, encoding): (i64, String) = self.connection.query_row(
            "SELECT rowid, encoding FROM session_transcript_archives \
             WHERE session_id = ?1 AND generation = ?2",
            [session_id, generation],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let blob = self.blob("session_transcript_archives", rowid)?;
        match encoding.as_str() {
            "identity" => Ok(Box::new(blob)),
            "zstd" => zstandard(blob),
            other => {
                let why = format!("an archive is encoded as {other:?}, which is not known");
                Err(Problem::Unusable(why))
            }
        }
    }

    fn cold(&self, session_id: &str) -> Result<Box<dyn Read + '_>, Problem> {
        let (rowid, storage, name): (i64, String, String) = self.connection.query_row(
            "SELECT rowid, storage, archive_name FROM session_transcript_cold_archives \
             WHERE session_id = ?1",
            [session_id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let packed: Box<dyn Read + '_> = if storage == "sqlite" {
            Box::new(self.blob("session_transcript_cold_archives", rowid)?)
        } else {
            let path = self.sessions_file("cold").map(|cold| cold.join(&name));
            let path = path.filter(|_| !name.contains(['/', '\\']));
            let file = path.map(File::open).and_then(Result::ok);
            let why = "its transcript is in a file below sessions/cold that cannot be read";
            Box::new(file.ok_or_else(|| Problem::Unusable(why.to_owned()))?)
        };
        Ok(Box::new(lines::cold(zstandard(packed)?)))
    }

    fn blob(&self, table: &str, rowid: i64) -> Result<Blob<'_>, Problem> {
        Ok(self
            .connection
            .blob_open(MAIN_DB, table, "archive_blob", rowid, true)?)
    }
}

/// A column without values that are too long to be held.
fn guarded(column: &str) -> String {
    format!("CASE WHEN octet_length({column}) <= {ROW_BYTES_MAX} THEN {column} END")
}

/// The number and the line of a row. What is wrong with one row is a line that no reader understands, so it is
/// counted where it stands and the others are read.
fn line_of(row: &Row<'_>) -> rusqlite::Result<(i64, Vec<u8>)> {
    let seq = row.get(0)?;
    let plain = row.get_ref(1)?;
    let line = match plain.as_bytes_or_null()? {
        Some(plain) => plain.to_vec(),
        None => {
            let (packed, bytes): (Option<Vec<u8>>, Option<i64>) = (row.get(3)?, row.get(4)?);
            let limit = bytes.and_then(|bytes| u64::try_from(bytes).ok());
            let limit = limit.unwrap_or(0).min(COMPRESSED_ROW_BYTES_MAX);
            let content = packed.map(|packed| expand::zstandard(&packed, limit));
            match content {
                Some(Ok(content)) => content,
                Some(Err(_)) | None => b"a row that is too long or damaged".to_vec(),
            }
        }
    };
    Ok((seq, line))
}

/// A run as a line of the log that there was before.
fn run_line(job_id: &str, row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    let detail: Option<String> = row.get(5)?;
    let detail = detail.and_then(|detail| serde_json::from_str(&detail).ok());
    let Some(serde_json::Value::Object(mut run)) = detail else {
        return Ok(b"a run that is too long or damaged".to_vec());
    };
    // Tasks of other kinds are scheduled too: without a kind they say nothing of a run.
    if run.get("kind").and_then(serde_json::Value::as_str) != Some("cron-run") {
        return Ok(b"{}".to_vec());
    }
    for (index, field) in [(2, "error"), (3, "summary"), (4, "sessionKey")] {
        let value: Option<String> = row.get(index)?;
        if let Some(value) = value
            && run.get(field).is_none_or(serde_json::Value::is_null)
        {
            run.insert(field.to_owned(), value.into());
        }
    }
    let at: i64 = row.get(0)?;
    run.insert("ts".to_owned(), at.into());
    run.insert("jobId".to_owned(), job_id.into());
    run.insert("action".to_owned(), "finished".into());
    Ok(serde_json::Value::Object(run).to_string().into_bytes())
}

fn zstandard<'r>(source: impl Read + 'r) -> Result<Box<dyn Read + 'r>, Problem> {
    expand::zstandard_from(source)
        .map_err(|error| Problem::Unusable(format!("not readable: {error}")))
}

fn sqlite_trouble(error: Error) -> io::Error {
    lines::trouble(&Problem::from(error))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let why = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program kept it busy; run again when that one has less to do".to_owned()
            }
            Some(ErrorCode::NotADatabase) => "not an SQLite database: encrypted, or damaged".to_owned(),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
                "cannot be opened beside its -wal and -shm files, which a directory that may not be written \
                 to keeps from being made; copy all three to a directory of yours and name that"
                    .to_owned()
            }
            Some(ErrorCode::DatabaseCorrupt) => format!("a damaged SQLite database ({error})"),
            Some(_) | None => format!("not readable as a store of sessions ({error})"),
        };
        Self::Unusable(why)
    }
}

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) use opencode::tests::OpenCode;
