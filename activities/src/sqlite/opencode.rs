//! Sessions of OpenCode's database, given as the lines that its storage of many files is given as.
//!
//! Neighbours: `sqlite` opens the store and asks for a session, `pieces` makes the same lines out of files. OpenCode
//! writes a row anew whenever what it holds goes on, so a session that changed is read whole. One message is in memory
//! at a time. Must not know what a message means.

use std::io::Read;

use serde::de::IgnoredAny;

use super::{Connection, OptionalExtension, Place, Problem, lines, sqlite_trouble};
use crate::limits::{MESSAGE_OF_PIECES_BYTES_MAX, PIECE_BYTES_MAX, PIECES_MAX};

/// What stands for a message or a part that is not read: a line that no reader understands, so it is counted.
const UNREAD: &[u8] = b"a message or a part that is too long or damaged";
/// Most unread parts of one message that are counted.
const PARTS_UNREAD_MAX: usize = 1_000;

/// How far a session goes. Rows change where they stand, and bear the time of that.
pub(super) fn place(connection: &Connection, session_id: &str) -> Result<Option<Place>, Problem> {
    let sql = "SELECT count(*), max(time_updated), sum(octet_length(data)) FROM \
               (SELECT time_updated, data FROM message WHERE session_id = ?1 \
                UNION ALL SELECT time_updated, data FROM part WHERE session_id = ?1)";
    let place = connection.query_row(sql, [session_id], |row| {
        let bytes: Option<i64> = row.get(2)?;
        Ok(Place {
            generation: String::new(),
            n_rows: row.get(0)?,
            last: row.get::<_, Option<i64>>(1)?.unwrap_or(0),
            digest: format!("{bytes:?}"),
        })
    });
    Ok(place.optional()?)
}

/// The session as lines: the first tells of it, every other one is a message with its parts.
pub(super) fn session<'c>(
    connection: &'c Connection,
    session_id: &str,
) -> Result<Box<dyn Read + 'c>, Problem> {
    let mut waiting = std::collections::VecDeque::from([begin(connection, session_id)?]);
    let mut messages = messages(connection, session_id)?.into_iter();
    let mut message = connection.prepare(&format!(
        "SELECT {} FROM message WHERE id = ?1",
        guarded("data")
    ))?;
    let mut parts = connection.prepare(&format!(
        "SELECT {} FROM part WHERE message_id = ?1 ORDER BY id",
        guarded("data")
    ))?;
    Ok(Box::new(lines::Lines::new(move || {
        while waiting.is_empty() {
            let Some(id) = messages.next() else {
                return Ok(None);
            };
            let info = message.query_row([&id], |row| row.get(0)).optional();
            let info: Option<Option<Vec<u8>>> = info.map_err(sqlite_trouble)?;
            let Some(info) = info.flatten().filter(|info| is_object(info)) else {
                waiting.push_back(UNREAD.to_vec());
                continue;
            };
            let mut line = b"{\"info\":".to_vec();
            line.extend_from_slice(&info);
            line.extend_from_slice(b",\"parts\":[");
            let mut rows = parts.query([&id]).map_err(sqlite_trouble)?;
            let (mut is_first, mut unread) = (true, 0_usize);
            while let Some(row) = rows.next().map_err(sqlite_trouble)? {
                let part: Option<Vec<u8>> = row.get(0).map_err(sqlite_trouble)?;
                let room = MESSAGE_OF_PIECES_BYTES_MAX.saturating_sub(line.len());
                let fits = |part: &Vec<u8>| part.len() <= room && is_object(part);
                let Some(part) = part.filter(fits) else {
                    unread += 1;
                    continue;
                };
                if !is_first {
                    line.push(b',');
                }
                is_first = false;
                line.extend_from_slice(&part);
            }
            line.extend_from_slice(b"]}");
            waiting.push_back(line);
            waiting.extend(std::iter::repeat_n(
                UNREAD.to_vec(),
                unread.min(PARTS_UNREAD_MAX),
            ));
        }
        Ok(waiting.pop_front())
    })))
}

fn begin(connection: &Connection, session_id: &str) -> Result<Vec<u8>, Problem> {
    // Written as the file of the session was; a session whose row is gone is still a session.
    let sql = "SELECT parent_id FROM session WHERE id = ?1";
    let parent: Option<Option<String>> = connection
        .query_row(sql, [session_id], |row| row.get(0))
        .optional()?;
    let mut info = serde_json::json!({ "id": session_id });
    if let Some(parent) = parent.flatten() {
        info["parentID"] = parent.into();
    }
    let line = serde_json::json!({ "storage": 1, "info": info });
    Ok(line.to_string().into_bytes())
}

/// The ids of the messages in the order of their times; those of one moment in the order of their ids, which grow.
fn messages(connection: &Connection, session_id: &str) -> Result<Vec<String>, Problem> {
    let mut statement = connection.prepare(
        "SELECT id FROM message WHERE session_id = ?1 ORDER BY time_created, id LIMIT ?2",
    )?;
    let limit = i64::try_from(PIECES_MAX).unwrap_or(i64::MAX);
    let ids = statement.query_map((session_id, limit), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// A column without values that are too long to be held, as bytes: text that is no UTF-8 costs its own row only.
fn guarded(column: &str) -> String {
    format!("CASE WHEN octet_length({column}) <= {PIECE_BYTES_MAX} THEN CAST({column} AS BLOB) END")
}

fn is_object(value: &[u8]) -> bool {
    value.trim_ascii_start().first() == Some(&b'{')
        && std::str::from_utf8(value).is_ok()
        && serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

#[cfg(test)]
pub(crate) mod tests;
