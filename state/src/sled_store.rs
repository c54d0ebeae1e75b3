//! The store on disk. The only file that names sled.
//!
//! Neighbours: the logic is `kv_store`'s; this one makes batches durable and turns every way in
//! which the log can be damaged into an [`Error`]. Must not know what keys and values mean.
//! The layout of the directory, and why each step is synced, is in `docs/FORMAT.md`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::{EventId, HistoryEvent, RunId, RunState, WorkflowId};

use crate::blob::{BlobDir, Digest};
use crate::codec::FORMAT;
use crate::coding_file::{self, Contents, Marked};
use crate::files::{io_error, make_dir, read_if_there, sync_dir, write_whole};
use crate::index::{Find, Place};
use crate::keepsake::Keepsake;
use crate::kv::{Batch, KeyRange, Kv, Order, Pair};
use crate::kv_store::KvStore;
use crate::layered::{self, Base, LAYER_BYTES_MAX, Layered, Visitor};
use crate::owner::{LOCK_FILE, named_owner};
use crate::payload_codec::{Coded, Coding};
use crate::store::{BlobInfo, Commit, Error, KeyValue, Namespace, Receipt, RunInfo, Store};

/// Memory for pages of the log, bytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How long a log may stay locked before another store is said to have it open.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// The file that says what the directory is.
const FORMAT_FILE: &str = "FORMAT";
/// The directory of the log.
const LOG_DIR: &str = "log";
/// The directory of blobs.
const BLOB_DIR: &str = "blobs";
/// The key of the number of the last group in the log.
const GROUP_KEY: &[u8] = b"g\0\0";

/// The store in a state directory.
pub struct SledStore {
    store: KvStore<Coded<DiskKv>>,
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("dir", &self.store.kv().below().dir)
            .finish_non_exhaustive()
    }
}

impl SledStore {
    /// Opens the store in a directory, or makes one when the directory is empty or missing.
    ///
    /// Take the [`Owner`](crate::Owner) of the directory first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a directory that is something else, of a newer version, or damaged;
    /// [`Error::Owned`] while another process has it open.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_with(dir, &Coding::Plain)
    }

    /// As [`open`](Self::open), with values that are encrypted, or coded in another way. How they lie
    /// is decided when the directory is made. With other keys than before, the first one
    /// writes from now on.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`Error::Locked`] when the directory was made in another way
    /// or a key is missing, before anything is changed.
    pub fn open_with(dir: &Path, coding: &Coding) -> Result<Self, Error> {
        Self::open_with_layers(dir, coding, LAYER_BYTES_MAX)
    }

    /// As [`open_with`](Self::open_with), with another size of the journals, so that a short test sees
    /// many moves from the journal to the log.
    ///
    /// # Errors
    /// Those of [`open_with`](Self::open_with).
    #[doc(hidden)]
    pub fn open_with_layers(
        dir: &Path,
        coding: &Coding,
        layer_bytes_max: u64,
    ) -> Result<Self, Error> {
        let contents = if layered::has_begun(dir) || dir.join(BLOB_DIR).exists() {
            Contents::Some
        } else {
            Contents::None
        };
        let marked = check_format(dir, coding, contents)?;
        let codec = coding_file::settle(dir, coding, (contents, marked))?;
        let disk = DiskKv::open(dir, layer_bytes_max)?;
        Ok(Self {
            store: KvStore::new(Coded::new(disk, codec)),
        })
    }

    /// Moves what is in the journal to the log, where it takes less room. This happens by itself
    /// whenever the journal is full.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Corrupt`] of the log. Nothing is lost: the journal keeps it.
    pub fn compact(&self) -> Result<(), Error> {
        self.store.kv().below().keys.move_all()
    }
}

