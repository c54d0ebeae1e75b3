//! A copy of the log as it was before it was opened, to put back when it turns out to be damaged.
//!
//! The log engine overwrites whatever follows the first damage as soon as it opens a log, before
//! anyone can tell that something is missing. The evidence must stay as it was found.
//! Neighbours: `sled_store` takes one around each opening. Must not know what the files hold.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{io_error, sync_dir};
use crate::store::Error;

/// A log above this is opened without a copy, so that opening never takes long because of one.
const KEPT_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// A copy of a directory, if one could be made.
#[derive(Debug)]
#[must_use]
pub(crate) struct Keepsake {
    original: PathBuf,
    copy: Option<PathBuf>,
}

impl Keepsake {
    /// Copies a directory beside itself, unless it is too large, missing, or the disk is full.
    pub(crate) fn take(original: &Path) -> Result<Self, Error> {
        let path = original.with_extension("before");
        finish_putting_back(original, &path)?;
        // A process that was killed while it opened the log left this one behind. It may be half
        // a copy, and the log may have been written since: it is of no use.
        remove(&path)?;
        let original = original.to_path_buf();
        let fits = size(&original).is_ok_and(|bytes| bytes <= KEPT_BYTES_MAX);
        if fits && copy(&original, &path).is_ok() {
            return Ok(Self {
                original,
                copy: Some(path),
            });
        }
        remove(&path)?;
        Ok(Self {
            original,
            copy: None,
        })
    }

    /// Forgets the copy.
    pub(crate) fn discard(self) -> Result<(), Error> {
        self.copy.as_deref().map_or(Ok(()), remove)
    }

    /// Puts the copy where the original was.
    pub(crate) fn put_back(self) -> Result<(), Error> {
        let Some(copy) = self.copy else { return Ok(()) };
        let tried = self.original.with_extension("tried");
        remove(&tried)?;
        fs::rename(&self.original, &tried).map_err(io_error("move", &self.original))?;
        fs::rename(&copy, &self.original).map_err(io_error("put back", &self.original))?;
        if let Some(parent) = self.original.parent() {
            sync_dir(parent)?;
        }
        remove(&tried)
    }
}

/// A process that was killed while it put a copy back has moved the original away, and maybe not the
/// copy in its place.
fn finish_putting_back(original: &Path, copy: &Path) -> Result<(), Error> {
    let tried = original.with_extension("tried");
    if !tried.exists() {
        return Ok(());
    }
    if !original.exists() && copy.exists() {
        fs::rename(copy, original).map_err(io_error("put back", original))?;
    }
    if original.exists() {
        remove(&tried)?;
    }
    Ok(())
}

fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error("remove", dir)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn size(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes = bytes.saturating_add(if meta.is_dir() {
            size(&entry.path())?
        } else {
            meta.len()
        });
    }
    Ok(bytes)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_comes_back_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::create_dir_all(log.join("blobs")).unwrap();
        fs::write(log.join("db"), b"damaged").unwrap();
        let kept = Keepsake::take(&log).unwrap();
        fs::write(log.join("db"), b"overwritten").unwrap();
        fs::write(log.join("more"), b"new").unwrap();
        kept.put_back().unwrap();
        assert_eq!(fs::read(log.join("db")).unwrap(), b"damaged");
        assert!(!log.join("more").exists() && log.join("blobs").is_dir());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        // Killed between the two steps of putting back, and right after them.
        let _left = Keepsake::take(&log).unwrap();
        fs::rename(&log, dir.path().join("log.tried")).unwrap();
        Keepsake::take(&log).unwrap().discard().unwrap();
        assert_eq!(fs::read(log.join("db")).unwrap(), b"damaged");
        fs::create_dir(dir.path().join("log.tried")).unwrap();
        Keepsake::take(&log).unwrap().discard().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        Keepsake::take(&log).unwrap().discard().unwrap();
        Keepsake::take(&dir.path().join("nothing"))
            .unwrap()
            .put_back()
            .unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
