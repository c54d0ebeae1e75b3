//! Stores made here, with the tables and columns that are read, and what becomes of broken ones.

use rusqlite::params;

use super::*;

/// The tables of an agent's store and of the shared one, as far as they are read.
const SCHEMA: &str = "
    CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL,
        event_json TEXT, created_at INTEGER NOT NULL, event_zstd BLOB, event_utf8_bytes INTEGER,
        navigation_json TEXT, PRIMARY KEY (session_id, seq)) STRICT;
    CREATE TABLE transcript_rewrite_watermarks (session_id TEXT NOT NULL PRIMARY KEY,
        generation TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE session_transcript_archives (session_id TEXT NOT NULL, generation TEXT NOT NULL,
        encoding TEXT NOT NULL, archive_blob BLOB NOT NULL, archive_sha256 TEXT NOT NULL,
        archive_name TEXT NOT NULL UNIQUE, PRIMARY KEY (session_id, generation)) STRICT;
    CREATE TABLE session_transcript_cold_archives (session_id TEXT NOT NULL PRIMARY KEY,
        generation TEXT NOT NULL, archive_name TEXT NOT NULL, archive_sha256 TEXT NOT NULL,
        raw_bytes INTEGER NOT NULL, storage TEXT NOT NULL, archive_blob BLOB) STRICT;
    CREATE TABLE task_runs (task_id TEXT NOT NULL PRIMARY KEY, runtime TEXT NOT NULL,
        source_id TEXT, child_session_key TEXT, created_at INTEGER NOT NULL, ended_at INTEGER,
        last_event_at INTEGER, error TEXT, terminal_summary TEXT, detail_json TEXT) STRICT;";

/// A store that a test writes to, as its owner does.
pub(crate) struct Owner(pub(crate) Connection);

impl Owner {
    pub(crate) fn create(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let connection = Connection::open(path).unwrap();
        let mode = "PRAGMA journal_mode = WAL";
        let mode: String = connection.query_row(mode, [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        connection.execute_batch(SCHEMA).unwrap();
        Self(connection)
    }

    /// Appends the lines of a session file behind what the session has.
    pub(crate) fn append(&self, session_id: &str, lines: &str) {
        for line in lines.lines() {
            self.0
                .execute(
                    "INSERT INTO transcript_events (session_id, seq, event_json, created_at)
                     SELECT ?1, coalesce(max(seq) + 1, 0), ?2, 0 FROM transcript_events
                     WHERE session_id = ?1",
                    params![session_id, line],
                )
                .unwrap();
        }
        let sql = "INSERT OR IGNORE INTO transcript_rewrite_watermarks VALUES (?1, 'g1', 0)";
        self.0.execute(sql, [session_id]).unwrap();
    }

    /// Keeps a row of a session compressed.
    pub(crate) fn compress(&self, session_id: &str, seq: i64) {
        let sql = "SELECT event_json FROM transcript_events WHERE session_id = ?1 AND seq = ?2";
        let line: String = self
            .0
            .query_row(sql, params![session_id, seq], |row| row.get(0))
            .unwrap();
        let sql = "UPDATE transcript_events SET event_json = NULL, event_zstd = ?3,
                   event_utf8_bytes = ?4 WHERE session_id = ?1 AND seq = ?2";
        let bytes = i64::try_from(line.len()).unwrap();
        self.0
            .execute(sql, params![session_id, seq, zstd(line.as_bytes()), bytes])
            .unwrap();
    }

    pub(crate) fn run(&self, id: &str, job_id: &str, ended_at: i64, detail: &str) {
        let sql =
            "INSERT INTO task_runs (task_id, runtime, source_id, child_session_key, created_at,
                   ended_at, detail_json) VALUES (?1, 'cron', ?2, 'agent:main:cron:j', 0, ?3, ?4)";
        self.0
            .execute(sql, params![id, job_id, ended_at, detail])
            .unwrap();
    }
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    ruzstd::encoding::compress_to_vec(bytes, level)
}

fn transcript(session_id: &str) -> Part {
    Part::Transcript {
        session_id: session_id.to_owned(),
    }
}

fn text(store: &Store, part: &Part, after: Option<&Place>) -> String {
    let mut text = String::new();
    let mut lines = store.lines(part, after).unwrap();
    lines.read_to_string(&mut text).unwrap();
    text
}

fn parts(path: &Path) -> Vec<Part> {
    let listed = Store::open(path).unwrap().parts().unwrap();
    listed.into_iter().map(|listed| listed.part).collect()
}

fn why(problem: Result<Vec<Listed>, Problem>) -> String {
    match problem {
        Err(Problem::Unusable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transcript_is_given_line_by_line_compressed_or_not_while_its_owner_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw-agent.sqlite");
    let owner = Owner::create(&path);
    owner.append("s-1", "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    owner.append("s-2", "{\"z\":0}\n");
    owner.compress("s-1", 1);
    assert_eq!(parts(&path), [transcript("s-1"), transcript("s-2")]);

    let store = Store::open(&path).unwrap();
    owner.append("s-1", "{\"later\":4}\n");
    let part = transcript("s-1");
    let place = store.place(&part).unwrap().unwrap();
    assert_eq!(
        text(&store, &part, None),
        "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n"
    );
    drop(store);

    let store = Store::open(&path).unwrap();
    assert!(store.begins_with(&part, &place).unwrap());
    assert_eq!(text(&store, &part, Some(&place)), "{\"later\":4}\n");
}

#[test]
fn vacuum_and_compression_keep_a_place_and_every_rewriting_loses_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw-agent.sqlite");
    let owner = Owner::create(&path);
    owner.append("s-0", "{\"gone\":1}\n");
    owner.append("s-1", "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    let part = transcript("s-1");
    let place = Store::open(&path).unwrap().place(&part).unwrap().unwrap();
    let is_kept = || {
        let store = Store::open(&path).unwrap();
        store.begins_with(&part, &place).unwrap()
    };
    owner
        .0
        .execute_batch("DELETE FROM transcript_events WHERE session_id = 's-0'; VACUUM")
        .unwrap();
    owner.compress("s-1", 2);
    assert!(is_kept());
    for change in [
        "DELETE FROM transcript_events WHERE seq = 0",
        "UPDATE transcript_events SET event_json = '{}', event_zstd = NULL WHERE seq = 2",
        "UPDATE transcript_rewrite_watermarks SET generation = 'g2' WHERE session_id = 's-1'",
        "DELETE FROM transcript_events",
    ] {
        owner.0.execute_batch("SAVEPOINT before").unwrap();
        owner.0.execute_batch(change).unwrap();
        owner.0.execute_batch("RELEASE before").unwrap();
        assert!(!is_kept(), "{change}");
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(store.place(&part).unwrap(), None);
}

#[test]
fn archives_and_what_was_put_away_are_given_as_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agents/main/agent/openclaw-agent.sqlite");
    let sessions = dir.path().join("agents/main/sessions");
    std::fs::create_dir_all(sessions.join("cold")).unwrap();
    let owner = Owner::create(&path);
    let archive = |id: &str, encoding: &str, blob: &[u8], name: &str| {
        let sql = "INSERT INTO session_transcript_archives VALUES (?1, 'g', ?2, ?3, 'd', ?4)";
        owner
            .0
            .execute(sql, params![id, encoding, blob, name])
            .unwrap();
    };
    archive("a-1", "identity", b"{\"a\":1}\n", "a-1.jsonl.reset.1");
    archive(
        "a-2",
        "zstd",
        &zstd(b"{\"a\":2}\n"),
        "a-2.jsonl.deleted.1.zst",
    );
    archive("a-3", "zstd", b"", "a-3.jsonl.reset.1.zst");
    std::fs::write(sessions.join("a-3.jsonl.reset.1.zst"), b"").unwrap();
    let cold = |id: &str, storage: &str, blob: Option<Vec<u8>>, name: &str| {
        let sql =
            "INSERT INTO session_transcript_cold_archives VALUES (?1, 'g', ?4, 'd', 9, ?2, ?3)";
        owner
            .0
            .execute(sql, params![id, storage, blob, name])
            .unwrap();
    };
    let records = "{\"kind\":\"header\",\"version\":1,\"sessionId\":\"c\",\"generation\":\"g\"}\n\
        {\"kind\":\"event\",\"row\":{\"seq\":0,\"event_json\":\"{\\\"c\\\":1}\",\"created_at\":0}}\n\
        {\"kind\":\"identity\",\"row\":{\"event_id\":\"x\",\"seq\":0}}\n";
    cold(
        "c-1",
        "sqlite",
        Some(zstd(records.as_bytes())),
        "c-1.jsonl.zst",
    );
    cold("c-2", "file", None, "c-2.jsonl.zst");
    std::fs::write(
        sessions.join("cold/c-2.jsonl.zst"),
        zstd(records.as_bytes()),
    )
    .unwrap();
    cold("c-3", "file", None, "../../../secret");

    let store = Store::open(&path).unwrap();
    let listed: Vec<Part> = parts(&path);
    let shown: Vec<String> = listed.iter().map(Part::label).collect();
    assert_eq!(
        shown,
        ["a-1@g", "a-2@g", "c-1", "c-2", "c-3"],
        "a-3 is a file"
    );
    assert_eq!(text(&store, &listed[0], None), "{\"a\":1}\n");
    assert_eq!(text(&store, &listed[1], None), "{\"a\":2}\n");
    assert_eq!(text(&store, &listed[2], None), "{\"c\":1}\n");
    assert_eq!(text(&store, &listed[3], None), "{\"c\":1}\n");
    assert!(matches!(
        store.lines(&listed[4], None),
        Err(Problem::Unusable(_))
    ));
}

#[test]
fn runs_of_a_job_are_lines_of_a_run_log_in_the_order_in_which_they_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw.sqlite");
    let owner = Owner::create(&path);
    for run in 0..200 {
        let detail = r#"{"kind":"cron-run","status":"ok","summary":"done","error":null}"#;
        owner.run(&format!("t-{run}"), "job-1", 1_000 - run, detail);
    }
    owner.run("t-x", "job-1", 2_000, r#"{"triggerFired":false}"#);
    owner.run("t-y", "job-1", 3_000, "no json");
    let part = Part::Runs {
        job_id: "job-1".to_owned(),
    };
    assert_eq!(parts(&path), std::slice::from_ref(&part));
    let store = Store::open(&path).unwrap();
    let text = text(&store, &part, None);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 202);
    let first: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(
        (first["ts"].as_i64(), first["jobId"].as_str()),
        (Some(801), Some("job-1"))
    );
    assert_eq!(first["action"], "finished");
    assert_eq!(lines[200], "{}");
    assert!(serde_json::from_str::<serde_json::Value>(lines[201]).is_err());
}

#[test]
fn damaged_rows_are_lines_that_nobody_understands_and_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw-agent.sqlite");
    let owner = Owner::create(&path);
    owner.append("s", "{\"a\":\n1}\n{\"b\":2}\n{\"c\":3}\n");
    owner.compress("s", 1);
    let flip = "UPDATE transcript_events SET event_zstd = x'28b52ffd00' WHERE seq = 1";
    owner.0.execute_batch(flip).unwrap();
    owner
        .0
        .execute_batch(
            "UPDATE transcript_events SET event_json = '{\"x\":' || char(10) || '1}' WHERE seq = 0",
        )
        .unwrap();
    let store = Store::open(&path).unwrap();
    let text = text(&store, &transcript("s"), None);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "{\"x\": 1}");
    assert_eq!(lines[1], "a row that is too long or damaged");
    assert_eq!(lines.last(), Some(&"{\"c\":3}"));
}

#[test]
fn a_store_that_is_torn_foreign_busy_or_none_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openclaw-agent.sqlite");
    let owner = Owner::create(&path);
    let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(500)).repeat(200);
    owner.append("s", &long);
    owner
        .0
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(owner);
    let whole = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| {
        let torn = dir.path().join("torn.sqlite");
        std::fs::write(&torn, bytes).unwrap();
        let store = Store::open(&torn)?;
        for listed in store.parts()? {
            let mut lines = store.lines(&listed.part, None)?;
            let mut bytes = Vec::new();
            // An error is fine, a panic is not.
            drop(lines.read_to_end(&mut bytes));
        }
        store.parts()
    };
    assert_eq!(read(&whole).unwrap().len(), 1);
    for length in (0..whole.len()).step_by(1_531) {
        drop(read(&whole[..length]));
        let mut flipped = whole.clone();
        flipped[length] ^= 0x5a;
        drop(read(&flipped));
    }
    let mut sealed = whole.clone();
    sealed[..100].fill(0x77);
    assert_eq!(
        why(read(&sealed)),
        "not an SQLite database: encrypted, or damaged"
    );
    let half = why(read(&whole[..whole.len() / 2]));
    assert!(half.starts_with("a damaged SQLite database"), "{half}");

    let other = dir.path().join("other.sqlite");
    let connection = Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE transcript_events (a TEXT)")
        .unwrap();
    let store = Store::open(&other).unwrap();
    assert_eq!(store.parts(), Err(Problem::Foreign));
}