/// Refuses a directory that is not ours or of a version that is not known; marks a new one. Gives
/// whether it was marked as one whose values are coded.
fn check_format(dir: &Path, coding: &Coding, contents: Contents) -> Result<Marked, Error> {
    make_dir(dir)?;
    let path = dir.join(FORMAT_FILE);
    let corrupt = |why: String| Error::Corrupt {
        what: format!("the state directory {}", dir.display()),
        why,
    };
    let ours = format!("openclaw-trace state, format {FORMAT}\n");
    let ours_coded = format!("{ours}coded\n");
    let (wanted, marked) = match coding {
        Coding::Plain => (&ours, Marked::Plain),
        Coding::Compressed
        | Coding::Encrypted(_)
        | Coding::CompressedEncrypted(_)
        | Coding::Codec(_) => (&ours_coded, Marked::Coded),
    };
    let write = || write_whole(&dir.join("FORMAT.new"), &path, wanted.as_bytes());
    let Some(bytes) = read_if_there(&path)? else {
        if let Some(name) = foreign_entry(dir)? {
            return Err(corrupt(format!(
                "it holds {name:?} but no {FORMAT_FILE} file, so it is not a state directory"
            )));
        }
        write()?;
        return Ok(marked);
    };
    let is_ours = bytes == ours.as_bytes() || bytes == ours_coded.as_bytes();
    if is_ours && contents == Contents::None && !coding_file::is_there(dir) {
        // A first start was interrupted, and may have been one with another codec.
        if bytes != wanted.as_bytes() {
            write()?;
        }
        return Ok(marked);
    }
    if bytes == ours.as_bytes() {
        return Ok(Marked::Plain);
    }
    if bytes == ours_coded.as_bytes() {
        return Ok(Marked::Coded);
    }
    let text = String::from_utf8_lossy(&bytes);
    match text
        .trim()
        .strip_prefix("openclaw-trace state, format ")
        .map(str::parse::<u32>)
    {
        Some(Ok(format)) if format > u32::from(FORMAT) => Err(corrupt(format!(
            "it has format {format}, which a newer version wrote; this one knows up to {FORMAT}"
        ))),
        Some(_) | None => Err(corrupt(format!("its {FORMAT_FILE} file is damaged"))),
    }
}

