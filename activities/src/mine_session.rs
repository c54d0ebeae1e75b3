//! `MineSession`: one session file becomes one blob of signals, or is known from an earlier run.
//!
//! Neighbours: `discover` found the file, [`trace::mine`] reads it, `growth` tells a file that only
//! grew, `rollup_signals` takes the results. What is wrong with a file is a line in its result, never a failure of the run.

mod gathered;
mod growth;
mod state_file;
mod stored;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};

use async_trait::async_trait;
use engine::{Activity, ActivityCx};
use kernel::{Failure, Retry};
use serde::{Deserialize, Serialize};
use trace::mine::{Checkpoint, FileRef, Format, MineOptions, MinedSession, mine_on};
use trace::rollup::Skipped;
use trace::scrub::Scrubber;
use workflows::contracts::{self, BlobRef, MineSessionInput, MineSessionOutput};

use crate::blobs;
use crate::errors::{blocking, check_canceled, io_failure, may_pass, reason};
use crate::expand;
use crate::manifest::{Cache, SessionFile};
use crate::pieces::Pieces;
use crate::sqlite::Store;
use growth::{Growth, Prefix};

/// Version of everything that decides what a file gives: formats, detectors, scrubber. Raise it
/// with any of them, and every file is read anew.
pub const MINER_VERSION: u32 = 16;

/// Mines one session file.
#[derive(Debug, Default)]
pub struct MineSession {
    manifests: Cache,
}

impl MineSession {
    /// One that shares manifests with others.
    #[must_use]
    pub fn new(manifests: Cache) -> Self {
        Self { manifests }
    }
}

/// What a file was when it was read, and what it gave. Kept across runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    source: Source,
    result: BlobRef,
    signals: u64,
    /// Where to go on when the file has grown; none for files that must be read whole.
    growth: Option<Growth>,
}

/// Everything that the result was made of. Any difference and the file is read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    miner_version: u32,
    name: String,
    format: String,
    stamp: Stamp,
}

/// What the system says of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i128,
    /// Catches a file that was rewritten and given its old time again.
    changed_ns: i128,
}

type Row = (Vec<u8>, Vec<u8>);

#[async_trait]
impl Activity for MineSession {
    type Contract = contracts::MineSession;

    async fn run(
        &self,
        cx: &ActivityCx,
        input: MineSessionInput,
    ) -> Result<MineSessionOutput, Failure> {
        let manifests = self.manifests.clone();
        let (output, cursors) = blocking(cx, move |cx| {
            let manifest = manifests.manifest(cx, &input.manifest)?;
            let index = usize::try_from(input.index).unwrap_or(usize::MAX);
            let file = manifest.files.get(index).ok_or_else(|| {
                let n_files = manifest.files.len();
                Failure::permanent("BadIndex", format!("no file {index} among {n_files}"))
            })?;
            mine_or_reuse(cx, file)
        })
        .await?;
        // The blob is durable before the cursor names it.
        for (key, value) in cursors {
            cx.set_cursor(key, value).await?;
        }
        Ok(output)
    }
}

fn mine_or_reuse(
    cx: &ActivityCx,
    file: &SessionFile,
) -> Result<(MineSessionOutput, Vec<Row>), Failure> {
    check_canceled(cx)?;
    if let Some(part) = &file.part {
        return stored::mine_or_reuse(cx, file, part);
    }
    if file.in_pieces {
        return gathered::mine_or_reuse(cx, file);
    }
    if file.format == trace::state_file::FORMAT {
        return state_file::mine_or_reuse(cx, file);
    }
    let key = cursor_key(file);
    let stamp = std::fs::metadata(&file.path).map(|metadata| Stamp::of(&metadata));
    let mut from = None;
    if let Ok(stamp) = stamp {
        if let Some(output) = reuse(cx, &key, &Source::of(file, stamp))? {
            cx.meter("sessions_unchanged", 1);
            return Ok((output, Vec::new()));
        }
        from = grown(cx, file, &Source::of(file, stamp))?;
    }
    let (session, end) = match read(cx, file, from) {
        Ok((session, end)) => (session, Some(end)),
        Err(Trouble::OfAttempt(failure)) => return Err(failure),
        Err(Trouble::OfFile(why)) => (unread(file, why), None),
    };
    cx.meter("sessions_read", 1);
    let output = MineSessionOutput {
        result: blobs::put_json(cx, &session)?,
        signals: session.signals.len() as u64,
    };
    // What could not be read is looked at again next time.
    let Some(End { stamp, growth }) = end else {
        return Ok((output, Vec::new()));
    };
    let growth = match growth {
        Some((prefix, checkpoint)) => Some(Growth {
            prefix,
            checkpoint: blobs::put_json(cx, &checkpoint)?,
        }),
        None => None,
    };
    let cursor = Cursor {
        source: Source::of(file, stamp),
        result: output.result.clone(),
        signals: output.signals,
        growth,
    };
    let value = serde_json::to_vec(&cursor)
        .map_err(|e| Failure::internal(format!("could not write a cursor: {e}")))?;
    // By its number the file is known under its next name too.
    let mut rows = vec![(key, value)];
    if let Some(key) = number_key(&cursor.source.stamp).filter(|_| cursor.growth.is_some()) {
        let value = rows[0].1.clone();
        rows.push((key, value));
    }
    Ok((output, rows))
}

