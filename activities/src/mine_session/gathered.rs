//! One session that lies in many files: read whole when any of them changed, known otherwise.
//!
//! Neighbours: `mine_session` does the same for one file, [`crate::pieces`] puts the files in order.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::*;
use crate::pieces::Pieces;

/// What a session was when it was read, and what it gave. Kept across runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GatheredCursor {
    miner_version: u32,
    name: String,
    stamp: String,
    result: BlobRef,
    signals: u64,
}

pub(super) fn mine_or_reuse(
    cx: &ActivityCx,
    file: &SessionFile,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    let key = format!("gathered/{}", trace::hash::sha256_hex(file.path.as_bytes()));
    let key = key.into_bytes();
    let Some(pieces) = Pieces::of(Path::new(&file.path)) else {
        return not_read(cx, file, "its messages are not there any more".to_owned());
    };
    // Taken before reading: what is written meanwhile is read next time.
    let stamp = match pieces.stamp() {
        Ok((_, stamp)) => stamp,
        Err(error) => return trouble(cx, file, &error),
    };
    mine_unless_known(cx, file, key, stamp, || mine(cx, file, &pieces))
}

/// The earlier result when nothing changed since, else what `mine` gives, with the row that remembers it.
pub(super) fn mine_unless_known(
    cx: &ActivityCx,
    file: &SessionFile,
    key: Vec<u8>,
    stamp: String,
    mine: impl FnOnce() -> io::Result<MinedSession>,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    if let Some(output) = earlier(cx, &key, file, &stamp)? {
        cx.meter("sessions_unchanged", 1);
        return Ok((output, Vec::new()));
    }
    let session = match mine() {
        Ok(session) => session,
        Err(error) => return trouble(cx, file, &error),
    };
    cx.meter("sessions_read", 1);
    let output = MineSessionOutput {
        result: blobs::put_json(cx, &session)?,
        signals: session.signals.len() as u64,
    };
    let cursor = GatheredCursor {
        miner_version: MINER_VERSION,
        name: file.name.clone(),
        stamp,
        result: output.result.clone(),
        signals: output.signals,
    };
    let value = serde_json::to_vec(&cursor)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))?;
    Ok((output, vec![(key, value)]))
}

fn mine(cx: &ActivityCx, file: &SessionFile, pieces: &Pieces) -> io::Result<MinedSession> {
    let mut reader = Counted {
        inner: pieces.lines()?,
        cx,
    };
    let options = MineOptions {
        format: Some(Format::OpenCode),
    };
    let name = FileRef { name: &file.name };
    let mut session = trace::mine::mine(&name, &mut reader, &options)?;
    for (place, why) in std::mem::take(&mut reader.inner.skipped) {
        // Beside the session's own name, so that a reader finds the piece.
        let place = format!("{} ({place})", file.name);
        session.skipped.push(Skipped::new(&place, 0, why));
    }
    session.skipped_more += reader.inner.skipped_more;
    Ok(session)
}

pub(super) fn trouble(
    cx: &ActivityCx,
    file: &SessionFile,
    error: &io::Error,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    match Trouble::of(cx, error) {
        Trouble::OfAttempt(failure) => Err(failure),
        Trouble::OfFile(why) => not_read(cx, file, why),
    }
}

/// What could not be read is looked at again next time.
pub(super) fn not_read(
    cx: &ActivityCx,
    file: &SessionFile,
    why: String,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    cx.meter("sessions_read", 1);
    let result = blobs::put_json(cx, &unread(file, why))?;
    Ok((MineSessionOutput { result, signals: 0 }, Vec::new()))
}

/// The earlier result, when no file changed and it is still there.
fn earlier(
    cx: &ActivityCx,
    key: &[u8],
    file: &SessionFile,
    stamp: &str,
) -> Result<Option<MineSessionOutput>, Failure> {
    let value = cx.cursor(key)?;
    let cursor = value.and_then(|value| serde_json::from_slice::<GatheredCursor>(&value).ok());
    let same = |c: &GatheredCursor| {
        c.miner_version == MINER_VERSION && c.name == file.name && c.stamp == stamp
    };
    let Some(cursor) = cursor.filter(same) else {
        return Ok(None);
    };
    match blobs::bytes(cx, &cursor.result) {
        Ok(_) => Ok(Some(MineSessionOutput {
            result: cursor.result,
            signals: cursor.signals,
        })),
        Err(failure) if failure.retry == Retry::Retryable => Err(failure),
        Err(_) => Ok(None),
    }
}