/// Something in a directory that cannot have come from an interrupted first start, if any.
fn foreign_entry(dir: &Path) -> Result<Option<String>, Error> {
    for entry in fs::read_dir(dir).map_err(io_error("list", dir))? {
        let entry = entry.map_err(io_error("list", dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_socket = Path::new(&name).extension().is_some_and(|e| e == "sock");
        if name != LOCK_FILE && name != "FORMAT.new" && !is_socket {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Sorted keys in journals over sled, blobs in files.
struct DiskKv {
    keys: Layered<SledLog>,
    blobs: BlobDir,
    dir: PathBuf,
}

/// sled as the log below.
struct SledLog {
    db: sled::Db,
    dir: PathBuf,
    files: Mutex<LogFiles>,
}

/// What it takes to make the log durable.
struct LogFiles {
    /// sled's own log file, opened a second time: sled does not flush the disk's cache.
    log: File,
    /// Files of sled's outside its log that were synced.
    side_files: BTreeSet<String>,
}

impl DiskKv {
    /// Opens the log. What opening changes in a log that turns out to be damaged is taken back.
    fn open(dir: &Path, layer_bytes_max: u64) -> Result<Self, Error> {
        let log_dir = dir.join(LOG_DIR);
        if in_use_for_long(&log_dir) {
            return Err(Error::Owned {
                pid: named_owner(dir),
            });
        }
        let kept = Keepsake::take(&log_dir)?;
        match Self::open_log(dir, &log_dir, layer_bytes_max) {
            Ok(this) => {
                kept.discard()?;
                Ok(this)
            }
            Err(error @ Error::Corrupt { .. }) => {
                kept.put_back()?;
                Err(error)
            }
            Err(error) => {
                kept.discard()?;
                Err(error)
            }
        }
    }

    fn open_log(dir: &Path, log_dir: &Path, layer_bytes_max: u64) -> Result<Self, Error> {
        let log = match SledLog::open(dir, log_dir) {
            // The first start was interrupted while sled made its files: no group can be missing.
            Err(Error::Corrupt { .. }) if !layered::has_begun(dir) => {
                fs::remove_dir_all(log_dir).map_err(io_error("remove", log_dir))?;
                SledLog::open(dir, log_dir)?
            }
            opened => opened?,
        };
        Ok(Self {
            keys: Layered::open(dir, log, layer_bytes_max)?,
            blobs: BlobDir::open(&dir.join(BLOB_DIR))?,
            dir: dir.to_path_buf(),
        })
    }
}

impl SledLog {
    fn open(dir: &Path, log_dir: &Path) -> Result<Self, Error> {
        remove_unfinished_snapshots(log_dir)?;
        let config = sled::Config::new()
            .path(log_dir)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let db = guarded(dir, "open the log", || config.open())?;
        let log_path = log_dir.join("db");
        let log = OpenOptions::new()
            .write(true)
            .open(&log_path)
            .map_err(io_error("open", &log_path))?;
        sync_new_files(dir, log_dir, &log)?;
        let files = LogFiles {
            log,
            side_files: BTreeSet::new(),
        };
        Ok(Self {
            db,
            dir: dir.to_path_buf(),
            files: Mutex::new(files),
        })
    }

    fn guarded<T>(&self, doing: &str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
        guarded(&self.dir, doing, work)
    }
}

/// Whether another store has the log open: sled locks its log file. A store that was just dropped
/// gives the lock back a moment later, when sled's own threads have ended, so this asks again.
fn in_use_for_long(log_dir: &Path) -> bool {
    let deadline = Instant::now() + LOCK_WAIT;
    let Ok(file) = File::open(log_dir.join("db")) else {
        return false;
    };
    while matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        if Instant::now() >= deadline {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Takes away snapshots that a kill left half written. sled writes one beside the one it replaces and
/// renames it when it is whole, but when it opens a log it reads the one with the last name, renamed or
/// not, and calls the log damaged if that one is torn. Without it the log is read from the one before.
fn remove_unfinished_snapshots(log_dir: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(log_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io_error("list", log_dir))?,
    };
    for entry in entries {
        let path = entry.map_err(io_error("list", log_dir))?.path();
        if path.extension().is_some_and(|e| e == "generating") {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

/// The number of the last group that is in the log; 0 in a new one.
fn group_in(stored: Option<&[u8]>) -> Result<u64, Error> {
    let Some(bytes) = stored else { return Ok(0) };
    let number = bytes
        .strip_prefix(&[FORMAT, 0, 0])
        .and_then(|b| <[u8; 8]>::try_from(b).ok());
    number
        .map(u64::from_be_bytes)
        .ok_or_else(|| Error::Corrupt {
            what: "the log".into(),
            why: "the number of its last group has an unknown form".into(),
        })
}

/// sled makes its files without syncing their names.
fn sync_new_files(dir: &Path, log_dir: &Path, log: &File) -> Result<(), Error> {
    let conf = log_dir.join("conf");
    File::open(&conf)
        .and_then(|f| f.sync_all())
        .map_err(io_error("sync", &conf))?;
    log.sync_all()
        .map_err(io_error("sync the log in", log_dir))?;
    sync_dir(log_dir)?;
    sync_dir(dir)
}

impl LogFiles {
    fn sync(&mut self, dir: &Path) -> Result<(), Error> {
        self.sync_side_files(dir)?;
        self.log
            .sync_data()
            .map_err(io_error("sync the log in", dir))
    }

    /// sled moves large pages out to files that it does not sync. Values are cut so that no page
    /// gets that large; should one do so all the same, it is made durable here.
    fn sync_side_files(&mut self, dir: &Path) -> Result<(), Error> {
        let side_dir = dir.join(LOG_DIR).join("blobs");
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&side_dir).map_err(io_error("list", &side_dir))? {
            let entry = entry.map_err(io_error("list", &side_dir))?;
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
        let new: Vec<_> = names.difference(&self.side_files).collect();
        for name in &new {
            let path = side_dir.join(name);
            match File::open(&path).and_then(|f| f.sync_all()) {
                Ok(()) => {}
                // sled may have taken it away again.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error("sync", &path)(error)),
            }
        }
        if !new.is_empty() {
            sync_dir(&side_dir)?;
        }
        self.side_files = names;
        Ok(())
    }
}

impl Base for SledLog {
    fn group(&self) -> Result<u64, Error> {
        let stored = self.guarded("read the log", || self.db.get(GROUP_KEY))?;
        group_in(stored.as_deref())
    }

    fn write(&self, batch: Batch, group: Option<u64>) -> Result<(), Error> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        if let Some(group) = group {
            let mut number = vec![FORMAT, 0, 0];
            number.extend_from_slice(&group.to_be_bytes());
            writes.insert(GROUP_KEY, number);
        }
        self.guarded("write the log", || {
            self.db.apply_batch(writes)?;
            self.db.flush()
        })?;
        files.sync(&self.dir)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.guarded("read the log", || self.db.get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn visit(
        &self,
        range: &KeyRange,
        order: Order,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), Error> {
        self.guarded("read the log", || {
            let mut pairs = self.db.range(range.from.as_slice()..range.to.as_slice());
            loop {
                let pair = match order {
                    Order::Forward => pairs.next(),
                    Order::Backward => pairs.next_back(),
                };
                let Some(pair) = pair else { return Ok(()) };
                let (key, value) = pair?;
                if visitor(&key, &value).is_break() {
                    return Ok(());
                }
            }
        })
    }
}

impl Kv for DiskKv {
    fn apply(&self, batch: Batch) -> Result<(), Error> {
        self.keys.apply(batch)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.keys.get(key)
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Pair>, Error> {
        self.keys.scan(range, order, limit)
    }

    fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        self.blobs.put(digest, bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.blobs.get(digest)
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.blobs.list(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.blobs.remove(digest)
    }
}

/// Does one thing with sled. On damaged files sled panics in places where others give an error.
fn guarded<T>(dir: &Path, doing: &str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    let corrupt = |why: String| Error::Corrupt {
        what: format!("the log in {}", dir.join(LOG_DIR).display()),
        why: format!("could not {doing}: {why}"),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(source))) => {
            if source.to_string().starts_with("could not acquire lock") {
                return Err(Error::Owned {
                    pid: named_owner(dir),
                });
            }
            let damaged = [
                std::io::ErrorKind::UnexpectedEof,
                std::io::ErrorKind::InvalidData,
            ];
            if damaged.contains(&source.kind()) {
                return Err(corrupt(source.to_string()));
            }
            Err(Error::Io {
                doing: doing.to_owned(),
                source,
            })
        }
        Ok(Err(error)) => Err(corrupt(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(corrupt(format!(
                "it stopped with {:?}",
                text.unwrap_or("no reason")
            )))
        }
    }
}

impl Store for SledStore {
    fn commit(&self, commit: &Commit<'_>) -> Result<Receipt, Error> {
        self.store.commit(commit)
    }

    fn open_runs(&self) -> Result<Vec<RunId>, Error> {
        self.store.open_runs()
    }

    fn load_run(&self, run_id: RunId) -> Result<Option<RunState>, Error> {
        self.store.load_run(run_id)
    }

    fn load_history(
        &self,
        run_id: RunId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<HistoryEvent>, Error> {
        self.store.load_history(run_id, after, limit)
    }

    fn latest_run(&self, workflow_id: &WorkflowId) -> Result<Option<RunId>, Error> {
        self.store.latest_run(workflow_id)
    }

    fn list_runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<RunInfo>, Error> {
        self.store.list_runs(before, limit)
    }

    fn run_info(&self, run_id: RunId) -> Result<Option<RunInfo>, Error> {
        self.store.run_info(run_id)
    }

    fn find(&self, find: &Find, limit: usize) -> Result<Vec<Place>, Error> {
        self.store.find(find, limit)
    }

    fn delete_run(&self, run_id: RunId) -> Result<bool, Error> {
        self.store.delete_run(run_id)
    }

    fn sweep(&self, limit: usize) -> Result<bool, Error> {
        self.store.sweep(limit)
    }

    fn row(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.store.row(namespace, key)
    }

    fn rows(&self, namespace: Namespace) -> Result<Vec<KeyValue>, Error> {
        self.store.rows(namespace)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        self.store.put_blob(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.store.blob(digest)
    }

    fn blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobInfo>, Error> {
        self.store.blobs(after, limit)
    }

    fn remove_blob(&self, digest: &Digest) -> Result<bool, Error> {
        self.store.remove_blob(digest)
    }

    fn visit_values(
        &self,
        after: &[u8],
        limit: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, Error> {
        self.store.visit_values(after, limit, visitor)
    }
}
