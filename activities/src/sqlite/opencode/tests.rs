//! A database with the tables and columns of OpenCode that are read, and what becomes of damaged rows in it.

use std::path::Path;

use rusqlite::params;

use super::super::{Listed, Part, Problem, Store};
use super::*;

/// A database that a test writes to, as OpenCode does.
pub(crate) struct OpenCode(Connection);

impl OpenCode {
    pub(crate) fn create(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let connection = Connection::open(path).unwrap();
        let mode = "PRAGMA journal_mode = WAL";
        let mode: String = connection.query_row(mode, [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        connection
            .execute_batch(
                "CREATE TABLE session (id text PRIMARY KEY, project_id text NOT NULL, parent_id text,
                     time_created integer NOT NULL, time_updated integer NOT NULL);
                 CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL,
                     time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
                 CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
                     time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);",
            )
            .unwrap();
        Self(connection)
    }

    pub(crate) fn session(&self, id: &str, parent: Option<&str>) {
        let sql = "INSERT INTO session VALUES (?1, 'p', ?2, 0, 0)";
        self.0.execute(sql, params![id, parent]).unwrap();
    }

    pub(crate) fn message(&self, session: &str, id: &str, at: i64, data: &str) {
        let sql = "INSERT INTO message VALUES (?1, ?2, ?3, ?3, ?4)";
        self.0.execute(sql, params![id, session, at, data]).unwrap();
    }

    pub(crate) fn part(&self, session: &str, message: &str, id: &str, data: &str) {
        let sql = "INSERT INTO part VALUES (?1, ?2, ?3, 1, 1, ?4)";
        self.0
            .execute(sql, params![id, message, session, data])
            .unwrap();
    }

    /// A question of a person and an answer with a command that failed.
    pub(crate) fn some_session(&self, id: &str) {
        self.session(id, None);
        let (asks, answers) = (format!("{id}-1"), format!("{id}-2"));
        let time = r#""time":{"created":1767225601000}"#;
        self.message(id, &asks, 1, &format!("{{\"role\":\"user\",{time}}}"));
        self.part(
            id,
            &asks,
            &format!("{id}-a"),
            r#"{"type":"text","text":"run the tests"}"#,
        );
        self.message(
            id,
            &answers,
            2,
            &format!("{{\"role\":\"assistant\",{time},\"finish\":\"stop\"}}"),
        );
        let tool = r#"{"type":"tool","tool":"bash","callID":"c1","state":{"status":"completed",
            "input":{"command":"make tests"},"output":"make: *** No rule to make target 'tests'.",
            "metadata":{"exit":2}}}"#;
        self.part(id, &answers, &format!("{id}-b"), tool);
    }
}

fn part(session_id: &str) -> Part {
    Part::Session {
        session_id: session_id.to_owned(),
    }
}