/// Keys have a limit that paths have not, and a digest tells nobody a path.
fn cursor_key(file: &SessionFile) -> Vec<u8> {
    format!("session/{}", trace::hash::sha256_hex(file.path.as_bytes())).into_bytes()
}

/// The key of a file whatever its name; `None` where the system does not number files.
fn number_key(stamp: &Stamp) -> Option<Vec<u8>> {
    let Stamp { device, inode, .. } = stamp;
    (*inode != 0).then(|| format!("session-number/{device}-{inode}").into_bytes())
}

/// Where to go on reading, when the file is one that was read earlier and has only grown since.
fn grown(
    cx: &ActivityCx,
    file: &SessionFile,
    source: &Source,
) -> Result<Option<Checkpoint>, Failure> {
    let keys = [Some(cursor_key(file)), number_key(&source.stamp)];
    for key in keys.into_iter().flatten() {
        let Some(value) = cx.cursor(&key)? else {
            continue;
        };
        let Ok(cursor) = serde_json::from_slice::<Cursor>(&value) else {
            continue;
        };
        let Some(growth) = cursor.growth.filter(|_| cursor.source.is_of(source)) else {
            continue;
        };
        if source.stamp.size < growth.prefix.bytes || !begins_with(file, &growth.prefix) {
            continue;
        }
        match blobs::json(cx, &growth.checkpoint) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(failure) if failure.retry == Retry::Retryable => return Err(failure),
            // Lost, damaged or of another version: the file is read from its start.
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Whether a file still begins as it did. One that cannot be read does not; reading it will say why.
fn begins_with(file: &SessionFile, prefix: &Prefix) -> bool {
    let is_file = std::fs::metadata(&file.path).is_ok_and(|metadata| metadata.is_file());
    is_file
        && File::open(&file.path)
            .and_then(|mut open| Prefix::of(&mut open, prefix.bytes))
            .is_ok_and(|is| is == *prefix)
}

/// The earlier result, when the file is as it was then and the result is still there.
fn reuse(
    cx: &ActivityCx,
    key: &[u8],
    source: &Source,
) -> Result<Option<MineSessionOutput>, Failure> {
    let Some(value) = cx.cursor(key)? else {
        return Ok(None);
    };
    // A cursor of another version is no error: the file is read again.
    let Ok(cursor) = serde_json::from_slice::<Cursor>(&value) else {
        return Ok(None);
    };
    if cursor.source != *source {
        return Ok(None);
    }
    match blobs::bytes(cx, &cursor.result) {
        Ok(_) => Ok(Some(MineSessionOutput {
            result: cursor.result,
            signals: cursor.signals,
        })),
        Err(failure) if failure.retry == Retry::Retryable => Err(failure),
        // Lost or damaged: the file gives it anew.
        Err(_) => Ok(None),
    }
}

/// Why a file gave nothing.
enum Trouble {
    /// The attempt cannot go on.
    OfAttempt(Failure),
    /// The file cannot be read, and why.
    OfFile(String),
}

impl Trouble {
    fn of(cx: &ActivityCx, error: &io::Error) -> Self {
        if let Err(canceled) = check_canceled(cx) {
            return Self::OfAttempt(canceled);
        }
        if may_pass(error) {
            return Self::OfAttempt(io_failure("read a session file", error));
        }
        Self::OfFile(reason(error))
    }
}

/// What a file was when its reading ended, and where to go on.
struct End {
    stamp: Stamp,
    growth: Option<(Prefix, Checkpoint)>,
}

fn read(
    cx: &ActivityCx,
    file: &SessionFile,
    from: Option<Checkpoint>,
) -> Result<(MinedSession, End), Trouble> {
    let trouble = |error: io::Error| Trouble::of(cx, &error);
    let only_files = |metadata: &Metadata| match not_a_file(metadata) {
        Some(what) => Err(Trouble::OfFile(what.to_owned())),
        None => Ok(()),
    };
    // Opening a FIFO would wait for a writer, so what it is comes first.
    only_files(&std::fs::metadata(&file.path).map_err(trouble)?)?;
    let mut open = File::open(&file.path).map_err(trouble)?;
    let metadata = open.metadata().map_err(trouble)?;
    only_files(&metadata)?;
    let stamp = Stamp::of(&metadata);
    if stamp.size == 0 {
        return Err(Trouble::OfFile("empty file".to_owned()));
    }
    let format: Format = file.format.parse().map_err(|error| {
        Trouble::OfAttempt(Failure::permanent("UnknownFormat", format!("{error}")))
    })?;
    let is_compressed = expand::is_compressed(&mut open).map_err(trouble)?;
    let mut again = open.try_clone().map_err(trouble)?;
    // What is written from now on belongs to the next run.
    let inner = match &from {
        Some(from) => {
            open.seek(SeekFrom::Start(from.bytes)).map_err(trouble)?;
            Box::new(open.take(stamp.size.saturating_sub(from.bytes)))
        }
        None => expand::content(open, stamp.size).map_err(trouble)?,
    };
    let is_continued = from.is_some();
    let mut reader = Counted { inner, cx };
    let options = MineOptions {
        format: Some(format),
    };
    let name = FileRef { name: &file.name };
    let done = mine_on(&name, &mut reader, &options, from).map_err(trouble)?;
    let Some((session, checkpoint)) = done else {
        return read(cx, file, None);
    };
    if is_continued {
        cx.meter("sessions_continued", 1);
    }
    // In a compressed file the bytes of a checkpoint are nowhere.
    let growth = match checkpoint.filter(|_| !is_compressed) {
        Some(checkpoint) => {
            let prefix = Prefix::of(&mut again, checkpoint.bytes).map_err(trouble)?;
            Some((prefix, checkpoint))
        }
        None => None,
    };
    Ok((session, End { stamp, growth }))
}

/// Gives `read` the whole content of a session, from its start to where it ends now: of a file, expanded when it is
/// compressed, of many files, or of a part of a store.
///
/// # Errors
/// When it is no file, is gone or cannot be read, and what `read` says.
pub(crate) fn read_whole<T>(
    cx: &ActivityCx,
    file: &SessionFile,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<T> {
    let path = std::path::Path::new(&file.path);
    if let Some(part) = &file.part {
        let problem = |problem| match Trouble::from(problem) {
            Trouble::OfFile(why) => io::Error::other(why),
            Trouble::OfAttempt(failure) => io::Error::other(failure.message),
        };
        let store = Store::open(path).map_err(problem)?;
        let inner = store.lines(part, None).map_err(problem)?;
        return read(&mut Counted { inner, cx });
    }
    if file.in_pieces {
        let gone = || io::Error::other("its messages are not there any more");
        let inner = Pieces::of(path).ok_or_else(gone)?.lines()?;
        return read(&mut Counted { inner, cx });
    }
    // Opening a FIFO would wait for a writer, so what it is comes first.
    if let Some(what) = not_a_file(&std::fs::metadata(&file.path)?) {
        return Err(io::Error::other(what));
    }
    let open = File::open(&file.path)?;
    let bytes = open.metadata()?.len();
    let inner = expand::content(open, bytes)?;
    read(&mut Counted { inner, cx })
}

/// What it is, when it is no file.
pub(crate) fn not_a_file(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("is a directory, not a file")
    } else {
        Some(special(kind))
    }
}

#[cfg(unix)]
fn special(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "is a FIFO, not a file"
    } else if kind.is_socket() {
        "is a socket, not a file"
    } else {
        "is a device, not a file"
    }
}

#[cfg(not(unix))]
fn special(_kind: std::fs::FileType) -> &'static str {
    "is not a file"
}

