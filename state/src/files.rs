//! Small file steps that must be durable, written once.
//!
//! Neighbours: `blob`, `owner` and `sled_store` use these. Must not know what the files mean.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::store::Error;

/// Gives an [`Error::Io`] that says what was tried, on which path.
pub(crate) fn io_error<'a>(
    doing: &'a str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> Error + 'a {
    move |source| Error::Io {
        doing: format!("{doing} {}", path.display()),
        source,
    }
}

/// Makes the names in a directory durable: created, renamed and removed files.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    // Only Unix lets a directory be opened and synced; elsewhere the rename itself has to do.
    if cfg!(unix) {
        let opened = File::open(dir).map_err(io_error("open", dir))?;
        opened.sync_all().map_err(io_error("sync", dir))?;
    }
    Ok(())
}

/// Makes a directory and its parents, and the names of the new ones durable.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        Err(error) => return Err(io_error("make the directory", dir)(error)),
    }
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        Some(_) | None => sync_dir(Path::new(".")),
    }
}

/// Puts a whole file in place: other readers see the old bytes or the new ones, nothing between,
/// also after a power cut. `temporary` must be on the same file system as `target`.
pub(crate) fn write_whole(temporary: &Path, target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = File::create(temporary).map_err(io_error("create", temporary))?;
    file.write_all(bytes)
        .map_err(io_error("write", temporary))?;
    file.sync_data().map_err(io_error("sync", temporary))?;
    drop(file);
    fs::rename(temporary, target).map_err(io_error("put in place", target))?;
    match target.parent() {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// The bytes of a file; `None` when there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}