fn lines_of(path: &Path, session_id: &str) -> Vec<String> {
    let store = Store::open(path).unwrap();
    let mut text = String::new();
    let mut lines = store.lines(&part(session_id), None).unwrap();
    lines.read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_session_is_given_as_its_storage_of_files_was_while_its_owner_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let owner = OpenCode::create(&path);
    owner.session("ses_1", None);
    owner.session("ses_2", Some("ses_1"));
    owner.session("ses_3", None);
    // Names say another order than times.
    owner.message("ses_1", "msg_b", 1, r#"{"role":"user"}"#);
    owner.message("ses_1", "msg_a", 2, "{\"role\":\n\"assistant\"}");
    owner.part("ses_1", "msg_b", "prt_2", r#"{"text":"tests"}"#);
    owner.part("ses_1", "msg_b", "prt_1", r#"{"text":"run"}"#);
    owner.message("ses_2", "msg_c", 3, r#"{"role":"user"}"#);
    let store = Store::open(&path).unwrap();
    let listed: Vec<Part> = store.parts().unwrap().into_iter().map(|l| l.part).collect();
    assert_eq!(
        listed,
        [part("ses_1"), part("ses_2")],
        "nothing was said in ses_3"
    );
    let place = store.place(&part("ses_1")).unwrap();
    // What is written from now on is no part of what was opened.
    owner.message("ses_1", "msg_d", 4, r#"{"role":"user"}"#);
    assert_eq!(store.place(&part("ses_1")).unwrap(), place);
    drop(store);
    assert_ne!(
        Store::open(&path).unwrap().place(&part("ses_1")).unwrap(),
        place
    );
    assert_eq!(
        lines_of(&path, "ses_1"),
        [
            r#"{"info":{"id":"ses_1"},"storage":1}"#,
            r#"{"info":{"role":"user"},"parts":[{"text":"run"},{"text":"tests"}]}"#,
            r#"{"info":{"role": "assistant"},"parts":[]}"#,
            r#"{"info":{"role":"user"},"parts":[]}"#,
        ]
    );
    let child = lines_of(&path, "ses_2");
    assert_eq!(
        child[0],
        r#"{"info":{"id":"ses_2","parentID":"ses_1"},"storage":1}"#
    );
}

#[test]
fn a_row_that_was_written_anew_is_another_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let owner = OpenCode::create(&path);
    owner.some_session("ses_1");
    owner.some_session("ses_2");
    let place = |id: &str| Store::open(&path).unwrap().place(&part(id)).unwrap();
    let (first, second) = (place("ses_1"), place("ses_2"));
    let sql = "UPDATE part SET time_updated = 9 WHERE session_id = 'ses_1'";
    owner.0.execute_batch(sql).unwrap();
    assert_ne!(place("ses_1"), first);
    assert_eq!(place("ses_2"), second);
    owner
        .0
        .execute_batch("DELETE FROM part; DELETE FROM message")
        .unwrap();
    assert_eq!(place("ses_1"), None);
}

#[test]
fn damaged_rows_are_lines_that_nobody_understands_and_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let owner = OpenCode::create(&path);
    owner.session("s", None);
    owner.message("s", "m1", 1, "{\"role\":");
    owner.message("s", "m2", 2, "{\"role\":\"user\"}");
    owner.part("s", "m2", "p1", "[]");
    owner.part("s", "m2", "p2", "{\"a\":1}");
    owner.message("s", "m3", 3, "{}");
    let not_text = "UPDATE part SET data = CAST(x'7bff7d' AS TEXT) WHERE id = 'p3'";
    owner.part("s", "m3", "p3", "{}");
    owner.0.execute_batch(not_text).unwrap();
    let long = format!(
        "UPDATE message SET data = zeroblob({}) WHERE id = 'm4'",
        PIECE_BYTES_MAX + 1
    );
    owner.message("s", "m4", 4, "{}");
    owner.0.execute_batch(&long).unwrap();
    let unread = std::str::from_utf8(UNREAD).unwrap();
    assert_eq!(
        lines_of(&path, "s")[1..],
        [
            unread,
            r#"{"info":{"role":"user"},"parts":[{"a":1}]}"#,
            unread,
            r#"{"info":{},"parts":[]}"#,
            unread,
            unread,
        ]
    );
}

#[test]
fn a_database_of_another_kind_or_a_torn_one_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let owner = OpenCode::create(&path);
    for session in 0..50 {
        owner.some_session(&format!("ses_{session}"));
    }
    let all = "PRAGMA wal_checkpoint(TRUNCATE)";
    owner.0.query_row(all, [], |_| Ok(())).unwrap();
    drop(owner);
    let whole = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| -> Result<Vec<Listed>, Problem> {
        let torn = dir.path().join("opencode-torn.db");
        std::fs::write(&torn, bytes).unwrap();
        let store = Store::open(&torn)?;
        for listed in store.parts()? {
            let mut bytes = Vec::new();
            // An error is fine, a panic is not.
            drop(store.lines(&listed.part, None)?.read_to_end(&mut bytes));
        }
        store.parts()
    };
    assert_eq!(read(&whole).unwrap().len(), 50);
    for length in (0..whole.len()).step_by(1_531) {
        drop(read(&whole[..length]));
        let mut flipped = whole.clone();
        flipped[length] ^= 0x5a;
        drop(read(&flipped));
    }
    let other = dir.path().join("opencode-other.db");
    let connection = Connection::open(&other).unwrap();
    let first = "CREATE TABLE part (id text, data text)";
    connection.execute_batch(first).unwrap();
    assert_eq!(Store::open(&other).unwrap().parts(), Err(Problem::Foreign));
}