/// A result that says why there is none.
fn unread(file: &SessionFile, why: String) -> MinedSession {
    MinedSession {
        file: Scrubber::shared().scrub(&file.name),
        format: file.format.clone(),
        skipped: vec![Skipped::new(&file.name, 0, why)],
        ..MinedSession::default()
    }
}

/// Counts what is read for progress displays, and stops when the attempt should.
pub(crate) struct Counted<'a, R> {
    inner: R,
    cx: &'a ActivityCx,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cx.is_canceled() {
            return Err(io::Error::other("the attempt was told to stop"));
        }
        let n = self.inner.read(buffer)?;
        self.cx.meter("bytes", n as u64);
        Ok(n)
    }
}

impl Source {
    /// Whether a result of this source may be gone on with for another: only name and size may differ.
    fn is_of(&self, other: &Self) -> bool {
        self.miner_version == other.miner_version
            && self.format == other.format
            && (self.stamp.device, self.stamp.inode) == (other.stamp.device, other.stamp.inode)
    }

    fn of(file: &SessionFile, stamp: Stamp) -> Self {
        Self {
            miner_version: MINER_VERSION,
            name: file.name.clone(),
            format: file.format.clone(),
            stamp,
        }
    }
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let since = metadata
            .modified()
            .ok()
            .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            device: 0,
            inode: 0,
            size: metadata.len(),
            modified_ns: since.map_or(0, |since| {
                i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
            }),
            changed_ns: 0,
        }
    }
}

#[cfg(test)]
mod tests;
