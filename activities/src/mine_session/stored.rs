//! One part of a store: read once, on from its last row when it grew, and known while nothing changed.
//!
//! Neighbours: `mine_session` does the same for files. The stamp of a store changes with every line of every session
//! in it, so each part is asked how far it goes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::*;
use crate::sqlite::{Part, Place, Problem, Store};

/// What a part was when it was read, and what it gave. Kept across runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredCursor {
    miner_version: u32,
    name: String,
    place: Place,
    result: BlobRef,
    signals: u64,
    /// Where to go on behind the place; none when it must be read whole.
    checkpoint: Option<BlobRef>,
}

pub(super) fn mine_or_reuse(
    cx: &ActivityCx,
    file: &SessionFile,
    part: &Part,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    let key = key(file, part);
    let read = match Store::open(Path::new(&file.path)) {
        Ok(store) => from_store(cx, file, part, &store, &key),
        Err(problem) => Err(Trouble::from(problem)),
    };
    match read {
        Ok((output, cursor)) => {
            let row = cursor.map(|cursor| cursor_row(key, &cursor)).transpose()?;
            Ok((output, row.into_iter().collect()))
        }
        Err(Trouble::OfAttempt(failure)) => Err(failure),
        // What could not be read is looked at again next time.
        Err(Trouble::OfFile(why)) => {
            cx.meter("sessions_read", 1);
            let session = unread(file, why);
            let result = blobs::put_json(cx, &session)?;
            Ok((MineSessionOutput { result, signals: 0 }, Vec::new()))
        }
    }
}

fn from_store(
    cx: &ActivityCx,
    file: &SessionFile,
    part: &Part,
    store: &Store,
    key: &[u8],
) -> Result<(MineSessionOutput, Option<StoredCursor>), Trouble> {
    let gone = || Trouble::OfFile("not in its store any more".to_owned());
    let place = store.place(part)?.ok_or_else(gone)?;
    let earlier = earlier(cx, key)?;
    if let Some(cursor) = &earlier
        && cursor.name == file.name
        && cursor.place == place
        && let Some(output) = kept(cx, cursor)?
    {
        cx.meter("sessions_unchanged", 1);
        return Ok((output, None));
    }
    let from = match &earlier {
        Some(cursor) => checkpoint(cx, part, store, cursor)?,
        None => None,
    };
    let mut done = match from {
        Some((checkpoint, after)) => {
            let done = mine(cx, file, part, store, Some((checkpoint, after)))?;
            if done.is_some() {
                cx.meter("sessions_continued", 1);
            }
            done
        }
        None => None,
    };
    if done.is_none() {
        done = mine(cx, file, part, store, None)?;
    }
    // Without a checkpoint there is none that is not understood.
    let (session, checkpoint) = done.ok_or_else(gone)?;
    cx.meter("sessions_read", 1);
    let kept = |value| blobs::put_json(cx, value).map_err(Trouble::OfAttempt);
    let checkpoint = checkpoint.filter(|_| matches!(part, Part::Transcript { .. }));
    let cursor = StoredCursor {
        miner_version: MINER_VERSION,
        name: file.name.clone(),
        place,
        result: blobs::put_json(cx, &session).map_err(Trouble::OfAttempt)?,
        signals: session.signals.len() as u64,
        checkpoint: checkpoint.as_ref().map(kept).transpose()?,
    };
    let output = MineSessionOutput {
        result: cursor.result.clone(),
        signals: cursor.signals,
    };
    Ok((output, Some(cursor)))
}

type Mined = (MinedSession, Option<Checkpoint>);

fn mine(
    cx: &ActivityCx,
    file: &SessionFile,
    part: &Part,
    store: &Store,
    from: Option<(Checkpoint, Place)>,
) -> Result<Option<Mined>, Trouble> {
    let (checkpoint, after) = from.unzip();
    let inner = store.lines(part, after.as_ref())?;
    let options = MineOptions {
        format: Some(part.format()),
    };
    let name = FileRef { name: &file.name };
    let mut reader = Counted { inner, cx };
    mine_on(&name, &mut reader, &options, checkpoint).map_err(|error| Trouble::of(cx, &error))
}

/// Where to go on, when the part still begins with what was read.
fn checkpoint(
    cx: &ActivityCx,
    part: &Part,
    store: &Store,
    cursor: &StoredCursor,
) -> Result<Option<(Checkpoint, Place)>, Trouble> {
    let Some(blob) = &cursor.checkpoint else {
        return Ok(None);
    };
    if !store.begins_with(part, &cursor.place)? {
        return Ok(None);
    }
    match blobs::json(cx, blob) {
        Ok(checkpoint) => Ok(Some((checkpoint, cursor.place.clone()))),
        Err(failure) if failure.retry == Retry::Retryable => Err(Trouble::OfAttempt(failure)),
        Err(_) => Ok(None),
    }
}

fn earlier(cx: &ActivityCx, key: &[u8]) -> Result<Option<StoredCursor>, Trouble> {
    let value = cx.cursor(key).map_err(Trouble::OfAttempt)?;
    let cursor = value.and_then(|value| serde_json::from_slice::<StoredCursor>(&value).ok());
    Ok(cursor.filter(|cursor| cursor.miner_version == MINER_VERSION))
}

/// The earlier result, when it is still there.
fn kept(cx: &ActivityCx, cursor: &StoredCursor) -> Result<Option<MineSessionOutput>, Trouble> {
    match blobs::bytes(cx, &cursor.result) {
        Ok(_) => Ok(Some(MineSessionOutput {
            result: cursor.result.clone(),
            signals: cursor.signals,
        })),
        Err(failure) if failure.retry == Retry::Retryable => Err(Trouble::OfAttempt(failure)),
        Err(_) => Ok(None),
    }
}

fn key(file: &SessionFile, part: &Part) -> Vec<u8> {
    let whole = format!("{}\0{part:?}", file.path);
    format!("stored/{}", trace::hash::sha256_hex(whole.as_bytes())).into_bytes()
}

fn cursor_row(key: Vec<u8>, cursor: &StoredCursor) -> Result<Row, Failure> {
    let value = serde_json::to_vec(cursor)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))?;
    Ok((key, value))
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Foreign => Self::OfFile("no store of sessions any more".to_owned()),
            Problem::Unusable(why) => Self::OfFile(why),
        }
    }
}

#[cfg(test)]
mod tests;
