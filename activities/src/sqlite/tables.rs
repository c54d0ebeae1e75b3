//! The tables of stores that are read, by name and columns.
//!
//! Neighbours: `sqlite` asks a store for them. Must not open anything.

use super::Part;

/// A table of a store: what it must have to be one, and how its parts are listed as two names and a number of bytes.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) list: &'static str,
    pub(super) part: fn(String, String) -> Part,
}

/// All tables that are read.
pub(super) const TABLES: [Table; 6] = [
    Table {
        name: "transcript_events",
        columns: &["session_id", "seq", "event_json"],
        list: "SELECT session_id, '', sum(coalesce(octet_length(event_json), 0)) \
               FROM transcript_events GROUP BY session_id",
        part: |session_id, _| Part::Transcript { session_id },
    },
    Table {
        name: "session_transcript_archives",
        columns: &[
            "session_id",
            "generation",
            "encoding",
            "archive_blob",
            "archive_name",
        ],
        list: "SELECT session_id, generation, octet_length(archive_blob) \
               FROM session_transcript_archives",
        part: |session_id, generation| Part::Archive {
            session_id,
            generation,
        },
    },
    Table {
        name: "session_transcript_cold_archives",
        columns: &[
            "session_id",
            "generation",
            "storage",
            "archive_blob",
            "archive_name",
            "raw_bytes",
        ],
        list: "SELECT session_id, '', raw_bytes FROM session_transcript_cold_archives",
        part: |session_id, _| Part::Cold { session_id },
    },
    Table {
        name: "task_runs",
        columns: &[
            "task_id",
            "runtime",
            "source_id",
            "child_session_key",
            "created_at",
            "ended_at",
            "last_event_at",
            "error",
            "terminal_summary",
            "detail_json",
        ],
        list: "SELECT source_id, '', sum(octet_length(detail_json)) FROM task_runs \
               WHERE runtime = 'cron' AND source_id IS NOT NULL AND detail_json IS NOT NULL \
               GROUP BY source_id",
        part: |job_id, _| Part::Runs { job_id },
    },
    Table {
        name: "cron_run_logs",
        columns: &["store_key", "job_id", "seq", "entry_json"],
        list: "SELECT job_id, store_key, sum(octet_length(entry_json)) FROM cron_run_logs \
               GROUP BY job_id, store_key",
        part: |job_id, store_key| Part::RunLog { job_id, store_key },
    },
    Table {
        name: "part",
        columns: &["id", "message_id", "session_id", "time_updated", "data"],
        list: "SELECT session_id, '', sum(octet_length(data)) FROM \
               (SELECT session_id, data FROM message UNION ALL SELECT session_id, data FROM part) \
               GROUP BY session_id",
        part: |session_id, _| Part::Session { session_id },
    },
];
