//! One process owns a state directory.
//!
//! Neighbours: the composition root takes the lock before it opens a store. Must not know what
//! else lies in the directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::files::{io_error, make_dir};
use crate::store::Error;

/// The name of the lock file in the state directory.
pub(crate) const LOCK_FILE: &str = "owner.lock";

/// Proof that this process owns a state directory, until it is dropped or the process dies.
#[derive(Debug)]
pub struct Owner {
    /// The operating system gives the lock back when this closes, whatever way the process ends.
    _lock: File,
}

impl Owner {
    /// Takes the ownership of a directory, which is made when it is missing.
    ///
    /// # Errors
    /// [`Error::Owned`] while another process, or another `Owner` of this one, has it.
    pub fn acquire(dir: &Path) -> Result<Self, Error> {
        make_dir(dir)?;
        let path = dir.join(LOCK_FILE);
        // The file stays when the owner goes: removing it would let two processes lock two files
        // of one name.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Owned {
                    pid: pid_in(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(io_error("write", &path))?;
        Ok(Self { _lock: file })
    }
}

/// The process that the lock file of a directory names, if any.
pub(crate) fn named_owner(dir: &Path) -> Option<u32> {
    pid_in(&mut File::open(dir.join(LOCK_FILE)).ok()?)
}

/// The number in a lock file; its writer may be about to write it.
fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner_at_a_time_and_says_which() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("deep/state");
        let owner = Owner::acquire(&state).unwrap();
        let refused = Owner::acquire(&state).unwrap_err();
        assert!(matches!(refused, Error::Owned { pid } if pid == Some(std::process::id())));
        assert!(
            refused
                .to_string()
                .contains(&std::process::id().to_string())
        );
        drop(owner);
        Owner::acquire(&state).unwrap();
    }
}
